//! What to do next with the line, and how it is doing: open it, look after its settings, notice when it says nothing.
//!
//! A line that cannot be opened is tried again, for ever: adapters are plugged in, other programs end. Not the decoder's concern: a
//! device that is gone is a state here, not an error.

use std::time::{Duration, Instant};

use teleinfo_proto::{tic::spec, wire::LineState};

/// A receiver reports a fault when no frame has been good for so long (54E §9.4.1).
const FAULT: Duration = Duration::from_secs(spec::FAULT_AFTER_S);
/// Bytes that come for so long after the last dataset are more than the rest of its frame.
const REST: Duration = Duration::from_secs(3);
/// A device that is absent costs one stat(2) to look for.
const RETRY_ABSENT: Duration = Duration::from_millis(500);
/// A device that is held or forbidden changes by somebody's hand.
const RETRY_OTHER: Duration = Duration::from_secs(3);
/// A far line is tried again after these times, as long as nothing good has come from it: it may be away for hours.
const RETRY_FAR: [Duration; 4] = [Duration::from_millis(500), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(5)];
/// Another program that opens the line may change its settings at any time.
const CHECK: Duration = Duration::from_secs(3);

/// Between two looks at another line where a meter may be, while nothing good comes from this one.
const ELSEWHERE: Duration = Duration::from_secs(15);

/// What can be wrong with a line. The words for it are in `line/fault.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// There is no such device.
    Absent,
    /// This user may not open it.
    Denied,
    /// Another program holds it.
    Busy,
    /// The path leads to something else.
    NotSerial,
    /// It was there and has gone: it was unplugged, or the other side of a pseudo-terminal closed.
    Vanished,
    /// There is no connection to the far end of the network.
    Unreachable,
    /// The far end has ended the connection.
    Ended,
    /// The far end does not speak the protocol that was asked for.
    NotSpoken,
    /// The system reports an error that is rarer.
    Other,
}

impl FaultKind {
    /// How the status message names it, and how long to wait before the line is tried again; `failed` counts what has failed before.
    fn outcome(self, failed: usize) -> (LineState, Duration) {
        match self {
            Self::Unreachable | Self::Ended | Self::NotSpoken => (LineState::Absent, RETRY_FAR[failed.min(RETRY_FAR.len() - 1)]),
            Self::Denied => (LineState::Denied, RETRY_OTHER),
            Self::Busy => (LineState::Busy, RETRY_OTHER),
            Self::Absent | Self::NotSerial | Self::Vanished | Self::Other => (LineState::Absent, RETRY_ABSENT),
        }
    }
}

/// What is due for the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Open the line.
    Open,
    /// See whether its settings are still ours.
    CheckSettings,
    /// See whether a meter is on another line.
    LookElsewhere,
}

#[derive(Clone, Copy, Debug)]
enum LineAccess {
    Closed {
        line: LineState,
        retry: Instant,
    },
    /// It is being opened, which takes its time at the far end of a network.
    Opening {
        line: LineState,
    },
    Open {
        since: Instant,
        check: Instant,
    },
}

/// Follows the line from one opening to the next.
#[derive(Debug)]
pub(super) struct Watch {
    access: LineAccess,
    /// Openings that came to nothing, since the last dataset.
    failed: usize,
    look_elsewhere: Instant,
    last_byte: Option<Instant>,
    last_dataset: Option<Instant>,
    last_sample: Option<Instant>,
}

impl Watch {
    /// The line is closed, and to be opened at once.
    pub(super) fn new(now: Instant) -> Self {
        let access = LineAccess::Closed { line: LineState::Absent, retry: now };
        Self { access, failed: 0, look_elsewhere: now + FAULT, last_byte: None, last_dataset: None, last_sample: None }
    }

    /// The line is open.
    pub(super) fn handle_opened(&mut self, now: Instant) {
        self.access = LineAccess::Open { since: now, check: now + CHECK };
        (self.last_byte, self.last_dataset) = (None, None);
    }

    /// The line is being opened; [`Watch::handle_opened`] or [`Watch::handle_fault`] follows.
    pub(super) fn handle_opening(&mut self, now: Instant) {
        self.access = LineAccess::Opening { line: self.line(now) };
    }

    /// The line could not be opened, or has gone.
    pub(super) fn handle_fault(&mut self, kind: FaultKind, now: Instant) {
        let (line, wait) = kind.outcome(self.failed);
        self.failed = self.failed.saturating_add(1);
        self.access = LineAccess::Closed { line, retry: now + wait };
    }

    /// Bytes have arrived.
    pub(super) fn handle_bytes(&mut self, now: Instant) {
        self.last_byte = Some(now);
    }

    /// A dataset has verified.
    pub(super) fn handle_dataset(&mut self, now: Instant) {
        (self.last_dataset, self.failed, self.look_elsewhere) = (Some(now), 0, now + FAULT);
    }

    /// A sample has been made, so the meter is known.
    pub(super) fn handle_sample(&mut self, now: Instant) {
        self.last_sample = Some(now);
    }

    /// What is due, if anything is.
    pub(super) fn poll_task(&mut self, now: Instant) -> Option<Task> {
        match &mut self.access {
            LineAccess::Closed { retry, .. } if now >= *retry => Some(Task::Open),
            LineAccess::Open { check, .. } if now >= *check => {
                *check = now + CHECK;
                Some(Task::CheckSettings)
            }
            _ if now >= self.look_elsewhere => {
                self.look_elsewhere = now + ELSEWHERE;
                Some(Task::LookElsewhere)
            }
            LineAccess::Closed { .. } | LineAccess::Opening { .. } | LineAccess::Open { .. } => None,
        }
    }

    /// When something is due, or [`Watch::line`] may change by itself.
    pub(super) fn poll_timeout(&self, now: Instant) -> Instant {
        let action = match self.access {
            LineAccess::Closed { retry, .. } => retry,
            LineAccess::Open { check, .. } => check,
            // Whoever opens it knows when.
            LineAccess::Opening { .. } => now + FAULT,
        };
        let fades = [self.last_byte, self.last_dataset, self.last_sample].into_iter().flatten().map(|at| at + FAULT);
        fades.filter(|at| *at > now).fold(action.min(self.look_elsewhere), Instant::min)
    }

    /// The state of the line.
    pub(super) fn line(&self, now: Instant) -> LineState {
        match self.access {
            LineAccess::Closed { line, .. } | LineAccess::Opening { line } => line,
            LineAccess::Open { .. } if recent(self.last_dataset, now) => LineState::Reading,
            LineAccess::Open { .. } if recent(self.last_byte, now) && self.hears_nothing_good() => LineState::Searching,
            LineAccess::Open { .. } => LineState::Silent,
        }
    }

    /// Bytes came after the last dataset. What belonged to its frame does not count: the meter has fallen silent then, and says nothing else.
    fn hears_nothing_good(&self) -> bool {
        self.last_dataset.is_none_or(|dataset| self.last_byte.is_some_and(|byte| byte > dataset + REST))
    }

    /// The line has been open so long that its state is a fault and not a beginning.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        match self.access {
            LineAccess::Closed { .. } | LineAccess::Opening { .. } => true,
            LineAccess::Open { since, .. } => now >= since + FAULT,
        }
    }

    /// The meter is being read. Stays so for a while when the line goes, for an adapter that comes back.
    pub(super) fn is_alive(&self, now: Instant) -> bool {
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
    fn a_far_line_is_tried_less_and_less_often_until_it_gives_something() {
        let start = Instant::now();
        let mut watch = Watch { look_elsewhere: start + 3600 * SECOND, ..Watch::new(start) };
        let mut now = start;
        let mut waits = Vec::new();
        for _ in 0..7 {
            assert_eq!(watch.poll_task(now), Some(Task::Open));
            watch.handle_opening(now);
            assert_eq!(watch.poll_task(now + SECOND), None, "it is being opened");
            watch.handle_fault(FaultKind::Unreachable, now);
            waits.push((watch.poll_timeout(now) - now).as_millis());
            now = watch.poll_timeout(now);
        }
        assert_eq!(waits, [500, 1000, 2000, 5000, 5000, 5000, 5000]);
        watch.handle_opened(now);
        watch.handle_dataset(now);
        watch.handle_fault(FaultKind::Ended, now);
        assert_eq!(watch.poll_timeout(now).min(now + SECOND), now + SECOND / 2);
    }

    #[test]
    fn a_line_that_is_away_is_tried_again_for_ever() {
        let mut now = Instant::now();
        let mut watch = Watch::new(now);
        for (kind, line, wait) in [
            (FaultKind::Absent, LineState::Absent, RETRY_ABSENT),
            (FaultKind::Denied, LineState::Denied, RETRY_OTHER),
            (FaultKind::Busy, LineState::Busy, RETRY_OTHER),
            (FaultKind::Vanished, LineState::Absent, RETRY_ABSENT),
        ] {
            assert_eq!(watch.poll_task(now), Some(Task::Open));
            watch.handle_fault(kind, now);
            assert_eq!((watch.poll_task(now), watch.line(now)), (None, line));
            assert_eq!(watch.poll_timeout(now), now + wait);
            now += wait;
        }
    }

    #[test]
    fn the_state_follows_what_arrives_and_fades_after_ten_seconds() {
        let now = Instant::now();
        let mut watch = Watch::new(now);
        watch.handle_opened(now);
        assert_eq!((watch.line(now), watch.is_settled(now)), (LineState::Silent, false));
        watch.handle_bytes(now + SECOND);
        assert_eq!(watch.line(now + SECOND), LineState::Searching);
        watch.handle_dataset(now + 2 * SECOND);
        watch.handle_sample(now + 3 * SECOND);
        assert_eq!(watch.line(now + 3 * SECOND), LineState::Reading);
        let states = [(10, LineState::Reading, true), (12, LineState::Silent, true), (13, LineState::Silent, false)];
        for (seconds, line, alive) in states {
            let now = now + seconds * SECOND;
            assert_eq!((watch.line(now), watch.is_alive(now)), (line, alive), "after {seconds} s");
            assert!(watch.is_settled(now));
        }
    }

    #[test]
    fn the_rest_of_the_last_frame_is_no_other_trouble() {
        let now = Instant::now();
        let mut watch = Watch::new(now);
        watch.handle_opened(now);
        watch.handle_dataset(now + SECOND);
        watch.handle_bytes(now + 2 * SECOND);
        assert_eq!(watch.line(now + 11 * SECOND), LineState::Silent, "the meter fell silent in the middle of a frame");
        watch.handle_bytes(now + 5 * SECOND);
        assert_eq!(watch.line(now + 11 * SECOND), LineState::Searching, "bytes went on coming");
    }

    #[test]
    fn another_line_is_looked_at_while_nothing_good_comes_from_this_one() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        let looks = |watch: &mut Watch, seconds: std::ops::Range<u32>| -> Vec<u32> {
            let mut polled = seconds.flat_map(|second| [second; 3]).map(|second| (second, watch.poll_task(start + second * SECOND)));
            polled.by_ref().filter(|(_, task)| *task == Some(Task::LookElsewhere)).map(|(second, _)| second).collect()
        };
        watch.handle_opened(start);
        assert_eq!(looks(&mut watch, 0..42), [10, 25, 40]);
        watch.handle_dataset(start + 42 * SECOND);
        assert_eq!(looks(&mut watch, 43..70), [52, 67], "only a fault's time after the last dataset");
        watch.handle_fault(FaultKind::Busy, start + 70 * SECOND);
        assert!(looks(&mut watch, 70..73).is_empty());
    }

    #[test]
    fn settings_are_looked_after() {
        let now = Instant::now();
        let mut watch = Watch::new(now);
        watch.handle_opened(now);
        assert_eq!(watch.poll_task(now + 2 * SECOND), None);
        assert_eq!(watch.poll_task(now + 3 * SECOND), Some(Task::CheckSettings));
        assert_eq!(watch.poll_task(now + 3 * SECOND), None);
        assert_eq!(watch.poll_timeout(now + 3 * SECOND), now + 6 * SECOND);
    }

    #[test]
    fn an_adapter_that_comes_back_soon_leaves_the_meter_alive() {
        let now = Instant::now();
        let mut watch = Watch::new(now);
        watch.handle_opened(now);
        watch.handle_dataset(now);
        watch.handle_sample(now);
        watch.handle_fault(FaultKind::Vanished, now + SECOND);
        assert_eq!((watch.line(now + SECOND), watch.is_alive(now + SECOND)), (LineState::Absent, true));
        watch.handle_opened(now + 2 * SECOND);
        assert_eq!((watch.line(now + 2 * SECOND), watch.is_alive(now + 2 * SECOND)), (LineState::Silent, true));
    }
}
