//! What a meter says of the tariffs to come, as [`crate::prices`] takes it.

use teleinfo_proto::tic::{Colour, TariffPeriod, TempoHours, Value};

use crate::{
    hours::{
        day::Day,
        off_peak::{OffPeakNow, SaidHours, Tariff},
        switchings::Switchings,
    },
    meter::{
        derived::{Derived, Learnt, peak_dates},
        state::State,
        tariff_names::foretold,
    },
    prices::{
        ahead::{Exception, Known, Told, slots},
        book::PriceList,
        tariffs::{Counting, INDEXES},
    },
};

/// Around 06:00 the meter may still speak of the Tempo day before, in minutes.
const TEMPO_MARGIN: std::ops::Range<u16> = 360..363;
const DAY_S: i64 = 86_400;
/// The names of HC and HP, and of EJP, in historic mode.
const OFF_PEAK: [&str; 2] = ["HC", "HP"];
const EJP: [&str; 2] = ["HN", "PM"];
const BASE: &str = "BASE";

/// Works out what is told of prices, at a time of the meter's clock.
#[must_use]
pub fn told(state: &State, derived: &Derived, hours: &SaidHours, known: &OffPeakNow, learnt: Learnt<'_>, now: i64) -> Told {
    let (Some(tariff), false) = (hours.tariff, learnt.prices.is_empty()) else { return Told::default() };
    let index = index_of(tariff);
    let name = |index| name_of(tariff, index, derived, learnt);
    let list = learnt.prices.at(now);
    let price = list.and_then(|list| list.price(Counting { index, name: name(index) })).map(|(_, price)| price);
    let is_tempo = derived.tempo_today.is_some();
    if is_tempo && TEMPO_MARGIN.contains(&Day::of(now).1) && price == derived.price.now {
        return derived.price.clone();
    }
    let known = Known { index, days: known.switchings.clone(), exception: exception(state, derived, tariff, learnt, now) };
    let missing = missing(list, index, name, derived.cost.unpriced);
    Told { missing, list: list.map(|list| list.from), ..Told::new(price, slots(&known, learnt.prices, name, now)) }
}

/// The tariffs of this contract without a price. One without a name may still get it from the next frame, unless it has counted for long.
fn missing<'a>(list: Option<&PriceList>, index: u8, name: impl Fn(u8) -> Option<&'a str>, unpriced: Option<u64>) -> Vec<String> {
    let may_count = |place: u8| name(place).is_some() || (place == index && unpriced.is_some_and(|wh| wh > 0));
    let tariffs = INDEXES.filter(|place| may_count(*place)).map(|place| Counting { index: place, name: name(place) });
    tariffs.filter(|counting| list.and_then(|list| list.price(*counting)).is_none()).map(|counting| counting.written()).collect()
}

/// The supplier index: in historic mode the register that the tariff counts in.
const fn index_of(tariff: Tariff) -> u8 {
    match tariff {
        Tariff::Index(index) => index,
        Tariff::Period(TariffPeriod::Peak | TariffPeriod::MobilePeak) => 2,
        Tariff::Period(TariffPeriod::Tempo(colour, TempoHours::OffPeak)) => 2 * colour as u8 + 1,
        Tariff::Period(TariffPeriod::Tempo(colour, TempoHours::Peak)) => 2 * colour as u8 + 2,
        Tariff::Period(_) => 1,
    }
}

/// What an index is called under the contract that holds.
fn name_of<'a>(tariff: Tariff, index: u8, derived: &Derived, learnt: Learnt<'a>) -> Option<&'a str> {
    let place = usize::from(index).checked_sub(1)?;
    match tariff {
        Tariff::Index(_) => learnt.names.get(index).or_else(|| foretold(derived.contract.as_deref()?, index)),
        Tariff::Period(TariffPeriod::OffPeak | TariffPeriod::Peak) => OFF_PEAK.get(place).copied(),
        Tariff::Period(TariffPeriod::Normal | TariffPeriod::MobilePeak) => EJP.get(place).copied(),
        Tariff::Period(TariffPeriod::Tempo(..)) => foretold("TEMPO", index),
        Tariff::Period(_) => (index == 1).then_some(BASE),
    }
}

/// What may make days other ones than their profiles say.
fn exception(state: &State, derived: &Derived, tariff: Tariff, learnt: Learnt<'_>, now: i64) -> Exception {
    let colour = |name: Option<&str>| Colour::ALL.into_iter().find(|colour| name == Some(colour.name()));
    if let Some(today) = colour(derived.tempo_today) {
        return Exception::Tempo(today, colour(derived.tempo_tomorrow).or_else(|| dated(state, now)));
    }
    let is = |said: Option<bool>| said == Some(true);
    if let Tariff::Period(TariffPeriod::Normal | TariffPeriod::MobilePeak) = tariff {
        return Exception::Ejp { runs: is(derived.peak_running), is_announced: is(derived.peak_notice) };
    }
    let dates: Vec<(i64, i64)> = (1..=3).filter_map(|number| peak_dates(state, number)).collect();
    let of_peak = match state.value("PPOINTE") {
        Some(Value::DayProfile(profile)) => learnt.hours.blocks(&profile).and_then(|blocks| Switchings::of_blocks(&blocks)),
        _ => None,
    };
    if of_peak.is_some() || !dates.is_empty() || is(derived.peak_notice) || is(derived.peak_running) {
        return Exception::Peaks(dates, of_peak);
    }
    Exception::None
}

/// The colour of the Tempo day that begins next, by its dates, which may come hours before the bits of STGE: DPM1 is white, DPM2 red.
fn dated(state: &State, now: i64) -> Option<Colour> {
    let begins = |number| peak_dates(state, number).is_some_and(|(start, _)| (now + 1..=now + DAY_S).contains(&start));
    [(1, Colour::White), (2, Colour::Red)].into_iter().find(|(number, _)| begins(*number)).map(|(_, colour)| colour)
}
