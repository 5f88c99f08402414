//! How meters are presented: what is the same for all of them.

use crate::{
    homeassistant::predecessor::Migrate,
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
}
