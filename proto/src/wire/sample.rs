//! A sample: what one frame said, all at once, with its place in the reader's count and its time. Some datasets are said once more before
//! their frame ends, in live samples.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    Counters, Datasets, Error,
    envelope::{self, Type},
};
use crate::tic::{MeterId, Mode, ParseError};

/// A number drawn when the reader starts: with the sequence, it names a sample for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootId(u64);

impl BootId {
    /// Any number will do, as long as it is another one at each start.
    #[must_use]
    pub const fn new(id: u64) -> Self {
        Self(id)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for BootId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for BootId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = u64::from_str_radix(text, 16).ok().filter(|_| digits);
        id.map(Self).ok_or(ParseError::expected("up to 16 hexadecimal digits"))
    }
}

/// What a sample holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "u32", into = "u32")]
pub enum SampleKind {
    /// A frame.
    Frame {
        /// From STX to ETX, and nothing in it was refused: a label that is absent was not sent.
        complete: bool,
    },
    /// A dataset that did not wait for the end of its frame (the column `live` of the label table). Its frame follows and repeats it, so
    /// it is not kept, has no number of its own, and nothing is missing when it is lost.
    Live,
    /// Only the indexes, at one a minute: what the history keeps when the frames themselves are gone.
    Snapshot,
    /// A kind that this release does not know.
    Unknown(u32),
}

/// The numbers of the kinds on the wire; 3 is not used.
const KINDS: [(u32, SampleKind); 4] = [
    (0, SampleKind::Frame { complete: false }),
    (1, SampleKind::Frame { complete: true }),
    (2, SampleKind::Live),
    (4, SampleKind::Snapshot),
];

impl From<u32> for SampleKind {
    fn from(number: u32) -> Self {
        KINDS.iter().find(|(known, _)| *known == number).map_or(Self::Unknown(number), |(_, kind)| *kind)
    }
}

impl From<SampleKind> for u32 {
    fn from(kind: SampleKind) -> Self {
        match kind {
            SampleKind::Frame { complete } => complete.into(),
            SampleKind::Live => 2,
            SampleKind::Snapshot => 4,
            SampleKind::Unknown(number) => number,
        }
    }
}

/// One frame of one meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample<'a> {
    /// The reader's process.
    pub boot: BootId,
    /// From 1, one more for each sample of this process, whatever its meter. A live sample has the number of the one before it.
    pub sequence: u64,
    /// What it holds.
    pub kind: SampleKind,
    /// When the frame, or the dataset of a live sample, ended, by the reader's wall clock: milliseconds since 1970. A Pi without network may
    /// be wrong by years.
    pub unix_ms: i64,
    /// The same moment by a clock that is never set: milliseconds since the process started.
    pub uptime_ms: u64,
    /// The mode the meter speaks.
    pub mode: Mode,
    /// Which meter.
    pub meter: MeterId,
    /// What the meter said.
    #[serde(borrow)]
    pub datasets: Datasets<'a>,
    /// The reader's counters at that moment; a live sample has none.
    pub counters: Counters,
}

impl<'a> Sample<'a> {
    /// Enough for every label of the standard mode at once. What is longer is refused.
    pub const BYTES_MAX: usize = 2_560;

    /// Writes the sample into `buffer`; [`Self::BYTES_MAX`] is room enough.
    ///
    /// # Errors
    ///
    /// [`Error::Full`].
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
        envelope::write(Type::Sample, self, buffer)
    }

    /// Reads a sample; its datasets are read, and checked, when they are iterated.
    ///
    /// # Errors
    ///
    /// Every [`Error`] but [`Error::Full`] and [`Error::Key`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        envelope::read(Type::Sample, bytes, Self::BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::{KINDS, SampleKind};

    #[test]
    fn kinds_come_back_from_their_numbers() {
        for (number, kind) in KINDS {
            assert_eq!((SampleKind::from(number), u32::from(kind)), (kind, number));
        }
        assert_eq!(SampleKind::from(99), SampleKind::Unknown(99));
    }
}
