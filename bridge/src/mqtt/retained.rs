//! The last retained message of each topic.

use std::collections::{BTreeMap, BTreeSet};

use crate::words::message::Message;

/// Topics remembered. A meter has five; this is for two thousand of them, and a limit, so that a fault cannot fill the memory.
pub(super) const TOPICS_MAX: usize = 10_240;

/// The retained messages that the broker holds, or should hold.
#[derive(Debug, Default)]
pub struct Retained {
    messages: BTreeMap<String, Message>,
    /// Topics whose last message found no room on its way out.
    stale: BTreeSet<String>,
}

impl Retained {
    /// Remembers a retained message instead of the last one of its topic. A deletion is remembered too: a broker that was away when it
    /// was sent must get it later. Returns whether there was room.
    pub fn insert(&mut self, message: &Message) -> bool {
        let has_room = self.messages.contains_key(&message.topic) || self.messages.len() < TOPICS_MAX;
        if has_room {
            self.messages.insert(message.topic.clone(), message.clone());
        }
        has_room
    }

    /// All messages, deletions included, by topic.
    #[must_use]
    pub fn all(&self) -> Vec<Message> {
        self.messages.values().cloned().collect()
    }

    /// The same for a connection that begins: nothing is stale any more.
    #[must_use]
    pub fn take_all(&mut self) -> Vec<Message> {
        self.stale.clear();
        self.all()
    }

    /// The message of one topic.
    #[must_use]
    pub fn get(&self, topic: &str) -> Option<Message> {
        self.messages.get(topic).cloned()
    }

    /// A message that waited since before a connection broke, or the newer one of its topic.
    #[must_use]
    pub fn newest(&self, message: Message) -> Message {
        let newest = if message.retain { self.get(&message.topic) } else { None };
        newest.unwrap_or(message)
    }

    /// The message of this topic was remembered, but not sent.
    pub fn mark_stale(&mut self, topic: &str) {
        if self.messages.contains_key(topic) {
            self.stale.insert(topic.to_owned());
        }
    }

    /// So many messages at most that were remembered but not sent, each in its newest form; they count as sent.
    pub fn take_stale(&mut self, limit: usize) -> Vec<Message> {
        let topics = std::iter::from_fn(|| self.stale.pop_first()).take(limit);
        topics.filter_map(|topic| self.messages.get(&topic).cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_each_topic_counts() {
        let mut retained = Retained::default();
        retained.insert(&Message::retained("a", "1"));
        retained.insert(&Message::retained("b", "1"));
        retained.insert(&Message::retained("a", "2"));
        retained.insert(&Message::delete("b"));
        assert_eq!(retained.all(), [Message::retained("a", "2"), Message::delete("b")]);
        assert_eq!(retained.get("c"), None);
    }

    #[test]
    fn only_what_found_no_room_is_stale_and_in_its_newest_form() {
        let mut retained = Retained::default();
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
        let mut retained = Retained::default();
        retained.insert(&Message::retained("a", "offline"));
        retained.insert(&Message::retained("a", "online"));
        assert_eq!(retained.newest(Message::retained("a", "offline")), Message::retained("a", "online"));
        assert_eq!(retained.newest(Message::live("a", "1")), Message::live("a", "1"));
        assert_eq!(retained.newest(Message::retained("b", "1")), Message::retained("b", "1"));
    }

    #[test]
    fn memory_is_bounded() {
        let mut retained = Retained::default();
        let taken = (0..TOPICS_MAX + 10).filter(|n| retained.insert(&Message::retained(format!("{n}"), "x"))).count();
        assert_eq!(taken, TOPICS_MAX);
        assert!(retained.insert(&Message::retained("0", "y")), "a known topic");
        assert_eq!(retained.all().len(), TOPICS_MAX);
        assert_eq!(retained.get("0"), Some(Message::retained("0", "y")));
    }
}
