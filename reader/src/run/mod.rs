//! The loop: one thread, four things that can wake it (the line, the socket, a signal, a deadline), and nothing in it that waits.

mod news;
mod reader;
mod sources;

use std::{io, os::fd::AsRawFd, time::Instant};

use mio::{Events, Interest, Poll, unix::SourceFd};

use crate::{
    config::Settings,
    daemon::{
        exit::Failure,
        signals::{Request, Signals},
    },
};
use reader::Reader;
use sources::SIGNALS;

/// Reads the meter until a signal asks to stop.
///
/// # Errors
/// Only what the program cannot do without: everything else is waited out.
pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    let signals = Signals::take().map_err(|error| Failure::internal("signals", error))?;
    let mut poll = Poll::new().map_err(|error| Failure::internal("epoll", error))?;
    let register = poll.registry().register(&mut SourceFd(&signals.as_raw_fd()), SIGNALS, Interest::READABLE);
    register.map_err(|error| Failure::internal("signals", error))?;
    let mut reader = Reader::new(settings, poll.registry(), Instant::now())?;
    let mut events = Events::with_capacity(16);
    reader.handle_started();
    loop {
        let timeout = reader.poll_timeout(Instant::now());
        match poll.poll(&mut events, Some(timeout)) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(Failure::internal("epoll", error)),
            _ => {}
        }
        let now = Instant::now();
        let mut signalled = false;
        for event in &events {
            match event.token() {
                SIGNALS => signalled = true,
                token if token < SIGNALS => reader.handle_line_ready(),
                _ => reader.handle_socket(event, now),
            }
        }
        while let Some(request) = signalled.then(|| signals.next_request()).flatten() {
            match request {
                Request::Report => reader.handle_report_request(now),
                Request::Stop => {
                    reader.stop(now);
                    return Ok(());
                }
            }
        }
        reader.handle_timeout(now);
    }
}
