//! A reader of the meter: frames become samples, which it holds for a while.

use std::{collections::VecDeque, time::Duration};

use teleinfo_bridge::order::{
    answer::Answer,
    intake::{Outcome, Question},
    received::Received,
};
use teleinfo_proto::{
    tic::{Dataset, MeterId, Mode},
    wire::{BootId, Counters, DatasetsWriter, Sample, SampleKind},
};
use teleinfo_simulator::line::frame::Frame;

use crate::truth::{Mark, START_MS};

/// Samples that it holds: a life has more of them.
const HELD: usize = 90;

/// One reader, through all of its runs.
pub struct Reader {
    meter: MeterId,
    boot: u64,
    started: Duration,
    sequence: u64,
    counters: Counters,
    held: VecDeque<Received>,
}

impl Reader {
    /// Readers of one life differ by their number.
    pub fn new(meter: MeterId, number: u64) -> Self {
        Self { meter, boot: number * 1_000, started: Duration::ZERO, sequence: 0, counters: Counters::default(), held: VecDeque::new() }
    }

    /// Another run; what it held is kept in its file, or lost.
    pub fn restart(&mut self, keeps: bool, now: Duration) {
        self.boot += 1;
        (self.started, self.sequence, self.counters) = (now, 0, Counters::default());
        if !keeps {
            self.held.clear();
        }
    }

    /// The next sample: of this frame, and with a mark of its own.
    pub fn hear(&mut self, frame: &Frame, mark: Mark, now: Duration) -> Received {
        self.sequence += 1;
        self.counters.frames_good += 1;
        self.counters.bytes += frame.bytes.len() as u64;
        let mut block = [0; 4_096];
        let mut writer = DatasetsWriter::resume(&mut block, 0);
        for group in &frame.groups {
            let marked = mark.of(frame.mode, group.label);
            let data = marked.as_deref().unwrap_or(&group.data);
            writer.push(&Dataset::new(frame.mode, group.label, group.timestamp.as_deref(), data).unwrap()).unwrap();
        }
        let now_ms = now.as_millis() as i64;
        let sample = Sample {
            boot: BootId::new(self.boot),
            sequence: self.sequence,
            kind: SampleKind::Frame { complete: frame.complete },
            unix_ms: START_MS + now_ms,
            uptime_ms: (now - self.started).as_millis() as u64,
            mode: if frame.mode == Mode::Historic { Mode::Historic } else { Mode::Standard },
            meter: self.meter,
            counters: self.counters,
            datasets: writer.finish(),
        };
        let mut buffer = [0; Sample::BYTES_MAX];
        let received = Received::new(sample.encode(&mut buffer).unwrap().to_vec()).unwrap();
        self.held.push_back(received.clone());
        if self.held.len() > HELD {
            self.held.pop_front();
        }
        received
    }

    /// What its history has after a sample; all of it, where it does not know that sample.
    pub fn answer(&self, question: Question) -> Answer {
        let after = |received: &&Received| received.boot != question.boot || received.sequence > question.sequence;
        Answer { meter: self.meter, samples: self.held.iter().filter(after).cloned().collect(), outcome: Outcome::Complete }
    }

    /// How many samples it holds.
    pub fn held(&self) -> usize {
        self.held.len()
    }

    /// Everything that it holds.
    pub fn everything(&self) -> Vec<Received> {
        self.held.iter().cloned().collect()
    }
}
