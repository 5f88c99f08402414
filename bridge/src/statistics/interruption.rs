//! When Home Assistant's statistics are looked at: after an interruption, once a minute, until every hour since then is right.
//!
//! Something was interrupted when the bridge, the broker, Home Assistant or a reader is back: hours may have been missed meanwhile. A look
//! that finds nothing left to correct ends the search. No clock: every time is an argument.

use std::time::{Duration, Instant};

/// Time from an interruption to the first look, and between two looks.
const PERIOD: Duration = Duration::from_secs(60);
/// Hours that could not be corrected in this time will not be. A reader that comes back later is an interruption of its own.
const PATIENCE: Duration = Duration::from_secs(3 * 3_600);

/// The last interruption, while its hours may still be wrong.
#[derive(Debug, Default)]
pub struct Interruption(Option<Search>);

#[derive(Debug, Clone, Copy)]
struct Search {
    look: Look,
    next: Instant,
}

/// One look at the statistics: what it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// When the interruption was over.
    ended: Instant,
    /// The same by the wall clock, in s since 1970: a statistic must have a row since then before it can be called right.
    pub since: i64,
}

impl Interruption {
    /// Something is back; `wall` is the time of day, in s since 1970. A search that is under way goes on at its own pace, and lasts longer.
    pub fn handle_return(&mut self, wall: i64, now: Instant) {
        let next = self.0.map_or(now + PERIOD, |search| search.next);
        self.0 = Some(Search { look: Look { ended: now, since: wall }, next });
    }

    /// A look came to its end; `right` says that it found nothing left to correct.
    pub fn handle_look(&mut self, look: Look, right: bool, now: Instant) {
        let Some(search) = &mut self.0 else { return };
        search.next = now + PERIOD;
        // What was interrupted while the look was under way has not been looked at.
        let over = right || now.saturating_duration_since(look.ended) > PATIENCE;
        if over && search.look == look {
            self.0 = None;
        }
    }

    /// The look that is due.
    #[must_use]
    pub fn poll_look(&self, now: Instant) -> Option<Look> {
        self.0.filter(|search| search.next <= now).map(|search| search.look)
    }

    /// When the next look will be due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.0.map(|search| search.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    /// Lets time pass minute by minute; returns the minutes of the looks, each of which finds what `right` says.
    fn looks(interruption: &mut Interruption, start: Instant, minutes: std::ops::Range<u32>, right: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut made = Vec::new();
        for minute in minutes {
            let now = start + MINUTE * minute;
            if let Some(look) = interruption.poll_look(now) {
                made.push(minute);
                interruption.handle_look(look, right(minute), now);
            }
        }
        made
    }

    #[test]
    fn without_an_interruption_nothing_is_looked_at() {
        let mut interruption = Interruption::default();
        assert_eq!(interruption.poll_timeout(), None);
        assert_eq!(looks(&mut interruption, Instant::now(), 0..500, |_| false), [0; 0]);
    }

    #[test]
    fn once_a_minute_until_all_is_right() {
        let (mut interruption, start) = (Interruption::default(), Instant::now());
        interruption.handle_return(1_000, start);
        assert_eq!(interruption.poll_timeout(), Some(start + MINUTE));
        assert_eq!(looks(&mut interruption, start, 0..20, |minute| minute == 6), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_search_is_given_up_after_three_hours() {
        let (mut interruption, start) = (Interruption::default(), Instant::now());
        interruption.handle_return(1_000, start);
        assert_eq!(looks(&mut interruption, start, 0..400, |_| false).last(), Some(&181));
    }

    #[test]
    fn an_interruption_during_a_look_is_looked_at_too() {
        let (mut interruption, start) = (Interruption::default(), Instant::now());
        interruption.handle_return(1_000, start);
        let look = interruption.poll_look(start + MINUTE).unwrap();
        assert_eq!(look.since, 1_000);
        interruption.handle_return(1_090, start + MINUTE * 3 / 2);
        interruption.handle_look(look, true, start + MINUTE * 2);
        let next = interruption.poll_look(start + MINUTE * 3).unwrap();
        assert_eq!(next.since, 1_090);
        interruption.handle_look(next, true, start + MINUTE * 3);
        assert_eq!(interruption.poll_timeout(), None);
    }

    #[test]
    fn a_line_that_comes_and_goes_does_not_put_the_look_off() {
        let (mut interruption, start) = (Interruption::default(), Instant::now());
        for second in (0..=60).step_by(5) {
            interruption.handle_return(second, start + Duration::from_secs(second.unsigned_abs()));
        }
        assert_eq!(interruption.poll_look(start + MINUTE).map(|look| look.since), Some(60));
    }
}
