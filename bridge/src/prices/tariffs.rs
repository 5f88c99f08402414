//! The tariffs that can be priced, and under which names: **a tariff is one line**.
//!
//! The historic mode and the standard mode call the same tariff differently, and suppliers write it in several ways. All names of one line
//! are one tariff, so prices go on when the mode changes. A name that only one supplier uses is not known here: such a tariff is priced by
//! the number of its index.

use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// The supplier indexes (Enedis NOI-CPT_54E, table of EASF).
pub const INDEXES: RangeInclusive<u8> = 1..=10;

/// What a meter counts under now or later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counting<'a> {
    /// The supplier index, 1 to 10.
    pub index: u8,
    /// The name of the tariff, as the meter writes it, where it is known.
    pub name: Option<&'a str>,
}

impl Counting<'_> {
    /// How a list names it: by its name, and where that is none of ours by its index.
    #[must_use]
    pub fn written(&self) -> String {
        let known = self.name.and_then(Tariff::named).map(Tariff::title);
        match (known, self.name) {
            (Some(title), _) if title.contains(' ') => format!("\"{title}\""),
            (Some(title), _) => title.to_owned(),
            (None, Some(name)) => format!("{} ({name})", self.index),
            (None, None) => self.index.to_string(),
        }
    }
}

/// A tariff that can have a price, by its key: what it is called in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tariff(&'static str);

/// Key, title, and all names. Sources: PTEC and the labels of indexes (Enedis NOI-CPT_54E, 5.3.6), LTARF of public captures.
#[rustfmt::skip]
const TARIFFS: &[(&str, &str, &[&str])] = &[
    ("base",        "BASE",           &["BASE", "TH"]),
    ("hc",          "HC",             &["HC", "HCHC", "HEURE CREUSE", "HEURES CREUSES"]),
    ("hp",          "HP",             &["HP", "HCHP", "HEURE PLEINE", "HEURES PLEINES"]),
    ("hn",          "HN",             &["HN", "EJPHN", "HEURE NORMALE", "HEURES NORMALES"]),
    ("pm",          "PM",             &["PM", "EJPHPM", "HEURE POINTE", "HEURES POINTE"]),
    ("hc_bleu",     "HC BLEU",        &["HC BLEU", "HCJB", "BBRHCJB"]),
    ("hp_bleu",     "HP BLEU",        &["HP BLEU", "HPJB", "BBRHPJB"]),
    ("hc_blanc",    "HC BLANC",       &["HC BLANC", "HCJW", "BBRHCJW"]),
    ("hp_blanc",    "HP BLANC",       &["HP BLANC", "HPJW", "BBRHPJW"]),
    ("hc_rouge",    "HC ROUGE",       &["HC ROUGE", "HCJR", "BBRHCJR"]),
    ("hp_rouge",    "HP ROUGE",       &["HP ROUGE", "HPJR", "BBRHPJR"]),
    ("weekend",     "HEURE WEEK-END", &["HEURE WEEK-END"]),
    ("hc_weekend",  "HC WEEK END",    &["HC WEEK END"]),
    ("hp_mercredi", "HP MERCREDI",    &["HP MERCREDI"]),
    ("index_1",     "index 1",        &["1"]),
    ("index_2",     "index 2",        &["2"]),
    ("index_3",     "index 3",        &["3"]),
    ("index_4",     "index 4",        &["4"]),
    ("index_5",     "index 5",        &["5"]),
    ("index_6",     "index 6",        &["6"]),
    ("index_7",     "index 7",        &["7"]),
    ("index_8",     "index 8",        &["8"]),
    ("index_9",     "index 9",        &["9"]),
    ("index_10",    "index 10",       &["10"]),
];

impl Tariff {
    /// All hours alike.
    pub const BASE: Self = Self("base");

    /// All that there are.
    pub fn all() -> impl Iterator<Item = Self> {
        TARIFFS.iter().map(|(key, ..)| Self(key))
    }

    /// The tariff of a name, whatever its case and its spaces.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ").to_uppercase();
        TARIFFS.iter().find(|(.., names)| names.contains(&name.as_str())).map(|(key, ..)| Self(key))
    }

    /// The tariff of an index, whatever its name.
    #[must_use]
    pub fn of_index(index: u8) -> Option<Self> {
        Self::named(&index.to_string())
    }

    /// Whether it is only known by the number of its index.
    #[must_use]
    pub fn is_index(self) -> bool {
        self.0.starts_with("index_")
    }

    /// What it is called in JSON.
    #[must_use]
    pub const fn key(self) -> &'static str {
        self.0
    }

    /// What it is called.
    fn title(self) -> &'static str {
        TARIFFS.iter().find(|(key, ..)| *key == self.0).map_or(self.0, |(_, title, _)| title)
    }

    /// The tariff of a key.
    #[must_use]
    pub fn of_key(key: &str) -> Option<Self> {
        Self::all().find(|tariff| tariff.0 == key)
    }

    /// All titles, for a message about a name that there is none of.
    #[must_use]
    pub fn titles() -> String {
        let named = Self::all().filter(|tariff| !tariff.is_index()).map(Self::title);
        named.collect::<Vec<_>>().join(", ")
    }
}

impl Serialize for Tariff {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Tariff {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        Self::of_key(&key).ok_or_else(|| D::Error::custom("no tariff"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Counting, TARIFFS, Tariff};

    #[test]
    fn a_name_is_that_of_one_tariff() {
        let names: Vec<&str> = TARIFFS.iter().flat_map(|(.., names)| names.iter().copied()).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert!(
            TARIFFS.iter().all(|(key, title, names)| Tariff::of_key(key).is_some() && (names[0] == *title || title.starts_with("index")))
        );
    }

    #[test]
    fn a_tariff_is_written_as_a_list_takes_it() {
        let written = |name| Counting { index: 3, name }.written();
        let names = [Some("HCHC"), Some("BBRHPJR"), Some("HEURE SUPER CREUSE"), None];
        assert_eq!(names.map(written), ["HC", "\"HP ROUGE\"", "3 (HEURE SUPER CREUSE)", "3"]);
    }

    #[test]
    fn both_modes_mean_one_tariff() {
        for (key, names) in [("hc", ["HC", " heure  creuse ", "HCHC"]), ("hp_rouge", ["HPJR", "HP  ROUGE", "BBRHPJR"])] {
            assert!(names.into_iter().all(|name| Tariff::named(name).is_some_and(|tariff| tariff.key() == key)), "{key}");
        }
        assert_eq!((Tariff::of_index(10).unwrap().key(), Tariff::of_index(11), Tariff::named("HCC")), ("index_10", None, None));
    }
}
