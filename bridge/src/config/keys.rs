//! The names of all keys, taken from the structures of [`file`](super::file) themselves: there is no second list that could differ.

use serde::{
    Deserializer,
    de::{DeserializeOwned, Error as _, Visitor, value::Error},
    forward_to_deserialize_any,
};

use super::{
    file::{Config, GroupKeys, HomeAssistantKeys, InfluxdbKeys, LimitsKeys, Log, MeterKeys, MqttKeys, PageKeys, UpdatesKeys, ZenohKeys},
    origins::{GRID_METER, METER},
};

type Names = fn() -> &'static [&'static str];

/// The tables, and what their keys are called. A test holds them against the fields of [`Config`].
const TABLES: &[(&str, Names)] = &[
    ("zenoh", names::<ZenohKeys>),
    ("mqtt", names::<MqttKeys>),
    ("homeassistant", names::<HomeAssistantKeys>),
    ("page", names::<PageKeys>),
    ("influxdb", names::<InfluxdbKeys>),
    ("updates", names::<UpdatesKeys>),
    ("group", names::<GroupKeys>),
    ("limits", names::<LimitsKeys>),
    ("log", names::<Log>),
];

/// Every key but those of meters and grid meters: its table ("" before the first) and its name.
pub fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_table = |name: &str| name == METER || name == GRID_METER || TABLES.iter().any(|(table, _)| *table == name);
    let top = names::<Config>().iter().filter(move |name| !is_table(name)).map(|name| ("", *name));
    top.chain(TABLES.iter().flat_map(|(table, names)| names().iter().map(move |name| (*table, *name))))
}

/// The keys of a meter.
#[must_use]
pub fn of_meters() -> &'static [&'static str] {
    names::<MeterKeys>()
}

/// The names of a structure's fields, as they are written in the file.
fn names<T: DeserializeOwned>() -> &'static [&'static str] {
    let mut listener = Listener(&[]);
    // It always ends in an error: only the names are wanted.
    let _ = T::deserialize(&mut listener);
    listener.0
}

/// Hears which fields a structure asks for, and gives it none.
struct Listener(&'static [&'static str]);

impl<'de> Deserializer<'de> for &mut Listener {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("only the names of fields are wanted"))
    }

    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.0 = fields;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct newtype_struct seq
        tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_table_is_forgotten() {
        let top: Vec<_> = all().filter(|(table, _)| table.is_empty()).map(|(_, name)| name).collect();
        assert_eq!(top, ["language", "prices"], "a new table belongs into TABLES");
        assert!(all().any(|key| key == ("mqtt", "base-topic")) && all().count() > 20);
        assert_eq!(of_meters(), ["name", "continues", "prices"]);
    }
}
