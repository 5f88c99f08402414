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
    /// What data means that [`check`] has passed, and of which it has read this number.
    // Inlined, so that who asks for a number only makes no value on the way.
    #[inline]
    pub(super) fn of(label: &Label, number: u32, data: &'a [u8]) -> Option<Self> {
        match label.greatest {
            Some(_) => Self::of_number(label.kind, number),
            None => Self::of_text(label.kind, data).ok(),
        }
    }

    /// Of the kinds that are digits and nothing else.
    #[inline]
    fn of_number(kind: LabelKind, number: u32) -> Option<Self> {
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

    /// Of all other kinds, from data of the right width.
    ///
    /// # Errors
    ///
    /// [`Reason::Characters`] for characters that this kind never has, [`Reason::Range`] for a value that cannot be.
    fn of_text(kind: LabelKind, data: &'a [u8]) -> Result<Self, Reason> {
        match kind {
            LabelKind::Identity => MeterId::parse(data).map(Self::Identity).map_err(|_| Reason::Characters),
            LabelKind::Text | LabelKind::DeliveryPoint | LabelKind::StatusWord => Ok(Self::Text(text(data))),
            LabelKind::Printed(unit) => printed(text(data), unit),
            LabelKind::TariffOption => TariffOption::parse(data).map(Self::TariffOption).map_err(|_| Reason::Characters),
            LabelKind::Period => TariffPeriod::parse(data).map(Self::Period).map_err(|_| Reason::Range),
            LabelKind::Tomorrow => Tomorrow::parse(data).map(Self::Tomorrow).map_err(|_| Reason::Range),
            LabelKind::Programme => programme(data).map(Self::Programme),
            LabelKind::MissingPhases => {
                all(data, is_hexadecimal)?;
                MissingPhases::parse(data).map(Self::MissingPhases).map_err(|_| Reason::Range)
            }
            LabelKind::Status => StatusRegister::parse(data).map(Self::Status).map_err(|_| Reason::Characters),
            LabelKind::DayProfile => DayProfile::parse(data).map(Self::DayProfile).ok_or(Reason::Characters),
            LabelKind::Date => Ok(Self::Nothing),
            // Digits: they are no text.
            _ => Err(Reason::Characters),
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

/// Checks data of the right width, and returns the number that it is; 0 for a kind that is none.
///
/// # Errors
///
/// [`Reason::Characters`] for characters that this kind never has, [`Reason::Range`] for a value that cannot be.
// Inlined, as is what calls it: each call costs some hundredths of the decoder's instructions.
#[inline(always)]
pub(super) fn check(label: &Label, data: &[u8]) -> Result<u32, Reason> {
    match (label.greatest, label.kind) {
        (Some(greatest), _) => match digits::up_to_nine(data) {
            Some(number) if number <= greatest => Ok(number),
            Some(_) => Err(Reason::Range),
            None => Err(Reason::Characters),
        },
        // Whatever a dataset may hold is a text.
        (None, LabelKind::Text) => Ok(0),
        (None, LabelKind::DeliveryPoint) => all(data, u8::is_ascii_digit),
        (None, LabelKind::StatusWord) => all(data, is_hexadecimal),
        (None, kind) => Value::of_text(kind, data).map(|_| 0),
    }
}

/// Nine digits at most, and this unit; some meters write `varh`, others `VArh`.
fn printed(data: &str, unit: Unit) -> Result<Value<'_>, Reason> {
    let end = data.bytes().position(|byte| !byte.is_ascii_digit()).filter(|end| matches!(end, 1..=9)).ok_or(Reason::Characters)?;
    let (digits, symbol) = data.split_at(end);
    if !symbol.eq_ignore_ascii_case(unit.symbol()) {
        return Err(Reason::Characters);
    }
    Ok(Value::Printed { number: digits::up_to_nine(digits.as_bytes()).ok_or(Reason::Characters)?, unit })
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

fn programme(data: &[u8]) -> Result<char, Reason> {
    data.first().copied().filter(u8::is_ascii_uppercase).map(char::from).ok_or(Reason::Characters)
}
