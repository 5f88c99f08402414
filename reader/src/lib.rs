//! The reader: a meter's serial line in, Zenoh samples out. One thread around one loop.
//!
//! `reading` is the heart: bytes to samples, without I/O, driven through days in a second by tests. `line` carries out its orders, `uplink`
//! seals and sends its samples, `trust` knows for whom, `history` keeps them, `led` shows that they flow, and `run` is the loop around all of them. `doctor` and `monitor` look
//! at a meter without a loop. `config` and `daemon` are what any service needs. Only what experiments and tests drive is public. See
//! `docs/code-structure.md`.

mod advice;
pub mod cli;
mod config;
mod daemon;
mod doctor;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod history;
mod led;
mod line;
mod monitor;
pub mod reading;
mod run;
pub mod telnet;
pub mod trust;
pub mod uplink;

use teleinfo_people::{journal, language, terminal};
