//! What a dataset's data means: one constructor, from the label's kind and the text on the line.

use super::{
    Amperes, DayProfile, KiloVoltAmperes, Label, LabelKind, MeterId, Minutes, MissingPhases, Reason, Relays, StatusRegister, TariffOption,
    TariffPeriod, Tomorrow, Unit, VarHours, VoltAmperes, Volts, WattHours, Watts, digits, text::text,
};

/// Typed data, with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Value<'a> {
    /// An index in Wh.
    Energy(WattHours),
    /// An index in VArh.
    ReactiveEnergy(VarHours),
    /// VA.
    ApparentPower(VoltAmperes),
    /// W.
    ActivePower(Watts),
    /// A.
    Current(Amperes),
    /// V.
    Voltage(Volts),
    /// kVA.
    ReferencePower(KiloVoltAmperes),
    /// min.
    Minutes(Minutes),
    /// A number whose unit stands behind it on the line.
    Printed {
        /// The number, in that unit.
        number: u32,
        /// The unit.
        unit: Unit,
    },
    /// NTARF, NJOURF, VTIC, DPMn, FPMn.
    Number(u8),
    /// ADCO, ADSC.
    Identity(MeterId),
    /// Texts, PRM, MOTDETAT and every label that is not known. As sent, with its padding.
    Text(&'a str),
    /// OPTARIF.
    TariffOption(TariffOption),
    /// PTEC.
    Period(TariffPeriod),
    /// DEMAIN.
    Tomorrow(Tomorrow),
    /// HHPHC.
    Programme(char),
    /// PPOT.
    MissingPhases(MissingPhases),
    /// STGE.
    Status(StatusRegister),
    /// RELAIS.
    Relays(Relays),
    /// PJOURF+1, PPOINTE.
    DayProfile(DayProfile),
    /// DATE has no data; its timestamp says it all.
    Nothing,
}

impl<'a> Value<'a> {
    /// What data means that [`read`] has found to be this number.
    // Inlined, so that who asks for a number only makes no value on the way.
    #[inline]
    pub(super) fn of(label: &Label, number: u32, data: &'a [u8]) -> Option<Self> {
        match label.greatest {
            Some(_) => Self::of_digits(label.kind, number),
            None => Self::of_text(label.kind, number, data),
        }
    }

    /// Of the kinds that are digits and nothing else.
    #[inline]
    fn of_digits(kind: LabelKind, number: u32) -> Option<Self> {
        match kind {
            LabelKind::Energy => quantity(number).map(Self::Energy),
            LabelKind::ReactiveEnergy => quantity(number).map(Self::ReactiveEnergy),
            LabelKind::ApparentPower => quantity(number).map(Self::ApparentPower),
            LabelKind::ActivePower => quantity(number).map(Self::ActivePower),
            LabelKind::Current => quantity(number).map(Self::Current),
            LabelKind::Voltage => quantity(number).map(Self::Voltage),
            LabelKind::ReferencePower => quantity(number).map(Self::ReferencePower),
            LabelKind::Minutes => quantity(number).map(Self::Minutes),
            LabelKind::Number | LabelKind::Version | LabelKind::MobilePeak => quantity(number).map(Self::Number),
            LabelKind::Relays => quantity::<u8>(number).map(|bits| Self::Relays(bits.into())),
            _ => None,
        }
    }

    /// Of all other kinds. What would need more than a number is read again.
    fn of_text(kind: LabelKind, number: u32, data: &'a [u8]) -> Option<Self> {
        match kind {
            LabelKind::Identity => MeterId::parse(data).ok().map(Self::Identity),
            LabelKind::Text | LabelKind::DeliveryPoint | LabelKind::StatusWord => Some(Self::Text(text(data))),
            LabelKind::Printed(unit) => Some(Self::Printed { number, unit }),
            LabelKind::TariffOption => TariffOption::at(number).map(Self::TariffOption),
            LabelKind::Period => TariffPeriod::at(number).map(Self::Period),
            LabelKind::Tomorrow => Tomorrow::at(number).map(Self::Tomorrow),
            LabelKind::Programme => char::from_u32(number).map(Self::Programme),
            LabelKind::MissingPhases => MissingPhases::of_bits(number).map(Self::MissingPhases),
            LabelKind::Status => Some(Self::Status(number.into())),
            LabelKind::DayProfile => DayProfile::parse(data).map(Self::DayProfile),
            LabelKind::Date => Some(Self::Nothing),
            _ => None,
        }
    }

    /// The number in it, for the kinds that are one.
    #[must_use]
    #[inline]
    pub fn number(&self) -> Option<u64> {
        match *self {
            Self::Energy(energy) => Some(energy.get().into()),
            Self::ReactiveEnergy(energy) => Some(energy.get().into()),
            Self::ApparentPower(power) => Some(power.get().into()),
            Self::ActivePower(power) => Some(power.get().into()),
            Self::Current(current) => Some(current.get().into()),
            Self::Voltage(voltage) => Some(voltage.get().into()),
            Self::ReferencePower(power) => Some(power.get().into()),
            Self::Minutes(minutes) => Some(minutes.get().into()),
            Self::Number(number) => Some(number.into()),
            Self::Relays(relays) => Some(relays.bits().into()),
            Self::Printed { number, .. } => Some(number.into()),
            Self::Identity(id) => id.number(),
            _ => None,
        }
    }
}

/// Checks data of the right width, with which a zone ends. Returns a number: the one that it is, or one that tells apart what it can mean;
/// 0 for a kind that no number tells apart.
///
/// # Errors
///
/// [`Reason::Characters`] for characters that this kind never has, [`Reason::Range`] for a value that cannot be.
#[inline(always)]
pub(super) fn read(label: &Label, zone: &[u8], data: &[u8]) -> Result<u32, Reason> {
    match label.greatest {
        Some(greatest) => match digits::last(zone, data.len()) {
            Some(number) if number <= greatest => Ok(number),
            Some(_) => Err(Reason::Range),
            None => Err(Reason::Characters),
        },
        None => read_text(label.kind, data),
    }
}

/// The same of the kinds that are not digits and nothing else.
#[inline(always)]
fn read_text(kind: LabelKind, data: &[u8]) -> Result<u32, Reason> {
    match kind {
        // Whatever a dataset may hold is a text.
        LabelKind::Text | LabelKind::Date => Ok(0),
        LabelKind::DeliveryPoint => all(data, u8::is_ascii_digit),
        LabelKind::StatusWord => all(data, is_hexadecimal),
        LabelKind::Identity => MeterId::parse(data).map(|_| 0).map_err(|_| Reason::Characters),
        LabelKind::Printed(unit) => printed(text(data), unit),
        LabelKind::TariffOption => TariffOption::parse(data).map(TariffOption::place).map_err(|_| Reason::Characters),
        LabelKind::Period => TariffPeriod::place(data).ok_or(Reason::Range),
        LabelKind::Tomorrow => Tomorrow::place(data).ok_or(Reason::Range),
        LabelKind::Programme => programme(data),
        LabelKind::MissingPhases => {
            all(data, is_hexadecimal)?;
            MissingPhases::parse(data).map(|phases| phases.bits().into()).map_err(|_| Reason::Range)
        }
        LabelKind::Status => StatusRegister::parse(data).map(StatusRegister::bits).map_err(|_| Reason::Characters),
        LabelKind::DayProfile => DayProfile::parse(data).map(|_| 0).ok_or(Reason::Characters),
        // Digits: they are no text.
        _ => Err(Reason::Characters),
    }
}

/// Nine digits at most, and this unit; some meters write `varh`, others `VArh`.
fn printed(data: &str, unit: Unit) -> Result<u32, Reason> {
    let end = data.bytes().position(|byte| !byte.is_ascii_digit()).filter(|end| matches!(end, 1..=9)).ok_or(Reason::Characters)?;
    let (digits, symbol) = data.split_at(end);
    if !symbol.eq_ignore_ascii_case(unit.symbol()) {
        return Err(Reason::Characters);
    }
    digits::last(digits.as_bytes(), digits.len()).ok_or(Reason::Characters)
}

fn quantity<T: TryFrom<u32>>(number: u32) -> Option<T> {
    T::try_from(number).ok()
}

/// Whether all characters of a text are of a kind; it is no number.
fn all(data: &[u8], is_one: impl Fn(&u8) -> bool) -> Result<u32, Reason> {
    if data.iter().all(is_one) { Ok(0) } else { Err(Reason::Characters) }
}

fn is_hexadecimal(byte: &u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'F')
}

/// The letter.
fn programme(data: &[u8]) -> Result<u32, Reason> {
    data.first().filter(|letter| letter.is_ascii_uppercase()).map(|letter| u32::from(*letter)).ok_or(Reason::Characters)
}
