//! Every number that Enedis fixes for the line and the frame, each with its section.
//!
//! Widths of labels stand in the label tables. "54E" is Enedis-NOI-CPT_54E v3 (Linky), "02E" is Enedis-NOI-CPT_02E v6 (older meters).

/// Start of a frame (54E §5.3.6).
pub const STX: u8 = 0x02;
/// End of a frame (54E §5.3.6).
pub const ETX: u8 = 0x03;
/// The meter broke off: another session with it began (02E §1.5.2).
pub const EOT: u8 = 0x04;
/// Start of a dataset (54E §5.3.6).
pub const LF: u8 = 0x0a;
/// End of a dataset (54E §5.3.6).
pub const CR: u8 = 0x0d;
/// Separator of the standard mode (54E §5.3.6).
pub const HT: u8 = 0x09;
/// Separator of the historic mode (02E §1.5.2).
pub const SP: u8 = 0x20;

/// Bits a character takes on the line: start, seven data bits, parity, stop (54E §5.3.5).
pub const BITS_PER_CHARACTER: u32 = 10;
/// Bits per second in historic mode (54E §5.2).
pub const BAUD_HISTORIC: u32 = 1200;
/// Bits per second in standard mode (54E §5.3.5).
pub const BAUD_STANDARD: u32 = 9600;

/// A receiver without a valid frame for this long reports a fault, in seconds (54E §9.4.1).
pub const FAULT_AFTER_S: u64 = 10;

/// Bits of the sum that the checksum keeps (54E §5.3.6).
pub const CHECKSUM_MASK: u8 = 0x3f;
/// What is added so that the checksum is printable (54E §5.3.6).
pub const CHECKSUM_BASE: u8 = 0x20;

/// First character a label or data may hold (54E §5.3.6).
pub const CHARACTER_MIN: u8 = 0x20;
/// Last character a label or data may hold (54E §5.3.6).
pub const CHARACTER_MAX: u8 = 0x7e;

/// Characters of a timestamp: season, then two digits each of year, month, day, hour, minute, second (54E §6.2.1.1).
pub const TIMESTAMP_WIDTH: usize = 13;
/// Characters of a meter's identity, ADCO or ADSC (54E §6.2.3.1).
pub const METER_ID_WIDTH: usize = 12;
/// Digits of an energy index, in Wh or VArh (54E §6.2.3.6).
pub const INDEX_WIDTH: usize = 9;
/// Hexadecimal digits of the status register, STGE (54E §6.2.3.14).
pub const STATUS_WIDTH: usize = 8;
/// An index counts from zero again after this many Wh; implied by its width.
pub const INDEX_MODULUS: u32 = 1_000_000_000;

/// The greatest index, in Wh or VArh: nine digits (54E §6.2.3.6).
pub const INDEX_MAX: u32 = INDEX_MODULUS - 1;
/// The greatest power, in VA or W: five digits (54E §6.2.3.10, §6.2.3.12).
pub const POWER_MAX: u32 = 99_999;
/// The greatest current, in A: three digits (54E §6.2.3.7).
pub const CURRENT_MAX: u32 = 999;
/// The greatest voltage, in V: three digits (54E §6.2.3.8).
pub const VOLTAGE_MAX: u32 = 999;
/// The greatest reference power, in kVA: two digits (54E §6.2.3.9).
pub const REFERENCE_POWER_MAX: u32 = 99;
/// The longest notice of an EJP peak, in minutes: two digits (54E §6.1.1).
pub const MINUTES_MAX: u32 = 99;
/// What one ampere of ISOUSC stands for on each phase, in VA (54E §6.1.1).
pub const VA_PER_SUBSCRIBED_AMPERE: u64 = 200;
/// The first year of a timestamp, which has two digits of it (54E §6.2.1.1).
pub const YEAR_MIN: u16 = 2000;
/// The last year of a timestamp.
pub const YEAR_MAX: u16 = YEAR_MIN + 99;

/// The widest data of any label: PJOURF+1 and PPOINTE, eleven blocks of eight and ten spaces (54E §6.2.3.22).
pub const DATA_WIDTH_MAX: usize = 98;
/// The longest label that passes: the tables say 8, SMAXSN1-1 has 9, and a newer meter may have more.
pub const LABEL_WIDTH_MAX: usize = 12;
/// Longest frame of a Linky: every label of the standard mode at once, in bytes (54E §6.2.2, added up).
pub const FRAME_BYTES_MAX: usize = 1_727;
