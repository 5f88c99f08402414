//! The way to a far line: its name is looked up, its addresses are tried, and with RFC 2217 the two sides agree. Nothing here waits.

use std::time::{Duration, Instant};

use mio::{Registry, Token, net::TcpStream};
use teleinfo_zenoh_client::{AttemptEvent, Attempts};

use super::{
    address::{Protocol, Remote},
    far::FarLine,
};
use crate::line::fault::{Fault, NetworkTrouble};

/// How long a far side may take to say that it is a serial port of RFC 2217.
const AGREEMENT: Duration = Duration::from_secs(3);

/// A connection that is being made.
pub(in crate::line) struct Dial {
    remote: Remote,
    attempts: Attempts,
    /// The far side has accepted a connection, and has not agreed yet.
    agreeing: Option<(FarLine, Instant)>,
    /// What the last of the addresses said.
    trouble: Option<NetworkTrouble>,
}

impl Dial {
    /// Begins; it uses as many tokens as the crate that reaches an address wants, from `first_token` on.
    pub(in crate::line) fn begin(remote: &Remote, first_token: Token, now: Instant) -> Self {
        let mut attempts = Attempts::new(first_token.0, now);
        attempts.begin([0].into_iter(), now);
        Self { remote: remote.clone(), attempts, agreeing: None, trouble: None }
    }

    /// Goes on. The line, once it can be read, or why it cannot.
    pub(in crate::line) fn poll(&mut self, registry: &Registry, now: Instant) -> Option<Result<FarLine, Fault>> {
        if self.agreeing.is_some() {
            return self.poll_agreement(now);
        }
        loop {
            match self.attempts.poll(registry, std::slice::from_ref(&self.remote.locator), now)? {
                AttemptEvent::Connected(_, stream) => return self.connected(stream, now),
                AttemptEvent::Failed(_, error) => self.trouble = Some(NetworkTrouble::of_connecting(&error)),
                AttemptEvent::Exhausted => return Some(Err(self.fault(self.trouble.clone().unwrap_or(NetworkTrouble::Ended)))),
            }
        }
    }

    /// When [`Dial::poll`] is due.
    pub(in crate::line) fn poll_timeout(&self) -> Option<Instant> {
        self.agreeing.as_ref().map(|(_, until)| *until).or_else(|| self.attempts.poll_timeout())
    }

    fn connected(&mut self, stream: TcpStream, now: Instant) -> Option<Result<FarLine, Fault>> {
        let line = FarLine::new(&self.remote, stream);
        if self.remote.protocol == Protocol::Raw {
            return Some(Ok(line));
        }
        self.agreeing = Some((line, now + AGREEMENT));
        self.poll_agreement(now)
    }

    /// What the meter sends meanwhile is dropped: it is the middle of a frame.
    fn poll_agreement(&mut self, now: Instant) -> Option<Result<FarLine, Fault>> {
        let (line, until) = self.agreeing.as_mut()?;
        let mut bytes = [0; 256];
        loop {
            match line.read(&mut bytes) {
                Err(fault) => return Some(Err(fault)),
                Ok(_) if line.is_agreed() => return self.agreeing.take().map(|(line, _)| Ok(line)),
                Ok(read) if read.more => {}
                Ok(_) if now >= *until => return Some(Err(self.fault(NetworkTrouble::NotSpoken))),
                Ok(_) => return None,
            }
        }
    }

    fn fault(&self, trouble: NetworkTrouble) -> Fault {
        Fault::of_network(&self.remote.name, trouble)
    }
}
