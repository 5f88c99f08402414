//! What the bytes mean: the TIC of French electricity meters, and the samples that travel from reader to bridge.
//!
//! Three things live here, apart:
//!
//! * [`tic`], from the meter to the reader: bytes, frames, labels, values ([Enedis-NOI-CPT_54E] and, for older meters, 02E);
//! * `wire` (a feature), from the reader to the bridge: samples and the keys they travel under;
//! * `seal` (a feature), around the messages of `wire`: who may read them, and who made them.
//!
//! Nothing here allocates, blocks or looks at a clock, so it builds for a bare microcontroller too.
//!
//! Words, as everywhere in this project: a *frame* (trame) is what lies between STX and ETX; a *dataset* (groupe d'information) is one
//! line of it, made of a *label* (étiquette), sometimes a *timestamp* (horodate), *data* (donnée) and a checksum.
//!
//! [Enedis-NOI-CPT_54E]: https://www.enedis.fr/media/2035/download
//!
//! # Features
//!
//! None is on by default: the decoder alone needs no other crate. `serde` derives `Serialize` for values, units and timestamps; `wire`
//! adds `wire`, the messages from reader to bridge, and needs postcard; `seal` adds their encryption.
#![no_std]

#[cfg(feature = "seal")]
pub mod seal;
pub mod tic;
#[cfg(feature = "wire")]
pub mod wire;

/// The example of the README is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
