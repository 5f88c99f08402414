//! What a meter showed at one time, as numbers with names: one record of each meter in a while. Pure.
//!
//! A sample of the past is picked by its own time, as one of the present is, so that a gap is filled as closely as the rest.

use teleinfo_proto::tic::{Dataset, MeterId, Value};

use crate::power::reading::Power;

/// What a meter showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which meter.
    pub meter: MeterId,
    /// When, in ms since 1970.
    pub unix_ms: i64,
    /// Its labels, and what was worked out.
    pub fields: Vec<(String, i64)>,
}

/// Picks the records of one meter.
#[derive(Debug, Clone)]
pub struct Picker {
    meter: MeterId,
    every_ms: i64,
    last: Option<i64>,
    picked: Vec<Record>,
}

impl Picker {
    /// One record in so many ms; zero: of each frame.
    #[must_use]
    pub const fn new(meter: MeterId, every_ms: i64) -> Self {
        Self { meter, every_ms, last: None, picked: Vec::new() }
    }

    /// The meter showed this, and all of it is believed; the power is known of a sample of the present.
    pub fn handle_datasets(&mut self, datasets: &[Dataset<'_>], power: Option<&Power>, unix_ms: i64) {
        let turn = unix_ms.checked_div_euclid(self.every_ms).unwrap_or(unix_ms);
        if self.last == Some(turn) {
            return;
        }
        let mut fields: Vec<(String, i64)> = datasets.iter().filter_map(number).collect();
        if let Some(power) = power {
            fields.extend([("power", power.watts), ("apparent", power.apparent)].map(|(name, value)| (name.to_owned(), value)));
        }
        if !fields.is_empty() {
            self.last = Some(turn);
            self.picked.push(Record { meter: self.meter, unix_ms, fields });
        }
    }

    /// The records that were picked since the last call.
    pub fn poll_picked(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.picked)
    }
}

/// The meter's address has digits, and is no number.
fn number(dataset: &Dataset<'_>) -> Option<(String, i64)> {
    let value = dataset.value();
    let number = value.number().filter(|_| !matches!(value, Value::Identity(_)))?;
    Some((dataset.label().to_owned(), i64::try_from(number).ok()?))
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::Mode;

    use super::*;

    fn picked(every_ms: i64, times: &[i64]) -> Vec<Record> {
        let mut picker = Picker::new("021861000001".parse().unwrap(), every_ms);
        let texts = [("ADCO", "021861000001"), ("BASE", "000012345"), ("PTEC", "TH.."), ("PAPP", "00560")];
        let datasets: Vec<_> = texts.iter().map(|(label, data)| Dataset::new(Mode::Historic, label, None, data).unwrap()).collect();
        times.iter().for_each(|unix_ms| picker.handle_datasets(&datasets, None, *unix_ms));
        picker.poll_picked()
    }

    #[test]
    fn a_record_has_what_is_a_number() {
        let records = picked(10_000, &[5]);
        assert_eq!(records[0].fields, [("BASE".to_owned(), 12_345), ("PAPP".to_owned(), 560)]);
    }

    #[test]
    fn one_in_a_while_whether_of_now_or_of_the_past() {
        let times = |every_ms, times: &[i64]| picked(every_ms, times).iter().map(|record| record.unix_ms).collect::<Vec<_>>();
        assert_eq!(times(10_000, &[1_000, 9_999, 10_000, 12_000, 3_000, 4_000, 21_000]), [1_000, 10_000, 3_000, 21_000]);
        assert_eq!(times(0, &[1_000, 1_001, 1_000]), [1_000, 1_001, 1_000]);
        assert!(times(10_000, &[]).is_empty());
    }
}
