//! What is told of each meter: a family is one row of the table.
//!
//! A value of a meter that is away, or whose newest frame is older than `OLDEST`, is left out: whoever collects then knows that there is none.

use std::time::{Duration, Instant};

use teleinfo_proto::tic::Role;

use crate::{
    hub::{Hub, station::Station},
    meter::{derived::Derived, figures::Figures},
    metrics::exposition::{Family, Kind, Metric, Tag},
    power::reading::Power,
};

/// A value is told for so long.
const OLDEST: Duration = Duration::from_secs(60);
const PHASES: std::ops::RangeInclusive<u8> = 1..=3;
/// The colours that a Tempo day has, or `unknown` until tomorrow's is announced.
const COLOURS: [&str; 4] = ["blue", "white", "red", "unknown"];
const IMPORT: &str = "import";
const EXPORT: &str = "export";

/// A meter, with its figures if they are of now.
struct Seen<'a> {
    station: &'a Station,
    figures: Option<&'a Figures>,
    power: Option<&'a Power>,
}

impl<'a> Seen<'a> {
    fn new(station: &'a Station, now: Instant) -> Self {
        let is_of_now = |at: Instant| station.is_online() && now.saturating_duration_since(at) <= OLDEST;
        let figures = Some(station.figures()).filter(|figures| figures.last_frame().is_some_and(|last| is_of_now(last.at)));
        Self { station, figures, power: station.power().filter(|(_, at)| is_of_now(*at)).map(|(power, _)| power) }
    }

    fn derived(&self) -> Option<&'a Derived> {
        self.figures.map(Figures::derived)
    }
}

/// A family of meters.
struct Row {
    name: &'static str,
    kind: Kind,
    unit: &'static str,
    help: &'static str,
    metrics: fn(&Seen<'_>) -> Vec<Metric>,
}

const fn row(name: &'static str, kind: Kind, unit: &'static str, help: &'static str, metrics: fn(&Seen<'_>) -> Vec<Metric>) -> Row {
    Row { name, kind, unit, help, metrics }
}

#[rustfmt::skip]
const ROWS: &[Row] = &[
    row("teleinfo_meter_up", Kind::Gauge, "", "1 while the meter is read.", |seen| one(Some(u8::from(seen.station.is_online())))),
    row("teleinfo_reader_up", Kind::Gauge, "", "1 while the reader of the meter reports.", |seen| one(Some(u8::from(seen.station.reception().is_reachable())))),
    row("teleinfo_last_frame_timestamp_seconds", Kind::Gauge, "seconds", "End of the last frame, since 1970.", |seen| one(seen.station.figures().last_frame().map(|last| last.unix_seconds()))),
    row("teleinfo_power_watts", Kind::Gauge, "watts", "Power at the meter, positive when drawn from the grid.", |seen| one(seen.power.map(|power| power.watts))),
    row("teleinfo_power_resolution_watts", Kind::Gauge, "watts", "How far that power may be off.", |seen| one(seen.power.map(|power| power.resolution))),
    row("teleinfo_apparent_power_voltamperes", Kind::Gauge, "voltamperes", "Apparent power, positive when drawn from the grid.", |seen| one(seen.power.map(|power| power.apparent))),
    row("teleinfo_voltage_volts", Kind::Gauge, "volts", "Voltage.", |seen| phases(seen, Role::Voltage)),
    row("teleinfo_current_amperes", Kind::Gauge, "amperes", "Current, in whole amperes.", |seen| phases(seen, Role::Current)),
    row("teleinfo_energy_watthours", Kind::Counter, "watthours", "What the meter counts, by the label of its index.", indexes),
    row("teleinfo_energy_all_watthours", Kind::Counter, "watthours", "All that was drawn or injected, through changes of contract and mode.", energy_all),
    row("teleinfo_subscribed_power_voltamperes", Kind::Gauge, "voltamperes", "Subscribed power.", |seen| one(seen.derived().and_then(|derived| derived.subscribed_power))),
    row("teleinfo_headroom_voltamperes", Kind::Gauge, "voltamperes", "What can be drawn more before a cut-off becomes possible, on the fullest phase.", |seen| one(seen.derived().and_then(|derived| derived.headroom_va))),
    row("teleinfo_overload", Kind::Gauge, "", "1 while more is drawn than subscribed.", |seen| one(seen.derived().and_then(|derived| derived.overload).map(u8::from))),
    row("teleinfo_price_euros_per_kilowatthour", Kind::Gauge, "euros_per_kilowatthour", "What a kWh costs now.", |seen| one(seen.derived().and_then(|derived| as_number(derived.price.now)))),
    row("teleinfo_cost_euros", Kind::Counter, "euros", "What was paid for since prices were given.", |seen| one(seen.derived().and_then(|derived| as_number(derived.cost.total)))),
    row("teleinfo_tariff", Kind::Info, "", "The tariff that counts now, and the contract.", tariff),
    row("teleinfo_tempo_colour", Kind::StateSet, "", "The Tempo colour of today and of tomorrow.", tempo),
    row("teleinfo_reception_ratio", Kind::Gauge, "ratio", "Share of good frames over the last ten minutes.", |seen| one(seen.station.reception().percent().map(|percent| percent / 100.0))),
    row("teleinfo_frames", Kind::Counter, "", "Frames that the reader has seen since it started.", frames),
    row("teleinfo_datasets_refused", Kind::Counter, "", "Datasets that the reader refused since it started, by reason.", refused),
    row("teleinfo_index_resets", Kind::Counter, "", "Indexes that jumped or stepped back, since the reader started.", |seen| one(Some(seen.station.reception().newest().index_resets))),
    row("teleinfo_reader_reconnects", Kind::Counter, "", "Times that the reader came back to a bridge, since it started.", |seen| one(Some(seen.station.reception().newest().reconnects))),
    row("teleinfo_samples_lost", Kind::Counter, "", "Samples that nobody can bring back.", |seen| one(Some(seen.station.reception().lost()))),
];

/// The families of all meters.
pub fn families(hub: &Hub, now: Instant) -> impl Iterator<Item = Family> {
    let meters: Vec<(String, Seen<'_>)> = hub.stations().map(|(id, station)| (id.to_string(), Seen::new(station, now))).collect();
    ROWS.iter().map(move |row| {
        let of_meter = |(id, seen): &(String, Seen<'_>)| {
            let id = id.clone();
            (row.metrics)(seen).into_iter().map(move |metric| metric.of(("meter".into(), id.clone())))
        };
        let metrics = meters.iter().flat_map(of_meter).collect();
        Family { name: row.name.into(), kind: row.kind, unit: row.unit.into(), help: row.help.into(), metrics }
    })
}

fn one(value: Option<impl std::fmt::Display>) -> Vec<Metric> {
    value.map(|value| Metric::new(Vec::new(), value)).into_iter().collect()
}

/// Money as it is told everywhere, in euros.
fn as_number(money: Option<impl serde::Serialize>) -> Option<String> {
    serde_json::to_string(&money?).ok()
}

fn labelled(name: &'static str, value: impl Into<String>) -> Tag {
    (name.into(), value.into())
}

/// A value of each phase that the meter tells; a meter of one phase has no label for it.
fn phases(seen: &Seen<'_>, role: fn(u8) -> Role) -> Vec<Metric> {
    let Some(figures) = seen.figures else { return Vec::new() };
    let values: Vec<(u8, u64)> = PHASES.filter_map(|n| Some((n, figures.state().number_with_role(role(n))?))).collect();
    let tags = |n: u8| if values.len() > 1 { vec![labelled("phase", n.to_string())] } else { Vec::new() };
    values.iter().map(|(n, value)| Metric::new(tags(*n), value)).collect()
}

fn indexes(seen: &Seen<'_>) -> Vec<Metric> {
    let Some(figures) = seen.figures else { return Vec::new() };
    let index = figures.state().datasets().filter_map(|dataset| {
        let direction = match dataset.role()? {
            Role::IndexOf(_) | Role::SupplierIndex(_) => IMPORT,
            Role::EnergyInjected => EXPORT,
            _ => return None,
        };
        let tags = vec![labelled("direction", direction), labelled("index", dataset.label())];
        Some(Metric::new(tags, dataset.value().number()?))
    });
    index.collect()
}

fn energy_all(seen: &Seen<'_>) -> Vec<Metric> {
    let Some(figures) = seen.figures else { return Vec::new() };
    let totals = [(IMPORT, figures.derived().energy_total), (EXPORT, figures.state().number_with_role(Role::EnergyInjected))];
    totals.into_iter().filter_map(|(direction, wh)| Some(Metric::new(vec![labelled("direction", direction)], wh?))).collect()
}

fn tariff(seen: &Seen<'_>) -> Vec<Metric> {
    let Some(derived) = seen.derived() else { return Vec::new() };
    let words = [("contract", &derived.contract), ("tariff", &derived.tariff)];
    let tags: Vec<Tag> = words.into_iter().filter_map(|(name, word)| Some(labelled(name, word.clone()?))).collect();
    if tags.is_empty() { Vec::new() } else { vec![Metric::new(tags, 1)] }
}

fn tempo(seen: &Seen<'_>) -> Vec<Metric> {
    let Some(derived) = seen.derived() else { return Vec::new() };
    let days = [("today", derived.tempo_today), ("tomorrow", derived.tempo_tomorrow)];
    let known = days.into_iter().filter_map(|(day, colour)| Some((day, colour?)));
    let states = |(day, now): (&'static str, &'static str)| {
        COLOURS.map(|colour| Metric::new(vec![labelled("day", day), labelled("teleinfo_tempo_colour", colour)], u8::from(colour == now)))
    };
    known.flat_map(states).collect()
}

fn frames(seen: &Seen<'_>) -> Vec<Metric> {
    let counters = seen.station.reception().newest();
    let results = [("good", counters.frames_good), ("damaged", counters.frames_damaged), ("cut", counters.frames_cut)];
    results.map(|(result, number)| Metric::new(vec![labelled("result", result)], number)).into()
}

fn refused(seen: &Seen<'_>) -> Vec<Metric> {
    let refusals = seen.station.reception().newest().refusals();
    refusals.map(|(reason, number)| Metric::new(vec![labelled("reason", reason)], number)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_family_has_a_name_of_its_own_that_ends_with_its_unit() {
        let names: BTreeSet<&str> = ROWS.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), ROWS.len());
        for Row { name, kind, unit, help, .. } in ROWS {
            assert!(name.starts_with("teleinfo_") && name.ends_with(unit) && help.ends_with('.'), "{name}");
            let family = Family { name: (*name).into(), kind: *kind, unit: (*unit).into(), help: (*help).into(), metrics: Vec::new() };
            assert!(family.is_sound(), "{name}");
            assert!(!name.ends_with("_total") && (unit.is_empty() || matches!(kind, Kind::Counter | Kind::Gauge)), "{name}");
        }
    }
}
