//! What stands around every message, inside its seal: version, type and length.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 1 | version, 2 |
//! | 1 | 1 | type, see [`Type`] |
//! | 2 | 2 | zero, kept for later |
//! | 4 | 2 | length of the message, big-endian |
//! | 6 | length | the message, in postcard |
//!
//! It travels sealed: `seal/message.rs` has what stands in front of it then.

use serde::{Deserialize, Serialize};

use super::{Error, VERSION};

/// Bytes of the clear header.
const HEADER_BYTES: usize = 4;
/// Bytes of the length.
const LENGTH_BYTES: usize = 2;
/// Bytes in front of a message.
pub const BYTES: usize = HEADER_BYTES + LENGTH_BYTES;

/// What a message is. The numbers are those of the sealed form; those missing here are of messages that have no envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// A [`Sample`](super::Sample).
    Sample = 4,
    /// A [`Goodbye`](super::Goodbye).
    Goodbye = 5,
    /// A [`Status`](super::Status).
    Status = 6,
}

impl TryFrom<u8> for Type {
    type Error = Error;

    fn try_from(number: u8) -> Result<Self, Error> {
        [Self::Sample, Self::Goodbye, Self::Status].into_iter().find(|known| *known as u8 == number).ok_or(Error::Type(number))
    }
}

/// Writes a message with its envelope.
pub(super) fn write<'b>(of: Type, message: &impl Serialize, buffer: &'b mut [u8]) -> Result<&'b [u8], Error> {
    let (envelope, rest) = buffer.split_at_mut_checked(BYTES).ok_or(Error::Full)?;
    let length = postcard::to_slice(message, rest)?.len();
    envelope[..HEADER_BYTES].copy_from_slice(&[VERSION, of as u8, 0, 0]);
    envelope[HEADER_BYTES..].copy_from_slice(&u16::try_from(length).map_err(|_| Error::Full)?.to_be_bytes());
    Ok(&buffer[..BYTES + length])
}

/// The type of a message and what is in its envelope.
pub(super) fn open(bytes: &[u8]) -> Result<(Type, &[u8]), Error> {
    let (version, _) = bytes.split_first().ok_or(Error::Truncated)?;
    if *version != VERSION {
        return Err(Error::Version(*version));
    }
    let (envelope, rest) = bytes.split_at_checked(BYTES).ok_or(Error::Truncated)?;
    let of = Type::try_from(envelope[1])?;
    let length = usize::from(u16::from_be_bytes([envelope[BYTES - 2], envelope[BYTES - 1]]));
    match rest.len() {
        found if found < length => Err(Error::Truncated),
        found if found > length => Err(Error::Malformed),
        _ => Ok((of, rest)),
    }
}

/// Reads a message of this type. Bytes behind the fields that are known are those of a later release.
pub(super) fn read<'a, M: Deserialize<'a>>(wanted: Type, bytes: &'a [u8], max: usize) -> Result<M, Error> {
    if bytes.len() > max {
        return Err(Error::TooLong);
    }
    let (of, message) = open(bytes)?;
    if of != wanted {
        return Err(Error::Type(of as u8));
    }
    Ok(postcard::take_from_bytes(message)?.0)
}
