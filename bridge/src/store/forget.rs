//! Takes a meter, or all of them, out of the state directory. The bridge must not run meanwhile: it would write what it still knows.

use std::{fs, io, path::Path};

use teleinfo_proto::tic::MeterId;

use crate::store::{checked, ledgers, memories, positions, whole};

/// Removes the files of a meter and its records in files of all meters; or, without a meter, all files of the bridge. Returns how many files
/// were removed or changed.
///
/// # Errors
/// A file cannot be removed or written.
pub fn forget(directory: &Path, meter: Option<MeterId>) -> io::Result<usize> {
    let mut done = 0;
    for file in fs::read_dir(directory)? {
        let path = file?.path();
        let owner = ledgers::meter_of(&path).or_else(|| memories::meter_of(&path));
        let is_state = path.extension().is_some_and(|extension| extension == "state" || extension == "ledger");
        if meter.map_or(is_state, |meter| owner == Some(meter)) {
            fs::remove_file(&path)?;
            done += 1;
        }
    }
    let positions = meter.map_or(Ok(false), |meter| forget_position(&directory.join(positions::FILE), meter))?;
    Ok(done + usize::from(positions))
}

fn forget_position(path: &Path, meter: MeterId) -> io::Result<bool> {
    let all = checked::read::<positions::Saved>(path).records;
    let others: Vec<_> = all.iter().filter(|saved| !saved.is_of(meter)).collect();
    if others.len() == all.len() {
        return Ok(false);
    }
    match others.is_empty() {
        true => fs::remove_file(path)?,
        false => whole::write_whole_for_owner(path, &checked::text(others)?)?,
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const POSITIONS: &str = r#"{"meter":"021861000001","unix_ms":1,"runs":[]}"#;
    const OTHERS: &str = r#"{"meter":"021861000002","unix_ms":1,"runs":[]}"#;

    fn directory() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for file in ["021861000001.state", "021861000001.ledger", "021861000002.state", "statistics.state", "notes.txt"] {
            fs::write(directory.path().join(file), "x").unwrap();
        }
        let records: Vec<serde_json::Value> = [POSITIONS, OTHERS].iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        fs::write(directory.path().join(positions::FILE), checked::text(&records).unwrap()).unwrap();
        directory
    }

    fn left(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn one_meter_is_forgotten_and_the_others_are_not() {
        let directory = directory();
        assert_eq!(forget(directory.path(), "021861000001".parse().ok()).unwrap(), 3);
        assert_eq!(left(directory.path()), ["021861000002.state", "notes.txt", "positions.state", "statistics.state"]);
        let records = checked::read::<positions::Saved>(&directory.path().join(positions::FILE)).records;
        assert!(records.len() == 1 && records[0].is_of("021861000002".parse().unwrap()));
        assert_eq!(forget(directory.path(), "021861000001".parse().ok()).unwrap(), 0);
    }

    #[test]
    fn all_of_the_bridge_is_forgotten_and_nothing_else() {
        let directory = directory();
        assert_eq!(forget(directory.path(), None).unwrap(), 5);
        assert_eq!(left(directory.path()), ["notes.txt"]);
    }
}
