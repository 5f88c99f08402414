//! What uses electricity in a house: a table of things that people switch on, and how each runs.

use crate::rng::Rng;

/// Something that people switch on for a while.
#[derive(Debug)]
pub(crate) struct Appliance {
    /// Power while it draws, in W.
    watts: f64,
    /// Reactive share: tan φ.
    reactive: f64,
    /// Which phase of a three-phase house it is on, from 0.
    pub(crate) phase: usize,
    /// How long it stays on, in minutes: shortest and longest.
    minutes: (u64, u64),
    /// Thermostat: seconds drawing and seconds not drawing, when it has one.
    duty: Option<(u64, u64)>,
    /// How often it is switched on in each hour of the day, in hundredths.
    per_hour: [u8; 24],
}

/// Powers and habits after consumer sites: enough for a house that looks alive.
pub(crate) const APPLIANCES: &[Appliance] = &[
    // kettle
    Appliance {
        watts: 2200.0,
        reactive: 0.0,
        phase: 0,
        minutes: (2, 4),
        duty: None,
        per_hour: [0, 0, 0, 0, 0, 5, 40, 60, 40, 15, 15, 10, 25, 30, 15, 20, 40, 25, 15, 10, 20, 15, 5, 0],
    },
    // hob
    Appliance {
        watts: 1800.0,
        reactive: 0.05,
        phase: 1,
        minutes: (12, 35),
        duty: Some((40, 35)),
        per_hour: [0, 0, 0, 0, 0, 0, 5, 10, 5, 0, 0, 40, 50, 5, 0, 0, 0, 10, 55, 45, 10, 0, 0, 0],
    },
    // oven
    Appliance {
        watts: 2300.0,
        reactive: 0.02,
        phase: 2,
        minutes: (25, 60),
        duty: Some((240, 180)),
        per_hour: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 15, 10, 0, 0, 0, 5, 10, 25, 20, 5, 0, 0, 0],
    },
    // washing machine
    Appliance {
        watts: 1900.0,
        reactive: 0.15,
        phase: 1,
        minutes: (50, 90),
        duty: Some((300, 1500)),
        per_hour: [0, 0, 0, 0, 0, 0, 0, 5, 8, 10, 8, 5, 2, 2, 5, 5, 5, 5, 5, 2, 2, 5, 5, 0],
    },
    // lights and television
    Appliance {
        watts: 190.0,
        reactive: 0.5,
        phase: 0,
        minutes: (40, 200),
        duty: None,
        per_hour: [2, 0, 0, 0, 0, 5, 40, 50, 20, 5, 5, 5, 20, 15, 5, 5, 10, 40, 70, 80, 80, 50, 20, 5],
    },
    // computer
    Appliance {
        watts: 120.0,
        reactive: 0.4,
        phase: 2,
        minutes: (30, 240),
        duty: None,
        per_hour: [0, 0, 0, 0, 0, 0, 0, 5, 30, 25, 10, 5, 5, 20, 15, 10, 10, 10, 10, 15, 20, 10, 2, 0],
    },
];

/// An appliance and what it is doing.
#[derive(Debug)]
pub(crate) struct Running {
    kind: &'static Appliance,
    left: u64,
    cycle: u64,
}

impl Running {
    /// Switched off.
    #[must_use]
    pub(crate) fn off(kind: &'static Appliance) -> Self {
        Self { kind, left: 0, cycle: 0 }
    }

    /// The phase it is on.
    #[must_use]
    pub(crate) fn phase(&self) -> usize {
        self.kind.phase
    }

    /// Whatever it was doing, it is off now.
    pub(crate) fn switch_off(&mut self) {
        self.left = 0;
    }

    /// One second at this hour of the day: what it draws, in W and VAr.
    pub(crate) fn step(&mut self, hour: usize, rng: &mut Rng) -> (f64, f64) {
        if self.left == 0 {
            let rate = f64::from(self.kind.per_hour[hour]) / 100.0;
            if !rng.chance(rate / 3600.0) {
                return (0.0, 0.0);
            }
            self.left = 60 * rng.between(self.kind.minutes.0, self.kind.minutes.1);
            self.cycle = 0;
        }
        self.left -= 1;
        self.cycle += 1;
        let draws = self.kind.duty.is_none_or(|(on, off)| self.cycle % (on + off) < on);
        let watts = if draws { self.kind.watts } else { 0.0 };
        (watts, watts * self.kind.reactive)
    }
}

/// A fridge: its compressor comes and goes by itself.
#[derive(Debug, Default)]
pub(crate) struct Fridge {
    on: bool,
    left: u64,
}

impl Fridge {
    /// One second: W and VAr.
    pub(crate) fn step(&mut self, rng: &mut Rng) -> (f64, f64) {
        if self.left == 0 {
            self.on = !self.on;
            self.left = 60 * if self.on { rng.between(11, 18) } else { rng.between(22, 40) };
        }
        self.left -= 1;
        if self.on { (95.0, 70.0) } else { (0.0, 0.0) }
    }
}

/// A storage water heater behind the dry contact: it heats until the tank has back what the day took.
#[derive(Debug)]
pub(crate) struct WaterHeater {
    missing: f64,
}

impl WaterHeater {
    const WATTS: f64 = 2200.0;
    /// What a household takes per day, in W as a mean.
    const TAKEN: f64 = 250.0;

    /// A tank that misses this many Wh.
    #[must_use]
    pub(crate) fn new(missing: f64) -> Self {
        Self { missing }
    }

    /// One second: W.
    pub(crate) fn step(&mut self, allowed: bool, heating: &mut bool) -> f64 {
        self.missing += Self::TAKEN / 3600.0;
        // The thermostat starts again only when a good part is cold.
        *heating = allowed && self.missing > if *heating { 0.0 } else { 800.0 };
        if !*heating {
            return 0.0;
        }
        self.missing -= Self::WATTS / 3600.0;
        Self::WATTS
    }
}
