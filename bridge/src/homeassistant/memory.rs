//! What a restart of the bridge must not forget of a meter: which entities it has, the names of its tariffs, and what was last told of it.
//!
//! Without it a meter's mobile-peak entities would vanish until the next peak, and "Energy HP" would be called "Energy index 2" until
//! the next morning, and an alarm would be told twice. One small file per meter in the state directory, written only when something new was learnt.

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::Mode;

use crate::{
    homeassistant::{announced::Announced, entities, shown::Shown},
    hours::calendar::Calendar,
    meter::{profile_hours::ProfileHours, tariff_names::TariffNames, terms::Terms, told::Told},
    power::signed::KeptPower,
    words::language::Language,
};

/// What outlives the process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Mode and contract that the rest is about.
    pub terms: Option<Terms>,
    /// What the meter has shown.
    pub shown: Shown,
    /// Names of its tariffs.
    pub names: TariffNames,
    /// How the hours of its profiles are to be read: of the meter, whatever its contract.
    pub hours: ProfileHours,
    /// Its off-peak hours and Tempo days: which of them outlive a change of contract, they know themselves.
    pub calendar: Calendar,
    /// What Home Assistant was told of.
    pub announced: Announced,
    /// What tells the words of the choices that it was told of from others.
    pub wording: Option<String>,
    /// The unique id of the total: the same in both modes, whatever it began as.
    pub total_id: Option<String>,
    /// Whether the total goes on from that of another meter.
    pub is_continued: bool,
    /// Whether another meter was heard of that goes on from the total.
    pub is_succeeded: bool,
    /// Whether the entities of another program were taken over already.
    pub migrated: bool,
    /// What was last told: a record of its own on the disk, since its loss is another one.
    #[serde(skip)]
    pub told: Told,
    /// What was learnt of the power: likewise.
    #[serde(skip)]
    pub power: KeptPower,
}

impl Memory {
    /// Other terms: what was learnt under those before no longer holds.
    pub fn begin(&mut self, terms: Terms) {
        *self = Self { terms: Some(terms), shown: self.shown.of_any_contract(), names: TariffNames::default(), ..std::mem::take(self) };
    }

    /// Whether Home Assistant was told of choices in other words than it would be now.
    #[must_use]
    pub fn is_reworded(&self, language: Language) -> bool {
        !self.announced.is_empty() && self.wording.as_ref() != Some(&entities::wording(language))
    }

    /// The mode that entities are about.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        self.terms.as_ref().map(|terms| terms.mode)
    }
}
