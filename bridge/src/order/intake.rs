//! Puts the samples of one meter in order: each one once, none before its predecessor, what was missed fetched from the reader's history.
//!
//! Each sample is handed on as one of the *present* or of the *past*. The past is what came from the history, and what waited for long
//! while something newer came. So after a gap only the newest sample is the present, and the present never steps back.
//!
//! Where more comes than can go out for a while, there is room for the newest only: it goes ahead of its turn (`order/ahead.rs`). What it has
//! overtaken is told as the past, in its order, once there is room for that. No history is asked for before.
//!
//! Samples that arrive wait here until the MQTT side has room for them. If one is missing before the next, or if too many wait because the broker
//! is away, the intake falls *behind*: it lets go of what waits and asks the reader for everything since the last sample that was handed
//! on. The reader's history is the store; here are never more than [`WAITING_MAX`] of them and one answer. What is
//! said of a frame before its end goes its own way (`order/live.rs`), and is the present or nothing.
//!
//! No clock, no I/O: `handle_*` takes what happened, `poll_*` says what to do.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use teleinfo_proto::wire::{BootId, SampleKind};

use crate::order::{
    ahead::Ahead,
    live::LiveSamples,
    marks::{Mark, Marks},
    received::Received,
};

/// Samples that may wait: half a minute of a standard meter, more than any answer takes.
pub const WAITING_MAX: usize = 32;

/// A sample that waited for longer, while a newer one came, is of the past: the broker was away, or a question took long.
const PRESENT: Duration = Duration::from_secs(2);

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
    /// Live samples handed on, before their frame.
    pub live: u64,
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
            live: self.live - earlier.live,
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
    /// Some reader of the meter has not said that it has no more, and nothing came for a while: only what is still missing is asked again.
    Quiet,
}

/// A sample, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InOrder {
    /// The sample.
    pub received: Received,
    /// Whether it is of the present or of the past.
    pub tense: Tense,
}

/// Whether a sample says how things are, or how they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tense {
    /// Nothing newer was known when it came.
    Present,
    /// It was missed when it was made.
    Past,
    /// It was missed when it was made, and something newer was told before it.
    Overtaken,
}

/// A sample that waits, since when.
#[derive(Debug)]
struct Waiting {
    received: Received,
    since: Instant,
    /// It was overtaken, and what it says was taken in.
    is_taken_in: bool,
}

impl Waiting {
    const fn new(received: Received, since: Instant) -> Self {
        Self { received, since, is_taken_in: false }
    }
}

/// What to ask the history for: all after this sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// Run of the reader.
    pub boot: BootId,
    /// Last sequence that is not needed.
    pub sequence: u64,
}

/// What the MQTT side has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// The past and the present.
    Past,
    /// The present in its turn: what was missed has to wait, and will not wait for long.
    Present,
    /// The newest alone, whatever waits before it: more has come than goes out for a while.
    Newest,
}

/// Where the intake stands.
#[derive(Debug)]
enum Phase {
    /// Samples are handed on as they arrive.
    Current,
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
    waiting: VecDeque<Waiting>,
    live: LiveSamples,
    ahead: Ahead,
    /// The answer under way cannot be the last one.
    ask_again: bool,
    /// The newest waiting sample at the time of the question. Whatever is missing before it and not in the answer is lost.
    newest_when_asked: Option<(BootId, u64)>,
    fruitless: u32,
    /// Of runs that began before the latest mark, the last sample that the newest answer had of that time: another reader has told of it, so
    /// nothing is missing there.
    passed_over: HashMap<BootId, u64>,
    /// Nothing seems to be missing, but the reader had just appeared and its history may not have been there yet: ask again then, unless
    /// a sample that arrives proves it before.
    recheck: Option<Instant>,
    /// The first waiting sample may follow a gap: the history does not have it either.
    gap_is_final: bool,
    last_kind: Option<SampleKind>,
    tally: Tally,
}

impl Intake {
    /// Goes on after `marks`; without any, the first sample that arrives is the beginning.
    #[must_use]
    pub fn new(marks: Marks) -> Self {
        Self {
            marks,
            phase: Phase::Current,
            waiting: VecDeque::new(),
            live: LiveSamples::default(),
            ahead: Ahead::default(),
            ask_again: false,
            newest_when_asked: None,
            fruitless: 0,
            passed_over: HashMap::new(),
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

    /// Whether samples wait.
    #[must_use]
    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Whether samples of the past are still to come.
    #[must_use]
    pub fn is_catching_up(&self) -> bool {
        !matches!(self.phase, Phase::Current)
    }

    /// A sample came from the reader by itself.
    pub fn handle_arrival(&mut self, sample: Received, now: Instant) {
        if sample.kind == SampleKind::Live {
            return self.live.handle_live(sample, now);
        }
        self.live.handle_numbered(&sample);
        if self.marks.is_empty() {
            self.marks.begin_before(&sample);
        }
        if self.is_known(&sample) {
            self.tally.duplicates += 1;
        } else if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(Waiting::new(sample, now));
        } else {
            self.overflow(Waiting::new(sample, now));
        }
    }

    /// The reader is there, perhaps again: it may have samples that never reached us.
    pub fn handle_alive(&mut self) {
        match self.phase {
            _ if self.marks.is_empty() => {}
            Phase::Current => self.fall_behind(None),
            Phase::Behind(_) => self.phase = Phase::Behind(None),
            Phase::Asked | Phase::Answered(..) => self.ask_again = true,
        }
    }

    /// These samples, oldest first, were handed on but did not arrive: they are asked for again, and are of the past by then.
    pub fn handle_given_up(&mut self, samples: &[(BootId, u64)]) {
        self.ahead.forget(|told| samples.contains(&told));
        samples.iter().rev().for_each(|(boot, sequence)| self.marks.take_back(*boot, *sequence));
        self.handle_alive();
    }

    /// The history answered [`Intake::poll_question`].
    pub fn handle_answer(&mut self, samples: Vec<Received>, outcome: Outcome) {
        if !matches!(self.phase, Phase::Asked) {
            return;
        }
        let run = self.newest_waiting().map(|(boot, _)| boot);
        let fresh = |sample: &Received| !self.marks.covers(sample) && (run == Some(sample.boot) || !self.marks.predates(sample));
        let older = samples.iter().filter(|sample| self.marks.predates(sample));
        self.passed_over = older.map(|sample| (sample.boot, sample.sequence)).collect();
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
            Phase::Current => self.recheck.is_some_and(|at| at <= now),
            Phase::Asked | Phase::Answered(..) => false,
        };
        let Mark { boot, sequence, .. } = self.marks.latest().filter(|_| due)?;
        self.phase = Phase::Asked;
        self.ask_again = false;
        self.recheck = None;
        self.newest_when_asked = self.newest_waiting();
        Some(Question { boot, sequence })
    }

    /// When to call [`Intake::poll_question`] again at the latest.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.phase {
            Phase::Behind(at) => at,
            Phase::Current => self.recheck,
            Phase::Asked | Phase::Answered(..) => None,
        }
    }

    /// Whether there is something to do that waits for room for the past: samples, or a question.
    #[must_use]
    pub fn is_past_waiting(&self, now: Instant) -> bool {
        match &self.phase {
            Phase::Current => !self.waiting.is_empty() || self.recheck.is_some_and(|at| at <= now),
            Phase::Behind(at) => at.is_none_or(|at| at <= now),
            Phase::Asked => false,
            Phase::Answered(..) => true,
        }
    }

    /// Whether the history is being asked, or its answer not yet handed on.
    #[must_use]
    pub const fn is_asked(&self) -> bool {
        matches!(self.phase, Phase::Asked | Phase::Answered(..))
    }

    /// The next sample that there is room for; it counts as handed on. A live one comes after all that have a number.
    pub fn poll_sample(&mut self, room: Room, now: Instant) -> Option<InOrder> {
        let numbered = if room == Room::Past { self.poll_numbered(now) } else { self.poll_newest(room, now) };
        numbered.or_else(|| self.poll_live(now))
    }

    fn poll_live(&mut self, now: Instant) -> Option<InOrder> {
        let last = self.ahead.last().or_else(|| self.marks.latest().map(|mark| (mark.boot, mark.sequence)))?;
        let received = self.live.poll_sample(last, now)?;
        self.tally.live += 1;
        Some(InOrder { received, tense: Tense::Present })
    }

    fn poll_numbered(&mut self, now: Instant) -> Option<InOrder> {
        while let Some(received) = self.next_answered() {
            if self.marks.covers(&received) {
                self.tally.duplicates += 1;
            } else if self.ahead.handle_turn(received.name()) {
                self.take_turn(&received);
            } else {
                // The history may already have the newest of those that arrived, which waits behind the answer.
                let is_newest = self.newest_waiting() == Some(received.name());
                self.tally.recovered += 1;
                return Some(self.hand_on(received, is_newest));
            }
        }
        self.conclude(now);
        if matches!(self.phase, Phase::Current) { self.next_waiting(now) } else { None }
    }

    /// What is of the present, in its turn while all that waits is. Once something has waited for longer, the newest frame that was not told may go
    /// ahead. What a damaged frame lacks is in those before it, so a whole one is told if there is one.
    fn poll_newest(&mut self, room: Room, now: Instant) -> Option<InOrder> {
        if matches!(&self.phase, Phase::Answered(backlog, _) if backlog.is_empty()) {
            self.conclude(now);
        }
        self.skip_known();
        let is_late = now.saturating_duration_since(self.waiting.front()?.since) > PRESENT;
        match self.phase {
            Phase::Current if self.waiting.len() == 1 || !is_late && self.ahead.is_empty() => return self.next_waiting(now),
            // What the history brings in time goes before it.
            Phase::Behind(_) | Phase::Asked | Phase::Answered(..) if !is_late => return None,
            _ if room == Room::Present => return None,
            _ => {}
        }
        let received = self.newest_untold()?.clone();
        self.ahead.handle_told(received.name());
        self.tally.taken += 1;
        Some(InOrder { received, tense: Tense::Present })
    }

    /// The samples that wait and were overtaken by the one that was told last, oldest first, each once: they are told later, but what they say is
    /// older than that.
    pub fn poll_overtaken(&mut self) -> Vec<Received> {
        let last = self.ahead.last();
        let place = self.waiting.iter().position(|waiting| Some(waiting.received.name()) == last).unwrap_or(0);
        let older = self.waiting.iter_mut().take(place).filter(|waiting| !self.ahead.contains(waiting.received.name()));
        older.filter_map(|waiting| (!std::mem::replace(&mut waiting.is_taken_in, true)).then(|| waiting.received.clone())).collect()
    }

    fn newest_untold(&self) -> Option<&Received> {
        let newer = || self.waiting.iter().rev().map(|waiting| &waiting.received).take_while(|sample| !self.ahead.contains(sample.name()));
        let is_whole = |sample: &&Received| sample.kind == SampleKind::Frame { complete: true };
        let whole = newer().find(is_whole);
        // Where the line damages every frame, a damaged one is better than none.
        let has_whole = || self.waiting.iter().any(|waiting| is_whole(&&waiting.received));
        let is_bad_line = || self.waiting.len() == WAITING_MAX && !has_whole();
        let any = || newer().find(|sample| matches!(sample.kind, SampleKind::Frame { .. })).filter(|_| is_bad_line());
        whole.or_else(any)
    }

    fn next_answered(&mut self) -> Option<Received> {
        if let Phase::Answered(backlog, _) = &mut self.phase { backlog.pop_front() } else { None }
    }

    fn next_waiting(&mut self, now: Instant) -> Option<InOrder> {
        // What was told ahead and waits no longer is older than all that does.
        let waiting: Vec<_> = self.waiting.iter().map(|waiting| waiting.received.name()).collect();
        self.ahead.forget(|told| !waiting.contains(&told));
        loop {
            self.skip_known();
            let first = self.waiting.pop_front()?;
            if !self.marks.precede(&first.received) && !self.gap_is_final {
                self.waiting.push_front(first);
                self.phase = Phase::Behind(None);
                return None;
            }
            self.gap_is_final = false;
            self.fruitless = 0;
            self.recheck = None;
            let Waiting { received, since, .. } = first;
            if !self.ahead.handle_turn(received.name()) {
                let is_past = !self.waiting.is_empty() && now.saturating_duration_since(since) > PRESENT;
                let is_present = !is_past && self.ahead.is_empty();
                return Some(self.hand_on(received, is_present));
            }
            self.take_turn(&received);
        }
    }

    /// The answer is used up: go on with what arrives, or ask again.
    fn conclude(&mut self, now: Instant) {
        let Phase::Answered(_, outcome) = self.phase else {
            return;
        };
        self.skip_known();
        let gap = self.waiting.front().is_some_and(|waiting| !self.marks.precede(&waiting.received));
        let knows_all = self.waiting.iter().any(|waiting| self.newest_when_asked == Some(waiting.received.name()));
        let is_over = matches!(outcome, Outcome::Complete | Outcome::Quiet);
        let incomplete = !is_over || self.ask_again || (gap && (!knows_all || outcome == Outcome::Quiet));
        let exhausted = self.fruitless >= FRUITLESS_MAX;
        let later = (self.fruitless > 0 && !exhausted).then(|| now + FIRST_WAIT * (1 << (self.fruitless - 1)));
        self.phase = match later {
            _ if exhausted => Phase::Current,
            Some(at) if gap || outcome == Outcome::Failed => Phase::Behind(Some(at)),
            _ if incomplete => Phase::Behind(None),
            _ => Phase::Current,
        };
        if matches!(self.phase, Phase::Current) {
            self.gap_is_final = gap;
            self.recheck = later;
            self.fruitless = if later.is_some() { self.fruitless } else { 0 };
        }
    }

    fn hand_on(&mut self, received: Received, is_present: bool) -> InOrder {
        let tense = match is_present {
            true => Tense::Present,
            false if self.ahead.is_empty() => Tense::Past,
            false => Tense::Overtaken,
        };
        self.take_turn(&received);
        self.tally.taken += 1;
        InOrder { received, tense }
    }

    /// It is the turn of this sample.
    fn take_turn(&mut self, received: &Received) {
        // One that waits may come from the history first.
        self.waiting.retain(|waiting| waiting.received.name() != received.name());
        let passed_over = self.passed_over.remove(&received.boot).filter(|_| self.marks.is_of_new_run(received)).unwrap_or_default();
        let left_out = self.marks.advance(received).saturating_sub(passed_over);
        self.ahead.forget(|told| self.marks.covers_name(told));
        if received.kind == SampleKind::Snapshot || self.last_kind == Some(SampleKind::Snapshot) {
            self.tally.thinned += left_out;
        } else {
            self.tally.lost += left_out;
        }
        self.last_kind = Some(received.kind);
    }

    /// One more than may wait. The oldest goes: the history still has it, and the newest is the present.
    fn overflow(&mut self, newest: Waiting) {
        match self.phase {
            Phase::Current => self.fall_behind(None),
            Phase::Behind(_) => {}
            Phase::Asked | Phase::Answered(..) => self.ask_again = true,
        }
        self.waiting.pop_front();
        self.waiting.push_back(newest);
    }

    fn fall_behind(&mut self, until: Option<Instant>) {
        self.phase = Phase::Behind(until);
        self.gap_is_final = false;
        self.fruitless = 0;
        self.recheck = None;
    }

    fn is_known(&self, sample: &Received) -> bool {
        self.marks.covers(sample) || self.waiting.iter().any(|waiting| waiting.received.name() == sample.name())
    }

    fn newest_waiting(&self) -> Option<(BootId, u64)> {
        self.waiting.back().map(|waiting| waiting.received.name())
    }

    fn skip_known(&mut self) {
        while self.waiting.front().is_some_and(|waiting| self.marks.covers(&waiting.received)) {
            self.waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
