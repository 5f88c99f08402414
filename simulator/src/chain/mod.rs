//! The whole chain with the real programs: a meter on a pseudo-terminal, the reader, the bridge, a broker. For the
//! demonstration, the experiments of the lab and the tests; everything on loopback, on free ports, in a directory of its own.

pub mod broker;
pub mod demo;
pub mod process;
pub mod programs;
pub mod watch;
