//! What travels from reader to bridge, version 2: messages in an [`envelope`], and the Zenoh keys they travel under.
//!
//! Whoever receives begins with [`open`]: it bounds the size, reads the message and holds it against its key. Numbers are postcard's
//! varints, a text or a list has its length in front. In the envelope stands one of these:
//!
//! | message | fields, in this order |
//! |---|---|
//! | [`Sample`] | boot, sequence, [kind](SampleKind), unix ms (signed), uptime ms, mode (0 historic, 1 standard), meter (12 characters), bytes of the datasets and the datasets, counters |
//! | a dataset in it | label, timestamp (0, or 1 and a text), data |
//! | [`Goodbye`] | boot, meter |
//! | [`Status`] | name, release, boot, unix ms (signed), uptime ms, [line](LineState), [cause](Cause), mode (0 none, 1 historic, 2 standard), meter (0, or 1 and 12 characters), oldest and newest sample held, counters |
//! | [`Counters`] | how many, then for each its number and its value; those that are zero are left out |
//!
//! Readers and bridges of different releases work together. Another version is a clear [`Error::Version`]. Fields are only ever added at
//! the end of a message, and a release ignores those it does not know. A kind, line or cause that it does not know is read as
//! `Unknown`, a counter that it does not know is skipped.

mod advice;
mod counters;
mod datasets;
pub mod envelope;
mod error;
mod goodbye;
pub mod keys;
mod numbered;
mod sample;
mod status;

pub use advice::Advice;
pub use counters::{Counters, Refused};
pub use datasets::{Datasets, DatasetsWriter};
pub use error::{Error, VERSION};
pub use goodbye::Goodbye;
pub use sample::{BootId, Sample, SampleKind};
pub use status::{Cause, Extent, LineState, Status};

use envelope::Type;

/// The longest message of all.
pub const MESSAGE_BYTES_MAX: usize = Sample::BYTES_MAX;

/// A message that was held against its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// What a meter said.
    Sample(Sample<'a>),
    /// A reader leaves a meter.
    Goodbye(Goodbye),
    /// A reader's report on itself.
    Status(Status<'a>),
}

/// Opens a message that came under `key`: both must name the same meter, or the same reader.
///
/// # Errors
///
/// Every [`Error`] but [`Error::Full`]. A size beyond the maximum is refused before anything is read.
pub fn open<'a>(key: &str, bytes: &'a [u8]) -> Result<Message<'a>, Error> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(Error::TooLong);
    }
    let (of, _) = envelope::open(bytes)?;
    let message = match of {
        Type::Sample => Message::Sample(Sample::decode(bytes)?),
        Type::Goodbye => Message::Goodbye(Goodbye::decode(bytes)?),
        Type::Status => Message::Status(Status::decode(bytes)?),
    };
    if message.belongs_under(key) { Ok(message) } else { Err(Error::Key) }
}

impl Message<'_> {
    fn belongs_under(&self, key: &str) -> bool {
        match self {
            Self::Sample(sample) => *keys::sample(&sample.meter) == *key,
            Self::Goodbye(goodbye) => *keys::sample(&goodbye.meter) == *key,
            // Its key is named after the key that seals it, which is compared where it is opened.
            Self::Status(_) => keys::reader_of(key).is_some_and(|reader| keys::reader_status(reader).is_some_and(|own| *own == *key)),
        }
    }
}
