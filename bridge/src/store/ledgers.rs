//! The ledgers of meters on disk: one small file of one record for each meter in the state directory.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use teleinfo_proto::tic::MeterId;

use crate::{
    energy::ledger::{Ledger, Refusal},
    store::checked::{self, Checked},
    words::{journal, language::Words},
};

const NOT_USED: Words = Words::new("{}: not used: {}", "{} : non utilisé : {}");

/// Reads the ledgers of all meters, and what is wrong with their files. One that is damaged, or cannot be, is left out.
#[must_use]
pub fn load(directory: &Path) -> (BTreeMap<MeterId, Ledger>, Vec<String>) {
    let (mut ledgers, mut damages) = (BTreeMap::new(), Vec::new());
    for file in fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok) {
        let Some(meter) = meter_of(&file.path()) else { continue };
        let Checked { records, damage } = checked::read::<Ledger>(&file.path());
        damages.extend(damage);
        for ledger in records {
            match ledger.check(meter) {
                Ok(()) => {
                    ledgers.insert(meter, ledger);
                }
                Err(refusal) => damages.push(not_used(&file.path(), refusal)),
            }
        }
    }
    (ledgers, damages)
}

pub(super) fn meter_of(path: &Path) -> Option<MeterId> {
    path.file_name()?.to_str()?.strip_suffix(".ledger")?.parse().ok()
}

/// The file of a meter, and what is to be written there.
///
/// # Errors
/// The ledger cannot be written as JSON.
pub fn file(directory: &Path, meter: MeterId, ledger: &Ledger) -> Result<(PathBuf, Vec<u8>), serde_json::Error> {
    Ok((directory.join(format!("{meter}.ledger")), checked::text([ledger])?))
}

fn not_used(path: &Path, refusal: Refusal) -> String {
    journal::say(NOT_USED, &[&path.display(), &refusal.words().get(journal::language())]).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::energy::meaning::Meanings;
    use crate::store::whole::{Outlives, write_whole};

    #[test]
    fn what_is_saved_is_loaded_and_what_is_damaged_is_said() {
        let directory = tempfile::tempdir().unwrap();
        let (meter, other) = ("042161000021".parse().unwrap(), "021861000001".parse().unwrap());
        let ledger = Ledger::new(meter, 7, 9, None, BTreeMap::new(), Meanings::default());
        let (path, bytes) = file(directory.path(), meter, &ledger).unwrap();
        write_whole(&path, &bytes, Outlives::PowerCut).unwrap();
        assert_eq!(load(directory.path()), (BTreeMap::from([(meter, ledger.clone())]), Vec::new()));
        let (path, bytes) = file(directory.path(), other, &ledger).unwrap();
        write_whole(&path, &bytes, Outlives::PowerCut).unwrap();
        let (ledgers, damages) = load(directory.path());
        assert_eq!(ledgers.len(), 1);
        assert!(damages.len() == 1 && damages[0].contains("of another meter"), "{damages:?}");
        fs::write(directory.path().join("042161000021.ledger"), "{").unwrap();
        let (ledgers, damages) = load(directory.path());
        assert!(ledgers.is_empty() && damages.len() == 2, "{damages:?}");
    }
}
