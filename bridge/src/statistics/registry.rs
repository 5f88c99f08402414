//! Home Assistant's list of all its entities, of which only those of MQTT are kept: 20 000 entities are 13 MB of text, and ten times as much
//! in memory if all of it is kept.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::recorder::Error;

/// Entities of MQTT that are kept: those of more meters than a bridge follows in a house.
const ENTITIES_MAX: usize = 20_000;

/// One entity, as far as it matters here.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    platform: String,
    unique_id: Value,
    entity_id: String,
}

/// The answer around the list.
#[derive(Debug, Deserialize)]
struct Answer {
    id: Option<u64>,
    #[serde(rename = "type")]
    of: Option<String>,
    success: Option<bool>,
    result: Option<Ours>,
    error: Option<Refusal>,
}

/// Reads an answer, with the entities of MQTT alone.
///
/// # Errors
/// It is no answer, or its list is none.
pub fn read(text: &str) -> Result<Value, Error> {
    let Answer { id, of, success, result, error } = serde_json::from_str(text).map_err(|error| Error::Connection(error.to_string()))?;
    Ok(json!({ "id": id, "type": of, "success": success, "result": result.map(|ours| ours.0), "error": error }))
}

/// Why a command is refused.
#[derive(Debug, Serialize, Deserialize)]
struct Refusal {
    code: String,
    message: String,
}

/// The entities of MQTT.
#[derive(Debug)]
struct Ours(Vec<Entry>);

impl<'de> Deserialize<'de> for Ours {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Entries)
    }
}

/// Takes one entry after the other, so that the others are never in memory together.
struct Entries;

impl<'de> serde::de::Visitor<'de> for Entries {
    type Value = Ours;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a list of entities")
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = list.next_element::<Entry>()? {
            if entry.platform == "mqtt" && entry.unique_id.is_string() && entries.len() < ENTITIES_MAX {
                entries.push(entry);
            }
        }
        Ok(Ours(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_entities_of_mqtt_are_kept() {
        let list = json!([
            { "platform": "mqtt", "unique_id": "a", "entity_id": "sensor.a", "options": { "x": [1, 2, 3] } },
            { "platform": "zwave", "unique_id": "b", "entity_id": "sensor.b" },
            { "platform": "mqtt", "unique_id": 7, "entity_id": "sensor.c" },
        ]);
        let answer = json!({ "id": 3, "type": "result", "success": true, "result": list }).to_string();
        let read = read(&answer).unwrap();
        assert_eq!(read["result"], json!([{ "platform": "mqtt", "unique_id": "a", "entity_id": "sensor.a" }]));
        assert_eq!((read["id"].as_u64(), read["success"].as_bool()), (Some(3), Some(true)));
    }

    #[test]
    fn a_refusal_keeps_its_words_and_what_is_no_list_is_an_error() {
        let refused = r#"{"id":3,"type":"result","success":false,"error":{"code":"unauthorized","message":"Unauthorized"}}"#;
        assert_eq!(read(refused).unwrap()["error"]["code"], "unauthorized");
        for text in ["", "[", r#"{"id":1,"result":{}}"#, r#"{"id":1,"result":[7]}"#, r#"{"id":-1}"#] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
