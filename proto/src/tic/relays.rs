//! RELAIS: eight relays as a number from 0 to 255, bit 0 the first (54E §6.2.3.19).

use core::{fmt, str::FromStr};

use super::ParseError;

/// The relays; a set bit is a closed relay. Relay 1 is the dry contact itself, 2 to 8 are virtual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Relays(u8);

impl Relays {
    /// How many relays there are.
    pub const COUNT: u8 = 8;

    /// As the number that stands on the line.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether relay `number` (1 to 8) is closed; others are open.
    #[must_use]
    pub const fn closed(self, number: u8) -> bool {
        number >= 1 && number <= Self::COUNT && self.0 >> (number - 1) & 1 == 1
    }
}

/// Bit 0 is relay 1.
impl From<u8> for Relays {
    fn from(bits: u8) -> Self {
        Self(bits)
    }
}

impl FromStr for Relays {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| digits).map(Self).ok_or(ParseError::expected("the relays as a number, 000 to 255"))
    }
}

impl fmt::Display for Relays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Relays;

    #[test]
    fn example_of_the_specification() {
        let closed: [bool; 8] = core::array::from_fn(|place| Relays::from(140).closed(place as u8 + 1));
        assert_eq!(closed, [false, false, true, true, false, false, false, true]);
        assert!(!Relays::from(255).closed(0) && !Relays::from(255).closed(9));
    }

    #[test]
    fn text_is_three_digits() {
        assert_eq!("140".parse(), Ok(Relays::from(140)));
        for text in ["", "1", "+14", "256", "0140"] {
            assert!(text.parse::<Relays>().is_err(), "{text}");
        }
    }
}
