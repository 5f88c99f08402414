//! A number as it is written in the file, to a millionth, in integers: money must not be rounded by adding.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// Millionths of one.
const MICRO: f64 = 1e6;
/// No price is larger, whatever it is for.
const LARGEST: f64 = 1e6;

/// A number that is not negative, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure(i64);

impl Figure {
    /// In millionths.
    #[must_use]
    pub const fn micro(self) -> i64 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FigureVisitor)
    }
}

struct FigureVisitor;

impl Visitor<'_> for FigureVisitor {
    type Value = Figure;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number such as 0.1589, with a point and without quotes")
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Figure, E> {
        if (0.0..=LARGEST).contains(&number) { Ok(Figure((number * MICRO).round() as i64)) } else { Err(E::custom(Refused(number))) }
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Figure, E> {
        self.visit_f64(number as f64)
    }
}

struct Refused(f64);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is no price; expected a number from 0 to {LARGEST}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::Figure;

    fn read(text: &str) -> Result<i64, String> {
        #[derive(Deserialize)]
        struct File {
            n: Figure,
        }
        toml::from_str::<File>(&format!("n = {text}")).map(|file| file.n.micro()).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_number_is_taken_to_a_millionth() {
        assert_eq!(["0.1589", "15.86", "20", "0.1000004"].map(|text| read(text).unwrap()), [158_900, 15_860_000, 20_000_000, 100_000]);
    }

    #[test]
    fn what_is_no_price_is_refused() {
        for (text, expected) in [("-0.1", "-0.1 is no price"), ("nan", "no price"), ("1e9", "no price"), ("\"0,15\"", "without quotes")] {
            let refusal = read(text).unwrap_err();
            assert!(refusal.contains(expected), "{text}: {refusal}");
        }
    }
}
