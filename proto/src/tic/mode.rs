//! The two TIC modes (54E §3.3). Enedis switches a meter from one to the other without a word on the line.

use core::fmt;

use super::spec::{BAUD_HISTORIC, BAUD_STANDARD, HT, SP};

/// Which of the two protocols the meter speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Mode {
    /// Mode historique: 1200 baud, labels of the older meters. The factory state.
    Historic,
    /// Mode standard: 9600 baud, all that a Linky knows.
    Standard,
}

impl Mode {
    /// Both, in the order of their age.
    pub const ALL: [Self; 2] = [Self::Historic, Self::Standard];

    /// Bits per second on the line.
    #[must_use]
    pub const fn baud(self) -> u32 {
        match self {
            Self::Historic => BAUD_HISTORIC,
            Self::Standard => BAUD_STANDARD,
        }
    }

    /// The byte between the fields of a dataset.
    #[must_use]
    pub const fn separator(self) -> u8 {
        match self {
            Self::Historic => SP,
            Self::Standard => HT,
        }
    }

    /// The label that carries the meter's identity in this mode.
    #[must_use]
    pub const fn identity_label(self) -> &'static str {
        match self {
            Self::Historic => "ADCO",
            Self::Standard => "ADSC",
        }
    }

    /// The mode whose datasets use this separator.
    #[must_use]
    pub const fn of_separator(byte: u8) -> Option<Self> {
        match byte {
            SP => Some(Self::Historic),
            HT => Some(Self::Standard),
            _ => None,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Historic => "historic",
            Self::Standard => "standard",
        })
    }
}
