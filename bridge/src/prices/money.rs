//! Money in integers, so that nothing is lost however often it is added: a price in millionths of a euro for a kWh, an amount in billionths
//! of a euro. A price times Wh is an amount, without rounding.

use std::ops::{Add, AddAssign};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Millionths of a euro.
pub const MICRO: i64 = 1_000_000;

/// Billionths in a millionth.
const NANO_PER_MICRO: i64 = 1_000;
/// Billionths of a euro.
const NANO: i64 = MICRO * NANO_PER_MICRO;
/// Amounts are told to so many of these.
const TOLD_TO: i64 = NANO / 10_000;

/// A price of a kWh, or of a month, in millionths of a euro.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Price(i64);

impl Price {
    /// So many millionths of a euro.
    #[must_use]
    pub const fn micro_euros(micro: i64) -> Self {
        Self(micro)
    }

    /// The price with a tax of so many millionths of it on top, rounded to a millionth of a euro.
    #[must_use]
    pub const fn with_tax(self, millionths: i64) -> Self {
        Self((self.0 * (MICRO + millionths) + MICRO / 2) / MICRO)
    }
}

impl Price {
    /// What so many Wh cost at this price of a kWh.
    #[must_use]
    pub const fn of(self, wh: u64) -> Amount {
        // A millionth of a euro for a kWh is a billionth for a Wh.
        Amount(self.0.saturating_mul(wh.cast_signed()))
    }

    /// A share of this price.
    #[must_use]
    pub const fn share(self, part: i64, of: i64) -> Amount {
        Amount(self.0 * NANO_PER_MICRO * part / of)
    }
}

/// An amount of money, in billionths of a euro.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Amount(i64);

impl Amount {
    /// So many euros.
    #[must_use]
    pub const fn euros(euros: i64) -> Self {
        Self(euros * MICRO * NANO_PER_MICRO)
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// An amount as it is told: in euros, to a hundredth of a cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Euros(pub Amount);

impl Serialize for Euros {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rounded = (self.0.0 + TOLD_TO / 2).div_euclid(TOLD_TO);
        serializer.serialize_f64(rounded as f64 / (NANO / TOLD_TO) as f64)
    }
}

/// As it is kept: to the last digit.
impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        i64::deserialize(deserializer).map(Self)
    }
}

/// In euros, as JSON and Home Assistant show it.
impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / MICRO as f64)
    }
}
