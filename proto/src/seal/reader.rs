//! The reader's end: says hello until a bridge offers itself, pins it, then seals for it, and opens its questions and receipts.
//!
//! Until a bridge is pinned, nothing but the hello leaves. The file of the pin is the program's.

use core::time::Duration;

use super::{
    Refused,
    identity::{Identity, PublicKey},
    looks::Looks,
    message::{HELLO_BYTES, Header, Hello, QuestionId, Type, sender_key},
    session::{Direction, Opener, Random, Sealer},
    window::Window,
    words::PairingCode,
};
use crate::{tic::MeterId, wire::BootId};

/// How long the first offer waits for a second one.
const FIRST_CONTACT: Duration = Duration::from_secs(5);
/// Bridge processes at a time: a group, and one of them that has just restarted.
const BRIDGES: usize = 4;

/// How a reader finds out which bridge to trust.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// The one bridge that offers itself.
    FirstContact,
    /// The bridge of the code that was typed.
    Code(PairingCode),
}

/// A reader's process.
pub struct ReaderEnd {
    own: Identity,
    boot: BootId,
    pairing: Pairing,
    /// For the one session of this process.
    random: Option<Random>,
    bridge: Option<PublicKey>,
    sealer: Option<Sealer>,
    candidate: Option<(PublicKey, Duration)>,
    /// The session of the last offer, to which a pair answers.
    offer: [u8; 32],
    incoming: [Option<Incoming>; BRIDGES],
    next: usize,
    looks: Looks,
}

struct Incoming {
    session: [u8; 32],
    opener: Opener,
    seen: Window,
}

/// What a bridge said.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<'m> {
    /// The bridge that is pinned offers itself: a pair is the answer. The key is to be written if it was not pinned before.
    Offered,
    /// The first offer waits for a second one.
    Waiting,
    /// A question, with what is asked.
    Question(QuestionId, &'m [u8]),
    /// The samples of this process up to this sequence are at the broker.
    Delivered(BootId, u64),
}

/// An answer that is being given.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    id: QuestionId,
    replies: u32,
    /// The last message before the answer.
    before: u64,
}

impl ReaderEnd {
    /// With the bridge that was pinned by an earlier process, if any.
    ///
    /// # Errors
    ///
    /// Those of [`Sealer::new`].
    pub fn new(own: Identity, boot: BootId, pinned: Option<PublicKey>, pairing: Pairing, random: Random) -> Result<Self, Refused> {
        let mut end = Self {
            own,
            boot,
            pairing,
            random: Some(random),
            bridge: None,
            sealer: None,
            candidate: None,
            offer: [0; 32],
            incoming: [const { None }; BRIDGES],
            next: 0,
            looks: Looks::READER,
        };
        if let Some(bridge) = pinned {
            end.pin(bridge)?;
        }
        Ok(end)
    }

    /// The bridge that is pinned.
    #[must_use]
    pub const fn bridge(&self) -> Option<&PublicKey> {
        self.bridge.as_ref()
    }

    /// The reader's own key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        self.own.key()
    }

    /// Asks for an offer.
    #[must_use]
    pub fn hello(&self) -> [u8; HELLO_BYTES] {
        Hello { key: *self.own.key(), boot: self.boot }.encode()
    }

    /// Seals a sample, a goodbye or a status.
    ///
    /// # Errors
    ///
    /// [`Refused::NotPaired`] as long as no bridge is pinned: nothing leaves in the clear. Those of [`Sealer::seal`].
    pub fn seal<'o>(&mut self, of: Type, expression: &str, plain: &[u8], out: &'o mut [u8]) -> Result<&'o [u8], Refused> {
        self.sealer.as_mut().ok_or(Refused::NotPaired)?.seal(of, expression, &[plain], out)
    }

    /// Agrees to the last offer, and names the meter that is read, if one was found.
    ///
    /// # Errors
    ///
    /// As [`Self::seal`].
    pub fn pair<'o>(&mut self, expression: &str, meter: Option<&MeterId>, out: &'o mut [u8]) -> Result<&'o [u8], Refused> {
        let secret = match self.pairing {
            Pairing::FirstContact => 0,
            Pairing::Code(code) => code.secret,
        };
        let parts: [&[u8]; 4] =
            [&secret.to_be_bytes(), &self.boot.get().to_be_bytes(), &self.offer, meter.map_or("", MeterId::as_str).as_bytes()];
        self.sealer.as_mut().ok_or(Refused::NotPaired)?.seal(Type::Pair, expression, &parts, out)
    }

    /// Begins the answer to a question.
    #[must_use]
    pub fn answer(&self, id: QuestionId) -> Answer {
        Answer { id, replies: 0, before: self.sealer.as_ref().map_or(0, Sealer::last_number) }
    }

    /// The next sample of an answer.
    ///
    /// # Errors
    ///
    /// As [`Self::seal`].
    pub fn reply<'o>(&mut self, answer: &mut Answer, expression: &str, sample: &[u8], out: &'o mut [u8]) -> Result<&'o [u8], Refused> {
        let parts: [&[u8]; 3] = [&answer.id, &answer.replies.to_be_bytes(), sample];
        let sealed = self.sealer.as_mut().ok_or(Refused::NotPaired)?.seal(Type::Reply, expression, &parts, out)?;
        answer.replies += 1;
        Ok(sealed)
    }

    /// The end of an answer.
    ///
    /// # Errors
    ///
    /// As [`Self::seal`].
    pub fn end<'o>(&mut self, answer: Answer, expression: &str, out: &'o mut [u8]) -> Result<&'o [u8], Refused> {
        let parts: [&[u8]; 3] = [&answer.id, &answer.replies.to_be_bytes(), &answer.before.to_be_bytes()];
        self.sealer.as_mut().ok_or(Refused::NotPaired)?.seal(Type::End, expression, &parts, out)
    }

    /// Opens what a bridge sent under `expression`.
    ///
    /// # Errors
    ///
    /// Every reason that this module knows.
    pub fn handle_message<'m>(&mut self, expression: &str, message: &'m mut [u8], now: Duration) -> Result<Heard<'m>, Refused> {
        let header = Header::read(message)?;
        if header.receiver != self.own.id() {
            return Err(Refused::NotForUs);
        }
        match header.of {
            Type::Offer => self.handle_offer(&header, expression, message, now),
            Type::Question | Type::Receipt => self.handle_words(&header, expression, message, now),
            _ => Err(Refused::Malformed),
        }
    }

    fn handle_offer<'m>(&mut self, header: &Header, expression: &str, message: &mut [u8], now: Duration) -> Result<Heard<'m>, Refused> {
        let from = sender_key(message)?;
        self.may_offer(&from)?;
        self.looks.take(now)?;
        Opener::new(&self.own, &from, &header.session, Direction::ToReader(self.boot))?.open(expression, message)?;
        if self.bridge.is_none() {
            if self.pairing == Pairing::FirstContact && !self.is_alone(from, now)? {
                return Ok(Heard::Waiting);
            }
            self.pin(from)?;
        }
        self.offer = header.session;
        Ok(Heard::Offered)
    }

    /// Another bridge than the pinned one, or than that of the code, is not even looked at.
    fn may_offer(&self, from: &PublicKey) -> Result<(), Refused> {
        match (self.bridge, self.pairing) {
            (Some(bridge), _) if bridge != *from => Err(Refused::AnotherKey),
            (None, Pairing::Code(code)) if code.bridge != from.fingerprint() => Err(Refused::WrongCode),
            _ => Ok(()),
        }
    }

    /// Whether this bridge has been the only one for long enough. As long as two speak, the wait begins anew and nobody is trusted.
    fn is_alone(&mut self, from: PublicKey, now: Duration) -> Result<bool, Refused> {
        let (first, since) = *self.candidate.get_or_insert((from, now));
        if first != from {
            self.candidate = Some((first, now));
            return Err(Refused::TwoBridges);
        }
        Ok(now >= since.saturating_add(FIRST_CONTACT))
    }

    fn pin(&mut self, bridge: PublicKey) -> Result<(), Refused> {
        let random = self.random.take().ok_or(Refused::NotPaired)?;
        self.sealer = Some(Sealer::new(&self.own, &bridge, Direction::ToBridge, random)?);
        self.bridge = Some(bridge);
        Ok(())
    }

    /// A question or a receipt of the bridge that is pinned.
    fn handle_words<'m>(&mut self, header: &Header, expression: &str, message: &'m mut [u8], now: Duration) -> Result<Heard<'m>, Refused> {
        let bridge = self.bridge.ok_or(Refused::NotPaired)?;
        if header.sender != bridge.id() {
            return Err(Refused::AnotherKey);
        }
        let known = self.incoming.iter_mut().flatten().find(|known| known.session == header.session);
        let plain = match known {
            Some(known) if !known.seen.allows(header.number) => return Err(Refused::Replayed),
            Some(known) => {
                let plain = known.opener.open(expression, message)?;
                known.seen.note(header.number);
                plain
            }
            None => {
                self.looks.take(now)?;
                let opener = Opener::new(&self.own, &bridge, &header.session, Direction::ToReader(self.boot))?;
                let plain = opener.open(expression, message)?;
                self.remember(header, opener);
                plain
            }
        };
        words(header.of, plain).ok_or(Refused::Malformed)
    }

    /// The oldest session makes room. Whoever then replays a recording of it is heard again, so a question or a receipt must be such that a
    /// second time changes nothing.
    fn remember(&mut self, header: &Header, opener: Opener) {
        let mut seen = Window::default();
        seen.note(header.number);
        self.incoming[self.next] = Some(Incoming { session: header.session, opener, seen });
        self.next = (self.next + 1) % BRIDGES;
    }
}

fn words(of: Type, plain: &[u8]) -> Option<Heard<'_>> {
    let (first, rest) = plain.split_first_chunk::<8>()?;
    match of {
        Type::Question => Some(Heard::Question(*first, rest)),
        _ => Some(Heard::Delivered(BootId::new(u64::from_be_bytes(*first)), u64::from_be_bytes(*rest.first_chunk()?))),
    }
}
