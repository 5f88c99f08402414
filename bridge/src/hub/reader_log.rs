//! What each run of a reader last reported, in one line, and whether that is news.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use teleinfo_proto::{
    tic::MeterId,
    wire::{BootId, Cause, LineState, Status},
};

use crate::words::{
    cause, journal,
    language::{Language, Words},
    limits::Limits,
    printable::printable,
};

const READS: Words = Words::new("reader {} ({}) reads meter {}", "lecteur {} ({}) : lit le compteur {}");
const READS_BADLY: Words = Words::new("reader {} ({}) reads meter {}: {}", "lecteur {} ({}) : lit le compteur {} : {}");
const DOES_NOT_READ: Words = Words::new("reader {} ({}): line {}, {}", "lecteur {} ({}) : ligne {}, {}");
const SILENT: Words = Words::new("{}; silent for {} s", "{} ; muet depuis {} s");

/// A reader reports every ten seconds; one that has not for this time is silent.
const SILENCE: Duration = Duration::from_secs(40);
/// A run of a reader that is silent for so long is over.
const FORGOTTEN: Duration = Duration::from_secs(3_600);

/// All runs of readers that have reported.
#[derive(Debug, Default)]
pub(super) struct ReaderLog(HashMap<BootId, ReaderSeen>);

/// What a run of a reader last reported.
#[derive(Debug)]
struct ReaderSeen {
    line: LineState,
    cause: Cause,
    meter: Option<MeterId>,
    /// In both languages.
    texts: [String; 2],
    at: Instant,
}

impl ReaderLog {
    /// Takes a report. Returns its line if the reader's line, the cause of its trouble or its meter has changed.
    pub(super) fn handle_report(&mut self, status: &Status<'_>, limits: Limits, now: Instant) -> Option<String> {
        if self.0.len() >= limits.meters && !self.0.contains_key(&status.boot) {
            self.0.clear();
        }
        let texts = [Language::English, Language::French].map(|language| text_of(status, language));
        let seen = ReaderSeen { line: status.line, cause: status.cause, meter: status.meter, texts, at: now };
        let text = seen.text(journal::language()).to_owned();
        let last = self.0.insert(status.boot, seen);
        last.is_none_or(|last| (last.line, last.cause, last.meter) != (status.line, status.cause, status.meter)).then_some(text)
    }

    /// One line on each; nothing about a reader that has been silent for long.
    pub(super) fn lines(&self, language: Language, now: Instant) -> impl Iterator<Item = String> {
        self.0.values().filter_map(move |seen| seen.line_at(language, now))
    }
}

impl ReaderSeen {
    fn text(&self, language: Language) -> &str {
        let [english, french] = &self.texts;
        language.choose(english, french)
    }

    fn line_at(&self, language: Language, now: Instant) -> Option<String> {
        let silence = now.saturating_duration_since(self.at);
        match silence {
            _ if silence < SILENCE => Some(self.text(language).to_owned()),
            _ if silence < FORGOTTEN => Some(SILENT.say(language, &[&self.text(language), &silence.as_secs()]).to_string()),
            _ => None,
        }
    }
}

fn text_of(status: &Status<'_>, language: Language) -> String {
    let (name, release) = (printable(status.name), printable(status.release));
    let trouble = cause::sentence(status.cause, &printable(status.label), language);
    let text = match status.meter.filter(|_| status.line == LineState::Reading) {
        Some(id) if status.cause == Cause::None => READS.say(language, &[&name, &release, &id]),
        Some(id) => READS_BADLY.say(language, &[&name, &release, &id, &trouble]),
        None => DOES_NOT_READ.say(language, &[&name, &release, &status.line.name(), &trouble]),
    };
    text.to_string()
}
