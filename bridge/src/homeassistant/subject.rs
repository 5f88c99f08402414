//! What the announcement of a meter is made from.

use teleinfo_proto::tic::Mode;

use crate::{
    energy::meaning::Meanings,
    homeassistant::{component::Context, predecessor::Migrate, shown::Shown},
};

/// What a payload is made from.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Topics, meter, language.
    pub context: Context<'a>,
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
    /// Whose entities are taken over.
    pub migrate: Migrate,
}
