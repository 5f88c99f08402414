//! The words people read in Home Assistant: English, or French as an option.
//!
//! Only names and enum values are translated; labels, topics, keys and event types never are.

use serde::{Deserialize, Serialize};

/// The language of entity names and of readable values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// French.
    #[serde(rename = "fr")]
    French,
}

/// The same thing in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// English.
    pub english: &'static str,
    /// French.
    pub french: &'static str,
}

impl Words {
    /// Both languages, English first.
    #[must_use]
    pub const fn new(english: &'static str, french: &'static str) -> Self {
        Self { english, french }
    }

    /// The words of one language.
    #[must_use]
    pub const fn get(&self, language: Language) -> &'static str {
        match language {
            Language::English => self.english,
            Language::French => self.french,
        }
    }
}
