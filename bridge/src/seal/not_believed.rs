//! Why something is not believed, in words that name the command that helps.

use std::fmt;

use teleinfo_proto::{
    seal::{Fingerprint, Refused},
    tic::MeterId,
    wire::VERSION,
};

use crate::{
    order::arrival::Another,
    words::{
        another_reader, journal,
        language::{Sentence, Words},
    },
};

const OF_METER: Words = Words::new("meter {}: {}", "compteur {} : {}");
const NEWER: Words = Words::new(
    "a reader speaks version {} of the messages between the two, this bridge version {}: update this bridge",
    "un lecteur parle la version {} des messages entre les deux, cette passerelle la version {} : mettez cette passerelle à jour",
);
const OLDER: Words = Words::new(
    "a reader speaks version {} of the messages between the two, this bridge version {}: update that reader",
    "un lecteur parle la version {} des messages entre les deux, cette passerelle la version {} : mettez ce lecteur à jour",
);

/// Why something is not believed, in words that name the command that helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotBelieved {
    /// The reason.
    pub refused: Refused,
    /// A whole sentence for the journal, with the command that helps; `None` where nobody has anything to do.
    pub text: Option<String>,
    /// Another reader wants to speak for a meter.
    pub another: Option<Another>,
}

impl NotBelieved {
    /// With a whole sentence.
    pub(super) fn new(refused: Refused, text: Sentence) -> Self {
        Self { refused, text: Some(text.to_string()), another: None }
    }
}

impl From<Refused> for NotBelieved {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Version(version) => {
                Self::new(refused, journal::say(if version > VERSION { NEWER } else { OLDER }, &[&version, &VERSION]))
            }
            _ => Self { refused, text: None, another: None },
        }
    }
}

impl fmt::Display for NotBelieved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.text {
            Some(text) => f.write_str(text),
            None => self.refused.fmt(f),
        }
    }
}

/// Another reader than those of a meter, with the command that accepts it.
pub(super) fn another(meter: MeterId, words: Option<Fingerprint>) -> NotBelieved {
    let text = journal::say(OF_METER, &[&meter, &another_reader::sentence(meter, words, journal::language())]);
    NotBelieved { another: Some((meter, words)), ..NotBelieved::new(Refused::AnotherKey, text) }
}
