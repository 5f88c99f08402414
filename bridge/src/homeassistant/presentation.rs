//! How meters are presented: what is the same for all of them, and what their owner says of each.

use std::collections::BTreeMap;

use teleinfo_proto::tic::MeterId;

use crate::{
    homeassistant::predecessor::Migrate,
    prices::book::Book,
    words::{language::Language, topics::Topics},
};

/// What is the same for all meters.
#[derive(Debug, Clone)]
pub struct Presentation {
    /// Topic names.
    pub topics: Topics,
    /// Language of names and readable values.
    pub language: Language,
    /// Whether meters announce themselves to Home Assistant.
    pub discovery: bool,
    /// Whose entities to take over.
    pub migrate: Migrate,
    /// Whether the newest version is told.
    pub updates: bool,
    /// What their owner says of meters.
    pub meters: BTreeMap<MeterId, MeterWishes>,
    /// What energy costs at each meter without prices of its own.
    pub prices: Book,
}

/// What the owner says of one meter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MeterWishes {
    /// What its device is called.
    pub name: Option<String>,
    /// The meter whose place it took: its total goes on from there.
    pub continues: Option<MeterId>,
    /// What energy costs there, instead of what it costs at the others.
    pub prices: Option<Book>,
}

impl Presentation {
    /// The meter whose total this one goes on from.
    #[must_use]
    pub fn predecessor(&self, meter: MeterId) -> Option<MeterId> {
        self.meters.get(&meter)?.continues
    }

    /// Whether another meter goes on from the total of this one.
    #[must_use]
    pub fn has_successor(&self, meter: MeterId) -> bool {
        self.meters.values().any(|wishes| wishes.continues == Some(meter))
    }

    /// What energy costs at a meter.
    #[must_use]
    pub fn prices_of(&self, meter: MeterId) -> &Book {
        self.own_prices(meter).unwrap_or(&self.prices)
    }

    /// The table of the configuration in which that stands.
    #[must_use]
    pub fn prices_table(&self, meter: MeterId) -> String {
        if self.own_prices(meter).is_some() { format!("meter.\"{meter}\".prices") } else { "prices".into() }
    }

    fn own_prices(&self, meter: MeterId) -> Option<&Book> {
        self.meters.get(&meter)?.prices.as_ref()
    }

    /// What its owner calls a meter.
    #[must_use]
    pub fn name(&self, meter: MeterId) -> Option<&str> {
        self.meters.get(&meter)?.name.as_deref()
    }
}
