//! Every fault of a line against what is said about it: the state of the line, the cause and its words, how soon they come, that they come
//! once, and that the end is told too. The table in `docs/line-faults.md` and its French twin is held against the same rows.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{
    path::Path,
    time::{Duration, Instant},
};

use teleinfo_bridge::words::{cause, language::Language};
use teleinfo_proto::{
    tic::{
        Mode,
        encode::{FrameWriter, even_parity},
    },
    wire::{BootId, Cause, LineState},
};
use teleinfo_reader::reading::{FaultKind, Framing, Order, ParityChoice, Reading};
use teleinfo_simulator::{
    fault::FaultKind as Strike,
    meter::{Meter, MeterOptions, tariff::contract::Contract},
    rng::Rng,
};

/// Seconds of a good line before a fault, of the fault, and after it.
const BEFORE: u64 = 40;
const DURING: u64 = 90;
const AFTER: u64 = 60;
/// Trouble is told within so many seconds, and so is its end.
const TOLD: u64 = 16;
const ENDED: u64 = 30;

/// What is at the other end of the line.
#[derive(Clone, Copy)]
enum Heard {
    /// It cannot be opened, or has gone.
    Fault(FaultKind),
    Silence,
    Garbage,
    /// Each byte of each frame is struck with this probability.
    Struck(Strike, f64),
    /// The datasets of this label are damaged in every frame, in a way that parity does not see.
    OneLabel(&'static str),
    /// All of these bytes come as that one.
    Replaced(u8, u8),
    /// Chunks of bytes are lost.
    Robbed,
    /// Frames of these datasets, and of nothing else.
    Only(&'static [(&'static str, &'static str)]),
    Good,
}
use Heard::{Fault, Garbage, Good, OneLabel, Only, Replaced, Robbed, Silence, Struck};

/// A fault, and what is to be said about it.
struct Row {
    english: &'static str,
    french: &'static str,
    heard: Heard,
    /// Another program has the line open, and can be seen.
    shared: bool,
    /// It is told within so many seconds.
    told: u64,
    line: LineState,
    cause: Cause,
    label: Option<&'static str>,
}

const fn row(english: &'static str, french: &'static str, heard: Heard, line: LineState, cause: Cause) -> Row {
    Row { english, french, heard, shared: false, told: TOLD, line, cause, label: None }
}

impl Row {
    const fn shared(self) -> Self {
        Self { shared: true, ..self }
    }

    const fn within(self, told: u64) -> Self {
        Self { told, ..self }
    }

    const fn about(self, label: &'static str) -> Self {
        Self { label: Some(label), ..self }
    }
}

const ADDRESS: &[(&str, &str)] = &[("ADCO", "900061000001")];
const YELLOW: &[(&str, &str)] = &[("JAUNE", "10:25:14:02:21:  :00450:80"), ("ENERG", "111111:222222:333333:444444"), ("TDEPA", "00000")];
const ICE: &[(&str, &str)] = &[("CONTRAT", "BT 4 SUP36"), ("EA", "00012kWh"), ("PTCOUR", "HPH")];

#[rustfmt::skip]
const TABLE: &[Row] = &[
    row("the adapter is unplugged", "l'adaptateur est débranché", Fault(FaultKind::Absent), LineState::Absent, Cause::NoDevice),
    row("the device may not be opened", "l'accès au port est refusé", Fault(FaultKind::Denied), LineState::Denied, Cause::NoPermission),
    row("another program has locked the device", "un autre programme a verrouillé le port", Fault(FaultKind::Busy), LineState::Busy, Cause::DeviceInUse),
    row("a wire has come loose", "un fil s'est détaché", Silence, LineState::Silent, Cause::NoSignal),
    row("another program takes every byte", "un autre programme prend tous les octets", Silence, LineState::Silent, Cause::BytesTaken).shared(),
    row("another program takes some bytes, and can be seen", "un autre programme prend des octets, et se voit", Robbed, LineState::Reading, Cause::BytesTaken).shared(),
    row("another program takes some bytes, and cannot be seen", "un autre programme prend des octets, sans se voir", Robbed, LineState::Reading, Cause::BytesMissing),
    row("bytes get lost", "des octets se perdent", Struck(Strike::Drop, 0.003), LineState::Reading, Cause::BytesMissing),
    row("something that is no TIC", "autre chose que de la TIC", Garbage, LineState::Searching, Cause::NotTic),
    row("a modem that hears next to nothing", "un modem qui n'entend presque rien", Struck(Strike::Clear, 0.8), LineState::Searching, Cause::WeakSignal),
    row("a modem that hears too little", "un modem qui entend mal", Struck(Strike::Clear, 0.02), LineState::Reading, Cause::WeakSignal),
    row("noise on the wires", "des parasites sur les fils", Struck(Strike::Flip, 0.003), LineState::Reading, Cause::Noise),
    row("little noise, in every third frame", "peu de parasites, dans une trame sur trois", Struck(Strike::Flip, 0.0004), LineState::Reading, Cause::Noise).within(60),
    row("LF always comes as another character", "LF arrive toujours comme un autre caractère", Replaced(0x0a, 0x0f), LineState::Reading, Cause::ControlsDamaged),
    row("STX always comes as another character", "STX arrive toujours comme un autre caractère", Replaced(0x02, 0x43), LineState::Reading, Cause::ControlsDamaged),
    row("one label never passes", "une étiquette ne passe jamais", OneLabel("EASD02"), LineState::Reading, Cause::LabelRefused).about("EASD02"),
    row("a meter whose output is asleep", "un compteur dont la sortie est en veille", Only(ADDRESS), LineState::Reading, Cause::Asleep),
    row("the address never passes", "l'adresse ne passe jamais", OneLabel("ADSC"), LineState::Reading, Cause::NoIdentity),
    row("a yellow meter (CJE)", "un compteur jaune (CJE)", Only(YELLOW), LineState::Reading, Cause::YellowMeter),
    row("an ICE meter", "un compteur ICE", Only(ICE), LineState::Reading, Cause::IceMeter),
    row("nothing is wrong", "tout va bien", Good, LineState::Reading, Cause::None),
];

/// A meter, a line and a reader's ear.
struct World {
    now: Instant,
    second: u64,
    mode: Mode,
    meter: Meter,
    waiting: Vec<u8>,
    rng: Rng,
    reading: Reading,
    /// Line, cause and label, each time they changed, with the second.
    said: Vec<(u64, LineState, Cause, Option<&'static str>)>,
}

impl World {
    fn new(mode: Mode) -> Self {
        let now = Instant::now();
        Self {
            now,
            second: 0,
            mode,
            meter: Meter::new(MeterOptions::new(mode, Contract::find("hc").unwrap(), 1_700_000_000)),
            waiting: Vec::new(),
            rng: Rng::new(1),
            reading: Reading::new(BootId::new(1), Some(mode), ParityChoice::Software, now),
            said: Vec::new(),
        }
    }

    fn run(&mut self, heard: Heard, shared: bool, seconds: u64) {
        if let (Fault(_), Some(_)) = (heard, self.said.last()) {
            self.reading.handle_fault(FaultKind::Vanished, 0, self.now);
        }
        for _ in 0..seconds {
            (self.now, self.second) = (self.now + Duration::from_secs(1), self.second + 1);
            self.carry_out(heard, shared);
            let bytes = self.bytes(heard);
            if !bytes.is_empty() {
                self.reading.handle_bytes(&bytes, 0, self.now);
            }
            while self.reading.poll_output().is_some() {}
            self.carry_out(heard, shared);
            self.reading.handle_timeout(0, self.now);
            while self.reading.poll_output().is_some() {}
            self.carry_out(heard, shared);
            self.note();
        }
    }

    fn note(&mut self) {
        let state = self.reading.state(self.now);
        let said = (state.line, state.cause, state.label);
        if self.said.last().is_none_or(|(_, line, cause, label)| (*line, *cause, *label) != said) {
            self.said.push((self.second, said.0, said.1, said.2));
        }
    }

    fn carry_out(&mut self, heard: Heard, shared: bool) {
        while let Some(order) = self.reading.poll_order(self.now) {
            match (order, heard) {
                (Order::Open, Fault(kind)) => self.reading.handle_fault(kind, 0, self.now),
                (Order::Open, _) => self.reading.handle_opened(self.now),
                (Order::Set(mode, framing), _) => self.reading.handle_set(mode, framing, framing == Framing::EightNone, self.now),
                (Order::LookForOthers, _) => self.reading.handle_others(shared),
                (Order::CheckSettings | Order::LookElsewhere, _) => {}
            }
        }
    }

    /// What a second brings.
    fn bytes(&mut self, heard: Heard) -> Vec<u8> {
        let per_second = self.mode.baud() as usize / 10;
        match heard {
            Fault(_) | Silence => return Vec::new(),
            Garbage => return (0..per_second).map(|_| self.rng.next_u64() as u8).collect(),
            _ => {}
        }
        while self.waiting.len() < per_second {
            let mut frame = match heard {
                Only(datasets) => frame_of(datasets),
                _ => self.meter.next_frame().0.bytes,
            };
            even_parity(&mut frame);
            self.damage(heard, &mut frame);
            self.waiting.extend(frame);
        }
        let mut bytes: Vec<u8> = self.waiting.drain(..per_second).collect();
        if matches!(heard, Robbed) {
            bytes.drain(100..140);
        }
        bytes
    }

    fn damage(&mut self, heard: Heard, frame: &mut Vec<u8>) {
        match heard {
            Struck(strike, rate) => {
                for _ in 0..frame.len() {
                    if self.rng.chance(rate) {
                        strike.strike(frame, &mut self.rng);
                    }
                }
            }
            Replaced(from, to) => {
                let [from, to] = [from, to].map(with_parity);
                frame.iter_mut().filter(|byte| **byte == from).for_each(|byte| *byte = to);
            }
            OneLabel(label) => {
                let mut wanted = label.as_bytes().to_vec();
                even_parity(&mut wanted);
                let place = frame.windows(wanted.len()).position(|window| window == wanted).unwrap() + wanted.len() + 3;
                frame[place] ^= 0x03;
            }
            _ => {}
        }
    }
}

fn with_parity(byte: u8) -> u8 {
    let mut bytes = [byte];
    even_parity(&mut bytes);
    bytes[0]
}

fn frame_of(datasets: &[(&str, &str)]) -> Vec<u8> {
    let mut buffer = [0; 256];
    let mut writer = FrameWriter::new(&mut buffer, Mode::Historic).unwrap();
    for (label, data) in datasets {
        writer.dataset(label, None, data).unwrap();
    }
    writer.finish().unwrap().to_vec()
}

#[test]
fn each_fault_is_named_once_soon_and_rightly_and_its_end_is_told() {
    for row in TABLE {
        // A fault begins anywhere between two looks of the diagnosis.
        (0..5).step_by(2).for_each(|offset| walk(row, BEFORE + offset));
    }
}

fn walk(row: &Row, before: u64) {
    let mode = if matches!(row.heard, Only(_)) { Mode::Historic } else { Mode::Standard };
    let mut world = World::new(mode);
    // A meter of another kind, and an address that never passes, have always been so.
    let is_sudden = !matches!(row.heard, Only(_) | OneLabel("ADSC"));
    if is_sudden {
        world.run(Good, false, before);
        assert_eq!(world.said.last().map(|said| (said.1, said.2)), Some((LineState::Reading, Cause::None)), "{}", row.english);
    }
    let begin = world.second;
    world.run(row.heard, row.shared, DURING);
    let mut trouble: Vec<_> = world.said.iter().filter(|said| said.0 > begin && said.2 != Cause::None).collect();
    let line = world.said.last().unwrap().1;
    // The same words are one message, however the state of the line changes meanwhile.
    trouble.dedup_by_key(|said| (said.2, said.3));
    if row.cause == Cause::None {
        assert!(trouble.is_empty(), "{}: {trouble:?}", row.english);
        return;
    }
    let [(at, _, cause, label)] = trouble[..] else { panic!("{} from {before} s: not one message: {trouble:?}", row.english) };
    assert_eq!((line, *cause, *label), (row.line, row.cause, row.label), "{}", row.english);
    assert!(at - begin <= row.told, "{}: after {} s", row.english, at - begin);
    if is_sudden {
        let end = world.second;
        world.run(Good, false, AFTER);
        let (at, line, cause, _) = world.said.last().unwrap();
        assert_eq!((*line, *cause), (LineState::Reading, Cause::None), "{}: it is over: {:?}", row.english, world.said);
        assert!(at - end <= ENDED, "{}: its end was told after {} s", row.english, at - end);
    }
}

#[test]
fn a_frame_that_is_joined_in_its_middle_is_no_bad_reception() {
    let mut world = World::new(Mode::Standard);
    world.bytes(Good);
    world.run(Good, false, 30);
    let counters = world.reading.counters();
    assert_eq!((counters.frames_damaged, counters.frames_cut), (0, 0), "{counters:?}");
    assert!(counters.frames_good > 20);
}

/// A line of the table: the fault, the state of the line, the code of the cause, its words.
fn line(row: &Row, language: Language) -> String {
    let situation = if language == Language::English { row.english } else { row.french };
    let words = cause::sentence(row.cause, row.label.unwrap_or_default(), language);
    format!("| {situation} | `{}` | `{}` | {words} |", row.line.name(), row.cause.name())
}

#[test]
fn the_table_in_the_documents_is_this_one() {
    let documents = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for (name, language) in [("line-faults.md", Language::English), ("fr/line-faults.md", Language::French)] {
        let table = TABLE.iter().map(|row| line(row, language)).collect::<Vec<_>>().join("\n");
        let text = std::fs::read_to_string(documents.join(name)).unwrap();
        assert!(text.contains(&table), "docs/{name} should have this table:\n{table}");
    }
}

#[test]
fn each_cause_is_in_the_table() {
    for cause in Cause::ALL {
        assert!(TABLE.iter().any(|row| row.cause == *cause), "{}", cause.name());
    }
}
