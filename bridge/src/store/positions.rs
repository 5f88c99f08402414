//! How far each meter's samples were handed on, kept beyond the end of the process, so that its successor asks for the rest.
//!
//! In `$RUNTIME_DIRECTORY` (memory, kept by systemd over a restart of the service) after each sample, as far as that costs next to nothing;
//! in `$STATE_DIRECTORY` (a disk, perhaps an SD card) rarely and at a clean stop. Whichever is newer counts. Without either a restart
//! begins with the live samples.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use serde::{Deserialize, Serialize};
use teleinfo_proto::{tic::MeterId, wire::BootId};
use tracing::warn;

use crate::order::marks::{Mark, Marks};

const FILE: &str = "positions.json";
/// A disk is written this often at most, while the bridge runs.
const DISK_EVERY: Duration = Duration::from_secs(300);

/// Writing to memory takes one part in so many of the time: at once for some meters, rarer for a thousand.
const MEMORY_SHARE: u32 = 100;

/// One mark as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    boot: String,
    sequence: u64,
    unix_ms: i64,
}

/// Where positions are kept.
#[derive(Debug, Default)]
pub struct Positions {
    memory: Option<PathBuf>,
    disk: Option<PathBuf>,
    disk_written: Option<Instant>,
    memory_due: Option<Instant>,
    warned: bool,
}

/// The first directory of a variable that systemd sets.
#[must_use]
pub fn directory(variable: &str) -> Option<PathBuf> {
    let value = env::var_os(variable)?;
    env::split_paths(&value).next().filter(|path| path.is_absolute())
}

impl Positions {
    /// The directories that systemd gives.
    #[must_use]
    pub fn from_env() -> Self {
        Self::new(directory("RUNTIME_DIRECTORY"), directory("STATE_DIRECTORY"))
    }

    fn new(memory: Option<PathBuf>, disk: Option<PathBuf>) -> Self {
        Self { memory, disk, ..Self::default() }
    }

    /// What the last process left; a file that is missing or damaged is nothing.
    #[must_use]
    pub fn load(&self) -> BTreeMap<MeterId, Marks> {
        let newest = [&self.disk, &self.memory].into_iter().flatten().filter_map(|directory| read(directory)).max_by_key(|(at, _)| *at);
        newest.map(|(_, positions)| positions).unwrap_or_default()
    }

    /// Whether it is time to keep the positions in memory.
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        self.memory.is_some() && self.memory_due.is_none_or(|due| due <= now)
    }

    /// Keeps the positions; on disk too if it is time for it, or `last`.
    pub fn save<'a>(&mut self, meters: impl Iterator<Item = (&'a MeterId, &'a Marks)>, last: bool, now: Instant) {
        let disk_due = last || self.disk_written.is_none_or(|at| now.saturating_duration_since(at) >= DISK_EVERY);
        if self.memory.is_none() && !(disk_due && self.disk.is_some()) {
            return;
        }
        let begun = Instant::now();
        let lines: BTreeMap<_, _> = meters.map(|(meter, marks)| (meter.to_string(), lines(marks))).collect();
        let text = serde_json::to_vec(&lines).unwrap_or_default();
        let mut results = vec![self.memory.as_deref().map(|directory| write(directory, &text))];
        self.memory_due = Some(now + begun.elapsed() * MEMORY_SHARE);
        if disk_due {
            self.disk_written = Some(now);
            results.push(self.disk.as_deref().map(|directory| write(directory, &text)));
        }
        for error in results.into_iter().flatten().filter_map(Result::err) {
            if !std::mem::replace(&mut self.warned, true) {
                warn!("cannot keep how far samples were published: {error}; after a restart some may come twice or not at all");
            }
        }
    }
}

fn lines(marks: &Marks) -> Vec<Line> {
    let line = |mark: &Mark| Line { boot: mark.boot.to_string(), sequence: mark.sequence, unix_ms: mark.unix_ms };
    marks.iter().map(line).collect()
}

fn mark(line: &Line) -> Option<Mark> {
    let boot: BootId = line.boot.parse().ok()?;
    Some(Mark { boot, sequence: line.sequence, unix_ms: line.unix_ms })
}

fn read(directory: &Path) -> Option<(SystemTime, BTreeMap<MeterId, Marks>)> {
    let path = directory.join(FILE);
    let at = fs::metadata(&path).and_then(|metadata| metadata.modified()).ok()?;
    let lines: BTreeMap<String, Vec<Line>> = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    let meter = |(meter, lines): (String, Vec<Line>)| {
        let marks = lines.iter().filter_map(mark).collect();
        Some((meter.parse().ok()?, Marks::new(marks)))
    };
    Some((at, lines.into_iter().filter_map(meter).collect()))
}

/// Whole or not at all.
fn write(directory: &Path, text: &[u8]) -> io::Result<()> {
    let new = directory.join("positions.new");
    fs::write(&new, text)?;
    fs::rename(new, directory.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(sequence: u64) -> Marks {
        Marks::new(vec![Mark { boot: BootId::new(0xabc), sequence, unix_ms: 7 }])
    }

    #[test]
    fn the_newer_file_counts_and_the_disk_is_spared() {
        let (memory, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut positions = Positions::new(Some(memory.path().into()), Some(disk.path().into()));
        assert!(positions.load().is_empty());
        let meter: MeterId = "012345678912".parse().unwrap();
        let start = Instant::now();
        positions.save([(&meter, &marks(1))].into_iter(), false, start);
        positions.save([(&meter, &marks(2))].into_iter(), false, start + Duration::from_secs(1));
        assert_eq!(positions.load()[&meter], marks(2));
        let disk_only = Positions::new(None, Some(disk.path().into()));
        assert_eq!(disk_only.load()[&meter], marks(1));
        positions.save([(&meter, &marks(3))].into_iter(), true, start + Duration::from_secs(2));
        assert_eq!(disk_only.load()[&meter], marks(3));
    }

    #[test]
    fn damage_is_nothing() {
        let disk = tempfile::tempdir().unwrap();
        fs::write(disk.path().join(FILE), "{\"0123").unwrap();
        assert!(Positions::new(None, Some(disk.path().into())).load().is_empty());
        let gone = Positions::new(None, Some(disk.path().join("gone")));
        assert!(gone.load().is_empty());
    }
}
