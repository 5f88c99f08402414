//! The figures of each meter, written to InfluxDB or to Telegraf, each with the time at which the meter showed it: those of now, and those that come late.
//!
//! Samples are picked by [`crate::meter::record`]; [`mod@line`] writes them as lines (InfluxDB line protocol, v2), [`queue`] says what is sent when and what is given up, [`task`] sends.
//! Only the task waits for a server. Where nothing is wanted, no sample is picked.

pub mod line;
pub mod queue;
pub mod setup;
pub mod task;
