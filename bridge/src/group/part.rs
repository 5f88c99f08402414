//! What this member publishes now. It lets go of what is another's at once, and takes what becomes its own a moment later: by then the
//! other one has let go of it, and all that it told last has come, over Zenoh and by way of the broker.

use std::time::{Duration, Instant};

use crate::group::share::Share;

/// Between a change of the members and the first sample of a meter that was another's.
pub const HOLD: Duration = Duration::from_millis(250);

/// The part of one member.
#[derive(Debug, Clone)]
pub struct Part {
    share: Share,
    /// How the meters will be divided then.
    next: Option<(Share, Instant)>,
}

impl Part {
    /// Nothing yet.
    #[must_use]
    pub fn of_nothing(own: &str) -> Self {
        Self { share: Share::of_nobody(own), next: None }
    }

    /// The meters are divided anew.
    pub fn handle_share(&mut self, share: Share, now: Instant) {
        self.next = (share != self.share).then_some((share, now + HOLD));
    }

    /// Time has passed. Returns whether there may be more of it now.
    pub fn handle_timeout(&mut self, now: Instant) -> bool {
        let due = self.next.take_if(|(_, at)| *at <= now);
        let is_due = due.is_some();
        if let Some((share, _)) = due {
            self.share = share;
        }
        is_due
    }

    /// When [`Part::handle_timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.next.as_ref().map(|(_, at)| *at)
    }

    /// Whether this is ours, and stays so.
    #[must_use]
    pub fn is_ours(&self, what: &str) -> bool {
        self.share.is_ours(what) && self.next.as_ref().is_none_or(|(share, _)| share.is_ours(what))
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
        // Back before it was gone for good.
        part.handle_share(of(&["a"]), now);
        assert!(part.is_ours("x") && part.poll_timeout().is_none());
    }
}
