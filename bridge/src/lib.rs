//! Samples in, MQTT out. See `docs/code-structure.md`.
//!
//! In the order to read: [`words`] everybody may say; a sample comes in by [`zenoh`], is put in [`order`], moves the [`energy`] and the
//! [`meter`] that it is of, which [`homeassistant`] is told of; [`hub`] joins all meters, of which [`group`] leaves some to other bridges; [`mqtt`] carries what is said, [`store`] keeps
//! what must not be forgotten, [`statistics`] corrects the Energy dashboard, [`grid_meter`] answers batteries over [`http`], and [`page`] people and those who collect [`metrics`], from what
//! [`archive`] remembers; [`influxdb`] takes what they show. [`updates`] asks which release is the newest. [`run`] starts
//! all of them from the [`config`], and [`daemon`] is the process around it.

pub mod adopt;
pub mod archive;
pub mod config;
pub mod daemon;
pub mod doctor;
pub mod energy;
pub mod forget;
pub mod former;
pub mod grid_meter;
pub mod group;
pub mod homeassistant;
pub mod hours;
pub mod http;
pub mod hub;
pub mod import;
pub mod influxdb;
pub mod meter;
pub mod metrics;
pub mod mqtt;
pub mod order;
pub mod page;
pub mod power;
pub mod prices;
pub mod run;
pub mod seal;
pub mod statistics;
pub mod store;
pub mod trust;
pub mod updates;
pub mod words;
pub mod zenoh;
