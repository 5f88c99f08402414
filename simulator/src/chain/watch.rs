//! A subscriber: everything a bridge publishes, with the time at which it came.

use crate::failure::{Code, Failure, OrFail, Outcome};
use rumqttc::{Client, Connection, Event, MqttOptions, Packet, QoS};
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
    pub fn start(port: u16, topics: &[&'static str]) -> Outcome<Self> {
        let mut options = MqttOptions::new(format!("teleinfo-simulator-{}-{port}", std::process::id()), "127.0.0.1", port);
        options.set_max_packet_size(1 << 20, 1 << 20).set_keep_alive(Duration::from_secs(30));
        let (client, connection) = Client::new(options, 100);
        let (sender, messages) = channel();
        let (ready, is_ready) = channel();
        let subscriber = client.clone();
        let topics = topics.to_vec();
        std::thread::Builder::new()
            .name("mqtt".into())
            .spawn(move || listen(connection, &subscriber, &topics, &sender, &ready))
            .or_fail(Code::Software, || "cannot start a thread".into())?;
        is_ready
            .recv_timeout(Duration::from_secs(20))
            .map_err(|_| Failure::new(Code::Unavailable, format!("no MQTT broker answers on 127.0.0.1:{port}")))?;
        Ok(Self { messages, client })
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

fn listen(mut connection: Connection, client: &Client, topics: &[&str], sender: &Sender<Message>, ready: &Sender<()>) {
    for event in connection.iter() {
        let at = Instant::now();
        match event {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                for topic in topics {
                    let _ = client.try_subscribe(*topic, QoS::AtMostOnce);
                }
            }
            Ok(Event::Incoming(Packet::SubAck(_))) => drop(ready.send(())),
            Ok(Event::Incoming(Packet::Publish(message))) => {
                let payload = String::from_utf8_lossy(&message.payload).into_owned();
                if sender.send(Message { at, topic: message.topic, payload }).is_err() {
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
