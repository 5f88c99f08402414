//! One meter: its merged state and everything that follows from it. Pure; no topic of MQTT, no entity of Home Assistant.
//!
//! [`state`] merges samples; [`derived`], [`events`] and [`power`] follow from it, and [`told`] is what events are a difference from;
//! [`steering`] feeds the signed power, which is told before its frame ends, and how far the cut-off is;
//! [`presence`] and [`reception`] say whether and how well it is read; [`payload`] writes it as JSON. [`profile_hours`] finds out how the
//! hours of a profile are to be read, and [`said`] hands them to `hours`. [`record`] picks what is written
//! elsewhere. Begin with [`state`].

pub mod agreement;
pub mod cadence;
pub mod derived;
pub mod events;
pub mod figures;
pub mod payload;
pub mod power;
pub mod presence;
pub mod pricing;
pub mod profile_hours;
pub mod reception;
pub mod record;
pub mod said;
pub mod state;
pub mod steering;
pub mod tariff_names;
pub mod terms;
pub mod told;
pub mod tomorrow;
