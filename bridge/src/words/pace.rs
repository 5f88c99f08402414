//! How often something may happen: a few times at once, then so many a minute. What anybody on the network can cause has such a bound.

use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);

/// A bound in time.
#[derive(Debug, Clone)]
pub struct Pace {
    at_once: u32,
    a_minute: u32,
    left: u32,
    /// Since when what was used comes back.
    since: Option<Instant>,
}

impl Pace {
    /// So many at once, and one more each time that a minute's share has passed.
    #[must_use]
    pub const fn new(at_once: u32, a_minute: u32) -> Self {
        Self { at_once, a_minute, left: at_once, since: None }
    }

    /// Whether it may happen once more now; then it counts.
    pub fn take(&mut self, now: Instant) -> bool {
        self.gain(now);
        let may = self.left > 0;
        self.left = self.left.saturating_sub(1);
        may
    }

    fn gain(&mut self, now: Instant) {
        let (since, one) = (*self.since.get_or_insert(now), MINUTE / self.a_minute);
        let gained = now.saturating_duration_since(since).as_millis() / one.as_millis();
        let gained = u32::try_from(gained).unwrap_or(u32::MAX).min(self.at_once);
        self.left = self.at_once.min(self.left + gained);
        self.since = Some(if self.left == self.at_once { now } else { since + one * gained });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_at_once_then_so_many_a_minute() {
        let (mut pace, start) = (Pace::new(3, 6), Instant::now());
        let mut taken = |seconds: u64| (0..100).filter(|_| pace.take(start + Duration::from_secs(seconds))).count();
        assert_eq!([taken(0), taken(9), taken(10), taken(31), taken(39), taken(3_600)], [3, 0, 1, 2, 0, 3]);
    }
}
