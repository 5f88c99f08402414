//! English or French, for what people read on a terminal.
//!
//! Whatever is said in both is a constant [`Words`]; the compiler refuses one that lacks a language, or that leaves out in one language what it
//! fills in in the other. Only of such words a [`Sentence`] is made, and `doctor` says nothing but sentences.

use std::{
    env,
    fmt::{self, Display, Write},
    str::FromStr,
};

/// What stands where something is filled in.
const HOLE: &str = "{}";

/// What the user reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// `en`
    English,
    /// `fr`
    French,
}

impl Language {
    /// As the terminal's user has set it (locale(7)): the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that says something.
    #[must_use]
    pub(crate) fn from_environment() -> Self {
        let said = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|name| env::var(name).ok()).find(|value| !value.is_empty());
        if said.is_some_and(|value| value.starts_with("fr")) { Self::French } else { Self::English }
    }

    /// The one of two that is in this language.
    #[must_use]
    pub(crate) fn choose<T>(self, english: T, french: T) -> T {
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

/// The same in both languages. Each `{}` is filled in, in the same order in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    english: &'static str,
    french: &'static str,
}

impl Words {
    /// Both languages, English first. As a constant it is checked when the program is compiled.
    pub(crate) const fn new(english: &'static str, french: &'static str) -> Self {
        assert!(!english.is_empty() && !french.is_empty(), "one of the languages is missing");
        assert!(holes(english) == holes(french), "one language fills in more than the other");
        Self { english, french }
    }

    /// What is the same in both: a name, a unit.
    pub(crate) const fn alike(word: &'static str) -> Self {
        Self::new(word, word)
    }

    /// The words of one language, as they stand.
    pub(crate) fn get(self, language: Language) -> &'static str {
        language.choose(self.english, self.french)
    }

    /// A sentence of them.
    pub(crate) fn say(self, language: Language, values: &[&dyn Display]) -> Sentence {
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
pub(crate) struct Sentence(String);

impl Sentence {
    /// What is no language: a path, a number, a name.
    pub(crate) fn of(name: impl Display) -> Self {
        Self(name.to_string())
    }

    pub(crate) fn as_str(&self) -> &str {
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
    fn words_of_one_language_only_are_refused() {
        for (english, french) in [("", "x"), ("x", ""), ("a {}", "b"), ("a {}", "b {} {}")] {
            assert!(std::panic::catch_unwind(|| Words::new(english, french)).is_err(), "{english:?} {french:?}");
        }
    }
}
