//! Any bytes as one of the files of the state directory, or as a retained ledger, as they are and with checksums that hold: no panic, what
//! is used is in its bounds, and what was read and written is read again as the same.
#![no_main]

use std::{
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use libfuzzer_sys::fuzz_target;
use teleinfo_bridge_fuzz::{
    adopt::notes::Notes,
    archive::{
        block::Grain,
        fill::{self, Curve},
        handed,
    },
    energy::ledger::Ledger,
    seal::{decisions::Decision, keys, pins::Pins},
    statistics::repairs::Repairs,
    store::{ledgers, memories, positions::Positions, spoken},
    with_checksums,
    words::checksum::checksum,
};
use teleinfo_proto::tic::MeterId;

const METER: &str = "012345678912";
/// Hours of a repair: more than Home Assistant is asked for.
const REPAIR_HOURS_MAX: usize = 24 * 32;

/// A directory of this process alone.
static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
    let directory = std::env::temp_dir().join(format!("state-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory can be made");
    directory
});

fn meter() -> MeterId {
    METER.parse().expect("a meter")
}

/// Writes a file, looks at what is made of it, and takes it away.
fn with_file<T>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    let path = DIRECTORY.join(name);
    fs::write(&path, bytes).expect("a file can be written");
    let made = read(&DIRECTORY);
    let _ = fs::remove_file(path);
    made
}

fn same<T: PartialEq + Debug>(read: T, again: T) {
    assert_eq!(read, again, "what was read and written is read again as the same");
}

fn positions(bytes: &[u8]) {
    let mut positions = Positions::new(None, Some(DIRECTORY.clone()));
    let (read, _) = with_file("positions.state", bytes, |_| positions.load());
    let files = positions.files(read.iter(), &[], true, std::time::Instant::now()).expect("JSON");
    if let Some((_, text, _)) = files.first() {
        same(read, with_file("positions.state", text, |_| positions.load()).0);
    }
}

fn memory(bytes: &[u8]) {
    let name = format!("{METER}.state");
    let read = |bytes: &[u8]| with_file(&name, bytes, |directory| memories::load(directory).0.remove(&meter()).expect("the file is there"));
    let memory = read(bytes);
    let (_, text) = memories::file(&DIRECTORY, meter(), &memory).expect("JSON");
    same(memory, read(&text));
}

fn ledger(bytes: &[u8]) {
    let name = format!("{METER}.ledger");
    let read = |bytes: &[u8]| with_file(&name, bytes, |directory| ledgers::load(directory).0.remove(&meter()));
    if let Some(ledger) = read(bytes) {
        assert_eq!(ledger.check(meter()), Ok(()));
        let (_, text) = ledgers::file(&DIRECTORY, meter(), &ledger).expect("JSON");
        same(Some(ledger), read(&text));
    }
}

/// What a broker holds, alone and beside what the disk holds.
fn retained(bytes: &[u8]) {
    let open = bytes.strip_suffix(b"}").unwrap_or(bytes);
    let whole = [open, br#","checksum":""#, checksum(open).as_bytes(), b"\"}"].concat();
    for json in [bytes, &whole] {
        let Ok(ledger) = Ledger::read(meter(), json) else { continue };
        let again = ledger.json().expect("JSON");
        same(Ok(ledger.clone()), Ledger::read(meter(), &again));
        let mut later = ledger.clone();
        later.sequence += 1;
        let (newest, refusal) = Ledger::newest(Some(ledger.clone()), later);
        assert!(newest.total == ledger.total && refusal.is_none(), "{refusal:?}");
    }
}

fn repairs(bytes: &[u8]) {
    let (repairs, _) = with_file("statistics.state", bytes, |directory| Repairs::load(Some(directory)));
    assert!(repairs.all().iter().all(|repair| repair.gap().hours().take(REPAIR_HOURS_MAX + 1).count() <= REPAIR_HOURS_MAX));
    repairs.save().expect("a file can be written");
    same(repairs.all(), Repairs::load(Some(&DIRECTORY)).0.all());
    let _ = fs::remove_file(DIRECTORY.join("statistics.state"));
}

fn adopted(bytes: &[u8]) {
    if let Ok(notes) = with_file("adopted.state", bytes, Notes::load) {
        for adopted in notes.all() {
            let _ = adopted.is_lifted(adopted.before);
        }
    }
}

fn pins(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    if let Ok(pins) = Pins::parse(text) {
        same(Ok(pins.clone()), Pins::parse(&pins.text()));
    }
    for decision in text.lines().filter_map(Decision::parse) {
        same(Some(decision), Decision::parse(&decision.to_string()));
    }
}

fn key(bytes: &[u8]) {
    let read = with_file("key", bytes, |directory| keys::read(&directory.join("key")));
    assert!(read.is_err() || str::from_utf8(bytes).is_ok_and(|text| text.trim_end().len() == 64));
}

fn block(bytes: &[u8]) {
    for grain in [Grain::Minute, Grain::Hour] {
        let mut written = Vec::new();
        let read: Vec<_> = grain.read(7, bytes).collect();
        for (minute, wh) in &read {
            let (block, place) = grain.place(*minute).expect("a place");
            assert_eq!(block, 7);
            grain.write(&mut written, place, *wh);
        }
        same(read, grain.read(7, &written).collect());
    }
}

/// Hours that somebody hands over, to a memory that has heard an hour before them and one behind them.
fn handed(bytes: &[u8]) {
    let read = |directory: &Path| handed::left(directory).expect("the file is there").records;
    let hours = with_file("import.state", bytes, read);
    if hours.is_empty() {
        return;
    }
    handed::leave(&DIRECTORY, &hours).expect("a file can be written");
    same(hours.clone(), read(&DIRECTORY));
    handed::remove(&DIRECTORY).expect("the file is there");
    let heard = Curve::from([(29_000_160, 1_000), (29_001_600, 9_000)]);
    for offered in hours {
        let Ok(filling) = fill::filling(&heard, &offered.hours) else { continue };
        assert!(filling.hours.keys().all(|minute| !heard.contains_key(minute)), "what was heard stays");
        let all: Curve = heard.iter().chain(&filling.hours).map(|(minute, wh)| (*minute, *wh)).collect();
        assert!(all.values().is_sorted(), "no index steps back: {all:?}");
    }
}

fn language(bytes: &[u8]) {
    if let Some(language) = with_file("language", bytes, spoken::load) {
        assert!(bytes.starts_with(language.choose(b"en", b"fr")));
        spoken::save(&DIRECTORY, language).expect("a file can be written");
        same(Some(language), spoken::load(&DIRECTORY));
        let _ = fs::remove_file(spoken::path(&DIRECTORY));
    }
}

/// By the first byte of an input.
const FILES: [fn(&[u8]); 11] = [positions, memory, ledger, retained, repairs, adopted, pins, key, block, handed, language];

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else { return };
    let hold = FILES[usize::from(*which) % FILES.len()];
    hold(bytes);
    hold(&with_checksums(bytes));
});
