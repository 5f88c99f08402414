//! Samples of one meter that were told ahead of their turn, because more came than could go out: the newest is told as the present at once, and
//! what it has overtaken follows as the past when there is room. When their turn comes, they are not told again.

use std::collections::VecDeque;

use teleinfo_proto::wire::BootId;

/// What tells a sample from all others of its meter.
type Name = (BootId, u64);

/// Samples that are remembered. Beyond that the oldest one is forgotten, and told once more, as the past.
const REMEMBERED: usize = 256;

/// The samples that were told ahead of their turn, in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Ahead(VecDeque<Name>);

impl Ahead {
    /// This sample is told now, and its turn is still to come.
    pub(super) fn handle_told(&mut self, sample: Name) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(sample);
    }

    /// It is the turn of this sample. Returns whether it was told before.
    pub(super) fn handle_turn(&mut self, sample: Name) -> bool {
        let before = self.0.len();
        self.0.retain(|told| *told != sample);
        self.0.len() < before
    }

    /// The turn of these will not come, or has to come again.
    pub(super) fn forget(&mut self, is_over: impl Fn(Name) -> bool) {
        self.0.retain(|told| !is_over(*told));
    }

    pub(super) fn contains(&self, sample: Name) -> bool {
        self.0.contains(&sample)
    }

    /// Whether nothing was told that still has its turn to come: what comes now has not been overtaken.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sample that was told last.
    pub(super) fn last(&self) -> Option<Name> {
        self.0.back().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_told_once_and_only_so_many_are_remembered() {
        let (mut ahead, boot) = (Ahead::default(), BootId::new(1));
        (1..=REMEMBERED as u64 + 2).for_each(|sequence| ahead.handle_told((boot, sequence)));
        assert_eq!([2, 3, 3].map(|sequence| ahead.handle_turn((boot, sequence))), [false, true, false]);
        assert_eq!(ahead.0.len(), REMEMBERED - 1);
        ahead.forget(|(_, sequence)| sequence > 4);
        assert_eq!(ahead.last(), Some((boot, 4)));
    }
}
