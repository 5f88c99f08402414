//! `forget METER`, `forget all`: what the broker keeps of a meter, or of everything, goes, and so do the files of the bridge; then the devices
//! are gone from Home Assistant too.
//!
//! The bridge must be stopped meanwhile: it would publish again what it still knows. A meter that still speaks comes back when it starts.

use std::{
    collections::BTreeSet,
    fmt::Display,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, Packet, QoS};
use teleinfo_proto::tic::MeterId;
use tokio::time::timeout;

use crate::{
    archive::{
        file::{DAMAGED, File},
        keeper::FILE_NAME,
    },
    config::settings::{External, Mqtt, Settings},
    daemon::exit::{ExitCode, Failure},
    mqtt::{brief, trouble::Trouble},
    store::{forget::forget, positions},
    words::{
        journal,
        language::Words,
        scope::Scope,
        topics::{ONLINE, Topics},
    },
};

/// The state directory of the unit, where systemd has not named one.
const STATE_DIRECTORY: &str = "/var/lib/teleinfo-bridge";
/// The broker tells what it keeps within this time.
const ASK: Duration = Duration::from_secs(10);
/// After our own test message has come back, some brokers still send.
const REST: Duration = Duration::from_millis(500);

const TOPICS_GONE: Words = Words::new("{} retained topics are gone from {}", "{} topics retenus ont disparu de {}");
const FILES_GONE: Words = Words::new("{} files are gone from {}", "{} fichiers ont disparu de {}");
const NO_DIRECTORY: Words = Words::new("there is no {}", "{} n'existe pas");
const NOT_REMOVED: Words =
    Words::new("{}: {}; as root: sudo teleinfo-bridge forget ...", "{} : {} ; en root : sudo teleinfo-bridge forget ...");
const IS_RUNNING: Words = Words::new(
    "the bridge is running and would publish it again: sudo systemctl stop teleinfo-bridge, then this once more",
    "la passerelle tourne et le publierait de nouveau : sudo systemctl stop teleinfo-bridge, puis la même commande",
);

/// Forgets, and says what it did on standard output.
///
/// # Errors
/// The broker cannot be asked, the bridge is running, or a file cannot be removed.
pub async fn run(settings: &Settings, what: Scope) -> Result<(), Failure> {
    if let Mqtt::External(broker) = &settings.mqtt {
        let topics = forget_topics(broker, &settings.topics, what).await?;
        say(TOPICS_GONE, &[&topics, &broker.url]);
    }
    let directory = positions::directory("STATE_DIRECTORY").unwrap_or_else(|| PathBuf::from(STATE_DIRECTORY));
    let files = forget(&directory, what.meter()).and_then(|files| Ok(files + forget_memory(&directory, what.meter())?));
    match files {
        Ok(files) => say(FILES_GONE, &[&files, &directory.display()]),
        Err(error) if error.kind() == io::ErrorKind::NotFound => say(NO_DIRECTORY, &[&directory.display()]),
        Err(error) => {
            let text = journal::say(NOT_REMOVED, &[&directory.display(), &error]);
            return Err(Failure::new(ExitCode::Permission, text.as_str()));
        }
    }
    Ok(())
}

/// What the memory of the page has of a meter, or the memory. Returns how many files were removed or changed.
fn forget_memory(directory: &Path, meter: Option<MeterId>) -> io::Result<usize> {
    let path = directory.join(FILE_NAME);
    let there: Vec<PathBuf> = [path.with_extension(DAMAGED), path].into_iter().filter(|path| path.exists()).collect();
    match (meter, there.last()) {
        (None, _) => there.iter().try_for_each(fs::remove_file).map(|()| there.len()),
        (Some(meter), Some(path)) if path.ends_with(FILE_NAME) => {
            let forgotten = File::open(path).and_then(|(file, _)| file.forget(meter));
            forgotten.map(usize::from).map_err(io::Error::other)
        }
        _ => Ok(0),
    }
}

fn say(words: Words, values: &[&dyn Display]) {
    let _ = writeln!(io::stdout(), "{}", journal::say(words, values));
}

async fn forget_topics(broker: &External, topics: &Topics, what: Scope) -> Result<usize, Failure> {
    let language = journal::language();
    let unavailable = |trouble: Trouble| Failure::new(ExitCode::Unavailable, trouble.message);
    let cut = |error: ConnectionError| unavailable(Trouble::new(&error, broker, language));
    let (client, mut connection) = brief::connect(broker, "forget", language).await.map_err(unavailable)?;
    let Some(kept) = kept(&client, &mut connection, topics, what).await.map_err(cut)? else {
        return Err(Failure::new(ExitCode::Unavailable, IS_RUNNING.get(language)));
    };
    brief::clear(&client, &mut connection, &kept).await.map_err(cut)?;
    Ok(kept.len())
}

/// The topics that the broker keeps of it. `None`: the bridge is running.
async fn kept(
    client: &AsyncClient,
    connection: &mut EventLoop,
    topics: &Topics,
    what: Scope,
) -> Result<Option<BTreeSet<String>>, ConnectionError> {
    for filter in [topics.bridge_state(), topics.everything_of(what.meter()), topics.discoveries(), topics.doctor()] {
        let _ = client.subscribe(filter, QoS::AtLeastOnce).await;
    }
    let _ = client.publish(topics.doctor(), QoS::AtLeastOnce, false, "").await;
    let (mut kept, mut wait) = (BTreeSet::new(), ASK);
    while let Ok(event) = timeout(wait, connection.poll()).await {
        let Event::Incoming(Packet::Publish(message)) = event? else { continue };
        if message.topic == topics.doctor() {
            wait = REST;
        } else if message.topic == topics.bridge_state() && message.payload == ONLINE.as_bytes() {
            return Ok(None);
        } else if message.retain && topics.owner(&message.topic).is_some_and(|owner| what.covers(owner)) {
            kept.insert(message.topic);
        }
    }
    Ok(Some(kept))
}
