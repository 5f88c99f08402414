//! The reader's Zenoh client against the real `zenoh` crate as the router: everything the bridge relies on.

mod faults;
mod harness;
mod recovery;
mod routing;
mod scouting;
mod security;
