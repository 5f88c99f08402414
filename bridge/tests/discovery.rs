//! What Home Assistant is told of each kind of meter, as files: `snapshots/<name>.json`.
//!
//! `TELEINFO_WRITE_SNAPSHOTS=1 cargo test -p teleinfo-bridge --test discovery` writes them anew; look at the difference before it is
//! committed, since a unique id that changes costs people their history.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use std::{collections::BTreeSet, path::PathBuf};

use common::{Bench, Frame, frames, json};
use serde_json::Value;
use teleinfo_bridge::{
    homeassistant::{entities, entity::Need, memory::Memory, predecessor::Migrate},
    words::{
        language::Language,
        message::{Message, Qos},
    },
};
use teleinfo_proto::{
    tic::{Label, Mode},
    wire::SampleKind,
};

const CONFIG: &str = "/config";

/// Lets a new meter send these frames, each twice, and returns what it announces.
fn announced(id: &str, language: Language, sent: &[Frame]) -> Value {
    let mut bench = Bench::with(id, language, Migrate::None, Memory::default());
    let mut messages = Vec::new();
    for frame in sent {
        messages.extend(bench.apply(frame));
        messages.extend(bench.apply(frame));
        messages.extend(bench.pass(2));
    }
    messages.extend(bench.pass(30));
    json(&messages, CONFIG).unwrap()
}

fn three_phase_tempo() -> Vec<Frame> {
    let frame = frames("syn-std-base-tri.tic").remove(0);
    let index = |frame: Frame, label: &str| frame.with(label, "000012345");
    let frame = ["EASF01", "EASF02", "EASF03", "EASF04", "EASF05", "EASF06"].into_iter().fold(frame, index);
    vec![frame.with("NGTF", "     TEMPO      ").with("LTARF", "    HP  BLEU    ").with("NTARF", "02").with("STGE", "013A4401")]
}

/// More entities than these in the main list of a device hide each other. Two of `prices.rs` may come to them.
const MAIN_MAX: usize = 13;

fn check(name: &str, id: &str, language: Language, sent: &[Frame]) {
    let payload = announced(id, language, sent);
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots").join(format!("{name}.json"));
    if std::env::var_os("TELEINFO_WRITE_SNAPSHOTS").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&payload).unwrap() + "\n").unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let expected: Value = serde_json::from_str(&text).unwrap();
    let (found, wanted) = (components(&payload), components(&expected));
    for key in wanted.keys().chain(found.keys()) {
        assert_eq!(found.get(key), wanted.get(key), "{name}: {key}");
    }
    assert_eq!(payload, expected, "{name}");
    let names: BTreeSet<&str> = found.values().map(|entity| entity["name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), found.len(), "{name}: a name is there twice");
    let asked = text.split("get('").skip(1).filter_map(|rest| rest.split('\'').next());
    assert_eq!(asked.filter(|name| name.contains('.')).collect::<Vec<_>>(), [""; 0], "{name}: no field has a dot in its name");
    let main: Vec<&String> = found.iter().filter(|(_, entity)| entity.get("ent_cat").is_none()).map(|(key, _)| key).collect();
    assert!(main.len() <= MAIN_MAX, "{name}: {main:?}");
}

fn components(payload: &Value) -> serde_json::Map<String, Value> {
    payload["cmps"].as_object().unwrap().clone()
}

#[test]
fn historic_base() {
    check("historic-base", "021861000001", Language::English, &frames("syn-hist-base-mono.tic"));
}

#[test]
fn historic_base_in_french() {
    check("historic-base-fr", "021861000001", Language::French, &frames("syn-hist-base-mono.tic"));
}

#[test]
fn historic_off_peak() {
    check("historic-hc", "021861000002", Language::English, &frames("syn-hist-hc-mono.tic"));
}

#[test]
fn historic_ejp() {
    check("historic-ejp", "021861000003", Language::English, &frames("syn-hist-ejp-mono.tic"));
}

#[test]
fn historic_tempo() {
    check("historic-tempo", "021861000004", Language::English, &frames("syn-hist-tempo-mono.tic"));
}

#[test]
fn historic_three_phase() {
    check("historic-three-phase", "041876000005", Language::English, &frames("syn-hist-linky-tri.tic"));
}

#[test]
fn standard_consumer() {
    check("standard-consumer", "042161000006", Language::English, &frames("syn-std-hc-mono.tic"));
}

#[test]
fn standard_producer() {
    check("standard-producer", "042161000007", Language::English, &frames("syn-std-prosumer-mono.tic"));
}

#[test]
fn standard_tempo_with_a_peak_announced() {
    check("standard-tempo", "042161000008", Language::English, &frames("syn-std-tempo-red-announced.tic"));
}

#[test]
fn standard_three_phase_tempo_in_french() {
    check("standard-three-phase-tempo-fr", "042176000009", Language::French, &three_phase_tempo());
}

#[test]
fn standard_three_phase_producer() {
    check("standard-three-phase-producer", "042176000010", Language::English, &frames("syn-std-producer-tri.tic"));
}

#[test]
fn standard_pilot_meter() {
    check("standard-pilot", "042167000011", Language::English, &frames("syn-std-g1-pilot-labels.tic"));
}

fn discoveries(messages: &[Message]) -> Vec<Value> {
    let found = messages.iter().filter(|message| message.topic.starts_with("homeassistant/device/"));
    found.map(|message| serde_json::from_slice(&message.payload).unwrap()).collect()
}

#[test]
fn announced_once_retained_and_acknowledged() {
    let mut bench = Bench::new("021861000001");
    let frame = frames("syn-hist-base-mono.tic").remove(0);
    let mut messages = Vec::new();
    for _ in 0..60 {
        messages.extend(bench.apply(&frame));
        messages.extend(bench.pass(1));
    }
    let found: Vec<&Message> = messages.iter().filter(|message| message.topic.ends_with(CONFIG)).collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].topic, "homeassistant/device/teleinfo_021861000001/config");
    assert!(found[0].retain && found[0].qos == Qos::AtLeastOnce);
}

#[test]
fn not_from_half_a_frame_unless_there_never_is_a_whole_one() {
    let mut bench = Bench::new("021861000001");
    let half = frames("syn-hist-base-mono.tic").remove(0).without("IINST").kind(SampleKind::Frame { complete: false });
    let mut counts = Vec::new();
    for _ in 0..6 {
        let mut messages = bench.apply(&half);
        messages.extend(bench.pass(1));
        counts.push(discoveries(&messages).len());
    }
    assert_eq!(counts.iter().sum::<usize>(), 1);
    assert_eq!(counts[..4], [0; 4]);
}

#[test]
fn an_unused_index_makes_no_entity_until_it_counts() {
    let mut bench = Bench::new("042161000006");
    let frame = frames("syn-std-hc-mono.tic").remove(0).with("EASF03", "000000000");
    let mut messages = bench.apply(&frame);
    messages.extend(bench.pass(10));
    assert!(!components(&discoveries(&messages)[0]).contains_key("energy_easf03"));
    let mut messages = bench.apply(&frame.with("EASF03", "000000001"));
    messages.extend(bench.pass(10));
    assert!(components(&discoveries(&messages)[0]).contains_key("energy_easf03"));
}

#[test]
fn labels_that_come_and_go_announce_nothing() {
    let mut bench = Bench::new("021861000001");
    let all = frames("syn-hist-adps-mono.tic");
    let mut messages = Vec::new();
    for frame in all.iter().cycle().take(12) {
        messages.extend(bench.apply(frame));
        messages.extend(bench.pass(6));
    }
    assert_eq!(discoveries(&messages).len(), 1);
}

#[test]
fn a_change_of_contract_removes_entities_once_and_after_the_new_ones() {
    let mut bench = Bench::new("021861000001");
    let mut messages = bench.apply(&frames("syn-hist-tempo-mono.tic")[0]);
    messages.extend(bench.pass(10));
    let other = &frames("syn-hist-base-mono.tic")[0];
    let mut messages = bench.apply(other);
    messages.extend(bench.pass(20));
    assert!(discoveries(&messages).is_empty(), "one frame may be damaged");
    let mut messages = bench.apply(other);
    messages.extend(bench.pass(20));
    let found = discoveries(&messages);
    assert_eq!(found.len(), 3, "the new ones, one that removes, one without the markers");
    assert!(components(&found[0]).contains_key("energy_base") && !components(&found[0]).contains_key("tempo_today"));
    assert_eq!(found[1]["cmps"]["tempo_today"], serde_json::json!({"p": "sensor"}));
    assert!(!components(&found[2]).contains_key("tempo_today"));
    assert!(found.iter().all(|device| components(device).contains_key("energy_bbrhcjb")), "an index that is over keeps its history");
}

#[test]
fn another_calendar_in_standard_mode_removes_what_was_of_the_old_one() {
    let mut bench = Bench::new("042161000008");
    let mut messages = bench.apply(&frames("syn-std-tempo-red-announced.tic")[0]);
    messages.extend(bench.pass(10));
    assert!(components(&discoveries(&messages)[0]).contains_key("tempo_today"));
    let other = frames("syn-std-hc-mono.tic").remove(0);
    let mut messages = Vec::new();
    for _ in 0..2 {
        messages.extend(bench.apply(&other));
        messages.extend(bench.pass(10));
    }
    let found = discoveries(&messages);
    assert_eq!(found[0]["cmps"]["tempo_today"], serde_json::json!({"p": "sensor"}));
    assert!(components(found.last().unwrap()).contains_key("energy_total"));
}

#[test]
fn nothing_is_taken_over_on_the_word_of_a_damaged_frame() {
    let mut bench = Bench::with("021861000002", Language::English, Migrate::Teleinfo2mqtt, Memory::default());
    let whole = frames("syn-hist-hc-mono.tic").remove(0);
    let damaged = whole.clone().without("HCHP").kind(SampleKind::Frame { complete: false });
    let old = "homeassistant/sensor/teleinfo/021861000002_hchp/config";
    let said =
        |messages: &[Message]| messages.iter().filter(|message| message.topic == old).map(|m| m.text().to_owned()).collect::<Vec<_>>();
    let mut messages = Vec::new();
    let short = Frame::historic(&[("ADIR1", "065"), ("ADCO", "021861000002"), ("IINST1", "065"), ("IINST2", "010"), ("IINST3", "010")]);
    for frame in [short, damaged].iter().cycle().take(20) {
        messages.extend(bench.apply(frame));
        messages.extend(bench.pass(5));
    }
    assert_eq!(said(&messages), [""; 0]);
    let mut messages = bench.apply(&whole);
    messages.extend(bench.pass(30));
    assert_eq!(said(&messages), [r#"{"migrate_discovery":true}"#, ""]);
}

#[test]
fn what_removes_entities_is_not_replaced_while_the_broker_is_away() {
    let mut bench = Bench::new("021861000001");
    bench.apply(&frames("syn-hist-tempo-mono.tic")[0]);
    bench.pass(10);
    let other = &frames("syn-hist-base-mono.tic")[0];
    let mut messages = [other, other].into_iter().flat_map(|frame| bench.apply(frame)).collect::<Vec<_>>();
    messages.extend(bench.pass(5));
    assert_eq!(discoveries(&messages)[1]["cmps"]["tempo_today"], serde_json::json!({"p": "sensor"}));
    bench.station.handle_disconnected(bench.now);
    assert!(discoveries(&bench.pass(20)).is_empty(), "the one that removes is said again first");
    bench.station.handle_connected();
    let found = discoveries(&bench.pass(20));
    assert_eq!(found.len(), 1);
    assert!(!components(&found[0]).contains_key("tempo_today"));
}

#[test]
fn a_takeover_that_was_broken_off_begins_again() {
    let mut bench = Bench::with("021861000002", Language::English, Migrate::Teleinfo2mqtt, Memory::default());
    let mut messages = bench.apply(&frames("syn-hist-hc-mono.tic")[0]);
    while discoveries(&messages).is_empty() {
        messages.extend(bench.pass(1));
    }
    bench.station.handle_disconnected(bench.now);
    let meanwhile = bench.pass(40);
    assert!(meanwhile.iter().all(|message| !message.topic.ends_with(CONFIG)), "nobody listens: {meanwhile:?}");
    bench.station.handle_connected();
    let messages = bench.pass(40);
    assert_eq!(discoveries(&messages).len(), 1);
    let old = messages.iter().filter(|message| message.topic.ends_with("_hchp/config")).map(Message::text);
    assert_eq!(old.collect::<Vec<_>>(), [r#"{"migrate_discovery":true}"#, ""]);
    assert!(bench.station.poll_memory(false, bench.now).unwrap().migrated);
}

#[test]
fn a_change_of_contract_needs_no_whole_frame_on_a_bad_line() {
    let mut bench = Bench::new("021861000001");
    bench.apply(&frames("syn-hist-tempo-mono.tic")[0]);
    bench.pass(10);
    let half = frames("syn-hist-base-mono.tic").remove(0).kind(SampleKind::Frame { complete: false });
    let mut messages = Vec::new();
    for lacking in ["IINST", "BASE", "IINST", "ISOUSC", "HHPHC", "PAPP", "IINST", "IINST", "IINST", "IINST", "IINST", "IINST"] {
        messages.extend(bench.apply(&half.clone().without(lacking)));
        messages.extend(bench.pass(10));
    }
    let removed = |payload: &Value| payload["cmps"]["apparent_power"].get("name").is_none();
    assert!(!discoveries(&messages).iter().any(removed), "power is in both contracts");
    let found = components(discoveries(&messages).last().unwrap());
    assert!(found.contains_key("energy_base") && !found.contains_key("tempo_today"), "{:?}", found.keys());
}

#[test]
fn the_first_red_day_of_tempo_has_its_entities_before_it_comes() {
    let unused = |frame: Frame, label: &str| frame.with(label, "000000000");
    let sent: Vec<Frame> =
        three_phase_tempo().into_iter().map(|frame| ["EASF05", "EASF06", "EASF07"].into_iter().fold(frame, unused)).collect();
    let found = components(&announced("042161000017", Language::French, &sent));
    assert_eq!(
        (&found["energy_easf05"]["name"], &found["energy_easf06"]["name"]),
        (&"Énergie HC ROUGE".into(), &"Énergie HP ROUGE".into())
    );
    assert!(!found.contains_key("energy_easf07"));
}

#[test]
fn a_change_of_mode_keeps_what_is_the_same_thing() {
    let mut bench = Bench::new("042161000001");
    let mut messages = bench.apply(&frames("syn-hist-base-mono.tic")[0]);
    messages.extend(bench.pass(10));
    let historic = components(discoveries(&messages).last().unwrap());
    let other = &frames("syn-std-base-mono.tic")[0];
    let half = other.clone().without("SINSTS").kind(SampleKind::Frame { complete: false });
    let mut messages = [&half, other, other].into_iter().flat_map(|frame| bench.apply(frame)).collect::<Vec<_>>();
    messages.extend(bench.pass(20));
    assert!(
        discoveries(&messages)
            .iter()
            .all(|payload| payload["cmps"].get("apparent_power").is_some_and(|sensor| sensor.get("name").is_some()))
    );
    let standard = components(discoveries(&messages).last().unwrap());
    for key in ["apparent_power", "current", "power_estimated", "subscribed_power", "tariff", "overload", "last_frame", "event_mode"] {
        assert_eq!(historic[key]["uniq_id"], standard[key]["uniq_id"], "{key}");
    }
    assert!(!historic.contains_key("energy_easf01") && standard.contains_key("energy_easf01"));
    for key in ["energy_base", "energy_total"] {
        assert_eq!(historic[key]["uniq_id"], standard[key]["uniq_id"], "{key}");
    }
}

#[test]
fn a_restarted_bridge_forgets_no_entity() {
    let mut first = Bench::new("042161000008");
    let tempo = frames("syn-std-tempo-red-announced.tic").remove(0);
    first.apply(&tempo);
    first.pass(10);
    let memory = first.station.poll_memory(false, first.now).unwrap().clone();
    assert!(first.station.poll_memory(false, first.now).is_none());
    let mut second = Bench::with("042161000008", Language::English, Migrate::None, memory);
    let calendar = &tempo.lines.iter().find(|line| line.label == "NGTF").unwrap().data;
    let quiet = frames("syn-std-base-mono.tic").remove(0).with("NGTF", calendar);
    let mut messages = second.apply(&quiet);
    messages.extend(second.pass(10));
    let found = components(discoveries(&messages).last().unwrap());
    assert!(found.contains_key("peak_start") && found.contains_key("tempo_today"), "{:?}", found.keys());
}

#[test]
fn said_again_when_home_assistant_starts() {
    let mut bench = Bench::new("021861000001");
    bench.apply(&frames("syn-hist-base-mono.tic")[0]);
    // A meter that is away says nothing again.
    assert_eq!(bench.arrive(), Some(true));
    bench.pass(30);
    bench.station.handle_birth(4_000, bench.now);
    assert!(discoveries(&bench.pass(4)).is_empty());
    let messages = bench.pass(2);
    assert_eq!(discoveries(&messages).len(), 1);
    assert!(json(&bench.pass(10), "/derived").is_some());
    let messages = bench.station.everything();
    assert!(json(&messages, "/021861000001").is_some());
}

#[test]
fn keys_are_the_same_thing_in_both_modes_and_never_twice_in_one() {
    let mut keys = std::collections::BTreeMap::new();
    for entity in entities::all() {
        keys.entry(entity.key).or_insert_with(Vec::new).push(entity);
    }
    for (key, same) in keys {
        assert!(same.iter().all(|entity| entity.platform == same[0].platform), "{key}");
        assert!(same.iter().all(|entity| entity.unit == same[0].unit), "{key}");
        let distinct: std::collections::BTreeSet<_> = same.iter().map(|entity| format!("{:?}", (entity.needs, entity.phases))).collect();
        assert_eq!(distinct.len(), same.len(), "{key}");
    }
}

/// Labels that make no entity of their own, and why.
const WITHOUT_ENTITY: &[&str] = &[
    "ADCO", "ADSC", // the device
    "VTIC", // the device's software version
    "EAST", // the total, which counts it
    "ADIR1", "ADIR2", "ADIR3", "ADPS", // overload
    "PTEC", "DEMAIN", "PEJP", // tariff, Tempo, mobile peak
    "DPM1", "FPM1", "DPM2", "FPM2", "DPM3", "FPM3", // start and end of the mobile peak
];

#[test]
fn every_label_of_both_modes_is_thought_of() {
    for label in Mode::ALL.into_iter().flat_map(Label::all) {
        let by_role = label.role.map(Need::Role);
        let used = entities::all().any(|entity| {
            entity.needs == Need::Label(label.code)
                || Some(entity.needs) == by_role
                || format!("{:?}", entity.source).contains(&format!("{:?}", label.code))
        });
        assert_ne!(used, WITHOUT_ENTITY.contains(&label.code), "{}", label.code);
    }
}
