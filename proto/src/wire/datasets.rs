//! The datasets of a sample: a block of bytes that is written dataset by dataset and read the same way, so that nothing is allocated.

use core::str;

use serde::{Deserialize, Serialize};

use super::Error;
use crate::tic::{Dataset, Mode};

/// The longest data of a label that is not known: the decoder takes no longer dataset.
const DATA_BYTES_MAX: usize = 256;

/// One dataset as it travels: what stood on the line, so that labels this release does not know reach one that does.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    label: &'a str,
    timestamp: Option<&'a str>,
    data: &'a str,
}

/// The datasets of a sample, in the order in which the meter sent them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Datasets<'a>(#[serde(borrow)] &'a [u8]);

impl<'a> Datasets<'a> {
    /// More than any meter sends in a frame: a Linky has 71 labels.
    pub const MAX: usize = 256;

    /// Reads them one by one; each is checked again, since it came over a network. What is more than [`Self::MAX`] is an error.
    pub fn iter(self, mode: Mode) -> impl Iterator<Item = Result<Dataset<'a>, Error>> {
        let (mut rest, mut room) = (self.0, Self::MAX);
        core::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let next = if room == 0 { Err(Error::TooLong) } else { Self::next(mode, &mut rest) };
            room = room.saturating_sub(1);
            Some(next.inspect_err(|_| rest = &[]))
        })
    }

    /// The bytes they take.
    #[must_use]
    pub const fn size(self) -> usize {
        self.0.len()
    }

    fn next(mode: Mode, rest: &mut &'a [u8]) -> Result<Dataset<'a>, Error> {
        let (line, after) = postcard::take_from_bytes::<Line<'a>>(rest)?;
        *rest = after;
        if line.data.len() > DATA_BYTES_MAX {
            return Err(Error::TooLong);
        }
        Dataset::new(mode, line.label, line.timestamp, line.data).map_err(|_| Error::Malformed)
    }
}

/// Collects datasets in a buffer.
#[derive(Debug)]
pub struct DatasetsWriter<'b> {
    buffer: &'b mut [u8],
    length: usize,
}

impl<'b> DatasetsWriter<'b> {
    /// Starts with what `buffer` already holds in its first `length` bytes: 0 for nothing, or an earlier [`Self::length`].
    #[must_use]
    pub fn resume(buffer: &'b mut [u8], length: usize) -> Self {
        Self { length: length.min(buffer.len()), buffer }
    }

    /// Adds a dataset.
    ///
    /// # Errors
    ///
    /// [`Error::Full`]; what was there stays.
    pub fn push(&mut self, dataset: &Dataset<'_>) -> Result<(), Error> {
        let line = Line { label: dataset.label(), timestamp: dataset.timestamp(), data: dataset.data() };
        self.length += postcard::to_slice(&line, &mut self.buffer[self.length..])?.len();
        Ok(())
    }

    /// Bytes written so far.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }

    /// What was collected.
    #[must_use]
    pub fn finish(self) -> Datasets<'b> {
        Datasets(&self.buffer[..self.length])
    }
}

/// What a buffer filled by a [`DatasetsWriter`] holds in its first `length` bytes.
impl<'a> From<&'a [u8]> for Datasets<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
}
