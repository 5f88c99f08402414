//! That off-peak hours have moved: told once for a change, with what they were and what they are.
//!
//! Days of the week are held against the same day of the week before, so that a week-end that differs is no change. A change of hours reaches
//! one day of the week after the other, but is told with the first of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::hours::{day::Day, periods::Periods};

/// As many changes as days of a week may have at once.
const CHANGES_MAX: usize = 7;
/// Hours that were learnt on other days differ by so many minutes without having moved.
const MARGIN: u16 = 2;

/// The hours as they were last told. It outlives the process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Week {
    hours: BTreeMap<u8, Periods>,
    /// What was told of: from these hours to those.
    changes: BTreeMap<String, String>,
}

/// Hours that have moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What they were, as [`Periods::text`].
    pub from: String,
    /// What they are.
    pub to: String,
    /// The first day on which they were seen to be so.
    pub day: Day,
}

impl Week {
    /// What has changed with these days, and was not told.
    #[must_use]
    pub fn change(&self, days: &[(Day, Periods)]) -> Option<Change> {
        days.iter()
            .filter_map(|(day, periods)| self.change_of(*day, periods))
            .find(|change| self.changes.get(&change.from) != Some(&change.to))
    }

    fn change_of(&self, day: Day, periods: &Periods) -> Option<Change> {
        let before = self.hours.get(&day.weekday()).filter(|before| !before.is_close_to(periods, MARGIN))?;
        Some(Change { from: before.text(), to: periods.text(), day })
    }

    /// These days are told. `self` changes only where something differs.
    pub fn handle_told(&mut self, days: &[(Day, Periods)]) {
        for (day, periods) in days {
            if let Some(change) = self.change_of(*day, periods) {
                self.take(change);
            }
            if self.hours.get(&day.weekday()).is_none_or(|before| !before.is_close_to(periods, MARGIN)) {
                self.hours.insert(day.weekday(), periods.clone());
            }
        }
    }

    /// Once hours have moved back, the same change is news again.
    fn take(&mut self, change: Change) {
        self.changes.remove(&change.to);
        if self.changes.len() >= CHANGES_MAX {
            self.changes.clear();
        }
        self.changes.insert(change.from, change.to);
    }
}

#[cfg(test)]
mod tests {
    use super::Week;
    use crate::hours::{day::Day, periods::Periods};

    fn old() -> Periods {
        Periods::of([(0, true), (414, false), (1_374, true)])
    }

    fn new() -> Periods {
        Periods::of([(0, true), (300, false), (720, true), (900, false), (1_380, true)])
    }

    /// Tells day after day, and what changed with each.
    fn tell(week: &mut Week, from: &str, days: &[Periods]) -> Vec<String> {
        let mut day = Day::from(from);
        let mut told = Vec::new();
        for periods in days {
            let days = [(day, periods.clone())];
            told.extend(week.change(&days).map(|change| format!("{} {} -> {}", change.day, change.from, change.to)));
            week.handle_told(&days);
            assert_eq!(week.change(&days), None);
            day = day.next();
        }
        told
    }

    #[test]
    fn a_change_is_told_once_though_it_comes_to_each_day_of_the_week() {
        let mut week = Week::default();
        assert_eq!(tell(&mut week, "2026-11-30", &vec![old(); 7]), Vec::<String>::new(), "the first hours are no change");
        let told = tell(&mut week, "2026-12-07", &vec![new(); 21]);
        assert_eq!(told, ["2026-12-07 22:54–06:54 -> 12:00–15:00, 23:00–05:00"]);
        assert_eq!(tell(&mut week, "2026-12-28", &vec![old(); 9]).len(), 1, "and back");
        assert_eq!(tell(&mut week, "2027-01-06", &vec![new(); 9]).len(), 1, "and there again");
    }

    #[test]
    fn a_week_end_of_its_own_is_no_change() {
        let mut week = Week::default();
        let all = || [vec![old(); 5], vec![Periods::of([(0, true)]); 2]].concat();
        assert_eq!(tell(&mut week, "2026-11-30", &[all(), all(), all()].concat()), Vec::<String>::new());
        let summer = [vec![new(); 5], vec![Periods::of([(0, true)]); 2]].concat();
        assert_eq!(tell(&mut week, "2026-12-21", &[summer.clone(), summer].concat()).len(), 1);
    }

    #[test]
    fn it_is_kept_over_a_restart() {
        let mut week = Week::default();
        tell(&mut week, "2026-11-30", &vec![old(); 7]);
        let mut week: Week = serde_json::from_str(&serde_json::to_string(&week).unwrap()).unwrap();
        assert_eq!(tell(&mut week, "2026-12-07", &vec![new(); 2]).len(), 1);
        let mut week: Week = serde_json::from_str(&serde_json::to_string(&week).unwrap()).unwrap();
        assert_eq!(tell(&mut week, "2026-12-08", &vec![new(); 2]).len(), 0);
    }

    #[test]
    fn a_clock_that_is_off_by_a_minute_moves_nothing() {
        let mut week = Week::default();
        tell(&mut week, "2026-11-30", &vec![old(); 7]);
        let near = Periods::of([(0, true), (415, false), (1_373, true)]);
        assert_eq!(tell(&mut week, "2026-12-07", &vec![near; 7]), Vec::<String>::new());
    }
}
