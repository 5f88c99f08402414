//! What comes back from the MQTT side.

use crate::words::message::Origin;

/// What may be wrong with clients that connect to the bridge itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientTrouble {
    /// One takes nothing.
    Mute,
    /// One takes less than comes for it.
    Slow,
    /// One sends a message that is too long.
    TooLarge,
    /// There is one too many.
    TooMany,
}

impl ClientTrouble {
    /// How many there are.
    pub const KINDS: usize = 4;
}

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
    /// A client of the bridge is not served as it would like to be, and this is said of it.
    Client(ClientTrouble, String),
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
