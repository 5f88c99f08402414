//! The bridge as a program: a reader (the real `zenoh` crate, which answers for its history too), the bridge's own process, and a real
//! broker (Mosquitto) or the embedded MQTT side, watched by an MQTT client.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![allow(unreachable_pub, reason = "the modules of a test")]

mod disk;
mod doctor;
mod ear;
mod embedded;
mod external;
mod forget;
mod guest;
mod observer;
mod outage;
mod program;
mod proxy;
mod reader;
mod refusals;
mod start;
mod tls;

use std::time::{Duration, Instant};

use teleinfo_simulator::chain::process;

pub use teleinfo_simulator::chain::broker::Broker;

/// Longer than anything takes on a busy machine; a test that passes never waits so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A port nobody listens on now.
pub fn free_port() -> u16 {
    process::free_port().unwrap()
}

/// Waits until `look` finds something.
pub async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
