//! Frames of files as samples of a meter.

#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use teleinfo_bridge::{
    homeassistant::{memory::Memory, predecessor::Migrate, presentation::Presentation},
    hub::station::{Station, StationOptions},
    meter::{cadence::Policy, figures::Moment},
    order::{marks::Marks, received::Received},
    prices::book::Book,
    words::{language::Language, message::Message, topics::Topics},
};
use teleinfo_proto::{
    tic::{Dataset, Decoder, Event, MeterId, Mode, Parity},
    wire::{BootId, Counters, DatasetsWriter, Sample, SampleKind},
};

/// 2024-01-07T17:00:00Z: the day of the Tempo frames.
pub const START_MS: i64 = 1_704_646_800_000;

/// One dataset, owned.
#[derive(Debug, Clone)]
pub struct Line {
    pub label: String,
    pub timestamp: Option<String>,
    pub data: String,
}

/// One frame, owned.
#[derive(Debug, Clone)]
pub struct Frame {
    pub mode: Mode,
    pub kind: SampleKind,
    pub lines: Vec<Line>,
}

impl Frame {
    /// A clean historic frame of `label data` pairs.
    pub fn historic(lines: &[(&str, &str)]) -> Self {
        Self::of(Mode::Historic, lines.iter().map(|(label, data)| line(label, None, data)).collect())
    }

    pub fn of(mode: Mode, lines: Vec<Line>) -> Self {
        Self { mode, kind: SampleKind::Frame { complete: true }, lines }
    }

    /// With another value of a label, or a new label at the end.
    pub fn with(mut self, label: &str, data: &str) -> Self {
        match self.lines.iter_mut().find(|line| line.label == label) {
            Some(line) => line.data = data.to_owned(),
            None => self.lines.push(line(label, None, data)),
        }
        self
    }

    pub fn without(mut self, label: &str) -> Self {
        self.lines.retain(|line| line.label != label);
        self
    }

    pub fn kind(self, kind: SampleKind) -> Self {
        Self { kind, ..self }
    }
}

pub fn line(label: &str, timestamp: Option<&str>, data: &str) -> Line {
    Line { label: label.into(), timestamp: timestamp.map(str::to_owned), data: data.into() }
}

/// The frames of a file of `proto/tests/frames`.
pub fn frames(name: &str) -> Vec<Frame> {
    frames_of("frames", name)
}

/// The frames of a file of `proto/tests/cases`.
pub fn cases(name: &str) -> Vec<Frame> {
    frames_of("cases", name)
}

fn frames_of(folder: &str, name: &str) -> Vec<Frame> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../proto/tests").join(folder).join(name);
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut decoder = Decoder::new(Parity::Stripped);
    let (mut input, mut frames, mut lines, mut clean, mut mode) = (&bytes[..], Vec::new(), Vec::new(), true, Mode::Historic);
    while let Some(event) = decoder.next_event(&mut input) {
        match event {
            Event::FrameStart => {}
            Event::Dataset(dataset) => {
                mode = dataset.mode();
                lines.push(line(dataset.label(), dataset.timestamp(), dataset.data()));
            }
            Event::Refused(_) => clean = false,
            Event::FrameEnd(end) => {
                let complete = clean && end.is_whole();
                frames.push(Frame { mode, kind: SampleKind::Frame { complete }, lines: std::mem::take(&mut lines) });
                clean = true;
            }
        }
    }
    frames
}

/// A meter under test, with its clock.
pub struct Bench {
    pub station: Station,
    pub id: MeterId,
    pub now: Instant,
    pub unix_ms: i64,
    pub counters: Counters,
    pub boot: BootId,
    sequence: u64,
    uptime_ms: u64,
    arrived: Option<Received>,
}

impl Bench {
    pub fn new(id: &str) -> Self {
        Self::with(id, Language::English, Migrate::None, Memory::default())
    }

    pub fn with(id: &str, language: Language, migrate: Migrate, memory: Memory) -> Self {
        Self::paying(id, language, migrate, memory, Book::default())
    }

    pub fn paying(id: &str, language: Language, migrate: Migrate, memory: Memory, prices: Book) -> Self {
        let id = id.parse().unwrap();
        let topics = Topics::default();
        let presentation = Arc::new(Presentation {
            topics,
            language,
            discovery: true,
            updates: false,
            migrate,
            meters: std::collections::BTreeMap::new(),
            prices,
        });
        let options = StationOptions {
            presentation,
            policy: Policy::EveryFrame,
            pace: Duration::ZERO,
            offline_after: Duration::from_secs(30),
            archive: false,
            records: None,
        };
        Self {
            station: Station::new(id, &options, memory, Marks::default(), None),
            id,
            now: Instant::now(),
            unix_ms: START_MS,
            counters: Counters::default(),
            boot: BootId::new(1),
            sequence: 0,
            uptime_ms: 1_000,
            arrived: None,
        }
    }

    /// Lets the meter have a frame.
    pub fn apply(&mut self, frame: &Frame) -> Vec<Message> {
        self.sequence += 1;
        self.counters.frames_good += 1;
        let mut buffer = [0; 4_096];
        let mut writer = DatasetsWriter::resume(&mut buffer, 0);
        for line in &frame.lines {
            let dataset = Dataset::new(frame.mode, &line.label, line.timestamp.as_deref(), &line.data);
            writer.push(&dataset.unwrap_or_else(|reason| panic!("{line:?}: {reason:?}"))).unwrap();
        }
        let sample = Sample {
            boot: self.boot,
            sequence: self.sequence,
            kind: frame.kind,
            unix_ms: self.unix_ms,
            uptime_ms: self.uptime_ms,
            mode: frame.mode,
            meter: self.id,
            counters: self.counters,
            datasets: writer.finish(),
        };
        let moment = Moment { at: self.now, unix_ms: self.unix_ms };
        let arrived = Received::without_bytes(&sample);
        let messages = self.station.handle_sample(&sample, moment);
        self.arrived = Some(arrived);
        messages
    }

    /// The last frame came over the network too: whether the meter is online has changed so.
    pub fn arrive(&mut self) -> Option<bool> {
        self.station.handle_arrival(self.arrived.take()?, SystemTime::UNIX_EPOCH, self.now);
        self.station.poll_presence(self.now)
    }

    /// Lets time pass, with ticks every half second.
    pub fn pass(&mut self, seconds: u64) -> Vec<Message> {
        let mut messages = Vec::new();
        for _ in 0..seconds * 2 {
            self.now += Duration::from_millis(500);
            self.unix_ms += 500;
            self.uptime_ms += 500;
            messages.extend(self.station.handle_timeout(self.now));
        }
        messages
    }

    /// The JSON of the merged state as it stands.
    pub fn state(&self) -> serde_json::Value {
        serde_json::from_slice(&self.station.merged_state()).unwrap()
    }
}

/// The last message on the topic that ends so, as JSON.
pub fn json(messages: &[Message], suffix: &str) -> Option<serde_json::Value> {
    let message = messages.iter().rev().find(|message| message.topic.ends_with(suffix))?;
    Some(serde_json::from_slice(&message.payload).unwrap())
}

/// The events among messages.
pub fn events(messages: &[Message]) -> Vec<serde_json::Value> {
    let events = messages.iter().filter(|message| message.topic.ends_with("/event"));
    events.map(|message| serde_json::from_slice(&message.payload).unwrap()).collect()
}
