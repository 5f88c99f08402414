//! The words people read, in Home Assistant and on a terminal: English or French.
//!
//! Labels, topics, keys and event types are never translated. Whatever is said in both languages is a constant [`Words`]; the compiler
//! refuses one that lacks a language, or that leaves out in one language what it fills in in the other. Only of such words a [`Sentence`]
//! is made, and `doctor` says nothing but sentences.

use std::{
    env,
    fmt::{self, Display, Write},
    str::FromStr,
};

/// What stands where something is filled in.
const HOLE: &str = "{}";

/// What the user reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Language {
    /// English.
    #[default]
    #[cfg_attr(feature = "serde", serde(rename = "en"))]
    English,
    /// French.
    #[cfg_attr(feature = "serde", serde(rename = "fr"))]
    French,
}

/// Where a language comes from that nobody has chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundIn {
    /// Home Assistant's.
    HomeAssistant,
    /// That of the system.
    System,
    /// That of the meters, because the system says nothing.
    Meters,
}

impl FoundIn {
    /// What is said of it, of a program that has decided by itself.
    #[must_use]
    pub const fn words(self) -> Words {
        match self {
            Self::HomeAssistant => Words::new(
                "the language of Home Assistant decides that this journal is in English; the key language sets another",
                "la langue de Home Assistant décide que ce journal est en français ; la clé language en choisit une autre",
            ),
            Self::System => Words::new(
                "the language of the system decides that this journal is in English; the key language sets another",
                "la langue du système décide que ce journal est en français ; la clé language en choisit une autre",
            ),
            Self::Meters => Words::new(
                "the system says no language, so this journal is in French, as the meters are; the key language sets another",
                "le système ne dit aucune langue, ce journal est donc en français, comme les compteurs ; la clé language en choisit une autre",
            ),
        }
    }
}

impl Language {
    /// As the terminal's user has set it, or whoever installed the system; that of the meters where nobody has.
    #[must_use]
    pub fn usual() -> (Self, FoundIn) {
        let said = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|name| env::var(name).ok()).find(|value| !value.is_empty());
        said.and_then(|locale| Self::of_locale(&locale)).map_or((Self::French, FoundIn::Meters), |language| (language, FoundIn::System))
    }

    /// That of a locale (locale(7)) or of Home Assistant, `fr_FR.UTF-8` or `fr`: whoever speaks neither of two languages reads English. `C` and
    /// `POSIX` are no language: so begins a system on which nobody has chosen one.
    #[must_use]
    pub fn of_locale(locale: &str) -> Option<Self> {
        let name = locale.split(['_', '-', '.', '@']).next()?;
        match name {
            "" | "C" | "POSIX" => None,
            "fr" => Some(Self::French),
            _ => Some(Self::English),
        }
    }

    /// The one of two that is in this language.
    #[must_use]
    pub fn choose<T>(self, english: T, french: T) -> T {
        match self {
            Self::English => english,
            Self::French => french,
        }
    }
}

impl FromStr for Language {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "en" => Ok(Self::English),
            "fr" => Ok(Self::French),
            _ => Err("expected en or fr"),
        }
    }
}

/// The same thing in both languages. Each `{}` is filled in, in the same order in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// English.
    pub english: &'static str,
    /// French.
    pub french: &'static str,
}

impl Words {
    /// Both languages, English first. As a constant it is checked when the program is compiled.
    #[must_use]
    pub const fn new(english: &'static str, french: &'static str) -> Self {
        assert!(!english.is_empty() && !french.is_empty(), "one of the languages is missing");
        assert!(holes(english) == holes(french), "one language fills in more than the other");
        Self { english, french }
    }

    /// What is the same in both: a name, a unit.
    #[must_use]
    pub const fn alike(word: &'static str) -> Self {
        Self::new(word, word)
    }

    /// The words of one language, as they stand.
    #[must_use]
    pub const fn get(&self, language: Language) -> &'static str {
        match language {
            Language::English => self.english,
            Language::French => self.french,
        }
    }

    /// A sentence of them.
    #[must_use]
    pub fn say(&self, language: Language, values: &[&dyn Display]) -> Sentence {
        let mut parts = self.get(language).split(HOLE);
        let mut text = parts.next().unwrap_or_default().to_owned();
        for (part, value) in parts.zip(values) {
            // Writing to memory does not fail.
            let _ = write!(text, "{value}{part}");
        }
        Sentence(text)
    }
}

const fn holes(text: &str) -> usize {
    let (text, mut at, mut count) = (text.as_bytes(), 0, 0);
    while at + 1 < text.len() {
        count += (text[at] == b'{' && text[at + 1] == b'}') as usize;
        at += 1;
    }
    count
}

/// Something to be read, in the language of its reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence(String);

impl Sentence {
    /// What is no language: a topic, a path, a number, a name, or what another program has said.
    #[must_use]
    pub fn of(name: impl Display) -> Self {
        Self(name.to_string())
    }

    /// The sentence as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_comes_in_its_order() {
        const BOTH: Words = Words::new("{} of {}: {} %", "{} sur {} : {} %");
        let said = |language| BOTH.say(language, &[&3, &"four", &75]).to_string();
        assert_eq!((said(Language::English), said(Language::French)), ("3 of four: 75 %".into(), "3 sur four : 75 %".into()));
        assert_eq!(Words::alike("Wh").say(Language::French, &[]).as_str(), "Wh");
    }

    #[test]
    fn a_locale_says_a_language_or_nothing() {
        let cases = [("fr_FR.UTF-8", Some(Language::French)), ("fr", Some(Language::French)), ("fr-CA", Some(Language::French))];
        let others =
            [("en_GB.UTF-8", Some(Language::English)), ("de", Some(Language::English)), ("C.UTF-8", None), ("POSIX", None), ("", None)];
        for (locale, expected) in cases.into_iter().chain(others) {
            assert_eq!(Language::of_locale(locale), expected, "{locale}");
        }
    }

    #[test]
    fn words_of_one_language_only_are_refused() {
        for (english, french) in [("", "x"), ("x", ""), ("a {}", "b"), ("a {}", "b {} {}")] {
            assert!(std::panic::catch_unwind(|| Words::new(english, french)).is_err(), "{english:?} {french:?}");
        }
    }
}
