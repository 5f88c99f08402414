//! The last check before an index is believed: meters never count backwards, nor faster than current can flow.
//!
//! A six-bit checksum lets one damaged dataset in 64 through, and a wrong index spoils a house's statistics for good. But a filter that
//! only refuses would lock itself out after one bad value, so this one recovers: when several frames in a row agree with each other and
//! not with what was believed, they are the truth.
//!
//! Time is the meter's: the clock's, or what the bytes on the line must have taken if that is more. A real line cannot be faster than its
//! baud rate; a simulated meter in a hurry can.

use teleinfo_proto::tic::{Dataset, Kind, spec::INDEX_MODULUS};

/// More indexes than a meter has: EAST, EASF01-10, EASD01-04, EAIT, ERQ1-4 are 20.
const TRACKS: usize = 24;
/// Frames in a row that must agree before a jump is believed.
const AGREEING: u8 = 3;
/// What a house can draw, in VA, while its subscribed power is not known, or inject: above three phases of 90 A at 253 V.
const LIMIT_VA: u64 = 70_000;
/// A breaker lets 2.5 times the cut-off power pass for 40 s (54E §7).
const OVERLOAD: u64 = 3;
/// A value may be as old as its frame, and the one before it as fresh as can be: two of the longest frames, in milliseconds.
const SLACK_MS: u64 = 6_000;
/// Of a frame with more than one refusal in this many datasets, a first index is not believed until others agree.
const TRUSTED_SHARE: u32 = 8;

/// What became of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It continues what was believed.
    Plausible,
    /// It does not: not to be published.
    Implausible,
    /// It does not, but neither did the frames before it: it is the new truth.
    NewTruth,
}

#[derive(Clone, Copy)]
struct Point {
    value: u32,
    at_ms: u64,
}

#[derive(Clone, Copy)]
struct Track {
    code: &'static str,
    believed: Option<Point>,
    candidate: Option<(Point, u8)>,
}

/// Judges the indexes of one meter.
#[derive(Clone)]
pub struct Plausibility {
    tracks: [Option<Track>; TRACKS],
    subscribed_va: Option<u64>,
}

impl Default for Plausibility {
    fn default() -> Self {
        Self { tracks: [None; TRACKS], subscribed_va: None }
    }
}

impl Plausibility {
    /// Whether a frame with these counts is clean enough to believe an index that was never seen before.
    #[must_use]
    pub const fn trusts(good: u32, refused: u32) -> bool {
        refused * TRUSTED_SHARE <= good
    }

    /// Notes what the subscribed power is, from a frame's ISOUSC or PREF; without it the limit of any house applies.
    pub const fn set_subscribed(&mut self, volt_amperes: u64) {
        self.subscribed_va = Some(volt_amperes);
    }

    /// Judges one dataset at the meter's time `at_ms`; what is no index is always plausible.
    pub fn judge(&mut self, dataset: &Dataset<'_>, at_ms: u64, trusted: bool) -> Verdict {
        let Some((code, kind, value)) = index(dataset) else { return Verdict::Plausible };
        let limit = self.limit(code, kind);
        let Some(track) = self.track(code) else { return Verdict::Plausible };
        track.judge(Point { value, at_ms }, limit, trusted)
    }

    /// Whether a dataset is an index that continues what was believed. Changes nothing.
    #[must_use]
    pub fn continues(&self, dataset: &Dataset<'_>, at_ms: u64) -> Option<bool> {
        let (code, kind, value) = index(dataset)?;
        let track = self.tracks.iter().flatten().find(|track| track.code == code)?;
        track.believed.map(|believed| fits(believed, Point { value, at_ms }, self.limit(code, kind)))
    }

    fn limit(&self, code: &str, kind: Kind) -> u64 {
        match self.subscribed_va {
            // What is injected, and what is reactive, is not bound by the subscription.
            Some(subscribed) if kind == Kind::Energy && code != "EAIT" => (subscribed * OVERLOAD).clamp(1_000, LIMIT_VA),
            _ => LIMIT_VA,
        }
    }

    fn track(&mut self, code: &'static str) -> Option<&mut Track> {
        let place = self.tracks.iter().position(|track| track.is_none_or(|track| track.code == code))?;
        Some(self.tracks[place].get_or_insert(Track { code, believed: None, candidate: None }))
    }
}

impl Track {
    fn judge(&mut self, point: Point, limit: u64, trusted: bool) -> Verdict {
        let continues = self.believed.map_or(trusted, |believed| fits(believed, point, limit));
        if continues {
            self.believe(point);
            return Verdict::Plausible;
        }
        let agreeing = match self.candidate {
            Some((candidate, agreeing)) if fits(candidate, point, limit) => agreeing + 1,
            _ => 1,
        };
        self.candidate = Some((point, agreeing));
        if agreeing < AGREEING {
            return Verdict::Implausible;
        }
        let first = self.believed.is_none();
        self.believe(point);
        if first { Verdict::Plausible } else { Verdict::NewTruth }
    }

    fn believe(&mut self, point: Point) {
        self.believed = Some(point);
        self.candidate = None;
    }
}

/// Whether a meter can have counted from one point to the other. An index that runs over its nine digits goes on from zero.
fn fits(from: Point, to: Point, limit_va: u64) -> bool {
    let counted = u64::from((to.value + INDEX_MODULUS - from.value) % INDEX_MODULUS);
    let elapsed = to.at_ms.saturating_sub(from.at_ms) + SLACK_MS;
    counted * 3_600_000 <= limit_va * elapsed
}

fn index(dataset: &Dataset<'_>) -> Option<(&'static str, Kind, u32)> {
    let known = dataset.info().filter(|known| known.kind.is_index())?;
    let value = dataset.value().number()?.try_into().ok()?;
    Some((known.code, known.kind, value))
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::{Dataset, Mode};

    use super::{Plausibility, Verdict};

    /// Judges BASE once a second.
    fn verdicts(start: Plausibility, trusted: bool, values: &[u32]) -> Vec<Verdict> {
        let mut filter = start;
        let judge = |(second, value): (usize, &u32)| {
            let data = format!("{value:09}");
            let dataset = Dataset::check(Mode::Historic, "BASE", None, &data).unwrap();
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
        filter.set_subscribed(3_000);
        assert_eq!(verdicts(filter.clone(), true, &[1_000, 1_018]), [Plausible, Implausible]);
        assert_eq!(verdicts(filter, true, &[1_000, 1_017]), [Plausible, Plausible]);
    }
}
