//! What to do next with the line, and how it is doing: open it, look after its settings, notice when it says nothing.
//!
//! A line that cannot be opened is tried again, for ever: adapters are plugged in, other programs end. Not the decoder's concern: a
//! device that is gone is a state here, not an error.

use std::time::{Duration, Instant};

use teleinfo_proto::{tic::spec::FAULT_AFTER_S, wire::LineState};

use crate::line::FaultKind;

/// A receiver reports a fault when no frame has been good for so long (54E §9.4.1).
pub const FAULT: Duration = Duration::from_secs(FAULT_AFTER_S);
/// A device that is absent costs one stat(2) to look for.
const RETRY_ABSENT: Duration = Duration::from_millis(500);
/// A device that is held or forbidden changes by somebody's hand.
const RETRY_OTHER: Duration = Duration::from_secs(3);
/// Another program that opens the line may change its settings at any time.
const CHECK: Duration = Duration::from_secs(3);

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open the line.
    Open,
    /// See whether its settings are still ours.
    CheckSettings,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Closed { line: LineState, retry: Instant },
    Open { since: Instant, check: Instant },
}

/// The line's life.
#[derive(Debug)]
pub struct Session {
    state: State,
    last_byte: Option<Instant>,
    last_dataset: Option<Instant>,
    last_sample: Option<Instant>,
}

impl Session {
    /// The line is closed, and to be opened at once.
    pub fn new(now: Instant) -> Self {
        let state = State::Closed { line: LineState::Absent, retry: now };
        Self { state, last_byte: None, last_dataset: None, last_sample: None }
    }

    /// The line is open.
    pub fn handle_opened(&mut self, now: Instant) {
        self.state = State::Open { since: now, check: now + CHECK };
        (self.last_byte, self.last_dataset) = (None, None);
    }

    /// The line could not be opened, or has gone.
    pub fn handle_fault(&mut self, kind: FaultKind, now: Instant) {
        let line = kind.line();
        let wait = if line == LineState::Absent { RETRY_ABSENT } else { RETRY_OTHER };
        self.state = State::Closed { line, retry: now + wait };
    }

    /// Bytes have arrived.
    pub fn handle_bytes(&mut self, now: Instant) {
        self.last_byte = Some(now);
    }

    /// A dataset has verified.
    pub fn handle_dataset(&mut self, now: Instant) {
        self.last_dataset = Some(now);
    }

    /// A sample has been made, so the meter is known.
    pub fn handle_sample(&mut self, now: Instant) {
        self.last_sample = Some(now);
    }

    /// What is due, if anything is.
    pub fn poll_action(&mut self, now: Instant) -> Option<Action> {
        match &mut self.state {
            State::Closed { retry, .. } if now >= *retry => Some(Action::Open),
            State::Open { check, .. } if now >= *check => {
                *check = now + CHECK;
                Some(Action::CheckSettings)
            }
            State::Closed { .. } | State::Open { .. } => None,
        }
    }

    /// When something is due, or [`Session::line`] may change by itself.
    pub fn poll_timeout(&self, now: Instant) -> Instant {
        let action = match self.state {
            State::Closed { retry, .. } => retry,
            State::Open { check, .. } => check,
        };
        let fades = [self.last_byte, self.last_dataset, self.last_sample].into_iter().flatten().map(|at| at + FAULT);
        fades.filter(|at| *at > now).fold(action, Instant::min)
    }

    /// The state of the line.
    pub fn line(&self, now: Instant) -> LineState {
        match self.state {
            State::Closed { line, .. } => line,
            State::Open { .. } if recent(self.last_dataset, now) => LineState::Reading,
            State::Open { .. } if recent(self.last_byte, now) => LineState::Searching,
            State::Open { .. } => LineState::Silent,
        }
    }

    /// The line has been open so long that its state is a fault and not a beginning.
    pub fn is_settled(&self, now: Instant) -> bool {
        match self.state {
            State::Closed { .. } => true,
            State::Open { since, .. } => now >= since + FAULT,
        }
    }

    /// The meter is being read. Stays so for a while when the line goes, for an adapter that comes back.
    pub fn is_alive(&self, now: Instant) -> bool {
        recent(self.last_sample, now)
    }
}

fn recent(at: Option<Instant>, now: Instant) -> bool {
    at.is_some_and(|at| now < at + FAULT)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_line_that_is_away_is_tried_again_for_ever() {
        let mut now = Instant::now();
        let mut session = Session::new(now);
        for (kind, line, wait) in [
            (FaultKind::Absent, LineState::Absent, RETRY_ABSENT),
            (FaultKind::Denied, LineState::Denied, RETRY_OTHER),
            (FaultKind::Busy, LineState::Busy, RETRY_OTHER),
            (FaultKind::Vanished, LineState::Absent, RETRY_ABSENT),
        ] {
            assert_eq!(session.poll_action(now), Some(Action::Open));
            session.handle_fault(kind, now);
            assert_eq!((session.poll_action(now), session.line(now)), (None, line));
            assert_eq!(session.poll_timeout(now), now + wait);
            now += wait;
        }
    }

    #[test]
    fn the_state_follows_what_arrives_and_fades_after_ten_seconds() {
        let now = Instant::now();
        let mut session = Session::new(now);
        session.handle_opened(now);
        assert_eq!((session.line(now), session.is_settled(now)), (LineState::Silent, false));
        session.handle_bytes(now + SECOND);
        assert_eq!(session.line(now + SECOND), LineState::Searching);
        session.handle_dataset(now + 2 * SECOND);
        session.handle_sample(now + 3 * SECOND);
        assert_eq!(session.line(now + 3 * SECOND), LineState::Reading);
        let states = [(10, LineState::Reading, true), (12, LineState::Silent, true), (13, LineState::Silent, false)];
        for (seconds, line, alive) in states {
            let now = now + seconds * SECOND;
            assert_eq!((session.line(now), session.is_alive(now)), (line, alive), "after {seconds} s");
            assert!(session.is_settled(now));
        }
    }

    #[test]
    fn settings_are_looked_after() {
        let now = Instant::now();
        let mut session = Session::new(now);
        session.handle_opened(now);
        assert_eq!(session.poll_action(now + 2 * SECOND), None);
        assert_eq!(session.poll_action(now + 3 * SECOND), Some(Action::CheckSettings));
        assert_eq!(session.poll_action(now + 3 * SECOND), None);
        assert_eq!(session.poll_timeout(now + 3 * SECOND), now + 6 * SECOND);
    }

    #[test]
    fn an_adapter_that_comes_back_soon_leaves_the_meter_alive() {
        let now = Instant::now();
        let mut session = Session::new(now);
        session.handle_opened(now);
        session.handle_dataset(now);
        session.handle_sample(now);
        session.handle_fault(FaultKind::Vanished, now + SECOND);
        assert_eq!((session.line(now + SECOND), session.is_alive(now + SECOND)), (LineState::Absent, true));
        session.handle_opened(now + 2 * SECOND);
        assert_eq!((session.line(now + 2 * SECOND), session.is_alive(now + 2 * SECOND)), (LineState::Silent, true));
    }
}
