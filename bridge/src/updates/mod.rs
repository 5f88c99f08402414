//! Which release is the newest, so that Home Assistant can show that there is an update. Nothing is sent but the question, and only if the owner wants it.
//!
//! [`setup`] is what the owner wants, [`newest`] understands the answer; [`task`] asks once a day.

pub mod newest;
pub mod setup;
pub mod task;
