//! One MQTT publication, before any client library has seen it.
//!
//! Whatever decides *what* is published (merged state, discovery, availability, events) makes messages; `mqtt/` decides how they travel.

use serde::Serialize;
use teleinfo_proto::{tic::MeterId, wire::BootId};

/// MQTT quality of service. Level 2 is never used: every message here may be repeated without harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Qos {
    /// Not acknowledged: for live values, since the next frame brings new ones.
    AtMostOnce,
    /// Acknowledged: for facts that are published once.
    AtLeastOnce,
}

/// The sample that a message tells of: if the broker does not take the message, the sample is still in the reader's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The meter.
    pub meter: MeterId,
    /// The run of its reader.
    pub boot: BootId,
    /// The number of the sample in that run.
    pub sequence: u64,
}

/// A topic, its payload and how the broker should treat it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Full topic name, without wildcards.
    pub topic: String,
    /// The payload; an empty one with `retain` deletes what the broker holds.
    pub payload: Vec<u8>,
    /// Quality of service of the publication.
    pub qos: Qos,
    /// Whether the broker keeps it for later subscribers.
    pub retain: bool,
    /// The sample it tells of, unless it is retained: what is retained is sent again anyway.
    pub origin: Option<Origin>,
}

impl Message {
    /// A value of the moment: QoS 0, not retained.
    #[must_use]
    pub fn live(topic: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        Self::new(topic, payload, Qos::AtMostOnce, false)
    }

    /// A value of the moment as JSON. `None` if it cannot be written: an empty payload is no JSON.
    #[must_use]
    pub fn live_json(topic: impl Into<String>, value: &impl Serialize) -> Option<Self> {
        serde_json::to_vec(value).ok().map(|payload| Self::live(topic, payload))
    }

    /// Something that happened as JSON. `None` if it cannot be written.
    #[must_use]
    pub fn event_json(topic: impl Into<String>, event: &impl Serialize) -> Option<Self> {
        serde_json::to_vec(event).ok().map(|payload| Self::event(topic, payload))
    }

    /// Something that happened: QoS 1, not retained, since a replayed event would happen twice.
    #[must_use]
    pub fn event(topic: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        Self::new(topic, payload, Qos::AtLeastOnce, false)
    }

    /// A state that holds until the next message: QoS 1, retained.
    #[must_use]
    pub fn retained(topic: impl Into<String>, payload: impl Into<Vec<u8>>) -> Self {
        Self::new(topic, payload, Qos::AtLeastOnce, true)
    }

    /// A state as JSON. `None` if it cannot be written: an empty payload would delete what the broker holds.
    #[must_use]
    pub fn retained_json(topic: impl Into<String>, state: &impl Serialize) -> Option<Self> {
        serde_json::to_vec(state).ok().map(|payload| Self::retained(topic, payload))
    }

    /// Deletes the retained message of a topic.
    #[must_use]
    pub fn delete(topic: impl Into<String>) -> Self {
        Self::retained(topic, Vec::new())
    }

    fn new(topic: impl Into<String>, payload: impl Into<Vec<u8>>, qos: Qos, retain: bool) -> Self {
        Self { topic: topic.into(), payload: payload.into(), qos, retain, origin: None }
    }

    /// The same message, which tells of this sample.
    #[must_use]
    pub fn of(self, origin: Origin) -> Self {
        Self { origin: (!self.retain).then_some(origin), ..self }
    }

    /// The payload as text; what we publish is always UTF-8.
    #[must_use]
    pub fn text(&self) -> &str {
        core::str::from_utf8(&self.payload).unwrap_or("")
    }
}

#[cfg(test)]
mod tests {
    use serde::{Serializer, ser::Error};

    use super::*;

    struct Broken;

    impl Serialize for Broken {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(S::Error::custom("a value that has no JSON"))
        }
    }

    #[test]
    fn what_cannot_be_written_does_not_go_out_empty() {
        assert_eq!(Message::live_json("topic", &Broken), None);
        assert_eq!(Message::event_json("topic", &Broken), None);
        assert_eq!(Message::retained_json("topic", &Broken), None);
        assert_eq!(Message::retained_json("topic", &7), Some(Message::retained("topic", "7")));
    }
}
