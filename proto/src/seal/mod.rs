//! Messages that only the right bridge can read and only the right reader can have made. No file, socket or random generator lives here:
//! keys, random bytes and the time are arguments. Read `message`, `session`, then the two ends, `reader` and `bridge`.
//!
//! What is sealed is what [`wire`](crate::wire) writes. The bytes here are frozen by `tests/seal_bytes.rs`.
//!
//! | file | idea |
//! |---|---|
//! | `identity` | a key pair, its id, its text in a file |
//! | `words` | how a person compares keys: a fingerprint in words, a pairing code |
//! | `message` | the bytes: a fixed header, authenticated together with the key expression |
//! | `session` | HPKE in authenticated mode gives one direction a key; each message is sealed under it |
//! | `window` | the message numbers that were seen |
//! | `looks` | how many unknown sessions are looked at in a second |
//! | `reader` | the reader's end: which bridge it trusts, and what that bridge says |
//! | `bridge` | the bridge's end of one reader: its proof that it lives, its samples, its answers |
//!
//! Words: a *session* goes one way, from one process to one key, and has a key of its own. A key is *pinned* when it was remembered at first
//! contact; another one is then refused. A session is *proven* once it has answered a question of this process: a recording cannot.
//!
//! Sources: RFC 9180 (HPKE) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, export-only, mode auth; RFC 8439 (ChaCha20-Poly1305).

mod bridge;
mod identity;
mod looks;
mod message;
mod reader;
mod refused;
mod session;
mod window;
mod words;

pub use bridge::{Held, Opened, Paired, ReaderPeer};
pub use identity::{Identity, KeyId, PublicKey};
pub use looks::Looks;
pub use message::{EXPRESSION_BYTES_MAX, HELLO_BYTES, Header, Hello, OVERHEAD_BYTES, QuestionId, Type};
pub use reader::{Answer, Heard, Pairing, ReaderEnd};
pub use refused::Refused;
pub use session::{Direction, Opener, Random, Sealer};
pub use window::Window;
pub use words::{Fingerprint, PairingCode};
