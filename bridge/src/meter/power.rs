//! Active power, estimated from an energy index and the time between its steps.
//!
//! A meter in historic mode sends no active power, and in standard mode only means of half an hour; yet Home Assistant's Energy
//! dashboard shows watts alone. An index of whole Wh is coarse: at 300 W it steps every 12 s, and each step is seen up to a frame
//! late. So the estimate looks back over a window long enough for the frame's length not to matter, and says how wrong it may be.

use std::collections::VecDeque;

use serde::Serialize;

/// 1 Wh per ms, in W.
const WATT_MS_PER_WH: u64 = 3_600_000;
/// Window at least this long, ...
const WINDOW_MS: u64 = 10_000;
/// ... and at least so many frames, which bounds the error to a sixth.
const WINDOW_FRAMES: u64 = 6;
/// A pause between frames after which the moment of a step is anybody's guess.
const PAUSE_MS: u64 = 30_000;

/// A power in W, with what it stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Estimate {
    /// The power, in W.
    pub watts: u64,
    /// How far it may be off, in W, from the resolution of index and time.
    pub resolution: u64,
    /// The time it is a mean of, in s.
    pub window: u64,
}

/// The last steps of one index.
#[derive(Debug, Clone, Default)]
pub struct Estimator {
    steps: VecDeque<IndexStep>,
    last: Option<IndexStep>,
    period_ms: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct IndexStep {
    at_ms: u64,
    wh: u64,
}

impl Estimator {
    /// Forgets everything: another reader process, another mode.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Takes the index at a time, in ms of any clock that is never set.
    pub fn push(&mut self, at_ms: u64, wh: u64) {
        let now = IndexStep { at_ms, wh };
        if let Some(last) = self.last.replace(now) {
            let elapsed = at_ms.saturating_sub(last.at_ms);
            if wh < last.wh || elapsed > PAUSE_MS {
                self.steps.clear();
            } else {
                self.period_ms = if self.period_ms == 0 { elapsed } else { (3 * self.period_ms + elapsed) / 4 };
                if wh > last.wh {
                    self.step(now);
                }
            }
        }
    }

    /// Keeps the steps that fill the window, however fast they come, and the last one before it.
    fn step(&mut self, now: IndexStep) {
        self.steps.push_back(now);
        let begin = now.at_ms.saturating_sub(self.window_ms());
        while self.steps.get(1).is_some_and(|step| step.at_ms <= begin) {
            self.steps.pop_front();
        }
    }

    /// The time to look back on, at least.
    fn window_ms(&self) -> u64 {
        WINDOW_MS.max(WINDOW_FRAMES * self.period_ms)
    }

    /// The power now. `ceiling` is the apparent power, which active power never exceeds: it tells at once that a load is gone. Where that is
    /// 0, as on a meter which is there for what is injected alone, no step of the index is needed.
    #[must_use]
    pub fn estimate(&self, ceiling: Option<u64>) -> Option<Estimate> {
        if self.steps.len() < 2 && ceiling == Some(0) {
            return Some(Estimate { watts: 0, resolution: 1, window: 1 });
        }
        let (newest, now) = (*self.steps.back()?, self.last?.at_ms);
        let shortest = self.window_ms();
        let older = self.steps.iter().rev().skip(1);
        let base = older.clone().find(|step| step.at_ms + shortest <= newest.at_ms).or_else(|| older.last())?;
        let window = (newest.at_ms - base.at_ms).max(1);
        let mean = (newest.wh - base.wh) * WATT_MS_PER_WH / window;
        // The next Wh has not come yet, so the power since is below what would have brought it.
        let since = now.saturating_sub(newest.at_ms);
        let bound = WATT_MS_PER_WH.checked_div(since).unwrap_or(mean);
        let watts = mean.min(bound).min(ceiling.unwrap_or(u64::MAX));
        let resolution = if bound < mean { watts } else { (mean * self.period_ms).div_ceil(window) };
        Some(Estimate { watts, resolution: resolution.max(1), window: window.max(since).div_ceil(1_000) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A meter under `watts`, seen every `period` ms for `seconds`; returns the time it ends.
    fn run(estimator: &mut Estimator, from_ms: u64, microwatt_hours: &mut u64, watts: u64, seconds: u64) -> u64 {
        let period = 1_400;
        let frames = seconds * 1_000 / period;
        for frame in 1..=frames {
            *microwatt_hours += watts * period * 1_000 / 3_600;
            estimator.push(from_ms + frame * period, *microwatt_hours / 1_000_000);
        }
        from_ms + frames * period
    }

    #[test]
    fn constant_loads_are_found_within_the_stated_resolution() {
        for watts in [40, 150, 300, 1_000, 2_345, 6_000, 12_000] {
            let mut estimator = Estimator::default();
            run(&mut estimator, 0, &mut 5_000_400_000, watts, 400);
            let estimate = estimator.estimate(None).unwrap();
            assert!(estimate.watts.abs_diff(watts) <= estimate.resolution, "{watts} W: {estimate:?}");
            assert!(estimate.resolution <= watts / 5 + 1, "{watts} W: {estimate:?}");
        }
    }

    #[test]
    fn only_the_window_is_kept() {
        let mut estimator = Estimator::default();
        run(&mut estimator, 0, &mut 0, 12_000, 3_600);
        assert!(estimator.steps.len() <= 9, "{}", estimator.steps.len());
        let seldom = estimator.last.unwrap().at_ms;
        run(&mut estimator, seldom, &mut 12_000_000_000, 40, 3_600);
        let estimate = estimator.estimate(None).unwrap();
        assert!(estimate.watts.abs_diff(40) <= estimate.resolution && estimate.window >= 60, "{estimate:?}");
    }

    #[test]
    fn no_apparent_power_is_no_power_from_the_first_frame_on() {
        let mut estimator = Estimator::default();
        estimator.push(0, 55);
        assert_eq!(estimator.estimate(Some(0)).map(|estimate| estimate.watts), Some(0));
        assert_eq!(estimator.estimate(Some(10)), None);
    }

    #[test]
    fn nothing_is_said_before_two_steps() {
        let mut estimator = Estimator::default();
        estimator.push(0, 100);
        estimator.push(1_400, 100);
        assert_eq!(estimator.estimate(None), None);
        estimator.push(2_800, 101);
        assert_eq!(estimator.estimate(None), None);
    }

    #[test]
    fn a_load_switched_off_fades() {
        let mut estimator = Estimator::default();
        let mut energy = 0;
        let off = run(&mut estimator, 0, &mut energy, 3_000, 120);
        run(&mut estimator, off, &mut energy, 0, 60);
        let estimate = estimator.estimate(None).unwrap();
        assert!(estimate.watts <= 65, "{estimate:?}");
        assert_eq!(estimator.estimate(Some(20)).unwrap().watts, 20);
    }

    #[test]
    fn a_new_load_shows_within_half_a_minute() {
        let mut estimator = Estimator::default();
        let mut energy = 0;
        let on = run(&mut estimator, 0, &mut energy, 100, 300);
        run(&mut estimator, on, &mut energy, 2_000, 25);
        let estimate = estimator.estimate(None).unwrap();
        assert!(estimate.watts.abs_diff(2_000) <= 400, "{estimate:?}");
    }

    #[test]
    fn a_pause_or_a_step_back_starts_again() {
        let mut estimator = Estimator::default();
        run(&mut estimator, 0, &mut 0, 3_000, 60);
        estimator.push(200_000, 500);
        assert_eq!(estimator.estimate(None), None);
        run(&mut estimator, 200_000, &mut 500_000_000, 3_000, 60);
        assert!(estimator.estimate(None).is_some());
        estimator.push(262_000, 3);
        assert_eq!(estimator.estimate(None), None);
    }
}
