//! The house without a battery above, the grid with it below, second by second.

use super::home::Trace;
use super::scene::Scene;
use crate::plot::{Axis, Plot};

/// The colours of the lines below: of ours, of the other.
const COLOURS: [&str; 2] = ["#0b6e4f", "#c8553d"];
const HOUSE: &str = "#4a5568";

/// All of these lines, between multiples of 500 W.
fn axis(lines: &[&[f64]]) -> Axis {
    let all = || lines.iter().flat_map(|line| line.iter().copied());
    let round = |watts: f64| (watts / 500.0).round() * 500.0;
    let (from, to) = (round(all().fold(0.0, f64::min) - 250.0), round(all().fold(0.0, f64::max) + 250.0));
    Axis { from, to, step: ((to - from) / 1_500.0).ceil() * 500.0 }
}

fn points(line: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    line.iter().enumerate().map(|(second, watts)| (second as f64, *watts))
}

/// Draws a scene, and the grid behind each kind of value.
pub(super) fn draw(scene: &Scene, grids: &[(&str, &Trace); 2]) -> String {
    let house: Vec<f64> = scene.0.iter().map(|load| load.watts).collect();
    let (mut plot, seconds) = (Plot::new(2), (0.0, house.len().max(1) as f64));
    let above = plot.part(0, "house and panels without the battery, W", seconds, axis(&[&house]));
    plot.line(above, points(&house), HOUSE);
    let below = plot.part(1, "grid with the battery, W", seconds, axis(&[grids[0].1, grids[1].1]));
    for ((name, grid), (place, colour)) in grids.iter().zip(COLOURS.iter().enumerate()).rev() {
        plot.line(below, points(grid), colour);
        plot.word(below, 260.0 + 200.0 * place as f64, name, colour);
    }
    plot.finish("0 s", &format!("{} s", house.len()))
}
