//! The reader's end of the seal, with what a program adds to it: the keys of its messages, when it says hello, the file of the bridge, and
//! what is said in the log. Bytes and `now` in, bytes out; the client is not here.
//!
//! Until a bridge is trusted, nothing leaves but a hello. A *receipt* says that the broker has taken what was sent.

use std::time::{Duration, Instant};

use teleinfo_proto::{
    seal::{Answer, Heard, OVERHEAD_BYTES, PublicKey, ReaderEnd, Refused, Type},
    tic::MeterId,
    wire::{
        BootId, MESSAGE_BYTES_MAX, VERSION,
        keys::{self, Key},
    },
};

use crate::{
    daemon::on_change::OnChange,
    journal,
    language::{Sentence, Words},
    trust::keys::{ACCEPT, Keys, Trusted, pin},
};

const FIRST_CONTACT: Words = Words::new(
    "first contact: from now on this reader ({}) trusts the bridge {}, and no other",
    "premier contact : ce lecteur ({}) fait désormais confiance à la passerelle {}, et à aucune autre",
);
const NOT_REMEMBERED: Words = Words::new(
    "{}: the bridge cannot be remembered: {}; the next start is a first contact again",
    "{} : la passerelle ne peut pas être retenue : {} ; le prochain démarrage sera de nouveau un premier contact",
);
const UNCONFIRMED_WORDS: Words = Words::new(
    "the bridge has not confirmed any sample for a minute: is its MQTT broker there? If the bridge lost its key: {}",
    "la passerelle n'a confirmé aucun relevé depuis une minute : son broker MQTT est-il là ? Si la passerelle a perdu sa clé : {}",
);
/// What a person must decide.
const REFUSED: [(Refused, Words); 3] = [
    (
        Refused::AnotherKey,
        Words::new(
            "another bridge than the trusted one is refused; if it is yours: {} WORDS, with the five words of the bridge's log",
            "une autre passerelle que celle de confiance est refusée ; si c'est la vôtre : {} MOTS, avec les cinq mots du journal de la passerelle",
        ),
    ),
    (
        Refused::TwoBridges,
        Words::new(
            "two bridges offer themselves, so neither is trusted; choose yours: {} WORDS, with the five words of the bridge's log",
            "deux passerelles se présentent, donc aucune n'est crue ; choisissez la vôtre : {} MOTS, avec les cinq mots du journal de la passerelle",
        ),
    ),
    (
        Refused::WrongCode,
        Words::new(
            "a bridge with other words than the accepted ones is refused; if it is yours: {} WORDS, with the five words of the bridge's log",
            "une passerelle dont les mots ne sont pas ceux acceptés est refusée ; si c'est la vôtre : {} MOTS, avec les cinq mots du journal de la passerelle",
        ),
    ),
];

const NEWER: Words = Words::new(
    "the bridge speaks version {} of the messages between the two, this reader version {}: update this reader",
    "la passerelle parle la version {} des messages entre les deux, ce lecteur la version {} : mettez ce lecteur à jour",
);
const OLDER: Words = Words::new(
    "the bridge speaks version {} of the messages between the two, this reader version {}: update the bridge",
    "la passerelle parle la version {} des messages entre les deux, ce lecteur la version {} : mettez la passerelle à jour",
);

/// A hello is repeated this often, as long as no bridge is trusted.
const HELLO_EVERY: Duration = Duration::from_secs(10);
/// After the first hello of a connection: a bridge that has just started may not have listened yet.
const HELLO_SOON: Duration = Duration::from_secs(1);
/// After the first offer, the reader waits five seconds for a second one.
const HELLO_AGAIN: Duration = Duration::from_millis(5_100);
/// A bridge that has confirmed nothing for so long may have forgotten this reader, or has no broker.
const UNCONFIRMED: Duration = Duration::from_secs(60);
/// Room for a reply: a sample, its question and its place, and all around it.
const ROOM: usize = MESSAGE_BYTES_MAX + OVERHEAD_BYTES + 44;

/// The keys of what is no sample.
pub struct OwnKeys {
    /// Where it says hello.
    pub hello: Key,
    /// Where it agrees to an offer.
    pub pair: Key,
    /// Where it reports.
    pub status: Key,
    /// Where it listens.
    pub inbox: Key,
}

/// What a bridge said, as far as it concerns others.
#[derive(Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing to do.
    None,
    /// The bridge that is trusted offers itself: [`SealedEnd::pair`] is the answer.
    Offered,
    /// It asks, in these words; the answer begins with this.
    Asked(String, Question),
    /// The broker has the samples of this run up to this one.
    Delivered(u64),
}

/// A question of the bridge, which an answer is bound to.
#[derive(Debug, Clone, Copy)]
pub struct Question(Answer);

impl PartialEq for Question {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Question {}

/// The reader's end of the seal.
pub struct SealedEnd {
    end: ReaderEnd,
    boot: BootId,
    trusted: Trusted,
    file: Option<std::path::PathBuf>,
    keys: OwnKeys,
    started: Instant,
    /// When a hello is due.
    next_hello: Instant,
    /// Whoever is at the other end of this connection has heard none.
    is_new_here: bool,
    /// The bridge has said something that it only says to a reader that it believes.
    is_believed: bool,
    /// Since when what was sent has not been confirmed.
    unconfirmed: Option<Instant>,
    refused: OnChange<Refused>,
    silence: OnChange<()>,
    out: Vec<u8>,
}

impl SealedEnd {
    /// With the keys of the files, for this run of the reader.
    ///
    /// # Errors
    /// A key of the bridge that nobody can have.
    pub fn new(keys: Keys, boot: BootId, random: [u8; 32], now: Instant) -> Result<Self, Refused> {
        let (pinned, pairing) = keys.pairing();
        let (trusted, file) = (keys.trusted, keys.bridge_file());
        let id = keys.own.id().to_string();
        let own = |key: fn(&str) -> Option<Key>| key(&id).ok_or(Refused::Malformed);
        let own = OwnKeys {
            hello: own(keys::reader_hello)?,
            pair: own(keys::reader_pair)?,
            status: own(keys::reader_status)?,
            inbox: own(keys::reader_inbox)?,
        };
        Ok(Self {
            end: ReaderEnd::new(keys.own, boot, pinned, pairing, random)?,
            boot,
            trusted,
            file,
            keys: own,
            started: now,
            next_hello: now,
            is_new_here: true,
            is_believed: false,
            unconfirmed: None,
            refused: OnChange::new(),
            silence: OnChange::new(),
            out: vec![0; ROOM],
        })
    }

    /// The run of the reader.
    #[must_use]
    pub const fn boot(&self) -> BootId {
        self.boot
    }

    /// The keys of what is no sample.
    #[must_use]
    pub const fn keys(&self) -> &OwnKeys {
        &self.keys
    }

    /// A session with a router stands: whoever is there has heard nothing yet.
    pub fn handle_connected(&mut self, now: Instant) {
        self.next_hello = now;
        self.is_new_here = true;
    }

    /// Seals a message of the reader's own.
    ///
    /// # Errors
    /// No bridge is trusted, so nothing may leave.
    pub fn seal(&mut self, of: Type, key: &str, plain: &[u8]) -> Result<&[u8], Refused> {
        self.end.seal(of, key, plain, &mut self.out)
    }

    /// A sample has left: a receipt is now waited for.
    pub fn handle_sent(&mut self, now: Instant) {
        self.unconfirmed.get_or_insert(now);
    }

    /// Agrees to the offer that came last.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn pair(&mut self, meter: Option<&MeterId>) -> Result<&[u8], Refused> {
        self.end.pair(&self.keys.pair, meter, &mut self.out)
    }

    /// The next sample of an answer.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn reply(&mut self, question: &mut Question, key: &str, sample: &[u8]) -> Result<&[u8], Refused> {
        self.end.reply(&mut question.0, key, sample, &mut self.out)
    }

    /// The end of an answer.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn end(&mut self, question: Question, key: &str) -> Result<&[u8], Refused> {
        self.end.end(question.0, key, &mut self.out)
    }

    /// The end of an answer to a question that only wants to know whether this reader lives.
    ///
    /// # Errors
    /// As [`Self::seal`].
    pub fn here(&mut self, question: Question) -> Result<&[u8], Refused> {
        self.end.end(question.0, &self.keys.status, &mut self.out)
    }

    /// The hello that is due: with each connection, until a bridge is trusted and believes this reader, and to one that confirms nothing.
    pub fn poll_hello(&mut self, now: Instant) -> Option<[u8; teleinfo_proto::seal::HELLO_BYTES]> {
        if self.trusted == Trusted::Nobody || now < self.next_hello {
            return None;
        }
        let is_new_here = std::mem::take(&mut self.is_new_here);
        self.next_hello = now + if is_new_here { HELLO_SOON } else { HELLO_EVERY };
        let is_silent = self.unconfirmed.is_some_and(|since| now >= since + UNCONFIRMED);
        if is_silent && self.silence.is_new(()) {
            log::warn!("{}", journal::say(UNCONFIRMED_WORDS, &[&ACCEPT]));
        }
        (is_new_here || is_silent || !self.is_believed).then(|| self.end.hello())
    }

    /// When [`Self::poll_hello`] is due.
    #[must_use]
    pub const fn poll_timeout(&self) -> Instant {
        self.next_hello
    }

    /// Something came under a key that this reader listens to.
    pub fn handle_message(&mut self, key: &str, message: &mut [u8], now: Instant) -> Word {
        if self.trusted == Trusted::Nobody {
            return Word::None;
        }
        let was_pinned = self.end.bridge().is_some();
        match self.end.handle_message(key, message, now - self.started) {
            Ok(Heard::Offered) => {
                if let Some(bridge) = self.end.bridge().copied().filter(|_| !was_pinned) {
                    self.handle_pinned(&bridge);
                }
                Word::Offered
            }
            Ok(Heard::Waiting) => {
                self.next_hello = self.next_hello.min(now + HELLO_AGAIN);
                Word::None
            }
            Ok(Heard::Question(id, asked)) => {
                self.is_believed = true;
                let asked = std::str::from_utf8(asked);
                asked.map_or(Word::None, |asked| Word::Asked(asked.into(), Question(self.end.answer(id))))
            }
            Ok(Heard::Delivered(boot, sequence)) if boot == self.boot => {
                self.is_believed = true;
                self.unconfirmed = None;
                self.silence.forget();
                Word::Delivered(sequence)
            }
            Ok(Heard::Delivered(..)) => Word::None,
            Err(refused) => {
                self.handle_refused(refused);
                Word::None
            }
        }
    }

    /// First contact: from now on no other bridge is heard.
    fn handle_pinned(&mut self, bridge: &PublicKey) {
        self.trusted = Trusted::Pinned(*bridge);
        let (own, theirs) = (self.end.key().fingerprint(), bridge.fingerprint());
        log::info!("{}", journal::say(FIRST_CONTACT, &[&own, &theirs]));
        if let Some(file) = &self.file
            && let Err(error) = pin(file, bridge)
        {
            log::warn!("{}", journal::say(NOT_REMEMBERED, &[&file.display(), &error]));
        }
    }

    /// Strangers may say what they like, so each reason is said once.
    fn handle_refused(&mut self, refused: Refused) {
        match words_of(refused).filter(|_| self.refused.is_new(refused)) {
            Some(words) => log::warn!("{words}"),
            None => log::debug!("refused: {refused}"),
        }
    }
}

/// What a person must know of a message that is refused.
fn words_of(refused: Refused) -> Option<Sentence> {
    match refused {
        Refused::Version(version) => Some(journal::say(if version > VERSION { NEWER } else { OLDER }, &[&version, &VERSION])),
        _ => REFUSED.iter().find(|(reason, _)| *reason == refused).map(|(_, words)| journal::say(*words, &[&ACCEPT])),
    }
}
