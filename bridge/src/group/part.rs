//! What this member publishes now. It lets go of what is another's at once, and takes what becomes its own a moment later: by then the
//! other one has let go of it, and all that it told last has come, over Zenoh and by way of the broker.

use std::time::{Duration, Instant};

use crate::group::share::Share;

/// Between a change of the members and the first sample of a meter that was another's.
pub const HOLD: Duration = Duration::from_millis(250);

/// Changes within that time that are followed one by one; of more of them nothing is ours until it is quiet.
const CHANGES_MAX: usize = 16;

/// The part of one member.
#[derive(Debug, Clone)]
pub struct Part {
    share: Share,
    /// How the meters were divided since then, the last one last. What another member had in any of them is to be taken over first.
    since: Vec<Share>,
    /// When the last of them holds.
    due: Option<Instant>,
}

impl Part {
    /// Nothing yet.
    #[must_use]
    pub fn of_nothing(own: &str) -> Self {
        Self { share: Share::of_nobody(own), since: Vec::new(), due: None }
    }

    /// The meters are divided anew.
    pub fn handle_share(&mut self, share: Share, now: Instant) {
        self.since.push(share);
        self.due = Some(now + HOLD);
    }

    /// Time has passed. Returns whether there may be more of it now.
    pub fn handle_timeout(&mut self, now: Instant) -> bool {
        let is_due = self.due.take_if(|at| *at <= now).is_some();
        if is_due && let Some(share) = std::mem::take(&mut self.since).pop() {
            self.share = share;
        }
        is_due
    }

    /// When [`Part::handle_timeout`] is due.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<Instant> {
        self.due
    }

    /// Whether others work too.
    #[must_use]
    pub fn has_others(&self) -> bool {
        self.since.last().unwrap_or(&self.share).has_others()
    }

    /// Whether this is ours, and stays so.
    #[must_use]
    pub fn is_ours(&self, what: &str) -> bool {
        self.share.is_ours(what) && self.since.len() <= CHANGES_MAX && self.since.iter().all(|share| share.is_ours(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_lost_at_once_and_what_is_won_is_ours_a_moment_later() {
        let (mut part, now) = (Part::of_nothing("a"), Instant::now());
        let of = |names: &[&str]| Share::new("a", names.iter().map(|name| ((*name).to_owned(), 1)));
        part.handle_share(of(&["a"]), now);
        assert!(!part.is_ours("x"));
        assert!(!part.handle_timeout(now + HOLD / 2) && part.handle_timeout(now + HOLD));
        assert!(part.is_ours("x"));
        part.handle_share(of(&["b"]), now);
        assert!(!part.is_ours("x"));
        // Back before it was gone for good: it was let go of all the same.
        part.handle_share(of(&["a"]), now);
        assert!(!part.is_ours("x"));
        assert!(part.handle_timeout(now + HOLD) && part.is_ours("x") && part.poll_timeout().is_none());
    }
}
