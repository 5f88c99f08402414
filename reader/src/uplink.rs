//! What goes to the bridge: samples as they are made, the token of a meter that is being read, reports, and answers from the history.
//!
//! The client knows how to send; this file knows what, under which key, and what to say in the log.

pub(crate) mod trouble;

use std::{collections::VecDeque, time::Instant};

use mio::event::Event as Readiness;
use teleinfo_proto::{
    tic::MeterId,
    wire::{BootId, Goodbye, Sample, Status, keys},
};
use teleinfo_zenoh_client::{Client, Declaration, Event, Query, QueryId, SendError};

use crate::{
    daemon::on_change::OnChange,
    history::{ANSWER_BYTES, Cursor, History, Request},
    journal,
    language::Words,
};

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
    boot: BootId,
    meter: Option<Meter>,
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
    cursor: Cursor,
    /// A sample for which there was no room yet, and its meter.
    waiting: Option<(MeterId, Vec<u8>)>,
}

impl Uplink {
    /// On a client that has its locators, for this run of the reader.
    pub(crate) fn new(client: Client, boot: BootId) -> Self {
        Self {
            client,
            boot,
            meter: None,
            answers: VecDeque::new(),
            full: false,
            buffer: vec![0; ANSWER_BYTES],
            connected: false,
            lost: 0,
            trouble: OnChange::new(),
        }
    }

    /// A session with a bridge stands.
    pub(crate) fn is_connected(&self) -> bool {
        self.connected
    }

    /// Sessions that were lost since this was asked last.
    pub(crate) fn take_lost(&mut self) -> u32 {
        std::mem::take(&mut self.lost)
    }

    /// An event of the loop that may be the client's.
    pub(crate) fn handle_event(&mut self, event: &Readiness, now: Instant) {
        self.client.handle_event(event, now);
    }

    /// When [`Uplink::handle_timeout`] is due.
    pub(crate) fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        if self.answers.is_empty() || self.full { self.client.poll_timeout(now) } else { Some(now) }
    }

    /// Time has passed, or something has happened.
    pub(crate) fn handle_timeout(&mut self, history: &History, now: Instant) {
        self.client.handle_timeout(now);
        while let Some(event) = self.client.poll_event() {
            self.handle_client_event(event, history, now);
        }
        self.answer(history, now);
    }

    /// Sends a sample; `false` if it could not leave.
    pub(crate) fn send(&mut self, sample: &Sample<'_>, encoded: &[u8], now: Instant) -> bool {
        self.set_meter(sample.meter, now);
        let Some(meter) = &self.meter else { return false };
        self.client.publish(&meter.sample_key, encoded, now).is_ok()
    }

    /// Sends a report.
    pub(crate) fn report(&mut self, status: &Status<'_>, now: Instant) {
        let Some(key) = keys::reader_status(status.name) else { return };
        let mut buffer = [0; Status::BYTES_MAX];
        match status.encode(&mut buffer) {
            // Without a connection it is not missed: there is another with the connection.
            Ok(bytes) => _ = self.client.publish(&key, bytes, now),
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
            // Without a connection nobody has to be told.
            let _ = self.client.publish(&meter.sample_key, goodbye, now);
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
                self.trouble.forget();
            }
            Event::Disconnected { failures, .. } => self.handle_lost(trouble::of_locators(&failures, journal::language()).to_string()),
            Event::NoRouter { group } => self.handle_lost(trouble::of_scouting(group, journal::language()).to_string()),
            Event::Query(query) => self.handle_query(query, history, now),
            Event::Room => self.full = false,
            // Nothing is subscribed to.
            Event::Publication(_) => {}
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

    fn handle_query(&mut self, query: Query, history: &History, now: Instant) {
        match query.parameters.parse::<Request>() {
            Ok(request) if self.answers.len() < ANSWERS_MAX => {
                log::debug!("history asked for: {:?}", query.parameters);
                self.answers.push_back(Answer { query: query.id, cursor: history.answer(request), waiting: None });
            }
            Ok(_) => _ = self.client.finish(query.id, now),
            Err(error) => {
                log::debug!("history asked for with {:?}: {error}", query.parameters);
                let _ = self.client.finish(query.id, now);
            }
        }
    }

    /// Goes on with the oldest question.
    fn answer(&mut self, history: &History, now: Instant) {
        let Some(answer) = self.answers.front_mut().filter(|_| !self.full) else { return };
        for _ in 0..ANSWER_STEP {
            let sent = match answer.waiting.take() {
                Some((meter, encoded)) => reply(&mut self.client, answer, meter, &encoded, now),
                None => match history.next(&mut answer.cursor, &mut self.buffer) {
                    Some((meter, encoded)) => reply(&mut self.client, answer, meter, encoded, now),
                    None => Progress::of(self.client.finish(answer.query, now)).or_done(),
                },
            };
            match sent {
                Progress::On => {}
                Progress::Full => return self.full = true,
                Progress::Done => {
                    self.answers.pop_front();
                    return;
                }
            }
        }
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

fn reply(client: &mut Client, answer: &mut Answer, meter: MeterId, encoded: &[u8], now: Instant) -> Progress {
    let progress = Progress::of(client.reply(answer.query, &keys::sample(&meter), encoded, now));
    if let Progress::Full = progress {
        answer.waiting = Some((meter, encoded.to_vec()));
    }
    progress
}
