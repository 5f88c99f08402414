//! The last retained message of each topic.
//!
//! What Home Assistant is told of a meter has tens of kB, and is the same for each meter with the same labels but for the number of the meter
//! and the name of its device. So that is kept once for all of them.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use crate::words::{limits::Limits, message::Message};

/// Payloads of so many bytes are looked at for what others say too.
const SHARED_BYTES_MIN: usize = 2_048;
/// Before this stands the device itself, and behind it what belongs to each device of its kind.
const COMPONENTS: &[u8] = b"\"cmps\":";
/// Digits of a meter's number.
const DIGITS: usize = 12;
/// Stands for the number of the meter. No text of JSON has it.
const NUMBER: u8 = 0;

/// The retained messages that the broker holds, or should hold.
#[derive(Debug)]
pub struct Retained {
    /// Topics that are remembered.
    topics_max: usize,
    payloads: BTreeMap<Box<str>, Payload>,
    /// The parts of payloads that several of them have.
    parts: HashSet<Arc<[u8]>>,
    /// Topics whose last message found no room on its way out.
    stale: BTreeSet<String>,
}

/// A payload as it is kept.
#[derive(Debug)]
enum Payload {
    /// As it is.
    Own(Box<[u8]>),
    /// Its beginning, and what follows for any meter.
    Shared { begin: Box<[u8]>, number: [u8; DIGITS], part: Arc<[u8]> },
}

impl Payload {
    /// Written out.
    fn text(&self) -> Vec<u8> {
        let Self::Shared { begin, number, part } = self else {
            let Self::Own(payload) = self else { return Vec::new() };
            return payload.to_vec();
        };
        let mut text = begin.to_vec();
        for (place, piece) in part.split(|byte| *byte == NUMBER).enumerate() {
            if place > 0 {
                text.extend_from_slice(number);
            }
            text.extend_from_slice(piece);
        }
        text
    }
}

impl Retained {
    /// Of a bridge with these limits.
    #[must_use]
    pub fn within(limits: Limits) -> Self {
        Self { topics_max: limits.topics(), payloads: BTreeMap::new(), parts: HashSet::new(), stale: BTreeSet::new() }
    }

    /// Topics that are remembered at most.
    #[must_use]
    pub const fn topics_max(&self) -> usize {
        self.topics_max
    }

    /// Remembers a retained message instead of the last one of its topic. A deletion is remembered too: a broker that was away when it
    /// was sent must get it later. Returns whether there was room.
    pub fn insert(&mut self, message: &Message) -> bool {
        let is_known = self.payloads.contains_key(message.topic.as_str());
        let has_room = is_known || self.payloads.len() < self.topics_max;
        if has_room {
            let payload = self.share(message).unwrap_or_else(|| Payload::Own(message.payload.as_slice().into()));
            let before = self.payloads.insert(message.topic.as_str().into(), payload);
            if matches!(before, Some(Payload::Shared { .. })) {
                drop(before);
                self.parts.retain(|part| Arc::strong_count(part) > 1);
            }
        }
        has_room
    }

    /// A long payload of a meter, without what others have too.
    fn share(&mut self, message: &Message) -> Option<Payload> {
        let Message { topic, payload, .. } = message;
        let number = topic.as_bytes().windows(DIGITS).find(|digits| digits.iter().all(u8::is_ascii_digit))?;
        let number: [u8; DIGITS] = number.try_into().ok()?;
        if payload.len() < SHARED_BYTES_MIN || payload.contains(&NUMBER) {
            return None;
        }
        let (begin, rest) = payload.split_at(place(payload, COMPONENTS)?);
        let part = without(rest, &number);
        let part = self.parts.get(part.as_slice()).cloned().unwrap_or_else(|| part.into());
        self.parts.insert(part.clone());
        Some(Payload::Shared { begin: begin.into(), number, part })
    }

    /// All messages, deletions included, by topic.
    #[must_use]
    pub fn all(&self) -> Vec<Message> {
        self.payloads.iter().map(|(topic, payload)| Message::retained(topic.as_ref(), payload.text())).collect()
    }

    /// The same for a connection that begins: nothing is stale any more.
    #[must_use]
    pub fn take_all(&mut self) -> Vec<Message> {
        self.stale.clear();
        self.all()
    }

    /// What another bridge publishes from now on is not remembered here any more.
    pub fn forget(&mut self, is_others: impl Fn(&str) -> bool) {
        self.payloads.retain(|topic, _| !is_others(topic));
        self.parts.retain(|part| Arc::strong_count(part) > 1);
        self.stale.retain(|topic| !is_others(topic));
    }

    /// The message of one topic.
    #[must_use]
    pub fn get(&self, topic: &str) -> Option<Message> {
        self.payloads.get(topic).map(|payload| Message::retained(topic, payload.text()))
    }

    /// A message that waited since before a connection broke, or the newer one of its topic.
    #[must_use]
    pub fn newest(&self, message: Message) -> Message {
        let newest = if message.retain { self.get(&message.topic) } else { None };
        newest.unwrap_or(message)
    }

    /// The message of this topic was remembered, but not sent.
    pub fn mark_stale(&mut self, topic: &str) {
        if self.payloads.contains_key(topic) {
            self.stale.insert(topic.to_owned());
        }
    }

    /// So many messages at most that were remembered but not sent, each in its newest form; they count as sent.
    pub fn take_stale(&mut self, limit: usize) -> Vec<Message> {
        let topics: Vec<String> = std::iter::from_fn(|| self.stale.pop_first()).take(limit).collect();
        topics.iter().filter_map(|topic| self.get(topic)).collect()
    }
}

/// Where a text begins in another.
fn place(text: &[u8], searched: &[u8]) -> Option<usize> {
    text.windows(searched.len()).position(|window| window == searched)
}

/// A text in which the number of the meter is replaced.
fn without(mut text: &[u8], number: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(text.len());
    while let Some((before, behind)) = place(text, number).map(|at| (&text[..at], &text[at + number.len()..])) {
        replaced.extend_from_slice(before);
        replaced.push(NUMBER);
        text = behind;
    }
    replaced.extend_from_slice(text);
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retained() -> Retained {
        Retained::within(Limits { meters: 2_048 })
    }

    /// What is told of a meter of a kind.
    fn announcement(meter: &str, name: &str, kind: &str) -> Message {
        let one = format!("{{\"p\":\"sensor\",\"uniq_id\":\"{meter}_{kind}\",\"stat_t\":\"teleinfo/{meter}/home\"}},");
        let text = format!("{{\"dev\":{{\"name\":\"{name}\"}},\"cmps\":{{\"all\":[{}{meter}]}}}}", one.repeat(100));
        Message::retained(format!("homeassistant/device/teleinfo_{meter}/config"), text)
    }

    #[test]
    fn what_is_the_same_for_many_meters_is_kept_once_and_said_as_it_was() {
        let mut retained = retained();
        let meters = (0..50).map(|n| format!("0418{n:08}"));
        let messages: Vec<Message> = meters.map(|meter| announcement(&meter, &format!("at {meter}"), &meter[11..])).collect();
        assert!(messages.iter().all(|message| retained.insert(message)));
        assert_eq!(retained.all(), messages);
        assert_eq!(retained.parts.len(), 10, "ten kinds");
        let changed = announcement("041800000000", "another name", "another kind");
        retained.insert(&changed);
        assert_eq!((retained.get(&changed.topic), retained.parts.len()), (Some(changed), 11));
        messages.iter().for_each(|message| _ = retained.insert(&Message::delete(message.topic.clone())));
        assert!(retained.parts.is_empty(), "nobody has them any more");
    }

    #[test]
    fn what_cannot_be_shared_is_kept_as_it_is() {
        let mut retained = retained();
        let long = "x".repeat(SHARED_BYTES_MIN);
        for (topic, payload) in [
            ("teleinfo/041800000000/ledger", long.clone()),
            ("teleinfo/bridge/quality", format!("{long}\"cmps\":")),
            ("teleinfo/041800000001/ledger", format!("\0{long}\"cmps\":041800000001")),
        ] {
            let message = Message::retained(topic, payload);
            retained.insert(&message);
            assert_eq!(retained.get(topic), Some(message));
        }
        assert!(retained.parts.is_empty());
    }

    #[test]
    fn the_last_of_each_topic_counts() {
        let mut retained = retained();
        retained.insert(&Message::retained("a", "1"));
        retained.insert(&Message::retained("b", "1"));
        retained.insert(&Message::retained("a", "2"));
        retained.insert(&Message::delete("b"));
        assert_eq!(retained.all(), [Message::retained("a", "2"), Message::delete("b")]);
        assert_eq!(retained.get("c"), None);
    }

    #[test]
    fn only_what_found_no_room_is_stale_and_in_its_newest_form() {
        let mut retained = retained();
        for topic in ["a", "b", "c"] {
            retained.insert(&Message::retained(topic, "1"));
        }
        ["a", "c", "never said"].into_iter().for_each(|topic| retained.mark_stale(topic));
        retained.insert(&Message::retained("a", "2"));
        assert_eq!(retained.take_stale(1), [Message::retained("a", "2")]);
        assert_eq!(retained.take_stale(9), [Message::retained("c", "1")]);
        assert_eq!(retained.take_stale(9), []);
        retained.mark_stale("b");
        assert_eq!(retained.take_all().len(), 3);
        assert_eq!(retained.take_stale(9), [], "a connection that begins gets all");
    }

    #[test]
    fn an_old_message_gives_way_to_what_was_said_since() {
        let mut retained = retained();
        retained.insert(&Message::retained("a", "offline"));
        retained.insert(&Message::retained("a", "online"));
        assert_eq!(retained.newest(Message::retained("a", "offline")), Message::retained("a", "online"));
        assert_eq!(retained.newest(Message::live("a", "1")), Message::live("a", "1"));
        assert_eq!(retained.newest(Message::retained("b", "1")), Message::retained("b", "1"));
    }

    #[test]
    fn memory_is_bounded() {
        let mut retained = retained();
        let topics_max = Limits { meters: 2_048 }.topics();
        let taken = (0..topics_max + 10).filter(|n| retained.insert(&Message::retained(format!("{n}"), "x"))).count();
        assert_eq!(taken, topics_max);
        assert!(retained.insert(&Message::retained("0", "y")), "a known topic");
        assert_eq!(retained.all().len(), topics_max);
        assert_eq!(retained.get("0"), Some(Message::retained("0", "y")));
    }
}
