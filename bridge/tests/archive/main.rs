//! The memory of the page, held against the truth of a simulated meter, and killed at random moments.
//!
//! By itself it plays one day, kills ten writers and cuts the power forty times. `cargo test --release --test archive -- --ignored --nocapture` plays thirty days, kills a
//! thousand and cuts the power as often; `fills_a_memory` makes one of more than a year for the tests in a browser.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod agreement;
mod crash;
mod filled;
mod power_cut;

use std::path::Path;

use teleinfo_bridge::archive::keeper::Archive;

/// A memory that has nothing to complain of.
fn started(directory: Option<&Path>) -> Archive {
    Archive::start(directory, Box::new(|text| panic!("{text}"))).unwrap()
}
