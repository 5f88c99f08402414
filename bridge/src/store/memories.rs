//! The memories of meters on disk: one small file for each meter in the state directory, written only when something new was learnt or told.
//!
//! What was learnt is one record: half of it would take entities away. What was told is another, and what was learnt of the power a third.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::MeterId;

use crate::{
    homeassistant::memory::Memory,
    meter::told::Told,
    power::signed::KeptPower,
    store::checked::{self, Checked},
};

/// One record of a file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "a file has one of each, and it is read once")]
enum Record<'a> {
    Learnt(Cow<'a, Memory>),
    Told(Cow<'a, Told>),
    Power(Cow<'a, KeptPower>),
}

/// Reads the memories of all meters, and what is wrong with their files. What is damaged is learnt anew.
#[must_use]
pub fn load(directory: &Path) -> (BTreeMap<MeterId, Memory>, Vec<String>) {
    let (mut memories, mut damages) = (BTreeMap::new(), Vec::new());
    for file in fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok) {
        let Some(meter) = meter_of(&file.path()) else { continue };
        let Checked { records, damage } = checked::read(&file.path());
        memories.insert(meter, memory(records));
        damages.extend(damage);
    }
    (memories, damages)
}

fn memory(records: Vec<Record<'_>>) -> Memory {
    let (mut memory, mut told, mut power) = (Memory::default(), Told::default(), KeptPower::default());
    for record in records {
        match record {
            Record::Learnt(learnt) => memory = learnt.into_owned(),
            Record::Told(last) => told = last.into_owned(),
            Record::Power(learnt) => power = learnt.into_owned(),
        }
    }
    Memory { told, power, ..memory }
}

/// The memory of the text of a file, if it is whole.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Memory> {
    let (records, damaged) = checked::records(text);
    (damaged == 0 && !records.is_empty()).then(|| memory(records))
}

pub(super) fn meter_of(path: &Path) -> Option<MeterId> {
    path.file_name()?.to_str()?.strip_suffix(".state")?.parse().ok()
}

/// The file of a meter, and what is to be written there.
///
/// # Errors
/// The memory cannot be written as JSON.
pub fn file(directory: &Path, meter: MeterId, memory: &Memory) -> Result<(PathBuf, Vec<u8>), serde_json::Error> {
    Ok((directory.join(format!("{meter}.state")), text(memory)?))
}

/// The text of a file.
///
/// # Errors
/// The memory cannot be written as JSON.
pub fn text(memory: &Memory) -> Result<Vec<u8>, serde_json::Error> {
    let records =
        [Record::Learnt(Cow::Borrowed(memory)), Record::Told(Cow::Borrowed(&memory.told)), Record::Power(Cow::Borrowed(&memory.power))];
    checked::text(&records)
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::Mode;

    use super::*;
    use crate::{
        meter::terms::Terms,
        store::whole::{Outlives, write_whole},
    };

    #[test]
    fn what_is_saved_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let meter = "042161000021".parse().unwrap();
        assert!(load(directory.path()).0.is_empty());
        let terms = Terms { mode: Mode::Standard, contract: "TEMPO".into() };
        let told = Told { overload: Some(true), ..Told::under("standard") };
        let memory = Memory { terms: Some(terms), migrated: true, told, ..Memory::default() };
        let (path, bytes) = file(directory.path(), meter, &memory).unwrap();
        write_whole(&path, &bytes, Outlives::PowerCut).unwrap();
        fs::write(directory.path().join("positions.state"), "{}").unwrap();
        assert_eq!(load(directory.path()), (BTreeMap::from([(meter, memory)]), Vec::new()));
        fs::write(path, "{").unwrap();
        let (memories, damages) = load(directory.path());
        assert!(
            memories[&meter] == Memory::default() && damages.len() == 1 && damages[0].contains("042161000021.state: damaged"),
            "{damages:?}"
        );
        assert!(load(Path::new("/nowhere")).0.is_empty());
    }
}
