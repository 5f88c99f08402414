//! Which components Home Assistant was told of, so that it can be told to remove those that no longer belong.
//!
//! They are kept as one text: a meter has fifty of them, there may be thousands of meters, and a map of texts takes five times the room.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What ends a line of the text, and what parts the key of a component from its platform there. No name of ours has either.
const LINE: char = '\n';
const PART: char = ' ';

/// Components that were announced: key and platform of each, sorted by key. On the disk it is a map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announced(Box<str>);

impl Announced {
    /// These, and no others.
    pub fn of<'a>(components: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let is_name = |text: &str| !text.contains([LINE, PART]);
        let components = components.into_iter().filter(|(key, platform)| is_name(key) && is_name(platform));
        let sorted: BTreeMap<&str, &str> = components.collect();
        Self(sorted.into_iter().map(|(key, platform)| format!("{key}{PART}{platform}{LINE}")).collect::<String>().into())
    }

    /// Key and platform of each.
    pub fn components(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.split_terminator(LINE).filter_map(|line| line.split_once(PART))
    }

    /// Whether one with this key was announced.
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.components().any(|(known, _)| known == key)
    }

    /// Whether none was announced.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Announced {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.components())
    }
}

impl<'de> Deserialize<'de> for Announced {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kept = BTreeMap::<String, String>::deserialize(deserializer)?;
        Ok(Self::of(kept.iter().map(|(key, platform)| (key.as_str(), platform.as_str()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_map_on_the_disk_and_sorted_in_memory() {
        let announced = Announced::of([("power", "sensor"), ("alert", "binary_sensor")]);
        let text = r#"{"alert":"binary_sensor","power":"sensor"}"#;
        assert_eq!(serde_json::to_string(&announced).unwrap(), text);
        assert_eq!(serde_json::from_str::<Announced>(text).unwrap(), announced);
        assert!(announced.contains("alert") && !announced.contains("sensor") && !announced.is_empty());
        assert!(serde_json::from_str::<Announced>("{}").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_name_is_not_taken_from_a_damaged_file() {
        let kept: Announced = serde_json::from_str(r#"{"a b":"sensor","c":"x\ny","":"","d":"sensor"}"#).unwrap();
        assert_eq!(kept.components().collect::<Vec<_>>(), [("", ""), ("d", "sensor")]);
    }
}
