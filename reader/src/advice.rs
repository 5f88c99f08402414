//! The words of trouble on the line, in the language of whoever reads them.

use teleinfo_proto::wire::{Advice, Cause};

use crate::{language::Language, reading::ReadingState};

/// The words of what is wrong with a line, with the label that it is about.
#[must_use]
pub(crate) fn advice_on(state: &ReadingState, language: Language) -> String {
    let words = advice(state.cause, language);
    match (state.label, language) {
        (None, _) => words.to_owned(),
        (Some(label), Language::English) => format!("{label}: {words}"),
        (Some(label), Language::French) => format!("{label} : {words}"),
    }
}

/// The words of a cause.
#[must_use]
pub(crate) fn advice(cause: Cause, language: Language) -> &'static str {
    let Advice { english, french } = cause.advice();
    language.choose(english, french)
}
