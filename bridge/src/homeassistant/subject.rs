//! What the announcement of a meter is made from.

use teleinfo_proto::tic::{MeterId, Mode};

use crate::{
    energy::meaning::Meanings,
    homeassistant::{component::Context, predecessor::Migrate, shown::Shown},
    prices::book::Book,
};

/// What a payload is made from.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// Topics, meter, language.
    pub context: Context<'a>,
    /// What its device is called, if not after its kind.
    pub name: Option<String>,
    /// The meter whose total it goes on from.
    pub continues: Option<MeterId>,
    /// Another meter goes on from its total, so it has none any more.
    pub has_successor: bool,
    /// There are several meters: each is called by its number too.
    pub is_one_of_several: bool,
    /// What the meter has shown.
    pub shown: &'a Shown,
    /// The mode it speaks.
    pub mode: Mode,
    /// The version of its TIC, in standard mode.
    pub version: Option<u64>,
    /// What its indexes mean.
    pub meanings: &'a Meanings,
    /// The unique id of its total, while nothing was lost.
    pub total_id: &'a str,
    /// The prices that its owner has given, if any.
    pub prices: Option<&'a Book>,
    /// Whose entities are taken over.
    pub migrate: Migrate,
}
