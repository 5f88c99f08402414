//! The indexes of one moment, and how they are kept: whole, or as the difference from the snapshot before.
//!
//! Most of a meter's twenty indexes stand still, and the others move by little, so a difference takes about 15 bytes.

use serde::{Deserialize, Serialize};
use teleinfo_proto::{
    tic::{Dataset, Label, MeterId, Mode, spec::INDEX_MAX},
    wire::{BootId, Counters, DatasetsWriter, Sample, SampleKind},
};

use crate::reading::can_follow;

/// More than the indexes of either mode.
const INDEXES: usize = 24;
/// Room for the largest record: whole, every index at its widest.
pub(super) const BYTES_MAX: usize = 192;

const WHOLE: u8 = 1;
const DIFFERENCE: u8 = 2;

/// The indexes of one sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) ordinal: u64,
    pub(super) boot: BootId,
    pub(super) sequence: u64,
    pub(super) unix_ms: i64,
    uptime_ms: u64,
    mode: Mode,
    pub(super) meter: MeterId,
    /// Bit n: the mode's n-th index is there.
    present: u32,
    pub(super) values: [u32; INDEXES],
}

#[derive(Serialize, Deserialize)]
struct Whole {
    ordinal: u64,
    boot: BootId,
    sequence: u64,
    unix_ms: i64,
    uptime_ms: u64,
    mode: Mode,
    meter: MeterId,
    present: u32,
}

#[derive(Serialize, Deserialize)]
struct Difference {
    ordinal: u64,
    sequence: u64,
    unix_ms: i64,
    uptime_ms: u64,
    changed: u32,
}

/// Whether a record stands on its own, from its first byte.
pub(super) const fn is_whole(first: u8) -> bool {
    first == WHOLE
}

fn indexes(mode: Mode) -> impl Iterator<Item = &'static Label> {
    Label::all(mode).iter().filter(|label| label.kind.is_index()).take(INDEXES)
}

impl Snapshot {
    /// The indexes among a sample's datasets.
    pub(super) fn of(ordinal: u64, sample: &Sample<'_>) -> Self {
        let Sample { boot, sequence, unix_ms, uptime_ms, mode, meter, .. } = *sample;
        let mut snapshot = Self { ordinal, boot, sequence, unix_ms, uptime_ms, mode, meter, present: 0, values: [0; INDEXES] };
        for dataset in sample.datasets.iter(mode).flatten() {
            snapshot.note(&dataset);
        }
        snapshot
    }

    /// Whether a meter can have counted from another snapshot to this one. Other registers have nothing to do with each other; between two
    /// runs of the reader only the clock tells the time, and it may have been wrong, so that only a step back counts.
    pub(super) fn follows(&self, other: &Self) -> bool {
        if (self.mode, self.meter) != (other.mode, other.meter) {
            return true;
        }
        let elapsed_ms = (self.boot == other.boot).then(|| self.uptime_ms.saturating_sub(other.uptime_ms));
        bits(self.present & other.present).all(|place| can_follow(other.values[place], self.values[place], elapsed_ms))
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.present == 0
    }

    /// As a sample of kind [`SampleKind::Snapshot`]; its counters are zero.
    pub(super) fn encode<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b [u8]> {
        let mut bytes = [0; 512];
        let mut datasets = DatasetsWriter::resume(&mut bytes, 0);
        for (place, label) in indexes(self.mode).enumerate().filter(|(place, _)| self.present >> place & 1 == 1) {
            let data = format!("{:09}", self.values[place]);
            datasets.push(&Dataset::new(self.mode, label.code, None, &data).ok()?).ok()?;
        }
        let sample = Sample {
            boot: self.boot,
            sequence: self.sequence,
            kind: SampleKind::Snapshot,
            unix_ms: self.unix_ms,
            uptime_ms: self.uptime_ms,
            mode: self.mode,
            meter: self.meter,
            counters: Counters::default(),
            datasets: datasets.finish(),
        };
        sample.encode(buffer).ok()
    }

    /// Writes it so that it can be read on its own.
    pub(super) fn write_whole(&self, buffer: &mut [u8]) -> Option<usize> {
        let Self { ordinal, boot, sequence, unix_ms, uptime_ms, mode, meter, present, .. } = *self;
        let head = Whole { ordinal, boot, sequence, unix_ms, uptime_ms, mode, meter, present };
        write(WHOLE, &head, bits(present).map(|place| self.values[place]), buffer)
    }

    /// Writes what is different from `last`; `None` if that is more than values that moved.
    pub(super) fn write_difference(&self, last: &Self, buffer: &mut [u8]) -> Option<usize> {
        let same = (self.boot, self.mode, self.meter, self.present) == (last.boot, last.mode, last.meter, last.present);
        if !same {
            return None;
        }
        let moved = |place: usize| self.values[place].wrapping_sub(last.values[place]);
        let changed = (0..INDEXES).filter(|place| moved(*place) != 0).fold(0, |bits, place| bits | 1 << place);
        let head = Difference {
            ordinal: self.ordinal.checked_sub(last.ordinal)?,
            sequence: self.sequence.checked_sub(last.sequence)?,
            unix_ms: self.unix_ms.checked_sub(last.unix_ms)?,
            uptime_ms: self.uptime_ms.checked_sub(last.uptime_ms)?,
            changed,
        };
        write(DIFFERENCE, &head, bits(changed).map(moved), buffer)
    }

    /// Reads a record; a difference needs the snapshot before it. An index with more digits than a meter has is none.
    pub(super) fn read(record: &[u8], last: Option<&Self>) -> Option<Self> {
        let snapshot = match record.split_first()? {
            (&WHOLE, rest) => Self::read_whole(rest),
            (&DIFFERENCE, rest) => last?.read_difference(rest),
            _ => None,
        }?;
        snapshot.values.iter().all(|value| *value <= INDEX_MAX).then_some(snapshot)
    }

    fn read_whole(rest: &[u8]) -> Option<Self> {
        let (Whole { ordinal, boot, sequence, unix_ms, uptime_ms, mode, meter, present }, mut rest) =
            postcard::take_from_bytes(rest).ok()?;
        let mut snapshot = Self { ordinal, boot, sequence, unix_ms, uptime_ms, mode, meter, present, values: [0; INDEXES] };
        for place in bits(present) {
            (*snapshot.values.get_mut(place)?, rest) = postcard::take_from_bytes(rest).ok()?;
        }
        Some(snapshot)
    }

    fn read_difference(&self, rest: &[u8]) -> Option<Self> {
        let (step, mut rest) = postcard::take_from_bytes::<Difference>(rest).ok()?;
        let mut snapshot = self.clone();
        snapshot.ordinal = self.ordinal.checked_add(step.ordinal)?;
        snapshot.sequence = self.sequence.checked_add(step.sequence)?;
        snapshot.unix_ms = self.unix_ms.checked_add(step.unix_ms)?;
        snapshot.uptime_ms = self.uptime_ms.checked_add(step.uptime_ms)?;
        for place in bits(step.changed) {
            let (moved, after) = postcard::take_from_bytes::<u32>(rest).ok()?;
            let value = snapshot.values.get_mut(place)?;
            *value = value.wrapping_add(moved);
            rest = after;
        }
        Some(snapshot)
    }

    fn note(&mut self, dataset: &Dataset<'_>) {
        let value = dataset.value().number().and_then(|value| u32::try_from(value).ok());
        let place = indexes(self.mode).position(|label| label.code == dataset.label());
        if let (Some(value), Some(place)) = (value, place) {
            self.present |= 1 << place;
            self.values[place] = value;
        }
    }
}

/// The places of the bits that are set.
fn bits(mask: u32) -> impl Iterator<Item = usize> {
    (0..u32::BITS as usize).filter(move |place| mask >> place & 1 == 1)
}

fn write(tag: u8, head: &impl Serialize, values: impl Iterator<Item = u32>, buffer: &mut [u8]) -> Option<usize> {
    let (first, rest) = buffer.split_first_mut()?;
    *first = tag;
    let mut length = postcard::to_slice(head, rest).ok()?.len();
    for value in values {
        length += postcard::to_slice(&value, rest.get_mut(length..)?).ok()?.len();
    }
    Some(1 + length)
}
