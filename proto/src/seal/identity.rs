//! An identity: a key pair made at first start, and how a public key is written.

use core::{
    fmt::{self, Write},
    str::FromStr,
};

use hpke::{Deserializable, Kem as _, Serializable, kem::X25519HkdfSha256};
use sha3::{Digest, Sha3_256};

use super::words::Fingerprint;
use crate::tic::ParseError;

pub(super) type Kem = X25519HkdfSha256;
type HpkeSecret = <Kem as hpke::Kem>::PrivateKey;
type HpkePublic = <Kem as hpke::Kem>::PublicKey;

/// Bytes of a public key.
pub(super) const KEY_BYTES: usize = 32;

/// A public key, as it travels and as it is pinned.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PublicKey([u8; KEY_BYTES]);

/// The first bytes of a public key's hash: enough to find the key, never to trust it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub(super) [u8; 8]);

/// A key pair. The secret is never shown, in no format.
pub struct Identity {
    secret: HpkeSecret,
    public: HpkePublic,
    key: PublicKey,
    id: KeyId,
}

impl Identity {
    /// The key pair that follows from 32 random bytes of the system's generator. These bytes are what a program keeps in its state folder.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let (secret, public) = Kem::derive_keypair(seed);
        let mut bytes = [0; KEY_BYTES];
        public.write_exact(&mut bytes);
        let key = PublicKey(bytes);
        Self { secret, public, key, id: key.id() }
    }

    /// The public half.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The id of the public half.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    pub(super) const fn secret(&self) -> &HpkeSecret {
        &self.secret
    }

    pub(super) fn pair(&self) -> (HpkeSecret, HpkePublic) {
        (self.secret.clone(), self.public.clone())
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identity({})", self.key)
    }
}

impl PublicKey {
    /// A key that came in a message. Whether somebody can have it shows when it is used.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId(self.hash("teleinfo key id 2"))
    }

    /// What a person compares.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::new(self.hash("teleinfo fingerprint 2"))
    }

    fn hash<const N: usize>(&self, purpose: &str) -> [u8; N] {
        let hash = Sha3_256::new().chain_update(purpose).chain_update(self.0).finalize();
        core::array::from_fn(|i| hash[i])
    }

    pub(super) fn for_hpke(&self) -> Option<HpkePublic> {
        HpkePublic::from_bytes(&self.0).ok()
    }
}

/// 64 hexadecimal digits, as in the file of those who are trusted.
impl FromStr for PublicKey {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = ParseError::expected("64 hexadecimal digits");
        let digits = text.as_bytes();
        if digits.len() != 2 * KEY_BYTES {
            return Err(error);
        }
        let mut key = [0; KEY_BYTES];
        for (byte, pair) in key.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(pair[0]).zip(digit(pair[1])).map(|(high, low)| high << 4 | low).ok_or(error)?;
        }
        Ok(Self(key))
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // Without the machinery of a format string: a bridge writes lists of thousands of keys.
    let mut digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xf]);
    digits.try_for_each(|digit| f.write_char(char::from_digit(digit.into(), 16).unwrap_or_default()))
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{format, string::ToString};

    use super::*;

    #[test]
    fn a_key_comes_back_from_its_text_and_no_other_text_is_one() {
        let key = *Identity::from_seed(&[1; 32]).key();
        let text = key.to_string();
        assert_eq!(text.parse(), Ok(key));
        for wrong in [&text[1..], &format!("{text}0"), &format!("g{}", &text[1..]), &format!("+{}", &text[1..]), ""] {
            assert!(wrong.parse::<PublicKey>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_secret_is_not_shown() {
        let identity = Identity::from_seed(&[1; 32]);
        assert_eq!(format!("{identity:?}"), format!("Identity({})", identity.key()));
    }
}
