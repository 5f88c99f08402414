//! The memory of the bridge: what each register of each meter showed at each full hour, for ever, and at each full minute, for some weeks.
//!
//! [`readings`] are what a sample shows. [`segments`] makes of two of them what an index was at each full minute between. [`block`] says how that lies in the [`mod@file`],
//! which the thread of the [`keeper`] writes. [`periods`] and [`prices`] make energies and costs of half hours, days and months of it, [`export`] a table of those. [`fill`] says
//! which hours of somebody else it takes, and [`handed`] is how they come; [`shared`] is what members of a group remember together.
//! What a meter shows is judged before, in [`crate::energy`].

pub mod block;
pub mod export;
pub mod file;
pub mod fill;
pub mod handed;
pub mod keeper;
pub mod periods;
pub mod prices;
pub mod readings;
pub mod segments;
pub mod shared;
