//! The active power of one direction, from its apparent power and an index that steps by one Wh.
//!
//! A frame shows the apparent power now, and an index that says only afterwards how much of it was active. So the power factor of each
//! level of load is learnt: a *window* of one load is one measurement, from one step of the index to another, because the errors of the
//! steps between cancel. A *step of load* closes the window. All times are of one clock that is never set. The formulas and what each of
//! them is worth were compared by simulation; `docs/measurements.md` has the error that is left.

use std::time::Duration;

use super::{
    nodes::{COUNT, Nodes, weights},
    payback::Payback,
};

/// A change of load that begins a new window: this many VA, and this share of the load.
const LOAD_STEP_VA: f64 = 40.0;
const LOAD_STEP_SHARE: f64 = 0.08;
/// How uncertain the factor of a load that has just begun is at least, as a variance.
const LOAD_STEP_VARIANCE: f64 = 0.03 * 0.03;
/// A window is closed after this time and this much energy.
const WINDOW_S: f64 = 60.0;
const WINDOW_WH: f64 = 6.0;
/// The variance of what each measurement adds on its own, in Wh².
const NOISE: f64 = 0.02 * 0.02;
/// The variance where all that is known is that the next step is overdue, in Wh², and by how much it must be.
const OVERDUE_VARIANCE: f64 = 0.05;
const OVERDUE_WH: f64 = 1.3;
/// A pause between frames after which the window says nothing.
const PAUSE_S: f64 = 30.0;
/// Frames that take longer than this share a change of load between them: the mean of two is counted.
const LONG_FRAME_S: f64 = 2.0;
/// In such frames a load step that may have moved so much energy leaves the moment of the next step of the index unknown, in Wh.
const STEP_UNKNOWN_WH: f64 = 0.15;

/// What one frame says of one direction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// When the apparent power was read.
    pub at: Duration,
    /// The apparent power, in VA; 0 while energy flows the other way.
    pub apparent: f64,
    /// The index, in Wh.
    pub index: u64,
    /// How long before the power the index was read.
    pub lag: Duration,
}

/// A step of the index, as it was seen.
#[derive(Debug, Clone, Copy)]
struct IndexStep {
    at: Duration,
    index: u64,
    /// How much of a Wh one look may miss, at the load of then.
    missed: f64,
}

/// What is learnt of one direction.
#[derive(Debug, Clone, Default)]
pub struct Levels {
    nodes: Nodes,
    /// The nodes when the window began: each step of the index measures the whole window anew.
    at_begin: Option<Nodes>,
    last: Option<Look>,
    /// The step of the index that the window begins with, and the last one.
    begin: Option<IndexStep>,
    newest: Option<IndexStep>,
    /// VAh by node since each of them.
    in_window: [f64; COUNT],
    since_newest: [f64; COUNT],
    /// The load that the window is of, in VA.
    load: f64,
    payback: Payback,
}

impl Levels {
    /// Goes on from what was kept.
    #[must_use]
    pub fn new(nodes: Nodes) -> Self {
        Self { nodes, ..Self::default() }
    }

    /// What is learnt.
    #[must_use]
    pub const fn nodes(&self) -> &Nodes {
        &self.nodes
    }

    /// The sign has turned where so many VA are not active.
    pub fn handle_turn(&mut self, non_active: f64) {
        self.nodes.expect(non_active);
    }

    /// The active power of so many VA now, in W, for publication: what is published is held against the index.
    pub fn publish(&mut self, apparent: f64, at: Duration) -> f64 {
        let watts = apparent * self.nodes.factor(apparent);
        let limit = (0.5 * self.nodes.deviation(apparent)).max(0.005 * apparent);
        let watts = (watts + self.payback.correction(limit)).clamp(0.0, apparent);
        self.payback.handle_published(watts, at);
        watts
    }

    /// Takes in what a frame says.
    pub fn handle_look(&mut self, look: Look) {
        self.payback.handle_index(look.index);
        let Some(last) = self.last.replace(look) else {
            self.load = look.apparent;
            return;
        };
        let seconds = look.at.saturating_sub(last.at).as_secs_f64();
        if seconds > PAUSE_S || look.index < last.index || is_wild(&look, &last, seconds) {
            self.forget_window();
            self.load = look.apparent;
            return;
        }
        self.learn(&look, &last, seconds);
    }

    /// The meter, the mode or the direction is another: what the window has measured says nothing any more.
    pub fn forget_window(&mut self) {
        (self.at_begin, self.begin, self.newest) = (None, None, None);
        (self.in_window, self.since_newest) = ([0.0; COUNT], [0.0; COUNT]);
    }

    /// The index goes on from another number, or was not seen for a while: nothing of the gap is owed.
    pub fn forget_index(&mut self) {
        self.forget_window();
        self.last = None;
        self.payback.handle_gap();
    }

    fn learn(&mut self, look: &Look, last: &Look, seconds: f64) {
        let is_long = seconds > LONG_FRAME_S;
        let early = (seconds - look.lag.as_secs_f64()).max(0.0);
        self.count(if is_long { 0.5 * (look.apparent + last.apparent) } else { look.apparent }, early);
        let change = (look.apparent - self.load).abs();
        let is_load_step = change > LOAD_STEP_VA.max(LOAD_STEP_SHARE * self.load);
        let moved_wh = (look.apparent - last.apparent).abs() * seconds / 3_600.0;
        let is_unknown = is_load_step && is_long && moved_wh > STEP_UNKNOWN_WH;
        if is_load_step {
            self.handle_load_step(look.apparent);
        }
        if is_unknown {
            self.begin = None;
        }
        self.handle_index(look, last, seconds, is_unknown);
        self.count(look.apparent, seconds - early);
    }

    /// Another load: the window ends with the last step of the index, and a new one begins there.
    fn handle_load_step(&mut self, apparent: f64) {
        if let (Some(newest), Some(_)) = (self.newest, &self.at_begin) {
            self.nodes.commit(&self.in_window);
            self.begin = Some(newest);
            self.in_window = self.since_newest;
        }
        self.nodes.doubt(apparent, LOAD_STEP_VARIANCE);
        self.at_begin = None;
        self.load = apparent;
    }

    fn handle_index(&mut self, look: &Look, last: &Look, seconds: f64, is_unknown: bool) {
        let watts = look.apparent * self.nodes.factor(look.apparent);
        let step = IndexStep { at: look.at, index: look.index, missed: (watts * seconds / 3_600.0).min(1.0) };
        if look.index > last.index {
            match self.begin {
                _ if is_unknown => self.begin = None,
                None => {
                    self.begin = Some(step);
                    self.in_window = [0.0; COUNT];
                }
                Some(begin) => self.measure(begin, step),
            }
            self.newest = Some(step);
            self.since_newest = [0.0; COUNT];
        } else if let Some(begin) = self.begin {
            self.handle_no_step(begin, step.index);
        }
    }

    /// The window from its begin to this step is one measurement.
    fn measure(&mut self, begin: IndexStep, step: IndexStep) {
        let wh = (step.index - begin.index) as f64 + (step.missed - begin.missed) / 2.0;
        let variance = (step.missed.powi(2) + begin.missed.powi(2)) / 12.0;
        self.update(wh, variance);
        if wh >= WINDOW_WH && step.at.saturating_sub(begin.at).as_secs_f64() >= WINDOW_S {
            self.nodes.commit(&self.in_window);
            self.nodes.forget(&self.in_window);
            self.at_begin = None;
            self.begin = Some(step);
            self.in_window = [0.0; COUNT];
        }
    }

    /// The next step does not come: a factor that is too high is brought down early.
    fn handle_no_step(&mut self, begin: IndexStep, index: u64) {
        let counted = (index - begin.index) as f64;
        if self.nodes.energy(&self.in_window) > counted + OVERDUE_WH - begin.missed / 2.0 {
            self.update(counted + 1.0 - begin.missed / 2.0, OVERDUE_VARIANCE);
        }
    }

    fn update(&mut self, wh: f64, variance: f64) {
        let begin = self.at_begin.get_or_insert_with(|| self.nodes.clone());
        let updated = begin.updated(&self.in_window, wh, variance + NOISE);
        (self.nodes.factor, self.nodes.variance) = (updated.factor, updated.variance);
    }

    /// So many VA for so many seconds.
    fn count(&mut self, apparent: f64, seconds: f64) {
        for (node, weight) in weights(apparent) {
            let vah = weight * apparent * seconds / 3_600.0;
            self.in_window[node] += vah;
            self.since_newest[node] += vah;
        }
    }
}

/// A step that no load explains.
fn is_wild(look: &Look, last: &Look, seconds: f64) -> bool {
    let step = look.index.saturating_sub(last.index) as f64;
    step * 3_600.0 > 2.5 * (look.apparent + last.apparent + 200.0) * seconds + 3_600.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A meter with frames of `period` seconds whose index is read `lag` earlier, under loads of (VA, W, seconds). Returns all powers.
    fn run(levels: &mut Levels, period: f64, lag: f64, loads: &[(f64, f64, f64)]) -> Vec<(f64, f64)> {
        let (mut at, mut wh, mut powers) = (1_000.0, 5_000.4, Vec::new());
        for (apparent, watts, seconds) in loads {
            let end = at + seconds;
            while at < end {
                at += period;
                wh += watts * period / 3_600.0;
                let index = (wh - watts * lag / 3_600.0) as u64;
                let at = Duration::from_secs_f64(at);
                levels.handle_look(Look { at, apparent: *apparent, index, lag: Duration::from_secs_f64(lag) });
                powers.push((*watts, levels.publish(*apparent, at)));
            }
        }
        powers
    }

    #[test]
    fn a_resistive_house_is_found_within_half_a_percent() {
        for watts in [120.0, 900.0, 4_000.0] {
            let powers = run(&mut Levels::default(), 0.92, 0.4, &[(watts, watts, 3_600.0)]);
            let last = powers.last().unwrap().1;
            assert!((last - watts).abs() <= 0.005 * watts, "{watts} W: {last}");
        }
    }

    #[test]
    fn a_motor_is_found_within_minutes() {
        let powers = run(&mut Levels::default(), 0.92, 0.4, &[(400.0, 250.0, 600.0)]);
        let late = &powers[powers.len() - 60..];
        assert!(late.iter().all(|(watts, power)| (watts - power).abs() < 8.0), "{:?}", late.last());
    }

    #[test]
    fn each_level_keeps_its_own_factor() {
        let loads = [(200.0, 130.0, 900.0), (2_400.0, 2_390.0, 900.0), (200.0, 130.0, 30.0)];
        let powers = run(&mut Levels::default(), 1.45, 0.6, &loads);
        let (watts, power) = *powers.last().unwrap();
        assert!((watts - power).abs() < 8.0, "{power}");
    }

    #[test]
    fn an_index_that_jumps_teaches_nothing() {
        let mut levels = Levels::default();
        run(&mut levels, 0.92, 0.4, &[(500.0, 400.0, 900.0)]);
        let before = levels.nodes.factor;
        let look = |at: u64, index| Look { at: Duration::from_secs(at), apparent: 500.0, index, lag: Duration::ZERO };
        levels.handle_look(look(2_000, 5_101));
        levels.handle_look(look(2_001, 999_999));
        levels.handle_look(look(2_002, 3));
        levels.handle_look(look(2_100, 90));
        assert_eq!(levels.nodes.factor, before);
        assert!(levels.begin.is_none());
    }

    proptest! {
        /// Whatever the loads, what is published stays near what the index says, and between nothing and the apparent power.
        #[test]
        fn the_energy_published_follows_the_index(loads in proptest::collection::vec((30.0..8_000.0f64, 0.3..1.0f64, 20.0..900.0f64), 1..12)) {
            let loads: Vec<_> = loads.into_iter().map(|(apparent, factor, seconds)| (apparent, apparent * factor, seconds)).collect();
            let (mut published, mut drawn) = (0.0, 0.0);
            for (apparent, (watts, power)) in loads.iter().flat_map(|(apparent, _, seconds)| {
                std::iter::repeat_n(*apparent, (seconds / 0.92).ceil() as usize)
            }).zip(run(&mut Levels::default(), 0.92, 0.4, &loads)) {
                prop_assert!((0.0..=apparent + 1e-9).contains(&power), "{power} of {apparent}");
                published += power * 0.92 / 3_600.0;
                drawn += watts * 0.92 / 3_600.0;
            }
            let energy: f64 = loads.iter().map(|(apparent, _, _)| apparent).fold(0.0, |most: f64, apparent| most.max(*apparent));
            prop_assert!((published - drawn).abs() < 3.0 + energy * 0.02, "{published} Wh published, {drawn} Wh drawn");
        }

        /// Random jumps, steps back and pauses leave only what can be.
        #[test]
        fn any_index_leaves_possible_nodes(looks in proptest::collection::vec((0u64..60_000, 0.0..20_000.0f64, 0u64..20, 0u8..40), 1..200)) {
            let (mut levels, mut at, mut index) = (Levels::default(), 0, 500u64);
            for (elapsed, apparent, step, what) in looks {
                at += elapsed;
                index = match what { 0 => 0, 1 => 999_999_999, _ => index + step };
                let moment = Duration::from_millis(at);
                levels.handle_look(Look { at: moment, apparent, index, lag: Duration::from_millis(400) });
                let watts = levels.publish(apparent, moment);
                prop_assert!((0.0..=apparent).contains(&watts));
                prop_assert!(levels.nodes.factor.iter().all(|factor| (0.05..=1.0).contains(factor)));
                prop_assert!(levels.nodes.variance.iter().all(|variance| *variance > 0.0));
            }
        }
    }
}
