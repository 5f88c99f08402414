//! Which lines are sent next, and when: in batches, tried again with longer and longer pauses, and never more than there is room for. Pure.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// Lines that may wait: half a day of one meter, at a line every 10 s, and some 2 MB.
const LINES_MAX: usize = 4_096;
/// Lines of one batch; InfluxDB advises not more than 5000.
const BATCH_MAX: usize = 500;
/// How long lines may gather, so that a request carries several.
const GATHER: Duration = Duration::from_secs(10);
/// The pause after the first failure, ...
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// ... and the longest one.
const PAUSE_MAX: Duration = Duration::from_secs(300);

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was taken.
    Taken,
    /// It will never be taken.
    Refused,
    /// It may be taken later, perhaps after a time that the server names.
    Later(Option<Duration>),
}

/// Lines that wait.
#[derive(Debug, Default)]
pub struct Queue {
    lines: VecDeque<String>,
    /// The first of them that were sent, and whose fate is not known yet.
    sent: usize,
    /// When the next batch is due.
    due: Option<Instant>,
    pause: Duration,
    lost: u64,
}

impl Queue {
    /// A line is to be sent. The oldest gives way to the newest.
    pub fn handle_line(&mut self, line: String, now: Instant) {
        if self.lines.len() >= LINES_MAX {
            self.lines.pop_front();
            self.sent = self.sent.saturating_sub(1);
            self.lost += 1;
        }
        self.lines.push_back(line);
        // After a failure its pause counts, however many lines come.
        if self.pause.is_zero() {
            let gathered = self.due.unwrap_or(now + GATHER);
            self.due = Some(if self.lines.len() >= BATCH_MAX { gathered.min(now) } else { gathered });
        }
    }

    /// The batch that is due, while none is under way.
    pub fn poll_batch(&mut self, now: Instant) -> Option<String> {
        if self.sent > 0 || self.lines.is_empty() || self.due.is_none_or(|due| due > now) {
            return None;
        }
        self.sent = self.lines.len().min(BATCH_MAX);
        self.due = None;
        Some(self.lines.iter().take(self.sent).map(String::as_str).collect())
    }

    /// When there is a batch to send.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.due.filter(|_| self.sent == 0 && !self.lines.is_empty())
    }

    /// What became of the batch that was sent.
    pub fn handle_fate(&mut self, fate: Fate, now: Instant) {
        let sent = std::mem::take(&mut self.sent);
        match fate {
            Fate::Taken | Fate::Refused => {
                self.lines.drain(..sent);
                self.lost += if fate == Fate::Refused { sent as u64 } else { 0 };
                self.pause = Duration::ZERO;
                self.due = (!self.lines.is_empty()).then_some(if self.lines.len() >= BATCH_MAX { now } else { now + GATHER });
            }
            Fate::Later(wanted) => {
                self.pause = (self.pause * 2).max(wanted.unwrap_or_default()).clamp(PAUSE_MIN, PAUSE_MAX);
                self.due = Some(now + self.pause);
            }
        }
    }

    /// Nothing more comes: what is there need not gather.
    pub const fn handle_stop(&mut self, now: Instant) {
        self.due = Some(now);
    }

    /// How many lines were given up since the last call.
    pub const fn poll_lost(&mut self) -> u64 {
        std::mem::replace(&mut self.lost, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(lines: usize, now: Instant) -> Queue {
        let mut queue = Queue::default();
        (0..lines).for_each(|n| queue.handle_line(format!("{n}\n"), now));
        queue
    }

    #[test]
    fn lines_gather_for_a_while_and_go_in_batches() {
        let now = Instant::now();
        let mut queue = filled(2, now);
        assert_eq!((queue.poll_batch(now), queue.poll_timeout()), (None, Some(now + GATHER)));
        let later = now + GATHER;
        assert_eq!(queue.poll_batch(later).as_deref(), Some("0\n1\n"));
        assert_eq!((queue.poll_batch(later), queue.poll_timeout()), (None, None), "one at a time");
        queue.handle_line("2\n".into(), later);
        queue.handle_fate(Fate::Taken, later);
        assert_eq!(queue.poll_batch(later + GATHER).as_deref(), Some("2\n"));
        let mut queue = filled(BATCH_MAX + 1, now);
        assert_eq!(queue.poll_batch(now).unwrap().lines().count(), BATCH_MAX, "a full batch does not wait");
    }

    #[test]
    fn what_is_not_taken_comes_again_and_later_each_time() {
        let (mut queue, mut now) = (filled(1, Instant::now()), Instant::now() + GATHER);
        let mut pauses = Vec::new();
        for n in 0..12 {
            assert!(queue.poll_batch(now).unwrap().starts_with("0\n"));
            queue.handle_fate(Fate::Later(None), now);
            queue.handle_line(format!("new {n}\n"), now);
            let due = queue.poll_timeout().unwrap();
            pauses.push((due - now).as_secs());
            now = due;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        queue.poll_batch(now);
        queue.handle_fate(Fate::Taken, now);
        assert_eq!(queue.poll_lost(), 0);
        let mut queue = filled(1, now);
        queue.poll_batch(now + GATHER);
        queue.handle_fate(Fate::Later(Some(Duration::from_secs(100_000))), now);
        assert_eq!(queue.poll_timeout(), Some(now + PAUSE_MAX), "a server cannot ask for more");
    }

    #[test]
    fn the_oldest_gives_way_and_is_counted() {
        let now = Instant::now();
        let mut queue = filled(LINES_MAX, now);
        assert!(queue.poll_batch(now).unwrap().starts_with("0\n"));
        (0..10).for_each(|n| queue.handle_line(format!("new {n}\n"), now));
        assert_eq!(queue.poll_lost(), 10);
        queue.handle_fate(Fate::Taken, now);
        let next = queue.poll_batch(now).unwrap();
        assert!(next.starts_with(&format!("{BATCH_MAX}\n")), "what was taken is not sent again, and nothing is left out");
        queue.handle_fate(Fate::Refused, now);
        assert_eq!(queue.poll_lost(), BATCH_MAX as u64);
    }
}
