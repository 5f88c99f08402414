//! Puts the samples of one meter in order: each one once, none before its predecessor, what was missed fetched from the reader's history.
//!
//! Live samples wait here until the MQTT side has room for them. If one is missing before the next, or if too many wait because the broker
//! is away, the intake falls *behind*: it lets go of what waits and asks the reader for everything since the last sample that was handed
//! on. The reader's history is the store; here is never more than [`WAITING_MAX`] live samples and one answer.
//!
//! No clock, no I/O: `handle_*` takes what happened, `poll_*` says what to do.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use teleinfo_proto::wire::{BootId, SampleKind};

use crate::order::{
    marks::{Mark, Marks},
    received::Received,
};

/// Live samples that may wait: half a minute of a standard meter, more than any answer takes.
pub const WAITING_MAX: usize = 32;

/// Questions without a single new sample in the answer, before a gap counts as lost: the reader may still be coming back.
const FRUITLESS_MAX: u32 = 3;

/// Wait before such a question is asked again; doubled each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// What became of the samples of one meter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Handed on.
    pub taken: u64,
    /// Of these, from the history.
    pub recovered: u64,
    /// Received more than once.
    pub duplicates: u64,
    /// Missing, though their neighbours came at full rate.
    pub lost: u64,
    /// Left out by the reader between its snapshots.
    pub thinned: u64,
}

impl Tally {
    /// What was added to an earlier tally of the same intake.
    #[must_use]
    pub const fn since(&self, earlier: &Self) -> Self {
        Self {
            taken: self.taken - earlier.taken,
            recovered: self.recovered - earlier.recovered,
            duplicates: self.duplicates - earlier.duplicates,
            lost: self.lost - earlier.lost,
            thinned: self.thinned - earlier.thinned,
        }
    }
}

/// How an answer of the history ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// That was all.
    Complete,
    /// There is more than was taken.
    Cut,
    /// No answer, or not to the end.
    Failed,
}

/// What to ask the history for: all after this sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// Run of the reader.
    pub boot: BootId,
    /// Last sequence that is not needed.
    pub sequence: u64,
}

/// Where the intake stands.
#[derive(Debug)]
enum Phase {
    /// Live samples are handed on.
    Live,
    /// Something is missing; ask at this time, or at once.
    Behind(Option<Instant>),
    /// The question is under way.
    Asked,
    /// The answer is handed on.
    Answered(VecDeque<Received>, Outcome),
}

/// The order of one meter's samples.
#[derive(Debug)]
pub struct Intake {
    marks: Marks,
    phase: Phase,
    waiting: VecDeque<Received>,
    /// The answer under way cannot be the last one.
    ask_again: bool,
    /// The last sample that waited when the question was asked: up to it the answer knows everything there is.
    witness: Option<(BootId, u64)>,
    fruitless: u32,
    /// Nothing seems to be missing, but the reader had just appeared and its history may not have been there yet: ask again then, unless
    /// a live sample proves it before.
    recheck: Option<Instant>,
    /// The first waiting sample may follow a gap: the history does not have it either.
    gap_is_final: bool,
    last_kind: Option<SampleKind>,
    tally: Tally,
}

impl Intake {
    /// Goes on after `marks`; without any, the first live sample is the beginning.
    #[must_use]
    pub fn new(marks: Marks) -> Self {
        Self {
            marks,
            phase: Phase::Live,
            waiting: VecDeque::new(),
            ask_again: false,
            witness: None,
            fruitless: 0,
            recheck: None,
            gap_is_final: false,
            last_kind: None,
            tally: Tally::default(),
        }
    }

    /// How far samples were handed on.
    #[must_use]
    pub fn marks(&self) -> &Marks {
        &self.marks
    }

    /// What became of the samples so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Whether samples of the past are still to come.
    #[must_use]
    pub fn is_catching_up(&self) -> bool {
        !matches!(self.phase, Phase::Live)
    }

    /// A sample came from the reader.
    pub fn handle_live(&mut self, sample: Received) {
        if self.marks.is_empty() {
            self.marks.begin_before(&sample);
        }
        if self.is_known(&sample) {
            self.tally.duplicates += 1;
        } else if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(sample);
        } else {
            self.overflow(sample);
        }
    }

    /// The reader is there, perhaps again: it may have samples that never reached us.
    pub fn handle_alive(&mut self) {
        match self.phase {
            _ if self.marks.is_empty() => {}
            Phase::Live => self.fall_behind(None),
            Phase::Behind(_) => self.phase = Phase::Behind(None),
            Phase::Asked | Phase::Answered(..) => self.ask_again = true,
        }
    }

    /// The history answered [`Intake::poll_question`].
    pub fn handle_answer(&mut self, samples: Vec<Received>, outcome: Outcome) {
        if !matches!(self.phase, Phase::Asked) {
            return;
        }
        let run = self.waiting.back().map(|sample| sample.boot);
        let fresh = |sample: &Received| !self.marks.covers(sample) && (run == Some(sample.boot) || !self.marks.predates(sample));
        let offered = samples.len();
        let backlog: VecDeque<_> = samples.into_iter().filter(fresh).collect();
        self.tally.duplicates += (offered - backlog.len()) as u64;
        self.fruitless = if backlog.is_empty() { self.fruitless + 1 } else { 0 };
        self.phase = Phase::Answered(backlog, outcome);
    }

    /// What to ask the history now; an answer must follow, if only [`Outcome::Failed`].
    pub fn poll_question(&mut self, now: Instant) -> Option<Question> {
        let due = match self.phase {
            Phase::Behind(at) => at.is_none_or(|at| at <= now),
            Phase::Live => self.recheck.is_some_and(|at| at <= now),
            Phase::Asked | Phase::Answered(..) => false,
        };
        let Mark { boot, sequence, .. } = self.marks.latest().filter(|_| due)?;
        self.phase = Phase::Asked;
        self.ask_again = false;
        self.recheck = None;
        self.witness = self.waiting.back().map(|sample| (sample.boot, sample.sequence));
        Some(Question { boot, sequence })
    }

    /// When to call [`Intake::poll_question`] again at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Behind(at) => at,
            Phase::Live => self.recheck,
            Phase::Asked | Phase::Answered(..) => None,
        }
    }

    /// The next sample in order; it counts as handed on.
    pub fn poll_sample(&mut self, now: Instant) -> Option<Received> {
        if let Phase::Answered(backlog, _) = &mut self.phase {
            while let Some(sample) = backlog.pop_front() {
                if !self.marks.covers(&sample) {
                    self.tally.recovered += 1;
                    self.take(&sample);
                    return Some(sample);
                }
                self.tally.duplicates += 1;
            }
            self.conclude(now);
        }
        if matches!(self.phase, Phase::Live) { self.next_waiting() } else { None }
    }

    fn next_waiting(&mut self) -> Option<Received> {
        self.skip_known();
        let sample = self.waiting.pop_front()?;
        if self.marks.precede(&sample) || self.gap_is_final {
            self.gap_is_final = false;
            self.fruitless = 0;
            self.recheck = None;
            self.take(&sample);
            return Some(sample);
        }
        self.waiting.push_front(sample);
        self.phase = Phase::Behind(None);
        None
    }

    /// The answer is used up: go on live, or ask again.
    fn conclude(&mut self, now: Instant) {
        let Phase::Answered(_, outcome) = self.phase else {
            return;
        };
        self.skip_known();
        let gap = self.waiting.front().is_some_and(|sample| !self.marks.precede(sample));
        let witnessed = self.waiting.iter().any(|sample| self.witness == Some((sample.boot, sample.sequence)));
        let incomplete = outcome != Outcome::Complete || self.ask_again || (gap && !witnessed);
        let exhausted = self.fruitless >= FRUITLESS_MAX;
        let later = (self.fruitless > 0 && !exhausted).then(|| now + FIRST_WAIT * (1 << (self.fruitless - 1)));
        self.phase = match later {
            _ if exhausted => Phase::Live,
            Some(at) if gap || outcome == Outcome::Failed => Phase::Behind(Some(at)),
            _ if incomplete => Phase::Behind(None),
            _ => Phase::Live,
        };
        if matches!(self.phase, Phase::Live) {
            self.gap_is_final = gap;
            self.recheck = later;
            self.fruitless = if later.is_some() { self.fruitless } else { 0 };
        }
    }

    fn take(&mut self, sample: &Received) {
        // One that waits may come from the history first.
        self.waiting.retain(|other| (other.boot, other.sequence) != (sample.boot, sample.sequence));
        let left_out = self.marks.advance(sample);
        if sample.kind == SampleKind::Snapshot || self.last_kind == Some(SampleKind::Snapshot) {
            self.tally.thinned += left_out;
        } else {
            self.tally.lost += left_out;
        }
        self.last_kind = Some(sample.kind);
        self.tally.taken += 1;
    }

    /// One more than may wait.
    fn overflow(&mut self, sample: Received) {
        match self.phase {
            Phase::Live => self.fall_behind(None),
            Phase::Behind(_) => {
                self.waiting.pop_front();
                self.waiting.push_back(sample);
            }
            Phase::Asked | Phase::Answered(..) => self.ask_again = true,
        }
    }

    fn fall_behind(&mut self, until: Option<Instant>) {
        self.phase = Phase::Behind(until);
        self.gap_is_final = false;
        self.fruitless = 0;
        self.recheck = None;
    }

    fn is_known(&self, sample: &Received) -> bool {
        let waits = |other: &Received| (other.boot, other.sequence) == (sample.boot, sample.sequence);
        self.marks.covers(sample) || self.waiting.iter().any(waits)
    }

    fn skip_known(&mut self) {
        while self.waiting.front().is_some_and(|sample| self.marks.covers(sample)) {
            self.waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
