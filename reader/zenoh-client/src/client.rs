//! The connection to a router, kept up. The client tries its locators one soon after the other and takes the first router that answers.
//! When none does, it waits and tries again. Without locators it finds routers by scouting, and while no router answers to that it also
//! tries the one of this machine, which is not reached by multicast where there is no network but the loopback.
//!
//! The program's `mio` loop drives it: `handle_event` and `handle_timeout` in, `poll_timeout` and `poll_event` out. Nothing in it
//! blocks. What has been declared is declared again with every connection; what has been published is not: keeping it until a
//! connection stands again is the program's business.

use std::collections::VecDeque;
use std::net::SocketAddrV4;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Registry, Token};

use crate::attempts::{ATTEMPTS_MAX, AttemptEvent};
use crate::auth::Credentials;
use crate::backoff::{Backoff, RoundEnd};
use crate::connection::Connection;
use crate::entities::{Declaration, Entities};
use crate::error::{Error, Failures, SendError};
use crate::locator::Locator;
use crate::round::Round;
use crate::scouting::{self, SOCKETS_MAX, Scouting};
use crate::session::{Identity, Publication, Query, QueryId, Session, SessionEvent};

/// Tokens of the loop that a client uses, from the one it is given on.
pub const TOKENS: usize = ATTEMPTS_MAX + SOCKETS_MAX;

/// After a connection that has stood for so long, the next waits begin short again.
const STABLE: Duration = Duration::from_secs(5);

/// After so many Scouts without an answer, the program is told that there is no router.
const SCOUTS_UNANSWERED: usize = 3;

/// From this Scout on the router of this machine is tried too: a router that multicast reaches has answered the first one.
const SCOUTS_ALONE: usize = 2;

/// Where to connect to, and as whom.
#[derive(Debug, Clone)]
pub struct Options {
    /// Routers, the preferred one first. If there are none, routers are found by scouting.
    pub locators: Vec<Locator>,
    /// The user and the password, for routers that ask.
    pub credentials: Option<Credentials>,
    /// The multicast address that Scouts go to; anything but the default is for tests.
    pub scouting: SocketAddrV4,
    /// The router of this machine, tried while no other answers to scouting.
    pub local: Option<Locator>,
}

impl Default for Options {
    fn default() -> Self {
        Self { locators: Vec::new(), credentials: None, scouting: scouting::GROUP, local: None }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A session stands.
    Connected {
        /// The router it is with.
        locator: Locator,
        /// The router has asked for the password, and ours was right.
        authenticated: bool,
    },
    /// No session stands: one has ended, or a round of attempts has failed. This comes with every round.
    Disconnected {
        /// What is wrong with each locator that was tried.
        failures: Failures,
        /// How long the client waits before the next round.
        retry_in: Duration,
    },
    /// No router answers to scouting. This comes once; the client goes on looking.
    NoRouter {
        /// The multicast address that was asked.
        group: SocketAddrV4,
    },
    /// Somebody asks one of our queryables. To be answered with any number of `reply`, then one `finish`.
    Query(Query),
    /// Somebody has published what one of our subscribers listens to.
    Publication(Publication),
    /// After `SendError::Full` for a reply: go on.
    Room,
}

#[derive(Debug)]
enum ClientState {
    /// Waiting for the time of the next round.
    Waiting(Instant),
    /// Looking for any router. Meanwhile a round may try the one of this machine.
    Scouting(Scouting),
    /// Waiting for a locator of the round to accept a connection.
    Trying,
    Connected {
        connection: Box<Connection>,
        /// The number of its locator.
        locator: usize,
        up_since: Option<Instant>,
    },
    Closed,
}

/// The connection to a router.
#[derive(Debug)]
pub struct Client {
    registry: Arc<Registry>,
    first_token: usize,
    options: Options,
    state: ClientState,
    round: Round,
    backoff: Backoff,
    /// The router that the program has found good last: it is tried before those that scouting finds.
    good: Option<Locator>,
    /// What is declared, while no session has it.
    entities: Entities,
    events: VecDeque<Event>,
}

impl Client {
    /// A client that begins to connect at its first `handle_timeout`, which is due at once. It uses `TOKENS` tokens from `first_token` on. Clients
    /// of one loop may share its registry, which is a file of its own.
    pub fn new(registry: impl Into<Arc<Registry>>, first_token: Token, options: Options, now: Instant) -> Self {
        Self {
            registry: registry.into(),
            first_token: first_token.0,
            round: Round::new(options.locators.clone(), first_token.0, now),
            options,
            state: ClientState::Waiting(now),
            backoff: Backoff::default(),
            good: None,
            entities: Entities::default(),
            events: VecDeque::new(),
        }
    }

    /// Handles an event of the loop; `false` if the event is not the client's.
    pub fn handle_event(&mut self, event: &mio::event::Event, now: Instant) -> bool {
        let token = event.token();
        if !(self.first_token..self.first_token + TOKENS).contains(&token.0) {
            return false;
        }
        match &mut self.state {
            ClientState::Scouting(scouting) => scouting.handle_event(token, now),
            // It may be a late event of a socket that is closed; then there is nothing to receive.
            ClientState::Connected { connection, .. } => {
                let readable = event.is_readable() || event.is_read_closed() || event.is_error();
                let result = if readable { connection.receive(now) } else { Ok(()) };
                self.settle(result, now);
            }
            ClientState::Trying | ClientState::Waiting(_) | ClientState::Closed => {}
        }
        self.handle_timeout(now);
        true
    }

    /// Does what is due by `now`. To be called at `poll_timeout`; earlier does no harm.
    pub fn handle_timeout(&mut self, now: Instant) {
        match &mut self.state {
            ClientState::Waiting(until) if now >= *until => self.begin_round(now),
            ClientState::Scouting(_) => self.scout(now),
            ClientState::Trying => self.go_on(now),
            ClientState::Connected { connection, .. } => {
                let result = if connection.unread { connection.receive(now) } else { Ok(()) };
                let result = result.and_then(|()| connection.session.handle_timeout(now));
                self.settle(result, now);
            }
            ClientState::Waiting(_) | ClientState::Closed => {}
        }
    }

    /// When `handle_timeout` has something to do; never, once closed.
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        match &self.state {
            ClientState::Waiting(until) => Some(*until),
            ClientState::Scouting(scouting) => [Some(scouting.poll_timeout()), self.round.poll_timeout()].into_iter().flatten().min(),
            ClientState::Trying => self.round.poll_timeout(),
            ClientState::Connected { connection, .. } if connection.unread => Some(now),
            ClientState::Connected { connection, .. } => Some(connection.session.poll_timeout()),
            ClientState::Closed => None,
        }
    }

    /// What happened since the last call, one event at a time.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// A session stands.
    pub fn is_connected(&self) -> bool {
        matches!(&self.state, ClientState::Connected { connection, .. } if connection.session.is_up())
    }

    /// Publishes a payload under a key, all of it or nothing. It never blocks and allocates nothing.
    ///
    /// # Errors
    /// `Offline` without a session, `Full` when the network does not keep up, `TooLong` beyond a batch.
    pub fn publish(&mut self, key: &str, payload: &[u8], now: Instant) -> Result<(), SendError> {
        let result = self.session().ok_or(SendError::Offline)?.publish(key, payload);
        self.flush(now);
        result
    }

    /// Says that nothing more comes under this key (a Zenoh DELETE).
    ///
    /// # Errors
    /// As `publish`.
    pub fn delete(&mut self, key: &str, now: Instant) -> Result<(), SendError> {
        let result = self.session().ok_or(SendError::Offline)?.delete(key);
        self.flush(now);
        result
    }

    /// Sends one of the replies to a query.
    ///
    /// # Errors
    /// `Full`: go on after `Event::Room`. `Gone`: the query's session has ended, forget the query.
    pub fn reply(&mut self, query: QueryId, key: &str, payload: &[u8], now: Instant) -> Result<(), SendError> {
        match self.session().ok_or(SendError::Gone)?.reply(query, key, payload) {
            // Replies are handed to the socket in bulk, when the buffer is full or the query finished.
            Err(SendError::Full) => {
                self.flush(now);
                self.session().ok_or(SendError::Gone)?.reply(query, key, payload)
            }
            result => result,
        }
    }

    /// Says that a query has had all its replies.
    ///
    /// # Errors
    /// `Full`: call it again after `Event::Room`. `Gone`: the query's session has ended.
    pub fn finish(&mut self, query: QueryId, now: Instant) -> Result<(), SendError> {
        let result = self.session().ok_or(SendError::Gone)?.finish(query);
        self.flush(now);
        result
    }

    /// Declares something under a key, now or as soon as a session stands, and with every later one. What is declared already stays so.
    pub fn declare(&mut self, what: Declaration, key: &str, now: Instant) {
        match self.session() {
            Some(session) => session.declare(what, key),
            None => self.entities.declare(what, key),
        }
        self.flush(now);
    }

    /// Withdraws what `declare` has declared, if it has.
    pub fn undeclare(&mut self, what: Declaration, key: &str, now: Instant) {
        match self.session() {
            Some(session) => session.undeclare(what, key),
            None => self.entities.undeclare(what, key),
        }
        self.flush(now);
    }

    /// The router of this connection is the right one. When it is lost, it is tried before any other that answers to scouting.
    pub fn handle_good(&mut self) {
        if let ClientState::Connected { locator, .. } = &self.state {
            let locator = self.round.locator(*locator);
            if self.good.as_ref() != Some(locator) {
                self.good = Some(locator.clone());
            }
        }
    }

    /// Says goodbye and ends the connection for good. What the socket does not take at once is lost.
    pub fn close(&mut self, now: Instant) {
        if let ClientState::Connected { connection, .. } = &mut self.state {
            connection.session.close();
            // Whatever goes wrong now, the connection ends.
            let _ = connection.transmit(now);
            let _ = connection.stream.shutdown(std::net::Shutdown::Write);
        }
        self.state = ClientState::Closed;
    }

    fn session(&mut self) -> Option<&mut Session> {
        match &mut self.state {
            ClientState::Connected { connection, .. } => Some(&mut connection.session),
            _ => None,
        }
    }

    /// Hands what the session has to say to the socket.
    fn flush(&mut self, now: Instant) {
        self.settle(Ok(()), now);
    }

    /// After anything that has happened to the connection: sends what there is to send, passes events on, notices the end.
    fn settle(&mut self, result: Result<(), Error>, now: Instant) {
        let ClientState::Connected { connection, .. } = &mut self.state else { return };
        let result = result.and_then(|()| connection.transmit(now));
        self.pass_events(now);
        if let Err(error) = result {
            self.lose(error, now);
        }
    }

    fn pass_events(&mut self, now: Instant) {
        while let ClientState::Connected { connection, locator, up_since } = &mut self.state
            && let Some(event) = connection.session.poll_event()
        {
            self.events.push_back(match event {
                SessionEvent::Up { authenticated } => {
                    *up_since = Some(now);
                    Event::Connected { locator: self.round.handle_success(*locator), authenticated }
                }
                SessionEvent::Query(query) => Event::Query(query),
                SessionEvent::Publication(publication) => Event::Publication(publication),
                SessionEvent::Room => Event::Room,
            });
        }
    }

    /// The connection has ended. One that stood begins a new round after a wait; one that never did is a failed attempt.
    fn lose(&mut self, error: Error, now: Instant) {
        let ClientState::Connected { connection, locator, up_since } = &mut self.state else { return };
        let (locator, up_since) = (*locator, *up_since);
        self.entities = connection.session.release();
        let is_silent = matches!(error, Error::Silent(_));
        self.round.handle_failure(locator, error);
        let Some(up_since) = up_since else { return self.go_on(now) };
        if is_silent {
            self.round.handle_silence(locator);
        }
        if now >= up_since + STABLE {
            self.backoff.reset();
        }
        self.wait(now);
    }

    fn begin_round(&mut self, now: Instant) {
        if self.round.has_locators() {
            self.round.begin(now);
            return self.go_on(now);
        }
        self.state = ClientState::Scouting(Scouting::new(self.options.scouting, self.first_token + ATTEMPTS_MAX, now));
        self.scout(now);
    }

    /// Goes on with the attempts of this round; when there is none left, the round is over.
    fn go_on(&mut self, now: Instant) {
        self.state = ClientState::Trying;
        while let Some(event) = self.round.poll(&self.registry, now) {
            match event {
                AttemptEvent::Connected(locator, stream) => match self.new_session(now) {
                    Ok(session) => return self.begin_session(session, locator, stream, now),
                    Err(error) => self.round.handle_failure(locator, error),
                },
                AttemptEvent::Failed(locator, error) => self.round.handle_failure(locator, error),
                AttemptEvent::Exhausted => return self.end_round(now),
            }
        }
    }

    fn end_round(&mut self, now: Instant) {
        self.wait(now);
        if self.options.locators.is_empty() {
            self.round.set_locators(Vec::new()); // What scouting has found is no longer true.
        }
    }

    fn wait(&mut self, now: Instant) {
        let (failures, end): (Failures, RoundEnd) = self.round.end();
        let retry_in = self.backoff.next(end, getrandom::u32().unwrap_or_default());
        self.state = ClientState::Waiting(now + retry_in);
        self.events.push_back(Event::Disconnected { failures, retry_in });
    }

    fn new_session(&self, now: Instant) -> Result<Session, Error> {
        let identity = identity().map_err(|error| Error::Random { words: error.to_string() })?;
        Session::new(identity, self.options.credentials.clone(), now)
    }

    fn begin_session(&mut self, mut session: Session, locator: usize, stream: TcpStream, now: Instant) {
        // Messages are small and wanted at once; a socket that cannot do without the delay is still a connection.
        let _ = stream.set_nodelay(true);
        session.adopt(std::mem::take(&mut self.entities));
        let mut connection = Box::new(Connection { stream, session, unread: false });
        let result = connection.receive(now);
        self.state = ClientState::Connected { connection, locator, up_since: None };
        self.settle(result, now);
    }

    fn scout(&mut self, now: Instant) {
        let ClientState::Scouting(scouting) = &mut self.state else { return };
        if let Some(found) = scouting.poll_found(now) {
            log::debug!("scouting: found {found:?}");
            self.round.set_locators(good_first(self.good.as_ref(), found));
            return self.begin_round(now);
        }
        let due = now >= scouting.poll_timeout();
        scouting.handle_timeout(&self.registry, now);
        let (scouts, heard) = (scouting.scouts(), scouting.has_found());
        if due && scouts == SCOUTS_UNANSWERED {
            self.events.push_back(Event::NoRouter { group: self.options.scouting });
        }
        if due && !heard && scouts >= SCOUTS_ALONE {
            self.round.set_locators(self.options.local.clone().into_iter().collect());
            self.round.begin(now);
        }
        self.try_local(now);
    }

    /// Goes on with the attempt to reach the router of this machine. It is nothing to tell of that there is none.
    fn try_local(&mut self, now: Instant) {
        while let Some(event) = self.round.poll(&self.registry, now) {
            match event {
                AttemptEvent::Connected(locator, stream) => match self.new_session(now) {
                    Ok(session) => return self.begin_session(session, locator, stream, now),
                    Err(error) => log::debug!("the router of this machine: {error}"),
                },
                AttemptEvent::Failed(_, error) => log::debug!("the router of this machine: {error}"),
                AttemptEvent::Exhausted => return,
            }
        }
    }
}

fn identity() -> Result<Identity, getrandom::Error> {
    let mut id = [0; 16];
    getrandom::fill(&mut id)?;
    id[0] |= 1; // Zenoh drops zeros at the end and wants at least one byte.
    Ok(Identity { id, first_sn: getrandom::u32()? & 0x0fff_ffff })
}

/// The locators that scouting has found, behind the one that was good.
fn good_first(good: Option<&Locator>, found: Vec<Locator>) -> Vec<Locator> {
    let others = found.into_iter().filter(|locator| Some(locator) != good);
    good.cloned().into_iter().chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_router_that_was_good_is_tried_before_those_that_are_found() {
        let [good, rogue]: [Locator; 2] = ["tcp/10.0.0.1:7447", "tcp/10.0.0.9:7447"].map(|text| text.parse().unwrap());
        assert_eq!(good_first(Some(&good), vec![rogue.clone(), good.clone()]), [good.clone(), rogue.clone()]);
        assert_eq!(good_first(Some(&good), vec![rogue.clone()]), [good, rogue.clone()], "its own answer may have been lost");
        assert_eq!(good_first(None, vec![rogue.clone()]), [rogue]);
    }
}
