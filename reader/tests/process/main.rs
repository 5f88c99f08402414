//! The whole program: the real binary, a real pseudo-terminal as the meter's line, the real `zenoh` crate as the bridge's router.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what it expects and ends otherwise")]

mod bench;
mod doctor;
mod far;
mod messages;
mod monitor;
mod news;
mod reading;
