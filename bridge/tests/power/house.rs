//! A house whose power factor is hard to guess: each second its active power, and what the meter sees of it as apparent power.
//!
//! Capacitive and distorting standby loads, motors, an oven with a thermostat, a hob that pulses each few seconds, a washing machine that
//! heats and then turns its drum, a heat pump that modulates, a car, a saw, and perhaps panels under clouds.

use super::random::Random;

const DAY: usize = 86_400;
const HOUR: f64 = 3_600.0;

/// What flows in each second.
pub(crate) struct House {
    /// W, positive when drawn.
    pub(crate) active: Vec<f64>,
    /// VA.
    pub(crate) apparent: Vec<f64>,
}

/// A load: W, VAr, and the VA of its distortion.
#[derive(Clone, Copy)]
struct Load(f64, f64, f64);

struct Seconds {
    active: Vec<f64>,
    reactive: Vec<f64>,
    distortion: Vec<f64>,
}

impl Seconds {
    fn add(&mut self, from: f64, until: f64, Load(active, reactive, distortion): Load) {
        let end = self.active.len();
        for second in (from.max(0.0) as usize).min(end)..(until.max(0.0) as usize).min(end) {
            self.active[second] += active;
            self.reactive[second] += reactive;
            self.distortion[second] += distortion;
        }
    }
}

impl House {
    /// A house of a seed for so many days, with panels of so many W at most.
    pub(crate) fn new(seed: u64, days: usize, panels: f64) -> Self {
        let mut random = Random::new(seed);
        let empty = || vec![0.0; days * DAY];
        let mut seconds = Seconds { active: empty(), reactive: empty(), distortion: empty() };
        standby(&mut seconds, &mut random);
        fridge(&mut seconds, &mut random);
        for day in 0..days {
            let begin = (day * DAY) as f64;
            kitchen(&mut seconds, begin, &mut random);
            laundry(&mut seconds, begin, &mut random);
            electronics(&mut seconds, begin, &mut random);
            heating(&mut seconds, begin, &mut random);
            if day % 2 == 0 {
                garage(&mut seconds, begin, &mut random);
            }
            shine(&mut seconds, day, panels, &mut random);
        }
        let apparent = |second: usize| {
            let parts = [seconds.active[second], seconds.reactive[second], seconds.distortion[second]];
            parts.iter().map(|part| part * part).sum::<f64>().sqrt()
        };
        let apparent = (0..days * DAY).map(apparent).collect();
        Self { active: seconds.active, apparent }
    }
}

fn at(begin: f64, from: f64, until: f64, random: &mut Random) -> f64 {
    begin + random.between(from, until) * HOUR
}

fn non_active(watts: f64, factor: f64) -> f64 {
    watts * factor.acos().tan()
}

fn standby(seconds: &mut Seconds, random: &mut Random) {
    let (base, factor) = (random.between(60.0, 160.0), random.between(0.5, 0.75));
    let mut watts = base;
    for second in 0..seconds.active.len() {
        if second % 10 == 0 {
            watts = (watts + random.around_zero(0.6) + (base - watts) * 0.002).clamp(50.0, 220.0);
        }
        let rest = non_active(watts, factor);
        seconds.active[second] += watts;
        seconds.reactive[second] -= 0.6 * rest;
        seconds.distortion[second] += 0.8 * rest;
    }
}

fn fridge(seconds: &mut Seconds, random: &mut Random) {
    let watts = random.between(70.0, 120.0);
    let reactive = non_active(watts, random.between(0.62, 0.8));
    let mut now = random.between(0.0, 1_800.0);
    while now < seconds.active.len() as f64 {
        let on = random.between(600.0, 1_100.0);
        seconds.add(now, now + 2.0, Load(3.0 * watts, 4.0 * reactive, 0.0));
        seconds.add(now + 2.0, now + on, Load(watts, reactive, 0.0));
        now += on + random.between(1_300.0, 2_400.0);
    }
}

fn kitchen(seconds: &mut Seconds, begin: f64, random: &mut Random) {
    for _ in 0..3 + random.below(4) {
        let now = at(begin, 6.5, 22.0, random);
        seconds.add(now, now + random.between(90.0, 200.0), Load(2_200.0, 0.0, 0.0));
    }
    let now = at(begin, 12.0, 13.0, random);
    seconds.add(now, now + 300.0, Load(1_300.0, 400.0, 450.0));
    let mut now = at(begin, 18.0, 19.5, random);
    let end = now + random.between(1_500.0, 3_000.0);
    while now < end {
        seconds.add(now, now + 90.0, Load(2_300.0, 0.0, 0.0));
        now += random.between(150.0, 260.0);
    }
    let mut now = at(begin, 18.5, 20.0, random);
    let end = now + random.between(900.0, 2_000.0);
    while now < end {
        let on = random.between(2.0, 6.0);
        seconds.add(now, now + on, Load(1_700.0, 250.0, 450.0));
        now += on + random.between(2.0, 6.0);
    }
}

fn laundry(seconds: &mut Seconds, begin: f64, random: &mut Random) {
    let now = at(begin, 8.0, 17.0, random);
    seconds.add(now, now + 900.0, Load(1_950.0, 0.0, 0.0));
    let mut turn = now + 900.0;
    while turn < now + 4_500.0 {
        seconds.add(turn, turn + 12.0, Load(260.0, 330.0, 60.0));
        turn += 17.0;
    }
    let now = at(begin, 21.0, 22.5, random);
    seconds.add(now, now + 1_100.0, Load(1_900.0, 60.0, 0.0));
    seconds.add(now + 1_100.0, now + 3_500.0, Load(90.0, 90.0, 0.0));
}

fn electronics(seconds: &mut Seconds, begin: f64, random: &mut Random) {
    for _ in 0..3 {
        let watts = random.between(60.0, 250.0);
        let rest = non_active(watts, random.between(0.55, 0.95));
        let now = at(begin, 7.0, 20.0, random);
        seconds.add(now, now + random.between(3_000.0, 14_000.0), Load(watts, -0.3 * rest, 0.95 * rest));
    }
}

fn heating(seconds: &mut Seconds, begin: f64, random: &mut Random) {
    let water = begin + 23.5 * HOUR;
    seconds.add(water, water + 2.2 * HOUR, Load(2_200.0, 0.0, 0.0));
    let mut now = begin;
    while now < begin + DAY as f64 {
        let watts = random.between(350.0, 1_500.0);
        let rest = non_active(watts, random.between(0.86, 0.97));
        let on = random.between(900.0, 3_600.0);
        seconds.add(now, now + on, Load(watts, 0.7 * rest, 0.7 * rest));
        now += on + random.between(300.0, 2_400.0);
    }
}

fn garage(seconds: &mut Seconds, begin: f64, random: &mut Random) {
    let car = at(begin, 0.5, 2.0, random);
    seconds.add(car, car + 2.5 * HOUR, Load(3_600.0, -200.0, 150.0));
    let mut saw = at(begin, 9.0, 16.0, random);
    for _ in 0..6 {
        seconds.add(saw, saw + random.between(20.0, 200.0), Load(900.0, 800.0, 0.0));
        saw += random.between(200.0, 500.0);
    }
}

/// Panels between seven and twenty o'clock, under clouds that come and go within minutes.
fn shine(seconds: &mut Seconds, day: usize, panels: f64, random: &mut Random) {
    if panels == 0.0 {
        return;
    }
    let (mut clouds, mut target) = (0.8, 0.8);
    for second in 0..DAY {
        let x = (second as f64 / HOUR - 7.0) / 13.0;
        let height = (4.0 * x * (1.0 - x)).max(0.0).powf(1.3);
        if second % 5 == 0 && random.unit() < 0.02 {
            target = random.one_of(&[1.0, 0.95, 0.9, 0.35, 0.2, 0.6]);
        }
        clouds += (target - clouds) * 0.08;
        seconds.active[day * DAY + second] -= panels * height * clouds;
        seconds.reactive[day * DAY + second] += if height > 0.0 { 70.0 } else { 15.0 };
    }
}
