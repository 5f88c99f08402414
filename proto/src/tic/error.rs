//! Errors of the values themselves: a text that is none, and a number out of its range.

use core::{error::Error, fmt};

use super::Unit;

/// A text that does not say what it should: the error of every `FromStr` in this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseError {
    expected: &'static str,
}

impl ParseError {
    pub(crate) const fn expected(expected: &'static str) -> Self {
        Self { expected }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl Error for ParseError {}

/// A number that no meter can send for this quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeError {
    pub(super) max: u32,
    pub(super) unit: Unit,
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected 0 to {} {}", self.max, self.unit)
    }
}

impl Error for RangeError {}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;

    use crate::tic::{MeterId, Minutes};

    #[test]
    fn errors_say_what_was_expected() {
        assert_eq!(format!("{}", "12".parse::<MeterId>().unwrap_err()), "expected the 12 digits of a meter's address");
        assert_eq!(format!("{}", Minutes::new(100).unwrap_err()), "expected 0 to 99 min");
    }
}
