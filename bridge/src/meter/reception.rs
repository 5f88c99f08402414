//! How well a meter is being read: the JSON of `teleinfo/<meter>/quality`, retained.
//!
//! Counters are the reader's own, since it started. `reception` is the share of good frames over the last ten minutes, so that an old
//! fault does not hide a new one and a new start does not hide an old one.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use serde::Serialize;
use teleinfo_proto::wire::{BootId, Cause, Counters, LineState, Status};

use crate::words::{
    cause,
    language::{Language, Words},
    printable::printable,
};

/// Counters alone are worth a message at most this often.
const PERIOD: Duration = Duration::from_secs(60);
/// What `reception` looks back on.
const WINDOW: Duration = Duration::from_secs(600);
/// A reader reports every ten seconds; one that has not for so long is not there, or cut off.
pub const SILENCE: Duration = Duration::from_secs(40);
/// Distance of the points in that window.
const POINT: Duration = Duration::from_secs(10);
/// The state of the line while its reader is silent.
pub const UNREACHABLE: &str = "unreachable";
/// What to do about it.
const NO_WORD: Words = Words::new(
    "no word from the reader: check its power and its network, and that teleinfo-reader runs",
    "aucune nouvelle du lecteur : vérifier son alimentation, son réseau, et que teleinfo-reader tourne",
);

/// What is known of the reception of one meter.
#[derive(Debug, Default)]
pub struct Reception {
    reader: Option<Reader>,
    boot: Option<BootId>,
    counters: Counters,
    /// Index resets that samples have told of: reports run ahead of samples that wait or come late.
    resets: u32,
    lost: u64,
    points: VecDeque<(Instant, FrameCounts)>,
    published: Option<(Instant, Vec<u8>)>,
    /// When the reader last reported.
    heard: Option<Instant>,
    /// It has not for too long.
    unreachable: bool,
    /// Since when its readers contradict each other, and about what.
    contradiction: Option<(Instant, String)>,
    /// Another reader is refused, since when and in which words.
    another: Option<(Instant, String)>,
    /// Line or cause changed: not to wait.
    urgent: bool,
    /// Whether there was a figure for the reception when it was last looked at.
    known: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Reader {
    name: String,
    version: String,
    boot: String,
    #[serde(skip)]
    line: LineState,
    #[serde(skip)]
    cause: Cause,
    /// The label that the cause is about; empty if it is about none.
    #[serde(skip)]
    label: String,
}

#[derive(Debug, Clone, Copy, Default)]
struct FrameCounts {
    good: u32,
    all: u32,
}

#[derive(Serialize)]
struct QualityReport<'a> {
    line: &'static str,
    cause: Option<Cause>,
    cause_text: String,
    label: Option<&'a str>,
    reception: Option<f64>,
    frames_good: u32,
    frames_damaged: u32,
    frames_cut: u32,
    datasets_good: u32,
    line_feeds_damaged: u32,
    frame_starts_damaged: u32,
    refused: BTreeMap<&'static str, u32>,
    unidentified: u32,
    index_resets: u32,
    samples_unsent: u32,
    samples_lost: u64,
    reconnects: u32,
    /// Readers contradict each other about an index: its label, the number that was published, and the other one.
    contradiction: bool,
    contradiction_text: Option<&'a str>,
    /// Another reader speaks for the meter and is refused: what to do about it.
    refused_reader: Option<&'a str>,
    reader: Option<&'a Reader>,
    bridge: BridgeVersion,
}

#[derive(Serialize)]
struct BridgeVersion {
    version: &'static str,
}

impl Reception {
    /// Takes the counters that came with a sample. Returns how many indexes were reset since the sample before.
    pub fn handle_sample(&mut self, boot: BootId, counters: &Counters, now: Instant) -> u32 {
        let known = self.boot == Some(boot);
        self.counters(boot, counters, now);
        let before = std::mem::replace(&mut self.resets, counters.index_resets);
        if known { counters.index_resets.saturating_sub(before) } else { 0 }
    }

    /// A sample from the history has counters of the past; the newest stay.
    fn counters(&mut self, boot: BootId, counters: &Counters, now: Instant) {
        if self.boot != Some(boot) {
            self.boot = Some(boot);
            self.counters = Counters::default();
            self.resets = counters.index_resets;
            self.points.clear();
        }
        if counters.bytes >= self.counters.bytes {
            self.counters = *counters;
            self.point(now);
        }
    }

    /// Takes a reader's report on itself.
    pub fn handle_status(&mut self, status: &Status<'_>, now: Instant) {
        let reader = Reader {
            name: status.name.to_owned(),
            version: status.release.to_owned(),
            boot: status.boot.to_string(),
            line: status.line,
            cause: status.cause,
            label: printable(status.label),
        };
        self.urgent |= self.reader.as_ref() != Some(&reader);
        self.reader = Some(reader);
        self.heard = Some(now);
        self.counters(status.boot, &status.counters, now);
    }

    /// The report on a meter of which no reader has told anything.
    #[must_use]
    pub fn unheard(language: Language) -> Option<Vec<u8>> {
        Self { unreachable: true, ..Self::default() }.json(language)
    }

    /// Whether a reader has told anything.
    #[must_use]
    pub const fn is_heard(&self) -> bool {
        self.heard.is_some() || self.boot.is_some()
    }

    /// The name of the reader, as it last reported.
    #[must_use]
    pub fn reader(&self) -> Option<&str> {
        self.reader.as_ref().map(|reader| reader.name.as_str())
    }

    /// Its name and its version, if that is another one than the bridge's.
    #[must_use]
    pub fn other_version(&self) -> Option<String> {
        let reader = self.reader.as_ref().filter(|reader| reader.version != env!("CARGO_PKG_VERSION"))?;
        Some(format!("{} {}", reader.name, reader.version))
    }

    /// Whether the reader reports.
    #[must_use]
    pub const fn is_reachable(&self) -> bool {
        self.is_heard() && !self.unreachable
    }

    /// What the reader counted, as it last said.
    #[must_use]
    pub const fn newest(&self) -> &Counters {
        &self.counters
    }

    /// Samples that nobody can bring back.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Counts samples that nobody can bring back.
    pub fn handle_lost(&mut self, samples: u64) {
        self.lost += samples;
        self.urgent |= samples > 0;
    }

    /// Its readers contradict each other, and about this.
    pub fn handle_contradiction(&mut self, text: String, now: Instant) {
        let before = self.contradiction.replace((now, text));
        self.urgent |= before.is_none();
    }

    /// Another reader speaks for the meter and is refused, in these words; or that is over.
    pub fn handle_another(&mut self, text: Option<String>, now: Instant) {
        let before = self.another.take().map(|(_, before)| before);
        self.urgent |= before != text;
        self.another = text.map(|text| (now, text));
    }

    /// Whether nothing is known, not even of a reader that is refused.
    #[must_use]
    pub const fn is_silent(&self) -> bool {
        !self.is_heard() && self.another.is_none()
    }

    /// The report, when it is time for one.
    pub fn poll_report(&mut self, language: Language, now: Instant) -> Option<Vec<u8>> {
        let unreachable = self.heard.is_some_and(|at| now.saturating_duration_since(at) >= SILENCE);
        // The first frames of a run have come: reception is known.
        let known = self.percent().is_some();
        self.urgent |= unreachable != self.unreachable || known != self.known;
        (self.unreachable, self.known) = (unreachable, known);
        if self.contradiction.as_ref().is_some_and(|(at, _)| now.saturating_duration_since(*at) >= WINDOW) {
            self.contradiction = None;
            self.urgent = true;
        }
        if self.another.as_ref().is_some_and(|(at, _)| now.saturating_duration_since(*at) >= WINDOW) {
            self.handle_another(None, now);
        }
        let waited = self.published.as_ref().is_none_or(|(at, _)| now.saturating_duration_since(*at) >= PERIOD);
        let is_known = self.boot.is_some() || self.another.is_some() || self.published.is_some();
        if !is_known || !(waited || self.urgent) {
            return None;
        }
        self.urgent = false;
        let report = self.json(language)?;
        let changed = self.published.as_ref().is_none_or(|(_, last)| *last != report);
        self.published = Some((now, report.clone()));
        changed.then_some(report)
    }

    /// The report as it is now, in any language.
    #[must_use]
    pub fn report(&self, language: Language) -> Option<Vec<u8>> {
        self.json(language)
    }

    /// The report, if it differs from the one that was said last.
    pub fn poll_newest(&mut self, language: Language, now: Instant) -> Option<Vec<u8>> {
        self.urgent = true;
        self.poll_report(language, now)
    }

    /// The report as it was said last; nothing while nothing is known.
    #[must_use]
    pub fn repeat(&self) -> Option<Vec<u8>> {
        self.published.as_ref().map(|(_, report)| report.clone())
    }

    /// When to call [`Reception::poll_report`], if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let report = self.published.as_ref().filter(|_| self.boot.is_some()).map(|(at, _)| *at + PERIOD);
        let silence = self.heard.filter(|_| !self.unreachable && self.boot.is_some()).map(|at| at + SILENCE);
        let another = self.another.as_ref().map(|(at, _)| *at + WINDOW);
        report.into_iter().chain(silence).chain(another).min()
    }

    fn point(&mut self, now: Instant) {
        let Counters { frames_good, frames_damaged, frames_cut, .. } = self.counters;
        let frames = FrameCounts { good: frames_good, all: frames_good.wrapping_add(frames_damaged).wrapping_add(frames_cut) };
        if self.points.back().is_none_or(|(at, _)| now.saturating_duration_since(*at) >= POINT) {
            self.points.push_back((now, frames));
        }
        while self.points.len() > 2 && self.points.get(1).is_some_and(|(at, _)| now.saturating_duration_since(*at) > WINDOW) {
            self.points.pop_front();
        }
    }

    /// In %, with one decimal. Over all the reader has counted, while there is no window yet.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        let Counters { frames_good, frames_damaged, frames_cut, .. } = self.counters;
        let base = self.points.front().filter(|_| self.points.len() > 1).map_or(FrameCounts::default(), |(_, frames)| *frames);
        let all = frames_good.wrapping_add(frames_damaged).wrapping_add(frames_cut).wrapping_sub(base.all);
        let good = frames_good.wrapping_sub(base.good);
        (all > 0).then(|| (f64::from(good) / f64::from(all) * 1_000.0).round() / 10.0)
    }

    /// What the line is doing, and the likely cause in words.
    fn diagnosis(&self, language: Language) -> (&'static str, Option<Cause>, String) {
        let another = self.another.as_ref().map(|(_, text)| text.clone());
        if self.unreachable || !self.is_heard() {
            return (UNREACHABLE, None, another.unwrap_or_else(|| NO_WORD.get(language).to_owned()));
        }
        // Samples without a report: an old reader, or one whose report is still on its way. It reads, evidently.
        let (line, cause) = self.reader.as_ref().map_or((LineState::Reading, Cause::None), |reader| (reader.line, reader.cause));
        let text = another.unwrap_or_else(|| cause::sentence(cause, self.label().unwrap_or_default(), language));
        (line.name(), Some(cause), text)
    }

    /// The label that the cause is about.
    fn label(&self) -> Option<&str> {
        self.reader.as_ref().map(|reader| reader.label.as_str()).filter(|label| !label.is_empty() && !self.unreachable)
    }

    /// `None` if it cannot be written: an empty payload would delete what the broker holds.
    fn json(&self, language: Language) -> Option<Vec<u8>> {
        let counters = &self.counters;
        let (line, cause, cause_text) = self.diagnosis(language);
        let report = QualityReport {
            line,
            cause,
            cause_text,
            label: self.label(),
            reception: self.percent(),
            frames_good: counters.frames_good,
            frames_damaged: counters.frames_damaged,
            frames_cut: counters.frames_cut,
            datasets_good: counters.datasets_good,
            line_feeds_damaged: counters.line_feeds_damaged,
            frame_starts_damaged: counters.frame_starts_damaged,
            refused: counters.refusals().collect(),
            unidentified: counters.unidentified,
            index_resets: counters.index_resets,
            samples_unsent: counters.samples_unsent,
            samples_lost: self.lost,
            reconnects: counters.reconnects,
            contradiction: self.contradiction.is_some(),
            contradiction_text: self.contradiction.as_ref().map(|(_, text)| text.as_str()),
            refused_reader: self.another.as_ref().map(|(_, text)| text.as_str()),
            reader: self.reader.as_ref(),
            bridge: BridgeVersion { version: env!("CARGO_PKG_VERSION") },
        };
        serde_json::to_vec(&report).ok()
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::wire::Extent;

    use super::*;

    const BOOT: BootId = BootId::new(7);

    fn counters(good: u32, damaged: u32) -> Counters {
        Counters { frames_good: good, frames_damaged: damaged, ..Counters::default() }
    }

    fn status(line: LineState, cause: Cause) -> Status<'static> {
        Status {
            name: "cellar",
            release: "0.1.0",
            boot: BOOT,
            unix_ms: 0,
            uptime_ms: 0,
            line,
            cause,
            mode: None,
            meter: None,
            counters: counters(10, 0),
            history: Extent::default(),
            label: "",
        }
    }

    fn report(quality: &mut Reception, now: Instant) -> Option<serde_json::Value> {
        quality.poll_report(Language::English, now).map(|report| serde_json::from_slice(&report).unwrap())
    }

    #[test]
    fn counters_wait_a_minute_causes_do_not() {
        let (mut quality, start) = (Reception::default(), Instant::now());
        assert!(report(&mut quality, start).is_none(), "nothing is known yet");
        quality.handle_sample(BOOT, &counters(1, 0), start);
        assert!(report(&mut quality, start).is_some());
        quality.handle_sample(BOOT, &counters(2, 0), start);
        assert!(report(&mut quality, start + Duration::from_secs(59)).is_none());
        let at = |seconds| start + Duration::from_secs(seconds);
        quality.handle_status(&status(LineState::Searching, Cause::WeakSignal), at(58));
        let told = report(&mut quality, start + Duration::from_secs(59)).unwrap();
        assert_eq!((&told["line"], &told["cause"]), (&"searching".into(), &"weak-signal".into()));
        assert!(told["cause_text"].as_str().unwrap().contains("resistor"));
        assert_eq!(told["reader"], serde_json::json!({"name": "cellar", "version": "0.1.0", "boot": "0000000000000007"}));
        let later = Status { counters: counters(99, 0), ..status(LineState::Searching, Cause::WeakSignal) };
        quality.handle_status(&later, at(118));
        assert!(report(&mut quality, at(118)).is_none());
        assert!(report(&mut quality, at(119)).is_some());
        quality.handle_status(&later, at(299));
        assert!(report(&mut quality, at(300)).is_none(), "nothing has changed");
    }

    #[test]
    fn a_reader_that_falls_silent_is_said_once_and_so_is_its_return() {
        let (mut quality, start) = (Reception::default(), Instant::now());
        let line = |quality: &mut Reception, seconds: u64| {
            report(quality, start + Duration::from_secs(seconds)).map(|told| told["line"].as_str().unwrap().to_owned())
        };
        quality.handle_status(&status(LineState::Reading, Cause::None), start);
        assert_eq!(line(&mut quality, 0).as_deref(), Some("reading"));
        assert_eq!(line(&mut quality, 39), None);
        assert_eq!(line(&mut quality, 40).as_deref(), Some("unreachable"));
        assert_eq!(line(&mut quality, 41), None);
        quality.handle_status(&status(LineState::Reading, Cause::None), start + Duration::from_secs(50));
        assert_eq!(line(&mut quality, 50).as_deref(), Some("reading"));
    }

    #[test]
    fn a_reader_that_is_refused_is_the_diagnosis_until_it_is_accepted_or_quiet() {
        let (mut quality, start) = (Reception::default(), Instant::now());
        let told =
            |quality: &mut Reception, seconds| report(quality, start + Duration::from_secs(seconds)).map(|told| told["cause_text"].clone());
        quality.handle_another(Some("another reader".into()), start);
        assert_eq!(told(&mut quality, 0), Some("another reader".into()), "also of a meter that was never heard");
        quality.handle_sample(BootId::new(1), &counters(1, 0), start);
        quality.handle_another(Some("another reader".into()), start + Duration::from_secs(1));
        told(&mut quality, 61);
        quality.handle_another(None, start + Duration::from_secs(62));
        assert_eq!(told(&mut quality, 62), Some("no trouble".into()));
        quality.handle_another(Some("another reader".into()), start + Duration::from_secs(63));
        assert_eq!(told(&mut quality, 63), Some("another reader".into()));
        assert_eq!(told(&mut quality, 662), None);
        assert_eq!(told(&mut quality, 663), Some("no trouble".into()));
    }

    #[test]
    fn the_first_frames_of_a_run_are_news() {
        let (mut quality, start) = (Reception::default(), Instant::now());
        let fresh = |boot| Status { boot, counters: counters(0, 0), ..status(LineState::Searching, Cause::None) };
        for run in [1, 2] {
            quality.handle_status(&fresh(BootId::new(run)), start);
            assert!(report(&mut quality, start).unwrap()["reception"].is_null());
            quality.handle_sample(BootId::new(run), &Counters { bytes: 100, ..counters(1, 0) }, start);
            assert_eq!(report(&mut quality, start).unwrap()["reception"], 100.0);
        }
    }

    #[test]
    fn reception_forgets_old_faults() {
        let (mut quality, start) = (Reception::default(), Instant::now());
        let share = |quality: &mut Reception, seconds: u64, good: u32, damaged: u32| {
            quality.handle_sample(BOOT, &counters(good, damaged), start + Duration::from_secs(seconds));
            quality.percent().unwrap()
        };
        assert!((share(&mut quality, 0, 0, 10) - 0.0).abs() < 0.01);
        assert!((share(&mut quality, 20, 30, 10) - 100.0).abs() < 0.01);
        assert!((share(&mut quality, 60, 70, 30) - 77.8).abs() < 0.01);
        assert!((share(&mut quality, 900, 1_070, 30) - 100.0).abs() < 0.01);
    }

    #[test]
    fn resets_are_counted_within_one_run_of_the_reader() {
        let (mut quality, now) = (Reception::default(), Instant::now());
        let resets = |count| Counters { index_resets: count, ..Counters::default() };
        assert_eq!(quality.handle_sample(BOOT, &resets(3), now), 0);
        assert_eq!(quality.handle_sample(BOOT, &resets(4), now), 1);
        assert_eq!(quality.handle_sample(BootId::new(8), &resets(2), now), 0);
    }

    #[test]
    fn a_report_that_runs_ahead_of_the_samples_resets_nothing() {
        let (mut quality, now) = (Reception::default(), Instant::now());
        let counters = |bytes, index_resets| Counters { bytes, index_resets, ..Counters::default() };
        quality.handle_sample(BOOT, &counters(100, 4), now);
        quality.handle_status(&Status { counters: counters(300, 5), ..status(LineState::Reading, Cause::None) }, now);
        let told = [(200, 4), (250, 5), (400, 5)].map(|(bytes, resets)| quality.handle_sample(BOOT, &counters(bytes, resets), now));
        assert_eq!(told, [0, 1, 0]);
        assert_eq!(quality.counters.bytes, 400);
        quality.handle_sample(BOOT, &counters(350, 5), now);
        assert_eq!(quality.counters.bytes, 400, "a sample of the past");
    }
}
