//! What comes back from the MQTT side.

use crate::words::message::Origin;

/// One thing that the MQTT side reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound {
    /// The broker did not take the messages of these samples before the connection broke, oldest first. They were given up: by now they tell
    /// of the past.
    GivenUp(Vec<Origin>),
    /// The MQTT side is connected; whatever was retained has been sent again.
    Up,
    /// The MQTT side is not connected, and this is why.
    Down(String),
    /// A message was not taken, and this is why; the next one may be.
    Refused(String),
    /// Somebody has begun to listen, or may have: what is not retained is worth sending again.
    Listener,
    /// Somebody published on a topic this bridge listens to.
    Message {
        /// The topic.
        topic: String,
        /// The payload.
        payload: Vec<u8>,
    },
}
