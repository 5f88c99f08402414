//! What goes to the bridge: samples as they are made, the token of a meter that is being read, reports, and answers from the history.
//!
//! The client knows how to send, `sealed` for whom; this file knows what, under which key, and what to say in the log.

pub mod sealed;
pub(crate) mod trouble;

use std::{collections::VecDeque, time::Instant};

use mio::event::Event as Readiness;
use teleinfo_proto::{
    seal::{Refused, Type},
    tic::MeterId,
    wire::{BootId, Goodbye, Sample, Status, keys},
};
use teleinfo_zenoh_client::{Client, Declaration, Event, Publication, Query, QueryId, SendError};

use crate::{
    daemon::on_change::OnChange,
    history::{ANSWER_BYTES, Cursor, History, Request},
    journal,
    language::Words,
    trust::keys::Keys,
};
use sealed::{Question, SealedEnd, Word};

const CONNECTED: Words = Words::new("connected to {}", "relié à {}");
const CONNECTED_AS_USER: Words = Words::new("connected to {}, password accepted", "relié à {}, mot de passe accepté");
const LOST: Words = Words::new(
    "no connection to the bridge: {}; trying again, samples are kept meanwhile",
    "pas de liaison avec la passerelle : {} ; nouvel essai, les relevés sont gardés en attendant",
);

/// Bridges ask one question after another; more at once than this are a fault of theirs, and turned away.
const ANSWERS_MAX: usize = 8;
/// Samples per turn of the loop: a fraction of a millisecond's work, so that the line never waits.
const ANSWER_STEP: usize = 32;

/// The way to the bridge, and what is on it.
pub(crate) struct Uplink {
    client: Client,
    sealed: SealedEnd,
    boot: BootId,
    meter: Option<Meter>,
    /// The broker has taken samples, and nobody has been told yet.
    delivered: bool,
    /// A bridge process has asked for the first time, so it has heard no report.
    is_asked: bool,
    answers: VecDeque<Answer>,
    /// The answers wait for room.
    full: bool,
    buffer: Vec<u8>,
    connected: bool,
    /// Sessions that were lost, and have not been counted yet.
    lost: u32,
    /// Why there is no connection.
    trouble: OnChange<String>,
}

/// The meter that samples come from.
struct Meter {
    id: MeterId,
    sample_key: keys::Key,
    /// Its token is declared.
    alive: bool,
}

struct Answer {
    query: QueryId,
    question: Question,
    meter: MeterId,
    cursor: Cursor,
    /// A sealed message for which there was no room yet, and the meter of its key.
    waiting: Option<(MeterId, Vec<u8>)>,
    /// The end of the answer has been sealed: nothing follows it.
    is_ended: bool,
}

impl Uplink {
    /// On a client that has its locators, for this run of the reader.
    ///
    /// # Errors
    /// The bridge's key is one that nobody can have.
    pub(crate) fn new(mut client: Client, keys: Keys, boot: BootId, random: [u8; 32], now: Instant) -> Result<Self, Refused> {
        let sealed = SealedEnd::new(keys, boot, random, now)?;
        client.declare(Declaration::Subscriber, &sealed.keys().inbox, now);
        client.declare(Declaration::Key, &sealed.keys().status, now);
        Ok(Self {
            client,
            sealed,
            boot,
            meter: None,
            delivered: false,
            is_asked: false,
            answers: VecDeque::new(),
            full: false,
            buffer: vec![0; ANSWER_BYTES],
            connected: false,
            lost: 0,
            trouble: OnChange::new(),
        })
    }

    /// A session with a bridge stands.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected
    }

    /// Sessions that were lost since this was asked last.
    pub(crate) fn take_lost(&mut self) -> u32 {
        std::mem::take(&mut self.lost)
    }

    /// Whether the broker has taken samples since this was asked last.
    pub(crate) fn take_delivered(&mut self) -> bool {
        std::mem::take(&mut self.delivered)
    }

    /// Whether a bridge has asked since this was asked last: it may have heard no report yet.
    pub(crate) fn take_asked(&mut self) -> bool {
        std::mem::take(&mut self.is_asked)
    }

    /// An event of the loop that may be the client's.
    pub(crate) fn handle_event(&mut self, event: &Readiness, now: Instant) {
        self.client.handle_event(event, now);
    }

    /// When [`Uplink::handle_timeout`] is due.
    pub(crate) fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        if !self.answers.is_empty() && !self.full {
            return Some(now);
        }
        let hello = self.connected.then(|| self.sealed.poll_timeout());
        self.client.poll_timeout(now).into_iter().chain(hello).min()
    }

    /// Time has passed, or something has happened.
    pub(crate) fn handle_timeout(&mut self, history: &History, now: Instant) {
        self.client.handle_timeout(now);
        while let Some(event) = self.client.poll_event() {
            self.handle_client_event(event, history, now);
        }
        if self.connected
            && let Some(hello) = self.sealed.poll_hello(now)
        {
            // It comes again.
            let _ = self.client.publish(&self.sealed.keys().hello, &hello, now);
        }
        self.answer(history, now);
    }

    /// Sends a sample; `false` if it could not leave.
    pub(crate) fn send(&mut self, sample: &Sample<'_>, encoded: &[u8], now: Instant) -> bool {
        self.set_meter(sample.meter, now);
        let Some(meter) = self.meter.as_ref().filter(|_| self.connected) else { return false };
        let Ok(sealed) = self.sealed.seal(Type::Sample, &meter.sample_key, encoded) else { return false };
        let sent = self.client.publish(&meter.sample_key, sealed, now).is_ok();
        if sent {
            self.sealed.handle_sent(now);
        }
        sent
    }

    /// Sends a report.
    pub(crate) fn report(&mut self, status: &Status<'_>, now: Instant) {
        let (mut buffer, key) = ([0; Status::BYTES_MAX], self.sealed.keys().status);
        match status.encode(&mut buffer) {
            // Without a connection it is not missed: there is another with the connection.
            Ok(bytes) => _ = self.sealed.seal(Type::Status, &key, bytes).map(|sealed| self.client.publish(&key, sealed, now)),
            Err(error) => log::debug!("status: {error}"),
        }
    }

    /// Shows or withdraws the token of the meter.
    pub(crate) fn set_alive(&mut self, alive: bool, now: Instant) {
        let Some(meter) = self.meter.as_mut().filter(|meter| meter.alive != alive) else { return };
        meter.alive = alive;
        match alive {
            true => self.client.declare(Declaration::Token, &keys::alive(&meter.id), now),
            false => self.client.undeclare(Declaration::Token, &keys::alive(&meter.id), now),
        }
    }

    /// Says goodbye, and ends the connection for good.
    pub(crate) fn close(&mut self, now: Instant) {
        self.part(now);
        self.client.close(now);
    }

    /// Leaves the meter. Its token goes in a lost connection too; a goodbye is what tells an intent from a fault.
    fn part(&mut self, now: Instant) {
        let Some(meter) = &self.meter else { return };
        let mut buffer = [0; Goodbye::BYTES_MAX];
        if let Ok(goodbye) = (Goodbye { boot: self.boot, meter: meter.id }).encode(&mut buffer) {
            let sealed = self.sealed.seal(Type::Goodbye, &meter.sample_key, goodbye);
            // Without a connection nobody has to be told.
            let _ = sealed.map(|sealed| self.client.publish(&meter.sample_key, sealed, now));
        }
        self.set_alive(false, now);
    }

    fn set_meter(&mut self, id: MeterId, now: Instant) {
        if self.meter.as_ref().is_some_and(|meter| meter.id == id) {
            return;
        }
        self.part(now);
        if let Some(old) = &self.meter {
            self.client.undeclare(Declaration::Queryable, &keys::history(&old.id), now);
            self.client.undeclare(Declaration::Key, &old.sample_key, now);
        }
        let sample_key = keys::sample(&id);
        self.client.declare(Declaration::Key, &sample_key, now);
        self.client.declare(Declaration::Queryable, &keys::history(&id), now);
        self.meter = Some(Meter { id, sample_key, alive: false });
    }

    fn handle_client_event(&mut self, event: Event, history: &History, now: Instant) {
        match event {
            Event::Connected { locator, authenticated } => {
                let words = if authenticated { CONNECTED_AS_USER } else { CONNECTED };
                log::info!("{}", journal::say(words, &[&locator]));
                self.connected = true;
                self.sealed.handle_connected(now);
                self.trouble.forget();
            }
            Event::Disconnected { failures, .. } => self.handle_lost(trouble::of_locators(&failures, journal::language()).to_string()),
            Event::NoRouter { group } => self.handle_lost(trouble::of_scouting(group, journal::language()).to_string()),
            Event::Query(query) => self.handle_query(query, history, now),
            Event::Room => self.full = false,
            Event::Publication(Publication { key, mut payload }) => self.handle_publication(&key, &mut payload, now),
        }
    }

    /// One line when it begins, another when the reason changes.
    fn handle_lost(&mut self, reason: String) {
        self.lost += u32::from(std::mem::take(&mut self.connected));
        self.answers.clear();
        self.full = false;
        if self.trouble.is_new(reason.clone()) {
            log::warn!("{}", journal::say(LOST, &[&reason]));
        }
    }

    /// What came to the inbox.
    fn handle_publication(&mut self, key: &str, payload: &mut [u8], now: Instant) {
        match self.sealed.handle_message(key, payload, now) {
            Word::Offered => {
                let pair = self.sealed.keys().pair;
                let sealed = self.sealed.pair(self.meter.as_ref().map(|meter| &meter.id));
                // A bridge that does not get it offers itself again at the next hello.
                let _ = sealed.map(|sealed| self.client.publish(&pair, sealed, now));
                // A report, so that the bridge has something to ask about.
                self.is_asked = true;
            }
            Word::Asked(_, question) => {
                let status = self.sealed.keys().status;
                let _ = self.sealed.here(question).map(|sealed| self.client.publish(&status, sealed, now));
                self.is_asked = true;
            }
            Word::Delivered(_) => {
                self.delivered = true;
                self.client.handle_good();
            }
            Word::None => {}
        }
    }

    fn handle_query(&mut self, query: Query, history: &History, now: Instant) {
        let Query { id, key, mut body, .. } = query;
        let asked = match self.sealed.handle_message(&key, &mut body, now) {
            Word::Asked(asked, question) if self.answers.len() < ANSWERS_MAX => asked.parse::<Request>().ok().zip(Some(question)),
            _ => None,
        };
        match (asked, keys::meter_of(&key)) {
            (Some((request, question)), Some(meter)) => {
                log::debug!("history asked for: {request:?}");
                let cursor = history.answer(request);
                self.answers.push_back(Answer { query: id, question, meter, cursor, waiting: None, is_ended: false });
            }
            // Whoever asks what is not for this reader, or cannot be read, gets nothing.
            _ => _ = self.client.finish(id, now),
        }
    }

    /// Goes on with the oldest question.
    fn answer(&mut self, history: &History, now: Instant) {
        for _ in 0..ANSWER_STEP {
            if self.full {
                return;
            }
            match self.answer_once(history, now) {
                Some(Progress::On) => {}
                Some(Progress::Full) => self.full = true,
                Some(Progress::Done) => _ = self.answers.pop_front(),
                None => return,
            }
        }
    }

    /// Sends the next message of the oldest answer: a sample, the sealed end, or Zenoh's end.
    fn answer_once(&mut self, history: &History, now: Instant) -> Option<Progress> {
        let Self { client, sealed, answers, buffer, .. } = self;
        let answer = answers.front_mut()?;
        if let Some((meter, message)) = answer.waiting.take() {
            return Some(reply(client, answer, meter, &message, now));
        }
        if answer.is_ended {
            return Some(Progress::of(client.finish(answer.query, now)).or_done());
        }
        let (meter, message) = match history.next(&mut answer.cursor, buffer) {
            Some((meter, encoded)) => (meter, sealed.reply(&mut answer.question, &keys::sample(&meter), encoded)),
            None => {
                answer.is_ended = true;
                (answer.meter, sealed.end(answer.question, &keys::sample(&answer.meter)))
            }
        };
        // Only without a bridge that is trusted, and then nobody has asked.
        let Ok(message) = message else { return Some(Progress::Done) };
        Some(reply(client, answer, meter, message, now))
    }
}

/// How an answer goes on.
enum Progress {
    On,
    Full,
    Done,
}

impl Progress {
    fn of(result: Result<(), SendError>) -> Self {
        match result {
            Ok(()) => Self::On,
            Err(SendError::Full) => Self::Full,
            // Whoever asked has gone.
            Err(_) => Self::Done,
        }
    }

    fn or_done(self) -> Self {
        if let Self::Full = self { self } else { Self::Done }
    }
}

fn reply(client: &mut Client, answer: &mut Answer, meter: MeterId, message: &[u8], now: Instant) -> Progress {
    let progress = Progress::of(client.reply(answer.query, &keys::sample(&meter), message, now));
    if let Progress::Full = progress {
        answer.waiting = Some((meter, message.to_vec()));
    }
    progress
}
