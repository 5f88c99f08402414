//! How long to wait before the next attempt to reach a broker: longer after each failure, and never the same for two bridges.
//!
//! A broker that is away comes back at any moment, and a house looks at its power meanwhile: the waits begin at a quarter of a second and
//! end at two, which costs a broker on the local network nothing. Where a person has to act first (a wrong password, a certificate), more
//! attempts only fill the broker's log: there the waits grow to half a minute. No clock and no randomness of its own.

use std::time::Duration;

/// A connection that the broker closes sooner than this was closed for a reason that is still there.
const SHORT: Duration = Duration::from_secs(60);
/// After so many of them in a row, somebody else with our name is the likely reason: a broker closes the older of two such connections.
const SHORT_MANY: u32 = 3;

/// Wait after the first failure; doubled after each.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait for a broker that is away.
const LONGEST_AWAY: Duration = Duration::from_secs(2);
/// The longest wait for somebody who has to act.
const LONGEST_REFUSED: Duration = Duration::from_secs(30);

/// The failures in a row.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Backoff {
    failures: u32,
    /// Short connections in a row that the broker closed.
    short: u32,
}

impl Backoff {
    /// There was a connection, for so long; the broker closed it for no reason that is known, or it ended otherwise. Returns whether another
    /// client with our name is the likely reason.
    pub(super) fn handle_connected(&mut self, lasted: Duration, is_closed: bool) -> bool {
        let is_short = is_closed && lasted < SHORT;
        self.short = if is_short { self.short + 1 } else { 0 };
        if !self.is_displaced() {
            self.failures = 0;
        }
        self.is_displaced()
    }

    /// There was no connection. Somebody else with our name leaves the broker within reach: one that cannot be reached has closed the connections
    /// before because it went away itself.
    pub(super) const fn handle_not_connected(&mut self) {
        self.short = 0;
    }

    const fn is_displaced(&self) -> bool {
        self.short >= SHORT_MANY
    }

    /// How long a connection must stand before it is worth a word.
    pub(super) const fn quiet(&self) -> Duration {
        if self.is_displaced() { SHORT } else { Duration::ZERO }
    }

    /// An attempt failed. Returns how long to wait: between half and all of this failure's time, by `random`. `lasting`: somebody has to
    /// act first.
    pub(super) fn handle_failure(&mut self, lasting: bool, random: u64) -> Duration {
        let longest = if lasting { LONGEST_REFUSED } else { LONGEST_AWAY };
        let wait = FIRST.saturating_mul(1 << self.failures.min(16)).min(longest);
        self.failures += 1;
        let half = wait / 2;
        half + Duration::from_micros(random % (half.as_micros() as u64 + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The waits of so many failures, in ms, with the highest or the lowest random number.
    fn waits(lasting: bool, random: u64, failures: usize) -> Vec<u128> {
        let mut backoff = Backoff::default();
        (0..failures).map(|_| backoff.handle_failure(lasting, random).as_millis()).collect()
    }

    #[test]
    fn a_broker_that_is_away_is_tried_often() {
        assert_eq!(waits(false, 0, 6), [125, 250, 500, 1_000, 1_000, 1_000]);
        assert!(waits(false, u64::MAX, 100).iter().all(|wait| *wait <= 2_000));
    }

    #[test]
    fn where_somebody_must_act_the_waits_grow_to_half_a_minute() {
        assert_eq!(waits(true, 0, 9), [125, 250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
        assert!(waits(true, u64::MAX, 100).iter().all(|wait| *wait <= 30_000));
    }

    #[test]
    fn two_bridges_do_not_wait_the_same_time() {
        let different: std::collections::BTreeSet<_> =
            (0..1_000_u64).map(|random| Backoff::default().handle_failure(false, random.wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
        assert!(different.len() > 900);
        assert!(different.iter().all(|wait| (FIRST / 2..=FIRST).contains(wait)));
    }

    #[test]
    fn a_connection_begins_anew() {
        let mut backoff = Backoff::default();
        (0..50).for_each(|_| assert!(backoff.handle_failure(false, 0) > Duration::ZERO));
        backoff.handle_connected(Duration::ZERO, false);
        assert_eq!(backoff.handle_failure(false, 0), FIRST / 2);
    }

    #[test]
    fn a_broker_that_closes_each_connection_soon_is_left_in_peace() {
        let mut backoff = Backoff::default();
        let mut close = |seconds| {
            let displaced = backoff.handle_connected(Duration::from_secs(seconds), true);
            (displaced, backoff.handle_failure(displaced, u64::MAX).as_secs())
        };
        assert_eq!([close(1), close(1)], [(false, 0), (false, 0)]);
        let displaced: Vec<_> = (0..8).map(|_| close(20)).collect();
        assert!(displaced.iter().all(|(displaced, _)| *displaced) && displaced[7].1 >= 15, "{displaced:?}");
        assert_eq!(close(61), (false, 0));
        assert_eq!(close(1), (false, 0), "the row begins anew");
    }

    #[test]
    fn a_broker_that_restarts_again_and_again_is_tried_as_often_as_before() {
        let mut backoff = Backoff::default();
        for _ in 0..10 {
            assert!(!backoff.handle_connected(Duration::from_secs(1), true), "nobody has our name");
            assert!(backoff.handle_failure(false, u64::MAX) <= FIRST);
            backoff.handle_not_connected();
            backoff.handle_failure(false, u64::MAX);
        }
    }
}
