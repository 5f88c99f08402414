//! When samples come faster than they are taken: each meter is heard more rarely, all by the same measure, and the others of its samples are not
//! even opened.
//!
//! What is not heard is in its reader's history and comes as the past. To open it only to drop it would take the very time that is missing: a
//! machine with too little of it would publish the less, the more comes.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use teleinfo_proto::tic::MeterId;

/// Where such a part of the queue waits, more comes than is taken; where it is less than [`FEW`], there is time again. What the past takes in
/// one go makes less wait.
const MANY: usize = 2;
const FEW: usize = 64;
/// So often it is judged: a queue takes a moment to show what a change did.
const JUDGED_EVERY: Duration = Duration::from_millis(500);
/// The past waits until so long after all is heard again: to ask for it takes more time than to hear it would have.
const REST: Duration = Duration::from_secs(30);
/// The shortest pause between two samples of a meter, and the longest.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// How rarely each meter is heard.
#[derive(Debug, Default)]
pub struct Shedding(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Nothing while all is heard.
    pause: Duration,
    judged: Option<Instant>,
    /// When there was a pause last.
    shed: Option<Instant>,
    /// How many waited when it was judged.
    waited: usize,
    /// When each meter was heard, while there is a pause.
    heard: HashMap<MeterId, Instant>,
}

impl Shedding {
    /// Something comes under the key of this meter, and of a queue with so many places so many are taken: whether there is time for it.
    pub fn hears(&self, meter: MeterId, waiting: usize, places: usize, now: Instant) -> bool {
        self.with(|state| {
            state.judge(waiting, places, now);
            state.is_due(meter, now)
        })
    }

    /// It was a sample of its reader: its turn is over. What others send under its key takes none.
    pub fn handle_heard(&self, meter: MeterId, now: Instant) {
        self.with(|state| {
            if !state.pause.is_zero() {
                state.heard.insert(meter, now);
            }
        });
    }

    /// Whether there is no time for anything else, or was none a moment ago.
    pub fn is_active(&self, now: Instant) -> bool {
        self.with(|state| state.shed.is_some_and(|at| now.saturating_duration_since(at) < REST))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl State {
    fn judge(&mut self, waiting: usize, places: usize, now: Instant) {
        if self.judged.is_some_and(|at| now.saturating_duration_since(at) < JUDGED_EVERY) {
            return;
        }
        self.judged = Some(now);
        // A queue that is on its way down says that the pause is long enough.
        let is_growing = waiting >= std::mem::replace(&mut self.waited, waiting);
        if waiting > places / MANY && is_growing {
            self.pause = (self.pause * 3 / 2).clamp(PAUSE_MIN, PAUSE_MAX);
        } else if waiting < places / FEW {
            self.pause = Some(self.pause * 4 / 5).filter(|pause| *pause >= PAUSE_MIN).unwrap_or_default();
        }
        if self.pause.is_zero() {
            self.heard = HashMap::new();
        } else {
            self.shed = Some(now);
        }
    }

    fn is_due(&self, meter: MeterId, now: Instant) -> bool {
        self.pause.is_zero() || self.heard.get(&meter).is_none_or(|at| now.saturating_duration_since(*at) >= self.pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: usize = 4_096;
    const METERS: usize = 100;

    fn meters() -> Vec<MeterId> {
        (0..METERS).map(|number| format!("0412{number:08}").parse().unwrap()).collect()
    }

    /// So many seconds in which each meter sends a sample, and `taken` samples leave the queue: how many of each were heard in the last
    /// half of them, and what waits in the end.
    fn run(shedding: &Shedding, seconds: u64, taken: usize) -> (Vec<usize>, usize) {
        let (start, meters) = (Instant::now(), meters());
        let (mut heard, mut waiting) = (vec![0; METERS], 0_usize);
        for second in 0..seconds {
            for (number, meter) in meters.iter().enumerate() {
                let now = start + Duration::from_secs(second) + Duration::from_millis(10) * number as u32;
                if shedding.hears(*meter, waiting, PLACES, now) && waiting < PLACES {
                    shedding.handle_heard(*meter, now);
                    waiting += 1;
                    heard[number] += usize::from(second >= seconds / 2);
                }
                waiting = waiting.saturating_sub(usize::from(number * taken / METERS != (number + 1) * taken / METERS));
            }
        }
        (heard, waiting)
    }

    #[test]
    fn all_is_heard_where_all_is_taken() {
        let (heard, waiting) = run(&Shedding::default(), 100, METERS);
        assert_eq!((heard, waiting), (vec![50; METERS], 0));
    }

    #[test]
    fn each_meter_is_heard_as_often_as_the_others_and_as_much_as_is_taken() {
        let (heard, waiting) = run(&Shedding::default(), 2_000, METERS / 4);
        let (least, most, all) = (heard.iter().min().unwrap(), heard.iter().max().unwrap(), heard.iter().sum::<usize>());
        assert!(waiting < PLACES * 3 / 4, "{waiting} wait");
        assert!(all * 10 > 1_000 * METERS / 4 * 9, "{all} of {}", 1_000 * METERS / 4);
        assert!(most - least <= most / 10, "{least} to {most}");
    }

    #[test]
    fn all_is_heard_again_once_there_is_time() {
        let shedding = Shedding::default();
        let start = Instant::now();
        let (meter, at) = (meters()[0], |seconds: u64| start + Duration::from_secs(seconds));
        (0..30).for_each(|second| _ = shedding.hears(meter, PLACES, PLACES, at(second)));
        assert!(shedding.is_active(at(30)) && !shedding.is_active(at(70)), "what does not come takes no time");
        assert!(shedding.hears(meter, PLACES, PLACES, at(30)), "whatever others send under its key");
        shedding.handle_heard(meter, at(30));
        assert!(!shedding.hears(meter, PLACES, PLACES, at(31)), "it waits for its turn");
        (32..90).for_each(|second| _ = shedding.hears(meter, 0, PLACES, at(second)));
        assert!((90..100).all(|second| shedding.hears(meter, 0, PLACES, at(second))));
        assert!(shedding.is_active(at(60)) && !shedding.is_active(at(99)), "and then for the past");
    }
}
