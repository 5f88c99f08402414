//! The words of a cause of trouble on the line, for Home Assistant and the log.

use teleinfo_proto::wire::{Advice, Cause};

use crate::words::language::{Language, Words};

/// The words of a cause and the label that it is about, which may be none.
#[must_use]
pub fn sentence(cause: Cause, label: &str, language: Language) -> String {
    let words = words(cause).get(language);
    match (label, language) {
        ("", _) => words.to_owned(),
        (label, Language::English) => format!("{label}: {words}"),
        (label, Language::French) => format!("{label} : {words}"),
    }
}

/// The words of a cause.
#[must_use]
pub fn words(cause: Cause) -> Words {
    let Advice { english, french } = cause.advice();
    Words { english, french }
}
