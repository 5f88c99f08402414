//! The connection to a router, kept up: tries the locators one soon after the other, takes the first that answers, and when none does waits
//! and tries again; finds locators by scouting when none is given.
//!
//! Owned by the reader's loop and driven by it: `handle_event` and `handle_timeout` in, `poll_timeout` and `poll_event` out. Nothing in
//! it blocks. What has been declared (tokens, queryables) is declared again with every connection; what has been published is not: the
//! history ring and the bridge see to that.

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Registry, Token};

use super::attempts::{self, Attempts};
use super::auth::Credentials;
use super::backoff::{Backoff, Outcome};
use super::connection::{Connection, Lost};
use super::error::{Error, SendError};
use super::locator::Locator;
use super::scouting::{self, Scouting};
use super::session::{Identity, Session, SessionEvent, SessionQuery};

/// Tokens of the loop that a client uses, from the one it is given on.
pub const TOKENS: usize = attempts::MOST + scouting::SOCKETS;

/// A connection that has stood for so long was a good one: the next waits begin short again.
const STABLE: Duration = Duration::from_secs(5);

/// Where to connect to, and as whom.
#[derive(Debug, Clone)]
pub struct Options {
    /// Routers, the preferred one first; none = find them by scouting.
    pub locators: Vec<Locator>,
    /// For routers that ask.
    pub credentials: Option<Credentials>,
    /// Where Scouts go; anything but the default is for tests.
    pub scouting: SocketAddrV4,
}

impl Default for Options {
    fn default() -> Self {
        Self { locators: Vec::new(), credentials: None, scouting: scouting::GROUP }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A session stands.
    Connected {
        /// With this router.
        locator: Locator,
        /// It has asked for the password, and ours was right.
        authenticated: bool,
    },
    /// No session stands: one has ended, or a round of attempts has failed. Comes with every round.
    Disconnected {
        /// Why, by locator, in words for the log. The same words mean the same trouble.
        reason: String,
        /// The next attempt.
        retry_in: Duration,
    },
    /// Somebody asks one of our queryables.
    Query(Query),
    /// After `SendError::Full` for a reply: go on.
    Room,
}

/// A question: to be answered with any number of `reply`, then one `finish`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// To be given back with the replies.
    pub id: QueryId,
    /// The key expression asked; it may be wider than the queryable's key.
    pub key: String,
    /// What follows the `?` of the selector: `from=...;until=...`.
    pub parameters: String,
}

/// Which query, of which connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QueryId {
    connection: u32,
    query: u32,
}

#[derive(Debug)]
enum State {
    /// Until the next round of attempts.
    Waiting(Instant),
    /// For any router at all.
    Scouting(Scouting),
    /// For one of the round's locators to accept a connection.
    Trying,
    Connected {
        connection: Box<Connection>,
        /// The number of its locator.
        locator: usize,
        up_since: Option<Instant>,
    },
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Token,
    Queryable,
}

/// The connection to a router.
#[derive(Debug)]
pub struct Client {
    registry: Registry,
    first_token: usize,
    options: Options,
    state: State,
    round: Round,
    backoff: Backoff,
    /// What is declared with every connection.
    declared: Vec<(u32, Kind, String)>,
    next_id: u32,
    events: VecDeque<Event>,
    /// The number of the connection, so that late replies do not go to another one's queries.
    connection: u32,
    dropped: u64,
}

/// One round of attempts: every locator once, and every address of each.
#[derive(Debug)]
struct Round {
    targets: Vec<Locator>,
    attempts: Attempts,
    /// The last one that was good; the first one to try after a lost connection.
    preferred: usize,
    /// By the number of the locator.
    failures: Vec<(usize, String)>,
    refused: bool,
}

impl Client {
    /// A client that begins to connect at its first `handle_timeout`, which is due at once. It uses `TOKENS` tokens from `first_token` on.
    pub fn new(registry: Registry, first_token: Token, options: Options, now: Instant) -> Self {
        let attempts = Attempts::new(first_token.0, now);
        let round = Round { targets: options.locators.clone(), attempts, preferred: 0, failures: Vec::new(), refused: false };
        Self {
            registry,
            first_token: first_token.0,
            options,
            state: State::Waiting(now),
            round,
            backoff: Backoff::default(),
            declared: Vec::new(),
            next_id: 1,
            events: VecDeque::new(),
            connection: 0,
            dropped: 0,
        }
    }

    /// Handles one event of the loop; `false` if it is somebody else's.
    pub fn handle_event(&mut self, now: Instant, event: &mio::event::Event) -> bool {
        let token = event.token();
        if !(self.first_token..self.first_token + TOKENS).contains(&token.0) {
            return false;
        }
        match &mut self.state {
            State::Scouting(scouting) => scouting.handle_event(now, token),
            // It may be an event of a socket that is no more: then there is nothing to receive.
            State::Connected { connection, .. } => {
                let result =
                    if event.is_readable() || event.is_read_closed() || event.is_error() { connection.receive(now) } else { Ok(()) };
                self.settle(now, result);
            }
            State::Trying | State::Waiting(_) | State::Closed => {}
        }
        self.handle_timeout(now);
        true
    }

    /// Does what is due by `now`. To be called at `poll_timeout`; earlier does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &mut self.state {
            State::Waiting(until) if now >= *until => self.begin_round(now),
            State::Scouting(_) => self.scout(now),
            State::Trying => self.try_on(now),
            State::Connected { connection, .. } => {
                let result = if connection.unread { connection.receive(now) } else { Ok(()) };
                let result = result.and_then(|()| connection.session.handle_timeout(now).map_err(Lost::Session));
                self.settle(now, result);
            }
            _ => {}
        }
    }

    /// When `handle_timeout` has something to do; never, once closed.
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        match &self.state {
            State::Waiting(until) => Some(*until),
            State::Scouting(scouting) => Some(scouting.poll_timeout()),
            State::Trying => self.round.attempts.poll_timeout(),
            State::Connected { connection, .. } if connection.unread => Some(now),
            State::Connected { connection, .. } => Some(connection.session.poll_timeout()),
            State::Closed => None,
        }
    }

    /// What happened since the last call, one event at a time.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// A session stands.
    pub fn is_connected(&self) -> bool {
        matches!(&self.state, State::Connected { connection, .. } if connection.session.is_up())
    }

    /// Publications that were refused because the transmit buffer was full.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Sends a sample, all of it or nothing, and never blocks. No allocation.
    pub fn publish(&mut self, now: Instant, key: &str, payload: &[u8]) -> Result<(), SendError> {
        let result = self.session().ok_or(SendError::Offline)?.publish(key, payload);
        self.dropped += u64::from(matches!(result, Err(SendError::Full | SendError::TooLong)));
        self.flush(now);
        result
    }

    /// Says that nothing more comes under this key.
    pub fn delete(&mut self, now: Instant, key: &str) -> Result<(), SendError> {
        let result = self.session().ok_or(SendError::Offline)?.delete(key);
        self.flush(now);
        result
    }

    /// Bytes of replies that are taken now, keys included; 0 when no session stands.
    pub fn room(&self) -> usize {
        match &self.state {
            State::Connected { connection, .. } => connection.session.room(),
            _ => 0,
        }
    }

    /// Sends one of the replies to a query. `Full`: go on after `Event::Room`. `Gone`: forget the query.
    pub fn reply(&mut self, now: Instant, query: QueryId, key: &str, payload: &[u8]) -> Result<(), SendError> {
        self.asked(query)?.reply(query.query, key, payload).or_else(|error| {
            // Replies are handed to the socket in bulk, when the buffer is full or the query finished.
            self.flush(now);
            match error {
                SendError::Full => self.asked(query)?.reply(query.query, key, payload),
                error => Err(error),
            }
        })
    }

    /// Says that a query has had all its replies. `Full`: again after `Event::Room`.
    pub fn finish(&mut self, now: Instant, query: QueryId) -> Result<(), SendError> {
        let result = self.asked(query)?.finish(query.query);
        self.flush(now);
        result
    }

    /// Declares a liveliness token, now or as soon as a session stands, and with every later one. The number is for `undeclare`.
    pub fn declare_token(&mut self, now: Instant, key: &str) -> u32 {
        self.declare(now, Kind::Token, key)
    }

    /// Declares a queryable, likewise.
    pub fn declare_queryable(&mut self, now: Instant, key: &str) -> u32 {
        self.declare(now, Kind::Queryable, key)
    }

    /// Withdraws what `declare_token` or `declare_queryable` has declared.
    pub fn undeclare(&mut self, now: Instant, id: u32) {
        self.declared.retain(|(declared, ..)| *declared != id);
        if let Some(session) = self.session() {
            session.undeclare(id);
        }
        self.flush(now);
    }

    /// Says goodbye and ends the connection for good. What the socket does not take at once is lost.
    pub fn close(&mut self, now: Instant) {
        if let State::Connected { connection, .. } = &mut self.state {
            connection.session.close();
            // Whatever goes wrong now, the connection ends.
            let _ = connection.transmit(now);
            let _ = connection.stream.shutdown(std::net::Shutdown::Write);
        }
        self.state = State::Closed;
    }

    fn session(&mut self) -> Option<&mut Session> {
        match &mut self.state {
            State::Connected { connection, .. } => Some(&mut connection.session),
            _ => None,
        }
    }

    /// The session a query has come from, if it still stands.
    fn asked(&mut self, query: QueryId) -> Result<&mut Session, SendError> {
        if query.connection != self.connection {
            return Err(SendError::Gone);
        }
        self.session().ok_or(SendError::Gone)
    }

    fn declare(&mut self, now: Instant, kind: Kind, key: &str) -> u32 {
        let id = self.next_id;
        self.next_id += 1;
        self.declared.push((id, kind, key.into()));
        if let Some(session) = self.session() {
            declare_in(session, id, kind, key);
        }
        self.flush(now);
        id
    }

    /// Hands what the session has to say to the socket.
    fn flush(&mut self, now: Instant) {
        self.settle(now, Ok(()));
    }

    /// After anything that has happened to the connection: sends what there is to send, passes events on, notices the end.
    fn settle(&mut self, now: Instant, result: Result<(), Lost>) {
        let State::Connected { connection, .. } = &mut self.state else { return };
        let result = result.and_then(|()| connection.transmit(now));
        self.pass_events(now);
        if let Err(lost) = result {
            self.lose(now, &lost);
        }
    }

    fn pass_events(&mut self, now: Instant) {
        while let State::Connected { connection, locator, up_since } = &mut self.state
            && let Some(event) = connection.session.poll_event()
        {
            match event {
                SessionEvent::Up { authenticated } => {
                    *up_since = Some(now);
                    self.round.preferred = *locator;
                    let locator = self.round.targets[*locator].clone();
                    self.events.push_back(Event::Connected { locator, authenticated });
                }
                SessionEvent::Query(SessionQuery { id, key, parameters }) => {
                    let id = QueryId { connection: self.connection, query: id };
                    self.events.push_back(Event::Query(Query { id, key, parameters }));
                }
                SessionEvent::Room => self.events.push_back(Event::Room),
            }
        }
    }

    /// The connection has ended. One that stood begins a new round after a wait; one that never did is a failed attempt.
    fn lose(&mut self, now: Instant, lost: &Lost) {
        let State::Connected { locator, up_since, .. } = self.state else { return };
        let Some(up_since) = up_since else {
            self.round.refused |= matches!(lost, Lost::Session(Error::PasswordMissing | Error::PasswordRefused | Error::Version { .. }));
            return self.fail(now, locator, lost.to_string());
        };
        self.round.refused = false;
        if now >= up_since + STABLE {
            self.backoff.reset();
        }
        self.round.failures = vec![(locator, format!("{}: {lost}", self.round.targets[locator]))];
        self.wait(now);
    }

    fn begin_round(&mut self, now: Instant) {
        self.round.refused = false;
        self.round.failures.clear();
        if self.round.targets.is_empty() {
            let first_token = self.first_token + attempts::MOST;
            self.state = State::Scouting(Scouting::new(self.options.scouting, first_token, now));
            return self.scout(now);
        }
        self.begin_attempts(now);
    }

    fn begin_attempts(&mut self, now: Instant) {
        let (count, preferred) = (self.round.targets.len(), self.round.preferred);
        self.round.attempts.begin((0..count).map(|index| (preferred + index) % count), now);
        self.try_on(now);
    }

    /// Goes on with the attempts; when there is none left, the round is over.
    fn try_on(&mut self, now: Instant) {
        self.state = State::Trying;
        while let Some(outcome) = self.round.attempts.poll(&self.registry, &self.round.targets, now) {
            match outcome {
                attempts::Outcome::Connected(locator, stream) => return self.begin_session(locator, stream, now),
                attempts::Outcome::Failed(locator, why) => self.note(locator, &why),
                attempts::Outcome::Exhausted => return self.end_round(now),
            }
        }
    }

    fn note(&mut self, locator: usize, why: &str) {
        let failure = (locator, format!("{}: {why}", self.round.targets[locator]));
        log::debug!("{}", failure.1);
        // A name with several addresses that all fail alike is one failure.
        if !self.round.failures.contains(&failure) {
            self.round.failures.push(failure);
        }
    }

    fn fail(&mut self, now: Instant, locator: usize, why: String) {
        self.note(locator, &why);
        self.try_on(now);
    }

    fn end_round(&mut self, now: Instant) {
        if self.options.locators.is_empty() {
            self.round.targets.clear(); // What scouting has found is no longer true.
            self.round.preferred = 0;
        }
        self.wait(now);
    }

    fn wait(&mut self, now: Instant) {
        let outcome = if self.round.refused { Outcome::Refused } else { Outcome::Unanswered };
        let retry_in = self.backoff.next(outcome, getrandom::u32().unwrap_or_default());
        self.state = State::Waiting(now + retry_in);
        // In the order of the locators, whichever failed first: the same words for the same trouble.
        self.round.failures.sort();
        let words: Vec<_> = self.round.failures.iter().map(|(_, failure)| failure.as_str()).collect();
        self.events.push_back(Event::Disconnected { reason: words.join("; "), retry_in });
    }

    fn begin_session(&mut self, locator: usize, stream: TcpStream, now: Instant) {
        let session = match identity().map(|identity| Session::new(identity, self.options.credentials.clone(), now)) {
            Ok(Ok(session)) => session,
            Ok(Err(error)) => return self.fail(now, locator, error.to_string()),
            Err(error) => return self.fail(now, locator, format!("no random numbers: {error}")),
        };
        // Samples are small and wanted at once; a socket that cannot do without the delay is still a connection.
        let _ = stream.set_nodelay(true);
        let mut connection = Box::new(Connection { stream, session, unread: false });
        for (id, kind, key) in &self.declared {
            declare_in(&mut connection.session, *id, *kind, key);
        }
        self.connection = self.connection.wrapping_add(1);
        let result = connection.receive(now);
        self.state = State::Connected { connection, locator, up_since: None };
        self.settle(now, result);
    }

    fn scout(&mut self, now: Instant) {
        let State::Scouting(scouting) = &mut self.state else { return };
        if let Some(found) = scouting.poll_found(now) {
            log::debug!("scouting: found {found:?}");
            self.round.targets = found;
            return self.begin_attempts(now);
        }
        let due = now >= scouting.poll_timeout();
        scouting.handle_timeout(&self.registry, now);
        if due && scouting.rounds() == 3 {
            let retry_in = scouting.poll_timeout().saturating_duration_since(now);
            let reason = format!(
                "no router answers on the local network (multicast {}): is the bridge running, or set zenoh.connect",
                self.options.scouting
            );
            self.events.push_back(Event::Disconnected { reason, retry_in });
        }
    }
}

fn declare_in(session: &mut Session, id: u32, kind: Kind, key: &str) {
    match kind {
        Kind::Token => session.declare_token(id, key),
        Kind::Queryable => session.declare_queryable(id, key),
    }
}

fn identity() -> Result<Identity, getrandom::Error> {
    let mut id = [0; 16];
    getrandom::fill(&mut id)?;
    id[0] |= 1; // Zenoh drops zeros at the end and wants at least one byte.
    Ok(Identity { id, first_sn: getrandom::u32()? & 0x0fff_ffff })
}
