//! Do not change this test: readers and bridges in the field rely on these bytes. A new layout is a new version, beside this one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use teleinfo_proto::{
    tic::{Dataset, Mode},
    wire::{BootId, Cause, Counters, DatasetsWriter, Error, Extent, LineState, Sample, SampleKind, Status},
};

const COUNTERS: Counters = Counters {
    bytes: 300,
    frames_good: 1,
    frames_damaged: 2,
    frames_cut: 3,
    datasets_good: 4,
    refused_parity: 5,
    refused_checksum: 6,
    refused_malformed: 7,
    refused_too_long: 8,
    refused_characters: 9,
    refused_width: 10,
    refused_range: 11,
    refused_timestamp: 12,
    refused_mode: 13,
    refused_implausible: 14,
    unidentified: 15,
    index_resets: 16,
    samples_unsent: 17,
    reconnects: 18,
};

const COUNTER_BYTES: [u8; 20] = [0xac, 0x02, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18];

fn sample_bytes() -> Vec<u8> {
    let mut bytes = vec![
        1, // version
        0xef, 0xfd, 0xb6, 0xf5, 0x0d, // boot
        7,    // sequence
        0, 1, // a frame, complete
        0xd0, 0x0f, // unix, zigzag
        0xe8, 0x07, // uptime
        1,    // standard
    ];
    bytes.extend(b"900061000001");
    bytes.extend(COUNTER_BYTES);
    let datasets: Vec<u8> = [&[4][..], b"VTIC", &[0, 2], b"02", &[4], b"DATE", &[1, 13], b"E170915101601", &[0]].concat();
    bytes.push(datasets.len() as u8);
    bytes.extend(datasets);
    bytes
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
        meter: "900061000001".parse().unwrap(),
        counters: COUNTERS,
        datasets: datasets.finish(),
    });
}

#[test]
fn a_sample() {
    with_sample(|sample| {
        let mut buffer = [0; Sample::BYTES_MAX];
        assert_eq!(sample.encode(&mut buffer).unwrap(), sample_bytes());
        assert_eq!(Sample::decode(&sample_bytes()).unwrap(), sample);
    });
}

#[test]
fn the_kinds() {
    with_sample(|sample| {
        let kinds: [(SampleKind, &[u8]); 4] = [
            (SampleKind::Frame { complete: true }, &[0, 1]),
            (SampleKind::Frame { complete: false }, &[0, 0]),
            (SampleKind::Urgent, &[1]),
            (SampleKind::Snapshot, &[2]),
        ];
        for (kind, bytes) in kinds {
            let mut buffer = [0; Sample::BYTES_MAX];
            let encoded = Sample { kind, ..sample }.encode(&mut buffer).unwrap();
            assert_eq!(&encoded[7..7 + bytes.len()], bytes);
        }
    });
}

#[test]
fn a_status() {
    let status = Status {
        name: "pi",
        release: "0.1.0",
        boot: BootId::new(5),
        unix_ms: -1,
        uptime_ms: 2,
        line: LineState::Reading,
        cause: Cause::Noise,
        mode: Some(Mode::Historic),
        meter: None,
        counters: COUNTERS,
        history: Extent { oldest: 3, newest: 4 },
    };
    let expected = [&[1, 2][..], b"pi", &[5], b"0.1.0", &[5, 1, 2, 5, 7, 1, 0, 0], &COUNTER_BYTES, &[3, 4]].concat();
    let mut buffer = [0; Status::BYTES_MAX];
    assert_eq!(status.encode(&mut buffer).unwrap(), expected);
    assert_eq!(Status::decode(&expected).unwrap(), status);
}

#[test]
fn other_versions_and_later_fields() {
    let mut bytes = sample_bytes();
    bytes.extend(b"a field of a later release");
    assert!(Sample::decode(&bytes).is_ok());
    bytes[0] = 2;
    assert_eq!(Sample::decode(&bytes), Err(Error::Version(2)));
    assert_eq!(Sample::decode(&[]), Err(Error::Truncated));
    assert_eq!(Sample::decode(&sample_bytes()[..20]), Err(Error::Truncated));
    let mut bytes = sample_bytes();
    bytes[14] = b'/';
    assert_eq!(Sample::decode(&bytes), Err(Error::Malformed), "a meter's name goes into topics: only its digits get in");
}
