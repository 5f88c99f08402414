//! The samples that are still held: the last minutes in full, and the indexes of two days at one a minute.
//!
//! After a cut the bridge asks for what it missed (`tic/v2/<meter>/history`). The samples live in memory, since an SD card wears out, in
//! two rings of bytes allocated once: frames as they were sent, and snapshots of the indexes, each written as its difference from the one
//! before. At a clean stop they go to a file, and come back from it.
//!
//! Each sample has an *ordinal*, which counts on through restarts: the order of everything held, and the place of a cursor.

mod file;
mod judge;
mod record;
mod request;
mod ring;
mod snapshot;

use std::{io, path::Path};

use teleinfo_proto::{
    tic::MeterId,
    wire::{BootId, Extent, Sample, SampleKind},
};

pub(crate) use record::ANSWER_BYTES;
use record::{ORDINAL_BYTES, frame};
pub(crate) use request::Request;
use ring::{Position, Ring};
use snapshot::Snapshot;

/// Of each 16 bytes, those for snapshots. At about 20 bytes a snapshot, 5/16 of 256 KiB are more than two days.
const SNAPSHOT_SHARE: usize = 5;
const SHARES: usize = 16;
/// One snapshot a minute.
const SNAPSHOT_EVERY_MS: i64 = 60_000;
/// The least that makes sense: a few of the longest frames.
pub(crate) const BYTES_MIN: usize = 32 * 1_024;

/// After this many differences a snapshot is written whole again, so that making room costs few at a time.
const CHAIN_MAX: u32 = 60;
/// Everything held.
pub struct History {
    frames: Ring,
    snapshots: Ring,
    ordinal: u64,
    newest: Option<(BootId, u64)>,
    last_snapshot: Option<Snapshot>,
    chain: u32,
    last_minute: Option<i64>,
}

/// How far an answer has come. It stays good while samples come and go.
#[derive(Clone)]
pub(crate) struct Cursor {
    request: Request,
    /// Everything up to this ordinal is dealt with.
    after: u64,
    snapshots: Option<Position>,
    snapshot: Option<Snapshot>,
    frames: Option<Position>,
}

impl History {
    /// Room for `bytes` bytes, no more, ever.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        let snapshots = bytes / SHARES * SNAPSHOT_SHARE;
        Self {
            frames: Ring::new(bytes - snapshots),
            snapshots: Ring::new(snapshots),
            ordinal: 0,
            newest: None,
            last_snapshot: None,
            chain: 0,
            last_minute: None,
        }
    }

    /// Keeps a sample; the oldest make room. A live sample is not kept, since its frame repeats it.
    pub fn push(&mut self, sample: &Sample<'_>, encoded: &[u8]) {
        if sample.kind == SampleKind::Live {
            return;
        }
        self.ordinal += 1;
        self.newest = Some((sample.boot, sample.sequence));
        self.frames.push(&[&self.ordinal.to_le_bytes(), encoded]);
        let minute = sample.unix_ms.div_euclid(SNAPSHOT_EVERY_MS);
        if matches!(sample.kind, SampleKind::Frame { .. }) && self.last_minute != Some(minute) {
            self.push_snapshot(sample, minute);
        }
    }

    /// The samples of a process that are held, by sequence. Cheap for the process that fills it: its samples are the newest.
    #[must_use]
    pub(crate) fn extent(&self, boot: BootId) -> Extent {
        let snapshots = self.snapshots().map(|snapshot| (snapshot.boot, snapshot.sequence));
        let frames = self.frames().map(|frame| (frame.boot, frame.sequence));
        let oldest = snapshots.chain(frames).find(|(of, _)| *of == boot);
        let newest = self
            .newest
            .filter(|(of, _)| *of == boot)
            .or_else(|| self.frames().filter(|frame| frame.boot == boot).last().map(|frame| (frame.boot, frame.sequence)));
        Extent { oldest: oldest.map_or(0, |(_, sequence)| sequence), newest: newest.map_or(0, |(_, sequence)| sequence) }
    }

    /// Begins an answer.
    #[must_use]
    pub(crate) fn answer(&self, request: Request) -> Cursor {
        let after = match request {
            Request::After(boot, sequence) => self.ordinal_of(boot, sequence),
            Request::Everything | Request::Between { .. } => 0,
        };
        Cursor { request, after, snapshots: None, snapshot: None, frames: None }
    }

    /// The next sample of an answer, oldest first, with its meter; written to `buffer` of [`ANSWER_BYTES`]. `None` when there is no more.
    ///
    /// Snapshots come for the time of which no frames are held any more.
    pub(crate) fn next<'b>(&self, cursor: &mut Cursor, buffer: &'b mut [u8]) -> Option<(MeterId, &'b [u8])> {
        if cursor.frames.is_none() {
            while let Some(snapshot) = self.next_snapshot(cursor) {
                if cursor.takes(snapshot.ordinal, snapshot.unix_ms) {
                    cursor.after = snapshot.ordinal;
                    return Some((snapshot.meter, snapshot.encode(buffer)?));
                }
            }
        }
        loop {
            let position = cursor.frames.unwrap_or_else(|| self.frames.first());
            let (length, next) = self.frames.read(position, buffer)?;
            cursor.frames = Some(next);
            let (ordinal, encoded) = frame(&buffer[..length])?;
            let sample = Sample::decode(encoded).ok()?;
            if cursor.takes(ordinal, sample.unix_ms) {
                cursor.after = ordinal;
                let meter = sample.meter;
                return Some((meter, &buffer[ORDINAL_BYTES..length]));
            }
        }
    }

    /// Writes everything to a file, replacing it at once.
    ///
    /// # Errors
    ///
    /// Those of the file system.
    pub(crate) fn save(&self, path: &Path) -> io::Result<()> {
        file::save(path, &self.snapshots, &self.frames)
    }

    /// Writes the same to whatever takes bytes.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn write(&self, to: &mut impl io::Write) -> io::Result<()> {
        file::write(to, &self.snapshots, &self.frames)
    }

    /// Takes in what a file holds; to be called before the first [`Self::push`]. A damaged record is left out, the others are taken in.
    /// Gives the number of places where the file is damaged.
    ///
    /// # Errors
    ///
    /// Those of the file system, and `InvalidData` for a file that is no history. What was read before stays.
    pub(crate) fn load(&mut self, path: &Path) -> io::Result<u32> {
        self.take_in(|| file::open(path))
    }

    /// The same of a file that is opened like this.
    pub(crate) fn take_in<R: io::Read>(&mut self, open: impl Fn() -> io::Result<R>) -> io::Result<u32> {
        let damaged = file::load(open, &mut self.snapshots, &mut self.frames);
        self.ordinal = self.newest_ordinal();
        damaged
    }

    fn push_snapshot(&mut self, sample: &Sample<'_>, minute: i64) {
        let snapshot = Snapshot::of(self.ordinal, sample);
        if snapshot.is_empty() {
            return;
        }
        let mut buffer = [0; snapshot::BYTES_MAX];
        let step =
            self.last_snapshot.as_ref().filter(|_| self.chain < CHAIN_MAX).and_then(|last| snapshot.write_difference(last, &mut buffer));
        self.chain = if step.is_some() { self.chain + 1 } else { 0 };
        let Some(length) = step.or_else(|| snapshot.write_whole(&mut buffer)) else { return };
        self.snapshots.push(&[&buffer[..length]]);
        // A difference says nothing once the snapshot it builds on is gone.
        self.snapshots.drop_front_while(|first| !snapshot::is_whole(first));
        self.last_snapshot = (!self.snapshots.is_empty()).then_some(snapshot);
        self.last_minute = Some(minute);
    }

    fn next_snapshot(&self, cursor: &mut Cursor) -> Option<Snapshot> {
        let mut buffer = [0; snapshot::BYTES_MAX];
        let position = cursor.snapshots.unwrap_or_else(|| self.snapshots.first());
        let (length, next) = self.snapshots.read(position, &mut buffer)?;
        cursor.snapshots = Some(next);
        cursor.snapshot = Snapshot::read(&buffer[..length], cursor.snapshot.as_ref());
        cursor.snapshot.clone().filter(|snapshot| self.oldest_frame().is_none_or(|oldest| snapshot.ordinal < oldest))
    }

    fn oldest_frame(&self) -> Option<u64> {
        let mut ordinal = [0; ORDINAL_BYTES];
        self.frames.read(self.frames.first(), &mut ordinal).map(|_| u64::from_le_bytes(ordinal))
    }

    /// The newest that a process had sent up to this sequence. If only later ones are held, what was before them.
    fn ordinal_of(&self, boot: BootId, sequence: u64) -> u64 {
        let snapshots = self.snapshots().map(|snapshot| (snapshot.ordinal, snapshot.boot, snapshot.sequence));
        let frames = self.frames().map(|frame| (frame.ordinal, frame.boot, frame.sequence));
        let (mut sent, mut first) = (None, None);
        for (ordinal, _, held) in snapshots.chain(frames).filter(|(_, of, _)| *of == boot) {
            first.get_or_insert(ordinal);
            if held <= sequence {
                sent = sent.max(Some(ordinal));
            }
        }
        sent.or(first.map(|first| first - 1)).unwrap_or_default()
    }

    fn newest_ordinal(&self) -> u64 {
        let snapshot = self.snapshots().last().map(|snapshot| snapshot.ordinal);
        let frame = self.frames().last().map(|frame| frame.ordinal);
        snapshot.max(frame).unwrap_or_default()
    }

    /// Every snapshot, oldest first.
    fn snapshots(&self) -> impl Iterator<Item = Snapshot> {
        let (mut position, mut last) = (self.snapshots.first(), None);
        std::iter::from_fn(move || {
            let mut buffer = [0; snapshot::BYTES_MAX];
            let (length, next) = self.snapshots.read(position, &mut buffer)?;
            position = next;
            last = Snapshot::read(&buffer[..length], last.as_ref());
            last.clone()
        })
    }

    /// The names of all frames, oldest first.
    fn frames(&self) -> impl Iterator<Item = FrameName> {
        let mut position = self.frames.first();
        std::iter::from_fn(move || {
            let mut buffer = [0; ANSWER_BYTES];
            let (length, next) = self.frames.read(position, &mut buffer)?;
            position = next;
            let (ordinal, encoded) = frame(&buffer[..length])?;
            let sample = Sample::decode(encoded).ok()?;
            Some(FrameName { ordinal, boot: sample.boot, sequence: sample.sequence })
        })
    }
}

/// What tells a frame from all others.
struct FrameName {
    ordinal: u64,
    boot: BootId,
    sequence: u64,
}

impl Cursor {
    fn takes(&self, ordinal: u64, unix_ms: i64) -> bool {
        let in_time = match self.request {
            Request::Between { since, until } => (since..=until).contains(&unix_ms),
            Request::Everything | Request::After(..) => true,
        };
        in_time && ordinal > self.after
    }
}

#[cfg(test)]
mod tests;
