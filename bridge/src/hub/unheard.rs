//! Meters of an earlier run that no reader has told of since the start.
//!
//! What the broker still holds of them is of that run: a reader that died meanwhile would be shown as one that reads well, for ever.

use std::collections::BTreeSet;

use teleinfo_proto::tic::MeterId;

use super::Hub;
use crate::{meter::reception::Reception, words::message::Message};

impl Hub {
    /// Readers have had the time of a few reports.
    pub(super) fn say_unheard(&mut self) {
        self.unheard_due = None;
        let Some(report) = Reception::unheard(self.options.station.presentation.language) else { return };
        for id in self.unheard() {
            self.publish(Message::retained(self.topics().quality(id), report.clone()));
        }
    }

    fn unheard(&self) -> BTreeSet<MeterId> {
        let kept = &self.kept;
        let earlier = kept.memories.keys().chain(kept.positions.keys()).chain(&kept.known).copied();
        let silent = self
            .stations
            .iter()
            .filter(|(id, station)| !self.newcomers.contains(**id) && station.reception().is_silent())
            .map(|(id, _)| *id);
        earlier.chain(silent).filter(|id| self.is_ours(*id)).collect()
    }
}
