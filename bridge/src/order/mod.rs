//! Each sample once and in order, whatever is lost on the way, and whether it is of the present or of the past. Pure: no clock, no network.
//!
//! [`received`] is a sample with its place, [`intake`] puts what arrives and answers of the reader's history together, [`marks`] say how
//! far that has come. `live` is what is said before the end of a frame, `ahead` what was told before its turn. [`arrival`] and [`answer`] are what comes in. Begin with [`intake`].

mod ahead;
pub mod answer;
pub mod arrival;
pub mod intake;
mod live;
pub mod marks;
pub mod received;
