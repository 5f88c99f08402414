//! The last check before an index is believed: meters never count backwards, nor faster than current can flow.
//!
//! A six-bit checksum lets one damaged dataset in 64 through, and a wrong index spoils a house's statistics for good. But a filter that
//! only refuses would lock itself out after one bad value, so this one recovers: when several frames in a row agree with each other and
//! not with what was believed, they are the truth.
//!
//! How far a step is believed depends on its size:
//!
//! * What the power that the meter itself states explains is believed at once. So is a step below nine: damage that the checksum cannot
//!   see, its own byte being whole, leaves the sum of the digits as it was, and then a number is off by a multiple of nine.
//! * What the subscribed power would allow must be said by two frames in a row.
//! * Anything else must be said by three.
//!
//! A power is implausible when it is more than a meter lets through; it has no memory, since nothing follows from the one before.
//!
//! Time is the meter's: the clock's, or what the bytes on the line must have taken if that is more. A real line cannot be faster than its
//! baud rate; a simulated meter in a hurry can.

use teleinfo_proto::tic::{Dataset, Label, LabelKind, Role, spec::INDEX_MODULUS};

/// More indexes than a meter has: EAST, EASF01-10, EASD01-04, EAIT, ERQ1-4 are 20.
const TRACKS: usize = 24;
/// Frames in a row that must agree before a jump is believed, and before a step is that the stated power does not explain.
const JUMP_AGREEING: u8 = 3;
const STEP_AGREEING: u8 = 2;
/// The smallest error that a whole checksum does not see.
const UNSEEN_ERROR: u64 = 9;
/// What one phase of the largest meter lets through, in VA: 90 A at 253 V, the highest voltage (EN 50160).
const PHASE_VA: u64 = 90 * 253;
/// What a house can draw, in VA, while its subscribed power is not known, or inject: above three such phases.
const LIMIT_VA: u64 = 70_000;
/// A breaker lets 2.5 times the cut-off power pass for 40 s (54E §7).
const OVERLOAD: u64 = 3;
/// A value may be as old as its frame, and the one before it as fresh as can be: two of the longest frames, in milliseconds.
const SLACK_MS: u64 = 6_000;
/// Over a longer time than this, in milliseconds, two readings of the power say nothing of what was drawn between them.
const WATCHED_MS: u64 = 10_000;
/// Of a frame with more than one refusal in this many datasets, a first index is not believed until others agree.
const TRUSTED_SHARE: u32 = 8;

/// 1 Wh, in VA times milliseconds.
const WH: u64 = 3_600_000;

/// What became of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It continues what was believed.
    Plausible,
    /// It does not: not to be published.
    Implausible,
    /// It does not, but neither did the frames before it: it is the new truth.
    NewTruth,
}

/// What a frame says of power, in VA; `None` where it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Powers {
    /// Subscribed, from ISOUSC or PREF.
    pub(super) subscribed: Option<u64>,
    /// Withdrawn right now: PAPP, SINSTS.
    pub(super) withdrawn: Option<u64>,
    /// Injected right now: SINSTI.
    pub(super) injected: Option<u64>,
}

/// The last two readings of a power: between them it was about as high as the higher one.
#[derive(Clone, Copy, Default)]
struct Readings([Option<u64>; 2]);

impl Readings {
    fn add(&mut self, reading: Option<u64>) {
        if reading.is_some() {
            self.0 = [reading, self.0[0]];
        }
    }

    fn highest(self) -> Option<u64> {
        self.0.into_iter().flatten().max()
    }
}

#[derive(Clone, Copy)]
struct Point {
    value: u32,
    at_ms: u64,
}

/// How fast an index may count, in VA.
#[derive(Clone, Copy)]
struct Limit {
    /// As the meter states its power.
    stated: Option<u64>,
    /// At the most.
    possible: u64,
}

#[derive(Clone, Copy)]
struct Track {
    code: &'static str,
    believed: Option<Point>,
    candidate: Option<(Point, u8)>,
}

/// Judges the indexes of one meter.
#[derive(Clone)]
pub(super) struct Plausibility {
    tracks: [Option<Track>; TRACKS],
    subscribed: Option<u64>,
    withdrawn: Readings,
    injected: Readings,
}

impl Default for Plausibility {
    fn default() -> Self {
        Self { tracks: [None; TRACKS], subscribed: None, withdrawn: Readings::default(), injected: Readings::default() }
    }
}

impl Plausibility {
    /// Whether a frame with these counts is clean enough to believe an index that was never seen before.
    #[must_use]
    pub(super) const fn trusts(good: u32, refused: u32) -> bool {
        refused * TRUSTED_SHARE <= good
    }

    /// Notes the powers of the frame whose datasets are judged next; what was noted before holds where it is silent.
    pub(super) fn note(&mut self, powers: Powers) {
        self.subscribed = powers.subscribed.or(self.subscribed);
        self.withdrawn.add(powers.withdrawn);
        self.injected.add(powers.injected);
    }

    /// Judges one dataset at the meter's time `at_ms`; what is neither an index nor a power is always plausible.
    pub(super) fn judge(&mut self, dataset: &Dataset<'_>, at_ms: u64, trusted: bool) -> Verdict {
        let Some((label, value)) = index(dataset) else { return judge_power(dataset) };
        let limit = self.limit(label);
        let Some(track) = self.track(label.code) else { return Verdict::Plausible };
        track.judge(Point { value, at_ms }, limit, trusted)
    }

    /// Whether a dataset is an index that continues what was believed. Changes nothing.
    #[must_use]
    pub(super) fn continues(&self, dataset: &Dataset<'_>, at_ms: u64) -> Option<bool> {
        let (label, value) = index(dataset)?;
        let track = self.tracks.iter().flatten().find(|track| track.code == label.code)?;
        track.believed.map(|believed| self.limit(label).is_possible(believed, Point { value, at_ms }))
    }

    /// What is injected, and what is reactive, is not bound by the subscription.
    fn limit(&self, label: &Label) -> Limit {
        let subscribed = || self.subscribed.map_or(LIMIT_VA, |subscribed| (subscribed * OVERLOAD).clamp(1_000, LIMIT_VA));
        match (label.kind, label.role) {
            (LabelKind::Energy, Some(Role::EnergyInjected)) => Limit { stated: self.injected.highest(), possible: LIMIT_VA },
            (LabelKind::Energy, _) => Limit { stated: self.withdrawn.highest(), possible: subscribed() },
            // Reactive power is never above the apparent one, whichever way it flows.
            _ => Limit { stated: self.withdrawn.highest().max(self.injected.highest()), possible: LIMIT_VA },
        }
    }

    fn track(&mut self, code: &'static str) -> Option<&mut Track> {
        let place = self.tracks.iter().position(|track| track.is_none_or(|track| track.code == code))?;
        Some(self.tracks[place].get_or_insert(Track { code, believed: None, candidate: None }))
    }
}

impl Track {
    fn judge(&mut self, point: Point, limit: Limit, trusted: bool) -> Verdict {
        let needed = match self.believed {
            Some(believed) => limit.agreeing(believed, point),
            None if trusted => 1,
            None => JUMP_AGREEING,
        };
        let agreeing = match self.candidate {
            Some((candidate, agreeing)) if limit.is_possible(candidate, point) => agreeing + 1,
            _ => 1,
        };
        if agreeing < needed {
            self.candidate = Some((point, agreeing));
            return Verdict::Implausible;
        }
        self.candidate = None;
        match self.believed.replace(point) {
            Some(_) if needed == JUMP_AGREEING => Verdict::NewTruth,
            _ => Verdict::Plausible,
        }
    }
}

impl Limit {
    /// How many frames in a row must say that a meter counted from one point to the other.
    fn agreeing(self, from: Point, to: Point) -> u8 {
        if !self.is_possible(from, to) {
            JUMP_AGREEING
        } else if counted(from, to) < UNSEEN_ERROR || self.is_stated(from, to) {
            1
        } else {
            STEP_AGREEING
        }
    }

    fn is_possible(self, from: Point, to: Point) -> bool {
        counted(from, to) * WH <= self.possible * (elapsed(from, to) + SLACK_MS)
    }

    /// The index in either frame may be as old as its frame, and frames come one after the other: twice the time between them.
    fn is_stated(self, from: Point, to: Point) -> bool {
        let elapsed = elapsed(from, to);
        elapsed > WATCHED_MS || self.stated.is_none_or(|stated| counted(from, to) * WH <= stated * 2 * elapsed)
    }
}

/// How much faster than a real meter one counts that is simulated in a hurry.
const HURRY: u64 = 64;

/// Whether an index can have counted from one value to another in this time, in milliseconds; without a time, whether it can at all.
#[must_use]
pub(crate) fn can_follow(from: u32, to: u32, elapsed_ms: Option<u64>) -> bool {
    let wh = counted(Point { value: from, at_ms: 0 }, Point { value: to, at_ms: 0 });
    match elapsed_ms {
        // The time may be that of a file, and any.
        Some(elapsed) => wh * WH <= (HURRY * LIMIT_VA).saturating_mul(elapsed.saturating_add(SLACK_MS)),
        None => wh < u64::from(INDEX_MODULUS) / 2,
    }
}

/// The most that a label can say, in VA, where it says what flows through the meter now.
pub(super) const fn most(role: Role) -> Option<u64> {
    match role {
        Role::PhasePowerWithdrawn(_) => Some(PHASE_VA),
        Role::PowerWithdrawn | Role::PowerInjected => Some(LIMIT_VA),
        _ => None,
    }
}

/// Judges what is no index: only a power can be implausible, and it has no memory.
pub(super) fn judge_power(dataset: &Dataset<'_>) -> Verdict {
    let most = dataset.role().and_then(most);
    let is_more = most.zip(dataset.value().number()).is_some_and(|(most, power)| power > most);
    if is_more { Verdict::Implausible } else { Verdict::Plausible }
}

/// An index that runs over its nine digits goes on from zero.
fn counted(from: Point, to: Point) -> u64 {
    u64::from((to.value + INDEX_MODULUS - from.value) % INDEX_MODULUS)
}

fn elapsed(from: Point, to: Point) -> u64 {
    to.at_ms.saturating_sub(from.at_ms)
}

fn index(dataset: &Dataset<'_>) -> Option<(&'static Label, u32)> {
    let known = dataset.info().filter(|known| known.kind.is_index())?;
    let value = dataset.value().number()?.try_into().ok()?;
    Some((known, value))
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::{Dataset, Mode};

    use super::{Plausibility, Powers, Verdict, can_follow};

    #[test]
    fn a_file_may_name_any_time_between_two_indexes() {
        assert!(can_follow(0, 999_999_999, Some(u64::MAX)) && can_follow(999_999_999, 0, Some(0)) && !can_follow(0, 100_000_000, Some(0)));
    }

    /// Judges BASE once a second.
    fn verdicts(start: Plausibility, trusted: bool, values: &[u32]) -> Vec<Verdict> {
        let mut filter = start;
        let judge = |(second, value): (usize, &u32)| {
            let data = format!("{value:09}");
            let dataset = Dataset::new(Mode::Historic, "BASE", None, &data).unwrap();
            filter.judge(&dataset, second as u64 * 1_000, trusted)
        };
        values.iter().enumerate().map(judge).collect()
    }

    use Verdict::{Implausible, NewTruth, Plausible};

    #[test]
    fn counting_up_is_plausible() {
        let steps = verdicts(Plausibility::default(), true, &[1_000, 1_000, 1_001, 1_050]);
        assert_eq!(steps, [Plausible; 4]);
    }

    #[test]
    fn one_spike_changes_nothing() {
        for spike in [0, 999, 9_000_000, 100_000_000] {
            let steps = verdicts(Plausibility::default(), true, &[1_000, spike, 1_001, 1_001]);
            assert_eq!(steps, [Plausible, Implausible, Plausible, Plausible], "{spike}");
        }
    }

    #[test]
    fn three_agreeing_frames_are_the_truth() {
        let steps = verdicts(Plausibility::default(), true, &[9_000_000, 1_000, 1_001, 1_001, 1_002]);
        assert_eq!(steps, [Plausible, Implausible, Implausible, NewTruth, Plausible]);
    }

    #[test]
    fn disagreeing_frames_are_not() {
        let steps = verdicts(Plausibility::default(), true, &[1_000, 5_000_000, 7_000_000, 2_000_000, 1_003]);
        assert_eq!(steps, [Plausible, Implausible, Implausible, Implausible, Plausible]);
    }

    #[test]
    fn nine_digits_run_over() {
        let steps = verdicts(Plausibility::default(), true, &[999_999_998, 999_999_999, 0, 1]);
        assert_eq!(steps, [Plausible; 4]);
    }

    #[test]
    fn a_first_value_from_a_noisy_frame_needs_others() {
        let steps = verdicts(Plausibility::default(), false, &[77_000_000, 1_000, 1_001, 1_001, 1_002]);
        assert_eq!(steps, [Implausible, Implausible, Implausible, Plausible, Plausible]);
        assert!(Plausibility::trusts(37, 1) && !Plausibility::trusts(7, 1) && Plausibility::trusts(1, 0));
    }

    #[test]
    fn subscribed_power_narrows_the_limit() {
        let mut filter = Plausibility::default();
        // 3 kVA, three times over for seven seconds: 17 Wh; without it 136 Wh.
        assert_eq!(verdicts(filter.clone(), true, &[1_000, 1_100]), [Plausible, Plausible]);
        filter.note(Powers { subscribed: Some(3_000), ..Powers::default() });
        assert_eq!(verdicts(filter.clone(), true, &[1_000, 1_018]), [Plausible, Implausible]);
        assert_eq!(verdicts(filter, true, &[1_000, 1_017]), [Plausible, Plausible]);
    }

    #[test]
    fn a_step_that_the_stated_power_does_not_explain_must_be_said_twice() {
        let mut filter = Plausibility::default();
        filter.note(Powers { withdrawn: Some(4_000), ..Powers::default() });
        // Two digits that changed places: 1 012 reads 1 021. It would take 35 kVA; 4 kVA are 2 Wh in two seconds.
        assert_eq!(verdicts(filter.clone(), true, &[1_011, 1_021, 1_012, 1_013]), [Plausible, Implausible, Plausible, Plausible]);
        assert_eq!(verdicts(filter.clone(), true, &[1_011, 1_021, 1_022, 1_023]), [Plausible, Implausible, Plausible, Plausible]);
        assert_eq!(verdicts(filter.clone(), true, &[1_011, 1_019]), [Plausible, Plausible], "no damage is as small");
        filter.note(Powers { withdrawn: Some(30_000), ..Powers::default() });
        filter.note(Powers { withdrawn: Some(4_000), ..Powers::default() });
        assert_eq!(verdicts(filter, true, &[1_011, 1_021]), [Plausible, Plausible], "30 kVA the frame before");
    }

    #[test]
    fn a_power_above_what_a_meter_lets_through_is_implausible() {
        let judge = |label, data| {
            let dataset = Dataset::new(Mode::Standard, label, None, data).unwrap();
            Plausibility::default().judge(&dataset, 0, true)
        };
        for (label, most, more) in [("SINSTS2", "22770", "22771"), ("SINSTS", "70000", "70001"), ("SINSTI", "70000", "99999")] {
            assert_eq!((judge(label, most), judge(label, more)), (Plausible, Implausible), "{label}");
        }
    }

    #[test]
    fn after_a_pause_the_stated_power_says_nothing() {
        let mut filter = Plausibility::default();
        filter.note(Powers { withdrawn: Some(200), ..Powers::default() });
        let mut judge = |second: u64, data: &str| {
            let dataset = Dataset::new(Mode::Historic, "BASE", None, data).unwrap();
            filter.judge(&dataset, second * 1_000, true)
        };
        assert_eq!([judge(0, "000001000"), judge(600, "000001500")], [Plausible, Plausible]);
    }
}
