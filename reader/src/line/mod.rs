//! The line from the meter: a serial line of this machine, or one at the far end of a network. It is opened, set and read here.
//!
//! `open` is the way in: a line that does what [`crate::reading::Reading`] orders, from a `source` (what is configured). `serial` is a device of
//! this machine, `termios` and `marks` are the details of a terminal; `remote` is an address. `fault` has the words for what goes wrong,
//! `holders` finds who else has the line, `elsewhere` where else a meter may be. What the bytes mean is not decided here.

mod elsewhere;
mod fault;
pub(crate) mod holders;
mod marks;
mod open;
mod read;
mod remote;
mod serial;
mod source;
mod termios;

pub(crate) use fault::Fault;
pub(crate) use open::{LINE_TOKENS, Listener, Notice, OpenLine};
pub(crate) use source::Source;
pub(crate) use termios::is_pseudo_terminal;
