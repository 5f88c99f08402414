//! A visit to the broker, under a name of our own so that the running bridge is not disturbed: may we in, may we speak and hear, and what
//! is being said there.

use std::{sync::Arc, time::Duration};

use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, Packet, QoS, SubscribeReasonCode};
use rustls::ClientConfig;
use tokio::time::{Instant, timeout_at};

use crate::{
    config::settings::External,
    mqtt::{external, trouble::Trouble},
    words::topics::Topics,
};

/// For the broker's yes or no.
const CONNECT: Duration = Duration::from_secs(5);
/// A meter sends a frame every three seconds at least.
const LISTEN: Duration = Duration::from_secs(5);
/// Messages in the client's own queue.
const CLIENT_QUEUE: usize = 16;

/// One message that was heard.
#[derive(Debug, Clone)]
pub(super) struct Heard {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    /// The broker keeps this topic's messages.
    pub(super) retained: bool,
}

/// What a visit has shown.
#[derive(Debug, Default)]
pub(super) struct Visit {
    /// The last message of each topic.
    pub(super) heard: Vec<Heard>,
    /// Our own message came back: we may publish and subscribe.
    pub(super) echo: bool,
    /// The broker did not grant all we asked to hear.
    pub(super) denied: bool,
}

impl Visit {
    fn take(&mut self, packet: Packet, test: &str) {
        match packet {
            Packet::Publish(message) if message.topic == test => self.echo = true,
            Packet::Publish(message) => {
                // The broker tells what it keeps first, and does not say so of what comes later.
                let retained = message.retain || self.get(&message.topic).is_some_and(|before| before.retained);
                self.heard.retain(|heard| heard.topic != message.topic);
                self.heard.push(Heard { topic: message.topic, payload: message.payload.to_vec(), retained });
            }
            Packet::SubAck(answer) => self.denied |= answer.return_codes.contains(&SubscribeReasonCode::Failure),
            _ => {}
        }
    }

    /// The last message of a topic.
    pub(super) fn get(&self, topic: &str) -> Option<&Heard> {
        self.heard.iter().find(|heard| heard.topic == topic)
    }

    /// The same as text.
    pub(super) fn text(&self, topic: &str) -> Option<&str> {
        self.get(topic).and_then(|heard| std::str::from_utf8(&heard.payload).ok())
    }
}

/// Goes there and listens for a while.
///
/// # Errors
/// The broker cannot be reached, or says no.
pub(super) async fn visit(broker: &External, topics: &Topics) -> Result<Visit, Trouble> {
    let tls = broker.url.tls.then(|| crate::daemon::tls::client(broker.authorities.as_deref(), "set mqtt.ca-file")).transpose();
    let certificates = |problem| Trouble { message: format!("mqtt.ca-file: {problem}"), lasting: true, refused_login: false };
    let tls = tls.map_err(certificates)?;
    let (client, mut connection) = connect(broker, tls).await?;
    let test = topics.doctor();
    let wanted = [topics.doctor(), topics.bridge_state(), topics.home_assistant_status(), topics.state("+")];
    let of_meters = [topics.availability("+"), topics.quality("+"), topics.discoveries()];
    let mut visit = Visit::default();
    // The client's queue is large enough for all of it, so none of this waits.
    for topic in wanted.iter().chain(&of_meters) {
        let _ = client.subscribe(topic, QoS::AtLeastOnce).await;
    }
    let _ = client.publish(&test, QoS::AtLeastOnce, false, "").await;
    let end = Instant::now() + LISTEN;
    while let Ok(event) = timeout_at(end, connection.poll()).await {
        match event {
            Ok(Event::Incoming(packet)) => visit.take(packet, &test),
            Ok(Event::Outgoing(_)) => {}
            // Some brokers hang up on who publishes what is not allowed.
            Err(error) => return if visit.heard.is_empty() { Err(Trouble::new(&error, broker)) } else { Ok(visit) },
        }
    }
    Ok(visit)
}

async fn connect(broker: &External, tls: Option<Arc<ClientConfig>>) -> Result<(AsyncClient, EventLoop), Trouble> {
    let options = external::options(broker, &format!("teleinfo-doctor-{}", std::process::id()), tls);
    let (client, mut connection) = AsyncClient::new(options, CLIENT_QUEUE);
    let answer = timeout_at(Instant::now() + CONNECT, connection.poll()).await;
    match answer.unwrap_or(Err(ConnectionError::NetworkTimeout)) {
        Ok(_) => Ok((client, connection)),
        Err(error) => Err(Trouble::new(&error, broker)),
    }
}
