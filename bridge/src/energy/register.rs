//! Which register of the meter a label shows.
//!
//! A Linky has ten supplier registers, a total and some more, whatever its contract. Contracts and modes only change which label shows
//! which of them: HCHC, EJPHN, BBRHCJB and EASF01 are one register, and a new contract goes on where the old one left it. A register
//! goes by its label in standard mode.
//!
//! BASE in historic mode is supplier register 1, or the total where the supplier has a calendar of its own. Nothing in the frame tells
//! which, so it stands for itself until its number tells.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error};
use teleinfo_proto::tic::{Label, LabelKind, Mode, Role, TariffOption};

/// A register, by its label in standard mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Register(&'static str);

impl Register {
    /// All that was withdrawn.
    pub const WITHDRAWN: Self = Self("EAST");
    /// What BASE shows, until its number tells which register that is.
    pub const BASE: Self = Self("BASE");

    /// The register that a label shows.
    #[must_use]
    pub fn of(mode: Mode, label: &str) -> Option<Self> {
        let label = Label::find(mode, label).filter(|label| label.kind.is_index())?;
        match (mode, label.role) {
            (Mode::Standard, _) => Some(Self(label.code)),
            (Mode::Historic, Some(Role::IndexOf(TariffOption::Base))) => Some(Self::BASE),
            (Mode::Historic, Some(role)) => {
                let place = Label::with_role(mode, role).position(|other| other.code == label.code)?;
                Self::suppliers().nth(place)
            }
            (Mode::Historic, None) => None,
        }
    }

    /// The supplier registers, from the first.
    pub fn suppliers() -> impl Iterator<Item = Self> {
        Label::all(Mode::Standard).iter().filter(|label| is_supplier(label)).map(|label| Self(label.code))
    }

    /// The first supplier register.
    #[must_use]
    pub fn first() -> Self {
        Self::suppliers().next().unwrap_or(Self::BASE)
    }

    /// The number of a supplier register, 1 to 10. BASE counts for the first.
    #[must_use]
    pub fn index(self) -> Option<u8> {
        let place = if self == Self::BASE { 0 } else { Self::suppliers().position(|supplier| supplier == self)? };
        u8::try_from(place + 1).ok()
    }

    /// Whether it is a supplier register.
    #[must_use]
    pub fn is_supplier(self) -> bool {
        Label::find(Mode::Standard, self.0).is_some_and(is_supplier)
    }

    /// Whether it counts what a consumer withdraws. What is injected, or reactive, is not bound by the subscription.
    #[must_use]
    pub fn is_withdrawn(self) -> bool {
        let label = Label::find(Mode::Standard, self.0);
        label.is_none_or(|label| label.kind == LabelKind::Energy && label.role != Some(Role::EnergyInjected))
    }

    fn named(name: &str) -> Option<Self> {
        if name == Self::BASE.0 { Some(Self::BASE) } else { Self::of(Mode::Standard, name) }
    }
}

const fn is_supplier(label: &Label) -> bool {
    matches!(label.role, Some(Role::SupplierIndex(_)))
}

impl fmt::Display for Register {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0)
    }
}

impl<'de> Deserialize<'de> for Register {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| D::Error::custom("no register of a meter"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_index_of_both_modes_shows_a_register() {
        for mode in Mode::ALL {
            for label in Label::all(mode).iter().filter(|label| label.kind.is_index()) {
                let register = Register::of(mode, label.code).unwrap_or_else(|| panic!("{}", label.code));
                assert_eq!(Register::named(&register.to_string()), Some(register));
            }
        }
    }

    #[test]
    fn contracts_share_registers() {
        let shown = |label| Register::of(Mode::Historic, label).unwrap().to_string();
        let labels = ["HCHC", "EJPHN", "BBRHCJB", "HCHP", "EJPHPM", "BBRHPJB", "BBRHCJW", "BBRHPJW", "BBRHCJR", "BBRHPJR", "BASE"];
        let registers = ["EASF01", "EASF01", "EASF01", "EASF02", "EASF02", "EASF02", "EASF03", "EASF04", "EASF05", "EASF06", "BASE"];
        assert_eq!(labels.map(shown), registers);
        assert_eq!(Register::of(Mode::Historic, "PAPP"), None);
        assert_eq!(Register::suppliers().count(), 10);
    }

    #[test]
    fn what_the_subscription_bounds() {
        let bound = |label| Register::of(Mode::Standard, label).unwrap().is_withdrawn();
        assert_eq!(["EAST", "EASF03", "EASD01", "EAIT", "ERQ1"].map(bound), [true, true, true, false, false]);
        assert!(Register::BASE.is_withdrawn());
    }
}
