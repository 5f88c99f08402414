//! Whether a meter counts off-peak now, and which hours its days have.
//!
//! In standard mode PJOURF+1 is the profile of tomorrow's number, NJOURF+1; today's is the one that was last told for the number NJOURF. A
//! calendar that Enedis loads may change them at any moment without notice, so the switches are held against them: while they differ, the
//! hours are those that [`super::learner`] has learnt, or none. In historic mode they are always learnt, but those of Tempo are known.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::{ProfileBlock, TariffPeriod, TempoHours};

use crate::hours::{
    day::{DAY_MINUTES, Day},
    learner::{LastSeen, Learner},
    periods::Periods,
    switchings::Switchings,
};

/// The supplier indexes of off-peak hours: of HC, and of blue, white and red days (54E §6.1); of week-ends and of a chosen day likewise.
pub const OFF_PEAK_INDEXES: [u8; 3] = [1, 3, 5];
/// The supplier indexes of peak hours beside them.
const PEAK_INDEXES: [u8; 3] = [2, 4, 6];
/// In the frame around midnight, numbers of one day may stand beside the date of the other.
const MIDNIGHT_MARGIN: u16 = 1;
/// Within so many minutes of a switching the index may be the old one or the new one.
const SWITCH_MARGIN: u16 = 3;
/// More numbers of days than any calendar has are not kept.
const PROFILES_MAX: usize = 32;

/// What counts now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tariff {
    /// NTARF.
    Index(u8),
    /// PTEC.
    Period(TariffPeriod),
}

/// What a meter says of its hours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SaidHours {
    /// The contract: where it is another one, nothing holds that was known.
    pub contract: Option<String>,
    /// What counts now.
    pub tariff: Option<Tariff>,
    /// NJOURF.
    pub today: Option<u8>,
    /// NJOURF+1.
    pub tomorrow: Option<u8>,
    /// PJOURF+1, once it is known how to read its hours.
    pub profile: Option<Vec<ProfileBlock>>,
}

/// What is known of a meter's off-peak hours. It outlives the process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OffPeak {
    contract: Option<String>,
    /// Some day has both off-peak hours and others.
    has_hours: bool,
    /// The hours of the days with this number.
    profiles: BTreeMap<u8, Periods>,
    /// The indexes of the same days.
    switchings: BTreeMap<u8, Switchings>,
    learner: Learner,
    /// The index is not what the profile of today says.
    is_doubted: bool,
}

/// What changes with every frame, and is not kept.
#[derive(Debug, Clone, Default)]
pub struct OffPeakNow {
    last: LastSeen,
    /// Whether it counts off-peak; nothing where there are no such hours, or it is not known.
    pub is_off_peak: Option<bool>,
    /// Today's hours and tomorrow's, as far as they are known.
    pub days: [Option<(Day, Periods)>; 2],
    /// The indexes of both; of Tempo those of blue days, of EJP those of a day without a peak.
    pub switchings: [Option<(Day, Switchings)>; 2],
}

/// Whether a day has off-peak hours and others: index 1 alone is the whole of BASE, or the normal hours of EJP.
#[must_use]
pub fn tells_apart(blocks: &[ProfileBlock]) -> bool {
    let has = |indexes: [u8; 3]| blocks.iter().filter_map(|block| block.action().supplier_index()).any(|index| indexes.contains(&index));
    has(OFF_PEAK_INDEXES) && has(PEAK_INDEXES)
}

fn periods_of(blocks: &[ProfileBlock]) -> Periods {
    let mut is_off_peak = false;
    Periods::of(blocks.iter().map(|block| {
        // A block without an index leaves it as it is.
        is_off_peak = block.action().supplier_index().map_or(is_off_peak, |index| OFF_PEAK_INDEXES.contains(&index));
        (block.minute_of_day(), is_off_peak)
    }))
}

impl OffPeak {
    /// A frame has said this, at a time of the meter's clock.
    pub fn handle_said(&mut self, said: &SaidHours, of_now: &mut OffPeakNow, now: i64) {
        if said.contract.is_some() && said.contract != self.contract {
            *self = Self { contract: said.contract.clone(), ..Self::default() };
            *of_now = OffPeakNow::default();
        }
        self.has_hours |= said.profile.as_deref().is_some_and(tells_apart);
        let before = std::mem::replace(&mut of_now.is_off_peak, said.tariff.and_then(|tariff| self.is_off_peak(tariff)));
        let (day, minute) = Day::of(now);
        if let Some(is_off_peak) = of_now.is_off_peak {
            self.learner.handle_tariff(&mut of_now.last, is_off_peak, now);
        }
        if (MIDNIGHT_MARGIN..DAY_MINUTES - MIDNIGHT_MARGIN).contains(&minute) {
            self.take_profile(said);
            let has_switched = before.is_some() && before != of_now.is_off_peak;
            self.compare(said.today, of_now.is_off_peak, has_switched, minute);
            let periods = |number, day| Some(day).zip(self.periods(said.tariff, number, day));
            of_now.days = [periods(said.today, day), periods(said.tomorrow, day.next())];
            let switchings = |number, day| Some(day).zip(self.switchings(said.tariff, number, day));
            of_now.switchings = [switchings(said.today, day), switchings(said.tomorrow, day.next())];
        }
    }

    fn is_off_peak(&self, tariff: Tariff) -> Option<bool> {
        match tariff {
            Tariff::Index(index) => self.has_hours.then_some(OFF_PEAK_INDEXES.contains(&index)),
            Tariff::Period(TariffPeriod::OffPeak | TariffPeriod::Tempo(_, TempoHours::OffPeak)) => Some(true),
            Tariff::Period(TariffPeriod::Peak | TariffPeriod::Tempo(_, TempoHours::Peak)) => Some(false),
            Tariff::Period(_) => None,
        }
    }

    fn take_profile(&mut self, said: &SaidHours) {
        let (Some(number), Some(blocks)) = (said.tomorrow, &said.profile) else { return };
        let (periods, switchings) = (periods_of(blocks), Switchings::of_blocks(blocks));
        let is_new = self.profiles.get(&number) != Some(&periods) || self.switchings.get(&number) != switchings.as_ref();
        if is_new && (self.profiles.len() < PROFILES_MAX || self.profiles.contains_key(&number)) {
            self.profiles.insert(number, periods);
            self.switchings.remove(&number);
            self.switchings.extend(switchings.map(|switchings| (number, switchings)));
            self.is_doubted = false;
        }
    }

    /// Holds the index against the profile of today. A switch at its time ends all doubt.
    fn compare(&mut self, today: Option<u8>, is_off_peak: Option<bool>, has_switched: bool, minute: u16) {
        let (Some(periods), Some(is_off_peak)) = (today.and_then(|number| self.profiles.get(&number)), is_off_peak) else { return };
        let is_near = periods.is_near_edge(minute, SWITCH_MARGIN);
        if has_switched && is_near {
            self.is_doubted = false;
        } else if !is_near && periods.contains(minute) != is_off_peak {
            self.is_doubted = true;
        }
    }

    fn periods(&self, tariff: Option<Tariff>, number: Option<u8>, day: Day) -> Option<Periods> {
        match tariff? {
            Tariff::Period(TariffPeriod::Tempo(..)) => Some(Periods::of_tempo()),
            Tariff::Period(TariffPeriod::OffPeak | TariffPeriod::Peak) => self.learner.periods(day).cloned(),
            Tariff::Index(_) if self.has_hours => {
                let profile = number.and_then(|number| self.profiles.get(&number)).filter(|_| !self.is_doubted);
                profile.or_else(|| self.learner.periods(day)).cloned()
            }
            _ => None,
        }
    }

    /// The indexes of a day, under the same conditions. Hours that are learnt tell two of them only.
    fn switchings(&self, tariff: Option<Tariff>, number: Option<u8>, day: Day) -> Option<Switchings> {
        match tariff? {
            Tariff::Period(TariffPeriod::AllHours | TariffPeriod::Normal | TariffPeriod::MobilePeak) => Some(Switchings::always(1)),
            Tariff::Index(_) => self.switchings.get(&number?).filter(|_| !self.is_doubted).cloned(),
            tariff @ Tariff::Period(_) => Some(Switchings::of_periods(&self.periods(Some(tariff), number, day)?, 1, 2)),
        }
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::{Colour, DayProfile, HourBase, ProfileBlock, TariffPeriod, TempoHours};

    use super::{OffPeak, OffPeakNow, SaidHours, Tariff};
    use crate::hours::day::Day;

    fn blocks(text: &str) -> Vec<ProfileBlock> {
        let padded = text.split(' ').chain(std::iter::repeat("NONUTILE")).take(11).collect::<Vec<_>>().join(" ");
        padded.parse::<DayProfile>().unwrap().blocks(HourBase::Decimal).unwrap().collect()
    }

    /// A meter, and what it last said.
    struct Meter {
        hours: OffPeak,
        now: OffPeakNow,
        said: SaidHours,
    }

    impl Meter {
        fn standard(profile: &str) -> Self {
            let said = SaidHours {
                contract: Some("H PLEINE/CREUSE".into()),
                tariff: None,
                today: Some(0),
                tomorrow: Some(0),
                profile: Some(blocks(profile)),
            };
            Self { hours: OffPeak::default(), now: OffPeakNow::default(), said }
        }

        fn historic() -> Self {
            let said = SaidHours { contract: Some("hc".into()), ..SaidHours::default() };
            Self { hours: OffPeak::default(), now: OffPeakNow::default(), said }
        }

        /// A frame on a day at this minute under this index.
        fn says(&mut self, day: &str, minute: u16, index: u8) {
            self.says_tariff(day, minute, Tariff::Index(index));
        }

        fn says_tariff(&mut self, day: &str, minute: u16, tariff: Tariff) {
            self.said.tariff = Some(tariff);
            self.hours.handle_said(&self.said, &mut self.now, Day::from(day).at(minute));
        }

        /// Today's hours and tomorrow's.
        fn told(&self) -> [Option<String>; 2] {
            self.now.days.clone().map(|day| day.map(|(_, periods)| periods.text()))
        }
    }

    const MONDAY: &str = "2026-11-30";
    const NIGHT: &str = "0000C001 06548002 2254C001";

    fn some(today: &str, tomorrow: &str) -> [Option<String>; 2] {
        [Some(today.into()), Some(tomorrow.into())]
    }

    #[test]
    fn the_index_decides_and_not_the_contact() {
        // At 13:26 the index is off-peak, and the contact is open.
        let mut meter = Meter::standard("00008002 0056C001 07568002 13268001 14268002");
        meter.says(MONDAY, 820, 1);
        assert_eq!((meter.now.is_off_peak, meter.told()[1].as_deref()), (Some(true), Some("00:56–07:56, 13:26–14:26")));
        meter.says(MONDAY, 900, 2);
        assert_eq!(meter.now.is_off_peak, Some(false));
    }

    #[test]
    fn one_index_is_no_off_peak() {
        for profile in ["0000C001", "00008001"] {
            let mut meter = Meter::standard(profile);
            meter.says(MONDAY, 600, 1);
            assert_eq!((meter.now.is_off_peak, meter.told()), (None, [None, None]));
        }
    }

    #[test]
    fn today_is_what_was_told_for_its_number() {
        let mut friday = Meter::standard(NIGHT);
        friday.says("2026-12-03", 600, 2);
        (friday.said.tomorrow, friday.said.profile) = (Some(1), Some(blocks("00008003")));
        friday.says("2026-12-04", 600, 2);
        assert_eq!(friday.told(), some("22:54–06:54", "00:00–24:00"));
        friday.said.today = Some(1);
        friday.says("2026-12-05", 600, 3);
        assert_eq!((friday.now.is_off_peak, friday.told()), (Some(true), some("00:00–24:00", "00:00–24:00")));
        (friday.said.tomorrow, friday.said.profile) = (Some(0), Some(blocks(NIGHT)));
        friday.says("2026-12-06", 600, 3);
        assert_eq!(friday.told(), some("00:00–24:00", "22:54–06:54"));
    }

    #[test]
    fn today_of_a_number_that_was_never_told_is_not_known() {
        let mut meter = Meter::standard(NIGHT);
        meter.said.today = Some(1);
        meter.says(MONDAY, 600, 2);
        assert_eq!(meter.told(), [None, Some("22:54–06:54".into())]);
    }

    #[test]
    fn around_midnight_the_numbers_of_another_day_are_not_believed() {
        let mut meter = Meter::standard(NIGHT);
        meter.says("2026-12-04", 1_430, 1);
        (meter.said.today, meter.said.profile) = (Some(0), Some(blocks("00008003")));
        meter.says("2026-12-04", 1_439, 1);
        assert_eq!(meter.told(), some("22:54–06:54", "22:54–06:54"));
    }

    #[test]
    fn hours_that_the_switches_contradict_are_not_told() {
        let mut meter = Meter::standard(NIGHT);
        meter.says(MONDAY, 413, 1);
        meter.says(MONDAY, 416, 1);
        assert!(meter.told()[0].is_some(), "within some minutes it may be either");
        meter.says(MONDAY, 420, 1);
        assert_eq!((meter.now.is_off_peak, meter.told()), (Some(true), [None, None]));
        meter.says(MONDAY, 700, 2);
        assert_eq!(meter.told(), [None, None], "that they agree by chance proves nothing");
        meter.says(MONDAY, 1_373, 2);
        meter.says(MONDAY, 1_374, 1);
        assert_eq!(meter.told()[1].as_deref(), Some("22:54–06:54"), "a switch at its time does");
    }

    /// A frame a minute of some days with this profile of a historic meter, or of a standard one whose profile says nothing.
    fn play(meter: &mut Meter, from: &str, days: u8, hours: &str, tariff: impl Fn(bool) -> Tariff) {
        let (mut day, hours) = (Day::from(from), super::periods_of(&blocks(hours)));
        for _ in 0..days {
            (0..1_440).for_each(|minute| meter.says_tariff(&day.to_string(), minute, tariff(hours.contains(minute))));
            day = day.next();
        }
    }

    #[test]
    fn historic_hours_are_learnt() {
        let mut meter = Meter::historic();
        let tariff = |off| Tariff::Period(if off { TariffPeriod::OffPeak } else { TariffPeriod::Peak });
        play(&mut meter, MONDAY, 3, NIGHT, tariff);
        assert_eq!((meter.now.is_off_peak, meter.told()), (Some(true), [None, None]), "Monday was not seen from midnight, we think");
        play(&mut meter, "2026-12-03", 1, NIGHT, tariff);
        assert_eq!(meter.told(), some("22:54–06:54", "22:54–06:54"));
    }

    #[test]
    fn hours_that_the_profile_does_not_tell_are_learnt_from_the_index() {
        let mut meter = Meter::standard(NIGHT);
        play(&mut meter, MONDAY, 4, "0000C001 07008002 2300C001", |off| Tariff::Index(if off { 1 } else { 2 }));
        meter.says("2026-12-04", 600, 2);
        // 22:54 to 23:00 is soon over; at 06:54 the old hours are contradicted once more.
        assert_eq!(meter.told(), some("23:00–07:00", "23:00–07:00"));
    }

    #[test]
    fn tempo_has_hours_of_its_own_in_historic_mode() {
        let mut meter = Meter::historic();
        meter.says_tariff(MONDAY, 600, Tariff::Period(TariffPeriod::Tempo(Colour::Red, TempoHours::Peak)));
        assert_eq!((meter.now.is_off_peak, meter.told()), (Some(false), some("22:00–06:00", "22:00–06:00")));
    }

    #[test]
    fn another_contract_begins_anew() {
        let mut meter = Meter::standard(NIGHT);
        meter.says(MONDAY, 600, 2);
        (meter.said.contract, meter.said.profile) = (Some("BASE".into()), Some(blocks("00008001")));
        meter.says(MONDAY, 601, 1);
        assert_eq!((meter.now.is_off_peak, meter.told()), (None, [None, None]));
    }

    #[test]
    fn it_is_kept_over_a_restart() {
        let mut meter = Meter::standard(NIGHT);
        meter.says("2026-12-05", 600, 2);
        let json = serde_json::to_string(&meter.hours).unwrap();
        (meter.hours, meter.now) = (serde_json::from_str(&json).unwrap(), OffPeakNow::default());
        (meter.said.tomorrow, meter.said.profile) = (Some(1), Some(blocks("00008003")));
        meter.says("2026-12-05", 700, 2);
        assert_eq!(meter.told(), some("22:54–06:54", "00:00–24:00"));
    }
}
