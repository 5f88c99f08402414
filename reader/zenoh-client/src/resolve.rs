//! Host name to addresses, on a thread of its own: the system's resolver blocks for seconds when a name server is away, and the loop
//! must not. The thread lives as long as one look-up; its end closes a pipe, and that wakes the loop.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;

use mio::unix::pipe;
use mio::{Interest, Registry, Token};

/// The stack of the thread: room for the resolver's own buffers, with a margin. The default is 2 MB.
const STACK: usize = 256 * 1024;

/// Addresses taken of one name.
const ADDRESSES_MAX: usize = 8;

/// A look-up on its way.
#[derive(Debug)]
pub(crate) struct Lookup {
    result: mpsc::Receiver<io::Result<Vec<SocketAddr>>>,
    /// Readable when the thread has ended.
    _done: pipe::Receiver,
}

impl Lookup {
    /// Starts looking up `name`; `token` becomes readable when `poll` has something.
    pub(crate) fn start(registry: &Registry, token: Token, name: &str, port: u16) -> io::Result<Self> {
        let (signal, mut done) = pipe::new()?;
        registry.register(&mut done, token, Interest::READABLE)?;
        let (sender, result) = mpsc::channel();
        let name = name.to_owned();
        thread::Builder::new().name("resolver".into()).stack_size(STACK).spawn(move || {
            let addresses = (name.as_str(), port).to_socket_addrs().map(|found| found.take(ADDRESSES_MAX).collect());
            // If the attempt was given up meanwhile, nobody receives the addresses.
            let _ = sender.send(addresses);
            drop(signal);
        })?;
        Ok(Self { result, _done: done })
    }

    /// The addresses, once the thread has ended.
    pub(crate) fn poll(&self) -> Option<io::Result<Vec<SocketAddr>>> {
        match self.result.try_recv() {
            Ok(result) => Some(result),
            Err(mpsc::TryRecvError::Empty) => None,
            Err(mpsc::TryRecvError::Disconnected) => Some(Err(io::Error::other("the resolver thread ended without an answer"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Poll};
    use std::time::Duration;

    #[test]
    fn the_end_of_a_look_up_wakes_the_loop() {
        let mut poll = Poll::new().unwrap();
        let lookup = Lookup::start(poll.registry(), Token(9), "localhost", 7447).unwrap();
        let mut events = Events::with_capacity(4);
        poll.poll(&mut events, Some(Duration::from_secs(20))).unwrap();
        assert!(events.iter().any(|event| event.token() == Token(9)));
        let addresses = lookup.poll().expect("an answer by the time of the wake-up").unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 7447));
    }
}
