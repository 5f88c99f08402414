//! How far the load is from a cut-off, and how many seconds are left at this load.
//!
//! The state of the meter's filter is not known at the start, so two filters run: one from rest, one from the highest that it can be.
//! They enclose the truth and meet within minutes; the earlier time is said. A Linky in standard mode ends the doubt itself: the highest
//! power of the day comes from the same filter, and when its stamp is the time of the frame it *is* the filter.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::trip::{CutOff, LINKY, Limit};

/// The filter cannot have reached the limit, or the cut-off would have opened: it is below by this share at least.
const BELOW_LIMIT: f64 = 0.999;
/// The two filters are one where they differ by less than this share of the limit.
const KNOWN_WITHIN: f64 = 0.05;
/// A cut-off within this time is near, in s.
const NEAR_S: u32 = 60;
/// No cut-off is said to be averted before the filter is below this share of the limit: 1.2 of 1.3.
const AVERTED_BELOW: f64 = 1.2 / 1.3;
/// Times above this are said in tens: the least noise in the load moves them most, in s.
const WHOLE_BELOW_S: u32 = 60;

/// How the time until a cut-off was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForecastMethod {
    /// The state of the meter's filter is known.
    Filter,
    /// It is known between two bounds, of which the earlier one is said.
    FilterBounds,
    /// A usual breaker: an order of size.
    BreakerTypical,
}

/// How near a cut-off is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nearness {
    /// Never at this load.
    #[default]
    Never,
    /// The load leads to one.
    Coming,
    /// Within a minute.
    Near,
}

/// One phase, or the meter as one.
#[derive(Debug, Clone)]
struct Filters {
    low: f64,
    high: f64,
    load: f64,
}

/// The forecast of one meter.
#[derive(Debug, Clone, Default)]
pub struct Forecast {
    cut_off: Option<CutOff>,
    limit: Option<Limit>,
    filters: Vec<Filters>,
    last: Option<Duration>,
    nearness: Nearness,
}

impl Forecast {
    /// The rating of each phase in VA, of which there are so many. Another rating begins anew.
    pub fn handle_rating(&mut self, cut_off: CutOff, rating: f64, phases: usize) {
        let limit = Limit::new(cut_off, rating);
        if rating > 0.0 && (self.limit != Some(limit) || self.filters.len() != phases) {
            let high = BELOW_LIMIT * limit.squared();
            self.cut_off = Some(cut_off);
            self.filters = vec![Filters { low: 0.0, high, load: 0.0 }; phases];
            (self.limit, self.last) = (Some(limit), None);
        }
    }

    /// What each phase draws now, in VA.
    pub fn handle_loads(&mut self, loads: &[f64], at: Duration) {
        let Some(limit) = self.limit else { return };
        let seconds = self.last.replace(at).map_or(0.0, |last| at.saturating_sub(last).as_secs_f64());
        let most = BELOW_LIMIT * limit.squared();
        for (filters, load) in self.filters.iter_mut().zip(loads) {
            filters.load = load.max(0.0);
            filters.low = limit.after(filters.low, filters.load, seconds).min(most);
            filters.high = limit.after(filters.high, filters.load, seconds).min(most);
        }
        self.judge();
    }

    /// The meter showed the highest filtered power of the day on a phase, in VA; `is_now` if it is of this very second.
    pub fn handle_highest(&mut self, phase: usize, apparent: f64, is_now: bool) {
        let (Some(limit), Some(filters)) = (self.limit, self.filters.get_mut(phase)) else { return };
        let squared = (apparent * apparent).min(BELOW_LIMIT * limit.squared());
        filters.high = if is_now { squared } else { filters.high.min(squared) };
        filters.low = if is_now { squared } else { filters.low.min(filters.high) };
        self.judge();
    }

    /// What can be drawn more on the fullest phase so that the cut-off never opens, in VA; negative while it is on the way.
    #[must_use]
    pub fn head_room(&self) -> Option<f64> {
        let limit = self.limit?;
        self.filters.iter().map(|filters| limit.apparent - filters.load).reduce(f64::min)
    }

    /// How much of the rating the fullest phase draws.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        let rating = self.limit?.apparent / self.cut_off?.factor;
        self.filters.iter().map(|filters| filters.load / rating).reduce(f64::max)
    }

    /// Seconds until the cut-off opens, at the earliest, if the load stays; `None`: never.
    #[must_use]
    pub fn seconds_left(&self) -> Option<u32> {
        let limit = self.limit?;
        self.filters.iter().filter_map(|filters| limit.seconds_left(filters.high, filters.load)).min()
    }

    /// The same, as it is said.
    #[must_use]
    pub fn seconds_said(&self) -> Option<u32> {
        self.seconds_left().map(|left| if left < WHOLE_BELOW_S { left } else { left / 10 * 10 })
    }

    /// How that was found.
    #[must_use]
    pub fn method(&self) -> Option<ForecastMethod> {
        let width = |filters: &Filters| filters.high.sqrt() - filters.low.sqrt();
        let limit = self.limit?;
        Some(match self.cut_off {
            Some(LINKY) if self.filters.iter().all(|filters| width(filters) < KNOWN_WITHIN * limit.apparent) => ForecastMethod::Filter,
            Some(LINKY) => ForecastMethod::FilterBounds,
            _ => ForecastMethod::BreakerTypical,
        })
    }

    /// How near a cut-off is: it rises at once, and falls only when the filter has come down.
    #[must_use]
    pub const fn nearness(&self) -> Nearness {
        self.nearness
    }

    fn judge(&mut self) {
        self.nearness = match self.seconds_left() {
            Some(left) if left <= NEAR_S => Nearness::Near,
            Some(_) => Nearness::Coming.max(self.nearness),
            None if self.has_come_down() => Nearness::Never,
            None => self.nearness,
        };
    }

    fn has_come_down(&self) -> bool {
        let most = self.limit.map_or(0.0, |limit| AVERTED_BELOW * limit.apparent);
        self.filters.iter().all(|filters| filters.high.sqrt() < most)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::trip::USUAL_BREAKER, *};

    fn forecast() -> Forecast {
        let mut forecast = Forecast::default();
        forecast.handle_rating(LINKY, 6_000.0, 1);
        forecast
    }

    fn hold(forecast: &mut Forecast, load: f64, from: u64, seconds: u64) {
        (from..from + seconds).for_each(|second| forecast.handle_loads(&[load], Duration::from_secs(second)));
    }

    #[test]
    fn nothing_is_said_without_a_rating() {
        let mut forecast = Forecast::default();
        forecast.handle_loads(&[9_000.0], Duration::ZERO);
        assert_eq!((forecast.head_room(), forecast.seconds_left(), forecast.method()), (None, None, None));
    }

    #[test]
    fn the_bounds_meet_and_the_method_says_so() {
        let mut forecast = forecast();
        hold(&mut forecast, 3_000.0, 0, 60);
        assert_eq!(forecast.method(), Some(ForecastMethod::FilterBounds));
        hold(&mut forecast, 3_000.0, 60, 600);
        assert_eq!(forecast.method(), Some(ForecastMethod::Filter));
        assert_eq!(forecast.head_room(), Some(4_800.0));
        assert_eq!(forecast.share(), Some(0.5));
    }

    #[test]
    fn the_highest_power_of_the_day_ends_the_doubt() {
        let mut forecast = forecast();
        hold(&mut forecast, 7_000.0, 0, 2);
        forecast.handle_highest(0, 6_100.0, true);
        assert_eq!(forecast.method(), Some(ForecastMethod::Filter));
        forecast.handle_highest(0, 5_000.0, false);
        assert!(forecast.filters[0].high <= 5_000.0_f64.powi(2));
    }

    #[test]
    fn it_is_near_before_it_opens_and_averted_when_the_filter_has_come_down() {
        let mut forecast = forecast();
        hold(&mut forecast, 1_000.0, 0, 900);
        assert_eq!(forecast.nearness(), Nearness::Never);
        forecast.handle_loads(&[9_000.0], Duration::from_secs(900));
        assert_eq!(forecast.nearness(), Nearness::Coming);
        hold(&mut forecast, 9_000.0, 901, 140);
        assert_eq!(forecast.nearness(), Nearness::Near);
        hold(&mut forecast, 2_000.0, 1_041, 3);
        assert_eq!((forecast.seconds_left(), forecast.nearness()), (None, Nearness::Near));
        hold(&mut forecast, 2_000.0, 1_044, 120);
        assert_eq!(forecast.nearness(), Nearness::Never);
    }

    #[test]
    fn the_fullest_phase_counts() {
        let mut forecast = Forecast::default();
        forecast.handle_rating(USUAL_BREAKER, 2_000.0, 3);
        forecast.handle_loads(&[100.0, 3_000.0, 500.0], Duration::ZERO);
        assert_eq!(forecast.method(), Some(ForecastMethod::BreakerTypical));
        assert!((forecast.head_room().unwrap() + 620.0).abs() < 1e-6);
    }

    proptest! {
        /// Whatever the filter was when the bridge began, the two filters enclose it, as long as the cut-off does not open.
        #[test]
        fn two_filters_enclose_the_truth(begin in 0.0..1.29f64, loads in proptest::collection::vec((0.0..1.5f64, 1u64..100), 1..30)) {
            let mut forecast = forecast();
            let limit = Limit::new(LINKY, 6_000.0);
            let (mut truth, mut second) = ((begin * 6_000.0).powi(2), 0);
            forecast.handle_loads(&[0.0], Duration::ZERO);
            'curve: for (load, seconds) in loads {
                for _ in 0..seconds {
                    second += 1;
                    truth = limit.after(truth, load * 6_000.0, 1.0);
                    if truth >= BELOW_LIMIT * limit.squared() {
                        break 'curve;
                    }
                    forecast.handle_loads(&[load * 6_000.0], Duration::from_secs(second));
                    let Filters { low, high, .. } = &forecast.filters[0];
                    prop_assert!(*low <= truth * (1.0 + 1e-9) && truth <= *high * (1.0 + 1e-9), "{low} {truth} {high}");
                }
            }
        }
    }
}
