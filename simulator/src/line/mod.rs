//! The serial line of a meter without a meter: what travels on it, how fast, and the end that a reader opens.
//!
//! No meter and no fault lives here; both are sources or wrap sources. Read `source` first, then `frame` (what a source means), `speed`,
//! `pty` (the terminal), `player` (a source on a terminal), `replay` (captures as a source) and `stop`.

pub mod frame;
pub mod player;
pub mod pty;
pub mod replay;
pub mod source;
pub mod speed;
pub mod stop;
