//! What is told of prices, from the frames of meters.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use common::{Bench, Frame, frames, json};
use serde_json::{Value, json};
use teleinfo_bridge::{
    config::{file::Config, prices},
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
    prices::checked(Config::parse(text).unwrap().prices).unwrap()
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
