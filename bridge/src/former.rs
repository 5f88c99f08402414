//! Names that the settings no longer have. What a broker retains under them is taken away at the next start, so that `discovery = false`,
//! another prefix or another base topic leaves no dead device in Home Assistant.
//!
//! The names of earlier starts are kept on disk until the broker has acknowledged that theirs are gone. Only what this bridge itself has
//! published is named: another bridge may have taken the old names over.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::MeterId;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::{
    config::settings::{External, Mqtt, Settings},
    hub::Kept,
    mqtt::{brief, trouble::Trouble},
    store::{
        checked,
        whole::{NOT_KEPT, Outlives, write_whole},
    },
    words::{journal, language::Words, topics::Topics},
};

const GONE: Words = Words::new(
    "the settings have other names for topics now: {} that were retained under the old ones are gone from {}",
    "les réglages ont maintenant d'autres noms de topics : {} qui étaient retenus sous les anciens ont disparu de {}",
);

/// In the state directory.
const FILE: &str = "names.state";
/// A broker that is away is tried again after this time.
const AGAIN: Duration = Duration::from_secs(10);

/// What the names of all retained topics follow from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Names {
    base: String,
    prefix: String,
    discovery: bool,
}

/// The meters that an earlier process knew.
#[derive(Debug, Default)]
struct Meters {
    all: BTreeSet<MeterId>,
    /// Those whose energy is kept on disk too: the broker's copy is never the last one.
    with_ledger: BTreeSet<MeterId>,
}

/// Looks for former names, and takes what is left of them away as soon as the broker is there.
pub fn start(settings: &Settings, kept: &Kept, state_directory: &Path) {
    let path = state_directory.join(FILE);
    let current = Names::of(settings);
    let noted = checked::read::<Names>(&path).records;
    let former: Vec<_> = noted.iter().filter(|names| **names != current).cloned().collect();
    let known: Vec<_> = former.iter().chain([&current]).cloned().collect();
    if known != noted
        && let Err(error) = note(&path, &known)
    {
        warn!("{}", journal::say(NOT_KEPT, &[&path.display(), &error]));
        return;
    }
    if let Mqtt::External(broker) = &settings.mqtt
        && !former.is_empty()
    {
        let topics = left(&former, &current, &Meters::of(kept));
        tokio::spawn(take_away(broker.clone(), topics, path, current));
    }
}

async fn take_away(broker: External, topics: BTreeSet<String>, path: PathBuf, current: Names) {
    while let Err(trouble) = clear(&broker, &topics).await {
        tracing::debug!("{}", trouble.message);
        sleep(AGAIN).await;
    }
    info!("{}", journal::say(GONE, &[&topics.len(), &broker.url]));
    let written = tokio::task::spawn_blocking(move || note(&path, &[current])).await;
    if let Ok(Err(error)) = written {
        warn!("{}", journal::say(NOT_KEPT, &[&FILE, &error]));
    }
}

async fn clear(broker: &External, topics: &BTreeSet<String>) -> Result<(), Trouble> {
    let language = journal::language();
    let (client, mut connection) = brief::connect(broker, "names", language).await?;
    let cleared = brief::clear(&client, &mut connection, topics).await;
    cleared.map_err(|error| Trouble::new(&error, broker, language))
}

fn note(path: &Path, names: &[Names]) -> io::Result<()> {
    write_whole(path, &checked::text(names)?, Outlives::PowerCut)
}

/// What is retained under former names, and is not under those of now.
fn left(former: &[Names], current: &Names, meters: &Meters) -> BTreeSet<String> {
    let theirs = former.iter().flat_map(|names| names.retained(meters));
    let ours = current.retained(meters);
    theirs.filter(|topic| !ours.contains(topic)).collect()
}

impl Names {
    fn of(settings: &Settings) -> Self {
        let topics = &settings.topics;
        Self { base: topics.base().to_owned(), prefix: topics.prefix().to_owned(), discovery: settings.homeassistant.discovery }
    }

    /// All that a bridge of these names retains.
    fn retained(&self, meters: &Meters) -> BTreeSet<String> {
        let topics = Topics::new(&self.base, &self.prefix);
        let mut all = BTreeSet::from([topics.bridge_state(), topics.bridge_quality()]);
        for meter in &meters.all {
            all.extend([topics.availability(meter), topics.quality(meter), topics.prices(meter)]);
        }
        all.extend(meters.with_ledger.iter().map(|meter| topics.ledger(meter)));
        if self.discovery {
            all.insert(topics.bridge_discovery());
            all.extend(meters.all.iter().map(|meter| topics.discovery(meter)));
        }
        all
    }
}

impl Meters {
    fn of(kept: &Kept) -> Self {
        let all = kept.memories.keys().chain(kept.positions.keys()).chain(kept.ledgers.keys());
        Self { all: all.copied().collect(), with_ledger: kept.ledgers.keys().copied().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const METER: &str = "021861000001";

    fn names(base: &str, prefix: &str, discovery: bool) -> Names {
        Names { base: base.into(), prefix: prefix.into(), discovery }
    }

    fn left_of(former: &Names, current: &Names) -> Vec<String> {
        let meter: MeterId = METER.parse().unwrap();
        let meters = Meters { all: [meter].into(), with_ledger: [meter].into() };
        left(std::slice::from_ref(former), current, &meters).into_iter().collect()
    }

    #[test]
    fn each_change_of_a_name_leaves_what_only_the_old_one_had() {
        let usual = names("teleinfo", "homeassistant", true);
        assert!(left_of(&usual, &usual).is_empty());
        let devices = ["homeassistant/device/teleinfo_021861000001/config", "homeassistant/device/teleinfo_bridge_teleinfo/config"];
        assert_eq!(left_of(&usual, &names("teleinfo", "homeassistant", false)), devices);
        assert_eq!(left_of(&usual, &names("teleinfo", "ha", true)), devices);
        let values = ["availability", "ledger", "prices", "quality"].map(|topic| format!("teleinfo/{METER}/{topic}"));
        let bridge = ["teleinfo/bridge/quality", "teleinfo/bridge/state"].map(str::to_owned);
        // A meter's device has no base topic in its name: it is announced again in its place.
        let wanted = [vec![devices[1].to_owned()], values.to_vec(), bridge.to_vec()].concat();
        assert_eq!(left_of(&usual, &names("maison", "homeassistant", true)), wanted);
        assert_eq!(left_of(&names("teleinfo", "homeassistant", false), &usual), [""; 0]);
    }

    #[test]
    fn the_last_copy_of_a_ledger_is_not_taken_away() {
        let meters = Meters { all: [METER.parse().unwrap()].into(), ..Meters::default() };
        let topics = left(&[names("teleinfo", "homeassistant", true)], &names("maison", "homeassistant", true), &meters);
        assert!(!topics.iter().any(|topic| topic.ends_with("/ledger")), "{topics:?}");
    }
}
