//! What the user wants: [`mod@file`] and [`environment`] as they are written, [`settings`] as it is meant. Flags win over the environment,
//! and it wins over the file.
//!
//! Everything that can be wrong in them is found in [`settings`]; nothing here opens a port or changes a file. Begin with [`mod@file`].

pub mod api;
pub mod broker_url;
pub mod environment;
pub mod figure;
pub mod file;
pub mod grid_meters;
pub mod group;
pub mod home_assistant_url;
mod idle;
pub mod influxdb;
pub mod keys;
pub mod limits;
pub mod locators;
pub mod meters;
pub mod origins;
pub mod page;
pub mod prices;
pub mod settings;
pub mod updates;
