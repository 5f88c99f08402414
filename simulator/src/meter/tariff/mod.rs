//! What the tariff is now: the day profile by the clock, a running mobile peak above it, and what is announced.
//!
//! Times: Tempo days run 06:00 to 06:00 and are announced on the meter at 20:00 the evening before. An EJP
//! peak runs 07:00 to 01:00, with half an hour of notice.

mod calendar;
pub mod clock;
pub mod contract;

use self::calendar::Calendar;
use self::clock::{LocalTime, moment, weekday};
use self::contract::{Contract, Peaks, Pick, Profile, action_at};
use teleinfo_proto::tic::Colour;

/// When tomorrow's colour and the coming peak appear on the meter.
const ANNOUNCED: u16 = 20 * 60;
const TEMPO_START: u16 = 6 * 60;
const EJP_START: u16 = 7 * 60;
const EJP_END: u16 = 60;
/// Notice before an EJP peak, in seconds.
const EJP_NOTICE: i64 = 30 * 60;

/// The tariff in one minute.
#[derive(Debug, Clone)]
pub(crate) struct Tariff {
    /// Supplier index in use, from 1.
    pub(crate) index: u8,
    /// Distributor index in use, 1 to 4.
    pub(crate) distributor: u8,
    /// The dry contact is closed: the water heater may run.
    pub(crate) contact: bool,
    /// Virtual contacts, bit 0 = contact 1.
    pub(crate) virtual_contacts: u8,
    /// Day profile of today.
    pub(crate) today: u8,
    /// Day profile of tomorrow.
    pub(crate) tomorrow: u8,
    /// Tomorrow's profile itself.
    pub(crate) tomorrow_profile: Profile,
    /// Announced and running mobile peaks, in order of time.
    pub(crate) peaks: Vec<Peak>,
    /// A mobile peak that gives notice.
    pub(crate) notice: Option<u8>,
    /// The mobile peak that runs.
    pub(crate) running: Option<u8>,
    /// Tempo colour of today.
    pub(crate) colour: Option<Colour>,
    /// Tempo colour of tomorrow, once announced.
    pub(crate) next_colour: Option<Colour>,
}

/// A mobile peak: a stretch of time with prices of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Peak {
    /// 1 or 2.
    pub(crate) number: u8,
    /// First second.
    pub(crate) start: i64,
    /// First second after it.
    pub(crate) end: i64,
    /// What happens during it.
    pub(crate) profile: Profile,
}

/// Follows the tariff through time.
#[derive(Debug)]
pub(crate) struct TariffClock {
    contract: &'static Contract,
    calendar: Calendar,
    house: usize,
    contact: bool,
}

impl TariffClock {
    /// A clock for this contract; the seed decides the special days and the house's day profile.
    #[must_use]
    pub(crate) fn new(contract: &'static Contract, seed: u64) -> Self {
        Self { contract, calendar: Calendar::new(seed), house: (seed % contract.profiles.len() as u64) as usize, contact: false }
    }

    /// The tariff at this time.
    pub(crate) fn at(&mut self, now: LocalTime) -> Tariff {
        let peaks = self.peaks(now);
        let running = peaks.iter().find(|peak| peak.start <= now.unix).copied();
        let profile = running.map_or(self.profile(now.day).1, |peak| peak.profile);
        let action = action_at(profile, now.minute);
        self.contact = contact_after(action, self.contact);
        let (colour, next_colour) = self.colours(now);
        let (tomorrow, tomorrow_profile) = self.profile(now.day + 1);
        Tariff {
            index: (action & 0xF) as u8,
            distributor: self.distributor(now),
            contact: self.contact,
            virtual_contacts: (action >> 4) as u8 & 0x7F,
            today: self.profile(now.day).0,
            tomorrow,
            tomorrow_profile,
            notice: self.notice(&peaks, now),
            running: running.map(|peak| peak.number),
            peaks,
            colour,
            next_colour,
        }
    }

    fn profile(&self, day: i64) -> (u8, Profile) {
        let at = match self.contract.pick {
            Pick::House => self.house,
            Pick::Weekend => usize::from(weekday(day) >= 5),
        };
        (at as u8, self.contract.profiles[at])
    }

    /// The peaks that the meter shows: announced the evening before, kept until they end.
    fn peaks(&mut self, now: LocalTime) -> Vec<Peak> {
        (now.day - 1..=now.day + 1)
            .filter_map(|day| self.peak_of(day).map(|peak| (day, peak)))
            .filter(|(day, peak)| moment(day - 1, ANNOUNCED) <= now.unix && now.unix < peak.end)
            .map(|(_, peak)| peak)
            .collect()
    }

    fn peak_of(&mut self, day: i64) -> Option<Peak> {
        let (number, start, end) = match self.contract.peaks {
            Peaks::None => return None,
            Peaks::Tempo => match self.calendar.colour(day) {
                Colour::Blue => return None,
                Colour::White => (1, TEMPO_START, TEMPO_START),
                Colour::Red => (2, TEMPO_START, TEMPO_START),
            },
            Peaks::Ejp if self.calendar.is_ejp(day) => (1, EJP_START, EJP_END),
            Peaks::Ejp => return None,
        };
        Some(Peak {
            number,
            start: moment(day, start),
            end: moment(day + 1, end),
            profile: self.contract.peak_profiles[usize::from(number) - 1],
        })
    }

    fn notice(&self, peaks: &[Peak], now: LocalTime) -> Option<u8> {
        let ahead = match self.contract.peaks {
            Peaks::Ejp => EJP_NOTICE,
            _ => i64::MAX,
        };
        peaks.iter().find(|peak| now.unix < peak.start && peak.start - now.unix <= ahead).map(|peak| peak.number)
    }

    fn colours(&mut self, now: LocalTime) -> (Option<Colour>, Option<Colour>) {
        if self.contract.peaks != Peaks::Tempo {
            return (None, None);
        }
        let before_six = now.minute < TEMPO_START;
        let today = now.day - i64::from(before_six);
        let announced = before_six || now.minute >= ANNOUNCED;
        let colour = self.calendar.colour(today);
        let next = announced.then(|| self.calendar.colour(today + 1));
        (Some(colour), next)
    }

    /// The network operator's four-index grid: high season from November to March, off-peak at night.
    fn distributor(&self, now: LocalTime) -> u8 {
        let high_season = matches!(now.stamp.month(), 11 | 12 | 1 | 2 | 3);
        let off_peak = self.contact;
        match (high_season, off_peak) {
            (false, true) => 1,
            (false, false) => 2,
            (true, true) => 3,
            (true, false) => 4,
        }
    }
}

/// What the two highest bits of an action make of the dry contact. By the Tempo configuration it is closed
/// in off-peak hours, which have the odd indexes.
fn contact_after(action: u16, before: bool) -> bool {
    match action >> 14 {
        0b01 => action & 1 == 1,
        0b10 => false,
        0b11 => true,
        _ => before,
    }
}

#[cfg(test)]
mod tests {
    use self::clock::{day_number, parse_start};
    use super::*;

    fn clock(contract: &str) -> TariffClock {
        TariffClock::new(Contract::find(contract).unwrap(), 0)
    }

    fn at(clock: &mut TariffClock, time: &str) -> Tariff {
        clock.at(LocalTime::at(parse_start(time).unwrap()))
    }

    fn first_day(mut special: impl FnMut(i64) -> bool) -> i64 {
        (day_number(2023, 11, 1)..day_number(2024, 4, 1)).find(|day| special(*day)).unwrap()
    }

    #[test]
    fn off_peak_follows_the_clock() {
        let mut hc = clock("hc");
        assert_eq!(at(&mut hc, "2024-01-10T06:29:59").index, 1);
        let day = at(&mut hc, "2024-01-10T06:30:00");
        assert_eq!((day.index, day.contact, day.distributor), (2, false, 4));
        let night = at(&mut hc, "2024-07-10T22:30:00");
        assert_eq!((night.index, night.contact, night.distributor), (1, true, 1));
    }

    #[test]
    fn a_red_day_is_announced_at_eight_and_runs_from_six_to_six() {
        let mut tempo = clock("tempo");
        let mut days = Calendar::new(0);
        let red = first_day(|day| {
            days.colour(day) == Colour::Red && days.colour(day - 1) == Colour::Blue && days.colour(day + 1) == Colour::Blue
        });
        let mut at = |day, minute, second: i64| tempo.at(LocalTime::at(moment(day, minute) + second));

        let before = at(red - 1, ANNOUNCED, -1);
        assert_eq!((before.next_colour, before.peaks.len()), (None, 0));
        let evening = at(red - 1, ANNOUNCED, 0);
        assert_eq!(evening.colour, Some(Colour::Blue));
        assert_eq!(evening.next_colour, Some(Colour::Red));
        assert_eq!((evening.notice, evening.running), (Some(2), None));
        assert_eq!(evening.peaks[0].start, moment(red, TEMPO_START));
        assert_eq!(at(red, TEMPO_START, -1).index, 1);

        let running = at(red, TEMPO_START, 0);
        assert_eq!((running.index, running.running, running.notice), (6, Some(2), None));
        assert_eq!((running.colour, running.next_colour), (Some(Colour::Red), None));
        assert_eq!(at(red + 1, TEMPO_START, -1).index, 5);
        let over = at(red + 1, TEMPO_START, 0);
        assert_eq!((over.index, over.running, over.peaks.len()), (2, None, 0));
    }

    #[test]
    fn an_ejp_peak_gives_half_an_hour_of_notice() {
        let mut ejp = clock("ejp");
        let mut days = Calendar::new(0);
        let peak = first_day(|day| days.is_ejp(day) && !days.is_ejp(day - 1));
        let mut at = |day, minute, second: i64| ejp.at(LocalTime::at(moment(day, minute) + second));
        assert_eq!(at(peak, EJP_START - 30, -1).notice, None);
        assert_eq!(at(peak, EJP_START - 30, 0).notice, Some(1));
        assert_eq!(at(peak, EJP_START, 0).index, 2);
        assert_eq!(at(peak + 1, EJP_END, -1).index, 2);
        assert_eq!(at(peak + 1, EJP_END, 0).index, 1);
    }

    #[test]
    fn the_weekend_has_its_own_profile() {
        let mut weekend = clock("weekend");
        let saturday = at(&mut weekend, "2024-01-13T12:00:00");
        assert_eq!((saturday.today, saturday.index), (1, 3));
        let sunday = at(&mut weekend, "2024-01-14T12:00:00");
        assert_eq!((sunday.today, sunday.tomorrow), (1, 0));
    }
}
