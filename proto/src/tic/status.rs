//! STGE, the status register: 32 bits as eight hexadecimal digits (54E §6.2.3.14).
//!
//! A field is one row of the table, and so is a code of a field that has several. A code without a published meaning reads as `None`.

use core::{fmt, str::FromStr};

use super::{Colour, ParseError, digits, spec::STATUS_WIDTH};

/// The register.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct StatusRegister(u32);

/// Makes the enum of a field from its codes.
macro_rules! codes {
    ($(#[$about:meta])* $field:ident { $($(#[$meaning:meta])* $variant:ident = $code:literal, $name:literal;)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $field {
            $($(#[$meaning])* $variant = $code,)+
        }

        impl $field {
            /// All of them, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// One word for machines, kebab-case.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            const fn of(code: u32) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

codes! {
    /// The cut-off device (organe de coupure).
    CutOff {
        /// Closed: there is current.
        Closed = 0, "closed";
        /// Open after more than the reference power.
        OpenOverPower = 1, "open-over-power";
        /// Open after an over-voltage.
        OpenOverVoltage = 2, "open-over-voltage";
        /// Open for load shedding (délestage).
        OpenLoadShedding = 3, "open-load-shedding";
        /// Open by an order over the power line or Euridis.
        OpenRemoteOrder = 4, "open-remote-order";
        /// Open by overheating, with a current above the one it can switch.
        OpenOverheatingAboveSwitchingCurrent = 5, "open-overheating-above-switching-current";
        /// Open by overheating, with a current below that.
        OpenOverheating = 6, "open-overheating";
    }
}

codes! {
    /// The Euridis output, the distributor's own bus.
    EuridisOutput {
        /// Off.
        Off = 0, "off";
        /// On, without security.
        OnWithoutSecurity = 1, "on-without-security";
        /// On, with security.
        OnWithSecurity = 3, "on-with-security";
    }
}

codes! {
    /// The state of the power-line link (CPL).
    PlcStatus {
        /// New, unlocked.
        NewUnlocked = 0, "new-unlocked";
        /// New, locked.
        NewLocked = 1, "new-locked";
        /// Registered.
        Registered = 2, "registered";
    }
}

/// Makes the accessors of the register from its fields. A row has the first bit and how many there are, what the code in them reads as, and,
/// for the simulator, how it is set.
macro_rules! fields {
    ($(
        $(#[$meaning:meta])*
        $first:literal, $bits:literal:
        $get:ident($code:ident) -> $read:ty = $reading:expr;
        $set:ident($value:ident: $written:ty) = $writing:expr;
    )+) => {
        /// Reading the fields.
        impl StatusRegister {
            $(
                $(#[$meaning])*
                #[must_use]
                pub const fn $get(self) -> $read {
                    let $code = self.code($first, $bits);
                    $reading
                }
            )+
        }

        /// Building a register, for the simulator.
        impl StatusRegister {
            $(
                #[doc = concat!("Sets [`Self::", stringify!($get), "`].")]
                #[must_use]
                pub const fn $set(self, $value: $written) -> Self {
                    self.with_code($first, $bits, $writing)
                }
            )+
        }

        /// The bits of each field.
        #[cfg(test)]
        const MASKS: &[u32] = &[$(mask($first, $bits)),+];
    };
}

fields! {
    /// The dry contact (contact sec) is open.
    0, 1: dry_contact_open(code) -> bool = code != 0; with_dry_contact_open(open: bool) = open as u32;

    /// The cut-off device; code 7 has no meaning.
    1, 3: cut_off(code) -> Option<CutOff> = CutOff::of(code); with_cut_off(state: CutOff) = state as u32;

    /// The distributor's terminal cover is open.
    4, 1: cover_open(code) -> bool = code != 0; with_cover_open(open: bool) = open as u32;

    /// Over-voltage on one of the phases.
    6, 1: over_voltage(code) -> bool = code != 0; with_over_voltage(over: bool) = over as u32;

    /// The reference power is exceeded now.
    7, 1: over_power(code) -> bool = code != 0; with_over_power(over: bool) = over as u32;

    /// The meter is in producer mode.
    8, 1: producer(code) -> bool = code != 0; with_producer(producer: bool) = producer as u32;

    /// Active energy is negative: the site injects.
    9, 1: injecting(code) -> bool = code != 0; with_injecting(injecting: bool) = injecting as u32;

    /// Supplier index in use, 1 to 10; NTARF says the same. The codes 10 to 15 have no meaning.
    10, 4: supplier_index(code) -> Option<u8> = if code < 10 { Some(code as u8 + 1) } else { None };
    with_supplier_index(index: u8) = index.saturating_sub(1) as u32;

    /// Distributor index in use, 1 to 4.
    14, 2: distributor_index(code) -> u8 = code as u8 + 1; with_distributor_index(index: u8) = index.saturating_sub(1) as u32;

    /// The clock ran out of reserve.
    16, 1: clock_degraded(code) -> bool = code != 0; with_clock_degraded(degraded: bool) = degraded as u32;

    /// The TIC is in standard mode (it always is where this register is sent).
    17, 1: standard_mode(code) -> bool = code != 0; with_standard_mode(standard: bool) = standard as u32;

    /// The Euridis output; code 2 has no meaning.
    19, 2: euridis(code) -> Option<EuridisOutput> = EuridisOutput::of(code); with_euridis(output: EuridisOutput) = output as u32;

    /// The power-line link; code 3 has no meaning.
    21, 2: plc(code) -> Option<PlcStatus> = PlcStatus::of(code); with_plc(status: PlcStatus) = status as u32;

    /// The power-line link is synchronised.
    23, 1: plc_synchronised(code) -> bool = code != 0; with_plc_synchronised(synchronised: bool) = synchronised as u32;

    /// Tempo colour of today; `None` without a Tempo contract.
    24, 2: today(code) -> Option<Colour> = Colour::from_code(code); with_today(colour: Option<Colour>) = Colour::code(colour);

    /// Tempo colour of tomorrow; `None` until it is announced, at about 20:00.
    26, 2: tomorrow(code) -> Option<Colour> = Colour::from_code(code); with_tomorrow(colour: Option<Colour>) = Colour::code(colour);

    /// Mobile peak that is announced, 1 to 3. Under Tempo white is 1 and red is 2. Set with 0 for none.
    28, 2: notice(code) -> Option<u8> = nonzero(code); with_notice(peak: u8) = peak as u32;

    /// Mobile peak that runs, 1 to 3. Set with 0 for none.
    30, 2: mobile_peak(code) -> Option<u8> = nonzero(code); with_mobile_peak(peak: u8) = peak as u32;
}

impl StatusRegister {
    /// Reads the characters of a field.
    pub(super) fn parse(text: &[u8]) -> Result<Self, ParseError> {
        let digits = <[u8; STATUS_WIDTH]>::try_from(text).ok().filter(|digits| digits::are_capital_hexadecimal(*digits));
        digits.and_then(digits::hexadecimal).map(Self).ok_or(ParseError::expected("eight hexadecimal digits in capitals"))
    }

    /// The 32 bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    const fn code(self, first: u32, bits: u32) -> u32 {
        (self.0 & mask(first, bits)) >> first
    }

    const fn with_code(self, first: u32, bits: u32, code: u32) -> Self {
        let mask = mask(first, bits);
        Self(self.0 & !mask | (code << first) & mask)
    }
}

const fn mask(first: u32, bits: u32) -> u32 {
    ((1 << bits) - 1) << first
}

const fn nonzero(code: u32) -> Option<u8> {
    if code == 0 { None } else { Some(code as u8) }
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
        Self::parse(text.as_bytes())
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
    use super::{CutOff, EuridisOutput, MASKS, PlcStatus, StatusRegister};
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
        let all = MASKS.iter().fold(0, |all, mask| {
            assert_eq!(all & mask, 0, "{mask:08X}");
            all | mask
        });
        assert_eq!(all, !(1 << 5 | 1 << 18));
    }

    #[test]
    fn what_is_set_is_read() {
        let status = StatusRegister::from(u32::MAX).with_cut_off(CutOff::OpenLoadShedding).with_plc(PlcStatus::Registered);
        assert_eq!((status.cut_off(), status.plc()), (Some(CutOff::OpenLoadShedding), Some(PlcStatus::Registered)));
        let status = status.with_supplier_index(7).with_distributor_index(2).with_today(Some(Colour::White)).with_tomorrow(None);
        assert_eq!((status.supplier_index(), status.distributor_index()), (Some(7), 2));
        assert_eq!((status.today(), status.tomorrow()), (Some(Colour::White), None));
        let status = status.with_notice(0).with_mobile_peak(3).with_euridis(EuridisOutput::OnWithoutSecurity).with_over_power(false);
        assert_eq!((status.notice(), status.mobile_peak(), status.over_power()), (None, Some(3), false));
        assert_eq!((status.euridis(), status.cover_open()), (Some(EuridisOutput::OnWithoutSecurity), true));
    }
}
