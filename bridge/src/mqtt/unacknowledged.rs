//! Messages given to the MQTT client that the broker has not acknowledged.
//!
//! The client library numbers packets as it takes them from its queue, in order. What is unacknowledged when the connection breaks goes
//! out again on the next one: a broken connection loses nothing, at the price of a message that may come twice.

use std::collections::VecDeque;

use crate::words::message::Message;

/// Messages under way, in order.
#[derive(Debug, Default)]
pub(super) struct Flight {
    /// Acknowledgement awaited, with the packet's number.
    airborne: VecDeque<(u16, Message)>,
    /// In the client's queue, not numbered yet.
    boarding: VecDeque<Message>,
}

impl Flight {
    /// The client is about to be given `message`.
    pub(super) fn board(&mut self, message: Message) {
        self.boarding.push_back(message);
    }

    /// The client sent the next message under this number.
    pub(super) fn take_off(&mut self, packet: u16) {
        if let Some(message) = self.boarding.pop_front() {
            self.airborne.push_back((packet, message));
        }
    }

    /// The broker has it.
    pub(super) fn land(&mut self, packet: u16) {
        if let Some(index) = self.airborne.iter().position(|(number, _)| *number == packet) {
            self.airborne.remove(index);
        }
    }

    /// What to send again. Retained messages are not among them: their last ones are said again anyway, and these may be old.
    pub(super) fn survivors(self) -> Vec<Message> {
        let airborne = self.airborne.into_iter().map(|(_, message)| message);
        airborne.chain(self.boarding).filter(|message| !message.retain).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_acknowledged_goes_again_in_order() {
        let mut flight = Flight::default();
        for n in 0..5 {
            flight.board(Message::event("t", format!("{n}")));
        }
        flight.board(Message::retained("r", "x"));
        for packet in 1..=4 {
            flight.take_off(packet);
        }
        flight.land(1);
        flight.land(3);
        flight.land(99);
        let texts: Vec<_> = flight.survivors().iter().map(|m| m.text().to_owned()).collect();
        assert_eq!(texts, ["1", "3", "4"]);
    }
}
