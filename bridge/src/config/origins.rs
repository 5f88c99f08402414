//! Where each value comes from, so that a mistake names the line, the variable or the flag that made it.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use crate::daemon::exit::Failure;

/// The table whose keys stand one level lower, below the address of a meter.
pub const METER: &str = "meter";

/// The tables of which there may be several, so that their keys are only set in the file.
pub const GRID_METER: &str = "grid-meter";

/// Who gave a key its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A line of a file.
    Line(PathBuf, usize),
    /// A variable of the environment.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(file, line) => write!(f, "{}:{line}", file.display()),
            Self::Variable(name) => f.write_str(name),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// The origin of each key that was given, by its name (`mqtt.url`). A key that is not here has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins {
    keys: BTreeMap<String, Origin>,
    /// Where tables begin: a key that is missing has no line of its own.
    tables: BTreeMap<String, Origin>,
}

impl Origins {
    /// Notes who gave a key its value; the last one counts.
    pub fn add(&mut self, key: impl Into<String>, origin: Origin) {
        self.keys.insert(key.into(), origin);
    }

    /// Notes where a table begins.
    pub fn add_table(&mut self, table: impl Into<String>, origin: Origin) {
        self.tables.insert(table.into(), origin);
    }

    /// The failure with the origin of the key that it begins with, if that was given; else of another key that it names, else of the table in
    /// which the key is missing.
    #[must_use]
    pub fn explain(&self, failure: Failure) -> Failure {
        let message = failure.to_string();
        let key = message.split_once(": ").map_or("", |(key, _)| key);
        match self.nearest(key).or_else(|| self.named(&message)).or_else(|| self.table(key)) {
            Some(origin) => Failure::new(failure.code(), format!("{origin}: {message}")),
            None => failure,
        }
    }

    /// Who gave a key, a key of this table, or the table that it stands in.
    fn nearest(&self, key: &str) -> Option<&Origin> {
        let within = || self.keys.range(format!("{key}.")..).next().filter(|(other, _)| other.starts_with(&format!("{key}.")));
        let around = || key.rmatch_indices('.').find_map(|(end, _)| self.keys.get(&key[..end]));
        self.keys.get(key).or_else(|| within().map(|(_, origin)| origin)).or_else(around).filter(|_| !key.is_empty())
    }

    /// Who gave a key that stands somewhere in these words.
    fn named(&self, words: &str) -> Option<&Origin> {
        self.keys.iter().find(|(key, _)| key.contains('.') && words.contains(key.as_str())).map(|(_, origin)| origin)
    }

    fn table(&self, key: &str) -> Option<&Origin> {
        let around = || key.rmatch_indices('.').find_map(|(end, _)| self.tables.get(&key[..end]));
        self.tables.get(key).or_else(around)
    }

    /// A line for each of `keys`, and for each other key that was given: where its value comes from.
    #[must_use]
    pub fn describe(&self, keys: impl Iterator<Item = String>) -> String {
        let mut lines: Vec<_> = keys.map(|key| (self.nearest(&key).map_or_else(|| "default".into(), ToString::to_string), key)).collect();
        let more: Vec<_> = self.keys.iter().filter(|(key, _)| lines.iter().all(|(_, known)| known != *key)).collect();
        lines.extend(more.into_iter().map(|(key, origin)| (origin.to_string(), key.clone())));
        lines.iter().map(|(origin, key)| format!("{key}: {origin}\n")).collect()
    }
}

/// `mqtt.url` for `url` of `[mqtt]`. The address of a meter stands in quotes, as in the file.
#[must_use]
pub fn dotted(table: &str, name: &str) -> String {
    match table {
        "" => name.to_owned(),
        METER => format!("{METER}.\"{name}\""),
        _ => format!("{table}.{name}"),
    }
}
