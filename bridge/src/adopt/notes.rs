//! What was joined, kept on disk: what `--undo` takes back, and what a second run goes on with after a cut.

use std::{
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::join::Join;
use crate::store::{
    checked,
    whole::{Outlives, write_whole},
};

/// Beside what the bridge keeps, which does not read it.
const FILE: &str = "adopted.state";

/// One statistic of ours that goes on with an old one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adopted {
    /// The old statistic.
    pub old: String,
    /// Ours.
    pub ours: String,
    /// Start of the first old hour, in s since 1970.
    pub from: i64,
    /// Start of our first hour.
    pub first: i64,
    /// Our sum at the end of that hour before, in Wh.
    pub before: f64,
    /// What was added to our sums.
    pub lift: f64,
}

impl Adopted {
    /// What is about to be written.
    #[must_use]
    pub fn new(old: &str, ours: &str, join: &Join) -> Self {
        let Join { from, first, before, lift, .. } = *join;
        Self { old: old.to_owned(), ours: ours.to_owned(), from, first, before, lift }
    }

    /// Whether the lift stands in this sum of our first hour. A correction of that hour moves it by little.
    #[must_use]
    pub fn is_lifted(&self, sum: f64) -> bool {
        (sum - self.before - self.lift).abs() < (sum - self.before).abs()
    }
}

/// All of them.
#[derive(Debug)]
pub struct Notes {
    path: PathBuf,
    list: Vec<Adopted>,
}

impl Notes {
    /// Reads them from the state directory.
    ///
    /// # Errors
    /// The file is damaged: what was written cannot be taken back by guessing.
    pub fn load(directory: &Path) -> Result<Self, String> {
        let path = directory.join(FILE);
        let read = checked::read(&path);
        read.damage.map_or(Ok(Self { path, list: read.records }), Err)
    }

    /// All that was joined.
    #[must_use]
    pub fn all(&self) -> &[Adopted] {
        &self.list
    }

    /// What was joined to one of ours.
    #[must_use]
    pub fn of(&self, ours: &str) -> Option<&Adopted> {
        self.list.iter().find(|adopted| adopted.ours == ours)
    }

    /// Something is about to be joined; it is on the disk when this returns.
    ///
    /// # Errors
    /// What the file system says.
    pub fn add(&mut self, adopted: Adopted) -> io::Result<()> {
        self.list.push(adopted);
        self.save()
    }

    /// It was taken back.
    ///
    /// # Errors
    /// What the file system says.
    pub fn remove(&mut self, ours: &str) -> io::Result<()> {
        self.list.retain(|adopted| adopted.ours != ours);
        self.save()
    }

    fn save(&self) -> io::Result<()> {
        if self.list.is_empty() {
            return std::fs::remove_file(&self.path);
        }
        write_whole(&self.path, &checked::text(&self.list)?, Outlives::PowerCut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_joined_outlives_the_process_until_it_is_taken_back() {
        let directory = tempfile::tempdir().unwrap();
        let join = Join { from: 0, hours: 3, first: 10_800, before: 100.0, lift: 900.0, between: 1, drawn: 300.0 };
        let adopted = Adopted::new("sensor.old", "sensor.ours", &join);
        let mut notes = Notes::load(directory.path()).unwrap();
        notes.add(adopted.clone()).unwrap();
        let mut again = Notes::load(directory.path()).unwrap();
        assert_eq!(again.of("sensor.ours"), Some(&adopted));
        again.remove("sensor.ours").unwrap();
        assert!(Notes::load(directory.path()).unwrap().all().is_empty());
        std::fs::write(directory.path().join(FILE), "what is no record\n").unwrap();
        assert!(Notes::load(directory.path()).is_err());
    }

    #[test]
    fn a_sum_tells_whether_it_was_lifted() {
        let adopted = Adopted { old: "a".into(), ours: "b".into(), from: 0, first: 0, before: 100.0, lift: 900.0 };
        assert!(!adopted.is_lifted(100.0) && !adopted.is_lifted(130.0) && adopted.is_lifted(1_000.0) && adopted.is_lifted(970.0));
    }
}
