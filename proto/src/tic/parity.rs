//! Even parity (54E §5.3.5), where software can check it.
//!
//! A UART opened 7E1 checks parity itself. Some cannot (the Pi's mini-UART); they are opened 8N1 and bit 7 arrives as the meter sent it.

/// What bit 7 of the bytes given to the decoder means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Parity {
    /// Bit 7 is the even parity bit: checked, then removed.
    Even,
    /// Somebody checked or removed it already; a byte with bit 7 set is damaged.
    Stripped,
}

/// Set in a cleaned byte that is damaged.
pub(super) const DAMAGED: u8 = 0x80;

impl Parity {
    /// For each byte that can arrive, its seven data bits, with [`DAMAGED`] set if it cannot be what was sent.
    pub(super) const fn table(self) -> &'static [u8; 256] {
        match self {
            Self::Even => &EVEN,
            Self::Stripped => &STRIPPED,
        }
    }
}

/// The byte with bit 7 set so that the number of ones is even.
#[must_use]
pub(super) const fn with_even_parity(byte: u8) -> u8 {
    let data = byte & 0x7f;
    if data.count_ones().is_multiple_of(2) { data } else { data | 0x80 }
}

const EVEN: [u8; 256] = even_table();
const STRIPPED: [u8; 256] = stripped_table();

const fn even_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let data = byte as u8 & 0x7f;
        table[byte] = if with_even_parity(data) == byte as u8 { data } else { data | DAMAGED };
        byte += 1;
    }
    table
}

const fn stripped_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = byte as u8;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{DAMAGED, Parity, with_even_parity};

    #[test]
    fn every_single_bit_error_is_seen() {
        for data in 0..0x80_u8 {
            let sent = with_even_parity(data);
            assert_eq!(Parity::Even.table()[usize::from(sent)], data);
            for bit in 0..8 {
                let received = sent ^ (1 << bit);
                assert_ne!(Parity::Even.table()[usize::from(received)] & DAMAGED, 0);
            }
        }
    }

    #[test]
    fn stripped_bytes_have_seven_bits() {
        assert_eq!(Parity::Stripped.table()[0x41], 0x41);
        assert_ne!(Parity::Stripped.table()[0xc1] & DAMAGED, 0);
    }
}
