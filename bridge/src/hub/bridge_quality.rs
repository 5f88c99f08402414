//! How the bridge itself is doing: the JSON of `teleinfo/bridge/quality`, retained.
//!
//! It is published when something was counted that [`Counter::is_trouble`], or when a complaint begins or ends, at most every
//! half a minute; ordinary work alone changes all the time and is worth a message every five minutes only.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::{
    complaints::{Complaint, Complaints},
    counters::{Counter, Counters},
};
use crate::words::language::Language;

/// Least time between two reports when something went wrong.
const PROMPT: Duration = Duration::from_secs(30);
/// Least time between two reports when nothing did.
const PATIENT: Duration = Duration::from_secs(300);

/// What the hub knows beside the counters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Meters {
    /// Meters that were heard of since the start.
    pub known: usize,
    /// Meters that are being read.
    pub online: usize,
}

/// How the repair of Home Assistant's statistics is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repair {
    /// There is an address and a token for it.
    pub is_on: bool,
    /// Why it does not work.
    pub reason: Option<String>,
}

/// Which versions there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions {
    /// The newest one, if it is known.
    pub newest: Option<String>,
    /// The readers that have another one than this bridge, with theirs.
    pub other_readers: Vec<String>,
}

/// When to publish the report, and what it says.
#[derive(Debug)]
pub struct BridgeQuality {
    language: Language,
    fingerprint: String,
    member: Option<String>,
    started: Instant,
    published: Option<(Instant, Facts)>,
}

/// What a report was made from; the time that has passed does not count as news.
#[derive(Debug, Clone, PartialEq)]
struct Facts {
    meters: Meters,
    numbers: Vec<(Counter, u64)>,
    complaints: Vec<(Complaint, u64, String)>,
    repair: Repair,
    versions: Versions,
}

impl BridgeQuality {
    /// The process started at `now`; it says in this language what complaints are about, that its key has this fingerprint, and its name as a
    /// member of a group.
    #[must_use]
    pub const fn new(language: Language, fingerprint: String, member: Option<String>, now: Instant) -> Self {
        Self { language, fingerprint, member, started: now, published: None }
    }

    /// Another member of the group says it. Once this one does, it says all of it at once.
    pub fn handle_silenced(&mut self) {
        self.published = None;
    }

    /// The report, when it is time for one.
    pub fn poll_report(
        &mut self,
        counters: &Counters,
        complaints: &Complaints,
        meters: Meters,
        repair: &Repair,
        versions: Versions,
        now: Instant,
    ) -> Option<Vec<u8>> {
        let waited = self.published.as_ref().map_or(Duration::MAX, |(at, _)| now.saturating_duration_since(*at));
        if waited < PROMPT {
            return None;
        }
        let facts = Facts { versions, ..Facts::new(counters, complaints, meters, repair) };
        let due = match &self.published {
            None => true,
            Some((_, last)) => *last != facts && (waited >= PATIENT || last.is_disturbed_by(&facts)),
        };
        if !due {
            return None;
        }
        let mut report = facts.json(self.language);
        report.insert("fingerprint".into(), json!(self.fingerprint));
        report.extend(self.member.iter().map(|member| ("member".into(), json!(member))));
        report.insert("uptime".into(), json!(now.saturating_duration_since(self.started).as_secs()));
        self.published = Some((now, facts));
        serde_json::to_vec(&report).ok()
    }
}

impl Facts {
    fn new(counters: &Counters, complaints: &Complaints, meters: Meters, repair: &Repair) -> Self {
        let complaints = complaints.lasting().map(|(kind, count, text)| (kind, count, text.to_owned())).collect();
        Self { meters, numbers: counters.all().collect(), complaints, repair: repair.clone(), versions: Versions::default() }
    }

    /// Whether something went wrong, came or went since, rather than that the work went on.
    fn is_disturbed_by(&self, next: &Self) -> bool {
        let trouble = |facts: &Self| facts.numbers.iter().filter(|(counter, _)| counter.is_trouble()).copied().collect::<Vec<_>>();
        let kinds = |facts: &Self| facts.complaints.iter().map(|(kind, ..)| *kind).collect::<Vec<_>>();
        self.meters != next.meters
            || self.repair != next.repair
            || self.versions != next.versions
            || trouble(self) != trouble(next)
            || kinds(self) != kinds(next)
    }

    fn json(&self, language: Language) -> Map<String, Value> {
        let mut report = Map::new();
        report.insert("version".into(), json!(env!("CARGO_PKG_VERSION")));
        report.extend(self.versions.newest.iter().map(|newest| ("newest".into(), json!(newest))));
        report.insert("other_readers".into(), json!(self.versions.other_readers));
        report.insert("meters".into(), json!(self.meters.known));
        report.insert("meters_online".into(), json!(self.meters.online));
        for (counter, number) in &self.numbers {
            insert(&mut report, counter.row().name, json!(number));
        }
        let problem = self.repair.reason.is_some();
        report.insert("statistics".into(), json!({ "on": self.repair.is_on, "problem": problem, "reason": self.repair.reason }));
        let complaints = self.complaints.iter().map(|(kind, count, text)| {
            (kind.name().to_owned(), json!({ "count": count, "subject": kind.subject().get(language), "text": text }))
        });
        report.insert("complaints".into(), complaints.collect::<Map<_, _>>().into());
        report
    }
}

/// Puts a value in its place: `refused.version` is the field `version` of the object `refused`.
fn insert(report: &mut Map<String, Value>, name: &str, value: Value) {
    match name.split_once('.') {
        None => {
            report.insert(name.to_owned(), value);
        }
        Some((object, field)) => {
            if let Value::Object(inner) = report.entry(object).or_insert_with(|| Value::Object(Map::new())) {
                inner.insert(field.to_owned(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        counters: Counters,
        complaints: Complaints,
        quality: BridgeQuality,
        repair: Repair,
        versions: Versions,
        start: Instant,
    }

    impl Bench {
        fn new() -> Self {
            let start = Instant::now();
            Self {
                counters: Counters::default(),
                complaints: Complaints::default(),
                quality: BridgeQuality::new(Language::French, "lusab-babad".into(), Some("attic".into()), start),
                repair: Repair::default(),
                versions: Versions::default(),
                start,
            }
        }

        fn report(&mut self, seconds: u64) -> Option<Value> {
            let now = self.start + Duration::from_secs(seconds);
            let report = self.quality.poll_report(
                &self.counters,
                &self.complaints,
                Meters { known: 2, online: 1 },
                &self.repair,
                self.versions.clone(),
                now,
            );
            report.map(|report| serde_json::from_slice(&report).unwrap())
        }
    }

    #[test]
    fn the_first_report_has_everything() {
        let mut bench = Bench::new();
        bench.counters.add(Counter::RefusedVersion, 3);
        bench.complaints.handle_complaint(Complaint::Version, "version 9", bench.start);
        let report = bench.report(7).unwrap();
        assert_eq!((&report["uptime"], &report["meters"], &report["meters_online"]), (&json!(7), &json!(2), &json!(1)));
        assert_eq!((&report["refused"]["version"], &report["fingerprint"]), (&json!(3), &json!("lusab-babad")));
        assert_eq!(report["member"], "attic");
        assert_eq!(
            report["complaints"],
            json!({ "version": { "count": 1, "subject": "messages d'une autre version", "text": "version 9" } })
        );
        for counter in Counter::ALL {
            let number = counter.row().name.split('.').fold(&report, |value, name| &value[name]);
            assert!(number.is_u64(), "{counter:?}");
        }
    }

    #[test]
    fn a_bridge_that_is_in_no_group_is_no_member() {
        let mut bench = Bench::new();
        bench.quality.member = None;
        assert_eq!(bench.report(0).unwrap().get("member"), None);
    }

    #[test]
    fn a_newer_version_is_told_once_it_is_known() {
        let mut bench = Bench::new();
        let report = bench.report(0).unwrap();
        assert_eq!((report.get("newest"), &report["other_readers"]), (None, &json!([])));
        bench.versions = Versions { newest: Some("9.0.0".into()), other_readers: vec!["cellar 0.0.9".into()] };
        let report = bench.report(30).unwrap();
        assert_eq!((&report["newest"], &report["other_readers"]), (&json!("9.0.0"), &json!(["cellar 0.0.9"])));
    }

    #[test]
    fn work_is_said_every_five_minutes_and_trouble_after_thirty_seconds() {
        let mut bench = Bench::new();
        assert!(bench.report(0).is_some());
        bench.counters.count(Counter::SamplesTaken);
        assert!(bench.report(299).is_none());
        assert!(bench.report(300).is_some());
        bench.counters.count(Counter::SamplesLost);
        assert!(bench.report(329).is_none());
        assert_eq!(bench.report(330).unwrap()["samples_lost"], 1);
        assert!(bench.report(10_000).is_none(), "nothing has changed but the time");
    }

    #[test]
    fn a_repair_that_does_not_work_is_said_with_its_reason() {
        let mut bench = Bench::new();
        assert_eq!(bench.report(0).unwrap()["statistics"], json!({ "on": false, "problem": false, "reason": null }));
        bench.repair = Repair { is_on: true, reason: Some("no answer".into()) };
        assert_eq!(bench.report(30).unwrap()["statistics"], json!({ "on": true, "problem": true, "reason": "no answer" }));
        bench.repair.reason = None;
        assert_eq!(bench.report(60).unwrap()["statistics"]["problem"], false);
    }

    #[test]
    fn a_complaint_that_begins_or_ends_is_news_and_its_repetition_is_not() {
        let mut bench = Bench::new();
        bench.report(0);
        let at = |bench: &Bench, seconds| bench.start + Duration::from_secs(seconds);
        let begin = at(&bench, 31);
        bench.complaints.handle_complaint(Complaint::Disk, "full", begin);
        assert_eq!(bench.report(31).unwrap()["complaints"]["disk"]["text"], "full");
        let again = at(&bench, 70);
        bench.complaints.handle_complaint(Complaint::Disk, "full", again);
        assert!(bench.report(70).is_none());
        let end = at(&bench, 2_000);
        assert!(bench.complaints.poll_remark(end).is_some());
        assert_eq!(bench.report(2_000).unwrap()["complaints"], json!({}));
    }
}
