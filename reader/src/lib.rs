//! The reader: a meter's serial line in, Zenoh samples out. One thread around one loop.
//!
//! `run` is the loop; everything that knows about time (`reading`, `led`) is a state machine that takes `now` and can be
//! driven through an hour in a millisecond. See `docs/code-structure.md`.

pub mod advice;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod doctor;
pub mod history;
pub mod language;
pub mod led;
pub mod line;
pub mod monitor;
pub mod reading;
pub mod run;
pub mod uplink;
