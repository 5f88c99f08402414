//! A ring of records in a block of bytes that never grows: the oldest records make room for new ones.
//!
//! Places are counted from the first byte ever written, so a [`Position`] stays meaningful while records come and go: one that has gone
//! means the oldest that is left.

/// Bytes in front of a record: its length.
const LENGTH_BYTES: usize = 2;

/// Where a record begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position(u64);

pub(super) struct Ring {
    bytes: Box<[u8]>,
    start: u64,
    end: u64,
}

impl Ring {
    pub(super) fn new(capacity: usize) -> Self {
        Self { bytes: vec![0; capacity].into_boxed_slice(), start: 0, end: 0 }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(super) const fn first(&self) -> Position {
        Position(self.start)
    }

    /// Adds a record made of these parts. One that is larger than the ring, or longer than 65 535 bytes, is left out.
    pub(super) fn push(&mut self, parts: &[&[u8]]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let Ok(prefix) = u16::try_from(length) else { return };
        if LENGTH_BYTES + length > self.bytes.len() {
            return;
        }
        while self.used() + LENGTH_BYTES + length > self.bytes.len() {
            self.drop_front();
        }
        self.write(&prefix.to_le_bytes());
        for part in parts {
            self.write(part);
        }
    }

    /// Copies the record at a position, as much of it as `buffer` takes; gives the length copied and the next position.
    pub(super) fn read(&self, position: Position, buffer: &mut [u8]) -> Option<(usize, Position)> {
        let at = position.0.max(self.start);
        if at >= self.end {
            return None;
        }
        let length = self.length_at(at);
        let copied = length.min(buffer.len());
        self.copy(at + LENGTH_BYTES as u64, &mut buffer[..copied]);
        Some((copied, Position(at + (LENGTH_BYTES + length) as u64)))
    }

    /// Drops the oldest records while `unwanted` says so of their first byte.
    pub(super) fn drop_front_while(&mut self, unwanted: impl Fn(u8) -> bool) {
        let mut first = [0];
        while self.read(self.first(), &mut first).is_some() && unwanted(first[0]) {
            self.drop_front();
        }
    }

    fn used(&self) -> usize {
        (self.end - self.start) as usize
    }

    fn drop_front(&mut self) {
        self.start += (LENGTH_BYTES + self.length_at(self.start)) as u64;
    }

    fn length_at(&self, at: u64) -> usize {
        let mut prefix = [0; LENGTH_BYTES];
        self.copy(at, &mut prefix);
        u16::from_le_bytes(prefix).into()
    }

    fn write(&mut self, part: &[u8]) {
        let at = self.place(self.end);
        let (tail, head) = part.split_at(part.len().min(self.bytes.len() - at));
        self.bytes[at..at + tail.len()].copy_from_slice(tail);
        self.bytes[..head.len()].copy_from_slice(head);
        self.end += part.len() as u64;
    }

    fn copy(&self, at: u64, into: &mut [u8]) {
        let at = self.place(at);
        let (tail, head) = into.split_at_mut(into.len().min(self.bytes.len() - at));
        tail.copy_from_slice(&self.bytes[at..at + tail.len()]);
        head.copy_from_slice(&self.bytes[..head.len()]);
    }

    fn place(&self, at: u64) -> usize {
        (at % self.bytes.len() as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::Ring;

    fn held(ring: &Ring) -> Vec<Vec<u8>> {
        let (mut records, mut position, mut buffer) = (vec![], ring.first(), [0; 64]);
        while let Some((length, next)) = ring.read(position, &mut buffer) {
            records.push(buffer[..length].to_vec());
            position = next;
        }
        records
    }

    #[test]
    fn the_oldest_make_room() {
        for capacity in 12..40 {
            let mut ring = Ring::new(capacity);
            for number in 0..200_u8 {
                ring.push(&[&[number], &vec![number; usize::from(number % 5)]]);
                let records = held(&ring);
                let newest = records.last().unwrap();
                assert_eq!((newest[0], newest.len()), (number, 1 + usize::from(number % 5)));
                assert!(records.windows(2).all(|pair| pair[0][0] + 1 == pair[1][0]), "in order, none missing");
            }
        }
    }

    #[test]
    fn a_position_that_has_gone_is_the_oldest_left() {
        let mut ring = Ring::new(16);
        ring.push(&[b"one"]);
        let gone = ring.first();
        for record in [b"two", b"3rd", b"4th"] {
            ring.push(&[record]);
        }
        let mut buffer = [0; 8];
        assert_eq!(ring.read(gone, &mut buffer).map(|(length, _)| length), Some(3));
        assert_eq!(&buffer[..3], b"two");
    }

    #[test]
    fn too_large_is_left_out() {
        let mut ring = Ring::new(8);
        ring.push(&[b"fits"]);
        ring.push(&[b"does not"]);
        assert_eq!(held(&ring), [b"fits"]);
    }
}
