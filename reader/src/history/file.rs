//! The history in a file, from one run of the reader to the next.
//!
//! Eight bytes say what the file is. Then come the records of both rings, each behind a head of seven bytes: which ring, the length of the
//! record, and a checksum (CRC-32) over all of it. A record that is damaged costs that record: the next one is found by its own checksum.
//! A snapshot that is written as a difference from a damaged one goes with it. A last record says that the file is whole. What is read is
//! judged again, as when it was new.
//!
//! The file is written beside the old one, and put in its place when it is whole.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    path::Path,
};

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};
use teleinfo_proto::wire::Sample;

use super::{
    judge::Judge,
    record::{self, ANSWER_BYTES},
    ring::Ring,
    snapshot::{self, Snapshot},
};

const MAGIC: &[u8; 8] = b"TICHIST2";
/// The checksum of gzip and PNG, without a table: 256 KiB are saved in some milliseconds, and the program stays small.
const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);
/// Which ring (1 byte), length of the record (2), checksum (4), little-endian.
const HEAD_BYTES: usize = 7;
const SNAPSHOT: u8 = b'S';
const FRAME: u8 = b'F';
/// The last record, which holds nothing.
const END: u8 = b'E';
/// No reader makes so many samples. From here on, new ones still have numbers.
const ORDINAL_MAX: u64 = u64::MAX / 2;

pub(super) fn save(path: &Path, snapshots: &Ring, frames: &Ring) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = BufWriter::new(create_new(&beside)?);
    write(&mut file, snapshots, frames)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(beside, path)
}

/// The whole file.
pub(super) fn write(file: &mut impl Write, snapshots: &Ring, frames: &Ring) -> io::Result<()> {
    file.write_all(MAGIC)?;
    write_ring(file, SNAPSHOT, snapshots)?;
    write_ring(file, FRAME, frames)?;
    write_record(file, END, &[])
}

/// A new file, where one of a stop at a bad moment, or a link to somewhere else, may be in its place.
fn create_new(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => File::create_new(path),
    }
}

/// A file as it lies on the disk.
pub(super) fn open(path: &Path) -> io::Result<BufReader<File>> {
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a link or a device, and no file"));
    }
    Ok(BufReader::new(File::open(path)?))
}

fn records<R: Read>(mut file: R) -> io::Result<Records<R>> {
    let mut magic = [0; MAGIC.len()];
    if file.read_exact(&mut magic).is_err() || &magic != MAGIC {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "this is not a history of this release"));
    }
    Ok(Records::new(file))
}

/// The ordinals of records that could be taken in, but are not believed: snapshots, then frames.
fn refused(file: impl Read) -> io::Result<[Vec<u64>; 2]> {
    let (mut records, mut last) = (records(file)?, None);
    let (mut snapshots, mut frames) = (Judge::default(), Judge::default());
    let (mut of_snapshots, mut of_frames) = (Ordinals::default(), Ordinals::default());
    while let Some(Record { which, content, after_damage }) = records.next()? {
        last = last.filter(|_| !after_damage);
        match which {
            SNAPSHOT => {
                last = Snapshot::read(content, last.as_ref());
                let next = last.clone().filter(|snapshot| of_snapshots.allow(snapshot.ordinal));
                next.into_iter().for_each(|snapshot| snapshots.handle_record(snapshot));
            }
            FRAME => {
                let next = frame_indexes(content).filter(|indexes| of_frames.allow(indexes.ordinal));
                next.into_iter().for_each(|indexes| frames.handle_record(indexes));
            }
            END => break,
            _ => {}
        }
    }
    Ok([snapshots.into_refused(), frames.into_refused()])
}

fn frame_indexes(content: &[u8]) -> Option<Snapshot> {
    let (ordinal, encoded) = record::frame(content)?;
    Some(Snapshot::of(ordinal, &Sample::decode(encoded).ok()?))
}

/// Keeps a snapshot: as it was written, or whole where the one that it is a difference from was not kept.
fn keep_snapshot(snapshots: &mut Ring, snapshot: &Snapshot, content: &[u8], is_broken: bool) {
    let mut buffer = [0; snapshot::BYTES_MAX];
    match snapshot.write_whole(&mut buffer).filter(|_| is_broken) {
        Some(length) => snapshots.push(&[&buffer[..length]]),
        None => snapshots.push(&[content]),
    }
}

/// Takes in every record that is whole and believed, and gives the number of places where the file is damaged. The file is opened twice: what
/// is not believed is known before anything is taken in.
pub(super) fn load<R: Read>(open: impl Fn() -> io::Result<R>, snapshots: &mut Ring, frames: &mut Ring) -> io::Result<u32> {
    let [refused_snapshots, refused_frames] = refused(open()?)?;
    let mut records = records(open()?)?;
    let mut damaged = (refused_snapshots.len() + refused_frames.len()) as u32;
    let (mut last, mut is_broken): (Option<Snapshot>, bool) = (None, false);
    let (mut of_snapshots, mut of_frames) = (Ordinals::default(), Ordinals::default());
    while let Some(Record { which, content, after_damage }) = records.next()? {
        if after_damage {
            damaged += 1;
            last = None;
        }
        match which {
            SNAPSHOT => {
                last = Snapshot::read(content, last.as_ref());
                let Some(snapshot) = &last else { continue };
                is_broken = if !of_snapshots.allow(snapshot.ordinal) {
                    damaged += 1;
                    true
                } else if refused_snapshots.contains(&snapshot.ordinal) {
                    true
                } else {
                    keep_snapshot(snapshots, snapshot, content, is_broken);
                    false
                };
            }
            FRAME => match frame_indexes(content).filter(|indexes| of_frames.allow(indexes.ordinal)) {
                Some(indexes) if refused_frames.contains(&indexes.ordinal) => {}
                Some(_) => frames.push(&[content]),
                None => damaged += 1,
            },
            END => {
                snapshots.drop_front_while(|first| !snapshot::is_whole(first));
                return Ok(damaged);
            }
            _ => damaged += 1,
        }
    }
    snapshots.drop_front_while(|first| !snapshot::is_whole(first));
    Ok(damaged + 1)
}

/// Ordinals of one ring only rise: an answer that goes on from one of them must not come back to it.
#[derive(Default)]
struct Ordinals(u64);

impl Ordinals {
    fn allow(&mut self, ordinal: u64) -> bool {
        let is_next = ordinal > self.0 && ordinal <= ORDINAL_MAX;
        self.0 = if is_next { ordinal } else { self.0 };
        is_next
    }
}

fn write_ring(file: &mut impl Write, which: u8, ring: &Ring) -> io::Result<()> {
    let mut buffer = [0; ANSWER_BYTES];
    let mut position = ring.first();
    while let Some((length, next)) = ring.read(position, &mut buffer) {
        write_record(file, which, &buffer[..length])?;
        position = next;
    }
    Ok(())
}

fn write_record(file: &mut impl Write, which: u8, content: &[u8]) -> io::Result<()> {
    let length = u16::try_from(content.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    file.write_all(&[which])?;
    file.write_all(&length.to_le_bytes())?;
    file.write_all(&checksum(which, content).to_le_bytes())?;
    file.write_all(content)
}

fn checksum(which: u8, content: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(&[which]);
    digest.update(&(content.len() as u32).to_le_bytes());
    digest.update(content);
    digest.finalize()
}

/// A record whose checksum holds.
struct Record<'a> {
    which: u8,
    content: &'a [u8],
    /// Bytes before it had to be skipped.
    after_damage: bool,
}

/// The records of a file. Memory is bounded by the longest record, whatever the file holds.
struct Records<R> {
    file: R,
    /// Bytes that were read and not yet used, from `start` to `end`.
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl<R: Read> Records<R> {
    fn new(file: R) -> Self {
        Self { file, buffer: vec![0; 2 * (HEAD_BYTES + ANSWER_BYTES)].into_boxed_slice(), start: 0, end: 0 }
    }

    /// The next record that is whole; `None` at the end of the file.
    fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        let mut after_damage = false;
        loop {
            self.fill()?;
            let bytes = &self.buffer[self.start..self.end];
            if bytes.is_empty() {
                return Ok(None);
            }
            if let Some((which, length)) = whole_record(bytes) {
                let content = self.start + HEAD_BYTES;
                self.start = content + length;
                return Ok(Some(Record { which, content: &self.buffer[content..content + length], after_damage }));
            }
            after_damage = true;
            self.start += 1;
        }
    }

    /// Reads on until the longest record is in the buffer, or the file ends.
    fn fill(&mut self) -> io::Result<()> {
        if self.end - self.start >= HEAD_BYTES + ANSWER_BYTES {
            return Ok(());
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        while self.end < self.buffer.len() {
            match self.file.read(&mut self.buffer[self.end..]) {
                Ok(0) => break,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Which ring and how long, if `bytes` begin with a record whose checksum holds.
fn whole_record(bytes: &[u8]) -> Option<(u8, usize)> {
    let ([which, low, high, expected @ ..], rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
    let content = rest.get(..u16::from_le_bytes([*low, *high]).into())?;
    (checksum(*which, content) == u32::from_le_bytes(*expected)).then_some((*which, content.len()))
}
