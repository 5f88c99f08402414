//! A Linky meter on a pseudo-terminal, a replayer of captures, a decoder for the desk, and a demonstration of the whole chain.
//!
//! The parts are here and not in the binary, so that tests, benchmarks and the demonstration put them together
//! in their own ways: a [`line::source::Source`] sends bytes (a [`meter::Meter`], a capture), wrappers damage them or add
//! parity, and [`line::player::play`] puts them on a [`line::pty::Terminal`] at the speed of the line.

pub mod capture;
pub mod chain;
pub mod cli;
pub mod commands;
pub mod failure;
pub mod fault;
pub mod line;
pub mod meter;
pub mod rng;
