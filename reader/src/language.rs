//! English or French, for what people read on a terminal.

use std::{env, str::FromStr};

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
