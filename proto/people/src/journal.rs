//! The journal: what a program says of itself while it runs, in the language of whoever keeps the machine.
//!
//! A program has one journal, as it has one standard error. So its language is set once, when the program starts, and each place that says
//! something takes it from here. English until it is set, so that tests and scripts read what they expect.

use std::{
    fmt::Display,
    sync::atomic::{AtomicBool, Ordering},
};

use crate::language::{Language, Sentence, Words};

static IS_FRENCH: AtomicBool = AtomicBool::new(false);

/// From now on the journal is in this language.
pub fn speak(language: Language) {
    IS_FRENCH.store(language == Language::French, Ordering::Relaxed);
}

/// The language of the journal.
#[must_use]
pub fn language() -> Language {
    if IS_FRENCH.load(Ordering::Relaxed) { Language::French } else { Language::English }
}

/// A sentence for the journal.
#[must_use]
pub fn say(words: Words, values: &[&dyn Display]) -> Sentence {
    words.say(language(), values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_is_in_english_until_it_is_told_otherwise() {
        const STOPPED: Words = Words::new("stopped after {} s", "arrêté après {} s");
        assert_eq!(say(STOPPED, &[&3]).as_str(), "stopped after 3 s");
        speak(Language::French);
        assert_eq!(say(STOPPED, &[&3]).as_str(), "arrêté après 3 s");
        speak(Language::English);
    }
}
