//! A SunSpec meter over Modbus TCP: how Fronius and SMA devices read a meter. Powers are W, energies Wh.
//!
//! Source: the models 1, 201, 203, 211 and 213 of the SunSpec Alliance, and the emulations that a GEN24 is known to accept.
//! [`registers`] is what can be read, [`server`] carries it.

pub mod registers;
pub mod server;
