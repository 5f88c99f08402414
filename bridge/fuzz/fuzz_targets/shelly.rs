//! Any bytes as a request to a Shelly, by UDP, WebSocket or POST, and any name in a path: JSON comes back or nothing, never anything long.
#![no_main]

use std::time::{Duration, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use teleinfo_bridge_fuzz::{
    Measured,
    grid_meter::shelly::{
        methods::Moment,
        rpc::{self, Asked},
    },
};

/// An answer by UDP fits into one datagram; the longest answer of all is that of every status.
const LONGEST: usize = 8_192;

#[derive(arbitrary::Arbitrary, Debug)]
struct Input<'a> {
    measured: Option<Measured>,
    name: &'a str,
    bytes: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let total = input.measured.as_ref().map(Measured::total);
    let moment = Moment { serial: "0a1861000001", total: total.as_ref(), uptime: Duration::from_secs(1), wall: UNIX_EPOCH };
    // A datagram and a body are bounded where they are received.
    let bytes = &input.bytes[..input.bytes.len().min(1_024)];
    if let Some(asked) = Asked::new(bytes) {
        let (answer, has_result) = asked.answer(&moment);
        let said: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(said.get("result").is_some(), has_result);
        assert!(answer.len() < LONGEST + bytes.len());
    }
    let (status, answer) = rpc::call(input.name, &moment);
    assert!([200, 404, 500].contains(&status) && serde_json::from_str::<Value>(&answer).is_ok());
    assert!(total.is_some() || status != 200 || !answer.contains("act_power"), "a power where there is none");
    let notice = rpc::notice(input.name, "null", None, &moment);
    assert!(serde_json::from_str::<Value>(&notice).is_ok());
});
