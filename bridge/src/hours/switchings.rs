//! Which supplier index counts from which minute of a day on.

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::ProfileBlock;

use crate::hours::{
    day::{DAY_MINUTES, Day},
    periods::Periods,
};

/// Minutes and indexes, ascending from midnight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switchings {
    /// The index at midnight.
    first: u8,
    later: Vec<(u16, u8)>,
}

impl Switchings {
    /// One index all day.
    #[must_use]
    pub const fn always(index: u8) -> Self {
        Self { first: index, later: Vec::new() }
    }

    /// Of the blocks of a profile; nothing if they do not tell the index from midnight on. A block without an index leaves it as it is.
    #[must_use]
    pub fn of_blocks(blocks: &[ProfileBlock]) -> Option<Self> {
        let mut switchings = blocks.iter().filter_map(|block| Some((block.minute_of_day(), block.action().supplier_index()?)));
        let (_, first) = switchings.next().filter(|(minute, _)| *minute == 0)?;
        Some(Self { first, later: switchings.collect() })
    }

    /// Of periods under one index, and of the time between them under another.
    #[must_use]
    pub fn of_periods(periods: &Periods, within: u8, between: u8) -> Self {
        let mut edges: Vec<(u16, u8)> = periods.edges().flat_map(|(start, end)| [(start, within), (end, between)]).collect();
        edges.retain(|(minute, _)| *minute < DAY_MINUTES);
        let first = if edges.first().is_some_and(|(minute, _)| *minute == 0) { edges.remove(0).1 } else { between };
        Self { first, later: edges }
    }

    /// The index of a minute.
    #[must_use]
    pub fn at(&self, minute: u16) -> u8 {
        self.later.iter().rev().find(|(from, _)| *from <= minute).map_or(self.first, |(_, index)| *index)
    }

    /// When they are on a day, in s since 1970, each with its index.
    pub fn on(&self, day: Day) -> impl Iterator<Item = (i64, u8)> {
        [(0, self.first)].into_iter().chain(self.later.iter().copied()).map(move |(minute, index)| (day.at(minute), index))
    }
}

#[cfg(test)]
mod tests {
    use super::Switchings;
    use crate::hours::periods::Periods;

    #[test]
    fn periods_become_indexes() {
        let night = Switchings::of_periods(&Periods::of_tempo(), 1, 2);
        assert_eq!([0, 359, 360, 1_319, 1_320, 1_439].map(|minute| night.at(minute)), [1, 1, 2, 2, 1, 1]);
        let noon = Switchings::of_periods(&Periods::of([(0, false), (720, true), (900, false)]), 1, 2);
        assert_eq!([0, 719, 720, 899, 900].map(|minute| noon.at(minute)), [2, 2, 1, 1, 2]);
        assert_eq!(Switchings::of_periods(&Periods::of([(0, true)]), 1, 2), Switchings::always(1));
    }
}
