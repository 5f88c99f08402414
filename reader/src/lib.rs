//! The reader: a meter's serial line in, Zenoh samples out. One thread around one loop.
//!
//! `run` is the loop; everything that knows about time (`detect`, `session`, `led`) is a state machine that takes `now` and can be
//! driven through an hour in a millisecond. See `docs/code-structure.md`.

pub mod assembly;
pub mod cli;
pub mod config;
pub mod credentials;
pub mod detect;
pub mod diagnosis;
pub mod doctor;
pub mod doubts;
pub mod exit;
pub mod history;
pub mod language;
pub mod led;
pub mod line;
pub mod listener;
pub mod logging;
pub mod monitor;
pub mod notify;
pub mod plausibility;
pub mod publisher;
pub mod receive;
pub mod run;
pub mod session;
pub mod settings;
pub mod signals;
pub mod syntax;
mod trouble;
