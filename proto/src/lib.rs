//! What the bytes mean: the TIC of French electricity meters, and the samples that travel from reader to bridge.
//!
//! Two protocols live here, apart:
//!
//! * [`tic`], from the meter to the reader: bytes, frames, labels, values ([Enedis-NOI-CPT_54E] and, for older meters, 02E);
//! * [`wire`], from the reader to the bridge: samples and the keys they travel under.
//!
//! Nothing here allocates, blocks or looks at a clock, so it builds for a bare microcontroller too.
//!
//! Words, as everywhere in this project: a *frame* (trame) is what lies between STX and ETX; a *dataset* (groupe d'information) is one
//! line of it, made of a *label* (étiquette), sometimes a *timestamp* (horodate), *data* (donnée) and a checksum.
//!
//! [Enedis-NOI-CPT_54E]: https://www.enedis.fr/media/2035/download
#![no_std]

pub mod tic;
pub mod wire;
