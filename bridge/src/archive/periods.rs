//! Energies of half hours, hours, days and months, from indexes at full minutes. Days are those of France, where the meter is; nights on which the clock is
//! moved have 23 or 25 hours.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{archive::block::Grain, hours::day::Day};

const HALF_HOUR_S: i64 = 1_800;
const HOUR_S: i64 = 3_600;
const MINUTE_S: i64 = 60;

/// How long the periods are that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// As the meter's supplier counts.
    HalfHour,
    /// Full hours.
    Hour,
    /// Days of the calendar.
    Day,
    /// Months of the calendar.
    Month,
}

impl Step {
    const ALL: [(&'static str, Self); 4] =
        [("half-hour", Self::HalfHour), ("hour", Self::Hour), ("day", Self::Day), ("month", Self::Month)];

    /// By its name in an address.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, step)| step)
    }

    /// What it is made of: half hours of minutes, all others of hours.
    #[must_use]
    pub const fn grain(self) -> Grain {
        match self {
            Self::HalfHour => Grain::Minute,
            _ => Grain::Hour,
        }
    }

    /// So long a time may be asked for, in days: answers are bounded.
    #[must_use]
    pub const fn days_max(self) -> i64 {
        match self {
            Self::HalfHour => 40,
            _ => 800,
        }
    }

    /// The periods from one day to another, which is not included.
    #[must_use]
    pub fn periods(self, from: Day, to: Day) -> Vec<Period> {
        match self {
            Self::HalfHour => even(from.at(0), to.at(0), HALF_HOUR_S),
            Self::Hour => even(from.at(0), to.at(0), HOUR_S),
            Self::Day => follow(from, to, Day::next),
            Self::Month => follow(from.first_of_month(), to, Day::next_month),
        }
    }

    /// The pieces in which a period is priced: a price holds for whole half hours.
    #[must_use]
    pub fn pieces(self, period: Period) -> Vec<Period> {
        even(period.start, period.end, if self == Self::HalfHour { HALF_HOUR_S } else { HOUR_S })
    }
}

/// From one time to another, in s since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// It begins then.
    pub start: i64,
    /// It ends then.
    pub end: i64,
}

fn even(start: i64, end: i64, length: i64) -> Vec<Period> {
    let starts = (0..).map(|number| start + number * length).take_while(|at| *at < end);
    starts.map(|at| Period { start: at, end: (at + length).min(end) }).collect()
}

fn follow(from: Day, to: Day, next: fn(Day) -> Day) -> Vec<Period> {
    let days = std::iter::successors(Some(from), |day| Some(next(*day))).take_while(|day| *day < to);
    days.map(|day| Period { start: day.at(0), end: next(day).at(0) }).collect()
}

/// What one register counted in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// In Wh.
    pub wh: u64,
    /// The index is known at both ends: nothing is missing.
    pub is_whole: bool,
}

/// What a register counted, as far as it is known: from the first index in the period to the last one.
#[must_use]
pub fn counted(curve: &BTreeMap<i64, u32>, period: Period) -> Option<Counted> {
    let (start, end) = (period.start / MINUTE_S, period.end / MINUTE_S);
    let mut known = curve.range(start..=end);
    let (first, last) = (known.next()?, known.next_back()?);
    let wh = last.1.checked_sub(*first.1)?;
    Some(Counted { wh: wh.into(), is_whole: *first.0 == start && *last.0 == end })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::from(text)
    }

    #[test]
    fn days_are_those_of_the_meter() {
        let hours = |from, to| Step::Hour.periods(day(from), day(to)).len();
        assert_eq!([hours("2027-03-28", "2027-03-29"), hours("2026-10-25", "2026-10-26"), hours("2026-11-28", "2026-11-30")], [23, 25, 48]);
        assert_eq!(Step::HalfHour.periods(day("2026-10-25"), day("2026-10-26")).len(), 50);
        let months = Step::Month.periods(day("2026-11-15"), day("2027-02-01"));
        assert_eq!(months.iter().map(|month| (month.end - month.start) / 86_400).collect::<Vec<_>>(), [30, 31, 31]);
        assert_eq!(Step::Day.periods(day("2026-11-28"), day("2026-11-28")), []);
        assert_eq!((Step::named("day"), Step::named("year")), (Some(Step::Day), None));
    }

    #[test]
    fn what_is_missing_is_not_made_up() {
        let curve = BTreeMap::from([(10, 100), (20, 130), (30, 135), (40, 120)]);
        let of = |start: i64, end: i64| counted(&curve, Period { start: start * 60, end: end * 60 });
        assert_eq!(of(10, 30), Some(Counted { wh: 35, is_whole: true }));
        assert_eq!(of(5, 25), Some(Counted { wh: 30, is_whole: false }));
        assert_eq!((of(11, 19), of(15, 25), of(20, 40)), (None, None, None), "none, one, and one that stepped back");
    }
}
