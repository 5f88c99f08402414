//! The memories of meters on disk: one small file for each meter in the state directory, written only when something new was learnt.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use teleinfo_proto::tic::MeterId;

use crate::{
    homeassistant::memory::Memory,
    store::checked::{self, Checked},
};

/// Reads the memories of all meters, and what is wrong with their files. A file that is damaged, or no memory, is left out.
#[must_use]
pub fn load(directory: &Path) -> (BTreeMap<MeterId, Memory>, Vec<String>) {
    let (mut memories, mut damages) = (BTreeMap::new(), Vec::new());
    for file in fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok) {
        let Some(meter) = meter_of(&file.path()) else { continue };
        let Checked { records, damage } = checked::read(&file.path());
        memories.extend(records.into_iter().next().map(|memory| (meter, memory)));
        damages.extend(damage);
    }
    (memories, damages)
}

fn meter_of(path: &Path) -> Option<MeterId> {
    path.file_name()?.to_str()?.strip_suffix(".state")?.parse().ok()
}

/// The file of a meter, and what is to be written there.
///
/// # Errors
/// The memory cannot be written as JSON.
pub fn file(directory: &Path, meter: MeterId, memory: &Memory) -> Result<(PathBuf, Vec<u8>), serde_json::Error> {
    Ok((directory.join(format!("{meter}.state")), checked::text([memory])?))
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
        let memory = Memory { terms: Some(terms), migrated: true, ..Memory::default() };
        let (path, bytes) = file(directory.path(), meter, &memory).unwrap();
        write_whole(&path, &bytes, Outlives::PowerCut).unwrap();
        fs::write(directory.path().join("positions.state"), "{}").unwrap();
        assert_eq!(load(directory.path()), (BTreeMap::from([(meter, memory)]), Vec::new()));
        fs::write(path, "{").unwrap();
        let (memories, damages) = load(directory.path());
        assert!(memories.is_empty() && damages.len() == 1 && damages[0].contains("042161000021.state: damaged"), "{damages:?}");
        assert!(load(Path::new("/nowhere")).0.is_empty());
    }
}
