//! What is under way in Home Assistant's statistics, kept on disk: costs that wait for the hour of the return to be over, and adjustments
//! that were sent.
//!
//! An adjustment adds to what is there, so it must not be sent twice. It is noted before it is sent, with the sum as it was. Afterwards the
//! sum tells whether it was done.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    statistics::{costs::Gap, hours::HOUR, told},
    store::{
        checked,
        whole::{Outlives, write_whole},
    },
};

const FILE: &str = "statistics.state";
/// An adjustment that is not seen after this time was not done, in s.
pub const QUEUED: i64 = 600;
/// Repairs that may wait: one for each energy of some meters, and a limit.
const REPAIRS_MAX: usize = 256;
/// No gap is longer, in hours: a reader holds two days.
const HOURS_MAX: i64 = 24 * 31;

/// An adjustment of a statistic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adjustment {
    /// Start of the row that it begins with, in s since 1970.
    pub start: i64,
    /// The sum in that row before.
    pub before: f64,
    /// What is added.
    pub by: f64,
    /// When it was sent, in s since 1970.
    pub sent: i64,
}

/// An energy whose hours were corrected, and whose cost is to follow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Repair {
    /// The statistic of the energy.
    pub energy: String,
    /// Start of the first hour that was corrected, in s since 1970.
    pub first: i64,
    /// Start of the hour of the return.
    pub back: i64,
    /// What was sent, by the statistic it was sent for.
    pub adjustments: BTreeMap<String, Adjustment>,
}

impl Repair {
    /// The hours.
    #[must_use]
    pub const fn gap(&self) -> Gap {
        Gap { first: self.first, back: self.back }
    }

    /// Whether this is the gap of an outage: what a file says may be anything.
    fn can_be(&self) -> bool {
        let is_time = |time: i64| told::is_time(time as f64);
        let adjustments = &self.adjustments;
        is_time(self.first)
            && is_time(self.back)
            && (0..=HOURS_MAX * HOUR).contains(&(self.back - self.first))
            && adjustments
                .values()
                .all(|one| is_time(one.start) && is_time(one.sent) && told::is_amount(one.before) && told::is_amount(one.by))
    }
}

/// All that is under way.
#[derive(Debug, Default)]
pub struct Repairs {
    path: Option<PathBuf>,
    list: Vec<Repair>,
    /// Statistics that go on with what was forgotten: the row from which that was added, and when it was sent.
    continued: BTreeMap<String, (i64, i64)>,
}

impl Repairs {
    /// Reads what an earlier process left in the state directory, and what is wrong with the file.
    #[must_use]
    pub fn load(directory: Option<&Path>) -> (Self, Option<String>) {
        let path = directory.map(|directory| directory.join(FILE));
        let read = path.as_deref().map(checked::read);
        let (mut list, damage): (Vec<Repair>, _) = read.map(|checked| (checked.records, checked.damage)).unwrap_or_default();
        list.retain(Repair::can_be);
        list.truncate(REPAIRS_MAX);
        (Self { path, list, continued: BTreeMap::new() }, damage)
    }

    /// Hours of an energy were corrected: its cost is to follow once the hour of the return is over.
    pub fn handle_corrected(&mut self, energy: &str, gap: Gap) {
        let joins = |repair: &&mut Repair| {
            let is_near = repair.first <= gap.back && gap.first <= repair.back;
            repair.energy == energy && is_near && repair.adjustments.is_empty()
        };
        if let Some(repair) = self.list.iter_mut().find(joins) {
            (repair.first, repair.back) = (repair.first.min(gap.first), repair.back.max(gap.back));
        } else if self.list.len() < REPAIRS_MAX {
            let adjustments = BTreeMap::new();
            self.list.push(Repair { energy: energy.to_owned(), first: gap.first, back: gap.back, adjustments });
        }
    }

    /// Whether a statistic may be made to go on with what was forgotten, from the row with this start: not while that was just sent. What
    /// stands there afterwards tells that it was done, also to a later process.
    pub fn may_continue(&mut self, statistic: &str, start: i64, now: i64) -> bool {
        let is_under_way = self.continued.get(statistic).is_some_and(|(of, sent)| *of == start && now - sent < QUEUED);
        if !is_under_way {
            self.continued.insert(statistic.to_owned(), (start, now));
        }
        !is_under_way
    }

    /// All that is under way.
    #[must_use]
    pub fn all(&self) -> Vec<Repair> {
        self.list.clone()
    }

    /// An adjustment is about to be sent.
    pub fn handle_sending(&mut self, repair: &Repair, statistic: &str, adjustment: Adjustment) {
        if let Some(repair) = self.list.iter_mut().find(|other| other.energy == repair.energy && other.first == repair.first) {
            repair.adjustments.insert(statistic.to_owned(), adjustment);
        }
    }

    /// A repair has come to its end.
    pub fn handle_done(&mut self, repair: &Repair) {
        self.list.retain(|other| other.energy != repair.energy || other.first != repair.first);
    }

    /// Writes the file; what is to outlive a power cut is on the disk when this returns.
    ///
    /// # Errors
    /// What the file system says.
    pub fn save(&self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        if self.list.is_empty() {
            return match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        write_whole(path, &checked::text(&self.list)?, Outlives::PowerCut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const H: i64 = 3_600;
    /// A full hour of 2023.
    const T: i64 = 1_700_000_000 / H * H;

    #[test]
    fn corrections_of_one_gap_are_one_repair_and_outlive_the_process() {
        let directory = tempfile::tempdir().unwrap();
        let (mut repairs, _) = Repairs::load(Some(directory.path()));
        repairs.handle_corrected("sensor.a", Gap { first: T + 2 * H, back: T + 4 * H });
        repairs.handle_corrected("sensor.a", Gap { first: T + H, back: T + 3 * H });
        repairs.handle_corrected("sensor.a", Gap { first: T + 9 * H, back: T + 10 * H });
        repairs.handle_corrected("sensor.b", Gap { first: T + 2 * H, back: T + 4 * H });
        let gaps: Vec<_> =
            repairs.all().iter().map(|repair| (repair.energy.clone(), (repair.first - T) / H, (repair.back - T) / H)).collect();
        assert_eq!(gaps, [("sensor.a".into(), 1, 4), ("sensor.a".into(), 9, 10), ("sensor.b".into(), 2, 4)]);
        let first = repairs.all()[0].clone();
        repairs.handle_sending(&first, "sensor.a_cost", Adjustment { start: T + 4 * H, before: 1.5, by: -0.05, sent: T + 7 });
        repairs.save().unwrap();
        let (again, damage) = Repairs::load(Some(directory.path()));
        assert_eq!((again.all(), damage), (repairs.all(), None));
        repairs.all().iter().for_each(|repair| repairs.handle_done(repair));
        repairs.save().unwrap();
        repairs.save().unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_gap_that_no_outage_makes_is_left_out() {
        let directory = tempfile::tempdir().unwrap();
        let repair = |first, back| Repair { energy: "sensor.a".into(), first, back, adjustments: BTreeMap::new() };
        let all = [repair(T, T + 3 * H), repair(0, i64::MAX), repair(i64::MIN, T), repair(T + H, T), repair(T, T + 9_999 * H)];
        fs::write(directory.path().join(FILE), checked::text(&all).unwrap()).unwrap();
        assert_eq!(Repairs::load(Some(directory.path())).0.all(), all[..1]);
    }
}
