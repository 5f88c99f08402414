//! Takes a meter, or all of them, out of the state directory. The bridge must not run meanwhile: it would write what it still knows.

use std::{collections::BTreeSet, fs, io, path::Path};

use teleinfo_proto::tic::MeterId;

use crate::{
    seal::pins,
    store::{checked, ledgers, memories, positions, whole},
};

/// Removes the files of a meter and its records in files of all meters; or, without a meter, all files of the bridge. Returns how many files
/// were removed or changed.
///
/// # Errors
/// A file cannot be removed or written.
pub fn forget(directory: &Path, meter: Option<MeterId>) -> io::Result<usize> {
    let mut done = 0;
    for file in fs::read_dir(directory)? {
        let path = file?.path();
        let owner = meter_of(&path);
        let is_state = path.extension().is_some_and(|extension| extension == "state" || extension == "ledger");
        if meter.map_or(is_state, |meter| owner == Some(meter)) {
            fs::remove_file(&path)?;
            done += 1;
        }
    }
    let positions = meter.map_or(Ok(false), |meter| forget_position(&directory.join(positions::FILE), meter))?;
    let pin = forget_reader(&directory.join(pins::FILE), meter)?;
    Ok(done + usize::from(positions) + usize::from(pin))
}

/// The meters that have files in the state directory.
#[must_use]
pub fn meters(directory: &Path) -> BTreeSet<MeterId> {
    fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok).filter_map(|file| meter_of(&file.path())).collect()
}

fn meter_of(path: &Path) -> Option<MeterId> {
    ledgers::meter_of(path).or_else(|| memories::meter_of(path))
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

/// Which reader speaks for the meter, or for all of them. The bridge's own key stays: its readers trust it.
fn forget_reader(path: &Path, meter: Option<MeterId>) -> io::Result<bool> {
    let Some(meter) = meter else { return fs::remove_file(path).map(|()| true).or_else(absent) };
    let text = match fs::read_to_string(path) {
        Err(error) => return absent(error),
        Ok(text) => text,
    };
    let others: String = text.lines().filter(|line| !line.starts_with(&format!("{meter} "))).map(|line| format!("{line}\n")).collect();
    if others.len() == text.len() {
        return Ok(false);
    }
    match others.is_empty() {
        true => fs::remove_file(path)?,
        false => whole::write_whole_for_owner(path, others.as_bytes())?,
    }
    Ok(true)
}

fn absent(error: io::Error) -> io::Result<bool> {
    if error.kind() == io::ErrorKind::NotFound { Ok(false) } else { Err(error) }
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
        fs::write(directory.path().join(pins::FILE), "021861000001 x\n021861000002 y\n").unwrap();
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
        assert_eq!(meters(directory.path()).len(), 2);
        assert_eq!(forget(directory.path(), "021861000001".parse().ok()).unwrap(), 4);
        assert_eq!(left(directory.path()), ["021861000002.state", "notes.txt", "positions.state", "readers", "statistics.state"]);
        assert_eq!(fs::read_to_string(directory.path().join(pins::FILE)).unwrap(), "021861000002 y\n");
        let records = checked::read::<positions::Saved>(&directory.path().join(positions::FILE)).records;
        assert!(records.len() == 1 && records[0].is_of("021861000002".parse().unwrap()));
        assert_eq!(forget(directory.path(), "021861000001".parse().ok()).unwrap(), 0);
    }

    #[test]
    fn all_of_the_bridge_is_forgotten_and_nothing_else() {
        let directory = directory();
        assert_eq!(forget(directory.path(), None).unwrap(), 6);
        assert_eq!(meters(directory.path()).len(), 0);
        assert_eq!(left(directory.path()), ["notes.txt"]);
    }
}
