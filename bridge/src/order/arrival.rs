//! What readers send by themselves, before it is put in order.

use std::time::{Instant, SystemTime};

use teleinfo_proto::{
    seal::{Fingerprint, Refused},
    tic::MeterId,
    wire::Error,
};

use crate::order::received::Received;

/// What came from a reader, and when.
#[derive(Debug)]
pub struct Arrived {
    /// What came.
    pub arrival: Arrival,
    /// When, for what is measured in time: it may have waited in a queue since.
    pub at: Instant,
    /// When, by the wall clock of this machine.
    pub wall: SystemTime,
}

/// Something came from a reader.
#[derive(Debug)]
pub enum Arrival {
    /// A sample.
    Sample(Received),
    /// A reader's report on itself, as bytes.
    Report(Vec<u8>),
    /// A reader reads this meter, or no longer does.
    Token(MeterId, bool),
    /// The reader of this meter has proven that it lives: what it said before did not count, and is in its history.
    Proven(MeterId),
    /// A reader leaves this meter by its own will.
    Goodbye(MeterId),
    /// First contact with a reader, in words if there are not too many: which readers are known has changed.
    FirstContact(Option<String>),
    /// Something that is not believed, and what is to be said of it.
    Refused(Refusal, String),
    /// Likewise, in a whole sentence of the journal's language.
    Told(Refusal, Option<Another>, String),
}

/// Another reader wants to speak for this meter: the one with these words, as far as they are known.
pub type Another = (MeterId, Option<Fingerprint>);

/// Why something is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is larger than any message.
    TooLarge,
    /// It is of another version of the wire format.
    Version,
    /// It is of a type that only a newer release knows.
    Newer,
    /// It cannot be read.
    Malformed,
    /// Its key and its content name different meters.
    Key,
    /// Its key names no meter and no reader.
    Stranger,
    /// It is of another reader than the one that speaks for its meter.
    AnotherKey,
    /// It is sealed for another bridge, or of a reader that is not known here.
    NotForUs,
    /// It does not open, or was said before.
    NotAuthentic,
}

impl Refusal {
    /// Why a sealed message is refused.
    #[must_use]
    pub const fn of_seal(refused: Refused) -> Self {
        match refused {
            Refused::Version(_) => Self::Version,
            Refused::Type(_) => Self::Newer,
            Refused::Malformed => Self::Malformed,
            Refused::TooLong => Self::TooLarge,
            Refused::AnotherKey => Self::AnotherKey,
            Refused::NotForUs | Refused::NotPaired | Refused::WrongCode => Self::NotForUs,
            _ => Self::NotAuthentic,
        }
    }

    /// Why a message that cannot be decoded is refused.
    #[must_use]
    pub const fn of(error: Error) -> Self {
        match error {
            Error::Version(_) => Self::Version,
            Error::Type(_) => Self::Newer,
            Error::TooLong => Self::TooLarge,
            Error::Key => Self::Key,
            _ => Self::Malformed,
        }
    }
}
