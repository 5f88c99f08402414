//! When readers are told what the broker has. A receipt goes out soon after a sample was handed on and every message of it acknowledged. Only
//! meters of which a sample was handed on are looked at: what a sample costs does not depend on how many meters there are.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use teleinfo_proto::tic::MeterId;

use crate::{
    order::marks::{Mark, Marks},
    store::positions::told,
    words::message::Origin,
};

/// A broker acknowledges within milliseconds.
const SOON: Duration = Duration::from_millis(20);
/// What has not been acknowledged then is looked at again after this time.
const AGAIN: Duration = Duration::from_millis(100);
/// The same while the broker is away.
const LATER: Duration = Duration::from_secs(2);

/// What was said to readers, and when to look again.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    said: BTreeMap<MeterId, Marks>,
    /// Meters of which there may be something to say.
    looked_at: BTreeSet<MeterId>,
    due: Option<Instant>,
}

impl Receipts {
    /// Samples of these meters were handed on.
    pub(super) fn handle_taken(&mut self, meters: impl IntoIterator<Item = MeterId>, now: Instant) {
        self.looked_at.extend(meters);
        if !self.looked_at.is_empty() {
            self.due.get_or_insert(now + SOON);
        }
    }

    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// What is to be said now: how far the samples of each run of each meter's readers are at the broker, where that is news. `marks` says how
    /// far they were handed on.
    pub(super) fn poll<'a>(
        &mut self,
        marks: impl Fn(MeterId) -> Option<&'a Marks>,
        untold: &[Origin],
        is_up: bool,
        now: Instant,
    ) -> Vec<(MeterId, Mark)> {
        let mut of_meters: BTreeMap<MeterId, Vec<Origin>> = BTreeMap::new();
        untold.iter().for_each(|origin| of_meters.entry(origin.meter).or_default().push(*origin));
        let mut news = Vec::new();
        for meter in std::mem::take(&mut self.looked_at) {
            let untold = of_meters.get(&meter).map_or(&[][..], Vec::as_slice);
            let Some(marks) = marks(meter).map(|marks| told(meter, marks, untold)) else { continue };
            let said = self.said.entry(meter).or_default();
            news.extend(marks.iter().filter(|mark| said.iter().all(|known| known != *mark)).map(|mark| (meter, *mark)));
            *said = marks;
        }
        self.looked_at.extend(of_meters.into_keys());
        self.due = (!self.looked_at.is_empty()).then_some(now + if is_up { AGAIN } else { LATER });
        news
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::wire::BootId;

    use super::*;

    #[test]
    fn what_the_broker_has_is_said_once_and_what_it_has_not_later() {
        let (mut receipts, now) = (Receipts::default(), Instant::now());
        let (meter, boot) = ("012345678912".parse().unwrap(), BootId::new(1));
        let marks = |sequence| Marks::new(vec![Mark { boot, sequence, unix_ms: 0 }]);
        let untold = Origin { meter, boot, sequence: 5 };
        let at_five = marks(5);
        receipts.handle_taken([meter], now);
        assert_eq!(receipts.poll_timeout(), Some(now + SOON));
        let said = receipts.poll(|_| Some(&at_five), &[untold], true, now);
        assert_eq!(said.iter().map(|(_, mark)| mark.sequence).collect::<Vec<_>>(), [4]);
        assert_eq!(receipts.poll_timeout(), Some(now + AGAIN));
        let said = receipts.poll(|_| Some(&at_five), &[], true, now);
        assert_eq!(said.iter().map(|(_, mark)| mark.sequence).collect::<Vec<_>>(), [5]);
        assert_eq!(receipts.poll(|_| Some(&at_five), &[], true, now), []);
        assert_eq!(receipts.poll_timeout(), None);
    }

    #[test]
    fn two_readers_whose_frames_end_together_are_both_told() {
        let (mut receipts, now) = (Receipts::default(), Instant::now());
        let meter = "012345678912".parse().unwrap();
        let marks = |both: [u64; 2]| {
            Marks::new((1..).zip(both).map(|(boot, sequence)| Mark { boot: BootId::new(boot), sequence, unix_ms: 0 }).collect())
        };
        let mut said = |both| {
            let marks = marks(both);
            receipts.handle_taken([meter], now);
            receipts.poll(|_| Some(&marks), &[], true, now).len()
        };
        assert_eq!([said([1, 1]), said([2, 2]), said([2, 3]), said([2, 3])], [2, 2, 1, 0]);
    }
}
