//! One power, as it is said: signed, with how far it may be off and how it was found.

use std::time::Duration;

use serde::Serialize;

/// How a power was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// From the apparent power, by the power factor that was learnt of such a load.
    Levels,
    /// The same, for a load that was never measured yet.
    Start,
    /// From the current: the meter shows no injected power.
    Current,
    /// Nothing flows, as far as the meter shows.
    Zero,
}

/// The power at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power {
    /// In W: positive when drawn from the grid.
    pub watts: i64,
    /// How far it may be off, in W.
    pub resolution: u64,
    /// How it was found.
    pub method: Method,
    /// The apparent power in VA, with the same sign.
    pub apparent: i64,
    /// The same for each phase, in W, where the meter says.
    pub phases: Option<[i64; 3]>,
    /// When it was read, by the reader's clock that is never set.
    pub at: Duration,
}

/// The JSON of `teleinfo/<meter>/power`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PowerMessage {
    power: i64,
    resolution: u64,
    method: Method,
    apparent: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pf: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phases: Option<[i64; 3]>,
    time: String,
}

impl Power {
    /// As it is published, with the time of day at which it was read.
    #[must_use]
    pub fn message(&self, time: String) -> PowerMessage {
        PowerMessage {
            power: self.watts,
            resolution: self.resolution,
            method: self.method,
            apparent: self.apparent,
            pf: self.factor().map(|factor| (factor * 1_000.0).round() / 1_000.0),
            phases: self.phases,
            time,
        }
    }

    fn factor(&self) -> Option<f64> {
        (self.apparent != 0).then(|| self.watts as f64 / self.apparent as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// People steer by these names: add some, but do not change this test.
    #[test]
    fn names_that_others_rely_on() {
        let power = Power { watts: -512, resolution: 40, method: Method::Levels, apparent: -640, phases: None, at: Duration::ZERO };
        let json = serde_json::to_string(&power.message("2026-11-28T12:00:00.250Z".into())).unwrap();
        let expected = r#"{"power":-512,"resolution":40,"method":"levels","apparent":-640,"pf":0.8,"time":"2026-11-28T12:00:00.250Z"}"#;
        assert_eq!(json, expected);
        let three = Power { phases: Some([1, 2, -515]), apparent: 0, method: Method::Zero, ..power };
        let json = serde_json::to_value(three.message(String::new())).unwrap();
        assert_eq!((&json["phases"], &json["method"], json.get("pf")), (&serde_json::json!([1, 2, -515]), &"zero".into(), None));
    }
}
