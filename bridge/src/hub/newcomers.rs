//! Meters that nobody knew before this process: a stranger can invent any number of them.
//!
//! Nothing is said of such a meter before its turn: only so many are new in a minute. Home Assistant is told once it has sent several samples. Where there is no more
//! place, the one that was silent for longest makes room, and one that says nothing more goes by itself: so those that send as meters do
//! stay. Meters of an earlier process, and those that were announced, are no newcomers.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use teleinfo_proto::tic::MeterId;

use crate::words::pace::Pace;

/// Meters announced at once, and then in a minute: more than a house has, and few enough to be removed by hand.
const AT_ONCE: u32 = 32;
const A_MINUTE: u32 = 20;
/// A newcomer that has been silent for so long goes.
const IDLE: Duration = Duration::from_secs(600);

/// All newcomers, with the time at which they were last heard.
#[derive(Debug)]
pub(super) struct Newcomers {
    heard: BTreeMap<MeterId, Instant>,
    announcements: Pace,
}

impl Default for Newcomers {
    fn default() -> Self {
        Self { heard: BTreeMap::new(), announcements: Pace::new(AT_ONCE, A_MINUTE) }
    }
}

impl Newcomers {
    /// A meter comes that nobody knew.
    pub(super) fn handle_new(&mut self, id: MeterId, now: Instant) {
        self.heard.insert(id, now);
    }

    /// A meter was heard: nothing happens if it is no newcomer.
    pub(super) fn handle_heard(&mut self, id: MeterId, now: Instant) {
        if let Some(at) = self.heard.get_mut(&id) {
            *at = now;
        }
    }

    /// Another bridge follows this meter.
    pub(super) fn handle_gone(&mut self, id: MeterId) {
        self.heard.remove(&id);
    }

    /// Whether this meter is one.
    pub(super) fn contains(&self, id: MeterId) -> bool {
        self.heard.contains_key(&id)
    }

    /// Whether it may be announced now. It is no newcomer then.
    pub(super) fn poll_announcement(&mut self, id: MeterId, now: Instant) -> bool {
        let may = self.announcements.take(now);
        if may {
            self.heard.remove(&id);
        }
        may
    }

    /// The one that makes room, if there is one.
    pub(super) fn poll_room(&mut self) -> Option<MeterId> {
        let (id, _) = self.heard.iter().min_by_key(|(_, at)| **at)?;
        let id = *id;
        self.heard.remove(&id);
        Some(id)
    }

    /// One that has been silent for too long.
    pub(super) fn poll_idle(&mut self, now: Instant) -> Option<MeterId> {
        let (id, _) = self.heard.iter().find(|(_, at)| now.saturating_duration_since(**at) >= IDLE)?;
        let id = *id;
        self.heard.remove(&id);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(number: u32) -> MeterId {
        format!("{number:012}").parse().unwrap()
    }

    #[test]
    fn so_many_are_announced_in_a_minute() {
        let (mut newcomers, start) = (Newcomers::default(), Instant::now());
        let mut announced =
            |seconds| (0..2_000).filter(|number| newcomers.poll_announcement(meter(*number), start + Duration::from_secs(seconds))).count();
        assert_eq!((announced(0), announced(60)), (AT_ONCE as usize, A_MINUTE as usize));
    }

    #[test]
    fn the_one_that_is_silent_for_longest_makes_room() {
        let (mut newcomers, start) = (Newcomers::default(), Instant::now());
        (0..3).for_each(|number| newcomers.handle_new(meter(number), start + Duration::from_secs(number.into())));
        newcomers.handle_heard(meter(0), start + Duration::from_secs(10));
        newcomers.handle_heard(meter(9), start);
        assert_eq!(
            [newcomers.poll_room(), newcomers.poll_room(), newcomers.poll_room(), newcomers.poll_room()],
            [Some(meter(1)), Some(meter(2)), Some(meter(0)), None]
        );
    }

    #[test]
    fn one_that_says_nothing_more_goes() {
        let (mut newcomers, start) = (Newcomers::default(), Instant::now());
        newcomers.handle_new(meter(1), start);
        assert_eq!(newcomers.poll_idle(start + IDLE - Duration::from_secs(1)), None);
        assert_eq!(newcomers.poll_idle(start + IDLE), Some(meter(1)));
        assert!(!newcomers.contains(meter(1)));
    }
}
