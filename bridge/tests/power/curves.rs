//! The forecast of a cut-off against a breaker that is stepped each second, over random loads of a house with too much switched on.

use std::time::Duration;

use teleinfo_bridge::power::{
    forecast::{Forecast, Nearness},
    trip::LINKY,
};

use super::random::Random;

const SECONDS: usize = 1_500;
/// The load before the bridge begins, in s.
const BEFORE: usize = 70;
/// The specification's filter: B (54E §7).
const B: f64 = 0.008;
/// Seconds before the trip at which the forecast is judged.
const LEFT: [usize; 5] = [5, 15, 30, 60, 120];

/// What is known when the bridge begins.
#[derive(Clone, Copy, PartialEq)]
enum Known {
    /// Nothing: the bounds.
    Nothing,
    /// The highest power of the day is shown, as in standard mode.
    Highest,
    /// The filter itself.
    Filter,
}

struct Case {
    name: &'static str,
    period: f64,
    digit: f64,
    known: Known,
}

const CASES: [Case; 4] = [
    Case { name: "standard 0.92 s, state known", period: 0.919, digit: 1.0, known: Known::Filter },
    Case { name: "standard, begun shortly before", period: 0.919, digit: 1.0, known: Known::Highest },
    Case { name: "historic HC 1.45 s, state known", period: 1.45, digit: 10.0, known: Known::Filter },
    Case { name: "historic, begun shortly before", period: 1.45, digit: 10.0, known: Known::Nothing },
];

#[derive(Default)]
struct Tally {
    trips: usize,
    unwarned: usize,
    /// Less than five seconds of notice, though the load stood above the limit that long; and where it did not.
    late: usize,
    sudden: usize,
    notices: Vec<usize>,
    passed: usize,
    errors: [Vec<i64>; LEFT.len()],
}

/// Steps of a base load, long loads, loads that cycle, and short ones.
fn curve(random: &mut Random, rating: f64) -> Vec<f64> {
    let highest = random.one_of(&[0.3, 0.6, 0.9]);
    let mut loads = vec![rating * random.between(0.1, highest); SECONDS];
    for _ in 0..2 + random.below(5) {
        let begin = 100 + random.below(SECONDS as u64 - 100) as usize;
        let length = random.waiting(300.0) as usize + 5;
        let load = rating * random.one_of(&[0.2, 0.3, 0.4, 0.5, 0.8, 1.2]);
        let (on, off) = (random.one_of(&[0, 0, 20, 60]), random.one_of(&[10, 40]));
        let end = (begin + length).min(SECONDS);
        for (elapsed, at) in loads[begin..end].iter_mut().enumerate() {
            if on == 0 || elapsed % (on + off) < on {
                *at += load;
            }
        }
    }
    loads.iter().map(|load| load + random.around_zero(0.004) * load).collect()
}

fn play(case: &Case, random: &mut Random, tally: &mut Tally) {
    let rating = random.one_of(&[3_000.0, 6_000.0, 9_000.0, 12_000.0]);
    let loads = curve(random, rating);
    let limit = (1.3 * rating).powi(2);
    let mut filter = (random.between(0.0, 1.1) * rating).powi(2);
    loads[..BEFORE].iter().for_each(|load| filter = B * load * load + (1.0 - B) * filter);
    let mut highest = filter * random.between(1.0, 1.5);
    let mut forecast = Forecast::default();
    forecast.handle_rating(LINKY, rating, 1);
    forecast.handle_loads(&[loads[BEFORE]], Duration::from_secs(BEFORE as u64));
    match case.known {
        Known::Filter => forecast.handle_highest(0, filter.sqrt(), true),
        Known::Highest => forecast.handle_highest(0, highest.sqrt(), false),
        Known::Nothing => {}
    }
    let (mut next, mut warned, mut said) = (BEFORE as f64, None, Vec::new());
    for second in BEFORE + 1..SECONDS {
        filter = B * loads[second].powi(2) + (1.0 - B) * filter;
        if filter >= limit {
            handle_trip(second, warned, &loads, 1.3 * rating, &said, tally);
            return;
        }
        highest = highest.max(filter);
        while next <= second as f64 {
            next += case.period;
            let load = (loads[second] / case.digit).round() * case.digit;
            forecast.handle_loads(&[load], Duration::from_secs(second as u64));
            if case.known == Known::Highest {
                forecast.handle_highest(0, highest.sqrt().round(), highest == filter);
            }
            said.push((second, forecast.seconds_left()));
            match forecast.nearness() {
                Nearness::Never => tally.passed += usize::from(warned.take().is_some()),
                Nearness::Coming | Nearness::Near => warned = warned.or(Some(second)),
            }
        }
    }
}

fn handle_trip(trip: usize, warned: Option<usize>, loads: &[f64], limit: f64, said: &[(usize, Option<u32>)], tally: &mut Tally) {
    let notice = warned.map_or(0, |warned| trip - warned);
    let above = loads[..trip].iter().rev().take_while(|load| **load > limit).count();
    tally.trips += 1;
    tally.unwarned += usize::from(warned.is_none() && above >= 5);
    tally.sudden += usize::from(above < 5);
    tally.late += usize::from(above >= 5 && notice < 5);
    tally.notices.push(notice);
    for (second, left) in said {
        let is_steady = loads[*second..trip].iter().all(|load| (load - loads[*second]).abs() < 0.02 * loads[*second]);
        if let (true, Some(left), Some(place)) = (is_steady, left, LEFT.iter().position(|left| *left == trip - second)) {
            tally.errors[place].push(i64::from(*left) - LEFT[place] as i64);
        }
    }
}

fn judge(case: &Case, curves: usize) -> Tally {
    let (mut random, mut tally) = (Random::new(11), Tally::default());
    (0..curves).for_each(|_| play(case, &mut random, &mut tally));
    tally.notices.sort_unstable();
    tally
}

fn p95(errors: &[i64]) -> u64 {
    let mut sizes: Vec<u64> = errors.iter().map(|error| error.unsigned_abs()).collect();
    sizes.sort_unstable();
    sizes.get(sizes.len() * 95 / 100).copied().unwrap_or(0)
}

#[test]
fn no_trip_comes_without_notice() {
    for (case, [at_15, at_60]) in CASES.iter().zip([[2, 6], [2, 6], [3, 7], [u64::MAX, u64::MAX]]) {
        let tally = judge(case, 600);
        assert!(tally.trips > 100, "{}: {} trips", case.name, tally.trips);
        assert_eq!((tally.unwarned, tally.late), (0, 0), "{}", case.name);
        assert!(
            p95(&tally.errors[1]) <= at_15 && p95(&tally.errors[3]) <= at_60,
            "{}: {} s, {} s",
            case.name,
            p95(&tally.errors[1]),
            p95(&tally.errors[3])
        );
    }
}

#[test]
#[ignore = "prints the table of docs/measurements.md: ten thousand curves for each meter"]
fn table_of_the_forecast() {
    println!(
        "| meter, 10 000 load curves | trips | without notice | < 5 s though possible | < 5 s possible | median notice | warnings that passed, a curve | p95 of the error 5 / 15 / 30 / 60 / 120 s before |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for case in &CASES {
        let tally = judge(case, 10_000);
        let errors: Vec<String> = tally.errors.iter().map(|errors| p95(errors).to_string()).collect();
        let median = tally.notices[tally.notices.len() / 2];
        println!(
            "| {} | {} | {} | {} | {} | {median} s | {:.1} | {} s |",
            case.name,
            tally.trips,
            tally.unwarned,
            tally.late,
            tally.sudden,
            tally.passed as f64 / 10_000.0,
            errors.join(" / ")
        );
    }
}
