//! The Energy dashboard without hole or spike: hours of Home Assistant's statistics are corrected after an outage.
//!
//! MQTT cannot carry the past. But a reader keeps an index a minute for two days, and Home Assistant takes statistics through its
//! WebSocket interface. [`interruption`] says when to look, [`notes`] holds what is known of each meter, [`hours`] what its indexes were at
//! each full hour, [`corrections`] which rows are wrong; [`recorder`] speaks to Home Assistant through [`websocket`], and [`task`] puts
//! all of it together. What a sample means and which entities there are stands elsewhere. Begin with [`corrections`], then [`task`].

pub mod corrections;
pub mod hours;
pub mod interruption;
pub mod notes;
pub mod recorder;
pub mod task;
pub mod websocket;
