//! PJOURF+1 and PPOINTE: what a day switches at which time (54E §6.2.3.22, §6.2.3.23).
//!
//! Eleven blocks of eight characters joined by spaces, `HHMM` and `SSSS`; blocks not used are `NONUTILE`. `SSSS` is hexadecimal. The
//! specification does not say in which base `HHMM` is: some meters write 22:54 as `2254`, others as `1636`. So a profile is read in
//! a [`HourBase`], and says which bases it can be read in.

use core::{fmt, str::FromStr};

use super::{ParseError, digits};

/// Blocks in a profile.
const BLOCKS: usize = 11;
/// Characters of a block.
const BLOCK_WIDTH: usize = 8;
const UNUSED: &str = "NONUTILE";
/// Characters of a profile: its blocks, and a space between any two.
const WIDTH: usize = BLOCKS * BLOCK_WIDTH + BLOCKS - 1;

/// How a meter writes the hours and minutes of its profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum HourBase {
    /// 22:54 as `2254`.
    Decimal,
    /// 22:54 as `1636`.
    Hexadecimal,
}

impl HourBase {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Decimal, Self::Hexadecimal];

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Decimal => Self::Hexadecimal,
            Self::Hexadecimal => Self::Decimal,
        }
    }

    /// What two characters say, given as a byte of two hexadecimal digits. A letter is no decimal digit.
    const fn read(self, digits: u8) -> Option<u8> {
        match (self, digits >> 4, digits & 0xf) {
            (Self::Hexadecimal, ..) => Some(digits),
            (Self::Decimal, tens @ 0..=9, ones @ 0..=9) => Some(tens * 10 + ones),
            (Self::Decimal, ..) => None,
        }
    }
}

/// What the dry contact does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DryContact {
    /// Stays as it is.
    Unchanged,
    /// As the Tempo configuration says; stays as it is without Tempo.
    Tempo,
    /// Opens.
    Open,
    /// Closes.
    Closed,
}

/// The sixteen bits of an action.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProfileAction(u16);

impl ProfileAction {
    /// The bits themselves.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Bits 15-14.
    #[must_use]
    pub const fn contact(self) -> DryContact {
        match self.0 >> 14 {
            0 => DryContact::Unchanged,
            1 => DryContact::Tempo,
            2 => DryContact::Open,
            _ => DryContact::Closed,
        }
    }

    /// Bits 4 to 10: whether virtual contact `number` (1 to 7) closes.
    #[must_use]
    pub const fn virtual_contact(self, number: u8) -> bool {
        number >= 1 && number <= 7 && self.0 >> (number + 3) & 1 == 1
    }

    /// Bits 3-0: the supplier index that begins, 1 to 10; `None` leaves it.
    #[must_use]
    pub const fn supplier_index(self) -> Option<u8> {
        match self.0 & 0xf {
            index @ 1..=10 => Some(index as u8),
            _ => None,
        }
    }
}

/// Any sixteen bits are an action.
impl From<u16> for ProfileAction {
    fn from(bits: u16) -> Self {
        Self(bits)
    }
}

impl fmt::Debug for ProfileAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProfileAction({:04X})", self.0)
    }
}

/// One switching: a time of day, and what happens then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProfileBlock {
    hour: u8,
    minute: u8,
    action: ProfileAction,
}

impl ProfileBlock {
    /// 0 to 23.
    #[must_use]
    pub const fn hour(self) -> u8 {
        self.hour
    }

    /// 0 to 59.
    #[must_use]
    pub const fn minute(self) -> u8 {
        self.minute
    }

    /// Minutes since midnight.
    #[must_use]
    pub const fn minute_of_day(self) -> u16 {
        self.hour as u16 * 60 + self.minute as u16
    }

    /// What happens at that time.
    #[must_use]
    pub const fn action(self) -> ProfileAction {
        self.action
    }
}

/// A block as it was sent: four digits of a time, whose base is open, and an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SentBlock {
    time: u16,
    action: ProfileAction,
}

impl SentBlock {
    fn parse(text: [u8; BLOCK_WIDTH]) -> Option<Self> {
        digits::hexadecimal(text).map(|bits| Self { time: (bits >> 16) as u16, action: ProfileAction(bits as u16) })
    }

    fn read(self, base: HourBase) -> Option<ProfileBlock> {
        let [hour, minute] = self.time.to_be_bytes().map(|digits| base.read(digits));
        let (hour, minute) = (hour.filter(|hour| *hour < 24)?, minute.filter(|minute| *minute < 60)?);
        Some(ProfileBlock { hour, minute, action: self.action })
    }
}

/// A day's switchings, in the order in which they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct DayProfile([Option<SentBlock>; BLOCKS]);

impl DayProfile {
    /// Reads the characters of a field.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let mut profile = Self::default();
        for (place, part) in profile.0.iter_mut().zip(text.chunks(BLOCK_WIDTH + 1)) {
            let (block, [] | [b' ']) = part.split_first_chunk()? else { return None };
            if block != UNUSED.as_bytes() {
                *place = Some(SentBlock::parse(*block)?);
            }
        }
        let is_one = text.len() == WIDTH && HourBase::ALL.into_iter().any(|base| profile.has_times(base));
        is_one.then_some(profile)
    }

    /// The blocks in use, with their times read in this base; `None` where [`DayProfile::fits`] says that they cannot be.
    pub fn blocks(&self, base: HourBase) -> Option<impl Iterator<Item = ProfileBlock>> {
        self.fits(base).then(|| self.sent().filter_map(move |block| block.read(base)))
    }

    /// Whether the times make a day in this base: each is one, they ascend, and the first is midnight.
    #[must_use]
    pub fn fits(&self, base: HourBase) -> bool {
        let minutes = || self.sent().map(|block| block.read(base).map(ProfileBlock::minute_of_day));
        minutes().next().is_none_or(|first| first == Some(0))
            && minutes().all(|minute| minute.is_some())
            && minutes().zip(minutes().skip(1)).all(|(one, next)| one < next)
    }

    /// The base in which alone it makes a day.
    #[must_use]
    pub fn only_base(&self) -> Option<HourBase> {
        HourBase::ALL.into_iter().find(|base| self.fits(*base) && !self.fits(base.other()))
    }

    /// Whether it says the same in both bases, as a profile of full hours before 10:00 does.
    #[must_use]
    pub fn is_same_in_both(&self) -> bool {
        self.sent().all(|block| block.read(HourBase::Decimal) == block.read(HourBase::Hexadecimal))
    }

    fn sent(&self) -> impl Iterator<Item = SentBlock> {
        self.0.into_iter().flatten()
    }

    /// Whether each time is one in this base.
    fn has_times(&self, base: HourBase) -> bool {
        self.sent().all(|block| block.read(base).is_some())
    }
}

const NO_PROFILE: ParseError = ParseError::expected("11 blocks of a time and an action as HHMMSSSS");

impl FromStr for DayProfile {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text.as_bytes()).ok_or(NO_PROFILE)
    }
}

impl fmt::Display for DayProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, block) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            match block {
                Some(block) => write!(f, "{:04X}{:04X}", block.time, block.action.0)?,
                None => f.write_str(UNUSED)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{format, string::String, vec::Vec};

    use super::{
        DayProfile, DryContact,
        HourBase::{Decimal, Hexadecimal},
        ProfileBlock,
    };

    fn padded(blocks: &[&str]) -> String {
        let mut all: Vec<&str> = blocks.to_vec();
        all.resize(11, "NONUTILE");
        all.join(" ")
    }

    #[test]
    fn off_peak_with_the_contact_closed() {
        let text = padded(&["00008002", "0100C001", "06008002"]);
        let profile: DayProfile = text.parse().unwrap();
        let seen: Vec<_> = profile
            .blocks(Decimal)
            .unwrap()
            .map(|block| (block.hour(), block.minute(), block.action().contact(), block.action().supplier_index()))
            .collect();
        assert_eq!(seen, [(0, 0, DryContact::Open, Some(2)), (1, 0, DryContact::Closed, Some(1)), (6, 0, DryContact::Open, Some(2))]);
        assert_eq!(format!("{profile}"), text);
    }

    #[test]
    fn virtual_contacts() {
        let profile: DayProfile = padded(&["00000410"]).parse().unwrap();
        let action = profile.blocks(Decimal).unwrap().next().unwrap().action();
        assert!(action.virtual_contact(1) && action.virtual_contact(7) && !action.virtual_contact(2));
        assert_eq!((action.contact(), action.supplier_index()), (DryContact::Unchanged, None));
    }

    #[test]
    fn damaged_profiles_are_refused() {
        for text in ["", "00008001", &padded(&["24008001"]), &padded(&["0060800A"]), &padded(&["0000800G"]), &padded(&["+1008001"])] {
            assert!(text.parse::<DayProfile>().is_err(), "{text}");
        }
        assert!(format!("{} NONUTILE", padded(&[])).parse::<DayProfile>().is_err());
    }

    #[test]
    fn some_profiles_make_a_day_in_one_base_only() {
        let only = |blocks: &[&str]| padded(blocks).parse::<DayProfile>().unwrap().only_base();
        assert_eq!(only(&["0000C001", "061E8002", "161EC001"]), Some(Hexadecimal), "a letter");
        assert_eq!(only(&["00004001", "06004002", "22004001"]), Some(Decimal), "0x22 is 34");
        assert_eq!(only(&["00008002", "0130C001", "0200C001", "0C008002"]), Some(Hexadecimal));
        assert_eq!(only(&["0000C001", "06368002", "1636C001"]), None);
        assert_eq!(only(&["0100C001", "06368002"]), None, "neither: the first is not midnight");
    }

    #[test]
    fn times_are_read_in_a_base() {
        let profile: DayProfile = padded(&["0000C001", "06368002", "1636C001"]).parse().unwrap();
        let minutes = |base| -> Vec<_> { profile.blocks(base).unwrap().map(ProfileBlock::minute_of_day).collect() };
        assert_eq!(minutes(Decimal), [0, 6 * 60 + 36, 16 * 60 + 36]);
        assert_eq!(minutes(Hexadecimal), [0, 6 * 60 + 54, 22 * 60 + 54]);
        assert!(!profile.is_same_in_both());
        assert!(padded(&["00008002", "0100C001", "06008002"]).parse::<DayProfile>().unwrap().is_same_in_both());
        assert!(DayProfile::default().is_same_in_both() && DayProfile::default().fits(Decimal));
    }
}
