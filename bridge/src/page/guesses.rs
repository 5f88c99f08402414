//! How often somebody may guess the password of the page: some wrong guesses at once, and then one from time to time. Pure.
//!
//! Each client has its own bound, so that whoever guesses keeps nobody else out. The table is bounded too: beyond it, strangers share one bound.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

/// Wrong guesses at once: a person mistypes, and a browser asks several times with what it was given.
const AT_ONCE: u32 = 10;
/// After that one more in this time: 8640 a day, which finds no password of eight characters that is not a word.
pub const EVERY: Duration = Duration::from_secs(10);
/// Clients that have a bound of their own.
const CLIENTS_MAX: usize = 256;
/// An owner of one IPv6 network has as many addresses in it as it likes, so the network counts.
const NETWORK: u128 = !0 << 64;

/// Who has guessed wrongly: when all of its guesses are forgotten.
#[derive(Debug, Default)]
pub struct Guesses(HashMap<Option<IpAddr>, Instant>);

impl Guesses {
    /// Whether this client may try a password now.
    #[must_use]
    pub fn may_try(&self, client: IpAddr, now: Instant) -> bool {
        let owed = self.0.get(&self.place(client)).map(|forgotten| forgotten.saturating_duration_since(now));
        owed.is_none_or(|owed| owed <= EVERY * (AT_ONCE - 1))
    }

    /// This client has tried a wrong one.
    pub fn handle_wrong(&mut self, client: IpAddr, now: Instant) {
        if self.0.len() >= CLIENTS_MAX {
            self.0.retain(|_, forgotten| *forgotten > now);
        }
        let place = self.place(client);
        let forgotten = self.0.entry(place).or_insert(now);
        *forgotten = (*forgotten).max(now) + EVERY;
    }

    /// Its own place in the table, or that of all strangers.
    fn place(&self, client: IpAddr) -> Option<IpAddr> {
        let client = match client {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK)),
            IpAddr::V4(_) => client,
        };
        (self.0.len() < CLIENTS_MAX || self.0.contains_key(&Some(client))).then_some(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many wrong guesses a client gets in so many seconds, if it tries ten times a second.
    fn tries(guesses: &mut Guesses, client: &str, from: Instant, seconds: u32) -> u32 {
        let client = client.parse().unwrap();
        let at = |tenth: u32| from + Duration::from_millis(100) * tenth;
        let tried = (0..seconds * 10).filter(|tenth| {
            let may = guesses.may_try(client, at(*tenth));
            may.then(|| guesses.handle_wrong(client, at(*tenth))).is_some()
        });
        u32::try_from(tried.count()).unwrap()
    }

    #[test]
    fn guesses_are_bounded_and_forgotten() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        assert_eq!(tries(&mut guesses, "192.168.1.9", now, 3_600), AT_ONCE + 359);
        assert!(guesses.may_try("192.168.1.10".parse().unwrap(), now), "others are not kept out");
        assert_eq!(tries(&mut guesses, "192.168.1.9", now + Duration::from_secs(7_200), 1), AT_ONCE);
    }

    #[test]
    fn many_addresses_are_no_way_around() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        let network = (0..1_000).map(|n| tries(&mut guesses, &format!("2001:db8::{n:x}"), now, 1)).sum::<u32>();
        assert_eq!(network, AT_ONCE, "one network");
        let all = (0..4_000).map(|n| tries(&mut guesses, &format!("10.0.{}.{}", n / 250, n % 250), now, 1)).sum::<u32>();
        assert!(all <= AT_ONCE * u32::try_from(CLIENTS_MAX).unwrap(), "{all}");
        assert!(guesses.0.len() <= CLIENTS_MAX + 1);
    }
}
