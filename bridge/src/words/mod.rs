//! What everybody in the bridge may say: MQTT [`topics`] and [`message`]s, what comes back ([`inbound`]), times, and the two [`language`]s.
//!
//! Nothing here depends on another folder of the bridge. Begin with [`topics`]: the table there is what users see.

pub mod inbound;
pub mod language;
pub mod message;
pub mod topics;
pub mod utc;
