//! The one walk over the bytes of a dataset: what its checks want to know of single bytes is gathered while they are collected.
//!
//! Eight bytes at a time, as lanes of one number, where the input has so many; else byte by byte. Both come to the same, which is a test.

use super::{
    Parity,
    spec::{CHARACTER_MAX, CHARACTER_MIN, CHECKSUM_MASK, CR, EOT, ETX, HT, LF, SP, STX},
};

/// What is taken of a dataset. The widest is PJOURF+1 with 111 bytes; this leaves room for newer meters, and bounds a buffer and the sums.
pub(super) const DATASET_BYTES_MAX: usize = 256;

/// What the bytes of a dataset amount to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Walk {
    /// Their sums, for the checksum: the lowest six bits of each lane, and what they ran over into the seventh.
    sums: u64,
    /// How many are HT, in lanes of one byte.
    tabs: u64,
    /// Not zero once there is one that neither a label nor data nor a separator can be. As wide as the others: a processor that clears all three
    /// with wide stores waits when it reads one that two of them have met in.
    odd: u64,
}

impl Walk {
    /// The sum of the bytes, of which the checksum keeps six bits: no other is right.
    pub(super) fn sum(&self) -> u8 {
        let pairs = (self.sums & PAIRS) + (self.sums >> 8 & PAIRS);
        (pairs.wrapping_mul(ONES_OF_PAIRS) >> 48) as u8
    }

    /// How many bytes are HT.
    pub(super) fn tabs(&self) -> u8 {
        (self.tabs.wrapping_mul(ONES) >> 56) as u8
    }

    /// Whether there is a byte that neither a label nor data nor a separator can be.
    pub(super) fn is_odd(&self) -> bool {
        self.odd != 0
    }

    /// Over bytes that are there already.
    pub(super) fn over(bytes: &[u8]) -> Self {
        let mut walk = Self::default();
        bytes.iter().for_each(|byte| walk.take(*byte));
        walk
    }

    /// Copies the bytes of a dataset from `input` to `room`, without their parity, up to what ends the dataset or to the end of either.
    /// Returns how many there are, and what ended the dataset.
    #[inline(always)]
    pub(super) fn collect(&mut self, input: &[u8], parity: Parity, room: &mut [u8]) -> (usize, Option<u8>) {
        let mut taken = 0;
        for (eight, place) in input.as_chunks().0.iter().zip(room.as_chunks_mut().0) {
            let lanes = Lanes::cleaned(*eight, parity);
            *place = lanes.0.to_le_bytes();
            let regular = lanes.count_regular();
            taken += regular;
            if regular == LANES {
                self.add(lanes);
                continue;
            }
            self.add(lanes.first(regular));
            let other = lanes.lane(regular);
            if ends_a_dataset(other) {
                return (taken, Some(other));
            }
            break;
        }
        let (rest, end) = self.collect_bytes(&input[taken..], parity, &mut room[taken..]);
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
        self.add(Lanes(byte.into()));
        self.odd |= u64::from(!is_character(byte) && byte != HT);
    }

    fn add(&mut self, lanes: Lanes) {
        self.sums = (self.sums & CHECKED) + (lanes.0 & CHECKED);
        self.tabs += lanes.tabs() >> 7 & ONES;
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

/// The word that stands before the first separator, if it has at most eight bytes: its bytes as a number, the first one lowest, and how many
/// they are.
pub(super) fn short_word(bytes: &[u8]) -> Option<(u64, usize)> {
    let (eight, rest) = bytes.split_first_chunk()?;
    let lanes = Lanes::from(*eight);
    match lanes.count_above(SP) {
        LANES => rest.first().is_some_and(|next| *next <= SP).then_some((lanes.0, LANES)),
        length => Some((lanes.first(length).0, length)),
    }
}

const LANES: usize = 8;
/// The lowest bit of each lane.
const ONES: u64 = u64::from_le_bytes([1; LANES]);
/// The highest bit of each lane.
const HIGH: u64 = ONES << 7;
/// HT in each lane.
const TABS: u64 = ONES * HT as u64;
/// What the checksum keeps, of each lane.
const CHECKED: u64 = ONES * CHECKSUM_MASK as u64;
/// The lower lane of each two.
const PAIRS: u64 = 0x00ff_00ff_00ff_00ff;
/// The lowest bit of each two lanes.
const ONES_OF_PAIRS: u64 = 0x0001_0001_0001_0001;

/// Eight bytes, the first one lowest.
#[derive(Clone, Copy)]
pub(super) struct Lanes(u64);

impl From<[u8; LANES]> for Lanes {
    fn from(bytes: [u8; LANES]) -> Self {
        Self(u64::from_le_bytes(bytes))
    }
}

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

    /// What each stands for, if all are decimal digits.
    pub(super) fn digits(self) -> Option<u64> {
        let others = self.0 | !self.between(b'0', b'9');
        (others & HIGH == 0).then_some(self.0 & (ONES * 0x0f))
    }

    /// What the last so many stand for, if all of them are decimal digits; at least one. The others stand for nothing.
    pub(super) fn last_digits(self, width: usize) -> Option<u64> {
        let wanted = u64::MAX << (8 * (LANES - width));
        let others = (self.0 | !self.between(b'0', b'9')) & wanted;
        (others & HIGH == 0).then_some(self.0 & wanted & (ONES * 0x0f))
    }

    /// What each stands for, if all are hexadecimal digits. A letter stands for nine more than its lowest four bits.
    pub(super) fn hexadecimal_digits(self) -> Option<u64> {
        let small = Self(self.0 | (ONES * 0x20));
        let letters = small.between(b'a', b'f');
        let others = self.0 | !(self.between(b'0', b'9') | letters);
        (others & HIGH == 0).then_some((self.0 & (ONES * 0x0f)) + (letters >> 7 & ONES) * 9)
    }

    /// Whether all are decimal digits or the capital letters of hexadecimal ones.
    pub(super) fn are_capital_hexadecimal(self) -> bool {
        (self.0 | !(self.between(b'0', b'9') | self.between(b'A', b'F'))) & HIGH == 0
    }

    /// Each lane whose seven low bits are in this range has its highest bit.
    fn between(self, least: u8, greatest: u8) -> u64 {
        self.at_least(least) & !self.at_least(greatest + 1)
    }

    /// The first `count`, which is not all of them; the others are zero.
    fn first(self, count: usize) -> Self {
        Self(self.0 & !(u64::MAX << (8 * count)))
    }

    /// Each lane that is HT has its highest bit.
    fn tabs(self) -> u64 {
        !Self(self.0 ^ TABS).at_least(1)
    }

    /// The lane of this place, of eight.
    fn lane(self, place: usize) -> u8 {
        (self.0 >> (8 * place)) as u8
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
            let [eight_sum, one_sum] = walks.map(|walk| (walk.sum() & CHECKSUM_MASK, walk.tabs(), walk.is_odd()));
            prop_assert_eq!(eight_sum, one_sum);
            prop_assert_eq!(&places[0][..eight.0], &places[1][..one.0]);
        }
    }
}
