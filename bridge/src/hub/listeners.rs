//! The MQTT side: the broker that comes and goes, Home Assistant that starts, and what is said to those who listen.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hasher},
    time::Instant,
};

use teleinfo_proto::{tic::MeterId, wire::BootId};

use crate::{
    hub::{Hub, Line, bridge_quality::Versions, counters::Counter, orders::Order},
    words::{
        journal,
        language::Words,
        message::{Message, Origin},
        topics::{OFFLINE, ONLINE, Topics},
    },
};

const NOT_TAKEN: Words = Words::new(
    "meter {}: {} samples did not reach the broker; they are told as the past",
    "compteur {} : {} relevés n'ont pas atteint le broker ; ils sont dits comme du passé",
);
const BIRTH: Words = Words::new("Home Assistant has started; announcing {} meters", "Home Assistant a démarré ; compteurs annoncés : {}");

/// Readers that are named because of their version.
const OTHERS_MAX: usize = 16;

impl Hub {
    pub(super) fn handle_connected(&mut self, now: Instant) {
        if self.connected.replace(true) == Some(false) {
            self.counters.count(Counter::BrokerReconnections);
        }
        self.stations.values_mut().for_each(|station| station.handle_connected());
        self.announce_reworded(now);
        self.ask_for_retained(now);
        self.orders.push_back(Order::Disturbed);
        self.say_everything(now);
        self.schedule_all(now);
    }

    /// The broker did not take the messages of these samples, and they are of the past by now.
    pub(super) fn handle_given_up(&mut self, origins: &[Origin], now: Instant) {
        let mut samples: BTreeMap<MeterId, Vec<(BootId, u64)>> = BTreeMap::new();
        for origin in origins {
            samples.entry(origin.meter).or_default().push((origin.boot, origin.sequence));
        }
        for (id, samples) in samples {
            let Some(station) = self.stations.get_mut(&id) else {
                self.take_back(id, &samples);
                continue;
            };
            station.handle_given_up(&samples);
            self.say_at_pace(Line::Meter, journal::say(NOT_TAKEN, &[&id, &samples.len()]), now);
            self.agenda.push_busy(id);
            self.settle(id, now);
        }
    }

    pub(super) fn handle_disconnected(&mut self, now: Instant) {
        self.connected = Some(false);
        self.retained.handle_disconnected();
        self.rewording.handle_disconnected();
        self.stations.values_mut().for_each(|station| station.handle_disconnected(now));
        self.schedule_all(now);
    }

    pub(super) fn handle_message(&mut self, topic: &str, payload: &[u8], now: Instant) {
        let (online, offline) = (payload == ONLINE.as_bytes(), payload == OFFLINE.as_bytes());
        if topic == self.topics().home_assistant_status() {
            if online {
                self.handle_birth(now);
            }
        } else if topic == self.topics().bridge_state() {
            // The last will of an earlier connection, sent after this one began.
            if offline && !self.rewording.is_under_way() {
                self.say_bridge();
            }
        } else if topic == self.topics().marker() {
            self.handle_marker(payload, now);
        } else if let Some(id) = self.meter_of(topic, Topics::ledger) {
            self.handle_ledger(id, payload, now);
        } else if let Some(id) = self.meter_of(topic, Topics::availability) {
            self.handle_known(id);
            self.handle_presence_of_others(id, online);
            if online {
                self.handle_remembered(id, now);
            }
        }
    }

    /// Home Assistant has started.
    fn handle_birth(&mut self, now: Instant) {
        self.orders.push_back(Order::Disturbed);
        self.say_presence();
        let text = journal::say(BIRTH, &[&self.told_meters().count()]);
        self.say_at_pace(Line::Birth, text, now);
        for (id, station) in &mut self.stations {
            let mut random = DefaultHasher::new();
            random.write_u64(self.options.seed);
            random.write(id.as_str().as_bytes());
            station.handle_birth(random.finish(), now);
        }
        self.schedule_all(now);
    }

    fn handle_remembered(&mut self, id: MeterId, now: Instant) {
        if !self.stations.contains_key(&id) {
            self.kept.known.insert(id);
        }
        let is_followed = self.is_member();
        if let Some(station) = self.station(id, now) {
            match is_followed {
                true => station.handle_followed(now),
                false => station.handle_remembered(now),
            }
            self.settle(id, now);
        }
    }

    fn meter_of(&self, topic: &str, name: impl Fn(&Topics, MeterId) -> String) -> Option<MeterId> {
        let id: MeterId = topic.rsplit('/').nth(1)?.parse().ok()?;
        (name(self.topics(), id) == topic).then_some(id)
    }

    /// Who is there, for a listener whose broker has not kept it.
    pub(super) fn say_presence(&mut self) {
        let topics = self.topics();
        let online = self.stations.iter().filter(|(_, station)| station.is_online()).map(|(id, _)| topics.availability(id));
        let topics: Vec<String> = online.collect();
        self.say_bridge();
        topics.into_iter().for_each(|topic| self.publish(Message::retained(topic, ONLINE)));
    }

    /// What is said of the bridge itself.
    pub(super) fn say_bridge(&mut self) {
        let state = if self.rewording.is_under_way() { OFFLINE } else { ONLINE };
        self.publish(Message::retained(self.topics().bridge_state(), state));
    }

    /// Meters whose words have changed are announced before anything else is said.
    fn announce_reworded(&mut self, now: Instant) {
        let reworded: Vec<MeterId> = self.rewording.meters().collect();
        for id in reworded {
            if let Some(station) = self.station(id, now) {
                station.handle_reworded(now);
            }
        }
        self.rewording.handle_announced(now);
    }

    /// It is time to be online, unless a meter has still to say something; one whose reader is silent has said nothing until that is known.
    pub(super) fn handle_reworded(&mut self, now: Instant) {
        let has_spoken = |id| self.stations.get(&id).is_some_and(|station| station.reception().repeat().is_some());
        if self.unheard_due.is_some() && !self.rewording.meters().all(has_spoken) {
            self.rewording.handle_silence(now);
            return;
        }
        for id in std::mem::take(&mut self.rewording).meters() {
            let messages = self.stations.get_mut(&id).map(|station| station.everything_again()).unwrap_or_default();
            self.orders.extend(messages.into_iter().map(Order::Publish));
        }
        self.say_bridge();
    }

    pub(super) fn say_everything(&mut self, now: Instant) {
        for (_, station) in self.stations.iter_mut().filter(|(id, _)| !self.newcomers.contains(**id)) {
            self.orders.extend(station.everything().into_iter().map(Order::Publish));
            self.orders.extend(station.newest_quality(now).map(Order::Publish));
        }
    }

    fn versions(&self) -> Versions {
        let others = self.stations.values().filter_map(|station| station.reception().other_version());
        let mut other_readers: Vec<String> = others.take(OTHERS_MAX).collect();
        other_readers.sort_unstable();
        other_readers.dedup();
        Versions { newest: self.newest.clone(), other_readers }
    }

    pub(super) fn say_quality(&mut self, now: Instant) {
        if !self.speaks_for_all() {
            return self.quality.handle_silenced();
        }
        let report = self.quality.poll_report(&self.counters, &self.complaints, self.meters(), &self.repair, self.versions(), now);
        if let Some(report) = report {
            self.publish(Message::retained(self.topics().bridge_quality(), report));
        }
    }
}
