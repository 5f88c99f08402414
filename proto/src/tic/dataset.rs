//! A dataset (groupe d'information): one line of a frame, from its bytes to a label, a timestamp and data (54E §5.3.6).
//!
//! It is read from both ends, as 02E §1.5.3 recommends: the checksum is the last byte and may be a space, data may hold the separator of
//! the historic mode.

use core::str;

use super::{
    Label, Mode, Reason, Timestamp, Value, checksum,
    spec::{CHARACTER_MAX, CHARACTER_MIN, LABEL_WIDTH_MAX},
};

/// A dataset that passed every check: checksum, characters, and for a known label its width, timestamp and range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dataset<'a> {
    /// The mode whose separator and checksum it has.
    pub mode: Mode,
    /// Étiquette.
    pub label: &'a str,
    /// Horodate, where the label has one; 13 characters.
    pub timestamp: Option<&'a str>,
    /// Donnée, as sent: with leading zeros, dots and spaces.
    pub data: &'a str,
    /// Found once, since everybody asks; and private, so that a dataset can only come from a check.
    known: Option<&'static Label>,
}

impl<'a> Dataset<'a> {
    /// Checks what stands between LF and CR, parity already removed.
    ///
    /// # Errors
    ///
    /// The first [`Reason`] found, in the order checksum, fields, characters, and then those of [`Self::check`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Reason> {
        let [zone @ .., separator, found] = bytes else {
            return Err(Reason::Malformed);
        };
        let mode = Mode::of_separator(*separator).ok_or(Reason::Malformed)?;
        let expected = checksum(match mode {
            Mode::Historic => zone,
            Mode::Standard => &bytes[..=zone.len()],
        });
        if expected != *found {
            return Err(Reason::Checksum { expected, found: *found });
        }
        let (label, timestamp, data) = fields(mode, text(mode, zone)?)?;
        Self::check(mode, label, timestamp, data)
    }

    /// Checks the fields of a dataset against the label table. A label that is not known only needs to look like one.
    ///
    /// # Errors
    ///
    /// [`Reason::Characters`], [`Reason::Width`], [`Reason::Range`] or [`Reason::Timestamp`].
    pub fn check(mode: Mode, label: &'a str, timestamp: Option<&'a str>, data: &'a str) -> Result<Self, Reason> {
        let stamped = timestamp.map(str::parse::<Timestamp>).transpose().map_err(|_| Reason::Timestamp)?.is_some();
        let known = Label::find(mode, label);
        match known {
            Some(known) => {
                if data.len() != usize::from(known.width) {
                    return Err(Reason::Width { expected: known.width.into(), found: data.len() });
                }
                if known.dated != stamped {
                    return Err(Reason::Timestamp);
                }
                Value::parse(known.kind, data)?;
            }
            None if !looks_like_a_label(label) => return Err(Reason::Characters),
            None => {}
        }
        Ok(Self { mode, label, timestamp, data, known })
    }

    /// What is known of its label.
    #[must_use]
    pub const fn info(&self) -> Option<&'static Label> {
        self.known
    }

    /// What its data means; text for a label that is not known.
    #[must_use]
    pub fn value(&self) -> Value<'a> {
        self.known.and_then(|known| Value::parse(known.kind, self.data).ok()).unwrap_or(Value::Text(self.data))
    }

    /// Its timestamp as a date.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        self.timestamp?.parse().ok()
    }
}

/// The label that damaged bytes seem to carry: for messages only.
pub(super) fn label_of(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().position(|byte| Mode::of_separator(*byte).is_some())?;
    str::from_utf8(&bytes[..end]).ok().filter(|label| looks_like_a_label(label))
}

/// The zone as text, if all of it is printable or a separator. Looks at every byte, which is faster than to stop at the first bad one.
fn text(mode: Mode, zone: &[u8]) -> Result<&str, Reason> {
    let bad = |byte: &u8| !matches!(byte, CHARACTER_MIN..=CHARACTER_MAX) & (*byte != mode.separator());
    if zone.iter().fold(false, |any, byte| any | bad(byte)) {
        return Err(Reason::Characters);
    }
    str::from_utf8(zone).map_err(|_| Reason::Characters)
}

fn fields(mode: Mode, zone: &str) -> Result<(&str, Option<&str>, &str), Reason> {
    let (label, rest) = split(mode, zone).filter(|(label, _)| !label.is_empty()).ok_or(Reason::Malformed)?;
    if mode == Mode::Historic {
        return Ok((label, None, rest));
    }
    match split(mode, rest) {
        None => Ok((label, None, rest)),
        Some((_, data)) if split(mode, data).is_some() => Err(Reason::Malformed),
        Some((timestamp, data)) => Ok((label, Some(timestamp), data)),
    }
}

/// At the first separator. Fields are short, so going byte by byte beats the search of the standard library.
fn split(mode: Mode, text: &str) -> Option<(&str, &str)> {
    let place = text.bytes().position(|byte| byte == mode.separator())?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

/// Capital letters, digits and signs; a few labels of industrial meters have small letters too.
fn looks_like_a_label(label: &str) -> bool {
    (1..=LABEL_WIDTH_MAX).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::Dataset;
    use crate::tic::{Band, Colour, Mode, Period, Reason, Value, VoltAmperes, WattHours};

    #[test]
    fn historic() {
        let dataset = Dataset::parse(b"PAPP 00540 *").unwrap();
        assert_eq!((dataset.mode, dataset.label, dataset.data), (Mode::Historic, "PAPP", "00540"));
        assert_eq!(dataset.value(), Value::ApparentPower(VoltAmperes(540)));
    }

    #[test]
    fn checksum_that_is_a_space() {
        assert_eq!(Dataset::parse(b"PTEC HP..  ").unwrap().value(), Value::Period(Period::Peak));
        assert_eq!(Dataset::parse(b"IINST 009  ").unwrap().value().number(), Some(9));
        let tempo = Dataset::parse(b"PTEC HPJR  ").unwrap();
        assert_eq!(tempo.value(), Value::Period(Period::Tempo(Colour::Red, Band::Peak)));
    }

    #[test]
    fn standard_with_and_without_timestamp() {
        assert_eq!(Dataset::parse(b"VTIC\t02\tJ").unwrap().data, "02");
        let zero = Dataset::parse(b"EASD01\t000000000\t ").unwrap();
        assert_eq!(zero.value(), Value::Energy(WattHours(0)));
        let dated = Dataset::parse(b"SMAXSN-1\tH200213085118\t09562\t ").unwrap();
        assert_eq!((dated.timestamp, dated.value().number()), (Some("H200213085118"), Some(9562)));
        let date = Dataset::parse(b"DATE\tE170915101601\t\t>").unwrap();
        assert_eq!((date.data, date.value()), ("", Value::Nothing));
        assert_eq!(date.time().unwrap().unix_seconds(), 1_505_463_361);
    }

    #[test]
    fn unknown_labels_pass_as_text() {
        let zone = b"NEWLABEL 12 34";
        let mut line = std::vec::Vec::from(&zone[..]);
        line.extend([b' ', super::checksum(zone)]);
        let dataset = Dataset::parse(&line).unwrap();
        assert_eq!((dataset.info(), dataset.value()), (None, Value::Text("12 34")));
    }

    #[test]
    fn each_reason() {
        let cases: &[(&[u8], Reason)] = &[
            (b"", Reason::Malformed),
            (b"A", Reason::Malformed),
            (b"PAPP0054*", Reason::Malformed),
            (b"PAPP 00540 +", Reason::Checksum { expected: b'*', found: b'+' }),
        ];
        for (line, reason) in cases {
            assert_eq!(Dataset::parse(line), Err(*reason));
        }
        let check = |label, timestamp, data| Dataset::check(Mode::Standard, label, timestamp, data).map(|_| ());
        assert_eq!(check("EAST", None, "00000001"), Err(Reason::Width { expected: 9, found: 8 }));
        assert_eq!(check("EAST", None, "00000000q"), Err(Reason::Characters));
        assert_eq!(check("EAST", Some("H200213085118"), "000000001"), Err(Reason::Timestamp));
        assert_eq!(check("SMAXSN", None, "00001"), Err(Reason::Timestamp));
        assert_eq!(check("SMAXSN", Some("H201313085118"), "00001"), Err(Reason::Timestamp));
        assert_eq!(check("RELAIS", None, "256"), Err(Reason::Range));
        assert_eq!(check("bad label", None, "1"), Err(Reason::Characters));
        assert_eq!(check("EAST", None, "000000001"), Ok(()));
        let option = |data| Dataset::check(Mode::Historic, "OPTARIF", None, data).map(|_| ());
        assert_eq!([option("BBR("), option("BBRh"), option("HCn.")], [Ok(()), Err(Reason::Characters), Err(Reason::Characters)]);
    }

    extern crate std;
}
