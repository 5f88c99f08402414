//! Money in integers, so that nothing is lost however often it is added: a price in millionths of a euro for a kWh, an amount in billionths
//! of a euro. A price times Wh is an amount, without rounding.

use serde::{Serialize, Serializer};

/// Millionths of a euro.
pub const MICRO: i64 = 1_000_000;

/// A price of a kWh, or of a month, in millionths of a euro.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
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

/// In euros, as JSON and Home Assistant show it.
impl Serialize for Price {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / MICRO as f64)
    }
}
