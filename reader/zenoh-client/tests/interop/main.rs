//! The client against the real `zenoh` crate as the router, and what a router does to it: restarts, silence, refusals.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by a panic")]

mod examples;
mod faults;
mod harness;
mod recovery;
mod routing;
mod scouting;
mod security;
