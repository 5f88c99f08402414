//! Frames of JSON-RPC: what is asked, and what is answered. Pure; whatever the network sends is either a frame or nothing.

use serde::Deserialize;
use serde_json::Value;

use crate::grid_meter::shelly::methods::{DEVICE_INFO, Failing, Moment, device_id};

/// The code of "no power data" is ours: the documentation has none for it.
const NO_VALUE: i32 = -103;
const NO_METHOD: i32 = 404;
/// What a client may call itself; longer names are cut.
const NAME_MAX: usize = 64;

/// One frame that asks.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Asked {
    /// What its answer is told by: a number, or a text.
    #[serde(default)]
    id: Value,
    /// What the client calls itself.
    #[serde(default)]
    src: Option<String>,
    /// What it wants to know.
    method: String,
}

impl Asked {
    /// Takes one frame; what is none is nothing.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let Self { id, src, method } = serde_json::from_slice(bytes).ok()?;
        let id = if id.is_number() || id.is_string() { id } else { Value::Null };
        let src = src.map(|src| src.chars().take(NAME_MAX).collect());
        Some(Self { id, src, method })
    }

    /// What the client calls itself.
    #[must_use]
    pub fn src(&self) -> Option<&str> {
        self.src.as_deref()
    }

    /// The whole frame of the answer, and whether it holds a result.
    #[must_use]
    pub fn answer(&self, moment: &Moment<'_>) -> (String, bool) {
        let (key, value) = match moment.call(&self.method) {
            Ok(result) => ("result", result),
            Err(failing) => ("error", error(failing, &self.method).1),
        };
        let (src, dst) = (device_id(moment.serial), text(self.src.as_deref().unwrap_or("unknown")));
        (format!(r#"{{"id":{},"src":"{src}","dst":{dst},"{key}":{value}}}"#, self.id), key == "result")
    }
}

/// The status and the body for a method that is named in the path.
#[must_use]
pub fn call(method: &str, moment: &Moment<'_>) -> (u16, String) {
    moment.call(method).map_or_else(|failing| error(failing, method), |result| (200, result))
}

/// Who this is: it is said with and without a value.
#[must_use]
pub fn device_info(moment: &Moment<'_>) -> (u16, String) {
    call(DEVICE_INFO, moment)
}

/// The frame that tells a client of a new value, or of none.
#[must_use]
pub fn notice(dst: &str, power: &str, energy: Option<&str>, moment: &Moment<'_>) -> String {
    let unix = moment.wall.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let (src, dst) = (device_id(moment.serial), text(dst));
    let energy = energy.map(|energy| format!(r#","emdata:0":{energy}"#)).unwrap_or_default();
    format!(r#"{{"src":"{src}","dst":{dst},"method":"NotifyStatus","params":{{"ts":{unix:.2},"em:0":{power}{energy}}}}}"#)
}

fn error(failing: Failing, method: &str) -> (u16, String) {
    let (status, code, message) = match failing {
        Failing::NoMethod => (404, NO_METHOD, format!("No handler for {}", method.chars().take(NAME_MAX).collect::<String>())),
        Failing::NoValue => (500, NO_VALUE, "no power data".to_owned()),
    };
    (status, format!(r#"{{"code":{code},"message":{}}}"#, text(&message)))
}

/// As JSON writes it.
fn text(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;
    use crate::grid_meter::shelly::values::{self, tests::total};

    const NOTHING: Moment<'_> = Moment { serial: "0a1861000001", total: None, uptime: Duration::ZERO, wall: UNIX_EPOCH };

    fn answer(frame: &str, moment: &Moment<'_>) -> Value {
        serde_json::from_str(&Asked::new(frame.as_bytes()).unwrap().answer(moment).0).unwrap()
    }

    #[test]
    fn an_answer_names_who_asked_and_what() {
        let total = total();
        let moment = Moment { total: Some(&total), ..NOTHING };
        let said = answer(r#"{"id":7,"src":"aios-1","method":"EM.GetStatus","params":{"id":0}}"#, &moment);
        assert_eq!((&said["id"], &said["dst"], &said["src"]), (&Value::from(7), &"aios-1".into(), &"shellypro3em-0a1861000001".into()));
        assert_eq!(said["result"]["total_act_power"], Value::from(-412.0));
        let whole = Asked::new(br#"{"id":1,"method":"EM.GetStatus"}"#).unwrap().answer(&moment).0;
        assert!(whole.len() >= 250 && whole.len() < 1_400 && !whole.contains(' '), "{} bytes", whole.len());
    }

    #[test]
    fn without_a_value_or_a_handler_there_is_an_error() {
        assert_eq!(answer(r#"{"id":"x","method":"EM.GetStatus"}"#, &NOTHING)["error"]["code"], Value::from(-103));
        assert_eq!(
            answer(r#"{"id":1,"method":"Shelly.Reboot"}"#, &NOTHING)["error"]["message"],
            Value::from("No handler for Shelly.Reboot")
        );
        assert_eq!(call("EM.GetStatus", &NOTHING), (500, r#"{"code":-103,"message":"no power data"}"#.into()));
        assert_eq!(call("Shelly.Update", &NOTHING).0, 404);
        assert_eq!(device_info(&NOTHING).0, 200);
    }

    #[test]
    fn a_notice_is_json() {
        let power = values::none().text();
        let said: Value = serde_json::from_str(&notice("a\"b", &power, None, &NOTHING)).unwrap();
        assert_eq!((&said["method"], &said["params"]["em:0"]["total_act_power"]), (&"NotifyStatus".into(), &Value::Null));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_answered_with_json_or_not_at_all(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(asked) = Asked::new(&bytes) {
                prop_assert!(serde_json::from_str::<Value>(&asked.answer(&NOTHING).0).is_ok());
            }
        }

        #[test]
        fn whatever_is_named_is_answered_with_json(id in any::<i64>(), src in ".{0,200}", method in ".{0,200}") {
            let frame = serde_json::json!({"id": id, "src": src, "method": method}).to_string();
            let (answer, _) = Asked::new(frame.as_bytes()).unwrap().answer(&NOTHING);
            let said: Value = serde_json::from_str(&answer).unwrap();
            prop_assert_eq!(&said["id"], &Value::from(id));
            prop_assert!(answer.len() < 4_096);
        }
    }
}
