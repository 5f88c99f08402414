//! Samples in, MQTT out. See `docs/code-structure.md`.

pub mod message;
pub mod topics;
