//! HomeWizard P1, local interface version 1: `GET /api` and `GET /api/v1/data`. Powers are W, energies kWh.
//!
//! Source: HomeWizard's API documentation, v1; `python-homewizard-energy`; SmartEVSE, which counts phases by the keys and needs the currents.
//! `/api` is answered always, since a client that starts must find the meter. Without a value the data are a 503, never an object
//! that lacks a power: clients take that for 0 W.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    grid_meter::{announce::Service, reading::Reading, sum::Total},
    http::message::Answer,
};

/// Who this is.
pub const DEVICE: &str = "/api";
/// What it measures.
pub const DATA: &str = "/api/v1/data";

/// The product, as it names itself.
const TYPE: &str = "HWE-P1";
const NAME: &str = "P1 Meter";

#[derive(Debug, Serialize)]
struct Device<'a> {
    product_type: &'static str,
    product_name: &'static str,
    serial: &'a str,
    firmware_version: &'static str,
    api_version: &'static str,
}

/// Who this is.
#[must_use]
pub fn device(serial: &str) -> Answer {
    Answer::json(200, &Device { product_type: TYPE, product_name: NAME, serial, firmware_version: "4.19", api_version: "v1" })
}

/// What is announced. SmartEVSE takes the first host whose name begins with `p1meter-`.
#[must_use]
pub fn services(serial: &str) -> Vec<Service> {
    let name = format!("p1meter-{}", serial.get(6..).unwrap_or(serial).to_ascii_uppercase());
    let pairs = [("api_enabled", "1"), ("path", "/api/v1"), ("serial", serial), ("product_name", NAME), ("product_type", TYPE)];
    let properties = pairs.map(|(key, value)| (key, value.to_owned())).to_vec();
    vec![Service { kind: "_hwenergy._tcp", name, properties }]
}

/// What it measures.
#[must_use]
pub fn data(total: Option<&Total>, serial: &str) -> Answer {
    let Some(Total { reading, .. }) = total else { return Answer::empty(503) };
    let mut data = fixed(serial);
    data.insert("active_power_w".into(), thousandths(reading.power));
    data.extend(phases(reading));
    data.extend(energy("import", reading.drawn));
    data.extend(energy("export", reading.injected));
    Answer::json(200, &data)
}

fn fixed(serial: &str) -> Map<String, Value> {
    let unique_id: String = serial.bytes().map(|byte| format!("{byte:02x}")).collect();
    let pairs = [
        ("wifi_ssid", json!("wired")),
        ("wifi_strength", json!(100)),
        ("smr_version", json!(50)),
        ("meter_model", json!("Linky")),
        ("unique_id", json!(unique_id)),
        ("active_tariff", json!(1)),
    ];
    pairs.map(|(key, value)| (key.to_owned(), value)).into_iter().collect()
}

/// The keys of phases that the meter has; currents have the sign of their power.
fn phases(reading: &Reading) -> impl Iterator<Item = (String, Value)> {
    reading.phases.iter().zip(1..).flat_map(|(phase, n)| {
        let current = phase.current.map(|current| current.copysign(phase.power));
        let values = [
            (format!("active_power_l{n}_w"), Some(phase.power)),
            (format!("active_voltage_l{n}_v"), phase.voltage),
            (format!("active_current_l{n}_a"), current),
        ];
        values.into_iter().filter_map(|(key, value)| Some((key, thousandths(value?))))
    })
}

/// Some clients add up the tariffs, others take the total: both are the same number, under one tariff.
fn energy(direction: &str, wh: Option<u64>) -> impl Iterator<Item = (String, Value)> {
    let keys = [format!("total_power_{direction}_kwh"), format!("total_power_{direction}_t1_kwh")];
    keys.into_iter().filter_map(move |key| Some((key, kilowatt_hours(wh?))))
}

#[expect(clippy::cast_precision_loss, reason = "an index has nine digits")]
fn kilowatt_hours(wh: u64) -> Value {
    json!(wh as f64 / 1_000.0)
}

fn thousandths(value: f64) -> Value {
    json!((value * 1_000.0).round() / 1_000.0)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::grid_meter::reading::Phase;

    fn total(phases: Vec<Phase>) -> Total {
        let (drawn, injected) = (Some(27_785_280), Some(1_101_330));
        let (measured, frame) = (Instant::now(), Duration::from_secs(1));
        Total { reading: Reading { power: -412.0, phases, drawn, injected, measured, frame }, mean: -405.0 }
    }

    fn said(phases: Vec<Phase>) -> Value {
        serde_json::from_str(&data(Some(&total(phases)), "061861000001").body).unwrap()
    }

    #[test]
    fn one_phase_has_no_keys_of_others() {
        let data = said(vec![Phase { power: -412.0, apparent: -412.0, current: Some(1.760_68), voltage: Some(234.0) }]);
        assert_eq!((&data["active_power_w"], &data["active_power_l1_w"]), (&json!(-412.0), &json!(-412.0)));
        assert_eq!((&data["active_current_l1_a"], &data["active_voltage_l1_v"]), (&json!(-1.761), &json!(234.0)));
        assert!(data.as_object().unwrap().keys().all(|key| !key.contains("l2") && !key.contains("l3")), "{data}");
    }

    #[test]
    fn tariffs_add_up_to_the_total_in_kwh() {
        let data = said(Vec::new());
        for (direction, expected) in [("import", 27_785.28), ("export", 1_101.33)] {
            assert_eq!(data[format!("total_power_{direction}_kwh")], json!(expected));
            assert_eq!(data[format!("total_power_{direction}_t1_kwh")], json!(expected));
        }
    }

    #[test]
    fn it_is_found_without_a_value_but_tells_none() {
        assert_eq!(data(None, "061861000001"), Answer::empty(503));
        let device = device("061861000001");
        assert!(device.body.contains(r#""product_type":"HWE-P1""#) && device.body.contains(r#""api_version":"v1""#), "{}", device.body);
    }
}
