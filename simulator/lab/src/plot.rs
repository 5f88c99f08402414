//! Plots as SVG: parts below each other, each with an axis of its own, and lines in them.

use std::fmt::Write;

/// Size of a part, of the margin left of it, and of the room above it.
const PART: (f64, f64) = (760.0, 180.0);
const LEFT: f64 = 60.0;
const GAP: f64 = 40.0;
/// The most lines that an axis has.
const TICKS_MAX: f64 = 6.0;

/// A picture of some parts.
#[derive(Debug)]
pub struct Plot {
    svg: String,
    height: f64,
}

/// What an axis shows: the smallest and the greatest value, and how far its lines are apart.
#[derive(Debug, Clone, Copy)]
pub struct Axis {
    /// The value at the lower end.
    pub from: f64,
    /// The value at the upper end.
    pub to: f64,
    /// From one line to the next.
    pub step: f64,
}

/// One part with its axes: `x` goes to the right.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    top: f64,
    /// The values at the left and the right end.
    pub x: (f64, f64),
    /// What stands at the left.
    pub y: Axis,
}

impl Axis {
    /// From 0 to something round above this value.
    #[must_use]
    pub fn up_to(most: f64) -> Self {
        let power = 10_f64.powf((most.max(1e-9) / TICKS_MAX).log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|of| of * power).find(|step| step * TICKS_MAX >= most).unwrap_or(power);
        Self { from: 0.0, to: (most / step).ceil().max(1.0) * step, step }
    }
}

impl Plot {
    /// An empty picture with room for so many parts.
    #[must_use]
    pub fn new(parts: usize) -> Self {
        let (width, height) = (LEFT + PART.0 + 20.0, parts as f64 * (PART.1 + GAP) + 30.0);
        let svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
        );
        Self { svg, height }
    }

    /// The part at this place, counted from above, with its title and its lines.
    pub fn part(&mut self, place: usize, title: &str, x: (f64, f64), y: Axis) -> Part {
        let part = Part { top: GAP + (PART.1 + GAP) * place as f64, x, y };
        let decimals = (-y.step.log10()).ceil().max(0.0) as usize;
        let mut value = y.from;
        while value <= y.to + y.step / 100.0 {
            let (height, colour) = (part.place(0.0, value).1, if value == 0.0 { "#1a202c" } else { "#cbd5e0" });
            let _ = writeln!(self.svg, r#"<path d="M{LEFT} {height:.1}h{}" stroke="{colour}" fill="none"/>"#, PART.0);
            let _ = writeln!(self.svg, r#"<text x="{}" y="{:.1}" text-anchor="end">{value:.decimals$}</text>"#, LEFT - 6.0, height + 4.0);
            value += y.step;
        }
        let _ = writeln!(self.svg, r#"<text x="{LEFT}" y="{:.1}" font-weight="bold">{title}</text>"#, part.top - 8.0);
        part
    }

    /// A line through these points.
    pub fn line(&mut self, part: Part, points: impl IntoIterator<Item = (f64, f64)>, colour: &str) {
        let places: Vec<String> = points.into_iter().map(|(x, y)| part.place(x, y)).map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
        let _ = writeln!(self.svg, r#"<path d="M{}" stroke="{colour}" fill="none"/>"#, places.join("L"));
    }

    /// A word beside the title of a part, so far to the right.
    pub fn word(&mut self, part: Part, right: f64, word: &str, colour: &str) {
        let _ = writeln!(self.svg, r#"<text x="{}" y="{:.1}" fill="{colour}">{word}</text>"#, LEFT + right, part.top - 8.0);
    }

    /// The picture, with what its left and its right end are.
    #[must_use]
    pub fn finish(mut self, left: &str, right: &str) -> String {
        let _ = writeln!(self.svg, r#"<text x="{LEFT}" y="{:.1}">{left}</text>"#, self.height - 10.0);
        let _ = writeln!(self.svg, r#"<text x="{}" y="{:.1}" text-anchor="end">{right}</text></svg>"#, LEFT + PART.0, self.height - 10.0);
        self.svg
    }
}

impl Part {
    /// Where a point is in the picture.
    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let share = |value: f64, (from, to): (f64, f64)| (value - from) / (to - from).max(f64::MIN_POSITIVE);
        (LEFT + PART.0 * share(x, self.x), self.top + PART.1 * (1.0 - share(y, (self.y.from, self.y.to))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_something_round_and_has_few_lines() {
        for (most, to, step) in [(0.94, 1.0, 0.2), (6_210.0, 8_000.0, 2_000.0), (57.0, 60.0, 10.0), (1.7, 2.0, 0.5)] {
            let axis = Axis::up_to(most);
            assert!((axis.to - to).abs() < 1e-6 && (axis.step - step).abs() < 1e-6, "{most}: {axis:?}");
        }
    }

    #[test]
    fn no_two_lines_have_one_name() {
        for (step, last) in [(0.01, ">0.03<"), (0.05, ">0.15<"), (0.2, ">0.6<"), (1.0, ">3<"), (20.0, ">60<")] {
            let mut plot = Plot::new(1);
            plot.part(0, "W", (0.0, 1.0), Axis { from: 0.0, to: step * 3.0, step });
            let svg = plot.finish("a", "b");
            assert!(svg.contains(last), "{step}: {svg}");
        }
    }

    #[test]
    fn points_are_where_their_values_are() {
        let mut plot = Plot::new(1);
        let part = plot.part(0, "W", (0.0, 10.0), Axis { from: -1.0, to: 1.0, step: 1.0 });
        plot.line(part, [(0.0, -1.0), (10.0, 1.0)], "red");
        assert!(plot.finish("a", "b").contains(r#"<path d="M60.0 220.0L820.0 40.0" stroke="red""#));
    }
}
