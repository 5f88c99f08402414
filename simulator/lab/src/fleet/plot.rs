//! What was published of what was sent above, what each part took of the processors below, by the samples a second of a fleet.

use super::measure::Point;
use crate::plot::{Axis, Part, Plot};

const SENT: &str = "#a0aec0";
/// Of the present, of the past.
const PUBLISHED: [&str; 2] = ["#0b6e4f", "#c8553d"];
/// Of each quarter of the ids.
const QUARTER: &str = "#90cdb4";
const PARTS: [(&str, &str); 4] = [("bridge", "#0b6e4f"), ("routers", "#c8553d"), ("broker", "#2b6cb0"), ("readers", "#4a5568")];
/// From one word to the next.
const WORD: f64 = 130.0;

/// Draws all rows of a table, as one line each.
pub(crate) fn draw(points: &[Point]) -> String {
    let mut points = points.to_vec();
    points.sort_by(|one, other| one.sent.total_cmp(&other.sent));
    let most = |value: &dyn Fn(&Point) -> f64| points.iter().map(value).fold(0.0, f64::max);
    let right = most(&|point| point.sent);
    let mut plot = Plot::new(2);
    let above = plot.part(0, "published a second", (0.0, right), Axis::up_to(right.max(most(&|point| point.present))));
    plot.line(above, [(0.0, 0.0), (right, right)], SENT);
    for quarter in 0..4 {
        line(&mut plot, above, &points, QUARTER, &|point| 4.0 * point.quarters[quarter]);
    }
    line(&mut plot, above, &points, PUBLISHED[0], &|point| point.present);
    line(&mut plot, above, &points, PUBLISHED[1], &|point| point.past);
    let words = [("sent", SENT), ("state", PUBLISHED[0]), ("of each quarter × 4", QUARTER), ("of the past", PUBLISHED[1])];
    for ((word, colour), place) in words.into_iter().zip(2..) {
        plot.word(above, WORD * f64::from(place), word, colour);
    }
    let below =
        plot.part(1, "processors in use", (0.0, right), Axis::up_to(most(&|point| point.processors.into_iter().fold(0.0, f64::max))));
    for (part, (name, colour)) in PARTS.into_iter().enumerate() {
        line(&mut plot, below, &points, colour, &|point| point.processors[part]);
        plot.word(below, WORD * (2.0 + part as f64), name, colour);
    }
    plot.finish("0 samples a second", &format!("{right:.0} samples a second"))
}

fn line(plot: &mut Plot, part: Part, points: &[Point], colour: &str, value: &dyn Fn(&Point) -> f64) {
    plot.line(part, std::iter::once((0.0, 0.0)).chain(points.iter().map(|point| (point.sent, value(point)))), colour);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_a_point_in_the_order_of_what_was_sent() {
        let point = |sent: f64| Point { sent, present: sent / 2.0, past: 0.0, quarters: [sent / 8.0; 4], processors: [0.5; 4] };
        let svg = draw(&[point(100.0), point(50.0)]);
        assert!(svg.contains("M60.0 220.0L440.0 175.0L820.0 130.0\" stroke=\"#0b6e4f\""), "{svg}");
        assert_eq!(svg.matches("<path d=\"M60.0").count(), 1 + 4 + 2 + 4);
    }
}
