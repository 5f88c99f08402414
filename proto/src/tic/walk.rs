//! The one walk over the bytes of a dataset: what its checks want to know of single bytes is gathered while they are collected.
//!
//! Eight bytes at a time, as lanes of one number, where the input has so many; else byte by byte. Both come to the same, which is a test.

use super::{
    Parity,
    spec::{CHARACTER_MAX, CHARACTER_MIN, CR, EOT, ETX, HT, LF, SP, STX},
};

/// What the bytes of a dataset amount to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Walk {
    /// Their sum, for the checksum, which keeps six bits of it.
    pub(super) sum: u8,
    /// How many are HT.
    pub(super) tabs: u8,
    /// Whether there is one that neither a label nor data nor a separator can be.
    pub(super) is_odd: bool,
}

impl Walk {
    /// Over bytes that are there already.
    pub(super) fn over(bytes: &[u8]) -> Self {
        let mut walk = Self::default();
        bytes.iter().for_each(|byte| walk.take(*byte));
        walk
    }

    /// Copies the bytes of a dataset from `input` to `room`, without their parity, up to what ends the dataset or to the end of either.
    /// Returns how many there are, and what ended the dataset.
    pub(super) fn collect(&mut self, input: &[u8], parity: Parity, room: &mut [u8]) -> (usize, Option<u8>) {
        let (mut input, mut room, mut taken) = (input, room, 0);
        while let (Some((eight, more)), Some((place, _))) = (input.split_first_chunk(), room.split_first_chunk_mut()) {
            let lanes = Lanes::cleaned(*eight, parity);
            *place = lanes.0.to_le_bytes();
            let regular = lanes.count_regular();
            self.take_regular(lanes.first(regular));
            if regular == LANES {
                (input, room, taken) = (more, &mut room[LANES..], taken + LANES);
                continue;
            }
            let byte = place[regular];
            if ends_a_dataset(byte) {
                return (taken + regular, Some(byte));
            }
            self.take(byte);
            (input, room, taken) = (&input[regular + 1..], &mut room[regular + 1..], taken + regular + 1);
        }
        let (rest, end) = self.collect_bytes(input, parity, room);
        (taken + rest, end)
    }

    fn collect_bytes(&mut self, input: &[u8], parity: Parity, room: &mut [u8]) -> (usize, Option<u8>) {
        let clean = parity.table();
        for (taken, (raw, place)) in input.iter().zip(&mut *room).enumerate() {
            let byte = clean[usize::from(*raw)];
            if ends_a_dataset(byte) {
                return (taken, Some(byte));
            }
            self.take(byte);
            *place = byte;
        }
        (input.len().min(room.len()), None)
    }

    fn take(&mut self, byte: u8) {
        self.sum = self.sum.wrapping_add(byte);
        self.tabs = self.tabs.wrapping_add(u8::from(byte == HT));
        self.is_odd |= !is_character(byte) && byte != HT;
    }

    fn take_regular(&mut self, lanes: Lanes) {
        self.sum = self.sum.wrapping_add(lanes.sum());
        self.tabs = self.tabs.wrapping_add(lanes.count_tabs());
    }
}

/// Whether a label or data may hold it.
pub(super) const fn is_character(byte: u8) -> bool {
    matches!(byte, CHARACTER_MIN..=CHARACTER_MAX)
}

/// CR should; the others begin something else, or end the frame.
pub(super) const fn ends_a_dataset(byte: u8) -> bool {
    matches!(byte, STX | ETX | EOT | LF | CR)
}

/// How many bytes there are before the first separator, or in all.
pub(super) fn word_length(bytes: &[u8]) -> usize {
    let eight = bytes.first_chunk().map_or(0, |eight| Lanes(u64::from_le_bytes(*eight)).count_above(SP));
    eight + bytes.get(eight..).unwrap_or_default().iter().take_while(|byte| **byte > SP).count()
}

const LANES: usize = 8;
/// The lowest bit of each lane.
const ONES: u64 = u64::from_le_bytes([1; LANES]);
/// The highest bit of each lane.
const HIGH: u64 = ONES << 7;
/// HT in each lane.
const TABS: u64 = ONES * HT as u64;

/// Eight bytes, the first one lowest.
#[derive(Clone, Copy)]
struct Lanes(u64);

impl Lanes {
    /// As they come off the line: what [`Parity::table`] does to each byte.
    fn cleaned(bytes: [u8; LANES], parity: Parity) -> Self {
        let raw = u64::from_le_bytes(bytes);
        if parity == Parity::Stripped {
            return Self(raw);
        }
        // The lowest bit of each lane becomes the parity of the lane.
        let folded = raw ^ raw >> 4;
        let folded = folded ^ folded >> 2;
        let odd = (folded ^ folded >> 1) & ONES;
        Self(raw & !HIGH | odd << 7)
    }

    /// How many there are before the first that is neither a character nor HT.
    fn count_regular(self) -> usize {
        let others = self.0 | !(self.at_least(CHARACTER_MIN) | self.tabs()) | self.at_least(CHARACTER_MAX + 1);
        (others & HIGH).trailing_zeros() as usize / 8
    }

    /// How many there are before the first that is not above this one, of bytes without their highest bit.
    fn count_above(self, byte: u8) -> usize {
        (!self.at_least(byte + 1) & HIGH).trailing_zeros() as usize / 8
    }

    /// Each lane whose seven low bits are at least this great has its highest bit. The seven bits leave room for the sum.
    fn at_least(self, least: u8) -> u64 {
        (self.0 & !HIGH) + ONES * (0x80 - u64::from(least))
    }

    /// The first `count`; the others are zero.
    fn first(self, count: usize) -> Self {
        Self(if count < LANES { self.0 & !(u64::MAX << (8 * count)) } else { self.0 })
    }

    /// The sum of regular bytes.
    fn sum(self) -> u8 {
        const PAIRS: u64 = 0x00ff_00ff_00ff_00ff;
        let pairs = (self.0 & PAIRS) + (self.0 >> 8 & PAIRS);
        (pairs.wrapping_mul(0x0001_0001_0001_0001) >> 48) as u8
    }

    /// Of regular bytes.
    fn count_tabs(self) -> u8 {
        ((self.tabs() & HIGH) >> 7).wrapping_mul(ONES).to_be_bytes()[0]
    }

    /// Each lane that is HT has its highest bit.
    fn tabs(self) -> u64 {
        !Self(self.0 ^ TABS).at_least(1)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use proptest::prelude::*;

    use super::*;

    fn byte() -> impl Strategy<Value = u8> {
        prop_oneof![8 => 0x20..0x7f_u8, 2 => Just(HT), 1 => any::<u8>(), 1 => prop::sample::select(std::vec![CR, LF, STX, ETX, EOT, 0x7f])]
    }

    proptest! {
        #[test]
        fn eight_at_a_time_comes_to_the_same(bytes in prop::collection::vec(byte(), 0..64), room in 0..64_usize, even: bool) {
            let parity = if even { Parity::Even } else { Parity::Stripped };
            let mut places = [[0; 64]; 2];
            let mut walks = [Walk::default(); 2];
            let eight = walks[0].collect(&bytes, parity, &mut places[0][..room]);
            let one = walks[1].collect_bytes(&bytes, parity, &mut places[1][..room]);
            prop_assert_eq!(eight, one);
            prop_assert_eq!(walks[0], walks[1]);
            prop_assert_eq!(&places[0][..eight.0], &places[1][..one.0]);
        }
    }
}
