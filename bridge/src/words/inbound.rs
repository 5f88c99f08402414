//! What comes back from the MQTT side.

/// One thing that the MQTT side reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inbound {
    /// Messages flow; whatever was retained has been said again.
    Up,
    /// They do not, and this is why.
    Down(String),
    /// A message was not taken, and this is why; the next one may be.
    Refused(String),
    /// Somebody has begun to listen, or may have: what is not retained is worth saying again.
    Listener,
    /// Somebody published on a topic this bridge listens to.
    Message {
        /// The topic.
        topic: String,
        /// What was said.
        payload: Vec<u8>,
    },
}
