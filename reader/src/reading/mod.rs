//! From bytes to samples, without I/O: no device, no socket, no clock.
//!
//! `detect` finds mode and parity, `receive` decodes, `assemble` makes samples of frames, with `plausibility` and `repetition` for what a
//! checksum cannot tell; `watch` says when to open the line, `diagnosis` what is wrong with it.

pub mod assemble;
pub mod detect;
pub mod diagnosis;
pub mod plausibility;
pub mod receive;
pub mod repetition;
pub mod watch;
