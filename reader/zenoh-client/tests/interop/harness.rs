//! A client in a loop of its own, a real router beside it, a proxy between them that can fall silent.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token};
use teleinfo_zenoh_client::{Client, Credentials, Event, Failures, Locator, Options};
use zenoh::{Config, Session, Wait};

/// Long enough for a slow machine; no test waits for its end when things go right.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The client and its loop.
pub(crate) struct Program {
    pub(crate) client: Client,
    poll: Poll,
    events: Events,
    seen: VecDeque<Event>,
}

impl Program {
    pub(crate) fn new(options: Options) -> Self {
        let poll = Poll::new().unwrap();
        let client = Client::new(poll.registry().try_clone().unwrap(), Token(10), options, Instant::now());
        Self { client, poll, events: Events::with_capacity(64), seen: VecDeque::new() }
    }

    /// Connects to one router, with the given `user:password`.
    pub(crate) fn to(port: u16, credentials: Option<(&str, &str)>) -> Self {
        let credentials = credentials.map(|(user, password)| Credentials::new(user, password));
        Self::new(Options { locators: vec![tcp(port)], credentials, ..Options::default() })
    }

    /// A program whose session stands.
    pub(crate) fn connected(port: u16) -> Self {
        let mut program = Self::to(port, None);
        program.expect_connected();
        program
    }

    /// Turns the loop once.
    pub(crate) fn turn(&mut self, longest: Duration) {
        let now = Instant::now();
        let wait = self.client.poll_timeout(now).map_or(longest, |until| until.saturating_duration_since(now).min(longest));
        self.poll.poll(&mut self.events, Some(wait)).unwrap();
        let now = Instant::now();
        for event in &self.events {
            assert!(self.client.handle_event(event, now));
        }
        self.client.handle_timeout(now);
        while let Some(event) = self.client.poll_event() {
            self.seen.push_back(event);
        }
    }

    /// Turns the loop until `done` gives something.
    pub(crate) fn until<T>(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> Option<T>) -> T {
        let start = Instant::now();
        loop {
            if let Some(value) = done(self) {
                return value;
            }
            assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}; events not expected: {:?}", self.seen);
            self.turn(Duration::from_millis(20));
        }
    }

    /// Turns the loop for some time.
    pub(crate) fn run(&mut self, time: Duration) {
        let start = Instant::now();
        while start.elapsed() < time {
            self.turn(Duration::from_millis(20));
        }
    }

    pub(crate) fn next_event(&mut self) -> Event {
        self.until("an event", |program| program.seen.pop_front())
    }

    pub(crate) fn pending_event(&mut self) -> Option<Event> {
        self.seen.pop_front()
    }

    pub(crate) fn expect_connected(&mut self) -> Locator {
        self.until("a connection", |program| match program.seen.pop_front() {
            Some(Event::Connected { locator, .. }) => Some(locator),
            _ => None,
        })
    }

    /// What is wrong with the next round, in words, and when it is tried again.
    pub(crate) fn expect_disconnected(&mut self) -> (String, Duration) {
        let (failures, retry_in) = self.expect_failures();
        (failures.to_string(), retry_in)
    }

    /// What is wrong with each locator of the next round, and when it is tried again.
    pub(crate) fn expect_failures(&mut self) -> (Failures, Duration) {
        self.until("a failure", |program| match program.seen.pop_front() {
            Some(Event::Disconnected { failures, retry_in }) => Some((failures, retry_in)),
            Some(event) => panic!("{event:?} instead of a failure"),
            None => None,
        })
    }

    pub(crate) fn publish(&mut self, key: &str, payload: &[u8]) {
        self.client.publish(key, payload, Instant::now()).unwrap();
    }
}

pub(crate) fn tcp(port: u16) -> Locator {
    format!("tcp/127.0.0.1:{port}").parse().unwrap()
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A router without scouting, on this port; `extra` is more of its configuration, JSON5, with a leading comma.
pub(crate) fn router(port: u16, extra: &str) -> Session {
    let config = format!(
        r#"{{ mode: "router", listen: {{ endpoints: ["tcp/127.0.0.1:{port}"] }},
              scouting: {{ multicast: {{ enabled: false }}, gossip: {{ enabled: false }} }} {extra} }}"#
    );
    open(&config)
}

pub(crate) fn open(config: &str) -> Session {
    zenoh::open(Config::from_json5(config).unwrap()).wait().unwrap()
}

/// A TCP proxy that can fall silent in both directions without closing anything, as a cut cable does.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    silent: Arc<AtomicBool>,
}

impl Proxy {
    pub(crate) fn to(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let silent = Arc::new(AtomicBool::new(false));
        let quiet = silent.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], target))) else { continue };
                pass(client.try_clone().unwrap(), server.try_clone().unwrap(), quiet.clone());
                pass(server, client, quiet.clone());
            }
        });
        Self { port, silent }
    }

    pub(crate) fn silence(&self, silent: bool) {
        self.silent.store(silent, Ordering::Relaxed);
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, silent: Arc<AtomicBool>) {
    thread::spawn(move || {
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut chunk) {
            while silent.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(10));
            }
            if to.write_all(&chunk[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}
