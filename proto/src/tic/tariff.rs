//! Tariffs of the historic mode: OPTARIF, PTEC, DEMAIN and PPOT (02E §2, 54E §6.1).

use core::{fmt, str::FromStr};

use super::ParseError;

/// Colour of a Tempo day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Colour {
    Blue,
    White,
    Red,
}

impl Colour {
    /// In the order of their codes in STGE, from 1.
    pub const ALL: [Self; 3] = [Self::Blue, Self::White, Self::Red];

    /// One word for machines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blue => "blue",
            Self::White => "white",
            Self::Red => "red",
        }
    }

    pub(super) const fn from_code(code: u32) -> Option<Self> {
        match code {
            1 => Some(Self::Blue),
            2 => Some(Self::White),
            3 => Some(Self::Red),
            _ => None,
        }
    }

    pub(super) const fn code(colour: Option<Self>) -> u32 {
        match colour {
            None => 0,
            Some(colour) => colour as u32 + 1,
        }
    }
}

/// DEMAIN: the colour of tomorrow, or none while it is not announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tomorrow(Option<Colour>);

/// Every DEMAIN and what it means.
const TOMORROWS: [(&str, Tomorrow); 4] = [
    ("----", Tomorrow(None)),
    ("BLEU", Tomorrow(Some(Colour::Blue))),
    ("BLAN", Tomorrow(Some(Colour::White))),
    ("ROUG", Tomorrow(Some(Colour::Red))),
];

impl Tomorrow {
    /// The place of these characters among all that there are.
    pub(super) fn place(text: &[u8]) -> Option<u32> {
        place(&TOMORROWS, text)
    }

    /// What has this place.
    pub(super) fn at(place: u32) -> Option<Self> {
        at(&TOMORROWS, place)
    }

    /// The colour; `None` until it is announced, at about 20:00.
    #[must_use]
    pub const fn colour(self) -> Option<Colour> {
        self.0
    }
}

impl From<Option<Colour>> for Tomorrow {
    fn from(colour: Option<Colour>) -> Self {
        Self(colour)
    }
}

impl FromStr for Tomorrow {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::place(text.as_bytes()).and_then(Self::at).ok_or(ParseError::expected("BLEU, BLAN, ROUG or ----"))
    }
}

impl fmt::Display for Tomorrow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(code(&TOMORROWS, *self))
    }
}

/// Characters of a code.
const CODE_WIDTH: usize = 4;

/// The place of a code, in a table of codes and what they stand for.
fn place<T>(table: &[(&str, T)], text: &[u8]) -> Option<u32> {
    let text: &[u8; CODE_WIDTH] = text.try_into().ok()?;
    table.iter().position(|(code, _)| code.as_bytes() == text).map(|place| place as u32)
}

/// What the code of this place stands for.
fn at<T: Copy>(table: &[(&str, T)], place: u32) -> Option<T> {
    table.get(place as usize).map(|(_, meaning)| *meaning)
}

/// The code of a meaning; a table holds every meaning, which its test proves.
fn code<T: PartialEq>(table: &[(&'static str, T)], wanted: T) -> &'static str {
    table.iter().find(|(_, meaning)| *meaning == wanted).map_or("", |(code, _)| code)
}

/// OPTARIF: the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TariffOption {
    /// `BASE`: one price. A Linky with a contract that historic mode does not know sends this too.
    Base,
    /// `HC..`: off-peak and peak hours.
    OffPeak,
    /// `EJP.`: mobile-peak days.
    Ejp,
    /// `BBRx`: Tempo; x holds the programmes of two circuits.
    Tempo,
    /// Something newer than this table.
    Other,
}

impl TariffOption {
    /// In the order of their places.
    const ALL: [Self; 5] = [Self::Base, Self::OffPeak, Self::Ejp, Self::Tempo, Self::Other];

    /// Its place among all that there are.
    pub(super) const fn place(self) -> u32 {
        self as u32
    }

    /// What has this place.
    pub(super) fn at(place: u32) -> Option<Self> {
        Self::ALL.get(place as usize).copied()
    }

    /// One word for machines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::OffPeak => "hc",
            Self::Ejp => "ejp",
            Self::Tempo => "tempo",
            Self::Other => "other",
        }
    }
}

impl FromStr for TariffOption {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.as_bytes())
    }
}

impl TariffOption {
    /// Reads the characters of a field. The fourth varies between meters. None of the four has bits 5 and 6 both set: no checksum sees that
    /// damage (02E §2).
    pub(super) fn parse(text: &[u8]) -> Result<Self, ParseError> {
        match text {
            [_, _, _, _] if !text.iter().all(|byte| *byte < b'`') => Err(NO_OPTION),
            b"BASE" => Ok(Self::Base),
            [b'H', b'C', _, _] => Ok(Self::OffPeak),
            [b'E', b'J', b'P', _] => Ok(Self::Ejp),
            [b'B', b'B', b'R', _] => Ok(Self::Tempo),
            [_, _, _, _] => Ok(Self::Other),
            _ => Err(NO_OPTION),
        }
    }
}

const NO_OPTION: ParseError = ParseError::expected("the four characters of a tariff option");

/// Off-peak or peak hours of a Tempo day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TempoHours {
    /// Heures creuses.
    OffPeak,
    /// Heures pleines.
    Peak,
}

/// PTEC: the tariff period that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TariffPeriod {
    /// `TH..`
    AllHours,
    /// `HC..`
    OffPeak,
    /// `HP..`
    Peak,
    /// `HN..`: normal hours of EJP.
    Normal,
    /// `PM..`: mobile peak of EJP.
    MobilePeak,
    /// `HCJB` to `HPJR`.
    Tempo(Colour, TempoHours),
}

/// Every PTEC and what it means.
const PERIODS: [(&str, TariffPeriod); 11] = [
    ("TH..", TariffPeriod::AllHours),
    ("HC..", TariffPeriod::OffPeak),
    ("HP..", TariffPeriod::Peak),
    ("HN..", TariffPeriod::Normal),
    ("PM..", TariffPeriod::MobilePeak),
    ("HCJB", TariffPeriod::Tempo(Colour::Blue, TempoHours::OffPeak)),
    ("HPJB", TariffPeriod::Tempo(Colour::Blue, TempoHours::Peak)),
    ("HCJW", TariffPeriod::Tempo(Colour::White, TempoHours::OffPeak)),
    ("HPJW", TariffPeriod::Tempo(Colour::White, TempoHours::Peak)),
    ("HCJR", TariffPeriod::Tempo(Colour::Red, TempoHours::OffPeak)),
    ("HPJR", TariffPeriod::Tempo(Colour::Red, TempoHours::Peak)),
];

impl TariffPeriod {
    /// The place of these characters among all that there are.
    pub(super) fn place(text: &[u8]) -> Option<u32> {
        place(&PERIODS, text)
    }

    /// What has this place.
    pub(super) fn at(place: u32) -> Option<Self> {
        at(&PERIODS, place)
    }

    /// PTEC, as a meter sends it.
    #[must_use]
    pub fn code(self) -> &'static str {
        code(&PERIODS, self)
    }

    /// All of them, in the order of the specification.
    pub fn all() -> impl Iterator<Item = Self> {
        PERIODS.iter().map(|(_, period)| *period)
    }
}

impl FromStr for TariffPeriod {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::place(text.as_bytes()).and_then(Self::at).ok_or(ParseError::expected("a tariff period as HP.. or HCJB"))
    }
}

impl fmt::Display for TariffPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// PPOT: the phases that have no voltage, `0X` with bit n for phase n (54E §6.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct MissingPhases(u8);

impl MissingPhases {
    /// These phases, 1 to 3, have no voltage.
    #[must_use]
    pub fn of(phases: impl IntoIterator<Item = u8>) -> Self {
        Self(phases.into_iter().filter(|phase| matches!(phase, 1..=3)).fold(0, |bits, phase| bits | 1 << phase))
    }

    /// Whether phase `number` (1 to 3) has no voltage.
    #[must_use]
    pub const fn missing(self, number: u8) -> bool {
        number >= 1 && number <= 3 && self.0 >> number & 1 == 1
    }

    /// Whether any phase has no voltage.
    #[must_use]
    pub const fn any(self) -> bool {
        self.0 != 0
    }
}

impl FromStr for MissingPhases {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.as_bytes())
    }
}

impl MissingPhases {
    /// Reads the characters of a field.
    pub(super) fn parse(text: &[u8]) -> Result<Self, ParseError> {
        let bits = match text {
            [b'0', digit @ b'0'..=b'9'] => digit - b'0',
            [b'0', digit @ b'A'..=b'F'] => digit - b'A' + 10,
            _ => return Err(NO_PHASES),
        };
        Self::of_bits(bits.into()).ok_or(NO_PHASES)
    }

    /// Bit n for phase n; no other can be set.
    pub(super) fn of_bits(bits: u32) -> Option<Self> {
        u8::try_from(bits).ok().filter(|bits| bits & !0b1110 == 0).map(Self)
    }

    pub(super) const fn bits(self) -> u8 {
        self.0
    }
}

const NO_PHASES: ParseError = ParseError::expected("the phases without voltage as 00 to 0E, even");

impl fmt::Display for MissingPhases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.0)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::ToString;

    use super::{MissingPhases, PERIODS, TOMORROWS, TariffOption, TariffPeriod, Tomorrow};

    #[test]
    fn periods_come_back() {
        assert_eq!(TariffPeriod::all().count(), PERIODS.len());
        for period in TariffPeriod::all() {
            assert_eq!(period.to_string().parse(), Ok(period));
        }
        assert!("HC".parse::<TariffPeriod>().is_err());
    }

    #[test]
    fn tomorrow_comes_back() {
        for (code, tomorrow) in TOMORROWS {
            assert_eq!((code.parse(), tomorrow.to_string().as_str()), (Ok(tomorrow), code));
        }
        assert!("VERT".parse::<Tomorrow>().is_err());
    }

    fn option(text: &str) -> TariffOption {
        text.parse().unwrap()
    }

    #[test]
    fn options_vary_in_their_fourth_character() {
        assert_eq!((option("EJP "), option("BBR("), option("WKND")), (TariffOption::Ejp, TariffOption::Tempo, TariffOption::Other));
        for text in ["", "BBR", "HC...", "BBRh", "HCn."] {
            assert!(text.parse::<TariffOption>().is_err(), "{text}");
        }
    }

    #[test]
    fn each_option_has_its_place() {
        for option in ["BASE", "HC..", "EJP.", "BBR(", "WKND"].map(option) {
            assert_eq!(TariffOption::at(option.place()), Some(option));
        }
        assert_eq!(TariffOption::at(5), None);
    }

    #[test]
    fn missing_phases() {
        let missing: MissingPhases = "0A".parse().unwrap();
        assert!(missing.missing(1) && !missing.missing(2) && missing.missing(3));
        assert_eq!((MissingPhases::of([1, 3]), missing.to_string().as_str()), (missing, "0A"));
        for text in ["01", "10", "0G", "1E", "+2", "2", "0a"] {
            assert!(text.parse::<MissingPhases>().is_err(), "{text}");
        }
    }
}
