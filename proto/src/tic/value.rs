//! What a dataset's data means: one constructor, from the label's kind and the text on the line.

use super::{
    Amperes, DayProfile, KiloVoltAmperes, LabelKind, MeterId, Minutes, MissingPhases, Reason, Relays, StatusRegister, TariffOption,
    TariffPeriod, Tomorrow, Unit, VarHours, VoltAmperes, Volts, WattHours, Watts, text::text,
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
    /// Reads data of the right width.
    ///
    /// # Errors
    ///
    /// [`Reason::Characters`] for characters that this kind never has, [`Reason::Range`] for a value that cannot be.
    pub(super) fn parse(kind: LabelKind, data: &'a [u8]) -> Result<Self, Reason> {
        let text = || text(data);
        match kind {
            LabelKind::Energy => quantity(data).map(Self::Energy),
            LabelKind::ReactiveEnergy => quantity(data).map(Self::ReactiveEnergy),
            LabelKind::ApparentPower => quantity(data).map(Self::ApparentPower),
            LabelKind::ActivePower => quantity(data).map(Self::ActivePower),
            LabelKind::Current => quantity(data).map(Self::Current),
            LabelKind::Voltage => quantity(data).map(Self::Voltage),
            LabelKind::ReferencePower => quantity(data).map(Self::ReferencePower),
            LabelKind::Minutes => quantity(data).map(Self::Minutes),
            LabelKind::Number | LabelKind::Version | LabelKind::MobilePeak => quantity(data).map(Self::Number),
            LabelKind::Relays => quantity::<u8>(data).map(|bits| Self::Relays(bits.into())),
            LabelKind::Identity => MeterId::parse(data).map(Self::Identity).map_err(|_| Reason::Characters),
            LabelKind::DeliveryPoint => digits(text()).map(Self::Text),
            LabelKind::StatusWord => hexadecimal(text()).map(Self::Text),
            LabelKind::Text => Ok(Self::Text(text())),
            LabelKind::Printed(unit) => printed(text(), unit),
            LabelKind::TariffOption => text().parse().map(Self::TariffOption).map_err(|_| Reason::Characters),
            LabelKind::Period => text().parse().map(Self::Period).map_err(|_| Reason::Range),
            LabelKind::Tomorrow => text().parse().map(Self::Tomorrow).map_err(|_| Reason::Range),
            LabelKind::Programme => programme(text()).map(Self::Programme),
            LabelKind::MissingPhases => hexadecimal(text())?.parse().map(Self::MissingPhases).map_err(|_| Reason::Range),
            LabelKind::Status => text().parse().map(Self::Status).map_err(|_| Reason::Characters),
            LabelKind::DayProfile => text().parse().map(Self::DayProfile).map_err(|_| Reason::Characters),
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

/// Nine digits at most, and this unit; some meters write `varh`, others `VArh`.
fn printed(data: &str, unit: Unit) -> Result<Value<'_>, Reason> {
    let end = data.bytes().position(|byte| !byte.is_ascii_digit()).filter(|end| matches!(end, 1..=9)).ok_or(Reason::Characters)?;
    let (digits, symbol) = data.split_at(end);
    if !symbol.eq_ignore_ascii_case(unit.symbol()) {
        return Err(Reason::Characters);
    }
    Ok(Value::Printed { number: number(digits.as_bytes())?, unit })
}

/// All digits. No numeric label is wider than nine of them, so the sum cannot run over. The usual widths are spelled out, because a loop of
/// a known length is unrolled.
fn number(digits: &[u8]) -> Result<u32, Reason> {
    match digits.len() {
        9 => number_of::<9>(digits),
        5 => number_of::<5>(digits),
        3 => number_of::<3>(digits),
        2 => number_of::<2>(digits),
        _ => digits.iter().try_fold(0, |number, byte| digit(*byte).map(|digit| number * 10 + digit)),
    }
    .ok_or(Reason::Characters)
}

fn number_of<const WIDTH: usize>(digits: &[u8]) -> Option<u32> {
    let digits: [u8; WIDTH] = digits.try_into().ok()?;
    let number = digits.iter().fold(0_u32, |number, byte| number * 10 + u32::from(byte & 0x0f));
    digits.iter().fold(true, |all, byte| all & byte.is_ascii_digit()).then_some(number)
}

fn digit(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(10)
}

fn quantity<T: TryFrom<u32>>(data: &[u8]) -> Result<T, Reason> {
    T::try_from(number(data)?).map_err(|_| Reason::Range)
}

fn digits(data: &str) -> Result<&str, Reason> {
    if data.bytes().all(|byte| byte.is_ascii_digit()) { Ok(data) } else { Err(Reason::Characters) }
}

fn hexadecimal(data: &str) -> Result<&str, Reason> {
    if data.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')) { Ok(data) } else { Err(Reason::Characters) }
}

fn programme(data: &str) -> Result<char, Reason> {
    data.chars().next().filter(char::is_ascii_uppercase).ok_or(Reason::Characters)
}
