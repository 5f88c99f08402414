//! What one client has not taken yet: whole packets, within bounds.
//!
//! Each client has some room of its own, which nobody else can take, and beyond it a part of what all of them share. A message that finds no
//! room is dropped and counted: the plugin sends each with QoS 0, so none is owed. An answer of the plugin is never dropped: a client that
//! leaves no room for it is ended. Messages that a client gets are whole and in order, whatever was dropped between them.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::mqtt::clients::packets::{Head, Malformed, PacketKind, Packets, Part};

/// What the memory of one packet costs beside its bytes.
const EACH_BYTES: usize = 64;

/// The room that clients share, in bytes.
#[derive(Debug, Clone)]
pub struct Shared {
    taken: Arc<AtomicUsize>,
    bytes_max: usize,
}

impl Shared {
    /// Room for so many bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self { taken: Arc::default(), bytes_max }
    }

    /// Bytes of it that are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// Somebody who took `before` wants `after`; whether there is room.
    fn change(&self, before: usize, after: usize) -> bool {
        if after <= before {
            self.taken.fetch_sub(before - after, Ordering::Relaxed);
            return true;
        }
        let more = |taken: usize| taken.checked_add(after - before).filter(|sum| *sum <= self.bytes_max);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }
}

/// Why a client cannot be served any longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unserved {
    /// What comes for it is no MQTT.
    Malformed,
    /// It leaves no room for an answer.
    Full,
}

impl From<Malformed> for Unserved {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// A packet that waits, as far as it has come.
#[derive(Debug)]
struct Waiting {
    bytes: Vec<u8>,
    /// Its bytes once it is whole.
    length: usize,
}

/// What waits for one client.
#[derive(Debug)]
pub struct Outbox {
    packets: Packets,
    waiting: VecDeque<Waiting>,
    /// Bytes of the first one that the client has taken.
    sent: usize,
    /// Bytes that are held for it, with what they cost.
    held: usize,
    own_bytes: usize,
    shared: Shared,
    /// The packet that comes now is one that found no room.
    drops: bool,
    dropped: u64,
    is_accepted: bool,
}

impl Outbox {
    /// Empty, with so much room of its own.
    #[must_use]
    pub fn new(own_bytes: usize, shared: Shared) -> Self {
        let (packets, waiting) = (Packets::default(), VecDeque::new());
        Self { packets, waiting, sent: 0, held: 0, own_bytes, shared, drops: false, dropped: 0, is_accepted: false }
    }

    /// The plugin sent these bytes.
    ///
    /// # Errors
    /// The client cannot be served any longer.
    pub fn handle_bytes(&mut self, mut bytes: &[u8]) -> Result<(), Unserved> {
        while let Some(part) = self.packets.next_part(&mut bytes)? {
            match part {
                Part::Head(head) => self.handle_head(&head)?,
                Part::Body(_) if self.drops => {}
                Part::Body(body) => self.waiting.back_mut().into_iter().for_each(|packet| packet.bytes.extend_from_slice(body)),
            }
        }
        Ok(())
    }

    /// The client took so many bytes of [`Outbox::next_bytes`].
    pub fn handle_sent(&mut self, bytes: usize) {
        self.sent += bytes;
        if self.waiting.front().is_some_and(|first| first.length == self.sent) {
            self.waiting.pop_front();
            self.hold(self.held - self.sent - EACH_BYTES);
            self.sent = 0;
        }
    }

    /// What the client may be sent now; empty if there is nothing.
    #[must_use]
    pub fn next_bytes(&self) -> &[u8] {
        self.waiting.front().and_then(|first| first.bytes.get(self.sent..)).unwrap_or_default()
    }

    /// Bytes that are held for the client, with what they cost.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.held
    }

    /// Messages that found no room since this was asked last.
    pub fn take_dropped(&mut self) -> u64 {
        std::mem::take(&mut self.dropped)
    }

    /// Whether the plugin has answered the client's first packet.
    #[must_use]
    pub const fn is_accepted(&self) -> bool {
        self.is_accepted
    }

    fn handle_head(&mut self, head: &Head) -> Result<(), Unserved> {
        self.is_accepted |= head.kind == PacketKind::ConnectAcknowledged;
        let length = head.packet_bytes();
        self.drops = !self.hold(self.held + length + EACH_BYTES);
        match head.kind {
            _ if !self.drops => {
                let mut bytes = Vec::with_capacity(length);
                bytes.extend_from_slice(head.bytes());
                self.waiting.push_back(Waiting { bytes, length });
            }
            PacketKind::Publish => self.dropped += 1,
            _ => return Err(Unserved::Full),
        }
        Ok(())
    }

    /// Holds so much from now on, if there is room.
    fn hold(&mut self, bytes: usize) -> bool {
        let (before, after) = (self.held.saturating_sub(self.own_bytes), bytes.saturating_sub(self.own_bytes));
        let has_room = self.shared.change(before, after);
        if has_room {
            self.held = bytes;
        }
        has_room
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.hold(0);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OWN: usize = 1_000;

    /// A message whose length has one byte.
    fn message(content: &[u8]) -> Vec<u8> {
        [&[0x30, u8::try_from(content.len()).unwrap()], content].concat()
    }

    fn take_all(outbox: &mut Outbox) -> Vec<u8> {
        let mut taken = Vec::new();
        while !outbox.next_bytes().is_empty() {
            let bytes = outbox.next_bytes().to_vec();
            outbox.handle_sent(bytes.len());
            taken.extend(bytes);
        }
        taken
    }

    #[test]
    fn what_finds_no_room_is_dropped_whole_and_counted() {
        let shared = Shared::new(500);
        let mut outbox = Outbox::new(OWN, shared.clone());
        let messages: Vec<_> = (0..20).map(|number| message(&[number; 100])).collect();
        outbox.handle_bytes(&messages.concat()).unwrap();
        // Each costs 100 bytes, its head of 2, and 64.
        assert_eq!((outbox.held(), shared.taken(), outbox.take_dropped()), (9 * 166, 494, 11));
        assert_eq!(take_all(&mut outbox), messages[..9].concat());
        assert_eq!((outbox.held(), shared.taken(), outbox.take_dropped()), (0, 0, 0));
        outbox.handle_bytes(&messages[19]).unwrap();
        assert_eq!(take_all(&mut outbox), messages[19]);
    }

    #[test]
    fn each_client_has_room_of_its_own() {
        let shared = Shared::new(100_000);
        let (mut greedy, mut other) = (Outbox::new(OWN, shared.clone()), Outbox::new(OWN, shared.clone()));
        (0..10_000).for_each(|_| greedy.handle_bytes(&message(&[1; 100])).unwrap());
        assert!(shared.taken() > 99_000);
        other.handle_bytes(&message(&[2; 100])).unwrap();
        assert_eq!((take_all(&mut other).len(), other.take_dropped()), (102, 0));
        drop(greedy);
        assert_eq!(shared.taken(), 0);
    }

    #[test]
    fn an_answer_is_never_dropped() {
        let mut outbox = Outbox::new(100, Shared::new(0));
        outbox.handle_bytes(&[0x20, 2, 0, 0]).unwrap();
        assert!(outbox.is_accepted());
        // Answers to pings that nobody reads.
        assert_eq!(outbox.handle_bytes(&[0xd0, 0]), Err(Unserved::Full));
    }

    #[test]
    fn what_is_no_mqtt_is_an_error() {
        assert_eq!(Outbox::new(OWN, Shared::new(0)).handle_bytes(&[0xff; 6]), Err(Unserved::Malformed));
    }

    #[test]
    fn a_packet_goes_out_while_it_comes() {
        let mut outbox = Outbox::new(OWN, Shared::new(0));
        outbox.handle_bytes(&[0x30, 4, 1]).unwrap();
        assert_eq!(take_all(&mut outbox), [0x30, 4, 1]);
        outbox.handle_bytes(&[2, 3, 4, 0xd0]).unwrap();
        assert_eq!(take_all(&mut outbox), [2, 3, 4]);
        outbox.handle_bytes(&[0]).unwrap();
        assert_eq!((take_all(&mut outbox), outbox.held()), (vec![0xd0, 0], 0));
    }

    proptest! {
        /// Whatever comes and whatever is taken: the bounds hold, and what the client gets are some of the messages, whole and in order.
        #[test]
        fn a_client_gets_whole_messages_within_bounds(steps in prop::collection::vec((0_u8..120, 0_usize..300), 1..200), cut in 1_usize..50) {
            let shared = Shared::new(400);
            let mut outbox = Outbox::new(300, shared.clone());
            let (mut sent, mut got, mut dropped) = (Vec::new(), Vec::new(), 0);
            for (number, (length, takes)) in (0_u8..).zip(steps) {
                let one = message(&vec![number; usize::from(length)]);
                one.chunks(cut).for_each(|chunk| outbox.handle_bytes(chunk).unwrap());
                dropped += outbox.take_dropped();
                sent.push(one);
                let bytes = outbox.next_bytes();
                let bytes = bytes[..takes.min(bytes.len())].to_vec();
                outbox.handle_sent(bytes.len());
                got.extend(bytes);
                prop_assert!(outbox.held() <= 700 && shared.taken() == outbox.held().saturating_sub(300));
            }
            got.extend(take_all(&mut outbox));
            let (mut rest, mut arrived) = (&got[..], 0);
            for one in &sent {
                if let Some(after) = rest.strip_prefix(&one[..]) {
                    (rest, arrived) = (after, arrived + 1);
                }
            }
            prop_assert!(rest.is_empty());
            prop_assert_eq!(arrived + dropped, sent.len() as u64);
        }
    }
}
