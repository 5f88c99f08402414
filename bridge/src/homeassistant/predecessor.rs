//! The programs that announced a meter before this one: teleinfo2mqtt and teleinfo2mqtt-rs, with their topics and unique ids.

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::{Label, MeterId, Mode};

use crate::{
    homeassistant::entity::{Entity, Need, Platform, Source},
    words::topics::Topics,
};

/// Where teleinfo2mqtt announces: its own base topic.
const TELEINFO2MQTT_NODE: &str = "teleinfo";

/// Labels whose entity reads something else than the label's value.
const TAKEN_BY: &[(&str, &str)] = &[("PTEC", "tariff"), ("DEMAIN", "tempo_tomorrow"), ("EAST", "energy_total")];

/// Whose entities are taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Migrate {
    /// There was no other program.
    #[default]
    #[serde(rename = "none")]
    None,
    /// The entities of teleinfo2mqtt, whose unique id is the label.
    #[serde(rename = "teleinfo2mqtt")]
    Teleinfo2mqtt,
    /// The entities of teleinfo2mqtt-rs, whose unique id is `linky_<adco>_<label>`.
    #[serde(rename = "teleinfo2mqtt-rs")]
    Teleinfo2mqttRs,
}

impl Migrate {
    /// The unique id of an entity: the one it had, if the other program had it.
    #[must_use]
    pub fn unique_id(self, entity: &Entity, mode: Mode, meter: &MeterId) -> String {
        match (self, replaces(entity, mode)) {
            (Self::Teleinfo2mqtt, Some(label)) => label.to_owned(),
            (Self::Teleinfo2mqttRs, Some(label)) if mode == Mode::Historic => format!("linky_{meter}_{}", label.to_lowercase()),
            _ => format!("{}_{}", Topics::object_id(meter), entity.key),
        }
    }

    /// The topic on which the other program announced a label.
    pub(super) fn topic(self, topics: &Topics, meter: &MeterId, label: &str) -> Option<String> {
        let low = label.replace('-', "_minus_").replace('+', "_plus_").to_lowercase();
        match self {
            Self::None => None,
            Self::Teleinfo2mqtt => Some(topics.single_discovery("sensor", TELEINFO2MQTT_NODE, &format!("{meter}_{low}"))),
            Self::Teleinfo2mqttRs => Some(topics.single_discovery("sensor", &format!("linky_{meter}"), &low)),
        }
    }

    /// The modes that the other program knows.
    pub(super) fn knows(self, mode: Mode) -> bool {
        match self {
            Self::None => false,
            Self::Teleinfo2mqtt => true,
            Self::Teleinfo2mqttRs => mode == Mode::Historic,
        }
    }
}

/// The label whose old entity this one continues, as a meter has it ([`Entity::of`]). Both programs know sensors only.
pub(super) fn replaces(entity: &Entity, mode: Mode) -> Option<&'static str> {
    let special = TAKEN_BY.iter().find(|(label, key)| *key == entity.key && Label::find(mode, label).is_some());
    let label = match (special, entity.source) {
        (Some((label, _)), _) => *label,
        (None, Source::Label(label)) => label,
        (None, Source::Derived(_)) => only_label(entity)?,
        _ => return None,
    };
    (entity.platform == Platform::Sensor).then(|| Label::find(mode, label)).flatten().map(|known| known.code)
}

/// The label that a value is worked out from, unless another entity shows that label itself.
fn only_label(entity: &Entity) -> Option<&'static str> {
    let Need::Label(label) = entity.needs else { return None };
    (!super::entities::all().any(|other| shows(other.source, label))).then_some(label)
}

fn shows(source: Source, label: &str) -> bool {
    match source {
        Source::Label(code) => code == label,
        Source::Role(role) => Mode::ALL.into_iter().any(|mode| Label::with_role(mode, role).any(|known| known.code == label)),
        _ => false,
    }
}
