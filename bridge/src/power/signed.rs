//! One signed power of one meter: datasets in, powers out.
//!
//! Datasets come one by one, as they pass on the line, or all together when their frame has ended, or both: then what a frame repeats is
//! not news. [`SignedPower::handle_dataset`] says a power as soon as the datasets allow it. [`SignedPower::handle_frame`] says one for a
//! frame that brought news, and learns from the index, which is only judged then.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::{Dataset, Mode, Role};

use super::{
    current::{Currents, KeptCurrents, Sized},
    facts::{Facts, PHASES_MAX},
    forecast::Forecast,
    layout,
    levels::{Levels, Look},
    nodes::{KeptNodes, Nodes},
    reading::{Method, Power},
    sign::{self, Direction, Layout, Passed},
    trip::{CutOff, LINKY},
};

/// How far an apparent power may be off by its last digit, in VA: 1 VA in standard mode, 10 VA in historic mode.
const STANDARD_DIGIT_VA: f64 = 0.5;
const HISTORIC_DIGIT_VA: f64 = 5.0;
/// Standard deviations that the resolution covers.
const DEVIATIONS: f64 = 2.0;

/// What outlives the process.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptPower {
    drawn: KeptNodes,
    injected: KeptNodes,
    currents: KeptCurrents,
}

/// A frame that has ended.
#[derive(Debug, Clone, Copy)]
pub struct WholeFrame<'a> {
    /// Its datasets, in their order.
    pub datasets: &'a [Dataset<'a>],
    /// Nothing in it was refused.
    pub is_complete: bool,
    /// What was drawn in all, in Wh, if its indexes are believed.
    pub drawn: Option<u64>,
    /// What was injected in all, in Wh, if its index is believed.
    pub injected: Option<u64>,
    /// When it ended, by the reader's clock that is never set.
    pub at: Duration,
}

/// Which way how much flows.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Flow {
    direction: Direction,
    apparent: f64,
    at: Duration,
}

/// The power of one meter.
#[derive(Debug, Clone)]
pub struct SignedPower {
    mode: Mode,
    cut_off: CutOff,
    layout: Layout,
    facts: Facts,
    drawn: Levels,
    injected: Levels,
    currents: Currents,
    forecast: Forecast,
    /// Roles whose datasets came before the frame that will repeat them.
    ahead: Vec<Role>,
    /// What the frame that is being read says, and what the one before said.
    flow: Option<Flow>,
    flow_before: Option<Flow>,
    /// The frame that is being read showed 0 drawn, and nothing followed yet.
    waits: bool,
    frame_before: Option<Duration>,
    /// The numbers of the indexes, and which of them moved last.
    indexes: Vec<(String, u64)>,
    moving: Option<String>,
}

impl SignedPower {
    /// A meter that opens like this when too much is drawn, and what was kept of it.
    #[must_use]
    pub fn new(mode: Mode, cut_off: CutOff, kept: &KeptPower) -> Self {
        let levels = |kept| Levels::new(Nodes::of_kept(kept).unwrap_or_default());
        Self {
            mode,
            cut_off,
            layout: Layout::default(),
            facts: Facts::default(),
            drawn: levels(&kept.drawn),
            injected: levels(&kept.injected),
            currents: Currents::of_kept(&kept.currents),
            forecast: Forecast::default(),
            ahead: Vec::new(),
            flow: None,
            flow_before: None,
            waits: false,
            frame_before: None,
            indexes: Vec::new(),
            moving: None,
        }
    }

    /// What is to be kept.
    #[must_use]
    pub fn kept(&self) -> KeptPower {
        let Self { drawn, injected, currents, .. } = self;
        KeptPower { drawn: drawn.nodes().kept(), injected: injected.nodes().kept(), currents: currents.kept() }
    }

    /// Works the power out as another one of the same meter does, by what that has learnt.
    pub fn take_learnt(&mut self, other: &Self) {
        (self.drawn, self.injected) = (other.drawn.clone(), other.injected.clone());
        self.currents = other.currents.clone();
    }

    /// The way to a cut-off.
    #[must_use]
    pub const fn forecast(&self) -> &Forecast {
        &self.forecast
    }

    /// The voltage of the first phase, or the nominal one.
    #[must_use]
    pub fn volts(&self) -> f64 {
        self.facts.volts(0)
    }

    /// Whether energy is injected that only the current shows.
    #[must_use]
    pub fn is_injecting_unseen(&self) -> bool {
        self.flow_before.is_some_and(|flow| flow.direction == Direction::InjectedByCurrent)
    }

    /// Another run of the reader, another mode, or an index that goes on from another number: the time between is unknown. What was learnt
    /// of the house stays.
    pub fn handle_break(&mut self, mode: Mode) {
        if mode != self.mode {
            *self = Self::new(mode, self.cut_off, &self.kept());
        }
        self.drawn.forget_index();
        self.injected.forget_index();
        (self.flow_before, self.frame_before) = (None, None);
        (self.indexes, self.moving) = (Vec::new(), None);
        self.forget_ahead();
    }

    /// What came before the frame that would have repeated it is worth nothing: that frame was lost.
    pub fn forget_ahead(&mut self) {
        self.ahead.clear();
        self.flow = None;
        self.waits = false;
    }

    /// A dataset passed on the line, before its frame has ended.
    pub fn handle_dataset(&mut self, dataset: &Dataset<'_>, at: Duration) -> Option<Power> {
        let (role, number) = (dataset.role()?, dataset.value().number()?);
        if !self.ahead.contains(&role) {
            self.ahead.push(role);
        }
        let flow = self.take(role, number as f64, at)?;
        Some(self.publish(flow))
    }

    /// A frame has ended.
    pub fn handle_frame(&mut self, frame: &WholeFrame<'_>) -> Option<Power> {
        let period = self.frame_before.replace(frame.at).map(|before| frame.at.saturating_sub(before));
        let ages = layout::ages(self.mode, frame.datasets, period);
        let times: Vec<Duration> = ages.iter().map(|age| frame.at.saturating_sub(*age)).collect();
        let mut news = None;
        for (dataset, at) in frame.datasets.iter().zip(&times) {
            let (Some(role), Some(number)) = (dataset.role(), dataset.value().number()) else { continue };
            if !self.ahead.contains(&role) {
                news = self.take(role, number as f64, *at).or(news);
            }
        }
        self.facts.rate(self.cut_off, &mut self.forecast);
        news = self.handle_end(frame).or(news);
        if let Some(flow) = self.flow.take() {
            self.learn(&flow, frame, &times, period);
            self.flow_before = Some(flow);
        }
        self.handle_highest(frame.datasets);
        self.handle_currents_alone(frame);
        self.ahead.clear();
        news.map(|flow| self.publish(flow))
    }

    /// One dataset: what is known of the flow after it, if that is news.
    fn take(&mut self, role: Role, number: f64, at: Duration) -> Option<Flow> {
        let completes_phases = self.facts.handle_dataset(role, number);
        let passed = match role {
            Role::PowerWithdrawn => Passed::Drawn(number > 0.0),
            Role::PowerInjected => {
                self.layout = Layout::BothWays;
                Passed::Injected(number > 0.0)
            }
            _ if completes_phases => return self.handle_phases(at),
            _ => return None,
        };
        self.flow_of(passed, number, at)
    }

    /// What follows from a power that has passed.
    fn flow_of(&mut self, passed: Passed, number: f64, at: Duration) -> Option<Flow> {
        // What is drawn did not pass: it may be damaged on the line, and then 0 injected is no balance.
        if passed == Passed::Injected(false) && !self.waits && self.flow.is_none() {
            return None;
        }
        let direction = sign::direction(self.layout, passed, self.facts.current_flows());
        self.waits = direction.is_none();
        // What is injected unseen on three phases takes what each of them draws, which follows.
        if direction == Some(Direction::InjectedByCurrent) && self.facts.has_phase_powers() && self.facts.phase_powers().is_none() {
            self.waits = true;
            return None;
        }
        // After what was drawn, 0 injected is not news.
        let is_repeat = passed == Passed::Injected(false) && self.flow.is_some_and(|flow| flow.direction == Direction::Withdrawn);
        direction.filter(|_| !is_repeat).map(|direction| self.set(Flow { direction, apparent: number, at }))
    }

    /// The powers of all phases have passed.
    fn handle_phases(&mut self, at: Duration) -> Option<Flow> {
        match self.flow {
            Some(flow) => Some(self.set(flow)),
            None if self.waits && self.layout != Layout::BothWays => self.flow_of(Passed::Drawn(false), 0.0, at),
            None => None,
        }
    }

    fn set(&mut self, flow: Flow) -> Flow {
        self.flow = Some(flow);
        self.watch(&flow);
        flow
    }

    /// The end of a frame: a layout without injected power is known by now, and a 0 that waited may be told.
    fn handle_end(&mut self, frame: &WholeFrame<'_>) -> Option<Flow> {
        let is_alone = self.waits && self.layout != Layout::BothWays;
        let flow = is_alone.then(|| self.flow_of(Passed::End, 0.0, frame.at)).flatten();
        if frame.is_complete && self.layout == Layout::Unknown && self.flow.is_some() {
            self.layout = Layout::DrawnOnly;
        }
        self.waits = false;
        flow
    }

    /// What flows weighs on the cut-off: only what is drawn.
    fn watch(&mut self, flow: &Flow) {
        self.facts.rate(self.cut_off, &mut self.forecast);
        let draws = flow.direction == Direction::Withdrawn;
        let total = if draws { flow.apparent } else { 0.0 };
        match (self.facts.phases(), self.facts.phase_powers()) {
            (1, _) if self.cut_off == LINKY => self.forecast.handle_loads(&[total], flow.at),
            (_, Some(phases)) => self.forecast.handle_loads(&phases, flow.at),
            // A meter that shows no power of its phases shows their currents.
            _ if !self.facts.has_phase_powers() && (draws || self.facts.phases() == 1) => self.watch_currents(draws, flow.at),
            _ => {}
        }
    }

    /// An older breaker knows the current alone; a Linky of three phases in historic mode shows nothing else of them.
    fn watch_currents(&mut self, draws: bool, at: Duration) {
        let volts = if self.cut_off == LINKY { self.volts() } else { teleinfo_proto::tic::spec::VA_PER_SUBSCRIBED_AMPERE as f64 };
        let loads: Vec<f64> = self.facts.amperes().map(|amperes| if draws { amperes * volts } else { 0.0 }).collect();
        self.forecast.handle_loads(&loads, at);
    }

    /// While a three-phase meter warns of too much current, its frames carry the currents alone.
    fn handle_currents_alone(&mut self, frame: &WholeFrame<'_>) {
        let has = |role: Role| frame.datasets.iter().any(|dataset| dataset.role() == Some(role));
        if self.mode == Mode::Historic && has(Role::Current(2)) && !has(Role::PowerWithdrawn) {
            self.watch_currents(true, frame.at);
        }
    }

    /// The highest filtered power of the day, which tells the state of the meter's filter.
    fn handle_highest(&mut self, datasets: &[Dataset<'_>]) {
        let now = datasets.iter().find(|dataset| dataset.label() == "DATE").and_then(|dataset| dataset.time());
        let labels: &[&str] = if self.facts.phases() == 1 { &["SMAXSN"] } else { &["SMAXSN1", "SMAXSN2", "SMAXSN3"] };
        for (phase, label) in labels.iter().enumerate() {
            let Some(highest) = datasets.iter().find(|dataset| dataset.label() == *label) else { continue };
            let (Some(apparent), Some(stamp)) = (highest.value().number(), highest.time()) else { continue };
            // At midnight it begins again: it bounds nothing before it has grown.
            if (stamp.hour(), stamp.minute()) != (0, 0) {
                self.forecast.handle_highest(phase, apparent as f64, Some(stamp) == now);
            }
        }
    }
}

/// What is learnt of a frame.
impl SignedPower {
    fn learn(&mut self, flow: &Flow, frame: &WholeFrame<'_>, times: &[Duration], period: Option<Duration>) {
        self.learn_turn(flow);
        self.learn_currents(flow, period.unwrap_or_default().as_secs_f64());
        if flow.direction == Direction::InjectedByCurrent {
            self.drawn.forget_window();
            return;
        }
        let read_at = |place: Option<usize>| place.and_then(|place| times.get(place)).copied().unwrap_or(flow.at);
        let look = |index, place, runs: bool| Look {
            at: flow.at,
            apparent: if runs { flow.apparent } else { 0.0 },
            index,
            lag: flow.at.saturating_sub(read_at(place)),
        };
        let place = self.place_of_index(frame.datasets);
        if let Some(index) = frame.drawn {
            self.drawn.handle_look(look(index, place, flow.direction == Direction::Withdrawn));
        }
        let place = frame.datasets.iter().position(|dataset| dataset.role() == Some(Role::EnergyInjected));
        if let Some(index) = frame.injected {
            self.injected.handle_look(look(index, place, flow.direction == Direction::Injected));
        }
    }

    /// Where in the frame the index stands that moves: one of several under most contracts of the historic mode.
    fn place_of_index(&mut self, datasets: &[Dataset<'_>]) -> Option<usize> {
        for dataset in datasets.iter().filter(|dataset| is_index(dataset)) {
            let Some(wh) = dataset.value().number() else { continue };
            match self.indexes.iter_mut().find(|(label, _)| label == dataset.label()) {
                Some((label, before)) if *before != wh => {
                    *before = wh;
                    self.moving = Some(label.clone());
                }
                Some(_) => {}
                None => self.indexes.push((dataset.label().to_owned(), wh)),
            }
        }
        let moving = self.moving.as_deref();
        datasets.iter().position(|dataset| moving == Some(dataset.label())).or_else(|| datasets.iter().rposition(is_index))
    }

    /// Just where the sign turns, all that a meter shows is not active.
    fn learn_turn(&mut self, flow: &Flow) {
        let is_shown = matches!(flow.direction, Direction::Withdrawn | Direction::Injected);
        if is_shown && self.flow_before.is_some_and(|before| before.direction != flow.direction) {
            self.currents.handle_turn(flow.apparent);
            if let Some(non_active) = self.currents.non_active() {
                self.drawn.handle_turn(non_active);
                self.injected.handle_turn(non_active);
            }
        }
    }

    fn learn_currents(&mut self, flow: &Flow, seconds: f64) {
        if flow.direction != Direction::Withdrawn || self.layout == Layout::BothWays {
            return;
        }
        let powers = self
            .facts
            .phase_powers()
            .map_or([Some(flow.apparent).filter(|_| self.facts.phases() == 1), None, None], |powers| powers.map(Some));
        for (phase, apparent) in powers.into_iter().enumerate() {
            if let (Some(apparent), Some(amperes)) = (apparent, self.facts.amperes_of(phase)) {
                self.currents.handle_drawn(apparent, self.facts.volts(phase), amperes, seconds);
            }
        }
    }
}

/// What is said.
impl SignedPower {
    fn publish(&mut self, flow: Flow) -> Power {
        let is = |direction| if flow.direction == direction { flow.apparent } else { 0.0 };
        let drawn = self.drawn.publish(is(Direction::Withdrawn), flow.at);
        let injected = self.injected.publish(is(Direction::Injected), flow.at);
        let (sized, method) = match flow.direction {
            Direction::Withdrawn => self.by_level(&self.drawn, flow.apparent, drawn),
            Direction::Injected => self.by_level(&self.injected, flow.apparent, injected),
            Direction::InjectedByCurrent => (self.by_current(), Method::Current),
            Direction::Balanced => (self.balanced(), Method::Zero),
        };
        let sign = if matches!(flow.direction, Direction::Injected | Direction::InjectedByCurrent) { -1.0 } else { 1.0 };
        Power {
            watts: (sign * sized.watts).round() as i64,
            resolution: (sized.resolution.ceil() as u64).max(1),
            method,
            apparent: (sign * sized.apparent).round() as i64,
            phases: self.phases(&flow, sign * sized.watts),
            at: flow.at,
        }
    }

    fn by_level(&self, levels: &Levels, apparent: f64, watts: f64) -> (Sized, Method) {
        let digit = match self.mode {
            Mode::Historic => HISTORIC_DIGIT_VA,
            Mode::Standard => STANDARD_DIGIT_VA,
        };
        // What is drawn is never said as nothing.
        let watts = watts.max(1.0);
        let resolution = (DEVIATIONS * levels.nodes().deviation(apparent)).max(1.0) + digit * (apparent / watts).max(1.0);
        let method = if levels.nodes().has_seen(apparent) { Method::Levels } else { Method::Start };
        (Sized { apparent, watts, resolution }, method)
    }

    /// What is injected, as the currents tell: on phases that draw nothing, less what the others draw.
    fn by_current(&self) -> Sized {
        let phases: Vec<f64> = self.facts.amperes().collect();
        if phases.len() == 1 {
            return self.currents.injected(phases[0], self.facts.volts(0));
        }
        let sum = match self.facts.phase_powers() {
            Some(powers) => self.by_phase_powers(&phases, powers),
            None => self.by_largest_current(&phases),
        };
        Sized { watts: sum.watts.max(0.0), apparent: sum.apparent.max(0.0), ..sum }
    }

    fn by_phase_powers(&self, amperes: &[f64], powers: [f64; PHASES_MAX]) -> Sized {
        let zero = Sized { apparent: 0.0, watts: 0.0, resolution: 0.0 };
        powers.iter().enumerate().fold(zero, |sum, (phase, drawn)| {
            let injects = *drawn == 0.0;
            let one = if injects {
                self.currents.injected(amperes[phase], self.facts.volts(phase))
            } else {
                Sized { apparent: -drawn, watts: -drawn, ..zero }
            };
            Sized { apparent: sum.apparent + one.apparent, watts: sum.watts + one.watts, resolution: sum.resolution + one.resolution }
        })
    }

    /// No power of any phase is shown: the largest current is taken for what is injected, and the others for what is drawn. Where those
    /// are more, which would be drawn in all, it is the other way round: the meter says that nothing is.
    fn by_largest_current(&self, amperes: &[f64]) -> Sized {
        let largest = amperes.iter().copied().fold(0.0, f64::max);
        let others = amperes.iter().sum::<f64>() - largest;
        let apparent = self.volts() * (largest - others).abs();
        Sized { apparent, watts: apparent, resolution: self.volts() * (0.5 * amperes.len() as f64 + largest.min(others)) }
    }

    /// Nothing flows, up to what the meter does not show.
    fn balanced(&self) -> Sized {
        let unseen = match self.layout {
            Layout::BothWays => 1.0,
            Layout::DrawnOnly | Layout::Unknown => {
                (0..self.facts.phases()).map(|phase| self.currents.unseen(self.facts.volts(phase))).sum()
            }
        };
        Sized { apparent: 0.0, watts: 0.0, resolution: unseen }
    }

    /// The power of each phase: those that draw are shown, and one that does not is what is missing to the total.
    fn phases(&self, flow: &Flow, watts: f64) -> Option<[i64; PHASES_MAX]> {
        let powers = self.facts.phase_powers()?;
        let total = match flow.direction {
            Direction::Withdrawn => flow.apparent,
            Direction::Injected => -flow.apparent,
            Direction::InjectedByCurrent | Direction::Balanced => return None,
        };
        let (silent, missing) = (powers.iter().filter(|power| **power == 0.0).count(), total - powers.iter().sum::<f64>());
        if silent != 1 && missing.abs() > 1.0 || total == 0.0 {
            return None;
        }
        let signed = powers.map(|power| if power == 0.0 { missing } else { power });
        Some(signed.map(|power| (power * watts / total).round() as i64))
    }
}

fn is_index(dataset: &Dataset<'_>) -> bool {
    matches!(dataset.role(), Some(Role::EnergyWithdrawn | Role::IndexOf(_)))
}

#[cfg(test)]
mod tests;
