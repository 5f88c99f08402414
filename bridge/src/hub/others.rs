//! What is followed of the meters that other members of the group publish: next to nothing, so that a meter costs its own member alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant, SystemTime},
};

use teleinfo_proto::tic::MeterId;

use crate::order::received::{ReaderClock, Received};

/// A reader that another member has met is known here after this time at the latest.
const INTRODUCTION: Duration = Duration::from_secs(15);

/// What is followed of the meters that others publish.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// How the clocks of their readers stand.
    pub(super) clocks: BTreeMap<MeterId, ReaderClock>,
    /// Those of which the broker says `online`.
    pub(super) online: BTreeSet<MeterId>,
    /// Since when messages of readers come that are not known here, and when the last one came.
    unknown: Option<(Instant, Instant)>,
}

impl Others {
    /// A sample of such a meter came, at this time.
    pub(super) fn handle_sample(&mut self, received: &Received, wall: SystemTime) {
        self.clocks.entry(received.meter).or_default().observe(received, wall);
    }

    /// A message of a reader came that is not known here. Returns whether it may be that another member has met it and still has to tell.
    pub(super) fn handle_unknown(&mut self, now: Instant) -> bool {
        let begun = self.unknown.filter(|(_, last)| now < *last + INTRODUCTION).map_or(now, |(begun, _)| begun);
        self.unknown = Some((begun, now));
        now < begun + INTRODUCTION
    }
}
