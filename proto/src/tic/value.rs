//! What a dataset's data means: one constructor, from the label's kind and the text on the line.

use super::{
    Amperes, Colour, DayProfile, KiloVoltAmperes, Kind, MeterId, Minutes, MissingPhases, Period, Reason, Relays, StatusRegister,
    TariffOption, VarHours, VoltAmperes, Volts, WattHours, Watts,
};

/// Typed data, with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// NTARF, NJOURF, VTIC, DPMn, FPMn.
    Number(u8),
    /// ADCO, ADSC.
    Identity(MeterId),
    /// Texts, PRM, MOTDETAT and every label that is not known. As sent, with its padding.
    Text(&'a str),
    /// OPTARIF.
    TariffOption(TariffOption),
    /// PTEC.
    Period(Period),
    /// DEMAIN; `None` is not announced yet.
    Tomorrow(Option<Colour>),
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
    pub(super) fn parse(kind: Kind, data: &'a str) -> Result<Self, Reason> {
        match kind {
            Kind::Energy => number(data).map(|value| Self::Energy(WattHours(value))),
            Kind::ReactiveEnergy => number(data).map(|value| Self::ReactiveEnergy(VarHours(value))),
            Kind::ApparentPower => number(data).map(|value| Self::ApparentPower(VoltAmperes(value))),
            Kind::ActivePower => number(data).map(|value| Self::ActivePower(Watts(value))),
            Kind::Current => small(data).map(|value| Self::Current(Amperes(value))),
            Kind::Voltage => small(data).map(|value| Self::Voltage(Volts(value))),
            Kind::ReferencePower => small(data).map(|value| Self::ReferencePower(KiloVoltAmperes(value))),
            Kind::Minutes => small(data).map(|value| Self::Minutes(Minutes(value))),
            Kind::Number | Kind::Version | Kind::MobilePeak => small(data).map(Self::Number),
            Kind::Relays => small(data).map(|value| Self::Relays(Relays(value))),
            Kind::Identity => data.parse().map(Self::Identity).map_err(|_| Reason::Characters),
            Kind::DeliveryPoint => digits(data).map(Self::Text),
            Kind::StatusWord => hexadecimal(data).map(Self::Text),
            Kind::Text => Ok(Self::Text(data)),
            Kind::TariffOption => option(data).map(|option| Self::TariffOption(TariffOption::parse(option))),
            Kind::Period => Period::parse(data).map(Self::Period).ok_or(Reason::Range),
            Kind::Tomorrow => Colour::parse_tomorrow(data).map(Self::Tomorrow).ok_or(Reason::Range),
            Kind::Programme => programme(data).map(Self::Programme),
            Kind::MissingPhases => MissingPhases::parse(hexadecimal(data)?).map(Self::MissingPhases).ok_or(Reason::Range),
            Kind::Status => hexadecimal(data)?.parse().map(Self::Status).map_err(|_| Reason::Range),
            Kind::DayProfile => data.parse().map(Self::DayProfile).map_err(|_| Reason::Characters),
            Kind::Date => Ok(Self::Nothing),
        }
    }

    /// The number in it, for the kinds that are one.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        match *self {
            Self::Energy(WattHours(value))
            | Self::ReactiveEnergy(VarHours(value))
            | Self::ApparentPower(VoltAmperes(value))
            | Self::ActivePower(Watts(value)) => Some(value.into()),
            Self::Current(Amperes(value)) | Self::Voltage(Volts(value)) => Some(value.into()),
            Self::ReferencePower(KiloVoltAmperes(value))
            | Self::Minutes(Minutes(value))
            | Self::Number(value)
            | Self::Relays(Relays(value)) => Some(value.into()),
            Self::Identity(id) => id.number(),
            _ => None,
        }
    }
}

/// All digits. No numeric label is wider than nine of them, so the sum cannot run over.
fn number(data: &str) -> Result<u32, Reason> {
    let digit = |byte: u8| byte.wrapping_sub(b'0');
    if data.bytes().fold(false, |any, byte| any | (digit(byte) > 9)) {
        return Err(Reason::Characters);
    }
    Ok(data.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(10).wrapping_add(digit(byte).into())))
}

fn small<T: TryFrom<u32>>(data: &str) -> Result<T, Reason> {
    T::try_from(number(data)?).map_err(|_| Reason::Range)
}

fn digits(data: &str) -> Result<&str, Reason> {
    if data.bytes().all(|byte| byte.is_ascii_digit()) { Ok(data) } else { Err(Reason::Characters) }
}

fn hexadecimal(data: &str) -> Result<&str, Reason> {
    if data.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')) { Ok(data) } else { Err(Reason::Characters) }
}

/// Capital letters, digits and signs; wrong bits 6, which no checksum sees, make something else of the signs (02E §2 has bit 6 as 0).
fn option(data: &str) -> Result<&str, Reason> {
    if data.bytes().all(|byte| byte < b'`') { Ok(data) } else { Err(Reason::Characters) }
}

fn programme(data: &str) -> Result<char, Reason> {
    data.chars().next().filter(char::is_ascii_uppercase).ok_or(Reason::Characters)
}
