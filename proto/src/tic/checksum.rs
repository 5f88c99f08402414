//! The checksum of a dataset (54E §5.3.6): a sum cut to six bits, made printable.
//!
//! It is weak: blind to two swapped characters, to any error in bit 6, and to two spaces lost together. That is why parity, width and
//! characters are checked as well.

use super::spec::{CHECKSUM_BASE, CHECKSUM_MASK};

/// The checksum of a zone. Which bytes belong to the zone depends on the mode: without the last separator in historic mode, with it in
/// standard mode.
#[must_use]
pub fn checksum(zone: &[u8]) -> u8 {
    of_sum(zone.iter().fold(0, |sum, byte| sum.wrapping_add(*byte)))
}

/// The checksum of a zone whose bytes have this sum.
pub(super) const fn of_sum(sum: u8) -> u8 {
    (sum & CHECKSUM_MASK) + CHECKSUM_BASE
}

#[cfg(test)]
mod tests {
    use super::checksum;

    #[test]
    fn historic_zone_ends_before_the_last_separator() {
        assert_eq!(checksum(b"PAPP 00540"), b'*');
    }

    #[test]
    fn standard_zone_holds_the_last_separator() {
        assert_eq!(checksum(b"VTIC\t02\t"), b'J');
        assert_eq!(checksum(b"DATE\tE170915101601\t\t"), b'>');
    }

    #[test]
    fn checksum_may_be_a_space() {
        assert_eq!(checksum(b"PTEC HP.."), b' ');
        assert_eq!(checksum(b"EASD01\t000000000\t"), b' ');
    }
}
