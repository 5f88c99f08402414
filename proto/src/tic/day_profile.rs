//! PJOURF+1 and PPOINTE: what a day switches at which time (54E §6.2.3.22, §6.2.3.23).
//!
//! Eleven blocks of eight characters joined by spaces, `HHMM` and `SSSS`; blocks not used are `NONUTILE`.

use core::{fmt, str::FromStr};

use super::ParseError;

/// Blocks in a profile.
const BLOCKS: usize = 11;
/// Characters of a block.
const BLOCK_WIDTH: usize = 8;
const UNUSED: &str = "NONUTILE";

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
    /// Checks the time of day.
    ///
    /// # Errors
    ///
    /// [`ParseError`] from 24:00 on.
    pub const fn new(hour: u8, minute: u8, action: ProfileAction) -> Result<Self, ParseError> {
        if hour < 24 && minute < 60 { Ok(Self { hour, minute, action }) } else { Err(NO_BLOCK) }
    }

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

    /// What happens at that time.
    #[must_use]
    pub const fn action(self) -> ProfileAction {
        self.action
    }
}

const NO_BLOCK: ParseError = ParseError::expected("a time of day and an action as HHMMSSSS");

impl FromStr for ProfileBlock {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() != BLOCK_WIDTH || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NO_BLOCK);
        }
        let hour = text[..2].parse().map_err(|_| NO_BLOCK)?;
        let minute = text[2..4].parse().map_err(|_| NO_BLOCK)?;
        let action = u16::from_str_radix(&text[4..], 16).map_err(|_| NO_BLOCK)?;
        Self::new(hour, minute, ProfileAction(action))
    }
}

impl fmt::Display for ProfileBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}{:02}{:04X}", self.hour, self.minute, self.action.0)
    }
}

/// A day's switchings, in the order in which they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct DayProfile([Option<ProfileBlock>; BLOCKS]);

impl DayProfile {
    /// The blocks in use.
    pub fn blocks(&self) -> impl Iterator<Item = ProfileBlock> {
        self.0.into_iter().flatten()
    }
}

const NO_PROFILE: ParseError = ParseError::expected("11 blocks of a time and an action");

impl FromStr for DayProfile {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut profile = Self::default();
        let mut blocks = text.split(' ');
        for place in &mut profile.0 {
            let block = blocks.next().ok_or(NO_PROFILE)?;
            if block != UNUSED {
                *place = Some(block.parse()?);
            }
        }
        if blocks.next().is_none() { Ok(profile) } else { Err(NO_PROFILE) }
    }
}

impl fmt::Display for DayProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, block) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            match block {
                Some(block) => block.fmt(f)?,
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

    use super::{DayProfile, DryContact};

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
            .blocks()
            .map(|block| (block.hour(), block.minute(), block.action().contact(), block.action().supplier_index()))
            .collect();
        assert_eq!(seen, [(0, 0, DryContact::Open, Some(2)), (1, 0, DryContact::Closed, Some(1)), (6, 0, DryContact::Open, Some(2))]);
        assert_eq!(format!("{profile}"), text);
    }

    #[test]
    fn virtual_contacts() {
        let profile: DayProfile = padded(&["00000410"]).parse().unwrap();
        let action = profile.blocks().next().unwrap().action();
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
}
