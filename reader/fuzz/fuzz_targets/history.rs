//! Any bytes as the saved history, as they are and with checksums that hold: no panic, nothing that is no sample is answered, an answer comes
//! to its end, and what is kept of the file is kept again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use teleinfo_proto::wire::{BootId, Sample, SampleKind};
use teleinfo_reader::fuzzing::Restored;

/// Where the records begin, and how long the head of each is: which ring, length, checksum.
const RECORDS: usize = 8;
const HEAD: usize = 7;
/// More samples than the smallest history holds.
const ANSWER_MAX: usize = 4_096;

/// The same file with the checksum that each record should have.
fn with_checksums(file: &[u8]) -> Vec<u8> {
    let (mut file, mut at) = (file.to_vec(), RECORDS);
    while let Some(&[which, low, high, ..]) = file.get(at..at + HEAD) {
        let length = usize::from(u16::from_le_bytes([low, high]));
        let Some(content) = file.get(at + HEAD..at + HEAD + length) else { break };
        let sum = crc32fast::hash(&[&[which][..], &(length as u32).to_le_bytes(), content].concat());
        file[at + 3..at + HEAD].copy_from_slice(&sum.to_le_bytes());
        at += HEAD + length;
    }
    file
}

/// A sample of a run that no file can know of.
fn newest() -> Vec<u8> {
    let mut bytes = [0; Sample::BYTES_MAX];
    let boot = BootId::new(u64::MAX - 1);
    let sample = Sample { boot, sequence: 1, kind: SampleKind::Frame { complete: true }, ..Sample::decode(FRAME).expect("a sample") };
    sample.encode(&mut bytes).expect("there is room").to_vec()
}

/// A frame as a reader sends it.
const FRAME: &[u8] = include_bytes!("../../../proto/fuzz/corpus/wire/frame");

fn hold(file: &[u8], question: &str) {
    let Ok(mut restored) = Restored::of(file) else { return };
    let samples = restored.answer("").expect("a question for everything");
    assert!(samples.len() <= ANSWER_MAX && samples.iter().all(|sample| Sample::decode(sample).is_ok()));
    if let Some(part) = restored.answer(question) {
        assert!(part.iter().all(|sample| samples.contains(sample)), "an answer with more than there is");
    }
    let again = Restored::of(&restored.file()).expect("a history");
    assert_eq!((again.damaged, again.answer("")), (0, Some(samples)), "what was read is written, and read again");
    restored.push(&newest());
    let after = restored.answer("").expect("a question for everything");
    assert_eq!(after.last(), Some(&newest()), "what is new is answered, whatever the file held");
}

fuzz_target!(|bytes: &[u8]| {
    // A question is text before the first line feed.
    let (question, file) = bytes.split_at(bytes.iter().position(|byte| *byte == b'\n').unwrap_or(0));
    let file = file.strip_prefix(b"\n").unwrap_or(file);
    let question = String::from_utf8_lossy(question);
    hold(file, &question);
    hold(&with_checksums(file), &question);
});
