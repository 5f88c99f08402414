//! A line that does what a [`Reading`] orders: it is opened, set, looked after, read and closed here, and nothing is decided here.

use std::{
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Registry, Token, unix::SourceFd};

use super::{Fault, Read, SerialLine};
use crate::{
    daemon::clock,
    reading::{Order, Output, Reading},
};

/// One read: a second of a line at 9600 baud.
const READ_BYTES: usize = 1024;

/// What somebody may want to say about the line.
#[derive(Debug)]
pub(crate) enum Notice {
    /// The line is open.
    Opened(PathBuf),
    /// It could not be opened, or has gone.
    Fault(Fault),
    /// Another program has changed its settings; they are set again.
    Disturbed(PathBuf),
    /// Bytes are missing, and another program has it open too: who, and the command that ends it.
    Shared(String),
}

/// A line that is opened again whenever it can be.
pub(crate) struct OpenLine {
    devices: Vec<PathBuf>,
    registry: Registry,
    token: Token,
    line: Option<SerialLine>,
    /// Bytes may be waiting in the line.
    is_ready: bool,
    buffer: [u8; READ_BYTES],
    count: usize,
}

impl OpenLine {
    /// A line that is still closed. The first of `devices` that exists is taken; `token` is what the loop sees when it has bytes.
    pub(crate) fn new(devices: &[PathBuf], registry: Registry, token: Token) -> Self {
        Self { devices: devices.to_vec(), registry, token, line: None, is_ready: false, buffer: [0; READ_BYTES], count: 0 }
    }

    /// Where the line is, while it is open.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.line.as_ref().map(SerialLine::path)
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

    /// Carries out the orders, then reads once; the loop comes back for the rest.
    pub(crate) fn handle_orders(&mut self, reading: &mut Reading, unix_ms: i64, now: Instant) -> Option<Notice> {
        let mut notice = None;
        while let Some(order) = reading.poll_order(now) {
            match self.handle_order(order, reading, now) {
                Ok(news) => notice = news.or(notice),
                Err(fault) => return Some(self.handle_fault(fault, reading, unix_ms, now)),
            }
        }
        self.read(reading, unix_ms, now).map(|fault| self.handle_fault(fault, reading, unix_ms, now)).or(notice)
    }

    fn handle_order(&mut self, order: Order, reading: &mut Reading, now: Instant) -> Result<Option<Notice>, Fault> {
        match (order, &mut self.line) {
            (Order::Open, _) => return self.open(reading, now).map(Some),
            (Order::Set(speed, framing), Some(line)) => {
                let is_whole = line.set(speed, framing)?;
                log::debug!("{}: {} baud, {framing:?}", line.path().display(), speed.baud());
                reading.handle_set(speed, framing, is_whole, now);
                // A terminal that leaves cooked mode may have bytes without saying so.
                self.is_ready = true;
            }
            (Order::CheckSettings, Some(line)) => {
                if line.disturbed()? {
                    reading.handle_disturbed();
                    return Ok(Some(Notice::Disturbed(line.path().into())));
                }
            }
            (Order::LookForOthers, Some(line)) => {
                let others = line.others();
                reading.handle_others(others.is_some());
                return Ok(others.map(Notice::Shared));
            }
            (Order::Set(..) | Order::CheckSettings | Order::LookForOthers, None) => {}
        }
        Ok(None)
    }

    fn open(&mut self, reading: &mut Reading, now: Instant) -> Result<Notice, Fault> {
        let line = SerialLine::open(&self.devices)?;
        let registered = self.registry.register(&mut SourceFd(&line.as_raw_fd()), self.token, Interest::READABLE);
        registered.map_err(|error| Fault::of(line.path(), &error))?;
        log::debug!("{}: open", line.path().display());
        let path = line.path().into();
        (self.line, self.is_ready) = (Some(line), true);
        reading.handle_opened(now);
        Ok(Notice::Opened(path))
    }

    fn read(&mut self, reading: &mut Reading, unix_ms: i64, now: Instant) -> Option<Fault> {
        self.count = 0;
        let Some(line) = self.line.as_mut().filter(|_| self.is_ready) else {
            self.is_ready = false;
            return None;
        };
        match line.read(&mut self.buffer) {
            Ok(Read { count, more }) => {
                (self.is_ready, self.count) = (more, count);
                if count > 0 {
                    reading.handle_bytes(&self.buffer[..count], unix_ms, now);
                }
                None
            }
            Err(fault) => Some(fault),
        }
    }

    fn handle_fault(&mut self, fault: Fault, reading: &mut Reading, unix_ms: i64, now: Instant) -> Notice {
        if let Some(line) = self.line.take() {
            let _ = self.registry.deregister(&mut SourceFd(&line.as_raw_fd()));
        }
        self.is_ready = false;
        reading.handle_fault(fault.kind, unix_ms, now);
        Notice::Fault(fault)
    }
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
    pub(crate) fn new(devices: &[PathBuf], reading: Reading) -> io::Result<Self> {
        let poll = Poll::new()?;
        let line = OpenLine::new(devices, poll.registry().try_clone()?, Token(0));
        Ok(Self { poll, events: Events::with_capacity(1), line, reading })
    }

    /// What the last turn has read, as it came.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.line.bytes()
    }

    /// Waits for bytes, but no longer than this, and tells `sink` what came of them.
    pub(crate) fn turn(&mut self, longest: Duration, sink: &mut dyn FnMut(Output<'_>)) -> Option<Notice> {
        let start = Instant::now();
        let due = self.reading.poll_timeout(start).saturating_duration_since(start);
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
