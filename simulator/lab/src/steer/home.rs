//! A house with a battery, and what its meter has measured: time passes in small steps, and the meter looks each whole second.

use super::battery::Battery;
use super::scene::{Load, Scene};

/// How finely time passes, in s.
const STEP: f64 = 0.05;
/// The voltage without load, and how it sinks with each W drawn.
const VOLTS: (f64, f64) = (233.0, 0.0012);

/// The grid's power for each second, in W, positive when drawn.
pub(super) type Trace = Vec<f64>;

/// A house.
pub(super) struct Home<'s> {
    scene: &'s Scene,
    pub(super) battery: Battery,
    /// Steps that have passed.
    steps: u64,
    /// Of the second that runs, the W of each step added up.
    running: f64,
    /// What the meter measured in each whole second.
    pub(super) trace: Trace,
}

/// What the meter shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shown {
    /// W, positive when drawn.
    pub(super) active: f64,
    /// VA.
    pub(super) apparent: f64,
    /// V.
    pub(super) volts: f64,
}

impl<'s> Home<'s> {
    pub(super) fn new(scene: &'s Scene, battery: Battery) -> Self {
        Self { scene, battery, steps: 0, running: 0.0, trace: Vec::new() }
    }

    pub(super) fn now(&self) -> f64 {
        self.steps as f64 * STEP
    }

    pub(super) fn is_over(&self) -> bool {
        self.trace.len() >= self.scene.0.len()
    }

    /// Lets time pass until then, or to the end of the scene.
    pub(super) fn advance(&mut self, until: f64) {
        while self.now() + STEP <= until && !self.is_over() {
            self.steps += 1;
            let grid = self.load().watts - self.battery.step(STEP, self.now());
            self.running += grid * STEP;
            if self.steps.is_multiple_of((1.0 / STEP) as u64) {
                self.trace.push(std::mem::take(&mut self.running));
            }
        }
    }

    fn load(&self) -> Load {
        self.scene.0[self.trace.len().min(self.scene.0.len() - 1)]
    }

    /// What the meter shows of the last whole second.
    pub(super) fn shown(&self) -> Shown {
        let active = self.trace.last().copied().unwrap_or(self.load().watts);
        let apparent = active.hypot(self.load().reactive);
        Shown { active, apparent, volts: VOLTS.0 - VOLTS.1 * active }
    }
}
