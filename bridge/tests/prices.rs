//! What is told of prices, from the frames of meters.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use common::{Bench, Frame, frames, json};
use serde_json::{Value, json};
use teleinfo_bridge::{
    config::{file::Config, prices},
    energy::ledger::Ledger,
    homeassistant::{memory::Memory, predecessor::Migrate},
    prices::book::Book,
    words::{language::Language, message::Message},
};

const METER: &str = "042161000008";
const TEMPO: &str = r#"
[prices.2023-08-01]
kwh = { "HC BLEU" = 0.1056, "HP BLEU" = 0.1369, "HC BLANC" = 0.1246, "HP BLANC" = 0.1654, "HC ROUGE" = 0.1328, "HP ROUGE" = 0.7324 }
"#;
const OFF_PEAK: &str = "[prices.2023-08-01]\nkwh = { HC = 0.1828, HP = 0.2460 }\n";

fn book(text: &str) -> Book {
    prices::checked(Config::parse(text).unwrap().prices, "prices").unwrap()
}

fn bench(text: &str) -> Bench {
    Bench::paying(METER, Language::French, Migrate::None, Memory::default(), book(text))
}

/// What is told after some of these frames.
fn told(bench: &mut Bench, frame: &Frame) -> Vec<Message> {
    let mut messages = Vec::new();
    for _ in 0..3 {
        messages.extend(bench.apply(frame));
        messages.extend(bench.pass(2));
    }
    messages.extend(bench.pass(30));
    messages
}

fn price(messages: &[Message]) -> Value {
    json(messages, "/derived").unwrap()["price"].clone()
}

/// A Tempo meter on the evening before a red day. It is 17:00 UTC.
fn red_is_announced() -> Frame {
    frames("syn-std-tempo-red-announced.tic").remove(0)
}

#[test]
fn a_tempo_meter_tells_the_red_day_that_comes_and_no_more() {
    let mut bench = bench(TEMPO);
    let messages = told(&mut bench, &red_is_announced());
    let (price, rates) = (price(&messages), json(&messages, "/prices").unwrap());
    let day = rates.as_array().unwrap();
    assert!(day.iter().any(|rate| rate["value"] == 0.7324), "{rates}");
    assert_eq!(price["now"], rates[0]["value"]);
    assert_eq!(price["forecast"][rates[1]["start"].as_str().unwrap()], rates[1]["value"]);
    assert_eq!(price["forecast_end"], day.last().unwrap()["end"]);
    for pair in day.windows(2) {
        assert_eq!(pair[0]["end"], pair[1]["start"]);
    }
    assert!(messages.iter().filter(|message| message.topic.ends_with("/prices")).all(|message| message.retain));
}

#[test]
fn a_price_is_an_entity_that_the_energy_dashboard_takes() {
    let messages = told(&mut bench(TEMPO), &red_is_announced());
    let payload = json(&messages, "/config").unwrap();
    let entity = &payload["cmps"]["price"];
    assert_eq!((&entity["name"], &entity["unit_of_meas"]), (&json!("Prix du kWh"), &json!("EUR/kWh")));
    assert!(entity.get("dev_cla").is_none() && entity["val_tpl"].as_str().unwrap().contains("get('price')"), "{entity}");
    assert!(payload["cmps"]["price_next_time"]["dev_cla"] == "timestamp");
}

#[test]
fn without_prices_there_is_nothing_of_them_and_what_was_there_goes() {
    let mut before = bench(TEMPO);
    told(&mut before, &red_is_announced());
    let memory = before.station.poll_memory(true, before.now).cloned().unwrap();
    let mut after = Bench::with(METER, Language::French, Migrate::None, memory);
    let messages = told(&mut after, &red_is_announced());
    let topic = messages.iter().filter(|message| message.topic.ends_with("/prices"));
    assert_eq!(topic.map(|message| message.payload.len()).collect::<Vec<_>>(), [0], "it is deleted once");
    assert!(json(&messages, "/config").unwrap()["cmps"]["price"].get("name").is_none());
    assert_eq!(price(&messages)["now"], Value::Null);
    let messages = told(&mut Bench::new(METER), &red_is_announced());
    assert!(messages.iter().all(|message| !message.topic.ends_with("/prices")));
}

#[test]
fn in_historic_mode_hours_that_are_not_learnt_end_the_forecast() {
    let messages = told(&mut bench(OFF_PEAK), &frames("syn-hist-hc-mono.tic").remove(0));
    let price = price(&messages);
    assert!(price["now"] == 0.1828 || price["now"] == 0.246, "{price}");
    assert_eq!((&price["forecast"], &price["next"], json(&messages, "/prices")), (&json!({}), &Value::Null, Some(json!([]))));
}

#[test]
fn base_is_known_to_the_end_of_tomorrow() {
    let text = "[prices.2023-08-01]\nkwh = { BASE = 0.2276 }\n[prices.2024-01-08]\nkwh = { 1 = 0.25 }\n";
    let messages = told(&mut bench(text), &frames("syn-hist-base-mono.tic").remove(0));
    let (price, rates) = (price(&messages), json(&messages, "/prices").unwrap());
    assert_eq!((&price["now"], &price["next"], &price["next_time"]), (&json!(0.2276), &json!(0.25), &json!("2024-01-07T23:00:00Z")));
    assert_eq!((rates.as_array().unwrap().len(), &rates[1]["end"]), (2, &json!("2024-01-08T23:00:00Z")));
}

/// A frame of an off-peak meter in historic mode, with these indexes.
fn off_peak(hc: u32, hp: u32) -> Frame {
    frames("syn-hist-hc-mono.tic").remove(0).with("HCHC", &format!("{hc:09}")).with("HCHP", &format!("{hp:09}"))
}

fn cost(messages: &[Message]) -> Value {
    json(messages, "/derived").unwrap()["cost"].clone()
}

/// The ledger that a bridge has kept of a meter goes into another one.
fn restarted(before: &mut Bench) -> Bench {
    let due = before.station.poll_ledger(true, before.now).unwrap();
    let mut after = bench(OFF_PEAK);
    (after.now, after.unix_ms, after.boot) = (before.now, before.unix_ms, before.boot);
    let ledger = Ledger::read(METER.parse().unwrap(), &due.ledger.json().unwrap()).unwrap();
    assert_eq!(after.station.handle_ledger(ledger), None);
    after
}

#[test]
fn costs_go_on_through_a_restart_and_an_outage() {
    let mut bench = bench(OFF_PEAK);
    bench.apply(&off_peak(1_000, 2_000));
    bench.pass(1_800);
    let told = cost(&bench.apply(&off_peak(2_000, 3_000)));
    assert_eq!((&told["total"], &told["tariffs"]), (&json!(0.4288), &json!({ "hc": 0.1828, "hp": 0.246 })));
    let mut bench = restarted(&mut bench);
    bench.pass(3_600);
    let told = cost(&bench.apply(&off_peak(4_000, 3_000)));
    assert_eq!((&told["total"], &told["today"], &told["unpriced"]), (&json!(0.7944), &json!(0.7944), &json!(0)));
}

#[test]
fn a_change_of_mode_and_names_by_index_are_paid_for() {
    let mut bench = bench("[prices.2023-08-01]\nkwh = { HC = 0.1, 2 = 0.2 }\n");
    bench.apply(&off_peak(1_000, 2_000));
    bench.pass(1_800);
    let told = cost(&bench.apply(&off_peak(2_000, 3_000)));
    assert_eq!(told["tariffs"], json!({ "hc": 0.1, "index_2": 0.2 }));
}

const EJP: &str = "[prices.2023-08-01]\nkwh = { HN = 0.1781, PM = 0.3440 }\n";
const BASE: &str = "[prices.2023-08-01]\nkwh = { BASE = 0.2276, 1 = 0.2276 }\n";
/// All owners look at these.
const ALL: &[&str] = &["price", "cost_today", "tariff", "grid_power", "energy_total"];
const OFF_PEAK_HOURS: &[&str] = &["offpeak"];
const COLOURS: &[&str] = &["offpeak", "tempo_today", "tempo_tomorrow"];
const SOLD: &[&str] = &["energy_injected"];

/// A Tempo meter with three phases that sells what its panels give: no meter has more to show.
fn largest() -> Frame {
    let index = |frame: Frame, label: &str| frame.with(label, "000012345");
    let frame =
        ["EASF01", "EASF02", "EASF03", "EASF04", "EASF05", "EASF06"].into_iter().fold(frames("syn-std-producer-tri.tic").remove(0), index);
    frame
        .with("NGTF", "     TEMPO      ")
        .with("LTARF", "    HP  BLEU    ")
        .with("NTARF", "02")
        .with("STGE", "013A4501")
        .with("PJOURF+1", &format!("00004001 06004002 22004001{}", " NONUTILE".repeat(8)))
}

/// Each kind of contract: its prices, a frame, how many energies it has by tariff, and what else its owner looks at.
fn contracts() -> Vec<(&'static str, &'static str, Frame, usize, Vec<&'static str>)> {
    let first = |file| frames(file).remove(0);
    vec![
        ("historic BASE", BASE, first("syn-hist-base-mono.tic"), 1, vec![]),
        ("historic HC", OFF_PEAK, first("syn-hist-hc-mono.tic"), 2, OFF_PEAK_HOURS.to_vec()),
        ("historic EJP", EJP, first("syn-hist-ejp-mono.tic"), 2, vec![]),
        ("historic Tempo", TEMPO, first("syn-hist-tempo-mono.tic"), 6, COLOURS.to_vec()),
        ("historic, three phases", BASE, first("syn-hist-linky-tri.tic"), 1, vec![]),
        ("standard BASE", BASE, first("syn-std-base-mono.tic"), 1, vec![]),
        ("standard HC", OFF_PEAK, first("syn-std-hc-mono.tic"), 2, OFF_PEAK_HOURS.to_vec()),
        ("standard Tempo", TEMPO, red_is_announced(), 6, COLOURS.to_vec()),
        ("standard Tempo, three phases, producer", TEMPO, largest(), 6, [COLOURS, SOLD].concat()),
    ]
}

/// What Home Assistant shows first on a device: all that is neither diagnostic nor disabled.
fn main_list(payload: &Value) -> Vec<&str> {
    let components = payload["cmps"].as_object().unwrap().iter();
    let main = components.filter(|(_, entity)| entity.get("ent_cat").is_none() && entity["en"] != false);
    main.map(|(key, _)| key.as_str()).collect()
}

#[test]
fn the_main_list_of_each_contract_is_what_its_owner_looks_at() {
    for (name, prices, frame, tariffs, more) in contracts() {
        let payload = json(&told(&mut bench(prices), &frame), "/config").unwrap();
        let main = main_list(&payload);
        let missing: Vec<_> = ALL.iter().chain(&more).filter(|key| !main.contains(key)).collect();
        assert!(missing.is_empty(), "{name}: {missing:?} are not in {main:?}");
        let by_tariff = main.iter().filter(|key| key.starts_with("energy_") && !["energy_total", "energy_injected"].contains(key));
        assert_eq!(main.len(), ALL.len() + more.len() + tariffs, "{name}: {main:?}");
        assert_eq!(by_tariff.count(), tariffs, "{name}: {main:?}");
        assert!(main.len() <= 15, "{name}: {main:?}");
    }
}

#[test]
fn a_cost_is_money_that_begins_anew() {
    let payload = json(&told(&mut bench(TEMPO), &red_is_announced()), "/config").unwrap();
    let components = payload["cmps"].as_object().unwrap();
    let today = &components["cost_today"];
    assert_eq!((&today["dev_cla"], &today["stat_cla"], &today["unit_of_meas"]), (&json!("monetary"), &json!("total"), &json!("EUR")));
    assert!(today["last_reset_value_template"].as_str().unwrap().contains("'today_since'"));
    assert_eq!((&components["cost_hp_rouge"]["name"], &components["cost_hp_rouge"]["en"]), (&json!("Coût HP ROUGE"), &json!(false)));
    assert!(!components.contains_key("cost_hc"), "it has no price");
}

#[test]
fn a_tariff_without_a_price_is_named_at_once_with_the_place_where_to_add_it() {
    let unpriced = |text: &str, frame: &Frame| {
        let mut bench = bench(text);
        let price = price(&told(&mut bench, frame));
        (price["missing"].clone(), bench.station.unpriced().map(|sentence| sentence.to_string()))
    };
    let hc = frames("syn-hist-hc-mono.tic").remove(0);
    let says = |tariffs: &str| Some(format!("meter {METER}: no price for {tariffs}: add it to kwh of [prices.2023-08-01]"));
    assert_eq!(unpriced(OFF_PEAK, &hc), (json!([]), None));
    // HP does not count yet.
    assert_eq!(unpriced("[prices.2023-08-01]\nkwh = { HC = 0.1 }\n", &hc), (json!(["HP"]), says("HP")));
    let white = TEMPO.replace("\"HC BLANC\" = 0.1246,", "").replace("\"HP BLANC\"", "HP");
    assert_eq!(unpriced(&white, &red_is_announced()).1, says("\"HC BLANC\", \"HP BLANC\""));
    // The first list begins later.
    let later = unpriced("[prices.2099-08-01]\nkwh = { HC = 0.1, HP = 0.2 }\n", &hc).1.unwrap();
    assert!(later.contains("no price holds yet"), "{later}");
}
