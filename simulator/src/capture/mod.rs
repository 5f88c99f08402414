//! Captures and what is in them: `decode` tells it line by line, `truth` writes what a meter really sent, so that tests can compare.
//!
//! Playing a capture on a line is `line::replay`. Read `ordered` last: JSON objects whose members keep their order.

pub mod decode;
pub(crate) mod ordered;
pub mod truth;
