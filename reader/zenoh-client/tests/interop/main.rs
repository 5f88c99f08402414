//! The reader's Zenoh client against the real `zenoh` crate as the router: everything the bridge relies on.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by a panic")]

mod faults;
mod harness;
mod recovery;
mod routing;
mod scouting;
mod security;
