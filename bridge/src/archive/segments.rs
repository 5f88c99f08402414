//! What an index was at each full minute, from samples around it.
//!
//! A segment is a time of which nothing is left to learn: its samples followed each other closely, or no full minute lay between them. After an
//! outage a new one begins, and the history fills the gap later: its samples come in order, but after those of the present. So each sample is
//! held against its neighbours in time, whenever it comes.

use crate::archive::readings::MINUTE_MS;

/// Samples that follow each other and are no further apart than this are of one segment, also around a full minute.
const JOIN_MS: i64 = 10_000;
/// Between samples further apart than this nothing is made up.
const SPAN_MS: i64 = 600_000;
/// Segments that are remembered: gaps that the history may still fill.
const SEGMENTS_MAX: usize = 8;
/// No house draws more: if an index moves faster, it is another index, or a clock was set.
const LIMIT_W: u64 = 70_000;
/// 1 Wh, in W times milliseconds.
const WH: u64 = 3_600_000;
/// An index counts whole Wh, on both sides of a comparison.
const ROUNDING_WH: u32 = 2;

/// An index at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// In ms since 1970.
    pub unix_ms: i64,
    /// In Wh.
    pub wh: u32,
}

/// An index at a full minute.
pub type AtMinute = (i64, u32);

#[derive(Debug, Clone, Copy)]
struct Segment {
    first: Point,
    last: Point,
}

/// What is known of one register.
#[derive(Debug, Clone, Default)]
pub struct Segments(Vec<Segment>);

impl Segments {
    /// Takes a sample. Returns what it tells of full minutes, counted from 1970: a later word on one of them is a better one.
    pub fn handle_point(&mut self, point: Point) -> Vec<AtMinute> {
        let place = self.0.partition_point(|segment| segment.first.unix_ms <= point.unix_ms);
        let before = place.checked_sub(1).map(|place| self.0[place].last);
        if before.is_some_and(|before| before.unix_ms >= point.unix_ms) {
            return Vec::new();
        }
        let after = self.0.get(place).map(|segment| segment.first);
        let mut minutes: Vec<AtMinute> = before.map(|before| between(before, point)).unwrap_or_default();
        if point.unix_ms % MINUTE_MS == 0 {
            minutes.push((point.unix_ms / MINUTE_MS, point.wh));
        }
        minutes.extend(after.map(|after| between(point, after)).unwrap_or_default());
        self.join(
            place,
            point,
            before.is_some_and(|before| joins(before, point, JOIN_MS)),
            after.is_some_and(|after| joins(point, after, 0)),
        );
        minutes
    }

    fn join(&mut self, place: usize, point: Point, joins_before: bool, joins_after: bool) {
        match (joins_before, joins_after) {
            (true, true) => {
                let after = self.0.remove(place);
                self.0[place - 1].last = after.last;
            }
            (true, false) => self.0[place - 1].last = point,
            (false, true) => self.0[place].first = point,
            (false, false) => self.0.insert(place, Segment { first: point, last: point }),
        }
        if self.0.len() > SEGMENTS_MAX {
            self.0.remove(0);
        }
    }
}

/// Whether an index can have moved so.
fn follows(from: Point, to: Point) -> bool {
    let span = to.unix_ms.abs_diff(from.unix_ms);
    let is_slow = |step: u32| u64::from(step.saturating_sub(ROUNDING_WH)) * WH <= LIMIT_W * span;
    to.wh.checked_sub(from.wh).is_some_and(is_slow)
}

/// Whether nothing is left to learn of the time between them, if that is longer than this: no full minute lies in it.
fn joins(from: Point, to: Point, short_ms: i64) -> bool {
    let is_of_one_minute = from.unix_ms.div_euclid(MINUTE_MS) == to.unix_ms.div_euclid(MINUTE_MS);
    follows(from, to) && (is_of_one_minute || to.unix_ms - from.unix_ms <= short_ms)
}

/// The full minutes after the first point, up to the second.
fn between(from: Point, to: Point) -> Vec<AtMinute> {
    if to.unix_ms - from.unix_ms > SPAN_MS || !follows(from, to) {
        return Vec::new();
    }
    let (first, last) = (from.unix_ms.div_euclid(MINUTE_MS) + 1, to.unix_ms.div_euclid(MINUTE_MS));
    (first..=last).map(|minute| (minute, at(from, to, minute * MINUTE_MS))).collect()
}

/// As if the index had moved evenly.
fn at(from: Point, to: Point, unix_ms: i64) -> u32 {
    let (whole, part) = ((to.unix_ms - from.unix_ms).unsigned_abs(), (unix_ms - from.unix_ms).unsigned_abs());
    let step = u64::from(to.wh - from.wh);
    from.wh + u32::try_from((2 * step * part + whole) / (2 * whole)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn told(points: &[(i64, u32)]) -> BTreeMap<i64, u32> {
        let mut segments = Segments::default();
        points.iter().flat_map(|(second, wh)| segments.handle_point(Point { unix_ms: second * 1_000, wh: *wh })).collect()
    }

    #[test]
    fn a_full_minute_lies_between_two_samples() {
        assert_eq!(told(&[(59, 100), (61, 104)]), BTreeMap::from([(1, 102)]));
        assert_eq!(told(&[(60, 100), (120, 104)]), BTreeMap::from([(1, 100), (2, 104)]), "samples at the minute");
        assert_eq!(told(&[(0, 100), (300, 105)]).len(), 6, "nothing was lost in five minutes");
    }

    #[test]
    fn nothing_is_made_up() {
        assert_eq!(told(&[(59, 100), (1_000, 200)]), BTreeMap::new(), "too long ago");
        assert_eq!(told(&[(59, 100), (61, 99)]), BTreeMap::new(), "another index");
        assert_eq!(told(&[(59, 100), (61, 200)]), BTreeMap::new(), "180 kW");
    }

    #[test]
    fn the_history_fills_a_gap_and_knows_better() {
        let present = [(59, 100), (61, 100), (359, 400), (361, 400)];
        assert_eq!(told(&present)[&3], 220, "evenly");
        let past = [(119, 100), (121, 100), (179, 100), (181, 100), (240, 100), (300, 300)];
        let all = told(&[&present[..], &past].concat());
        assert_eq!(all, BTreeMap::from([(1, 100), (2, 100), (3, 100), (4, 100), (5, 300), (6, 400)]));
    }

    proptest! {
        /// Samples of one meter, in two streams as after an outage, tell what it showed, to 1 Wh.
        #[test]
        fn whatever_the_order_the_minutes_are_those_of_the_meter(
            watts in prop::collection::vec(0_u32..9_000, 20..60), gap in 1_usize..19, seed in 0_i64..60,
        ) {
            // A house whose power changes every minute; a sample every two seconds.
            let index = |second: i64| -> u32 {
                let ws: u64 = (0..second).map(|at| u64::from(watts[usize::try_from(at / 60).unwrap() % watts.len()])).sum();
                1_000 + u32::try_from(ws / 3_600).unwrap()
            };
            let end = i64::try_from(watts.len()).unwrap() * 60;
            let gap = i64::try_from(gap).unwrap() * 60 - seed;
            let samples: Vec<(i64, u32)> = (seed..end).step_by(2).map(|second| (second, index(second))).collect();
            let is_late = |second: i64| (gap..gap + 400).contains(&second);
            let (late, mut order): (Vec<_>, Vec<_>) = samples.into_iter().partition(|(second, _)| is_late(*second));
            let resumed = order.iter().position(|(second, _)| *second >= gap + 400).unwrap_or(order.len());
            let rest = order.split_off(resumed.min(order.len()));
            let (first, rest) = rest.split_at(rest.len().min(1));
            order.extend(first);
            order.extend(late);
            order.extend(rest);
            for (minute, wh) in told(&order) {
                prop_assert!(wh.abs_diff(index(minute * 60)) <= 3, "minute {minute}: {wh}, not {}", index(minute * 60));
            }
            prop_assert!(told(&order).len() as i64 >= end / 60 - 3);
        }
    }
}
