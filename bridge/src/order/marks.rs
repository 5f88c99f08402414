//! How far a meter's samples have been handed on: the last sequence of each run of its reader.
//!
//! Usually there is one run that matters. A few are kept, because a reader that restarts still answers with samples of its last run, and
//! two readers may watch one meter.

use teleinfo_proto::wire::BootId;

use crate::order::received::Received;

/// Runs remembered; the one not heard of for longest goes first.
const RUNS_MAX: usize = 4;

/// The last sample handed on of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The run.
    pub boot: BootId,
    /// The last sequence handed on.
    pub sequence: u64,
    /// The reader's wall clock in that sample.
    pub unix_ms: i64,
}

/// The marks of one meter, the latest last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks(Vec<Mark>);

impl Marks {
    /// Begins where an earlier process stopped.
    #[must_use]
    pub fn new(marks: Vec<Mark>) -> Self {
        Self(marks)
    }

    /// The run and sequence handed on last.
    #[must_use]
    pub fn latest(&self) -> Option<Mark> {
        self.0.last().copied()
    }

    /// All of them, the latest last.
    pub fn iter(&self) -> impl Iterator<Item = &Mark> {
        self.0.iter()
    }

    /// Begins just before `sample`: what was earlier is not wanted.
    pub(super) fn begin_before(&mut self, sample: &Received) {
        self.put(Mark { boot: sample.boot, sequence: sample.sequence.saturating_sub(1), unix_ms: sample.unix_ms.saturating_sub(1) });
    }

    /// `sample` is handed on; returns how many sequences of its run were left out before it.
    pub(super) fn advance(&mut self, sample: &Received) -> u64 {
        let before = self.of(sample.boot).map_or(0, |mark| mark.sequence);
        self.put(Mark { boot: sample.boot, sequence: sample.sequence, unix_ms: sample.unix_ms });
        sample.sequence.saturating_sub(before.saturating_add(1))
    }

    /// A sample that was handed on did not arrive: it and all after it in its run are wanted again, before anything else.
    pub fn take_back(&mut self, boot: BootId, sequence: u64) {
        if let Some(mark) = self.of(boot).copied() {
            self.put(Mark { sequence: mark.sequence.min(sequence.saturating_sub(1)), ..mark });
        }
    }

    /// Another bridge has handed on so far: of each run what is further on counts.
    pub fn merge(&mut self, others: &[Mark]) {
        for mark in others {
            if self.of(mark.boot).is_none_or(|known| known.sequence < mark.sequence) {
                self.put(*mark);
            }
        }
    }

    /// Whether `sample` was already handed on.
    pub(super) fn covers(&self, sample: &Received) -> bool {
        self.covers_name(sample.name())
    }

    /// The same of the sample with this number of this run.
    pub(super) fn covers_name(&self, (boot, sequence): (BootId, u64)) -> bool {
        self.of(boot).is_some_and(|mark| sequence <= mark.sequence)
    }

    /// Whether `sample` is of a run that is not known and was over before the latest mark, by the reader's clock.
    pub(super) fn predates(&self, sample: &Received) -> bool {
        self.is_of_new_run(sample) && self.latest().is_some_and(|mark| sample.unix_ms <= mark.unix_ms)
    }

    /// Whether nothing of the run of `sample` was handed on.
    pub(super) fn is_of_new_run(&self, sample: &Received) -> bool {
        self.of(sample.boot).is_none()
    }

    /// Whether nothing can be missing between the marks and `sample`.
    pub(super) fn precede(&self, sample: &Received) -> bool {
        self.of(sample.boot).is_some_and(|mark| mark.sequence.checked_add(1) == Some(sample.sequence))
    }

    /// Whether nothing was handed on yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn of(&self, boot: BootId) -> Option<&Mark> {
        self.0.iter().find(|mark| mark.boot == boot)
    }

    fn put(&mut self, mark: Mark) {
        self.0.retain(|other| other.boot != mark.boot);
        if self.0.len() == RUNS_MAX {
            self.0.remove(0);
        }
        self.0.push(mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_bridges_the_one_that_is_further_on_counts_run_by_run() {
        let mark = |boot, sequence, unix_ms| Mark { boot: BootId::new(boot), sequence, unix_ms };
        let mut marks = Marks::new(vec![mark(1, 50, 500), mark(2, 7, 700)]);
        marks.merge(&[mark(1, 40, 400), mark(2, 9, 900), mark(3, 1, 600)]);
        assert_eq!(marks, Marks::new(vec![mark(1, 50, 500), mark(2, 9, 900), mark(3, 1, 600)]));
    }
}
