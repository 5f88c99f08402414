//! The verified datasets of one frame while it comes in, and what is known of it: its mode, whose it is, how much of it was refused.

use teleinfo_proto::{
    tic::{Dataset, MeterId, Mode, Value},
    wire::{Datasets, DatasetsWriter, Sample},
};

use super::Moment;

/// Room for the datasets of a frame: what a sample may have, less its other fields.
pub(super) const FRAME_BYTES: usize = Sample::BYTES_MAX - 256;

/// Verified datasets of one frame, and what is known of the frame.
pub(super) struct Frame {
    bytes: Vec<u8>,
    length: usize,
    pub(super) facts: Facts,
}

/// What is known of a frame beside its datasets.
#[derive(Clone, Copy, Default)]
pub(super) struct Facts {
    pub(super) mode: Option<Mode>,
    /// The address it has told.
    pub(super) identity: Option<MeterId>,
    /// Datasets that verified, and those that did not.
    pub(super) good: u32,
    pub(super) refused: u32,
    /// It was seen from its beginning to its end.
    pub(super) whole: bool,
    pub(super) ended: Moment,
}

impl Facts {
    /// The frame was seen from its beginning to its end, and nothing in it was refused.
    pub(super) fn is_clean(&self) -> bool {
        self.whole && self.refused == 0
    }
}

impl Frame {
    /// With room for so many bytes.
    pub(super) fn new(bytes: usize) -> Self {
        Self { bytes: vec![0; bytes], length: 0, facts: Facts::default() }
    }

    /// Adds a dataset; `false` if there is no room for it.
    pub(super) fn push(&mut self, dataset: &Dataset<'_>) -> bool {
        let mut writer = DatasetsWriter::resume(&mut self.bytes, self.length);
        if writer.push(dataset).is_err() {
            self.facts.refused += 1;
            return false;
        }
        self.length = writer.length();
        self.facts.good += 1;
        self.facts.mode = Some(dataset.mode());
        if let Value::Identity(identity) = dataset.value() {
            self.facts.identity = Some(identity);
        }
        true
    }

    /// In the order in which they came.
    pub(super) fn datasets(&self) -> impl Iterator<Item = Dataset<'_>> {
        let mode = self.facts.mode.unwrap_or(Mode::Historic);
        Datasets::from(self.encoded()).iter(mode).flatten()
    }

    /// The datasets as they are sent.
    pub(super) fn encoded(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Begins another one.
    pub(super) fn clear(&mut self) {
        self.length = 0;
        self.facts = Facts::default();
    }
}
