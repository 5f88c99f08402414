//! A session: one direction, from one process to one key. HPKE in authenticated mode gives it a key (RFC 9180; suite 0x0020, 0x0001, 0xffff);
//! its messages are ChaCha20-Poly1305 under that key, with the message's number as nonce (RFC 8439).
//!
//! A sender makes its session from fresh random bytes, so no number comes twice under a key. All that a receiver needs stands in each
//! message: whoever starts late, or again, opens the next one. Nothing here allocates.

use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce, aead::AeadInOut};
use hpke::{
    Deserializable, OpModeR, OpModeS, Serializable,
    aead::ExportOnlyAead,
    kdf::HkdfSha256,
    rand_core::{Infallible, TryCryptoRng, TryRng},
    setup_receiver, setup_sender_with_rng,
};

use super::{
    Refused,
    identity::{Identity, KEY_BYTES, Kem, KeyId, PublicKey},
    message::{EXPRESSION_BYTES_MAX, HEADER_BYTES, Header, TAG_BYTES, Type},
};
use crate::wire::BootId;

/// Random bytes for one session, from the system's generator; never used twice.
pub type Random = [u8; 32];

/// What the exported key is for.
const EXPORT: &[u8] = b"teleinfo/2 messages";
const INFO_BYTES: usize = 32;
/// The clear part and the key expression.
const ASSOCIATED_BYTES_MAX: usize = HEADER_BYTES + KEY_BYTES + EXPRESSION_BYTES_MAX;

/// Which way a session goes. One of the other direction does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From a reader.
    ToBridge,
    /// To this process of a reader: what was said to an earlier one does not open.
    ToReader(BootId),
}

impl Direction {
    fn info(self) -> [u8; INFO_BYTES] {
        let (name, boot): (&[u8; 18], _) = match self {
            Self::ToBridge => (b"teleinfo/2 bridge<", 0),
            Self::ToReader(boot) => (b"teleinfo/2 reader<", boot.get()),
        };
        let mut info = [0; INFO_BYTES];
        info[..name.len()].copy_from_slice(name);
        info[INFO_BYTES - 8..].copy_from_slice(&boot.to_be_bytes());
        info
    }
}

/// The sender's end.
pub struct Sealer {
    aead: ChaCha20Poly1305,
    sender: KeyId,
    receiver: KeyId,
    key: PublicKey,
    session: [u8; 32],
    last: u64,
}

impl Sealer {
    /// Begins a session.
    ///
    /// # Errors
    ///
    /// [`Refused::NotAuthentic`] if `to` is a key that nobody can have.
    pub fn new(own: &Identity, to: &PublicKey, direction: Direction, random: Random) -> Result<Self, Refused> {
        let peer = to.for_hpke().ok_or(Refused::NotAuthentic)?;
        let mode = OpModeS::Auth(own.pair());
        let (session, context) =
            setup_sender_with_rng::<ExportOnlyAead, HkdfSha256, Kem>(&mode, &peer, &direction.info(), &mut Drawn { random, taken: 0 })
                .map_err(|_| Refused::NotAuthentic)?;
        let mut bytes = [0; 32];
        session.write_exact(&mut bytes);
        let aead = cipher(|key| context.export(EXPORT, key))?;
        Ok(Self { aead, sender: own.id(), receiver: to.id(), key: *own.key(), session: bytes, last: 0 })
    }

    /// The number of the last message; 0 before the first.
    #[must_use]
    pub const fn last_number(&self) -> u64 {
        self.last
    }

    /// What names this session.
    #[must_use]
    pub const fn session(&self) -> &[u8; 32] {
        &self.session
    }

    /// Seals the concatenation of `parts` for `expression` into `out`.
    ///
    /// # Errors
    ///
    /// [`Refused::TooLong`] if there is no room, or the expression is none of ours.
    pub fn seal<'o>(&mut self, of: Type, expression: &str, parts: &[&[u8]], out: &'o mut [u8]) -> Result<&'o [u8], Refused> {
        let number = self.last.checked_add(1).ok_or(Refused::TooLong)?;
        let plain_bytes: usize = parts.iter().map(|part| part.len()).sum();
        let out = out.get_mut(..of.clear_bytes() + plain_bytes + TAG_BYTES).ok_or(Refused::TooLong)?;
        let (clear, rest) = out.split_at_mut(of.clear_bytes());
        let (text, tag) = rest.split_at_mut(plain_bytes);
        let (header, key) = clear.split_at_mut(HEADER_BYTES);
        header.copy_from_slice(&Header { of, sender: self.sender, receiver: self.receiver, number, session: self.session }.write());
        key.copy_from_slice(&self.key.as_bytes()[..key.len()]);
        copy(parts, text);
        let mut room = [0; ASSOCIATED_BYTES_MAX];
        let associated = associated(clear, expression, &mut room)?;
        let made = self.aead.encrypt_inout_detached(&nonce(number), associated, text.into()).map_err(|_| Refused::TooLong)?;
        tag.copy_from_slice(&made);
        self.last = number;
        Ok(out)
    }
}

/// The receiver's end.
pub struct Opener(ChaCha20Poly1305);

impl Opener {
    /// The session that a message names, if it is one of `from` to us.
    ///
    /// # Errors
    ///
    /// [`Refused::NotAuthentic`] if no such session can be. Whether `from` began it shows when a message opens.
    pub fn new(own: &Identity, from: &PublicKey, session: &[u8; 32], direction: Direction) -> Result<Self, Refused> {
        let mode = OpModeR::Auth(from.for_hpke().ok_or(Refused::NotAuthentic)?);
        let session = <Kem as hpke::Kem>::EncappedKey::from_bytes(session).map_err(|_| Refused::NotAuthentic)?;
        let context = setup_receiver::<ExportOnlyAead, HkdfSha256, Kem>(&mode, own.secret(), &session, &direction.info())
            .map_err(|_| Refused::NotAuthentic)?;
        cipher(|key| context.export(EXPORT, key)).map(Self)
    }

    /// Opens a message in place: what comes back is its content.
    ///
    /// # Errors
    ///
    /// [`Refused::NotAuthentic`], and those of [`Header::read`].
    pub fn open<'m>(&self, expression: &str, message: &'m mut [u8]) -> Result<&'m [u8], Refused> {
        let header = Header::read(message)?;
        let (clear, rest) = message.split_at_mut(header.of.clear_bytes());
        let (text, tag) = rest.split_last_chunk_mut::<TAG_BYTES>().ok_or(Refused::Malformed)?;
        let mut room = [0; ASSOCIATED_BYTES_MAX];
        let associated = associated(clear, expression, &mut room)?;
        let opened = self.0.decrypt_inout_detached(&nonce(header.number), associated, (&mut *text).into(), &(*tag).into());
        opened.map_err(|_| Refused::NotAuthentic)?;
        Ok(text)
    }
}

/// The cipher under the key that `export` writes.
fn cipher(export: impl FnOnce(&mut [u8]) -> Result<(), hpke::HpkeError>) -> Result<ChaCha20Poly1305, Refused> {
    let mut key = [0; 32];
    export(&mut key).map_err(|_| Refused::NotAuthentic)?;
    Ok(ChaCha20Poly1305::new(&key.into()))
}

fn nonce(number: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&number.to_be_bytes());
    nonce.into()
}

/// What is authenticated beside the ciphertext.
fn associated<'r>(clear: &[u8], expression: &str, room: &'r mut [u8; ASSOCIATED_BYTES_MAX]) -> Result<&'r [u8], Refused> {
    let all = room.get_mut(..clear.len() + expression.len()).ok_or(Refused::TooLong)?;
    copy(&[clear, expression.as_bytes()], all);
    Ok(all)
}

/// Writes the parts one after the other; `out` is as long as they are.
fn copy(parts: &[&[u8]], mut out: &mut [u8]) {
    for part in parts {
        let (here, rest) = out.split_at_mut(part.len());
        here.copy_from_slice(part);
        out = rest;
    }
}

/// Hands out random bytes that were drawn before: the generator of HPKE may not fail, and the system's may.
struct Drawn {
    random: Random,
    taken: usize,
}

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// X25519 takes 32 bytes once (RFC 9180, section 7.1.3). To hand out more would be to repeat them, so that ends the program.
    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        out.copy_from_slice(&self.random[self.taken..self.taken + out.len()]);
        self.taken += out.len();
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}
