//! `forget METER`, `forget all`: what the broker keeps of a meter, or of everything, goes, and so do the files of the bridge; then the devices
//! are gone from Home Assistant too.
//!
//! The bridge must be stopped meanwhile: it would publish again what it still knows. A meter that still speaks comes back when it starts.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

use rumqttc::{AsyncClient, Event, EventLoop, Packet, QoS};
use tokio::time::timeout;

use crate::{
    config::settings::{External, Mqtt, Settings},
    daemon::exit::{ExitCode, Failure},
    mqtt::{brief, trouble::Trouble},
    store::{forget::forget, positions},
    words::{
        language::Language,
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

/// Forgets, and says what it did on standard output.
///
/// # Errors
/// The broker cannot be asked, the bridge is running, or a file cannot be removed.
pub async fn run(settings: &Settings, what: Scope) -> Result<(), Failure> {
    if let Mqtt::External(broker) = &settings.mqtt {
        let topics = forget_topics(broker, &settings.topics, what).await?;
        say(&format!("{topics} retained topics are gone from {}", broker.url));
    }
    let directory = positions::directory("STATE_DIRECTORY").unwrap_or_else(|| PathBuf::from(STATE_DIRECTORY));
    match forget(&directory, what.meter()) {
        Ok(files) => say(&format!("{files} files are gone from {}", directory.display())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => say(&format!("there is no {}", directory.display())),
        Err(error) => {
            let text = format!("{}: {error}; as root: sudo teleinfo-bridge forget ...", directory.display());
            return Err(Failure::new(ExitCode::Permission, text));
        }
    }
    Ok(())
}

fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

async fn forget_topics(broker: &External, topics: &Topics, what: Scope) -> Result<usize, Failure> {
    let unavailable = |trouble: Trouble| Failure::new(ExitCode::Unavailable, trouble.message);
    let (client, mut connection) = brief::connect(broker, "forget", Language::English).await.map_err(unavailable)?;
    let kept =
        kept(&client, &mut connection, topics, what).await.map_err(|error| unavailable(Trouble::new(&error, broker, Language::English)))?;
    let Some(kept) = kept else {
        let text = "the bridge is running and would publish it again: sudo systemctl stop teleinfo-bridge, then this once more";
        return Err(Failure::new(ExitCode::Unavailable, text));
    };
    clear(&client, &mut connection, &kept).await.map_err(|error| unavailable(Trouble::new(&error, broker, Language::English)))?;
    Ok(kept.len())
}

/// The topics that the broker keeps of it. `None`: the bridge is running.
async fn kept(
    client: &AsyncClient,
    connection: &mut EventLoop,
    topics: &Topics,
    what: Scope,
) -> Result<Option<BTreeSet<String>>, rumqttc::ConnectionError> {
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

/// An empty retained message deletes what is kept. Ends once the broker has taken all of them.
async fn clear(client: &AsyncClient, connection: &mut EventLoop, kept: &BTreeSet<String>) -> Result<(), rumqttc::ConnectionError> {
    let send = async {
        for topic in kept {
            let _ = client.publish(topic, QoS::AtLeastOnce, true, "").await;
        }
    };
    let acknowledged = async {
        let mut missing = kept.len();
        while missing > 0 {
            missing -= usize::from(matches!(connection.poll().await?, Event::Incoming(Packet::PubAck(_))));
        }
        Ok(())
    };
    tokio::join!(send, acknowledged).1
}
