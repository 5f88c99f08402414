//! In which base a meter writes the hours of its profiles (PJOURF+1, PPOINTE): found out once, kept, and checked by the switches.
//!
//! 54E §6.2.3.22 does not say whether `HHMM` is decimal or hexadecimal, and meters of both kinds exist. So evidence is gathered, and
//! stronger evidence overturns weaker: see [`Evidence`]. Where none decides, no hours are told, until the meter switches its index.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::{Dataset, DayProfile, HourBase, MeterId, ProfileBlock, Timestamp, Value};

use crate::hours::off_peak::OFF_PEAK_INDEXES;

/// The labels of profiles.
const PROFILES: [&str; 2] = ["PJOURF+1", "PPOINTE"];
/// Minutes of a day.
const DAY: u16 = 24 * 60;
/// Off-peak hours last so long on the ordinary contract, in minutes (arrêté of 30 October 2014, article 3).
const OFF_PEAK: u16 = 8 * 60;
/// DATE is formed before NTARF, so within so many minutes of a switch the two may not belong together.
const MARGIN: u16 = 2;
/// Between two frames of one switch no more time may pass than this, in seconds.
const WATCHED: i64 = 180;
/// What was seen of each maker, by the code in the address: three meters of Sagemcom (02, 81, 84), one of Itron (03).
const MAKERS: [(&str, HourBase); 4] =
    [("02", HourBase::Hexadecimal), ("81", HourBase::Hexadecimal), ("84", HourBase::Hexadecimal), ("03", HourBase::Decimal)];

/// What a base was concluded from, from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// Who made the meter.
    Maker,
    /// The off-peak hours add up to eight.
    EightHours,
    /// The index that is in use now is the one that the profile has for this time.
    IndexNow,
    /// The meter changed its index when the profile says so.
    Switch,
    /// The other base does not make a day: a letter, hour 34, or times that do not ascend.
    OnlyOne,
}

/// What is known of a meter's base.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProfileHours {
    known: Option<Conclusion>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Conclusion {
    base: HourBase,
    evidence: Evidence,
}

/// The last frame that said its time and its index.
#[derive(Debug, Clone, Copy, Default)]
pub struct SwitchWatch {
    last: Option<IndexSeen>,
    /// What tells the profiles of the last frame from others: the same ones teach nothing by themselves.
    profiles: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct IndexSeen {
    date: Timestamp,
    index: u8,
}

impl IndexSeen {
    fn of(datasets: &[Dataset<'_>]) -> Option<Self> {
        let date = find(datasets, "DATE")?.time()?;
        Some(Self { date, index: number(datasets, "NTARF")? })
    }

    fn minute(self) -> u16 {
        u16::from(self.date.hour()) * 60 + u16::from(self.date.minute())
    }
}

impl ProfileHours {
    /// The switchings of a profile; `None` while nobody knows how to read them.
    #[must_use]
    pub fn blocks(self, profile: &DayProfile) -> Option<Vec<ProfileBlock>> {
        let obvious = profile.only_base().or_else(|| profile.is_same_in_both().then_some(HourBase::Decimal));
        let base = obvious.or_else(|| self.known.map(|known| known.base))?;
        profile.blocks(base).map(Iterator::collect)
    }

    /// A frame of this meter. Returns whether it has taught something.
    pub fn handle_datasets(&mut self, watch: &mut SwitchWatch, meter: &MeterId, datasets: &[Dataset<'_>]) -> bool {
        let before = *self;
        let now = IndexSeen::of(datasets);
        let last = watch.last;
        watch.last = now.or(last);
        let profiles = Some(digest(datasets));
        if std::mem::replace(&mut watch.profiles, profiles) != profiles {
            self.handle_profiles(meter, datasets);
        }
        if let (Some(profile), Some(now)) = (todays_profile(datasets), now) {
            self.conclude(last.and_then(|last| by_switch(&profile, last, now)), Evidence::Switch);
            self.conclude(by_index(&profile, now), Evidence::IndexNow);
        }
        *self != before
    }

    fn handle_profiles(&mut self, meter: &MeterId, datasets: &[Dataset<'_>]) {
        for label in PROFILES {
            if let Some(Value::DayProfile(profile)) = find(datasets, label).map(Dataset::value) {
                self.conclude(profile.only_base(), Evidence::OnlyOne);
                self.conclude(by_duration(&profile), Evidence::EightHours);
                self.conclude(by_maker(meter, &profile), Evidence::Maker);
            }
        }
    }

    /// Equally strong evidence that came later counts more: the older may have come from a damaged frame.
    fn conclude(&mut self, base: Option<HourBase>, evidence: Evidence) {
        let stronger = self.known.is_none_or(|known| evidence >= known.evidence);
        self.known = base.map(|base| Conclusion { base, evidence }).filter(|_| stronger).or(self.known);
    }
}

fn digest(datasets: &[Dataset<'_>]) -> u64 {
    let mut hash = DefaultHasher::new();
    PROFILES.map(|label| find(datasets, label).map(Dataset::data)).hash(&mut hash);
    hash.finish()
}

fn find<'a>(datasets: &'a [Dataset<'a>], label: &str) -> Option<&'a Dataset<'a>> {
    datasets.iter().find(|dataset| dataset.label() == label)
}

fn number(datasets: &[Dataset<'_>], label: &str) -> Option<u8> {
    find(datasets, label)?.value().number()?.try_into().ok()
}

/// PJOURF+1 is tomorrow's profile. It is today's too where both days have the same number (54E §6.2.3.21).
fn todays_profile(datasets: &[Dataset<'_>]) -> Option<DayProfile> {
    let is_today = number(datasets, "NJOURF")? == number(datasets, "NJOURF+1")?;
    match find(datasets, "PJOURF+1")?.value() {
        Value::DayProfile(profile) if is_today && !profile.is_same_in_both() => Some(profile),
        _ => None,
    }
}

/// The base in which alone something holds.
fn only(profile: &DayProfile, holds: impl Fn(&[ProfileBlock]) -> bool) -> Option<HourBase> {
    let holds = |base: HourBase| profile.blocks(base).is_some_and(|blocks| holds(&blocks.collect::<Vec<_>>()));
    HourBase::ALL.into_iter().find(|base| holds(*base) && !holds(base.other()))
}

fn by_maker(meter: &MeterId, profile: &DayProfile) -> Option<HourBase> {
    let (_, base) = *MAKERS.iter().find(|(code, _)| meter.as_str().starts_with(code))?;
    (profile.fits(base) && !profile.is_same_in_both()).then_some(base)
}

fn by_duration(profile: &DayProfile) -> Option<HourBase> {
    only(profile, |blocks| OFF_PEAK_INDEXES.into_iter().any(|index| minutes_of(blocks, index) == OFF_PEAK))
}

fn minutes_of(blocks: &[ProfileBlock], index: u8) -> u16 {
    let ends = blocks.iter().skip(1).map(|next| next.minute_of_day()).chain([DAY]);
    let periods = blocks.iter().zip(ends).filter(|(block, _)| block.action().supplier_index() == Some(index));
    periods.map(|(block, end)| end - block.minute_of_day()).sum()
}

/// Not close to a switch, in whichever base: there the old index may still stand in the frame.
fn by_index(profile: &DayProfile, now: IndexSeen) -> Option<HourBase> {
    let minute = now.minute();
    let is_close = |block: ProfileBlock| minute.abs_diff(block.minute_of_day()) < MARGIN;
    if HourBase::ALL.into_iter().any(|base| profile.blocks(base).is_some_and(|mut blocks| blocks.any(is_close))) {
        return None;
    }
    only(profile, |blocks| {
        let running = blocks.iter().rev().find(|block| block.minute_of_day() <= minute);
        running.and_then(|block| block.action().supplier_index()) == Some(now.index)
    })
}

/// The index has changed between two frames: there must be a switching to it in these minutes.
fn by_switch(profile: &DayProfile, last: IndexSeen, now: IndexSeen) -> Option<HourBase> {
    let is_watched = (0..=WATCHED).contains(&(now.date.unix_seconds() - last.date.unix_seconds()));
    if last.index == now.index || !is_watched || now.minute() < last.minute() {
        return None;
    }
    let minutes = last.minute()..=now.minute() + 1;
    only(profile, |blocks| {
        let mut switchings = blocks.iter().filter(|block| minutes.contains(&block.minute_of_day()));
        switchings.any(|block| block.action().supplier_index() == Some(now.index))
    })
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::{
        Dataset,
        HourBase::{self, Decimal, Hexadecimal},
        Mode,
    };

    use super::{ProfileHours, SwitchWatch};

    const NOBODY: &str = "900061000001";

    fn padded(blocks: &str) -> String {
        blocks.split(' ').chain(std::iter::repeat("NONUTILE")).take(11).collect::<Vec<_>>().join(" ")
    }

    /// A meter, its profile, and what it has taught.
    struct Meter {
        id: &'static str,
        profile: String,
        hours: ProfileHours,
        watch: SwitchWatch,
    }

    impl Meter {
        fn new(id: &'static str, profile: &str) -> Self {
            Self { id, profile: padded(profile), hours: ProfileHours::default(), watch: SwitchWatch::default() }
        }

        /// A frame at this time with this index.
        fn says(&mut self, time: &str, index: &str) -> Option<HourBase> {
            let (date, profile) = (format!("E210615{time}"), self.profile.clone());
            let lines = [("DATE", Some(&*date), ""), ("NTARF", None, index), ("NJOURF", None, "00"), ("NJOURF+1", None, "00")];
            let lines = lines.into_iter().chain([("PJOURF+1", None, &*profile)]);
            self.handle(lines.map(|(label, time, data)| Dataset::new(Mode::Standard, label, time, data).unwrap()).collect())
        }

        /// A frame with nothing but the profile.
        fn says_profile(&mut self) -> Option<HourBase> {
            let profile = self.profile.clone();
            self.handle(vec![Dataset::new(Mode::Standard, "PJOURF+1", None, &profile).unwrap()])
        }

        fn handle(&mut self, datasets: Vec<Dataset<'_>>) -> Option<HourBase> {
            self.hours.handle_datasets(&mut self.watch, &self.id.parse().unwrap(), &datasets);
            self.hours.known.map(|known| known.base)
        }

        /// The times as they are told.
        fn told(&self) -> Option<String> {
            let blocks = self.hours.blocks(&self.profile.parse().unwrap())?;
            let times = blocks.iter().map(|block| format!("{:02}:{:02}", block.hour(), block.minute()));
            Some(times.collect::<Vec<_>>().join(" "))
        }
    }

    /// Strings of real meters; maker, time and index where they were published with it.
    const REAL: [(&str, &str, &str, &str, &str); 14] = [
        ("03", "101600", "02", "00008002 0100C001 06008002 1230C001 15308002", "00:00 01:00 06:00 12:30 15:30"),
        ("90", "", "", "00008002 0050C001 06508002 1220C001 14208002", "00:00 00:50 06:50 12:20 14:20"),
        ("90", "", "", "00008002 0256C001 07568002 1156C001 14568002", "00:00 02:56 07:56 11:56 14:56"),
        ("90", "", "", "00004001 06004002 22004001", "00:00 06:00 22:00"),
        ("81", "", "", "00004001 06004002 16004001", "00:00 06:00 22:00"),
        ("90", "", "", "00004003 06004004 16004003", "00:00 06:00 22:00"),
        ("81", "140800", "02", "0000C001 07008002 1700C001", "00:00 07:00 23:00"),
        ("81", "220500", "02", "0000C001 06368002 1636C001", "00:00 06:54 22:54"),
        ("90", "", "", "0000C001 061E8002 161EC001", "00:00 06:30 22:30"),
        ("90", "", "", "0000C001 053A8002 153AC001", "00:00 05:58 21:58"),
        ("90", "", "", "00008002 0300C001 08008002 0C1EC001 0F1E8002", "00:00 03:00 08:00 12:30 15:30"),
        ("02", "", "", "00008002 0038C001 07388002 0D1A8001 0E1A8002", "00:00 00:56 07:56 13:26 14:26"),
        ("90", "", "", "00008001", "00:00"),
        ("90", "", "", "0000C001", "00:00"),
    ];

    #[test]
    fn hours_of_real_meters() {
        for (maker, time, index, profile, times) in REAL {
            let id: &'static str = format!("{maker}2161000001").leak();
            let mut meter = Meter::new(id, profile);
            if time.is_empty() {
                meter.says_profile()
            } else {
                meter.says(time, index)
            };
            assert_eq!(meter.told().as_deref(), Some(times), "{profile}");
        }
    }

    /// Decimal 06:36 to 16:36, hexadecimal 06:54 to 22:54; neither has eight hours off-peak.
    const OPEN: &str = "00008002 06368001 16368002";

    #[test]
    fn without_evidence_no_hours_are_told() {
        let mut meter = Meter::new(NOBODY, OPEN);
        assert_eq!((meter.says_profile(), meter.told()), (None, None));
        assert_eq!(meter.says("100000", "01"), None, "both say 01");
        assert_eq!(meter.says("163700", "01"), None, "too close to a switch");
        assert_eq!(meter.says("200000", "01"), Some(Hexadecimal));
        assert_eq!(meter.told().as_deref(), Some("00:00 06:54 22:54"));
    }

    #[test]
    fn a_switch_overturns_a_guess_and_is_kept() {
        let mut meter = Meter::new("032161000001", OPEN);
        assert_eq!(meter.says_profile(), Some(Decimal), "by its maker");
        meter.says("225359", "01");
        assert_eq!(meter.says("225400", "02"), Some(Hexadecimal));
        assert_eq!(meter.says_profile(), Some(Hexadecimal), "the maker is weaker");
        meter.says("163559", "01");
        assert_eq!(meter.says("163600", "02"), Some(Decimal), "a later switch counts more");
    }

    #[test]
    fn a_switch_that_was_not_watched_says_nothing() {
        let mut meter = Meter::new(NOBODY, "00008002 06368001 16368002");
        meter.says("060000", "02");
        meter.says("065400", "01");
        assert_eq!(meter.hours, ProfileHours::default());
    }

    #[test]
    fn another_profile_is_read_in_the_base_that_was_found() {
        let mut meter = Meter::new(NOBODY, "0000C001 061E8002 161EC001");
        assert_eq!(meter.says_profile(), Some(Hexadecimal));
        meter.profile = padded(OPEN);
        meter.says_profile();
        assert_eq!(meter.told().as_deref(), Some("00:00 06:54 22:54"));
    }

    #[test]
    fn a_profile_of_another_day_is_not_held_against_the_index() {
        let mut meter = Meter::new(NOBODY, OPEN);
        let profile = meter.profile.clone();
        let lines = [("NTARF", None, "01"), ("NJOURF", None, "00"), ("NJOURF+1", None, "01"), ("PJOURF+1", None, &*profile)];
        let lines = [("DATE", Some("E210615200000"), "")].into_iter().chain(lines);
        let datasets = lines.map(|(label, time, data)| Dataset::new(Mode::Standard, label, time, data).unwrap()).collect();
        assert_eq!(meter.handle(datasets), None);
    }
}
