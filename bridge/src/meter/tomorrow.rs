//! Tomorrow's switchings, under the tariffs that will really count.
//!
//! PJOURF+1 is blue on every day of Tempo (54E §6.2.3.22): a white or red day stands in PPOINTE alone, and only for its own 24 hours from
//! 06:00 on. Its date, DPM1 for white and DPM2 for red, may come hours before the bits of STGE. So until 06:00 tomorrow has the colour of the Tempo day that runs, and then the colour that is announced, if any is.

use serde::Serialize;
use teleinfo_proto::tic::{Colour, ProfileBlock, Timestamp, Value};

use crate::{
    hours::{day::Day, off_peak::OFF_PEAK_INDEXES},
    meter::{
        profile_hours::ProfileHours,
        state::State,
        tariff_names::{TariffNames, foretold},
    },
};

/// A Tempo day begins at this hour.
const TEMPO_BEGINS: u8 = 6;
/// The supplier indexes of Tempo, two for each colour, off-peak first (54E §6.1.1).
const TEMPO_INDEXES: std::ops::RangeInclusive<u8> = 1..=6;

/// Something that begins tomorrow.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Switching {
    /// When, as the clock shows it.
    pub time: String,
    /// The supplier index that counts from then on, where it is known.
    pub index: Option<u8>,
    /// Its name.
    pub tariff: String,
}

/// The switchings of tomorrow.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Tomorrow {
    /// In the order of the day.
    pub blocks: Vec<Switching>,
}

/// The colours of tomorrow until 06:00 and from then on.
#[derive(Debug, Clone, Copy)]
struct Colours([Option<Colour>; 2]);

impl Tomorrow {
    /// What a state says of tomorrow.
    #[must_use]
    pub fn of(state: &State, hours: ProfileHours, names: &TariffNames) -> Self {
        let Some(Value::DayProfile(profile)) = state.value("PJOURF+1") else { return Self::default() };
        let colours = Colours::of(state);
        let blocks = hours.blocks(&profile).unwrap_or_default();
        Self { blocks: blocks.into_iter().map(|block| switching(block, colours, names)).collect() }
    }
}

impl Colours {
    /// Between midnight and 06:00 what STGE calls tomorrow begins this morning.
    fn of(state: &State) -> Option<Self> {
        let Some(Value::Status(register)) = state.value("STGE") else { return None };
        let today = register.today()?;
        let is_night = state.time("DATE").is_some_and(|date: Timestamp| date.hour() < TEMPO_BEGINS);
        let announced = register.tomorrow().or_else(|| announced(state));
        Some(Self(if is_night { [announced, None] } else { [Some(today), announced] }))
    }

    fn at(self, hour: u8) -> Option<Colour> {
        self.0[usize::from(hour >= TEMPO_BEGINS)]
    }
}

/// The colour of a peak day that begins tomorrow.
fn announced(state: &State) -> Option<Colour> {
    let tomorrow = Day::of(state.time("DATE")?.unix_seconds()).0.next();
    let begins = |label| state.time(label).is_some_and(|date: Timestamp| Day::of(date.unix_seconds()).0 == tomorrow);
    [("DPM1", Colour::White), ("DPM2", Colour::Red)].into_iter().find(|(label, _)| begins(label)).map(|(_, colour)| colour)
}

fn switching(block: ProfileBlock, colours: Option<Colours>, names: &TariffNames) -> Switching {
    let (index, unnamed) = match (block.action().supplier_index(), colours) {
        (Some(index), Some(colours)) if TEMPO_INDEXES.contains(&index) => coloured(index, colours.at(block.hour())),
        (index, _) => (index, "-"),
    };
    let known = |index| names.get(index).or_else(|| colours.and_then(|_| foretold("TEMPO", index)));
    let name = |index| known(index).map_or_else(|| format!("index {index}"), str::to_owned);
    Switching { time: format!("{:02}:{:02}", block.hour(), block.minute()), index, tariff: index.map_or_else(|| unnamed.to_owned(), name) }
}

/// The index of the same hours on a day of a colour, and what they are called without one.
fn coloured(index: u8, colour: Option<Colour>) -> (Option<u8>, &'static str) {
    let is_off_peak = OFF_PEAK_INDEXES.contains(&index);
    let of = |colour: Colour| 2 * colour as u8 + if is_off_peak { 1 } else { 2 };
    (colour.map(of), if is_off_peak { "HC" } else { "HP" })
}
