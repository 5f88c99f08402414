//! RELAIS: eight relays as a number from 0 to 255, bit 0 the first (54E §6.2.3.19).

use core::fmt;

/// The relays; a set bit is a closed relay. Relay 1 is the dry contact itself, 2 to 8 are virtual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Relays(pub u8);

impl Relays {
    /// How many relays there are.
    pub const COUNT: u8 = 8;

    /// Whether relay `number` (1 to 8) is closed; others are open.
    #[must_use]
    pub const fn closed(self, number: u8) -> bool {
        number >= 1 && number <= Self::COUNT && self.0 >> (number - 1) & 1 == 1
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
        let closed: [bool; 8] = core::array::from_fn(|place| Relays(140).closed(place as u8 + 1));
        assert_eq!(closed, [false, false, true, true, false, false, false, true]);
        assert!(!Relays(255).closed(0) && !Relays(255).closed(9));
    }
}
