//! Which hours of a statistic are wrong after an outage, and what they should be.
//!
//! Home Assistant's hourly rows carry the index at the end of the hour (`state`) and a running total (`sum`). Their difference stays the
//! same as long as the index only grows. What came in too late sits in the hour of the return; the hours before lack it, or are not
//! there at all. So each row gets the state that the index had, and the sum that goes with it by the same difference: the total is
//! untouched, the energy moves to the hours it belongs to.

use crate::statistics::hours::{HOUR, Known};

/// What two rows may differ by and be the same, in Wh.
const ROUNDING_WH: f64 = 2.0;
/// Nobody remembers an index for longer, in hours: a reader holds two days.
const HOURS_MAX: i64 = 24 * 31;

/// A row of a statistic, in Wh.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Start of the hour (or of the five minutes), in s since 1970.
    pub start: i64,
    /// Running total at its end.
    pub sum: f64,
    /// Index at its end.
    pub state: f64,
}

impl Row {
    fn difference(&self) -> f64 {
        self.sum - self.state
    }
}

/// The rows to be written: those of full hours that are missing or wrong. `rows` are the hours there are, oldest first; `newest` is a
/// later row of any length, if there is one; `known` tells the index at a full hour; what was recorded last in an hour may be `slack`
/// seconds older than its end.
///
/// Nothing is written before the first row there is, nor beyond a row that is not consistent with the newest: between the two the index
/// was reset or the statistic adjusted by hand, and nobody but its user knows what the sums should be.
#[must_use]
pub fn corrections(rows: &[Row], newest: Option<Row>, slack: f64, known: impl Fn(i64) -> Option<Known>) -> Vec<Row> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Vec::new() };
    let anchor = newest.unwrap_or(*last);
    let end = newest.map_or(last.start, |row| row.start - row.start.rem_euclid(HOUR) - HOUR).max(last.start);
    if end - first.start > HOURS_MAX * HOUR {
        return Vec::new();
    }
    let mut fixed = Vec::new();
    let mut start = end;
    while start >= first.start {
        let row = rows.iter().find(|row| row.start == start);
        let truth = known(start + HOUR);
        if let Some(row) = row
            && (row.difference() - anchor.difference()).abs() > truth.map_or(ROUNDING_WH, |truth| truth.tolerance(slack))
        {
            break;
        }
        if let Some(truth) = truth
            && truth.wh <= anchor.state + truth.tolerance(slack)
            && row.is_none_or(|row| (row.state - truth.wh).abs() > truth.tolerance(slack))
        {
            fixed.push(Row { start, sum: truth.wh + anchor.difference(), state: truth.wh });
        }
        start -= HOUR;
    }
    fixed.reverse();
    fixed
}

/// What a statistic lacks that goes on with an old one as if it were new: `old` is the last row of before, `first` the first of now.
///
/// Home Assistant counts on from the newest row of five minutes, and throws these away after ten days. A statistic that was silent for
/// longer begins at 0, and its next hour shows all that was ever counted, with a minus.
#[must_use]
pub fn forgotten(old: Row, first: Row) -> Option<f64> {
    let lacks = old.difference() - first.difference();
    let is_behind = first.sum + ROUNDING_WH < old.sum && first.state + ROUNDING_WH >= old.state;
    is_behind.then_some(lacks)
}

/// The energy that the corrections move into or out of each hour, added up: what the hours between two right rows now show together.
#[must_use]
pub fn moved(rows: &[Row], fixed: &[Row]) -> f64 {
    let sum_before = |start: i64, rows: &[Row]| rows.iter().rev().find(|row| row.start < start).map(|row| row.sum);
    let (Some(first), Some(last)) = (fixed.first(), fixed.last()) else { return 0.0 };
    sum_before(first.start, rows).map_or(0.0, |before| last.sum - before)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLACK: f64 = 20.0;

    const H: i64 = HOUR;

    fn row(hour: i64, sum: f64, state: f64) -> Row {
        Row { start: hour * H, sum, state }
    }

    /// An index that grows by 300 Wh an hour from 10 000 at hour 0, known at every full hour but those of `unknown`.
    fn truth(unknown: &'static [i64]) -> impl Fn(i64) -> Option<Known> {
        move |time| {
            let hour = time / H;
            (!unknown.contains(&hour)).then_some(Known { wh: 10_000.0 + 300.0 * hour as f64, speed: 300.0 / 3_600.0, parts: 1 })
        }
    }

    #[test]
    fn hours_without_rows_are_filled_backwards() {
        // Hours 2 and 3 are missing, hour 4 has all of it. The total began at 10 000.
        let rows = [row(0, 300.0, 10_300.0), row(1, 600.0, 10_600.0), row(4, 1_500.0, 11_500.0)];
        let fixed = corrections(&rows, None, SLACK, truth(&[]));
        assert_eq!(fixed, [row(2, 900.0, 10_900.0), row(3, 1_200.0, 11_200.0)]);
    }

    #[test]
    fn dead_hours_that_stood_still_are_corrected() {
        let rows = [row(0, 300.0, 10_300.0), row(1, 340.0, 10_340.0), row(2, 340.0, 10_340.0), row(3, 1_200.0, 11_200.0)];
        let fixed = corrections(&rows, None, SLACK, truth(&[]));
        assert_eq!(fixed, [row(1, 600.0, 10_600.0), row(2, 900.0, 10_900.0)]);
        assert_eq!(moved(&rows, &fixed), 600.0);
    }

    #[test]
    fn a_later_row_of_five_minutes_is_anchor_enough() {
        let rows = [row(0, 300.0, 10_300.0), row(1, 340.0, 10_340.0)];
        let newest = Row { start: 4 * H + 600, sum: 1_250.0, state: 11_250.0 };
        let fixed = corrections(&rows, Some(newest), SLACK, truth(&[]));
        assert_eq!(fixed, [row(1, 600.0, 10_600.0), row(2, 900.0, 10_900.0), row(3, 1_200.0, 11_200.0)]);
    }

    #[test]
    fn corrected_rows_need_no_correction() {
        let mut rows = vec![row(0, 300.0, 10_300.0), row(1, 340.0, 10_340.0), row(4, 1_500.0, 11_500.0)];
        let fixed = corrections(&rows, None, SLACK, truth(&[]));
        assert_eq!(fixed.len(), 3);
        rows.retain(|row| fixed.iter().all(|fix| fix.start != row.start));
        rows.extend(fixed);
        rows.sort_by_key(|row| row.start);
        assert!(corrections(&rows, None, SLACK, truth(&[])).is_empty());
    }

    #[test]
    fn a_row_of_another_age_is_nothing_to_go_by() {
        let rows = [row(0, 300.0, 10_300.0), row(4, 1_500.0, 11_500.0)];
        let newest = |hour| Some(Row { start: hour * H + 600, ..rows[1] });
        assert_eq!(corrections(&rows, newest(5), SLACK, truth(&[])).len(), 3);
        assert!(corrections(&rows, newest(1_100_000), SLACK, truth(&[])).is_empty());
    }

    #[test]
    fn right_hours_are_not_touched() {
        let rows: Vec<Row> = (0..10).map(|hour| row(hour, 300.0 * (hour + 1) as f64 - 3.0, 10_300.0 + 300.0 * hour as f64 - 3.0)).collect();
        assert!(corrections(&rows, None, SLACK, truth(&[])).is_empty());
    }

    #[test]
    fn unknown_hours_are_left_as_they_are() {
        let rows = [row(0, 300.0, 10_300.0), row(4, 1_500.0, 11_500.0)];
        let fixed = corrections(&rows, None, SLACK, truth(&[3]));
        assert_eq!(fixed.iter().map(|row| row.start / H).collect::<Vec<_>>(), [1, 3]);
    }

    #[test]
    fn nothing_beyond_a_reset_or_an_adjustment() {
        // Somebody adjusted the total by 5 000 after hour 1.
        let rows = [row(0, 300.0, 10_300.0), row(1, 5_340.0, 10_340.0), row(2, 340.0, 10_340.0), row(3, 1_200.0, 11_200.0)];
        let fixed = corrections(&rows, None, SLACK, truth(&[]));
        assert_eq!(fixed, [row(2, 900.0, 10_900.0)]);
    }

    #[test]
    fn a_statistic_that_begins_anew_lacks_all_that_was_counted() {
        let old = row(0, 22_333_933.0, 25_000_000.0);
        assert_eq!(forgotten(old, row(300, 10.0, 25_000_010.0)), Some(22_333_933.0));
        assert_eq!(forgotten(old, row(300, 22_333_943.0, 25_000_010.0)), None, "it goes on");
        assert_eq!(forgotten(old, row(300, 10.0, 10.0)), None, "another register");
    }

    #[test]
    fn nothing_before_the_first_row_and_nothing_without_rows() {
        let rows = [row(5, 1_800.0, 11_800.0)];
        assert!(corrections(&rows, None, SLACK, truth(&[])).is_empty());
        assert!(corrections(&[], Some(row(5, 1.0, 2.0)), SLACK, truth(&[])).is_empty());
    }
}
