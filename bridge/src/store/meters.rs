//! What is kept of meters on disk: small files of one record in the state directory, one of each kind for each meter.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};
use teleinfo_proto::tic::MeterId;

use crate::store::checked::{self, Checked};

/// How the name of a file ends that holds what was learnt of a meter.
pub const MEMORY: &str = ".state";
/// How the name of a file ends that holds what must never be forgotten of a meter's energy.
pub const LEDGER: &str = ".ledger";

/// Reads the files of one kind of all meters, and what is wrong with them. A file that is damaged is left out.
#[must_use]
pub fn load<T: DeserializeOwned>(directory: &Path, kind: &str) -> (BTreeMap<MeterId, T>, Vec<String>) {
    let (mut kept, mut damages) = (BTreeMap::new(), Vec::new());
    for file in fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok) {
        let Some(meter) = meter_of(&file.path(), kind) else { continue };
        let Checked { records, damage } = checked::read(&file.path());
        kept.extend(records.into_iter().next().map(|record| (meter, record)));
        damages.extend(damage);
    }
    (kept, damages)
}

fn meter_of(path: &Path, kind: &str) -> Option<MeterId> {
    path.file_name()?.to_str()?.strip_suffix(kind)?.parse().ok()
}

/// The file of a meter, and what is to be written there.
///
/// # Errors
/// The record cannot be written as JSON.
pub fn file(directory: &Path, meter: MeterId, kind: &str, record: &impl Serialize) -> Result<(PathBuf, Vec<u8>), serde_json::Error> {
    Ok((directory.join(format!("{meter}{kind}")), checked::text([record])?))
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::Mode;

    use super::*;
    use crate::{
        homeassistant::memory::Memory,
        meter::terms::Terms,
        store::whole::{Outlives, write_whole},
    };

    #[test]
    fn what_is_saved_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        let load = || load::<Memory>(directory.path(), MEMORY);
        let meter = "042161000021".parse().unwrap();
        assert!(load().0.is_empty());
        let terms = Terms { mode: Mode::Standard, contract: "TEMPO".into() };
        let memory = Memory { terms: Some(terms), migrated: true, ..Memory::default() };
        let (path, bytes) = file(directory.path(), meter, MEMORY, &memory).unwrap();
        write_whole(&path, &bytes, Outlives::PowerCut).unwrap();
        fs::write(directory.path().join("positions.state"), "{}").unwrap();
        fs::write(directory.path().join(format!("{meter}{LEDGER}")), "{}").unwrap();
        assert_eq!(load(), (BTreeMap::from([(meter, memory)]), Vec::new()));
        fs::write(path, "{").unwrap();
        let (memories, damages) = load();
        assert!(memories.is_empty() && damages.len() == 1 && damages[0].contains("042161000021.state: damaged"), "{damages:?}");
        assert!(super::load::<Memory>(Path::new("/nowhere"), MEMORY).0.is_empty());
    }
}
