//! A Linky meter on a pseudo-terminal, a replayer of captures, a decoder for the desk, a fleet for load tests.
//!
//! The parts are here and not in the binary, so that tests, benchmarks and the demonstration put them together
//! in their own ways: a [`source::Source`] sends bytes (a [`meter::Meter`], a capture), wrappers damage them or add
//! parity, and [`player::play`] puts them on a [`pty::Terminal`] at the pace of the line.

pub mod chain;
pub mod cli;
pub mod corrupt;
pub mod decode;
pub mod failure;
pub mod fault;
pub mod fleet;
pub mod frame;
pub mod json;
pub mod meter;
pub mod pace;
pub mod player;
pub mod pty;
pub mod replay;
pub mod rng;
pub mod run;
pub mod source;
pub mod stop;
pub mod truth;
