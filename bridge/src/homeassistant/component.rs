//! One entity as a component of a discovery payload: topics, templates, classes.
//!
//! Templates read with `get` at every level, so a label that is not sent gives `None`, hence `unknown`, and never a warning.

use serde_json::{Map, Value, json};
use teleinfo_proto::tic::MeterId;

use crate::{
    homeassistant::entity::{Attributes, Entity, Platform, Source},
    words::{
        language::Language,
        topics::{OFFLINE, ONLINE, Topics},
    },
};

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

/// The component of an entity under a unique id. `name` overrides that of the table.
#[must_use]
pub fn component(entity: &Entity, context: &Context<'_>, unique_id: &str, name: Option<&str>) -> Value {
    let mut map = Map::new();
    let mut set = |key: &str, value: Value| {
        map.insert(key.to_owned(), value);
    };
    set("p", json!(entity.platform.name()));
    set("uniq_id", json!(unique_id));
    set("name", json!(name.unwrap_or(entity.name.get(context.language))));
    for (key, text) in [("dev_cla", entity.class), ("stat_cla", entity.state_class), ("unit_of_meas", entity.unit), ("ic", entity.icon)] {
        if !text.is_empty() {
            set(key, json!(text));
        }
    }
    if let Some(precision) = entity.precision {
        set("sug_dsp_prc", json!(precision));
    }
    if entity.diagnostic {
        set("ent_cat", json!("diagnostic"));
    }
    if entity.hidden {
        set("en", json!(false));
    }
    match entity.platform {
        Platform::Event => set("evt_typ", entity.choices.iter().map(|(code, _)| json!(code)).collect()),
        _ if !entity.choices.is_empty() => set("ops", entity.options(context.language).map(|option| json!(option)).collect()),
        _ => {}
    }
    if entity.outlives_meter {
        set("avty", json!([{ "t": context.topics.bridge_state() }]));
    }
    source(entity, context, &mut set);
    attributes(entity, context, &mut set);
    Value::Object(map)
}

fn source(entity: &Entity, context: &Context<'_>, set: &mut impl FnMut(&str, Value)) {
    let (topics, meter) = (context.topics, context.meter);
    match entity.source {
        // The merged state is the topic that all components share.
        Source::Label(_) | Source::Time(_) | Source::Decoded(..) => {}
        Source::Derived(_) => set("stat_t", json!(topics.derived(meter))),
        Source::Quality(_) => set("stat_t", json!(topics.quality(meter))),
        Source::Events => {
            set("stat_t", json!(topics.event(meter)));
            return;
        }
        Source::Availability => {
            set("stat_t", json!(topics.availability(meter)));
            set("pl_on", json!(ONLINE));
            set("pl_off", json!(OFFLINE));
            return;
        }
    }
    set("val_tpl", json!(template(entity, context.language)));
}

/// Reads the value, and translates it where it is one of several.
fn template(entity: &Entity, language: Language) -> String {
    let value = expression(entity.source);
    match entity.platform {
        Platform::BinarySensor => format!("{{{{ {{true: 'ON', false: 'OFF'}}.get({value}) }}}}"),
        _ if entity.choices.is_empty() => format!("{{{{ {value} }}}}"),
        _ => {
            let pairs: Vec<String> =
                entity.choices.iter().map(|(code, words)| format!("{}: {}", json!(code), json!(words.get(language)))).collect();
            format!("{{{{ {{{}}}.get({value}) }}}}", pairs.join(", "))
        }
    }
}

fn expression(source: Source) -> String {
    match source {
        Source::Label(label) => format!("value_json.get('{label}', {{}}).get('value')"),
        Source::Time(label) => format!("value_json.get('{label}', {{}}).get('timestamp')"),
        Source::Decoded(label, field) => format!("value_json.get('{label}', {{}}).get('decoded', {{}}).get('{field}')"),
        Source::Derived(path) | Source::Quality(path) => match path.split_once('.') {
            Some((outer, inner)) => format!("value_json.get('{outer}', {{}}).get('{inner}')"),
            None => format!("value_json.get('{path}')"),
        },
        Source::Availability | Source::Events => "value".to_owned(),
    }
}

fn attributes(entity: &Entity, context: &Context<'_>, set: &mut impl FnMut(&str, Value)) {
    let (topic, fields) = match entity.attributes {
        Attributes::None => return,
        Attributes::Time(label) => (context.topics.state(context.meter), format!("'time': {}", expression(Source::Time(label)))),
        Attributes::Blocks(label) => {
            (context.topics.state(context.meter), format!("'blocks': {}", expression(Source::Decoded(label, "blocks"))))
        }
        Attributes::Derived(names) => {
            let fields: Vec<String> = names.iter().map(|name| format!("'{name}': {}", expression(Source::Derived(name)))).collect();
            (context.topics.derived(context.meter), fields.join(", "))
        }
    };
    set("json_attr_t", json!(topic));
    set("json_attr_tpl", json!(format!("{{{{ {{{fields}}} | to_json }}}}")));
}
