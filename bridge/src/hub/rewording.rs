//! Words of choices that have changed since Home Assistant was last told of them: they are those of another language, or of another release.
//!
//! A sensor that is told of new choices still shows a word of the old ones, which Home Assistant logs as an error, unless the sensor is unavailable at that
//! moment. So the bridge says that it is offline until its meters are announced in the new words, and have said in these what they show.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use teleinfo_proto::tic::MeterId;

use crate::homeassistant::{memory::Memory, presentation::Presentation};

/// Home Assistant has worked on what it was told by then, and a reader has reported.
const PATIENCE: Duration = Duration::from_secs(5);
/// Whether a meter has said something is looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The meters whose words have changed, and when the bridge is online in spite of them.
#[derive(Debug, Default)]
pub(super) struct Rewording {
    meters: BTreeSet<MeterId>,
    /// Nothing until there is a broker.
    due: Option<Instant>,
}

impl Rewording {
    /// At the start, from what an earlier process kept.
    pub(super) fn new(presentation: &Presentation, memories: &BTreeMap<MeterId, Memory>) -> Self {
        let reworded = memories.iter().filter(|(_, memory)| presentation.discovery && memory.is_reworded(presentation.language));
        Self { meters: reworded.map(|(id, _)| *id).collect(), due: None }
    }

    /// Whether Home Assistant is still to be told of words.
    pub(super) fn is_under_way(&self) -> bool {
        !self.meters.is_empty()
    }

    /// The meters that are to be announced.
    pub(super) fn meters(&self) -> impl Iterator<Item = MeterId> {
        self.meters.iter().copied()
    }

    /// They are being announced now.
    pub(super) fn handle_announced(&mut self, now: Instant) {
        self.due = self.is_under_way().then_some(now + PATIENCE);
    }

    /// The broker is gone: all of it again when it is back.
    pub(super) const fn handle_disconnected(&mut self) {
        self.due = None;
    }

    /// A meter has said nothing yet.
    pub(super) fn handle_silence(&mut self, now: Instant) {
        self.due = Some(now + LOOK_EVERY);
    }

    /// When they may have said enough.
    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }
}
