//! A plot as SVG: the house without a battery above, the grid with it below, second by second.

use super::home::Trace;
use super::scene::Scene;
use std::fmt::Write;

/// Size of a part, of the margin left of it, and of the room between them.
const PART: (f64, f64) = (760.0, 180.0);
const LEFT: f64 = 60.0;
const GAP: f64 = 40.0;
/// The colours of the lines below: of ours, of the other.
const COLOURS: [&str; 2] = ["#0b6e4f", "#c8553d"];
const HOUSE: &str = "#4a5568";

/// One part with an axis of its own.
struct Part {
    top: f64,
    /// W at the lower and at the upper end.
    range: (f64, f64),
    seconds: usize,
}

impl Part {
    fn of(top: f64, lines: &[&[f64]]) -> Self {
        let all = || lines.iter().flat_map(|line| line.iter().copied());
        let round = |watts: f64| (watts / 500.0).round() * 500.0;
        let range = (round(all().fold(0.0, f64::min) - 250.0), round(all().fold(0.0, f64::max) + 250.0));
        Self { top, range, seconds: lines.first().map_or(1, |line| line.len()) }
    }

    fn y(&self, watts: f64) -> f64 {
        self.top + PART.1 * (self.range.1 - watts) / (self.range.1 - self.range.0)
    }

    fn axis(&self, svg: &mut String, title: &str) {
        let mut watts = self.range.0;
        while watts <= self.range.1 {
            let (y, colour) = (self.y(watts), if watts == 0.0 { "#1a202c" } else { "#cbd5e0" });
            let _ = writeln!(svg, r#"<path d="M{LEFT} {y:.1}h{}" stroke="{colour}" fill="none"/>"#, PART.0);
            let _ = writeln!(svg, r#"<text x="{}" y="{:.1}" text-anchor="end">{watts:.0}</text>"#, LEFT - 6.0, y + 4.0);
            watts += ((self.range.1 - self.range.0) / 1_500.0).ceil() * 500.0;
        }
        let _ = writeln!(svg, r#"<text x="{LEFT}" y="{:.1}" font-weight="bold">{title}</text>"#, self.top - 8.0);
    }

    fn line(&self, svg: &mut String, line: &[f64], colour: &str) {
        let place = |(second, watts): (usize, &f64)| {
            format!("{:.1} {:.1}", LEFT + PART.0 * second as f64 / self.seconds.max(1) as f64, self.y(*watts))
        };
        let points: Vec<String> = line.iter().enumerate().map(place).collect();
        let _ = writeln!(svg, r#"<path d="M{}" stroke="{colour}" fill="none"/>"#, points.join("L"));
    }
}

/// Draws a scene, and the grid behind each kind of value.
pub(super) fn draw(scene: &Scene, grids: &[(&str, &Trace); 2]) -> String {
    let house: Vec<f64> = scene.0.iter().map(|load| load.watts).collect();
    let (width, height) = (LEFT + PART.0 + 20.0, 2.0 * (PART.1 + GAP) + 30.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let above = Part::of(GAP, &[&house]);
    above.axis(&mut svg, "house and panels without the battery, W");
    above.line(&mut svg, &house, HOUSE);
    let below = Part::of(2.0 * GAP + PART.1, &[grids[0].1, grids[1].1]);
    below.axis(&mut svg, "grid with the battery, W");
    for ((name, grid), (place, colour)) in grids.iter().zip(COLOURS.iter().enumerate()).rev() {
        below.line(&mut svg, grid, colour);
        let x = LEFT + 260.0 + 200.0 * place as f64;
        let _ = writeln!(svg, r#"<text x="{x}" y="{:.1}" fill="{colour}">{name}</text>"#, below.top - 8.0);
    }
    let _ = writeln!(svg, r#"<text x="{LEFT}" y="{:.1}">0 s</text>"#, height - 10.0);
    let _ = writeln!(svg, r#"<text x="{}" y="{:.1}" text-anchor="end">{} s</text></svg>"#, LEFT + PART.0, height - 10.0, house.len());
    svg
}
