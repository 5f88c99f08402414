//! All readers that this bridge knows, each with its end of the seal: what comes is opened or refused, what goes is sealed.
//!
//! A reader says *hello*, gets an *offer*, and agrees to it with a *pair*: from then on its key speaks for its meter. What a session says
//! is held until it has answered a question of this process, since a recording cannot; then it counts, or is refused.
//!
//! No socket, no clock, no file: `handle_*` takes what came, [`Readers::poll_message`] gives what is to go, [`Readers::poll_news`] what is to be
//! told, [`Readers::poll_pins`] what is to be kept, [`Readers::poll_proven`] whose history is worth a question.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    fmt,
    time::{Duration, Instant},
};

use teleinfo_proto::{
    seal::{Fingerprint, Header, Held, Hello, Identity, KeyId, Looks, Opened, PublicKey, ReaderPeer, Refused},
    tic::MeterId,
    wire::{BootId, Goodbye, Sample, Status, keys},
};

use crate::{
    seal::{
        decisions::Decision,
        not_believed::{NotBelieved, another},
        pins::{Claim, Pins},
    },
    words::{journal, language::Words, limits::Limits, pace::Pace},
};

use candidates::Candidates;

mod candidates;

const FIRST_CONTACT: Words = Words::new(
    "first contact: meter {} is believed from the reader {} only",
    "premier contact : le compteur {} n'est cru que du lecteur {}",
);
const WITHOUT_METER: Words =
    Words::new("first contact: the reader {} has found no meter yet", "premier contact : le lecteur {} n'a pas encore trouvé de compteur");
const FULL: Words = Words::new(
    "more readers than this bridge keeps; the new ones are refused",
    "plus de lecteurs que cette passerelle n'en garde ; les nouveaux sont refusés",
);
const FOR_ANOTHER: Words = Words::new(
    "a reader speaks to another bridge than this one; if this one has taken its place, at the reader: sudo teleinfo-reader accept {}",
    "un lecteur parle à une autre passerelle que celle-ci ; si celle-ci a pris sa place, au lecteur : sudo teleinfo-reader accept {}",
);
const NO_CODE: Words = Words::new(
    "the reader {} came without the code of this bridge and is refused; if it is yours: sudo teleinfo-bridge code, then sudo teleinfo-reader accept CODE there",
    "le lecteur {} est venu sans le code de cette passerelle et est refusé ; si c'est le vôtre : sudo teleinfo-bridge code, puis là-bas sudo teleinfo-reader accept CODE",
);
const TRIED: Words = Words::new(
    "a wrong code was tried, so none is heard for {} s; the reader {} asks again by itself",
    "un code faux a été essayé, donc aucun n'est écouté pendant {} s ; le lecteur {} redemande de lui-même",
);
/// A reader waits so long for a second offer: all that say hello meanwhile may do so in one moment, since that is what they do when their
/// network comes back.
const WAIT_OF_A_READER: Duration = Duration::from_secs(5);
/// Messages of a session that is not proven: half a minute of a standard meter is never needed, the answer takes milliseconds.
const HELD_MAX: usize = 32;
const HELD_FOR: Duration = Duration::from_secs(5);
/// After a wrong code none is heard for this time, so that nobody can try them all: there are four thousand million.
const WRONG_CODE: Duration = Duration::from_secs(10);
/// A session that is not proven is asked again after this time.
const ASK_AGAIN: Duration = Duration::from_secs(2);
/// Lines in the log on first contacts; the others are only kept.
const LINES_AT_ONCE: u32 = 16;
const LINES_A_MINUTE: u32 = 4;
/// Messages that wait to be sent.
const OUT_MAX: usize = 4_096;

/// A source of random bytes, which may fail.
pub type Draw = fn(&mut [u8]) -> bool;

/// A message that is to be put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Its key expression.
    pub key: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The link by which its reader is heard; `None`: nobody knows, so it goes by all of them.
    pub link: Option<usize>,
    /// There will be more for this reader: it is one that is believed.
    pub is_one_of_many: bool,
}

/// A message that was opened, with the key under which it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    /// Its key expression.
    pub key: String,
    /// What `wire` reads.
    pub bytes: Vec<u8>,
}

/// What follows from the readers that another member of a group knows.
#[derive(Debug, PartialEq, Eq)]
pub struct Shared {
    /// The lines before that, if some of them were told to nobody yet: they are told first, since all that is known counts as told afterwards.
    pub untold: Option<String>,
    /// All lines, if some of them are new.
    pub all: Option<String>,
}

/// One reader.
struct Peer {
    end: ReaderPeer,
    /// Its run, by a message that opened.
    boot: Option<BootId>,
    /// The run that its last hello named.
    greeted: Option<BootId>,
    /// The run that has answered a question of this process.
    proven: Option<BootId>,
    held: VecDeque<(Held, Plain, Instant)>,
    /// When it was last asked whether it lives.
    asked: Option<Instant>,
    /// The link by which something last came from it that counts: a recording can come by any.
    link: Option<usize>,
}

/// All readers.
pub struct Readers {
    own: Identity,
    pins: Pins,
    peers: HashMap<KeyId, Peer>,
    candidates: Candidates<Peer>,
    looks: Looks,
    /// Of hellos: they have looks of their own, so that those who agree get through while others say hello.
    greetings: Looks,
    draw: Draw,
    started: Instant,
    out: VecDeque<Outgoing>,
    news: VecDeque<String>,
    /// Meters whose reader has just proven that it lives.
    proven: VecDeque<MeterId>,
    /// Meters that came in this process and are not announced yet, with the time at which they were last heard.
    newcomers: BTreeMap<MeterId, Instant>,
    /// Somebody has come in since that was last asked.
    has_met: bool,
    /// The pins have changed since they were last asked for.
    is_changed: bool,
    /// What a reader that is not known must say, and until when no answer is heard.
    code: Option<(u32, Instant)>,
    /// Lines of first contacts.
    lines: Pace,
    /// Messages that came by another link before, since that was last asked.
    copies: u64,
}

impl Readers {
    /// With the bridge's key and the readers that it knew.
    #[must_use]
    pub fn new(own: Identity, pins: Pins, limits: Limits, draw: Draw, now: Instant) -> Self {
        let peers = pins.keys().map(|key| (key.id(), Peer::new(key))).collect();
        Self {
            own,
            pins,
            peers,
            candidates: Candidates::new(limits.candidates()),
            looks: Looks::new(limits.looks()),
            greetings: Looks::new(limits.greetings()).at_once(WAIT_OF_A_READER),
            draw,
            started: now,
            out: VecDeque::new(),
            news: VecDeque::new(),
            proven: VecDeque::new(),
            newcomers: BTreeMap::new(),
            has_met: false,
            is_changed: false,
            code: None,
            lines: Pace::new(LINES_AT_ONCE, LINES_A_MINUTE),
            copies: 0,
        }
    }

    /// From now on, no reader comes in at first contact that does not say this secret.
    #[must_use]
    pub fn with_code(self, secret: u32) -> Self {
        Self { code: Some((secret, self.started)), ..self }
    }

    /// A reader is here, and wants an offer: by the same link.
    ///
    /// # Errors
    /// It cannot be read, is not under its own key expression, or too many came in this second.
    pub fn handle_hello(&mut self, link: usize, key: &str, message: &[u8], now: Instant) -> Result<(), NotBelieved> {
        // Its key says the version, too, so it is read before the key is looked at.
        let hello = Hello::decode(message)?;
        let id = hello.key.id();
        let inbox = inbox(id).filter(|_| keys::reader_of(key) == Some(&id.to_string())).ok_or(Refused::Malformed)?;
        self.greetings.take(now - self.started)?;
        let random = self.random()?;
        let peer = match self.peers.get_mut(&id) {
            Some(peer) => peer,
            None => self.candidates.greet(id, || Peer::new(hello.key)),
        };
        let mut room = [0; 256];
        let bytes = peer.end.offer(&self.own, &hello, &inbox, random, &mut room)?.to_vec();
        peer.greeted = Some(hello.boot);
        self.send(inbox, bytes, Some(link), false);
        Ok(())
    }

    /// A reader agrees to an offer.
    ///
    /// # Errors
    /// It is not sealed as it should be, its meter has another reader, or there is no place.
    pub fn handle_pair(&mut self, link: usize, key: &str, message: &mut [u8], now: Instant) -> Result<(), NotBelieved> {
        let sender = Header::read(message)?.sender;
        let elapsed = now - self.started;
        let known = self.peers.get_mut(&sender);
        let peer = known.or_else(|| self.candidates.get_mut(&sender)).ok_or(Refused::NotOffered)?;
        let paired = match peer.end.pair(&self.own, key, message, &mut self.looks, elapsed) {
            // It agreed with an earlier process of this bridge, and its next hello brings another offer.
            Err(Refused::NotOffered) => return Ok(()),
            paired => paired?,
        };
        // What it agrees to is sealed for that run, so the hello was its own.
        peer.boot = peer.greeted;
        let public = *peer.end.key();
        // Whoever wants the meter of another is told of with its words, which a person may accept.
        let is_refused = paired.meter.is_some_and(|meter| self.pins.judge(&meter, &public) == Claim::Refused);
        if !is_refused {
            self.check_code(&public, paired.secret, now)?;
        }
        self.handle_claim(paired.meter, public, now)?;
        self.peers.extend(self.candidates.remove(&sender).map(|peer| (sender, peer)));
        let is_proven = self.peers.get(&sender).is_some_and(|peer| peer.proven == peer.boot);
        if !is_proven {
            self.ask_whether_it_lives(sender, link, now)?;
        }
        Ok(())
    }

    /// Something came that a known reader has sealed. What is believed is returned; it may be of earlier, or of later.
    ///
    /// # Errors
    /// Why it is not believed.
    pub fn handle_message(&mut self, link: usize, key: &str, message: &mut [u8], now: Instant) -> Result<Vec<Plain>, NotBelieved> {
        let Header { sender, receiver, .. } = Header::read(message)?;
        if receiver != self.own.id() {
            return Err(NotBelieved::new(Refused::NotForUs, journal::say(FOR_ANOTHER, &[&self.fingerprint()])));
        }
        let meter = keys::meter_of(key);
        self.may_speak(key, meter, sender)?;
        let (elapsed, own) = (now - self.started, &self.own);
        let peer = self.peers.get_mut(&sender).ok_or(Refused::NotPaired)?;
        let opened = match peer.end.open(own, key, message, &mut self.looks, elapsed) {
            // The question of a history has taken the place of the one that this answers.
            Err(Refused::Unasked) => return Ok(Vec::new()),
            // Two links lead to one router, or to two that are joined: this one was the slower.
            Err(Refused::Replayed) if peer.link.is_some_and(|believed| believed != link) => {
                self.copies += 1;
                return Ok(Vec::new());
            }
            opened => opened?,
        };
        match opened {
            Opened::Live(_, plain) => {
                peer.boot = boot_of(plain).or(peer.boot);
                peer.link = Some(link);
                let plain = Plain { key: key.into(), bytes: plain.to_vec() };
                let public = *peer.end.key();
                self.handle_claim(meter.or_else(|| reported(&plain.bytes)), public, now)?;
                Ok(vec![plain])
            }
            Opened::Unproven(_, plain, held) => {
                peer.boot = boot_of(plain).or(peer.boot);
                let plain = Plain { key: key.into(), bytes: plain.to_vec() };
                peer.hold(held, plain, now);
                self.ask_whether_it_lives(sender, link, now)?;
                Ok(Vec::new())
            }
            Opened::End => {
                peer.link = Some(link);
                Ok(self.handle_proven(sender, now))
            }
            Opened::Reply(_) => Err(Refused::Unasked.into()),
        }
    }

    /// The session of this key lives. What it said before is in its history, if it is not returned here.
    fn handle_proven(&mut self, sender: KeyId, now: Instant) -> Vec<Plain> {
        let Some(peer) = self.peers.get_mut(&sender) else { return Vec::new() };
        peer.proven = peer.boot;
        let (held, public) = (peer.release(now), *peer.end.key());
        self.proven.extend(self.pins.meters_of(&public));
        held.into_iter()
            .filter(|plain| self.handle_claim(keys::meter_of(&plain.key).or_else(|| reported(&plain.bytes)), public, now).is_ok())
            .collect()
    }

    /// The readers of a meter that were heard: each of them holds a history.
    #[must_use]
    pub fn heard(&self, meter: MeterId) -> Vec<KeyId> {
        let ids = self.pins.keys_of(&meter).map(|key| key.id());
        ids.filter(|id| self.peers.get(id).is_some_and(|peer| peer.boot.is_some())).collect()
    }

    /// A question to the history that a reader holds of a meter, and the link by which it is heard. `None`: it has not been heard yet.
    pub fn question(&mut self, meter: MeterId, reader: KeyId, asked: &str) -> Option<(Vec<u8>, Option<usize>)> {
        let (random, id) = (self.random().ok()?, self.question_id().ok()?);
        let peer = self.peers.get_mut(&reader)?;
        peer.end.speak_to(&self.own, peer.boot?, random).ok()?;
        let mut room = [0; 512];
        let bytes = peer.end.question(id, asked.as_bytes(), &keys::history(&meter), &mut room).ok()?.to_vec();
        Some((bytes, peer.link))
    }

    /// One message of an answer; `None` is its end.
    ///
    /// # Errors
    /// It is not sealed as it should be, or answers no open question.
    pub fn handle_reply(&mut self, meter: MeterId, key: &str, message: &mut [u8], now: Instant) -> Result<Option<Vec<u8>>, Refused> {
        let sender = Header::read(message)?.sender;
        let is_pinned = self.pins.keys_of(&meter).any(|key| key.id() == sender);
        let peer = self.peers.get_mut(&sender).filter(|_| is_pinned).ok_or(Refused::NotPaired)?;
        match peer.end.open(&self.own, key, message, &mut self.looks, now - self.started)? {
            Opened::Reply(plain) => Ok(Some(plain.to_vec())),
            Opened::End => Ok(None),
            Opened::Live(..) | Opened::Unproven(..) => Err(Refused::Unasked),
        }
    }

    /// The broker has the samples of a run of a meter's reader up to this one.
    pub fn handle_delivered(&mut self, meter: MeterId, boot: BootId, sequence: u64) {
        let Ok(random) = self.random() else { return };
        // The samples of an earlier run came from the history; only a run that is heard now waits for a receipt.
        let is_heard = |id: &KeyId| self.peers.get(id).is_some_and(|peer| peer.boot == Some(boot));
        let Some(reader) = self.pins.keys_of(&meter).map(|key| key.id()).find(is_heard) else { return };
        let Some(peer) = self.peers.get_mut(&reader) else { return };
        if peer.end.speak_to(&self.own, boot, random).is_err() {
            return;
        }
        let Some(inbox) = inbox(reader) else { return };
        let mut room = [0; 256];
        let (sealed, link) = (peer.end.receipt(boot, sequence, &inbox, &mut room).map(<[u8]>::to_vec), peer.link);
        if let Ok(bytes) = sealed {
            self.send(inbox, bytes, link, true);
        }
    }

    /// A person accepts one more reader for a meter, or refuses one. Returns the pins as they are now.
    pub fn handle_decision(&mut self, decision: Decision) -> String {
        let mut pins = self.pins.clone();
        match decision {
            Decision::Accept(meter, words) => {
                pins.accept(meter, words, |key| self.peers.get(&key.id()).is_some_and(|peer| peer.proven.is_some()));
            }
            Decision::Refuse(meter, words) => _ = pins.refuse(meter, words),
        }
        self.handle_pins(pins);
        self.pins.text()
    }

    /// The lines of all readers, for a member of the group that is new.
    #[must_use]
    pub fn shared(&self) -> String {
        self.pins.text()
    }

    /// Another member of the group knows these readers ([`Pins::merge`]).
    pub fn handle_shared(&mut self, lines: &str, replaces: bool) -> Shared {
        let untold = self.poll_pins();
        let Ok(theirs) = Pins::parse(lines) else { return Shared { untold, all: None } };
        let mut pins = self.pins.clone();
        let all = pins.merge(&theirs, replaces).then(|| {
            self.handle_pins(pins);
            self.pins.text()
        });
        Shared { untold, all }
    }

    fn handle_pins(&mut self, pins: Pins) {
        let keys: HashMap<KeyId, PublicKey> = pins.keys().map(|key| (key.id(), key)).collect();
        self.peers.retain(|id, _| keys.contains_key(id));
        for (id, key) in keys {
            self.peers.entry(id).or_insert_with(|| Peer::new(key));
        }
        self.pins = pins;
    }

    /// The next message that is to go.
    pub fn poll_message(&mut self) -> Option<Outgoing> {
        self.out.pop_front()
    }

    /// The next line for the log.
    pub fn poll_news(&mut self) -> Option<String> {
        self.news.pop_front()
    }

    /// The next meter whose reader has proven that it lives: it may have samples that never counted.
    pub fn poll_proven(&mut self) -> Option<MeterId> {
        self.proven.pop_front()
    }

    /// How many messages came since the last call that had come by another link before.
    pub fn poll_copies(&mut self) -> u64 {
        std::mem::take(&mut self.copies)
    }

    /// Whether there was a first contact since this was asked last.
    pub fn poll_met(&mut self) -> bool {
        std::mem::take(&mut self.has_met)
    }

    /// The text of the pins, if they have changed since this was asked last: of many that come at once it is made once.
    pub fn poll_pins(&mut self) -> Option<String> {
        std::mem::take(&mut self.is_changed).then(|| self.pins.text())
    }

    /// What a person compares.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.own.key().fingerprint()
    }

    /// Whether this key may speak under this key expression, as far as its id tells.
    fn may_speak(&self, key: &str, meter: Option<MeterId>, sender: KeyId) -> Result<(), NotBelieved> {
        let Some(meter) = meter else {
            let is_own = keys::reader_of(key) == Some(&sender.to_string());
            return if is_own { Ok(()) } else { Err(Refused::AnotherKey.into()) };
        };
        let is_known = self.peers.contains_key(&sender);
        let met = self.peers.get(&sender).or_else(|| self.candidates.get(&sender));
        let key = met.map(|peer| *peer.end.key());
        match key.map(|key| self.pins.judge(&meter, &key)) {
            Some(Claim::Known | Claim::Pinned) if is_known => Ok(()),
            // One that a person has accepted says hello again soon.
            Some(Claim::Known | Claim::Pinned) => Err(Refused::NotPaired.into()),
            Some(Claim::Full) => Err(Refused::TooMany.into()),
            None if self.pins.of(&meter).is_none() => Err(Refused::NotPaired.into()),
            Some(Claim::Refused) | None => Err(another(meter, key.map(|key| key.fingerprint()))),
        }
    }

    /// Whether a reader that is not known says the code, where one is wanted.
    fn check_code(&mut self, key: &PublicKey, said: u32, now: Instant) -> Result<(), NotBelieved> {
        let Some((secret, deaf_until)) = &mut self.code else { return Ok(()) };
        if self.pins.knows(key) {
            return Ok(());
        }
        if said != 0 && now < *deaf_until {
            return Err(NotBelieved::new(Refused::TooMany, journal::say(TRIED, &[&WRONG_CODE.as_secs(), &key.fingerprint()])));
        }
        if said == *secret {
            return Ok(());
        }
        if said != 0 {
            *deaf_until = now + WRONG_CODE;
        }
        Err(NotBelieved::new(Refused::WrongCode, journal::say(NO_CODE, &[&key.fingerprint()])))
    }

    /// A meter is announced: it is no newcomer any more, and never makes room.
    pub fn handle_announced(&mut self, meter: MeterId) {
        self.newcomers.remove(&meter);
    }

    /// The newcomer that was silent for longest makes room for one more meter.
    fn make_room(&mut self) {
        let Some((meter, _)) = self.newcomers.iter().min_by_key(|(_, at)| **at) else { return };
        let meter = *meter;
        self.newcomers.remove(&meter);
        for key in self.pins.remove(&meter) {
            if !self.pins.has(&key) {
                self.peers.remove(&key.id());
            }
        }
    }

    /// A key that was opened wants to speak for a meter, or is here without one.
    fn handle_claim(&mut self, meter: Option<MeterId>, key: PublicKey, now: Instant) -> Result<(), NotBelieved> {
        // Words are made where they are said: of each sample, they would be half of what its claim costs.
        let words = || key.fingerprint();
        if self.pins.is_full() && meter.is_some_and(|meter| self.pins.of(&meter).is_none()) {
            self.make_room();
        }
        if let Some(at) = meter.and_then(|meter| self.newcomers.get_mut(&meter)) {
            *at = now;
        }
        match self.pins.claim(meter, &key) {
            Claim::Known => {}
            Claim::Pinned => {
                (self.has_met, self.is_changed) = (true, true);
                self.newcomers.extend(meter.map(|meter| (meter, now)));
                if !self.lines.take(now) {
                    return Ok(());
                }
                let text = match meter {
                    Some(meter) => journal::say(FIRST_CONTACT, &[&meter, &words()]),
                    None => journal::say(WITHOUT_METER, &[&words()]),
                };
                self.news.push_back(text.to_string());
            }
            Claim::Full => {
                return Err(NotBelieved::new(Refused::TooMany, journal::say(FULL, &[])));
            }
            Claim::Refused => return meter.map_or(Ok(()), |meter| Err(another(meter, Some(words())))),
        }
        Ok(())
    }

    fn ask_whether_it_lives(&mut self, sender: KeyId, link: usize, now: Instant) -> Result<(), Refused> {
        let (random, id) = (self.random()?, self.question_id()?);
        let Some(peer) = self.peers.get_mut(&sender) else { return Ok(()) };
        let (Some(boot), Some(inbox)) = (peer.boot, inbox(sender)) else { return Ok(()) };
        if peer.asked.is_some_and(|asked| now < asked + ASK_AGAIN) {
            return Ok(());
        }
        peer.asked = Some(now);
        peer.end.speak_to(&self.own, boot, random)?;
        let mut room = [0; 256];
        let bytes = peer.end.question(id, b"", &inbox, &mut room)?.to_vec();
        self.send(inbox, bytes, Some(link), false);
        Ok(())
    }

    fn send(&mut self, key: String, bytes: Vec<u8>, link: Option<usize>, is_one_of_many: bool) {
        if self.out.len() < OUT_MAX {
            self.out.push_back(Outgoing { key, bytes, link, is_one_of_many });
        }
    }

    fn random(&self) -> Result<[u8; 32], Refused> {
        let mut random = [0; 32];
        (self.draw)(&mut random).then_some(random).ok_or(Refused::NotPaired)
    }

    fn question_id(&self) -> Result<[u8; 8], Refused> {
        let mut id = [0; 8];
        (self.draw)(&mut id).then_some(id).ok_or(Refused::NotPaired)
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").field("own", &self.own).field("pins", &self.pins).finish_non_exhaustive()
    }
}

impl Peer {
    fn new(key: PublicKey) -> Self {
        Self { end: ReaderPeer::new(key), boot: None, greeted: None, proven: None, held: VecDeque::new(), asked: None, link: None }
    }

    fn hold(&mut self, held: Held, plain: Plain, now: Instant) {
        if self.held.len() >= HELD_MAX {
            self.held.pop_front();
        }
        self.held.push_back((held, plain, now));
    }

    /// The session is proven: what it sent after its answer began counts.
    fn release(&mut self, now: Instant) -> Vec<Plain> {
        self.asked = None;
        let fresh = std::mem::take(&mut self.held).into_iter().filter(|(.., at)| now < *at + HELD_FOR);
        fresh.filter_map(|(held, plain, _)| self.end.release(held).ok().map(|()| plain)).collect()
    }
}

fn inbox(id: KeyId) -> Option<String> {
    keys::reader_inbox(&id.to_string()).map(|key| key.to_string())
}

/// The meter that a report names.
fn reported(plain: &[u8]) -> Option<MeterId> {
    Status::decode(plain).ok()?.meter
}

/// The run of whoever made a message.
fn boot_of(plain: &[u8]) -> Option<BootId> {
    let sample = || Sample::decode(plain).ok().map(|sample| sample.boot);
    let status = || Status::decode(plain).ok().map(|status| status.boot);
    sample().or_else(status).or_else(|| Goodbye::decode(plain).ok().map(|goodbye| goodbye.boot))
}

#[cfg(test)]
mod tests;
