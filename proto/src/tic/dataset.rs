//! A dataset (groupe d'information): one line of a frame, from its bytes to a label, a timestamp and data (54E §5.3.6).
//!
//! It is read from both ends, as 02E §1.5.3 recommends: the checksum is the last byte and may be a space, data may hold the separator of
//! the historic mode.

use core::fmt;

use super::{
    Label, LabelKind, Mode, Reason, Role, Timestamp, Value, checksum,
    spec::{HT, LABEL_WIDTH_MAX, SP, TIMESTAMP_WIDTH},
    text::text,
    value,
    walk::{DATASET_BYTES_MAX, Walk},
};

/// A dataset that passed every check: checksum, characters, and for a known label its width, timestamp and range.
///
/// It cannot come from anywhere but these checks: from the bytes of a line by `try_from`, or from its fields by [`Self::new`].
///
/// It is small, because it is handed on by value. So of its data only a number is kept, and the value is made of it when it is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Dataset<'a> {
    mode: Mode,
    fields: Fields<'a>,
    info: Option<&'static Label>,
    time: Option<Timestamp>,
    number: u32,
}

/// What stands between the separators: text, kept as bytes, because nobody asks for most of it as text.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Fields<'a> {
    label: &'a [u8],
    timestamp: Option<&'a [u8]>,
    data: &'a [u8],
}

impl<'a> Dataset<'a> {
    /// Checks the fields of a dataset against the label table. A label that is not known only needs to look like one.
    ///
    /// # Errors
    ///
    /// [`Reason::Characters`], [`Reason::Width`], [`Reason::Range`] or [`Reason::Timestamp`].
    pub fn new(mode: Mode, label: &'a str, timestamp: Option<&'a str>, data: &'a str) -> Result<Self, Reason> {
        let fields = Fields { label: label.as_bytes(), timestamp: timestamp.map(str::as_bytes), data: data.as_bytes() };
        Self::of(mode, data.as_bytes(), fields, Label::find(mode, label))
    }

    /// Reads the bytes of a dataset that have been walked over.
    #[inline(always)]
    pub(super) fn walked(bytes: &'a [u8], walk: &Walk) -> Result<Self, Reason> {
        let [zone @ .., separator, found] = bytes else {
            return Err(Reason::Malformed);
        };
        let (mode, separators, outside) = match *separator {
            SP => (Mode::Historic, 0, SP.wrapping_add(*found)),
            HT => (Mode::Standard, 1, *found),
            _ => return Err(Reason::Malformed),
        };
        let expected = checksum::of_sum(walk.sum().wrapping_sub(outside));
        if expected != *found {
            return Err(Reason::Checksum { expected, found: *found });
        }
        if walk.is_odd() || mode == Mode::Historic && walk.tabs() > 0 {
            return Err(Reason::Characters);
        }
        let (length, info) = Label::find_first(mode, bytes);
        Self::of(mode, zone, Fields::split(mode, zone, length, walk.tabs() - separators)?, info)
    }

    /// From its fields, and the zone that ends with its data.
    #[inline(always)]
    fn of(mode: Mode, zone: &'a [u8], fields: Fields<'a>, info: Option<&'static Label>) -> Result<Self, Reason> {
        let Fields { label, timestamp, data } = fields;
        let time = timestamp.map(Timestamp::parse).transpose().map_err(|_| Reason::Timestamp)?;
        let number = match info {
            Some(info) if !info.fits(data.len()) => {
                return Err(Reason::Width { expected: info.width.into(), found: data.len() });
            }
            Some(info) if info.dated != time.is_some() => return Err(Reason::Timestamp),
            Some(info) => value::read(info, zone, data)?,
            None if looks_like_a_label(label) => 0,
            None => return Err(Reason::Characters),
        };
        Ok(Self { mode, fields, info, time, number })
    }

    /// The mode whose separator and checksum it has.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Its label (étiquette).
    #[must_use]
    pub fn label(&self) -> &'a str {
        self.info.map_or_else(|| text(self.fields.label), |info| info.code)
    }

    /// Its timestamp (horodate) as sent, 13 characters, where the label has one.
    #[must_use]
    pub fn timestamp(&self) -> Option<&'a str> {
        self.fields.timestamp.map(text)
    }

    /// Its data (donnée) as sent: with leading zeros, dots and spaces.
    #[must_use]
    pub fn data(&self) -> &'a str {
        text(self.fields.data)
    }

    /// What is known of its label.
    #[must_use]
    pub const fn info(&self) -> Option<&'static Label> {
        self.info
    }

    /// What its label is for.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.info?.role
    }

    /// Whether it is the meter's address.
    pub(super) fn is_identity(&self) -> bool {
        self.info.is_some_and(|info| info.kind == LabelKind::Identity)
    }

    /// What its data means; text for a label that is not known.
    #[must_use]
    pub fn value(&self) -> Value<'a> {
        let data = self.fields.data;
        // It was read when the dataset was checked, so it can be read now.
        self.info.and_then(|info| Value::of(info, self.number, data)).unwrap_or_else(|| Value::Text(text(data)))
    }

    /// Its timestamp as a date.
    #[must_use]
    pub const fn time(&self) -> Option<Timestamp> {
        self.time
    }
}

/// Reads what stands between LF and CR, parity already removed. The error is the first reason found: checksum, fields, characters, and
/// then those of [`Dataset::new`].
impl<'a> TryFrom<&'a [u8]> for Dataset<'a> {
    type Error = Reason;

    #[inline(never)]
    fn try_from(bytes: &'a [u8]) -> Result<Self, Reason> {
        if bytes.len() > DATASET_BYTES_MAX {
            return Err(Reason::TooLong);
        }
        Self::walked(bytes, &Walk::over(bytes))
    }
}

/// The label that damaged bytes seem to carry: for messages only.
pub(super) fn label_of(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().position(|byte| Mode::of_separator(*byte).is_some())?;
    bytes.get(..end).filter(|label| looks_like_a_label(label)).map(text)
}

impl<'a> Fields<'a> {
    /// Of a zone whose label has this length, and that has so many separators.
    fn split(mode: Mode, zone: &'a [u8], length: usize, separators: u8) -> Result<Self, Reason> {
        let (label, rest) = zone.split_at_checked(length).filter(|_| length > 0).ok_or(Reason::Malformed)?;
        let (separator, rest) = rest.split_first().ok_or(Reason::Malformed)?;
        match (mode, separators) {
            _ if *separator != mode.separator() => Err(Reason::Characters),
            (Mode::Historic, _) | (Mode::Standard, 1) => Ok(Self { label, timestamp: None, data: rest }),
            (Mode::Standard, 2) => match rest.split_at_checked(TIMESTAMP_WIDTH) {
                Some((timestamp, [HT, data @ ..])) => Ok(Self { label, timestamp: Some(timestamp), data }),
                _ => Err(Reason::Timestamp),
            },
            (Mode::Standard, _) => Err(Reason::Malformed),
        }
    }
}

impl fmt::Debug for Dataset<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Dataset");
        fields.field("mode", &self.mode).field("label", &self.label()).field("timestamp", &self.timestamp());
        fields.field("data", &self.data()).field("value", &self.value()).finish_non_exhaustive()
    }
}

/// Capital letters, digits and signs; a few labels of industrial meters have small letters too.
fn looks_like_a_label(label: &[u8]) -> bool {
    (1..=LABEL_WIDTH_MAX).contains(&label.len())
        && label.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::Dataset;
    use crate::tic::{Colour, Mode, Reason, TariffPeriod, TempoHours, Unit, Value, VoltAmperes, WattHours};

    fn parse(line: &[u8]) -> Result<Dataset<'_>, Reason> {
        line.try_into()
    }

    #[test]
    fn historic() {
        let dataset = parse(b"PAPP 00540 *").unwrap();
        assert_eq!((dataset.mode(), dataset.label(), dataset.data()), (Mode::Historic, "PAPP", "00540"));
        assert_eq!(dataset.value(), Value::ApparentPower(VoltAmperes::new(540).unwrap()));
    }

    #[test]
    fn checksum_that_is_a_space() {
        assert_eq!(parse(b"PTEC HP..  ").unwrap().value(), Value::Period(TariffPeriod::Peak));
        assert_eq!(parse(b"IINST 009  ").unwrap().value().number(), Some(9));
        let tempo = parse(b"PTEC HPJR  ").unwrap();
        assert_eq!(tempo.value(), Value::Period(TariffPeriod::Tempo(Colour::Red, TempoHours::Peak)));
    }

    #[test]
    fn standard_with_and_without_timestamp() {
        assert_eq!(parse(b"VTIC\t02\tJ").unwrap().data(), "02");
        let zero = parse(b"EASD01\t000000000\t ").unwrap();
        assert_eq!(zero.value(), Value::Energy(WattHours::default()));
        let dated = parse(b"SMAXSN-1\tH200213085118\t09562\t ").unwrap();
        assert_eq!((dated.timestamp(), dated.value().number()), (Some("H200213085118"), Some(9562)));
        let date = parse(b"DATE\tE170915101601\t\t>").unwrap();
        assert_eq!((date.data(), date.value()), ("", Value::Nothing));
        assert_eq!(date.time().unwrap().unix_seconds(), 1_505_463_361);
    }

    #[test]
    fn unknown_labels_pass_as_text() {
        let zone = b"NEWLABEL 12 34";
        let mut line = std::vec::Vec::from(&zone[..]);
        line.extend([b' ', super::checksum(zone)]);
        let dataset = parse(&line).unwrap();
        assert_eq!((dataset.info(), dataset.value()), (None, Value::Text("12 34")));
    }

    #[test]
    fn a_number_with_its_unit() {
        let value = |label, data| Dataset::new(Mode::Historic, label, None, data).map(|dataset| dataset.value());
        assert_eq!(value("EA_s", "1200Wh"), Ok(Value::Printed { number: 1_200, unit: Unit::WattHour }));
        assert_eq!(value("ER+_s", "12varh"), Ok(Value::Printed { number: 12, unit: Unit::VarHour }), "spelled in its own way");
        for (label, data) in [("EA_s", "1200kWh"), ("EA_s", "1200"), ("EAP_s", "kWh"), ("PA1_s", "4 kW"), ("PA1_s", "1234567890kW")] {
            assert_eq!(value(label, data), Err(Reason::Characters), "{label} {data}");
        }
    }

    #[test]
    fn each_reason() {
        let cases: &[(&[u8], Reason)] = &[
            (b"", Reason::Malformed),
            (b"A", Reason::Malformed),
            (b"PAPP0054*", Reason::Malformed),
            (&[b'A'; 257], Reason::TooLong),
            (b"PAPP 00540 +", Reason::Checksum { expected: b'*', found: b'+' }),
        ];
        for (line, reason) in cases {
            assert_eq!(parse(line), Err(*reason));
        }
        let check = |label, timestamp, data| Dataset::new(Mode::Standard, label, timestamp, data).map(|_| ());
        assert_eq!(check("EAST", None, "00000001"), Err(Reason::Width { expected: 9, found: 8 }));
        assert_eq!(check("EAST", None, "00000000q"), Err(Reason::Characters));
        assert_eq!(check("EAST", Some("H200213085118"), "000000001"), Err(Reason::Timestamp));
        assert_eq!(check("SMAXSN", None, "00001"), Err(Reason::Timestamp));
        assert_eq!(check("SMAXSN", Some("H201313085118"), "00001"), Err(Reason::Timestamp));
        assert_eq!(check("RELAIS", None, "256"), Err(Reason::Range));
        assert_eq!(check("bad label", None, "1"), Err(Reason::Characters));
        assert_eq!(check("EAST", None, "000000001"), Ok(()));
        let index = |label, data| Dataset::new(Mode::Historic, label, None, data).map(|_| ());
        assert_eq!(index("HCHC", "01234567"), Ok(()), "a concentrator");
        assert_eq!(index("BBRHCJB", "01234567"), Err(Reason::Width { expected: 9, found: 8 }), "which never repeats Tempo");
        let option = |data| Dataset::new(Mode::Historic, "OPTARIF", None, data).map(|_| ());
        assert_eq!([option("BBR("), option("BBRh"), option("HCn.")], [Ok(()), Err(Reason::Characters), Err(Reason::Characters)]);
    }

    extern crate std;
}
