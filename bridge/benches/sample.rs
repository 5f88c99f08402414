//! What the hub takes of a sample, by the number of meters: `cargo bench -p teleinfo-bridge`. Without Zenoh, MQTT and the threads between them, so it
//! says whether the bridge's own part grows with the meters, and what of it there is to mend.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on has nothing to say")]

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant, UNIX_EPOCH},
};

use divan::Bencher;
use teleinfo_bridge::{
    homeassistant::{predecessor::Migrate, presentation::Presentation},
    hub::{Hub, HubOptions, Kept, counters::Counters, station::StationOptions},
    meter::cadence::Policy,
    order::{
        arrival::{Arrival, Arrived},
        received::Received,
    },
    words::{inbound::Inbound, language::Language, topics::Topics},
};
use teleinfo_proto::{
    tic::{Dataset, MeterId, Mode},
    wire::{BootId, Counters as ReaderCounters, DatasetsWriter, Sample, SampleKind},
};
use teleinfo_simulator::{
    meter::{Meter, MeterOptions, tariff::contract::Contract},
    rng::Rng,
};

/// 2024-01-07T17:00:00Z.
const START_MS: u64 = 1_704_646_800_000;
const SECOND: Duration = Duration::from_secs(1);
/// More room than a sample needs, as with a broker that keeps up.
const ROOM: usize = 1_000;
/// Of each meter, before anything is counted: by then Home Assistant was told of it.
const FIRST: usize = 5;

/// A hub and its meters, each with a frame a second.
struct World {
    hub: Hub,
    meters: Vec<Heard>,
    started: Instant,
    now: Duration,
    next: usize,
}

struct Heard {
    meter: Meter,
    id: MeterId,
    sequence: u64,
}

impl World {
    fn new(meters: usize) -> Self {
        let started = Instant::now();
        let mut rng = Rng::named(1, "sample");
        let options = options(meters);
        let meters = (0..meters).map(|number| Heard::new(number, &mut rng)).collect::<Vec<_>>();
        // Meters that nobody knew would be told of one after the other.
        let known = meters.iter().map(|heard| heard.id).collect();
        let mut hub = Hub::new(options, Kept { known, ..Kept::default() }, Counters::default(), started);
        hub.handle_inbound(Inbound::Up, started);
        let mut world = Self { hub, meters, started, now: Duration::ZERO, next: 0 };
        let mut orders = 0;
        for _ in 0..FIRST * world.meters.len() {
            let arrived = world.sample();
            orders += world.take(arrived);
        }
        assert!(orders > 2 * FIRST * world.meters.len(), "{orders}");
        world
    }

    /// The next meter's next sample.
    fn sample(&mut self) -> Arrived {
        self.now += SECOND / self.meters.len() as u32;
        let number = self.next;
        self.next = (number + 1) % self.meters.len();
        let wall = Duration::from_millis(START_MS) + self.now;
        let received = self.meters[number].sample(wall.as_millis() as i64, 1_000 + self.now.as_millis() as u64);
        Arrived { arrival: Arrival::Sample(received), at: self.started + self.now, wall: UNIX_EPOCH + wall }
    }

    /// What the main loop does with it. Returns how many orders came of it.
    fn take(&mut self, arrived: Arrived) -> usize {
        let now = arrived.at;
        self.hub.handle_arrival(arrived, now);
        if self.hub.poll_timeout().is_some_and(|due| due <= now) {
            self.hub.handle_timeout(now);
        }
        std::iter::from_fn(|| self.hub.poll_order(ROOM, now)).count()
    }
}

impl Heard {
    /// One of all contracts, in one of the two modes.
    fn new(number: usize, rng: &mut Rng) -> Self {
        let mode = *rng.pick(&[Mode::Historic, Mode::Standard]);
        let id = format!("9099{number:08}");
        let options = MeterOptions {
            id: Some(id.clone()),
            seed: rng.next_u64(),
            phases: *rng.pick(&[1, 1, 1, 3]),
            producer: rng.chance(0.2),
            ..MeterOptions::new(mode, rng.pick(Contract::all()), START_MS as i64 / 1_000)
        };
        Self { meter: Meter::new(options), id: id.parse().unwrap(), sequence: 0 }
    }

    fn sample(&mut self, unix_ms: i64, uptime_ms: u64) -> Received {
        let (frame, _) = self.meter.next_frame();
        self.sequence += 1;
        let mut block = [0; Sample::BYTES_MAX];
        let mut writer = DatasetsWriter::resume(&mut block, 0);
        for group in &frame.groups {
            writer.push(&Dataset::new(frame.mode, group.label, group.timestamp.as_deref(), &group.data).unwrap()).unwrap();
        }
        let sample = Sample {
            boot: BootId::new(1),
            sequence: self.sequence,
            kind: SampleKind::Frame { complete: frame.complete },
            unix_ms,
            uptime_ms,
            mode: frame.mode,
            meter: self.id,
            counters: ReaderCounters { frames_good: self.sequence as u32, bytes: 100 * self.sequence, ..ReaderCounters::default() },
            datasets: writer.finish(),
        };
        let mut buffer = [0; Sample::BYTES_MAX];
        Received::new(sample.encode(&mut buffer).unwrap().to_vec()).unwrap()
    }
}

fn options(meters: usize) -> HubOptions {
    let presentation = Presentation {
        topics: Topics::default(),
        language: Language::English,
        updates: false,
        discovery: true,
        migrate: Migrate::None,
        meters: BTreeMap::new(),
        prices: Default::default(),
    };
    let station = StationOptions {
        presentation: Arc::new(presentation),
        policy: Policy::EveryFrame,
        pace: Duration::ZERO,
        offline_after: Duration::from_secs(30),
        archive: true,
        records: None,
    };
    HubOptions {
        limits: teleinfo_bridge::words::limits::Limits { meters: meters.max(100) },
        station,
        notes: false,
        broker_keeps: false,
        samples_first: 1,
        measured: BTreeSet::new(),
        fingerprint: String::new(),
        member: None,
        seed: 7,
    }
}

/// Few samples of one call each would be blurred by the clock: each is of a hundred.
#[divan::bench(args = [10, 100, 2_000], sample_count = 100, sample_size = 100)]
fn a_sample(bencher: Bencher<'_, '_>, meters: usize) {
    let world = RefCell::new(World::new(meters));
    bencher.with_inputs(|| world.borrow_mut().sample()).bench_local_values(|arrived| world.borrow_mut().take(arrived));
}

fn main() {
    divan::main();
}
