//! The power that Home Assistant shows: when it has moved, and every two seconds at most.
//!
//! Whoever steers takes each power from its own topic. Home Assistant keeps each change of an entity as a row in its database, and a
//! house at night would make a row a second of a power that moves by less than it may be wrong.

use std::time::Duration;

use crate::power::reading::Power;

/// A power that has moved is told again after this time.
const MOVED_MS: i64 = 2_000;
/// One that has not moved is told again after this time, so that a slow drift is seen.
const STILL_MS: i64 = 60_000;
/// Who begins to listen has subscribed within this time, a Home Assistant that is new to a meter of many entities too: meanwhile a power
/// counts as moved.
const LISTENS_MS: i64 = 10_000;
/// A power has moved when it has changed by this share of what it may be wrong by, and by this many W at least.
const MOVED_SHARE: f64 = 0.5;
const MOVED_W: f64 = 10.0;

/// What was last told.
#[derive(Debug)]
pub struct HomePower {
    /// Whether each power is told.
    tells_all: bool,
    told: Option<(i64, i64)>,
    /// Since when somebody has begun to listen, by the first power that was told then.
    listener: Option<i64>,
}

impl HomePower {
    /// Nothing told yet. A pace of zero tells each power.
    #[must_use]
    pub const fn new(pace: Duration) -> Self {
        Self { tells_all: pace.is_zero(), told: None, listener: None }
    }

    /// Somebody has begun to listen: the next power is told, whatever it is, and those that follow, for as long as it may take to subscribe.
    pub const fn handle_listener(&mut self) {
        (self.told, self.listener) = (None, None);
    }

    /// A power was read, at a time in ms since 1970. Returns whether it is to be told.
    pub fn handle_power(&mut self, power: &Power, unix_ms: i64) -> bool {
        let listener = *self.listener.get_or_insert(unix_ms);
        let is_new_to_somebody = (listener..listener.saturating_add(LISTENS_MS)).contains(&unix_ms);
        let is_news = self.told.is_none_or(|(watts, at)| {
            let (elapsed, change) = (unix_ms.saturating_sub(at), watts.abs_diff(power.watts) as f64);
            let is_far = change >= (MOVED_SHARE * power.resolution as f64).max(MOVED_W) || watts.signum() != power.watts.signum();
            let has_moved = is_far || is_new_to_somebody;
            elapsed < 0 || elapsed >= if has_moved { MOVED_MS } else { STILL_MS }
        });
        let is_told = is_news || self.tells_all;
        if is_told {
            self.told = Some((power.watts, unix_ms));
        }
        is_told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::power::reading::Method;

    fn told(pace: Duration, powers: &[(i64, i64)]) -> Vec<i64> {
        let mut home = HomePower::new(pace);
        let power = |watts| Power { watts, resolution: 30, method: Method::Levels, apparent: watts, phases: None, at: Duration::ZERO };
        powers.iter().filter(|(watts, ms)| home.handle_power(&power(*watts), *ms)).map(|(watts, _)| *watts).collect()
    }

    #[test]
    fn what_moves_is_told_within_two_seconds_and_what_stands_once_a_minute() {
        let minute = Duration::from_secs(60);
        let begin = [(200, 0), (201, 1_000), (202, 2_000), (203, 5_000)];
        assert_eq!(told(minute, &begin), [200, 202, 203], "whoever begins to listen hears one soon");
        let later = [(200, 0), (208, 20_000), (900, 21_500), (900, 22_500), (890, 23_600), (893, 81_600)];
        assert_eq!(told(minute, &later), [200, 900, 893]);
        assert_eq!(told(minute, &[(3, 0), (-3, 20_000), (0, 24_000)]), [3, -3, 0], "a sign that turns");
        assert_eq!(told(Duration::ZERO, &[(200, 0), (201, 1)]), [200, 201]);
    }
}
