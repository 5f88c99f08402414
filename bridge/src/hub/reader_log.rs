//! What each run of a reader last reported, in one line, and whether that is news.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use teleinfo_proto::{
    tic::MeterId,
    wire::{BootId, Cause, LineState, Status},
};

use crate::words::{cause, journal, language::Words, printable::printable};

const READS: Words = Words::new("reader {} ({}) reads meter {}", "lecteur {} ({}) : lit le compteur {}");
const READS_BADLY: Words = Words::new("reader {} ({}) reads meter {}: {}", "lecteur {} ({}) : lit le compteur {} : {}");
const DOES_NOT_READ: Words = Words::new("reader {} ({}): line {}, {}", "lecteur {} ({}) : ligne {}, {}");
const SILENT: Words = Words::new("{}; silent for {} s", "{} ; muet depuis {} s");

/// Runs of readers that are remembered for the log.
const READERS_MAX: usize = 2_048;
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
    text: String,
    at: Instant,
}

impl ReaderLog {
    /// Takes a report. Returns its line if the reader's line, the cause of its trouble or its meter has changed.
    pub(super) fn handle_report(&mut self, status: &Status<'_>, now: Instant) -> Option<String> {
        if self.0.len() >= READERS_MAX && !self.0.contains_key(&status.boot) {
            self.0.clear();
        }
        let text = text_of(status);
        let seen = ReaderSeen { line: status.line, cause: status.cause, meter: status.meter, text: text.clone(), at: now };
        let last = self.0.insert(status.boot, seen);
        last.is_none_or(|last| (last.line, last.cause, last.meter) != (status.line, status.cause, status.meter)).then_some(text)
    }

    /// One line on each; nothing about a reader that has been silent for long.
    pub(super) fn lines(&self, now: Instant) -> impl Iterator<Item = String> {
        self.0.values().filter_map(move |seen| seen.line_at(now))
    }
}

impl ReaderSeen {
    fn line_at(&self, now: Instant) -> Option<String> {
        let silence = now.saturating_duration_since(self.at);
        match silence {
            _ if silence < SILENCE => Some(self.text.clone()),
            _ if silence < FORGOTTEN => Some(journal::say(SILENT, &[&self.text, &silence.as_secs()]).to_string()),
            _ => None,
        }
    }
}

fn text_of(status: &Status<'_>) -> String {
    let (name, release) = (printable(status.name), printable(status.release));
    let trouble = cause::sentence(status.cause, &printable(status.label), journal::language());
    let text = match status.meter.filter(|_| status.line == LineState::Reading) {
        Some(id) if status.cause == Cause::None => journal::say(READS, &[&name, &release, &id]),
        Some(id) => journal::say(READS_BADLY, &[&name, &release, &id, &trouble]),
        None => journal::say(DOES_NOT_READ, &[&name, &release, &status.line.name(), &trouble]),
    };
    text.to_string()
}
