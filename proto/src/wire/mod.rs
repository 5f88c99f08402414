//! What travels from reader to bridge: postcard messages, and the Zenoh keys they travel under.
//!
//! Each message begins with [`VERSION`]. Reader and bridge of different releases keep working together: another version is a clear
//! [`Error::Version`], and bytes behind the fields that are known are ignored, so that a later release may add fields at the end.

mod counters;
mod datasets;
pub mod keys;
mod sample;
mod status;

pub use counters::Counters;
pub use datasets::{Datasets, DatasetsWriter};
pub use sample::{BootId, Sample, SampleKind};
pub use status::{Cause, Extent, LineState, Status};

use core::fmt;

use serde::{Deserialize, Serialize};

/// The version of these messages. Bytes of version 1 are frozen by tests.
pub const VERSION: u8 = 1;

/// A message that cannot be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// Written by a release whose messages this one does not know.
    Version(u8),
    /// It ends too early.
    Truncated,
    /// Its bytes mean nothing.
    Malformed,
    /// It does not fit the buffer.
    Full,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => {
                write!(f, "message of version {version}, this release knows version {VERSION}: update reader and bridge")
            }
            Self::Truncated => f.write_str("message ends too early"),
            Self::Malformed => f.write_str("message cannot be read"),
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

/// Version, then the message.
fn encode<'b>(message: &impl Serialize, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
    let length = {
        let (version, rest) = buffer.split_first_mut().ok_or(Error::Full)?;
        *version = VERSION;
        1 + postcard::to_slice(message, rest)?.len()
    };
    Ok(&buffer[..length])
}

fn decode<'a, M: Deserialize<'a>>(bytes: &'a [u8]) -> Result<M, Error> {
    match bytes.split_first() {
        None => Err(Error::Truncated),
        Some((&VERSION, rest)) => Ok(postcard::take_from_bytes(rest)?.0),
        Some((&version, _)) => Err(Error::Version(version)),
    }
}
