//! `forget METER`, `forget all`: what the broker keeps of a meter, or of everything, goes, and so do the files of the bridge; then the devices
//! are gone from Home Assistant too.
//!
//! The bridge must be stopped meanwhile: it would publish again what it still knows. A meter that still speaks comes back when it starts.
//! A broker that is away, or keeps what it was told to let go, ends the command within half a minute; then it says what stays there, and
//! which command of Mosquitto takes that away without this program (`by_hand`).

mod by_hand;

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
    forget::by_hand::by_hand,
    mqtt::{brief, trouble::Trouble},
    store::{
        forget::{forget, meters},
        positions,
    },
    words::{
        journal,
        language::Words,
        scope::Scope,
        topics::{ONLINE, Topics},
    },
};

/// The state directory of the unit, where systemd has not named one.
const STATE_DIRECTORY: &str = "/var/lib/teleinfo-bridge";
/// A broker that keeps something tells of it within this time, and of the next one within this time again.
const ASK: Duration = Duration::from_secs(5);
/// After our own test message has come back, some brokers still send.
const REST: Duration = Duration::from_millis(500);
/// All of it with the broker. Whoever removes the package waits so long at most.
const LIMIT: Duration = Duration::from_secs(30);

const TOPICS_GONE: Words = Words::new("{} retained topics are gone from {}", "{} topics retenus ont disparu de {}");
const FILES_GONE: Words = Words::new("{} files are gone from {}", "{} fichiers ont disparu de {}");
const NO_DIRECTORY: Words = Words::new("there is no {}", "{} n'existe pas");
const NOT_REMOVED: Words =
    Words::new("{}: {}; as root: sudo teleinfo-bridge forget ...", "{} : {} ; en root : sudo teleinfo-bridge forget ...");
const IS_RUNNING: Words = Words::new(
    "the bridge is running and would publish it again: sudo systemctl stop teleinfo-bridge, then this once more; if it is stopped, and the broker \
     was cut off before it heard of that: with --stopped",
    "la passerelle tourne et le publierait de nouveau : sudo systemctl stop teleinfo-bridge, puis la même commande ; si elle est arrêtée, et que le \
     broker a été coupé avant de l'apprendre : avec --stopped",
);
const TELLS_NOTHING: Words = Words::new(
    "the MQTT broker at {} accepts the connection, and then tells nothing; check what this user may read",
    "le broker MQTT à l'adresse {} accepte la connexion, puis ne dit rien ; vérifier ce que cet utilisateur peut lire",
);
const KEEPS: Words = Words::new(
    "the MQTT broker at {} keeps {} topics that it was told to forget; check what this user may write",
    "le broker MQTT à l'adresse {} garde {} topics qu'il devait oublier ; vérifier ce que cet utilisateur peut écrire",
);
const STAYS: Words = Words::new(
    "{}. As long as that lasts the broker keeps what it has, and Home Assistant shows it; afterwards this takes it away, without teleinfo-bridge too: {}",
    "{}. Tant que cela dure, le broker garde ce qu'il a, et Home Assistant le montre ; ensuite, ceci le retire, aussi sans teleinfo-bridge : {}",
);

/// Forgets, and says what it did on standard output. `is_stopped`: whatever the broker says, the bridge does not run.
///
/// # Errors
/// The broker cannot be asked, the bridge is running, or a file cannot be removed.
pub async fn run(settings: &Settings, what: Scope, is_stopped: bool) -> Result<(), Failure> {
    let directory = positions::directory("STATE_DIRECTORY").unwrap_or_else(|| PathBuf::from(STATE_DIRECTORY));
    if let Mqtt::External(broker) = &settings.mqtt {
        let done = timeout(LIMIT, forget_topics(broker, &settings.topics, what, is_stopped)).await;
        let topics = done.unwrap_or(Err(Hindrance::Broker(trouble(&ConnectionError::NetworkTimeout, broker))));
        let topics = topics.map_err(|hindrance| hindrance.explain(broker, &settings.topics, what, &directory))?;
        say(TOPICS_GONE, &[&topics, &broker.url]);
    }
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

/// Why the broker still keeps what it was to forget.
enum Hindrance {
    /// The bridge runs, or the broker believes so.
    Running,
    /// Something is wrong with the broker, or with the way to it.
    Broker(String),
}

impl Hindrance {
    fn explain(self, broker: &External, topics: &Topics, what: Scope, directory: &Path) -> Failure {
        let text = match self {
            Self::Running => IS_RUNNING.get(journal::language()).to_owned(),
            Self::Broker(trouble) => {
                let meters = what.meter().map_or_else(|| meters(directory), |meter| BTreeSet::from([meter]));
                journal::say(STAYS, &[&trouble, &by_hand(broker, topics, what, &meters)]).to_string()
            }
        };
        Failure::new(ExitCode::Unavailable, text)
    }
}

fn trouble(error: &ConnectionError, broker: &External) -> String {
    Trouble::new(error, broker, journal::language()).message
}

async fn forget_topics(broker: &External, topics: &Topics, what: Scope, is_stopped: bool) -> Result<usize, Hindrance> {
    let cut = |error: ConnectionError| Hindrance::Broker(trouble(&error, broker));
    let connected = brief::connect(broker, "forget", journal::language()).await;
    let (client, mut connection) = connected.map_err(|trouble| Hindrance::Broker(trouble.message))?;
    let kept = kept(&client, &mut connection, topics, what).await.map_err(cut)?;
    if kept.is_running && !is_stopped {
        return Err(Hindrance::Running);
    }
    if kept.topics.is_empty() && !kept.has_answered {
        return Err(Hindrance::Broker(journal::say(TELLS_NOTHING, &[&broker.url]).to_string()));
    }
    brief::clear(&client, &mut connection, &kept.topics).await.map_err(cut)?;
    match self::kept(&client, &mut connection, topics, what).await.map_err(cut)?.topics.len() {
        0 => Ok(kept.topics.len()),
        // A broker confirms also what it does not allow.
        left => Err(Hindrance::Broker(journal::say(KEEPS, &[&broker.url, &left]).to_string())),
    }
}

/// What the broker tells when it is asked.
#[derive(Default)]
struct Kept {
    /// The topics that it keeps of what is to be forgotten.
    topics: BTreeSet<String>,
    /// Whether it says that the bridge runs.
    is_running: bool,
    /// Whether our own message came back.
    has_answered: bool,
}

async fn kept(client: &AsyncClient, connection: &mut EventLoop, topics: &Topics, what: Scope) -> Result<Kept, ConnectionError> {
    for filter in [topics.bridge_state(), topics.everything_of(what.meter()), topics.discoveries(), topics.doctor()] {
        let _ = client.subscribe(filter, QoS::AtLeastOnce).await;
    }
    let _ = client.publish(topics.doctor(), QoS::AtLeastOnce, false, "").await;
    let (mut kept, mut wait) = (Kept::default(), ASK);
    while let Ok(event) = timeout(wait, connection.poll()).await {
        let Event::Incoming(Packet::Publish(message)) = event? else { continue };
        if message.topic == topics.doctor() {
            (kept.has_answered, wait) = (true, REST);
        }
        kept.is_running |= message.topic == topics.bridge_state() && message.payload == ONLINE.as_bytes();
        if message.retain && topics.owner(&message.topic).is_some_and(|owner| what.covers(owner)) {
            kept.topics.insert(message.topic);
        }
    }
    Ok(kept)
}
