//! An MQTT client that notes everything it is sent.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use serde_json::Value;
use tokio::task::JoinHandle;

use super::eventually;

#[derive(Debug, Clone)]
pub struct Note {
    pub topic: String,
    pub text: String,
    pub retained: bool,
}

pub struct Observer {
    pub client: AsyncClient,
    notes: Arc<Mutex<Vec<Note>>>,
    task: JoinHandle<()>,
}

impl Observer {
    /// Subscribed to everything when this returns.
    pub async fn new(port: u16) -> Self {
        Self::of(port, "#", None).await
    }

    pub async fn of(port: u16, filter: &str, login: Option<(&str, &str)>) -> Self {
        let mut options = MqttOptions::new(format!("observer-{}", super::free_port()), "127.0.0.1", port);
        options.set_max_packet_size(1 << 20, 1 << 20);
        if let Some((user, password)) = login {
            options.set_credentials(user, password);
        }
        let (client, mut connection) = AsyncClient::new(options, 64);
        client.subscribe(filter, QoS::AtLeastOnce).await.unwrap();
        let notes = Arc::new(Mutex::new(Vec::new()));
        let subscribed = Arc::new(Mutex::new(false));
        let (taken, ready) = (notes.clone(), subscribed.clone());
        let task = tokio::spawn(async move {
            loop {
                match connection.poll().await {
                    Ok(Event::Incoming(Packet::Publish(message))) => taken.lock().unwrap().push(Note {
                        topic: message.topic,
                        text: String::from_utf8_lossy(&message.payload).into_owned(),
                        retained: message.retain,
                    }),
                    Ok(Event::Incoming(Packet::SubAck(_))) => *ready.lock().unwrap() = true,
                    Ok(_) => {}
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        });
        eventually("the observer subscribes", || subscribed.lock().unwrap().then_some(())).await;
        Self { client, notes, task }
    }

    pub fn notes(&self) -> Vec<Note> {
        self.notes.lock().unwrap().clone()
    }

    /// The payloads of one topic, in order.
    pub fn on(&self, topic: &str) -> Vec<String> {
        self.notes().into_iter().filter(|note| note.topic == topic).map(|note| note.text).collect()
    }

    /// The last payload of a topic.
    pub fn last(&self, topic: &str) -> Option<String> {
        self.on(topic).pop()
    }

    /// Waits until the last payload of a topic is this one.
    pub async fn expect(&self, topic: &str, text: &str) {
        eventually(&format!("{topic} = {text}"), || (self.last(topic).as_deref() == Some(text)).then_some(())).await;
    }

    /// The apparent powers of a meter's samples, those of the present and those of the past, in order: the reader of these tests numbers
    /// its samples by them. The present may be said again.
    pub fn powers(&self, meter: &str) -> Vec<u64> {
        let (present, past) = (format!("teleinfo/{meter}"), format!("teleinfo/{meter}/history"));
        let (mut powers, mut last_present) = (Vec::new(), None);
        for note in self.notes().into_iter().filter(|note| note.topic == present || note.topic == past) {
            let power = power(&note.text);
            let is_repeated = note.topic == present && last_present.replace(power) == Some(power);
            if !is_repeated {
                powers.push(power);
            }
        }
        powers
    }

    /// The same of the present alone.
    pub fn present_powers(&self, meter: &str) -> Vec<u64> {
        let mut powers: Vec<_> = self.on(&format!("teleinfo/{meter}")).iter().map(|text| power(text)).collect();
        powers.dedup();
        powers
    }

    /// Waits until these samples were published: in order, and each once.
    pub async fn expect_powers(&self, meter: &str, expected: impl IntoIterator<Item = u64>) {
        let expected: Vec<_> = expected.into_iter().collect();
        let last = expected.last().copied();
        eventually(&format!("sample {last:?}"), || (self.powers(meter).last().copied() == last).then_some(())).await;
        let powers = self.powers(meter);
        let first = powers.iter().zip(&expected).position(|(found, expected)| found != expected);
        assert!(powers == expected, "{} samples of {}; they differ at {first:?}", powers.len(), expected.len());
    }
}

fn power(text: &str) -> u64 {
    serde_json::from_str::<Value>(text).unwrap()["PAPP"]["value"].as_u64().unwrap()
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
