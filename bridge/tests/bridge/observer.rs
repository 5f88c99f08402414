//! An MQTT client that notes everything it is sent.

use std::{collections::BTreeSet, sync::Mutex, time::Duration};

use rumqttc::QoS;
use serde_json::Value;
use teleinfo_simulator::chain::watch::{Message, Subscription, Watch};

use super::eventually;

pub struct Observer {
    watch: Mutex<Watch>,
    notes: Mutex<Vec<Message>>,
}

impl Observer {
    /// Subscribed to everything when this returns.
    pub async fn new(port: u16) -> Self {
        Self::of(port, "#", None).await
    }

    pub async fn of(port: u16, filter: &'static str, login: Option<(&'static str, &'static str)>) -> Self {
        let subscribe = move || Watch::subscribe(port, Subscription { topics: &[filter], qos: QoS::AtLeastOnce, login });
        let watch = tokio::task::spawn_blocking(subscribe).await.unwrap().unwrap();
        Self { watch: Mutex::new(watch), notes: Mutex::default() }
    }

    /// Publishes a message of its own, as Home Assistant does.
    pub fn publish(&self, topic: &str, retain: bool, payload: &str) {
        self.watch.lock().unwrap().publish(topic, retain, payload).unwrap();
    }

    pub fn notes(&self) -> Vec<Message> {
        let (watch, mut notes) = (self.watch.lock().unwrap(), self.notes.lock().unwrap());
        notes.extend(std::iter::from_fn(|| watch.next(Duration::ZERO)));
        notes.clone()
    }

    /// The payloads of one topic, in order.
    pub fn on(&self, topic: &str) -> Vec<String> {
        self.notes().into_iter().filter(|note| note.topic == topic).map(|note| note.payload).collect()
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
            let power = power(&note.payload);
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

    /// Waits until each of these samples was published, and no other. A connection that breaks leaves it open whether the broker took what it
    /// has not acknowledged, so that may come twice.
    pub async fn expect_each_power(&self, meter: &str, expected: impl IntoIterator<Item = u64>) {
        let expected: BTreeSet<_> = expected.into_iter().collect();
        let published = || self.powers(meter).into_iter().collect::<BTreeSet<_>>();
        eventually(&format!("samples {expected:?}"), || expected.is_subset(&published()).then_some(())).await;
        assert_eq!(published(), expected);
    }
}

fn power(text: &str) -> u64 {
    serde_json::from_str::<Value>(text).unwrap()["PAPP"]["value"].as_u64().unwrap()
}
