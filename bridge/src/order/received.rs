//! A sample as it came from Zenoh: its bytes, with what is needed to put it in its place.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use teleinfo_proto::{
    tic::MeterId,
    wire::{self, BootId, Error, Message, Sample, SampleKind},
};

/// More samples than a reader can have made in its first second, and then in each: a line of 9600 baud carries a few.
const SAMPLES_AT_ONCE: u64 = 4_096;
const SAMPLES_A_SECOND: u64 = 100;
/// No process runs for longer, in ms: a hundred years.
const UPTIME_MAX_MS: u64 = 100 * 365 * 24 * 3_600 * 1_000;

/// Whether a reader can have made so many samples in the time that it says it runs. Whoever counts beyond that would be waited for.
#[must_use]
pub fn is_possible(sample: &Sample<'_>) -> bool {
    let uptime_ms = sample.uptime_ms;
    uptime_ms <= UPTIME_MAX_MS && sample.sequence <= SAMPLES_AT_ONCE + uptime_ms / 1_000 * SAMPLES_A_SECOND + SAMPLES_A_SECOND
}

/// One sample, decoded as far as its place in the order goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The run of the reader that made it.
    pub boot: BootId,
    /// Its number in that run.
    pub sequence: u64,
    /// What it holds.
    pub kind: SampleKind,
    /// The meter it is of.
    pub meter: MeterId,
    /// The reader's wall clock, in milliseconds since 1970; wrong until the reader has found the time.
    pub unix_ms: i64,
    /// The reader's monotonic clock, in milliseconds.
    pub uptime_ms: u64,
    /// The encoded sample.
    pub bytes: Vec<u8>,
}

impl Received {
    /// Takes the bytes of one sample.
    ///
    /// # Errors
    /// Another version, or not a sample.
    pub fn new(bytes: Vec<u8>) -> Result<Self, Error> {
        let received = Self::without_bytes(&Sample::decode(&bytes)?);
        Ok(Self { bytes, ..received })
    }

    /// Takes the bytes of an answer, which came under the key of its meter's samples.
    ///
    /// # Errors
    /// As [`Self::new`], or of another meter than its key.
    pub fn under(key: &str, bytes: Vec<u8>) -> Result<Self, Error> {
        if let Message::Sample(sample) = wire::open(key, &bytes)?
            && !is_possible(&sample)
        {
            return Err(Error::Malformed);
        }
        Self::new(bytes)
    }

    /// The place of a sample; its bytes are still to be added.
    #[must_use]
    pub fn without_bytes(sample: &Sample<'_>) -> Self {
        Self {
            boot: sample.boot,
            sequence: sample.sequence,
            kind: sample.kind,
            meter: sample.meter,
            unix_ms: sample.unix_ms,
            uptime_ms: sample.uptime_ms,
            bytes: Vec::new(),
        }
    }

    /// What tells it from all other samples: the run and its number in it.
    #[must_use]
    pub const fn name(&self) -> (BootId, u64) {
        (self.boot, self.sequence)
    }

    /// The sample itself.
    ///
    /// # Errors
    /// None in practice: the bytes were decoded before.
    pub fn sample(&self) -> Result<Sample<'_>, Error> {
        Sample::decode(&self.bytes)
    }
}

/// When samples really were, by the bridge's clock.
///
/// A Pi has no clock of its own: its first samples may carry any date. What counts is when the bridge received the latest that came by itself;
/// others of the same run lie as far before it as the reader's monotonic clock says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReaderClock {
    anchor: Option<Anchor>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Anchor {
    boot: BootId,
    uptime_ms: u64,
    at: SystemTime,
}

impl ReaderClock {
    /// A sample arrived at `at`.
    pub fn observe(&mut self, sample: &Received, at: SystemTime) {
        self.anchor = Some(Anchor { boot: sample.boot, uptime_ms: sample.uptime_ms, at });
    }

    /// Whether `sample` is of the run that the latest that arrived is of.
    #[must_use]
    pub fn is_of(&self, sample: &Received) -> bool {
        self.anchor.is_some_and(|anchor| anchor.boot == sample.boot)
    }

    /// When `sample` was made.
    #[must_use]
    pub fn time_of(&self, sample: &Received) -> SystemTime {
        self.anchor.filter(|anchor| anchor.boot == sample.boot).unwrap_or_else(|| Anchor::by_own_clock(sample)).time_at(sample.uptime_ms)
    }

    /// When each of these was made. Those of another run are dated from the newest of them: by then the reader has most likely found
    /// the time.
    pub fn times_of<'s>(&self, samples: &'s [Received]) -> impl Iterator<Item = SystemTime> + use<'s> {
        let mut runs: HashMap<BootId, &Received> = HashMap::new();
        for sample in samples {
            let newest = runs.entry(sample.boot).or_insert(sample);
            if sample.sequence > newest.sequence {
                *newest = sample;
            }
        }
        let latest = self.anchor;
        let anchor = move |sample: &Received| match (latest, runs.get(&sample.boot)) {
            (Some(anchor), _) if anchor.boot == sample.boot => anchor,
            (_, newest) => Anchor::by_own_clock(newest.copied().unwrap_or(sample)),
        };
        samples.iter().map(move |sample| anchor(sample).time_at(sample.uptime_ms))
    }
}

impl Anchor {
    fn by_own_clock(sample: &Received) -> Self {
        let at = UNIX_EPOCH + Duration::from_millis(sample.unix_ms.max(0).unsigned_abs());
        Self { boot: sample.boot, uptime_ms: sample.uptime_ms, at }
    }

    fn time_at(&self, uptime_ms: u64) -> SystemTime {
        let away = Duration::from_millis(self.uptime_ms.abs_diff(uptime_ms));
        let time = if uptime_ms < self.uptime_ms { self.at.checked_sub(away) } else { self.at.checked_add(away) };
        time.unwrap_or(self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(boot: u64, uptime_ms: u64, unix_ms: i64) -> Received {
        Received {
            boot: BootId::new(boot),
            sequence: 1,
            kind: SampleKind::Frame { complete: true },
            meter: "012345678912".parse().unwrap(),
            unix_ms,
            uptime_ms,
            bytes: Vec::new(),
        }
    }

    #[test]
    fn samples_of_one_run_are_placed_by_the_monotonic_clock() {
        let now = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        let mut clock = ReaderClock::default();
        clock.observe(&sample(7, 100_000, 5_000), now);
        let placed = clock.time_of(&sample(7, 40_000, 4_000));
        assert_eq!(placed, now - Duration::from_secs(60));
        let later = clock.time_of(&sample(7, 101_000, 4_000));
        assert_eq!(later, now + Duration::from_secs(1));
    }

    #[test]
    fn those_of_another_run_carry_their_own_date() {
        let mut clock = ReaderClock::default();
        let at = |ms| UNIX_EPOCH + Duration::from_millis(ms);
        assert_eq!(clock.time_of(&sample(7, 0, 1_234)), at(1_234));
        clock.observe(&sample(8, 0, 0), SystemTime::now());
        assert_eq!(clock.time_of(&sample(7, 0, 1_234)), at(1_234));
        assert_eq!(clock.time_of(&sample(7, 0, -5)), UNIX_EPOCH);
    }

    #[test]
    fn another_run_is_dated_from_its_newest_sample() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let mut clock = ReaderClock::default();
        clock.observe(&sample(8, 500_000, 0), at(90_000));
        // The Pi of run 7 started in the past and found the time after its second sample.
        let held = [(7, 1, 10_000, 1_000), (7, 2, 70_000, 61_000), (7, 3, 130_000, 50_000_000), (8, 1, 440_000, 7)];
        let held = held.map(|(boot, sequence, uptime_ms, unix_ms)| Received { sequence, ..sample(boot, uptime_ms, unix_ms) });
        let times: Vec<_> = clock.times_of(&held).collect();
        assert_eq!(times, [at(49_880), at(49_940), at(50_000), at(89_940)]);
        assert!(clock.is_of(&held[3]) && !clock.is_of(&held[0]));
    }
}
