//! What the labels of a meter depend on: its mode and its contract.

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::{Dataset, Mode, Role, Value};

use crate::meter::tariff_names::squeeze;

/// What the labels of a meter depend on: when it changes, labels and entities of the old one are gone for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Which mode the meter speaks.
    pub mode: Mode,
    /// OPTARIF in words, or the supplier's calendar, which may have no name.
    pub contract: String,
}

impl Terms {
    /// What one frame says of it. A frame that is not whole may lack NGTF, and a three-phase short frame never has OPTARIF.
    #[must_use]
    pub fn of(mode: Mode, datasets: &[Dataset<'_>], whole: bool) -> Option<Self> {
        let find = |label: &str| datasets.iter().find(|dataset| dataset.label() == label);
        let contract = match mode {
            Mode::Standard => find("NGTF").map(|calendar| squeeze(calendar.data())).or_else(|| whole.then(String::new)),
            Mode::Historic => match datasets.iter().find(|dataset| dataset.role() == Some(Role::Contract))?.value() {
                Value::TariffOption(option) => Some(option.name().to_owned()),
                Value::Text(name) => Some(squeeze(name)),
                _ => None,
            },
        };
        Some(Self { mode, contract: contract? })
    }
}
