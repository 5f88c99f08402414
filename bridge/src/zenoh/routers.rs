//! Whether the Zenoh routers are there that this bridge is a guest of: it is connected to each that `zenoh.connect` names, and hears the readers of
//! each. The absence of one is said once, and so is its return.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

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
    "no Zenoh router at {}, or it refuses this bridge, so its readers are not heard; {} of {} are connected: check zenoh.connect, zenoh.user and \
     zenoh.password-file; trying again until it works",
    "aucun routeur Zenoh à l'adresse {}, ou il refuse cette passerelle, donc ses lecteurs ne sont pas entendus ; {} sur {} sont reliés : vérifier \
     zenoh.connect, zenoh.user et zenoh.password-file ; nouvel essai jusqu'à ce que cela marche",
);

/// Time that a connection to a router may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Which of them are there.
#[derive(Debug)]
pub struct RouterWatch {
    locators: Vec<String>,
    /// Those that are away, by their places in the list, as it was said last.
    said: BTreeSet<usize>,
    /// Since when others are away than was said last: a router that is not connected yet is no news.
    changed: Option<Instant>,
}

impl RouterWatch {
    /// `None` for a bridge that is a router itself.
    #[must_use]
    pub fn new(zenoh: &Zenoh) -> Option<Self> {
        let locators: Vec<String> = zenoh.connect.iter().map(ToString::to_string).collect();
        (zenoh.mode == ZenohMode::Client).then_some(Self { locators, said: BTreeSet::new(), changed: None })
    }

    /// What is to be said, now that these are connected, by their places in the list.
    pub fn poll_change(&mut self, connected: &BTreeSet<usize>, now: Instant) -> Option<(Level, String)> {
        let away: BTreeSet<usize> = (0..self.locators.len()).filter(|place| !connected.contains(place)).collect();
        if away == self.said {
            self.changed = None;
            return None;
        }
        let since = *self.changed.get_or_insert(now);
        let is_worse = !away.is_subset(&self.said);
        if is_worse && now < since + PATIENCE {
            return None;
        }
        (self.said, self.changed) = (away, None);
        Some(self.words())
    }

    fn words(&self) -> (Level, String) {
        let (all, away) = (self.locators.len(), self.said.len());
        let locators = |is_away: bool| {
            let places = (0..all).filter(|place| self.said.contains(place) == is_away);
            places.map(|place| self.locators[place].as_str()).collect::<Vec<_>>().join(", ")
        };
        let (level, sentence) = match away {
            0 if all == 1 => (Level::INFO, journal::say(CONNECTED, &[&locators(false)])),
            0 => (Level::INFO, journal::say(ALL, &[&all, &locators(false)])),
            _ if away == all => (Level::WARN, journal::say(NO_ROUTER, &[&locators(true)])),
            _ => (Level::WARN, journal::say(SOME, &[&locators(true), &(all - away), &all])),
        };
        (level, sentence.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(locators: &[&str]) -> (RouterWatch, Instant) {
        let locators = locators.iter().map(|locator| (*locator).to_owned()).collect();
        (RouterWatch { locators, said: BTreeSet::new(), changed: None }, Instant::now())
    }

    /// What is said of these connections, each of which lasts for four looks of a second each.
    fn said((mut watch, start): (RouterWatch, Instant), connected: &[&[usize]]) -> Vec<String> {
        let seconds = connected.iter().flat_map(|connected| [connected; 4]).zip(0..);
        seconds
            .filter_map(|(connected, second)| watch.poll_change(&connected.iter().copied().collect(), start + Duration::from_secs(second)))
            .map(|(_, text)| text)
            .collect()
    }

    #[test]
    fn a_router_that_goes_and_comes_is_named_once_each() {
        assert_eq!(said(watch(&["a"]), &[&[0], &[0]]), [""; 0]);
        let lines = said(watch(&["a"]), &[&[], &[], &[0]]);
        assert!(
            lines.len() == 2 && lines[0].starts_with("no Zenoh router at a,") && lines[1] == "connected to the Zenoh router at a",
            "{lines:?}"
        );
        let lines = said(watch(&["a", "b", "c"]), &[&[0, 1, 2], &[0, 2], &[0, 2], &[1, 2], &[], &[1], &[0, 1, 2]]);
        let begins = [
            "no Zenoh router at b, or it",
            "no Zenoh router at a, or it",
            "no Zenoh router at a, b, c, or it",
            "no Zenoh router at a, c, or it refuses this bridge, so its readers are not heard; 1 of 3 are connected",
            "connected to all 3 Zenoh routers: a, b, c",
        ];
        assert!(lines.len() == begins.len() && lines.iter().zip(begins).all(|(line, begin)| line.starts_with(begin)), "{lines:?}");
    }

    #[test]
    fn a_moment_is_no_news() {
        let (mut watch, start) = watch(&["a", "b"]);
        for (connected, ms) in
            [(vec![1], 0), (vec![1], 2_900), (vec![0, 1], 3_000), (vec![1], 3_100), (vec![1], 5_000), (vec![0, 1], 5_500)]
        {
            assert_eq!(watch.poll_change(&connected.into_iter().collect(), start + Duration::from_millis(ms)), None);
        }
    }
}
