//! What stays, what goes: sequences of frames and the merged state that comes of them.

mod common;

use common::{Bench, Frame, events, frames, json};
use teleinfo_proto::{tic::Mode, wire::SampleKind};

fn base() -> Frame {
    frames("syn-hist-base-mono.tic").remove(0)
}

const PARTIAL: SampleKind = SampleKind::Frame { complete: false };

#[test]
fn a_label_that_is_gone_is_gone() {
    let mut bench = Bench::new("021861000001");
    let all = frames("syn-hist-adps-mono.tic");
    let overloads: Vec<bool> = all
        .iter()
        .map(|frame| {
            bench.apply(frame);
            bench.state().get("ADPS").is_some()
        })
        .collect();
    assert_eq!(overloads, [false, true, false]);
}

#[test]
fn overload_is_said_at_once_and_ends_by_itself() {
    let mut bench = Bench::new("021861000001");
    let all = frames("syn-hist-adps-mono.tic");
    let told: Vec<Vec<serde_json::Value>> = all.iter().map(|frame| events(&bench.apply(frame))).collect();
    assert!(told[0].is_empty());
    assert_eq!(told[1][0]["event_type"], "overload_begin");
    assert_eq!(told[2][0]["event_type"], "overload_end");
    assert_eq!(told[2][0]["time"], "2024-01-07T17:00:00Z");
}

#[test]
fn a_live_sample_is_laid_over_and_tells_what_cannot_wait() {
    let mut bench = Bench::new("021861000001");
    let before = bench.apply(&Frame::historic(&[("PAPP", "07590")]).kind(SampleKind::Live));
    assert_eq!(before, [], "nothing is known of this meter yet");
    bench.apply(&base());
    let live = |bench: &mut Bench, label, data| bench.apply(&Frame::historic(&[(label, data)]).kind(SampleKind::Live));
    let messages = live(&mut bench, "ADPS", "033");
    assert_eq!(bench.state()["ADPS"]["value"], 33);
    assert_eq!(json(&messages, "021861000001"), None, "the merged state is told once a frame");
    assert_eq!(json(&messages, "/derived").unwrap()["overload"], true);
    assert_eq!(events(&messages)[0]["event_type"], "overload_begin");
    assert_eq!(live(&mut bench, "ADPS", "033"), [], "told once");
    let messages = live(&mut bench, "PAPP", "07590");
    // The power, and what Home Assistant shows of it.
    assert_eq!((messages.len(), json(&messages, "/power").unwrap()["apparent"].as_i64()), (2, Some(7_590)));
    assert_eq!((bench.state()["PAPP"]["value"].as_i64(), live(&mut bench, "IINST", "033")), (Some(7_590), vec![]));
    let standard = Frame { mode: Mode::Standard, ..Frame::historic(&[("SINSTS", "00500")]).kind(SampleKind::Live) };
    assert_eq!(bench.apply(&standard), [], "of another mode nothing is known yet");
}

#[test]
fn a_damaged_frame_blanks_nothing_for_five_frames() {
    let mut bench = Bench::new("021861000001");
    bench.apply(&base());
    let damaged = base().without("PAPP").kind(PARTIAL);
    for _ in 0..5 {
        bench.apply(&damaged);
        assert!(bench.state().get("PAPP").is_some());
    }
    bench.apply(&damaged);
    assert!(bench.state().get("PAPP").is_none());
    bench.apply(&base());
    assert!(bench.state().get("PAPP").is_some());
}

#[test]
fn a_label_comes_back_to_its_place() {
    let mut bench = Bench::new("021861000001");
    bench.apply(&base().without("PTEC"));
    bench.apply(&base().kind(PARTIAL));
    let labels: Vec<String> = bench.station.figures().state().datasets().map(|dataset| dataset.label().to_owned()).collect();
    let expected: Vec<String> = base().lines.into_iter().map(|line| line.label).collect();
    assert_eq!(labels, expected);
}

#[test]
fn an_identity_alone_changes_nothing() {
    let mut bench = Bench::new("021861000001");
    bench.apply(&base());
    let before = bench.state();
    let messages = bench.apply(&Frame::historic(&[("ADCO", "021861000001")]));
    assert_eq!(bench.state(), before);
    assert!(messages.iter().all(|message| message.topic != "teleinfo/021861000001"));
}

#[test]
fn short_frames_keep_the_long_ones_values() {
    let mut bench = Bench::new("021863000002");
    for frame in frames("syn-hist-tri-short.tic") {
        bench.apply(&frame);
        assert!(bench.state().get("PAPP").is_some(), "{frame:?}");
        assert!(bench.state().get("OPTARIF").is_some(), "{frame:?}");
    }
}

#[test]
fn phases_over_end_with_a_short_frame_without_them_or_two_long_ones() {
    let long = frames("syn-hist-tri-long.tic").remove(0);
    let short = Frame::historic(&[("ADCO", "021863000002"), ("IINST1", "031"), ("IINST2", "002"), ("IINST3", "001")]);
    let over = |bench: &Bench| bench.state().get("ADIR1").is_some();
    let mut bench = Bench::new("021863000002");
    bench.apply(&long);
    bench.apply(&short.clone().with("ADIR1", "031"));
    assert!(over(&bench));
    bench.apply(&long);
    assert!(over(&bench), "one long frame stands between short ones");
    bench.apply(&short);
    assert!(!over(&bench));
    bench.apply(&short.clone().with("ADIR1", "031"));
    bench.apply(&long);
    bench.apply(&long);
    assert!(!over(&bench));
}

#[test]
fn a_change_of_mode_starts_anew_and_is_told() {
    let mut bench = Bench::new("042161000001");
    bench.apply(&base());
    bench.pass(3);
    let messages = bench.apply(&frames("syn-std-base-mono.tic")[0]);
    let told = events(&messages);
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["event_type"], &told[0]["from"], &told[0]["to"]), (&"mode_change".into(), &"historic".into(), &"standard".into()));
    assert!(bench.state().get("PAPP").is_none());
}

#[test]
fn tariff_and_tempo_are_told() {
    let mut bench = Bench::new("021861000003");
    let told: Vec<serde_json::Value> = frames("syn-hist-tempo-mono.tic").iter().flat_map(|frame| events(&bench.apply(frame))).collect();
    let kinds: Vec<&str> = told.iter().filter_map(|event| event["event_type"].as_str()).collect();
    assert!(kinds.contains(&"tariff_change"), "{told:?}");
    assert!(kinds.contains(&"tempo_announcement"), "{told:?}");
}

#[test]
fn an_announcement_that_was_missed_is_told_late() {
    let mut bench = Bench::new("021861000003");
    let frame = frames("syn-hist-tempo-mono.tic").remove(0);
    bench.apply(&frame.clone().with("DEMAIN", "BLEU"));
    let told = events(&bench.apply(&frame.clone().with("DEMAIN", "ROUG")));
    assert_eq!((&told[0]["event_type"], &told[0]["tomorrow"]), (&"tempo_announcement".into(), &"red".into()));
    assert!(events(&bench.apply(&frame.with("DEMAIN", "----"))).is_empty());
}

#[test]
fn a_total_needs_all_indexes_of_its_contract() {
    let mut bench = Bench::new("021861000002");
    let frame = frames("syn-hist-hc-mono.tic").remove(0);
    let total = |messages: &[_]| json(messages, "/derived").map(|derived| derived["energy_total"].as_u64().unwrap());
    let first = total(&bench.apply(&frame)).unwrap();
    let hchp: u64 = frame.lines.iter().find(|line| line.label == "HCHP").unwrap().data.parse().unwrap();
    let of_total = |bench: &Bench| bench.station.statistics().into_iter().find(|statistic| statistic.unique_id.ends_with("energy_total"));
    assert_eq!(of_total(&bench).unwrap().labels, ["HCHC", "HCHP"]);
    let moved = frame.with("HCHP", &format!("{:09}", hchp + 3));
    let damaged = moved.clone().without("HCHC").kind(PARTIAL);
    let last = (0..7).map(|_| bench.apply(&damaged)).last().unwrap();
    assert_eq!(total(&last), None, "nothing new to say");
    assert!(bench.state().get("HCHC").is_none());
    assert_eq!(of_total(&bench).unwrap().labels, ["HCHC", "HCHP"], "not what happens to be known");
    assert_eq!(total(&bench.apply(&moved)), Some(first + 3));
    assert_eq!(of_total(&bench).unwrap().offset, 0);
}

#[test]
fn ejp_notice_and_peak() {
    let mut bench = Bench::new("021861000004");
    let mut seen = Vec::new();
    for frame in frames("syn-hist-ejp-mono.tic") {
        let messages = bench.apply(&frame);
        let derived = json(&messages, "/derived").unwrap();
        seen.push((derived["peak_notice"].as_bool(), derived["peak_running"].as_bool()));
    }
    assert_eq!(seen, [(Some(false), Some(false)), (Some(true), Some(false)), (Some(false), Some(true))]);
}

#[test]
fn dates_of_the_next_mobile_peak() {
    let mut bench = Bench::new("042161000021");
    let frame = frames("syn-std-tempo-red-announced.tic").remove(0);
    let unnamed = json(&bench.apply(&frame), "/derived").unwrap();
    assert_eq!(unnamed["tomorrow_profile"], "00:00 index 1, 06:00 index 2, 22:00 index 1");
    let derived = json(&bench.apply(&frame), "/derived").unwrap();
    assert_eq!((&derived["peak_start"], &derived["peak_end"]), (&"2024-01-08T05:00:00Z".into(), &"2024-01-09T05:00:00Z".into()));
    assert_eq!(derived["peak_profile"], "00:00 index 5, 06:00 index 6, 22:00 index 5");
    assert_eq!(derived["tomorrow_profile"], "00:00 index 1, 06:00 HP BLEU, 22:00 index 1");
}

#[test]
fn subscribed_power_of_every_kind() {
    for (name, expected) in
        [("syn-hist-base-mono.tic", 6_000), ("syn-hist-linky-tri.tic", 18_000), ("syn-std-tempo-red-announced.tic", 12_000)]
    {
        let mut bench = Bench::new("042161000021");
        let frame = frames(name).remove(0);
        let subscribed = json(&bench.apply(&frame), "/derived").unwrap()["subscribed_power"].clone();
        assert_eq!(subscribed, expected, "{name}");
    }
}

#[test]
fn a_message_of_one_frame_is_told_and_kept() {
    let mut bench = Bench::new("042161000021");
    let all = frames("syn-std-msg2.tic");
    let told: Vec<serde_json::Value> = all.iter().flat_map(|frame| events(&bench.apply(frame))).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["event_type"], "message");
    assert!(bench.state().get("MSG2").is_none());
    let messages = bench.station.everything();
    assert_eq!(json(&messages, "/derived").unwrap()["message_ultra_short"], told[0]["text"]);
}

#[test]
fn a_snapshot_of_the_past_is_no_state() {
    let mut bench = Bench::new("021861000001");
    bench.apply(&base());
    let messages = bench.apply(&Frame::historic(&[("BASE", "000000123")]).kind(SampleKind::Snapshot));
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].topic, "teleinfo/021861000001/history");
    assert_eq!(messages[0].text(), r#"{"time":"2024-01-07T17:00:00Z","BASE":{"raw":"000000123","value":123}}"#);
    assert_ne!(bench.state()["BASE"]["value"], 123);
}

#[test]
fn an_index_reset_is_told() {
    let mut bench = Bench::new("021861000001");
    bench.apply(&base());
    bench.counters.index_resets += 1;
    let told = events(&bench.apply(&base()));
    assert_eq!(told[0]["event_type"], "index_reset");
}
