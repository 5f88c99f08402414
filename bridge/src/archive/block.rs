//! How indexes lie in the file: the minutes of an hour, or the hours of a day, are one block of one register. A place that was never written is no index.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Bytes of an index.
const WIDTH: usize = size_of::<u32>();
const NOTHING: [u8; WIDTH] = [0xff; WIDTH];

/// Indexes of the registers of one meter, by the minute since 1970.
pub type Curves = BTreeMap<String, BTreeMap<i64, u32>>;

/// How far apart the indexes of a table are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grain {
    /// Each minute: a block is an hour.
    Minute,
    /// Each hour: a block is a day of UTC.
    Hour,
}

impl Grain {
    /// Minutes between two indexes.
    #[must_use]
    pub const fn minutes(self) -> i64 {
        match self {
            Self::Minute => 1,
            Self::Hour => 60,
        }
    }

    /// Indexes of a block.
    #[must_use]
    pub const fn places(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 24,
        }
    }

    /// The block of a minute since 1970, and its place there; nothing if it is between two places.
    #[must_use]
    pub const fn place(self, minute: i64) -> Option<(i64, usize)> {
        if minute.rem_euclid(self.minutes()) != 0 {
            return None;
        }
        let number = minute.div_euclid(self.minutes());
        Some((number.div_euclid(self.places()), number.rem_euclid(self.places()) as usize))
    }

    /// The block in which a minute is.
    #[must_use]
    pub const fn block(self, minute: i64) -> i64 {
        minute.div_euclid(self.minutes() * self.places())
    }

    /// What a block holds: minutes since 1970, each with its index. What follows a block that is too long is not read.
    pub fn read(self, block: i64, bytes: &[u8]) -> impl Iterator<Item = (i64, u32)> {
        let (first, minutes) = (block * self.places(), self.minutes());
        let written = bytes.as_chunks::<WIDTH>().0.iter().zip(first..first + self.places()).filter(|(bytes, _)| **bytes != NOTHING);
        written.map(move |(bytes, number)| (number * minutes, u32::from_le_bytes(*bytes)))
    }

    /// Puts an index into its place.
    pub fn write(self, block: &mut Vec<u8>, place: usize, wh: u32) {
        block.resize(self.places() as usize * WIDTH, NOTHING[0]);
        block[place * WIDTH..][..WIDTH].copy_from_slice(&wh.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_index_has_its_place() {
        for (grain, minute) in [(Grain::Minute, 29_000_041), (Grain::Hour, 29_000_100)] {
            let mut block = Vec::new();
            let (number, place) = grain.place(minute).unwrap();
            assert_eq!(grain.block(minute), number);
            grain.write(&mut block, place, 7);
            grain.write(&mut block, 0, 0);
            let first = number * grain.places() * grain.minutes();
            assert_eq!(grain.read(number, &block).collect::<Vec<_>>(), [(first, 0), (minute, 7)]);
        }
        assert_eq!(Grain::Hour.place(29_000_041), None);
        assert_eq!(Grain::Hour.read(3, &[1]).count(), 0, "damaged");
    }
}
