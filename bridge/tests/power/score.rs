//! How wrong the powers were: by the size of the load, after each step of load, and as a sum.

use super::feed::Said;

/// Loads are told apart at these powers, in W.
pub(crate) const SIZES: [f64; 4] = [300.0, 1_000.0, 3_000.0, f64::INFINITY];
/// Times after a step of load, in s.
pub(crate) const AFTER: [f64; 5] = [2.0, 5.0, 10.0, 30.0, 60.0];
/// A step of load, in W.
const STEP: f64 = 500.0;

/// Errors in W.
#[derive(Default, Clone)]
pub(crate) struct Errors(Vec<f64>);

impl Errors {
    pub(crate) fn push(&mut self, error: f64) {
        self.0.push(error);
    }

    pub(crate) fn bias(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    pub(crate) fn rms(&self) -> f64 {
        (self.0.iter().map(|error| error * error).sum::<f64>() / self.0.len() as f64).sqrt()
    }

    pub(crate) fn mean(&self) -> f64 {
        self.0.iter().map(|error| error.abs()).sum::<f64>() / self.0.len() as f64
    }

    pub(crate) fn p95(&self) -> f64 {
        let mut sizes: Vec<f64> = self.0.iter().map(|error| error.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        sizes.get(sizes.len() * 95 / 100).copied().unwrap_or(0.0)
    }

    /// Bias, RMS and p95, as the documentation's table has them.
    pub(crate) fn cell(&self) -> String {
        format!("{:+.0} / {:.0} / {:.0}", self.bias(), self.rms(), self.p95())
    }
}

/// What was seen.
#[derive(Default)]
pub(crate) struct Score {
    pub(crate) by_size: [Errors; 4],
    pub(crate) after_step: [Errors; 5],
    pub(crate) all: Errors,
    covered: usize,
    resolutions: f64,
    /// The integral of what was said less the index: the most on the way, and at the end, in Wh.
    pub(crate) drift: f64,
    pub(crate) drift_at_end: f64,
    integral: f64,
    begin: Option<u64>,
    last: Option<(f64, f64)>,
    step_at: f64,
}

impl Score {
    pub(crate) fn new() -> Self {
        Self { step_at: f64::NEG_INFINITY, ..Self::default() }
    }

    /// One more power; errors count from `from` on, in s.
    pub(crate) fn handle_said(&mut self, said: &Said, from: f64) {
        let (error, resolution) = (said.power.watts as f64 - said.truth, said.power.resolution as f64);
        if let Some((at, truth)) = self.last.replace((said.at, said.truth)) {
            self.integral += said.power.watts as f64 * (said.at - at) / 3_600.0;
            if (said.truth - truth).abs() > STEP {
                self.step_at = said.at;
            }
        }
        let begin = *self.begin.get_or_insert(said.index);
        self.drift_at_end = self.integral - (said.index as f64 - begin as f64);
        self.drift = self.drift.max(self.drift_at_end.abs());
        if said.at < from {
            return;
        }
        let place = |limits: &[f64], value: f64| limits.iter().position(|limit| value < *limit);
        if let Some(size) = place(&SIZES, said.truth) {
            self.by_size[size].push(error);
        }
        if let Some(after) = place(&AFTER, said.at - self.step_at) {
            self.after_step[after].push(error);
        }
        self.all.push(error);
        self.covered += usize::from(error.abs() <= resolution);
        self.resolutions += resolution;
    }

    /// The share of seconds that the stated resolution covers, in hundredths, and its mean.
    pub(crate) fn covered(&self) -> (f64, f64) {
        let all = self.all.0.len() as f64;
        (100.0 * self.covered as f64 / all, self.resolutions / all)
    }

    /// This score and another one.
    pub(crate) fn merge(&mut self, other: Self) {
        let join = |mine: &mut [Errors], theirs: &[Errors]| mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| mine.0.extend(&theirs.0));
        join(&mut self.by_size, &other.by_size);
        join(&mut self.after_step, &other.after_step);
        self.all.0.extend(other.all.0);
        self.covered += other.covered;
        self.resolutions += other.resolutions;
        self.drift = self.drift.max(other.drift);
    }
}
