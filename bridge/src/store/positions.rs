//! How far each meter's samples were handed on, kept beyond the end of the process, so that its successor asks for the rest.
//!
//! In `$RUNTIME_DIRECTORY` (memory, kept by systemd over a restart of the service) after each sample, as far as that costs next to nothing;
//! in `$STATE_DIRECTORY` (a disk, perhaps an SD card) rarely and at a clean stop. Whichever is newer counts, meter by meter. Without either a
//! restart begins with the live samples.

use std::{
    collections::BTreeMap,
    env,
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use serde::{Deserialize, Serialize};
use teleinfo_proto::{tic::MeterId, wire::BootId};

use crate::{
    order::marks::{Mark, Marks},
    store::{checked, whole::Outlives},
    words::{message::Origin, utc},
};

pub(super) const FILE: &str = "positions.state";
/// A disk is written this often at most, while the bridge runs.
const DISK_EVERY: Duration = Duration::from_secs(300);

/// Writing to memory takes one part in so many of the time: at once for some meters, rarer for a thousand.
const MEMORY_SHARE: u32 = 100;
/// The longest that it waits because of that.
const MEMORY_WAIT: Duration = Duration::from_millis(300);

/// One mark as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Line {
    boot: String,
    sequence: u64,
    unix_ms: i64,
}

/// One record of the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Saved {
    meter: String,
    /// When the position was so. The time of the file says less: a slow disk may get it after memory got a newer one.
    unix_ms: i64,
    runs: Vec<Line>,
}

impl Saved {
    /// Whether it is of this meter.
    pub(super) fn is_of(&self, meter: MeterId) -> bool {
        self.meter == meter.as_str()
    }
}

/// Where positions are kept, and when they are written next.
#[derive(Debug, Default)]
pub struct Positions {
    memory: Option<PathBuf>,
    disk: Option<PathBuf>,
    memory_due: Option<Instant>,
    disk_due: Option<Instant>,
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

    /// With a directory that is in memory, and one on a disk.
    #[must_use]
    pub fn new(memory: Option<PathBuf>, disk: Option<PathBuf>) -> Self {
        Self { memory, disk, ..Self::default() }
    }

    /// What the last process left, and what is wrong with its files.
    #[must_use]
    pub fn load(&self) -> (BTreeMap<MeterId, Marks>, Vec<String>) {
        let files = [&self.disk, &self.memory].into_iter().flatten().map(|directory| checked::read::<Saved>(&directory.join(FILE)));
        let (records, damages): (Vec<_>, Vec<_>) = files.map(|file| (file.records, file.damage)).unzip();
        let mut newest: Vec<Saved> = records.into_iter().flatten().collect();
        newest.sort_by_key(|saved| saved.unix_ms);
        (newest.iter().filter_map(position).collect(), damages.into_iter().flatten().collect())
    }

    /// When positions that have changed are to be written next; at once, if never before. `None`: there is nowhere to write them.
    #[must_use]
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let memory = self.memory.as_ref().map(|_| self.memory_due.unwrap_or(now));
        let disk = self.disk.as_ref().map(|_| self.disk_due.unwrap_or(now));
        memory.into_iter().chain(disk).min()
    }

    /// The files that are to be written now: in memory and on disk as it is time for each, or both at the last. The samples of `untold` were
    /// handed on, but have not arrived.
    ///
    /// # Errors
    /// The positions cannot be written as JSON.
    pub fn files<'a>(
        &mut self,
        meters: impl Iterator<Item = (&'a MeterId, &'a Marks)>,
        untold: &[Origin],
        is_last: bool,
        now: Instant,
    ) -> Result<Vec<(PathBuf, Vec<u8>, Outlives)>, serde_json::Error> {
        let begun = Instant::now();
        let is_due = |due: Option<Instant>| is_last || due.is_none_or(|due| due <= now);
        let memory = self.memory.as_deref().filter(|_| is_due(self.memory_due)).map(|directory| (directory, Outlives::Process));
        let disk = self.disk.as_deref().filter(|_| is_due(self.disk_due)).map(|directory| (directory, Outlives::PowerCut));
        let unix_ms = utc::unix_ms(SystemTime::now());
        let saved =
            |(meter, marks): (&MeterId, &Marks)| Saved { meter: meter.to_string(), unix_ms, runs: lines(&told(*meter, marks, untold)) };
        let records: Vec<Saved> = meters.map(saved).collect();
        let text = checked::text(&records)?;
        let directories = [memory, disk].into_iter().flatten().filter(|_| !text.is_empty());
        let files = directories.map(|(directory, outlives)| (directory.join(FILE), text.clone(), outlives)).collect();
        let next_disk = disk.map(|_| now + DISK_EVERY);
        self.memory_due = memory.map(|_| now + (begun.elapsed() * MEMORY_SHARE).min(MEMORY_WAIT)).or(self.memory_due);
        self.disk_due = next_disk.or(self.disk_due);
        Ok(files)
    }
}

/// How far the samples of a meter have arrived.
#[must_use]
pub fn told(meter: MeterId, marks: &Marks, untold: &[Origin]) -> Marks {
    let mut marks = marks.clone();
    let of_meter = untold.iter().rev().filter(|origin| origin.meter == meter);
    of_meter.for_each(|origin| marks.take_back(origin.boot, origin.sequence));
    marks
}

fn lines(marks: &Marks) -> Vec<Line> {
    let line = |mark: &Mark| Line { boot: mark.boot.to_string(), sequence: mark.sequence, unix_ms: mark.unix_ms };
    marks.iter().map(line).collect()
}

fn mark(line: &Line) -> Option<Mark> {
    let boot: BootId = line.boot.parse().ok()?;
    Some(Mark { boot, sequence: line.sequence, unix_ms: line.unix_ms })
}

fn position(saved: &Saved) -> Option<(MeterId, Marks)> {
    Some((saved.meter.parse().ok()?, Marks::new(saved.runs.iter().filter_map(mark).collect())))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::store::whole::write_whole;

    const METER: &str = "012345678912";

    fn marks(sequence: u64) -> Marks {
        Marks::new(vec![Mark { boot: BootId::new(0xabc), sequence, unix_ms: 7 }])
    }

    /// Writes what is to be written when so many seconds have passed.
    fn save(positions: &mut Positions, sequence: u64, is_last: bool, now: Instant) {
        let (meter, marks) = (METER.parse().unwrap(), marks(sequence));
        for (path, bytes, outlives) in positions.files([(&meter, &marks)].into_iter(), &[], is_last, now).unwrap() {
            write_whole(&path, &bytes, outlives).unwrap();
        }
    }

    #[test]
    fn the_newer_file_counts_and_the_disk_is_spared() {
        let (memory, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut positions = Positions::new(Some(memory.path().into()), Some(disk.path().into()));
        assert!(positions.load().0.is_empty());
        let meter: MeterId = METER.parse().unwrap();
        let start = Instant::now();
        assert_eq!(positions.poll_timeout(start), Some(start));
        save(&mut positions, 1, false, start);
        let next = positions.poll_timeout(start).unwrap();
        assert!(next > start && next < start + Duration::from_secs(1), "memory is written often");
        save(&mut positions, 2, false, start + Duration::from_secs(1));
        assert_eq!(positions.load().0[&meter], marks(2));
        let disk_only = Positions::new(None, Some(disk.path().into()));
        assert_eq!(disk_only.load().0[&meter], marks(1));
        save(&mut positions, 3, true, start + Duration::from_secs(2));
        assert_eq!(disk_only.load().0[&meter], marks(3));
        assert_eq!(Positions::new(None, None).poll_timeout(start), None);
    }

    #[test]
    fn the_newer_content_counts_whichever_file_was_written_last() {
        let (memory, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let both = Positions::new(Some(memory.path().into()), Some(disk.path().into()));
        let meter: MeterId = METER.parse().unwrap();
        let files = |directory: &Path, sequence| {
            let marks = marks(sequence);
            Positions::new(None, Some(directory.into())).files([(&meter, &marks)].into_iter(), &[], true, Instant::now()).unwrap()
        };
        let older = files(disk.path(), 1);
        std::thread::sleep(Duration::from_millis(5));
        let newer = files(memory.path(), 3);
        for (path, bytes, outlives) in newer.into_iter().chain(older) {
            write_whole(&path, &bytes, outlives).unwrap();
        }
        assert_eq!(both.load().0[&meter], marks(3));
    }

    #[test]
    fn what_has_not_arrived_is_asked_for_again() {
        let disk = tempfile::tempdir().unwrap();
        let mut positions = Positions::new(None, Some(disk.path().into()));
        let (meter, handed_on): (MeterId, _) = (METER.parse().unwrap(), marks(9));
        let untold = [7, 8].map(|sequence| Origin { meter, boot: BootId::new(0xabc), sequence });
        for (path, bytes, outlives) in positions.files([(&meter, &handed_on)].into_iter(), &untold, true, Instant::now()).unwrap() {
            write_whole(&path, &bytes, outlives).unwrap();
        }
        assert_eq!(positions.load().0[&meter], marks(6));
    }

    #[test]
    fn what_one_file_has_lost_is_taken_from_the_other() {
        let (memory, disk) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut both = Positions::new(Some(memory.path().into()), Some(disk.path().into()));
        save(&mut both, 1, true, Instant::now());
        save(&mut Positions::new(Some(memory.path().into()), None), 2, true, Instant::now());
        let path = memory.path().join(FILE);
        let mut bytes = fs::read(&path).unwrap();
        bytes[30] ^= 1;
        fs::write(path, bytes).unwrap();
        let (positions, damages) = both.load();
        assert_eq!((positions[&METER.parse().unwrap()].clone(), damages.len()), (marks(1), 1));
    }

    #[test]
    fn damage_is_nothing() {
        let disk = tempfile::tempdir().unwrap();
        fs::write(disk.path().join(FILE), "{\"0123").unwrap();
        let (positions, damages) = Positions::new(None, Some(disk.path().into())).load();
        assert!(positions.is_empty() && damages.len() == 1, "{damages:?}");
        let gone = Positions::new(None, Some(disk.path().join("gone")));
        assert_eq!(gone.load(), (BTreeMap::new(), Vec::new()));
    }
}
