//! A session on its socket: moves bytes between the two until the socket blocks.

use std::io::{self, Read, Write};
use std::time::Instant;

use mio::net::TcpStream;

use crate::error::Error;
use crate::session::Session;

/// Bytes read before the loop gets its turn back: a flood from the network must not keep the program from its other work.
const BUDGET: usize = 64 * 1024;

/// Bytes read from the socket at a time.
const CHUNK: usize = 4096;

/// A session and its socket.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    pub(crate) session: Session,
    /// The budget ran out before the socket did, and no event of the loop will say that there is more.
    pub(crate) unread: bool,
}

impl Connection {
    /// Hands what has arrived to the session.
    pub(crate) fn receive(&mut self, now: Instant) -> Result<(), Error> {
        let mut chunk = [0; CHUNK];
        let mut taken = 0;
        while taken < BUDGET {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(Error::Ended),
                Ok(count) => {
                    self.session.handle_bytes(&chunk[..count], now)?;
                    taken += count;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.unread = false;
                    return Ok(());
                }
                Err(error) => return Err(Error::socket(&error)),
            }
        }
        self.unread = true;
        Ok(())
    }

    /// Hands what the session has to say to the socket, as much as it takes.
    pub(crate) fn transmit(&mut self, now: Instant) -> Result<(), Error> {
        while !self.session.transmit().is_empty() {
            match self.stream.write(self.session.transmit()) {
                Ok(0) => return Err(Error::Ended),
                Ok(count) => self.session.handle_sent(count, now),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(Error::socket(&error)),
            }
        }
        Ok(())
    }
}
