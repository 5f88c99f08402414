//! What the reader counts, from the start of its process. Everything received adds up.

use serde::{Deserialize, Serialize};

use crate::tic::ReasonKind;

/// Counters of a reader. They only grow, and wrap after four thousand million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Bytes from the line.
    pub bytes: u64,
    /// Frames from STX to ETX without a refused dataset.
    pub frames_good: u32,
    /// Frames from STX to ETX with a refused dataset.
    pub frames_damaged: u32,
    /// Frames whose beginning was not seen, or that ended in EOT, another STX or silence.
    pub frames_cut: u32,
    /// Datasets taken.
    pub datasets_good: u32,
    /// Datasets refused, by reason; see [`ReasonKind`].
    pub refused_parity: u32,
    /// See [`ReasonKind::Checksum`].
    pub refused_checksum: u32,
    /// See [`ReasonKind::Malformed`].
    pub refused_malformed: u32,
    /// See [`ReasonKind::TooLong`].
    pub refused_too_long: u32,
    /// See [`ReasonKind::Characters`].
    pub refused_characters: u32,
    /// See [`ReasonKind::Width`].
    pub refused_width: u32,
    /// See [`ReasonKind::Range`].
    pub refused_range: u32,
    /// See [`ReasonKind::Timestamp`].
    pub refused_timestamp: u32,
    /// See [`ReasonKind::Mode`].
    pub refused_mode: u32,
    /// Datasets that verified but are not believed: an index that runs backwards or too fast, an unknown label that came only once.
    pub refused_implausible: u32,
    /// Datasets that verified while no meter's identity was known.
    pub unidentified: u32,
    /// Times that agreeing frames made an index that jumped the new truth.
    pub index_resets: u32,
    /// Samples that could not be sent when they were made; the history still holds them for a while.
    pub samples_unsent: u32,
    /// Times the session with the bridge was lost.
    pub reconnects: u32,
}

impl Counters {
    /// Counts a refused dataset.
    pub fn refuse(&mut self, reason: ReasonKind) {
        let counter = match reason {
            ReasonKind::Parity => &mut self.refused_parity,
            ReasonKind::Checksum => &mut self.refused_checksum,
            ReasonKind::Malformed => &mut self.refused_malformed,
            ReasonKind::TooLong => &mut self.refused_too_long,
            ReasonKind::Characters => &mut self.refused_characters,
            ReasonKind::Width => &mut self.refused_width,
            ReasonKind::Range => &mut self.refused_range,
            ReasonKind::Timestamp => &mut self.refused_timestamp,
            ReasonKind::Mode => &mut self.refused_mode,
        };
        *counter = counter.wrapping_add(1);
    }

    /// Datasets refused, with the word for each reason.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u32)> {
        [
            (ReasonKind::Parity.name(), self.refused_parity),
            (ReasonKind::Checksum.name(), self.refused_checksum),
            (ReasonKind::Malformed.name(), self.refused_malformed),
            (ReasonKind::TooLong.name(), self.refused_too_long),
            (ReasonKind::Characters.name(), self.refused_characters),
            (ReasonKind::Width.name(), self.refused_width),
            (ReasonKind::Range.name(), self.refused_range),
            (ReasonKind::Timestamp.name(), self.refused_timestamp),
            (ReasonKind::Mode.name(), self.refused_mode),
            ("implausible", self.refused_implausible),
        ]
        .into_iter()
    }
}
