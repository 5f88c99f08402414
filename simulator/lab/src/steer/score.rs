//! How well a battery did: how far the grid was from the best that the battery could have made of it, and how it took a step.

use super::home::Trace;
use super::scene::{STEP, Scene};

/// A scene without its beginning: the battery rests then, and the estimate of the power knows nothing yet.
const BEGINNING: usize = 30;
/// Settled: within so many W from then on.
const SETTLED: f64 = 60.0;
/// The last seconds of rest, over which a swing is looked for.
const REST: usize = 30;

/// Of a whole scene.
#[derive(Debug, Clone, Copy)]
pub(super) struct Score {
    /// Mean of |grid − the best that the battery could have done|, in W.
    pub(super) error: f64,
}

impl Score {
    pub(super) fn of(scene: &Scene, limit: f64, trace: &Trace) -> Self {
        let best = |watts: f64| watts - watts.clamp(-limit, limit);
        let errors: Vec<f64> = scene.0.iter().zip(trace).skip(BEGINNING).map(|(load, grid)| (grid - best(load.watts)).abs()).collect();
        Self { error: errors.iter().sum::<f64>() / errors.len().max(1) as f64 }
    }
}

/// Of a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// How far the grid went to the other side, as a share of the step.
    pub(super) overshoot: f64,
    /// Seconds until it was settled, if it was.
    pub(super) settled: Option<f64>,
    /// From the lowest to the highest power at the end, in W.
    pub(super) swing: f64,
}

impl Step {
    pub(super) fn of(scene: &Scene, trace: &Trace) -> Self {
        let (at, height, _) = STEP;
        let after = &trace[at.min(trace.len())..trace.len().min(scene.0.len())];
        // The loop rests where the estimate says 0 W, which is not always the true 0.
        let rest = &after[after.len().saturating_sub(REST)..];
        let mean = rest.iter().sum::<f64>() / rest.len().max(1) as f64;
        let lowest = after.iter().copied().fold(0.0, f64::min);
        let settled = after.iter().rposition(|grid| (grid - mean).abs() > SETTLED).map_or(0, |last| last + 1);
        let swing = rest.iter().copied().fold(f64::MIN, f64::max) - rest.iter().copied().fold(f64::MAX, f64::min);
        Self { overshoot: (mean - lowest).max(0.0) / height, settled: (settled + REST <= after.len()).then_some(settled as f64), swing }
    }
}
