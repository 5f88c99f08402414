//! Simulated meters against the project's own decoder: all contracts, phases and modes, through days that matter.

use super::*;
use crate::meter::registers::energy::WRAP;
use crate::meter::tariff::clock::parse_start;
use crate::meter::tariff::contract::Contract;
use std::collections::HashMap;
use teleinfo_proto::tic::{Decoder, Ending, Event, Parity, StatusRegister};

fn options(mode: Mode, contract: &str, phases: usize, start: &str) -> MeterOptions {
    MeterOptions { phases, ..MeterOptions::new(mode, Contract::find(contract).unwrap(), parse_start(start).unwrap()) }
}

fn data<'f>(frame: &'f Frame, label: &str) -> Option<&'f str> {
    let group = frame.groups.iter().find(|group| group.label == label)?;
    Some(&group.data)
}

fn number(frame: &Frame, label: &str) -> u64 {
    data(frame, label).unwrap().parse().unwrap()
}

/// Jumps to the frame after this many seconds.
fn skip(meter: &mut Meter, seconds: u64) -> Frame {
    meter.line += Duration::from_secs(seconds);
    meter.next_frame().0
}

/// Every group comes out of the decoder as it went in, and nothing is refused.
fn assert_decodes(frame: &Frame) {
    let mut decoder = Decoder::new(Parity::Stripped);
    let mut input = frame.bytes.as_slice();
    let mut groups = frame.groups.iter();
    let mut end = None;
    while let Some(event) = decoder.next_event(&mut input) {
        match event {
            Event::Dataset(dataset) => {
                let group = groups.next().unwrap();
                let timestamp = group.timestamp.as_deref();
                assert_eq!((dataset.label(), dataset.timestamp(), dataset.data()), (group.label, timestamp, group.data.as_str()));
            }
            Event::Refused(refusal) => panic!("{refusal} in {:?}", frame.groups),
            Event::FrameEnd(how) => end = Some(how.ending),
            Event::FrameStart => {}
        }
    }
    assert!(groups.next().is_none());
    let expected = if frame.complete { Ending::Etx } else { Ending::Eot };
    assert_eq!(end, Some(expected));
}

fn assert_sums(frame: &Frame) {
    let sum = |prefix: &str| -> u64 {
        let of = frame.groups.iter().filter(|group| group.label.starts_with(prefix));
        of.map(|group| group.data.parse::<u64>().unwrap()).sum()
    };
    assert_eq!(number(frame, "EAST"), sum("EASF") % WRAP);
    assert_eq!(number(frame, "EAST"), sum("EASD") % WRAP);
}

/// The status register says the same as the other groups.
fn assert_status(frame: &Frame) {
    let status: StatusRegister = data(frame, "STGE").unwrap().parse().unwrap();
    assert_eq!(u64::from(status.supplier_index().unwrap()), number(frame, "NTARF"));
    assert_eq!(status.dry_contact_open(), number(frame, "RELAIS") & 1 == 0);
    assert!(status.standard_mode());
    assert_eq!(status.producer(), data(frame, "EAIT").is_some());
    if status.producer() && status.injecting() {
        assert_eq!(number(frame, "SINSTS"), 0);
    }
    let running = status.mobile_peak().map(|number| format!("DPM{number}"));
    assert!(running.is_none_or(|label| data(frame, &label).is_some()));
}

#[test]
fn every_meter_decodes_through_days_of_every_season() {
    for contract in Contract::all() {
        for (phases, producer) in [(1, false), (1, true), (3, false), (3, true)] {
            for mode in [Mode::Historic, Mode::Standard] {
                for start in ["2024-01-15T17:00:00", "2024-07-14T12:00:00", "2024-03-30T20:00:00", "2024-10-26T20:00:00"] {
                    let mut meter = Meter::new(MeterOptions { producer, ..options(mode, contract.name, phases, start) });
                    for _ in 0..90 {
                        let frame = skip(&mut meter, 431);
                        assert_decodes(&frame);
                        if mode == Mode::Standard {
                            assert_sums(&frame);
                            assert_status(&frame);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn neighbouring_frames_decode_too() {
    for (mode, phases) in [(Mode::Historic, 1), (Mode::Historic, 3), (Mode::Standard, 1), (Mode::Standard, 3)] {
        let mut meter = Meter::new(options(mode, "tempo", phases, "2024-01-15T18:00:00"));
        for _ in 0..3000 {
            assert_decodes(&meter.next_frame().0);
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let stream = |seed| -> Vec<u8> {
        let mut meter = Meter::new(MeterOptions { seed, ..options(Mode::Standard, "tempo", 3, "2024-01-15T18:00:00") });
        (0..500).flat_map(|_| skip(&mut meter, 60).bytes).collect()
    };
    assert_eq!(stream(1), stream(1));
    assert_ne!(stream(1), stream(2));
}

#[test]
fn frames_have_the_groups_and_the_length_of_real_ones() {
    let size = |mode, contract, phases, producer| {
        let options = options(mode, contract, phases, "2024-07-14T12:00:00");
        let frame = Meter::new(MeterOptions { producer, ..options }).next_frame().0;
        (frame.groups.len(), frame.bytes.len())
    };
    assert_eq!(size(Mode::Historic, "base", 1, false), (10, 152));
    assert_eq!(size(Mode::Historic, "hc", 1, false), (11, 170));
    assert_eq!(size(Mode::Historic, "tempo", 1, false), (16, 275));
    assert_eq!(size(Mode::Historic, "base", 3, false), (16, 233));
    assert_eq!(size(Mode::Standard, "base", 1, false), (38, 865));
    assert_eq!(size(Mode::Standard, "base", 1, true), (48, 1093));
    assert_eq!(size(Mode::Standard, "base", 3, false), (53, 1214));
    assert_eq!(size(Mode::Standard, "base", 3, true), (63, 1442));
}

#[test]
fn a_house_with_a_quarter_of_the_load_draws_a_quarter() {
    let drawn = |load| {
        let mut meter = Meter::new(MeterOptions { load, ..options(Mode::Standard, "base", 1, "2024-01-15T18:00:00") });
        let first = meter.next_frame().0.energy.drawn;
        skip(&mut meter, 24 * 3_600).energy.drawn - first
    };
    let (whole, quarter) = (drawn(1.0), drawn(0.25));
    assert!(quarter.abs_diff(whole / 4) <= whole / 100, "{quarter} of {whole} Wh");
}

#[test]
fn energy_follows_the_power_that_is_shown() {
    let mut meter = Meter::new(options(Mode::Standard, "hc", 1, "2024-01-15T18:00:00"));
    let first = number(&meter.next_frame().0, "EAST");
    let mut watt_seconds = 0.0;
    while meter.line < Duration::from_secs(3600) {
        let before = meter.line;
        let frame = meter.next_frame().0;
        watt_seconds += number(&frame, "SINSTS") as f64 * (meter.line - before).as_secs_f64();
        if meter.line >= Duration::from_secs(3600) {
            let counted = number(&frame, "EAST") - first;
            let shown = watt_seconds / 3600.0;
            // SINSTS is apparent power: a few percent above.
            assert!((0.9..1.02).contains(&(counted as f64 / shown)), "{counted} Wh, {shown} VAh");
        }
    }
}

#[test]
fn indexes_only_grow() {
    let mut meter = Meter::new(options(Mode::Historic, "tempo", 1, "2024-01-15T18:00:00"));
    let mut last: HashMap<&str, u64> = HashMap::new();
    for _ in 0..2000 {
        let frame = skip(&mut meter, 77);
        for group in frame.groups.iter().filter(|group| group.label.starts_with("BBR")) {
            let value = group.data.parse().unwrap();
            assert!(last.insert(group.label, value).is_none_or(|before| before <= value));
        }
    }
}

#[test]
fn the_index_wraps_at_nine_digits() {
    let mut meter = Meter::new(MeterOptions { index: Some(WRAP - 20), ..options(Mode::Standard, "base", 1, "2024-01-15T18:00:00") });
    assert_eq!(number(&meter.next_frame().0, "EAST"), WRAP - 20);
    let frame = skip(&mut meter, 3600);
    assert!(number(&frame, "EAST") < 10_000);
    assert_sums(&frame);
}

#[test]
fn a_small_subscription_is_exceeded_and_the_breaker_opens() {
    let mut options = options(Mode::Historic, "base", 1, "2024-01-15T18:00:00");
    options.power = Some(2);
    let mut meter = Meter::new(options.clone());
    let mut warned = 0;
    for _ in 0..20_000 {
        let frame = meter.next_frame().0;
        let over = number(&frame, "IINST") > number(&frame, "ISOUSC");
        assert_eq!(over, data(&frame, "ADPS").is_some());
        assert!(!over || data(&frame, "ADPS") == data(&frame, "IINST"));
        warned += usize::from(over);
    }
    assert!(warned > 10, "{warned}");

    options.mode = Mode::Standard;
    let mut meter = Meter::new(options);
    let statuses: Vec<StatusRegister> = (0..30_000).map(|_| data(&meter.next_frame().0, "STGE").unwrap().parse().unwrap()).collect();
    assert!(statuses.iter().any(|status| status.over_power()));
    assert!(statuses.iter().any(|status| status.cut_off() == Some(teleinfo_proto::tic::CutOff::OpenOverPower)));
}

#[test]
fn a_three_phase_overload_breaks_off_and_sends_short_frames() {
    let mut options = options(Mode::Historic, "base", 3, "2024-01-15T18:00:00");
    options.power = Some(6);
    let mut meter = Meter::new(options);
    let frames: Vec<Frame> = (0..10_000).map(|_| meter.next_frame().0).collect();
    let cut = frames.iter().position(|frame| !frame.complete).unwrap();
    assert!(frames[cut].bytes.ends_with(b"\r\x04"));
    let short = |frame: &Frame| data(frame, "OPTARIF").is_none();
    assert!(frames[cut + 1..cut + 21].iter().all(short));
    assert!(frames[cut + 1].groups[0].label.starts_with("ADIR"));
    assert!(!short(&frames[cut + 21]) && frames[cut + 21].complete);
    assert!(frames.iter().skip(cut + 100).any(|frame| !short(frame)));
    frames.iter().for_each(assert_decodes);
}

#[test]
fn the_mode_switch_keeps_identity_and_registers() {
    let mut options = options(Mode::Historic, "hc", 1, "2024-01-15T18:00:00");
    options.changes = vec!["60=standard".parse().unwrap()];
    let mut meter = Meter::new(options);
    let frames: Vec<Frame> = (0..100).map(|_| meter.next_frame().0).collect();
    let at = frames.iter().position(|frame| frame.mode == Mode::Standard).unwrap();
    assert!((40..50).contains(&at));
    assert!(!frames[at - 1].complete);
    assert_eq!(data(&frames[0], "ADCO"), data(&frames[at], "ADSC"));
    assert!(number(&frames[at], "EASF02") - number(&frames[0], "HCHP") < 200);
    assert!(frames[at..].iter().all(|frame| frame.mode == Mode::Standard && frame.complete));
}

/// A meter of 2018 that has had Tempo, and something with a seventh index: real registers (`NB#5`), with one more.
fn with_a_past(mode: Mode, contract: &str, changes: &[&str]) -> MeterOptions {
    MeterOptions {
        registers: Some("EASF01=15506794,EASF02=9861893,EASF03=826037,EASF04=514699,EASF05=442412,EASF06=265022,EASF07=1".parse().unwrap()),
        changes: changes.iter().map(|change| change.parse().unwrap()).collect(),
        ..options(mode, contract, 1, "2024-01-15T18:00:00")
    }
}

const SUM_OF_THE_PAST: u64 = 27_416_858;

#[test]
fn each_contract_shows_its_registers_of_one_meter() {
    for (contract, expected) in [
        ("base", vec![("BASE", 15_506_794)]),
        ("weekend", vec![("BASE", SUM_OF_THE_PAST)]),
        ("hc", vec![("HCHC", 15_506_794), ("HCHP", 9_861_893)]),
        ("ejp", vec![("EJPHN", 15_506_794), ("EJPHPM", 9_861_893)]),
        ("tempo", vec![("BBRHCJB", 15_506_794), ("BBRHCJW", 826_037), ("BBRHPJR", 265_022)]),
    ] {
        let frame = Meter::new(with_a_past(Mode::Historic, contract, &[])).next_frame().0;
        for (label, value) in expected {
            assert_eq!(number(&frame, label), value, "{contract} {label}");
        }
        let frame = Meter::new(with_a_past(Mode::Standard, contract, &[])).next_frame().0;
        assert_eq!((number(&frame, "EAST"), number(&frame, "EASF07")), (SUM_OF_THE_PAST, 1));
    }
}

#[test]
fn registers_go_on_through_every_change_of_contract_and_mode() {
    let changes = ["600=hc", "1200=weekend", "1800=standard", "1800=tempo", "2400=producer", "3000=historic", "3600=base"];
    let mut meter = Meter::new(with_a_past(Mode::Historic, "tempo", &changes));
    let (mut before, mut seen) = (meter.energy().clone(), Vec::new());
    while meter.line < Duration::from_secs(4200) {
        let frame = meter.next_frame().0;
        let energy = meter.energy();
        assert!(before.supplier.iter().zip(energy.supplier).all(|(before, now)| (*before..before + 50).contains(&now)));
        assert_eq!(energy.total, energy.supplier.iter().sum::<u64>());
        assert_eq!(energy.total, energy.distributor.iter().sum::<u64>());
        before = energy.clone();
        let shown = (data(&frame, "OPTARIF").or(data(&frame, "NGTF")).unwrap_or("?").trim().to_owned(), data(&frame, "EAIT").is_some());
        if frame.complete && seen.last() != Some(&shown) {
            seen.push(shown);
        }
    }
    let expected = [("BBR(", false), ("HC..", false), ("BASE", false), ("TEMPO", false), ("TEMPO", true), ("BBR(", false), ("BASE", false)];
    assert!(seen.iter().map(|(name, producer)| (name.as_str(), *producer)).eq(expected), "{seen:?}");
    assert_eq!(before.supplier[4..], [442_412, 265_022, 1, 0, 0, 0]);
}

#[test]
fn a_meter_that_takes_the_place_begins_at_zero_under_its_own_address() {
    let mut meter = Meter::new(with_a_past(Mode::Standard, "hc", &["60=900061000009"]));
    let frames: Vec<Frame> = (0..100).map(|_| meter.next_frame().0).collect();
    let at = frames.iter().position(|frame| data(frame, "ADSC") == Some("900061000009")).unwrap();
    assert!(!frames[at - 1].complete);
    assert!(frames[at].unix >= frames[at - 1].unix + 10);
    assert!(number(&frames[at], "EAST") < 20);
    assert_sums(&frames[at]);
}

#[test]
fn a_message_is_shown_once_in_short_and_always_in_full() {
    let mut options = options(Mode::Standard, "base", 1, "2024-01-15T18:00:00");
    options.message = Some("COUPURE DEMAIN DE 9H A 11H".into());
    let mut meter = Meter::new(options);
    let first = meter.next_frame().0;
    assert_eq!(data(&first, "MSG2"), Some("COUPURE DEMAIN D"));
    let second = meter.next_frame().0;
    assert_eq!(data(&second, "MSG2"), None);
    assert_eq!(data(&second, "MSG1"), Some("COUPURE DEMAIN DE 9H A 11H      "));
}

#[test]
fn maxima_and_curve_points_are_dated_in_the_past() {
    let mut meter = Meter::new(options(Mode::Standard, "base", 3, "2024-01-15T18:00:00"));
    for _ in 0..300 {
        let frame = skip(&mut meter, 600);
        let now: teleinfo_proto::tic::Timestamp = frame.groups[2].timestamp.as_deref().unwrap().parse().unwrap();
        assert_eq!(frame.groups[2].label, "DATE");
        for group in frame.groups.iter().filter(|group| group.timestamp.is_some()) {
            let stamp: teleinfo_proto::tic::Timestamp = group.timestamp.as_deref().unwrap().parse().unwrap();
            assert!(stamp.unix_seconds() <= now.unix_seconds(), "{group:?}");
        }
    }
}
