//! Which datasets of a frame are believed: an index must be plausible (`plausibility`), and some things must be said twice (`repetition`).
//! Both are asked here, in the meter's own time, and what is refused is counted.

use teleinfo_proto::{
    tic::{Dataset, Label, Mode, Role, spec},
    wire::{Counters, Datasets, DatasetsWriter},
};

use super::{
    frame::{FRAME_BYTES, Frame},
    plausibility::{Plausibility, Powers, Verdict, judge_power, most},
    repetition::Repetition,
};
use crate::{journal, language::Words};

const NEW_TRUTH: Words = Words::new(
    "index {} jumped to {}: several frames agree, so it is believed from now on",
    "l'index {} a sauté à {} : plusieurs trames s'accordent, il est donc cru désormais",
);

/// The meter's own time: the clock's, or what the bytes on the line must have taken if that is more (see `plausibility`).
#[derive(Clone, Copy, Default)]
struct MeterClock {
    ms: u64,
    uptime_ms: u64,
    bytes: u64,
}

impl MeterClock {
    fn advance(&mut self, uptime_ms: u64, bytes: u64, mode: Mode) {
        let on_the_line = (bytes - self.bytes) * u64::from(spec::BITS_PER_CHARACTER) * 1_000 / u64::from(mode.baud());
        self.ms += uptime_ms.saturating_sub(self.uptime_ms).max(on_the_line);
        (self.uptime_ms, self.bytes) = (uptime_ms, bytes);
    }
}

/// Decides which datasets of a frame are believed.
pub(super) struct Judge {
    plausibility: Plausibility,
    repetition: Repetition,
    clock: MeterClock,
    /// The datasets of the last frame that are believed, and their length.
    believed: Vec<u8>,
    length: usize,
    doubted: Option<&'static Label>,
}

impl Judge {
    /// A judge who knows nothing of any meter yet.
    pub(super) fn new() -> Self {
        Self {
            plausibility: Plausibility::default(),
            repetition: Repetition::default(),
            clock: MeterClock::default(),
            believed: vec![0; FRAME_BYTES],
            length: 0,
            doubted: None,
        }
    }

    /// What was believed of the last frame.
    pub(super) fn believed(&self) -> Datasets<'_> {
        Datasets::from(&self.believed[..self.length])
    }

    /// The first label of the last frame that was not believed.
    pub(super) const fn doubted(&self) -> Option<&'static Label> {
        self.doubted
    }

    /// A frame has ended, after so many bytes in all.
    pub(super) fn handle_frame_end(&mut self, bytes: u64, mode: Mode, uptime_ms: u64) {
        self.clock.advance(uptime_ms, bytes, mode);
    }

    /// Another meter is on the line: nothing follows from what was known of the one before.
    pub(super) fn handle_replaced(&mut self) {
        self.plausibility = Plausibility::default();
    }

    /// Takes datasets that were judged one by one already, by [`is_possible`].
    pub(super) fn take(&mut self, frame: &Frame) {
        let datasets = frame.encoded();
        self.length = datasets.len();
        self.believed[..datasets.len()].copy_from_slice(datasets);
    }

    /// Keeps the datasets of `frame` that are believed; returns how many are not.
    pub(super) fn judge(&mut self, frame: &Frame, counters: &mut Counters) -> u32 {
        let trusted = Plausibility::trusts(frame.facts.good, frame.facts.refused);
        self.plausibility.note(powers(frame));
        self.repetition.next_frame(frame.facts.is_clean());
        self.doubted = None;
        let mut refused = 0_u32;
        let mut writer = DatasetsWriter::resume(&mut self.believed, 0);
        for dataset in frame.datasets() {
            let repeated = self.repetition.believes(&dataset);
            let verdict = self.plausibility.judge(&dataset, self.clock.ms, trusted);
            if !repeated || verdict == Verdict::Implausible {
                refused += 1;
                self.doubted = self.doubted.or(dataset.info());
                let why = if repeated { "cannot be, after what came before" } else { "is doubtful, and the frame before did not say it" };
                log::debug!("dataset {}: {:?} {why}", dataset.label(), dataset.data());
                continue;
            }
            if verdict == Verdict::NewTruth {
                counters.index_resets = counters.index_resets.wrapping_add(1);
                log::warn!("{}", journal::say(NEW_TRUTH, &[&dataset.label(), &dataset.data()]));
            }
            // It fitted the frame's buffer, which is as large.
            let _ = writer.push(&dataset);
        }
        self.length = writer.length();
        counters.refused_implausible = counters.refused_implausible.wrapping_add(refused);
        counters.datasets_good = counters.datasets_good.wrapping_sub(refused);
        refused
    }

    /// Whether a frame is clean, and none of its indexes continues those of the known meter.
    pub(super) fn has_other_indexes(&self, frame: &Frame) -> bool {
        let continued = |dataset: Dataset<'_>| self.plausibility.continues(&dataset, self.clock.ms);
        let mut known = frame.datasets().filter_map(continued).peekable();
        frame.facts.is_clean() && known.peek().is_some() && known.all(|continues| !continues)
    }
}

/// Whether a dataset can be, for one whose label has no memory: neither a text nor an index.
pub(super) fn is_possible(dataset: &Dataset<'_>) -> bool {
    judge_power(dataset) == Verdict::Plausible
}

/// A power that no meter lets through explains no index.
fn possible(role: Role, power: Option<u64>) -> Option<u64> {
    power.filter(|power| most(role).is_none_or(|most| *power <= most))
}

/// What a frame says of power.
fn powers(frame: &Frame) -> Powers {
    let (mut powers, mut current, mut phases) = (Powers::default(), None, 1);
    for dataset in frame.datasets() {
        let number = dataset.value().number();
        match dataset.role() {
            Some(Role::Current(2)) => phases = 3,
            Some(Role::SubscribedCurrent) => current = number,
            Some(Role::SubscribedPower) => powers.subscribed = number.map(|kilo| kilo * 1_000),
            Some(role @ Role::PowerWithdrawn) => powers.withdrawn = possible(role, number),
            Some(role @ Role::PowerInjected) => powers.injected = possible(role, number),
            _ => {}
        }
    }
    let from_current = current.map(|amperes| amperes * spec::VA_PER_SUBSCRIBED_AMPERE * phases);
    powers.subscribed = powers.subscribed.or(from_current).filter(|power| *power > 0);
    powers
}
