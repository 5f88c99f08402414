//! How often a meter's state is published: every frame, when it differs, or at most once in a while.

use std::time::{Duration, Instant};

/// What the configuration asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// Each frame.
    #[default]
    EveryFrame,
    /// Only what differs from the last message.
    OnChange,
    /// At most once in this time.
    Every(Duration),
}

/// The policy at work for one topic.
#[derive(Debug, Clone, Default)]
pub struct Cadence {
    policy: Policy,
    last: Option<(Instant, Vec<u8>)>,
}

impl Cadence {
    /// Nothing published yet.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self { policy, last: None }
    }

    /// Whether `payload` is to be published now; if so, it counts as published. `urgent` ones always are.
    pub fn admit(&mut self, payload: &[u8], urgent: bool, now: Instant) -> bool {
        let due = match (self.policy, &self.last) {
            (Policy::EveryFrame, _) => return true,
            (_, None) => true,
            (Policy::OnChange, Some((_, last))) => last != payload,
            (Policy::Every(gap), Some((at, _))) => now.saturating_duration_since(*at) >= gap,
        };
        if due || urgent {
            self.last = Some((now, payload.to_vec()));
        }
        due || urgent
    }

    /// What was published may not have arrived: the next payload is published, whatever it is.
    pub fn handle_lost(&mut self) {
        self.last = None;
    }

    /// When what was held back may be published.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        match (self.policy, &self.last) {
            (Policy::Every(gap), Some((at, _))) => Some(*at + gap),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds at which a frame comes, its payload, urgent or not, published or not.
    fn walk(policy: Policy, steps: &[(u64, &str, bool, bool)]) {
        let start = Instant::now();
        let mut pace = Cadence::new(policy);
        for &(at, payload, urgent, expected) in steps {
            let now = start + Duration::from_secs(at);
            let admitted = pace.admit(payload.as_bytes(), urgent, now);
            assert_eq!(admitted, expected, "{policy:?} at {at} s");
        }
    }

    #[test]
    fn policies() {
        walk(Policy::EveryFrame, &[(0, "a", false, true), (1, "a", false, true)]);
        walk(
            Policy::OnChange,
            &[(0, "a", false, true), (1, "a", false, false), (2, "b", false, true), (3, "a", false, true), (4, "a", true, true)],
        );
        walk(
            Policy::Every(Duration::from_secs(10)),
            &[
                (0, "a", false, true),
                (9, "b", false, false),
                (10, "b", false, true),
                (12, "c", true, true),
                (20, "d", false, false),
                (22, "d", false, true),
            ],
        );
    }
}
