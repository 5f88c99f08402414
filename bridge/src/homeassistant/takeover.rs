//! Taking over the entities of teleinfo2mqtt or teleinfo2mqtt-rs, with their history.
//!
//! Home Assistant keeps an entity's id and statistics as long as its unique id stays the same. So the entities that those programs
//! announced keep the unique ids they had, now under our device. In three steps, with time for Home Assistant in between:
//! `migrate_discovery` on the old topics makes it let go of them without deleting anything, then comes our device, then the old
//! topics are emptied. Labels that have no entity here are emptied at once, which removes theirs.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use teleinfo_proto::tic::{Label, MeterId, Mode};

use crate::{
    homeassistant::{
        entity::Entity,
        predecessor::{Migrate, replaces},
    },
    words::{message::Message, topics::Topics},
};

/// Messages that are sent at a time: the queue to the MQTT side is bounded.
const CHUNK: usize = 12;
/// Time between two groups of messages.
const CHUNK_PAUSE: Duration = Duration::from_millis(500);
/// Time that Home Assistant is given between two steps.
const PAUSE: Duration = Duration::from_secs(4);
/// The payload that makes Home Assistant let go of an entity without deleting it.
const LET_GO: &str = r#"{"migrate_discovery":true}"#;
/// The takeover of one meter, step by step.
#[derive(Debug, Default)]
pub struct Takeover {
    step: Step,
    queue: VecDeque<Message>,
    old: Vec<String>,
    /// The next messages are not sent before this time.
    chunk_due: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Step {
    /// The takeover has not begun, or was interrupted.
    #[default]
    Idle,
    /// Home Assistant is told to let go.
    LettingGo,
    /// Home Assistant has until then to do so.
    Settling(Instant),
    /// Our device may be announced.
    Open,
    /// Our device was announced; the old topics are emptied after this time.
    Announced(Instant),
    /// The old topics are being emptied.
    Clearing,
    /// Everything was taken over.
    Done,
}

impl Takeover {
    /// Begins the takeover, unless it has begun: `entities` are those that this meter has here.
    pub fn begin(&mut self, migrate: Migrate, topics: &Topics, meter: &MeterId, mode: Mode, entities: &[Entity], now: Instant) {
        if self.step != Step::Idle {
            return;
        }
        let taken: Vec<&str> = entities.iter().filter_map(|entity| replaces(entity, mode)).collect();
        let labels = Label::all(mode).iter().filter(|_| migrate.knows(mode));
        for label in labels {
            let Some(topic) = migrate.topic(topics, meter, label.code) else { continue };
            if taken.contains(&label.code) {
                self.queue.push_back(Message::retained(topic.clone(), LET_GO));
                self.old.push(topic);
            } else {
                self.queue.push_back(Message::delete(topic));
            }
        }
        self.step = Step::LettingGo;
        self.chunk_due = Some(now);
    }

    /// Whether our device may be announced.
    #[must_use]
    pub fn may_announce(&self) -> bool {
        !matches!(self.step, Step::Idle | Step::LettingGo | Step::Settling(_))
    }

    /// Our device was announced.
    pub fn handle_announced(&mut self, now: Instant) {
        if self.step == Step::Open {
            self.step = Step::Announced(now + PAUSE);
        }
    }

    /// The broker is gone. Emptied topics must not reach Home Assistant before it has let go, so the takeover begins anew. Returns
    /// whether it was under way.
    pub fn handle_disconnected(&mut self) -> bool {
        let under_way = !matches!(self.step, Step::Idle | Step::Done);
        if under_way {
            *self = Self::default();
        }
        under_way
    }

    /// Whether everything was taken over.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.step == Step::Done
    }

    /// When to call [`Takeover::poll`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.step {
            Step::Idle | Step::Open | Step::Done => None,
            Step::Settling(until) | Step::Announced(until) => Some(until),
            Step::LettingGo | Step::Clearing => self.chunk_due,
        }
    }

    /// The messages that are to be sent now.
    pub fn poll(&mut self, now: Instant) -> Vec<Message> {
        if self.chunk_due.is_some_and(|due| due > now) {
            return Vec::new();
        }
        self.chunk_due = Some(now + CHUNK_PAUSE);
        let chunk: Vec<Message> = self.queue.drain(..CHUNK.min(self.queue.len())).collect();
        if !self.queue.is_empty() {
            return chunk;
        }
        match self.step {
            Step::LettingGo => self.step = Step::Settling(now + PAUSE),
            Step::Settling(until) if until <= now => self.step = Step::Open,
            Step::Announced(until) if until <= now => {
                self.queue = self.old.drain(..).map(Message::delete).collect();
                self.step = Step::Clearing;
            }
            Step::Clearing => self.step = Step::Done,
            _ => {}
        }
        chunk
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::{Dataset, Role};

    use super::*;
    use crate::homeassistant::{
        discovery::entities_of,
        entities,
        entity::{Need, Source},
        shown::{Feature, Shown},
    };

    fn named(key: &str, needs: Need) -> &'static Entity {
        entities::all().find(|entity| entity.key == key && entity.needs == needs).unwrap()
    }

    /// An entity of a meter that sends this label.
    fn showing(key: &str, mode: Mode, label: &str, data: &str) -> Entity {
        let mut shown = Shown::default();
        shown.handle_datasets(&mut Vec::new(), &"012345678912".parse().unwrap(), &[Dataset::new(mode, label, None, data).unwrap()]);
        entities_of(&shown).find(|entity| entity.key == key).unwrap()
    }

    #[test]
    fn a_role_is_the_label_that_the_meter_sends() {
        for (mode, label) in [(Mode::Historic, "PAPP"), (Mode::Standard, "SINSTS"), (Mode::Standard, "SINST1")] {
            let entity = showing("apparent_power", mode, label, "00540");
            assert_eq!((entity.source, replaces(&entity, mode)), (Source::Label(label), Some(label)));
            assert_eq!(showing("grid_power", mode, label, "00540").needs, Need::Label(label));
        }
    }

    #[test]
    fn unique_ids_are_those_of_the_other_program() {
        let meter = "012345678912".parse().unwrap();
        let papp = &showing("apparent_power", Mode::Historic, "PAPP", "00540");
        let isousc = |key| showing(key, Mode::Historic, "ISOUSC", "30");
        let overload = named("overload", Need::Feature(Feature::Overload));
        let cases = [
            (Migrate::None, papp, "teleinfo_012345678912_apparent_power"),
            (Migrate::Teleinfo2mqtt, papp, "PAPP"),
            (Migrate::Teleinfo2mqttRs, papp, "linky_012345678912_papp"),
            (Migrate::Teleinfo2mqttRs, named("tariff", Need::Feature(Feature::ContractBase)), "linky_012345678912_ptec"),
            (Migrate::Teleinfo2mqtt, overload, "teleinfo_012345678912_overload"),
            (Migrate::Teleinfo2mqtt, &isousc("subscribed_current"), "ISOUSC"),
            (Migrate::Teleinfo2mqtt, &isousc("subscribed_power"), "teleinfo_012345678912_subscribed_power"),
            (Migrate::Teleinfo2mqtt, named("contract", Need::Label("OPTARIF")), "OPTARIF"),
        ];
        for (migrate, entity, expected) in cases {
            assert_eq!(migrate.unique_id(entity, Mode::Historic, &meter), expected);
        }
        let standard = |entity: &Entity| Migrate::Teleinfo2mqtt.unique_id(entity, Mode::Standard, &meter);
        assert_eq!(standard(named("tariff", Need::Label("LTARF"))), "LTARF");
        assert_eq!(standard(&showing("subscribed_power", Mode::Standard, "PREF", "06")), "PREF");
        assert_eq!(standard(named("power_estimated", Need::Feature(Feature::Index))), "teleinfo_012345678912_power_estimated");
        assert_eq!(standard(named("max_power_yesterday", Need::Label("SMAXSN-1"))), "SMAXSN-1");
    }

    #[test]
    fn no_old_unique_id_is_given_twice() {
        let meter = "012345678912".parse().unwrap();
        for mode in Mode::ALL {
            let mut given = std::collections::BTreeMap::new();
            for entity in entities::all() {
                let id = Migrate::Teleinfo2mqtt.unique_id(entity, mode, &meter);
                if let Some(other) = given.insert(id.clone(), entity.key) {
                    assert!(other == entity.key || phases_exclude(entity.needs), "{id}: {other} and {}", entity.key);
                }
            }
        }
    }

    /// One label, two entities of which a meter has one: single-phase or three-phase, Linky or older.
    fn phases_exclude(needs: Need) -> bool {
        matches!(
            needs,
            Need::Role(Role::Current(1) | Role::Voltage(1))
                | Need::Label("UMOY1")
                | Need::Feature(Feature::MaxPowerOfLinky | Feature::MaxPowerOfOlder)
        )
    }

    #[test]
    fn let_go_then_announce_then_clear() {
        let (topics, meter) = (Topics::default(), "012345678912".parse().unwrap());
        let (mut takeover, mut now) = (Takeover::default(), Instant::now());
        assert!(!takeover.may_announce());
        takeover.begin(
            Migrate::Teleinfo2mqtt,
            &topics,
            &meter,
            Mode::Historic,
            &[showing("apparent_power", Mode::Historic, "PAPP", "00540")],
            now,
        );
        let mut sent = Vec::new();
        while !takeover.may_announce() {
            sent.extend(takeover.poll(now));
            now += Duration::from_millis(500);
        }
        let papp = "homeassistant/sensor/teleinfo/012345678912_papp/config";
        let first: Vec<&Message> = sent.iter().filter(|message| message.topic == papp).collect();
        assert_eq!(first, [&Message::retained(papp, LET_GO)]);
        // A label without an entity here is removed.
        assert!(sent.contains(&Message::delete("homeassistant/sensor/teleinfo/012345678912_adps/config")));
        takeover.handle_announced(now);
        let mut cleared = Vec::new();
        while !takeover.is_done() {
            cleared.extend(takeover.poll(now));
            now += Duration::from_millis(500);
        }
        assert_eq!(cleared, [Message::delete(papp)]);
    }

    #[test]
    fn labels_with_signs_have_the_topics_they_had() {
        let (topics, meter) = (Topics::default(), "012345678912".parse().unwrap());
        let topic = Migrate::Teleinfo2mqtt.topic(&topics, &meter, "SMAXSN1-1").unwrap();
        assert_eq!(topic, "homeassistant/sensor/teleinfo/012345678912_smaxsn1_minus_1/config");
    }
}
