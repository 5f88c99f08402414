//! Which reading a client is told, and when: fresh at once; else the next one, if it is soon due; else the newest that is not too old.
//!
//! A client that asks more often than the meter measures would else add one deviation twice, and its battery would swing. Waiting costs
//! nothing where clients ask more rarely.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use crate::grid_meter::{reading::Reading, sum::Total};

/// A value older than this is not told to anybody.
pub const OLDEST: Duration = Duration::from_secs(5);
/// The longest wait for a fresher value: the most impatient known client (SmartEVSE) gives up after 1.5 s.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// The next value may come so much after the length of a frame.
const LATE: Duration = Duration::from_millis(300);
/// Clients that are remembered.
const CLIENTS: usize = 32;

/// What may be told to anybody now.
#[must_use]
pub fn fresh(newest: Option<&Total>, now: Instant) -> Option<&Total> {
    newest.filter(|total| total.reading.age(now) <= OLDEST)
}

/// What to do for a client that asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Tell it the newest reading.
    Tell,
    /// Ask again when there is a newer one, or at this time.
    Wait(Instant),
    /// There is no value: an error of the protocol.
    Refuse,
}

/// What each client was told last.
#[derive(Debug, Default)]
pub struct Clients {
    /// Who, when it asked, and when what it was told was measured; the one that asked last is at the end.
    told: Vec<(IpAddr, Instant)>,
}

impl Clients {
    /// The next step for a client that asked at `asked`.
    pub fn poll_answer(&mut self, client: IpAddr, newest: Option<&Reading>, asked: Instant, now: Instant) -> Step {
        let Some(newest) = newest.filter(|reading| reading.age(now) <= OLDEST) else { return Step::Refuse };
        let until = (newest.measured + newest.frame + LATE).min(asked + WAIT_MAX);
        if self.was_told(client, newest.measured) && now < until {
            return Step::Wait(until);
        }
        self.handle_told(client, newest.measured);
        Step::Tell
    }

    fn was_told(&self, client: IpAddr, measured: Instant) -> bool {
        self.told.contains(&(client, measured))
    }

    fn handle_told(&mut self, client: IpAddr, measured: Instant) {
        self.told.retain(|(other, _)| *other != client);
        if self.told.len() == CLIENTS {
            self.told.remove(0);
        }
        self.told.push((client, measured));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn reading(measured: Instant) -> Reading {
        Reading { power: 0.0, phases: Vec::new(), drawn: None, injected: None, measured, frame: Duration::from_secs(1) }
    }

    #[test]
    fn a_value_is_told_twice_only_when_no_other_comes() {
        let (mut clients, start) = (Clients::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        let newest = reading(start);
        assert_eq!(clients.poll_answer(CLIENT, Some(&newest), at(100), at(100)), Step::Tell);
        assert_eq!(clients.poll_answer(CLIENT, Some(&newest), at(500), at(500)), Step::Wait(at(1_300)));
        assert_eq!(clients.poll_answer(CLIENT, Some(&newest), at(500), at(1_300)), Step::Tell, "the frame was lost");
        assert_eq!(clients.poll_answer(CLIENT, Some(&reading(at(1_400))), at(1_400), at(1_400)), Step::Tell, "a fresh one, at once");
        let slow = Reading { frame: Duration::from_secs(3), ..reading(at(2_000)) };
        assert_eq!(clients.poll_answer(CLIENT, Some(&slow), at(2_000), at(2_000)), Step::Tell);
        assert_eq!(clients.poll_answer(CLIENT, Some(&slow), at(2_100), at(2_100)), Step::Wait(at(3_100)), "never a longer wait");
    }

    #[test]
    fn nobody_is_told_an_old_value() {
        let (mut clients, start) = (Clients::default(), Instant::now());
        let now = |ms| start + Duration::from_millis(ms);
        assert_eq!(clients.poll_answer(CLIENT, None, start, start), Step::Refuse);
        assert_eq!(clients.poll_answer(CLIENT, Some(&reading(start)), now(5_000), now(5_000)), Step::Tell);
        assert_eq!(clients.poll_answer(CLIENT, Some(&reading(start)), now(5_001), now(5_001)), Step::Refuse);
    }

    #[test]
    fn each_client_is_told_by_itself() {
        let (mut clients, start) = (Clients::default(), Instant::now());
        let newest = reading(start);
        for last in 1..=100 {
            assert_eq!(clients.poll_answer([10, 0, 0, last].into(), Some(&newest), start, start), Step::Tell);
        }
        assert_eq!(clients.told.len(), CLIENTS);
    }
}
