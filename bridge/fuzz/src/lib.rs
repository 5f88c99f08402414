//! The parts of the bridge that understand what a client of a grid meter asks, compiled without the rest of the bridge.
//!
//! HTTP, WebSockets, the frames of Modbus and mDNS are taken apart by libraries, which have fuzz targets of their own.

#![allow(dead_code, reason = "only what understands a request is tried here")]

#[path = "../../src/grid_meter"]
pub mod grid_meter {
    pub mod reading;
    pub mod sum;

    pub mod shelly {
        pub mod methods;
        pub mod rpc;
        pub mod values;
    }

    pub mod sunspec {
        pub mod registers;
    }
}

use std::time::{Duration, Instant};

use grid_meter::{
    reading::{Phase, Reading},
    sum::Total,
};

/// What a meter measured, as far as anybody who asks has a part in it.
#[derive(arbitrary::Arbitrary, Debug)]
pub struct Measured {
    power: f64,
    apparent: f64,
    current: Option<f64>,
    is_three_phase: bool,
    drawn: Option<u64>,
    injected: Option<u64>,
}

impl Measured {
    /// The same as the grid meters are told it: never infinite, and no more than nine digits.
    #[must_use]
    pub fn total(&self) -> Total {
        let finite = |value: f64| if value.is_finite() { value.clamp(-1e9, 1e9) } else { 0.0 };
        let current = self.current.map(finite).map(f64::abs);
        let phase = Phase { power: finite(self.power), apparent: finite(self.apparent), current, voltage: None };
        let phases = vec![phase; if self.is_three_phase { 3 } else { 1 }];
        let index = |wh: Option<u64>| wh.map(|wh| wh % 1_000_000_000);
        let power = phases.iter().map(|phase| phase.power).sum();
        let (drawn, injected) = (index(self.drawn), index(self.injected));
        let reading = Reading { power, phases, drawn, injected, measured: Instant::now(), frame: Duration::from_secs(1) };
        Total { mean: reading.power, reading }
    }
}
