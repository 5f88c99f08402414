//! What is known of a label: one line each, in the tables of [`super::labels`].
//!
//! Decoding, documentation, Home Assistant discovery and the simulator all read that line.

use super::{MeterFamily, Role, Unit, spec};

/// What the data of a label is: decides its unit, its characters, its range and its [`Value`](super::Value).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LabelKind {
    /// An index in Wh.
    Energy,
    /// An index in VArh.
    ReactiveEnergy,
    /// VA.
    ApparentPower,
    /// W.
    ActivePower,
    /// A.
    Current,
    /// V.
    Voltage,
    /// kVA.
    ReferencePower,
    /// min.
    Minutes,
    /// A small number: which index or which day profile is in use.
    Number,
    /// The meter's address, ADCO or ADSC.
    Identity,
    /// The number of the delivery point, PRM.
    DeliveryPoint,
    /// Free text, padded with spaces.
    Text,
    /// A number with this unit printed behind it.
    Printed(Unit),
    /// OPTARIF.
    TariffOption,
    /// PTEC.
    Period,
    /// DEMAIN.
    Tomorrow,
    /// HHPHC.
    Programme,
    /// PPOT.
    MissingPhases,
    /// MOTDETAT.
    StatusWord,
    /// VTIC.
    Version,
    /// DATE: nothing but its timestamp.
    Date,
    /// DPMn, FPMn: what counts is the timestamp; the two digits have no published meaning.
    MobilePeak,
    /// STGE.
    Status,
    /// RELAIS.
    Relays,
    /// PJOURF+1, PPOINTE.
    DayProfile,
}

impl LabelKind {
    /// The unit that this kind implies.
    #[must_use]
    pub const fn unit(self) -> Option<Unit> {
        match self {
            Self::Energy => Some(Unit::WattHour),
            Self::ReactiveEnergy => Some(Unit::VarHour),
            Self::ApparentPower => Some(Unit::VoltAmpere),
            Self::ActivePower => Some(Unit::Watt),
            Self::Current => Some(Unit::Ampere),
            Self::Voltage => Some(Unit::Volt),
            Self::ReferencePower => Some(Unit::KiloVoltAmpere),
            Self::Minutes => Some(Unit::Minute),
            Self::Printed(unit) => Some(unit),
            _ => None,
        }
    }

    /// The greatest number that its data can be, for the kinds that are digits and nothing else.
    const fn greatest(self) -> Option<u32> {
        Some(match self {
            Self::Energy | Self::ReactiveEnergy => spec::INDEX_MAX,
            Self::ApparentPower | Self::ActivePower => spec::POWER_MAX,
            Self::Current => spec::CURRENT_MAX,
            Self::Voltage => spec::VOLTAGE_MAX,
            Self::ReferencePower => spec::REFERENCE_POWER_MAX,
            Self::Minutes => spec::MINUTES_MAX,
            Self::Number | Self::Version | Self::MobilePeak | Self::Relays => u8::MAX as u32,
            _ => return None,
        })
    }

    /// Whether this is a register that only ever counts up.
    #[must_use]
    pub const fn is_index(self) -> bool {
        matches!(self, Self::Energy | Self::ReactiveEnergy)
    }
}

/// Which meters send a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phases {
    /// Every meter.
    Any,
    /// Single-phase meters only.
    Single,
    /// Three-phase meters only.
    Three,
}

/// One line of a label table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Label {
    /// The label as it stands on the line: étiquette.
    pub code: &'static str,
    /// What its data is.
    pub kind: LabelKind,
    /// Characters of its data.
    pub width: u8,
    /// Characters of its data at the least: fewer than `width` on a few meters that are no Linky.
    pub least: u8,
    /// Whether a timestamp stands before the data.
    pub dated: bool,
    /// Which meters send it.
    pub phases: Phases,
    /// Whether only a meter in producer mode sends it.
    pub producer: bool,
    /// The only family of meters that sends it, where it is not a household's.
    pub family: Option<MeterFamily>,
    /// What it is for, where others ask for it.
    pub role: Option<Role>,
    /// Whether somebody steers by it or has to be warned at once: then it does not wait for the end of its frame.
    pub live: bool,
    /// The greatest number that its data can be, if that is digits and nothing else.
    pub(super) greatest: Option<u32>,
    /// Where it is specified.
    pub section: &'static str,
    /// What it means, in English.
    pub english: &'static str,
    /// What it means, in French.
    pub french: &'static str,
}

impl Label {
    /// The unit of its data.
    #[must_use]
    pub const fn unit(&self) -> Option<Unit> {
        self.kind.unit()
    }

    /// Bytes of its dataset at the least, from the first character of the label up to and with the CR (54E §5.3.6).
    #[must_use]
    pub const fn dataset_bytes_min(&self) -> usize {
        const SEPARATOR: usize = 1;
        const CHECKSUM_AND_CR: usize = 2;
        let timestamp = if self.dated { spec::TIMESTAMP_WIDTH + SEPARATOR } else { 0 };
        self.code.len() + SEPARATOR + timestamp + self.least as usize + SEPARATOR + CHECKSUM_AND_CR
    }

    pub(super) const fn new(
        code: &'static str,
        kind: LabelKind,
        width: u8,
        section: &'static str,
        english: &'static str,
        french: &'static str,
    ) -> Self {
        let (least, phases) = (width, Phases::Any);
        Self {
            code,
            kind,
            width,
            least,
            dated: false,
            phases,
            producer: false,
            family: None,
            role: None,
            live: false,
            greatest: kind.greatest(),
            section,
            english,
            french,
        }
    }

    /// Whether data may have so many characters.
    pub(super) const fn fits(&self, characters: usize) -> bool {
        self.least as usize <= characters && characters <= self.width as usize
    }

    pub(super) const fn at_least(self, least: u8) -> Self {
        Self { least, ..self }
    }

    pub(super) const fn only(self, family: MeterFamily) -> Self {
        Self { family: Some(family), ..self }
    }

    pub(super) const fn dated(self) -> Self {
        Self { dated: true, ..self }
    }

    pub(super) const fn single(self) -> Self {
        Self { phases: Phases::Single, ..self }
    }

    pub(super) const fn three(self) -> Self {
        Self { phases: Phases::Three, ..self }
    }

    pub(super) const fn producer(self) -> Self {
        Self { producer: true, ..self }
    }

    pub(super) const fn role(self, role: Role) -> Self {
        Self { role: Some(role), ..self }
    }

    pub(super) const fn live(self) -> Self {
        Self { live: true, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::{ptr, vec::Vec};

    use super::{Label, LabelKind};
    use crate::tic::{
        Amperes, KiloVoltAmperes, Minutes, Mode, Role, TariffOption, Unit, VarHours, VoltAmperes, Volts, WattHours, Watts, spec,
    };

    #[test]
    fn every_label_is_found_and_only_once() {
        for mode in Mode::ALL {
            for label in Label::all(mode) {
                let found = Label::find(mode, label.code);
                assert!(
                    found.is_some_and(|found| ptr::eq(found, label)),
                    "{}: the very line, so that others may ask which it is",
                    label.code
                );
                let same = Label::all(mode).iter().filter(|other| other.code == label.code).count();
                assert_eq!(same, 1, "{}", label.code);
            }
            assert_eq!(Label::find(mode, "NOPE"), None);
            assert_eq!(Label::find(mode, ""), None);
        }
    }

    #[test]
    fn every_line_is_whole() {
        for label in Mode::ALL.into_iter().flat_map(Label::all) {
            assert!(label.code.len() <= spec::LABEL_WIDTH_MAX, "{}", label.code);
            assert!(usize::from(label.width) <= spec::DATA_WIDTH_MAX, "{}", label.code);
            assert!(label.section.contains('§'), "{}", label.code);
            assert!(!label.english.is_empty() && !label.french.is_empty(), "{}", label.code);
            assert_eq!(label.kind.is_index(), usize::from(label.width) == spec::INDEX_WIDTH, "{}", label.code);
            assert!(greatest(label.kind).is_none_or(|max| 10_u64.pow(label.width.into()) <= u64::from(max) + 1), "{}", label.code);
            assert_eq!(label.kind == LabelKind::Date, label.width == 0, "{}", label.code);
        }
    }

    /// Of each quantity, as its type has it: a width and a range must not part.
    fn greatest(kind: LabelKind) -> Option<u32> {
        Some(match kind.unit()? {
            Unit::WattHour => WattHours::MAX.get(),
            Unit::VarHour => VarHours::MAX.get(),
            Unit::VoltAmpere => VoltAmperes::MAX.get(),
            Unit::Watt => Watts::MAX.get(),
            Unit::Ampere => Amperes::MAX.get(),
            Unit::Volt => Volts::MAX.get(),
            Unit::KiloVoltAmpere => KiloVoltAmperes::MAX.get(),
            Unit::Minute => Minutes::MAX.get(),
            Unit::KiloWattHour | Unit::KiloWatt => return None,
        })
    }

    #[test]
    fn labels_of_other_meters_are_found_in_historic_mode() {
        for label in Label::others() {
            assert_eq!(Label::find(Mode::Historic, label.code), Some(label), "{}", label.code);
            assert!(
                Label::find(Mode::Standard, label.code).is_none()
                    && Label::all(Mode::Historic).iter().all(|other| other.code != label.code)
            );
            assert!(label.family.is_some() && label.section.contains('§') && label.code.len() <= spec::LABEL_WIDTH_MAX, "{}", label.code);
            assert!(!label.english.is_empty() && !label.french.is_empty(), "{}", label.code);
        }
        assert!(Mode::ALL.into_iter().flat_map(Label::all).all(|label| label.family.is_none()));
    }

    fn codes(mode: Mode, role: Role) -> Vec<&'static str> {
        Label::with_role(mode, role).map(|label| label.code).collect()
    }

    #[test]
    fn roles_are_found() {
        assert_eq!(codes(Mode::Historic, Role::PowerWithdrawn), ["PAPP"]);
        assert_eq!(codes(Mode::Standard, Role::PowerWithdrawn), ["SINSTS", "SINST1"], "pilot meters have another name for it");
        assert_eq!(codes(Mode::Historic, Role::IndexOf(TariffOption::OffPeak)), ["HCHC", "HCHP"]);
        assert_eq!(codes(Mode::Historic, Role::Current(1)), ["IINST", "IINST1"]);
        assert_eq!(codes(Mode::Historic, Role::Overload(Some(3))), ["ADIR3"]);
        assert_eq!(codes(Mode::Historic, Role::Contract), ["OPTARIF", "MESURES1"], "a PME-PMI has another name for it");
    }

    /// The kind of data that a role is about.
    fn kind(role: Role) -> LabelKind {
        match role {
            Role::PowerWithdrawn | Role::PowerInjected | Role::PhasePowerWithdrawn(_) => LabelKind::ApparentPower,
            Role::Current(_) | Role::SubscribedCurrent | Role::Overload(_) => LabelKind::Current,
            Role::Voltage(_) => LabelKind::Voltage,
            Role::EnergyWithdrawn | Role::EnergyInjected | Role::IndexOf(_) | Role::SupplierIndex(_) => LabelKind::Energy,
            Role::SubscribedPower | Role::CutOffPower => LabelKind::ReferencePower,
            Role::Contract | Role::Tariff => LabelKind::Text,
        }
    }

    #[test]
    fn a_role_goes_with_its_kind() {
        for label in Mode::ALL.into_iter().flat_map(Label::all) {
            let is_name = matches!(label.kind, LabelKind::TariffOption | LabelKind::Period);
            let fits = |role| kind(role) == label.kind || is_name && kind(role) == LabelKind::Text;
            assert!(label.role.is_none_or(fits), "{}", label.code);
        }
    }

    extern crate std;

    #[test]
    fn a_dataset_has_so_many_bytes() {
        let bytes = |mode, code| Label::find(mode, code).map(Label::dataset_bytes_min);
        assert_eq!(bytes(Mode::Historic, "PAPP"), Some("PAPP 00540 +\r".len()));
        assert_eq!(bytes(Mode::Standard, "DATE"), Some("DATE\tE170915101601\t\t+\r".len()));
        assert_eq!(bytes(Mode::Standard, "CCASN"), Some("CCASN\tE170915101601\t00540\t+\r".len()));
    }

    #[test]
    fn live_is_what_flows_now_and_what_warns() {
        for label in Mode::ALL.into_iter().flat_map(Label::all) {
            let is_flow = matches!(
                label.role,
                Some(Role::PowerWithdrawn | Role::PowerInjected | Role::PhasePowerWithdrawn(_) | Role::Current(_) | Role::Overload(_))
            );
            assert_eq!(label.live, is_flow || label.kind == LabelKind::Status, "{}", label.code);
            assert!(!label.live || !label.dated, "{}: what is live has no time of its own", label.code);
        }
    }

    #[test]
    fn historic_labels_have_no_timestamp() {
        assert!(Label::all(Mode::Historic).iter().all(|label| !label.dated && !label.producer));
    }
}
