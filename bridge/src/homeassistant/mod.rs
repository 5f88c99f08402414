//! What Home Assistant is told of a meter: its entities, their discovery, the way over from other programs.
//!
//! Samples and their order stand elsewhere. An entity is a line in [`entities`]; [`announcer`] decides when they are announced. Begin there.

pub mod announcer;
mod choices;
pub mod component;
pub mod discovery;
pub mod entities;
pub mod entity;
pub mod memory;
pub mod predecessor;
pub mod presentation;
pub mod shown;
pub mod statistic;
#[cfg(test)]
mod tables;
pub mod takeover;
