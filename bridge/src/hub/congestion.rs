//! Whether more comes than the MQTT side takes: samples that could go out have waited for room all the time, for a while.
//!
//! Room that comes back for a moment says nothing as long as somebody still waits; and what a broker missed while it was away is soon caught up
//! with, so that is no matter.

use std::time::{Duration, Instant};

/// Where samples have waited for so long, the newest of each meter goes before all that it missed. Catching up after a short cut takes less.
const LONG: Duration = Duration::from_secs(5);
/// Catching up after a cut takes less.
const LASTING: Duration = Duration::from_secs(10);

/// Since when samples have waited.
#[derive(Debug, Default)]
pub(super) struct Congestion(Option<Instant>);

impl Congestion {
    /// Samples wait for room.
    pub(super) fn handle_waiting(&mut self, now: Instant) {
        self.0.get_or_insert(now);
    }

    /// No sample waits.
    pub(super) const fn handle_idle(&mut self) {
        self.0 = None;
    }

    /// Whether the newest of each meter is to go before all that waits.
    pub(super) fn is_long(&self, now: Instant) -> bool {
        self.0.is_some_and(|since| now.saturating_duration_since(since) >= LONG)
    }

    /// For how long the MQTT side has not kept up, if that is worth a word.
    pub(super) fn poll_lasting(&self, now: Instant) -> Option<Duration> {
        self.0.map(|since| now.saturating_duration_since(since)).filter(|time| *time >= LASTING)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wait_that_lasts_is_told() {
        let (mut congestion, start) = (Congestion::default(), Instant::now());
        congestion.handle_waiting(start);
        congestion.handle_waiting(start + LASTING / 2);
        assert_eq!([LASTING / 2, LASTING].map(|after| congestion.poll_lasting(start + after)), [None, Some(LASTING)]);
        assert_eq!([LONG / 2, LONG].map(|after| congestion.is_long(start + after)), [false, true]);
        congestion.handle_idle();
        congestion.handle_waiting(start + LASTING);
        assert_eq!(congestion.poll_lasting(start + LASTING), None);
    }
}
