//! A bridge and a Mosquitto of its own under a fleet: what was sent against what became of it, and what that cost the bridge. The bridge counts
//! samples, since it says some states twice; a subscriber of the broker sees which meters get their turn, and what came as the past.
//!
//! What costs is counted once each meter has been published for the first time, or after a while if some never are. With
//! routers in between, which program uses how much of the processors says which part is full.

use super::bridges::Bridges;
use super::process::processor_time;
use super::readers::{self, FleetCounts, FleetOptions};
use super::routers::Routers;
use super::slow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};
use teleinfo_simulator::chain::broker::Broker;
use teleinfo_simulator::chain::watch::{Message, Watch};
use teleinfo_simulator::failure::{Code, Failure, OrFail, Outcome};
use teleinfo_simulator::line::stop::Stop;

/// The longest that is waited for all meters to have been published once: so long, and so much more for each of them.
const ALL_THERE: Duration = Duration::from_secs(60);
const OF_EACH: Duration = Duration::from_millis(20);
/// What is still under way at the end arrives within this time of the message before it.
const LAST: Duration = Duration::from_secs(2);
/// The ids are cut into so many parts of the same size, to see whether some are preferred.
const PARTS: usize = 4;

/// The head of the table.
pub const HEADS: &str = "\
| meters | samples a second | states a second | of the past a second | connected | sent | published | late | lost | by quarter of the ids | µs a sample | kB a meter | announcements a meter | all there after | processors in use: bridge, routers, broker, readers | kB a meter in routers |
|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|";

/// What became of a fleet at a bridge.
#[derive(Debug)]
pub struct Row {
    options: FleetOptions,
    counts: FleetCounts,
    seen: Seen,
    /// Samples that the bridge has published.
    published: u64,
    /// What was spent while it was counted, in which time, and samples sent in it.
    cost: (Spent, Duration, u64),
    /// States that a subscriber got each second meanwhile, by quarter of the ids.
    states: [f64; PARTS],
    /// Samples of the past that it got each second.
    past: f64,
    /// Resident memory of bridge and routers before the first reader came and at the end, in kB.
    memory: [(u64, u64); 2],
    /// When each meter had been published.
    all_there: Option<Duration>,
}

/// A row as a plot shows it: what happened each second.
#[derive(Debug, Clone, Copy)]
pub struct Point {
    /// Samples that were sent.
    pub sent: f64,
    /// States that a subscriber got.
    pub present: f64,
    /// Samples of the past that it got.
    pub past: f64,
    /// Those states by quarter of the ids.
    pub quarters: [f64; PARTS],
    /// Processors in use: by bridge, routers, broker and readers.
    pub processors: [f64; 4],
}

/// Processor time of each part since it began.
#[derive(Debug, Clone, Copy, Default)]
struct Spent {
    bridge: Duration,
    routers: Duration,
    broker: Duration,
    readers: Duration,
}

/// The parts whose costs are counted.
struct Parts<'p> {
    bridges: &'p Bridges,
    routers: Option<&'p Routers>,
    broker: Option<u32>,
}

/// What a subscriber of the broker got.
#[derive(Debug, Default)]
struct Seen {
    /// States, by meter.
    states: BTreeMap<String, u64>,
    /// Samples that came as the past.
    late: u64,
    announcements: u64,
}

/// Measures a fleet with these options at a bridge of its own.
///
/// # Errors
/// When a program does not start, or ends before its time.
pub fn measure(options: FleetOptions, stop: &Stop) -> Outcome<Row> {
    let broker = Broker::open()?;
    let dir = tempfile::tempdir().or_fail(Code::CannotCreate, || "cannot make a directory".into())?;
    let watch = Watch::start(broker.port, &["teleinfo/+", "teleinfo/+/history", "homeassistant/device/+/config"])?;
    let way = options.broker_bytes.map_or(Ok(broker.port), |bytes| slow::way_to(broker.port, bytes))?;
    let routers = (options.routers > 0).then(|| Routers::start(dir.path(), &options)).transpose()?;
    let mut bridges = Bridges::start(dir.path(), way, &options, routers.as_ref())?;
    let connect = routers.as_ref().map_or(vec![bridges.locator.clone()], |routers| routers.buildings.clone());
    let options = FleetOptions { connect, ..options };
    let parts = Parts { bridges: &bridges, routers: routers.as_ref(), broker: broker.id() };
    let mut run = Run::new(&options, parts)?;
    let counts = readers::run(&FleetOptions { time: all_there(&options) + options.time, ..options.clone() }, stop, &mut |counts| {
        run.watch(&watch, Duration::ZERO);
        run.handle_second(counts)
    })?;
    run.failure.take().map_or(Ok(()), Err)?;
    let (cost, end, (states, past)) = (run.cost(counts)?, run.parts.memory()?, run.a_second());
    while run.watch(&watch, LAST) {}
    let (before, seen, all_there) = (run.memory, run.seen, run.all_there);
    bridges.check()?;
    let memory = [0, 1].map(|part| (before[part], end[part]));
    Ok(Row { counts, seen, published: bridges.samples_taken()?, cost, states, past, memory, all_there, options })
}

/// The longest that is waited for all meters to have been published once.
fn all_there(options: &FleetOptions) -> Duration {
    ALL_THERE + OF_EACH * options.meters as u32
}

/// A fleet under way, second by second.
struct Run<'p> {
    parts: Parts<'p>,
    meters: usize,
    time: Duration,
    /// The longest that is waited for all meters.
    patience: Duration,
    begun: Instant,
    memory: [u64; 2],
    all_there: Option<Duration>,
    /// From when on costs are counted: the time, what was spent, and the samples sent by then.
    counted: Option<(Instant, Spent, u64)>,
    /// The states by quarter of the ids, and the samples of the past, that had come by then.
    seen_before: ([u64; PARTS], u64),
    seen: Seen,
    /// What could not be counted, and why.
    failure: Option<Failure>,
}

impl Parts<'_> {
    fn spent(&self) -> Outcome<Spent> {
        Ok(Spent {
            bridge: self.bridges.processor_time()?,
            routers: self.routers.map_or(Ok(Duration::ZERO), Routers::processor_time)?,
            broker: self.broker.map_or(Ok(Duration::ZERO), processor_time)?,
            readers: processor_time(std::process::id())?,
        })
    }

    /// Of the bridge and of the routers, in kB.
    fn memory(&self) -> Outcome<[u64; 2]> {
        Ok([self.bridges.resident_kb()?, self.routers.map_or(Ok(0), Routers::resident_kb)?])
    }
}

impl Spent {
    /// Since that.
    fn since(self, before: Self) -> Self {
        Self {
            bridge: self.bridge.saturating_sub(before.bridge),
            routers: self.routers.saturating_sub(before.routers),
            broker: self.broker.saturating_sub(before.broker),
            readers: self.readers.saturating_sub(before.readers),
        }
    }

    /// How much of a processor each part used in this time.
    fn processors(self, time: Duration) -> [f64; 4] {
        [self.bridge, self.routers, self.broker, self.readers].map(|spent| spent.as_secs_f64() / time.as_secs_f64().max(1e-3))
    }
}

impl<'p> Run<'p> {
    fn new(options: &FleetOptions, parts: Parts<'p>) -> Outcome<Self> {
        Ok(Self {
            memory: parts.memory()?,
            parts,
            meters: options.meters,
            time: options.time,
            patience: all_there(options),
            begun: Instant::now(),
            all_there: None,
            counted: None,
            seen_before: ([0; PARTS], 0),
            seen: Seen::default(),
            failure: None,
        })
    }

    /// Takes what the subscriber got. Returns whether there was anything.
    fn watch(&mut self, watch: &Watch, limit: Duration) -> bool {
        let mut any = false;
        while let Some(message) = watch.next(limit) {
            any = true;
            let at = message.at;
            self.seen.take(&message);
            if self.all_there.is_none() && self.seen.states.len() == self.meters {
                self.all_there = Some(at.saturating_duration_since(self.begun));
            }
        }
        any
    }

    /// A second has passed. Returns whether the fleet is to go on.
    fn handle_second(&mut self, counts: FleetCounts) -> bool {
        if self.counted.is_none() && (self.all_there.is_some() || self.begun.elapsed() >= self.patience) {
            self.seen_before = self.seen.sums(self.meters);
            match self.parts.spent() {
                Ok(spent) => self.counted = Some((Instant::now(), spent, counts.published)),
                Err(failure) => {
                    self.failure = Some(failure);
                    return false;
                }
            }
        }
        self.counted.is_none_or(|(since, ..)| since.elapsed() < self.time)
    }

    /// States by quarter of the ids, and samples of the past.
    fn a_second(&self) -> ([f64; PARTS], f64) {
        let since = self.counted.map_or(self.begun, |(since, ..)| since).elapsed().as_secs_f64();
        let ((states, past), (states_before, past_before)) = (self.seen.sums(self.meters), self.seen_before);
        (std::array::from_fn(|part| (states[part] - states_before[part]) as f64 / since), (past - past_before) as f64 / since)
    }

    fn cost(&self, counts: FleetCounts) -> Outcome<(Spent, Duration, u64)> {
        let (since, before, sent) = self.counted.unwrap_or((self.begun, Spent::default(), 0));
        Ok((self.parts.spent()?.since(before), since.elapsed(), counts.published - sent))
    }
}

impl Seen {
    fn take(&mut self, message: &Message) {
        if message.topic.starts_with("homeassistant/device/teleinfo_9") {
            self.announcements += 1;
        } else if message.topic.ends_with("/history") {
            self.late += 1;
        } else if let Some(meter) = message.topic.strip_prefix("teleinfo/") {
            *self.states.entry(meter.to_owned()).or_default() += 1;
        }
    }

    /// All states by quarter of the ids, and all samples of the past.
    fn sums(&self, meters: usize) -> ([u64; PARTS], u64) {
        let mut sums = [0; PARTS];
        for number in 0..meters {
            sums[number * PARTS / meters] += self.states.get(&readers::digits(number)).copied().unwrap_or_default();
        }
        (sums, self.late)
    }
}

impl Row {
    /// For a plot.
    #[must_use]
    pub fn point(&self) -> Point {
        let (spent, time, samples) = self.cost;
        Point {
            sent: samples as f64 / time.as_secs_f64().max(1e-3),
            present: self.states.iter().sum(),
            past: self.past,
            quarters: self.states,
            processors: spent.processors(time),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { options, counts, seen, published, cost: (spent, time, samples), states: quarters, past, memory, all_there } = self;
        let meters = options.meters;
        let lost = counts.published.saturating_sub(*published);
        let states = quarters.iter().sum::<f64>();
        let quarters = quarters.map(|quarter| format!("{:.0}", 100.0 * quarter / states.max(1e-3))).join(", ");
        let all_there = all_there.map_or("never".into(), |after| format!("{:.1} s", after.as_secs_f64()));
        let [bridge, routers, broker, fleet] = spent.processors(*time);
        let [own, others] = memory.map(|(before, end)| end.saturating_sub(before) as f64 / meters as f64);
        write!(
            f,
            "| {meters} | {:.0} | {states:.0} | {past:.0} | {} | {} | {published} | {} | {lost} | {quarters} % | {:.0} | {own:.0} | {:.2} | {all_there} | {bridge:.2}, {routers:.2}, {broker:.2}, {fleet:.2} | {others:.0} |",
            meters as f64 * options.rate,
            counts.connected,
            counts.published,
            seen.late,
            spent.bridge.as_micros() as f64 / (*samples).max(1) as f64,
            seen.announcements as f64 / meters as f64,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str) -> Message {
        Message { at: Instant::now(), topic: topic.to_owned(), payload: String::new(), retained: false }
    }

    #[test]
    fn what_comes_out_is_told_apart() {
        let mut seen = Seen::default();
        for number in [0, 0, 0, 3] {
            seen.take(&message(&format!("teleinfo/{}", readers::digits(number))));
        }
        seen.take(&message(&format!("teleinfo/{}/history", readers::digits(1))));
        seen.take(&message(&format!("homeassistant/device/teleinfo_{}/config", readers::digits(1))));
        seen.take(&message("homeassistant/device/teleinfo_bridge/config"));
        assert_eq!((seen.late, seen.announcements), (1, 1));
        assert_eq!(seen.sums(4), ([3, 0, 0, 1], 1));
    }
}
