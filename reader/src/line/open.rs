//! A line that does what a [`Reading`] orders: it is opened, set, looked after, read and closed here, and nothing is decided here.
//!
//! A device is open at once or not at all. A far line takes its time, so between the two there is a connection that is being made.

use std::{
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Registry, Token, unix::SourceFd};
use teleinfo_proto::{tic::Mode, wire::LineState};

use super::{
    elsewhere::Elsewhere,
    fault::Fault,
    holders,
    read::Read,
    remote::{Dial, FarLine},
    serial::SerialLine,
    source::Source,
};
use crate::{
    daemon::clock,
    journal,
    reading::{FaultKind, Framing, Order, Output, Reading},
};

/// One read: a second of a line at 9600 baud.
const READ_BYTES: usize = 1024;

/// Tokens of the loop that a line uses, from the one it is given on: as many as the way to a far line wants.
pub(crate) const LINE_TOKENS: usize = teleinfo_zenoh_client::ATTEMPTS_MAX;

/// What somebody may want to say about the line.
#[derive(Debug)]
pub(crate) enum Notice {
    /// The line is open.
    Opened(PathBuf),
    /// It could not be opened, or has gone.
    Fault(Fault),
    /// Another program has changed its settings; they are set again.
    Disturbed(PathBuf),
    /// The line that said nothing is left for another one, on which a meter is heard.
    Moved { from: PathBuf, to: PathBuf },
    /// Bytes are missing, and another program has it open too: who, and the command that ends it.
    Shared(String),
}

/// A line that is open.
enum Line {
    Serial(SerialLine),
    Far(FarLine),
}

impl Line {
    fn path(&self) -> &Path {
        match self {
            Self::Serial(line) => line.path(),
            Self::Far(line) => line.name(),
        }
    }

    fn set(&mut self, speed: Mode, framing: Framing) -> Result<bool, Fault> {
        match self {
            Self::Serial(line) => line.set(speed, framing),
            Self::Far(line) => line.set(speed, framing),
        }
    }

    fn disturbed(&self) -> Result<bool, Fault> {
        match self {
            Self::Serial(line) => line.disturbed(),
            Self::Far(_) => Ok(false),
        }
    }

    /// Who else has the line open, in words with the command that ends it; nothing if nobody can be seen.
    fn others(&self) -> Option<String> {
        match self {
            Self::Serial(line) => holders::words(line.path(), journal::language()),
            Self::Far(_) => None,
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<Read, Fault> {
        match self {
            Self::Serial(line) => line.read(buffer),
            Self::Far(line) => line.read(buffer),
        }
    }

    fn poll_refused(&mut self) -> Option<(Mode, Framing)> {
        match self {
            Self::Serial(_) => None,
            Self::Far(line) => line.poll_refused(),
        }
    }

    fn deregister(&mut self, registry: &Registry) {
        match self {
            Self::Serial(line) => _ = registry.deregister(&mut SourceFd(&line.as_raw_fd())),
            Self::Far(line) => line.deregister(registry),
        }
    }
}

/// How far the line has come.
enum Access {
    Closed,
    Dialling(Box<Dial>),
    Open(Line),
}

/// A line that is opened again whenever it can be.
pub(crate) struct OpenLine {
    source: Source,
    elsewhere: Elsewhere,
    registry: Registry,
    first_token: Token,
    access: Access,
    /// Bytes may be waiting in the line.
    is_ready: bool,
    /// The line does not wake the loop, and is read then.
    rest: Option<Instant>,
    buffer: [u8; READ_BYTES],
    count: usize,
}

impl OpenLine {
    /// A line that is still closed. What the loop sees when it has something is one of [`LINE_TOKENS`] tokens from `first_token` on.
    pub(crate) fn new(source: &Source, registry: Registry, first_token: Token) -> Self {
        let access = Access::Closed;
        let buffer = [0; READ_BYTES];
        let (source, elsewhere) = (source.clone(), Elsewhere::new(source));
        Self { source, elsewhere, registry, first_token, access, is_ready: false, rest: None, buffer, count: 0 }
    }

    /// Where the line is, while it is open.
    pub(crate) fn path(&self) -> Option<&Path> {
        if let Access::Open(line) = &self.access { Some(line.path()) } else { None }
    }

    /// When [`OpenLine::handle_orders`] is due for its own sake.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let own = if let Access::Dialling(dial) = &self.access { dial.poll_timeout() } else { self.rest };
        own.into_iter().chain(self.elsewhere.poll_timeout()).min()
    }

    /// The line has bytes, or has gone.
    pub(crate) fn handle_ready(&mut self) {
        self.is_ready = true;
    }

    /// Whether there is something to read without waiting.
    pub(crate) fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// What the last read gave.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer[..self.count]
    }

    /// Leaves the line out of the loop as long as the reading says that nothing in it is worth waking for. To be called when all outputs are
    /// taken.
    pub(crate) fn handle_rest(&mut self, reading: &mut Reading, unix_ms: i64, now: Instant) -> Option<Notice> {
        self.set_rest(reading.poll_rest(now)).err().map(|fault| self.handle_fault(fault, reading, unix_ms, now))
    }

    /// A far line never rests, since a network may hold bytes back and then give them all at once.
    fn set_rest(&mut self, until: Option<Instant>) -> Result<(), Fault> {
        let Access::Open(Line::Serial(line)) = &self.access else { return Ok(()) };
        let rest = until.filter(|_| !self.is_ready);
        match (std::mem::replace(&mut self.rest, rest), rest) {
            (None, Some(_)) => _ = self.registry.deregister(&mut SourceFd(&line.as_raw_fd())),
            // Bytes that came meanwhile make an event at once.
            (Some(_), None) => register(&self.registry, line, self.first_token)?,
            _ => {}
        }
        Ok(())
    }

    /// Carries out the orders, then reads once; the loop comes back for the rest.
    pub(crate) fn handle_orders(&mut self, reading: &mut Reading, unix_ms: i64, now: Instant) -> Option<Notice> {
        let mut notice = None;
        self.is_ready |= self.rest.is_some_and(|until| until <= now);
        while let Some(order) = reading.poll_order(now) {
            match self.handle_order(order, reading, now) {
                Ok(news) => notice = news.or(notice),
                Err(fault) => return Some(self.handle_fault(fault, reading, unix_ms, now)),
            }
        }
        if self.elsewhere.is_listening() && reading.state(now).line == LineState::Reading {
            self.elsewhere.end();
        }
        if let Some(path) = self.elsewhere.handle_timeout(unix_ms, now) {
            return Some(self.move_to(path, reading, unix_ms, now));
        }
        match self.dial(now) {
            Some(Ok(line)) => return Some(self.opened(Line::Far(line), reading, now)),
            Some(Err(fault)) => return Some(self.handle_fault(fault, reading, unix_ms, now)),
            None => {}
        }
        self.read(reading, unix_ms, now).map(|fault| self.handle_fault(fault, reading, unix_ms, now)).or(notice)
    }

    fn handle_order(&mut self, order: Order, reading: &mut Reading, now: Instant) -> Result<Option<Notice>, Fault> {
        match (order, &mut self.access) {
            (Order::Open, _) => return self.open(reading, now),
            (Order::Set(speed, framing), Access::Open(line)) => {
                let is_whole = line.set(speed, framing)?;
                log::debug!("{}: {} baud, {framing:?}", line.path().display(), speed.baud());
                reading.handle_set(speed, framing, is_whole, now);
                // A terminal that leaves cooked mode may have bytes without saying so.
                self.is_ready = true;
            }
            (Order::CheckSettings, Access::Open(line)) => {
                if line.disturbed()? {
                    reading.handle_disturbed();
                    return Ok(Some(Notice::Disturbed(line.path().into())));
                }
            }
            (Order::LookElsewhere, _) => {
                if let Some(current) = self.name() {
                    self.elsewhere.begin(&current, || reading.beside(now), now);
                }
            }
            (Order::LookForOthers, Access::Open(line)) => {
                let others = line.others();
                reading.handle_others(others.is_some());
                return Ok(others.map(Notice::Shared));
            }
            (Order::Set(..) | Order::CheckSettings | Order::LookForOthers, Access::Closed | Access::Dialling(_)) => {}
        }
        Ok(None)
    }

    /// The line that is open, or that would be opened.
    fn name(&self) -> Option<PathBuf> {
        match (&self.access, &self.source) {
            (Access::Open(line), _) => Some(line.path().into()),
            (_, Source::Devices(devices)) => devices.iter().find(|path| path.exists()).or(devices.first()).cloned(),
            (_, Source::Remote(_)) => None,
        }
    }

    /// Leaves the line for the one where a meter was heard.
    fn move_to(&mut self, to: PathBuf, reading: &mut Reading, unix_ms: i64, now: Instant) -> Notice {
        let from = self.name().unwrap_or_default();
        if let Access::Open(mut line) = std::mem::replace(&mut self.access, Access::Closed) {
            line.deregister(&self.registry);
        }
        reading.handle_left(unix_ms, now);
        self.source = Source::Devices(vec![to.clone()]);
        match self.open(reading, now) {
            Ok(_) => Notice::Moved { from, to },
            Err(fault) => self.handle_fault(fault, reading, unix_ms, now),
        }
    }

    fn open(&mut self, reading: &mut Reading, now: Instant) -> Result<Option<Notice>, Fault> {
        let devices = match &self.source {
            Source::Devices(devices) => devices,
            Source::Remote(remote) => {
                self.access = Access::Dialling(Box::new(Dial::begin(remote, self.first_token, now)));
                reading.handle_opening(now);
                return Ok(None);
            }
        };
        let line = SerialLine::open(devices)?;
        register(&self.registry, &line, self.first_token)?;
        Ok(Some(self.opened(Line::Serial(line), reading, now)))
    }

    /// Goes on with a connection that is being made.
    fn dial(&mut self, now: Instant) -> Option<Result<FarLine, Fault>> {
        if let Access::Dialling(dial) = &mut self.access { dial.poll(&self.registry, now) } else { None }
    }

    fn opened(&mut self, line: Line, reading: &mut Reading, now: Instant) -> Notice {
        log::debug!("{}: open", line.path().display());
        let path = line.path().into();
        (self.access, self.is_ready, self.rest) = (Access::Open(line), true, None);
        reading.handle_opened(now);
        Notice::Opened(path)
    }

    fn read(&mut self, reading: &mut Reading, unix_ms: i64, now: Instant) -> Option<Fault> {
        self.count = 0;
        let ready = std::mem::take(&mut self.is_ready);
        let Access::Open(line) = &mut self.access else { return None };
        if !ready {
            return None;
        }
        match line.read(&mut self.buffer) {
            Ok(Read { count, more }) => {
                (self.is_ready, self.count) = (more, count);
                if let Some((speed, framing)) = line.poll_refused() {
                    log::debug!("{}: the far side does not do {} baud, {framing:?}", line.path().display(), speed.baud());
                    reading.handle_set(speed, framing, false, now);
                }
                if count > 0 {
                    reading.handle_bytes(&self.buffer[..count], unix_ms, now);
                }
                None
            }
            Err(fault) => Some(fault),
        }
    }

    fn handle_fault(&mut self, fault: Fault, reading: &mut Reading, unix_ms: i64, now: Instant) -> Notice {
        if let Access::Open(mut line) = std::mem::replace(&mut self.access, Access::Closed) {
            line.deregister(&self.registry);
            // What has gone comes back under its name: meanwhile another line of this machine is not the meter's.
            if fault.kind == FaultKind::Vanished && matches!(line, Line::Serial(_)) {
                self.source = Source::Devices(vec![line.path().into()]);
            }
        }
        (self.is_ready, self.rest) = (false, None);
        reading.handle_fault(fault.kind, unix_ms, now);
        Notice::Fault(fault)
    }
}

/// Lets a line wake the loop.
fn register(registry: &Registry, line: &SerialLine, token: Token) -> Result<(), Fault> {
    let registered = registry.register(&mut SourceFd(&line.as_raw_fd()), token, Interest::READABLE);
    registered.map_err(|error| Fault::of(line.path(), &error))
}

/// A line and its reading and nothing behind them, for the programs that look at a meter without a bridge (`doctor`, `monitor`).
///
/// Waits for bytes by itself; the loop in `run` has more to wait for.
pub(crate) struct Listener {
    poll: Poll,
    events: Events,
    line: OpenLine,
    /// The reading whose orders are carried out.
    pub(crate) reading: Reading,
}

impl Listener {
    /// Nothing is opened yet.
    ///
    /// # Errors
    /// The system has no epoll to give.
    pub(crate) fn new(source: &Source, reading: Reading) -> io::Result<Self> {
        let poll = Poll::new()?;
        let line = OpenLine::new(source, poll.registry().try_clone()?, Token(0));
        Ok(Self { poll, events: Events::with_capacity(1), line, reading })
    }

    /// What the last turn has read, as it came.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.line.bytes()
    }

    /// Waits for bytes, but no longer than this, and tells `sink` what came of them.
    pub(crate) fn turn(&mut self, longest: Duration, sink: &mut dyn FnMut(Output<'_>)) -> Option<Notice> {
        let start = Instant::now();
        let due = self.line.poll_timeout().into_iter().fold(self.reading.poll_timeout(start), Instant::min);
        let due = due.saturating_duration_since(start);
        let wait = if self.line.is_ready() { Duration::ZERO } else { due.min(longest) };
        // A wait that is cut short by a signal is a turn as well.
        let _ = self.poll.poll(&mut self.events, Some(wait));
        if !self.events.is_empty() {
            self.line.handle_ready();
        }
        let (unix_ms, now) = (clock::unix_ms(), Instant::now());
        let notice = self.line.handle_orders(&mut self.reading, unix_ms, now);
        while let Some(output) = self.reading.poll_output() {
            sink(output);
        }
        self.reading.handle_timeout(unix_ms, now);
        while let Some(output) = self.reading.poll_output() {
            sink(output);
        }
        notice
    }
}

#[cfg(test)]
mod tests;
