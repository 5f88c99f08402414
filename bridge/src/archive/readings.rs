//! The samples that the memory is made of: of all samples of a meter, the last one before each full minute, and the first one after it.

use teleinfo_proto::tic::{Dataset, Label, Mode, Role};

/// In ms.
pub const MINUTE_MS: i64 = 60_000;

/// What the registers of a meter showed at one time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readings {
    /// In ms since 1970.
    pub unix_ms: i64,
    /// Each register that has ever counted, and its index in Wh.
    pub indexes: Vec<(String, u32)>,
}

/// Picks the samples of one meter.
#[derive(Debug, Clone, Default)]
pub struct Turns {
    last: Option<Readings>,
    picked: Vec<Readings>,
}

impl Turns {
    /// A meter showed this, and all of it is believed. Samples of the past may come between those of the present.
    pub fn handle_datasets(&mut self, datasets: &[Dataset<'_>], unix_ms: i64) {
        let indexes: Vec<(String, u32)> = datasets.iter().filter_map(index).collect();
        if indexes.is_empty() {
            return;
        }
        let readings = Readings { unix_ms, indexes };
        match self.last.replace(readings.clone()) {
            Some(last) if minute(last.unix_ms) == minute(unix_ms) => {}
            last => self.picked.extend(last.into_iter().chain([readings])),
        }
    }

    /// The samples that were picked since the last call.
    pub fn poll_picked(&mut self) -> Vec<Readings> {
        std::mem::take(&mut self.picked)
    }
}

const fn minute(unix_ms: i64) -> i64 {
    unix_ms.div_euclid(MINUTE_MS)
}

/// A register that stands at zero has never counted, and is not kept.
fn index(dataset: &Dataset<'_>) -> Option<(String, u32)> {
    let wh = dataset.value().number().filter(|wh| dataset.role().is_some_and(is_register) && *wh > 0)?;
    Some((dataset.label().to_owned(), u32::try_from(wh).ok()?))
}

/// Whether the memory keeps what a label shows, in whichever mode the meter shows it.
#[must_use]
pub fn is_kept(label: &str) -> bool {
    Mode::ALL.into_iter().filter_map(|mode| Label::find(mode, label)?.role).any(is_register)
}

const fn is_register(role: Role) -> bool {
    matches!(role, Role::IndexOf(_) | Role::SupplierIndex(_) | Role::EnergyWithdrawn | Role::EnergyInjected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(turns: &mut Turns, unix_ms: i64, data: &str) -> Vec<(i64, u32)> {
        let datasets = [("BASE", data), ("PAPP", "00260")].map(|(label, data)| Dataset::new(Mode::Historic, label, None, data).unwrap());
        turns.handle_datasets(&datasets, unix_ms);
        turns.poll_picked().iter().map(|readings| (readings.unix_ms, readings.indexes[0].1)).collect()
    }

    #[test]
    fn both_sides_of_each_minute_are_picked() {
        let mut turns = Turns::default();
        assert_eq!(picked(&mut turns, 1_000, "000000007"), [(1_000, 7)], "the first one of all");
        assert_eq!(picked(&mut turns, 58_000, "000000008"), []);
        assert_eq!(picked(&mut turns, 60_000, "000000009"), [(58_000, 8), (60_000, 9)]);
        assert_eq!(picked(&mut turns, 62_000, "000000000"), [], "it never counted");
        assert_eq!(picked(&mut turns, 5_000, "000000007"), [(60_000, 9), (5_000, 7)], "the past");
    }
}
