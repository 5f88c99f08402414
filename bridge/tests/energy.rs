//! The energy of real cases, each after a public report: what Home Assistant counts through a change of contract, mode or calendar.

#![allow(clippy::unwrap_used, reason = "the helpers of a test fail as its tests do")]

mod common;

use std::collections::BTreeMap;

use common::{Bench, Frame, cases, json};
use serde_json::Value;
use teleinfo_bridge::{energy::meaning::Meaning, homeassistant::statistic::Statistic, words::message::Message};

/// What a meter's life has told.
struct Told {
    bench: Bench,
    messages: Vec<Message>,
    /// `energy_total`, each time it was told.
    totals: Vec<u64>,
}

impl Told {
    /// A meter sends these frames, two seconds apart.
    fn of(id: &str, frames: &[Frame]) -> Self {
        let mut told = Self { bench: Bench::new(id), messages: Vec::new(), totals: Vec::new() };
        frames.iter().for_each(|frame| told.frame(frame));
        told.pass(30);
        told
    }

    fn frame(&mut self, frame: &Frame) {
        let messages = self.bench.apply(frame);
        self.take(messages);
        self.pass(2);
    }

    fn pass(&mut self, seconds: u64) {
        let messages = self.bench.pass(seconds);
        self.take(messages);
    }

    fn take(&mut self, messages: Vec<Message>) {
        let derived = messages.iter().filter(|message| message.topic.ends_with("/derived"));
        let total = |message: &Message| serde_json::from_slice::<Value>(&message.payload).unwrap()["energy_total"].as_u64();
        self.totals.extend(derived.filter_map(total));
        self.messages.extend(messages);
    }

    /// The energy entities that were last announced: key, name, and whether the ledger says that they are available;
    /// those of the distributor, which are hidden, apart.
    fn energies(&self) -> BTreeMap<String, (String, bool)> {
        let current = self.current();
        let device = json(&self.messages, "/config").unwrap();
        let energies = device["cmps"].as_object().unwrap().iter().filter(|(key, _)| key.starts_with("energy_") && !key.contains("easd"));
        let entity = |(key, component): (&String, &Value)| {
            let template = component["avty"][2]["val_tpl"].as_str().unwrap_or_default();
            let is_current = current.iter().any(|id| template.contains(&format!("'{id}'")));
            (key.clone(), (component["name"].as_str().unwrap_or_default().to_owned(), is_current))
        };
        energies.map(entity).collect()
    }

    /// What the ledger calls current.
    fn current(&self) -> Vec<String> {
        self.bench.station.account().meanings().current().map(Meaning::id).collect()
    }

    /// The key of the newest entity that begins so.
    fn newest(&self, key: &str) -> String {
        self.energies().into_keys().rev().find(|found| found.starts_with(key)).unwrap()
    }
}

/// The names of those that are available, or of those that are not.
fn names(energies: &BTreeMap<String, (String, bool)>, available: bool) -> Vec<&str> {
    energies.values().filter(|(_, is_current)| *is_current == available).map(|(name, _)| name.as_str()).collect()
}

#[test]
fn tempo_to_off_peak_goes_on_in_the_registers_of_both() {
    let told = Told::of("062064000083", &cases("b3-hist-tempo-to-hc-small-dip.tic"));
    let first = 20_944_454 + 271_684 + 28_279 + 72_754 + 6_742 + 21_695;
    assert_eq!((told.totals[0], *told.totals.last().unwrap()), (first, first + 271_697 - 271_684));
    assert!(told.totals.is_sorted(), "{:?}", told.totals);
    let energies = told.energies();
    assert_eq!(names(&energies, true), ["Energy HC (off-peak)", "Energy HP (peak)", "Energy total"]);
    assert_eq!(names(&energies, false).len(), 6, "those of Tempo are over, with their history");
    let followed: Vec<Statistic> = told.bench.station.statistics();
    assert_eq!(followed.len(), 3, "{followed:?}");
    let total = followed.iter().find(|statistic| statistic.unique_id.ends_with("_energy_total")).unwrap();
    assert_eq!(
        (total.labels.as_slice(), total.offset),
        (["HCHC".to_owned(), "HCHP".to_owned()].as_slice(), 28_279 + 72_754 + 6_742 + 21_695)
    );
}

#[test]
fn mode_and_contract_in_one_night_lose_nothing() {
    let told = Told::of("031961000092", &cases("z1-hist-base-to-std-tempo.tic"));
    assert_eq!((told.totals[0], *told.totals.last().unwrap()), (20_944_000, 20_944_035));
    assert!(told.totals.is_sorted(), "{:?}", told.totals);
    let energies = told.energies();
    let tempo = ["HC BLEU", "HP BLEU", "HC BLANC", "HP BLANC", "HC ROUGE", "HP ROUGE", "total"].map(|name| format!("Energy {name}"));
    assert_eq!(names(&energies, true), tempo);
    assert_eq!(names(&energies, false), ["Energy BASE"]);
}

#[test]
fn an_index_that_stands_still_keeps_its_name_and_is_no_longer_offered() {
    let told = Told::of("900064000111", &cases("ab1-std-hc-to-base-stale-index.tic"));
    let energies = told.energies();
    assert_eq!(names(&energies, true), ["Energy BASE", "Energy total"]);
    assert_eq!(names(&energies, false), ["Energy index 1", "Energy HEURE PLEINE"]);
    assert_eq!(*told.totals.last().unwrap(), 12_000_019);
}

#[test]
fn two_indexes_of_one_name_have_their_numbers() {
    let told = Told::of("900064000001", &cases("q1-std-two-indexes-one-name.tic"));
    let energies = told.energies();
    let names = names(&energies, true);
    assert!(names.contains(&"Energy HEURE CREUSE (index 1)") && names.contains(&"Energy HEURE CREUSE (index 3)"), "{names:?}");
}

#[test]
fn all_tariffs_of_tempo_can_be_chosen_on_the_first_day() {
    let told = Told::of("032461000008", &cases("i1-hist-tempo-new-meter.tic"));
    assert_eq!(names(&told.energies(), true).len(), 7, "six, and the total");
}

#[test]
fn an_exchanged_meter_stands_for_itself() {
    let all = cases("n2-std-meter-exchanged.tic");
    let of = |id: &str| -> Vec<Frame> {
        let is_of = |frame: &&Frame| frame.lines.iter().any(|line| line.label == "ADSC" && line.data == id);
        all.iter().filter(is_of).cloned().collect()
    };
    for (id, first, most) in [("021661000031", 22_000_000, 22_000_020), ("032461000032", 104, 124)] {
        let told = Told::of(id, &of(id));
        assert_eq!(told.totals[0], first);
        assert!(told.totals.is_sorted() && *told.totals.last().unwrap() <= most, "{:?}", told.totals);
    }
}

/// A meter under BASE that says this, each number so often.
fn base(numbers: &[(u32, usize)]) -> Vec<Frame> {
    let frame = common::frames("syn-hist-base-mono.tic").remove(0);
    let numbers = numbers.iter().flat_map(|(number, times)| std::iter::repeat_n(*number, *times));
    numbers.map(|number| frame.clone().with("BASE", &format!("{number:09}"))).collect()
}

#[test]
fn base_that_becomes_the_total_overnight_is_another_entity_and_no_consumption() {
    let told = Told::of("021861000001", &base(&[(22_239_005, 3), (28_298_002, 5), (28_298_009, 1)]));
    assert_eq!((told.totals[0], *told.totals.last().unwrap()), (22_239_005, 22_239_012));
    let energies = told.energies();
    let began = told.newest("energy_base_");
    assert_eq!(energies["energy_base"], ("Energy BASE".into(), false));
    assert_eq!(energies[&began], ("Energy BASE (since 2024-01-07)".into(), true));
    let unique_ids: Vec<String> = told.bench.station.statistics().into_iter().map(|statistic| statistic.unique_id).collect();
    assert_eq!(unique_ids, ["teleinfo_021861000001_energy_total".to_owned(), format!("teleinfo_021861000001_{began}")]);
    // Nobody listens any more to the old one when the first of the new numbers is told.
    let place = |what: &dyn Fn(&Message) -> bool| told.messages.iter().position(what).unwrap();
    let jumped = place(&|message| message.topic == "teleinfo/021861000001" && message.text().contains("028298002"));
    let announced = place(&|message| message.topic.ends_with("/config") && message.text().contains(&began));
    assert!(announced < jumped, "the entity for the new number comes first");
}

#[test]
fn one_damaged_number_is_not_published_and_ends_nothing() {
    let told = Told::of("021861000001", &base(&[(22_239_005, 2), (32_239_005, 1), (12_239_005, 1), (22_239_006, 2)]));
    assert_eq!((told.totals[0], *told.totals.last().unwrap()), (22_239_005, 22_239_006));
    let states = told.messages.iter().filter(|message| message.topic == "teleinfo/021861000001");
    assert!(!states.clone().any(|state| state.text().contains("2239005\"") && !state.text().contains("022239005")));
    assert_eq!(names(&told.energies(), true), ["Energy BASE", "Energy total"]);
    assert!(names(&told.energies(), false).is_empty());
}

#[test]
fn a_change_of_registers_is_no_power() {
    let tempo = cases("b3-hist-tempo-to-hc-small-dip.tic");
    let mut bench = Bench::new("062064000083");
    let mut highest = 0;
    for frame in tempo.iter().rev().chain(&tempo).chain(tempo.iter().rev()) {
        let mut messages = bench.apply(frame);
        messages.extend(bench.pass(2));
        let derived = messages.iter().filter(|message| message.topic.ends_with("/derived"));
        for message in derived {
            let derived: Value = serde_json::from_slice(&message.payload).unwrap();
            let watts = ["power", "power_resolution"].map(|key| derived[key].as_u64().unwrap_or(0));
            highest = highest.max(watts[0]).max(watts[1]);
        }
    }
    assert!((1..20_000).contains(&highest), "{highest} W");
}

/// A meter of 1 kVA whose bridge was killed after this ledger, in Wh: what the next one says of the total when the clock of the reader is off.
fn total_after_a_kill(clock_ms: i64) -> Vec<u64> {
    let frame = |wh: u32| {
        Frame::historic(&[
            ("ADCO", "900061000900"),
            ("ISOUSC", "05"),
            ("HCHC", &format!("{wh:09}")),
            ("HCHP", "000000090"),
            ("PTEC", "HC.."),
        ])
    };
    let mut before = Told::of("900061000900", &[frame(120), frame(121)]);
    let due = before.bench.station.poll_ledger(true, before.bench.now).unwrap();
    let mut after = Told { bench: Bench::new("900061000900"), messages: Vec::new(), totals: Vec::new() };
    after.bench.station.handle_ledger(due.ledger);
    after.bench.unix_ms = before.bench.unix_ms + clock_ms;
    [149, 150, 150, 151].into_iter().for_each(|wh| after.frame(&frame(wh)));
    after.totals
}

#[test]
fn a_clock_that_was_set_back_while_the_bridge_was_away_costs_nothing() {
    for clock_ms in [3_600_000, 60_000, -45_000, -600_000] {
        let totals = total_after_a_kill(clock_ms);
        assert_eq!(totals.last(), Some(&241), "{clock_ms} ms: {totals:?}");
    }
}
