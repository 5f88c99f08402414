//! Live samples: what a reader says before the end of a frame, because somebody steers by it or has to be warned.
//!
//! Their frame follows and repeats them, so they have no number of their own, no history holds them, and nothing is missing when one is
//! lost. One counts while nothing later is known of its meter: once its frame has come, it is the frame that tells. Of two readers of one
//! meter the one tells whose sample was handed on last, so that nothing is told twice.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use teleinfo_proto::wire::BootId;

use crate::order::received::Received;

/// Live samples that may wait for room on the MQTT side: those of the longest frame, twice. The oldest go first.
const WAITING_MAX: usize = 32;
/// After this time nobody steers by it any more.
const FRESH: Duration = Duration::from_secs(2);

/// The live samples of one meter that wait, each with the time at which it came.
#[derive(Debug, Default)]
pub(super) struct LiveSamples(VecDeque<(Received, Instant)>);

impl LiveSamples {
    /// A live sample came.
    pub(super) fn handle_live(&mut self, sample: Received, now: Instant) {
        if self.0.len() == WAITING_MAX {
            self.0.pop_front();
        }
        self.0.push_back((sample, now));
    }

    /// A sample with a number of its own came: it repeats what was said before.
    pub(super) fn handle_numbered(&mut self, sample: &Received) {
        self.0.retain(|(live, _)| live.boot != sample.boot || live.sequence >= sample.sequence);
    }

    /// The next one that counts: the sample that was told last is of the same run, and of no later frame than the one before it.
    pub(super) fn poll_sample(&mut self, (boot, sequence): (BootId, u64), now: Instant) -> Option<Received> {
        std::iter::from_fn(|| self.0.pop_front())
            .find(|(sample, at)| boot == sample.boot && sequence <= sample.sequence && now.saturating_duration_since(*at) <= FRESH)
            .map(|(sample, _)| sample)
    }
}
