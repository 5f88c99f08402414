//! The price now and to the end of tomorrow, as far as it is known. Where knowledge ends the list ends: nothing is guessed.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use teleinfo_proto::tic::Colour;

use crate::{
    hours::{day::Day, switchings::Switchings},
    prices::{
        book::{Book, PriceList},
        money::Price,
        tariffs::{Counting, INDEXES, Tariff},
    },
    words::utc,
};

/// A Tempo day begins at 06:00 (arrêté of 30 October 2014).
const TEMPO_BEGINS: u16 = 6 * 60;
/// The mobile peak of EJP lasts from 07:00 to 01:00 (arrêté of 30 October 2014).
const EJP_BEGINS: u16 = 7 * 60;
const EJP_ENDS: u16 = 60;
/// The supplier indexes of EJP, normal and peak.
const EJP_INDEXES: [u8; 2] = [1, 2];

/// What makes a day another one than its profile says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exception {
    /// None: each day is as its profile says.
    None,
    /// The colour of the Tempo day that runs, and of the next one if it is announced.
    Tempo(Colour, Option<Colour>),
    /// A mobile peak of EJP runs, and one is announced.
    Ejp {
        /// It runs.
        runs: bool,
        /// It is announced for this morning.
        is_announced: bool,
    },
    /// Peaks from when to when, and the indexes of such a day; a day that is not announced yet may still become one.
    Peaks(Vec<(i64, i64)>, Option<Switchings>),
}

/// What is known of the tariffs to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// The index that counts now.
    pub index: u8,
    /// The indexes of today and of tomorrow.
    pub days: [Option<(Day, Switchings)>; 2],
    /// What may differ from that.
    pub exception: Exception,
}

/// A price from when to when, in s since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Slot {
    /// From then on.
    pub start: i64,
    /// Until then.
    pub end: i64,
    /// Of a kWh.
    pub price: Price,
}

/// What is told of prices: the JSON `price` of the derived values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Told {
    /// Of a kWh, now.
    pub now: Option<Price>,
    /// The next other one.
    pub next: Option<Price>,
    /// When that begins, as RFC 3339.
    pub next_time: Option<String>,
    /// From when on which price holds, as RFC 3339: the form that EMHASS takes.
    pub forecast: BTreeMap<String, Price>,
    /// Until when that is known.
    pub forecast_end: Option<String>,
    /// The tariffs of this meter that have no price, as a list would name them.
    pub missing: Vec<String>,
    /// The date of the list that holds.
    #[serde(skip)]
    pub list: Option<Day>,
    /// The prices to come, one by one.
    #[serde(skip)]
    pub slots: Vec<Slot>,
}

/// A slot as evcc takes it.
#[derive(Debug, Serialize)]
struct Rate {
    start: String,
    end: String,
    value: Price,
}

impl Told {
    /// What is told of these slots, at a price of now.
    #[must_use]
    pub fn new(now: Option<Price>, slots: Vec<Slot>) -> Self {
        let next = slots.iter().find(|slot| now.is_some_and(|now| slot.price != now));
        Self {
            now,
            next: next.map(|slot| slot.price),
            next_time: next.map(|slot| utc::rfc3339(slot.start)),
            forecast: slots.iter().map(|slot| (utc::rfc3339(slot.start), slot.price)).collect(),
            forecast_end: slots.last().map(|slot| utc::rfc3339(slot.end)),
            missing: Vec::new(),
            list: None,
            slots,
        }
    }

    /// A list of `start`, `end` and `value`, as evcc takes it.
    #[must_use]
    pub fn rates(&self) -> impl Serialize {
        let rate = |slot: &Slot| Rate { start: utc::rfc3339(slot.start), end: utc::rfc3339(slot.end), value: slot.price };
        self.slots.iter().map(rate).collect::<Vec<_>>()
    }
}

/// The prices from the last switch before now on, to the end of tomorrow or to where knowledge ends. `names` tells what an index is called.
#[must_use]
pub fn slots<'a>(known: &Known, book: &Book, names: impl Fn(u8) -> Option<&'a str>, now: i64) -> Vec<Slot> {
    // A meter that counts under another index than its hours say has other hours.
    if known.index_at(now, now) != Some(known.index) {
        return Vec::new();
    }
    let price = |time| {
        let (index, list) = (known.index_at(time, now)?, book.at(time)?);
        let price = list.price(Counting { index, name: names(index) }).map(|(_, price)| price);
        price.or_else(|| known.only_price_left(index, list, &names))
    };
    let edges: Vec<i64> = known.edges().into_iter().collect();
    let first = edges.iter().rposition(|edge| *edge <= now).unwrap_or(0);
    let mut slots: Vec<Slot> = Vec::new();
    for (start, end) in edges[first..].iter().copied().zip(edges.iter().copied().skip(first + 1)) {
        let Some(price) = price(start) else { break };
        match slots.last_mut().filter(|last| last.price == price && Day::of(start).1 != 0) {
            Some(last) => last.end = end,
            None => slots.push(Slot { start, end, price }),
        }
    }
    slots
}

impl Exception {
    /// Every time of a day at which it may make another index count.
    fn edges(&self, day: Day) -> Vec<i64> {
        match self {
            Self::None => Vec::new(),
            Self::Tempo(..) => vec![day.at(TEMPO_BEGINS)],
            Self::Ejp { .. } => [EJP_ENDS, EJP_BEGINS].map(|minute| day.at(minute)).into(),
            Self::Peaks(dates, switchings) => {
                let is_peak = |time: &i64| dates.iter().any(|(start, end)| (*start..*end).contains(time));
                let switches = switchings.iter().flat_map(|switchings| switchings.on(day)).map(|(start, _)| start).filter(is_peak);
                dates.iter().flat_map(|(start, end)| [*start, *end]).filter(|edge| Day::of(*edge).0 == day).chain(switches).collect()
            }
        }
    }
}

impl Known {
    /// Every time at which the index, the price or the day may become another one, and the end of the last day.
    fn edges(&self) -> BTreeSet<i64> {
        let mut edges = BTreeSet::new();
        for (day, switchings) in self.days.iter().flatten() {
            edges.extend(switchings.on(*day).map(|(start, _)| start));
            edges.insert(day.next().at(0));
            edges.extend(self.exception.edges(*day));
        }
        edges
    }

    /// The price of an index that has never counted, so that the meter has not said its name yet: of all indexes of its days it is the only one without a name, and
    /// of all tariffs of the list one is left that no other index has. BASE is not: it would be the only tariff.
    fn only_price_left<'a>(&self, index: u8, list: &PriceList, names: impl Fn(u8) -> Option<&'a str>) -> Option<Price> {
        let days = self.days.iter().flatten().flat_map(|(day, switchings)| switchings.on(*day)).map(|(_, index)| index);
        let nameless: BTreeSet<u8> = days.filter(|index| names(*index).is_none()).collect();
        let taken: BTreeSet<Tariff> = INDEXES.filter_map(&names).filter_map(Tariff::named).collect();
        let is_left = |tariff: &Tariff| *tariff != Tariff::BASE && !tariff.is_index() && !taken.contains(tariff);
        let mut left = list.kwh.iter().filter(|(tariff, _)| is_left(tariff)).map(|(_, price)| *price);
        let (price, others) = (left.next()?, left.next());
        (nameless == BTreeSet::from([index]) && others.is_none() && !taken.is_empty()).then_some(price)
    }

    /// The index that counts at a time of today or tomorrow, if that is known now.
    fn index_at(&self, time: i64, now: i64) -> Option<u8> {
        let (day, minute) = Day::of(time);
        let (_, switchings) = self.days.iter().flatten().find(|(known, _)| *known == day)?;
        let index = switchings.at(minute);
        match &self.exception {
            Exception::None => Some(index),
            Exception::Tempo(today, next) => {
                let colour = if time < next_at(TEMPO_BEGINS, now) { Some(*today) } else { *next };
                // Nobody knows the colour after the next one: of two days it begins after the end of tomorrow, or before it in the night.
                let colour = colour.filter(|_| time < next_at(TEMPO_BEGINS, next_at(TEMPO_BEGINS, now)));
                colour.map(|colour| 2 * colour as u8 + if index % 2 == 1 { 1 } else { 2 })
            }
            Exception::Ejp { runs, is_announced } => ejp_at(*runs, *is_announced, time, now),
            Exception::Peaks(dates, of_peak) => {
                if dates.iter().any(|(start, end)| (*start..*end).contains(&time)) {
                    return of_peak.as_ref().map(|switchings| switchings.at(minute));
                }
                // A day after today is only known once it is announced.
                (day == Day::of(now).0).then_some(index)
            }
        }
    }
}

/// When this minute of the clock comes next after a time.
fn next_at(minute: u16, time: i64) -> i64 {
    let today = Day::of(time).0;
    [today.at(minute), today.next().at(minute)].into_iter().find(|at| *at > time).unwrap_or(time)
}

/// Whether the index of EJP at a time is known now. A peak can begin on each morning from November to March, and is announced half an hour
/// before.
fn ejp_at(runs: bool, is_announced: bool, time: i64, now: i64) -> Option<u8> {
    let [normal, peak] = EJP_INDEXES;
    let next_morning = next_at(EJP_BEGINS, now);
    let (begins, ends) = match (runs, is_announced) {
        (true, _) => (i64::MIN, next_at(EJP_ENDS, now)),
        (false, true) => (next_morning, next_at(EJP_ENDS, next_morning)),
        (false, false) => (now, now),
    };
    if (begins..ends).contains(&time) {
        return Some(peak);
    }
    (time < next_at(EJP_BEGINS, ends) || !Day::of(time).0.is_winter()).then_some(normal)
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::Colour::{Blue, Red, White};

    use super::{Exception, Known, Told, slots};
    use crate::{
        hours::{day::Day, periods::Periods, switchings::Switchings},
        prices::{
            book::{Book, PriceList},
            money::Price,
            tariffs::Tariff,
        },
        words::utc::rfc3339,
    };

    const DAY: &str = "2026-12-01";

    fn book() -> Book {
        let kwh = (1..=6).map(|index| (Tariff::of_index(index).unwrap(), Price::micro_euros(i64::from(index)))).collect();
        Book::new(vec![PriceList { from: Day::from("2026-08-01"), subscription: None, kwh }])
    }

    fn night() -> Switchings {
        Switchings::of_periods(&Periods::of_tempo(), 1, 2)
    }

    fn days(day: &str, switchings: Switchings) -> [Option<(Day, Switchings)>; 2] {
        let day = Day::from(day);
        [Some((day, switchings.clone())), Some((day.next(), switchings))]
    }

    /// The start of each slot on the clock of these two days, its price, and the end of the last.
    fn told(day: &str, minute: u16, known: &Known) -> String {
        let slots = slots(known, &book(), |_| None, Day::from(day).at(minute));
        let clock = |time: i64| {
            let (at, minute) = Day::of(time);
            let after = at.number() - Day::from(day).number();
            format!("{after}d{:02}:{:02}", minute / 60, minute % 60)
        };
        let told =
            slots.iter().map(|slot| format!("{} {}", clock(slot.start), serde_json::to_value(slot.price).unwrap().as_f64().unwrap() * 1e6));
        told.chain(slots.last().map(|slot| clock(slot.end))).collect::<Vec<_>>().join(" ")
    }

    fn known(index: u8, exception: Exception) -> Known {
        Known { index, days: days(DAY, night()), exception }
    }

    #[test]
    fn off_peak_hours_to_the_end_of_tomorrow() {
        let all = "0d06:00 2 0d22:00 1 1d00:00 1 1d06:00 2 1d22:00 1 2d00:00";
        assert_eq!(told(DAY, 600, &known(2, Exception::None)), all);
        assert_eq!(told(DAY, 1_350, &known(1, Exception::None)), all.trim_start_matches("0d06:00 2 "));
        assert_eq!(told(DAY, 600, &known(1, Exception::None)), "", "its hours are others");
        let only_today = Known { days: [days(DAY, night())[0].clone(), None], ..known(2, Exception::None) };
        assert_eq!(told(DAY, 600, &only_today), "0d06:00 2 0d22:00 1 1d00:00");
    }

    #[test]
    fn a_tempo_colour_that_is_not_announced_ends_it_at_six() {
        let of = |minute, index, today, next| told(DAY, minute, &known(index, Exception::Tempo(today, next)));
        assert_eq!(of(600, 2, Blue, None), "0d06:00 2 0d22:00 1 1d00:00 1 1d06:00");
        assert_eq!(of(1_300, 4, White, Some(Red)), "0d06:00 4 0d22:00 3 1d00:00 3 1d06:00 6 1d22:00 5 2d00:00");
        assert_eq!(of(300, 1, Blue, Some(Red)), "0d00:00 1 0d06:00 6 0d22:00 5 1d00:00 5 1d06:00", "in the night the next day is this one");
        assert_eq!(of(300, 1, Blue, None), "0d00:00 1 0d06:00");
    }

    #[test]
    fn a_morning_that_may_become_a_peak_of_ejp_ends_it() {
        let of = |day: &str, minute, index, runs, is_announced| {
            let exception = Exception::Ejp { runs, is_announced };
            told(day, minute, &Known { index, days: days(day, Switchings::always(1)), exception })
        };
        assert_eq!(of(DAY, 300, 1, false, false), "0d01:00 1 0d07:00");
        assert_eq!(of(DAY, 400, 1, false, true), "0d01:00 1 0d07:00 2 1d00:00 2 1d01:00 1 1d07:00");
        assert_eq!(of(DAY, 600, 2, true, false), "0d07:00 2 1d00:00 2 1d01:00 1 1d07:00");
        assert_eq!(of(DAY, 600, 1, false, false), "0d07:00 1 1d00:00 1 1d07:00");
        assert_eq!(of("2027-06-01", 600, 1, false, false), "0d07:00 1 1d00:00 1 2d00:00");
    }

    #[test]
    fn a_peak_has_its_own_indexes_and_a_day_that_may_become_one_is_not_known() {
        let (today, tomorrow) = (Day::from(DAY), Day::from(DAY).next());
        let of_peak = Switchings::of_periods(&Periods::of([(0, true), (480, false)]), 3, 4);
        let peaks = |dates: &[(Day, Day)], index| {
            let dates = dates.iter().map(|(from, to)| (from.at(0), to.at(0))).collect();
            told(DAY, 600, &known(index, Exception::Peaks(dates, Some(of_peak.clone()))))
        };
        assert_eq!(peaks(&[], 2), "0d06:00 2 0d22:00 1 1d00:00");
        assert_eq!(peaks(&[(tomorrow, tomorrow.next())], 2), "0d06:00 2 0d22:00 1 1d00:00 3 1d08:00 4 2d00:00");
        assert_eq!(peaks(&[(today, tomorrow)], 4), "0d08:00 4 1d00:00");
    }

    #[test]
    fn new_prices_break_it_at_midnight_and_days_of_another_length_keep_their_hours() {
        let kwh = |micro| [(Tariff::of_index(1).unwrap(), Price::micro_euros(micro))].into_iter().collect();
        let lists = [("2026-08-01", 3), ("2026-12-02", 4)];
        let lists = lists.map(|(from, micro)| PriceList { from: Day::from(from), subscription: None, kwh: kwh(micro) });
        let known = Known { index: 1, days: days(DAY, Switchings::always(1)), exception: Exception::None };
        let slots = slots(&known, &Book::new(lists.into()), |_| None, Day::from(DAY).at(600));
        let told = Told::new(Some(slots[0].price), slots.clone());
        assert_eq!((told.next, told.next_time.as_deref()), (Some(Price::micro_euros(4)), Some("2026-12-01T23:00:00Z")));
        assert_eq!(told.forecast_end.as_deref(), Some("2026-12-02T23:00:00Z"));
        let spring = Known { index: 2, days: days("2027-03-27", night()), exception: Exception::None };
        let slots = super::slots(&spring, &book(), |_| None, Day::from("2027-03-27").at(600));
        let starts: Vec<String> = slots.iter().map(|slot| rfc3339(slot.start)).collect();
        assert_eq!(starts[1..], ["2027-03-27T21:00:00Z", "2027-03-27T23:00:00Z", "2027-03-28T04:00:00Z", "2027-03-28T20:00:00Z"]);
    }

    #[test]
    fn a_tariff_that_never_counted_is_the_one_that_is_left() {
        let list = |tariffs: &[&str]| {
            let kwh = (1..).zip(tariffs).map(|(micro, name)| (Tariff::named(name).unwrap(), Price::micro_euros(micro))).collect();
            Book::new(vec![PriceList { from: Day::from("2026-08-01"), subscription: None, kwh }])
        };
        // The meter counts in index 2, and has said what that is.
        let says = |index: u8| (index == 2).then_some("HP");
        let of = |tariffs: &[&str], names: fn(u8) -> Option<&'static str>| {
            slots(&known(2, Exception::None), &list(tariffs), names, Day::from(DAY).at(600))
                .iter()
                .map(|slot| slot.price)
                .collect::<Vec<_>>()
        };
        let [one, two] = [1, 2].map(Price::micro_euros);
        assert_eq!(of(&["HC", "HP"], says), [two, one, one, two, one]);
        assert_eq!(of(&["HC", "HP", "BASE"], says), [two, one, one, two, one], "a list for two meters");
        assert_eq!(of(&["HC", "HP", "HEURE WEEK-END"], says), [two], "either of two");
        assert_eq!(of(&["HC", "HP"], |_| None), [], "it has not said any name yet");
        assert_eq!(of(&["HP", "7"], says), [Price::micro_euros(1)], "the number of another index");
    }

    #[test]
    fn the_forms_that_others_take() {
        let told = Told::new(
            Some(Price::micro_euros(2)),
            slots(&known(2, Exception::Tempo(Blue, None)), &book(), |_| None, Day::from(DAY).at(600)),
        );
        let rates = serde_json::to_value(told.rates()).unwrap();
        assert_eq!(rates[0], serde_json::json!({ "start": "2026-12-01T05:00:00Z", "end": "2026-12-01T21:00:00Z", "value": 0.000002 }));
        let json = serde_json::to_value(&told).unwrap();
        assert_eq!((&json["forecast"]["2026-12-01T21:00:00Z"], &json["now"]), (&0.000001.into(), &0.000002.into()));
        assert_eq!(json["forecast_end"], "2026-12-02T05:00:00Z");
    }
}
