//! Quantities with their unit in the type. Integers, as the meter sends them.

use core::fmt;

/// The unit of a label's data. Implied by the label, never on the line (54E §6.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident($inner:ty), $unit:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl $name {
            /// The unit of this quantity.
            pub const UNIT: Unit = Unit::$unit;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} {}", self.0, Self::UNIT)
            }
        }
    };
}

quantity!(
    /// Active energy in Wh, 0 to 999 999 999.
    WattHours(u32), WattHour
);
quantity!(
    /// Reactive energy in VArh, 0 to 999 999 999.
    VarHours(u32), VarHour
);
quantity!(
    /// Apparent power in VA, 0 to 99 999.
    VoltAmperes(u32), VoltAmpere
);
quantity!(
    /// Active power in W, 0 to 99 999.
    Watts(u32), Watt
);
quantity!(
    /// RMS current in A, 0 to 999.
    Amperes(u16), Ampere
);
quantity!(
    /// RMS voltage in V, 0 to 999.
    Volts(u16), Volt
);
quantity!(
    /// Reference or cut-off power in kVA, 0 to 99.
    KiloVoltAmperes(u8), KiloVoltAmpere
);
quantity!(
    /// A duration in minutes, 0 to 99.
    Minutes(u8), Minute
);
