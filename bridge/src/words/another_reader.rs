//! What is said of a reader that is not believed because its meter has another: for the journal, for Home Assistant and for `doctor`.

use teleinfo_proto::{seal::Fingerprint, tic::MeterId};

use crate::words::language::{Language, Sentence, Words};

const ANOTHER: Words = Words::new(
    "another reader{} speaks for it and is refused; if it is yours: sudo teleinfo-bridge accept {}{}",
    "un autre lecteur{} parle pour lui et est refusé ; si c'est le vôtre : sudo teleinfo-bridge accept {}{}",
);

/// The sentence, with the command that accepts the reader. Its words are known once it has met this bridge.
#[must_use]
pub fn sentence(meter: MeterId, words: Option<Fingerprint>, language: Language) -> Sentence {
    let words = words.map(|words| format!(" {words}")).unwrap_or_default();
    ANOTHER.say(language, &[&words, &meter, &words])
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::seal::Identity;

    use super::*;

    #[test]
    fn home_assistant_takes_it_as_a_state() {
        let words = Identity::from_seed(&[1; 32]).key().fingerprint();
        for language in [Language::English, Language::French] {
            let text = sentence("012345678912".parse().unwrap(), Some(words), language);
            assert!(text.as_str().chars().count() <= 255, "{text}");
            assert!(text.as_str().ends_with(&format!("sudo teleinfo-bridge accept 012345678912 {words}")), "{text}");
        }
    }
}
