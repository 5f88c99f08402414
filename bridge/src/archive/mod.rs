//! The memory of the bridge: what each register of each meter showed at each full hour, for ever, and at each full minute, for some weeks.
//!
//! [`readings`] picks the samples on both sides of a minute, [`segments`] makes of them what an index was at that minute, [`block`] says how it lies in the [`mod@file`], and [`keeper`] is the thread that writes and reads it.
//! [`periods`] and [`prices`] make energies and costs of half hours, days and months of it, [`export`] a table of those. What a meter shows is judged before, in [`crate::energy`].

pub mod block;
pub mod export;
pub mod file;
pub mod keeper;
pub mod periods;
pub mod prices;
pub mod readings;
pub mod segments;
