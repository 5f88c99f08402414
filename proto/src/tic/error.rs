//! The error of a text that is no value. A number out of its range has its own: [`RangeError`](super::RangeError).

use core::{error::Error, fmt};

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

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;

    use crate::tic::MeterId;

    #[test]
    fn errors_say_what_was_expected() {
        assert_eq!(format!("{}", "12".parse::<MeterId>().unwrap_err()), "expected the 12 digits of a meter's address");
    }
}
