//! What a restart of the bridge must not forget of a meter: which entities it has, and the names of its tariffs.
//!
//! Without it a meter's mobile-peak entities would vanish until the next peak, and "Energy HP" would be called "Energy index 2" until
//! the next morning. One small JSON file per meter in the state directory, written only when something new was learnt.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::{MeterId, Mode};

use crate::{
    homeassistant::discovery::Announced,
    seen::{Seen, Terms},
    tariff_names::TariffNames,
};

/// What outlives the process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Mode and contract that the rest is about.
    pub terms: Option<Terms>,
    /// What the meter has shown.
    pub seen: Seen,
    /// Names of its tariffs.
    pub names: TariffNames,
    /// What Home Assistant was told of.
    pub announced: Announced,
    /// Whether the entities of another program were taken over already.
    pub migrated: bool,
}

impl Memory {
    /// Other terms: what was learnt under those before no longer holds.
    pub fn begin(&mut self, terms: Terms) {
        *self = Self { terms: Some(terms), seen: Seen::default(), names: TariffNames::default(), ..std::mem::take(self) };
    }

    /// The mode that entities are about.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        self.terms.as_ref().map(|terms| terms.mode)
    }
}

/// Reads the memory of a meter; a file that is missing or damaged is no memory.
#[must_use]
pub fn load(directory: &Path, meter: &MeterId) -> Memory {
    fs::read(path(directory, meter)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// Writes the memory of a meter, whole or not at all.
///
/// # Errors
///
/// What the file system says.
pub fn save(directory: &Path, meter: &MeterId, memory: &Memory) -> io::Result<()> {
    let new = directory.join(format!("{meter}.new"));
    fs::write(&new, serde_json::to_vec_pretty(memory)?)?;
    fs::rename(new, path(directory, meter))
}

fn path(directory: &Path, meter: &MeterId) -> PathBuf {
    directory.join(format!("{meter}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_saved_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let meter = "042161000021".parse().unwrap();
        assert_eq!(load(directory.path(), &meter), Memory::default());
        let terms = Terms { mode: Mode::Standard, contract: "TEMPO".into() };
        let memory = Memory { terms: Some(terms), migrated: true, ..Memory::default() };
        save(directory.path(), &meter, &memory).unwrap();
        assert_eq!(load(directory.path(), &meter), memory);
        fs::write(path(directory.path(), &meter), "{").unwrap();
        assert_eq!(load(directory.path(), &meter), Memory::default());
    }
}
