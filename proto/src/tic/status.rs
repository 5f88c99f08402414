//! STGE, the status register: 32 bits as eight hexadecimal digits (54E §6.2.3.14).
//!
//! A field whose bits have no published meaning reads as `None`.

use core::{fmt, str::FromStr};

use super::{Colour, ParseError, spec::STATUS_WIDTH};

/// The register. Each field is one row: its place, its width, what it reads as.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct StatusRegister(u32);

/// Where a field stands.
#[derive(Clone, Copy)]
struct Field {
    first: u32,
    bits: u32,
}

const fn field(first: u32, bits: u32) -> Field {
    Field { first, bits }
}

const DRY_CONTACT_OPEN: Field = field(0, 1);
const CUT_OFF: Field = field(1, 3);
const COVER_OPEN: Field = field(4, 1);
const OVER_VOLTAGE: Field = field(6, 1);
const OVER_POWER: Field = field(7, 1);
const PRODUCER: Field = field(8, 1);
const INJECTING: Field = field(9, 1);
const SUPPLIER_INDEX: Field = field(10, 4);
const DISTRIBUTOR_INDEX: Field = field(14, 2);
const CLOCK_DEGRADED: Field = field(16, 1);
const STANDARD_MODE: Field = field(17, 1);
const EURIDIS: Field = field(19, 2);
const PLC: Field = field(21, 2);
const PLC_SYNCHRONISED: Field = field(23, 1);
const TODAY: Field = field(24, 2);
const TOMORROW: Field = field(26, 2);
const NOTICE: Field = field(28, 2);
const MOBILE_PEAK: Field = field(30, 2);

/// The cut-off device (organe de coupure).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it; see 54E §6.2.3.14")]
#[non_exhaustive]
pub enum CutOff {
    Closed,
    OpenOverPower,
    OpenOverVoltage,
    OpenLoadShedding,
    OpenRemoteOrder,
    OpenOverheatingAboveSwitchingCurrent,
    OpenOverheating,
}

impl CutOff {
    /// In the order of their codes, 0 to 6.
    pub const ALL: [Self; 7] = [
        Self::Closed,
        Self::OpenOverPower,
        Self::OpenOverVoltage,
        Self::OpenLoadShedding,
        Self::OpenRemoteOrder,
        Self::OpenOverheatingAboveSwitchingCurrent,
        Self::OpenOverheating,
    ];

    /// One word for machines, kebab-case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::OpenOverPower => "open-over-power",
            Self::OpenOverVoltage => "open-over-voltage",
            Self::OpenLoadShedding => "open-load-shedding",
            Self::OpenRemoteOrder => "open-remote-order",
            Self::OpenOverheatingAboveSwitchingCurrent => "open-overheating-above-switching-current",
            Self::OpenOverheating => "open-overheating",
        }
    }
}

/// The Euridis output, the distributor's own bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it; see 54E §6.2.3.14")]
#[non_exhaustive]
pub enum EuridisOutput {
    Off,
    OnWithoutSecurity,
    OnWithSecurity,
}

impl EuridisOutput {
    /// One word for machines, kebab-case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::OnWithoutSecurity => "on-without-security",
            Self::OnWithSecurity => "on-with-security",
        }
    }
}

/// The state of the power-line link (CPL).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it; see 54E §6.2.3.14")]
#[non_exhaustive]
pub enum PlcStatus {
    NewUnlocked,
    NewLocked,
    Registered,
}

impl PlcStatus {
    /// One word for machines, kebab-case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NewUnlocked => "new-unlocked",
            Self::NewLocked => "new-locked",
            Self::Registered => "registered",
        }
    }
}

impl StatusRegister {
    /// The 32 bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The dry contact (contact sec) is open.
    #[must_use]
    pub const fn dry_contact_open(self) -> bool {
        self.flag(DRY_CONTACT_OPEN)
    }

    /// The cut-off device; code 7 has no meaning.
    #[must_use]
    pub fn cut_off(self) -> Option<CutOff> {
        CutOff::ALL.get(self.get(CUT_OFF) as usize).copied()
    }

    /// The distributor's terminal cover is open.
    #[must_use]
    pub const fn cover_open(self) -> bool {
        self.flag(COVER_OPEN)
    }

    /// Over-voltage on one of the phases.
    #[must_use]
    pub const fn over_voltage(self) -> bool {
        self.flag(OVER_VOLTAGE)
    }

    /// The reference power is exceeded now.
    #[must_use]
    pub const fn over_power(self) -> bool {
        self.flag(OVER_POWER)
    }

    /// The meter is in producer mode.
    #[must_use]
    pub const fn producer(self) -> bool {
        self.flag(PRODUCER)
    }

    /// Active energy is negative: the site injects.
    #[must_use]
    pub const fn injecting(self) -> bool {
        self.flag(INJECTING)
    }

    /// Supplier index in use, 1 to 10; NTARF says the same. The codes 10 to 15 have no meaning.
    #[must_use]
    pub const fn supplier_index(self) -> Option<u8> {
        match self.get(SUPPLIER_INDEX) as u8 + 1 {
            index @ 1..=10 => Some(index),
            _ => None,
        }
    }

    /// Distributor index in use, 1 to 4.
    #[must_use]
    pub const fn distributor_index(self) -> u8 {
        self.get(DISTRIBUTOR_INDEX) as u8 + 1
    }

    /// The clock ran out of reserve.
    #[must_use]
    pub const fn clock_degraded(self) -> bool {
        self.flag(CLOCK_DEGRADED)
    }

    /// The TIC is in standard mode (it always is where this register is sent).
    #[must_use]
    pub const fn standard_mode(self) -> bool {
        self.flag(STANDARD_MODE)
    }

    /// The Euridis output.
    #[must_use]
    pub const fn euridis(self) -> Option<EuridisOutput> {
        match self.get(EURIDIS) {
            0 => Some(EuridisOutput::Off),
            1 => Some(EuridisOutput::OnWithoutSecurity),
            3 => Some(EuridisOutput::OnWithSecurity),
            _ => None,
        }
    }

    /// The power-line link.
    #[must_use]
    pub const fn plc(self) -> Option<PlcStatus> {
        match self.get(PLC) {
            0 => Some(PlcStatus::NewUnlocked),
            1 => Some(PlcStatus::NewLocked),
            2 => Some(PlcStatus::Registered),
            _ => None,
        }
    }

    /// The power-line link is synchronised.
    #[must_use]
    pub const fn plc_synchronised(self) -> bool {
        self.flag(PLC_SYNCHRONISED)
    }

    /// Tempo colour of today; `None` without a Tempo contract.
    #[must_use]
    pub const fn today(self) -> Option<Colour> {
        Colour::from_code(self.get(TODAY))
    }

    /// Tempo colour of tomorrow; `None` until it is announced, at about 20:00.
    #[must_use]
    pub const fn tomorrow(self) -> Option<Colour> {
        Colour::from_code(self.get(TOMORROW))
    }

    /// Mobile peak that is announced, 1 to 3. Under Tempo white is 1 and red is 2.
    #[must_use]
    pub const fn notice(self) -> Option<u8> {
        nonzero(self.get(NOTICE))
    }

    /// Mobile peak that runs, 1 to 3.
    #[must_use]
    pub const fn mobile_peak(self) -> Option<u8> {
        nonzero(self.get(MOBILE_PEAK))
    }

    const fn get(self, field: Field) -> u32 {
        (self.0 >> field.first) & ((1 << field.bits) - 1)
    }

    const fn flag(self, field: Field) -> bool {
        self.get(field) != 0
    }

    const fn with(self, field: Field, value: u32) -> Self {
        let mask = ((1 << field.bits) - 1) << field.first;
        Self(self.0 & !mask | (value << field.first) & mask)
    }
}

/// Building a register, for the simulator.
impl StatusRegister {
    /// Sets [`Self::dry_contact_open`].
    #[must_use]
    pub const fn with_dry_contact_open(self, open: bool) -> Self {
        self.with(DRY_CONTACT_OPEN, open as u32)
    }

    /// Sets [`Self::cut_off`].
    #[must_use]
    pub const fn with_cut_off(self, state: CutOff) -> Self {
        self.with(CUT_OFF, state as u32)
    }

    /// Sets [`Self::cover_open`].
    #[must_use]
    pub const fn with_cover_open(self, open: bool) -> Self {
        self.with(COVER_OPEN, open as u32)
    }

    /// Sets [`Self::over_voltage`].
    #[must_use]
    pub const fn with_over_voltage(self, over: bool) -> Self {
        self.with(OVER_VOLTAGE, over as u32)
    }

    /// Sets [`Self::over_power`].
    #[must_use]
    pub const fn with_over_power(self, over: bool) -> Self {
        self.with(OVER_POWER, over as u32)
    }

    /// Sets [`Self::producer`].
    #[must_use]
    pub const fn with_producer(self, producer: bool) -> Self {
        self.with(PRODUCER, producer as u32)
    }

    /// Sets [`Self::injecting`].
    #[must_use]
    pub const fn with_injecting(self, injecting: bool) -> Self {
        self.with(INJECTING, injecting as u32)
    }

    /// Sets [`Self::supplier_index`], 1 to 10.
    #[must_use]
    pub const fn with_supplier_index(self, index: u8) -> Self {
        self.with(SUPPLIER_INDEX, index.saturating_sub(1) as u32)
    }

    /// Sets [`Self::distributor_index`], 1 to 4.
    #[must_use]
    pub const fn with_distributor_index(self, index: u8) -> Self {
        self.with(DISTRIBUTOR_INDEX, index.saturating_sub(1) as u32)
    }

    /// Sets [`Self::clock_degraded`].
    #[must_use]
    pub const fn with_clock_degraded(self, degraded: bool) -> Self {
        self.with(CLOCK_DEGRADED, degraded as u32)
    }

    /// Sets [`Self::standard_mode`].
    #[must_use]
    pub const fn with_standard_mode(self, standard: bool) -> Self {
        self.with(STANDARD_MODE, standard as u32)
    }

    /// Sets [`Self::euridis`].
    #[must_use]
    pub const fn with_euridis(self, output: EuridisOutput) -> Self {
        let code = match output {
            EuridisOutput::Off => 0,
            EuridisOutput::OnWithoutSecurity => 1,
            EuridisOutput::OnWithSecurity => 3,
        };
        self.with(EURIDIS, code)
    }

    /// Sets [`Self::plc`].
    #[must_use]
    pub const fn with_plc(self, status: PlcStatus) -> Self {
        self.with(PLC, status as u32)
    }

    /// Sets [`Self::plc_synchronised`].
    #[must_use]
    pub const fn with_plc_synchronised(self, synchronised: bool) -> Self {
        self.with(PLC_SYNCHRONISED, synchronised as u32)
    }

    /// Sets [`Self::today`].
    #[must_use]
    pub const fn with_today(self, colour: Option<Colour>) -> Self {
        self.with(TODAY, Colour::code(colour))
    }

    /// Sets [`Self::tomorrow`].
    #[must_use]
    pub const fn with_tomorrow(self, colour: Option<Colour>) -> Self {
        self.with(TOMORROW, Colour::code(colour))
    }

    /// Sets [`Self::notice`], 0 for none.
    #[must_use]
    pub const fn with_notice(self, peak: u8) -> Self {
        self.with(NOTICE, peak as u32)
    }

    /// Sets [`Self::mobile_peak`], 0 for none.
    #[must_use]
    pub const fn with_mobile_peak(self, peak: u8) -> Self {
        self.with(MOBILE_PEAK, peak as u32)
    }
}

const fn nonzero(value: u32) -> Option<u8> {
    if value == 0 { None } else { Some(value as u8) }
}

/// Any 32 bits are a register.
impl From<u32> for StatusRegister {
    fn from(bits: u32) -> Self {
        Self(bits)
    }
}

impl FromStr for StatusRegister {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == STATUS_WIDTH && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
        let bits = u32::from_str_radix(text, 16).ok().filter(|_| digits);
        bits.map(Self).ok_or(ParseError::expected("eight hexadecimal digits in capitals"))
    }
}

impl fmt::Display for StatusRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08X}", self.0)
    }
}

impl fmt::Debug for StatusRegister {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatusRegister({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::{CutOff, EuridisOutput, PlcStatus, StatusRegister};
    use crate::tic::Colour;

    fn register(text: &str) -> StatusRegister {
        text.parse().unwrap()
    }

    #[test]
    fn text_is_eight_hexadecimal_digits() {
        for text in ["", "+1", "+003A0001", "003A001", "003a0001", "0003A0001"] {
            assert!(text.parse::<StatusRegister>().is_err(), "{text}");
        }
    }

    #[test]
    fn plain_consumer() {
        let status = register("003A0001");
        assert!(status.dry_contact_open() && status.standard_mode());
        assert_eq!(status.cut_off(), Some(CutOff::Closed));
        assert_eq!((status.supplier_index(), status.distributor_index()), (Some(1), 1));
        assert_eq!((status.euridis(), status.plc()), (Some(EuridisOutput::OnWithSecurity), Some(PlcStatus::NewLocked)));
        assert_eq!((status.today(), status.tomorrow(), status.notice(), status.mobile_peak()), (None, None, None, None));
    }

    #[test]
    fn an_index_that_there_is_none_of_is_none() {
        let indexes = [0, 9, 10, 15].map(|code| StatusRegister::from(code << 10).supplier_index());
        assert_eq!(indexes, [Some(1), Some(10), None, None]);
    }

    #[test]
    fn injecting_producer() {
        let status = register("002A0301");
        assert!(status.producer() && status.injecting());
        assert_eq!(status.euridis(), Some(EuridisOutput::OnWithoutSecurity));
    }

    #[test]
    fn red_day_running_and_another_announced() {
        let status = register("AF3A9100");
        assert_eq!((status.today(), status.tomorrow()), (Some(Colour::Red), Some(Colour::Red)));
        assert_eq!((status.notice(), status.mobile_peak()), (Some(2), Some(2)));
        assert_eq!((status.supplier_index(), status.distributor_index()), (Some(5), 3));
    }

    #[test]
    fn white_day_blue_tomorrow() {
        let status = register("463A0800");
        assert_eq!((status.today(), status.tomorrow()), (Some(Colour::White), Some(Colour::Blue)));
        assert_eq!((status.mobile_peak(), status.supplier_index()), (Some(1), Some(3)));
    }

    #[test]
    fn registered_and_synchronised() {
        let status = register("00DA0401");
        assert_eq!((status.plc(), status.plc_synchronised()), (Some(PlcStatus::Registered), true));
    }

    #[test]
    fn fields_do_not_overlap_and_leave_two_bits_unused() {
        let all = StatusRegister::default()
            .with_dry_contact_open(true)
            .with_cut_off(CutOff::OpenOverheating)
            .with_cover_open(true)
            .with_over_voltage(true)
            .with_over_power(true)
            .with_producer(true)
            .with_injecting(true)
            .with_supplier_index(16)
            .with_distributor_index(4)
            .with_clock_degraded(true)
            .with_standard_mode(true)
            .with_euridis(EuridisOutput::OnWithSecurity)
            .with_plc(PlcStatus::Registered)
            .with_plc_synchronised(true)
            .with_today(Some(Colour::Red))
            .with_tomorrow(Some(Colour::Red))
            .with_notice(3)
            .with_mobile_peak(3);
        // All but the unused 5 and 18, bit 1 (cut-off 6 is 110) and bit 21 (registered is 10).
        assert_eq!(all.0, !(1 << 5 | 1 << 18 | 1 << 1 | 1 << 21));
    }
}
