//! What is believed of a meter's indexes, whoever sends them: the last judgement before a number is published.
//!
//! An index below what was published, or further ahead than the meter lets through in the time since, is held back. Once several samples
//! in a row agree on another run of values it is believed, but never as consumption: the register was replaced, or means something else.
//! The reader judges likewise, but it sees one line only, and forgets at its restart.
//!
//! Two readers of one meter may contradict each other. Then neither is believed over what was published, as long as the one that was
//! believed is still heard.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use teleinfo_proto::wire::BootId;

use crate::energy::{limit::Limit, register::Register, time::Time, total::counted};

/// Samples in a row that must agree before another run of values is believed, as in the reader.
const AGREEING: u8 = 3;
/// A reader that was believed counts as heard for this long.
const HEARD_MS: u64 = 60_000;
/// Of two readers, one may be this far behind the other.
const LATE_MS: u64 = 10_000;

/// What a register last said, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// In Wh or varh.
    pub wh: u32,
    /// In ms since 1970.
    pub at_ms: i64,
}

/// What becomes of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on from what was believed.
    Plausible,
    /// It is what another reader has said a moment before: nothing new, and nothing wrong.
    Late,
    /// It does not go on from what was believed.
    HeldBack,
    /// Likewise, and another reader, which was believed, still says something else.
    Contradiction,
    /// It did not, but enough samples agree on it. It is no consumption; what the first of these samples said counts as seen.
    NewTruth(Reading),
}

/// A run of values that is not believed yet.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    first: Reading,
    reading: Reading,
    boot: BootId,
    agreeing: u8,
}

/// What is believed of each register of a meter.
#[derive(Debug, Clone, Default)]
pub struct Judge {
    believed: BTreeMap<Register, Reading>,
    candidates: BTreeMap<Register, Candidate>,
    /// The reader that was believed last, and when.
    voice: Option<(BootId, i64)>,
}

/// The sample that a judgement is about.
#[derive(Debug, Clone, Copy)]
pub struct Hearing<'a> {
    /// The run of the reader that sent it.
    pub boot: BootId,
    /// The time of the meter.
    pub time: &'a Time,
    /// What the meter lets through.
    pub limit: &'a Limit,
}

impl Hearing<'_> {
    /// What was counted from a reading to a number, if the meter lets that much through.
    fn counted(&self, register: Register, from: Reading, wh: u32) -> Option<u64> {
        let possible = self.limit.possible(register.is_withdrawn(), self.time.since(from.at_ms));
        counted(u64::from(from.wh), u64::from(wh)).filter(|counted| *counted <= possible)
    }

    const fn reading(&self, wh: u32) -> Reading {
        Reading { wh, at_ms: self.time.now_ms() }
    }
}

impl Judge {
    /// Goes on from what was believed.
    #[must_use]
    pub fn new(believed: BTreeMap<Register, Reading>) -> Self {
        Self { believed, ..Self::default() }
    }

    /// What is believed of each register.
    #[must_use]
    pub const fn believed(&self) -> &BTreeMap<Register, Reading> {
        &self.believed
    }

    /// Whether a register can have said this at a time of the past, in ms since 1970. Changes nothing.
    #[must_use]
    pub fn could_follow(&self, register: Register, wh: u32, limit: &Limit, unix_ms: i64) -> bool {
        self.believed.get(&register).is_none_or(|believed| {
            let elapsed_ms = u64::try_from(unix_ms.saturating_sub(believed.at_ms)).unwrap_or(0);
            let counted = counted(u64::from(believed.wh), u64::from(wh));
            counted.is_some_and(|counted| counted <= limit.possible(register.is_withdrawn(), elapsed_ms))
        })
    }

    /// Whether a register can have said this before it said what is believed now, at a time in ms since 1970. Changes nothing.
    #[must_use]
    pub fn could_precede(&self, register: Register, wh: u32, limit: &Limit, unix_ms: i64) -> bool {
        self.believed.get(&register).is_none_or(|believed| {
            let elapsed_ms = u64::try_from(believed.at_ms.saturating_sub(unix_ms)).unwrap_or(0);
            let counted = counted(u64::from(wh), u64::from(believed.wh));
            counted.is_some_and(|counted| counted <= limit.possible(register.is_withdrawn(), elapsed_ms))
        })
    }

    /// Judges what a register says.
    pub fn handle_index(&mut self, register: Register, wh: u32, hearing: &Hearing<'_>) -> Verdict {
        let Some(believed) = self.believed.get(&register).copied() else {
            self.believe(register, wh, hearing);
            return Verdict::Plausible;
        };
        if hearing.counted(register, believed, wh).is_some() {
            self.believe(register, wh, hearing);
            return Verdict::Plausible;
        }
        let Candidate { first, agreeing, .. } = self.candidate(register, wh, hearing);
        if self.is_other_heard(hearing) {
            return if is_late(register, believed, wh, hearing) { Verdict::Late } else { Verdict::Contradiction };
        }
        if agreeing < AGREEING {
            return Verdict::HeldBack;
        }
        self.believe(register, wh, hearing);
        Verdict::NewTruth(first)
    }

    /// No reader of this meter is there any more: the next one contradicts nobody.
    pub const fn handle_gone(&mut self) {
        self.voice = None;
    }

    /// A sample of the past says this, and it follows.
    pub fn handle_past(&mut self, register: Register, wh: u32, hearing: &Hearing<'_>) {
        self.believed.insert(register, hearing.reading(wh));
    }

    /// The run of values that a register says instead, this one included.
    fn candidate(&mut self, register: Register, wh: u32, hearing: &Hearing<'_>) -> Candidate {
        let before = self.candidates.get(&register).filter(|candidate| candidate.boot == hearing.boot);
        let goes_on = before.filter(|candidate| hearing.counted(register, candidate.reading, wh).is_some());
        let reading = hearing.reading(wh);
        let (first, agreeing) = goes_on.map_or((reading, 0), |candidate| (candidate.first, candidate.agreeing));
        let candidate = Candidate { first, reading, boot: hearing.boot, agreeing: agreeing.saturating_add(1) };
        self.candidates.insert(register, candidate);
        candidate
    }

    fn believe(&mut self, register: Register, wh: u32, hearing: &Hearing<'_>) {
        self.believed.insert(register, hearing.reading(wh));
        self.candidates.remove(&register);
        self.voice = Some((hearing.boot, hearing.time.now_ms()));
    }

    /// Whether another reader than this one was believed a moment ago.
    fn is_other_heard(&self, hearing: &Hearing<'_>) -> bool {
        self.voice.is_some_and(|(boot, at_ms)| boot != hearing.boot && hearing.time.since(at_ms) < HEARD_MS)
    }
}

/// Whether a number is what another reader can have said a moment before.
fn is_late(register: Register, believed: Reading, wh: u32, hearing: &Hearing<'_>) -> bool {
    let behind = u64::from(believed.wh).checked_sub(u64::from(wh));
    behind.is_some_and(|behind| behind <= hearing.limit.possible(register.is_withdrawn(), LATE_MS))
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::{Dataset, Mode};

    use super::{Verdict::*, *};
    use crate::energy::time::Clocks;

    /// Judges EAST of a 6 kVA meter: each said by a reader, so many seconds after the one before.
    fn verdicts(said: &[(u64, u64, u32)]) -> Vec<Verdict> {
        let (mut judge, mut time, mut limit) = (Judge::default(), Time::default(), Limit::default());
        limit.handle_datasets(&[Dataset::new(Mode::Standard, "PREF", None, "06").unwrap()], false);
        let mut now_ms = 1_700_000_000_000;
        let judged = |(reader, seconds, wh): &(u64, u64, u32)| {
            now_ms += i64::try_from(seconds * 1_000).unwrap();
            time.handle_sample(Clocks::at(BootId::new(*reader), now_ms));
            judge.handle_index(Register::WITHDRAWN, *wh, &Hearing { boot: BootId::new(*reader), time: &time, limit: &limit })
        };
        said.iter().map(judged).collect()
    }

    fn is_new_truth(verdict: Verdict, first: u32) -> bool {
        matches!(verdict, NewTruth(reading) if reading.wh == first)
    }

    #[test]
    fn what_goes_on_is_believed_and_an_outage_of_days_too() {
        let days = 3 * 86_400;
        assert_eq!(verdicts(&[(1, 0, 1_000), (1, 2, 1_000), (1, 2, 1_003), (1, days, 400_000)]), [Plausible; 4]);
        assert_eq!(verdicts(&[(1, 0, 1_000), (1, 60, 400_000)]), [Plausible, HeldBack]);
    }

    #[test]
    fn one_wrong_value_changes_nothing() {
        for wrong in [0, 999, 9_000_000, 999_999_999] {
            let said = [(1, 0, 1_000), (1, 2, wrong), (1, 2, 1_001), (1, 2, wrong), (1, 2, wrong), (1, 2, 1_002)];
            assert_eq!(verdicts(&said), [Plausible, HeldBack, Plausible, HeldBack, HeldBack, Plausible], "{wrong}");
        }
    }

    #[test]
    fn three_samples_that_agree_are_another_truth() {
        let said = [(1, 0, 9_000_000), (1, 2, 50), (1, 2, 50), (1, 2, 51), (1, 2, 51)];
        let verdicts = verdicts(&said);
        assert_eq!((&verdicts[..3], verdicts[4]), (&[Plausible, HeldBack, HeldBack][..], Plausible));
        assert!(is_new_truth(verdicts[3], 50), "{verdicts:?}");
    }

    #[test]
    fn an_index_that_runs_over_its_digits_goes_on() {
        assert_eq!(verdicts(&[(1, 0, 999_999_998), (1, 2, 3), (1, 2, 4)]), [Plausible; 3]);
    }

    #[test]
    fn of_two_readers_neither_is_believed_over_what_was_published() {
        let said = [(1, 0, 9_000_000), (2, 1, 50), (2, 1, 50), (2, 1, 51), (2, 1, 51), (1, 2, 9_000_001), (2, 1, 51)];
        let verdicts = verdicts(&said);
        assert_eq!(verdicts[1..5], [Contradiction; 4]);
        assert_eq!(verdicts[5..], [Plausible, Contradiction]);
    }

    #[test]
    fn a_reader_that_is_no_longer_heard_contradicts_nobody() {
        let said = [(1, 0, 9_000_000), (2, 61, 50), (2, 1, 50), (2, 1, 51)];
        let found = verdicts(&said);
        assert_eq!(found[..3], [Plausible, HeldBack, HeldBack]);
        assert!(is_new_truth(found[3], 50), "{found:?}");
        // What it said while the other still counted as heard was drawn in front of us.
        let said: Vec<_> = [(1, 0, 9_000_000)].into_iter().chain((0..31).map(|step| (2, 2, 50 + step))).collect();
        let found = verdicts(&said);
        assert_eq!(found[1..30], [Contradiction; 29]);
        assert!(is_new_truth(found[30], 50), "{found:?}");
    }

    #[test]
    fn a_reader_that_restarts_contradicts_nobody() {
        let (mut judge, mut time, limit) = (Judge::default(), Time::default(), Limit::default());
        let mut say = |reader, second: i64, wh, judge: &mut Judge| {
            time.handle_sample(Clocks::at(BootId::new(reader), 1_700_000_000_000 + second * 1_000));
            judge.handle_index(Register::BASE, wh, &Hearing { boot: BootId::new(reader), time: &time, limit: &limit })
        };
        assert_eq!(say(1, 0, 9_000_000, &mut judge), Plausible);
        assert_eq!(say(2, 2, 50, &mut judge), Contradiction);
        judge.handle_gone();
        let again = [4, 6].map(|second| say(2, second, 50, &mut judge));
        assert!(again[0] == HeldBack && is_new_truth(again[1], 50), "{again:?}");
    }

    #[test]
    fn a_second_reader_may_be_a_moment_behind() {
        assert_eq!(verdicts(&[(1, 0, 1_000), (1, 1, 1_001), (2, 0, 1_000), (1, 1, 1_002)]), [Plausible, Plausible, Late, Plausible]);
    }
}
