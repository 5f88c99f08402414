//! Messages given to the MQTT client that the broker has not acknowledged.
//!
//! The client library numbers packets as it takes them from its queue, in order. What is unacknowledged when the connection breaks goes
//! out again on the next one: a broken connection loses nothing, at the price of a message that may come twice.

use std::collections::VecDeque;

use crate::words::message::Message;

/// Messages that the broker may not have, in order.
#[derive(Debug, Default)]
pub(super) struct Unacknowledged {
    /// Messages in the client's queue, which have no number yet.
    queued: VecDeque<Message>,
    /// Messages on their way, each with the number of its packet.
    sent: VecDeque<(u16, Message)>,
}

impl Unacknowledged {
    /// The client is about to be given a message.
    pub(super) fn handle_queued(&mut self, message: Message) {
        self.queued.push_back(message);
    }

    /// The client sent the next message under this number.
    pub(super) fn handle_sent(&mut self, packet: u16) {
        if let Some(message) = self.queued.pop_front() {
            self.sent.push_back((packet, message));
        }
    }

    /// The broker has the message with this number.
    pub(super) fn handle_acknowledged(&mut self, packet: u16) {
        if let Some(index) = self.sent.iter().position(|(number, _)| *number == packet) {
            self.sent.remove(index);
        }
    }

    /// The messages to send again. Retained ones are not among them: the newest of each topic is sent again anyway, and these may be old.
    pub(super) fn into_messages(self) -> Vec<Message> {
        let sent = self.sent.into_iter().map(|(_, message)| message);
        sent.chain(self.queued).filter(|message| !message.retain).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_acknowledged_goes_again_in_order() {
        let mut unacknowledged = Unacknowledged::default();
        for n in 0..5 {
            unacknowledged.handle_queued(Message::event("t", format!("{n}")));
        }
        unacknowledged.handle_queued(Message::retained("r", "x"));
        for packet in 1..=4 {
            unacknowledged.handle_sent(packet);
        }
        unacknowledged.handle_acknowledged(1);
        unacknowledged.handle_acknowledged(3);
        unacknowledged.handle_acknowledged(99);
        let texts: Vec<_> = unacknowledged.into_messages().iter().map(|m| m.text().to_owned()).collect();
        assert_eq!(texts, ["1", "3", "4"]);
    }
}
