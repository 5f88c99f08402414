//! User and password: the answer to the router's challenge.
//!
//! Zenoh's `usrpwd` method (zenoh-transport 1.10, `unicast/establishment/ext/auth/usrpwd.rs`): the client says in InitSyn that it can,
//! the router sends a nonce in InitAck, the client answers in OpenSyn with its user name and HMAC-SHA3-256(key: the nonce's eight
//! little-endian bytes, message: the password), the router confirms in OpenAck. The password never travels; nothing else is
//! protected: what follows is neither encrypted nor signed.

use std::fmt;

use hmac::{KeyInit, Mac, SimpleHmac};
use sha3::Sha3_256;
use zenoh_buffers::ZBuf;
use zenoh_buffers::buffer::SplitBuffer;
use zenoh_buffers::writer::DidntWrite;
use zenoh_codec::{RCodec, WCodec, Zenoh080};
use zenoh_protocol::common::{ZExtBody, ZExtUnknown, iext};

/// The number of the user/password method inside the authentication extension.
const USRPWD: u8 = 0x2;

/// A user name and a password. Debug output leaves the password out.
#[derive(Clone)]
pub struct Credentials {
    user: String,
    password: String,
}

impl Credentials {
    /// What the router's users file calls `user:password`.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { user: user.into(), password: password.into() }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.user).finish_non_exhaustive()
    }
}

/// InitSyn's extension: "I can do user and password".
pub(crate) fn offer() -> Result<ZBuf, DidntWrite> {
    extension(ZExtBody::Unit)
}

/// The nonce in InitAck's extension, if the router asks for a user and a password.
pub(crate) fn challenge(extension: &ZBuf) -> Option<u64> {
    let bytes = extension.contiguous();
    let methods: Vec<ZExtUnknown> = Zenoh080::new().read(&mut &bytes[..]).ok()?;
    methods.iter().find_map(|method| match method.body {
        ZExtBody::Z64(nonce) if iext::mid(method.id) == USRPWD => Some(nonce),
        _ => None,
    })
}

/// OpenSyn's extension: user name and proof.
pub(crate) fn answer(credentials: &Credentials, nonce: u64) -> Result<ZBuf, DidntWrite> {
    let mut body = Vec::new();
    let codec = Zenoh080::new();
    codec.write(&mut body, credentials.user.as_bytes())?;
    codec.write(&mut body, &proof(&credentials.password, nonce)[..])?;
    extension(ZExtBody::ZBuf(body.into()))
}

fn proof(password: &str, nonce: u64) -> [u8; 32] {
    let mut key = [0; 136]; // SHA3-256's block: a shorter key counts as padded with zeros (RFC 2104)
    key[..8].copy_from_slice(&nonce.to_le_bytes());
    let mut mac = SimpleHmac::<Sha3_256>::new(&key.into());
    mac.update(password.as_bytes());
    mac.finalize().into_bytes().into()
}

fn extension(body: ZExtBody) -> Result<ZBuf, DidntWrite> {
    let mut bytes = Vec::new();
    let method = [ZExtUnknown::new(USRPWD, false, body)];
    Zenoh080::new().write(&mut bytes, &method[..])?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proof_is_hmac_sha3_256_of_the_password_under_the_nonce() {
        // Python: hmac.new((0x0123456789abcdef).to_bytes(8, "little"), b"secret", "sha3_256").hexdigest()
        let hex: String = proof("secret", 0x0123_4567_89ab_cdef).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "739007695761d7cae64d2f14e3bd55cffc36d0e365aba5341e0ac296acaa029d");
    }

    #[test]
    fn the_challenge_is_found_among_other_methods() {
        let mut bytes = Vec::new();
        let methods = [ZExtUnknown::new(0x1, false, ZExtBody::Z64(1)), ZExtUnknown::new(USRPWD, false, ZExtBody::Z64(77))];
        Zenoh080::new().write(&mut bytes, &methods[..]).unwrap();
        assert_eq!(challenge(&bytes.into()), Some(77));
        assert_eq!(challenge(&ZBuf::empty()), None);
        assert_eq!(challenge(&vec![0xff, 0xff, 0xff].into()), None);
    }

    #[test]
    fn debug_output_hides_the_password() {
        let text = format!("{:?}", Credentials::new("reader", "hunter2"));
        assert!(text.contains("reader") && !text.contains("hunter2"), "{text}");
    }
}
