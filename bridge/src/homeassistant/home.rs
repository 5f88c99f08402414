//! What Home Assistant's entities are told: measurements once a minute, all else at once.
//!
//! Each change of an entity is a row in Home Assistant's database: told of every frame, a three-phase meter makes 450 000 of them a day. So
//! measurements are held for a while. Two things may not be held: an index whose meaning has changed, since its number would go on under
//! another entity, and the last number before Home Assistant ends five minutes of its statistics, since the hours must be right.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use teleinfo_proto::tic::Mode;

use crate::meter::{
    derived::{Derived, Measured},
    payload::Object,
    profile_hours::ProfileHours,
    state::{State, is_measurement},
};

/// Measurements are told again this long before their time is over: a frame takes up to three seconds.
const LEAD_MS: i64 = 3_000;
/// Home Assistant's statistics are made of pieces of this length, which begin with the hour.
const PIECE_MS: i64 = 300_000;

/// What was last told of one meter, and when it is told again.
#[derive(Debug)]
pub struct Home {
    pace_ms: i64,
    held: Option<Held>,
    /// What was told beside the measurements.
    told: Option<Rest>,
}

/// Measurements as they were last told.
#[derive(Debug)]
struct Held {
    /// Nothing but the measurements.
    state: State,
    derived: Measured,
    slot: i64,
    key: u64,
    count: usize,
}

/// All but the measurements.
#[derive(Debug)]
struct Rest {
    /// The revision of the state that it was told of, and what tells what the state said from all else.
    revision: u64,
    labels: u64,
    /// What tells what was derived from all else.
    derived: u64,
}

impl Home {
    /// Nothing told yet. Measurements are told this often; zero: with each frame.
    #[must_use]
    pub fn new(pace: Duration) -> Self {
        Self { pace_ms: i64::try_from(pace.as_millis()).unwrap_or(i64::MAX), held: None, told: None }
    }

    /// A frame has come, at a time in ms since 1970; `meanings` are those of its indexes, each with its beginning. Returns whether something is to be told.
    pub fn handle_frame<'a>(
        &mut self,
        state: &State,
        derived: &Derived,
        meanings: impl Iterator<Item = (&'a str, i64)>,
        unix_ms: i64,
    ) -> bool {
        let (slot, key, count) = (self.slot(unix_ms), key(state, derived, meanings), count(state, derived));
        let is_held = self.held.as_ref().is_some_and(|held| (held.slot, held.key, held.count) == (slot, key, count));
        let refreshes = !is_held || self.pace_ms == 0 || ends_a_piece(unix_ms);
        if refreshes {
            self.held = Some(Held { state: state.measurements(), derived: derived.measured(), slot, key, count });
        }
        self.is_news(state, derived) || refreshes
    }

    /// Time has passed and has changed what is derived, such as the time of the last frame once frames have stopped. Returns whether
    /// something is to be told.
    pub fn handle_timeout(&mut self, state: &State, derived: &Derived) -> bool {
        let Some(held) = &mut self.held else { return false };
        let count = count(state, derived);
        let refreshes = held.count != count;
        if refreshes {
            (held.state, held.derived, held.count) = (state.measurements(), derived.measured(), count);
        }
        self.is_news(state, derived) || refreshes
    }

    /// Whether anything beside the measurements differs from what was told; if so, it counts as told.
    fn is_news(&mut self, state: &State, derived: &Derived) -> bool {
        let told = self.told.as_ref();
        let labels = told.filter(|told| told.revision == state.revision()).map_or_else(|| rest_of(state), |told| told.labels);
        let derived = self.held.as_ref().map_or_else(|| derived.digest(), |held| derived.digest_holding(&held.derived));
        let is_news = told.is_none_or(|told| (told.labels, told.derived) != (labels, derived));
        self.told = Some(Rest { revision: state.revision(), labels, derived });
        is_news
    }

    /// As JSON: labels as in the merged state, and `derived`.
    #[must_use]
    pub fn told(&self, state: &State, derived: &Derived, hours: ProfileHours) -> Vec<u8> {
        let mut object = Object::new(2 * state.len());
        for now in state.datasets() {
            let held = self.held.as_ref().filter(|_| is_measurement(&now)).and_then(|held| held.state.get(now.label()));
            object.item(&held.unwrap_or(now), hours);
        }
        object.entry("derived", &self.derived(derived));
        object.finish()
    }

    fn slot(&self, unix_ms: i64) -> i64 {
        unix_ms.saturating_add(LEAD_MS).div_euclid(self.pace_ms.max(1))
    }

    fn derived(&self, now: &Derived) -> Derived {
        self.held.as_ref().map_or_else(|| now.clone(), |held| now.holding(&held.derived))
    }
}

/// Whether Home Assistant is about to end a piece of its statistics.
const fn ends_a_piece(unix_ms: i64) -> bool {
    unix_ms.rem_euclid(PIECE_MS) >= PIECE_MS - LEAD_MS
}

/// What the indexes count for: when it changes, none of them may be held.
fn key<'a>(state: &State, derived: &Derived, meanings: impl Iterator<Item = (&'a str, i64)>) -> u64 {
    let mut hash = DefaultHasher::new();
    (state.mode() == Mode::Standard, &derived.contract, &derived.tariff, derived.tempo_today).hash(&mut hash);
    meanings.for_each(|meaning| meaning.hash(&mut hash));
    hash.finish()
}

/// How many measurements there are: one that appears is told at once, and so is it when one is gone.
fn count(state: &State, derived: &Derived) -> usize {
    state.measurement_count() + derived.measurements()
}

fn rest_of(state: &State) -> u64 {
    let mut hash = DefaultHasher::new();
    for dataset in state.statements() {
        (dataset.label(), dataset.timestamp(), dataset.data()).hash(&mut hash);
    }
    hash.finish()
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::Dataset;

    use super::*;
    use crate::meter::state::Part;

    const MINUTE: i64 = 60_000;

    struct Bench {
        home: Home,
        state: State,
        derived: Derived,
        since: i64,
    }

    impl Bench {
        fn new(pace: u64) -> Self {
            let home = Home::new(Duration::from_secs(pace));
            Self { home, state: State::new(Mode::Historic), derived: Derived::default(), since: 0 }
        }

        /// A frame; returns the power, the index and the tariff that are told, if anything is.
        fn frame(&mut self, unix_ms: i64, power: &str, index: &str, tariff: &str) -> Option<(u64, u64, String)> {
            let lines = [("BASE", index), ("PAPP", power), ("PTEC", tariff)];
            let datasets: Vec<_> = lines.iter().map(|(label, data)| Dataset::new(Mode::Historic, label, None, data).unwrap()).collect();
            self.state.take(Part::Whole, &datasets);
            let tells = self.home.handle_frame(&self.state, &self.derived, [("BASE", self.since)].into_iter(), unix_ms);
            tells.then(|| {
                let told =
                    serde_json::from_slice::<serde_json::Value>(&self.home.told(&self.state, &self.derived, ProfileHours::default()))
                        .unwrap();
                let number = |label: &str| told[label]["value"].as_u64().unwrap();
                (number("PAPP"), number("BASE"), told["PTEC"]["value"].as_str().unwrap().to_owned())
            })
        }
    }

    fn told(power: u64, index: u64, tariff: &str) -> Option<(u64, u64, String)> {
        Some((power, index, tariff.to_owned()))
    }

    #[test]
    fn measurements_are_told_once_a_minute_and_all_else_at_once() {
        let mut bench = Bench::new(60);
        assert_eq!(bench.frame(0, "00100", "000000001", "TH.."), told(100, 1, "TH"));
        assert_eq!(bench.frame(2_000, "00200", "000000002", "TH.."), None);
        assert_eq!(bench.frame(4_000, "00300", "000000003", "HC.."), told(100, 1, "HC"), "what is measured is held");
        assert_eq!(bench.frame(MINUTE - 2_000, "00400", "000000004", "HC.."), told(400, 4, "HC"));
        assert_eq!(bench.frame(MINUTE, "00500", "000000005", "HC.."), None);
    }

    #[test]
    fn the_last_numbers_of_five_minutes_are_told_whatever_comes() {
        let mut bench = Bench::new(60);
        bench.frame(0, "00100", "000000001", "TH..");
        assert_eq!(bench.frame(5 * MINUTE - 2_900, "00100", "000000002", "TH.."), told(100, 2, "TH"));
        assert_eq!(bench.frame(5 * MINUTE - 1_400, "00100", "000000003", "TH.."), told(100, 3, "TH"));
        assert_eq!(bench.frame(5 * MINUTE, "00100", "000000004", "TH.."), None);
    }

    #[test]
    fn no_number_is_held_once_its_meaning_has_changed() {
        let mut bench = Bench::new(60);
        bench.frame(0, "00100", "000000001", "TH..");
        bench.since = 1_700_000_000;
        assert_eq!(bench.frame(2_000, "00100", "020000000", "TH.."), told(100, 20_000_000, "TH"));
        bench.derived.contract = Some("hc".into());
        assert_eq!(bench.frame(4_000, "00100", "000000007", "TH.."), told(100, 7, "TH"));
        bench.derived.energy_total = Some(7);
        assert_eq!(bench.frame(6_000, "00100", "000000008", "TH.."), told(100, 8, "TH"), "a measurement that appears");
        bench.derived.overload = Some(true);
        assert_eq!(bench.frame(8_000, "00100", "000000009", "TH.."), told(100, 8, "TH"), "an alarm");
    }

    #[test]
    fn what_time_alone_changes_is_told_once() {
        let mut bench = Bench::new(60);
        assert!(!bench.home.handle_timeout(&bench.state, &bench.derived), "before the first frame");
        bench.derived.power = Some(100);
        bench.frame(0, "00100", "000000001", "TH..");
        assert!(!bench.home.handle_timeout(&bench.state, &bench.derived));
        bench.derived.last_frame = Some("2026-11-28T12:00:00Z".into());
        bench.derived.power = None;
        assert!(bench.home.handle_timeout(&bench.state, &bench.derived));
        let told =
            serde_json::from_slice::<serde_json::Value>(&bench.home.told(&bench.state, &bench.derived, ProfileHours::default())).unwrap();
        assert_eq!((&told["derived"]["last_frame"], &told["derived"]["power"]), (&"2026-11-28T12:00:00Z".into(), &serde_json::Value::Null));
        assert!(!bench.home.handle_timeout(&bench.state, &bench.derived));
    }

    #[test]
    fn without_a_pace_each_frame_is_told() {
        let mut bench = Bench::new(0);
        for frame in 0..5 {
            assert_eq!(bench.frame(frame, "00100", "000000001", "TH.."), told(100, 1, "TH"));
        }
    }
}
