//! The device discovery payload of a meter: one retained message that holds all its entities.
//!
//! Home Assistant handles a payload component by component and drops the rest of one that comes while an earlier one is still being
//! worked on. So changes are gathered for some seconds, and the payload that removes components is given time before the next.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use teleinfo_proto::tic::Mode;

use crate::{
    homeassistant::{
        component::{Context, component},
        entities,
        entity::Entity,
        predecessor::Migrate,
        shown::Seen,
    },
    meter::tariff_names::TariffNames,
    words::{language::Language, message::Message, topics::Topics},
};

/// Time that Home Assistant is given between two payloads.
const PAUSE: Duration = Duration::from_secs(5);
/// Birth messages reach every program at once: each waits a different while, 1 to 10 s.
const BIRTH_DELAY_MS: std::ops::Range<u64> = 1_000..10_000;

/// What a payload is made from.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Topics, meter, language.
    pub context: Context<'a>,
    /// What it has shown.
    pub seen: &'a Seen,
    /// Which mode it speaks.
    pub mode: Mode,
    /// The version of its TIC, in standard mode.
    pub version: Option<u64>,
    /// Names of its tariffs.
    pub names: &'a TariffNames,
    /// Whose entities are taken over.
    pub migrate: Migrate,
}

/// Components that were announced: key to platform. What Home Assistant must be told to remove when it no longer belongs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced(pub BTreeMap<String, String>);

/// When to announce what.
#[derive(Debug, Default)]
pub struct Discovery {
    /// What the broker holds, as far as we know.
    published: Option<Vec<u8>>,
    /// Whether the payload may have changed.
    stale: bool,
    /// Whether it must be sent even if it did not.
    again: bool,
    /// Not before.
    due: Option<Instant>,
}

impl Discovery {
    /// Something that entities depend on has changed.
    pub fn touch(&mut self, now: Instant) {
        self.stale = true;
        self.due.get_or_insert(now);
    }

    /// Home Assistant has started: again, after a while drawn from `random`.
    pub fn handle_birth(&mut self, random: u64, now: Instant) {
        let delay = BIRTH_DELAY_MS.start + random % (BIRTH_DELAY_MS.end - BIRTH_DELAY_MS.start);
        self.again = true;
        self.due = Some(now + Duration::from_millis(delay));
    }

    /// Again, as soon as it may be.
    pub fn again(&mut self, now: Instant) {
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
    pub fn poll(&mut self, now: Instant, subject: &Subject<'_>, announced: &mut Announced) -> Option<Message> {
        if !self.is_due(now) {
            return None;
        }
        let again = std::mem::take(&mut self.again);
        self.stale = false;
        self.due = None;
        let components = components(subject);
        let removed = announced.removed(&components);
        let next = Announced::of(&components);
        if !removed.is_empty() {
            // The markers must not stay in the retained payload.
            self.stale = true;
        }
        let payload = serde_json::to_vec(&payload(subject, components, &removed)).unwrap_or_default();
        *announced = next;
        if !again && self.published.as_ref() == Some(&payload) {
            return None;
        }
        self.due = Some(now + PAUSE);
        self.published = Some(payload.clone());
        Some(Message::retained(subject.context.topics.discovery(subject.context.meter), payload))
    }
}

impl Announced {
    fn of(components: &BTreeMap<String, Value>) -> Self {
        let platform = |component: &Value| component.get("p").and_then(Value::as_str).unwrap_or_default().to_owned();
        Self(components.iter().map(|(key, component)| (key.clone(), platform(component))).collect())
    }

    fn removed(&self, components: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
        let gone = self.0.iter().filter(|(key, _)| !components.contains_key(*key));
        gone.map(|(key, platform)| (key.clone(), json!({ "p": platform }))).collect()
    }
}

/// The entities of a meter that has shown this.
pub fn entities_of(seen: &Seen) -> impl Iterator<Item = &'static Entity> {
    entities::all().filter(|entity| entity.is_for(seen))
}

fn components(subject: &Subject<'_>) -> BTreeMap<String, Value> {
    let component = |entity: &'static Entity| {
        let unique_id = subject.migrate.unique_id(entity, subject.mode, subject.context.meter);
        let name = tariff_name(entity, subject);
        (entity.key.to_owned(), component(entity, &subject.context, &unique_id, name.as_deref()))
    };
    entities_of(subject.seen).map(component).collect()
}

/// The energy of a supplier index goes by the name of its tariff once that is learnt.
fn tariff_name(entity: &Entity, subject: &Subject<'_>) -> Option<String> {
    let index = entity.key.strip_prefix("energy_easf")?.parse().ok()?;
    let energy = match subject.context.language {
        Language::English => "Energy",
        Language::French => "Énergie",
    };
    subject.names.get(index).map(|name| format!("{energy} {name}"))
}

fn payload(subject: &Subject<'_>, mut components: BTreeMap<String, Value>, removed: &BTreeMap<String, Value>) -> Value {
    let Context { topics, meter, .. } = subject.context;
    components.extend(removed.clone());
    json!({
        "dev": device(subject),
        "o": { "name": env!("CARGO_PKG_NAME"), "sw": env!("CARGO_PKG_VERSION"), "url": env!("CARGO_PKG_REPOSITORY") },
        "stat_t": topics.state(meter),
        "avty": [{ "t": topics.bridge_state() }, { "t": topics.availability(meter) }],
        "avty_mode": "all",
        "qos": 1,
        "cmps": components,
    })
}

fn device(subject: &Subject<'_>) -> Value {
    let meter = subject.context.meter;
    let mut device = Map::new();
    let mut set = |key: &str, value: String| {
        device.insert(key.to_owned(), Value::String(value));
    };
    set("ids", Topics::object_id(meter));
    set("name", "Linky".to_owned());
    set("sn", meter.to_string());
    set("mdl", meter.kind().map_or("Linky", |kind| kind.name).to_owned());
    if let Some(manufacturer) = meter.manufacturer() {
        set("mf", manufacturer.to_owned());
    }
    if let Some(year) = meter.year() {
        set("hw", year.to_string());
    }
    set("sw", subject.version.map_or_else(|| format!("TIC {}", subject.mode), |version| format!("TIC {} {version:02}", subject.mode)));
    Value::Object(device)
}
