//! How well a meter is being read: the JSON of `teleinfo/<meter>/quality`, retained.
//!
//! Counters are the reader's own, since it started. `reception` is the share of good frames over the last ten minutes, so that an old
//! fault does not hide a new one and a new start does not hide an old one.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use serde::Serialize;
use teleinfo_proto::wire::{BootId, Cause, Counters, Line, Status};

use crate::homeassistant::Language;

/// Counters alone are worth a message at most this often.
const PERIOD: Duration = Duration::from_secs(60);
/// What `reception` looks back on.
const WINDOW: Duration = Duration::from_secs(600);
/// Distance of the points in that window.
const POINT: Duration = Duration::from_secs(10);

/// What is known of the reception of one meter.
#[derive(Debug, Default)]
pub struct Quality {
    reader: Option<Reader>,
    boot: Option<BootId>,
    counters: Counters,
    lost: u64,
    points: VecDeque<(Instant, Frames)>,
    published: Option<(Instant, Vec<u8>)>,
    /// Line or cause changed: not to wait.
    urgent: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Reader {
    name: String,
    version: String,
    boot: String,
    #[serde(skip)]
    line: Line,
    #[serde(skip)]
    cause: Cause,
}

#[derive(Debug, Clone, Copy, Default)]
struct Frames {
    good: u32,
    all: u32,
}

#[derive(Serialize)]
struct Report<'a> {
    line: &'static str,
    cause: Cause,
    cause_text: &'static str,
    reception: Option<f64>,
    frames_good: u32,
    frames_damaged: u32,
    frames_cut: u32,
    datasets_good: u32,
    refused: BTreeMap<&'static str, u32>,
    unidentified: u32,
    index_resets: u32,
    samples_unsent: u32,
    samples_lost: u64,
    reconnects: u32,
    reader: Option<&'a Reader>,
    bridge: Bridge,
}

#[derive(Serialize)]
struct Bridge {
    version: &'static str,
}

impl Quality {
    /// Takes the counters that came with a sample. Returns how many indexes were reset since the last ones.
    pub fn counters(&mut self, boot: BootId, counters: &Counters, now: Instant) -> u32 {
        let resets = if self.boot == Some(boot) { counters.index_resets.wrapping_sub(self.counters.index_resets) } else { 0 };
        if self.boot != Some(boot) {
            self.boot = Some(boot);
            self.points.clear();
        }
        self.counters = *counters;
        self.point(now);
        resets
    }

    /// Takes a reader's report on itself.
    pub fn status(&mut self, status: &Status<'_>, now: Instant) {
        let reader = Reader {
            name: status.name.to_owned(),
            version: status.release.to_owned(),
            boot: status.boot.to_string(),
            line: status.line,
            cause: status.cause,
        };
        self.urgent |= self.reader.as_ref() != Some(&reader);
        self.reader = Some(reader);
        self.counters(status.boot, &status.counters, now);
    }

    /// Counts samples that nobody can bring back.
    pub fn lost(&mut self, samples: u64) {
        self.lost += samples;
        self.urgent |= samples > 0;
    }

    /// The report, when it is time for one.
    pub fn poll(&mut self, language: Language, now: Instant) -> Option<Vec<u8>> {
        let waited = self.published.as_ref().is_none_or(|(at, _)| now.saturating_duration_since(*at) >= PERIOD);
        if self.boot.is_none() || !(waited || self.urgent) {
            return None;
        }
        self.urgent = false;
        let report = self.json(language, now);
        let changed = self.published.as_ref().is_none_or(|(_, last)| *last != report);
        self.published = Some((now, report.clone()));
        changed.then_some(report)
    }

    /// The report, whatever was said before; nothing while nothing is known.
    pub fn again(&mut self, language: Language, now: Instant) -> Option<Vec<u8>> {
        self.published = None;
        self.poll(language, now)
    }

    fn point(&mut self, now: Instant) {
        let Counters { frames_good, frames_damaged, frames_cut, .. } = self.counters;
        let frames = Frames { good: frames_good, all: frames_good.wrapping_add(frames_damaged).wrapping_add(frames_cut) };
        if self.points.back().is_none_or(|(at, _)| now.saturating_duration_since(*at) >= POINT) {
            self.points.push_back((now, frames));
        }
        while self.points.len() > 2 && self.points.get(1).is_some_and(|(at, _)| now.saturating_duration_since(*at) > WINDOW) {
            self.points.pop_front();
        }
    }

    /// In %, with one decimal. Over all the reader has counted, while there is no window yet.
    fn reception(&self) -> Option<f64> {
        let Counters { frames_good, frames_damaged, frames_cut, .. } = self.counters;
        let base = self.points.front().filter(|_| self.points.len() > 1).map_or(Frames::default(), |(_, frames)| *frames);
        let all = frames_good.wrapping_add(frames_damaged).wrapping_add(frames_cut).wrapping_sub(base.all);
        let good = frames_good.wrapping_sub(base.good);
        (all > 0).then(|| (f64::from(good) / f64::from(all) * 1_000.0).round() / 10.0)
    }

    fn json(&self, language: Language, _now: Instant) -> Vec<u8> {
        let counters = &self.counters;
        // Samples without a report: an old reader, or one whose report is still on its way. It reads, evidently.
        let (line, cause) = self.reader.as_ref().map_or((Line::Reading, Cause::None), |reader| (reader.line, reader.cause));
        let report = Report {
            line: line.name(),
            cause,
            cause_text: match language {
                Language::English => cause.english(),
                Language::French => cause.french(),
            },
            reception: self.reception(),
            frames_good: counters.frames_good,
            frames_damaged: counters.frames_damaged,
            frames_cut: counters.frames_cut,
            datasets_good: counters.datasets_good,
            refused: counters.refusals().collect(),
            unidentified: counters.unidentified,
            index_resets: counters.index_resets,
            samples_unsent: counters.samples_unsent,
            samples_lost: self.lost,
            reconnects: counters.reconnects,
            reader: self.reader.as_ref(),
            bridge: Bridge { version: env!("CARGO_PKG_VERSION") },
        };
        serde_json::to_vec(&report).unwrap_or_default()
    }
}
