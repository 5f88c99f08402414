//! What the reader counts, from the start of its process. Everything received adds up.

use serde::{Deserialize, Serialize};

use crate::tic::RefusalKind;

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
    /// Datasets refused, by reason; see [`RefusalKind`].
    pub refused_parity: u32,
    /// See [`RefusalKind::Checksum`].
    pub refused_checksum: u32,
    /// See [`RefusalKind::Malformed`].
    pub refused_malformed: u32,
    /// See [`RefusalKind::TooLong`].
    pub refused_too_long: u32,
    /// See [`RefusalKind::Characters`].
    pub refused_characters: u32,
    /// See [`RefusalKind::Width`].
    pub refused_width: u32,
    /// See [`RefusalKind::Range`].
    pub refused_range: u32,
    /// See [`RefusalKind::Timestamp`].
    pub refused_timestamp: u32,
    /// See [`RefusalKind::Mode`].
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
    pub fn refuse(&mut self, reason: RefusalKind) {
        let counter = match reason {
            RefusalKind::Parity => &mut self.refused_parity,
            RefusalKind::Checksum => &mut self.refused_checksum,
            RefusalKind::Malformed => &mut self.refused_malformed,
            RefusalKind::TooLong => &mut self.refused_too_long,
            RefusalKind::Characters => &mut self.refused_characters,
            RefusalKind::Width => &mut self.refused_width,
            RefusalKind::Range => &mut self.refused_range,
            RefusalKind::Timestamp => &mut self.refused_timestamp,
            RefusalKind::Mode => &mut self.refused_mode,
        };
        *counter = counter.wrapping_add(1);
    }

    /// Datasets refused, with the word for each reason.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u32)> {
        [
            (RefusalKind::Parity.name(), self.refused_parity),
            (RefusalKind::Checksum.name(), self.refused_checksum),
            (RefusalKind::Malformed.name(), self.refused_malformed),
            (RefusalKind::TooLong.name(), self.refused_too_long),
            (RefusalKind::Characters.name(), self.refused_characters),
            (RefusalKind::Width.name(), self.refused_width),
            (RefusalKind::Range.name(), self.refused_range),
            (RefusalKind::Timestamp.name(), self.refused_timestamp),
            (RefusalKind::Mode.name(), self.refused_mode),
            ("implausible", self.refused_implausible),
        ]
        .into_iter()
    }
}
