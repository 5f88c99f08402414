//! What is kept on disk over a restart: [`positions`] of what was handed on, [`memories`] of what was learnt of meters.
//!
//! What is kept is decided elsewhere (`hub/`); here it is written and read.

pub mod memories;
pub mod positions;
