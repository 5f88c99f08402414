//! How much time has passed between two samples, whoever's clock was set meanwhile.
//!
//! The wall clock can be set, and is wrong on a machine that has just started. The reader's monotonic clock cannot, but only counts
//! within one of its runs. The bytes of the line cannot come faster than their baud rate, except from a simulated meter in a hurry, whose
//! indexes hurry as well. So time passes as the fastest of the three says, and never back.

use teleinfo_proto::{
    tic::{Mode, spec::BITS_PER_CHARACTER},
    wire::{BootId, Sample},
};

/// A reading that lies this far ahead was written under another clock: two readers of a meter, which we have both heard, may differ by less.
const AHEAD_MS: i64 = 60_000;
/// The time that may have passed since a reading, where no clock can tell.
const UNKNOWN_MS: u64 = 24 * 3_600_000;
/// Longer than anybody leaves a meter unread: a clock that was set by decades must not allow anything.
const LONGEST_MS: u64 = 400 * 24 * 3_600_000;

/// The clocks of one sample.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    boot: BootId,
    uptime_ms: u64,
    mode: Mode,
    /// Of the run, in whatever modes.
    bytes: u64,
    unix_ms: i64,
}

impl Clocks {
    /// Those of a sample that was made then, by the wall clock in ms since 1970.
    #[must_use]
    pub fn of(sample: &Sample<'_>, unix_ms: i64) -> Self {
        Self { boot: sample.boot, uptime_ms: sample.uptime_ms, mode: sample.mode, bytes: sample.counters.bytes, unix_ms }
    }

    /// Those of a sample that was made then, where all clocks agree.
    #[cfg(test)]
    pub(super) fn at(boot: BootId, unix_ms: i64) -> Self {
        let run_ms = u64::try_from(unix_ms).unwrap_or(0);
        Self { boot, uptime_ms: run_ms, mode: Mode::Historic, bytes: 0, unix_ms }
    }

    /// The time that passed on the line since an earlier sample of the same run. Nothing tells which bytes came before a change of mode.
    fn line_since(&self, earlier: &Self) -> u64 {
        if self.mode == earlier.mode { line_ms(self.mode, self.bytes.saturating_sub(earlier.bytes)) } else { 0 }
    }
}

fn line_ms(mode: Mode, bytes: u64) -> u64 {
    bytes.saturating_mul(u64::from(BITS_PER_CHARACTER) * 1_000) / u64::from(mode.baud())
}

/// The time of one meter.
#[derive(Debug, Clone, Copy, Default)]
pub struct Time {
    now_ms: i64,
    last: Option<Clocks>,
    /// Only one sample was heard, so every reading is of an earlier process, and any that lies ahead was written under another clock.
    is_first: bool,
}

impl Time {
    /// Now, in ms since 1970.
    #[must_use]
    pub const fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Now, in s since 1970.
    #[must_use]
    pub const fn now_s(&self) -> i64 {
        self.now_ms.div_euclid(1_000)
    }

    /// A sample of the past with these clocks came. Returns whether it is later than the last one.
    pub fn handle_past(&mut self, clocks: Clocks) -> bool {
        let is_later = self
            .last
            .is_none_or(|last| if last.boot == clocks.boot { clocks.uptime_ms > last.uptime_ms } else { clocks.unix_ms > last.unix_ms });
        if is_later {
            self.handle_sample(clocks);
        }
        is_later
    }

    /// A sample with these clocks came.
    pub fn handle_sample(&mut self, clocks: Clocks) {
        let passed = self.last.map_or(0, |last| {
            let same_run = last.boot == clocks.boot;
            let run = clocks.uptime_ms.saturating_sub(last.uptime_ms).max(clocks.line_since(&last));
            let run = i64::try_from(if same_run { run } else { 0 }).unwrap_or(0);
            run.max(clocks.unix_ms.saturating_sub(last.unix_ms))
        });
        self.is_first = self.last.is_none();
        self.now_ms = if self.last.is_some() { self.now_ms.saturating_add(passed.max(0)) } else { clocks.unix_ms };
        self.last = Some(clocks);
    }

    /// The time since a reading of then, in ms.
    #[must_use]
    pub fn since(&self, then_ms: i64) -> u64 {
        let ahead_ms = if self.is_first { 0 } else { AHEAD_MS };
        if then_ms > self.now_ms.saturating_add(ahead_ms) {
            return UNKNOWN_MS;
        }
        u64::try_from(self.now_ms.saturating_sub(then_ms)).unwrap_or(0).min(LONGEST_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clocks(boot: u64, uptime_ms: u64, line_ms: u64, unix_ms: i64) -> Clocks {
        // 120 bytes a second.
        Clocks { boot: BootId::new(boot), uptime_ms, mode: Mode::Historic, bytes: line_ms * 12 / 100, unix_ms }
    }

    /// What passes after a sample at 1000 s by all clocks.
    fn passed(next: Clocks) -> i64 {
        let mut time = Time::default();
        time.handle_sample(clocks(1, 1_000_000, 1_000_000, 1_000_000));
        time.handle_sample(next);
        time.now_ms() - 1_000_000
    }

    #[test]
    fn the_fastest_clock_counts() {
        assert_eq!(passed(clocks(1, 1_002_000, 1_001_000, 1_001_500)), 2_000);
        assert_eq!(passed(clocks(1, 1_002_000, 1_060_000, 1_001_500)), 60_000, "a simulated meter in a hurry");
        assert_eq!(passed(clocks(1, 1_002_000, 1_001_000, 5_000_000)), 4_000_000, "the wall clock was set");
        assert_eq!(passed(clocks(1, 1_002_000, 1_001_000, 0)), 2_000, "it was set back");
        assert_eq!(passed(clocks(2, 9_000_000, 9_000_000, 1_001_500)), 1_500, "another run has clocks of its own");
    }

    #[test]
    fn the_bytes_of_one_mode_are_not_the_time_of_the_other() {
        let mut time = Time::default();
        let standard = |bytes| Clocks { mode: Mode::Standard, bytes, ..clocks(1, 1_000, 0, 1_000) };
        [standard(96_000), standard(96_960)].into_iter().for_each(|clocks| time.handle_sample(clocks));
        assert_eq!(time.now_ms(), 2_000);
        time.handle_sample(Clocks { bytes: 97_200, ..clocks(1, 3_000, 0, 3_000) });
        assert_eq!(time.now_ms(), 4_000);
        time.handle_sample(Clocks { bytes: 97_320, ..clocks(1, 3_500, 0, 3_000) });
        assert_eq!(time.now_ms(), 5_000);
    }

    #[test]
    fn a_reading_of_the_future_says_nothing_of_the_time_since() {
        let mut time = Time::default();
        time.handle_sample(clocks(1, 0, 0, 1_000_000));
        assert_eq!([990_000, 1_000_000, 1_010_000, 2_000_000].map(|then| time.since(then)), [10_000, 0, UNKNOWN_MS, UNKNOWN_MS]);
        time.handle_sample(clocks(1, 0, 0, 1_000_000));
        assert_eq!([990_000, 1_000_000, 1_010_000, 2_000_000].map(|then| time.since(then)), [10_000, 0, 0, UNKNOWN_MS]);
    }
}
