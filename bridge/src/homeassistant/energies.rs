//! The energy entities of a meter: one for each meaning of an index, and the total.
//!
//! A meaning that is over keeps its entity, with its name and its history, but unavailable: then nobody else takes its entity id. The
//! retained ledger tells which of them are available. It reaches Home Assistant before the number that an ended one must not see.

use serde_json::{Value, json};
use teleinfo_proto::tic::{Label, MeterId, Mode};

use crate::{
    energy::meaning::{Meaning, Meanings, TOTAL},
    homeassistant::{
        component::{Component, Context, component},
        entities,
        entity::{Entity, Source},
        predecessor::Migrate,
        shown::Shown,
        subject::Subject,
    },
    words::{
        language::{Language, Words},
        topics::Topics,
        utc,
    },
};

/// The key of the total.
const TOTAL_KEY: &str = "energy_total";
/// What an energy index is called, before the name of its tariff.
const ENERGY: Words = Words::new("Energy", "Énergie");
/// A contract changes at midnight, legal time, which is up to two hours ahead of UTC.
const LEGAL_TIME_S: i64 = 2 * 3_600;

/// One energy entity.
#[derive(Debug, Clone, Copy)]
pub struct EnergyEntity<'a> {
    /// Its line in the table.
    pub entity: &'static Entity,
    /// What it shows.
    pub meaning: &'a Meaning,
}

/// What an entity shows the meaning of: the label of an index, or the total.
#[must_use]
pub fn shows(entity: &Entity) -> Option<&'static str> {
    match entity.source {
        Source::Label(label) => is_index(label).then_some(label),
        _ => (entity.key == TOTAL_KEY).then_some(TOTAL),
    }
}

fn is_index(label: &str) -> bool {
    Mode::ALL.into_iter().any(|mode| Label::find(mode, label).is_some_and(|label| label.kind.is_index()))
}

/// Whether a component of this key is a total.
#[must_use]
pub fn is_total(key: &str) -> bool {
    key.starts_with(TOTAL_KEY)
}

/// The energy entities that hold now, of a meter that has shown this.
pub fn current<'a>(shown: &Shown, meanings: &'a Meanings) -> impl Iterator<Item = EnergyEntity<'a>> {
    meanings.current().filter_map(of).filter(|energy| energy.entity.is_for(shown))
}

fn of(meaning: &Meaning) -> Option<EnergyEntity<'_>> {
    let entity = entities::all().find(|entity| shows(entity) == Some(meaning.label.as_str()))?;
    Some(EnergyEntity { entity, meaning })
}

impl EnergyEntity<'_> {
    /// The unique id: the one it had under another program, or a plain one, if nothing was before; else with the time it began.
    #[must_use]
    pub fn unique_id(&self, migrate: Migrate, mode: Mode, meter: &MeterId, total_id: &str) -> String {
        match self.meaning.since {
            0 if self.meaning.label == TOTAL => total_id.to_owned(),
            0 => migrate.unique_id(self.entity, mode, meter),
            _ => format!("{}_{}", Topics::object_id(meter), self.key()),
        }
    }

    fn key(&self) -> String {
        let Meaning { since, .. } = self.meaning;
        if *since == 0 { self.entity.key.to_owned() } else { format!("{}_{since}", self.entity.key) }
    }

    /// The key of its component. A total that goes on from that of another meter is another component: under one key the unique id never
    /// changes.
    fn component_key(&self, continues: Option<MeterId>) -> String {
        match continues {
            Some(old) if self.meaning.label == TOTAL && self.meaning.since == 0 => format!("{TOTAL_KEY}_of_{old}"),
            _ => self.key(),
        }
    }

    /// The name, where no other entity has the same: that of its tariff once it is learnt, or where it is known before.
    fn title(&self, language: Language) -> String {
        let named = |tariff: &str| format!("{} {tariff}", ENERGY.get(language));
        self.meaning.tariff_name().map_or_else(|| self.entity.name.get(language).to_owned(), named)
    }

    /// The name among those of all others: two indexes of one name get their numbers, two meanings of one index the day they began.
    fn name(&self, all: &[EnergyEntity<'_>], language: Language) -> String {
        let title = self.title(language);
        let namesakes = || all.iter().filter(|other| other.meaning.id() != self.meaning.id() && other.title(language) == title);
        let number = namesakes().any(|other| other.meaning.label != self.meaning.label).then(|| index_of(&self.meaning.label)).flatten();
        let number = number.map(|number| format!(" (index {number})")).unwrap_or_default();
        let is_later = self.meaning.since > 0 && namesakes().any(|other| other.meaning.label == self.meaning.label);
        let since = if is_later { since(self.meaning.since, language) } else { String::new() };
        format!("{title}{number}{since}")
    }

    fn component(&self, all: &[EnergyEntity<'_>], subject: &Subject<'_>) -> (String, Component) {
        let name = self.name(all, subject.context.language);
        let unique_id = self.unique_id(subject.migrate, subject.mode, subject.context.meter, subject.total_id);
        let component = component(self.entity, &subject.context, unique_id, Some(name));
        (self.component_key(subject.continues), component.with_availability(availability(&self.meaning.id(), &subject.context)))
    }
}

/// All energy entities of a meter, those that are over too.
pub(super) fn components(subject: &Subject<'_>) -> Vec<(String, Component)> {
    let all: Vec<EnergyEntity<'_>> = current(subject.shown, subject.meanings).chain(subject.meanings.ended().filter_map(of)).collect();
    let handed_on = |energy: &&EnergyEntity<'_>| subject.has_successor && energy.meaning.label == TOTAL;
    all.iter().filter(|energy| !handed_on(energy)).map(|energy| energy.component(&all, subject)).collect()
}

fn availability(id: &str, context: &Context<'_>) -> Value {
    let (topics, meter) = (context.topics, context.meter);
    let template = format!("{{{{ 'online' if '{id}' in value_json.get('current', []) else 'offline' }}}}");
    json!([{ "t": topics.bridge_state() }, { "t": topics.availability(meter) }, { "t": topics.ledger(meter), "val_tpl": template }])
}

/// The number of a supplier index.
fn index_of(label: &str) -> Option<u8> {
    label.strip_prefix("EASF")?.parse().ok()
}

fn since(unix_seconds: i64, language: Language) -> String {
    let time = utc::rfc3339(unix_seconds + LEGAL_TIME_S);
    let date = time.get(..10).unwrap_or(&time);
    match language {
        Language::English => format!(" (since {date})"),
        Language::French => {
            let parts: Vec<&str> = date.rsplit('-').collect();
            format!(" (depuis le {})", parts.join("/"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_index_and_the_total_have_one_entity() {
        let mut shown: Vec<&str> = entities::all().filter_map(shows).collect();
        let number = shown.len();
        shown.sort_unstable();
        shown.dedup();
        assert_eq!(shown.len(), number, "of two entities of one label only one would be found");
        assert!(shown.contains(&TOTAL) && shown.contains(&"EAIT") && !shown.contains(&"EAST"));
    }

    #[test]
    fn days_are_those_of_the_meter() {
        // 2026-11-27T23:00:00Z and 2026-06-30T22:00:00Z: midnight in France.
        assert_eq!(since(1_795_820_400, Language::English), " (since 2026-11-28)");
        assert_eq!(since(1_782_856_800, Language::French), " (depuis le 01/07/2026)");
    }
}
