//! Quantities with their unit in the type. Integers, as the meter sends them.

use core::{error::Error, fmt};

use super::spec;

/// The unit of a label's data. Implied by the label, and not on the line (54E §6.2.2); a PME-PMI meter prints it (02E §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// Wh
    WattHour,
    /// VArh
    VarHour,
    /// VA
    VoltAmpere,
    /// W
    Watt,
    /// A
    Ampere,
    /// V
    Volt,
    /// kVA
    KiloVoltAmpere,
    /// min
    Minute,
    /// kWh
    KiloWattHour,
    /// kW
    KiloWatt,
}

impl Unit {
    /// The symbol, as Enedis prints it.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::WattHour => "Wh",
            Self::VarHour => "VArh",
            Self::VoltAmpere => "VA",
            Self::Watt => "W",
            Self::Ampere => "A",
            Self::Volt => "V",
            Self::KiloVoltAmpere => "kVA",
            Self::Minute => "min",
            Self::KiloWattHour => "kWh",
            Self::KiloWatt => "kW",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

/// A number that no meter can send for this quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeError {
    max: u32,
    unit: Unit,
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected 0 to {} {}", self.max, self.unit)
    }
}

impl Error for RangeError {}

macro_rules! quantities {
    ($($(#[$doc:meta])* $name:ident($inner:ty), $unit:ident, $max:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize))]
        pub struct $name($inner);

        impl $name {
            /// The unit of this quantity.
            pub const UNIT: Unit = Unit::$unit;
            /// The greatest that a meter can send.
            pub const MAX: Self = Self($max as $inner);

            /// Checks the range.
            ///
            /// # Errors
            ///
            /// [`RangeError`] above [`Self::MAX`].
            pub const fn new(value: u32) -> Result<Self, RangeError> {
                if value > $max { Err(RangeError { max: $max, unit: Self::UNIT }) } else { Ok(Self(value as $inner)) }
            }

            /// The number, in [`Self::UNIT`].
            #[must_use]
            pub const fn get(self) -> u32 {
                self.0 as u32
            }
        }

        impl TryFrom<u32> for $name {
            type Error = RangeError;

            fn try_from(value: u32) -> Result<Self, Self::Error> {
                Self::new(value)
            }
        }

        impl From<$name> for u32 {
            fn from(quantity: $name) -> Self {
                quantity.get()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {}", self.0, Self::UNIT)
            }
        }
    )+};
}

quantities! {
    /// Active energy in Wh, 0 to 999 999 999.
    WattHours(u32), WattHour, spec::INDEX_MAX;
    /// Reactive energy in VArh, 0 to 999 999 999.
    VarHours(u32), VarHour, spec::INDEX_MAX;
    /// Apparent power in VA, 0 to 99 999.
    VoltAmperes(u32), VoltAmpere, spec::POWER_MAX;
    /// Active power in W, 0 to 99 999.
    Watts(u32), Watt, spec::POWER_MAX;
    /// RMS current in A, 0 to 999.
    Amperes(u16), Ampere, spec::CURRENT_MAX;
    /// RMS voltage in V, 0 to 999.
    Volts(u16), Volt, spec::VOLTAGE_MAX;
    /// Reference or cut-off power in kVA, 0 to 99.
    KiloVoltAmperes(u8), KiloVoltAmpere, spec::REFERENCE_POWER_MAX;
    /// A duration in minutes, 0 to 99.
    Minutes(u8), Minute, spec::MINUTES_MAX;
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::format;

    use super::*;

    #[test]
    fn the_range_is_checked() {
        assert_eq!(WattHours::new(999_999_999), Ok(WattHours::MAX));
        assert!(WattHours::new(1_000_000_000).is_err() && VoltAmperes::new(100_000).is_err() && KiloVoltAmperes::try_from(256).is_err());
        assert_eq!(Amperes::new(42).map(u32::from), Ok(42));
        assert_eq!(format!("{}", Amperes::MAX), "999 A");
        assert_eq!(format!("{}", Minutes::new(100).unwrap_err()), "expected 0 to 99 min");
    }
}
