//! PJOURF+1 and PPOINTE: what a day switches at which time (54E §6.2.3.22, §6.2.3.23).
//!
//! Eleven blocks of eight characters joined by spaces, `HHMM` and `SSSS`; blocks not used are `NONUTILE`.

use core::{fmt, str::FromStr};

/// Blocks in a profile.
const BLOCKS: usize = 11;
/// Characters of a block.
const BLOCK_WIDTH: usize = 8;
const UNUSED: &str = "NONUTILE";

/// What the dry contact does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Contact {
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
pub struct Action(pub u16);

impl Action {
    /// Bits 15-14.
    #[must_use]
    pub const fn contact(self) -> Contact {
        match self.0 >> 14 {
            0 => Contact::Unchanged,
            1 => Contact::Tempo,
            2 => Contact::Open,
            _ => Contact::Closed,
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

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Action({:04X})", self.0)
    }
}

/// One switching.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Block {
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// What happens then.
    pub action: Action,
}

impl Block {
    fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let hour = text.get(..2)?.parse().ok()?;
        let minute = text.get(2..4)?.parse().ok()?;
        let action = u16::from_str_radix(text.get(4..)?, 16).ok()?;
        (plain && hour < 24 && minute < 60).then_some(Self { hour, minute, action: Action(action) })
    }
}

/// A day's switchings, in the order in which they were sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct DayProfile([Option<Block>; BLOCKS]);

impl DayProfile {
    /// A profile of up to eleven blocks; more are left out.
    #[must_use]
    pub fn new(blocks: impl IntoIterator<Item = Block>) -> Self {
        let mut profile = Self::default();
        for (place, block) in profile.0.iter_mut().zip(blocks) {
            *place = Some(block);
        }
        profile
    }

    /// The blocks in use.
    pub fn blocks(&self) -> impl Iterator<Item = Block> {
        self.0.into_iter().flatten()
    }
}

impl FromStr for DayProfile {
    type Err = ParseDayProfileError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut profile = Self::default();
        let mut blocks = text.split(' ');
        for place in &mut profile.0 {
            let block = blocks.next().filter(|block| block.len() == BLOCK_WIDTH).ok_or(ParseDayProfileError)?;
            if block != UNUSED {
                *place = Some(Block::parse(block).ok_or(ParseDayProfileError)?);
            }
        }
        if blocks.next().is_none() { Ok(profile) } else { Err(ParseDayProfileError) }
    }
}

impl fmt::Display for DayProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, block) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            match block {
                Some(Block { hour, minute, action }) => write!(f, "{hour:02}{minute:02}{:04X}", action.0)?,
                None => f.write_str(UNUSED)?,
            }
        }
        Ok(())
    }
}

/// Not eleven blocks of a time and an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseDayProfileError;

impl fmt::Display for ParseDayProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {BLOCKS} blocks of a time and an action")
    }
}

impl core::error::Error for ParseDayProfileError {}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::{format, string::String, vec::Vec};

    use super::{Contact, DayProfile};

    fn padded(blocks: &[&str]) -> String {
        let mut all: Vec<&str> = blocks.to_vec();
        all.resize(11, "NONUTILE");
        all.join(" ")
    }

    #[test]
    fn off_peak_with_the_contact_closed() {
        let text = padded(&["00008002", "0100C001", "06008002"]);
        let profile: DayProfile = text.parse().unwrap();
        let seen: Vec<_> =
            profile.blocks().map(|block| (block.hour, block.minute, block.action.contact(), block.action.supplier_index())).collect();
        assert_eq!(seen, [(0, 0, Contact::Open, Some(2)), (1, 0, Contact::Closed, Some(1)), (6, 0, Contact::Open, Some(2))]);
        assert_eq!(format!("{profile}"), text);
    }

    #[test]
    fn virtual_contacts() {
        let profile: DayProfile = padded(&["00000410"]).parse().unwrap();
        let action = profile.blocks().next().unwrap().action;
        assert!(action.virtual_contact(1) && action.virtual_contact(7) && !action.virtual_contact(2));
        assert_eq!((action.contact(), action.supplier_index()), (Contact::Unchanged, None));
    }

    #[test]
    fn damaged_profiles_are_refused() {
        for text in ["", "00008001", &padded(&["24008001"]), &padded(&["0060800A"]), &padded(&["0000800G"]), &padded(&["+1008001"])] {
            assert!(text.parse::<DayProfile>().is_err(), "{text}");
        }
        assert!(format!("{} NONUTILE", padded(&[])).parse::<DayProfile>().is_err());
    }
}
