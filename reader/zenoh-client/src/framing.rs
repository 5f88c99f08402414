//! Batches on a byte stream: two bytes of length, little-endian, then that many bytes of messages (Zenoh over TCP).
//!
//! `Inbox` cuts what arrives into batches; `Outbox` holds what has not been taken by the socket yet. Both are bounded: the inbox by
//! the batch size we announced, the outbox by its capacity. The outbox never grows: when it is full, the caller is told so and
//! decides (drop a publication, send a reply later).

use crate::error::{Error, SendError};

/// The largest batch that is accepted and sent, in bytes; announced in InitSyn. A router cuts anything larger into fragments, and sets aside as
/// much for each of its readers: so it is no larger than the longest message that goes either way, with its key and its seal, needs.
pub(crate) const BATCH: u16 = 8 * 1024;

/// What waits for the socket at most, in bytes: eight full batches. Beyond that the router is not reading, and the program keeps its
/// data better itself.
pub(crate) const CAPACITY: usize = 64 * 1024;

/// What replies to a query leave free for publications, declarations and keep-alives.
pub(crate) const RESERVE: usize = CAPACITY / 4;

const LENGTH: usize = size_of::<u16>();

/// Bytes in, batches out.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    /// The batch in progress, its length first.
    batch: Vec<u8>,
    /// `batch` has been handed out; the next byte begins another.
    done: bool,
}

impl Inbox {
    /// Takes bytes off `input` until they amount to a batch.
    pub(crate) fn next_batch(&mut self, input: &mut &[u8]) -> Result<Option<&[u8]>, Error> {
        if std::mem::take(&mut self.done) {
            self.batch.clear();
        }
        self.take(input, LENGTH);
        let Some(length) = self.length() else { return Ok(None) };
        if length > usize::from(BATCH) {
            return Err(Error::Oversized { length });
        }
        self.take(input, LENGTH + length);
        self.done = self.batch.len() == LENGTH + length;
        Ok(self.done.then(|| &self.batch[LENGTH..]))
    }

    /// Fills `batch` up to `upto` bytes.
    fn take(&mut self, input: &mut &[u8], upto: usize) {
        let missing = upto.saturating_sub(self.batch.len()).min(input.len());
        let (taken, rest) = input.split_at(missing);
        self.batch.extend_from_slice(taken);
        *input = rest;
    }

    fn length(&self) -> Option<usize> {
        let length = self.batch.first_chunk::<LENGTH>()?;
        Some(usize::from(u16::from_le_bytes(*length)))
    }
}

/// Messages in, bytes out.
#[derive(Debug)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    /// Where the bytes begin that the socket has not taken.
    head: usize,
}

impl Outbox {
    pub(crate) fn new() -> Self {
        // Pages nobody writes to cost no memory, so the full capacity at once is free and growth is impossible.
        Self { bytes: Vec::with_capacity(CAPACITY), head: 0 }
    }

    /// What waits for the socket.
    pub(crate) fn pending(&self) -> &[u8] {
        &self.bytes[self.head..]
    }

    /// The socket has taken `count` of the pending bytes.
    pub(crate) fn consume(&mut self, count: usize) {
        self.head = (self.head + count).min(self.bytes.len());
        if self.head == self.bytes.len() {
            self.clear();
        }
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.head = 0;
    }

    /// Bytes that still fit.
    pub(crate) fn room(&self) -> usize {
        CAPACITY - self.pending().len()
    }

    /// Appends one batch of at most `bound` bytes, written by `write`; all of it or nothing.
    ///
    /// `bound` must hold for every intermediate state too: the codec reserves the longest form of a number before writing it.
    pub(crate) fn append(&mut self, bound: usize, write: impl FnOnce(&mut Vec<u8>) -> Written) -> Result<(), SendError> {
        if bound > usize::from(BATCH) {
            return Err(SendError::TooLong);
        }
        self.make_room(LENGTH + bound)?;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; LENGTH]);
        let written = write(&mut self.bytes);
        let length = u16::try_from(self.bytes.len() - start - LENGTH);
        match (written, length) {
            (Ok(()), Ok(length)) => self.bytes[start..start + LENGTH].copy_from_slice(&length.to_le_bytes()),
            _ => {
                self.bytes.truncate(start);
                return Err(SendError::TooLong);
            }
        }
        debug_assert!(self.bytes.len() - start <= LENGTH + bound, "a message is longer than its bound");
        Ok(())
    }

    fn make_room(&mut self, need: usize) -> Result<(), SendError> {
        if need > self.room() {
            return Err(SendError::Full);
        }
        if self.bytes.len() + need > CAPACITY {
            self.bytes.copy_within(self.head.., 0);
            self.bytes.truncate(self.bytes.len() - self.head);
            self.head = 0;
        }
        Ok(())
    }
}

/// What the codec says after writing.
pub(crate) type Written = Result<(), zenoh_buffers::writer::DidntWrite>;

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(inbox: &mut Inbox, mut input: &[u8]) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        while let Some(batch) = inbox.next_batch(&mut input).unwrap() {
            found.push(batch.to_vec());
        }
        assert!(input.is_empty());
        found
    }

    #[test]
    fn a_batch_may_arrive_in_any_pieces() {
        let stream = [3, 0, 1, 2, 3, 0, 0, 1, 0, 9];
        let expected = vec![vec![1, 2, 3], vec![], vec![9]];
        assert_eq!(batches(&mut Inbox::default(), &stream), expected);
        for cut in 0..stream.len() {
            let mut inbox = Inbox::default();
            let mut found = batches(&mut inbox, &stream[..cut]);
            found.extend(batches(&mut inbox, &stream[cut..]));
            assert_eq!(found, expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_batch_larger_than_announced_is_refused_before_it_is_stored() {
        let mut inbox = Inbox::default();
        assert!(matches!(inbox.next_batch(&mut &b"\xff\xff"[..]), Err(Error::Oversized { length: 65535 })));
        assert!(inbox.batch.capacity() < 64);
    }

    #[test]
    fn a_full_outbox_refuses_keeps_what_it_has_and_never_grows() {
        let mut outbox = Outbox::new();
        let capacity = outbox.bytes.capacity();
        let write = |bytes: &mut Vec<u8>| {
            bytes.extend_from_slice(&[7; 1000]);
            Ok(())
        };
        let mut count = 0;
        while outbox.append(1000, write).is_ok() {
            count += 1;
        }
        assert_eq!(count, CAPACITY / 1002);
        assert_eq!(outbox.append(1000, write), Err(SendError::Full));
        assert_eq!(outbox.append(usize::from(BATCH) + 1, write), Err(SendError::TooLong));
        outbox.consume(1002);
        outbox.append(1000, write).unwrap();
        assert_eq!(outbox.pending().len(), count * 1002);
        assert!(outbox.pending().chunks(1002).all(|batch| batch[..2] == 1000u16.to_le_bytes()));
        assert_eq!(outbox.bytes.capacity(), capacity);
    }

    #[test]
    fn a_message_that_cannot_be_written_leaves_nothing_behind() {
        let mut outbox = Outbox::new();
        let broken = |bytes: &mut Vec<u8>| {
            bytes.push(1);
            Err(zenoh_buffers::writer::DidntWrite)
        };
        assert_eq!(outbox.append(10, broken), Err(SendError::TooLong));
        assert!(outbox.pending().is_empty());
    }
}
