//! Experiments for maintainers, with the parts of simulator and reader and with the real programs. Not shipped.
//!
//! Each experiment answers one question: `corrupt` (what does corruption on the line get past the reader?), `fleet` (how many readers
//! does a bridge bear?), `latency` (how long from the line to a subscriber?), `captures` (what becomes of recorded meters?),
//! `steer` (what does a battery make of our power?). `plot` draws what they find.

pub mod captures;
pub mod cli;
pub mod commands;
pub mod corrupt;
pub mod fleet;
pub mod latency;
pub mod plot;
pub mod steer;
