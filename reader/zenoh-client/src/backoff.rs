//! How long to wait before the next attempt to connect: briefly after a connection that stood, then a little more.
//!
//! Attempts cost next to nothing, and after a power cut the values are wanted back at once. So the wait stays short, and grows only
//! where a router has answered and said no. Every wait is varied at random, so that a hundred clients do not come back in the same
//! millisecond.

use std::time::Duration;

/// The waits after unanswered attempts; the last one is repeated for ever. Together with `attempts::CONNECT` they let a client be back
/// within two seconds of the end of a fault, however long it lasted: a cut network sees a SYN at least every 1.5 s, and a router that
/// starts is met within one.
const UNANSWERED: [Duration; 3] = [Duration::from_millis(150), Duration::from_millis(500), Duration::from_millis(750)];

/// The waits after a refusal. A router that says no (password, version) will say so again until somebody has changed something.
const REFUSED: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(3), Duration::from_secs(5)];

/// The waits vary by a quarter of themselves, in both directions: from 3/4 to 5/4, in 1024ths.
const JITTER: std::ops::RangeInclusive<u32> = 768..=1280;

/// How the last round of attempts ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoundEnd {
    /// Nobody answered, or a connection was lost.
    Unanswered,
    /// Somebody answered and said no.
    Refused,
}

/// Counts the attempts since the last connection that stood.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempts: usize,
}

impl Backoff {
    /// A connection has stood: the next wait is the shortest again.
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }

    /// The next wait; `random` is any random number.
    pub(crate) fn next(&mut self, end: RoundEnd, random: u32) -> Duration {
        let waits: &[Duration] = match end {
            RoundEnd::Unanswered => &UNANSWERED,
            RoundEnd::Refused => &REFUSED,
        };
        let wait = waits[self.attempts.min(waits.len() - 1)];
        self.attempts = self.attempts.saturating_add(1);
        wait * (JITTER.start() + random % (JITTER.end() - JITTER.start() + 1)) / 1024
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_short_first_and_bounded_for_ever() {
        let mut backoff = Backoff::default();
        assert!(backoff.next(RoundEnd::Unanswered, 512) <= Duration::from_millis(200));
        for attempt in 0..1000u32 {
            let wait = backoff.next(RoundEnd::Unanswered, attempt.wrapping_mul(0x9e37_79b9));
            assert!(wait >= Duration::from_millis(375) && wait < Duration::from_millis(1000), "{wait:?}");
        }
        backoff.reset();
        assert!(backoff.next(RoundEnd::Unanswered, 0) <= Duration::from_millis(200));
    }

    #[test]
    fn a_refusal_is_not_asked_again_every_second() {
        let mut backoff = Backoff::default();
        let waits: Vec<_> = (0..5).map(|_| backoff.next(RoundEnd::Refused, 256).as_secs()).collect();
        assert_eq!(waits, [1, 3, 5, 5, 5]);
    }
}
