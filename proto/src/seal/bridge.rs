//! The bridge's end of one reader: offers, questions and receipts out; samples, answers and goodbyes in.
//!
//! Which reader may speak for which meter is not decided here: a program finds the [`ReaderPeer`] of the key that is pinned for the meter in
//! the key expression, and refuses what comes for a meter without one. A group of bridges shares its key, not its sessions.

use core::time::Duration;

use super::{
    Refused,
    identity::{Identity, KeyId, PublicKey},
    looks::Looks,
    message::{Header, Hello, QuestionId, Type, sender_key},
    session::{Direction, Opener, Random, Sealer},
    window::Window,
};
use crate::{tic::MeterId, wire::BootId};

/// Bytes in a pair before the meter: the code's secret, the boot, the offer's session.
const PAIR_BYTES: usize = 4 + 8 + 32;

/// What this bridge process holds of one reader's key. Bounded: two sessions in, one out, one question.
pub struct ReaderPeer {
    key: PublicKey,
    /// Of the key: it is a hash, which each message would pay for again.
    id: KeyId,
    out: Option<(BootId, Sealer)>,
    proven: Option<Incoming>,
    /// The session that is not proven and was opened last: of a reader that has just started, or a recording.
    unproven: Option<Incoming>,
    question: Option<Question>,
}

struct Incoming {
    session: [u8; 32],
    opener: Opener,
    live: Window,
}

/// A question that is not fully answered.
struct Question {
    id: QuestionId,
    session: Option<[u8; 32]>,
    replies: u32,
    last: u64,
}

/// What a reader said.
#[derive(Debug, PartialEq, Eq)]
pub enum Opened<'m> {
    /// A live message of a proven session, for the first time.
    Live(Type, &'m [u8]),
    /// A live message of a session that is not proven. It may be held for some seconds while the reader is asked, and counts only if
    /// [`ReaderPeer::release`] says so.
    Unproven(Type, &'m [u8], Held),
    /// One sample of the answer, in its order.
    Reply(&'m [u8]),
    /// The answer is whole, and the session is proven.
    End,
}

/// The place of a message that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    session: [u8; 32],
    number: u64,
}

/// A reader that agreed to an offer of this process.
#[derive(Debug, PartialEq, Eq)]
pub struct Paired {
    /// The secret of the code that was typed there, or 0.
    pub secret: u32,
    /// The meter that it reads, if it has found one.
    pub meter: Option<MeterId>,
}

impl ReaderPeer {
    /// Of this key, pinned or not.
    #[must_use]
    pub fn new(key: PublicKey) -> Self {
        Self { key, id: key.id(), out: None, proven: None, unproven: None, question: None }
    }

    /// The reader's key.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// The id of the reader's key.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Begins to speak to a process of the reader. To do it again for the same process costs nothing and uses no random bytes. The boot of
    /// an unproven message may be that of a recording, so the caller does this a few times a minute at most.
    ///
    /// # Errors
    ///
    /// Those of [`Sealer::new`].
    pub fn speak_to(&mut self, own: &Identity, boot: BootId, random: Random) -> Result<(), Refused> {
        if self.out.as_ref().is_none_or(|(known, _)| *known != boot) {
            self.out = Some((boot, Sealer::new(own, &self.key, Direction::ToReader(boot), random)?));
        }
        Ok(())
    }

    /// Answers a hello of this key.
    ///
    /// # Errors
    ///
    /// [`Refused::AnotherKey`], and those of [`Sealer::new`] and [`Sealer::seal`].
    pub fn offer<'o>(
        &mut self,
        own: &Identity,
        hello: &Hello,
        inbox: &str,
        random: Random,
        out: &'o mut [u8],
    ) -> Result<&'o [u8], Refused> {
        if hello.key != self.key {
            return Err(Refused::AnotherKey);
        }
        self.speak_to(own, hello.boot, random)?;
        self.seal(Type::Offer, inbox, &[], out)
    }

    /// Asks, in words of the caller's. An earlier question is then no longer open.
    ///
    /// # Errors
    ///
    /// [`Refused::NotPaired`] before [`Self::speak_to`], and those of [`Sealer::seal`].
    pub fn question<'o>(&mut self, id: QuestionId, asked: &[u8], expression: &str, out: &'o mut [u8]) -> Result<&'o [u8], Refused> {
        let sealed = self.out.as_mut().ok_or(Refused::NotPaired)?.1.seal(Type::Question, expression, &[&id, asked], out)?;
        self.question = Some(Question { id, session: None, replies: 0, last: 0 });
        Ok(sealed)
    }

    /// Says that every sample up to this one has been taken.
    ///
    /// # Errors
    ///
    /// As [`Self::question`].
    pub fn receipt<'o>(&mut self, boot: BootId, sequence: u64, inbox: &str, out: &'o mut [u8]) -> Result<&'o [u8], Refused> {
        self.seal(Type::Receipt, inbox, &[&boot.get().to_be_bytes(), &sequence.to_be_bytes()], out)
    }

    fn seal<'o>(&mut self, of: Type, expression: &str, parts: &[&[u8]], out: &'o mut [u8]) -> Result<&'o [u8], Refused> {
        self.out.as_mut().ok_or(Refused::NotPaired)?.1.seal(of, expression, parts, out)
    }

    /// Opens the agreement to an offer of this process: a recording of an earlier one is refused. Whether its meter has another key already,
    /// and whether the secret is right, is for the caller to decide.
    ///
    /// # Errors
    ///
    /// Every reason that this module knows.
    pub fn pair(
        &mut self,
        own: &Identity,
        expression: &str,
        message: &mut [u8],
        looks: &mut Looks,
        now: Duration,
    ) -> Result<Paired, Refused> {
        let header = self.addressed(own, message)?;
        if header.of != Type::Pair {
            return Err(Refused::Malformed);
        }
        if sender_key(message)? != self.key {
            return Err(Refused::AnotherKey);
        }
        let plain = self.open_in_session(own, &header, expression, message, looks, now)?;
        let (fixed, meter) = plain.split_first_chunk::<PAIR_BYTES>().ok_or(Refused::Malformed)?;
        let meter = match meter {
            [] => None,
            text => Some(core::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or(Refused::Malformed)?),
        };
        let offered =
            self.out.as_ref().is_some_and(|(boot, sealer)| fixed[4..12] == boot.get().to_be_bytes() && fixed[12..] == *sealer.session());
        if !offered {
            return Err(Refused::NotOffered);
        }
        Ok(Paired { secret: u32::from_be_bytes([fixed[0], fixed[1], fixed[2], fixed[3]]), meter })
    }

    /// Opens what came under `expression`, cheap checks first. After it, the caller compares the meter inside with that of the expression.
    ///
    /// # Errors
    ///
    /// Every reason that this module knows.
    pub fn open<'m>(
        &mut self,
        own: &Identity,
        expression: &str,
        message: &'m mut [u8],
        looks: &mut Looks,
        now: Duration,
    ) -> Result<Opened<'m>, Refused> {
        let header = self.addressed(own, message)?;
        let (number, session) = (header.number, header.session);
        if self.proven.as_ref().is_some_and(|known| known.session == session && !header.of.is_answer() && !known.live.allows(number)) {
            return Err(Refused::Replayed);
        }
        let plain = self.open_in_session(own, &header, expression, message, looks, now)?;
        match header.of {
            Type::Sample | Type::Goodbye | Type::Status => match self.proven.as_mut().filter(|known| known.session == session) {
                Some(known) => {
                    known.live.note(number);
                    Ok(Opened::Live(header.of, plain))
                }
                None => Ok(Opened::Unproven(header.of, plain, Held { session, number })),
            },
            Type::Reply | Type::End => self.answer(&header, plain),
            _ => Err(Refused::Malformed),
        }
    }

    /// Whether a message that was held counts: its session has been proven since, and the message was sent after the proof began.
    ///
    /// # Errors
    ///
    /// [`Refused::Replayed`].
    pub fn release(&mut self, held: Held) -> Result<(), Refused> {
        let known = self.proven.as_mut().filter(|known| known.session == held.session && known.live.allows(held.number));
        known.ok_or(Refused::Replayed)?.live.note(held.number);
        Ok(())
    }

    /// The header of a message from this reader to us.
    fn addressed(&self, own: &Identity, message: &[u8]) -> Result<Header, Refused> {
        let header = Header::read(message)?;
        if header.receiver != own.id() {
            return Err(Refused::NotForUs);
        }
        if header.sender != self.id {
            return Err(Refused::AnotherKey);
        }
        Ok(header)
    }

    /// Opens a message. Its session is kept only if that succeeded, so that forgers leave nothing behind.
    fn open_in_session<'m>(
        &mut self,
        own: &Identity,
        header: &Header,
        expression: &str,
        message: &'m mut [u8],
        looks: &mut Looks,
        now: Duration,
    ) -> Result<&'m [u8], Refused> {
        let known = [&self.proven, &self.unproven].map(|known| known.as_ref().filter(|known| known.session == header.session));
        if let Some(known) = known.into_iter().flatten().next() {
            return known.opener.open(expression, message);
        }
        looks.take(now)?;
        let opener = Opener::new(own, &self.key, &header.session, Direction::ToBridge)?;
        let plain = opener.open(expression, message)?;
        self.unproven = Some(Incoming { session: header.session, opener, live: Window::default() });
        Ok(plain)
    }

    /// An answer belongs to the open question, comes in one session and in order; its end says how many replies there were.
    fn answer<'m>(&mut self, header: &Header, plain: &'m [u8]) -> Result<Opened<'m>, Refused> {
        let (id, rest) = plain.split_first_chunk().ok_or(Refused::Malformed)?;
        let (place, rest) = rest.split_first_chunk().ok_or(Refused::Malformed)?;
        let question = self.question.as_mut().filter(|question| question.id == *id).ok_or(Refused::Unasked)?;
        let same = question.session.is_none_or(|session| session == header.session);
        if !same || u32::from_be_bytes(*place) != question.replies || header.number <= question.last {
            return Err(Refused::Unasked);
        }
        (question.session, question.last) = (Some(header.session), header.number);
        if header.of == Type::Reply {
            question.replies = question.replies.checked_add(1).ok_or(Refused::Unasked)?;
            return Ok(Opened::Reply(rest));
        }
        self.prove(header.session, u64::from_be_bytes(rest.try_into().map_err(|_| Refused::Malformed)?));
        self.question = None;
        Ok(Opened::End)
    }

    /// The session has answered. What it sent up to `before` came with the answer, so recordings of this very session stop here, too.
    fn prove(&mut self, session: [u8; 32], before: u64) {
        if let Some(proven) = self.unproven.take_if(|unproven| unproven.session == session) {
            self.proven = Some(Incoming { live: Window::after(before), ..proven });
        }
    }
}
