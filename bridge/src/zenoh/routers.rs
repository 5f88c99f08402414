//! Whether the Zenoh routers are there that this bridge is a guest of: it is connected to each that `zenoh.connect` names, and hears the readers of
//! each. The absence of one is said once, and so is its return.

use std::time::{Duration, Instant};

use tracing::Level;

use crate::{
    config::{file::ZenohMode, settings::Zenoh},
    words::{journal, language::Words},
};

const CONNECTED: Words = Words::new("connected to the Zenoh router at {}", "reliée au routeur Zenoh à l'adresse {}");
const ALL: Words = Words::new("connected to all {} Zenoh routers: {}", "reliée aux {} routeurs Zenoh : {}");
const NO_ROUTER: Words = Words::new(
    "no Zenoh router at {}, or it refuses this bridge: check zenoh.connect, zenoh.user and zenoh.password-file; trying again until it works",
    "aucun routeur Zenoh à l'adresse {}, ou il refuse cette passerelle : vérifier zenoh.connect, zenoh.user et zenoh.password-file ; nouvel essai \
     jusqu'à ce que cela marche",
);
const SOME: Words = Words::new(
    "only {} of {} Zenoh routers are connected, so no reader of the others is heard: {}; trying again until it works",
    "seuls {} routeurs Zenoh sur {} sont reliés, donc aucun lecteur des autres n'est entendu : {} ; nouvel essai jusqu'à ce que cela marche",
);

/// Time that a connection to a router may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many of them are there.
#[derive(Debug)]
pub struct RouterWatch {
    locators: Vec<String>,
    said: usize,
    /// Since when fewer are there than was said last: a router that is not connected yet is no news.
    missing: Option<Instant>,
}

impl RouterWatch {
    /// `None` for a bridge that is a router itself.
    #[must_use]
    pub fn new(zenoh: &Zenoh) -> Option<Self> {
        let locators: Vec<String> = zenoh.connect.iter().map(ToString::to_string).collect();
        (zenoh.mode == ZenohMode::Client).then_some(Self { said: locators.len(), locators, missing: None })
    }

    /// What is to be said, now that so many are connected.
    pub fn poll_change(&mut self, connected: usize, now: Instant) -> Option<(Level, String)> {
        let all = self.locators.len();
        let connected = connected.min(all);
        if connected >= self.said {
            self.missing = None;
        }
        let since = *self.missing.get_or_insert(now);
        if connected == self.said || (connected < self.said && now < since + PATIENCE) {
            return None;
        }
        (self.said, self.missing) = (connected, None);
        Some(self.words(connected, all))
    }

    fn words(&self, connected: usize, all: usize) -> (Level, String) {
        let locators = self.locators.join(", ");
        let (level, sentence) = match connected {
            0 => (Level::WARN, journal::say(NO_ROUTER, &[&locators])),
            _ if connected < all => (Level::WARN, journal::say(SOME, &[&connected, &all, &locators])),
            1 => (Level::INFO, journal::say(CONNECTED, &[&locators])),
            _ => (Level::INFO, journal::say(ALL, &[&all, &locators])),
        };
        (level, sentence.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(locators: &[&str]) -> RouterWatch {
        let locators: Vec<String> = locators.iter().map(ToString::to_string).collect();
        RouterWatch { said: locators.len(), locators, missing: None }
    }

    /// Said when so many are connected, for ten seconds each.
    fn said(mut watch: RouterWatch, connected: &[usize]) -> Vec<String> {
        let start = Instant::now();
        let seconds = connected.iter().flat_map(|connected| [*connected; 10]).zip(0..);
        seconds
            .filter_map(|(connected, second)| watch.poll_change(connected, start + Duration::from_secs(second)))
            .map(|(_, text)| text)
            .collect()
    }

    #[test]
    fn a_router_that_goes_and_comes_is_said_once_each() {
        assert_eq!(said(watch(&["a"]), &[1, 1]), [""; 0]);
        let lines = said(watch(&["a"]), &[0, 0, 1]);
        assert!(
            lines.len() == 2 && lines[0].starts_with("no Zenoh router at a") && lines[1] == "connected to the Zenoh router at a",
            "{lines:?}"
        );
        let lines = said(watch(&["a", "b", "c"]), &[3, 2, 2, 0, 1, 3]);
        let begins = ["only 2 of 3", "no Zenoh router at a, b, c", "only 1 of 3", "connected to all 3 Zenoh routers: a, b, c"];
        assert!(lines.len() == 4 && lines.iter().zip(begins).all(|(line, begin)| line.starts_with(begin)), "{lines:?}");
    }

    #[test]
    fn a_moment_is_no_news() {
        let (mut watch, start) = (watch(&["a", "b"]), Instant::now());
        for (connected, ms) in [(1, 0), (1, 2_900), (2, 3_000), (1, 3_100), (1, 5_000), (2, 5_500)] {
            assert_eq!(watch.poll_change(connected, start + Duration::from_millis(ms)), None);
        }
    }
}
