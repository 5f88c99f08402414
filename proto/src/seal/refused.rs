//! Why a message is refused. Each reason has its counter in the program that refuses.

use core::fmt;

use crate::wire;

/// Why a message was refused, or could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// Of another version of the wire format: one of the two programs is older.
    Version(u8),
    /// Of a type that only a newer release knows.
    Type(u8),
    /// Too short, or a content that means nothing.
    Malformed,
    /// Longer than any message, or than its buffer.
    TooLong,
    /// Sealed for another key.
    NotForUs,
    /// No bridge is pinned yet.
    NotPaired,
    /// Another key is pinned for this meter, or for the bridge.
    AnotherKey,
    /// It does not open: damaged, changed, moved to another key expression, or forged.
    NotAuthentic,
    /// Seen before, or too old to tell.
    Replayed,
    /// An answer to no open question, or out of its order.
    Unasked,
    /// A pairing that belongs to no offer of this process, or to another meter.
    NotOffered,
    /// The pairing code is wrong, or missing.
    WrongCode,
    /// Two bridges at first contact: a person must choose.
    TwoBridges,
    /// More unknown sessions in this second than are looked at.
    TooMany,
}

/// What a person reads in the log.
const WORDS: &[(Refused, &str)] = &[
    (Refused::Malformed, "sealed message cannot be read"),
    (Refused::TooLong, "sealed message is longer than any"),
    (Refused::NotForUs, "message is sealed for another key"),
    (Refused::NotPaired, "the two programs have not met yet"),
    (Refused::AnotherKey, "message is of another key than the one that is trusted"),
    (Refused::NotAuthentic, "sealed message does not open: it is damaged, moved or forged"),
    (Refused::Replayed, "sealed message came a second time"),
    (Refused::Unasked, "answer to a question that was not asked, or out of its order"),
    (Refused::NotOffered, "pairing belongs to no offer of this process"),
    (Refused::WrongCode, "pairing code is wrong or missing"),
    (Refused::TwoBridges, "two bridges offer themselves: a person must choose"),
    (Refused::TooMany, "too many unknown sessions in this second"),
];

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Version(number) => wire::Error::Version(number).fmt(f),
            Self::Type(number) => wire::Error::Type(number).fmt(f),
            _ => f.write_str(WORDS.iter().find(|(reason, _)| reason == self).map_or("refused", |(_, words)| words)),
        }
    }
}

impl core::error::Error for Refused {}
