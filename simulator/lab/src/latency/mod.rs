//! The way of a dataset and of a frame, measured: from its last byte on the serial line to a subscriber of the broker, through both programs
//! and Mosquitto, all on this machine. Beside them a bare loop on the same bytes (`bare`) says what the machine could do at best, and the
//! processor time of both is held against each other. `line` is what they read.

mod bare;
mod line;

use self::bare::BareLoop;
use self::line::Ends;
use serde_json::Value;
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};
use teleinfo_proto::tic::{Label, Mode, Role};
use teleinfo_simulator::chain::broker::Broker;
use teleinfo_simulator::chain::process::free_port;
use teleinfo_simulator::chain::programs::{self, Mqtt, wait_for_reader};
use teleinfo_simulator::chain::watch::{Message, Watch};
use teleinfo_simulator::failure::{Code, Failure, OrFail, Outcome};
use teleinfo_simulator::line::pty::Terminal;
use teleinfo_simulator::line::source::{AtMost, Burst};
use teleinfo_simulator::line::speed::Speed;
use teleinfo_simulator::line::stop::Stop;
use teleinfo_simulator::meter::tariff::contract::Contract;
use teleinfo_simulator::meter::{Meter, MeterOptions};

/// Frames before the first that counts: the reader finds the mode, the bridge makes its connections.
const WARM_UP: u64 = 8;
/// Where the chain publishes, and where the bare loop does.
const BASES: [&str; 2] = ["teleinfo/", "bare/"];
/// How long the last message may take.
const LATEST: Duration = Duration::from_secs(5);

/// What a subscriber waits for.
#[derive(Debug, Clone, Copy)]
enum Awaited {
    /// The power, from the end of its dataset on.
    Dataset,
    /// The state, from the end of its frame on.
    Frame,
}

/// What was measured of one mode.
#[derive(Debug)]
pub struct Measured {
    mode: Mode,
    frames: u64,
    /// Of the chain and of the bare loop.
    dataset: [Latencies; 2],
    frame: [Latencies; 2],
    /// Of the reader and of the bare loop.
    processor: [Duration; 2],
}

/// Latencies, sorted.
#[derive(Debug)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// The latency below which this share of all stays.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        let at = (share * self.0.len() as f64).ceil() as usize;
        self.0.get(at.saturating_sub(1).min(last)).copied().unwrap_or_default()
    }

    fn ms(&self, share: f64) -> f64 {
        self.quantile(share).as_secs_f64() * 1_000.0
    }
}

/// The heads of the two tables.
pub const HEADS: &str = "| mode | from the end of | arrived | p50 ms | p99 ms | max ms | bare loop p50 | p99 | ratio of p50 |\n|---|---|---|---|---|---|---|---|---|";

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, [chain, bare]) in [("the dataset of the power", &self.dataset), ("the frame", &self.frame)] {
            let (arrived, ratio) = (chain.0.len(), chain.ms(0.5) / bare.ms(0.5));
            let quantiles = [0.5, 0.99, 1.0].map(|share| format!("{:.2}", chain.ms(share))).join(" | ");
            let of_bare = [0.5, 0.99].map(|share| format!("{:.2}", bare.ms(share))).join(" | ");
            writeln!(f, "| {} | {what} | {arrived} of {} | {quantiles} | {of_bare} | {ratio:.1} |", self.mode, self.frames)?;
        }
        let [reader, bare] = self.processor.map(|time| time.as_secs_f64() * 100_000.0 / self.frames as f64);
        let ratio = reader / bare;
        write!(f, "{}: processor time for 100 frames: reader {reader:.1} ms, bare loop {bare:.1} ms, ratio {ratio:.2}", self.mode)
    }
}

/// A frame that is on its way.
struct OnTheWay {
    number: u64,
    /// Labels, and what they say.
    datasets: Vec<(&'static str, String)>,
    /// The place of the power among them.
    power: usize,
    ends: Ends,
}

/// Measures one mode with this many frames.
///
/// # Errors
/// When a program is missing or ends, or frames do not arrive.
pub fn measure(mode: Mode, frames: u64, speed: Speed, stop: &Stop) -> Outcome<Measured> {
    let dir = tempfile::tempdir().or_fail(Code::CannotCreate, || "cannot make a directory".into())?;
    let broker = Broker::open()?;
    let mut bridge = programs::bridge(dir.path(), Mqtt::Broker(broker.port), free_port()?)?;
    let watch = Watch::start(broker.port, &["teleinfo/+", "teleinfo/+/power", "bare/+"])?;
    let (of_reader, of_bare) = (dir.path().join("meter"), dir.path().join("bare"));
    let (terminal, other) = (Terminal::create(&of_reader)?, Terminal::create(&of_bare)?);
    let mut reader = programs::reader(dir.path(), &of_reader, &bridge.locator)?;
    let bare = BareLoop::start(&of_bare, broker.port)?;
    wait_for_reader(&terminal, stop)?;
    let clocks = [format!("/proc/{}/schedstat", reader.id()), format!("/proc/self/task/{}/schedstat", bare.id)];
    let used = || clocks.each_ref().map(|clock| processor_time(Path::new(clock)));
    let (mut sent, mut before) = (Vec::new(), used());
    let mut source = AtMost { source: Meter::new(options(mode)?), left: Some(frames + WARM_UP) };
    line::play(&mut source, &[&terminal, &other], speed, stop, &mut |burst, ends| {
        sent.extend(OnTheWay::of(burst, ends));
        if sent.len() as u64 == WARM_UP {
            before = used();
        }
    })?;
    let messages: Vec<Message> = std::iter::from_fn(|| watch.next(LATEST)).collect();
    let after = used();
    reader.check()?;
    bridge.process.check()?;
    drop(other);
    bare.end();
    let measured = Measured {
        mode,
        frames,
        dataset: BASES.map(|base| latencies(&sent, &messages, base, Awaited::Dataset)),
        frame: BASES.map(|base| latencies(&sent, &messages, base, Awaited::Frame)),
        processor: [after[0].saturating_sub(before[0]), after[1].saturating_sub(before[1])],
    };
    if measured.frame[0].0.is_empty() && !stop.is_set() {
        return Err(Failure::new(Code::Unavailable, format!("no frame has arrived; the reader says: {}", reader.log())));
    }
    Ok(measured)
}

/// What a thread has used so far: the first number says it in ns (Documentation/scheduler/sched-stats.rst of Linux).
fn processor_time(clock: &Path) -> Duration {
    let text = std::fs::read_to_string(clock).unwrap_or_default();
    Duration::from_nanos(text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default())
}

/// Pairs messages below a base topic with what was sent: they come in the order in which it was, and hold the same.
fn latencies(sent: &[OnTheWay], messages: &[Message], base: &str, awaited: Awaited) -> Latencies {
    let is_wanted =
        |message: &&Message| message.topic.starts_with(base) && message.topic.ends_with("/power") == matches!(awaited, Awaited::Dataset);
    let read = |message: &Message| Some((message.at, serde_json::from_str(&message.payload).ok()?));
    let mut messages = messages.iter().filter(is_wanted).filter_map(read).peekable();
    let mut sorted: Vec<Duration> = sent
        .iter()
        .filter_map(|frame| {
            let ended = frame.ended(awaited)?;
            // What came before belongs to an earlier frame, and so does what says something else.
            while messages.next_if(|(at, _)| *at < ended).is_some() {}
            let (at, _) = messages.next_if(|(_, said): &(Instant, Value)| frame.is(said, awaited))?;
            (frame.number >= WARM_UP).then(|| at - ended)
        })
        .collect();
    sorted.sort_unstable();
    Latencies(sorted)
}

impl OnTheWay {
    fn of(burst: &Burst, ends: Ends) -> Option<Self> {
        let frame = burst.frame.as_ref()?;
        let is_power = |label| Label::find(frame.mode, label).is_some_and(|label| label.role == Some(Role::PowerWithdrawn));
        let power = frame.groups.iter().position(|group| is_power(group.label))?;
        let datasets = frame.groups.iter().map(|group| (group.label, group.data.clone())).collect();
        Some(Self { number: frame.number, datasets, power, ends })
    }

    fn ended(&self, awaited: Awaited) -> Option<Instant> {
        match awaited {
            Awaited::Dataset => self.ends.datasets.get(self.power).copied(),
            Awaited::Frame => Some(self.ends.frame),
        }
    }

    fn is(&self, said: &Value, awaited: Awaited) -> bool {
        let (label, power) = &self.datasets[self.power];
        match awaited {
            Awaited::Dataset => said["apparent"].as_u64() == power.parse().ok(),
            // The bare loop does not know what stands behind a timestamp.
            Awaited::Frame if said.get("time").is_none() && said[label]["value"].is_null() => said[label]["raw"] == power.as_str(),
            Awaited::Frame => self.datasets.iter().all(|(label, data)| said[label]["raw"] == data.as_str()),
        }
    }
}

fn options(mode: Mode) -> Outcome<MeterOptions> {
    let contract = Contract::find("base").map_err(|words| Failure::new(Code::Software, words))?;
    Ok(MeterOptions::new(mode, contract, 1_704_646_690))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_list() {
        let latencies = Latencies((1..=200).map(Duration::from_millis).collect());
        assert_eq!(latencies.quantile(0.5), Duration::from_millis(100));
        assert_eq!(latencies.quantile(0.99), Duration::from_millis(198));
        assert_eq!(latencies.quantile(1.0), Duration::from_millis(200));
    }

    #[test]
    fn a_lost_message_shifts_nothing() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let frame = |number: u64, ms| OnTheWay {
            number,
            datasets: vec![("SINSTS", format!("{number:05}"))],
            power: 0,
            ends: Ends { datasets: vec![at(ms)], frame: at(ms + 50) },
        };
        let message = |topic: &str, payload: String, ms| Message { at: at(ms), topic: topic.into(), payload, retained: false };
        let state = |number: u64, ms| message("teleinfo/1", format!(r#"{{"SINSTS": {{"raw": "{number:05}", "value": {number}}}}}"#), ms);
        let power = |number: u64, ms| message("teleinfo/1/power", format!(r#"{{"apparent": {number}}}"#), ms);
        let sent = [frame(10, 0), frame(11, 100), frame(12, 200)];
        let messages = [power(10, 2), state(10, 51), power(12, 204), state(12, 253)];
        let found = |base, awaited| latencies(&sent, &messages, base, awaited).0;
        assert_eq!(found("teleinfo/", Awaited::Frame), [1, 3].map(Duration::from_millis));
        assert_eq!(found("teleinfo/", Awaited::Dataset), [2, 4].map(Duration::from_millis));
        assert!(found("bare/", Awaited::Frame).is_empty());
    }
}
