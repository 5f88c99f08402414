//! The same battery behind a value that is true, and old: one each so many seconds, without any programs.

use super::battery::Battery;
use super::home::{Home, Trace};
use super::scene::Scene;
use super::score::Score;
use std::fmt;

/// The gains that are tried.
const GAINS: [f64; 12] = [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0, 1.2];
/// How finely questions are asked, in s.
const TICK: f64 = 0.1;

/// What a battery makes of the same value, said again because there is no newer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    /// Adds it again: it cannot know. So do those that are sold.
    Added,
    /// Knows, and waits.
    Ignored,
}

impl fmt::Display for Repeats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if *self == Self::Ignored { ", by a battery that knows a repeat" } else { "" })
    }
}

/// A scene from beginning to end.
pub(super) fn play(scene: &Scene, battery: Battery, period: f64, repeats: Repeats) -> Trace {
    let mut home = Home::new(scene, battery);
    let (mut value, mut next) = (None, period);
    let mut ticks = 0_u32;
    while !home.is_over() {
        ticks += 1;
        let now = f64::from(ticks) * TICK;
        home.advance(now);
        if now >= next {
            value = Some(home.shown().active);
            next += period;
        }
        if home.battery.asks(now)
            && let Some(watts) = value
        {
            home.battery.handle_answer(watts, now);
            value = value.filter(|_| repeats == Repeats::Added);
        }
    }
    home.trace
}

/// The best that this battery does behind such values: its gain, and how it went.
pub(super) fn best(scene: &Scene, limit: f64, period: f64, repeats: Repeats) -> (f64, Trace) {
    let tried = GAINS.map(|gain| (gain, play(scene, Battery::new(limit, gain), period, repeats)));
    let error = |trace: &Trace| Score::of(scene, limit, trace).error;
    tried.into_iter().min_by(|(_, one), (_, other)| error(one).total_cmp(&error(other))).unwrap_or((0.0, Vec::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_often_is_better() {
        let scene = Scene::noon(1, 1_200);
        let error = |period| Score::of(&scene, 2_500.0, &best(&scene, 2_500.0, period, Repeats::Added).1).error;
        let errors = [1.0, 10.0, 30.0].map(error);
        assert!(errors.is_sorted_by(|one, other| one * 1.5 < *other), "{errors:?}");
    }

    #[test]
    fn too_much_gain_swings_without_end() {
        let scene = Scene::step();
        let swing = |gain| super::super::score::Step::of(&scene, &play(&scene, Battery::new(800.0, gain), 1.0, Repeats::Added)).swing;
        assert!(swing(0.3) < 1.0 && swing(1.6) > 50.0, "{} {}", swing(0.3), swing(1.6));
    }
}
