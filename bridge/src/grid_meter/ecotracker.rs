//! everHome EcoTracker: `GET /v1/json`. Powers are whole W, energies whole Wh.
//!
//! Source: everHome's developer page, and the client `ecotracker` on PyPI. Without a value the answer is 503.

use std::{net::Ipv4Addr, time::Instant};

use serde::Serialize;

use crate::{
    grid_meter::{announce::Service, reading::PHASES, sum::Total},
    http::message::Answer,
};

/// The one path.
pub const PATH: &str = "/v1/json";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    power: i64,
    power_avg: i64,
    /// In ms.
    age_power: u64,
    power_phase1: i64,
    power_phase2: i64,
    power_phase3: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    energy_counter_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    energy_counter_out: Option<u64>,
    serial: &'a str,
}

/// What is announced: as avahi shows a real one.
#[must_use]
pub fn services(serial: &str, own: Option<Ipv4Addr>) -> Vec<Service> {
    let ip = own.map(|ip| ("ip", ip.to_string()));
    let properties = ip.into_iter().chain([("serial", serial.to_owned()), ("productid", "1137".to_owned())]).collect();
    vec![Service { kind: "_everhome._tcp", name: format!("ecotracker-{}", serial.to_ascii_uppercase()), properties }]
}

/// What is answered.
#[must_use]
pub fn answer(total: Option<&Total>, serial: &str, now: Instant) -> Answer {
    let Some(Total { reading, mean }) = total else { return Answer::empty(503) };
    let phase = |n: usize| reading.phases.get(n).map_or(0, |phase| whole(phase.power));
    let [power_phase1, power_phase2, power_phase3] = [0, 1, PHASES - 1].map(phase);
    let data = Data {
        power: whole(reading.power),
        power_avg: whole(*mean),
        age_power: u64::try_from(reading.age(now).as_millis()).unwrap_or(u64::MAX),
        power_phase1,
        power_phase2,
        power_phase3,
        energy_counter_in: reading.drawn,
        energy_counter_out: reading.injected,
        serial,
    };
    Answer::json(200, &data)
}

/// The power of a house has at most five digits.
#[expect(clippy::cast_possible_truncation, reason = "a power in W is far below 2^52")]
const fn whole(watts: f64) -> i64 {
    watts.round() as i64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::grid_meter::reading::{Phase, Reading};

    #[test]
    fn it_says_what_a_real_one_says() {
        let measured = Instant::now();
        let phase = Phase { power: -412.0, apparent: -412.0, current: Some(1.76), voltage: Some(234.0) };
        let (drawn, injected) = (Some(27_785_280), Some(1_101_330));
        let reading = Reading { power: -412.0, phases: vec![phase], drawn, injected, measured, frame: Duration::from_secs(1) };
        let total = Total { reading, mean: -405.4 };
        let answer = answer(Some(&total), "021861000001", measured + Duration::from_millis(700));
        let expected = r#"{"power":-412,"powerAvg":-405,"agePower":700,"powerPhase1":-412,"powerPhase2":0,"powerPhase3":0,"energyCounterIn":27785280,"energyCounterOut":1101330,"serial":"021861000001"}"#;
        assert_eq!((answer.status, answer.body.as_str()), (200, expected));
    }

    #[test]
    fn no_value_is_an_error() {
        assert_eq!(answer(None, "021861000001", Instant::now()), Answer::empty(503));
    }
}
