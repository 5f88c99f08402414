//! The figures of all meters and of the bridge, for programs that collect them, such as Prometheus; pure.
//!
//! What is told stands in tables, one row a family: [`meters`] of each meter, [`bridge`] of the bridge itself; [`members`] joins those of a group. [`exposition`] writes them as text.
//! Who may ask, and how, is in [`crate::page`].

pub mod bridge;
pub mod exposition;
pub mod members;
pub mod meters;

use std::time::Instant;

use crate::{hub::Hub, metrics::exposition::Family};

/// Everything that is told at this time.
#[must_use]
pub fn families(hub: &Hub, now: Instant) -> Vec<Family> {
    meters::families(hub, now).chain(bridge::families(hub)).collect()
}
