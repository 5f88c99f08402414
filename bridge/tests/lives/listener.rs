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
    last: BTreeMap<String, u64>,
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
            self.entities.insert(id, Entity { topic, path: path(template) });
        }
    }

    fn count(&mut self, topic: &str, payload: &Value, now: Duration) {
        for (id, entity) in self.entities.iter().filter(|(_, entity)| entity.topic == topic) {
            let value = entity.path.iter().fold(payload, |value, field| &value[field]);
            let Some(wh) = value.as_u64() else { continue };
            if self.last.insert(id.clone(), wh) != Some(wh) {
                self.counts.push(Count { entity: id.clone(), wh, now });
            }
        }
    }
}

/// `value_json.get('EAST', {}).get('value')` reads EAST, and value in it.
fn path(template: &str) -> Vec<String> {
    template.split(".get('").skip(1).filter_map(|rest| rest.split('\'').next()).map(str::to_owned).collect()
}
