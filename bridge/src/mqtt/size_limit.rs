//! The largest message that the broker takes, as far as that can be known.
//!
//! MQTT 3.1.1 has no word for it: a broker closes the connection over a message that is too large for it (Mosquitto: `max_packet_size`). So
//! the largest message without an acknowledgement is suspected when a connection breaks, and refused when the next one breaks over it too.
//! It is tried again after an hour, since a broker may have been restarted twice at a bad moment. No clock, no I/O.

use std::time::{Duration, Instant};

use crate::words::message::Message;

/// The largest packet either way, whatever the broker takes.
pub(super) const PACKET_BYTES_MAX: usize = 1 << 20;
/// Topic, numbers and lengths of a packet beside its payload, at most.
const HEADER_BYTES: usize = 16;
/// No broker that is of use refuses less: smaller messages are not suspected.
const SUSPECT_BYTES_MIN: usize = 4_096;
/// After so long, what was refused is tried again.
const FORGET: Duration = Duration::from_secs(3_600);

/// What was learnt of the broker's limit.
#[derive(Debug, Default)]
pub(super) struct SizeLimit {
    /// The last connection broke over the message of this topic, so it seems.
    suspect: Option<String>,
    /// Messages of so many bytes are refused, since then.
    refused: Option<(usize, Instant)>,
}

impl SizeLimit {
    /// The connection broke while the broker had not acknowledged these messages. Returns the one that it broke over, once that is believed.
    pub(super) fn handle_broken<'a>(&mut self, messages: impl Iterator<Item = &'a Message>, now: Instant) -> Option<&'a Message> {
        let largest = messages.max_by_key(|message| size(message)).filter(|message| size(message) >= SUSPECT_BYTES_MIN);
        let before = std::mem::replace(&mut self.suspect, largest.map(|message| message.topic.clone()));
        let culprit = largest.filter(|message| before.as_deref() == Some(&message.topic))?;
        self.suspect = None;
        self.refused = Some((size(culprit), now));
        Some(culprit)
    }

    /// Whether the last connection may have broken because of a large message.
    pub(super) const fn suspects(&self) -> bool {
        self.suspect.is_some()
    }

    /// Whether this message may be sent.
    pub(super) fn takes(&self, message: &Message, now: Instant) -> bool {
        let refused = self.refused.filter(|(_, since)| now < *since + FORGET).map(|(bytes, _)| bytes);
        size(message) < refused.unwrap_or(usize::MAX).min(PACKET_BYTES_MAX)
    }
}

/// The bytes of its packet, or a few more.
pub(super) fn size(message: &Message) -> usize {
    message.topic.len() + message.payload.len() + HEADER_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str, bytes: usize) -> Message {
        Message::retained(topic, vec![b'x'; bytes])
    }

    #[test]
    fn a_message_is_refused_once_two_connections_broke_over_it() {
        let (mut limit, now) = (SizeLimit::default(), Instant::now());
        let (large, small) = (message("large", 20_000), message("small", 5_000));
        assert_eq!(limit.handle_broken([&small, &large].into_iter(), now), None);
        assert!(limit.suspects() && limit.takes(&large, now));
        assert_eq!(limit.handle_broken([&large, &small].into_iter(), now), Some(&large));
        assert!(!limit.takes(&large, now) && !limit.takes(&message("larger", 30_000), now) && limit.takes(&small, now));
        assert!(limit.takes(&large, now + FORGET), "tried again");
    }

    #[test]
    fn a_connection_that_broke_otherwise_clears_it() {
        let (mut limit, now) = (SizeLimit::default(), Instant::now());
        let large = message("large", 20_000);
        for others in [Vec::new(), vec![message("small", 100)], vec![message("other", 20_000)]] {
            assert_eq!(limit.handle_broken([&large].into_iter(), now), None);
            assert_eq!(limit.handle_broken(others.iter(), now), None);
        }
        assert!(limit.takes(&large, now));
    }

    #[test]
    fn what_the_client_library_cannot_send_is_never_given_to_it() {
        let limit = SizeLimit::default();
        assert!(limit.takes(&message("t", PACKET_BYTES_MAX - 100), Instant::now()));
        assert!(!limit.takes(&message("t", PACKET_BYTES_MAX), Instant::now()));
    }
}
