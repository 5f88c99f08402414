//! Attempts to reach a router, several at a time: a router that is dead must not keep us from another that lives. Nothing in it is about
//! Zenoh, so it is there for any other TCP address that a program of one loop wants to reach.
//!
//! A *target* is an address to try, or a name to look up first; each address of a name is a target of its own. Targets are tried in the
//! order of preference, each a moment after the one before it, or at once when that has failed. The first machine that accepts a
//! connection gets it. The other targets wait, in case that machine turns out to be no router.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::error::Error;
use crate::locator::Locator;
use crate::resolve::Lookup;

/// Attempts under way at a time: as many tokens of the loop are set aside.
pub const ATTEMPTS_MAX: usize = 4;

/// How long an attempt is alone before the next one begins (RFC 8305, §5: "Connection Attempt Delay").
const STAGGER: Duration = Duration::from_millis(250);

/// How long a router may take to accept a connection. Short, so that attempts into a cut network end soon and the first one after it
/// does not wait for TCP's growing pauses: SYNs go out at once and after a second, and then again with the next attempt.
const CONNECT: Duration = Duration::from_millis(1500);

/// How long a name server may take.
const LOOKUP: Duration = Duration::from_secs(10);

/// A locator by its number, and the address to try; without one its name is looked up first.
#[derive(Debug, Clone, Copy)]
struct Target {
    locator: usize,
    address: Option<SocketAddr>,
}

#[derive(Debug)]
struct Attempt {
    target: Target,
    token: Token,
    deadline: Instant,
    step: AttemptStep,
}

#[derive(Debug)]
enum AttemptStep {
    Resolving(Lookup),
    Connecting(TcpStream),
}

/// How far an attempt has come.
enum AttemptState {
    Pending,
    Resolved(Vec<SocketAddr>),
    Connected,
    Failed(Error),
}

/// What came of the attempts, by the number of the locator.
#[derive(Debug)]
pub enum AttemptEvent {
    /// Somebody has accepted a connection.
    Connected(usize, TcpStream),
    /// An attempt has failed, and why.
    Failed(usize, Error),
    /// There is nothing left to try.
    Exhausted,
}

/// The addresses that are tried in this round of connecting.
#[derive(Debug)]
pub struct Attempts {
    first_token: usize,
    queue: VecDeque<Target>,
    running: Vec<Attempt>,
    /// When the next attempt begins, unless a failure lets it begin earlier.
    next: Instant,
}

impl Attempts {
    /// No attempts, until `begin`. They use `ATTEMPTS_MAX` tokens from `first_token` on.
    pub fn new(first_token: usize, now: Instant) -> Self {
        Self { first_token, queue: VecDeque::new(), running: Vec::new(), next: now }
    }

    /// Begins anew with these locators, in this order.
    pub fn begin(&mut self, locators: impl Iterator<Item = usize>, now: Instant) {
        self.running.clear();
        self.queue = locators.map(|locator| Target { locator, address: None }).collect();
        self.next = now;
    }

    /// Goes on: to be called until it has nothing to tell, whenever a token of these is ready and at `poll_timeout`.
    pub fn poll(&mut self, registry: &Registry, locators: &[Locator], now: Instant) -> Option<AttemptEvent> {
        loop {
            if let Some(outcome) = self.check(now) {
                return Some(outcome);
            }
            if self.begins_next().is_none_or(|next| now < next) {
                return self.is_exhausted().then_some(AttemptEvent::Exhausted);
            }
            let target = self.queue.pop_front()?;
            match self.start(registry, target, &locators[target.locator], now) {
                Ok(attempt) => {
                    self.running.push(attempt);
                    self.next = now + STAGGER;
                }
                Err(error) => return Some(AttemptEvent::Failed(target.locator, error)),
            }
        }
    }

    /// When to call `poll` at the latest.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadlines = self.running.iter().map(|attempt| attempt.deadline);
        deadlines.chain(self.begins_next()).min()
    }

    fn is_exhausted(&self) -> bool {
        self.queue.is_empty() && self.running.is_empty()
    }

    /// When the next target's turn comes, if there is one and a token for it.
    fn begins_next(&self) -> Option<Instant> {
        (!self.queue.is_empty() && self.running.len() < ATTEMPTS_MAX).then_some(self.next)
    }

    /// The first attempt that has come to something. Each is looked at, whichever token was ready: there are few.
    fn check(&mut self, now: Instant) -> Option<AttemptEvent> {
        let mut index = 0;
        while let Some(attempt) = self.running.get(index) {
            let state = attempt.state(now);
            if let AttemptState::Pending = state {
                index += 1;
                continue;
            }
            let Attempt { target, step, .. } = self.running.remove(index);
            self.next = now;
            match (state, step) {
                (AttemptState::Connected, AttemptStep::Connecting(stream)) => {
                    self.pause();
                    return Some(AttemptEvent::Connected(target.locator, stream));
                }
                (AttemptState::Resolved(addresses), _) => {
                    self.queue_first(addresses.iter().map(|at| Target { address: Some(*at), ..target }))
                }
                (AttemptState::Failed(error), _) => return Some(AttemptEvent::Failed(target.locator, error)),
                (AttemptState::Pending | AttemptState::Connected, _) => {}
            }
        }
        None
    }

    /// Stops the attempts that are under way; their targets come first when it goes on.
    fn pause(&mut self) {
        let targets: Vec<_> = self.running.drain(..).map(|attempt| attempt.target).collect();
        self.queue_first(targets.into_iter());
    }

    fn queue_first(&mut self, targets: impl DoubleEndedIterator<Item = Target>) {
        targets.rev().for_each(|target| self.queue.push_front(target));
    }

    fn start(&self, registry: &Registry, target: Target, locator: &Locator, now: Instant) -> Result<Attempt, Error> {
        let token = self.free_token();
        let (step, patience) = match (target.address.or(locator.address()), locator.name()) {
            (Some(address), _) => (connect(registry, token, address).map_err(|error| Error::socket(&error))?, CONNECT),
            (None, None) => return Err(Error::Interface { name: locator.interface().unwrap_or_default().into() }),
            (None, Some(name)) => {
                let lookup = Lookup::start(registry, token, name, locator.port());
                (lookup.map(AttemptStep::Resolving).map_err(|error| Error::lookup(&error))?, LOOKUP)
            }
        };
        Ok(Attempt { target, token, deadline: now + patience, step })
    }

    fn free_token(&self) -> Token {
        let taken = |token: &Token| self.running.iter().any(|attempt| attempt.token == *token);
        (self.first_token..).map(Token).find(|token| !taken(token)).unwrap_or(Token(self.first_token))
    }
}

impl Attempt {
    fn state(&self, now: Instant) -> AttemptState {
        match (self.step.state(), &self.step) {
            (AttemptState::Pending, AttemptStep::Resolving(_)) if now >= self.deadline => {
                AttemptState::Failed(Error::Lookup { words: "it takes too long: is the name server reachable?".into() })
            }
            (AttemptState::Pending, AttemptStep::Connecting(_)) if now >= self.deadline => {
                AttemptState::Failed(Error::socket(&io::ErrorKind::TimedOut.into()))
            }
            (state, _) => state,
        }
    }
}

impl AttemptStep {
    fn state(&self) -> AttemptState {
        match self {
            Self::Resolving(lookup) => match lookup.poll() {
                None => AttemptState::Pending,
                Some(Err(error)) => AttemptState::Failed(Error::lookup(&error)),
                Some(Ok(addresses)) if addresses.is_empty() => AttemptState::Failed(Error::Lookup { words: "it has no address".into() }),
                Some(Ok(addresses)) => AttemptState::Resolved(addresses),
            },
            Self::Connecting(stream) => match (stream.take_error(), stream.peer_addr()) {
                (Ok(Some(error)) | Err(error), _) => AttemptState::Failed(Error::socket(&error)),
                (Ok(None), Err(error)) if error.kind() == io::ErrorKind::NotConnected => AttemptState::Pending,
                (Ok(None), Err(error)) => AttemptState::Failed(Error::socket(&error)),
                (Ok(None), Ok(_)) => AttemptState::Connected,
            },
        }
    }
}

fn connect(registry: &Registry, token: Token, address: SocketAddr) -> io::Result<AttemptStep> {
    let mut stream = TcpStream::connect(address)?;
    registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
    Ok(AttemptStep::Connecting(stream))
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream as Caller};
    use std::thread;

    use mio::Poll;
    use nix::sys::socket::{Backlog, listen};

    use super::*;

    /// Listens and accepts, and does nothing else.
    fn alive() -> (TcpListener, Locator) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let locator = format!("tcp/{}", listener.local_addr().unwrap()).parse().unwrap();
        (listener, locator)
    }

    /// Drops what comes, as a machine that is off: its queue of connections is full.
    fn dead() -> (TcpListener, Vec<Caller>, Locator) {
        let (listener, locator) = alive();
        listen(&listener, Backlog::new(0).unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let callers = std::iter::from_fn(|| Caller::connect_timeout(&address, Duration::from_millis(100)).ok()).take(8).collect();
        (listener, callers, locator)
    }

    struct Bench {
        poll: Poll,
        locators: Vec<Locator>,
        attempts: Attempts,
    }

    impl Bench {
        fn new(locators: Vec<Locator>, now: Instant) -> Self {
            let mut attempts = Attempts::new(0, now);
            attempts.begin(0..locators.len(), now);
            Self { poll: Poll::new().unwrap(), locators, attempts }
        }

        fn poll(&mut self, now: Instant) -> Option<AttemptEvent> {
            self.attempts.poll(self.poll.registry(), &self.locators, now)
        }

        /// What happens while the clock stands still.
        fn outcome(&mut self, now: Instant) -> AttemptEvent {
            let patience = Instant::now() + Duration::from_secs(20);
            while Instant::now() < patience {
                if let Some(outcome) = self.poll(now) {
                    return outcome;
                }
                thread::sleep(Duration::from_millis(1));
            }
            panic!("nothing happens: {:?}", self.attempts);
        }
    }

    #[test]
    fn a_dead_router_holds_the_next_one_up_for_a_moment_only() {
        let now = Instant::now();
        let ((_dead, _callers, first), (_alive, second)) = (dead(), alive());
        let mut bench = Bench::new(vec![first, second], now);
        assert!(bench.poll(now).is_none());
        assert_eq!(bench.attempts.poll_timeout(), Some(now + STAGGER));
        assert!(bench.poll(now + STAGGER / 2).is_none());
        assert_eq!(bench.attempts.running.len(), 1, "the first has its head start");
        assert!(matches!(bench.outcome(now + STAGGER), AttemptEvent::Connected(1, _)));
        // Whoever accepted was no router: the first one gets its turn again, and its whole time.
        let later = now + CONNECT;
        assert!(bench.poll(later).is_none());
        assert_eq!(bench.attempts.poll_timeout(), Some(later + CONNECT));
        assert!(matches!(bench.outcome(later + CONNECT), AttemptEvent::Failed(0, Error::Socket { kind: io::ErrorKind::TimedOut, .. })));
        assert!(matches!(bench.outcome(later + CONNECT), AttemptEvent::Exhausted));
    }

    #[test]
    fn after_a_failure_the_next_one_begins_at_once() {
        let now = Instant::now();
        let (closed, refuses) = alive();
        drop(closed);
        let (_alive, second) = alive();
        let mut bench = Bench::new(vec![refuses, second], now);
        assert!(matches!(bench.outcome(now), AttemptEvent::Failed(0, Error::Socket { kind: io::ErrorKind::ConnectionRefused, .. })));
        assert!(matches!(bench.outcome(now), AttemptEvent::Connected(1, _)));
        assert!(matches!(bench.outcome(now), AttemptEvent::Exhausted));
    }

    #[test]
    fn a_name_is_looked_up_while_another_is_tried_and_each_of_its_addresses_counts() {
        let now = Instant::now();
        let ((_dead, _callers, first), (listener, _)) = (dead(), alive());
        let named = format!("tcp/localhost:{}", listener.local_addr().unwrap().port()).parse().unwrap();
        let mut bench = Bench::new(vec![first, named], now);
        assert!(bench.poll(now).is_none());
        // localhost may have an IPv6 address too, where nobody listens.
        let connected =
            std::iter::repeat_with(|| bench.outcome(now + STAGGER)).find(|outcome| matches!(outcome, AttemptEvent::Connected(..)));
        assert!(matches!(connected, Some(AttemptEvent::Connected(1, _))));
    }

    #[test]
    fn no_more_at_a_time_than_there_are_tokens() {
        let mut now = Instant::now();
        let (_dead, _callers, locator) = dead();
        let mut bench = Bench::new(vec![locator; ATTEMPTS_MAX + 3], now);
        for _ in 0..ATTEMPTS_MAX {
            assert!(bench.poll(now).is_none());
            now += STAGGER;
        }
        assert!(bench.poll(now).is_none());
        let mut tokens: Vec<_> = bench.attempts.running.iter().map(|attempt| attempt.token.0).collect();
        tokens.sort_unstable();
        assert_eq!(tokens, (0..ATTEMPTS_MAX).collect::<Vec<_>>());
    }
}
