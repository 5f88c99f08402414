//! A connection to a far line that stands: what it sends is read, and with RFC 2217 it is set.

use std::{
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use mio::{Registry, net::TcpStream};
use nix::sys::socket::{setsockopt, sockopt};
use teleinfo_proto::tic::Mode;

use super::address::{Protocol, Remote};
use crate::{
    line::{
        fault::{Fault, NetworkTrouble},
        read::Read,
    },
    reading::Framing,
    telnet::Telnet,
};

/// After so many seconds without a byte the kernel asks the far side whether it is still there (tcp(7)). A meter never pauses, so this asks
/// nothing of a line that is well, and a network that is cut is known before the line is called silent.
const ASK_AFTER_S: u32 = 3;
/// It asks again after so many seconds.
const ASK_EVERY_S: u32 = 2;
/// After so many questions without an answer the connection is lost.
const QUESTIONS: u32 = 3;

/// An open line at the far end of a network.
#[derive(Debug)]
pub(in crate::line) struct FarLine {
    name: PathBuf,
    stream: TcpStream,
    telnet: Option<Telnet>,
    asked: Option<(Mode, Framing)>,
}

impl FarLine {
    /// On a connection that has just been made.
    pub(super) fn new(remote: &Remote, stream: TcpStream) -> Self {
        watch_over(&stream);
        Self { name: remote.name.clone(), stream, telnet: (remote.protocol == Protocol::Rfc2217).then(Telnet::new), asked: None }
    }

    /// What a message calls it.
    pub(in crate::line) fn name(&self) -> &Path {
        &self.name
    }

    /// Whether the far side has agreed to be set.
    pub(super) fn is_agreed(&self) -> bool {
        self.telnet.as_ref().is_some_and(Telnet::is_agreed)
    }

    /// Asks for speed and framing. `false`: nobody can be asked for parity, so the bytes are to be taken as they come.
    pub(in crate::line) fn set(&mut self, speed: Mode, framing: Framing) -> Result<bool, Fault> {
        let Some(telnet) = &mut self.telnet else { return Ok(framing == Framing::EightNone) };
        telnet.set(speed, framing);
        self.asked = Some((speed, framing));
        self.transmit()?;
        Ok(true)
    }

    /// What was asked for, if the far side has answered that it cannot do it all.
    pub(in crate::line) fn poll_refused(&mut self) -> Option<(Mode, Framing)> {
        self.telnet.as_mut()?.poll_set().filter(|taken| !taken).and(self.asked)
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// The connection has ended, or the far side is no serial port.
    pub(in crate::line) fn read(&mut self, buffer: &mut [u8]) -> Result<Read, Fault> {
        // What could not be sent before may go now.
        self.transmit()?;
        match self.stream.read(buffer) {
            Ok(0) => Err(self.fault(NetworkTrouble::Ended)),
            Ok(count) => {
                let kept = match &mut self.telnet {
                    None => count,
                    Some(telnet) => {
                        telnet.handle_bytes(&mut buffer[..count]).map_err(|_| Fault::of_network(&self.name, NetworkTrouble::NotSpoken))?
                    }
                };
                self.transmit()?;
                // An end that came with the last bytes makes no event of its own, so it is asked for.
                Ok(Read { count: kept, more: true })
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Read { count: 0, more: true }),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Read { count: 0, more: false }),
            Err(error) => Err(self.fault(NetworkTrouble::of_connection(&error))),
        }
    }

    /// Takes it out of the loop.
    pub(in crate::line) fn deregister(&mut self, registry: &Registry) {
        let _ = registry.deregister(&mut self.stream);
    }

    fn transmit(&mut self) -> Result<(), Fault> {
        while let Some(telnet) = self.telnet.as_mut().filter(|telnet| !telnet.transmit().is_empty()) {
            match self.stream.write(telnet.transmit()) {
                Ok(count) => telnet.handle_sent(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(self.fault(NetworkTrouble::of_connection(&error))),
            }
        }
        Ok(())
    }

    fn fault(&self, trouble: NetworkTrouble) -> Fault {
        Fault::of_network(&self.name, trouble)
    }
}

/// A kernel that does not know one of these options asks later; the line is read all the same.
fn watch_over(stream: &TcpStream) {
    let _ = setsockopt(stream, sockopt::KeepAlive, &true);
    let _ = setsockopt(stream, sockopt::TcpKeepIdle, &ASK_AFTER_S);
    let _ = setsockopt(stream, sockopt::TcpKeepInterval, &ASK_EVERY_S);
    let _ = setsockopt(stream, sockopt::TcpKeepCount, &QUESTIONS);
    // What is sent is a few bytes that are wanted at once.
    let _ = stream.set_nodelay(true);
}
