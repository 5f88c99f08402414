//! The other line where a meter may be, for `auto`: while the line that is open says nothing, that one is listened to for a moment.
//!
//! There are two such places: an adapter, and the header of a Raspberry Pi, whose line has two names. The line that is open stays open
//! meanwhile, so nothing is lost and nothing is said. A line that another program has is left alone.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{fault::Fault, holders, serial::SerialLine, source::Source};
use crate::{
    language::Language,
    reading::{Order, Reading},
};

/// Finding the mode takes seven seconds at most.
const LISTEN: Duration = Duration::from_secs(8);
/// The kernel holds four seconds of a line at 9600 baud.
const TURN: Duration = Duration::from_millis(100);
const READ_BYTES: usize = 256;

/// A line that is listened to for a moment, to see whether a meter is there.
struct Visit {
    line: SerialLine,
    reading: Reading,
    next: Instant,
    until: Instant,
}

/// Where else a meter may be, and what is heard there.
pub(super) struct Elsewhere {
    /// The names of each place; the first that exists counts.
    places: [Vec<PathBuf>; 2],
    visit: Option<Visit>,
}

impl Elsewhere {
    /// Of one device, or of a far line, there is no other place.
    pub(super) fn new(source: &Source) -> Self {
        let places = match source {
            Source::Devices(devices) if devices.len() > 1 => [devices[..1].to_vec(), devices[1..].to_vec()],
            Source::Devices(_) | Source::Remote(_) => [Vec::new(), Vec::new()],
        };
        Self { places, visit: None }
    }

    /// Begins to listen at the place where `current`, which says nothing, is not; `beside` is a new reading.
    pub(super) fn begin(&mut self, current: &Path, beside: impl FnOnce() -> Reading, now: Instant) {
        let Some(path) = self.other(current).filter(|path| holders::words(path, Language::English).is_none()) else { return };
        // One device under two names is locked already.
        let Ok(line) = SerialLine::open(&[path]) else { return };
        let mut reading = beside();
        reading.handle_opened(now);
        self.visit = Some(Visit { line, reading, next: now, until: now + LISTEN });
    }

    /// The first name of the place where this line is not.
    fn other(&self, current: &Path) -> Option<PathBuf> {
        let other = self.places.iter().find(|names| !names.iter().any(|name| name == current))?;
        other.iter().find(|name| name.exists()).cloned()
    }

    /// Something is listened to.
    pub(super) fn is_listening(&self) -> bool {
        self.visit.is_some()
    }

    /// When [`Elsewhere::handle_timeout`] is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.visit.as_ref().map(|visit| visit.next)
    }

    /// Listens on. The path of the line, if a meter was heard there.
    pub(super) fn handle_timeout(&mut self, unix_ms: i64, now: Instant) -> Option<PathBuf> {
        let visit = self.visit.as_mut().filter(|visit| now >= visit.next)?;
        visit.next = now + TURN;
        let heard = visit.listen(unix_ms, now);
        let path = heard.is_ok_and(|()| visit.reading.state(now).mode.is_some()).then(|| visit.line.path().to_owned());
        if path.is_some() || now >= visit.until {
            self.end();
        }
        path
    }

    /// Nothing is listened to any more.
    pub(super) fn end(&mut self) {
        self.visit = None;
    }
}

impl Visit {
    fn listen(&mut self, unix_ms: i64, now: Instant) -> Result<(), Fault> {
        while let Some(order) = self.reading.poll_order(now) {
            if let Order::Set(speed, framing) = order {
                let is_whole = self.line.set(speed, framing)?;
                self.reading.handle_set(speed, framing, is_whole, now);
            }
        }
        let (mut buffer, mut more) = ([0; READ_BYTES], true);
        while more {
            let read = self.line.read(&mut buffer)?;
            more = read.more;
            self.reading.handle_bytes(&buffer[..read.count], unix_ms, now);
            while self.reading.poll_output().is_some() {}
        }
        self.reading.handle_timeout(unix_ms, now);
        while self.reading.poll_output().is_some() {}
        Ok(())
    }
}
