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

/// Shortest silence between two frames, in microseconds (54E §5.3.6).
pub const FRAME_GAP_MIN_US: u32 = 16_700;
/// Longest silence between two frames, in microseconds (54E §5.3.6).
pub const FRAME_GAP_MAX_US: u32 = 33_400;
/// A receiver without a valid frame for this long reports a fault, in seconds (54E §9.4.1).
pub const FAULT_AFTER_S: u32 = 10;

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
/// An index counts from zero again after this many Wh; implied by its width.
pub const INDEX_MODULUS: u32 = 1_000_000_000;

/// The widest data of any label: PJOURF+1 and PPOINTE, eleven blocks of eight and ten spaces (54E §6.2.3.22).
pub const DATA_WIDTH_MAX: usize = 98;
/// The longest label that passes: the tables say 8, SMAXSN1-1 has 9, and a newer meter may have more.
pub const LABEL_WIDTH_MAX: usize = 12;
/// Longest frame of a Linky: every label of the standard mode at once, in bytes (54E §6.2.2, added up).
pub const FRAME_BYTES_MAX: usize = 1_727;
/// Most datasets a Linky frame can hold (54E §6.2.2, counted).
pub const FRAME_DATASETS_MAX: usize = 71;
