//! Whether all that the broker retains has come: what a sample means may depend on it.
//!
//! A broker sends all that it retains as soon as it is asked. So the bridge then says something to itself: once it hears that, all has
//! come. A broker that does not answer is not waited for long.

use std::time::{Duration, Instant};

/// A broker that has not said by then what it retains is not waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether all that the broker retains has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retained {
    /// There was no broker yet.
    Unasked,
    /// It is asked, until then.
    Asked(Instant),
    /// All has come, or will not come.
    Read,
}

impl Retained {
    /// At the start; a broker that keeps nothing is not asked.
    pub(super) const fn new(broker_keeps: bool) -> Self {
        if broker_keeps { Self::Unasked } else { Self::Read }
    }

    pub(super) fn poll_timeout(self) -> Option<Instant> {
        if let Self::Asked(until) = self { Some(until) } else { None }
    }

    /// The broker is there. Returns whether it is to be asked.
    pub(super) fn handle_connected(&mut self, now: Instant) -> bool {
        let ask = *self == Self::Unasked;
        if ask {
            *self = Self::Asked(now + PATIENCE);
        }
        ask
    }

    /// The broker is gone: it is asked again when it is back.
    pub(super) fn handle_disconnected(&mut self) {
        if matches!(self, Self::Asked(_)) {
            *self = Self::Unasked;
        }
    }
}
