//! One entity as a component of a discovery payload: topics, templates, classes.
//!
//! Templates read with `get` at every level, so a label that is not sent, or is `null`, gives `None`, hence `unknown`, and never a warning.

use serde::Serialize;
use serde_json::{Value, json};
use teleinfo_proto::tic::MeterId;

use super::{
    entities,
    entity::{Attributes, Choice, Entity, Platform, Source},
};
use crate::words::{
    language::Language,
    topics::{OFFLINE, ONLINE, Topics},
};

/// Where what is worked out stands beside the labels.
const DERIVED: &str = "derived";

/// What all components of a meter share.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Topic names.
    pub topics: &'a Topics,
    /// The meter.
    pub meter: &'a MeterId,
    /// Names and values in this language.
    pub language: Language,
}

/// A component, under the abbreviations that Home Assistant gives to the keys of a payload.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Component {
    #[serde(rename = "p")]
    pub(super) platform: &'static str,
    #[serde(rename = "uniq_id")]
    unique_id: String,
    name: String,
    #[serde(rename = "dev_cla", skip_serializing_if = "Option::is_none")]
    device_class: Option<&'static str>,
    #[serde(rename = "stat_cla", skip_serializing_if = "Option::is_none")]
    state_class: Option<&'static str>,
    #[serde(rename = "unit_of_meas", skip_serializing_if = "Option::is_none")]
    unit_of_measurement: Option<&'static str>,
    #[serde(rename = "ic", skip_serializing_if = "Option::is_none")]
    icon: Option<&'static str>,
    #[serde(rename = "sug_dsp_prc", skip_serializing_if = "Option::is_none")]
    suggested_display_precision: Option<u8>,
    #[serde(rename = "ent_cat", skip_serializing_if = "Option::is_none")]
    entity_category: Option<&'static str>,
    #[serde(rename = "en", skip_serializing_if = "Option::is_none")]
    enabled_by_default: Option<bool>,
    #[serde(rename = "evt_typ", skip_serializing_if = "Option::is_none")]
    event_types: Option<&'static [&'static str]>,
    #[serde(rename = "ops", skip_serializing_if = "Option::is_none")]
    options: Option<Vec<&'static str>>,
    #[serde(rename = "avty", skip_serializing_if = "Option::is_none")]
    availability: Option<Value>,
    #[serde(rename = "stat_t", skip_serializing_if = "Option::is_none")]
    state_topic: Option<String>,
    #[serde(rename = "pl_on", skip_serializing_if = "Option::is_none")]
    payload_on: Option<&'static str>,
    #[serde(rename = "pl_off", skip_serializing_if = "Option::is_none")]
    payload_off: Option<&'static str>,
    #[serde(rename = "val_tpl", skip_serializing_if = "Option::is_none")]
    value_template: Option<String>,
    #[serde(rename = "last_reset_value_template", skip_serializing_if = "Option::is_none")]
    last_reset_value_template: Option<String>,
    #[serde(rename = "json_attr_t", skip_serializing_if = "Option::is_none")]
    json_attributes_topic: Option<String>,
    #[serde(rename = "json_attr_tpl", skip_serializing_if = "Option::is_none")]
    json_attributes_template: Option<String>,
}

impl Component {
    /// Available by this, rather than by what all components share.
    pub(super) fn with_availability(self, availability: Value) -> Self {
        Self { availability: Some(availability), ..self }
    }
}

/// The component of an entity under a unique id. `name` overrides that of the table.
#[must_use]
pub fn component(entity: &Entity, context: &Context<'_>, unique_id: String, name: Option<String>) -> Component {
    let is_availability = entity.source == Source::Availability;
    let (json_attributes_topic, json_attributes_template) = attributes(entity, context).unzip();
    Component {
        platform: entity.platform.name(),
        unique_id,
        name: name.unwrap_or_else(|| entity.name.get(context.language).to_owned()),
        device_class: entity.class,
        state_class: entity.state_class,
        unit_of_measurement: entity.unit,
        icon: entity.icon,
        suggested_display_precision: entity.precision,
        entity_category: entity.diagnostic.then_some("diagnostic"),
        enabled_by_default: entity.hidden.then_some(false),
        event_types: event_types(entity.source),
        options: (!entity.choices.is_empty()).then(|| entity.options(context.language).collect()),
        availability: availability(entity, context),
        state_topic: state_topic(entity.source, context),
        payload_on: is_availability.then_some(ONLINE),
        payload_off: is_availability.then_some(OFFLINE),
        value_template: template(entity, context.language),
        last_reset_value_template: entity.since.map(|since| format!("{{{{ {} }}}}", derived(since))),
        json_attributes_topic,
        json_attributes_template,
    }
}

/// What an entity is available by, unless it is what all components share.
///
/// Events are by nothing: one that comes back with its meter would start automations again for what is long past.
fn availability(entity: &Entity, context: &Context<'_>) -> Option<Value> {
    match entity.source {
        Source::Events(_) => Some(json!([])),
        _ => entity.outlives_meter.then(|| json!([{ "t": context.topics.bridge_state() }])),
    }
}

const fn event_types(source: Source) -> Option<&'static [&'static str]> {
    match source {
        Source::Events(types) => Some(types),
        _ => None,
    }
}

/// Where the value is read, unless it is the topic that all components share.
fn state_topic(source: Source, context: &Context<'_>) -> Option<String> {
    let (topics, meter) = (context.topics, context.meter);
    match source {
        Source::Label(_) | Source::Role(_) | Source::Time(_) | Source::Decoded(..) | Source::Derived(_) => None,
        Source::Power(_) => Some(topics.home_power(meter)),
        Source::Quality(_) => Some(topics.quality(meter)),
        Source::Events(_) => Some(topics.event(meter)),
        Source::Availability => Some(topics.availability(meter)),
    }
}

/// Reads the value, and translates it where it is one of several. Availability needs no template.
fn template(entity: &Entity, language: Language) -> Option<String> {
    if let Source::Events(types) = entity.source {
        return Some(of_types(types));
    }
    let value = expression(entity.source)?;
    if entity.is_thousandfold {
        return Some(format!("{{% set wh = {value} %}}{{{{ (wh / 1000) | round(3) if wh is number else none }}}}"));
    }
    let read = match entity.platform {
        Platform::BinarySensor => format!("{{true: 'ON', false: 'OFF'}}.get({value})"),
        _ if !entity.choices.is_empty() => format!("{}.get({value})", words(entity.choices.iter(), language)),
        _ => match entities::choices_of_other_forms(entity.key) {
            choices if choices.is_empty() => value,
            choices => format!("{}.get({value}, {value})", words(choices.into_iter(), language)),
        },
    };
    Some(format!("{{{{ {read} }}}}"))
}

/// The words of each code, as a template writes it.
fn words<'a>(choices: impl Iterator<Item = &'a Choice>, language: Language) -> String {
    let pairs = choices.map(|(code, words)| format!("{}: {}", json!(code), json!(words.get(language))));
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
}

/// Lets events of these types through. Home Assistant takes no notice of the nothing that is left of the others.
fn of_types(types: &[&str]) -> String {
    let types = types.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    format!("{{% if value_json.event_type in [{types}] %}}{{{{ value }}}}{{% endif %}}")
}

fn expression(source: Source) -> Option<String> {
    Some(match source {
        Source::Label(label) => path(&[label, "value"]),
        Source::Time(label) => path(&[label, "timestamp"]),
        Source::Decoded(label, field) => path(&[label, "decoded", field]),
        Source::Derived(field) => derived(field),
        Source::Power(field) => path(&[field]),
        Source::Quality(field) => path(&field.split('.').collect::<Vec<_>>()),
        // A role has become a label before an entity is announced.
        Source::Role(_) | Source::Availability | Source::Events(_) => return None,
    })
}

/// Reads a derived value, or what is at a path in one.
fn derived(name: &str) -> String {
    path(&[DERIVED].into_iter().chain(name.split('.')).collect::<Vec<_>>())
}

/// Reads a field of nested objects, each of which may be missing or `null`.
fn path(fields: &[&str]) -> String {
    let (last, objects) = fields.split_last().unwrap_or((&"", &[]));
    let object = objects.iter().fold("value_json".to_owned(), |outer, object| format!("({outer}.get('{object}') or {{}})"));
    format!("{object}.get('{last}')")
}

/// The topic and the template of what is shown beside the value.
fn attributes(entity: &Entity, context: &Context<'_>) -> Option<(String, String)> {
    let (topics, meter) = (context.topics, context.meter);
    let (topic, fields) = match entity.attributes {
        Attributes::None => return None,
        Attributes::Time(label) => (topics.home(meter), format!("'time': {}", path(&[label, "timestamp"]))),
        Attributes::Blocks(label) => (topics.home(meter), format!("'blocks': {}", path(&[label, "decoded", "blocks"]))),
        Attributes::Derived(names) => (topics.home(meter), named(names, derived)),
        Attributes::Power(names) => (topics.home_power(meter), named(names, |name| path(&[name]))),
    };
    Some((topic, format!("{{{{ {{{fields}}} | to_json }}}}")))
}

/// Fields under their own names.
fn named(names: &[&str], path: impl Fn(&str) -> String) -> String {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    names.iter().map(|name| format!("'{}': {}", last(name), path(name))).collect::<Vec<_>>().join(", ")
}
