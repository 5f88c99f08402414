//! Whether a meter is there: its reader's liveliness token, its reader's goodbye, and the age of its last frame.
//!
//! A frame with damaged datasets is a frame. A reader whose token vanishes without a goodbye may be back soon, as after a short cut of the
//! network, and its history has what was missed meanwhile: so it gets some seconds. After a goodbye the meter is offline at once.
//!
//! A reader that hears nothing on its line withdraws the token too, and says so: then it is there, and the age of the last frame decides.
//!
//! A meter that was offline is online again once its state of now was published. What listeners have before that is old, and an automation
//! would take it for something that has just happened.

use std::time::{Duration, Instant};

/// A token that is gone for longer than this is gone for good. Zenoh's lease has passed before it goes, so this is a cut of twelve seconds.
const SHORT_CUT: Duration = Duration::from_secs(8);

/// Follows one meter.
#[derive(Debug, Clone)]
pub struct Presence {
    patience: Duration,
    /// Its last frame, or when it was first heard of: the meter is offline when `patience` has passed since.
    since: Option<Instant>,
    frames: Expected,
    /// Since when the token is gone. If it stays after a goodbye, another reader of the same meter holds it too.
    gone: Option<Instant>,
    /// When a reader last said goodbye, or its token vanished: frames that came before it mean nothing any more.
    left: Option<Instant>,
    said: Option<bool>,
    /// The reader has said that its line is not being read.
    is_line_down: bool,
    /// The state of now was published since the meter was last offline.
    is_told: bool,
    /// The broker says `online`, and nothing was said since.
    is_remembered: bool,
}

/// What there is to expect of the meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// None yet.
    Awaited,
    /// They come.
    Coming,
    /// A reader said goodbye after the last one, or its token stayed away.
    Over,
}

impl Presence {
    /// A meter never heard of; offline after `patience` without a frame.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        let (since, frames, gone, left, said) = (None, Expected::Awaited, None, None, None);
        Self { patience, since, frames, gone, left, said, is_line_down: false, is_told: false, is_remembered: false }
    }

    /// The broker still says `online` from an earlier run, whose end was not clean: that is not known, and is taken back.
    pub fn handle_remembered(&mut self, now: Instant) {
        if self.said.is_none() {
            self.since.get_or_insert(now);
            self.is_remembered = true;
        }
    }

    /// Another bridge has followed the meter so far, and said `online`: that is believed as long as a frame may take.
    pub fn handle_followed(&mut self, now: Instant) {
        if self.said.is_none() {
            self.since.get_or_insert(now);
            self.said = Some(true);
        }
    }

    /// The state of now was published.
    pub const fn handle_told(&mut self) {
        self.is_told = true;
    }

    /// The reader's token appeared or vanished.
    pub fn handle_token(&mut self, present: bool, now: Instant) {
        self.since.get_or_insert(now);
        self.gone = if present { None } else { self.gone.or(Some(now)) };
        self.left = if present { self.left } else { Some(now) };
    }

    /// The reader said whether its line is being read.
    pub fn handle_line(&mut self, is_read: bool) {
        self.is_line_down = !is_read;
    }

    /// A reader said goodbye; the news of its token travels apart.
    pub fn handle_goodbye(&mut self, now: Instant) {
        self.frames = Expected::Over;
        self.left = Some(now);
    }

    /// A live frame came at this time; it may have waited in a queue since.
    pub fn handle_frame(&mut self, now: Instant) {
        if self.left.is_some_and(|left| now < left) {
            return;
        }
        (self.since, self.frames, self.gone) = (Some(now), Expected::Coming, None);
    }

    /// What is to be said, if it has changed: online or offline.
    pub fn poll_change(&mut self, now: Instant) -> Option<bool> {
        let within = |since: Instant, time: Duration| now.saturating_duration_since(since) < time;
        if self.gone.is_some_and(|gone| !within(gone, SHORT_CUT)) && !self.is_line_down {
            self.frames = Expected::Over;
        }
        let online = match self.frames {
            _ if !within(self.since?, self.patience) => false,
            Expected::Coming if self.is_told => true,
            Expected::Over if self.gone.is_some() => false,
            _ if self.is_remembered => false,
            // Nothing to say until a frame is published, a token goes, or patience ends.
            _ => return None,
        };
        self.is_remembered = false;
        if self.said == Some(online) {
            return None;
        }
        self.is_told &= online;
        self.said = Some(online);
        Some(online)
    }

    /// When to call [`Presence::poll_change`], if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let silence = self.since.filter(|_| self.said != Some(false)).map(|since| since + self.patience);
        let gone = self.gone.filter(|_| self.frames != Expected::Over && !self.is_line_down).map(|gone| gone + SHORT_CUT);
        silence.into_iter().chain(gone).min()
    }

    /// Whether the reader's token is gone.
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        self.gone.is_some()
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

    #[test]
    fn a_silent_line_is_offline_when_its_time_has_passed_and_not_before() {
        for patience in [3, 30, 120] {
            let start = Instant::now();
            let at = |seconds| start + Duration::from_secs(seconds);
            let mut presence = Presence::new(Duration::from_secs(patience));
            presence.handle_token(true, at(0));
            presence.handle_frame(at(0));
            presence.handle_told();
            assert_eq!(presence.poll_change(at(0)), Some(true));
            let silence = 10.min(patience - 1);
            presence.handle_line(false);
            presence.handle_token(false, at(silence));
            assert_eq!(presence.poll_change(at(patience - 1)), None, "{patience} s");
            assert_eq!(presence.poll_timeout(), Some(at(patience)));
            assert_eq!(presence.poll_change(at(patience)), Some(false), "{patience} s");
        }
    }

    #[derive(Debug, Clone, Copy)]
    enum Happens {
        Appears,
        Vanishes,
        Goodbye,
        Frame,
        Unpublished,
        Remembered,
        Nothing,
    }
    use Happens::*;

    /// Second, what happens then, what must be said then; patience is 30 s.
    fn walk(name: &str, steps: &[(u64, Happens, Option<bool>)]) {
        let start = Instant::now();
        let mut presence = Presence::new(Duration::from_secs(30));
        for &(second, happens, expected) in steps {
            let now = start + Duration::from_secs(second);
            if let (Nothing, Some(_)) = (happens, expected) {
                assert!(presence.poll_timeout().is_some_and(|at| at <= now), "{name}: woken by {second} s");
            }
            match happens {
                Appears => presence.handle_token(true, now),
                Vanishes => presence.handle_token(false, now),
                Goodbye => presence.handle_goodbye(now),
                Frame => {
                    presence.handle_frame(now);
                    presence.handle_told();
                }
                Unpublished => presence.handle_frame(now),
                Remembered => presence.handle_remembered(now),
                Nothing => {}
            }
            assert_eq!(presence.poll_change(now), expected, "{name}: {happens:?} at {second} s");
            assert_eq!(presence.poll_change(now), None, "{name}: said twice");
        }
    }

    #[test]
    fn online_and_offline() {
        walk("nothing heard", &[(0, Nothing, None), (99, Nothing, None)]);
        walk("token later than the frame", &[(0, Frame, Some(true)), (1, Appears, None), (2, Frame, None)]);
        walk("a few bad frames", &[(0, Frame, Some(true)), (29, Nothing, None), (29, Frame, None), (58, Nothing, None)]);
        walk("silence", &[(0, Frame, Some(true)), (30, Nothing, Some(false)), (40, Frame, Some(true))]);
        walk("never a frame", &[(0, Appears, None), (29, Nothing, None), (30, Nothing, Some(false))]);
    }

    #[test]
    fn a_lost_token_alone_gets_some_seconds() {
        walk("a short cut", &[(0, Frame, Some(true)), (4, Vanishes, None), (10, Appears, None), (11, Frame, None), (40, Nothing, None)]);
        walk("frame before the new token", &[(0, Frame, Some(true)), (4, Vanishes, None), (11, Frame, None), (30, Nothing, None)]);
        walk("a long cut", &[(0, Frame, Some(true)), (4, Vanishes, None), (11, Nothing, None), (12, Nothing, Some(false))]);
        walk(
            "back after it",
            &[(0, Frame, Some(true)), (4, Vanishes, None), (12, Nothing, Some(false)), (14, Appears, None), (15, Frame, Some(true))],
        );
        walk(
            "a token alone is no frame",
            &[(0, Frame, Some(true)), (31, Nothing, Some(false)), (32, Appears, None), (33, Frame, Some(true))],
        );
        walk("gone before its first frame", &[(0, Appears, None), (1, Vanishes, None), (9, Nothing, Some(false))]);
    }

    #[test]
    fn a_goodbye_is_believed_at_once() {
        walk("a usual day", &[(0, Appears, None), (1, Frame, Some(true)), (2, Goodbye, None), (2, Vanishes, Some(false))]);
        walk("in the other order", &[(1, Frame, Some(true)), (2, Vanishes, None), (2, Goodbye, Some(false))]);
        walk(
            "restart",
            &[(0, Frame, Some(true)), (1, Goodbye, None), (1, Vanishes, Some(false)), (3, Appears, None), (4, Frame, Some(true))],
        );
        walk("one of two readers", &[(0, Frame, Some(true)), (1, Goodbye, None), (2, Frame, None), (9, Vanishes, None)]);
        walk("one of two, and silence", &[(0, Frame, Some(true)), (1, Goodbye, None), (30, Nothing, Some(false))]);
        walk("gone while we were away", &[(0, Remembered, Some(false)), (1, Goodbye, None), (1, Vanishes, None)]);
    }

    #[test]
    fn a_frame_that_waited_in_a_queue_does_not_bring_a_meter_back() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut presence = Presence::new(Duration::from_secs(30));
        presence.handle_frame(at(0));
        presence.handle_told();
        assert_eq!(presence.poll_change(at(0)), Some(true));
        presence.handle_goodbye(at(2));
        presence.handle_token(false, at(2));
        presence.handle_frame(at(1));
        assert_eq!(presence.poll_change(at(3)), Some(false));
    }

    #[test]
    fn what_an_earlier_run_said() {
        walk("back", &[(0, Remembered, Some(false)), (5, Frame, Some(true)), (35, Nothing, Some(false))]);
        walk("gone since", &[(0, Remembered, Some(false)), (30, Nothing, None)]);
        walk("a token came first", &[(0, Appears, None), (0, Remembered, Some(false)), (1, Frame, Some(true))]);
        walk("remembered too late", &[(0, Frame, Some(true)), (1, Remembered, None), (31, Nothing, Some(false))]);
    }

    #[test]
    fn a_meter_that_was_offline_is_online_once_its_state_was_published() {
        walk("the past is told first", &[(0, Remembered, Some(false)), (1, Unpublished, None), (3, Frame, Some(true))]);
        walk("never published", &[(0, Unpublished, None), (30, Nothing, Some(false))]);
        walk(
            "offline meanwhile",
            &[
                (0, Frame, Some(true)),
                (30, Nothing, Some(false)),
                (40, Unpublished, None),
                (41, Unpublished, None),
                (42, Frame, Some(true)),
            ],
        );
        walk("online already", &[(0, Frame, Some(true)), (29, Unpublished, None), (58, Nothing, None)]);
    }
}
