//! The Energy dashboard without hole or spike: hours of Home Assistant's statistics are corrected after an outage.
//!
//! MQTT cannot carry the past. But a reader keeps an index a minute for two days, and Home Assistant takes statistics through its
//! WebSocket interface. [`interruption`] says when to look, [`notes`] holds what is known of each meter, [`hours`] what its indexes were at
//! each full hour, [`corrections`] which rows are wrong; [`recorder`] speaks to Home Assistant through [`websocket`], whose messages [`answer`] reads and whose rows [`told`] bounds, and [`task`] puts
//! all of it together. Costs follow the energy: [`prices`] are what a kWh cost in each hour, [`costs`] what follows from that, [`repairs`]
//! what is under way, on disk, and [`settle`] brings it to its end. Whole statistics
//! are read and written by [`series`]. What a sample means and which entities there are stands elsewhere. Begin with [`corrections`], then [`task`].

pub mod answer;
pub mod corrections;
pub mod costs;
pub mod hours;
pub mod interruption;
pub mod notes;
pub mod prices;
pub mod recorder;
pub mod registry;
pub mod repairs;
pub mod series;
pub mod settle;
pub mod task;
pub mod told;
pub mod websocket;
