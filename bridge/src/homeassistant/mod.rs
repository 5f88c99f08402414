//! What Home Assistant is told of a meter: its entities, their discovery, the way over from other programs.
//!
//! Samples and their order stand elsewhere. An entity is a line in [`entities`]; [`announcer`] decides when they are announced. Begin there.
//!
//! To add an entity, add its line to [`entities`]. If it reads a value that is not published yet, the tests of `tables` name the path; if
//! it needs more than a label, [`shown::Feature`] gets a variant and the compiler leads on; `tests/snapshots` show what Home Assistant gets.

pub mod announced;
pub mod announcer;
pub mod bridge_device;
mod choices;
pub mod component;
pub mod discovery;
pub mod energies;
pub mod entities;
pub mod entity;
pub mod home;
pub mod home_power;
pub mod memory;
pub mod predecessor;
pub mod presentation;
pub mod shown;
pub mod statistic;
pub mod subject;
#[cfg(test)]
mod tables;
pub mod takeover;
