//! The calendar of one meter: its off-peak hours and its Tempo days, from what its frames say.

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::Colour;

use crate::hours::{
    off_peak::{OffPeak, OffPeakNow, SaidHours, Tariff},
    season::{Counts, Season},
};

/// What a frame says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// Of hours.
    pub hours: SaidHours,
    /// The colour that counts, by the index.
    pub colour: Option<Colour>,
    /// The meter's own time, in s since 1970, where it says it: switches follow it.
    pub date: Option<i64>,
}

impl Said {
    /// The time that it belongs to. A meter that counts by index has a clock of its own, which may be hours off: until DATE has come, the
    /// frame belongs to no day.
    fn time(&self, now: i64) -> Option<i64> {
        let has_no_clock = !matches!(self.hours.tariff, Some(Tariff::Index(_)));
        self.date.or_else(|| has_no_clock.then_some(now))
    }
}

/// What a restart must not forget.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Calendar {
    off_peak: OffPeak,
    season: Season,
}

impl Calendar {
    /// A frame has said this.
    pub fn handle_said(&mut self, said: &Said, of_now: &mut OffPeakNow, now: i64) {
        let Some(now) = said.time(now) else { return };
        self.off_peak.handle_said(&said.hours, of_now, now);
        if let Some(colour) = said.colour {
            self.season.handle_colour(colour, now);
        }
    }

    /// The days of the Tempo season.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.season.counts()
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::{Colour::Blue, TariffPeriod, TempoHours};

    use super::{Calendar, Said};
    use crate::hours::{
        day::Day,
        off_peak::{OffPeakNow, SaidHours, Tariff},
    };

    #[test]
    fn before_its_time_is_heard_a_meter_with_a_clock_belongs_to_no_day() {
        let said = |tariff, date| Said { hours: SaidHours { tariff: Some(tariff), ..SaidHours::default() }, colour: Some(Blue), date };
        let since = |said: &Said| {
            let mut calendar = Calendar::default();
            calendar.handle_said(said, &mut OffPeakNow::default(), Day::from("2026-11-29").at(720));
            calendar.counts().since
        };
        let by_clock = Day::from("2026-09-01").at(720);
        assert_eq!(since(&said(Tariff::Index(2), None)), None);
        assert_eq!(since(&said(Tariff::Index(2), Some(by_clock))).as_deref(), Some("2026-09-01"));
        let historic = Tariff::Period(TariffPeriod::Tempo(Blue, TempoHours::Peak));
        assert_eq!(since(&said(historic, None)).as_deref(), Some("2026-11-29"));
    }
}
