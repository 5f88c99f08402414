//! The parts of the bridge that understand what comes from elsewhere, compiled without Zenoh, the MQTT client, HTTP and the archive's file.
//!
//! What those take apart, and the frames of WebSockets, Modbus and mDNS, is the business of libraries, which have fuzz targets of their own.

#![allow(dead_code, reason = "only what understands something is tried here")]

#[path = "../../src/adopt"]
pub mod adopt {
    pub mod join;
    pub mod notes;
}
#[path = "../../src/archive"]
pub mod archive {
    pub mod block;
    pub mod fill;
    pub mod handed;
    pub mod periods;
    pub mod readings;
    pub mod shared;
}
#[path = "../../src/config/mod.rs"]
pub mod config;
#[path = "../../src/daemon"]
pub mod daemon {
    pub mod certificates;
    pub mod cli;
    pub mod credentials;
    pub mod exit;
    pub mod logging;
    pub mod tls;
}
#[path = "../../src/energy/mod.rs"]
pub mod energy;
#[path = "../../src/grid_meter"]
pub mod grid_meter {
    pub mod answer;
    pub mod reading;
    pub mod setup;
    pub mod source;
    pub mod sum;
    pub mod taken;

    pub mod shelly {
        pub mod methods;
        pub mod rpc;
        pub mod values;
    }

    pub mod sunspec {
        pub mod registers;
    }
}
#[path = "../../src/group/mod.rs"]
pub mod group;
#[path = "../../src/homeassistant/mod.rs"]
pub mod homeassistant;
#[path = "../../src/hours/mod.rs"]
pub mod hours;
#[path = "../../src/http"]
pub mod http {
    pub mod address;
}
#[path = "../../src/hub/mod.rs"]
pub mod hub;
#[path = "../../src/influxdb"]
pub mod influxdb {
    pub mod setup;
}
#[path = "../../src/meter/mod.rs"]
pub mod meter;
#[path = "../../src/metrics/mod.rs"]
pub mod metrics;
#[path = "../../src/mqtt"]
pub mod mqtt {
    pub mod clients {
        pub mod outbox;
        pub mod packets;
    }
}
#[path = "../../src/order/mod.rs"]
pub mod order;
#[path = "../../src/page"]
pub mod page {
    pub mod feed;
    pub mod guesses;
    pub mod hosts;
    pub mod password;
    pub mod query;
    pub mod setup;
    pub mod told;
    pub mod wanted;
}
#[path = "../../src/power/mod.rs"]
pub mod power;
#[path = "../../src/prices/mod.rs"]
pub mod prices;
#[path = "../../src/seal/mod.rs"]
pub mod seal;
#[path = "../../src/statistics"]
pub mod statistics {
    pub mod answer;
    pub mod corrections;
    pub mod costs;
    pub mod hours;
    pub mod prices;
    pub mod recorder;
    pub mod registry;
    pub mod repairs;
    pub mod series;
    pub mod told;
}
#[path = "../../src/store"]
pub mod store {
    pub mod checked;
    pub mod ledgers;
    pub mod memories;
    pub mod positions;
    pub mod spoken;
    pub mod whole;
}
#[path = "../../src/updates"]
pub mod updates {
    pub mod newest;
    pub mod setup;
}
#[path = "../../src/words/mod.rs"]
pub mod words;

pub mod judge;

use std::time::{Duration, Instant};

use grid_meter::{
    reading::{Phase, Reading},
    sum::Total,
};
use words::checksum::{DIGITS, checksum};

/// Each line that is a record with the checksum that it should have.
#[must_use]
pub fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let lines = bytes.split(|byte| *byte == b'\n').map(|line| match line.get(DIGITS + 1..) {
        Some(json) => [checksum(json).as_bytes(), b" ", json].concat(),
        None => line.to_vec(),
    });
    lines.collect::<Vec<_>>().join(&b'\n')
}

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
