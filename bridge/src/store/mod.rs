//! What is kept on disk over a restart: [`positions`] of what was handed on, [`memories`] of what was learnt of meters, [`ledgers`] of
//! their energy, [`spoken`] of the language of Home Assistant.
//!
//! What is kept is decided elsewhere (`hub/`). Here is how: [`whole`] writes a file whole or not at all, [`checked`] makes its text
//! of records that tell when they are damaged, and [`Store`] writes on threads of its own, so that a disk that stalls holds up nothing
//! else. Begin with [`whole`].

pub mod checked;
pub mod forget;
pub mod ledgers;
pub mod memories;
pub mod positions;
pub mod spoken;
pub mod whole;

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::{self, Instant},
};

use crate::store::whole::Outlives;

/// Failures that wait to be reported; more of them say nothing new.
const FAILURES_MAX: usize = 16;

/// A file that could not be written.
#[derive(Debug)]
pub struct WriteFailure {
    /// The file.
    pub path: PathBuf,
    /// What the file system says.
    pub error: io::Error,
}

/// How a file is written.
type Write = Arc<dyn Fn(&Path, &[u8], Outlives) -> io::Result<()> + Send + Sync>;

/// Writes files, with one thread for each directory: a disk that stalls does not hold up a file system in memory.
pub struct Store {
    write: Write,
    writers: BTreeMap<PathBuf, Arc<Writer>>,
    failures: mpsc::Sender<WriteFailure>,
}

impl Store {
    /// Files are written whole or not at all. Failures come through the channel.
    #[must_use]
    pub fn new() -> (Self, mpsc::Receiver<WriteFailure>) {
        Self::with(Arc::new(whole::write_whole))
    }

    fn with(write: Write) -> (Self, mpsc::Receiver<WriteFailure>) {
        let (failures, receiver) = mpsc::channel(FAILURES_MAX);
        (Self { write, writers: BTreeMap::new(), failures }, receiver)
    }

    /// Writes a file soon, and never waits. What still waits for the same file is replaced.
    pub fn keep(&mut self, path: PathBuf, bytes: Vec<u8>, outlives: Outlives) {
        let directory = path.parent().unwrap_or(Path::new("/")).to_owned();
        if !self.writers.contains_key(&directory) {
            self.writers.insert(directory.clone(), Writer::start(self.write.clone(), self.failures.clone()));
        }
        if let Some(writer) = self.writers.get(&directory) {
            writer.keep(path, bytes, outlives);
        }
    }

    /// Waits until everything is written, but not longer than `patience`.
    pub async fn finish(&self, patience: Duration) {
        let end = Instant::now() + patience;
        for writer in self.writers.values() {
            let _ = time::timeout_at(end, writer.finished()).await;
        }
    }
}

/// One thread that writes, and what it still has to write.
#[derive(Default)]
struct Writer {
    work: Mutex<Work>,
    is_wanted: Condvar,
}

#[derive(Default)]
struct Work {
    waiting: BTreeMap<PathBuf, (Vec<u8>, Outlives)>,
    is_writing: bool,
    finished: Vec<oneshot::Sender<()>>,
}

impl Writer {
    fn start(write: Write, failures: mpsc::Sender<WriteFailure>) -> Arc<Self> {
        let writer = Arc::new(Self::default());
        let this = writer.clone();
        thread::spawn(move || {
            loop {
                let (path, (bytes, outlives)) = this.next();
                if let Err(error) = write(&path, &bytes, outlives) {
                    let _ = failures.try_send(WriteFailure { path, error });
                }
            }
        });
        writer
    }

    fn keep(&self, path: PathBuf, bytes: Vec<u8>, outlives: Outlives) {
        self.lock().waiting.insert(path, (bytes, outlives));
        self.is_wanted.notify_one();
    }

    /// Resolves when nothing is left to write.
    async fn finished(&self) {
        let (sender, receiver) = oneshot::channel();
        {
            let mut work = self.lock();
            if work.waiting.is_empty() && !work.is_writing {
                return;
            }
            work.finished.push(sender);
        }
        let _ = receiver.await;
    }

    /// The next file to write; waits for one. The last one was written.
    fn next(&self) -> (PathBuf, (Vec<u8>, Outlives)) {
        let mut work = self.lock();
        loop {
            if let Some(next) = work.waiting.pop_first() {
                work.is_writing = true;
                return next;
            }
            work.is_writing = false;
            work.finished.drain(..).for_each(|sender| {
                let _ = sender.send(());
            });
            work = self.is_wanted.wait(work).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Work> {
        // The work is whole after each change, so a panic elsewhere does not spoil it.
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc as channel;

    use super::*;

    #[tokio::test]
    async fn a_disk_that_stalls_holds_up_nobody_and_gets_the_newest_only() {
        let (go_on, stalled) = channel::channel::<()>();
        let (written, seen) = channel::channel();
        let stalled = Mutex::new(stalled);
        let (mut store, _failures) = Store::with(Arc::new(move |path: &Path, bytes: &[u8], _| {
            if path.starts_with("/disk") {
                stalled.lock().unwrap().recv().unwrap();
            }
            written.send((path.to_owned(), bytes.to_owned())).unwrap();
            Ok(())
        }));
        for number in 0..10_000_u32 {
            store.keep("/disk/file".into(), number.to_be_bytes().into(), Outlives::PowerCut);
        }
        assert!(store.writers[Path::new("/disk")].lock().waiting.len() <= 1, "memory is bounded");
        store.keep("/memory/file".into(), vec![7], Outlives::Process);
        assert_eq!(seen.recv().unwrap(), (PathBuf::from("/memory/file"), vec![7]), "another directory is not held up");
        store.finish(Duration::from_millis(20)).await;
        assert!(seen.try_recv().is_err(), "the disk still stalls");
        go_on.send(()).unwrap();
        go_on.send(()).unwrap();
        store.finish(Duration::from_secs(30)).await;
        let last = seen.try_iter().last().unwrap();
        assert_eq!(last.1, 9_999_u32.to_be_bytes());
    }

    #[tokio::test]
    async fn failures_are_reported_with_their_file() {
        let (mut store, mut failures) = Store::new();
        store.keep("/nowhere/at/all".into(), vec![1], Outlives::PowerCut);
        let failure = failures.recv().await.unwrap();
        assert_eq!((failure.path.to_str(), failure.error.kind()), (Some("/nowhere/at/all"), io::ErrorKind::NotFound));
    }
}
