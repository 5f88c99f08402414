//! A subscriber: everything a bridge publishes, with the time at which it came.

use crate::failure::{Code, Failure, OrFail, Outcome};
use rumqttc::{Client, Connection, Event, MqttOptions, Packet, QoS};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// A message of the broker.
#[derive(Debug, Clone)]
pub struct Message {
    /// When it came.
    pub at: Instant,
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: String,
    /// The broker has kept it from before the subscription.
    pub retained: bool,
}

/// What is subscribed to, and as whom.
#[derive(Debug, Clone, Copy)]
pub struct Subscription<'s> {
    /// The topic filters.
    pub topics: &'s [&'s str],
    /// How surely messages arrive.
    pub qos: QoS,
    /// User and password, where the broker asks.
    pub login: Option<(&'s str, &'s str)>,
}

/// A subscription that lives on a thread of its own.
pub struct Watch {
    messages: Receiver<Message>,
    client: Client,
}

impl Watch {
    /// Subscribes to topics on a broker of loopback; returns when the broker has said yes.
    ///
    /// # Errors
    /// When nobody answers there.
    pub fn start(port: u16, topics: &[&str]) -> Outcome<Self> {
        Self::subscribe(port, Subscription { topics, qos: QoS::AtMostOnce, login: None })
    }

    /// Subscribes to a broker of loopback; returns when the broker has said yes.
    ///
    /// # Errors
    /// When nobody answers there.
    pub fn subscribe(port: u16, subscription: Subscription<'_>) -> Outcome<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let mut options = MqttOptions::new(format!("teleinfo-simulator-{}-{number}", std::process::id()), "127.0.0.1", port);
        options.set_max_packet_size(1 << 20, 1 << 20).set_keep_alive(Duration::from_secs(30));
        if let Some((user, password)) = subscription.login {
            options.set_credentials(user, password);
        }
        let (client, connection) = Client::new(options, 100);
        let (sender, messages) = channel();
        let (ready, is_ready) = channel();
        let subscriber = client.clone();
        let (topics, qos) = (subscription.topics.iter().map(|topic| (*topic).to_owned()).collect::<Vec<_>>(), subscription.qos);
        std::thread::Builder::new()
            .name("mqtt".into())
            .spawn(move || listen(connection, &subscriber, &topics, qos, &sender, &ready))
            .or_fail(Code::Software, || "cannot start a thread".into())?;
        is_ready
            .recv_timeout(Duration::from_secs(20))
            .map_err(|_| Failure::new(Code::Unavailable, format!("no MQTT broker answers on 127.0.0.1:{port}")))?;
        Ok(Self { messages, client })
    }

    /// Publishes a message of its own.
    ///
    /// # Errors
    /// When there is no connection any more.
    pub fn publish(&self, topic: &str, retain: bool, payload: &str) -> Outcome {
        self.client.publish(topic, QoS::AtLeastOnce, retain, payload).or_fail(Code::Unavailable, || format!("cannot publish {topic}"))
    }

    /// The next message, if one comes in this time.
    #[must_use]
    pub fn next(&self, limit: Duration) -> Option<Message> {
        self.messages.recv_timeout(limit).ok()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let _ = self.client.disconnect();
    }
}

fn listen(mut connection: Connection, client: &Client, topics: &[String], qos: QoS, sender: &Sender<Message>, ready: &Sender<()>) {
    for event in connection.iter() {
        let at = Instant::now();
        match event {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                for topic in topics {
                    let _ = client.try_subscribe(topic, qos);
                }
            }
            Ok(Event::Incoming(Packet::SubAck(_))) => drop(ready.send(())),
            Ok(Event::Incoming(Packet::Publish(message))) => {
                let payload = String::from_utf8_lossy(&message.payload).into_owned();
                if sender.send(Message { at, topic: message.topic, payload, retained: message.retain }).is_err() {
                    return;
                }
            }
            Ok(Event::Outgoing(rumqttc::Outgoing::Disconnect)) => return,
            Ok(_) => {}
            // The broker is away, or not there yet: once more.
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}
