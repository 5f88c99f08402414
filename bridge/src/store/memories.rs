//! The memories of meters on disk: one small JSON file for each meter in the state directory, written only when something new was learnt.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use teleinfo_proto::tic::MeterId;

use crate::homeassistant::memory::Memory;

/// Reads the memories of all meters; a file that is damaged, or no memory, is left out.
#[must_use]
pub fn load(directory: &Path) -> BTreeMap<MeterId, Memory> {
    let files = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    files.filter_map(|file| read(&file.path())).collect()
}

fn read(path: &Path) -> Option<(MeterId, Memory)> {
    let meter = path.file_name()?.to_str()?.strip_suffix(".json")?.parse().ok()?;
    let memory = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    Some((meter, memory))
}

/// The file of a meter, and what is to be written there.
///
/// # Errors
/// The memory cannot be written as JSON.
pub fn file(directory: &Path, meter: MeterId, memory: &Memory) -> Result<(PathBuf, Vec<u8>), serde_json::Error> {
    Ok((directory.join(format!("{meter}.json")), serde_json::to_vec_pretty(memory)?))
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
        assert!(load(directory.path()).is_empty());
        let terms = Terms { mode: Mode::Standard, contract: "TEMPO".into() };
        let memory = Memory { terms: Some(terms), migrated: true, ..Memory::default() };
        let (path, bytes) = file(directory.path(), meter, &memory).unwrap();
        write_whole(&path, &bytes, Outlives::PowerCut).unwrap();
        fs::write(directory.path().join("positions.json"), "{}").unwrap();
        assert_eq!(load(directory.path()), BTreeMap::from([(meter, memory)]));
        fs::write(path, "{").unwrap();
        assert!(load(directory.path()).is_empty());
        assert!(load(Path::new("/nowhere")).is_empty());
    }
}
