//! The hours of a meter that does not say them, learnt from its switches: in historic mode, and where a profile proves to be wrong.
//!
//! A day is learnt from when it was watched from midnight to midnight, and hours are believed when two such days agree. Days of the week and
//! week-ends are learnt apart, but where one of them is not known yet, the other is taken for it.

use serde::{Deserialize, Serialize};

use crate::hours::{day::Day, periods::Periods};

/// Between the two frames of a switch no more time may pass than this, in seconds.
const SWITCH_WATCHED_S: i64 = 180;
/// Without a switch so much may be missed: nearly no period is shorter.
const GAP_S: i64 = 2 * 3_600;
/// How far a day was watched is kept this often: each time is a write.
const KEEP_EVERY_S: i64 = 3_600;
/// Two days agree if no switch is further off, in minutes: the clocks of meter and reader differ.
const MARGIN: u16 = 2;
/// No meter has so many switches a day; beyond, something is wrong with it.
const SWITCHES_MAX: usize = 24;

/// What is known of one meter's switches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Learner {
    watched: Option<Watched>,
    /// The last whole day, of the week and of the week-end.
    last: [Option<Periods>; 2],
    /// What two of them agreed on.
    learnt: [Option<Periods>; 2],
}

/// A day as far as it was watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Watched {
    day: Day,
    /// Off-peak or not: at the first frame of the day, and from which minute on.
    first: bool,
    switches: Vec<(u16, bool)>,
    /// Since midnight nothing was missed.
    is_whole: bool,
    /// How far it was watched, roughly.
    until: i64,
}

impl Watched {
    fn is_off_peak(&self) -> bool {
        self.switches.last().map_or(self.first, |(_, is_off_peak)| *is_off_peak)
    }

    fn periods(&self) -> Periods {
        Periods::of([(0, self.first)].into_iter().chain(self.switches.iter().copied()))
    }
}

/// When the last frame was: it is not kept, since it changes with every frame.
#[derive(Debug, Clone, Copy, Default)]
pub struct LastSeen(Option<i64>);

impl Learner {
    /// The meter counts off-peak, or not.
    pub fn handle_tariff(&mut self, last: &mut LastSeen, is_off_peak: bool, now: i64) {
        let before = last.0.replace(now).or(self.watched.as_ref().map(|watched| watched.until));
        let gap = before.map(|before| now - before);
        let Some(watched) = &mut self.watched else {
            self.watched = Some(first_of(Day::of(now).0, is_off_peak, false, now));
            return;
        };
        let has_switched = watched.is_off_peak() != is_off_peak;
        let longest = if has_switched { SWITCH_WATCHED_S } else { GAP_S };
        let is_watched = gap.is_some_and(|gap| (0..=longest).contains(&gap));
        let (today, _) = Day::of(now);
        if watched.day != today {
            self.end_day(today, is_off_peak, is_watched, now);
            return;
        }
        watched.is_whole &= is_watched && watched.switches.len() < SWITCHES_MAX;
        if has_switched {
            watched.switches.truncate(SWITCHES_MAX);
            watched.switches.push((nearest_minute(now), is_off_peak));
        }
        if has_switched || now - watched.until >= KEEP_EVERY_S {
            watched.until = now;
        }
    }

    /// The hours of a day, as far as they are learnt.
    #[must_use]
    pub fn periods(&self, day: Day) -> Option<&Periods> {
        let class = class(day);
        self.learnt[class].as_ref().or(self.learnt[1 - class].as_ref())
    }

    fn end_day(&mut self, today: Day, is_off_peak: bool, is_watched: bool, now: i64) {
        let ended = self.watched.take();
        let goes_on = is_watched && ended.as_ref().is_some_and(|ended| ended.day.next() == today);
        if let Some(ended) = ended.filter(|ended| goes_on && ended.is_whole) {
            self.handle_day(class(ended.day), ended.periods());
        }
        self.watched = Some(first_of(today, is_off_peak, goes_on, now));
    }

    fn handle_day(&mut self, class: usize, periods: Periods) {
        let agrees = |with: &Option<Periods>| with.as_ref().is_some_and(|with| with.is_close_to(&periods, MARGIN));
        if agrees(&self.last[class]) && !agrees(&self.learnt[class]) {
            self.learnt[class] = Some(periods.clone());
        }
        self.last[class] = Some(periods);
    }
}

fn first_of(day: Day, first: bool, is_whole: bool, now: i64) -> Watched {
    Watched { day, first, switches: Vec::new(), is_whole, until: now }
}

/// 0 of the week, 1 of the week-end.
fn class(day: Day) -> usize {
    usize::from(day.weekday() >= 5)
}

/// A switch is seen with the first frame after it, and the clocks differ by seconds.
fn nearest_minute(now: i64) -> u16 {
    let (today, _) = Day::of(now);
    match Day::of(now + 30) {
        (day, minute) if day == today => minute,
        _ => crate::hours::day::DAY_MINUTES,
    }
}

#[cfg(test)]
mod tests {
    use super::{LastSeen, Learner};
    use crate::hours::{day::Day, periods::Periods};

    /// Plays a frame a minute from midnight of a day on, for some days, but not in `missed`.
    fn watch(learner: &mut Learner, last: &mut LastSeen, from: &str, days: u8, hours: &Periods, missed: std::ops::Range<i64>) {
        let mut day = Day::from(from);
        for _ in 0..days {
            for time in (day.at(0)..day.next().at(0)).step_by(60).map(|time| time + 5).filter(|time| !missed.contains(time)) {
                learner.handle_tariff(last, hours.contains(Day::of(time).1), time);
            }
            day = day.next();
        }
    }

    fn text(learner: &Learner, day: &str) -> Option<String> {
        learner.periods(Day::from(day)).map(Periods::text)
    }

    const NEVER: std::ops::Range<i64> = 0..0;

    fn night() -> Periods {
        Periods::of([(0, false), (116, true), (416, false), (716, true), (896, false)])
    }

    #[test]
    fn two_whole_days_that_agree() {
        let (mut learner, mut last) = (Learner::default(), LastSeen::default());
        // Of the first day, a Monday, it is not known that it was seen from midnight.
        watch(&mut learner, &mut last, "2026-11-30", 3, &night(), NEVER);
        assert_eq!(text(&learner, "2026-12-03"), None, "the second whole day has not ended");
        watch(&mut learner, &mut last, "2026-12-03", 1, &night(), NEVER);
        assert_eq!(text(&learner, "2026-12-03").as_deref(), Some("01:56–06:56, 11:56–14:56"));
        assert_eq!(text(&learner, "2026-12-05"), text(&learner, "2026-12-03"), "until a week-end says otherwise");
    }

    #[test]
    fn other_hours_need_two_days_again() {
        let (mut learner, mut last) = (Learner::default(), LastSeen::default());
        watch(&mut learner, &mut last, "2026-11-30", 4, &night(), NEVER);
        watch(&mut learner, &mut last, "2026-12-04", 1, &Periods::of_tempo(), NEVER);
        watch(&mut learner, &mut last, "2026-12-05", 2, &night(), NEVER);
        assert_eq!(text(&learner, "2026-12-07").as_deref(), Some("01:56–06:56, 11:56–14:56"), "one day is not enough");
        watch(&mut learner, &mut last, "2026-12-07", 3, &Periods::of_tempo(), NEVER);
        assert_eq!(text(&learner, "2026-12-10").as_deref(), Some("22:00–06:00"));
    }

    #[test]
    fn week_ends_are_learnt_apart() {
        let (mut learner, mut last) = (Learner::default(), LastSeen::default());
        watch(&mut learner, &mut last, "2026-11-30", 5, &night(), NEVER);
        watch(&mut learner, &mut last, "2026-12-05", 2, &Periods::of([(0, true)]), NEVER);
        watch(&mut learner, &mut last, "2026-12-07", 1, &night(), NEVER);
        let told = ["2026-12-08", "2026-12-12"].map(|day| text(&learner, day).unwrap());
        assert_eq!(told, ["01:56–06:56, 11:56–14:56", "00:00–24:00"]);
    }

    #[test]
    fn a_day_on_which_a_switch_was_missed_teaches_nothing() {
        let (mut learner, mut last) = (Learner::default(), LastSeen::default());
        let missed = Day::from("2026-12-02").at(400)..Day::from("2026-12-02").at(430);
        watch(&mut learner, &mut last, "2026-11-30", 4, &night(), missed);
        assert_eq!(text(&learner, "2026-12-04"), None);
    }

    #[test]
    fn the_night_on_which_the_clock_is_moved_agrees_with_others() {
        let (mut learner, mut last) = (Learner::default(), LastSeen::default());
        watch(&mut learner, &mut last, "2027-03-26", 3, &Periods::of_tempo(), NEVER);
        watch(&mut learner, &mut last, "2027-03-29", 1, &Periods::of_tempo(), NEVER);
        assert_eq!(text(&learner, "2027-03-28").as_deref(), Some("22:00–06:00"));
    }

    #[test]
    fn a_restart_interrupts_nothing() {
        let (mut learner, mut last) = (Learner::default(), LastSeen::default());
        watch(&mut learner, &mut last, "2026-11-30", 2, &night(), NEVER);
        let json = serde_json::to_string(&learner).unwrap();
        let (mut learner, mut last) = (serde_json::from_str::<Learner>(&json).unwrap(), LastSeen::default());
        watch(&mut learner, &mut last, "2026-12-02", 2, &night(), NEVER);
        assert!(text(&learner, "2026-12-03").is_some());
    }
}
