//! What must be the same in the settings of all members: a meter that moves from one to another is told of in the same words, under the same
//! names. Members tell each other a sum of each of these settings, so that a difference is said before it shows in Home Assistant.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::words::checksum::checksum;

/// The sum of each setting, by its key in the configuration. A member that tells none is of a release that did not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Common(BTreeMap<String, String>);

impl Common {
    /// Of these keys and what is set there.
    pub fn new<'a>(settings: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        Self(settings.into_iter().map(|(key, set)| (key.into(), checksum(set.as_bytes()))).collect())
    }

    /// The keys that both tell of, and that are set differently.
    pub fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a str> {
        let differs = |key: &str, sum: &String| other.0.get(key).is_some_and(|theirs| theirs != sum);
        self.0.iter().filter(move |(key, sum)| differs(key, sum)).map(|(key, _)| key.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_both_tell_of_can_differ() {
        let of = |settings: &[(&'static str, &str)]| Common::new(settings.iter().map(|(key, set)| (*key, (*set).to_owned())));
        let ours = of(&[("language", "French"), ("prices", "0.2"), ("newer", "1")]);
        let theirs = of(&[("language", "English"), ("prices", "0.2"), ("older", "1")]);
        assert_eq!(ours.differing(&theirs).collect::<Vec<_>>(), ["language"]);
        assert_eq!(ours.differing(&ours.clone()).count() + ours.differing(&Common::default()).count(), 0);
    }
}
