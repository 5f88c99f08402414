//! Off-peak hours and Tempo days of a meter, from its frames to what is published.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Bench, Frame, cases, events, frames, json};
use serde_json::Value;
use teleinfo_bridge::{
    homeassistant::{memory::Memory, predecessor::Migrate},
    words::{language::Language, message::Message},
};
use teleinfo_proto::tic::Timestamp;

const METER: &str = "042161000021";
const NONE: &str = " NONUTILE";

/// A frame of an off-peak contract at a time, under an index, with this profile for tomorrow.
fn frame(time: &str, index: &str, profile: &str) -> Frame {
    let padded = format!("{profile}{}", NONE.repeat(11 - profile.split(' ').count()));
    let frame = frames("syn-std-base-mono.tic").remove(0);
    let mut frame = frame.with("NGTF", "H PLEINE/CREUSE ").with("LTARF", " INDEX INACTIF 2").with("NTARF", index);
    frame.lines.iter_mut().find(|line| line.label == "DATE").unwrap().timestamp = Some(time.into());
    frame.with("NJOURF", "00").with("NJOURF+1", "00").with("PJOURF+1", &padded)
}

fn apply(bench: &mut Bench, frame: &Frame) -> Vec<Message> {
    let time = frame.lines.iter().find(|line| line.label == "DATE").and_then(|line| line.timestamp.as_deref()).unwrap();
    bench.unix_ms = time.parse::<Timestamp>().unwrap().unix_seconds() * 1_000;
    bench.apply(frame)
}

fn derived(bench: &Bench) -> Value {
    serde_json::to_value(bench.station.figures().derived()).unwrap()
}

fn restarted(bench: &mut Bench) -> Bench {
    let kept = bench.station.poll_memory(true, bench.now).cloned().unwrap();
    let (told, power) = (kept.told.clone(), kept.power.clone());
    let memory: Memory = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
    Bench::with(METER, Language::English, Migrate::None, Memory { told, power, ..memory })
}

const OLD: &str = "0000C001 06548002 2254C001";
const NEW: &str = "0000C001 05008002 1200C001 15008002 2300C001";

#[test]
fn hours_of_today_and_tomorrow() {
    let mut bench = Bench::new(METER);
    apply(&mut bench, &frame("H261201100000", "02", OLD));
    let derived = derived(&bench);
    assert_eq!(derived["offpeak"], false);
    assert_eq!(
        (&derived["offpeak_next_start"], &derived["offpeak_next_end"]),
        (&"2026-12-01T21:54:00Z".into(), &"2026-12-02T05:54:00Z".into())
    );
    assert_eq!((&derived["offpeak_today"]["hours"], &derived["offpeak_tomorrow"]["hours"]), (&"22:54–06:54".into(), &"22:54–06:54".into()));
    assert_eq!(
        derived["offpeak_tomorrow"]["periods"][0],
        serde_json::json!({"start": "2026-12-01T23:00:00Z", "end": "2026-12-02T05:54:00Z"})
    );
}

fn hours_changes(messages: &[Message]) -> Vec<(Value, Value, Value)> {
    let changes = events(messages).into_iter().filter(|event| event["event_type"] == "offpeak_hours_change");
    changes.map(|event| (event["day"].clone(), event["from"].clone(), event["to"].clone())).collect()
}

#[test]
fn hours_that_move_are_told_once_and_also_across_a_restart() {
    let mut bench = Bench::new(METER);
    for day in 1..=7 {
        assert_eq!(hours_changes(&apply(&mut bench, &frame(&format!("H26120{day}100000"), "02", OLD))), []);
    }
    let mut bench = restarted(&mut bench);
    let told = hours_changes(&apply(&mut bench, &frame("H261208100000", "02", NEW)));
    assert_eq!(told, [("2026-12-08".into(), "22:54–06:54".into(), "12:00–15:00, 23:00–05:00".into())]);
    let mut bench = restarted(&mut bench);
    for day in 8..=9 {
        assert_eq!(hours_changes(&apply(&mut bench, &frame(&format!("H26120{day}110000"), "02", NEW))), []);
    }
}

/// A real meter on a red evening before a white day: PJOURF+1 says blue for both.
#[test]
fn tomorrow_is_never_blue_on_a_white_or_red_day() {
    let mut bench = Bench::new("900064000001");
    for frame in cases("c1-std-tempo-red-then-white.tic").iter().take(3) {
        apply(&mut bench, frame);
    }
    let derived = derived(&bench);
    assert_eq!(derived["tomorrow_profile"], "00:00 HC ROUGE, 06:00 HP BLANC, 22:00 HC BLANC");
    assert_eq!(derived["tomorrow"]["blocks"][1], serde_json::json!({"time": "06:00", "index": 4, "tariff": "HP BLANC"}));
    assert_eq!((&derived["offpeak"], &derived["offpeak_tomorrow"]["hours"]), (&true.into(), &"22:00–06:00".into()));
}

#[test]
fn tomorrow_has_no_colour_until_one_is_announced() {
    let mut bench = Bench::new("900064000001");
    for frame in cases("c1-std-tempo-red-then-white.tic").into_iter().take(3) {
        apply(&mut bench, &frame.with("STGE", "933A9000").without("DPM1"));
    }
    assert_eq!(derived(&bench)["tomorrow_profile"], "00:00 HC ROUGE, 06:00 HP, 22:00 HC");
}

#[test]
fn days_of_the_tempo_season_are_kept_over_a_restart() {
    let mut bench = Bench::with(METER, Language::English, Migrate::None, Memory::default());
    let tempo = |time: &str, index: &str| {
        frame(time, index, "00004001 06004002 22004001").with("NGTF", "     TEMPO      ").with("STGE", "013A4401")
    };
    for (day, index) in [(1, "02"), (2, "02"), (3, "04")] {
        apply(&mut bench, &tempo(&format!("E26090{day}100000"), index));
    }
    let mut bench = restarted(&mut bench);
    let messages = apply(&mut bench, &tempo("E260904100000", "02"));
    let season = &json(&messages, "/derived").unwrap()["tempo_season"];
    assert_eq!((season["blue_used"].as_u64(), season["white_used"].as_u64(), season["red_left"].as_u64()), (Some(3), Some(1), Some(22)));
    assert_eq!((&season["partial"], &season["since"]), (&false.into(), &"2026-09-01".into()));
}

#[test]
fn a_historic_tempo_meter_has_hours_and_days() {
    let mut bench = Bench::new(METER);
    bench.apply(&frames("syn-hist-tempo-mono.tic").remove(0));
    let derived = derived(&bench);
    assert_eq!(derived["offpeak_today"]["hours"], "22:00–06:00");
    assert_eq!((&derived["tempo_season"]["blue_used"], &derived["tempo_season"]["partial"]), (&1.into(), &true.into()));
}
