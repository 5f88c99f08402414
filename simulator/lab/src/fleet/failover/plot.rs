//! States a second above, meters that are silent below, by time; a line stands where something happened.

use super::silence::States;
use crate::plot::{Axis, Plot};
use std::time::Duration;

const STATES: &str = "#0b6e4f";
const SILENT: &str = "#c8553d";
const EVENT: &str = "#a0aec0";
/// The width of a part, which times are shares of.
const WIDTH: f64 = 760.0;

/// Draws what came second by second, from the first event on.
pub(super) fn draw(states: &States, events: &[(&str, Duration)], end: Duration, limit: Duration) -> String {
    let begin = events.first().map_or(Duration::ZERO, |(_, at)| *at);
    let seconds = (end - begin).as_secs() as u32;
    let second = |number: u32| begin + Duration::from_secs(number.into());
    let came: Vec<(f64, f64)> = (0..seconds).map(|at| (f64::from(at) + 0.5, states.count(second(at), second(at + 1)) as f64)).collect();
    let silent: Vec<(f64, f64)> = (0..=seconds).map(|at| (f64::from(at), states.silent_at(second(at), limit) as f64)).collect();
    let mut plot = Plot::new(2);
    let of_silent = format!("meters silent for more than {:.0} s", limit.as_secs_f64());
    for (place, (title, points, colour)) in [("states a second", came, STATES), (&of_silent, silent, SILENT)].into_iter().enumerate() {
        let axis = Axis::up_to(points.iter().map(|(_, value)| *value).fold(1.0, f64::max));
        let part = plot.part(place, title, (0.0, seconds.into()), axis);
        for (name, at) in &events[1..] {
            let x = (*at - begin).as_secs_f64();
            plot.line(part, [(x, 0.0), (x, axis.to)], EVENT);
            if place == 0 {
                plot.word(part, WIDTH * x / f64::from(seconds), name, EVENT);
            }
        }
        plot.line(part, points, colour);
    }
    plot.finish("0 s", &format!("{seconds} s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_stands_where_it_did() {
        let mut states = States::new(1);
        (0..40).for_each(|second| states.take(0, Duration::from_millis(1_000 * second + 500)));
        let events = [("all there", Duration::from_secs(20)), ("killed", Duration::from_secs(30))];
        let svg = draw(&states, &events, Duration::from_secs(40), Duration::from_secs(3));
        assert_eq!(svg.matches("M440.0 220.0L440.0 40.0").count(), 1, "{svg}");
        assert_eq!(svg.matches(">killed<").count(), 1);
        assert!(svg.contains("M79.0 40.0L117.0 40.0"), "one each second: {svg}");
    }
}
