//! What fuzzing begins with: frames of `tests/frames`, and messages of this release made of them. `TELEINFO_WRITE_SEEDS=1` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{collections::BTreeMap, env, fs, path::Path};

use teleinfo_proto::{
    seal::{Direction, Hello, Identity, PairingCode, Sealer, Type},
    tic::{Dataset, Mode},
    wire::{BootId, Cause, Counters, DatasetsWriter, Extent, Goodbye, LineState, Sample, SampleKind, Status, keys},
};

const METER: &str = "012345678912";
const BOOT: BootId = BootId::new(7);
/// Frames of each kind, some of them damaged.
const FRAMES: [&str; 5] =
    ["bad-hist-overlong-group", "bad-std-starts-mid-frame", "syn-hist-adps-mono", "syn-hist-tri-long", "syn-std-base-tri"];
/// Datasets of each kind.
const LABELS: [&str; 10] = ["ADPS", "BASE", "DATE", "EAST", "IINST1", "PAPP", "PJOURF+1", "SINSTS", "SMAXSN", "STGE"];
/// A seed is short: it is mutated, not read.
const BYTES_MAX: usize = 900;

/// The seeds of one target, by their names.
type Seeds = BTreeMap<String, Vec<u8>>;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn frame(name: &str) -> Vec<u8> {
    let mut bytes = fs::read(here().join("tests/frames").join(name).with_extension("tic")).unwrap();
    bytes.truncate(BYTES_MAX);
    bytes
}

/// Frames behind what says how they are checked and where they are cut.
fn decoder() -> Seeds {
    FRAMES.iter().map(|name| ((*name).to_owned(), [&[0, 40][..], &frame(name)].concat())).collect()
}

/// What stands between LF and CR.
fn dataset() -> Seeds {
    let frames = FRAMES.map(frame).concat();
    let lines = frames.split(|byte| *byte == b'\n').filter_map(|line| line.split(|byte| *byte == b'\r').next());
    let labelled = lines.filter_map(|line| Some((Dataset::try_from(line).ok()?.label().to_owned(), line.to_vec())));
    labelled.filter(|(label, _)| LABELS.contains(&label.as_str())).collect()
}

/// A sample of some datasets.
fn sample(kind: SampleKind, mode: Mode, datasets: &[(&str, Option<&str>, &str)]) -> Vec<u8> {
    let (mut block, mut room) = ([0; 512], [0; Sample::BYTES_MAX]);
    let mut writer = DatasetsWriter::resume(&mut block, 0);
    for (label, timestamp, data) in datasets {
        writer.push(&Dataset::new(mode, label, *timestamp, data).unwrap()).unwrap();
    }
    let (meter, counters) = (METER.parse().unwrap(), Counters { bytes: 300, frames_good: 1, ..Counters::default() });
    let (unix_ms, datasets) = (1_704_628_800_000, writer.finish());
    let sample = Sample { boot: BOOT, sequence: 3, kind, unix_ms, uptime_ms: 60_000, mode, meter, counters, datasets };
    sample.encode(&mut room).unwrap().to_vec()
}

fn status() -> Vec<u8> {
    let status = Status {
        name: "cellar",
        release: "1.0.0",
        boot: BOOT,
        unix_ms: 1_704_628_800_000,
        uptime_ms: 60_000,
        line: LineState::Reading,
        cause: Cause::None,
        mode: Some(Mode::Standard),
        meter: Some(METER.parse().unwrap()),
        counters: Counters { bytes: 300, frames_good: 1, ..Counters::default() },
        history: Extent { oldest: 1, newest: 3 },
        label: "",
    };
    status.encode(&mut [0; Status::BYTES_MAX]).unwrap().to_vec()
}

fn wire() -> Seeds {
    let standard = [
        ("ADSC", None, METER),
        ("VTIC", None, "02"),
        ("DATE", Some("E170915101601"), ""),
        ("EAST", None, "004368115"),
        ("SINSTS", None, "00610"),
    ];
    let historic =
        [("ADCO", None, METER), ("OPTARIF", None, "BASE"), ("BASE", None, "004368115"), ("PTEC", None, "TH.."), ("PAPP", None, "00610")];
    let goodbye = Goodbye { boot: BOOT, meter: METER.parse().unwrap() };
    let seeds = [
        ("frame", sample(SampleKind::Frame { complete: true }, Mode::Standard, &standard)),
        ("frame-historic", sample(SampleKind::Frame { complete: false }, Mode::Historic, &historic)),
        ("live", sample(SampleKind::Live, Mode::Standard, &standard[4..])),
        ("snapshot", sample(SampleKind::Snapshot, Mode::Standard, &standard[3..4])),
        ("status", status()),
        ("goodbye", goodbye.encode(&mut [0; Goodbye::BYTES_MAX]).unwrap().to_vec()),
    ];
    seeds.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

/// True messages of other keys than those of the target, and what a person types.
fn seal() -> Seeds {
    let (reader, bridge) = (Identity::from_seed(&[3; 32]), Identity::from_seed(&[4; 32]));
    let key = keys::sample(&METER.parse().unwrap());
    let mut sealer = Sealer::new(&reader, bridge.key(), Direction::ToBridge, [5; 32]).unwrap();
    let mut sealed = |of, plain: &[u8]| sealer.seal(of, &key, &[plain], &mut [0; 1_024]).unwrap().to_vec();
    let code = PairingCode { bridge: bridge.key().fingerprint(), secret: 12_345 };
    let seeds = [
        ("sample", sealed(Type::Sample, b"a sample")),
        ("status", sealed(Type::Status, b"a report")),
        ("hello", Hello { key: *reader.key(), boot: BOOT }.encode().to_vec()),
        ("code", code.to_string().into_bytes()),
        ("fingerprint", reader.key().fingerprint().to_string().into_bytes()),
        ("key", reader.key().to_string().into_bytes()),
    ];
    seeds.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

#[test]
fn what_fuzzing_begins_with_is_of_this_release() {
    for (target, seeds) in [("decoder", decoder()), ("dataset", dataset()), ("wire", wire()), ("seal", seal())] {
        let directory = here().join("fuzz/corpus").join(target);
        for (name, bytes) in seeds {
            let path = directory.join(name);
            if env::var_os("TELEINFO_WRITE_SEEDS").is_some() {
                fs::create_dir_all(&directory).unwrap();
                fs::write(&path, &bytes).unwrap();
            }
            assert_eq!(fs::read(&path).unwrap_or_default(), bytes, "{}: TELEINFO_WRITE_SEEDS=1 writes it", path.display());
        }
    }
}
