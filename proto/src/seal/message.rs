//! The bytes of a sealed message: a header of 60 bytes, then what is sealed, then a tag of 16.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 1 | version, 2 |
//! | 1 | 1 | [`Type`] |
//! | 2 | 2 | zero, kept for later |
//! | 4 | 8 | id of the sender's key |
//! | 12 | 8 | id of the receiver's key |
//! | 20 | 8 | number of the message in its session, from 1, big-endian; never twice |
//! | 28 | 32 | the session: HPKE's encapsulated key |
//! | 60 | 0 or 32 | offer and pair only: the sender's public key |
//! | 60 or 92 | n + 16 | ciphertext and tag |
//!
//! Authenticated beside the ciphertext: all bytes before it, then the text of the key expression. How many bytes are in the clear follows
//! from the type, so there is one way only to read the two. A [`Hello`] is the one message that is not sealed.

use super::{
    Refused,
    identity::{KEY_BYTES, KeyId, PublicKey},
};
use crate::wire::{BootId, MESSAGE_BYTES_MAX, VERSION};

/// Bytes of the header.
pub(super) const HEADER_BYTES: usize = 60;
/// Bytes of the tag.
pub(super) const TAG_BYTES: usize = 16;
/// By how much a sealed message is longer than its content; an offer and a pair by 32 more.
pub const OVERHEAD_BYTES: usize = HEADER_BYTES + TAG_BYTES;
/// Bytes of a hello: version, type, two zeros, public key, boot.
pub const HELLO_BYTES: usize = 44;
/// The longest key expression: that of a bridge, `tic/v2/bridge/`, two names of 64 bytes and a slash, is shorter.
pub const EXPRESSION_BYTES_MAX: usize = 160;
/// What names a question: random, drawn by the bridge.
pub type QuestionId = [u8; 8];

/// The longest sealed message. What is longer is not looked at.
const BYTES_MAX: usize = MESSAGE_BYTES_MAX + 128;

/// What a message is. The number 11 is kept for a reader's word to a bridge that it does not trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Type {
    /// Reader, in the clear: "I am here, this is my key".
    Hello = 1,
    /// Bridge: "I would take your samples, this is my key".
    Offer = 2,
    /// Reader: "agreed, this is my key".
    Pair = 3,
    /// Reader: a [`Sample`](crate::wire::Sample).
    Sample = 4,
    /// Reader: a [`Goodbye`](crate::wire::Goodbye).
    Goodbye = 5,
    /// Reader: a [`Status`](crate::wire::Status).
    Status = 6,
    /// Bridge: a question to the history.
    Question = 7,
    /// Reader: one sample of an answer.
    Reply = 8,
    /// Reader: that was the whole answer.
    End = 9,
    /// Bridge: taken up to here.
    Receipt = 10,
}

impl Type {
    /// All of them, in the order of their numbers.
    pub const ALL: &'static [Self] = &[
        Self::Hello,
        Self::Offer,
        Self::Pair,
        Self::Sample,
        Self::Goodbye,
        Self::Status,
        Self::Question,
        Self::Reply,
        Self::End,
        Self::Receipt,
    ];

    fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| *known as u8 == number)
    }

    /// Whether it is bound to a question, and so may come in any order with live messages.
    pub(super) const fn is_answer(self) -> bool {
        matches!(self, Self::Reply | Self::End)
    }

    /// Bytes in the clear.
    pub(super) const fn clear_bytes(self) -> usize {
        match self {
            Self::Offer | Self::Pair => HEADER_BYTES + KEY_BYTES,
            _ => HEADER_BYTES,
        }
    }
}

/// The clear part of a sealed message. Nothing in it is to be believed before the message has been opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What it is.
    pub of: Type,
    /// Whose it says to be.
    pub sender: KeyId,
    /// Whom it is sealed for.
    pub receiver: KeyId,
    /// Its number in its session.
    pub number: u64,
    /// Its session.
    pub session: [u8; 32],
}

impl Header {
    pub(super) fn write(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        (out[0], out[1]) = (VERSION, self.of as u8);
        out[4..12].copy_from_slice(&self.sender.0);
        out[12..20].copy_from_slice(&self.receiver.0);
        out[20..28].copy_from_slice(&self.number.to_be_bytes());
        out[28..].copy_from_slice(&self.session);
        out
    }

    /// Reads the clear part of a message.
    ///
    /// # Errors
    ///
    /// [`Refused::TooLong`], [`Refused::Version`], [`Refused::Type`], [`Refused::Malformed`].
    pub fn read(message: &[u8]) -> Result<Self, Refused> {
        if message.len() > BYTES_MAX {
            return Err(Refused::TooLong);
        }
        same_version(message)?;
        let header = message.first_chunk::<HEADER_BYTES>().ok_or(Refused::Malformed)?;
        let of = Type::from_number(header[1]).ok_or(Refused::Type(header[1]))?;
        if of == Type::Hello || message.len() < of.clear_bytes() + TAG_BYTES {
            return Err(Refused::Malformed);
        }
        Ok(Self {
            of,
            sender: KeyId(part(header, 4)),
            receiver: KeyId(part(header, 12)),
            number: u64::from_be_bytes(part(header, 20)),
            session: part(header, 28),
        })
    }
}

/// The first byte of all messages, a hello too, says how the others are read.
fn same_version(message: &[u8]) -> Result<(), Refused> {
    match message.first() {
        Some(&VERSION) => Ok(()),
        Some(&other) => Err(Refused::Version(other)),
        None => Err(Refused::Malformed),
    }
}

/// The sender's public key, in an offer or a pair that was read.
pub(super) fn sender_key(message: &[u8]) -> Result<PublicKey, Refused> {
    let key = message.get(HEADER_BYTES..).and_then(|rest| rest.first_chunk()).ok_or(Refused::Malformed)?;
    Ok(PublicKey::from_bytes(*key))
}

/// The bytes of `all` from `at` on; the callers' numbers are within it.
fn part<const N: usize, const M: usize>(all: &[u8; M], at: usize) -> [u8; N] {
    core::array::from_fn(|i| all[at + i])
}

/// "I am here, this is my key": worth no more than that, since anybody can say it. It asks for an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The reader's key.
    pub key: PublicKey,
    /// The reader's process.
    pub boot: BootId,
}

impl Hello {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; HELLO_BYTES] {
        let mut out = [0; HELLO_BYTES];
        (out[0], out[1]) = (VERSION, Type::Hello as u8);
        out[4..36].copy_from_slice(self.key.as_bytes());
        out[36..].copy_from_slice(&self.boot.get().to_be_bytes());
        out
    }

    /// Reads a hello.
    ///
    /// # Errors
    ///
    /// [`Refused::Version`], [`Refused::Malformed`].
    pub fn decode(message: &[u8]) -> Result<Self, Refused> {
        same_version(message)?;
        let message: &[u8; HELLO_BYTES] = message.try_into().map_err(|_| Refused::Malformed)?;
        if message[..4] != [VERSION, Type::Hello as u8, 0, 0] {
            return Err(Refused::Malformed);
        }
        let boot = BootId::new(u64::from_be_bytes(part(message, 36)));
        Ok(Self { key: PublicKey::from_bytes(part(message, 4)), boot })
    }
}
