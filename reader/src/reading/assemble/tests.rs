//! Frames in, samples out, in words.

use teleinfo_proto::{
    tic::{Decoder, Mode, Parity, RefusalKind, encode::FrameWriter},
    wire::{BootId, SampleKind},
};

use super::{Assembler, Moment};

/// A frame of these datasets.
fn frame(datasets: &[(&str, &str)]) -> Vec<u8> {
    let mut buffer = [0; 2_048];
    let mut writer = FrameWriter::new(&mut buffer, Mode::Historic).unwrap();
    for (label, data) in datasets {
        writer.dataset(label, None, data).unwrap();
    }
    writer.finish().unwrap().to_vec()
}

const METER: &str = "900061000001";
const OTHER: &str = "900061000002";

/// The samples of frames that come out, in words: kind, meter, datasets.
fn samples(assembler: &mut Assembler, bytes: &[u8]) -> Vec<String> {
    all_samples(assembler, bytes).into_iter().filter(|seen| !seen.contains("live")).collect()
}

/// The same, with live samples among them.
fn all_samples(assembler: &mut Assembler, bytes: &[u8]) -> Vec<String> {
    let mut decoder = Decoder::new(Parity::Stripped);
    let mut seen = vec![];
    let mut input = bytes;
    assembler.handle_bytes(bytes.len());
    while let Some(event) = decoder.next_event(&mut input) {
        assembler.handle_event(&event, Moment::default());
        while assembler.prepare_sample() {
            let sample = assembler.take_sample().unwrap().sample;
            let kind = match sample.kind {
                SampleKind::Frame { complete: true } => "whole",
                SampleKind::Frame { complete: false } => "part",
                SampleKind::Live => "live",
                SampleKind::Snapshot | SampleKind::Unknown(_) => "other",
            };
            let datasets: Vec<_> = sample.datasets.iter(sample.mode).map(|line| line.unwrap()).collect();
            let text: Vec<_> = datasets.iter().map(|line| format!("{}={}", line.label(), line.data())).collect();
            seen.push(format!("{} {kind} {} {}", sample.sequence, &sample.meter.as_str()[11..], text.join(" ")));
        }
    }
    seen
}

fn assembler() -> Assembler {
    Assembler::new(BootId::new(7))
}

#[test]
fn a_frame_is_a_sample() {
    let bytes = frame(&[("ADCO", METER), ("BASE", "000001000"), ("PAPP", "00540")]);
    assert_eq!(samples(&mut assembler(), &bytes), ["1 whole 1 ADCO=900061000001 BASE=000001000 PAPP=00540"]);
}

#[test]
fn datasets_before_the_first_name_wait_for_it() {
    let mut bytes = frame(&[("BASE", "000001000"), ("PAPP", "00540")]).split_off(1);
    bytes.extend(frame(&[("ADCO", METER), ("PAPP", "00550")]));
    let seen = samples(&mut assembler(), &bytes);
    assert_eq!(seen, ["1 part 1 BASE=000001000 PAPP=00540", "2 whole 1 ADCO=900061000001 PAPP=00550"]);
}

#[test]
fn without_a_name_nothing_is_sent() {
    let mut assembler = assembler();
    let bytes = frame(&[("BASE", "000001000")]).repeat(3);
    assert!(samples(&mut assembler, &bytes).is_empty());
    assert_eq!(assembler.counters().unidentified, 2, "and one still waits");
}

#[test]
fn a_frame_without_a_name_belongs_to_the_meter_before() {
    let mut assembler = assembler();
    samples(&mut assembler, &frame(&[("ADCO", METER), ("PAPP", "00540")]));
    assert_eq!(samples(&mut assembler, &frame(&[("PAPP", "00550")])), ["2 whole 1 PAPP=00550"]);
    assembler.handle_line_lost();
    assert!(samples(&mut assembler, &frame(&[("PAPP", "00560")])).is_empty());
}

#[test]
fn a_damaged_name_makes_no_meter() {
    let mut assembler = assembler();
    samples(&mut assembler, &frame(&[("ADCO", METER), ("BASE", "000001000")]));
    let damaged = frame(&[("ADCO", OTHER), ("BASE", "000001001")]);
    assert!(samples(&mut assembler, &damaged).is_empty());
    assert_eq!(samples(&mut assembler, &frame(&[("ADCO", METER), ("BASE", "000001001")])).len(), 1);
    assert!(samples(&mut assembler, &damaged.repeat(2)).is_empty());
    assert_eq!(samples(&mut assembler, &damaged).len(), 1, "said three times, it is a name");
}

#[test]
fn another_meter_is_known_by_its_indexes() {
    let mut assembler = assembler();
    samples(&mut assembler, &frame(&[("ADCO", METER), ("BASE", "000001000")]));
    let seen = samples(&mut assembler, &frame(&[("ADCO", OTHER), ("BASE", "070000000")]));
    assert_eq!(seen, ["2 whole 2 ADCO=900061000002 BASE=070000000"]);
}

#[test]
fn an_implausible_index_is_left_out() {
    let mut assembler = assembler();
    samples(&mut assembler, &frame(&[("ADCO", METER), ("BASE", "000001000")]));
    let seen = samples(&mut assembler, &frame(&[("ADCO", METER), ("BASE", "800001000"), ("PAPP", "00540")]));
    assert_eq!(seen, ["2 part 1 ADCO=900061000001 PAPP=00540"]);
    assert_eq!((assembler.counters().refused_implausible, assembler.counters.datasets_good), (1, 4));
}

#[test]
fn power_and_overload_do_not_wait() {
    let mut assembler = assembler();
    let first = frame(&[("ADCO", METER), ("IINST", "002"), ("PAPP", "00540")]);
    assert_eq!(all_samples(&mut assembler, &first), ["1 whole 1 ADCO=900061000001 IINST=002 PAPP=00540"], "whose it is must be known");
    let overload = frame(&[("ADCO", METER), ("BASE", "000001000"), ("ADPS", "031"), ("PAPP", "07130")]);
    let expected = ["1 live 1 ADPS=031", "1 live 1 PAPP=07130", "2 whole 1 ADCO=900061000001 BASE=000001000 ADPS=031 PAPP=07130"];
    assert_eq!(all_samples(&mut assembler, &overload), expected, "a live sample takes no number");
}

#[test]
fn what_a_frame_would_not_be_believed_in_is_not_live() {
    let mut assembler = assembler();
    samples(&mut assembler, &frame(&[("ADCO", METER), ("BASE", "000001000")]));
    let too_much = frame(&[("ADCO", METER), ("PAPP", "99999")]);
    assert_eq!(all_samples(&mut assembler, &too_much), ["2 part 1 ADCO=900061000001"]);
    let of_another = frame(&[("ADCO", OTHER), ("BASE", "000001001"), ("PAPP", "00540")]);
    assert!(all_samples(&mut assembler, &of_another).is_empty(), "the name is damaged, or it is another meter");
    assembler.handle_line_lost();
    let nameless = frame(&[("PAPP", "00540")]);
    assert!(all_samples(&mut assembler, &nameless).is_empty(), "after a break nobody knows whose it is");
}

#[test]
fn a_hurried_meter_is_judged_by_its_own_time() {
    let mut assembler = assembler();
    // 40 frames of about 160 bytes are 53 s at 1200 baud, though no time passes here.
    for second in 0..40_u32 {
        let base = format!("{:09}", 1_000 + second * 5);
        let bytes = frame(&[("ADCO", METER), ("BASE", &base), ("MSG1", &"x".repeat(120))]);
        assert_eq!(samples(&mut assembler, &bytes).len(), 1);
    }
    assert_eq!(assembler.counters().refused_implausible, 1, "the unknown label, when it came first");
}

#[test]
fn an_unknown_label_must_come_twice() {
    let mut assembler = assembler();
    let bytes = frame(&[("ADCO", METER), ("NEWLABEL", "42")]);
    assert_eq!(samples(&mut assembler, &bytes), ["1 part 1 ADCO=900061000001"]);
    assert_eq!(samples(&mut assembler, &bytes), ["2 whole 1 ADCO=900061000001 NEWLABEL=42"]);
    let chance = frame(&[("ADCO", METER), ("NEWLABEM", "42")]);
    assert_eq!(samples(&mut assembler, &chance), ["3 part 1 ADCO=900061000001"]);
}

#[test]
fn everything_is_counted() {
    let mut assembler = assembler();
    let mut bytes = frame(&[("ADCO", METER), ("PAPP", "00540")]);
    samples(&mut assembler, &bytes);
    bytes[10] ^= 1;
    samples(&mut assembler, &bytes);
    bytes.truncate(20);
    bytes.push(4);
    samples(&mut assembler, &bytes);
    let counters = assembler.counters();
    assert_eq!((counters.frames_good, counters.frames_damaged, counters.frames_cut), (1, 1, 1));
    assert_eq!((counters.datasets_good, counters.refused[RefusalKind::Checksum], counters.refused[RefusalKind::Malformed]), (3, 1, 1));
}

#[test]
fn a_frame_that_is_too_large_is_counted() {
    let mut assembler = assembler();
    let mut bytes = frame(&[("ADCO", METER)]);
    bytes.pop();
    for _ in 0..60 {
        let lines = frame(&[("MSG1", &"x".repeat(120))]);
        bytes.extend(&lines[1..lines.len() - 1]);
    }
    bytes.push(3);
    samples(&mut assembler, &bytes);
    let counters = assembler.counters();
    let too_long = counters.refused[RefusalKind::TooLong];
    assert!(too_long > 30, "{counters:?}");
    let datasets = counters.datasets_good + too_long + counters.refused_implausible;
    assert_eq!((datasets, counters.frames_damaged), (61, 1));
}
