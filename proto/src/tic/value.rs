//! What a dataset's data means: one constructor, from the label's kind and the text on the line.

use super::{
    Amperes, DayProfile, KiloVoltAmperes, LabelKind, MeterId, Minutes, MissingPhases, Reason, Relays, StatusRegister, TariffOption,
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
    /// Reads data of the right width, of which [`check`] has read the number.
    ///
    /// # Errors
    ///
    /// [`Reason::Characters`] for characters that this kind never has, [`Reason::Range`] for a value that cannot be.
    pub(super) fn of(kind: LabelKind, number: u32, data: &'a [u8]) -> Result<Self, Reason> {
        let text = || text(data);
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
            LabelKind::Identity => MeterId::parse(data).map(Self::Identity).map_err(|_| Reason::Characters),
            LabelKind::DeliveryPoint => all(data, u8::is_ascii_digit).map(Self::Text),
            LabelKind::StatusWord => all(data, is_hexadecimal).map(Self::Text),
            LabelKind::Text => Ok(Self::Text(text())),
            LabelKind::Printed(unit) => printed(text(), unit),
            LabelKind::TariffOption => TariffOption::parse(data).map(Self::TariffOption).map_err(|_| Reason::Characters),
            LabelKind::Period => TariffPeriod::parse(data).map(Self::Period).map_err(|_| Reason::Range),
            LabelKind::Tomorrow => Tomorrow::parse(data).map(Self::Tomorrow).map_err(|_| Reason::Range),
            LabelKind::Programme => programme(data).map(Self::Programme),
            LabelKind::MissingPhases => {
                MissingPhases::parse(all(data, is_hexadecimal)?.as_bytes()).map(Self::MissingPhases).map_err(|_| Reason::Range)
            }
            LabelKind::Status => StatusRegister::parse(data).map(Self::Status).map_err(|_| Reason::Characters),
            LabelKind::DayProfile => DayProfile::parse(data).map(Self::DayProfile).ok_or(Reason::Characters),
            LabelKind::Date => Ok(Self::Nothing),
        }
    }

    /// The number in it, for the kinds that are one.
    #[must_use]
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
pub(super) fn check(kind: LabelKind, data: &[u8]) -> Result<u32, Reason> {
    match kind.greatest() {
        Some(greatest) => number(data).and_then(|number| if number <= greatest { Ok(number) } else { Err(Reason::Range) }),
        // Whatever a dataset may hold is a text.
        None if kind == LabelKind::Text => Ok(0),
        None => Value::of(kind, 0, data).map(|_| 0),
    }
}

/// Nine digits at most, and this unit; some meters write `varh`, others `VArh`.
fn printed(data: &str, unit: Unit) -> Result<Value<'_>, Reason> {
    let end = data.bytes().position(|byte| !byte.is_ascii_digit()).filter(|end| matches!(end, 1..=9)).ok_or(Reason::Characters)?;
    let (digits, symbol) = data.split_at(end);
    if !symbol.eq_ignore_ascii_case(unit.symbol()) {
        return Err(Reason::Characters);
    }
    Ok(Value::Printed { number: number(digits.as_bytes())?, unit })
}

/// All digits. No numeric label is wider than nine of them, so the sum cannot run over.
fn number(data: &[u8]) -> Result<u32, Reason> {
    let number = match data.split_last_chunk() {
        Some((first, last)) => few(first).zip(digits::number(*last)).map(|(first, last)| first * digits::BEYOND + last),
        None => few(data),
    };
    number.ok_or(Reason::Characters)
}

/// The number that fewer than eight digits are. The usual widths are spelled out, because a loop of a known length is unrolled.
fn few(digits: &[u8]) -> Option<u32> {
    match digits.len() {
        1 => number_of::<1>(digits),
        2 => number_of::<2>(digits),
        3 => number_of::<3>(digits),
        5 => number_of::<5>(digits),
        _ => digits.iter().try_fold(0, |number, byte| char::from(*byte).to_digit(10).map(|digit| number * 10 + digit)),
    }
}

fn number_of<const WIDTH: usize>(digits: &[u8]) -> Option<u32> {
    let digits: [u8; WIDTH] = digits.try_into().ok()?;
    let number = digits.iter().fold(0_u32, |number, byte| number * 10 + u32::from(byte & 0x0f));
    digits.iter().fold(true, |all, byte| all & byte.is_ascii_digit()).then_some(number)
}

fn quantity<T: TryFrom<u32>>(number: u32) -> Result<T, Reason> {
    T::try_from(number).map_err(|_| Reason::Range)
}

/// Text of which all characters are of a kind.
fn all(data: &[u8], is_one: impl Fn(&u8) -> bool) -> Result<&str, Reason> {
    if data.iter().all(is_one) { Ok(text(data)) } else { Err(Reason::Characters) }
}

fn is_hexadecimal(byte: &u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'F')
}

fn programme(data: &[u8]) -> Result<char, Reason> {
    data.first().copied().filter(u8::is_ascii_uppercase).map(char::from).ok_or(Reason::Characters)
}
