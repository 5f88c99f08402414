//! What fuzzing begins with, where a program encodes it: messages of readers, files of the state directory, questions to grid meters.
//! `TELEINFO_WRITE_SEEDS=1` writes it anew. What is a file is first read and written by this release, and must be the same again.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::Path,
    time::Instant,
};

use teleinfo_bridge::{
    adopt::notes::Notes,
    archive::{block::Grain, handed},
    energy::{judge::Reading, ledger::Ledger, meaning::Meanings, register::Register, total::Total},
    mqtt::clients::packets::{Packets, Part},
    seal::{decisions::Decision, keys, pins::Pins},
    statistics::repairs::Repairs,
    store::{ledgers, memories, positions::Positions, spoken},
    words::{checksum::checksum, language::Language},
};
use teleinfo_proto::{
    seal::{Hello, Identity},
    tic::{Dataset, MeterId, Mode},
    wire::{BootId, Cause, Counters, DatasetsWriter, Extent, Goodbye, LineState, Sample, SampleKind, Status, keys::reader_hello},
};

const METER: &str = "012345678912";
const BOOT: BootId = BootId::new(7);
/// 2024-01-07T12:00:00Z.
const START_MS: i64 = 1_704_628_800_000;

/// The seeds of one target, by their names.
type Seeds = BTreeMap<&'static str, Vec<u8>>;

fn meter() -> MeterId {
    METER.parse().unwrap()
}

#[test]
fn what_fuzzing_begins_with_is_of_this_release() {
    let targets = [("arrivals", arrivals()), ("state", state()), ("shelly", shelly()), ("sunspec", sunspec()), ("clients", clients())];
    for (target, seeds) in targets {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        for (name, bytes) in &seeds {
            let path = directory.join(name);
            if env::var_os("TELEINFO_WRITE_SEEDS").is_some() {
                fs::create_dir_all(&directory).unwrap();
                fs::write(&path, bytes).unwrap();
            }
            assert_eq!(fs::read(&path).unwrap_or_default(), *bytes, "{}: TELEINFO_WRITE_SEEDS=1 writes it", path.display());
        }
        let names = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert_eq!(
            names.collect::<BTreeSet<_>>(),
            seeds.keys().map(ToString::to_string).collect(),
            "{target}: no seed is of an earlier release"
        );
    }
}

/// What happens to the bridge, as the target `arrivals` numbers it.
#[derive(Clone, Copy)]
enum Happens {
    Sample,
    Status,
    Goodbye,
    SampleOfAStranger,
    OtherOfAStranger,
    UnderKey,
    History,
    Token,
    Ledger,
    Availability,
    HomeAssistant,
    Time,
}

/// Messages behind what each of them is, and its length in two bytes.
fn messages(messages: &[(Happens, Vec<u8>)]) -> Vec<u8> {
    let one = |(what, bytes): &(Happens, Vec<u8>)| {
        let length = u16::try_from(bytes.len()).unwrap().to_le_bytes();
        [&[*what as u8][..], &length, bytes].concat()
    };
    messages.iter().flat_map(one).collect()
}

fn sample(sequence: u64, kind: SampleKind, mode: Mode, datasets: &[(&str, Option<&str>, &str)]) -> Vec<u8> {
    let (mut block, mut room) = ([0; 512], [0; Sample::BYTES_MAX]);
    let mut writer = DatasetsWriter::resume(&mut block, 0);
    for (label, timestamp, data) in datasets {
        writer.push(&Dataset::new(mode, label, *timestamp, data).unwrap()).unwrap();
    }
    let (datasets, counters) = (writer.finish(), Counters { bytes: 300, frames_good: 1, ..Counters::default() });
    let sample = Sample { boot: BOOT, sequence, kind, unix_ms: START_MS, uptime_ms: 60_000, mode, meter: meter(), counters, datasets };
    sample.encode(&mut room).unwrap().to_vec()
}

fn status() -> Vec<u8> {
    let status = Status {
        name: "cellar",
        release: "1.0.0",
        boot: BOOT,
        unix_ms: START_MS,
        uptime_ms: 60_000,
        line: LineState::Reading,
        cause: Cause::None,
        mode: Some(Mode::Standard),
        meter: Some(meter()),
        counters: Counters { bytes: 300, frames_good: 1, ..Counters::default() },
        history: Extent { oldest: 1, newest: 3 },
        label: "",
    };
    status.encode(&mut [0; Status::BYTES_MAX]).unwrap().to_vec()
}

fn arrivals() -> Seeds {
    use Happens::{
        Availability, Goodbye as Leaves, History, HomeAssistant, Ledger as Held, OtherOfAStranger, Sample as Comes, SampleOfAStranger,
        Status as Reports, Time, Token, UnderKey,
    };
    let standard = [
        ("ADSC", None, METER),
        ("VTIC", None, "02"),
        ("DATE", Some("E170915101601"), ""),
        ("EAST", None, "004368115"),
        ("SINSTS", None, "00610"),
    ];
    let historic =
        [("ADCO", None, METER), ("OPTARIF", None, "BASE"), ("BASE", None, "004368115"), ("PTEC", None, "TH.."), ("PAPP", None, "00610")];
    let frame = |sequence| sample(sequence, SampleKind::Frame { complete: true }, Mode::Standard, &standard);
    let live = sample(2, SampleKind::Live, Mode::Standard, &standard[4..]);
    let snapshot = sample(4, SampleKind::Snapshot, Mode::Standard, &standard[3..4]);
    let goodbye = Goodbye { boot: BOOT, meter: meter() }.encode(&mut [0; Goodbye::BYTES_MAX]).unwrap().to_vec();
    let reader = Identity::from_seed(&[1; 32]);
    let greeting = Hello { key: *reader.key(), boot: BOOT }.encode().to_vec();
    let online = b"online".to_vec();
    // 64 times the first byte and the second one, in ms.
    let second = vec![15, 40];
    Seeds::from([
        ("reader", messages(&[(Comes, frame(1)), (Reports, status()), (Time, second.clone()), (Comes, live), (Leaves, goodbye)])),
        ("historic", {
            let frame = sample(0, SampleKind::Frame { complete: false }, Mode::Historic, &historic);
            messages(&[
                (Comes, frame),
                (Time, second.clone()),
                (Token, b"x".to_vec()),
                (HomeAssistant, online.clone()),
                (Time, second.clone()),
            ])
        }),
        ("history", messages(&[(Comes, frame(1)), (History, snapshot), (Time, second), (History, frame(3))])),
        (
            "stranger",
            messages(&[
                (SampleOfAStranger, frame(1)),
                (OtherOfAStranger, greeting),
                (UnderKey, reader_hello("0123456789abcdef").unwrap().as_bytes().to_vec()),
            ]),
        ),
        (
            "broker",
            messages(&[(Held, ledger().json().unwrap()), (Availability, online.clone()), (HomeAssistant, online), (Comes, frame(1))]),
        ),
    ])
}

fn ledger() -> Ledger {
    let registers = [(Register::WITHDRAWN, 4_368_115), (Register::BASE, 368_115)];
    let total =
        Total { wh: 4_368_115, at_ms: START_MS, registers: registers.iter().map(|(register, wh)| (*register, u64::from(*wh))).collect() };
    let indexes = registers.into_iter().map(|(register, wh)| (register, Reading { wh, at_ms: START_MS })).collect();
    Ledger::new(meter(), 3, START_MS, Some(total), indexes, Meanings::default())
}

/// Records as a file has them: each a line with its checksum, behind an empty one.
fn records(records: &[&str]) -> Vec<u8> {
    records.iter().flat_map(|json| format!("\n{} {json}\n", checksum(json.as_bytes())).into_bytes()).collect()
}

/// A file of the state directory that this release reads, and what it makes of it.
fn taken<T>(name: &str, bytes: &[u8], read: impl FnOnce(&Path) -> T) -> T {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join(name), bytes).unwrap();
    read(directory.path())
}

fn positions() -> Vec<u8> {
    let run = format!(r#"{{"boot":"0000000000000007","sequence":3,"unix_ms":{START_MS}}}"#);
    let bytes = records(&[&format!(r#"{{"meter":"{METER}","unix_ms":{START_MS},"runs":[{run}]}}"#)]);
    let load = |directory: &Path| Positions::new(None, Some(directory.to_owned())).load();
    let (marks, damages) = taken("positions.state", &bytes, load);
    assert!(damages.is_empty() && marks.contains_key(&meter()), "{damages:?}");
    let files = Positions::new(None, Some("/".into())).files(marks.iter(), &[], true, Instant::now()).unwrap();
    assert_eq!(taken("positions.state", &files[0].1, load).0, marks);
    bytes
}

fn memory() -> Vec<u8> {
    let learnt = r#"{"learnt":{"terms":null,"total_id":"a","migrated":true}}"#;
    let bytes = records(&[learnt, r#"{"told":{}}"#, r#"{"power":{}}"#]);
    let name = format!("{METER}.state");
    let load = |bytes: &[u8]| taken(&name, bytes, memories::load);
    let (memories, damages) = load(&bytes);
    assert!(damages.is_empty(), "{damages:?}");
    let (_, again) = memories::file(Path::new("/"), meter(), &memories[&meter()]).unwrap();
    assert_eq!(load(&again).0, memories);
    assert!(String::from_utf8_lossy(&again).contains(r#""total_id":"a""#), "what was learnt is written again");
    bytes
}

fn kept_ledger() -> Vec<u8> {
    let (_, bytes) = ledgers::file(Path::new("/"), meter(), &ledger()).unwrap();
    assert_eq!(taken(&format!("{METER}.ledger"), &bytes, ledgers::load), (BTreeMap::from([(meter(), ledger())]), Vec::new()));
    bytes
}

/// Without its checksum, which the target gives it.
fn retained() -> Vec<u8> {
    let json = ledger().json().unwrap();
    assert_eq!(Ledger::read(meter(), &json), Ok(ledger()));
    let at = json.windows(2).rposition(|pair| pair == b",\"").unwrap();
    [&json[..at], b"}"].concat()
}

fn repairs() -> Vec<u8> {
    let cost = r#"{"start":1699999200,"before":1.5,"by":-0.05,"sent":1699999207}"#;
    let bytes = records(&[&format!(
        r#"{{"energy":"sensor.linky_energy","first":1699999200,"back":1700010000,"adjustments":{{"sensor.cost":{cost}}}}}"#
    )]);
    taken("statistics.state", &bytes, |directory| {
        let (repairs, damage) = Repairs::load(Some(directory));
        assert_eq!((repairs.all().len(), damage), (1, None));
        repairs.save().unwrap();
        assert_eq!(fs::read(directory.join("statistics.state")).unwrap(), bytes);
    });
    bytes
}

fn adopted() -> Vec<u8> {
    let bytes =
        records(&[r#"{"old":"sensor.old","ours":"sensor.linky_energy","from":1699999200,"first":1700002800,"before":10.0,"lift":500.5}"#]);
    taken("adopted.state", &bytes, |directory| {
        let mut notes = Notes::load(directory).unwrap();
        notes.add(notes.all()[0].clone()).unwrap();
        let again = fs::read(directory.join("adopted.state")).unwrap();
        assert!(again.starts_with(&bytes), "{}", String::from_utf8_lossy(&again));
    });
    bytes
}

fn pins() -> Vec<u8> {
    let reader = Identity::from_seed(&[1; 32]);
    let (key, words) = (reader.key(), reader.key().fingerprint());
    let text = format!("{METER} {key}\n021861000001 {words}\n021861000002 nobody\n021861000003 next\n- {key}\n");
    assert_eq!(Pins::parse(&text).unwrap().text(), text);
    text.into_bytes()
}

fn decisions() -> Vec<u8> {
    let words = Identity::from_seed(&[1; 32]).key().fingerprint();
    let lines = [format!("accept {METER} {words}"), format!("accept {METER}"), format!("refuse {METER} {words}")];
    lines.iter().for_each(|line| assert_eq!(Decision::parse(line).unwrap().to_string(), *line));
    lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect()
}

fn key() -> Vec<u8> {
    let key = *Identity::from_seed(&[1; 32]).key();
    let bytes = format!("{key}\n").into_bytes();
    assert_eq!(taken("key", &bytes, |directory| keys::read(&directory.join("key")).unwrap().unwrap().0), *key.as_bytes());
    bytes
}

/// Four minutes of one block, one of them unknown.
fn block() -> Vec<u8> {
    let mut bytes = Vec::new();
    [(0, 4_368_115), (2, 4_368_120), (3, 4_368_121)].into_iter().for_each(|(place, wh)| Grain::Minute.write(&mut bytes, place, wh));
    assert_eq!(Grain::Minute.read(0, &bytes).count(), 3);
    bytes
}

fn handed_over() -> Vec<u8> {
    let bytes = records(&[r#"{"meter":"041876097767","register":"BASE","hours":{"29000220":1100,"29000280":1300,"29001540":8900}}"#]);
    taken("import.state", &bytes, |directory| {
        handed::leave(directory, &handed::left(directory).unwrap().records).unwrap();
        assert_eq!(fs::read(directory.join("import.state")).unwrap(), bytes);
    });
    bytes
}

fn language() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    spoken::save(directory.path(), Language::French).unwrap();
    fs::read(spoken::path(directory.path())).unwrap()
}

/// Files, each behind the number that the target `state` gives it.
fn state() -> Seeds {
    let seeds = [
        ("positions", 0, positions()),
        ("memory", 1, memory()),
        ("ledger", 2, kept_ledger()),
        ("retained", 3, retained()),
        ("repairs", 4, repairs()),
        ("adopted", 5, adopted()),
        ("pins", 6, pins()),
        ("decisions", 6, decisions()),
        ("key", 7, key()),
        ("block", 8, block()),
        ("handed", 9, handed_over()),
        ("language", 10, language()),
    ];
    seeds.into_iter().map(|(name, which, bytes)| (name, [&[which], &bytes[..]].concat())).collect()
}

/// How the stream is cut, and what the broker in the bridge sends to a client: that it is let in, that it has subscribed, messages, an answer.
fn clients() -> Seeds {
    let (let_in, subscribed, answer) = ([0x20, 2, 0, 0], [0x90, 3, 0, 1, 0], [0xd0, 0]);
    let message = |topic: &str, bytes: usize| {
        let body = [&u16::try_from(topic.len()).unwrap().to_be_bytes(), topic.as_bytes(), &vec![b'1'; bytes]].concat();
        let length = [u8::try_from(body.len() & 0x7f).unwrap() | 0x80, u8::try_from(body.len() >> 7).unwrap()];
        [&[0x30], &length[..], &body].concat()
    };
    let usual = [&let_in[..], &subscribed, &message("teleinfo/bridge/state", 6), &message("a", 300), &answer].concat();
    let many: Vec<u8> = (0..8).flat_map(|_| message("a", 200)).collect();
    let (mut packets, mut rest, mut heads) = (Packets::default(), &usual[..], 0);
    while let Some(part) = packets.next_part(&mut rest).unwrap() {
        heads += usize::from(matches!(part, Part::Head(_)));
    }
    assert_eq!(heads, 5);
    Seeds::from([
        ("usual", [&[9], &usual[..]].concat()),
        ("many", [&[200], &let_in[..], &many].concat()),
        ("long", vec![1, 0x30, 0xff, 0xff, 0xff, 0x7f, 0]),
    ])
}

/// What a meter measured, as the targets take it: that there is something, powers of 1 234.5 W and 1 300 VA, no current, one phase, an index of
/// what was drawn, and none of what was injected.
fn measured() -> Vec<u8> {
    let powers = [1_234.5_f64.to_le_bytes(), 1_300_f64.to_le_bytes()].concat();
    [&[1], &powers[..], &[0, 0, 1], &4_368_115_u64.to_le_bytes(), &[0]].concat()
}

const UNMEASURED: [u8; 1] = [0];

/// A name in a path, and what is asked; behind them stands how long the name is.
fn asked(measured: &[u8], name: &str, question: &str) -> Vec<u8> {
    [measured, name.as_bytes(), question.as_bytes(), &[u8::try_from(name.len()).unwrap()]].concat()
}

fn shelly() -> Seeds {
    let all = r#"{"jsonrpc":"2.0","id":"a","src":"user_1","method":"Shelly.GetStatus"}"#;
    Seeds::from([
        ("all", asked(&measured(), "Shelly.GetStatus", all)),
        ("status", asked(&measured(), "EM.GetStatus", r#"{"id":1,"method":"EM.GetStatus","params":{"id":0}}"#)),
        ("none", asked(&UNMEASURED, "EM1.GetStatus", r#"{"id":2,"src":"b","method":"EM1.GetStatus","params":{"id":2}}"#)),
        ("unknown", asked(&UNMEASURED, "Shelly.Reboot", r#"{"id":3,"method":"Shelly.Reboot"}"#)),
    ])
}

/// A model, a serial number, whether watts have a scale, the first register and how many; behind them stands how long the serial number is.
fn registers(measured: &[u8], model: u8, first: u16, count: u16) -> Vec<u8> {
    let serial = "0a1861000001";
    let (first, count) = (first.to_le_bytes(), count.to_le_bytes());
    [measured, &[model], serial.as_bytes(), &[1], &first, &count, &[u8::try_from(serial.len()).unwrap()]].concat()
}

fn sunspec() -> Seeds {
    Seeds::from([
        ("identity", registers(&measured(), 0, 40_000, 69)),
        ("measurement", registers(&measured(), 1, 40_069, 107)),
        ("many", registers(&measured(), 2, 40_000, 126)),
        ("end", registers(&measured(), 3, 40_176, 2)),
        ("far", registers(&measured(), 0, 0, 10)),
        ("none", registers(&UNMEASURED, 2, 40_071, 50)),
    ])
}
