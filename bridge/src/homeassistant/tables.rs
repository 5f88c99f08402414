//! The tables of this folder, held against what they speak of: labels, features, the JSON that is published, the codes of the protocol.
//!
//! A name that is spelled in two places and differs makes an entity that is unknown for ever, without a word in any log. So each of these
//! tests walks a whole table.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::Value as Json;
use teleinfo_proto::{
    tic::{Dataset, Label, MeterId, Mode, Role, TariffPeriod},
    wire::{BootId, Cause, Counters, Extent, LineState, Status},
};

use super::{
    entities,
    entity::{Attributes, Entity, Need, Source},
    shown::{Feature, Shown},
};
use crate::{
    meter::{
        derived::Derived,
        events::Event,
        payload,
        profile_hours::ProfileHours,
        reception::{self, Reception},
    },
    power::reading::{Method, Power},
    prices::tariffs::Tariff,
    words::language::Language,
};

const LINKY: &str = "042161000021";
const OLDER: &str = "021428000021";

/// A dataset that shows a feature: the meter that sends it, the mode, the label, its data. A feature without one does not compile.
fn showing(feature: Feature) -> (&'static str, Mode, &'static str, String) {
    let historic = |label, data: &str| (LINKY, Mode::Historic, label, data.to_owned());
    let standard = |label, data: &str| (LINKY, Mode::Standard, label, data.to_owned());
    match feature {
        Feature::Index => historic("BASE", "000000001"),
        Feature::ContractOffPeak | Feature::OffPeakHours => historic("OPTARIF", "HC.."),
        Feature::ContractBase => historic("OPTARIF", "BASE"),
        Feature::ContractEjp => historic("OPTARIF", "EJP."),
        Feature::ContractTempo => historic("OPTARIF", "BBR("),
        Feature::Tempo | Feature::Peak => standard("STGE", "013A4401"),
        Feature::PeakDates => standard("DPM1", "00"),
        Feature::MaxPowerOfLinky => historic("PMAX", "06000"),
        Feature::MaxPowerOfOlder => (OLDER, Mode::Historic, "PMAX", "06000".into()),
        Feature::Injecting => standard("STGE", "003A0301"),
        Feature::Overload | Feature::InjectingUnseen => historic("ISOUSC", "30"),
        // A relay that there is none of closes nothing.
        Feature::Relay(number) => standard("RELAIS", &format!("{:03}", 1_u8.checked_shl(u32::from(number) - 1).unwrap_or(0))),
    }
}

fn dataset<'a>(mode: Mode, label: &'a str, data: &'a str) -> Dataset<'a> {
    let dated = Label::find(mode, label).is_some_and(|label| label.dated);
    Dataset::new(mode, label, dated.then_some("E240701120000"), data).unwrap_or_else(|reason| panic!("{label} {data}: {reason:?}"))
}

fn can_be_shown(feature: Feature) -> bool {
    let (meter, mode, label, data) = showing(feature);
    let mut shown = Shown::default();
    shown.handle_datasets(&mut Vec::new(), &meter.parse::<MeterId>().unwrap(), &[dataset(mode, label, &data)]);
    // No dataset alone shows this one.
    if feature == Feature::InjectingUnseen {
        shown.handle_feature(feature);
    }
    shown.has(feature)
}

fn label(code: &str) -> Option<&'static Label> {
    Mode::ALL.into_iter().find_map(|mode| Label::find(mode, code))
}

fn with_role(role: Role) -> bool {
    Mode::ALL.into_iter().any(|mode| Label::with_role(mode, role).next().is_some())
}

/// Whether a path such as `reader.version` leads anywhere in a JSON object.
fn leads(json: &Json, path: &str) -> bool {
    path.split('.').try_fold(json, |json, field| json.get(field)).is_some()
}

/// What the merged state decodes of a label, from data in which everything has a meaning.
fn decoded(code: &str) -> Json {
    match code {
        "STGE" => state(code, "003A0001"),
        "RELAIS" => state(code, "000"),
        "PJOURF+1" | "PPOINTE" => state(code, &format!("00008001{}", " NONUTILE".repeat(10))),
        other => panic!("{other} has nothing to decode"),
    }
}

fn state(code: &str, data: &str) -> Json {
    let json: Json = serde_json::from_slice(&payload::dated(0, &[dataset(Mode::Standard, code, data)], ProfileHours::default())).unwrap();
    json[code]["decoded"].clone()
}

fn derived() -> Json {
    let mut derived = serde_json::to_value(Derived::default()).unwrap();
    derived["cost"]["tariffs"] =
        Tariff::all().map(|tariff| (tariff.key().to_owned(), Json::Null)).collect::<serde_json::Map<_, _>>().into();
    derived
}

#[test]
fn each_tariff_has_its_cost() {
    let keys: Vec<_> = entities::all().filter_map(|entity| if let Need::PriceOf(key) = entity.needs { Some(key) } else { None }).collect();
    assert_eq!(keys, Tariff::all().map(Tariff::key).collect::<Vec<_>>());
}

fn power() -> Json {
    let power = Power { watts: 1, resolution: 1, method: Method::Levels, apparent: 1, phases: None, at: Duration::ZERO };
    serde_json::to_value(power.message(String::new())).unwrap()
}

/// The report of a meter whose reader has reported.
fn quality(line: LineState) -> Json {
    let (mut quality, now) = (Reception::default(), Instant::now());
    quality.handle_status(
        &Status {
            name: "cellar",
            release: "0.1.0",
            boot: BootId::new(1),
            unix_ms: 0,
            uptime_ms: 0,
            line,
            cause: Cause::None,
            mode: None,
            meter: None,
            counters: Counters::default(),
            history: Extent::default(),
            label: "",
        },
        now,
    );
    serde_json::from_slice(&quality.poll_report(Language::English, now).unwrap()).unwrap()
}

#[test]
fn each_entity_needs_a_label_that_there_is_or_a_feature_that_can_be_shown() {
    for entity in entities::all() {
        let known = match entity.needs {
            Need::Always | Need::Prices => true,
            Need::PriceOf(key) => Tariff::of_key(key).is_some(),
            Need::Label(code) => label(code).is_some(),
            Need::Role(role) => with_role(role),
            Need::Feature(feature) => can_be_shown(feature),
        };
        assert!(known, "{}: no meter ever shows {:?}", entity.key, entity.needs);
    }
}

#[test]
fn each_value_stands_in_what_is_published() {
    let (derived, quality) = (derived(), quality(LineState::Reading));
    for Entity { key, source, .. } in entities::all() {
        let there = match *source {
            Source::Label(code) => label(code).is_some(),
            Source::Role(role) => with_role(role),
            Source::Time(code) => label(code).is_some_and(|label| label.dated),
            Source::Decoded(code, field) => leads(&decoded(code), field),
            Source::Derived(path) => leads(&derived, path),
            Source::Power(path) => leads(&power(), path),
            Source::Quality(path) => leads(&quality, path),
            Source::Availability | Source::Events(_) => true,
        };
        assert!(there, "{key}: nothing is published as {source:?}");
    }
}

#[test]
fn each_attribute_stands_in_what_is_published() {
    let derived = derived();
    for Entity { key, attributes, .. } in entities::all() {
        let there = match *attributes {
            Attributes::None => true,
            Attributes::Time(code) => label(code).is_some_and(|label| label.dated),
            Attributes::Derived(paths) => paths.iter().all(|path| leads(&derived, path)),
            Attributes::Power(paths) => paths.iter().all(|path| leads(&power(), path)),
            Attributes::Blocks(code) => leads(&decoded(code), "blocks"),
        };
        assert!(there, "{key}: nothing is published as {attributes:?}");
    }
}

/// One event of each type. A new variant of [`Event`] does not compile until it has a line here.
fn events() -> Vec<Event> {
    let text = || "text".to_owned();
    let all = vec![
        Event::OverloadBegin { phases: vec![1] },
        Event::OverloadEnd,
        Event::CutOffComing { seconds: Some(100) },
        Event::CutOffNear { seconds: Some(40) },
        Event::CutOffAverted,
        Event::TariffChange { from: None, to: text() },
        Event::ContractChange { from: None, to: text() },
        Event::TempoAnnouncement { tomorrow: "red" },
        Event::OffPeakHoursChange { from: text(), to: text(), day: text() },
        Event::PeakNotice { start: None, end: None },
        Event::PeakBegin,
        Event::PeakEnd,
        Event::ModeChange { from: "historic".into(), to: "standard" },
        Event::CutOffChange { from: "closed".into(), to: "open-over-power" },
        Event::Message { text: text() },
        Event::IndexReset { count: 1 },
        Event::HistoryFilled { from: text(), until: text(), hours: 1, energy: Default::default() },
    ];
    let place = |event: &Event| match event {
        Event::OverloadBegin { .. } => 0,
        Event::OverloadEnd => 1,
        Event::CutOffComing { .. } => 2,
        Event::CutOffNear { .. } => 3,
        Event::CutOffAverted => 4,
        Event::TariffChange { .. } => 5,
        Event::ContractChange { .. } => 6,
        Event::TempoAnnouncement { .. } => 7,
        Event::OffPeakHoursChange { .. } => 8,
        Event::PeakNotice { .. } => 9,
        Event::PeakBegin => 10,
        Event::PeakEnd => 11,
        Event::ModeChange { .. } => 12,
        Event::CutOffChange { .. } => 13,
        Event::Message { .. } => 14,
        Event::IndexReset { .. } => 15,
        Event::HistoryFilled { .. } => 16,
    };
    assert!(all.iter().map(place).eq(0..all.len()));
    all
}

#[test]
fn each_event_is_published_under_the_type_that_was_announced() {
    let published = |event: &Event| serde_json::to_value(event.dated(0)).unwrap()["event_type"].as_str().unwrap().to_owned();
    assert_eq!(events().iter().map(published).collect::<Vec<_>>(), Event::TYPES);
}

#[test]
fn each_type_of_event_is_shown_by_one_entity() {
    let shown = entities::all().filter_map(|entity| if let Source::Events(types) = entity.source { Some(types) } else { None });
    let mut shown: Vec<_> = shown.flatten().copied().collect();
    let mut types = Event::TYPES;
    shown.sort_unstable();
    types.sort_unstable();
    assert_eq!(shown, types);
}

/// The codes of all entities of a key, which may come in several forms.
fn codes(key: &str) -> Vec<&'static str> {
    entities::all().filter(|entity| entity.key == key).flat_map(|entity| entity.choices).map(|(code, _)| *code).collect()
}

/// Every code that is published for a field of STGE, whose bits begin at `first`, in the order of its values.
fn published(field: &str, first: u32, bits: u32) -> Vec<String> {
    let code = |value: u32| Some(state("STGE", &format!("{:08X}", value << first))[field].as_str()?.to_owned());
    (0..1 << bits).filter_map(code).collect()
}

#[test]
fn each_code_that_can_be_published_has_its_words() {
    assert_eq!(codes("cut_off_device"), published("cut_off_device", 1, 3));
    assert_eq!(codes("euridis"), published("euridis", 19, 2));
    assert_eq!(codes("plc"), published("plc", 21, 2));
    assert_eq!(codes("tempo_today"), published("tempo_today", 24, 2));
    assert_eq!(codes("mode"), Mode::ALL.map(|mode| mode.to_string()));
    let periods: BTreeSet<_> = TariffPeriod::all().map(|period| period.code().trim_end_matches('.').to_owned()).collect();
    assert_eq!(codes("tariff").into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), periods);
}

#[test]
fn each_state_of_a_line_has_its_words() {
    let published = LineState::ALL.iter().map(|line| quality(*line)["line"].as_str().unwrap().to_owned());
    assert_eq!(codes("line"), published.chain([reception::UNREACHABLE.to_owned()]).collect::<Vec<_>>());
}

/// People write these codes into their automations: a release that renames one breaks those. Add codes, but do not change this test.
#[test]
fn codes_that_automations_rely_on() {
    let closed = ["closed", "open-over-power", "open-over-voltage", "open-load-shedding", "open-remote-order"];
    let overheated = ["open-overheating-above-switching-current", "open-overheating"];
    assert_eq!(codes("cut_off_device"), [&closed[..], &overheated].concat());
    assert_eq!(codes("euridis"), ["off", "on-without-security", "on-with-security"]);
    assert_eq!(codes("plc"), ["new-unlocked", "new-locked", "registered"]);
    assert_eq!(codes("line"), ["absent", "denied", "busy", "silent", "searching", "reading", "unreachable"]);
    assert_eq!(codes("contract"), ["base", "hc", "ejp", "tempo"]);
    assert_eq!(codes("tempo_today"), ["blue", "white", "red"]);
    assert_eq!(codes("tempo_tomorrow"), ["unknown", "blue", "white", "red"]);
}

#[test]
fn names_and_values_are_there_in_both_languages() {
    for entity in entities::all() {
        for words in entity.choices.iter().map(|(_, words)| words).chain([&entity.name]) {
            assert!(!words.english.is_empty() && !words.french.is_empty(), "{}", entity.key);
        }
    }
}
