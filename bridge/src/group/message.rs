//! What members tell each other, under the seal of the group: ChaCha20-Poly1305 with a key that follows from the bridges' common key, the
//! name of the group, and the run of the sender. The number of the message in its run is the nonce, so none comes twice.
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version, 2 |
//! | 8 | run of the sender, big-endian |
//! | 8 | number of the message in that run, from 1, big-endian |
//! | n + 16 | the words, as JSON, and the tag; the key expression and the bytes before are authenticated too |

use ring::{
    aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey},
    hmac::{self, HMAC_SHA256},
};
use serde::{Deserialize, Serialize};
use teleinfo_proto::{tic::MeterId, wire::keys};

use crate::group::{
    inquiries::{Inquiry, Piece},
    member::Member,
    membership::Beat,
};

const VERSION: u8 = 2;
const HEADER: usize = 17;
/// A longer message is not sent; Zenoh puts together no more than 64 KiB.
pub const BYTES_MAX: usize = 60_000;

/// How far the samples of a meter's readers are at the broker: run of the reader, number, and its clock in ms since 1970.
pub type Runs = Vec<(u64, u64, i64)>;

/// What one member tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// What it sees.
    Beat(Beat),
    /// How far the samples of these meters are at the broker.
    Positions(Vec<(String, Runs)>),
    /// What was learnt of a meter, as the text of its file.
    Memory(String, String),
    /// Which readers speak for which meters, as lines of their file; and whether that is new, and so replaces what others know of these meters.
    Readers(String, bool),
    /// This member was told everything.
    Told(Member),
    /// Somebody looks here: this is wanted of the others, under this number of ours.
    Ask(u64, Inquiry),
    /// A piece of what this member asked for under its number.
    Answer(Member, u64, Piece),
    /// Somebody looks at the page here: what happens is wanted, for some seconds.
    Listen,
    /// What happened to a meter here, by its number; without anything, how far the numbers are.
    Happened(u64, Option<Happening>),
}

/// What browsers are told of a meter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// The meter.
    pub meter: MeterId,
    /// What of it: the end of its topic.
    pub name: String,
    /// As it went to MQTT.
    pub payload: String,
}

/// How a word travels. What goes on different ways may arrive in another order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// Whatever waits: the group works by it.
    First,
    /// Behind all of that: it is for somebody who looks at a page.
    Behind,
    /// Behind as well, and dropped where there is no room at once: the next one is there soon.
    Dropped,
}

impl Word {
    /// How it travels.
    #[must_use]
    pub const fn way(&self) -> Way {
        match self {
            Self::Ask(..) | Self::Answer(..) | Self::Listen => Way::Behind,
            Self::Happened(..) => Way::Dropped,
            _ => Way::First,
        }
    }
}

/// The seal of a group.
pub struct Seal {
    group: String,
    key: hmac::Key,
}

impl Seal {
    /// From the secret that all members have.
    #[must_use]
    pub fn new(group: &str, secret: &[u8; 32]) -> Self {
        let made = hmac::sign(&hmac::Key::new(HMAC_SHA256, secret), format!("teleinfo group 2 {group}").as_bytes());
        Self { group: group.into(), key: hmac::Key::new(HMAC_SHA256, made.as_ref()) }
    }

    /// The key expression under which a member tells.
    #[must_use]
    pub fn expression(&self, name: &str) -> String {
        keys::bridge(&self.group, name).map(|key| key.to_string()).unwrap_or_default()
    }

    /// Seals a message. `None`: it is too long.
    #[must_use]
    pub fn seal(&self, sender: &Member, number: u64, word: &Word) -> Option<Vec<u8>> {
        let mut words = serde_json::to_vec(word).ok().filter(|words| words.len() <= BYTES_MAX)?;
        let mut message = vec![VERSION];
        message.extend(sender.run.to_be_bytes());
        message.extend(number.to_be_bytes());
        let aad = aad(&self.expression(&sender.name), &message);
        self.cipher(sender)?.seal_in_place_append_tag(nonce(number), aad, &mut words).ok()?;
        message.extend(words);
        Some(message)
    }

    /// Opens what came under a key expression: who said it, its number, and the words. `None`: it is of no member, or cannot be read.
    #[must_use]
    pub fn open(&self, expression: &str, message: &[u8]) -> Option<(Member, u64, Word)> {
        let (header, sealed) = message.split_first_chunk::<HEADER>().filter(|(header, _)| header[0] == VERSION)?;
        let (member, number) = (self.sender(expression, header)?, u64::from_be_bytes(*header.last_chunk()?));
        let mut sealed = sealed.to_vec();
        let words = self.cipher(&member)?.open_in_place(nonce(number), aad(expression, header), &mut sealed).ok()?;
        Some((member, number, serde_json::from_slice(words).ok()?))
    }

    /// Who says that he sent a message.
    #[must_use]
    pub fn claimed(&self, expression: &str, message: &[u8]) -> Option<Member> {
        self.sender(expression, message.first_chunk()?)
    }

    fn sender(&self, expression: &str, header: &[u8; HEADER]) -> Option<Member> {
        let name = expression.rsplit_once('/').map(|(_, name)| name).filter(|name| self.expression(name) == expression)?;
        Some(Member { name: name.into(), run: u64::from_be_bytes(*header[1..].first_chunk()?) })
    }

    fn cipher(&self, sender: &Member) -> Option<LessSafeKey> {
        let key = hmac::sign(&self.key, sender.to_string().as_bytes());
        UnboundKey::new(&CHACHA20_POLY1305, key.as_ref()).ok().map(LessSafeKey::new)
    }
}

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seal").field("group", &self.group).finish_non_exhaustive()
    }
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}

fn aad(expression: &str, header: &[u8]) -> Aad<Vec<u8>> {
    Aad::from([expression.as_bytes(), header].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        archive::block::Grain,
        group::{inquiries::pieces, listening::PAYLOAD_MAX},
        words::language::Language,
    };

    fn sender() -> Member {
        "attic@0000000000000007".parse().unwrap()
    }

    #[test]
    fn a_message_opens_for_those_with_the_secret_under_its_own_key_and_no_bit_of_it_may_change() {
        let (seal, word) = (Seal::new("home", &[1; 32]), Word::Told(sender()));
        let message = seal.seal(&sender(), 3, &word).unwrap();
        let key = seal.expression("attic");
        assert_eq!(key, "tic/v2/bridge/home/attic");
        assert_eq!(seal.open(&key, &message), Some((sender(), 3, word)));
        assert_eq!(seal.claimed(&key, &message), Some(sender()));
        for (other, key) in [
            (Seal::new("home", &[2; 32]), key.as_str()),
            (Seal::new("house", &[1; 32]), key.as_str()),
            (Seal::new("home", &[1; 32]), "tic/v2/bridge/home/cellar"),
        ] {
            assert_eq!(other.open(key, &message), None);
        }
        for bit in 0..message.len() * 8 {
            let mut bytes = message.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(seal.open(&key, &bytes), None, "bit {bit}");
        }
        assert!((0..message.len()).all(|length| seal.open(&key, &message[..length]).is_none()));
    }

    #[test]
    fn each_word_of_the_page_can_be_told_however_long_it_is() {
        let (seal, meter): (_, MeterId) = (Seal::new("home", &[1; 32]), "021861000001".parse().unwrap());
        // Each byte of these takes two.
        let answer = pieces("\"".repeat(100_000)).into_iter().map(|piece| Word::Answer(sender(), u64::MAX, piece));
        let asked = [Inquiry::Now(Language::French), Inquiry::Metrics, Inquiry::Curves(meter, Grain::Minute, i64::MIN, i64::MAX)];
        let payload = "\"".repeat(PAYLOAD_MAX);
        let happened = [None, Some(Happening { meter, name: "availability".into(), payload })];
        let words = asked.into_iter().map(|inquiry| Word::Ask(u64::MAX, inquiry)).chain(answer).chain([Word::Listen]);
        for word in words.chain(happened.map(|happening| Word::Happened(u64::MAX, happening))) {
            let message = seal.seal(&sender(), 1, &word).unwrap();
            assert!(message.len() <= BYTES_MAX + HEADER + 16 && word.way() != Way::First);
            assert_eq!(seal.open(&seal.expression("attic"), &message), Some((sender(), 1, word)));
        }
    }

    #[test]
    fn what_is_too_long_is_not_sent() {
        let seal = Seal::new("home", &[1; 32]);
        assert_eq!(seal.seal(&sender(), 1, &Word::Readers("x".repeat(BYTES_MAX), true)), None);
    }
}
