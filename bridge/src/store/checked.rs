//! The text of a state file: records that each carry a checksum, so that damage costs one record and is noticed.
//!
//! A record is one line of JSON behind its CRC-32 in hexadecimal, between two line feeds. Two records are thus kept apart by two line
//! feeds: if one of them is damaged, the other still ends the record before it, or begins the one after it.

use std::{io, path::Path};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    store::whole::read_whole,
    words::{
        checksum::{DIGITS, checksum},
        journal,
        language::Words,
        printable::printable,
    },
};

const DAMAGED: Words = Words::new(
    "damaged in {} places; the {} records that are whole are used",
    "abîmé en {} endroits ; les {} enregistrements entiers sont utilisés",
);

/// What a file held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked<T> {
    /// The records that are whole, in their order.
    pub records: Vec<T>,
    /// What is wrong with the file, in words that name it.
    pub damage: Option<String>,
}

/// The whole text of a file with these records.
///
/// # Errors
/// A record that cannot be written as JSON.
pub fn text<'a, T: Serialize + 'a>(records: impl IntoIterator<Item = &'a T>) -> Result<Vec<u8>, serde_json::Error> {
    let mut text = Vec::new();
    for record in records {
        let json = serde_json::to_string(record)?;
        text.extend_from_slice(format!("\n{} {json}\n", checksum(json.as_bytes())).as_bytes());
    }
    Ok(text)
}

/// The records of a text, and how many lines of it are no record.
#[must_use]
pub fn records<T: DeserializeOwned>(text: &[u8]) -> (Vec<T>, usize) {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let (mut records, mut damaged) = (Vec::new(), 0);
    for line in lines {
        match record(line) {
            Some(record) => records.push(record),
            None => damaged += 1,
        }
    }
    (records, damaged)
}

/// Reads a file. One that is not there holds nothing.
#[must_use]
pub fn read<T: DeserializeOwned>(path: &Path) -> Checked<T> {
    let (records, damage) = match read_whole(path) {
        Ok(bytes) => match records(&bytes) {
            (records, 0) if !records.is_empty() => (records, None),
            (records, damaged) => {
                let damage = journal::say(DAMAGED, &[&damaged.max(1), &records.len()]);
                (records, Some(damage.to_string()))
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    Checked { records, damage: damage.map(|damage| printable(&format!("{}: {damage}", path.display()))) }
}

fn record<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let (expected, json) = line.split_first_chunk::<DIGITS>()?;
    let json = json.strip_prefix(b" ")?;
    let is_whole = checksum(json).as_bytes() == expected;
    is_whole.then(|| serde_json::from_slice(json).ok())?
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const RECORDS: [&str; 3] = ["one", "two \n lines", "three"];

    #[test]
    fn a_file_gives_its_records_back_and_one_that_is_missing_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("some.state");
        assert_eq!(read::<String>(&path), Checked { records: Vec::new(), damage: None });
        fs::write(&path, text(&RECORDS).unwrap()).unwrap();
        assert_eq!(read::<String>(&path), Checked { records: RECORDS.map(str::to_owned).into(), damage: None });
    }

    #[test]
    fn a_flipped_bit_anywhere_costs_one_record_and_is_said_with_the_name_of_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("some.state");
        let whole = text(&RECORDS).unwrap();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &bytes).unwrap();
            let Checked { records, damage } = read::<String>(&path);
            assert_eq!(records.len(), RECORDS.len() - 1, "bit {bit}: {records:?}");
            assert!(records.iter().all(|record| RECORDS.contains(&record.as_str())), "bit {bit}: {records:?}");
            assert!(damage.is_some_and(|damage| damage.contains("some.state: damaged in ")), "bit {bit}");
        }
    }

    #[test]
    fn a_file_without_a_single_record_is_damaged_too() {
        let directory = tempfile::tempdir().unwrap();
        for (name, content) in [("empty", ""), ("other", "{\"meters\": {}}")] {
            let path = directory.path().join(name);
            fs::write(&path, content).unwrap();
            assert!(read::<String>(&path).damage.is_some(), "{name}");
        }
        assert!(read::<String>(directory.path()).damage.is_some(), "a directory cannot be read");
    }
}
