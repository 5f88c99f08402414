//! The Tempo days of a season, counted from what the meter said.
//!
//! A Tempo day runs from 06:00 to 06:00, a season from 1 September to 31 August (arrêté of 30 October 2014; the method of RTE). A day that
//! nobody saw has no colour here: from then on, and where the season began before us, the counts are partial.

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::Colour;

use crate::hours::day::Day;

/// White and red days of a season (arrêté of 30 October 2014). The others are blue: 300 of them, and 301 in a leap year.
const WHITE: u16 = 43;
/// See [`WHITE`].
const RED: u16 = 22;
/// A Tempo day begins at 06:00.
const BEGINS: u16 = 6 * 60;
/// Around 06:00 the meter may still count the colour of the day before.
const MARGIN: u16 = 3;

/// What was seen of a season. It outlives the process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Season {
    /// The first day that was seen.
    since: Option<Day>,
    /// The last day that was seen, and the place of its colour.
    last: Option<(Day, usize)>,
    /// The days before it, by colour.
    ended: [u16; 3],
    /// A day since the first was not seen.
    has_missed: bool,
}

/// The counts, with the day that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Counts {
    /// Blue days so far.
    pub blue_used: Option<u16>,
    /// White days so far.
    pub white_used: Option<u16>,
    /// Red days so far.
    pub red_used: Option<u16>,
    /// Blue days that are left.
    pub blue_left: Option<u16>,
    /// White days that are left.
    pub white_left: Option<u16>,
    /// Red days that are left.
    pub red_left: Option<u16>,
    /// Some days of the season were not seen: fewer may be left.
    pub partial: Option<bool>,
    /// The first day that was seen.
    pub since: Option<String>,
}

impl Season {
    /// The meter counts under this colour.
    pub fn handle_colour(&mut self, colour: Colour, now: i64) {
        let (today, minute) = Day::of(now);
        if minute.abs_diff(BEGINS) <= MARGIN {
            return;
        }
        let day = if minute < BEGINS { today.previous() } else { today };
        match self.last {
            Some((last, _)) if last > day => return,
            Some((last, _)) if last.season() != day.season() => self.begin(day, last),
            Some((last, ended)) if last != day => {
                self.ended[ended] += 1;
                self.has_missed |= last.next() != day;
            }
            Some(_) => {}
            None => self.since = Some(day),
        }
        self.last = Some((day, colour as usize));
    }

    /// Another season: nothing of it was missed if yesterday was seen, or it begins today.
    fn begin(&mut self, day: Day, last: Day) {
        let is_next = last.next() == day;
        *self = Self { since: Some(day), has_missed: !is_next && day != Day::first_of_season(day.season()), ..Self::default() };
    }

    /// How many days were counted, and how many are left.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let (Some(since), Some((last, colour))) = (self.since, self.last) else { return Counts::default() };
        let mut used = self.ended;
        used[colour] += 1;
        let first = Day::first_of_season(last.season());
        let days = Day::first_of_season(last.season() + 1).number() - first.number();
        let blue = u16::try_from(days).unwrap_or_default() - WHITE - RED;
        let left = [blue, WHITE, RED].into_iter().zip(used).map(|(all, used)| Some(all.saturating_sub(used))).collect::<Vec<_>>();
        Counts {
            blue_used: Some(used[0]),
            white_used: Some(used[1]),
            red_used: Some(used[2]),
            blue_left: left[0],
            white_left: left[1],
            red_left: left[2],
            partial: Some(self.has_missed || since != first),
            since: Some(since.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::Colour::{self, Blue, Red, White};

    use super::Season;
    use crate::hours::day::Day;

    fn see(season: &mut Season, from: &str, colours: &[Colour]) {
        let mut day = Day::from(from);
        for colour in colours {
            [400, 800, 1_400].into_iter().for_each(|minute| season.handle_colour(*colour, day.at(minute)));
            day = day.next();
            // Until 06:00 it is still the day before.
            season.handle_colour(*colour, day.at(300));
        }
    }

    /// Used, left, and whether that is partial.
    fn counts(season: &Season) -> ([u16; 3], [u16; 3], bool) {
        let counts = season.counts();
        let all = |counts: [Option<u16>; 3]| counts.map(Option::unwrap);
        (
            all([counts.blue_used, counts.white_used, counts.red_used]),
            all([counts.blue_left, counts.white_left, counts.red_left]),
            counts.partial.unwrap(),
        )
    }

    #[test]
    fn a_whole_season() {
        let mut season = Season::default();
        see(&mut season, "2026-09-01", &[Blue, Blue, White]);
        assert_eq!(counts(&season), ([2, 1, 0], [298, 42, 22], false));
        see(&mut season, "2026-09-04", &[vec![Red; 22], vec![Blue; 340]].concat());
        assert_eq!(season.counts().red_left, Some(0));
        see(&mut season, "2027-09-01", &[Blue]);
        assert_eq!(counts(&season), ([1, 0, 0], [300, 43, 22], false), "that season has a 29 February");
    }

    #[test]
    fn a_season_that_began_before_us_is_partial_until_the_next() {
        let mut season = Season::default();
        see(&mut season, "2027-08-30", &[White, Blue]);
        assert_eq!((counts(&season), season.counts().since.unwrap().as_str()), (([1, 1, 0], [299, 42, 22], true), "2027-08-30"));
        see(&mut season, "2027-09-01", &[Blue]);
        assert!(!counts(&season).2);
    }

    #[test]
    fn a_day_that_nobody_saw_makes_it_partial() {
        let mut season = Season::default();
        see(&mut season, "2026-09-01", &[Blue]);
        let json = serde_json::to_string(&season).unwrap();
        let mut season: Season = serde_json::from_str(&json).unwrap();
        see(&mut season, "2026-09-03", &[Blue]);
        assert_eq!(counts(&season), ([2, 0, 0], [298, 43, 22], true));
        let mut late = Season::default();
        see(&mut late, "2026-08-30", &[Blue]);
        see(&mut late, "2026-09-02", &[Blue]);
        assert!(counts(&late).2);
    }

    #[test]
    fn at_six_the_colour_of_either_day_may_stand_there() {
        let mut season = Season::default();
        see(&mut season, "2026-12-01", &[Red]);
        season.handle_colour(Red, Day::from("2026-12-02").at(360));
        season.handle_colour(White, Day::from("2026-12-02").at(364));
        assert_eq!(counts(&season).0, [0, 1, 1]);
    }

    #[test]
    fn nothing_is_known_at_first() {
        assert_eq!(Season::default().counts(), super::Counts::default());
    }
}
