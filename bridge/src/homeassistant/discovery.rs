//! The device discovery payload of a meter: one retained message that holds all its entities.
//!
//! Home Assistant handles a payload component by component and drops the rest of one that comes while an earlier one is still being
//! worked on. So changes are gathered for some seconds, and the payload that removes components is given time before the next.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hasher},
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::{Value, json};
use teleinfo_proto::tic::{MeterFamily, Mode};

use super::{
    announced::Announced,
    component::{Component, Context, component},
    energies, entities,
    entity::{Entity, Need},
    shown::{Feature, Shown},
    subject::Subject,
};
use crate::prices::tariffs::Tariff;
use crate::words::{language::Words, message::Message, topics::Topics};

/// The digits of a meter's address that are its own number: those before tell its maker, its year and its kind.
const NUMBER_DIGITS: usize = 6;
/// Time that Home Assistant is given between two payloads.
const PAUSE: Duration = Duration::from_secs(5);
/// Home Assistant's start message reaches all programs at once, so each of them waits a different time, 1 to 10 s.
const BIRTH_DELAY_MS: std::ops::Range<u64> = 1_000..10_000;

/// When to announce what.
#[derive(Debug, Default)]
pub struct Discovery {
    /// What tells the payload that was last sent from others: the payload itself has tens of kB.
    published: Option<u64>,
    /// Whether the payload may have changed.
    stale: bool,
    /// Whether the payload must be sent even if it did not change.
    again: bool,
    /// The payload is not sent before this time.
    due: Option<Instant>,
}

impl Discovery {
    /// Something that entities depend on has changed.
    pub fn handle_change(&mut self, now: Instant) {
        self.stale = true;
        self.due.get_or_insert(now);
    }

    /// Home Assistant has started: the payload is wanted again, after a while drawn from `random`.
    pub fn handle_birth(&mut self, random: u64, now: Instant) {
        let delay = BIRTH_DELAY_MS.start + random % (BIRTH_DELAY_MS.end - BIRTH_DELAY_MS.start);
        self.again = true;
        self.due = Some(now + Duration::from_millis(delay));
    }

    /// The broker may have missed the payload: it is wanted again, as soon as it may be sent.
    pub fn handle_doubt(&mut self, now: Instant) {
        self.again = true;
        self.due = Some(now);
    }

    /// Whether a payload is due.
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        (self.stale || self.again) && self.due.is_some_and(|due| due <= now)
    }

    /// When a payload is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due.filter(|_| self.stale || self.again)
    }

    /// The payload that is due, if it differs from the last one or is wanted again.
    pub fn poll(&mut self, subject: &Subject<'_>, announced: &mut Announced, now: Instant) -> Option<Message> {
        if !self.is_due(now) {
            return None;
        }
        let again = std::mem::take(&mut self.again);
        self.stale = false;
        self.due = None;
        let components = components(subject);
        // What is new comes first: what is removed in the same payload would hand its entity id on to it, and its history with that.
        let removed = if lacks(announced, &components) { BTreeMap::new() } else { removed(announced, &components) };
        // The markers must not stay in the retained payload.
        self.stale = handle_announced(announced, &components, &removed) || !removed.is_empty();
        let topic = subject.context.topics.discovery(subject.context.meter);
        let message = Message::retained_json(topic, &Payload::new(subject, components, removed))?;
        let published = Some(digest(&message.payload));
        if std::mem::replace(&mut self.published, published) == published && !again {
            return None;
        }
        self.due = Some(now + PAUSE);
        Some(message)
    }
}

fn digest(payload: &[u8]) -> u64 {
    let mut digest = DefaultHasher::new();
    digest.write(payload);
    digest.finish()
}

/// Whether one of these was not announced yet.
fn lacks(announced: &Announced, components: &BTreeMap<String, Component>) -> bool {
    !announced.is_empty() && components.keys().any(|key| !announced.contains(key))
}

/// These were announced, and these were removed. Returns whether others are still to be removed.
fn handle_announced(announced: &mut Announced, components: &BTreeMap<String, Component>, removed: &BTreeMap<String, Marker>) -> bool {
    let left: Vec<(&str, &str)> =
        announced.components().filter(|(key, _)| !removed.contains_key(*key) && !components.contains_key(*key)).collect();
    let is_left = !left.is_empty();
    let now = components.iter().map(|(key, component)| (key.as_str(), component.platform));
    let all = Announced::of(left.into_iter().chain(now));
    *announced = all;
    is_left
}

/// The components that no longer belong, as the markers that remove them.
fn removed(announced: &Announced, components: &BTreeMap<String, Component>) -> BTreeMap<String, Marker> {
    let gone = announced.components().filter(|(key, _)| !components.contains_key(*key));
    gone.map(|(key, platform)| (key.to_owned(), Marker { platform: platform.to_owned() })).collect()
}

/// The entities of a meter that has shown this, as it has them.
pub fn entities_of(shown: &Shown) -> impl Iterator<Item = Entity> {
    entities::all().filter_map(|entity| entity.of(shown))
}

fn components(subject: &Subject<'_>) -> BTreeMap<String, Component> {
    let component = |entity: Entity| {
        let unique_id = subject.migrate.unique_id(&entity, subject.mode, subject.context.meter);
        (entity.key.to_owned(), component(&entity, &subject.context, unique_id, None))
    };
    let others = entities_of(subject.shown).filter(|entity| energies::shows(entity).is_none());
    others.chain(of_prices(subject).copied()).map(component).chain(energies::components(subject)).collect()
}

/// The entities that tell prices: of a meter that counts energy, if its owner has given prices.
fn of_prices(subject: &Subject<'_>) -> impl Iterator<Item = &'static Entity> {
    let prices = subject.prices.filter(|_| subject.shown.has(Feature::Index));
    entities::all().filter(move |entity| match (prices, entity.needs) {
        (Some(_), Need::Prices) => true,
        (Some(prices), Need::PriceOf(key)) => Tariff::of_key(key).is_some_and(|tariff| prices.prices(tariff)),
        _ => false,
    })
}

/// The whole payload, under the abbreviations that Home Assistant gives to its keys.
#[derive(Debug, Serialize)]
struct Payload {
    #[serde(rename = "dev")]
    device: Device,
    #[serde(rename = "o")]
    origin: Value,
    #[serde(rename = "stat_t")]
    state_topic: String,
    #[serde(rename = "avty")]
    availability: Value,
    #[serde(rename = "avty_mode")]
    availability_mode: &'static str,
    qos: u8,
    #[serde(rename = "cmps")]
    components: BTreeMap<String, Announcement>,
}

/// What the payload says of one component.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Announcement {
    There(Box<Component>),
    Removed(Marker),
}

/// A component with nothing but its platform is removed.
#[derive(Debug, Serialize)]
struct Marker {
    #[serde(rename = "p")]
    platform: String,
}

#[derive(Debug, Serialize)]
struct Device {
    #[serde(rename = "ids")]
    identifiers: String,
    name: String,
    #[serde(rename = "sn")]
    serial_number: String,
    #[serde(rename = "mdl")]
    model: &'static str,
    #[serde(rename = "mf", skip_serializing_if = "Option::is_none")]
    manufacturer: Option<&'static str>,
    #[serde(rename = "hw", skip_serializing_if = "Option::is_none")]
    hardware_version: Option<String>,
    #[serde(rename = "sw")]
    software_version: String,
}

impl Payload {
    fn new(subject: &Subject<'_>, components: BTreeMap<String, Component>, removed: BTreeMap<String, Marker>) -> Self {
        let Context { topics, meter, .. } = subject.context;
        let there = components.into_iter().map(|(key, component)| (key, Announcement::There(Box::new(component))));
        let removed = removed.into_iter().map(|(key, marker)| (key, Announcement::Removed(marker)));
        Self {
            device: Device::new(subject),
            origin: json!({ "name": env!("CARGO_PKG_NAME"), "sw": env!("CARGO_PKG_VERSION"), "url": env!("CARGO_PKG_REPOSITORY") }),
            state_topic: topics.home(meter),
            availability: json!([{ "t": topics.bridge_state() }, { "t": topics.availability(meter) }]),
            availability_mode: "all",
            qos: 1,
            components: there.chain(removed).collect(),
        }
    }
}

/// What a device is called until its owner gives it a name: by the family of the meter.
const fn name_of(family: Option<MeterFamily>) -> Words {
    match family {
        Some(MeterFamily::Linky) | None => Words::new("Linky", "Linky"),
        Some(MeterFamily::Blue) => Words::new("Electronic meter", "Compteur électronique"),
        Some(MeterFamily::Yellow) => Words::new("CJE meter", "Compteur Jaune"),
        Some(MeterFamily::PmePmi) => Words::new("PME-PMI meter", "Compteur PME-PMI"),
        Some(MeterFamily::Ice) => Words::new("ICE meter", "Compteur ICE"),
        Some(MeterFamily::Concentrator) => Words::new("Concentrator", "Concentrateur"),
        Some(_) => Words::new("Meter", "Compteur"),
    }
}

/// What its owner calls it; else its kind, and of several meters the end of their numbers.
fn name(subject: &Subject<'_>, family: Option<MeterFamily>) -> String {
    let kind = name_of(family).get(subject.context.language);
    let digits = subject.context.meter.as_str();
    let digits = digits.get(digits.len().saturating_sub(NUMBER_DIGITS)..).filter(|_| subject.is_one_of_several);
    let numbered = || digits.map_or_else(|| kind.to_owned(), |digits| format!("{kind} {digits}"));
    subject.name.clone().unwrap_or_else(numbered)
}

/// The type that its number tells, in the language of its owner; else its kind.
fn model(subject: &Subject<'_>, family: Option<MeterFamily>) -> &'static str {
    let language = subject.context.language;
    let kind = subject.context.meter.kind().filter(|kind| Some(kind.family) == family);
    kind.map_or_else(|| name_of(family), |kind| Words::new(kind.name, kind.french)).get(language)
}

const fn mode_of(mode: Mode) -> Words {
    match mode {
        Mode::Historic => Words::new("historic", "historique"),
        Mode::Standard => Words::new("standard", "standard"),
    }
}

impl Device {
    fn new(subject: &Subject<'_>) -> Self {
        let meter = subject.context.meter;
        let family = subject.shown.family(meter);
        let version = subject.version.map(|version| format!(" {version:02}")).unwrap_or_default();
        Self {
            identifiers: Topics::object_id(meter),
            name: name(subject, family),
            serial_number: meter.to_string(),
            model: model(subject, family),
            manufacturer: meter.manufacturer(),
            hardware_version: meter.year().map(|year| year.to_string()),
            software_version: format!("TIC {}{version}", mode_of(subject.mode).get(subject.context.language)),
        }
    }
}
