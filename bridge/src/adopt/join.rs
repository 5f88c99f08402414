//! How one of our statistics goes on with an old one: which of the old hours come before ours, and what our sums lack. Pure.
//!
//! If both show one register of the meter, its index tells what was drawn between the last old hour and our first one: nothing is lost, to
//! the Wh. Another statistic, such as one with sums only, must have an hour in common with ours, after which both are taken to count alike.

use crate::statistics::{hours::HOUR, series::Hour};

/// Two indexes of one register, told by two programs within one hour, differ by less, in Wh.
const NEAR_WH: f64 = 1_000.0;
/// No Linky lets more through, in Wh an hour.
const MOST: f64 = 36_000.0;
/// A sum below this is one that counts backwards, in Wh.
const BELOW: f64 = -0.5;

/// How far apart the last old hour and our first one may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// An hour in common, or two days without one: near enough to propose it unasked.
    Near,
    /// Any time: somebody has named both.
    Any,
}

impl Reach {
    const fn hours(self) -> i64 {
        match self {
            Self::Near => 48,
            Self::Any => i64::MAX,
        }
    }
}

/// Why two statistics cannot be joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unjoined {
    /// Ours has no hour yet.
    TooEarly,
    /// The old one has nothing before ours.
    NothingBefore,
    /// They show different registers, and have no hour in common either.
    Different,
    /// Between the two lies less than nothing, or more than any meter lets through.
    Step,
    /// Sums of the old one are below 0: its first bar would be one of less than nothing.
    BelowZero,
}

/// One statistic that goes on with another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Join {
    /// Start of the first hour that comes before ours, in s since 1970.
    pub from: i64,
    /// How many hours come before ours.
    pub hours: usize,
    /// Start of our first hour.
    pub first: i64,
    /// Our sum at the end of that hour.
    pub before: f64,
    /// What our sums lack.
    pub lift: f64,
    /// How many hours lie between the last old one and the end of our first one, that one included.
    pub between: i64,
    /// What was drawn in them, in Wh: what our first hour will show.
    pub drawn: f64,
}

/// Joins them. Both are oldest first.
///
/// # Errors
/// Why it cannot be.
pub fn join(old: &[Hour], ours: &[Hour], reach: Reach) -> Result<Join, Unjoined> {
    let first = *ours.first().ok_or(Unjoined::TooEarly)?;
    let earlier = &old[..old.partition_point(|hour| hour.start < first.start)];
    let (Some(begin), Some(last)) = (earlier.first(), earlier.last()) else { return Err(Unjoined::NothingBefore) };
    let between = (first.start - last.start) / HOUR;
    if between > reach.hours() {
        return Err(Unjoined::NothingBefore);
    }
    if earlier.iter().any(|hour| hour.sum < BELOW) {
        return Err(Unjoined::BelowZero);
    }
    let by_index = same_register(old, ours).then(|| index_between(last, &first)).flatten();
    let by_sums = || common_lift(old, ours).filter(|_| reach == Reach::Any);
    let lift = by_index.map(|drawn| last.sum + drawn - first.sum).or_else(by_sums).ok_or(Unjoined::Different)?;
    let drawn = lift + first.sum - last.sum;
    if drawn < BELOW || drawn > MOST * between as f64 {
        return Err(if reach == Reach::Any { Unjoined::Step } else { Unjoined::Different });
    }
    Ok(Join { from: begin.start, hours: earlier.len(), first: first.start, before: first.sum, lift, between, drawn })
}

/// Of several old ones, each with its hours, the one that is joined to ours with the most hours.
#[must_use]
pub fn longest<'a, T>(olds: &'a [(Vec<Hour>, T)], ours: &[Hour]) -> Option<(&'a [Hour], &'a T, Join)> {
    let joined = olds.iter().filter_map(|(hours, old)| Some((hours.as_slice(), old, join(hours, ours, Reach::Near).ok()?)));
    joined.max_by_key(|(_, _, join)| join.hours)
}

/// Joins two costs. They have no index: what was paid between the last old hour and the first of ours, if anything, is not known and not added.
///
/// # Errors
/// Why it cannot be.
pub fn join_costs(old: &[Hour], ours: &[Hour]) -> Result<Join, Unjoined> {
    let first = *ours.first().ok_or(Unjoined::TooEarly)?;
    let earlier = &old[..old.partition_point(|hour| hour.start < first.start)];
    let (Some(begin), Some(last)) = (earlier.first(), earlier.last()) else { return Err(Unjoined::NothingBefore) };
    let between = (first.start - last.start) / HOUR;
    Ok(Join { from: begin.start, hours: earlier.len(), first: first.start, before: first.sum, lift: last.sum, between, drawn: first.sum })
}

/// Whether they tell the same index wherever they have an hour in common. True as well if they have none.
#[must_use]
pub fn same_register(old: &[Hour], ours: &[Hour]) -> bool {
    common(old, ours).all(|(one, other)| one.state.zip(other.state).is_some_and(|(one, other)| (one - other).abs() <= NEAR_WH))
}

fn index_between(last: &Hour, first: &Hour) -> Option<f64> {
    Some(first.state? - last.state?)
}

/// What our sums lack by the first hour that both have, if the old one is one of hours there: some hold days, at their first hour.
fn common_lift(old: &[Hour], ours: &[Hour]) -> Option<f64> {
    let is_of_hours = |start: i64| old.binary_search_by_key(&(start - HOUR), |hour| hour.start).is_ok();
    common(old, ours).find(|(one, _)| is_of_hours(one.start)).map(|(one, other)| one.sum - other.sum)
}

/// The hours that both have, oldest first.
fn common<'a>(old: &'a [Hour], ours: &'a [Hour]) -> impl Iterator<Item = (&'a Hour, &'a Hour)> {
    let other = |hour: &Hour| ours.binary_search_by_key(&hour.start, |ours| ours.start).ok().map(|at| &ours[at]);
    old.iter().filter_map(move |hour| Some((hour, other(hour)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hours of an index that grows by 300 Wh an hour from 20 000 000 at hour 0, counted since an hour.
    fn hours(range: std::ops::Range<i64>, since: i64) -> Vec<Hour> {
        range
            .map(|hour| Hour {
                start: hour * HOUR,
                sum: (300 * (hour + 1 - since)) as f64,
                state: Some((20_000_000 + 300 * (hour + 1)) as f64),
            })
            .collect()
    }

    fn without_index(hours: Vec<Hour>) -> Vec<Hour> {
        hours.into_iter().map(|hour| Hour { state: None, ..hour }).collect()
    }

    /// Ours began in the middle of an hour: it counts 100 Wh of that hour's 300.
    fn ours(range: std::ops::Range<i64>) -> Vec<Hour> {
        let since = range.start;
        hours(range, since).into_iter().map(|hour| Hour { sum: hour.sum - 200.0, ..hour }).collect()
    }

    #[test]
    fn the_index_tells_what_was_drawn_between() {
        let join = join(&hours(0..100, 0), &ours(100..110), Reach::Near).unwrap();
        assert_eq!((join.from, join.hours, join.first), (0, 100, 100 * HOUR));
        assert_eq!((join.before, join.lift), (100.0, 100.0 * 300.0 + 200.0));
        assert_eq!((join.between, join.drawn), (1, 300.0));
    }

    #[test]
    fn the_old_one_may_have_ended_before_or_go_on_beside_ours() {
        let ended = join(&hours(0..80, 0), &ours(100..110), Reach::Near).unwrap();
        assert_eq!((ended.hours, ended.between, ended.drawn), (80, 21, 21.0 * 300.0));
        let beside = join(&hours(0..105, 0), &ours(100..110), Reach::Near).unwrap();
        assert_eq!((beside.hours, beside.lift), (100, 100.0 * 300.0 + 200.0));
        assert_eq!(join(&hours(0..40, 0), &ours(100..110), Reach::Near), Err(Unjoined::NothingBefore), "too long ago to be proposed");
        assert_eq!(join(&hours(0..40, 0), &ours(100..110), Reach::Any).unwrap().drawn, 61.0 * 300.0);
    }

    #[test]
    fn another_register_is_not_taken() {
        let other: Vec<_> = hours(0..105, 0).iter().map(|hour| Hour { state: hour.state.map(|wh| wh - 5_000.0), ..*hour }).collect();
        assert_eq!(join(&other, &ours(100..110), Reach::Near), Err(Unjoined::Different));
        assert_eq!(join(&other[..100], &ours(100..110), Reach::Any).unwrap().drawn, 5_300.0, "nobody can tell, and both were named");
        let solar: Vec<_> = hours(0..100, 0).iter().map(|hour| Hour { state: Some(7_000.0), ..*hour }).collect();
        assert_eq!(join(&solar, &ours(100..110), Reach::Near), Err(Unjoined::Different));
        assert_eq!(join(&solar, &ours(100..110), Reach::Any), Err(Unjoined::Step));
    }

    #[test]
    fn sums_without_an_index_want_an_hour_in_common() {
        let old = without_index(hours(0..105, 0));
        let joined = join(&old, &ours(100..110), Reach::Any).unwrap();
        assert_eq!((joined.lift, joined.drawn), (100.0 * 300.0 + 200.0, 300.0));
        assert_eq!(join(&old, &ours(100..110), Reach::Near), Err(Unjoined::Different), "nobody has named them");
        assert_eq!(join(&old[..100], &ours(100..110), Reach::Any), Err(Unjoined::Different));
        let days: Vec<_> = old.iter().step_by(24).copied().collect();
        assert_eq!(join(&days, &ours(90..110), Reach::Any), Err(Unjoined::Different), "an hour that holds a day");
    }

    #[test]
    fn the_cost_of_our_first_hour_is_its_own() {
        let cost = |hour: i64, sum: f64| Hour { start: hour * HOUR, sum, state: None };
        let join = join_costs(&[cost(0, 1.0), cost(1, 2.5), cost(2, 9.0)], &[cost(2, 0.25), cost(3, 0.5)]).unwrap();
        assert_eq!((join.hours, join.first, join.lift, join.drawn), (2, 2 * HOUR, 2.5, 0.25));
        assert_eq!(join_costs(&[], &[cost(2, 0.25)]), Err(Unjoined::NothingBefore));
        assert_eq!(join_costs(&[cost(0, 1.0)], &[]), Err(Unjoined::TooEarly));
    }

    #[test]
    fn nothing_is_joined_to_nothing() {
        assert_eq!(join(&hours(0..10, 0), &[], Reach::Any), Err(Unjoined::TooEarly));
        assert_eq!(join(&hours(10..20, 0), &ours(5..20), Reach::Any), Err(Unjoined::NothingBefore));
        assert_eq!(join(&hours(0..10, 5), &ours(10..20), Reach::Any), Err(Unjoined::BelowZero));
    }
}
