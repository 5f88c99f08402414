//! A serial port at the far end of a network: a dongle, an adapter, `ser2net`. Its bytes come raw over TCP, or by RFC 2217, which lets us set it.
//!
//! `address` says where it is, `dial` gets there, `far` is the connection that stands. [`crate::telnet`] is the language of RFC 2217.
//!
//! A far side that has been switched off sends nothing, not even an end, so the kernel is told to ask for it while no byte comes.

mod address;
mod dial;
mod far;

pub(super) use address::{Protocol, Remote};
pub(super) use dial::Dial;
pub(super) use far::FarLine;
