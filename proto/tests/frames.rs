//! The decoder on whole files: well-formed frames of every contract, and frames damaged on purpose (`tests/frames/INDEX.md`).

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use teleinfo_proto::tic::{Beginning, Decoder, Event, Parity, Value};

/// What is in a file: datasets taken, whole frames, damaged control characters, and why each refused dataset was.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    good: usize,
    whole: usize,
    damaged_line_feeds: u32,
    damaged_starts: u32,
    refused: Vec<String>,
}

fn decode(parity: Parity, bytes: &[u8]) -> Found {
    let mut decoder = Decoder::new(parity);
    let (mut input, mut found) = (bytes, Found::default());
    while let Some(event) = decoder.next_event(&mut input) {
        match event {
            Event::Dataset(_) => found.good += 1,
            Event::Refused(refusal) => {
                found.refused.push(format!("{} {}", refusal.label.unwrap_or("?"), refusal.reason.kind().name()));
            }
            Event::FrameEnd(end) => {
                found.whole += usize::from(end.is_whole());
                found.damaged_line_feeds += end.damaged_line_feeds;
                found.damaged_starts += u32::from(end.beginning == Beginning::Address);
            }
            Event::FrameStart => {}
        }
    }
    found
}

fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frames").join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn names(prefix: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frames");
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with(prefix) && name.ends_with(".tic")).collect()
}

#[test]
fn well_formed_frames_are_taken_whole() {
    // Datasets between an LF and the ETX that follows it, counted by hand from the index.
    let names = names("syn-");
    assert!(names.len() > 30, "{} files", names.len());
    for name in &names {
        let bytes = file(name);
        let found = decode(Parity::Stripped, &bytes);
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!((found.good, found.refused.len()), (lines, 0), "{name}: {:?}", found.refused);
    }
}

#[test]
fn damage_is_refused_dataset_by_dataset() {
    let table: &[(&str, usize, &[&str])] = &[
        ("bad-hist-bit6-flip-undetected-by-sum.tic", 10, &["PAPP characters"]),
        ("bad-hist-bitflip-digit.tic", 10, &["HCHC checksum"]),
        ("bad-hist-cr-became-ff.tic", 10, &["IINST malformed"]),
        ("bad-hist-lf-became-vt.tic", 11, &[]),
        ("bad-hist-overlong-group.tic", 22, &["? too-long"]),
        // No check of the protocol can see this one.
        ("bad-hist-swapped-digits-undetected.tic", 11, &[]),
        ("bad-mode-switch.tic", 54, &["? malformed"]),
        ("bad-std-bitflip-data.tic", 37, &["EAST checksum"]),
        ("bad-std-eot-mid-group.tic", 57, &["EASD04 malformed"]),
        ("bad-std-missing-separator.tic", 37, &["URMS1231 checksum"]),
        ("bad-std-no-etx-next-stx.tic", 76, &[]),
        ("bad-std-starts-mid-frame.tic", 61, &[]),
        ("bad-std-stx-inside.tic", 57, &["EASD04 malformed"]),
        ("bad-std-tab-became-space.tic", 37, &["IRMS1 checksum"]),
        ("bad-std-truncated.tic", 26, &[]),
        ("bad-std-two-spaces-lost-undetected.tic", 37, &["NGTF width"]),
    ];
    for (name, good, refused) in table {
        let found = decode(Parity::Stripped, &file(name));
        assert_eq!((found.good, found.refused.as_slice()), (*good, refused.map_strings().as_slice()), "{name}");
    }
}

/// Real lines damage every LF or STX for weeks: no dataset is lost by it, and each damaged character is counted.
#[test]
fn damaged_control_characters_lose_nothing() {
    // Datasets, whole frames, damaged LF, damaged STX.
    let table = [
        ("../cases/lf0f.tic", 90, 5, 85, 0),
        ("../cases/aa2-std-lf-is-0f-stx-good.tic", 304, 8, 296, 0),
        ("../cases/aa4-std-only-stx-is-c-no-names.tic", 288, 8, 0, 8),
        ("../cases/nostx.tic", 360, 20, 340, 20),
        ("bad-hist-lf-became-vt.tic", 11, 1, 1, 0),
        ("syn-std-hc-mono.tic", 38, 1, 0, 0),
    ];
    for (name, good, whole, line_feeds, starts) in table {
        let found = decode(Parity::Stripped, &file(name));
        let expected = Found { good, whole, damaged_line_feeds: line_feeds, damaged_starts: starts, refused: vec![] };
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn parity_left_in_bit_seven() {
    for (name, good) in [("bad-hist-8bit-parity-kept.tic", 11), ("bad-std-8bit-parity-kept.tic", 38)] {
        let bytes = file(name);
        let found = decode(Parity::Even, &bytes);
        assert_eq!((found.good, found.refused.len()), (good, 0), "{name}");
        assert_eq!(decode(Parity::Stripped, &bytes).good, 0, "{name}: without parity, bit 7 is damage");
    }
}

/// A frame published with its meter's address altered by hand, so that the checksum of ADCO does not hold (it would be `7`).
const PUBLISHED: &[u8] = b"\x02\nADCO 012345678912 B\r\nOPTARIF BASE 0\r\nISOUSC 30 9\r\nBASE 002815235 %\r\nPTEC TH.. $\r\nIINST 001 X\r\
    \nIMAX 090 H\r\nPAPP 00260 )\r\nHHPHC A ,\r\nMOTDETAT 000000 B\r\x03";

#[test]
fn published_frame_of_a_real_meter() {
    let found = decode(Parity::Stripped, PUBLISHED);
    assert_eq!((found.good, found.whole, found.refused), (9, 1, vec!["ADCO checksum".to_owned()]));
    let mut mended = PUBLISHED.to_vec();
    let place = mended.windows(3).position(|window| window == b" B\r").unwrap() + 1;
    mended[place] = teleinfo_proto::tic::checksum(b"ADCO 012345678912");
    assert_eq!(decode(Parity::Stripped, &mended).good, 10);
    let mut decoder = Decoder::new(Parity::Stripped);
    let (mut input, mut numbers) = (mended.as_slice(), vec![]);
    while let Some(event) = decoder.next_event(&mut input) {
        if let Event::Dataset(dataset) = event
            && let Some(number) = dataset.value().number()
        {
            assert_ne!(dataset.value(), Value::Nothing);
            numbers.push((dataset.label().to_owned(), number));
        }
    }
    let expected = [("ADCO", 12_345_678_912), ("ISOUSC", 30), ("BASE", 2_815_235), ("IINST", 1), ("IMAX", 90), ("PAPP", 260)];
    assert_eq!(numbers, expected.map(|(label, number)| (label.to_owned(), number)));
}

trait MapStrings {
    fn map_strings(&self) -> Vec<String>;
}

impl MapStrings for &[&str] {
    fn map_strings(&self) -> Vec<String> {
        self.iter().map(|&text| text.to_owned()).collect()
    }
}
