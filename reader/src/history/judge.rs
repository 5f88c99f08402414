//! What a file holds is judged again: a checksum says that a record is as it was written, not that it was right.
//!
//! A record is held against its neighbours. If an index in it steps back or jumps, it is believed only where the record after it goes on from
//! it, and not from the one before it. Where the one before stands alone against these two, that one is the wrong one. What is believed is
//! believed again when it is judged alone.

use super::snapshot::Snapshot;

/// Judges the records of one ring, oldest first.
#[derive(Default)]
pub(super) struct Judge {
    before: Option<Snapshot>,
    /// The record before was confirmed by another one.
    is_confirmed: bool,
    candidate: Option<Snapshot>,
    refused: Vec<u64>,
}

impl Judge {
    /// The next record.
    pub(super) fn handle_record(&mut self, next: Snapshot) {
        if next.is_empty() {
            return;
        }
        if let Some(candidate) = self.candidate.take() {
            self.judge(candidate, Some(&next));
        }
        self.candidate = Some(next);
    }

    /// That was all: the ordinals of what is not believed.
    pub(super) fn into_refused(mut self) -> Vec<u64> {
        if let Some(candidate) = self.candidate.take() {
            self.judge(candidate, None);
        }
        self.refused
    }

    fn judge(&mut self, candidate: Snapshot, next: Option<&Snapshot>) {
        let Some(before) = &self.before else {
            self.before = Some(candidate);
            return;
        };
        let fits = candidate.follows(before);
        let is_confirmed = next.is_some_and(|next| next.follows(&candidate) && !next.follows(before));
        if !fits && !is_confirmed {
            self.refused.push(candidate.ordinal);
            return;
        }
        if !fits && !self.is_confirmed {
            self.refused.push(before.ordinal);
        }
        self.is_confirmed = fits;
        self.before = Some(candidate);
    }
}
