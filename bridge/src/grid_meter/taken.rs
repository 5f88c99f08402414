//! When a power was taken, by the clock of this machine: the reader tells it by its own clock, which is never set.
//!
//! A sample that was held up on its way arrives late and is as old as it is. The sample that came with the least delay of the last minute
//! joins the two clocks; crystals drift by less than a millisecond in that time. The first samples of a reader are taken as they come.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use teleinfo_proto::wire::BootId;

/// Clocks are joined again after so long, since they drift.
const WINDOW: Duration = Duration::from_secs(30);
/// Runs of readers that are remembered: a meter has one reader, or two.
const RUNS: usize = 4;

/// The clocks of the readers of one meter.
#[derive(Debug, Default)]
pub struct Taken {
    /// The run that was heard of last is at the end.
    runs: VecDeque<Run>,
}

#[derive(Debug)]
struct Run {
    boot: BootId,
    /// When the newer anchor's window began, by the reader's clock.
    since: Duration,
    newer: Anchor,
    older: Anchor,
}

/// A moment by both clocks.
#[derive(Debug, Clone, Copy)]
struct Anchor {
    uptime: Duration,
    at: Instant,
}

impl Taken {
    /// A sample of this run, made at this uptime of the reader, has arrived.
    pub fn handle_arrival(&mut self, boot: BootId, uptime: Duration, now: Instant) {
        let anchor = Anchor { uptime, at: now };
        let place = self.runs.iter().position(|run| run.boot == boot);
        let known = place.and_then(|place| self.runs.remove(place));
        let mut run = known.unwrap_or(Run { boot, since: uptime, newer: anchor, older: anchor });
        run.handle_arrival(anchor);
        if self.runs.len() == RUNS {
            self.runs.pop_front();
        }
        self.runs.push_back(run);
    }

    /// When it was this uptime in the run that was heard of last. Never after `now`.
    #[must_use]
    pub fn at(&self, uptime: Duration, now: Instant) -> Instant {
        self.runs.back().map_or(now, |run| run.newer.at(uptime).min(run.older.at(uptime)).min(now))
    }
}

impl Run {
    fn handle_arrival(&mut self, anchor: Anchor) {
        if anchor.uptime.saturating_sub(self.since) >= WINDOW {
            (self.older, self.newer, self.since) = (self.newer, anchor, anchor.uptime);
        } else if anchor.at < self.newer.at(anchor.uptime) {
            self.newer = anchor;
        }
    }
}

impl Anchor {
    fn at(&self, uptime: Duration) -> Instant {
        match uptime.checked_sub(self.uptime) {
            Some(later) => self.at + later,
            None => self.at.checked_sub(self.uptime.saturating_sub(uptime)).unwrap_or(self.at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READER: BootId = BootId::new(7);

    /// The age of each of these samples at its arrival: uptime in s, and seconds since the test began.
    fn ages(samples: &[(f64, f64)]) -> Vec<f64> {
        let (mut taken, start) = (Taken::default(), Instant::now());
        let age = |&(uptime, arrival): &(f64, f64)| {
            let (uptime, now) = (Duration::from_secs_f64(uptime), start + Duration::from_secs_f64(arrival));
            taken.handle_arrival(READER, uptime, now);
            ((now - taken.at(uptime, now)).as_secs_f64() * 1_000.0).round() / 1_000.0
        };
        samples.iter().map(age).collect()
    }

    #[test]
    fn what_was_held_up_is_old_when_it_comes() {
        assert_eq!(ages(&[(100.0, 0.0), (101.0, 1.0), (102.0, 8.5), (103.0, 8.5), (109.5, 9.5)]), [0.0, 0.0, 6.5, 5.5, 0.0]);
    }

    #[test]
    fn a_long_halt_of_this_machine_makes_what_waited_old() {
        assert_eq!(ages(&[(100.0, 0.0), (101.0, 1.0), (102.0, 200.0), (103.0, 200.0)]), [0.0, 0.0, 198.0, 197.0]);
    }

    #[test]
    fn clocks_that_drift_apart_are_joined_again() {
        let samples: Vec<(f64, f64)> = (0..10_000).map(f64::from).map(|seconds| (seconds, seconds * 1.000_1)).collect();
        assert!(ages(&samples).into_iter().all(|age| age < 0.01));
    }

    #[test]
    fn two_readers_have_two_clocks() {
        let (mut taken, start) = (Taken::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        for (boot, uptime) in [(1, 1_000), (2, 500_000), (1, 1_100), (2, 500_100)] {
            taken.handle_arrival(BootId::new(boot), Duration::from_millis(uptime), at(uptime % 1_000));
            assert_eq!(taken.at(Duration::from_millis(uptime), at(uptime % 1_000)), at(uptime % 1_000));
        }
        (3..100).for_each(|boot| taken.handle_arrival(BootId::new(boot), Duration::ZERO, at(200)));
        assert_eq!(taken.runs.len(), RUNS);
    }
}
