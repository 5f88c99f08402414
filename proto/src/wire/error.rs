//! What can be wrong with a message, beginning with its version.

use core::fmt;

/// The version of these messages. Its bytes are frozen by `tests/wire_version_2.rs`.
pub const VERSION: u8 = 2;

/// A message that cannot be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// Written by a release whose messages this one does not know.
    Version(u8),
    /// A type of message that this release does not know, or does not expect there.
    Type(u8),
    /// It ends too early.
    Truncated,
    /// Its bytes mean nothing.
    Malformed,
    /// It is longer, or holds more, than any message that a reader sends.
    TooLong,
    /// It names another meter or reader than the key it came under.
    Key,
    /// It does not fit the buffer.
    Full,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => {
                write!(f, "message of version {version}, this release knows version {VERSION}: update reader and bridge")
            }
            Self::Type(number) => write!(f, "message of type {number}, which this release does not expect"),
            Self::Truncated => f.write_str("message ends too early"),
            Self::Malformed => f.write_str("message cannot be read"),
            Self::TooLong => f.write_str("message is longer than any that a reader sends"),
            Self::Key => f.write_str("message names another meter or reader than its key"),
            Self::Full => f.write_str("message does not fit its buffer"),
        }
    }
}

impl core::error::Error for Error {}

impl From<postcard::Error> for Error {
    fn from(error: postcard::Error) -> Self {
        match error {
            postcard::Error::DeserializeUnexpectedEnd => Self::Truncated,
            postcard::Error::SerializeBufferFull => Self::Full,
            _ => Self::Malformed,
        }
    }
}
