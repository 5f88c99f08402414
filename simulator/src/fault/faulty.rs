//! A fault around a source: where it strikes, and what lasts for longer than a burst.

use super::{Fault, FaultKind};
use crate::line::source::{Burst, Source};
use crate::rng::Rng;
use std::time::Duration;

/// A source with a fault around it.
pub(crate) struct Faulty<S> {
    inner: S,
    fault: Fault,
    rng: Rng,
    silent: Duration,
    late: Option<Burst>,
}

impl<S: Source> Faulty<S> {
    /// Puts a fault around a source.
    pub(crate) fn new(inner: S, fault: Fault, seed: u64) -> Self {
        let rng = Rng::named(seed, fault.kind.name());
        Self { inner, fault, rng, silent: Duration::ZERO, late: None }
    }

    fn strike(&mut self, burst: &mut Burst) {
        let places = if burst.bytes.is_empty() { 0 } else { self.fault.kind.places(&burst.bytes) };
        // From the end: a place that loses bytes must not move those still to come.
        for at in (0..places).rev() {
            if self.rng.chance(self.fault.rate) && self.fault.kind.strike_at(at, &mut burst.bytes, &mut self.rng) {
                burst.faults.push(self.fault.kind.name());
            }
        }
    }

    fn silence(&mut self, burst: &mut Burst) {
        if !burst.faults.ends_with(&[FaultKind::Silence.name()]) {
            if self.silent.is_zero() {
                return;
            }
            burst.faults.push(FaultKind::Silence.name());
        } else if self.silent.is_zero() {
            self.silent = self.fault.time.max(Duration::from_nanos(1));
        }
        let time = burst.duration();
        self.silent = self.silent.saturating_sub(time);
        burst.bytes.clear();
        burst.silence = time;
    }

    fn delay(&mut self, burst: Burst) -> Burst {
        if !burst.faults.ends_with(&[FaultKind::Delay.name()]) {
            return burst;
        }
        let pause = Burst::new(Vec::new(), burst.baud, self.fault.time);
        self.late = Some(burst);
        pause
    }
}

impl<S: Source> Source for Faulty<S> {
    fn next_burst(&mut self) -> Option<Burst> {
        if let Some(late) = self.late.take() {
            return Some(late);
        }
        let mut burst = self.inner.next_burst()?;
        self.strike(&mut burst);
        match self.fault.kind {
            FaultKind::Silence => self.silence(&mut burst),
            FaultKind::Delay => return Some(self.delay(burst)),
            _ => {}
        }
        Some(burst)
    }
}

/// Puts each of these faults around a source, the first one innermost.
pub fn wrap(source: Box<dyn Source>, faults: &[Fault], seed: u64) -> Box<dyn Source> {
    faults.iter().zip(seed..).fold(source, |inner, (fault, seed)| Box::new(Faulty::new(inner, *fault, seed)))
}
