//! A group of bridges under a fleet, of which one member after the other is killed, hangs and leaves, and comes back: for how long which meters
//! are silent, as a subscriber of the broker sees it. What comes as the past afterwards is not part of this:
//! `deploy/test/faults/group` holds every frame to account. `silence` reckons, `plot` draws.

mod plot;
mod silence;

use super::bridges::Bridges;
use super::readers::{self, FleetOptions};
use super::routers::Routers;
use silence::{Silence, States};
use std::fmt;
use std::time::{Duration, Instant};
use teleinfo_simulator::chain::broker::Broker;
use teleinfo_simulator::chain::watch::Watch;
use teleinfo_simulator::failure::{Code, Failure, OrFail, Outcome};
use teleinfo_simulator::line::stop::Stop;

/// The longest that is waited for all meters to have been published once.
const ALL_THERE: Duration = Duration::from_secs(120);
/// What begins a fault at a member, and whether the member is the same process afterwards: then it wakes, else it is started again.
const FAULTS: [(&str, &str, bool); 3] = [("killed", "SIGKILL", false), ("hangs", "SIGSTOP", true), ("leaves", "SIGTERM", false)];
const BACK: &str = "back";

/// The head of the table.
pub const HEADS: &str = "\
| a member | states a second | meters silent | of these: half of them no longer than | longest | silent at the end |
|---|---|---|---|---|---|";

/// What was seen, from one thing that happened to the next.
#[derive(Debug)]
pub struct Failover {
    states: States,
    /// What happened, and when.
    events: Vec<(&'static str, Duration)>,
    end: Duration,
    /// Longer than this a meter is called silent: two of its samples did not come.
    limit: Duration,
}

/// A span of the table.
#[derive(Debug)]
pub struct Row {
    name: &'static str,
    states_a_second: f64,
    silence: Silence,
}

/// Plays all faults, with this time between one thing and the next.
///
/// # Errors
/// When a program does not start, ends by itself, or some meters are never published.
pub fn run(options: &FleetOptions, calm: Duration, stop: &Stop) -> Outcome<Failover> {
    let broker = Broker::open()?;
    let dir = tempfile::tempdir().or_fail(Code::CannotCreate, || "cannot make a directory".into())?;
    let watch = Watch::start(broker.port, &["teleinfo/+"])?;
    let routers = Routers::start(dir.path(), options)?;
    let mut bridges = Bridges::start(dir.path(), broker.port, options, Some(&routers))?;
    let connect = routers.buildings.clone();
    let mut played = Played::new(options.meters, calm);
    let time = ALL_THERE + calm * (2 * FAULTS.len() as u32 + 2);
    readers::run(&FleetOptions { connect, time, ..options.clone() }, stop, &mut |_| {
        played.take(&watch);
        played.handle_second(&mut bridges)
    })?;
    played.finish(Duration::from_secs_f64(1.0 / options.rate))
}

/// A play under way.
struct Played {
    begun: Instant,
    meters: usize,
    calm: Duration,
    states: States,
    /// When all meters had been published, from which all is counted.
    all_there: Option<Duration>,
    events: Vec<(&'static str, Duration)>,
    failure: Option<Failure>,
    is_over: bool,
}

impl Played {
    fn new(meters: usize, calm: Duration) -> Self {
        let (states, begun) = (States::new(meters), Instant::now());
        Self { begun, meters, calm, states, all_there: None, events: Vec::new(), failure: None, is_over: false }
    }

    fn take(&mut self, watch: &Watch) {
        while let Some(message) = watch.next(Duration::ZERO) {
            let number = message.topic.strip_prefix("teleinfo/").and_then(readers::number_of).filter(|number| *number < self.meters);
            if let Some(meter) = number {
                self.states.take(meter, message.at.saturating_duration_since(self.begun));
            }
        }
    }

    /// Does what is due. Returns whether the fleet is to go on.
    fn handle_second(&mut self, bridges: &mut Bridges) -> bool {
        let now = self.begun.elapsed();
        if self.all_there.is_none() && self.states.meters() == self.meters {
            self.all_there = Some(now);
        }
        let Some(all_there) = self.all_there else { return now < ALL_THERE };
        if now < all_there + self.calm * (self.events.len() as u32 + 1) {
            return true;
        }
        let (fault, is_back) = (self.events.len() / 2, self.events.len() % 2 == 1);
        let Some((name, signal, wakes)) = FAULTS.get(fault).copied() else {
            self.is_over = true;
            return false;
        };
        self.events.push((if is_back { BACK } else { name }, now));
        let member = fault % bridges.len();
        let done = match (is_back, wakes) {
            (false, _) => bridges.signal(member, signal),
            (true, true) => bridges.signal(member, "SIGCONT"),
            (true, false) => bridges.start_again(member),
        };
        self.failure = done.err();
        self.failure.is_none()
    }

    fn finish(self, interval: Duration) -> Outcome<Failover> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        let end = self.begun.elapsed();
        let Some(all_there) = self.all_there.filter(|_| self.is_over) else {
            let why = format!("{} of {} meters were published when it ended", self.states.meters(), self.meters);
            return Err(Failure::new(Code::Unavailable, why));
        };
        let events = std::iter::once(("all there", all_there)).chain(self.events).collect();
        Ok(Failover { states: self.states, events, end, limit: interval * 2 + Duration::from_secs(1) })
    }
}

impl Failover {
    /// The table.
    #[must_use]
    pub fn rows(&self) -> Vec<Row> {
        let ends = self.events.iter().skip(1).map(|(_, at)| *at).chain([self.end]);
        let spans = self.events.iter().zip(ends);
        spans
            .map(|(&(name, from), to)| Row {
                name,
                states_a_second: self.states.count(from, to) as f64 / (to - from).as_secs_f64().max(1e-3),
                silence: self.states.silence(from, to, self.limit),
            })
            .collect()
    }

    /// States a second, and silent meters, by time.
    #[must_use]
    pub fn plot(&self) -> String {
        plot::draw(&self.states, &self.events, self.end, self.limit)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, states_a_second, silence: Silence { of, still } } = self;
        let seconds = |duration: Option<&Duration>| duration.map_or("-".into(), |duration| format!("{:.1} s", duration.as_secs_f64()));
        let (half, longest) = (seconds(of.get(of.len() / 2)), seconds(of.last()));
        write!(f, "| {name} | {states_a_second:.0} | {} | {half} | {longest} | {still} |", of.len())
    }
}
