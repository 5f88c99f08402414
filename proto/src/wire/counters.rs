//! What the reader counts, from the start of its process. Everything received adds up.
//!
//! A counter is one row of the table, with its number on the wire. They travel as a list of numbers and values, those that are zero left
//! out; a number that a release does not know is skipped.

use core::{
    fmt,
    ops::{Index, IndexMut},
};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{SeqAccess, Visitor},
    ser::SerializeSeq,
};

use crate::tic::RefusalKind;

/// The counter of a reason of refusal has this number on the wire, and the reason's own added to it.
const REFUSED: u32 = 32;

/// Makes [`Counters`] and what it needs to travel from the rows of one table.
macro_rules! counters {
    ($($(#[$meaning:meta])* $name:ident: $type:ident = $number:literal;)+) => {
        /// Counters of a reader. They only grow, and wrap after four thousand million.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[$meaning])* pub $name: $type,)+
            /// Datasets refused, by reason.
            pub refused: Refused,
        }

        impl Counters {
            /// Every counter that is not zero, with its number on the wire.
            fn pairs(&self) -> impl Iterator<Item = (u32, u64)> {
                let own = [$(($number, u64::from(self.$name))),+];
                own.into_iter().chain(self.refused.pairs()).filter(|(_, count)| *count > 0)
            }

            /// A value too great for its counter stops at the greatest; a number that is not known is no counter of this release.
            fn set(&mut self, number: u32, count: u64) {
                match number {
                    $($number => self.$name = $type::try_from(count).unwrap_or($type::MAX),)+
                    number => self.refused.set(number, count),
                }
            }
        }
    };
}

counters! {
    /// Bytes from the line.
    bytes: u64 = 1;
    /// Frames from STX to ETX without a refused dataset.
    frames_good: u32 = 2;
    /// Frames from STX to ETX with a refused dataset.
    frames_damaged: u32 = 3;
    /// Frames whose beginning was not seen, or that ended in EOT, another STX or silence.
    frames_cut: u32 = 4;
    /// Datasets taken.
    datasets_good: u32 = 5;
    /// Datasets that verified but are not believed: an index that runs backwards or too fast, an unknown label that came only once.
    refused_implausible: u32 = 6;
    /// Datasets that verified while no meter's identity was known.
    unidentified: u32 = 7;
    /// Times that agreeing frames made an index that jumped the new truth.
    index_resets: u32 = 8;
    /// Samples that could not be sent when they were made; the history still holds them for a while.
    samples_unsent: u32 = 9;
    /// Times the session with the bridge was lost.
    reconnects: u32 = 10;
    /// Datasets taken though the LF before them was damaged or lost.
    line_feeds_damaged: u32 = 11;
    /// Frames read from their first dataset though their STX was damaged or lost.
    frame_starts_damaged: u32 = 12;
}

impl Counters {
    /// Counts a refused dataset.
    pub fn refuse(&mut self, reason: RefusalKind) {
        self.refused[reason] = self.refused[reason].wrapping_add(1);
    }

    /// Datasets refused, with the word for each reason.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u32)> {
        let reasons = RefusalKind::ALL.iter().map(|kind| (kind.name(), self.refused[*kind]));
        reasons.chain([("implausible", self.refused_implausible)])
    }
}

/// A counter for each [`RefusalKind`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused([u32; RefusalKind::ALL.len()]);

impl Refused {
    fn pairs(&self) -> impl Iterator<Item = (u32, u64)> {
        RefusalKind::ALL.iter().map(|kind| (REFUSED + u32::from(kind.number()), self[*kind].into()))
    }

    fn set(&mut self, number: u32, count: u64) {
        let known = RefusalKind::ALL.iter().find(|kind| REFUSED + u32::from(kind.number()) == number);
        if let Some(kind) = known {
            self[*kind] = u32::try_from(count).unwrap_or(u32::MAX);
        }
    }
}

/// The place of a kind: its numbers count from one.
const fn place(kind: RefusalKind) -> usize {
    kind.number() as usize - 1
}

impl Index<RefusalKind> for Refused {
    type Output = u32;

    fn index(&self, kind: RefusalKind) -> &u32 {
        &self.0[place(kind)]
    }
}

impl IndexMut<RefusalKind> for Refused {
    fn index_mut(&mut self, kind: RefusalKind) -> &mut u32 {
        &mut self.0[place(kind)]
    }
}

impl Serialize for Counters {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.pairs().count()))?;
        for pair in self.pairs() {
            list.serialize_element(&pair)?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for Counters {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Pairs)
    }
}

/// Reads the list.
struct Pairs;

impl<'de> Visitor<'de> for Pairs {
    type Value = Counters;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of counters, each with its number")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Counters, A::Error> {
        let mut counters = Counters::default();
        while let Some((number, count)) = list.next_element()? {
            counters.set(number, count);
        }
        Ok(counters)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_counter_has_a_number_of_its_own_and_comes_back() {
        let mut counters = Counters::default();
        (1..=u32::from(u8::MAX)).for_each(|number| counters.set(number, number.into()));
        let numbers: BTreeSet<_> = counters.pairs().map(|(number, _)| number).collect();
        assert_eq!(counters.pairs().count(), numbers.len());
        assert!(counters.pairs().all(|(number, count)| count == u64::from(number)));
        assert_eq!(numbers.len(), 12 + RefusalKind::ALL.len(), "all are reached by their number");
    }

    #[test]
    fn what_is_too_great_stops_at_the_greatest() {
        let mut counters = Counters::default();
        counters.set(2, u64::MAX);
        counters.set(REFUSED + 1, u64::MAX);
        assert_eq!((counters.frames_good, counters.refused[RefusalKind::Parity]), (u32::MAX, u32::MAX));
    }
}
