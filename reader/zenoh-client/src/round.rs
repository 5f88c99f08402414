//! One round of connecting: every locator once, and every address of each, until one of them has a session that stands.

use std::time::Instant;

use mio::Registry;

use crate::attempts::{AttemptEvent, Attempts};
use crate::backoff::RoundEnd;
use crate::error::{Error, Failures};
use crate::locator::Locator;

/// The locators, the attempts to reach them, and what has failed so far in this round.
#[derive(Debug)]
pub(crate) struct Round {
    locators: Vec<Locator>,
    attempts: Attempts,
    /// The locator that is tried first: the one whose session stood last, unless that fell silent.
    preferred: usize,
    /// By the number of the locator.
    failures: Vec<(usize, Error)>,
}

impl Round {
    pub(crate) fn new(locators: Vec<Locator>, first_token: usize, now: Instant) -> Self {
        Self { locators, attempts: Attempts::new(first_token, now), preferred: 0, failures: Vec::new() }
    }

    pub(crate) fn has_locators(&self) -> bool {
        !self.locators.is_empty()
    }

    /// Takes other locators; none when they are no longer true.
    pub(crate) fn set_locators(&mut self, locators: Vec<Locator>) {
        self.locators = locators;
        self.preferred = 0;
    }

    /// Begins anew, with the preferred locator.
    pub(crate) fn begin(&mut self, now: Instant) {
        let (count, preferred) = (self.locators.len(), self.preferred);
        self.failures.clear();
        self.attempts.begin((0..count).map(|index| (preferred + index) % count), now);
    }

    pub(crate) fn poll(&mut self, registry: &Registry, now: Instant) -> Option<AttemptEvent> {
        self.attempts.poll(registry, &self.locators, now)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.attempts.poll_timeout()
    }

    /// A session with this locator stands.
    pub(crate) fn handle_success(&mut self, locator: usize) -> Locator {
        self.preferred = locator;
        self.failures.clear();
        self.locators[locator].clone()
    }

    /// The session with this locator stood and fell silent. Its router may hang, and then takes connections all the same without an answer: it is
    /// tried after all others.
    pub(crate) fn handle_silence(&mut self, locator: usize) {
        self.preferred = (locator + 1) % self.locators.len().max(1);
    }

    /// The locator with this number.
    pub(crate) fn locator(&self, number: usize) -> &Locator {
        &self.locators[number]
    }

    /// This locator has failed. A name with several addresses that all fail alike is one failure.
    pub(crate) fn handle_failure(&mut self, locator: usize, error: Error) {
        log::debug!("{}: {error}", self.locators[locator]);
        let failure = (locator, error);
        if !self.failures.contains(&failure) {
            self.failures.push(failure);
        }
    }

    /// What has failed, in the order of the locators and not in that of time: the same trouble gives the same list.
    pub(crate) fn end(&mut self) -> (Failures, RoundEnd) {
        self.failures.sort_by_cached_key(|(locator, error)| (*locator, error.to_string()));
        let refused = self.failures.iter().any(|(_, error)| error.is_refusal());
        let failures = self.failures.drain(..).map(|(locator, error)| (self.locators[locator].clone(), error)).collect();
        (Failures::new(failures), if refused { RoundEnd::Refused } else { RoundEnd::Unanswered })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round() -> Round {
        let locators = ["tcp/10.0.0.1:7447", "tcp/10.0.0.2:7447"].map(|locator| locator.parse().unwrap());
        Round::new(locators.into(), 0, Instant::now())
    }

    #[test]
    fn failures_are_told_in_the_order_of_the_locators_and_each_once() {
        let mut round = round();
        for locator in [1, 0, 1] {
            round.handle_failure(locator, Error::Ended);
        }
        let (failures, end) = round.end();
        let ports: Vec<_> = failures.iter().map(|(locator, _)| locator.to_string()).collect();
        assert_eq!(ports, ["tcp/10.0.0.1:7447", "tcp/10.0.0.2:7447"]);
        assert_eq!(end, RoundEnd::Unanswered);
    }

    #[test]
    fn a_router_that_fell_silent_is_tried_last() {
        let mut round = round();
        round.handle_success(0);
        assert_eq!(round.preferred, 0);
        round.handle_silence(0);
        assert_eq!(round.preferred, 1);
        round.handle_silence(1);
        assert_eq!(round.preferred, 0);
    }

    #[test]
    fn one_refusal_makes_it_a_refused_round() {
        let mut round = round();
        round.handle_failure(0, Error::Ended);
        round.handle_failure(1, Error::PasswordRefused);
        assert_eq!(round.end().1, RoundEnd::Refused);
        assert_eq!(round.end().1, RoundEnd::Unanswered, "the next round begins without failures");
    }
}
