//! Who listens, as Home Assistant does: each energy entity with its value, and which samples were told as the present and as the past.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use teleinfo_bridge::words::message::Message;

use crate::truth::Mark;

/// An energy entity, as discovery has announced it.
#[derive(Debug, Clone)]
struct Entity {
    topic: String,
    /// The fields that its template reads, from the outside in.
    path: Vec<String>,
    /// Where it is told that it holds, and what stands there then.
    holds: Option<(String, String)>,
}

/// A number of an entity at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    pub entity: String,
    pub wh: u64,
    pub now: Duration,
}

#[derive(Debug, Default)]
pub struct Listener {
    meter: String,
    entities: BTreeMap<String, Entity>,
    /// Numbers that entities have taken, in order; a repeated one counts once.
    pub counts: Vec<Count>,
    /// What each entity was last told, whether it holds or not, and what it last counted.
    told: BTreeMap<String, u64>,
    last: BTreeMap<String, u64>,
    /// The meanings that hold, by topic.
    current: BTreeMap<String, Vec<String>>,
    /// The samples that were told, in order, with the time at which they were told.
    pub present: Vec<(Mark, Duration)>,
    pub past: Vec<(Mark, Duration)>,
}

impl Listener {
    pub fn new(meter: &str) -> Self {
        Self { meter: meter.to_owned(), ..Self::default() }
    }

    pub fn hear(&mut self, message: &Message, now: Duration) {
        let Ok(payload) = serde_json::from_slice::<Value>(&message.payload) else { return };
        if message.topic == format!("homeassistant/device/teleinfo_{}/config", self.meter) {
            self.learn(&payload);
        } else if message.topic == format!("teleinfo/{}", self.meter) {
            self.note_present(&payload, now);
        } else if message.topic == format!("teleinfo/{}/history", self.meter) {
            self.past.extend(Mark::in_payload(&payload).map(|mark| (mark, now)));
        }
        if let Some(current) = payload["current"].as_array() {
            let meanings = current.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            self.current.insert(message.topic.clone(), meanings);
        }
        self.count(&message.topic, &payload, now);
    }

    fn note_present(&mut self, payload: &Value, now: Duration) {
        let mark = Mark::in_payload(payload);
        if mark != self.present.last().map(|(mark, _)| *mark) {
            self.present.extend(mark.map(|mark| (mark, now)));
        }
    }

    fn learn(&mut self, payload: &Value) {
        let shared = payload["stat_t"].as_str().unwrap_or_default();
        let components = payload["cmps"].as_object().into_iter().flatten();
        for (key, component) in components {
            self.entities.remove(key);
            let (Some("energy"), Some(template)) = (component["dev_cla"].as_str(), component["val_tpl"].as_str()) else { continue };
            let topic = component["stat_t"].as_str().unwrap_or(shared).to_owned();
            let id = component["uniq_id"].as_str().unwrap_or(key).to_owned();
            self.entities.insert(id, Entity { topic, path: path(template), holds: holds(component) });
        }
    }

    fn count(&mut self, topic: &str, payload: &Value, now: Duration) {
        for (id, entity) in self.entities.iter().filter(|(_, entity)| entity.topic == topic) {
            let value = entity.path.iter().fold(payload, |value, field| &value[field]);
            self.told.extend(value.as_u64().map(|wh| (id.clone(), wh)));
        }
        for (id, entity) in &self.entities {
            let holds =
                entity.holds.as_ref().is_none_or(|(topic, meaning)| self.current.get(topic).is_some_and(|all| all.contains(meaning)));
            let Some(wh) = self.told.get(id).copied().filter(|_| holds) else { continue };
            if self.last.insert(id.clone(), wh) != Some(wh) {
                self.counts.push(Count { entity: id.clone(), wh, now });
            }
        }
    }
}

/// `'EAST' in value_json.get('current', [])` holds while EAST is in that list of this topic.
fn holds(component: &Value) -> Option<(String, String)> {
    let told = component["avty"]
        .as_array()?
        .iter()
        .find(|told| told["val_tpl"].as_str().is_some_and(|template| template.contains("'current'")))?;
    let meaning = told["val_tpl"].as_str()?.split("if '").nth(1)?.split('\'').next()?;
    Some((told["t"].as_str()?.to_owned(), meaning.to_owned()))
}

/// `value_json.get('EAST', {}).get('value')` reads EAST, and value in it.
fn path(template: &str) -> Vec<String> {
    template.split(".get('").skip(1).filter_map(|rest| rest.split('\'').next()).map(str::to_owned).collect()
}
