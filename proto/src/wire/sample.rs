//! A sample: what one frame said, all at once, with its place in the reader's count and its time.

use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Counters, Datasets, Error};
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
pub enum SampleKind {
    /// A frame.
    Frame {
        /// From STX to ETX, and nothing in it was refused: a label that is absent was not sent.
        complete: bool,
    },
    /// Something that could not wait for the end of its frame; the frame follows.
    Urgent,
    /// Only the indexes, at one a minute: what the history keeps when the frames themselves are gone.
    Snapshot,
}

/// One frame of one meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample<'a> {
    /// The reader's process.
    pub boot: BootId,
    /// From 1, one more for each sample of this process, whatever its meter.
    pub sequence: u64,
    /// What it holds.
    pub kind: SampleKind,
    /// When the frame ended, by the reader's wall clock: milliseconds since 1970. A Pi without network may be wrong by years.
    pub unix_ms: i64,
    /// When the frame ended, by a clock that is never set: milliseconds since the process started.
    pub uptime_ms: u64,
    /// The mode the meter speaks.
    pub mode: Mode,
    /// Which meter.
    pub meter: MeterId,
    /// The reader's counters at that moment.
    pub counters: Counters,
    /// What the meter said.
    #[serde(borrow)]
    pub datasets: Datasets<'a>,
}

impl<'a> Sample<'a> {
    /// Enough for every label of the standard mode at once.
    pub const BYTES_MAX: usize = 2_560;

    /// Writes the sample into `buffer`; [`Self::BYTES_MAX`] is room enough.
    ///
    /// # Errors
    ///
    /// [`Error::Full`].
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
        super::encode(self, buffer)
    }

    /// Reads a sample; its datasets are read, and checked, when they are iterated.
    ///
    /// # Errors
    ///
    /// [`Error::Version`], [`Error::Truncated`] or [`Error::Malformed`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        super::decode(bytes)
    }
}
