//! The Energy dashboard without hole or spike: hours of Home Assistant's statistics are corrected after an outage.
//!
//! [`backfill`] says when, [`hours`] what the indexes were, [`corrections`] which rows are wrong, [`websocket`] how Home Assistant is told.
//! Begin with [`corrections`].

pub mod backfill;
pub mod corrections;
pub mod hours;
pub mod websocket;
