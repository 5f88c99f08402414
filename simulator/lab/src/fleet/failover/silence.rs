//! When states of each meter came, and for how long none did.

use std::time::Duration;

/// The times of all states, by meter.
#[derive(Debug)]
pub(super) struct States(Vec<Vec<Duration>>);

/// Meters that were silent in a span.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Silence {
    /// For how long each of them was, sorted.
    pub of: Vec<Duration>,
    /// How many still are at its end.
    pub still: usize,
}

impl States {
    pub(super) fn new(meters: usize) -> Self {
        Self(vec![Vec::new(); meters])
    }

    pub(super) fn take(&mut self, meter: usize, at: Duration) {
        self.0[meter].push(at);
    }

    /// How many meters had a state.
    pub(super) fn meters(&self) -> usize {
        self.0.iter().filter(|times| !times.is_empty()).count()
    }

    /// States that came in a span.
    pub(super) fn count(&self, from: Duration, to: Duration) -> usize {
        self.0.iter().flatten().filter(|at| (from..to).contains(*at)).count()
    }

    /// Of each meter the longest time without a state that ended in this span, or has not ended by then; only what is longer than the limit.
    pub(super) fn silence(&self, from: Duration, to: Duration, limit: Duration) -> Silence {
        let longest =
            |times: &Vec<Duration>| times.windows(2).filter(|pair| (from..to).contains(&pair[1])).map(|pair| pair[1] - pair[0]).max();
        let ended = self.0.iter().map(|times| longest(times).unwrap_or_default());
        let open: Vec<Duration> = self.0.iter().map(|times| silent_since(times, to)).collect();
        let mut of: Vec<Duration> = ended.zip(&open).map(|(ended, open)| ended.max(*open)).filter(|silent| *silent > limit).collect();
        of.sort_unstable();
        Silence { of, still: open.iter().filter(|silent| **silent > limit).count() }
    }

    /// How many are silent at this time for longer than the limit.
    pub(super) fn silent_at(&self, at: Duration, limit: Duration) -> usize {
        self.0.iter().filter(|times| silent_since(times, at) > limit).count()
    }
}

/// How long it is since the last state before this time.
fn silent_since(times: &[Duration], at: Duration) -> Duration {
    let before = times.partition_point(|time| *time <= at);
    at - before.checked_sub(1).map_or(Duration::ZERO, |last| times[last])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Two meters with a state each second; the second one has none from 10 to 16 s, the first one none after 30 s.
    fn states() -> States {
        let mut states = States::new(2);
        for second in 1..=40 {
            for (meter, is_silent) in [(0, second > 30), (1, (11..16).contains(&second))] {
                if !is_silent {
                    states.take(meter, SECOND * second);
                }
            }
        }
        states
    }

    #[test]
    fn a_silence_counts_in_the_span_in_which_it_ends() {
        let silence = |from: u32, to: u32| states().silence(SECOND * from, SECOND * to, SECOND * 3);
        assert_eq!(silence(1, 10), Silence { of: vec![], still: 0 });
        assert_eq!(silence(10, 20), Silence { of: vec![SECOND * 6], still: 0 });
        assert_eq!(silence(20, 30), Silence { of: vec![], still: 0 });
        assert_eq!(silence(30, 40), Silence { of: vec![SECOND * 10], still: 1 });
    }

    #[test]
    fn who_is_silent_is_known_at_any_time() {
        let at = |second: u32| states().silent_at(SECOND * second, SECOND * 3);
        assert_eq!([at(5), at(13), at(14), at(16), at(33), at(34)], [0, 0, 1, 0, 0, 1]);
        assert_eq!(states().count(SECOND * 10, SECOND * 20), 15);
    }
}
