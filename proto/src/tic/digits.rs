//! Digits, eight at a time as lanes of one number: so indexes, timestamps, profiles and the status register are read.

use super::walk::Lanes;

/// How many are read at a time.
pub(super) const DIGITS: usize = 8;

/// What a digit before eight others counts.
pub(super) const BEYOND: u32 = 100_000_000;

/// The number that eight digits are, if all are digits.
pub(super) fn number(digits: [u8; DIGITS]) -> Option<u32> {
    Lanes::from(digits).digits().map(joined)
}

fn joined(ones: u64) -> u32 {
    join(pairs_of(ones, 10), 10)
}

/// The number that the last digits of a text are, so many of them. No label has more than nine, so the sum cannot run over.
///
/// What stands before them is read with them and then put aside, which is faster than to read less.
#[inline(always)]
pub(super) fn last(text: &[u8], width: usize) -> Option<u32> {
    match text.split_last_chunk() {
        Some((_, eight)) if matches!(width, 1..=DIGITS) => Lanes::from(*eight).last_digits(width).map(joined),
        Some(([.., first @ b'0'..=b'9'], eight)) if width == DIGITS + 1 => Some(u32::from(first - b'0') * BEYOND + number(*eight)?),
        _ => few(text.get(text.len().checked_sub(width)?..)?),
    }
}

/// The number that digits are, one by one.
#[inline(never)]
fn few(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |number, byte| char::from(*byte).to_digit(10).map(|digit| number * 10 + digit))
}

/// The number that eight hexadecimal digits are, with capital or small letters.
pub(super) fn hexadecimal(digits: [u8; DIGITS]) -> Option<u32> {
    Lanes::from(digits).hexadecimal_digits().map(|ones| join(pairs_of(ones, 16), 16))
}

/// Whether they are hexadecimal digits, and all letters are capitals.
pub(super) fn are_capital_hexadecimal(digits: [u8; DIGITS]) -> bool {
    Lanes::from(digits).are_capital_hexadecimal()
}

/// The four numbers of two digits each that eight digits are.
pub(super) fn pairs(digits: [u8; DIGITS]) -> Option<[u8; DIGITS / 2]> {
    let [first, _, second, _, third, _, fourth, _] = pairs_of(Lanes::from(digits).digits()?, 10).to_le_bytes();
    Some([first, second, third, fourth])
}

/// Each two neighbours as one number, in the lane of the first of them; the lane of the second is zero.
fn pairs_of(ones: u64, base: u64) -> u64 {
    ones.wrapping_mul(1 + (base << 8)) >> 8 & 0x00ff_00ff_00ff_00ff
}

/// Pairs are joined to fours, in every fourth lane, and those to all eight, in the upper half.
fn join(pairs: u64, base: u64) -> u32 {
    let fours = pairs.wrapping_mul(1 + (base.pow(2) << 16)) >> 16 & 0x0000_ffff_0000_ffff;
    (fours.wrapping_mul(1 + (base.pow(4) << 32)) >> 32) as u32
}

#[cfg(test)]
mod tests {
    extern crate std;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn eight_digits_are_their_number(number in 0..100_000_000_u32) {
            let digits: [u8; DIGITS] = std::format!("{number:08}").into_bytes().try_into().unwrap();
            prop_assert_eq!(super::number(digits), Some(number));
            let pair = |place: u32| (number / 100_u32.pow(3 - place) % 100) as u8;
            prop_assert_eq!(pairs(digits), Some([pair(0), pair(1), pair(2), pair(3)]));
        }

        #[test]
        fn hexadecimal_digits_are_their_number(number: u32) {
            for text in [std::format!("{number:08X}"), std::format!("{number:08x}")] {
                prop_assert_eq!(hexadecimal(text.into_bytes().try_into().unwrap()), Some(number));
            }
        }

        #[test]
        fn the_last_digits_are_their_number(before in "[ -~]{0,12}", number in 0..1_000_000_000_u32, width in 1..=9_usize, place in 0..9_usize, byte: u8) {
            let number = number % 10_u32.pow(width as u32);
            let mut text = std::format!("{before}{number:0width$}").into_bytes();
            prop_assert_eq!(last(&text, width), Some(number));
            let damaged = text.len() - width + place % width;
            text[damaged] = byte;
            prop_assert_eq!(last(&text, width).is_some(), byte.is_ascii_digit());
        }

        #[test]
        fn one_other_byte_is_seen(place in 0..DIGITS, byte: u8) {
            let mut digits = *b"12345678";
            digits[place] = byte;
            prop_assert_eq!(number(digits).is_some(), byte.is_ascii_digit());
            prop_assert_eq!(hexadecimal(digits).is_some(), byte.is_ascii_hexdigit());
        }
    }
}
