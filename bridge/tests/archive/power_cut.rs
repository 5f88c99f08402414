//! The power is cut at a random moment: of what was written since the last sync, any sectors reached the disk and any did not, whatever their order.
//! What had been committed is there, whole, and the file opens.

use std::{
    io,
    sync::{Arc, Mutex},
};

use redb::StorageBackend;
use teleinfo_bridge::archive::file::File;
use teleinfo_simulator::rng::Rng;

use crate::crash::{rounds, rows};

/// A disk writes one of these whole or not at all.
const SECTOR: usize = 512;
/// Operations of the file until the cut; a commit has some tens.
const OPERATIONS: u64 = 400;

/// A disk, and what the machine has not given to it yet.
#[derive(Debug, Clone, Default)]
struct Disk(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// As the program sees it.
    seen: Vec<u8>,
    /// As it was at the last sync, ...
    settled: Vec<u8>,
    /// ... and what was done since.
    waiting: Vec<Change>,
    /// Operations until the cut.
    left: u64,
}

#[derive(Debug)]
enum Change {
    Length(usize),
    Bytes(usize, Vec<u8>),
}

impl Disk {
    fn of(bytes: Vec<u8>, left: u64) -> Self {
        Self(Arc::new(Mutex::new(Inner { seen: bytes.clone(), settled: bytes, waiting: Vec::new(), left })))
    }

    /// What is on the disk after a cut.
    fn after_a_cut(&self, random: &mut Rng) -> Vec<u8> {
        let inner = self.0.lock().unwrap();
        let mut bytes = inner.settled.clone();
        for change in &inner.waiting {
            match change {
                Change::Length(length) if random.chance(0.5) => bytes.resize(*length, 0),
                Change::Length(_) => {}
                Change::Bytes(offset, written) => {
                    for (number, sector) in written.chunks(SECTOR).enumerate() {
                        if random.chance(0.5) {
                            put(&mut bytes, offset + number * SECTOR, sector);
                        }
                    }
                }
            }
        }
        bytes
    }

    /// Nothing works any more once the power is gone.
    fn operate<T>(&self, operation: impl FnOnce(&mut Inner) -> T) -> io::Result<T> {
        let mut inner = self.0.lock().unwrap();
        inner.left = inner.left.checked_sub(1).ok_or_else(|| io::Error::other("the power is gone"))?;
        Ok(operation(&mut inner))
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, written: &[u8]) {
    if bytes.len() < offset + written.len() {
        bytes.resize(offset + written.len(), 0);
    }
    bytes[offset..offset + written.len()].copy_from_slice(written);
}

fn place(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().seen.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let inner = self.0.lock().unwrap();
        let bytes = inner.seen.get(place(offset)..place(offset) + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.operate(|inner| {
            inner.seen.resize(place(length), 0);
            inner.waiting.push(Change::Length(place(length)));
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.operate(|inner| {
            inner.settled.clone_from(&inner.seen);
            inner.waiting.clear();
        })
    }

    fn write(&self, offset: u64, written: &[u8]) -> io::Result<()> {
        self.operate(|inner| {
            put(&mut inner.seen, place(offset), written);
            inner.waiting.push(Change::Bytes(place(offset), written.to_vec()));
        })
    }
}

fn cut(times: u32) {
    let mut random = Rng::named(u64::from(times), "power cuts");
    let (mut bytes, mut committed, mut lasting) = (Vec::new(), 0, 0);
    for time in 0..times {
        let disk = Disk::of(std::mem::take(&mut bytes), random.between(0, OPERATIONS));
        if let Ok(file) = File::on(disk.clone()) {
            let found = rounds(&file, false);
            assert!(found >= committed, "cut {time}: {committed} rounds were committed, {found} are there");
            committed = found;
            while file.commit(&rows(committed)).is_ok() {
                committed += 1;
            }
        }
        bytes = disk.after_a_cut(&mut random);
        // The last one reads in peace.
        if time + 1 == times {
            lasting = rounds(&File::on(Disk::of(bytes.clone(), u64::MAX)).unwrap(), true);
        }
    }
    assert!(lasting >= committed && committed >= times / 4, "{committed} rounds were committed, {lasting} are there");
    println!("{times} power cuts, {committed} commits, nothing lost");
}

#[test]
fn forty_power_cuts_lose_nothing() {
    cut(40);
}

#[test]
#[ignore = "minutes"]
fn a_thousand_power_cuts_lose_nothing() {
    cut(1_000);
}
