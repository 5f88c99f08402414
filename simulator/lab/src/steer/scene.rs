//! What a house draws and its panels give, second by second, without a battery.

use teleinfo_simulator::rng::Rng;

/// The household that never rests, in W and VAr.
const STANDBY: Load = Load { watts: 180.0, reactive: -110.0 };
/// What is switched on for some time, one after the other: W, VAr, seconds.
const USED: [(Load, u64); 5] = [
    (Load { watts: 2_100.0, reactive: 0.0 }, 90),
    (Load { watts: 110.0, reactive: 95.0 }, 240),
    (Load { watts: 700.0, reactive: 520.0 }, 60),
    (Load { watts: 1_300.0, reactive: 350.0 }, 45),
    (Load { watts: 380.0, reactive: 120.0 }, 150),
];
/// Panels at noon without clouds, in W.
const PANELS: f64 = 2_400.0;
/// Of the household and of its clouds.
const SEED: u64 = 1;
/// How much of the sun passes.
const CLOUDS: [f64; 6] = [1.0, 0.95, 0.9, 0.35, 0.2, 0.6];
/// When the step comes, its height in W, and how long all lasts, in s.
pub(super) const STEP: (usize, f64, usize) = (90, 600.0, 180);

/// A load on one phase.
#[derive(Debug, Clone, Copy)]
pub(super) struct Load {
    /// W, positive when drawn.
    pub(super) watts: f64,
    /// VAr, positive when inductive.
    pub(super) reactive: f64,
}

/// A length of time in a house, a load for each second.
#[derive(Debug)]
pub(super) struct Scene(pub(super) Vec<Load>);

impl Scene {
    /// A quiet house in which a heater of 600 W is switched on.
    pub(super) fn step() -> Self {
        let (at, height, end) = STEP;
        let load = |second| Load { watts: STANDBY.watts + if second < at { 0.0 } else { height }, ..STANDBY };
        Self((0..end).map(load).collect())
    }

    /// A household that cooks and works under passing clouds.
    pub(super) fn noon(seconds: usize) -> Self {
        Self::cloudy("noon", seconds)
    }

    /// Such a household on another day: what an estimate has learnt there, it has not learnt from the noon that is judged.
    pub(super) fn noon_before(seconds: usize) -> Self {
        Self::cloudy("noon before", seconds)
    }

    fn cloudy(name: &str, seconds: usize) -> Self {
        let mut rng = Rng::named(SEED, name);
        let mut loads = vec![STANDBY; seconds];
        for (load, lasts) in USED {
            switch(&mut loads, load, lasts as usize, &mut rng);
        }
        shine(&mut loads, &mut rng);
        Self(loads)
    }
}

/// On for about this long, off for some eight times as long, again and again.
fn switch(loads: &mut [Load], load: Load, lasts: usize, rng: &mut Rng) {
    let mut at = rng.below(6 * lasts as u64) as usize;
    while at < loads.len() {
        let on = lasts / 2 + rng.below(lasts as u64) as usize;
        for second in loads.iter_mut().skip(at).take(on) {
            second.watts += load.watts;
            second.reactive += load.reactive;
        }
        at += on + 5 * lasts + rng.below(6 * lasts as u64) as usize;
    }
}

fn shine(loads: &mut [Load], rng: &mut Rng) {
    let (mut passes, mut target) = (0.8, 0.8);
    for (second, load) in loads.iter_mut().enumerate() {
        if second % 5 == 0 && rng.below(12) == 0 {
            target = CLOUDS[rng.below(CLOUDS.len() as u64) as usize];
        }
        passes += (target - passes) * 0.08;
        load.watts -= PANELS * passes;
        load.reactive += 60.0;
    }
}
