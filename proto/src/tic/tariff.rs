//! Tariffs of the historic mode: OPTARIF, PTEC, DEMAIN and PPOT (02E §2, 54E §6.1).

use core::fmt;

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

    /// DEMAIN: `----` is a colour not announced yet. The outer `None` is no DEMAIN at all.
    #[must_use]
    pub fn parse_tomorrow(text: &str) -> Option<Option<Self>> {
        match text {
            "----" => Some(None),
            "BLEU" => Some(Some(Self::Blue)),
            "BLAN" => Some(Some(Self::White)),
            "ROUG" => Some(Some(Self::Red)),
            _ => None,
        }
    }

    /// DEMAIN, as a meter sends it.
    #[must_use]
    pub const fn tomorrow(colour: Option<Self>) -> &'static str {
        match colour {
            None => "----",
            Some(Self::Blue) => "BLEU",
            Some(Self::White) => "BLAN",
            Some(Self::Red) => "ROUG",
        }
    }
}

/// OPTARIF: the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TariffOption {
    /// `BASE`: one price. A Linky with a contract that historic mode does not know sends this too.
    Base,
    /// `HC..`: off-peak and peak hours.
    OffPeak,
    /// `EJP.`: mobile-peak days.
    Ejp,
    /// `BBRx`: Tempo; x holds the programmes of two circuits.
    Tempo {
        /// The fourth character.
        programme: u8,
    },
    /// Something newer than this table.
    Other,
}

impl TariffOption {
    /// Reads OPTARIF. The fourth character of the others varies between meters.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.as_bytes() {
            b"BASE" => Self::Base,
            [b'H', b'C', ..] => Self::OffPeak,
            [b'E', b'J', b'P', ..] => Self::Ejp,
            [b'B', b'B', b'R', programme] => Self::Tempo { programme: *programme },
            _ => Self::Other,
        }
    }

    /// The labels of its indexes (02E §2.3); nothing for a contract that is not known.
    #[must_use]
    pub const fn index_labels(self) -> &'static [&'static str] {
        match self {
            Self::Base => &["BASE"],
            Self::OffPeak => &["HCHC", "HCHP"],
            Self::Ejp => &["EJPHN", "EJPHPM"],
            Self::Tempo { .. } => &["BBRHCJB", "BBRHPJB", "BBRHCJW", "BBRHPJW", "BBRHCJR", "BBRHPJR"],
            Self::Other => &[],
        }
    }

    /// Tempo: the programme of circuit 1, `A` to `C` (02E §2).
    #[must_use]
    pub const fn circuit_one(self) -> Option<char> {
        match self {
            Self::Tempo { programme } => match programme >> 3 & 0b11 {
                1 => Some('A'),
                2 => Some('B'),
                3 => Some('C'),
                _ => None,
            },
            _ => None,
        }
    }

    /// Tempo: the programme of circuit 2, P0 to P7 (02E §2).
    #[must_use]
    pub const fn circuit_two(self) -> Option<u8> {
        match self {
            Self::Tempo { programme } => Some(programme & 0b111),
            _ => None,
        }
    }
}

/// Off-peak or peak hours of a Tempo day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Band {
    /// Heures creuses.
    OffPeak,
    /// Heures pleines.
    Peak,
}

/// PTEC: the tariff period that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Period {
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
    Tempo(Colour, Band),
}

/// Every PTEC and what it means.
const PERIODS: [(&str, Period); 11] = [
    ("TH..", Period::AllHours),
    ("HC..", Period::OffPeak),
    ("HP..", Period::Peak),
    ("HN..", Period::Normal),
    ("PM..", Period::MobilePeak),
    ("HCJB", Period::Tempo(Colour::Blue, Band::OffPeak)),
    ("HPJB", Period::Tempo(Colour::Blue, Band::Peak)),
    ("HCJW", Period::Tempo(Colour::White, Band::OffPeak)),
    ("HPJW", Period::Tempo(Colour::White, Band::Peak)),
    ("HCJR", Period::Tempo(Colour::Red, Band::OffPeak)),
    ("HPJR", Period::Tempo(Colour::Red, Band::Peak)),
];

impl Period {
    /// Reads PTEC.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        PERIODS.iter().find(|(code, _)| *code == text).map(|(_, period)| *period)
    }

    /// PTEC, as a meter sends it.
    #[must_use]
    pub fn code(self) -> &'static str {
        PERIODS.iter().find(|(_, period)| *period == self).map_or("", |(code, _)| code)
    }

    /// All of them, in the order of the specification.
    pub fn all() -> impl Iterator<Item = Self> {
        PERIODS.iter().map(|(_, period)| *period)
    }
}

/// PPOT: the phases that have no voltage, `0X` with bit n for phase n (54E §6.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct MissingPhases(u8);

impl MissingPhases {
    /// Reads PPOT.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bits = u8::from_str_radix(text, 16).ok()?;
        (bits & !0b1110 == 0).then_some(Self(bits))
    }

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

impl fmt::Display for MissingPhases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02X}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Colour, MissingPhases, Period, TariffOption};
    use crate::tic::{Label, Mode};

    #[test]
    fn periods_come_back() {
        for period in Period::all() {
            assert_eq!(Period::parse(period.code()), Some(period));
        }
        assert_eq!(Period::parse("HC"), None);
    }

    #[test]
    fn tomorrow_comes_back() {
        for colour in [None, Some(Colour::Blue), Some(Colour::White), Some(Colour::Red)] {
            assert_eq!(Colour::parse_tomorrow(Colour::tomorrow(colour)), Some(colour));
        }
        assert_eq!(Colour::parse_tomorrow("VERT"), None);
    }

    #[test]
    fn options_vary_in_their_fourth_character() {
        assert_eq!(TariffOption::parse("EJP "), TariffOption::Ejp);
        let tempo = TariffOption::parse("BBR(");
        assert_eq!((tempo.circuit_one(), tempo.circuit_two()), (Some('A'), Some(0)));
        assert_eq!(TariffOption::parse("WKND"), TariffOption::Other);
    }

    #[test]
    fn indexes_of_a_contract_are_in_the_table() {
        for option in ["BASE", "HC..", "EJP.", "BBR(", "WKND"] {
            let indexes = TariffOption::parse(option).index_labels();
            assert!(indexes.iter().all(|code| Label::find(Mode::Historic, code).is_some_and(|label| label.kind.is_index())), "{option}");
        }
    }

    #[test]
    fn missing_phases() {
        let missing = MissingPhases::parse("0A").unwrap();
        assert!(missing.missing(1) && !missing.missing(2) && missing.missing(3));
        assert_eq!(MissingPhases::of([1, 3]), missing);
        for text in ["01", "10", "0G", "1E"] {
            assert_eq!(MissingPhases::parse(text), None, "{text}");
        }
    }
}
