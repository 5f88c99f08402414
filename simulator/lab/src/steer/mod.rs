//! Does the loop close? A battery that keeps the grid at 0 W behind the real chain: house, meter, serial line at line speed, reader, bridge,
//! broker, controller, and the battery back in the house. The same battery in the same house behind a perfect value each 10 s and each 30 s
//! says what that is worth; those two need no programs. Whatever it is behind, it gets the gain that suits it best.
//!
//! Read `scene` (what the house does), `battery`, `home` (both, and what the meter knows of them), `meter` (the frames), `chain` (the
//! programs), `slow` (the other values), `score` (how well it went), then `plot`.

mod battery;
mod chain;
mod home;
mod meter;
mod plot;
mod scene;
mod score;
mod slow;

use self::battery::Battery;
use self::home::Trace;
use self::scene::Scene;
use self::score::{Score, Step};
use self::slow::Repeats;
use std::fmt;
use std::path::Path;
use teleinfo_proto::tic::Mode;
use teleinfo_simulator::failure::{Code, Failure, OrFail, Outcome};
use teleinfo_simulator::line::stop::Stop;

/// Of each value the battery takes one of these shares: sold controllers take 0.22 to 0.75.
const GAINS: [f64; 3] = [0.3, 0.4, 0.5];
/// The two batteries, by the most that they give or take, in W.
const BATTERIES: [f64; 2] = [800.0, 2_500.0];
/// Seconds between the values of meters that are slower, and what their battery makes of a value that is said again.
const SLOW: [(f64, Repeats); 3] = [(10.0, Repeats::Added), (10.0, Repeats::Ignored), (30.0, Repeats::Added)];

/// The head of the table.
pub const HEAD: &str = "| battery | behind | gain | mean of the grid's error, W | of the one each 10 s | swing at rest, W | step of 600 W: overshoot | settled |\n|---|---|---|---|---|---|---|---|";

/// One row: a battery behind one kind of value.
#[derive(Debug)]
pub struct Row {
    limit: f64,
    behind: String,
    gain: f64,
    noon: Score,
    /// The error, as a share of that behind a value each 10 s.
    share: f64,
    step: Step,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, behind, gain, noon, share, step } = self;
        let settled = step.settled.map_or("never".into(), |seconds| format!("{seconds:.0} s"));
        write!(
            f,
            "| {limit:.0} W | {behind} | {gain} | {:.0} | {share:.2} | {:.0} | {:.0} % | {settled} |",
            noon.error,
            step.swing,
            step.overshoot * 100.0
        )
    }
}

/// A battery behind the chain: the mode, the most that it gives or takes in W, and its gain.
type Kind = (Mode, f64, f64);

/// Runs both modes with both batteries and each gain at once, for so many seconds of a cloudy noon each, after so many of another in which
/// the bridge learns.
///
/// # Errors
/// When a program is missing or ends, no power arrives, or the plot cannot be written.
pub fn run(seconds: usize, learning: usize, plot: Option<&Path>, stop: &Stop) -> Outcome<Vec<Row>> {
    let scenes = [Scene::step(), Scene::noon(seconds)];
    let before = Scene::noon_before(learning);
    let kinds = kinds();
    let traces = std::thread::scope(|scope| {
        let begin = |(mode, limit, gain)| {
            let (before, scenes) = (&before, &scenes);
            scope.spawn(move || chain::play(mode, Battery::new(limit, gain), before, scenes, stop))
        };
        let threads: Vec<_> = kinds.iter().copied().map(begin).collect();
        let ended =
            threads.into_iter().map(|thread| thread.join().map_err(|_| Failure::new(Code::Software, "a loop has ended in a panic"))?);
        ended.collect::<Outcome<Vec<_>>>()
    })?;
    if let Some(path) = plot {
        let (period, repeats) = SLOW[0];
        let slow = slow::best(&scenes[1], BATTERIES[0], period, repeats).1;
        let ours = best(Mode::Standard, BATTERIES[0], &scenes, &kinds, &traces).unwrap_or_default();
        let lines = [("meter, each frame", &traces[ours][1]), ("a value each 10 s", &slow)];
        std::fs::write(path, plot::draw(&scenes[1], &lines)).or_fail(Code::CannotCreate, || format!("cannot write {}", path.display()))?;
    }
    Ok(BATTERIES.iter().flat_map(|limit| rows(*limit, &scenes, &kinds, &traces)).collect())
}

fn kinds() -> Vec<Kind> {
    let of_mode = |mode| BATTERIES.into_iter().flat_map(move |limit| GAINS.map(|gain| (mode, limit, gain)));
    [Mode::Standard, Mode::Historic].into_iter().flat_map(of_mode).collect()
}

/// The place of the gain that suits this battery best: one that comes to rest, if there is one, and of those the one with the least error.
fn best(mode: Mode, limit: f64, scenes: &[Scene; 2], kinds: &[Kind], traces: &[[Trace; 2]]) -> Option<usize> {
    let swings = |place: &usize| Step::of(&scenes[0], &traces[*place][0]).settled.is_none();
    let error = |place: &usize| Score::of(&scenes[1], limit, &traces[*place][1]).error;
    let ours = (0..kinds.len()).filter(|place| (kinds[*place].0, kinds[*place].1) == (mode, limit));
    ours.min_by(|one, other| swings(one).cmp(&swings(other)).then(error(one).total_cmp(&error(other))))
}

fn rows(limit: f64, scenes: &[Scene; 2], kinds: &[Kind], traces: &[[Trace; 2]]) -> Vec<Row> {
    let row = |behind: String, gain, step: &Trace, noon: &Trace| Row {
        limit,
        behind,
        gain,
        noon: Score::of(&scenes[1], limit, noon),
        share: 0.0,
        step: Step::of(&scenes[0], step),
    };
    let ours = [Mode::Standard, Mode::Historic].into_iter().filter_map(|mode| best(mode, limit, scenes, kinds, traces));
    let ours = ours.map(|place| {
        let ((mode, _, gain), [step, noon]) = (kinds[place], &traces[place]);
        row(format!("the chain, {mode}"), gain, step, noon)
    });
    let slow = SLOW.map(|(period, repeats)| {
        let (gain, noon) = slow::best(&scenes[1], limit, period, repeats);
        let step = slow::play(&scenes[0], Battery::new(limit, gain), period, repeats);
        row(format!("a value each {period:.0} s{repeats}"), gain, &step, &noon)
    });
    let mut rows: Vec<Row> = ours.chain(slow).collect();
    let of_ten = rows.iter().find(|row| row.behind.ends_with("10 s")).map_or(f64::NAN, |row| row.noon.error);
    rows.iter_mut().for_each(|row| row.share = row.noon.error / of_ten);
    rows
}
