//! Why a dataset was not taken, in words that say where, which, and what was expected.

use core::fmt;

use super::Mode;

/// What is wrong with a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A byte does not have even parity, or has bit 7 set where it cannot be.
    Parity,
    /// The sum of the bytes is another than the one sent along.
    Checksum {
        /// What the bytes add up to.
        expected: u8,
        /// What stood on the line.
        found: u8,
    },
    /// No label, no separators, or more fields than a dataset has.
    Malformed,
    /// Longer than any dataset.
    TooLong,
    /// A character that a label or this label's data never holds.
    Characters,
    /// A known label whose data has another length.
    Width {
        /// Characters the label always has.
        expected: usize,
        /// Characters that came.
        found: usize,
    },
    /// A known label whose value cannot be.
    Range,
    /// A timestamp that is missing, not expected, or no date.
    Timestamp,
    /// A dataset of the other mode than its frame.
    Mode(Mode),
}

/// [`Reason`] without its details: what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "documented at Reason")]
pub enum RefusalKind {
    Parity,
    Checksum,
    Malformed,
    TooLong,
    Characters,
    Width,
    Range,
    Timestamp,
    Mode,
}

impl RefusalKind {
    /// One word, for counters and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parity => "parity",
            Self::Checksum => "checksum",
            Self::Malformed => "malformed",
            Self::TooLong => "too-long",
            Self::Characters => "characters",
            Self::Width => "width",
            Self::Range => "range",
            Self::Timestamp => "timestamp",
            Self::Mode => "mode",
        }
    }
}

impl Reason {
    /// What is counted.
    #[must_use]
    pub const fn kind(self) -> RefusalKind {
        match self {
            Self::Parity => RefusalKind::Parity,
            Self::Checksum { .. } => RefusalKind::Checksum,
            Self::Malformed => RefusalKind::Malformed,
            Self::TooLong => RefusalKind::TooLong,
            Self::Characters => RefusalKind::Characters,
            Self::Width { .. } => RefusalKind::Width,
            Self::Range => RefusalKind::Range,
            Self::Timestamp => RefusalKind::Timestamp,
            Self::Mode(_) => RefusalKind::Mode,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parity => f.write_str("a byte was damaged on the line (parity)"),
            Self::Checksum { expected, found } => write!(f, "expected checksum {expected:#04x}, but found {found:#04x}"),
            Self::Malformed => f.write_str("expected label, data and checksum, but a separator or more is lost"),
            Self::TooLong => f.write_str("longer than any dataset"),
            Self::Characters => f.write_str("holds a character that cannot stand there"),
            Self::Width { expected, found } => write!(f, "expected {expected} characters of data, but found {found}"),
            Self::Range => f.write_str("a value that cannot be"),
            Self::Timestamp => f.write_str("a timestamp that is missing, misplaced or no date"),
            Self::Mode(mode) => write!(f, "a dataset of the {mode} mode in a frame of the other"),
        }
    }
}

/// A dataset that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal<'a> {
    /// Bytes read by the decoder before the dataset began.
    pub offset: u64,
    /// The label, where one can still be read.
    pub label: Option<&'a str>,
    /// What is wrong.
    pub reason: Reason,
}

impl fmt::Display for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dataset {} at byte {}: {}", self.label.unwrap_or("?"), self.offset, self.reason)
    }
}

impl core::error::Error for Reason {}

impl core::error::Error for Refusal<'_> {}
