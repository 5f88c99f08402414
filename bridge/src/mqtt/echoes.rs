//! Whether the broker's access list lets us publish: of some topics the bridge hears its own messages, and misses them where it does not.
//!
//! A broker acknowledges a message that its access list refuses, and drops it in silence: MQTT 3.1.1 has no other answer. A subscription
//! that is refused is said so. No clock, no I/O.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// After its acknowledgement a message comes back within milliseconds, or never.
const ECHO: Duration = Duration::from_secs(10);

/// What the access list refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Denied {
    /// A subscription to this topic.
    Reading(String),
    /// What is published on this topic, or its way back.
    Writing(String),
}

/// The messages of one connection that are to come back.
#[derive(Debug, Default)]
pub(super) struct Echoes {
    /// The topics that are watched.
    watched: BTreeSet<String>,
    /// Subscriptions in the order of their packets, and those with a number.
    queued: Vec<String>,
    subscriptions: BTreeMap<u16, String>,
    /// Messages that have not come back, and until when they may.
    missing: BTreeMap<String, Instant>,
}

impl Echoes {
    /// These subscriptions will go out in this order; what is published on those of them that are watched comes back.
    pub(super) fn new(subscriptions: &[String], watched: &[String]) -> Self {
        let queued = subscriptions.iter().rev().cloned().collect();
        Self { watched: watched.iter().cloned().collect(), queued, ..Self::default() }
    }

    /// The next subscription went out under this number.
    pub(super) fn handle_subscribed(&mut self, packet: u16) {
        self.subscriptions.extend(self.queued.pop().map(|topic| (packet, topic)));
    }

    /// The broker answered a subscription. Returns what it refuses.
    pub(super) fn handle_subscription_answer(&mut self, packet: u16, is_taken: bool) -> Option<Denied> {
        let topic = self.subscriptions.remove(&packet).filter(|_| !is_taken)?;
        self.watched.remove(&topic);
        Some(Denied::Reading(topic))
    }

    /// The broker has acknowledged a message on this topic.
    pub(super) fn handle_acknowledged(&mut self, topic: &str, now: Instant) {
        // A message that came back before its acknowledgement is not looked for again.
        if self.watched.contains(topic) {
            self.missing.insert(topic.to_owned(), now + ECHO);
        }
    }

    /// A message on this topic came back: that is known from now on.
    pub(super) fn handle_echo(&mut self, topic: &str) {
        self.watched.remove(topic);
        self.missing.remove(topic);
    }

    /// What did not come back in time; each topic is told once.
    pub(super) fn poll_denied(&mut self, now: Instant) -> Option<Denied> {
        let topic = self.missing.iter().find(|(_, until)| **until <= now).map(|(topic, _)| topic.clone())?;
        self.handle_echo(&topic);
        Some(Denied::Writing(topic))
    }

    /// When [`Echoes::poll_denied`] may have something.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.missing.values().min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echoes() -> Echoes {
        let topics = ["a", "b"].map(str::to_owned);
        let mut echoes = Echoes::new(&topics, &topics);
        [1, 2].into_iter().for_each(|packet| echoes.handle_subscribed(packet));
        echoes
    }

    #[test]
    fn what_does_not_come_back_is_told_once() {
        let (mut echoes, now) = (echoes(), Instant::now());
        ["a", "b", "other"].into_iter().for_each(|topic| echoes.handle_acknowledged(topic, now));
        echoes.handle_echo("a");
        assert_eq!(echoes.poll_timeout(), Some(now + ECHO));
        assert_eq!(echoes.poll_denied(now + ECHO - Duration::from_millis(1)), None);
        assert_eq!(echoes.poll_denied(now + ECHO), Some(Denied::Writing("b".into())));
        echoes.handle_acknowledged("b", now + ECHO);
        assert_eq!((echoes.poll_denied(now + ECHO * 9), echoes.poll_timeout()), (None, None));
    }

    #[test]
    fn an_echo_may_come_before_the_acknowledgement() {
        let (mut echoes, now) = (echoes(), Instant::now());
        echoes.handle_echo("a");
        echoes.handle_acknowledged("a", now);
        assert_eq!(echoes.poll_timeout(), None);
    }

    #[test]
    fn a_refused_subscription_is_told_and_its_topic_not_waited_for() {
        let (mut echoes, now) = (echoes(), Instant::now());
        assert_eq!(echoes.handle_subscription_answer(1, true), None);
        assert_eq!(echoes.handle_subscription_answer(2, false), Some(Denied::Reading("b".into())));
        echoes.handle_acknowledged("b", now);
        assert_eq!(echoes.poll_timeout(), None);
        assert_eq!(echoes.handle_subscription_answer(2, false), None);
    }
}
