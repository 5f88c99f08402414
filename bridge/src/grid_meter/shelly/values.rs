//! What a Shelly measures: the results of `EM.GetStatus` and `EMData.GetStatus`, with their keys in the order of a real one.
//!
//! Every number has a decimal point, since a B2500 reads no other. What a Linky does not tell has its nominal value: 50 Hz, and in
//! historic mode 230 V.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;

use crate::grid_meter::{
    reading::{PHASES, Phase},
    sum::Total,
};

const LETTERS: [&str; PHASES] = ["a", "b", "c"];
const NOMINAL_VOLTS: f64 = 230.0;
const NOMINAL_HERTZ: f64 = 50.0;

/// A JSON object whose keys stay in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Object(Vec<(String, Value)>);

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        self.0.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        map.end()
    }
}

impl Object {
    /// As text.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Powers, currents and voltages.
#[must_use]
pub fn power(total: &Total) -> Object {
    object(&total.reading.phases, total.reading.power)
}

/// The same without values: there are none.
#[must_use]
pub fn none() -> Object {
    let mut object = object(&[], 0.0);
    object.0.iter_mut().filter(|(_, value)| value.is_f64()).for_each(|(_, value)| *value = Value::Null);
    object
}

fn object(phases: &[Phase], power: f64) -> Object {
    let of_phases = LETTERS
        .iter()
        .enumerate()
        .flat_map(|(n, letter)| of_phase(phases.get(n)).into_iter().map(move |(name, value)| (format!("{letter}_{name}"), value)));
    let sum = |of: fn(&Phase) -> f64| phases.iter().map(of).sum::<f64>();
    let totals = [
        ("n_current", Value::Null),
        ("total_current", rounded(sum(current), 3)),
        ("total_act_power", rounded(power, 3)),
        ("total_aprt_power", rounded(sum(|phase| phase.apparent.abs()), 3)),
        ("user_calibrated_phase", Value::Array(Vec::new())),
    ];
    let id = std::iter::once(("id".to_owned(), Value::from(0)));
    Object(id.chain(of_phases).chain(totals.map(|(name, value)| (name.to_owned(), value))).collect())
}

/// Energies; `None` before the meter has told an index.
#[must_use]
pub fn energy(total: &Total) -> Option<Object> {
    let (drawn, injected) = (total.reading.drawn?, total.reading.injected.unwrap_or_default());
    let (drawn, injected, none) = (watt_hours(drawn), watt_hours(injected), rounded(0.0, 0));
    let of_phases = LETTERS.iter().enumerate().flat_map(|(n, letter)| {
        let pair = if n == 0 { [drawn.clone(), injected.clone()] } else { [none.clone(), none.clone()] };
        ["total_act_energy", "total_act_ret_energy"].into_iter().zip(pair).map(move |(name, value)| (format!("{letter}_{name}"), value))
    });
    let id = std::iter::once(("id".to_owned(), Value::from(0)));
    let totals = [("total_act", drawn.clone()), ("total_act_ret", injected.clone())];
    Some(Object(id.chain(of_phases).chain(totals.map(|(name, value)| (name.to_owned(), value))).collect()))
}

fn of_phase(phase: Option<&Phase>) -> [(&'static str, Value); 6] {
    let none = Phase { power: 0.0, apparent: 0.0, current: Some(0.0), voltage: Some(0.0) };
    let phase = phase.unwrap_or(&none);
    let factor = if phase.apparent == 0.0 { 0.0 } else { (phase.power / phase.apparent).abs().min(1.0) };
    [
        ("current", rounded(current(phase), 3)),
        ("voltage", rounded(phase.voltage.unwrap_or(NOMINAL_VOLTS), 1)),
        ("act_power", rounded(phase.power, 1)),
        ("aprt_power", rounded(phase.apparent.abs(), 1)),
        ("pf", rounded(factor, 2)),
        ("freq", rounded(NOMINAL_HERTZ, 1)),
    ]
}

fn current(phase: &Phase) -> f64 {
    phase.current.unwrap_or_else(|| phase.apparent.abs() / phase.voltage.unwrap_or(NOMINAL_VOLTS))
}

/// A number that is written with a decimal point.
fn rounded(value: f64, decimals: i32) -> Value {
    let scale = 10_f64.powi(decimals);
    // Adding 0 makes a negative zero positive.
    Value::from((value * scale).round() / scale + 0.0)
}

#[expect(clippy::cast_precision_loss, reason = "an index has nine digits")]
fn watt_hours(wh: u64) -> Value {
    rounded(wh as f64, 0)
}

#[cfg(test)]
pub(in crate::grid_meter) mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::grid_meter::reading::Reading;

    /// What a meter of one phase tells that injects 412 W.
    pub(in crate::grid_meter) fn total() -> Total {
        let phase = Phase { power: -412.0, apparent: -420.0, current: Some(1.794_9), voltage: Some(234.0) };
        let (drawn, injected) = (Some(27_785_280), Some(1_101_330));
        let (measured, frame) = (Instant::now(), Duration::from_secs(1));
        Total { reading: Reading { power: -412.0, phases: vec![phase], drawn, injected, measured, frame }, mean: -405.0 }
    }

    #[test]
    fn keys_units_and_order_are_those_of_a_real_one() {
        let text = power(&total()).text();
        let a = r#"{"id":0,"a_current":1.795,"a_voltage":234.0,"a_act_power":-412.0,"a_aprt_power":420.0,"a_pf":0.98,"a_freq":50.0,"b_current":0.0,"#;
        let end = r#""c_freq":50.0,"n_current":null,"total_current":1.795,"total_act_power":-412.0,"total_aprt_power":420.0,"user_calibrated_phase":[]}"#;
        assert!(text.starts_with(a) && text.ends_with(end), "{text}");
        let text = energy(&total()).unwrap().text();
        assert!(text.starts_with(r#"{"id":0,"a_total_act_energy":27785280.0,"a_total_act_ret_energy":1101330.0,"b_"#), "{text}");
        assert!(text.ends_with(r#""total_act":27785280.0,"total_act_ret":1101330.0}"#), "{text}");
    }

    #[test]
    fn three_phases_add_up() {
        let mut total = total();
        let phase = |power| Phase { power, apparent: power, current: None, voltage: None };
        total.reading = Reading { power: 690.0, phases: vec![phase(460.0), phase(-230.0), phase(460.0)], ..total.reading };
        let told: Value = serde_json::from_str(&power(&total).text()).unwrap();
        let sum: f64 = ["a", "b", "c"].iter().map(|letter| told[format!("{letter}_act_power")].as_f64().unwrap()).sum();
        assert_eq!((sum, &told["total_act_power"], &told["total_current"]), (690.0, &Value::from(690.0), &Value::from(5.0)));
    }

    #[test]
    fn without_a_value_nothing_is_a_number() {
        let told: Value = serde_json::from_str(&none().text()).unwrap();
        assert!(told.as_object().unwrap().iter().all(|(key, value)| key == "id" || !value.is_number()), "{told}");
        let mut total = total();
        total.reading.drawn = None;
        assert_eq!(energy(&total), None);
    }
}
