//! The file of the memory: a `redb` database. What is committed reaches the disk before that returns, whole or not at all.

use std::{collections::BTreeMap, fs, io, path::Path};

use redb::{
    Builder, Database, Error, ReadableDatabase, ReadableTable, StorageBackend, StorageError, TableDefinition, TableError,
    backends::InMemoryBackend,
};
use teleinfo_proto::tic::MeterId;

use crate::archive::block::{Curves, Grain};

/// Meter, register, block.
type Key = (&'static str, &'static str, i64);
const MINUTES: TableDefinition<'_, Key, &[u8]> = TableDefinition::new("minutes");
const HOURS: TableDefinition<'_, Key, &[u8]> = TableDefinition::new("hours");
/// The newest index of each register: its minute, and Wh.
const NEWEST: TableDefinition<'_, (&str, &str), (i64, u32)> = TableDefinition::new("newest");

/// Memory that the database may keep of the file: what is written again and again is a few pages of each meter.
const CACHE: usize = 512 * 1_024;
/// Minutes are kept for five weeks, in minutes.
const MINUTES_KEPT: i64 = 35 * 24 * 60;

/// How the name of a file ends that was damaged and put aside.
pub const DAMAGED: &str = "damaged";

/// A register of a meter.
pub type Register = (MeterId, String);
/// What is to be written: each register's indexes, by the minute since 1970.
pub type Rows = BTreeMap<Register, BTreeMap<i64, u32>>;

/// The file.
pub struct File(Database);

impl File {
    /// Opens the file, or makes it. One that is damaged is put aside, and its new name returned.
    ///
    /// # Errors
    /// It cannot be opened: somebody else has it open, or the disk says no.
    pub fn open(path: &Path) -> Result<(Self, Option<String>), Error> {
        match builder().create(path) {
            Ok(database) => Ok((Self(database), None)),
            Err(redb::DatabaseError::Storage(error)) if is_damage(&error) => {
                let aside = path.with_extension(DAMAGED);
                fs::rename(path, &aside).map_err(StorageError::from)?;
                Ok((Self(builder().create(path)?), Some(aside.display().to_string())))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// No file: what is kept is gone with the process.
    ///
    /// # Errors
    /// None in practice.
    pub fn in_memory() -> Result<Self, Error> {
        Self::on(InMemoryBackend::new())
    }

    /// What another process has open, as it stands there now: a copy, with which nothing happens to the file.
    ///
    /// # Errors
    /// There is no such file, it cannot be read, or it was being written.
    pub fn copy_of(path: &Path) -> Result<Self, Error> {
        let bytes = fs::read(path)?;
        let memory = InMemoryBackend::new();
        memory.set_len(bytes.len() as u64)?;
        memory.write(0, &bytes)?;
        Self::on(memory)
    }

    /// On anything that takes bytes as a file does.
    ///
    /// # Errors
    /// What that says.
    pub fn on(storage: impl StorageBackend) -> Result<Self, Error> {
        Ok(Self(builder().create_with_backend(storage)?))
    }

    /// Writes everything in one transaction.
    ///
    /// # Errors
    /// What the disk says; then nothing was written.
    pub fn commit(&self, rows: &Rows) -> Result<(), Error> {
        let transaction = self.0.begin_write()?;
        {
            let (mut minutes, mut hours) = (transaction.open_table(MINUTES)?, transaction.open_table(HOURS)?);
            let mut newest = transaction.open_table(NEWEST)?;
            for ((meter, register), rows) in rows {
                let name = (meter.as_str(), register.as_str());
                write(&mut hours, Grain::Hour, name, rows)?;
                write(&mut minutes, Grain::Minute, name, rows)?;
                let Some((minute, wh)) = rows.last_key_value() else { continue };
                let known = newest.get(name)?.map_or(i64::MIN, |known| known.value().0);
                if *minute > known {
                    newest.insert(name, (*minute, *wh))?;
                }
                let end = Grain::Minute.block(known.max(*minute) - MINUTES_KEPT);
                minutes.retain_in((name.0, name.1, i64::MIN)..(name.0, name.1, end), |_, _| false)?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Takes a meter away. Returns whether anything was kept of it.
    ///
    /// # Errors
    /// What the disk says; then all of it is still there.
    pub fn forget(&self, meter: MeterId) -> Result<bool, Error> {
        let registers: Vec<String> = self.newest()?.into_keys().filter(|(of, _)| *of == meter).map(|(_, register)| register).collect();
        let transaction = self.0.begin_write()?;
        {
            let (mut minutes, mut hours) = (transaction.open_table(MINUTES)?, transaction.open_table(HOURS)?);
            let mut newest = transaction.open_table(NEWEST)?;
            for register in &registers {
                let name = (meter.as_str(), register.as_str());
                for table in [&mut minutes, &mut hours] {
                    table.retain_in((name.0, name.1, i64::MIN)..=(name.0, name.1, i64::MAX), |_, _| false)?;
                }
                newest.remove(name)?;
            }
        }
        transaction.commit()?;
        Ok(!registers.is_empty())
    }

    /// The newest index of each register.
    ///
    /// # Errors
    /// What the disk says.
    pub fn newest(&self) -> Result<BTreeMap<Register, (i64, u32)>, Error> {
        let mut found = BTreeMap::new();
        let Some(table) = known(self.0.begin_read()?.open_table(NEWEST))? else { return Ok(found) };
        for entry in table.iter()? {
            let (name, index) = entry?;
            let (meter, register) = name.value();
            if let Ok(meter) = meter.parse() {
                found.insert((meter, register.to_owned()), index.value());
            }
        }
        Ok(found)
    }

    /// The indexes of a meter from one minute to another, both included.
    ///
    /// # Errors
    /// What the disk says.
    pub fn read(&self, meter: MeterId, grain: Grain, from: i64, to: i64) -> Result<Curves, Error> {
        let mut curves = Curves::new();
        let registers: Vec<String> = self.newest()?.into_keys().filter(|(of, _)| *of == meter).map(|(_, register)| register).collect();
        let definition = if grain == Grain::Hour { HOURS } else { MINUTES };
        let Some(table) = known(self.0.begin_read()?.open_table(definition))? else { return Ok(curves) };
        for register in registers {
            let (first, last) = (grain.block(from), grain.block(to));
            let curve = curves.entry(register.clone()).or_default();
            for entry in table.range((meter.as_str(), register.as_str(), first)..=(meter.as_str(), register.as_str(), last))? {
                let (key, bytes) = entry?;
                curve.extend(grain.read(key.value().2, bytes.value()).filter(|(minute, _)| (from..=to).contains(minute)));
            }
        }
        Ok(curves)
    }
}

/// Whether it is the file that is wrong, and not the disk. What does not even begin as a database comes as invalid data.
fn is_damage(error: &StorageError) -> bool {
    match error {
        StorageError::Corrupted(_) => true,
        StorageError::Io(error) => error.kind() == io::ErrorKind::InvalidData,
        _ => false,
    }
}

fn builder() -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE);
    builder
}

/// A table that was never written is not there.
fn known<T>(table: Result<T, TableError>) -> Result<Option<T>, Error> {
    match table {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn write(table: &mut redb::Table<'_, Key, &[u8]>, grain: Grain, name: (&str, &str), rows: &BTreeMap<i64, u32>) -> Result<(), Error> {
    let mut blocks: BTreeMap<i64, Vec<(usize, u32)>> = BTreeMap::new();
    for (minute, wh) in rows {
        if let Some((block, place)) = grain.place(*minute) {
            blocks.entry(block).or_default().push((place, *wh));
        }
    }
    for (block, places) in blocks {
        let key = (name.0, name.1, block);
        let mut bytes = table.get(key)?.map(|bytes| bytes.value().to_vec()).unwrap_or_default();
        places.into_iter().for_each(|(place, wh)| grain.write(&mut bytes, place, wh));
        table.insert(key, bytes.as_slice())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const METER: &str = "041876097767";
    const NOON: i64 = 29_000_160;

    fn meter() -> MeterId {
        METER.parse().unwrap()
    }

    fn rows(minutes: std::ops::Range<i64>) -> Rows {
        let indexes = minutes.map(|minute| (minute, u32::try_from(minute - 28_000_000).unwrap())).collect();
        Rows::from([((meter(), "BASE".to_owned()), indexes)])
    }

    #[test]
    fn what_is_committed_is_there_when_the_file_is_opened_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("archive.redb");
        for part in [NOON..NOON + 61, NOON + 61..NOON + 121] {
            let (file, damage) = File::open(&path).unwrap();
            file.commit(&rows(part)).unwrap();
            assert_eq!(damage, None);
        }
        let (file, _) = File::open(&path).unwrap();
        assert!(File::open(&path).is_err(), "one process at a time");
        let copy = File::copy_of(&path).unwrap();
        assert_eq!(copy.newest().unwrap(), file.newest().unwrap(), "another one may look");
        copy.commit(&rows(NOON + 121..NOON + 122)).unwrap();
        let minutes = file.read(meter(), Grain::Minute, NOON, NOON + 200).unwrap();
        assert_eq!(minutes["BASE"], rows(NOON..NOON + 121)[&(meter(), "BASE".to_owned())]);
        let hours = file.read(meter(), Grain::Hour, NOON, NOON + 200).unwrap();
        assert_eq!(hours["BASE"].keys().copied().collect::<Vec<_>>(), [NOON, NOON + 60, NOON + 120]);
        assert_eq!(file.newest().unwrap()[&(meter(), "BASE".to_owned())].0, NOON + 120);
    }

    #[test]
    fn minutes_are_dropped_after_weeks_and_hours_never() {
        let file = File::in_memory().unwrap();
        assert_eq!((file.newest().unwrap().len(), file.read(meter(), Grain::Hour, 0, NOON).unwrap().len()), (0, 0));
        file.commit(&rows(NOON..NOON + 60)).unwrap();
        file.commit(&rows(NOON + MINUTES_KEPT + 60..NOON + MINUTES_KEPT + 61)).unwrap();
        assert_eq!(file.read(meter(), Grain::Minute, NOON, NOON + 60).unwrap()["BASE"].len(), 0);
        assert_eq!(file.read(meter(), Grain::Hour, NOON, NOON + 60).unwrap()["BASE"].len(), 1);
    }

    #[test]
    fn one_meter_is_forgotten_and_the_others_are_not() {
        let (file, other): (_, MeterId) = (File::in_memory().unwrap(), "041876097768".parse().unwrap());
        file.commit(&rows(NOON..NOON + 61)).unwrap();
        let of_other = rows(NOON..NOON + 61).into_iter().map(|((_, register), rows)| ((other, register), rows)).collect();
        file.commit(&of_other).unwrap();
        assert!(file.forget(meter()).unwrap() && !file.forget(meter()).unwrap());
        for grain in [Grain::Minute, Grain::Hour] {
            assert!(file.read(meter(), grain, NOON, NOON + 61).unwrap().is_empty());
            assert!(!file.read(other, grain, NOON, NOON + 61).unwrap()["BASE"].is_empty());
        }
        file.commit(&rows(NOON..NOON + 1)).unwrap();
        assert_eq!(file.read(meter(), Grain::Hour, NOON, NOON + 61).unwrap()["BASE"].len(), 1, "nothing of before comes back");
    }

    #[test]
    fn what_is_no_database_is_put_aside() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("archive.redb");
        fs::write(&path, vec![7; 8_192]).unwrap();
        let (file, damaged) = File::open(&path).unwrap();
        let aside = directory.path().join("archive.damaged");
        assert_eq!(damaged, Some(aside.display().to_string()));
        assert_eq!(fs::read(aside).unwrap(), [7; 8_192]);
        file.commit(&rows(NOON..NOON + 60)).unwrap();
    }
}
