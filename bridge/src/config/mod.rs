//! What the user wants: [`mod@file`] as it is written, [`settings`] as it is meant.
//!
//! Everything that can be wrong in the file is found in [`settings`]; nothing here opens a port or changes a file. Begin with [`mod@file`].

pub mod broker_url;
pub mod file;
pub mod home_assistant_url;
pub mod locators;
pub mod meters;
pub mod settings;
