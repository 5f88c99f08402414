//! The bytes of version 2, and what a release does with a message of another one.
//!
//! Do not change this test: readers and bridges of different releases work together, and a new layout is a new version. Messages grow by
//! fields at their end, and by new numbers for kinds, lines, causes and counters. For those, a test is added.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use teleinfo_proto::{
    tic::{Dataset, Mode, RefusalKind},
    wire::{
        self, BootId, Cause, Counters, Datasets, DatasetsWriter, Error, Extent, Goodbye, LineState, Message, Sample, SampleKind, Status,
        keys,
    },
};

const METER: &str = "900061000001";

fn counters() -> Counters {
    let mut counters = Counters { bytes: 300, frames_good: 1, reconnects: 18, ..Counters::default() };
    counters.refused[RefusalKind::Checksum] = 6;
    counters
}

/// Four of them, each with its number; a reason of refusal has 32 and its own.
const COUNTER_BYTES: [u8; 10] = [4, 1, 0xac, 0x02, 2, 1, 10, 18, 32 + 2, 6];

/// A message in its envelope.
fn envelope(of: u8, message: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, of, 0, 0];
    bytes.extend((message.len() as u16).to_be_bytes());
    bytes.extend(message);
    bytes
}

/// What stands in a sample before its counters.
fn sample_fields(kind: u8) -> Vec<u8> {
    let mut bytes = vec![
        0xef, 0xfd, 0xb6, 0xf5, 0x0d, // boot
        7,    // sequence
        kind, // a complete frame is 1
        0xd0, 0x0f, // unix, zigzag
        0xe8, 0x07, // uptime
        1,    // standard
    ];
    bytes.extend(METER.bytes());
    let datasets: Vec<u8> = [&[4][..], b"VTIC", &[0, 2], b"02", &[4], b"DATE", &[1, 13], b"E170915101601", &[0]].concat();
    bytes.push(datasets.len() as u8);
    bytes.extend(datasets);
    bytes
}

fn sample_bytes() -> Vec<u8> {
    envelope(4, &[sample_fields(1), COUNTER_BYTES.to_vec()].concat())
}

fn with_sample(check: impl FnOnce(Sample<'_>)) {
    let mut buffer = [0; 64];
    let mut datasets = DatasetsWriter::resume(&mut buffer, 0);
    datasets.push(&Dataset::new(Mode::Standard, "VTIC", None, "02").unwrap()).unwrap();
    datasets.push(&Dataset::new(Mode::Standard, "DATE", Some("E170915101601"), "").unwrap()).unwrap();
    check(Sample {
        boot: BootId::new(0xdead_beef),
        sequence: 7,
        kind: SampleKind::Frame { complete: true },
        unix_ms: 1_000,
        uptime_ms: 1_000,
        mode: Mode::Standard,
        meter: METER.parse().unwrap(),
        datasets: datasets.finish(),
        counters: counters(),
    });
}

#[test]
fn a_sample() {
    with_sample(|sample| {
        let mut buffer = [0; Sample::BYTES_MAX];
        assert_eq!(sample.encode(&mut buffer).unwrap(), sample_bytes());
        assert_eq!(Sample::decode(&sample_bytes()).unwrap(), sample);
        assert_eq!(wire::open(&keys::sample(&sample.meter), &sample_bytes()), Ok(Message::Sample(sample)));
    });
}

#[test]
fn a_goodbye() {
    let goodbye = Goodbye { boot: BootId::new(5), meter: METER.parse().unwrap() };
    let expected = envelope(5, &[&[5][..], METER.as_bytes()].concat());
    let mut buffer = [0; Goodbye::BYTES_MAX];
    assert_eq!(goodbye.encode(&mut buffer).unwrap(), expected);
    assert_eq!(wire::open(&keys::sample(&goodbye.meter), &expected), Ok(Message::Goodbye(goodbye)));
}

fn status() -> Status<'static> {
    Status {
        name: "pi",
        release: "0.1.0",
        boot: BootId::new(5),
        unix_ms: -1,
        uptime_ms: 2,
        line: LineState::Reading,
        cause: Cause::Noise,
        mode: Some(Mode::Historic),
        meter: None,
        history: Extent { oldest: 3, newest: 4 },
        label: "",
        counters: counters(),
    }
}

fn status_fields(line: u8, cause: u8, mode: u8) -> Vec<u8> {
    [&[2][..], b"pi", &[5], b"0.1.0", &[5, 1, 2, line, cause, mode, 0, 3, 4, 0]].concat()
}

#[test]
fn a_status() {
    let expected = envelope(6, &[status_fields(5, 7, 1), COUNTER_BYTES.to_vec()].concat());
    let mut buffer = [0; Status::BYTES_MAX];
    assert_eq!(status().encode(&mut buffer).unwrap(), expected);
    assert_eq!(wire::open("tic/v2/reader/pi/status", &expected), Ok(Message::Status(status())));
}

#[test]
fn the_longest_status_fits() {
    let name = "n".repeat(keys::NAME_BYTES_MAX);
    let mut counters = Counters { bytes: u64::MAX, frames_good: u32::MAX, ..Counters::default() };
    RefusalKind::ALL.iter().for_each(|kind| counters.refused[*kind] = u32::MAX);
    let longest = Status { name: &name, release: &name, uptime_ms: u64::MAX, boot: BootId::new(u64::MAX), counters, ..status() };
    assert!(longest.encode(&mut [0; Status::BYTES_MAX]).is_ok());
}

#[test]
fn a_later_release_may_add_fields_counters_and_numbers() {
    let more_counters: Vec<u8> = [&[6][..], &COUNTER_BYTES[1..], &[99, 1], &[0xff, 0xff, 0x03, 0xff, 0x01]].concat();
    let sample = [sample_fields(77), more_counters.clone(), b"a field of a later release".to_vec()].concat();
    let bytes = envelope(4, &sample);
    let decoded = Sample::decode(&bytes).unwrap();
    with_sample(|known| assert_eq!(decoded, Sample { kind: SampleKind::Unknown(77), ..known }));
    let status_bytes = [status_fields(50, 60, 9), more_counters, b"more".to_vec()].concat();
    let bytes = envelope(6, &status_bytes);
    let decoded = Status::decode(&bytes).unwrap();
    assert_eq!(decoded, Status { line: LineState::Unknown(50), cause: Cause::Unknown(60), mode: None, ..status() });
    assert_eq!((decoded.line.name(), decoded.cause.name()), ("unknown", "unknown"));
    let goodbye = envelope(5, &[&[5][..], METER.as_bytes(), b"why"].concat());
    assert!(Goodbye::decode(&goodbye).is_ok());
}

#[test]
fn another_version_or_type_is_named() {
    let mut bytes = sample_bytes();
    bytes[0] = 1;
    assert_eq!(Sample::decode(&bytes), Err(Error::Version(1)));
    assert_eq!(wire::open("any", &bytes), Err(Error::Version(1)));
    assert_eq!(wire::open("any", &envelope(3, b"")), Err(Error::Type(3)));
    assert_eq!(Status::decode(&sample_bytes()), Err(Error::Type(4)));
}

#[test]
fn a_length_that_is_not_true_is_refused() {
    for length in [0, 1, 5, 6, 20] {
        assert_eq!(Sample::decode(&sample_bytes()[..length]), Err(Error::Truncated), "{length}");
    }
    let mut longer = sample_bytes();
    longer.push(0);
    assert_eq!(Sample::decode(&longer), Err(Error::Malformed));
}

#[test]
fn key_and_message_name_the_same_meter() {
    let other = keys::sample(&"900061000002".parse().unwrap());
    assert_eq!(wire::open(&other, &sample_bytes()), Err(Error::Key));
    assert_eq!(wire::open("tic/v2/900061000001/history", &sample_bytes()), Err(Error::Key));
    let goodbye = envelope(5, &[&[5][..], METER.as_bytes()].concat());
    assert_eq!(wire::open(&other, &goodbye), Err(Error::Key));
    let report = envelope(6, &[status_fields(5, 7, 1), COUNTER_BYTES.to_vec()].concat());
    assert_eq!(wire::open(&other, &report), Err(Error::Key), "a report is no sample");
    assert!(wire::open("tic/v2/reader/5ca1ab1e5ca1ab1e/status", &report).is_ok(), "the seal tells whose key id this is");
    let mut bytes = sample_bytes();
    bytes[18] = b'/';
    assert_eq!(Sample::decode(&bytes), Err(Error::Malformed), "a meter's number goes into topics: only its digits get in");
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let key = keys::sample(&METER.parse().unwrap());
    let padded = |length: usize| {
        let mut message = [sample_fields(1), COUNTER_BYTES.to_vec()].concat();
        message.resize(length - wire::envelope::BYTES, 0);
        envelope(4, &message)
    };
    assert!(wire::open(&key, &padded(Sample::BYTES_MAX)).is_ok());
    assert_eq!(wire::open(&key, &padded(Sample::BYTES_MAX + 1)), Err(Error::TooLong));
    assert_eq!(Sample::decode(&padded(Sample::BYTES_MAX + 1)), Err(Error::TooLong));
}

#[test]
fn datasets_are_bounded_in_number_and_size() {
    let one = [&[1][..], b"X", &[0, 0]].concat();
    let count = |datasets: &[u8]| Datasets::from(datasets).iter(Mode::Historic).filter(Result::is_ok).count();
    assert_eq!(count(&one.repeat(Datasets::MAX)), Datasets::MAX);
    let many = one.repeat(Datasets::MAX + 5);
    let last = Datasets::from(many.as_slice()).iter(Mode::Historic).last();
    assert_eq!((count(&many), last), (Datasets::MAX, Some(Err(Error::TooLong))));
    let long = [&[1][..], b"X", &[0, 0x81, 0x02], &[b'x'; 257]].concat();
    assert_eq!(Datasets::from(long.as_slice()).iter(Mode::Historic).next(), Some(Err(Error::TooLong)));
    let label = [&[13][..], b"ABCDEFGHIJKLM", &[0, 0]].concat();
    assert_eq!(Datasets::from(label.as_slice()).iter(Mode::Historic).next(), Some(Err(Error::Malformed)));
}
