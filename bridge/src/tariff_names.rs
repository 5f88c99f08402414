//! The names that the supplier gives to its indexes, learnt as each of them comes into use.
//!
//! A meter in standard mode sends the name of the current tariff only (LTARF, with NTARF saying which index it is). Which name
//! belongs to which index is never guessed from the text.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::state::State;

/// Name by supplier index, 1 to 10, within one calendar.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TariffNames {
    calendar: String,
    names: BTreeMap<u8, String>,
}

impl TariffNames {
    /// The name of an index.
    #[must_use]
    pub fn get(&self, index: u8) -> Option<&str> {
        self.names.get(&index).map(String::as_str)
    }

    /// Learns from a state. Returns whether anything changed. Another calendar (NGTF) starts anew.
    pub fn learn(&mut self, state: &State) -> bool {
        let (Some(index), Some(name)) = (state.number("NTARF"), state.get("LTARF")) else { return false };
        let (Ok(index), name) = (u8::try_from(index), squeeze(name.data)) else { return false };
        let calendar = state.get("NGTF").map(|calendar| squeeze(calendar.data)).unwrap_or_default();
        let mut changed = false;
        if calendar != self.calendar {
            *self = Self { calendar, names: BTreeMap::new() };
            changed = true;
        }
        if !name.is_empty() && self.get(index) != Some(name.as_str()) {
            self.names.insert(index, name);
            changed = true;
        }
        changed
    }
}

/// A text without the meter's padding: no space at either end, single ones within.
#[must_use]
pub fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
