//! Whether a meter is there: its reader's liveliness token, and the age of its last frame.
//!
//! A frame with damaged datasets is a frame. Only silence counts: no token, or nothing verified for some time.

use std::time::{Duration, Instant};

/// Follows one meter.
#[derive(Debug, Clone)]
pub struct Availability {
    patience: Duration,
    /// Since when the meter is given the benefit of the doubt: its last frame, or when it was first heard of.
    since: Option<Instant>,
    token: Token,
    /// Whether a frame came since the token was seen to go.
    framed: bool,
    said: Option<bool>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Unknown,
    Present,
    Gone,
}

impl Availability {
    /// A meter never heard of; offline after `patience` without a frame.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self { patience, since: None, token: Token::Unknown, framed: false, said: None }
    }

    /// The broker still says `online` from an earlier run: true or not, it has until the end of our patience to show itself.
    pub fn handle_remembered(&mut self, now: Instant) {
        if self.since.is_none() {
            self.since = Some(now);
            self.said = Some(true);
        }
    }

    /// The reader's token appeared or vanished.
    pub fn handle_token(&mut self, present: bool, now: Instant) {
        self.token = if present { Token::Present } else { Token::Gone };
        if !present {
            self.framed = false;
        }
        self.since.get_or_insert(now);
    }

    /// A live frame came.
    pub fn handle_frame(&mut self, now: Instant) {
        self.since = Some(now);
        self.framed = true;
        // A frame is proof enough; the news of its reader's token travels apart.
        if self.token == Token::Gone {
            self.token = Token::Unknown;
        }
    }

    /// What is to be said, if it has changed: online or offline.
    pub fn poll(&mut self, now: Instant) -> Option<bool> {
        let since = self.since?;
        let patient = now.saturating_duration_since(since) < self.patience;
        let online = match (self.token, patient) {
            (Token::Gone, _) | (_, false) => false,
            _ if self.framed => true,
            // Heard of, but no frame yet: nothing to say until one comes or patience ends.
            _ => return None,
        };
        if self.said == Some(online) {
            return None;
        }
        self.said = Some(online);
        Some(online)
    }

    /// What was said last.
    #[must_use]
    pub fn is_online(&self) -> bool {
        self.said == Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy)]
    enum Happens {
        Appears,
        Vanishes,
        Frame,
        Remembered,
        Nothing,
    }
    use Happens::*;

    /// Second, what happens then, what must be said then; patience is 30 s.
    fn walk(name: &str, steps: &[(u64, Happens, Option<bool>)]) {
        let start = Instant::now();
        let mut availability = Availability::new(Duration::from_secs(30));
        for &(second, happens, expected) in steps {
            let now = start + Duration::from_secs(second);
            match happens {
                Appears => availability.handle_token(true, now),
                Vanishes => availability.handle_token(false, now),
                Frame => availability.handle_frame(now),
                Remembered => availability.handle_remembered(now),
                Nothing => {}
            }
            assert_eq!(availability.poll(now), expected, "{name}: {happens:?} at {second} s");
            assert_eq!(availability.poll(now), None, "{name}: said twice");
        }
    }

    #[test]
    fn online_and_offline() {
        walk("nothing heard", &[(0, Nothing, None), (99, Nothing, None)]);
        walk("a usual day", &[(0, Appears, None), (1, Frame, Some(true)), (2, Frame, None), (3, Vanishes, Some(false))]);
        walk("token later than the frame", &[(0, Frame, Some(true)), (1, Appears, None), (2, Frame, None)]);
        walk("a few bad frames", &[(0, Frame, Some(true)), (29, Nothing, None), (29, Frame, None), (58, Nothing, None)]);
        walk("silence", &[(0, Frame, Some(true)), (30, Nothing, Some(false)), (40, Frame, Some(true))]);
        walk("never a frame", &[(0, Appears, None), (29, Nothing, None), (30, Nothing, Some(false))]);
        walk("restart", &[(0, Frame, Some(true)), (1, Vanishes, Some(false)), (3, Appears, None), (4, Frame, Some(true))]);
        walk("frame before the new token", &[(0, Frame, Some(true)), (1, Vanishes, Some(false)), (3, Frame, Some(true))]);
        walk("back from an earlier run", &[(0, Remembered, None), (5, Frame, None), (40, Nothing, Some(false))]);
        walk("gone since an earlier run", &[(0, Remembered, None), (30, Nothing, Some(false))]);
        walk("remembered too late", &[(0, Frame, Some(true)), (1, Remembered, None), (31, Nothing, Some(false))]);
    }
}
