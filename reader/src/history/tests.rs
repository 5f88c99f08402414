//! The history as the bridge sees it.

use teleinfo_proto::{
    tic::{Dataset, Mode},
    wire::{BootId, Counters, DatasetsWriter, Extent, Sample, SampleKind},
};

use super::{
    ANSWER_BYTES, BYTES_MIN, History, Request,
    snapshot::{self, Snapshot},
};

const BOOT: BootId = BootId::new(1);
const NEXT_BOOT: BootId = BootId::new(2);
/// The last record of a file, which holds nothing.
const END_BYTES: usize = 7;

/// A sample a second, with an index that counts by one.
fn push(history: &mut History, boot: BootId, sequence: u64, second: u64) {
    push_index(history, boot, sequence, second, 1_000 + second);
}

fn push_index(history: &mut History, boot: BootId, sequence: u64, second: u64, index: u64) {
    let mut bytes = [0; 1_024];
    let mut datasets = DatasetsWriter::resume(&mut bytes, 0);
    let index = format!("{index:09}");
    for (label, data) in [("EAST", index.as_str()), ("EASF01", index.as_str()), ("EASF02", "000000000"), ("SINSTS", "00540")] {
        datasets.push(&Dataset::new(Mode::Standard, label, None, data).unwrap()).unwrap();
    }
    // A whole frame is longer.
    let padding = "x".repeat(98);
    for _ in 0..6 {
        datasets.push(&Dataset::new(Mode::Standard, "NEW", None, &padding).unwrap()).unwrap();
    }
    let sample = Sample {
        boot,
        sequence,
        kind: SampleKind::Frame { complete: true },
        unix_ms: 1_700_000_000_000 + second as i64 * 1_000,
        uptime_ms: second * 1_000,
        mode: Mode::Standard,
        meter: "900061000001".parse().unwrap(),
        counters: Counters::default(),
        datasets: datasets.finish(),
    };
    let mut encoded = [0; Sample::BYTES_MAX];
    let encoded = sample.encode(&mut encoded).unwrap();
    history.push(&sample, encoded);
}

fn filled(bytes: usize, seconds: u64) -> History {
    let mut history = History::new(bytes);
    for second in 1..=seconds {
        push(&mut history, BOOT, second, second);
    }
    history
}

#[test]
fn a_live_sample_is_not_kept() {
    let mut history = filled(BYTES_MIN, 3);
    let mut bytes = [0; 64];
    let mut datasets = DatasetsWriter::resume(&mut bytes, 0);
    datasets.push(&Dataset::new(Mode::Standard, "SINSTS", None, "00540").unwrap()).unwrap();
    let sample = Sample {
        boot: BOOT,
        sequence: 3,
        kind: SampleKind::Live,
        unix_ms: 0,
        uptime_ms: 3_500,
        mode: Mode::Standard,
        meter: "900061000001".parse().unwrap(),
        counters: Counters::default(),
        datasets: datasets.finish(),
    };
    history.push(&sample, sample.encode(&mut [0; 128]).unwrap());
    assert_eq!((answer(&history, Request::Everything).len(), history.extent(BOOT)), (3, Extent { oldest: 1, newest: 3 }));
}

/// What is answered: boot, sequence, whether it is a frame, EAST.
fn answer(history: &History, request: Request) -> Vec<(BootId, u64, bool, u64)> {
    let mut cursor = history.answer(request);
    let mut buffer = [0; ANSWER_BYTES];
    let mut seen = vec![];
    while let Some((meter, encoded)) = history.next(&mut cursor, &mut buffer) {
        let sample = Sample::decode(encoded).unwrap();
        assert_eq!(sample.meter, meter);
        let east = sample.datasets.iter(sample.mode).flatten().find(|dataset| dataset.label() == "EAST").unwrap();
        seen.push((sample.boot, sample.sequence, sample.kind != SampleKind::Snapshot, east.value().number().unwrap()));
    }
    seen
}

#[test]
fn two_days_at_one_a_minute_and_the_last_minutes_in_full() {
    let seconds = 2 * 24 * 3_600;
    let history = filled(256 * 1_024, seconds);
    let seen = answer(&history, Request::Everything);
    let frames: Vec<_> = seen.iter().filter(|(_, _, frame, _)| *frame).collect();
    let snapshots = seen.len() - frames.len();
    println!("{} frames, {snapshots} snapshots", frames.len());
    assert!(frames.len() > 180, "three minutes of full frames");
    assert!(frames.windows(2).all(|pair| pair[0].1 + 1 == pair[1].1));
    assert_eq!(frames.last().unwrap().1, seconds);
    let expected = (seconds - frames.len() as u64) / 60;
    assert!((expected - 1..=expected + 2).contains(&(snapshots as u64)), "every minute before, and none of the minutes held in full");
    assert!(seen.windows(2).all(|pair| pair[0].1 < pair[1].1), "oldest first, none twice");
    assert!(seen.iter().all(|(_, sequence, _, east)| *east == 1_000 + sequence), "with the values of their time");
}

#[test]
fn after_a_sample_come_the_others() {
    let history = filled(BYTES_MIN, 600);
    let all = answer(&history, Request::Everything);
    for start in [0, 1, 60, 61, 300, 590, 599, 600, 700] {
        let seen = answer(&history, Request::After(BOOT, start));
        let expected: Vec<_> = all.iter().filter(|(_, sequence, ..)| *sequence > start).copied().collect();
        assert_eq!(seen, expected, "after {start}");
    }
    assert_eq!(answer(&history, Request::After(BootId::new(99), 5)), all, "an unknown process has seen nothing");
}

#[test]
fn a_time_range() {
    let history = filled(BYTES_MIN, 600);
    let ms = |second: i64| 1_700_000_000_000 + second * 1_000;
    let seen = answer(&history, Request::Between { since: ms(595), until: ms(597) });
    let sequences: Vec<_> = seen.iter().map(|(_, sequence, ..)| *sequence).collect();
    assert_eq!(sequences, [595, 596, 597]);
}

#[test]
fn an_answer_goes_on_while_samples_come() {
    let mut history = filled(BYTES_MIN, 600);
    let mut cursor = history.answer(Request::Everything);
    let mut buffer = [0; ANSWER_BYTES];
    let mut last = 0;
    let mut second = 600;
    // Each step of the answer is followed by a new sample: the oldest vanish under the cursor.
    while last < 1_000 {
        let sample = Sample::decode(history.next(&mut cursor, &mut buffer).unwrap().1).unwrap();
        assert!(sample.sequence > last);
        last = sample.sequence;
        second += 1;
        push(&mut history, BOOT, second, second);
    }
}

#[test]
fn extent_is_of_one_process() {
    let mut history = filled(BYTES_MIN, 600);
    let oldest = answer(&history, Request::Everything)[0].1;
    push(&mut history, NEXT_BOOT, 1, 700);
    assert_eq!(history.extent(BOOT), Extent { oldest, newest: 600 });
    assert_eq!(history.extent(NEXT_BOOT), Extent { oldest: 1, newest: 1 });
    assert_eq!(history.extent(BootId::new(99)), Extent::default());
}

#[test]
fn a_file_keeps_it_through_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history");
    let before = filled(BYTES_MIN, 600);
    before.save(&path).unwrap();
    let mut after = History::new(BYTES_MIN);
    after.load(&path).unwrap();
    let all = answer(&before, Request::Everything);
    assert_eq!(answer(&after, Request::Everything), all);
    push(&mut after, NEXT_BOOT, 1, 700);
    let seen = answer(&after, Request::After(BOOT, 598));
    let sequences: Vec<_> = seen.iter().map(|(boot, sequence, ..)| (*boot, *sequence)).collect();
    assert_eq!(sequences, [(BOOT, 599), (BOOT, 600), (NEXT_BOOT, 1)]);
}

/// The history in a file of these bytes, and in how many places it is damaged.
fn loaded(bytes: &[u8]) -> std::io::Result<(History, u32)> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history");
    std::fs::write(&path, bytes).unwrap();
    let mut history = History::new(BYTES_MIN);
    let damaged = history.load(&path)?;
    Ok((history, damaged))
}

/// A history of ten minutes, and its file.
fn saved() -> (History, Vec<u8>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history");
    let history = filled(BYTES_MIN, 600);
    history.save(&path).unwrap();
    (history, std::fs::read(&path).unwrap())
}

#[test]
fn a_file_that_is_no_history_is_an_error() {
    for bytes in [&b""[..], b"TIC", b"TICHIST1", b"TICHIST9", &[255; 900]] {
        assert!(loaded(bytes).is_err());
    }
}

#[test]
fn nothing_is_read_or_written_through_a_link() {
    let directory = tempfile::tempdir().unwrap();
    let [path, other] = ["history", "other"].map(|name| directory.path().join(name));
    let history = filled(BYTES_MIN, 60);
    std::fs::write(&other, "other").unwrap();
    std::os::unix::fs::symlink(&other, path.with_extension("new")).unwrap();
    history.save(&path).unwrap();
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "other");
    std::os::unix::fs::symlink(&path, directory.path().join("link")).unwrap();
    for strange in [directory.path().join("link"), "/dev/zero".into()] {
        assert!(History::new(BYTES_MIN).load(&strange).is_err(), "{}", strange.display());
    }
    assert!(History::new(BYTES_MIN).load(&path).is_ok());
}

#[test]
fn a_flipped_bit_costs_one_record_and_is_said() {
    let (whole, file) = saved();
    let all = answer(&whole, Request::Everything);
    // Every place of a record's head and content, in both rings.
    for place in (8..file.len()).step_by(97) {
        let mut bytes = file.clone();
        bytes[place] ^= 1 << (place % 8);
        let (history, damaged) = loaded(&bytes).unwrap();
        assert!(damaged > 0, "byte {place}");
        let seen = answer(&history, Request::Everything);
        assert!(seen.iter().all(|sample| all.contains(sample)), "byte {place}: a value that was never saved");
        let frames = |samples: &[(BootId, u64, bool, u64)]| samples.iter().filter(|(_, _, frame, _)| *frame).count();
        assert!(frames(&seen) + 1 >= frames(&all), "byte {place}: more than one frame is gone");
    }
}

#[test]
fn a_record_that_its_neighbours_contradict_is_left_out_and_said() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history");
    // Of these seconds one is the first of all, one makes a snapshot, one is the last.
    for wrong in [1, 100, 340, 555, 600] {
        for index in [9_001_000, 17] {
            let mut history = History::new(8 * BYTES_MIN);
            for second in 1..=600 {
                push_index(&mut history, BOOT, second, second, if second == wrong { index } else { 5_000_000 + second });
            }
            history.save(&path).unwrap();
            let mut again = History::new(8 * BYTES_MIN);
            let damaged = again.load(&path).unwrap();
            let seen = answer(&again, Request::Everything);
            assert!(seen.iter().all(|(_, sequence, _, east)| *east == 5_000_000 + sequence), "second {wrong}, index {index}");
            assert!((1..=2).contains(&damaged), "second {wrong}, index {index}: {damaged}");
            assert_eq!(seen.len() + 1, answer(&history, Request::Everything).len(), "second {wrong}, index {index}");
        }
    }
}

/// Each way in which five samples can agree or not. Behind the end of the file lies what would confirm the last one.
#[test]
fn what_is_believed_once_is_believed_again() {
    let written = |history: &History| {
        let mut file = Vec::new();
        history.write(&mut file).unwrap();
        file
    };
    for way in 0..3_usize.pow(5) {
        let mut history = History::new(BYTES_MIN);
        let push_one = |history: &mut History, second: u64| {
            let base = [1_000, 500_000, 9_000_000][way / 3_usize.pow((second.min(5) - 1) as u32) % 3];
            push_index(history, BOOT, second, second, base + second);
        };
        (1..=5).for_each(|second| push_one(&mut history, second));
        let mut file = written(&history);
        push_one(&mut history, 6);
        file.extend(&written(&history)[file.len() - END_BYTES..]);
        let (believed, _) = loaded(&file).unwrap();
        let (again, damaged) = loaded(&written(&believed)).unwrap();
        assert_eq!((damaged, answer(&again, Request::Everything)), (0, answer(&believed, Request::Everything)), "way {way}");
    }
}

#[test]
fn a_new_truth_and_another_run_are_believed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("history");
    let mut history = History::new(8 * BYTES_MIN);
    for second in 1..=300 {
        push_index(&mut history, BOOT, second, second, if second < 100 { 1_000 } else { 9_000_000 } + second);
    }
    for second in 1..=300 {
        push_index(&mut history, NEXT_BOOT, second, 10_000 + second, 9_000_300 + second);
    }
    history.save(&path).unwrap();
    let mut again = History::new(8 * BYTES_MIN);
    assert_eq!(again.load(&path).unwrap(), 0);
    assert_eq!(answer(&again, Request::Everything), answer(&history, Request::Everything));
}

#[test]
fn a_file_that_ends_early_keeps_what_it_has() {
    let (whole, file) = saved();
    let all = answer(&whole, Request::Everything);
    for length in [file.len() / 2, file.len() - 1, 8] {
        let (history, damaged) = loaded(&file[..length]).unwrap();
        let seen = answer(&history, Request::Everything);
        assert!(damaged > 0 && seen.len() < all.len() + 1, "{length} bytes");
        assert!(seen.iter().all(|(_, sequence, _, east)| *east == 1_000 + sequence), "{length} bytes");
    }
}

#[test]
fn garbage_between_records_is_skipped() {
    let (whole, file) = saved();
    let bytes = [&file[..8], &[0xa5; 9_000], &file[8..]].concat();
    let (history, damaged) = loaded(&bytes).unwrap();
    assert_eq!((answer(&history, Request::Everything), damaged), (answer(&whole, Request::Everything), 1));
}

/// A file whose records have these ordinals, one after the other; each sample has the number of its place.
fn file_of_ordinals(ordinals: &[u64]) -> Vec<u8> {
    let mut file = b"TICHIST2".to_vec();
    let samples = answer_bytes(&filled(BYTES_MIN, ordinals.len() as u64), Request::Everything);
    for (ordinal, sample) in ordinals.iter().zip(&samples) {
        let (mut one, mut history) = (Vec::new(), History::new(BYTES_MIN));
        history.frames.push(&[&ordinal.to_le_bytes(), sample]);
        history.write(&mut one).unwrap();
        file.extend(&one[8..one.len() - END_BYTES]);
    }
    file
}

fn answer_bytes(history: &History, request: Request) -> Vec<Vec<u8>> {
    let (mut cursor, mut buffer, mut all) = (history.answer(request), [0; ANSWER_BYTES], Vec::new());
    while let Some((_, encoded)) = history.next(&mut cursor, &mut buffer) {
        all.push(encoded.to_vec());
    }
    all
}

#[test]
fn ordinals_that_no_reader_gives_are_left_out_and_new_samples_have_room_for_theirs() {
    for (ordinals, kept) in [
        (&[1, 2, 3][..], &[1, 2, 3][..]),
        (&[2, 1, 3], &[1, 3]),
        (&[1, 1, 2], &[1, 3]),
        (&[0, 1, 2], &[2, 3]),
        (&[1, u64::MAX, 2], &[1, 3]),
    ] {
        let (mut history, damaged) = loaded(&file_of_ordinals(ordinals)).unwrap();
        assert_eq!(damaged as usize, 1 + ordinals.len() - kept.len(), "{ordinals:?}: the file has no end, and what is left out is said");
        push(&mut history, NEXT_BOOT, 9, 900);
        let sequences: Vec<u64> = answer(&history, Request::Everything).iter().map(|(_, sequence, ..)| *sequence).collect();
        assert_eq!(sequences, [kept, &[9]].concat(), "{ordinals:?}");
    }
}

#[test]
fn an_index_that_no_meter_shows_costs_its_snapshot_and_no_other() {
    let mut history = filled(BYTES_MIN, 600);
    let mut last = history.snapshots().last().unwrap();
    let frames = answer(&history, Request::Everything).iter().filter(|(_, _, frame, _)| *frame).count();
    for (value, is_kept) in [(999_999_999, true), (1_000_000_000, false), (u32::MAX, false)] {
        (last.ordinal, last.values[0]) = (last.ordinal + 1, value);
        let mut record = [0; snapshot::BYTES_MAX];
        let length = last.write_whole(&mut record).unwrap();
        assert_eq!(Snapshot::read(&record[..length], None).is_some(), is_kept, "{value}");
        history.snapshots.push(&[&record[..length]]);
    }
    assert_eq!(answer(&history, Request::Everything).iter().filter(|(_, _, frame, _)| *frame).count(), frames);
}

/// A file of a few short frames of these seconds.
fn short_file(seconds: &[u64]) -> Vec<u8> {
    let mut history = History::new(BYTES_MIN);
    for second in seconds {
        let (mut block, index) = ([0; 64], format!("{:09}", 1_000 + second));
        let mut datasets = DatasetsWriter::resume(&mut block, 0);
        datasets.push(&Dataset::new(Mode::Standard, "EAST", None, &index).unwrap()).unwrap();
        let sample = Sample {
            boot: BOOT,
            sequence: *second,
            kind: SampleKind::Frame { complete: true },
            unix_ms: 1_700_000_000_000 + *second as i64 * 1_000,
            uptime_ms: second * 1_000,
            mode: Mode::Standard,
            meter: "900061000001".parse().unwrap(),
            counters: Counters::default(),
            datasets: datasets.finish(),
        };
        history.push(&sample, sample.encode(&mut [0; 256]).unwrap());
    }
    let mut file = Vec::new();
    history.write(&mut file).unwrap();
    file
}

/// What fuzzing begins with: a question, and a file behind it. `TELEINFO_WRITE_SEEDS=1` writes it anew.
#[test]
fn seeds_are_questions_and_files() {
    let whole = short_file(&[1, 2, 61, 121]);
    let seeds = [
        ("everything", [b"\n", &whole[..]].concat()),
        ("after", [b"from=0000000000000001:2\n", &whole[..]].concat()),
        ("between", [b"since=1700000000000;until=1700000062000\n", &short_file(&[1, 61, 62, 121])[..]].concat()),
        ("cut", [b"from=\n", &whole[..whole.len() - 20]].concat()),
    ];
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/history");
    for (name, bytes) in seeds {
        let path = directory.join(name);
        if std::env::var_os("TELEINFO_WRITE_SEEDS").is_some() {
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(&path, &bytes).unwrap();
        }
        assert_eq!(std::fs::read(&path).unwrap_or_default(), bytes, "{}: TELEINFO_WRITE_SEEDS=1 writes it", path.display());
    }
}
