//! The history in a file, from one run of the reader to the next.
//!
//! Eight bytes that say what it is, then the records of both rings, each ring ended by an empty record. Written beside the old file, and
//! put in its place when it is whole.

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter, Read, Write},
    path::Path,
};

use super::{
    ring::Ring,
    snapshot::{self, Snapshot},
};
use teleinfo_proto::wire::Sample;

const MAGIC: &[u8; 8] = b"TICHIST1";

pub(super) fn save(path: &Path, snapshots: &Ring, frames: &Ring) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = BufWriter::new(File::create(&beside)?);
    file.write_all(MAGIC)?;
    for ring in [snapshots, frames] {
        write_ring(&mut file, ring)?;
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    fs::rename(beside, path)
}

pub(super) fn load(path: &Path, snapshots: &mut Ring, frames: &mut Ring) -> io::Result<()> {
    let mut file = BufReader::new(File::open(path)?);
    let loaded = read(&mut file, snapshots, frames);
    if loaded.is_err() {
        snapshots.clear();
        frames.clear();
    }
    loaded
}

fn read(file: &mut impl Read, snapshots: &mut Ring, frames: &mut Ring) -> io::Result<()> {
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic)?;
    if &magic != MAGIC {
        return Err(invalid());
    }
    let mut last = None;
    read_ring(file, snapshots, |record| {
        last = Snapshot::read(record, last.as_ref());
        last.is_some()
    })?;
    snapshots.drop_front_while(|first| !snapshot::is_whole(first));
    read_ring(file, frames, |record| super::frame(record).is_some_and(|(_, encoded)| Sample::decode(encoded).is_ok()))
}

fn write_ring(file: &mut impl Write, ring: &Ring) -> io::Result<()> {
    let mut buffer = [0; super::ANSWER_BYTES];
    let mut position = ring.first();
    while let Some((length, next)) = ring.read(position, &mut buffer) {
        write_record(file, &buffer[..length])?;
        position = next;
    }
    write_record(file, &[])
}

fn write_record(file: &mut impl Write, record: &[u8]) -> io::Result<()> {
    let length = u16::try_from(record.len()).map_err(|_| invalid())?;
    file.write_all(&length.to_le_bytes())?;
    file.write_all(record)
}

fn read_ring(file: &mut impl Read, ring: &mut Ring, mut good: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let mut buffer = [0; super::ANSWER_BYTES];
    loop {
        let mut length = [0; 2];
        file.read_exact(&mut length)?;
        let record = buffer.get_mut(..u16::from_le_bytes(length).into()).ok_or_else(invalid)?;
        if record.is_empty() {
            return Ok(());
        }
        file.read_exact(record)?;
        if !good(record) {
            return Err(invalid());
        }
        ring.push(&[record]);
    }
}

fn invalid() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not a whole history")
}
