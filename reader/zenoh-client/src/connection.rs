//! A session on its socket: moves bytes between the two until the socket blocks.

use std::fmt;
use std::io::{self, Read, Write};
use std::time::Instant;

use mio::net::TcpStream;

use super::error::Error;
use super::session::Session;

/// Bytes read before the loop gets its turn back: a flood from the network must not keep us from the serial line.
const BUDGET: usize = 64 * 1024;

/// Read from the socket at a time.
const CHUNK: usize = 4096;

/// A session and its socket.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) session: Session,
    /// The budget ran out before the socket did; no event will say so again.
    pub(super) unread: bool,
}

/// Why a connection ended.
#[derive(Debug)]
pub(super) enum Lost {
    Socket(io::Error),
    /// The router ended the connection, without a word.
    Ended,
    Session(Error),
}

impl Connection {
    /// Hands what has arrived to the session.
    pub(super) fn receive(&mut self, now: Instant) -> Result<(), Lost> {
        let mut chunk = [0; CHUNK];
        let mut taken = 0;
        while taken < BUDGET {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(Lost::Ended),
                Ok(count) => {
                    self.session.handle_bytes(now, &chunk[..count]).map_err(Lost::Session)?;
                    taken += count;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.unread = false;
                    return Ok(());
                }
                Err(error) => return Err(Lost::Socket(error)),
            }
        }
        self.unread = true;
        Ok(())
    }

    /// Hands what the session has to say to the socket, as far as it takes it.
    pub(super) fn transmit(&mut self, now: Instant) -> Result<(), Lost> {
        while !self.session.transmit().is_empty() {
            match self.stream.write(self.session.transmit()) {
                Ok(0) => return Err(Lost::Ended),
                Ok(count) => self.session.handle_sent(now, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(Lost::Socket(error)),
            }
        }
        Ok(())
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(error) => f.write_str(&socket_words(error)),
            Self::Ended => f.write_str("the router ended the connection"),
            Self::Session(error) => error.fmt(f),
        }
    }
}

/// What an error of a socket means, and what to look at.
pub(super) fn socket_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused: is the bridge running, and is this its port?".into(),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            "no way there: is the network up, is the address right?".into()
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => "the router ended the connection".into(),
        io::ErrorKind::TimedOut => "no answer: is the machine on, is the address right, does a firewall drop it?".into(),
        _ => error.to_string(),
    }
}
