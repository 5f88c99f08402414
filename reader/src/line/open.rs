//! A line and its receiver and nothing behind them: for the programs that look at a meter without a bridge (`doctor`, `monitor`).
//!
//! Waits for bytes by itself; `run` has a loop of its own, since it has more to wait for.

use std::{
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use mio::{Events, Interest, Poll, Token, unix::SourceFd};
use teleinfo_proto::tic::{Event, Mode};

use crate::{
    config::file::ParityChoice,
    line::{Fault, Framing, Line, Read},
    reading::{detect::Trial, receive::Receiver},
};

/// One read: a second of a line at 9600 baud.
const READ_BYTES: usize = 1024;

/// What came off the line.
#[derive(Debug)]
pub enum Heard<'a> {
    /// Bytes, as they are.
    Bytes(&'a [u8]),
    /// What they amount to.
    Event(&'a Event<'a>),
}

/// An open line, set as its receiver wants it.
pub struct Listener {
    poll: Poll,
    events: Events,
    line: Line,
    receiver: Receiver,
    applied: Option<(Mode, Framing)>,
}

impl Listener {
    /// Opens the first of `devices` that exists, and begins to search for the meter within what is wished for.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub fn open(devices: &[PathBuf], mode: Option<Mode>, parity: ParityChoice, now: Instant) -> Result<Self, Fault> {
        let line = Line::open(devices)?;
        let fault = |error: io::Error| Fault::of(line.path(), &error);
        let poll = Poll::new().map_err(fault)?;
        poll.registry().register(&mut SourceFd(&line.as_raw_fd()), Token(0), Interest::READABLE).map_err(fault)?;
        let receiver = Receiver::new(mode, parity, now);
        let mut listener = Self { poll, events: Events::with_capacity(1), line, receiver, applied: None };
        listener.apply(now)?;
        Ok(listener)
    }

    /// Where the line is.
    pub fn path(&self) -> &Path {
        self.line.path()
    }

    /// How the line is read at the moment.
    pub fn trial(&self) -> Trial {
        self.receiver.trial()
    }

    /// The mode, while datasets verify.
    pub fn mode(&self) -> Option<Mode> {
        self.receiver.mode()
    }

    /// Waits for bytes, but no longer than this, and tells `sink` of everything that came.
    ///
    /// # Errors
    /// The device has gone.
    pub fn turn(&mut self, longest: Duration, sink: &mut dyn FnMut(Heard<'_>)) -> Result<(), Fault> {
        let due = self.receiver.poll_timeout().map(|at| at.saturating_duration_since(Instant::now()));
        match self.poll.poll(&mut self.events, Some(due.map_or(longest, |due| due.min(longest)))) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(Fault::of(self.line.path(), &error)),
            _ => {}
        }
        // Reads without being told to: a terminal that leaves cooked mode may have bytes without saying so.
        while self.read(sink)? {}
        let now = Instant::now();
        self.receiver.handle_timeout(now, &mut |event| sink(Heard::Event(&event)));
        self.apply(now)
    }

    /// One read; is there more?
    fn read(&mut self, sink: &mut dyn FnMut(Heard<'_>)) -> Result<bool, Fault> {
        let mut buffer = [0; READ_BYTES];
        let Read { count, more } = self.line.read(&mut buffer)?;
        if count > 0 {
            let now = Instant::now();
            sink(Heard::Bytes(&buffer[..count]));
            self.receiver.handle_bytes(&buffer[..count], now, &mut |event| sink(Heard::Event(&event)));
            self.apply(now)?;
        }
        Ok(more)
    }

    /// Sets the line as the receiver wants it.
    fn apply(&mut self, now: Instant) -> Result<(), Fault> {
        loop {
            let trial = self.receiver.trial();
            let wanted = (trial.speed, trial.framing());
            if self.applied == Some(wanted) {
                return Ok(());
            }
            let taken = self.line.set(wanted.0, wanted.1)?;
            if !taken && wanted.1 == Framing::SevenEven {
                self.receiver.handle_setting_refused(now);
            } else {
                self.applied = Some(wanted);
            }
        }
    }
}
