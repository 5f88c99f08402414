//! The bridge as a device of its own in Home Assistant: whether it is there, whether the repair of statistics works, what it complains of.
//!
//! Everything is read from `teleinfo/bridge/state` and `teleinfo/bridge/quality`. Whether the bridge is there is known without it, so that
//! entity is never unavailable.

use serde_json::{Value, json};

use crate::{
    homeassistant::presentation::Presentation,
    words::{
        language::Words,
        message::Message,
        topics::{OFFLINE, ONLINE, Topics},
    },
};

const DEVICE: Words = Words::new("teleinfo bridge", "Passerelle teleinfo");
const CONNECTION: Words = Words::new("Connection", "Connexion");
const REPAIR: Words = Words::new("Statistics repair", "Correction des statistiques");
const COMPLAINT: Words = Words::new("Complaint", "Anomalie");
const VERSION: Words = Words::new("Version", "Version");
const METERS: Words = Words::new("Meters that are read", "Compteurs lus");
const REFUSED: Words = Words::new("Refused messages", "Messages refusés");
const UPDATE: Words = Words::new("Update", "Mise à jour");
const OTHER_READERS: Words = Words::new("Readers of another version: ", "Lecteurs d'une autre version : ");
const NONE: Words = Words::new("none", "aucune");

/// Where a release says what is new.
const RELEASES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/releases");
/// Home Assistant takes no longer states.
const STATE_MAX: usize = 255;

/// The retained message that announces the device, unless nothing is to be announced.
#[must_use]
pub fn announcement(presentation: &Presentation) -> Option<Message> {
    let topics = &presentation.topics;
    let message = || Message::retained_json(topics.bridge_discovery(), &payload(presentation));
    presentation.discovery.then(message).flatten()
}

fn payload(presentation: &Presentation) -> Value {
    let (topics, words) = (&presentation.topics, |words: Words| words.get(presentation.language));
    json!({
        "dev": {
            "ids": topics.bridge_object_id(),
            "name": words(DEVICE),
            "mdl": env!("CARGO_PKG_NAME"),
            "sw": env!("CARGO_PKG_VERSION"),
        },
        "o": { "name": env!("CARGO_PKG_NAME"), "sw": env!("CARGO_PKG_VERSION"), "url": env!("CARGO_PKG_REPOSITORY") },
        "qos": 1,
        "cmps": {
            "connection": connection(topics, words(CONNECTION)),
            "statistics_repair": repair(topics, words(REPAIR)),
            "complaint": complaint(topics, words(COMPLAINT), words(NONE)),
            "meters": meters(topics, words(METERS)),
            "refused": refused(topics, words(REFUSED)),
            "update": if presentation.updates { update(topics, words(UPDATE), words(OTHER_READERS)) } else { json!({ "p": "update" }) },
            "version": version(topics, words(VERSION)),
        },
    })
}

fn connection(topics: &Topics, name: &str) -> Value {
    json!({
        "p": "binary_sensor",
        "uniq_id": format!("{}_connection", topics.bridge_object_id()),
        "name": name,
        "dev_cla": "connectivity",
        "ent_cat": "diagnostic",
        "stat_t": topics.bridge_state(),
        "pl_on": ONLINE,
        "pl_off": OFFLINE,
    })
}

/// Off while the repair works, or is not switched on; the reason is beside it.
fn repair(topics: &Topics, name: &str) -> Value {
    let statistics = "value_json.get('statistics', {})";
    let mut entity = of_quality(topics, "binary_sensor", "statistics_repair", name);
    entity["dev_cla"] = json!("problem");
    entity["val_tpl"] = json!(format!("{{{{ {{true: 'ON', false: 'OFF'}}.get({statistics}.get('problem')) }}}}"));
    entity["json_attr_t"] = json!(topics.bridge_quality());
    entity["json_attr_tpl"] = json!(format!("{{{{ {{'reason': {statistics}.get('reason')}} | to_json }}}}"));
    entity
}

/// What the complaints are about, in words; the texts, which are those of the log, are beside it.
fn complaint(topics: &Topics, name: &str, none: &str) -> Value {
    let all = |field: &str| format!("value_json.get('complaints', {{}}).values() | map(attribute='{field}') | list");
    let (subjects, texts) = (all("subject"), all("text"));
    let mut entity = of_quality(topics, "sensor", "complaint", name);
    entity["ic"] = json!("mdi:message-alert-outline");
    entity["val_tpl"] = json!(format!("{{% set all = {subjects} %}}{{{{ (all | join('; '))[:{STATE_MAX}] or {} }}}}", json!(none)));
    entity["json_attr_t"] = json!(topics.bridge_quality());
    entity["json_attr_tpl"] = json!(format!("{{{{ {{'texts': {texts}}} | to_json }}}}"));
    entity
}

/// How many meters are being read, and beside it of how many that were heard of since the start.
fn meters(topics: &Topics, name: &str) -> Value {
    let mut entity = of_quality(topics, "sensor", "meters", name);
    entity["ic"] = json!("mdi:meter-electric-outline");
    entity["stat_cla"] = json!("measurement");
    entity["val_tpl"] = json!("{{ value_json.get('meters_online') }}");
    entity["json_attr_t"] = json!(topics.bridge_quality());
    entity["json_attr_tpl"] = json!("{{ {'known': value_json.get('meters')} | to_json }}");
    entity
}

/// How many messages were not believed or not understood since the start; of which kind, is beside it.
fn refused(topics: &Topics, name: &str) -> Value {
    const ALL: &str = "(value_json.get('refused') or {})";
    let mut entity = of_quality(topics, "sensor", "refused", name);
    entity["ic"] = json!("mdi:email-off-outline");
    entity["stat_cla"] = json!("total_increasing");
    entity["val_tpl"] = json!(format!("{{{{ {ALL}.values() | sum }}}}"));
    entity["json_attr_t"] = json!(topics.bridge_quality());
    entity["json_attr_tpl"] = json!(format!("{{{{ {ALL} | to_json }}}}"));
    entity
}

fn version(topics: &Topics, name: &str) -> Value {
    let mut entity = of_quality(topics, "sensor", "version", name);
    entity["ic"] = json!("mdi:tag-outline");
    entity["val_tpl"] = json!("{{ value_json.get('version') }}");
    entity
}

/// The newest version beside the one that runs, and which readers have another one than the bridge. While the newest one is not known, there is no update.
fn update(topics: &Topics, name: &str, other_readers: &str) -> Value {
    let mut entity = of_quality(topics, "update", "update", name);
    let summary = format!("({} ~ others | join(', ')) if others else ''", json!(other_readers));
    entity["rel_u"] = json!(RELEASES);
    entity["val_tpl"] = json!(format!(
        "{{% set others = value_json.get('other_readers', []) %}}{{{{ {{'installed_version': value_json.version, \
         'latest_version': value_json.get('newest') or value_json.version, 'title': 'teleinfo', 'release_summary': {summary}}} | to_json }}}}"
    ));
    entity
}

/// A diagnostic entity that reads the report of the bridge on itself.
fn of_quality(topics: &Topics, platform: &str, key: &str, name: &str) -> Value {
    json!({
        "p": platform,
        "uniq_id": format!("{}_{key}", topics.bridge_object_id()),
        "name": name,
        "ent_cat": "diagnostic",
        "stat_t": topics.bridge_quality(),
        "avty": [{ "t": topics.bridge_state() }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{homeassistant::predecessor::Migrate, words::language::Language};

    fn presentation(language: Language, discovery: bool) -> Presentation {
        let (meters, prices) = (std::collections::BTreeMap::new(), crate::prices::book::Book::default());
        Presentation { topics: Topics::default(), language, discovery, migrate: Migrate::None, updates: true, meters, prices }
    }

    #[test]
    fn the_bridge_announces_itself_in_both_languages() {
        let message = announcement(&presentation(Language::French, true)).unwrap();
        assert_eq!((message.topic.as_str(), message.retain), ("homeassistant/device/teleinfo_bridge_teleinfo/config", true));
        let payload: Value = serde_json::from_slice(&message.payload).unwrap();
        assert_eq!(payload["dev"]["name"], "Passerelle teleinfo");
        let entities = payload["cmps"].as_object().unwrap();
        assert_eq!(
            entities.keys().collect::<Vec<_>>(),
            ["complaint", "connection", "meters", "refused", "statistics_repair", "update", "version"]
        );
        for (key, entity) in entities {
            assert_eq!(entity["uniq_id"], format!("teleinfo_bridge_teleinfo_{key}"));
            assert_eq!(entity.get("avty").is_none(), key == "connection", "{key}");
        }
        assert_eq!(announcement(&presentation(Language::English, false)), None);
        let without = Presentation { updates: false, ..presentation(Language::English, true) };
        let payload: Value = serde_json::from_slice(&announcement(&without).unwrap().payload).unwrap();
        assert_eq!(payload["cmps"]["update"], json!({ "p": "update" }), "what was announced before is taken back");
    }
}
