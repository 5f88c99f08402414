//! One meter's newest measurement, as a grid meter tells it.
//!
//! The sign is that of all grid meters: positive is drawn from the grid, negative is injected into it.

use std::time::{Duration, Instant};

/// The most phases that a meter has.
pub const PHASES: usize = 3;

/// What was measured at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// Signed power of all phases, in W.
    pub power: f64,
    /// What is known of each phase, one or three; their powers add up to `power`.
    pub phases: Vec<Phase>,
    /// Energy drawn in all, in Wh.
    pub drawn: Option<u64>,
    /// Energy injected in all, in Wh.
    pub injected: Option<u64>,
    /// When the power was measured.
    pub measured: Instant,
    /// How long the meter takes for a frame: the next power is due after that.
    pub frame: Duration,
}

/// One phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phase {
    /// Signed power, in W.
    pub power: f64,
    /// Apparent power with the same sign, in VA.
    pub apparent: f64,
    /// Current, without sign, in A.
    pub current: Option<f64>,
    /// Voltage, in V; older modes do not tell it.
    pub voltage: Option<f64>,
}

impl Reading {
    /// How old it is.
    #[must_use]
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.measured)
    }

    /// Both together, as if one meter measured them: as old as the older, as slow as the slower.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let both = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
        let count = self.phases.len().max(other.phases.len());
        Self {
            power: self.power + other.power,
            phases: (0..count).filter_map(|n| Phase::sum(self.phases.get(n), other.phases.get(n))).collect(),
            drawn: both(self.drawn, other.drawn),
            injected: both(self.injected, other.injected),
            measured: self.measured.min(other.measured),
            frame: self.frame.max(other.frame),
        }
    }
}

impl Phase {
    /// Currents that may flow in opposite directions have no sum; the power has one.
    fn sum(one: Option<&Self>, other: Option<&Self>) -> Option<Self> {
        let (Some(one), Some(other)) = (one, other) else { return one.or(other).copied() };
        let (power, apparent) = (one.power + other.power, one.apparent + other.apparent);
        let voltage = one.voltage.or(other.voltage);
        let signed = |phase: &Self| phase.current.map(|current| current.copysign(phase.power));
        let current = signed(one).zip(signed(other)).map(|(a, b)| (a + b).abs());
        Some(Self { power, apparent, current, voltage })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(power: f64, measured: Instant) -> Reading {
        let phase = Phase { power, apparent: power, current: Some((power / 230.0).abs()), voltage: Some(230.0) };
        Reading { power, phases: vec![phase], drawn: Some(10), injected: None, measured, frame: Duration::from_secs(1) }
    }

    #[test]
    fn a_sum_is_as_old_as_its_oldest_part() {
        let now = Instant::now();
        let later = now + Duration::from_secs(2);
        let sum = reading(460.0, later).plus(&reading(-230.0, now));
        assert_eq!((sum.power, sum.measured, sum.drawn, sum.injected), (230.0, now, Some(20), None));
        assert_eq!(sum.phases, [Phase { power: 230.0, apparent: 230.0, current: Some(1.0), voltage: Some(230.0) }]);
    }
}
