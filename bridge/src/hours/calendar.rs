//! The calendar of one meter: its off-peak hours and its Tempo days, from what its frames say.

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::Colour;

use crate::hours::{
    off_peak::{OffPeak, OffPeakNow, SaidHours},
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
        let now = said.date.unwrap_or(now);
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
