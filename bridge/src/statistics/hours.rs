//! The indexes of a meter at each full hour, from samples around it.
//!
//! Home Assistant keeps energy by the hour, so this is all that is needed of two days: for each hour the nearest sample on either
//! side, and one a minute earlier that tells how fast the index was moving. Samples may come in any order.

use std::collections::BTreeMap;

/// Seconds of an hour.
pub const HOUR: i64 = 3_600;
const HOUR_MS: i64 = HOUR * 1_000;
/// A sample further from the hour than this says nothing of it.
const REACH_MS: i64 = 600_000;
/// How far apart the two samples around an hour may be.
const SPAN_MAX_MS: i64 = 600_000;
/// Distance of the sample that tells the speed.
const EARLIER_MS: i64 = 60_000;
/// No house draws more: if an index moves faster, the times of its samples must be wrong.
const LIMIT_W: u64 = 70_000;
/// 1 Wh, in W times milliseconds.
const WH: u64 = 3_600_000;
/// An index counts whole Wh, on both sides of the comparison.
const ROUNDING_WH: f64 = 2.0;

/// Whether a sample that was made then, in ms since 1970, says anything of a full hour.
#[must_use]
pub const fn is_near_an_hour(at_ms: i64) -> bool {
    let since = at_ms.rem_euclid(HOUR_MS);
    since <= REACH_MS || HOUR_MS - since <= REACH_MS
}

/// An index at a full hour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Known {
    /// In Wh.
    pub wh: f64,
    /// How fast the index was moving, in Wh per second.
    pub speed: f64,
    /// How many indexes it is the sum of.
    pub parts: u8,
}

impl Known {
    /// What is recorded may differ by this much and still be right, in Wh, if it is up to `slack` seconds older than the hour's end.
    #[must_use]
    pub fn tolerance(&self, slack: f64) -> f64 {
        ROUNDING_WH * f64::from(self.parts) + slack * self.speed
    }
}

impl Known {
    /// The same, with so many Wh more.
    #[must_use]
    pub fn with_offset(self, wh: i64) -> Self {
        Self { wh: self.wh + wh as f64, ..self }
    }
}

impl std::ops::Add for Known {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { wh: self.wh + other.wh, speed: self.speed + other.speed, parts: self.parts + other.parts }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Point {
    at_ms: i64,
    wh: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Boundary {
    earlier: Option<Point>,
    before: Option<Point>,
    after: Option<Point>,
}

/// Hours of all indexes of a meter.
#[derive(Debug, Clone, Default)]
pub struct Hours {
    indexes: BTreeMap<String, BTreeMap<i64, Boundary>>,
}

impl Hours {
    /// Takes what an index said at a time, in ms since 1970.
    pub fn push(&mut self, label: &str, at_ms: i64, wh: u64) {
        let last_hour = at_ms.div_euclid(HOUR_MS);
        let (since, until) = (at_ms - last_hour * HOUR_MS, (last_hour + 1) * HOUR_MS - at_ms);
        if !is_near_an_hour(at_ms) {
            return;
        }
        if !self.indexes.contains_key(label) {
            self.indexes.insert(label.to_owned(), BTreeMap::new());
        }
        let Some(hours) = self.indexes.get_mut(label) else { return };
        let point = Point { at_ms, wh };
        if since <= REACH_MS {
            let hour = hours.entry(last_hour * HOUR).or_default();
            replace(&mut hour.after, point, |old| at_ms < old.at_ms);
            if since == 0 {
                hour.before = Some(point);
            }
        }
        if until <= REACH_MS {
            let hour = hours.entry((last_hour + 1) * HOUR).or_default();
            replace(&mut hour.before, point, |old| at_ms > old.at_ms);
            if until >= EARLIER_MS {
                replace(&mut hour.earlier, point, |old| at_ms > old.at_ms);
            }
        }
    }

    /// An index at a full hour, in s since 1970; nothing if no samples are near enough, or the index stepped back there.
    #[must_use]
    pub fn at(&self, label: &str, hour: i64) -> Option<Known> {
        let Boundary { earlier, before, after } = *self.indexes.get(label)?.get(&hour)?;
        let (before, after) = (before?, after?);
        let span = after.at_ms - before.at_ms;
        let step = after.wh.checked_sub(before.wh)?;
        let too_fast = step.saturating_sub(ROUNDING_WH as u64) * WH > LIMIT_W * span.unsigned_abs();
        if span > SPAN_MAX_MS || too_fast {
            return None;
        }
        let share = if span > 0 { (hour * 1_000 - before.at_ms) as f64 / span as f64 } else { 0.0 };
        let wh = before.wh as f64 + step as f64 * share;
        let (from, to) = earlier.map_or((before, after), |earlier| (earlier, after));
        let speed = to.wh.saturating_sub(from.wh) as f64 * 1_000.0 / (to.at_ms - from.at_ms).max(1) as f64;
        Some(Known { wh: wh.round(), speed, parts: 1 })
    }

    /// Several indexes at a full hour, added up.
    #[must_use]
    pub fn sum(&self, labels: &[String], hour: i64) -> Option<Known> {
        labels.iter().map(|label| self.at(label, hour)).reduce(|sum, next| Some(sum? + next?)).flatten()
    }

    /// Forgets hours before a time, in s since 1970.
    pub fn forget_before(&mut self, time: i64) {
        self.indexes.values_mut().for_each(|hours| hours.retain(|hour, _| *hour >= time));
    }
}

fn replace(place: &mut Option<Point>, point: Point, better: impl Fn(&Point) -> bool) {
    if place.as_ref().is_none_or(better) {
        *place = Some(point);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_704_628_800;

    fn hours(points: &[(i64, u64)]) -> Hours {
        let mut hours = Hours::default();
        points.iter().for_each(|(second, wh)| hours.push("BASE", (NOON + second) * 1_000, *wh));
        hours
    }

    #[test]
    fn between_two_samples() {
        let known = hours(&[(-90, 1_000), (-30, 1_010), (30, 1_020)]).at("BASE", NOON).unwrap();
        assert_eq!(known.wh, 1_015.0);
        // 20 Wh in two minutes, twenty seconds of it, and the rounding.
        assert!((known.tolerance(20.0) - (2.0 + 20.0 * 20.0 / 120.0)).abs() < 0.01, "{known:?}");
    }

    #[test]
    fn order_does_not_matter_and_the_nearest_count() {
        let points = [(-300, 990), (-1, 1_000), (1, 1_002), (200, 1_040), (-61, 995)];
        let mut reversed = points;
        reversed.reverse();
        assert_eq!(hours(&points).at("BASE", NOON), hours(&reversed).at("BASE", NOON));
        assert_eq!(hours(&points).at("BASE", NOON).unwrap().wh, 1_001.0);
    }

    #[test]
    fn a_sample_at_the_hour_is_the_hour() {
        assert_eq!(hours(&[(0, 77)]).at("BASE", NOON).unwrap().wh, 77.0);
    }

    #[test]
    fn ten_minutes_around_an_hour_say_something_of_it() {
        let near = [0, 600, 601, 1_800, 2_999, 3_000, 3_599].map(|second| is_near_an_hour((NOON + second) * 1_000));
        assert_eq!(near, [true, true, false, false, false, true, true]);
    }

    #[test]
    fn what_is_not_known_is_not_made_up() {
        assert_eq!(hours(&[(-10, 5)]).at("BASE", NOON), None);
        assert_eq!(hours(&[(10, 5)]).at("BASE", NOON), None);
        assert_eq!(hours(&[(-400, 5), (300, 9)]).at("BASE", NOON), None, "too far apart");
        assert_eq!(hours(&[(-1, 9), (1, 5)]).at("BASE", NOON), None, "stepped back");
        assert_eq!(hours(&[(-1, 5), (1, 5)]).at("EAST", NOON), None);
        assert_eq!(hours(&[(-20, 5), (30, 1_500)]).at("BASE", NOON), None, "108 kW: one of the clocks was wrong");
    }

    #[test]
    fn sums_need_all_their_parts() {
        let mut hours = hours(&[(-1, 5), (1, 5)]);
        let both = ["BASE".to_owned(), "EAST".to_owned()];
        assert_eq!(hours.sum(&both, NOON), None);
        hours.push("EAST", NOON * 1_000, 10);
        assert_eq!(hours.sum(&both, NOON).unwrap().wh, 15.0);
        hours.forget_before(NOON + 1);
        assert_eq!(hours.sum(&both, NOON), None);
    }
}
