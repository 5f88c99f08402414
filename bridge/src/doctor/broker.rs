//! A short connection to the broker, under a name of its own so that the running bridge is not disturbed: does the broker let this user
//! in, may the user publish and subscribe, and what is published there.

use std::time::Duration;

use rumqttc::{Event, Packet, QoS, SubscribeReasonCode};
use tokio::time::{Instant, timeout_at};

use crate::{
    config::settings::External,
    mqtt::{brief, trouble::Trouble},
    words::{language::Language, topics::Topics},
};

/// Time to collect messages: a meter sends a frame every three seconds at least.
const COLLECT: Duration = Duration::from_secs(5);

/// One message that the broker sent.
#[derive(Debug, Clone)]
pub(super) struct Published {
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
    /// The broker keeps this topic's messages.
    pub(super) retained: bool,
}

/// What the broker has shown.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The last message of each topic.
    pub(super) messages: Vec<Published>,
    /// The test message came back: this user may publish and subscribe.
    pub(super) test_came_back: bool,
    /// The broker refused some of the subscriptions.
    pub(super) denied: bool,
}

impl Findings {
    fn handle_packet(&mut self, packet: Packet, test: &str) {
        match packet {
            Packet::Publish(message) if message.topic == test => self.test_came_back = true,
            Packet::Publish(message) => {
                // The broker tells what it keeps first, and does not say so of what comes later.
                let retained = message.retain || self.get(&message.topic).is_some_and(|before| before.retained);
                self.messages.retain(|earlier| earlier.topic != message.topic);
                self.messages.push(Published { topic: message.topic, payload: message.payload.to_vec(), retained });
            }
            Packet::SubAck(answer) => self.denied |= answer.return_codes.contains(&SubscribeReasonCode::Failure),
            _ => {}
        }
    }

    /// The last message of a topic.
    pub(super) fn get(&self, topic: &str) -> Option<&Published> {
        self.messages.iter().find(|message| message.topic == topic)
    }

    /// The same as text.
    pub(super) fn text(&self, topic: &str) -> Option<&str> {
        self.get(topic).and_then(|message| std::str::from_utf8(&message.payload).ok())
    }
}

/// Connects, and collects messages for some seconds.
///
/// # Errors
/// The broker cannot be reached, or refuses.
pub(super) async fn look(broker: &External, topics: &Topics, language: Language) -> Result<Findings, Trouble> {
    let (client, mut connection) = brief::connect(broker, "doctor", language).await?;
    let test = topics.doctor();
    let wanted = [topics.doctor(), topics.bridge_state(), topics.bridge_quality(), topics.home_assistant_status(), topics.state("+")];
    let of_meters = [topics.availability("+"), topics.quality("+"), topics.discoveries()];
    let mut findings = Findings::default();
    // The client's queue is large enough for all of it, so none of this waits.
    for topic in wanted.iter().chain(&of_meters) {
        let _ = client.subscribe(topic, QoS::AtLeastOnce).await;
    }
    let _ = client.publish(&test, QoS::AtLeastOnce, false, "").await;
    let end = Instant::now() + COLLECT;
    while let Ok(event) = timeout_at(end, connection.poll()).await {
        match event {
            Ok(Event::Incoming(packet)) => findings.handle_packet(packet, &test),
            Ok(Event::Outgoing(_)) => {}
            // Some brokers close the connection of a client that publishes what is not allowed.
            Err(error) => return if findings.messages.is_empty() { Err(Trouble::new(&error, broker, language)) } else { Ok(findings) },
        }
    }
    Ok(findings)
}
