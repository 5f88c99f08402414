//! A goodbye: the reader leaves a meter by its own will, so that nobody takes it for a fault.

use serde::{Deserialize, Serialize};

use super::{
    BootId, Error,
    envelope::{self, Type},
};
use crate::tic::MeterId;

/// Sent under the key of the meter's samples. A Zenoh DELETE is not believed: whoever reaches the network could send one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goodbye {
    /// The reader's process.
    pub boot: BootId,
    /// The meter that it leaves.
    pub meter: MeterId,
}

impl Goodbye {
    /// Room enough, and for some fields of a later release.
    pub const BYTES_MAX: usize = 64;

    /// Writes the goodbye into `buffer`.
    ///
    /// # Errors
    ///
    /// [`Error::Full`].
    pub fn encode<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
        envelope::write(Type::Goodbye, self, buffer)
    }

    /// Reads a goodbye.
    ///
    /// # Errors
    ///
    /// Every [`Error`] but [`Error::Full`] and [`Error::Key`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        envelope::read(Type::Goodbye, bytes, Self::BYTES_MAX)
    }
}
