//! Adds the newest readings of the meters that one grid meter stands for.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use teleinfo_proto::tic::MeterId;

use crate::grid_meter::reading::Reading;

/// What the mean is taken over, as in an EcoTracker.
const MEAN_OVER: Duration = Duration::from_secs(60);
/// Powers in that time: a meter has about two frames a second at most.
const POWERS_MAX: usize = 256;

/// The sum of some meters, and its mean.
#[derive(Debug)]
pub struct Sum {
    newest: BTreeMap<MeterId, Option<Reading>>,
    powers: VecDeque<(Instant, f64)>,
}

/// What is told of the sum.
#[derive(Debug, Clone, PartialEq)]
pub struct Total {
    /// The newest.
    pub reading: Reading,
    /// The mean power of the last minute, in W.
    pub mean: f64,
}

impl Sum {
    /// Of these meters, none of which is known yet.
    #[must_use]
    pub fn new(meters: &[MeterId]) -> Self {
        Self { newest: meters.iter().map(|id| (*id, None)).collect(), powers: VecDeque::new() }
    }

    /// A meter was read. Returns the sum once all of its meters are known.
    pub fn handle_reading(&mut self, meter: MeterId, reading: &Reading) -> Option<Total> {
        *self.newest.get_mut(&meter)? = Some(reading.clone());
        let all: Option<Vec<&Reading>> = self.newest.values().map(Option::as_ref).collect();
        let mut all = all?.into_iter();
        let first = all.next()?.clone();
        let sum = all.fold(first, |sum, reading| sum.plus(reading));
        let mean = self.mean(sum.power, reading.measured);
        Some(Total { reading: sum, mean })
    }

    fn mean(&mut self, power: f64, at: Instant) -> f64 {
        self.powers.push_back((at, power));
        while self.powers.len() > POWERS_MAX || self.powers.front().is_some_and(|(then, _)| at.saturating_duration_since(*then) > MEAN_OVER)
        {
            self.powers.pop_front();
        }
        let count = u16::try_from(self.powers.len()).unwrap_or(u16::MAX);
        self.powers.iter().map(|(_, power)| power).sum::<f64>() / f64::from(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_no_sum_before_all_are_known() {
        let [one, two, other]: [MeterId; 3] = ["021861000001", "021861000002", "021861000003"].map(|id| id.parse().unwrap());
        let mut sum = Sum::new(&[one, two]);
        let start = Instant::now();
        let reading = |power, seconds| Reading {
            power,
            phases: Vec::new(),
            drawn: None,
            injected: None,
            measured: start + Duration::from_secs(seconds),
            frame: Duration::from_secs(1),
        };
        assert_eq!(sum.handle_reading(one, &reading(100.0, 0)), None);
        assert_eq!(sum.handle_reading(other, &reading(7.0, 0)), None);
        let total = sum.handle_reading(two, &reading(-300.0, 1)).unwrap();
        assert_eq!((total.reading.power, total.reading.measured, total.mean), (-200.0, start, -200.0));
        let total = sum.handle_reading(two, &reading(0.0, 30)).unwrap();
        assert_eq!((total.reading.measured, total.mean), (start, -50.0), "a meter that fell silent makes the sum old");
        assert_eq!(sum.handle_reading(one, &reading(500.0, 95)).unwrap().mean, 500.0);
    }
}
