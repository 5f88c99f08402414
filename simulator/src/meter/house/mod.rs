//! The house behind the meter: what it draws and injects on each phase, second by second, by its seed.

mod appliance;

use crate::meter::tariff::clock::LocalTime;
use crate::rng::Rng;
use appliance::{APPLIANCES, Fridge, Running, WaterHeater};

/// Mean share of the time that a radiator draws, in hundredths, January to December.
const HEATING: [u64; 12] = [55, 50, 40, 20, 5, 0, 0, 0, 2, 15, 35, 50];
/// A radiator's thermostat switches about this often, in seconds.
const RADIATOR_CYCLE: u64 = 1200;
/// Sunrise and sunset in minutes of legal time, January to December, somewhere in the middle of France.
const SUN: [(u16, u16); 12] = [
    (515, 1050),
    (475, 1100),
    (420, 1145),
    (420, 1250),
    (375, 1290),
    (355, 1320),
    (370, 1310),
    (405, 1270),
    (445, 1210),
    (490, 1150),
    (475, 1030),
    (510, 1015),
];
/// Peak power of the panels, in W.
const PANELS: f64 = 3600.0;
/// Resistance of the service line, in Ω: the voltage sinks under load and rises under injection.
const LINE: f64 = 0.25;

/// One phase in one second.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Phase {
    /// W, positive when drawn.
    pub(crate) active: f64,
    /// VAr, positive when inductive.
    pub(crate) reactive: f64,
    /// V.
    pub(crate) voltage: f64,
}

impl Phase {
    /// Apparent power in VA, never negative.
    #[must_use]
    pub(crate) fn apparent(&self) -> f64 {
        (self.active * self.active + self.reactive * self.reactive).sqrt()
    }

    /// Apparent power in VA with the sign of the active power.
    #[must_use]
    pub(crate) fn signed(&self) -> f64 {
        if self.active >= 0.0 { self.apparent() } else { -self.apparent() }
    }

    /// The same with so many times the load.
    #[must_use]
    pub(crate) fn times(self, load: f64) -> Self {
        Self { active: self.active * load, reactive: self.reactive * load, ..self }
    }

    /// Current in A.
    #[must_use]
    pub(crate) fn current(&self) -> f64 {
        self.apparent() / self.voltage
    }
}

/// The house.
#[derive(Debug)]
pub(crate) struct House {
    rng: Rng,
    phases: usize,
    limit: f64,
    panels: bool,
    appliances: Vec<Running>,
    fridge: Fridge,
    water: WaterHeater,
    water_on: bool,
    radiators: [u64; 2],
    idle: f64,
    clouds: f64,
    grid: [f64; 3],
}

impl House {
    /// A house with this many phases, a subscription of `reference` kVA, and perhaps panels.
    #[must_use]
    pub(crate) fn new(seed: u64, phases: usize, reference: u8, panels: bool) -> Self {
        let mut rng = Rng::named(seed, "house");
        let mut grid = || 231.0 + rng.around_zero(4.0);
        Self {
            grid: [grid(), grid(), grid()],
            water: WaterHeater::new(2000.0 + rng.unit() * 3000.0),
            radiators: [rng.below(RADIATOR_CYCLE), rng.below(RADIATOR_CYCLE)],
            idle: 160.0,
            clouds: 0.7,
            phases,
            limit: f64::from(reference) * 1000.0,
            panels,
            appliances: APPLIANCES.iter().map(Running::off).collect(),
            fridge: Fridge::default(),
            water_on: false,
            rng,
        }
    }

    /// From now on there are panels on the roof.
    pub(crate) fn add_panels(&mut self) {
        self.panels = true;
    }

    /// One second; `off_peak` lets the water heater run.
    pub(crate) fn step(&mut self, now: LocalTime, off_peak: bool) -> [Phase; 3] {
        let mut phases = [Phase::default(); 3];
        self.idle_load(&mut phases);
        self.appliances(now, &mut phases);
        let water = self.water.step(off_peak, &mut self.water_on);
        self.add(&mut phases, 2, (water, 0.0));
        self.heat(now, &mut phases);
        self.shine(now, &mut phases);
        self.voltages(&mut phases);
        phases
    }

    /// One second without electricity: the breaker is open, everything is off and stays off.
    pub(crate) fn step_dark(&mut self) -> [Phase; 3] {
        self.appliances.iter_mut().for_each(Running::switch_off);
        let mut phases = [Phase::default(); 3];
        self.voltages(&mut phases);
        phases
    }

    fn add(&self, phases: &mut [Phase; 3], phase: usize, (active, reactive): (f64, f64)) {
        let phase = &mut phases[phase % self.phases];
        phase.active += active;
        phase.reactive += reactive;
    }

    fn idle_load(&mut self, phases: &mut [Phase; 3]) {
        self.idle = (self.idle + self.rng.around_zero(4.0)).clamp(120.0, 260.0);
        let share = self.idle / self.phases as f64;
        for phase in 0..self.phases {
            self.add(phases, phase, (share, share * 0.35));
        }
        let fridge = self.fridge.step(&mut self.rng);
        self.add(phases, 0, fridge);
    }

    fn appliances(&mut self, now: LocalTime, phases: &mut [Phase; 3]) {
        let mut appliances = std::mem::take(&mut self.appliances);
        for appliance in &mut appliances {
            let drawn = appliance.step(now.hour(), &mut self.rng);
            self.add(phases, appliance.phase(), drawn);
        }
        self.appliances = appliances;
    }

    /// Two radiators, which a load controller keeps off while the rest comes near the subscribed power.
    fn heat(&mut self, now: LocalTime, phases: &mut [Phase; 3]) {
        let share = HEATING[usize::from(now.stamp.month()) - 1];
        let watts = (self.limit / 8.0).min(1000.0);
        for at in 0..self.radiators.len() {
            self.radiators[at] = (self.radiators[at] + 1) % RADIATOR_CYCLE;
            let used: f64 = phases.iter().map(|phase| phase.active).sum();
            let wanted = self.radiators[at] < RADIATOR_CYCLE * share / 100;
            if wanted && used < 0.7 * self.limit {
                self.add(phases, at, (watts, 0.0));
            }
        }
    }

    /// Panels on phase 1: a parabola between sunrise and sunset, under passing clouds.
    fn shine(&mut self, now: LocalTime, phases: &mut [Phase; 3]) {
        if !self.panels {
            return;
        }
        self.clouds = (self.clouds + self.rng.around_zero(0.01)).clamp(0.1, 1.0);
        let (rise, set) = SUN[usize::from(now.stamp.month()) - 1];
        let seconds = f64::from(now.minute) * 60.0 + f64::from(now.stamp.second());
        let x = (seconds - f64::from(rise) * 60.0) / (f64::from(set - rise) * 60.0);
        let height = (4.0 * x * (1.0 - x)).max(0.0);
        let watts = PANELS * height * self.clouds;
        self.add(phases, 0, (-watts, -watts * 0.05));
    }

    fn voltages(&mut self, phases: &mut [Phase; 3]) {
        for (phase, grid) in phases.iter_mut().zip(&mut self.grid) {
            *grid = (*grid + self.rng.around_zero(0.25)).clamp(224.0, 240.0);
            phase.voltage = *grid - LINE * phase.signed() / *grid;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::tariff::clock::parse_start;

    fn day(seed: u64, phases: usize, panels: bool, date: &str) -> Vec<[Phase; 3]> {
        let start = parse_start(&format!("{date}T00:00:00")).unwrap();
        let mut house = House::new(seed, phases, if phases == 3 { 12 } else { 6 }, panels);
        (0..86_400)
            .map(|second| {
                let now = LocalTime::at(start + second);
                house.step(now, now.hour() < 6)
            })
            .collect()
    }

    fn kilowatt_hours(day: &[[Phase; 3]]) -> f64 {
        day.iter().flatten().map(|phase| phase.active).sum::<f64>() / 3.6e6
    }

    #[test]
    fn a_day_uses_what_a_house_uses() {
        for seed in 0..5 {
            let winter = kilowatt_hours(&day(seed, 1, false, "2024-01-15"));
            let summer = kilowatt_hours(&day(seed, 1, false, "2024-07-15"));
            assert!((20.0..60.0).contains(&winter), "{winter}");
            assert!((8.0..30.0).contains(&summer), "{summer}");
        }
    }

    #[test]
    fn voltage_stays_in_what_is_seen() {
        for phases in [1, 3] {
            for second in day(7, phases, true, "2024-06-20") {
                for phase in &second[..phases] {
                    assert!((216.0..=245.0).contains(&phase.voltage), "{phase:?}");
                }
            }
        }
    }

    #[test]
    fn panels_inject_by_day_and_sleep_at_night() {
        let day = day(3, 1, true, "2024-06-20");
        let injecting = |hour: usize| day[hour * 3600..][..3600].iter().any(|s| s[0].active < -500.0);
        assert!(injecting(13));
        assert!(!injecting(2));
    }

    #[test]
    fn one_phase_leaves_the_others_empty() {
        let day = day(3, 1, false, "2024-06-20");
        assert!(day.iter().all(|s| s[1].active == 0.0 && s[2].active == 0.0));
    }
}
