//! A short connection to the broker, under a name of its own so that the running bridge is not disturbed.

use std::{collections::BTreeSet, time::Duration};

use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, Packet, QoS};
use tokio::time::{sleep, timeout};

use crate::{
    config::settings::External,
    mqtt::{external, trouble::Trouble},
    words::language::Language,
};

/// Time for the broker to accept or refuse.
const CONNECT: Duration = Duration::from_secs(5);
/// How the names of announcements end; no topic of a value does.
const ANNOUNCEMENT: &str = "/config";
/// Home Assistant lets go of the entities of a device within this time.
const LET_GO: Duration = Duration::from_secs(3);
/// Messages in the client's own queue.
const CLIENT_QUEUE: usize = 16;

/// Connects as `teleinfo-<purpose>-<process>`, with room for some messages. What goes wrong is said in this language.
///
/// # Errors
/// The broker cannot be reached, or refuses.
pub(crate) async fn connect(broker: &External, purpose: &str, language: Language) -> Result<(AsyncClient, EventLoop), Trouble> {
    let name = format!("teleinfo-{purpose}-{}", std::process::id());
    let (client, mut connection) = AsyncClient::new(external::options(broker, &name), CLIENT_QUEUE);
    let answer = timeout(CONNECT, connection.poll()).await;
    match answer.unwrap_or(Err(ConnectionError::NetworkTimeout)) {
        Ok(_) => Ok((client, connection)),
        Err(error) => Err(Trouble::new(&error, broker, language)),
    }
}

/// Makes the broker keep nothing under these topics: an empty retained message deletes what is kept. Ends once it has taken all of them.
/// Announcements come first, and Home Assistant is given time: it would take the nothing under the others for values.
///
/// # Errors
/// The connection ends before that.
pub(crate) async fn clear(client: &AsyncClient, connection: &mut EventLoop, topics: &BTreeSet<String>) -> Result<(), ConnectionError> {
    let (announcements, others): (Vec<_>, Vec<_>) = topics.iter().partition(|topic| topic.ends_with(ANNOUNCEMENT));
    empty(client, connection, &announcements).await?;
    if !announcements.is_empty() && !others.is_empty() {
        sleep(LET_GO).await;
    }
    empty(client, connection, &others).await
}

async fn empty(client: &AsyncClient, connection: &mut EventLoop, topics: &[&String]) -> Result<(), ConnectionError> {
    let send = async {
        for topic in topics {
            let _ = client.publish(topic.as_str(), QoS::AtLeastOnce, true, "").await;
        }
    };
    let acknowledged = async {
        let mut missing = topics.len();
        while missing > 0 {
            missing -= usize::from(matches!(connection.poll().await?, Event::Incoming(Packet::PubAck(_))));
        }
        Ok(())
    };
    tokio::join!(send, acknowledged).1
}
