//! Messages given to the MQTT client that the broker has not acknowledged.
//!
//! The client library numbers packets as it takes them from its queue, in order. What is unacknowledged when the connection breaks is of the
//! past once there is another one. So a live message is given up then, and the sample it tells of is taken from the reader's history
//! ([`Untold`]). Retained messages are sent again by the outlet. An event that tells of no sample carries its own time, and goes out again.

use std::{collections::VecDeque, time::Instant};

use crate::words::message::{Message, Origin, Qos};

/// The samples whose messages the broker may not have, in order.
#[derive(Debug, Default)]
pub(super) struct Untold {
    /// One entry for each message on its way.
    on_the_way: VecDeque<Origin>,
    /// Given up, and not yet taken back by whoever counts them as handed on.
    given_up: VecDeque<Origin>,
}

impl Untold {
    /// A message goes out.
    pub(super) fn handle_published(&mut self, message: &Message) {
        self.on_the_way.extend(message.origin);
    }

    /// The broker has a message.
    pub(super) fn handle_acknowledged(&mut self, message: &Message) {
        if let Some(index) = message.origin.and_then(|origin| self.on_the_way.iter().position(|other| *other == origin)) {
            self.on_the_way.remove(index);
        }
    }

    /// All of them, those that were given up first.
    pub(super) fn all(&self) -> Vec<Origin> {
        let mut all: Vec<Origin> = self.given_up.iter().chain(&self.on_the_way).copied().collect();
        all.dedup();
        all
    }

    /// Gives up all that are on their way: these, each once. They stay among the untold until they are taken back.
    pub(super) fn give_up(&mut self) -> Vec<Origin> {
        let mut all: Vec<Origin> = self.on_the_way.drain(..).collect();
        all.dedup();
        self.given_up.extend(&all);
        all
    }

    /// So many of those that were given up, the oldest, no longer count as handed on.
    pub(super) fn handle_taken_back(&mut self, count: usize) {
        self.given_up.drain(..count.min(self.given_up.len()));
    }
}

/// Messages that the broker may not have, in order.
#[derive(Debug, Default)]
pub(super) struct Unacknowledged {
    /// Messages in the client's queue, which have no number yet.
    queued: VecDeque<Message>,
    /// Messages on their way, each with the number of its packet and the time when it went out.
    sent: VecDeque<(u16, Instant, Message)>,
}

impl Unacknowledged {
    /// The client is about to be given a message.
    pub(super) fn handle_queued(&mut self, message: Message) {
        self.queued.push_back(message);
    }

    /// The client sent the next message under this number.
    pub(super) fn handle_sent(&mut self, packet: u16, now: Instant) {
        if let Some(message) = self.queued.pop_front() {
            self.sent.push_back((packet, now, message));
        }
    }

    /// The broker has the message with this number.
    pub(super) fn handle_acknowledged(&mut self, packet: u16) -> Option<Message> {
        let index = self.sent.iter().position(|(number, ..)| *number == packet)?;
        self.sent.remove(index).map(|(.., message)| message)
    }

    /// When the message went out that has waited longest for its acknowledgement.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.sent.front().map(|(_, at, _)| *at)
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Message> {
        self.sent.iter().map(|(.., message)| message).chain(&self.queued)
    }

    /// The messages to send again.
    pub(super) fn into_messages(self) -> Vec<Message> {
        let sent = self.sent.into_iter().map(|(.., message)| message);
        sent.chain(self.queued).filter(goes_again).collect()
    }
}

/// Whether a message is sent again on the next connection. What is retained is too, but in its newest form, and not from here.
pub(super) fn goes_again(message: &Message) -> bool {
    !message.retain && message.origin.is_none() && message.qos == Qos::AtLeastOnce
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use teleinfo_proto::wire::BootId;

    use super::*;

    fn origin(sequence: u64) -> Origin {
        Origin { meter: "012345678912".parse().unwrap(), boot: BootId::new(1), sequence }
    }

    #[test]
    fn a_sample_is_untold_until_all_its_messages_are_acknowledged() {
        let mut untold = Untold::default();
        let messages = [1, 1, 2, 3].map(|sequence| Message::live("t", "x").of(origin(sequence)));
        messages.iter().for_each(|message| untold.handle_published(message));
        untold.handle_published(&Message::retained("r", "x").of(origin(9)));
        untold.handle_acknowledged(&messages[0]);
        assert_eq!(untold.all(), [origin(1), origin(2), origin(3)]);
        untold.handle_acknowledged(&messages[1]);
        assert_eq!(untold.give_up(), [origin(2), origin(3)]);
        assert_eq!(untold.give_up(), []);
    }

    /// In between, somebody may ask how far everything is at the broker.
    #[test]
    fn what_is_given_up_is_untold_until_it_is_taken_back() {
        let mut untold = Untold::default();
        let publish = |untold: &mut Untold, sequence| untold.handle_published(&Message::live("t", "x").of(origin(sequence)));
        publish(&mut untold, 1);
        publish(&mut untold, 2);
        let first = untold.give_up().len();
        publish(&mut untold, 3);
        let second = untold.give_up().len();
        publish(&mut untold, 4);
        assert_eq!(untold.all(), [1, 2, 3, 4].map(origin));
        untold.handle_taken_back(first);
        assert_eq!(untold.all(), [3, 4].map(origin));
        untold.handle_taken_back(second);
        assert_eq!(untold.all(), [origin(4)]);
        untold.handle_taken_back(1);
        assert_eq!(untold.all(), [origin(4)]);
    }

    #[test]
    fn an_event_without_a_sample_that_was_not_acknowledged_goes_again_in_order() {
        let (mut unacknowledged, start) = (Unacknowledged::default(), Instant::now());
        for n in 0..5 {
            unacknowledged.handle_queued(Message::event("t", format!("{n}")));
        }
        unacknowledged.handle_queued(Message::retained("r", "x"));
        unacknowledged.handle_queued(Message::live("l", "x"));
        unacknowledged.handle_queued(Message::event("e", "x").of(origin(1)));
        for packet in 1..=4 {
            unacknowledged.handle_sent(packet, start + Duration::from_secs(packet.into()));
        }
        assert_eq!(unacknowledged.oldest(), Some(start + Duration::from_secs(1)));
        unacknowledged.handle_acknowledged(1);
        assert_eq!(unacknowledged.oldest(), Some(start + Duration::from_secs(2)));
        unacknowledged.handle_acknowledged(3);
        unacknowledged.handle_acknowledged(99);
        let texts: Vec<_> = unacknowledged.into_messages().iter().map(|m| m.text().to_owned()).collect();
        assert_eq!(texts, ["1", "3", "4"]);
    }
}
