//! The memories of meters on disk: one small JSON file per meter in the state directory, written only when something new was learnt.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use teleinfo_proto::tic::MeterId;

use crate::homeassistant::memory::Memory;

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
    use teleinfo_proto::tic::Mode;

    use super::*;
    use crate::meter::terms::Terms;

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
