//! The names that the supplier gives to its indexes, learnt as each of them comes into use.
//!
//! A meter in standard mode sends the name of the current tariff only (LTARF, with NTARF saying which index it is). Which name
//! belongs to which index is never guessed from the text. LTARF stands at the start of a frame and NTARF near its end, so a frame in
//! which the tariff changes may carry the old name with the new index, and a damaged one may lack either: a name is learnt from two
//! frames in a row that say the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use teleinfo_proto::tic::Dataset;

use crate::meter::agreement::Agreement;

/// Frames in a row that teach a name.
const AGREEING: u32 = 2;

/// What the specification itself says of the indexes of Tempo, as the meter writes it: index 1 to 6 (Enedis NOI-CPT_54E, 6.1.1).
const TEMPO: [&str; 6] = ["HC BLEU", "HP BLEU", "HC BLANC", "HP BLANC", "HC ROUGE", "HP ROUGE"];

/// What a supplier index is called under a calendar (NGTF) before the meter has told, where that is known.
#[must_use]
pub fn foretold(calendar: &str, index: u8) -> Option<&'static str> {
    let place = usize::from(index).checked_sub(1)?;
    TEMPO.get(place).copied().filter(|_| calendar.eq_ignore_ascii_case("TEMPO"))
}

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

    /// Frames agreed on a name. Returns whether anything changed. Another calendar (NGTF) starts anew.
    pub fn handle_naming(&mut self, naming: Naming) -> bool {
        let Naming { calendar, index, name } = naming;
        let another = calendar.filter(|calendar| *calendar != self.calendar);
        let mut changed = another.is_some();
        if let Some(calendar) = another {
            *self = Self { calendar, names: BTreeMap::new() };
        }
        if self.get(index) != Some(name.as_str()) {
            self.names.insert(index, name);
            changed = true;
        }
        changed
    }
}

/// What one frame says: this index has this name, in this calendar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// A calendar without a name is taken for the one before.
    calendar: Option<String>,
    index: u8,
    name: String,
}

impl Naming {
    /// One that was agreed on.
    #[cfg(test)]
    pub(crate) fn new(index: u8, name: &str) -> Self {
        Self { calendar: None, index, name: name.to_owned() }
    }

    /// What the datasets of a frame say, if the frame before said the same.
    pub fn agreed(agreement: &mut Agreement<Self>, datasets: &[Dataset<'_>]) -> Option<Self> {
        let Some(naming) = Self::of(datasets) else {
            agreement.handle_nothing();
            return None;
        };
        (agreement.handle_said(naming.clone(), 1) >= AGREEING).then_some(naming)
    }

    fn of(datasets: &[Dataset<'_>]) -> Option<Self> {
        let find = |label: &str| datasets.iter().find(|dataset| dataset.label() == label);
        let index = find("NTARF")?.value().number()?.try_into().ok()?;
        let text = |label: &str| find(label).map(|dataset| squeeze(dataset.data()));
        let name = text("LTARF").filter(|name| !name.is_empty())?;
        Some(Self { calendar: text("NGTF"), index, name })
    }
}

/// A text without the meter's padding: no space at either end, single ones within.
#[must_use]
pub fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::{Dataset, Mode};

    use super::{Naming, TariffNames, foretold};
    use crate::meter::agreement::Agreement;

    /// The names of indexes 1 and 2 after these frames, each NGTF, LTARF and NTARF, empty where it is lacking.
    fn learnt(frames: &[[&str; 3]]) -> [Option<String>; 2] {
        let (mut agreement, mut names) = (Agreement::default(), TariffNames::default());
        for frame in frames {
            let padded = frame.map(|text| format!("{text:^16}"));
            let lines = [("NGTF", &*padded[0]), ("LTARF", &*padded[1]), ("NTARF", frame[2])];
            let lines = lines.iter().filter(|(_, data)| !data.trim().is_empty());
            let datasets: Vec<_> = lines.map(|(label, data)| Dataset::new(Mode::Standard, label, None, data).unwrap()).collect();
            let naming = Naming::agreed(&mut agreement, &datasets);
            naming.map(|naming| names.handle_naming(naming));
        }
        [1, 2].map(|index| names.get(index).map(str::to_owned))
    }

    const OFF_PEAK: [&str; 3] = ["TEMPO", "HC  BLEU", "01"];
    const PEAK: [&str; 3] = ["TEMPO", "HP  BLEU", "02"];

    #[test]
    fn two_frames_that_agree_teach_a_name() {
        assert_eq!(learnt(&[OFF_PEAK]), [None, None]);
        assert_eq!(learnt(&[OFF_PEAK, OFF_PEAK, PEAK, PEAK]), [Some("HC BLEU".into()), Some("HP BLEU".into())]);
    }

    #[test]
    fn a_frame_in_which_the_tariff_changes_teaches_nothing() {
        let between = ["TEMPO", "HC  BLEU", "02"];
        assert_eq!(learnt(&[OFF_PEAK, OFF_PEAK, between, PEAK, PEAK]), [Some("HC BLEU".into()), Some("HP BLEU".into())]);
        assert_eq!(learnt(&[OFF_PEAK, between, PEAK]), [None, None]);
    }

    #[test]
    fn what_a_damaged_frame_lacks_is_not_taken_from_another() {
        let (no_name, no_calendar) = (["TEMPO", "", "02"], ["", "HC  BLEU", "01"]);
        assert_eq!(learnt(&[OFF_PEAK, OFF_PEAK, no_name, no_name, no_calendar, no_calendar]), [Some("HC BLEU".into()), None]);
    }

    #[test]
    fn another_calendar_starts_anew() {
        let base = ["BASE", "BASE", "01"];
        assert_eq!(learnt(&[PEAK, PEAK, base, base]), [Some("BASE".into()), None]);
    }

    #[test]
    fn the_indexes_of_tempo_have_their_names_on_the_first_day() {
        assert_eq!((foretold("TEMPO", 1), foretold("TEMPO", 6)), (Some("HC BLEU"), Some("HP ROUGE")));
        assert_eq!((foretold("TEMPO", 0), foretold("TEMPO", 7), foretold("BASE", 1)), (None, None, None));
    }
}
