//! A table of captures: each is played through reader, bridge and Mosquitto, and what a subscriber sees is held against
//! what the project's decoder and an independent checker find in the file.
//!
//! Every frame of the capture with a good dataset must come out as a message that holds all its good datasets, in
//! order; and no message may hold a value that is not a good dataset of the capture. A capture in which no identity
//! is good gets a frame with an invented one before it, as a meter sends while its output sleeps.

use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use teleinfo_proto::tic::Mode;
use teleinfo_simulator::capture::decode::{Summary, decode};
use teleinfo_simulator::chain::broker::Broker;
use teleinfo_simulator::chain::process::free_port;
use teleinfo_simulator::chain::programs::{self, Mqtt, wait_for_reader};
use teleinfo_simulator::chain::watch::Watch;
use teleinfo_simulator::failure::{Code, OrFail, Outcome};
use teleinfo_simulator::line::frame::{Fields, Frame};
use teleinfo_simulator::line::player::play;
use teleinfo_simulator::line::pty::Terminal;
use teleinfo_simulator::line::replay::Replay;
use teleinfo_simulator::line::source::{Burst, Chained};
use teleinfo_simulator::line::speed::Speed;
use teleinfo_simulator::line::stop::Stop;

/// Nothing more comes after so long.
const QUIET: Duration = Duration::from_millis(2500);
/// The address that is lent to captures without a good one.
const LENT: &str = "909961000000";
const IDENTITIES: [&str; 2] = ["ADCO", "ADSC"];

/// One row of the table: a capture, and what became of its datasets.
#[derive(Debug)]
pub struct CaptureRow {
    file: String,
    /// What the project's decoder finds.
    ours: Summary,
    /// How many datasets the external checker finds good.
    theirs: Option<u64>,
    /// A name was lent to it.
    lent: bool,
    /// Datasets that reached the subscriber.
    published: u64,
    /// Good datasets that did not, by the reader's reason.
    held_back: BTreeMap<String, u64>,
    /// Values that reached the subscriber and are no good dataset of the capture.
    foreign: Vec<String>,
}

impl CaptureRow {
    /// Every good dataset has arrived or was refused for a reason that the reader gives, and nothing else has.
    #[must_use]
    pub fn is_right(&self) -> bool {
        let held: u64 = self.held_back.values().sum();
        self.foreign.is_empty() && self.published + held == self.ours.good && !self.held_back.contains_key("lost")
    }
}

impl fmt::Display for CaptureRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let theirs = self.theirs.map_or("-".into(), |count| count.to_string());
        let mut why: Vec<String> = self.ours.refused.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        why.extend(self.held_back.iter().map(|(reason, count)| format!("{count} {reason}")));
        if self.lent {
            why.push("address lent".into());
        }
        if !self.foreign.is_empty() {
            why.push(format!("NOT IN THE FILE: {}", self.foreign.join(" ")));
        }
        let refused: u64 = self.ours.refused.values().chain(self.held_back.values()).sum();
        let verdict = if self.is_right() { "" } else { "  <-- WRONG" };
        write!(f, "{:50} {:>6} {theirs:>7} {:>9} {refused:>7}  {}{verdict}", self.file, self.ours.good, self.published, why.join(", "))
    }
}

/// The head of the table.
#[must_use]
pub fn head() -> String {
    format!("{:50} {:>6} {:>7} {:>9} {:>7}  why", "file", "good", "checker", "published", "refused")
}

/// Plays every `*.tic` of a directory; `show` gets each line as it is known.
///
/// # Errors
/// When a program is missing or ends, or a file cannot be read.
pub fn run(
    directory: &Path,
    checker: Option<&Path>,
    speed: Speed,
    stop: &Stop,
    show: &mut dyn FnMut(&CaptureRow),
) -> Outcome<Vec<CaptureRow>> {
    let dir = tempfile::tempdir().or_fail(Code::CannotCreate, || "cannot make a directory".into())?;
    let broker = Broker::open()?;
    let watch = Watch::start(broker.port, &["teleinfo/+", "teleinfo/+/history", "teleinfo/+/quality"])?;
    let mut bench = Bench { dir: dir.path(), port: broker.port, watch, speed, stop };
    let mut lines = Vec::new();
    for file in captures(directory)? {
        if stop.is_set() {
            break;
        }
        let line = bench.capture(&file, checker)?;
        show(&line);
        lines.push(line);
    }
    Ok(lines)
}

fn captures(directory: &Path) -> Outcome<Vec<PathBuf>> {
    let entries = std::fs::read_dir(directory).or_fail(Code::NoInput, || format!("cannot read {}", directory.display()))?;
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "tic")).collect();
    files.sort();
    Ok(files)
}

struct Bench<'d> {
    dir: &'d Path,
    port: u16,
    watch: Watch,
    speed: Speed,
    stop: &'d Stop,
}

/// The good datasets of a frame: label and data, as sent.
type Good = Vec<(String, String)>;

impl Bench<'_> {
    fn capture(&mut self, file: &Path, checker: Option<&Path>) -> Outcome<CaptureRow> {
        let (ours, frames) = look_into(file)?;
        let lent = !frames.iter().flatten().any(|(label, _)| IDENTITIES.contains(&label.as_str()));
        let messages = self.play(file, lent)?;
        let (states, quality): (Vec<_>, Vec<_>) = messages.into_iter().partition(|(topic, _)| !topic.ends_with("/quality"));
        let states: Vec<Value> = states.into_iter().map(|(_, state)| state).collect();
        let published = published(&frames, &states);
        let missing = ours.good - published;
        Ok(CaptureRow {
            file: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            theirs: checker.map(|checker| check(checker, file)).transpose()?,
            lent,
            published,
            held_back: held_back(missing, quality.last().map(|(_, quality)| quality)),
            foreign: foreign(&frames, &states),
            ours,
        })
    }

    /// Plays a file to a new reader and a new bridge, which know nothing of other captures; what the subscriber then sees.
    fn play(&mut self, file: &Path, lent: bool) -> Outcome<Vec<(String, Value)>> {
        let mut bridge = programs::bridge(self.dir, Mqtt::Broker(self.port), free_port()?)?;
        let link = self.dir.join("line");
        let terminal = Terminal::create(&link)?;
        let mut reader = programs::reader(self.dir, &link, &bridge.locator)?;
        wait_for_reader(&terminal, self.stop)?;
        // What still comes is of the bridge before, which said its last words when it ended.
        while self.watch.next(Duration::ZERO).is_some() {}
        let replay = Replay::open(&[file], false)?;
        let mut source = Chained { first: lent.then(|| name_only(&replay)), then: replay };
        play(&mut source, &terminal, self.speed, self.stop, &mut |_, _| Ok(()))?;
        let mut messages = self.listen();
        // With its line gone the reader tells its last counters, and the bridge passes them on at once.
        drop(terminal);
        messages.extend(self.listen());
        reader.check()?;
        bridge.process.check()?;
        Ok(messages)
    }
}

impl Bench<'_> {
    /// What the subscriber sees until it is quiet.
    fn listen(&self) -> Vec<(String, Value)> {
        let mut messages = Vec::new();
        while let Some(message) = self.watch.next(QUIET).filter(|_| !self.stop.is_set()) {
            if let Ok(Value::Object(mut value)) = serde_json::from_str(&message.payload) {
                // What comes as the past has its time beside the datasets.
                value.remove("time");
                messages.push((message.topic, Value::Object(value)));
            }
        }
        messages
    }
}

/// A frame with nothing but an address, in the mode of the capture.
fn name_only(replay: &Replay) -> Burst {
    let standard = replay.bursts().iter().any(|burst| burst.baud == Mode::Standard.baud());
    let (mode, label) = if standard { (Mode::Standard, "ADSC") } else { (Mode::Historic, "ADCO") };
    let mut fields = Fields::default();
    fields.text(label, LENT);
    let frame = Frame::compose(mode, 0, 0, &fields);
    Burst::new(frame.bytes, mode.baud(), Duration::from_millis(25))
}

/// What our own decoder makes of a file: the sum, and the good datasets of each frame.
fn look_into(file: &Path) -> Outcome<(Summary, Vec<Good>)> {
    let bytes = std::fs::read(file).or_fail(Code::NoInput, || format!("cannot read {}", file.display()))?;
    let mut lines = Vec::new();
    let summary = decode(&mut bytes.as_slice(), &mut lines, None)?;
    let frames = String::from_utf8_lossy(&lines).lines().filter_map(|line| good_of(&serde_json::from_str(line).ok()?)).collect();
    Ok((summary, frames))
}

fn good_of(frame: &Value) -> Option<Good> {
    let datasets = frame["datasets"].as_object()?;
    Some(datasets.iter().map(|(label, dataset)| (label.clone(), dataset["raw"].as_str().unwrap_or_default().to_owned())).collect())
}

fn holds(state: &Value, (label, data): &(String, String)) -> bool {
    state[label]["raw"] == data.as_str()
}

/// How many good datasets the messages hold, frame by frame and in order. A frame with nothing but an address
/// is no message: it counts as published, since there is nothing to say.
fn published(frames: &[Good], states: &[Value]) -> u64 {
    let mut next = 0;
    let mut count = 0;
    for frame in frames {
        if frame.iter().all(|(label, _)| IDENTITIES.contains(&label.as_str())) {
            count += frame.len();
            continue;
        }
        let rest = states.get(next..).unwrap_or_default();
        let held = |state: &Value| frame.iter().filter(|dataset| holds(state, dataset)).count();
        // The message that holds all of it, else the best of the next few.
        let whole = rest.iter().position(|state| held(state) == frame.len());
        let best = || (0..rest.len().min(3)).max_by_key(|at| (held(&rest[*at]), usize::MAX - at));
        if let Some(at) = whole.or_else(best) {
            count += held(&rest[at]);
            next += at + 1;
        }
    }
    count as u64
}

/// Values that are no good dataset of the capture.
fn foreign(frames: &[Good], states: &[Value]) -> Vec<String> {
    let good: HashSet<(&str, &str)> = frames.iter().flatten().map(|(label, data)| (label.as_str(), data.as_str())).collect();
    let mut found = Vec::new();
    for (label, dataset) in states.iter().filter_map(Value::as_object).flatten() {
        let data = dataset["raw"].as_str().unwrap_or_default();
        let lent = IDENTITIES.contains(&label.as_str()) && data == LENT;
        if !lent && !good.contains(&(label.as_str(), data)) {
            found.push(format!("{label} {data}"));
        }
    }
    found.dedup();
    found
}

/// What the reader counted of the good datasets that are not published; what it did not count is lost.
fn held_back(missing: u64, quality: Option<&Value>) -> BTreeMap<String, u64> {
    let mut reasons = BTreeMap::new();
    let mut left = missing;
    for reason in ["implausible", "unidentified"] {
        let counted = quality.and_then(|quality| find(quality, reason)).unwrap_or(0).min(left);
        if counted > 0 {
            reasons.insert(reason.to_owned(), counted);
            left -= counted;
        }
    }
    if left > 0 {
        reasons.insert("lost".to_owned(), left);
    }
    reasons
}

/// A counter whose name ends like this, anywhere in the quality message.
fn find(value: &Value, name: &str) -> Option<u64> {
    value.as_object()?.iter().find_map(|(key, value)| match value.as_u64() {
        Some(count) if key.ends_with(name) => Some(count),
        _ => find(value, name),
    })
}

/// How many groups the external checker finds good: the number after `groups ok` in what it prints.
fn check(checker: &Path, file: &Path) -> Outcome<u64> {
    let what = || format!("cannot run python3 {} {}", checker.display(), file.display());
    let output = Command::new("python3").arg(checker).arg(file).output().or_fail(Code::Unavailable, what)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let number = text.split("groups ok ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_default();
    number.parse().or_fail(Code::Data, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn frame(list: &[(&str, &str)]) -> Good {
        list.iter().map(|(label, data)| ((*label).into(), (*data).into())).collect()
    }

    #[test]
    fn frames_are_found_in_messages_in_order() {
        let frames = [frame(&[("A", "1"), ("B", "2")]), frame(&[("ADCO", "x")]), frame(&[("A", "2"), ("B", "2")])];
        let state = |a: &str| json!({"A": {"raw": a}, "B": {"raw": "2"}});
        assert_eq!(published(&frames, &[state("1"), state("2")]), 5);
        // A message is one frame's: that of the second is taken by the first, of which it holds a part.
        assert_eq!(published(&frames, &[state("2")]), 2);
        assert_eq!(published(&frames, &[]), 1);
        assert_eq!(foreign(&frames, &[state("2"), state("3")]), ["A 3"]);
    }

    #[test]
    fn what_is_missing_has_a_reason_or_is_lost() {
        let quality = json!({"refused": {"implausible": 2}, "unidentified": 0});
        assert_eq!(held_back(5, Some(&quality)), BTreeMap::from([("implausible".into(), 2), ("lost".into(), 3)]));
        assert!(held_back(0, Some(&quality)).is_empty());
    }
}
