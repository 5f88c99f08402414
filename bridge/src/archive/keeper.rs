//! The thread that keeps the memory. It alone writes the file, in few transactions; whoever asks is told what is written and what still waits.
//!
//! Transactions are few because each wears an SD card: one every [`EVERY`], and one soon after each full hour. What a power cut takes, the history of the reader
//! brings back, or the next sample makes good: no more than five minutes lie between.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, RecvTimeoutError, SyncSender, TrySendError},
    },
    thread,
    time::{Duration, Instant},
};

use teleinfo_proto::tic::MeterId;
use tokio::sync::oneshot;
use tracing::info;

use crate::{
    archive::{
        block::{Curves, Grain},
        file::{File, Register, Rows},
        fill::filling,
        handed::{self, Handed},
        readings::{MINUTE_MS, Readings},
        segments::{Point, Segments},
    },
    words::{journal, language::Words, utc},
};

/// A commit is due so long after the first index that waits, ...
pub const EVERY: Duration = Duration::from_secs(300);
/// ... or so long, where that is one of a full hour.
const HOUR_SOON: Duration = Duration::from_secs(10);
/// Readings that may wait for the thread: what a disk that stalls holds up is dropped beyond that.
const QUEUE: usize = 4_096;
/// Indexes that may wait for a disk that says no; beyond that the oldest meters' are dropped.
const WAITING_MAX: usize = 200_000;
/// How often it is looked whether a command has handed hours over.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Its name in the state directory.
pub const FILE_NAME: &str = "archive.redb";

const ASIDE: Words = Words::new(
    "the memory of the page was damaged and begins anew; what was left of it is in {}",
    "la mémoire de la page était abîmée et recommence ; ce qu'il en restait est dans {}",
);
const NO_FILE: Words = Words::new(
    "{}: {}; the page remembers nothing beyond the end of this process",
    "{} : {} ; la page ne se souvient de rien après la fin de ce processus",
);
const FILLED: Words = Words::new(
    "meter {}: the memory of the page has {} more hours of {}, from {} to {}",
    "compteur {} : la mémoire de la page a {} heures de plus de {}, de {} à {}",
);
const NOT_TAKEN: Words = Words::new(
    "{}; the hours that were handed over are not taken: teleinfo-bridge import says more",
    "{} ; les heures remises ne sont pas prises : teleinfo-bridge import en dit plus",
);

/// The memory, for whoever feeds it or asks it. A copy is of the same memory.
#[derive(Clone)]
pub struct Archive {
    shared: Arc<Shared>,
    work: SyncSender<Work>,
}

struct Shared {
    file: File,
    /// What is not written yet.
    waiting: Mutex<Rows>,
}

enum Work {
    Readings(MeterId, Readings),
    Finish(oneshot::Sender<()>),
}

/// Where complaints go: what a person should know.
pub type Complain = Box<dyn Fn(String) + Send>;

impl Archive {
    /// Opens the memory in this directory; without one it lasts as long as the process. Nothing if there is not even room for that.
    #[must_use]
    pub fn start(directory: Option<&Path>, complain: Complain) -> Option<Self> {
        let on_disk = directory.and_then(|directory| Some((opened(&directory.join(FILE_NAME), &complain)?, directory.to_owned())));
        let (file, directory) = match on_disk {
            Some((file, directory)) => (file, Some(directory)),
            None => (File::in_memory().ok()?, None),
        };
        let segments = known(&file);
        let (work, queue) = mpsc::sync_channel(QUEUE);
        let shared = Arc::new(Shared { file, waiting: Mutex::default() });
        let mut keeper = Keeper { shared: shared.clone(), directory, looked: Instant::now(), segments, due: None, complain };
        thread::Builder::new().name("archive".into()).spawn(move || keeper.run(&queue)).ok()?;
        Some(Self { shared, work })
    }

    /// A meter showed this. Returns whether there was room for it: this never waits.
    #[must_use]
    pub fn handle_readings(&self, meter: MeterId, readings: Readings) -> bool {
        !matches!(self.work.try_send(Work::Readings(meter, readings)), Err(TrySendError::Full(_)))
    }

    /// Writes what waits, and resolves when that is done.
    pub async fn finish(&self) {
        let (sender, done) = oneshot::channel();
        if self.work.try_send(Work::Finish(sender)).is_ok() {
            let _ = done.await;
        }
    }

    /// The indexes of a meter from one minute since 1970 to another. It reads the disk.
    ///
    /// # Errors
    /// What the disk says.
    pub fn read(&self, meter: MeterId, grain: Grain, from: i64, to: i64) -> Result<Curves, redb::Error> {
        let waiting: Vec<(String, BTreeMap<i64, u32>)> = {
            let waiting = lock(&self.shared.waiting);
            let of_meter = waiting.iter().filter(|((of, _), _)| *of == meter);
            of_meter.map(|((_, register), rows)| (register.clone(), wanted(rows, grain, from, to))).collect()
        };
        let mut curves = self.shared.file.read(meter, grain, from, to)?;
        for (register, rows) in waiting {
            curves.entry(register).or_default().extend(rows);
        }
        Ok(curves)
    }
}

fn wanted(rows: &BTreeMap<i64, u32>, grain: Grain, from: i64, to: i64) -> BTreeMap<i64, u32> {
    rows.range(from..=to).filter(|(minute, _)| grain.place(**minute).is_some()).map(|(minute, wh)| (*minute, *wh)).collect()
}

fn lock(waiting: &Mutex<Rows>) -> MutexGuard<'_, Rows> {
    // Rows are whole after each change, so a panic elsewhere does not spoil them.
    waiting.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file. Without it the page must show what is known from now on, whatever the disk says.
fn opened(path: &Path, complain: &Complain) -> Option<File> {
    match File::open(path) {
        Ok((file, damaged)) => {
            damaged.into_iter().for_each(|aside| complain(journal::say(ASIDE, &[&aside]).to_string()));
            Some(file)
        }
        Err(error) => {
            complain(journal::say(NO_FILE, &[&path.display(), &error]).to_string());
            None
        }
    }
}

/// Each register goes on from its newest index, so that a restart leaves no gap.
fn known(file: &File) -> HashMap<Register, Segments> {
    let newest = file.newest().unwrap_or_default();
    let segments = |(minute, wh)| {
        let mut segments = Segments::default();
        segments.handle_point(Point { unix_ms: minute * MINUTE_MS, wh });
        segments
    };
    newest.into_iter().map(|(register, index)| (register, segments(index))).collect()
}

/// What the thread owns.
struct Keeper {
    shared: Arc<Shared>,
    /// Where hours may be handed over.
    directory: Option<PathBuf>,
    /// When it was last looked whether some were.
    looked: Instant,
    segments: HashMap<Register, Segments>,
    /// When the next commit is due; nothing waits without one.
    due: Option<Instant>,
    complain: Complain,
}

impl Keeper {
    /// Until the last one who could feed it is gone.
    fn run(&mut self, queue: &mpsc::Receiver<Work>) {
        loop {
            let until_due = self.due.map_or(EVERY, |due| due.saturating_duration_since(Instant::now()));
            let patience = if self.directory.is_some() { until_due.min(LOOK_EVERY) } else { until_due };
            match queue.recv_timeout(patience) {
                Ok(Work::Readings(meter, readings)) => self.handle_readings(meter, &readings, Instant::now()),
                Ok(Work::Finish(done)) => {
                    self.commit(Instant::now());
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.due.is_some_and(|due| due <= Instant::now()) {
                self.commit(Instant::now());
            }
            if self.looked.elapsed() >= LOOK_EVERY {
                self.take_handed();
                self.looked = Instant::now();
            }
        }
    }

    fn handle_readings(&mut self, meter: MeterId, readings: &Readings, now: Instant) {
        let mut waiting = lock(&self.shared.waiting);
        for (register, wh) in &readings.indexes {
            let name = (meter, register.clone());
            let point = Point { unix_ms: readings.unix_ms, wh: *wh };
            let minutes = self.segments.entry(name.clone()).or_default().handle_point(point);
            if minutes.is_empty() {
                continue;
            }
            let has_hour = minutes.iter().any(|(minute, _)| Grain::Hour.place(*minute).is_some());
            let due = now + if has_hour { HOUR_SOON } else { EVERY };
            self.due = Some(self.due.map_or(due, |known| known.min(due)));
            waiting.entry(name).or_default().extend(minutes);
        }
    }

    /// Takes the hours that a command has left, if it has. After a fault nothing more is taken: the disk has other things to do.
    fn take_handed(&mut self) {
        let Some(directory) = self.directory.clone() else { return };
        let Some(left) = handed::left(&directory) else { return };
        self.commit(Instant::now());
        let taken = left.damage.map_or(Ok(()), Err);
        let taken = taken.and_then(|()| left.records.iter().try_for_each(|handed| self.fill(handed).map_err(|error| error.to_string())));
        let taken = taken.and_then(|()| handed::remove(&directory).map_err(|error| error.to_string()));
        if let Err(error) = taken {
            (self.complain)(journal::say(NOT_TAKEN, &[&error]).to_string());
            self.directory = None;
        }
    }

    /// What was handed over was offered before; what has been heard meanwhile stays.
    fn fill(&self, Handed { meter, register, hours }: &Handed) -> Result<(), redb::Error> {
        let mut heard = self.shared.file.read(*meter, Grain::Hour, 0, i64::MAX)?;
        let Ok(filling) = filling(&heard.remove(register).unwrap_or_default(), hours) else { return Ok(()) };
        let ends = filling.hours.first_key_value().zip(filling.hours.last_key_value());
        let Some((first, last)) = ends.map(|((first, _), (last, _))| (utc::rfc3339(first * 60), utc::rfc3339(last * 60))) else {
            return Ok(());
        };
        info!("{}", journal::say(FILLED, &[meter, &filling.hours.len(), register, &first, &last]));
        self.shared.file.commit(&Rows::from([((*meter, register.clone()), filling.hours)]))
    }

    fn commit(&mut self, now: Instant) {
        self.due = None;
        let rows = lock(&self.shared.waiting).clone();
        if rows.is_empty() {
            return;
        }
        match self.shared.file.commit(&rows) {
            // Nobody else adds rows, so these are all that wait.
            Ok(()) => lock(&self.shared.waiting).clear(),
            Err(error) => {
                (self.complain)(format!("{FILE_NAME}: {error}"));
                self.due = Some(now + EVERY);
                bound(&mut lock(&self.shared.waiting));
            }
        }
    }
}

fn bound(waiting: &mut Rows) {
    while waiting.values().map(BTreeMap::len).sum::<usize>() > WAITING_MAX {
        waiting.pop_first();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON_MS: i64 = 29_000_160 * MINUTE_MS;

    fn readings(second: i64, wh: u32) -> Readings {
        Readings { unix_ms: NOON_MS + second * 1_000, indexes: vec![("BASE".into(), wh)] }
    }

    fn minutes(archive: &Archive, meter: MeterId) -> Vec<(i64, u32)> {
        let curves = archive.read(meter, Grain::Minute, 29_000_160, 29_000_200).unwrap();
        curves.get("BASE").map(|curve| curve.iter().map(|(minute, wh)| (minute - 29_000_160, *wh)).collect()).unwrap_or_default()
    }

    #[tokio::test]
    async fn what_waits_is_told_and_what_was_written_outlives_the_process() {
        let directory = tempfile::tempdir().unwrap();
        let meter: MeterId = "041876097767".parse().unwrap();
        let archive = Archive::start(Some(directory.path()), Box::new(|text| panic!("{text}"))).unwrap();
        for (second, wh) in [(59, 100), (61, 102), (119, 140), (121, 142)] {
            assert!(archive.handle_readings(meter, readings(second, wh)));
        }
        archive.finish().await;
        assert_eq!(minutes(&archive, meter), [(1, 101), (2, 141)]);
        drop(archive);
        // The thread closes the file when nobody can feed it any more.
        let again = loop {
            thread::sleep(Duration::from_millis(10));
            if File::open(&directory.path().join(FILE_NAME)).is_ok() {
                break Archive::start(Some(directory.path()), Box::new(|text| panic!("{text}"))).unwrap();
            }
        };
        assert!(again.handle_readings(meter, readings(301, 242)));
        again.finish().await;
        assert_eq!(minutes(&again, meter)[1..], [(2, 141), (3, 174), (4, 208), (5, 241)], "a restart leaves no gap");
        let refused = Arc::new(Mutex::new(Vec::new()));
        let complain = refused.clone();
        let other = Archive::start(Some(directory.path()), Box::new(move |text| complain.lock().unwrap().push(text))).unwrap();
        assert!(minutes(&other, meter).is_empty() && refused.lock().unwrap().len() == 1, "two bridges of one directory");
    }

    #[tokio::test]
    async fn hours_that_are_handed_over_come_before_what_was_heard() {
        let (directory, meter) = (tempfile::tempdir().unwrap(), "041876097767".parse().unwrap());
        let archive = Archive::start(Some(directory.path()), Box::new(|text| panic!("{text}"))).unwrap();
        for (second, wh) in [(-1, 20_100), (1, 20_102)] {
            assert!(archive.handle_readings(meter, readings(second, wh)));
        }
        // The hour before, the same hour as somebody else has it, and one that was never shown.
        let hours = BTreeMap::from([(29_000_040, 0), (29_000_100, 19_000), (29_000_160, 20_099)]);
        let handed = Handed { meter, register: "BASE".into(), hours };
        handed::leave(directory.path(), &[handed]).unwrap();
        while handed::is_left(directory.path()) {
            thread::sleep(Duration::from_millis(20));
        }
        let curves = archive.read(meter, Grain::Hour, 29_000_000, 29_000_200).unwrap();
        assert_eq!(curves["BASE"], BTreeMap::from([(29_000_100, 19_000), (29_000_160, 20_101)]));
    }

    #[tokio::test]
    async fn what_is_handed_over_and_damaged_is_named_once() {
        let directory = tempfile::tempdir().unwrap();
        let (complain, complaints) = mpsc::channel();
        let _archive = Archive::start(Some(directory.path()), Box::new(move |text| complain.send(text).unwrap())).unwrap();
        std::fs::write(directory.path().join("import.state"), "what is no record\n").unwrap();
        assert!(complaints.recv_timeout(Duration::from_secs(20)).unwrap().contains("import.state"));
        assert!(complaints.recv_timeout(LOOK_EVERY * 2).is_err());
    }
}
