//! When readers are told what the broker has. A receipt goes out soon after a sample was handed on and every message of it acknowledged; many
//! at a time, since to look at all meters costs more than one of them.

use std::{
    collections::BTreeMap,
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
    taken: u64,
    due: Option<Instant>,
}

impl Receipts {
    /// So many samples were handed on by now.
    pub(super) fn handle_taken(&mut self, taken: u64, now: Instant) {
        if std::mem::replace(&mut self.taken, taken) != taken {
            self.due.get_or_insert(now + SOON);
        }
    }

    pub(super) const fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// What is to be said now: how far the samples of each run of each meter's readers are at the broker, where that is news.
    pub(super) fn poll<'a>(
        &mut self,
        positions: impl Iterator<Item = (&'a MeterId, &'a Marks)>,
        untold: &[Origin],
        is_up: bool,
        now: Instant,
    ) -> Vec<(MeterId, Mark)> {
        self.due = (!untold.is_empty()).then_some(now + if is_up { AGAIN } else { LATER });
        let mut news = Vec::new();
        for (meter, marks) in positions {
            let marks = told(*meter, marks, untold);
            let said = self.said.entry(*meter).or_default();
            news.extend(marks.iter().filter(|mark| said.iter().all(|known| known != *mark)).map(|mark| (*meter, *mark)));
            *said = marks;
        }
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
        receipts.handle_taken(5, now);
        assert_eq!(receipts.poll_timeout(), Some(now + SOON));
        let said = receipts.poll([(&meter, &marks(5))].into_iter(), &[untold], true, now);
        assert_eq!(said.iter().map(|(_, mark)| mark.sequence).collect::<Vec<_>>(), [4]);
        assert_eq!(receipts.poll_timeout(), Some(now + AGAIN));
        let said = receipts.poll([(&meter, &marks(5))].into_iter(), &[], true, now);
        assert_eq!(said.iter().map(|(_, mark)| mark.sequence).collect::<Vec<_>>(), [5]);
        assert_eq!(receipts.poll([(&meter, &marks(5))].into_iter(), &[], true, now), []);
        assert_eq!(receipts.poll_timeout(), None);
    }

    #[test]
    fn two_readers_whose_frames_end_together_are_both_told() {
        let (mut receipts, now) = (Receipts::default(), Instant::now());
        let meter = "012345678912".parse().unwrap();
        let marks = |both: [u64; 2]| {
            Marks::new((1..).zip(both).map(|(boot, sequence)| Mark { boot: BootId::new(boot), sequence, unix_ms: 0 }).collect())
        };
        let mut said = |both| receipts.poll([(&meter, &marks(both))].into_iter(), &[], true, now).len();
        assert_eq!([said([1, 1]), said([2, 2]), said([2, 3]), said([2, 3])], [2, 2, 1, 0]);
    }
}
