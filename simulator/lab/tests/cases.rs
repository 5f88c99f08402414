//! Cases that were once wrong, each a recording, through both ends of the chain without I/O: a line's bytes, the reader's filter, a sample,
//! the bridge's station. What is asserted is what somebody sees in the end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test fail as its tests do")]

use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;
use teleinfo_bridge::{
    homeassistant::{memory::Memory, predecessor::Migrate, presentation::Presentation},
    hub::station::{Station, StationOptions},
    meter::{cadence::Policy, figures::Moment},
    order::marks::Marks,
    words::{language::Language, message::Message, topics::Topics},
};
use teleinfo_proto::{
    tic::{MeterId, Mode, spec::ETX},
    wire::{BootId, Cause, Extent, Status},
};
use teleinfo_reader::reading::{Framing, ParityChoice, Reading};

/// Between two looks at the line.
const TICK: Duration = Duration::from_secs(1);

/// A line, its reader, and one meter at the bridge.
struct Chain {
    mode: Mode,
    start: Instant,
    now: Instant,
    reading: Reading,
    station: Option<Station>,
    meter: Option<MeterId>,
    /// The last message of each topic, by what stands behind the meter.
    told: BTreeMap<String, Value>,
}

impl Chain {
    fn new(mode: Mode) -> Self {
        let start = Instant::now();
        let mut reading = Reading::new(BootId::new(1), Some(mode), ParityChoice::Software, start);
        reading.handle_opened(start);
        reading.handle_set(mode, Framing::EightNone, true, start);
        Self { mode, start, now: start, reading, station: None, meter: None, told: BTreeMap::new() }
    }

    /// Plays a recording over and over, for so many seconds of the line.
    fn play(self, name: &str, seconds: usize) -> Self {
        self.repeat(recording(name), seconds)
    }

    fn repeat(mut self, mut bytes: Vec<u8>, seconds: usize) -> Self {
        teleinfo_proto::tic::encode::even_parity(&mut bytes);
        let per_second = self.mode.baud() as usize / 10;
        for second in bytes.iter().copied().cycle().take(seconds * per_second).collect::<Vec<_>>().chunks(per_second) {
            self.now += TICK;
            self.handle_bytes(second);
        }
        self
    }

    fn handle_bytes(&mut self, bytes: &[u8]) {
        let (unix_ms, now) = ((self.now - self.start).as_millis() as i64, self.now);
        self.reading.handle_bytes(bytes, unix_ms, now);
        while let Some(made) = self.reading.poll_sample() {
            let meter = made.sample.meter;
            self.meter = Some(meter);
            let station = self.station.get_or_insert_with(|| new_station(meter));
            let messages = station.handle_sample(&made.sample, Moment { at: now, unix_ms });
            keep(&mut self.told, meter, messages);
        }
        self.reading.handle_timeout(unix_ms, now);
        while self.reading.poll_sample().is_some() {}
        self.report();
    }

    fn report(&mut self) {
        let (state, now) = (self.reading.state(self.now), self.now);
        let (Some(station), Some(meter)) = (&mut self.station, self.meter) else { return };
        let status = Status {
            name: "cellar",
            release: "0",
            boot: BootId::new(1),
            unix_ms: 0,
            uptime_ms: 0,
            line: state.line,
            cause: state.cause,
            mode: state.mode,
            meter: state.meter,
            history: Extent::default(),
            label: state.label.unwrap_or_default(),
            counters: *self.reading.counters(),
        };
        let mut messages: Vec<Message> = station.handle_report(&status, now).into_iter().collect();
        messages.extend(station.handle_timeout(now));
        keep(&mut self.told, meter, messages);
    }

    fn cause(&self) -> Cause {
        self.reading.state(self.now).cause
    }

    fn state(&self, label: &str) -> &Value {
        &self.told[""][label]["value"]
    }

    /// Device discovery.
    fn device(&self) -> &Value {
        &self.told["config"]["dev"]
    }

    fn component(&self, key: &str) -> &Value {
        &self.told["config"]["cmps"][key]
    }
}

fn recording(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/tests/cases").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn new_station(meter: MeterId) -> Station {
    let presentation = Presentation {
        prices: Default::default(),
        topics: Topics::default(),
        language: Language::French,
        discovery: true,
        updates: false,
        migrate: Migrate::None,
        meters: BTreeMap::new(),
    };
    let options = StationOptions {
        presentation: Arc::new(presentation),
        policy: Policy::EveryFrame,
        pace: Duration::ZERO,
        offline_after: Duration::from_secs(30),
        archive: false,
        records: None,
    };
    Station::new(meter, &options, Memory::default(), Marks::default(), None)
}

fn keep(told: &mut BTreeMap<String, Value>, meter: MeterId, messages: Vec<Message>) {
    for message in messages {
        let topic = message.topic.rsplit('/').next().unwrap_or_default();
        let topic = if topic == meter.as_str() { "" } else { topic };
        told.insert(topic.to_owned(), serde_json::from_slice(&message.payload).unwrap());
    }
}

#[test]
fn a_pme_pmi_meter_is_published_under_its_own_identity_and_never_called_linky() {
    let chain = Chain::new(Mode::Historic).play("e2-hist-pme-pmi.tic", 60);
    assert_eq!(chain.meter.map(|meter| meter.to_string()).as_deref(), Some("036900000001"));
    assert_eq!(chain.state("EAP_s"), 14_510);
    assert_eq!(chain.state("PA1_s"), 4);
    assert_eq!(chain.state("Debp"), "01/11/25 00:00:00", "what is not in the table goes on as text");
    assert_eq!((&chain.device()["name"], &chain.device()["mdl"]), (&"Compteur PME-PMI".into(), &"Compteur PME-PMI".into()));
    assert_eq!(chain.component("power_mean")["unit_of_meas"], "kW");
    assert_eq!(chain.told["derived"]["tariff"], "HPH");
    assert!(chain.told["derived"]["overload"].is_null() && chain.component("overload").is_null(), "it never says so");
    let components = chain.told["config"]["cmps"].as_object().unwrap();
    assert!(components.values().all(|component| component["stat_cla"] != "total_increasing" || component["ent_cat"] == "diagnostic"));
    assert_eq!(chain.cause(), Cause::None);
}

#[test]
fn a_meter_older_than_linky_is_called_by_its_own_name() {
    let chain = Chain::new(Mode::Historic).play("v1-hist-no-papp-type22.tic", 60);
    assert_eq!((&chain.device()["name"], &chain.device()["mdl"]), (&"Compteur électronique".into(), &"CBE, deuxième génération".into()));
    assert_eq!(chain.state("HCHC"), 45_678_901);
    assert_eq!(chain.cause(), Cause::None);
}

#[test]
fn a_power_that_no_phase_can_draw_is_held_back() {
    let chain = Chain::new(Mode::Standard).play("m1-std-tri-absurd-phase-power.tic", 60);
    assert_eq!(chain.state("SINSTS"), 417);
    for phase in ["SINSTS1", "SINSTS2", "SINSTS3"] {
        assert!(chain.state(phase).is_null(), "{phase}");
    }
    assert_eq!(chain.device()["name"], "Linky");
}

/// Control characters that come damaged for weeks: every dataset is whole, so nothing is missing, and the cause is named.
#[test]
fn damaged_line_feeds_and_starts_lose_nothing_and_are_told() {
    for name in ["lf0f.tic", "aa2-std-lf-is-0f-stx-good.tic", "nostx.tic", "aa4-std-only-stx-is-c-no-names.tic"] {
        // One frame over and over, since the indexes of several would step back.
        let frame = recording(name).split_inclusive(|byte| *byte == ETX).next().unwrap().to_vec();
        let chain = Chain::new(Mode::Standard).repeat(frame, 150);
        assert_eq!(chain.state("EAST"), 13_571_151, "{name}");
        assert_eq!(chain.device()["name"], "Linky", "{name}: announced");
        assert_eq!(chain.cause(), Cause::ControlsDamaged, "{name}");
        let (quality, counters) = (&chain.told["quality"], chain.reading.counters());
        assert_eq!((&quality["reception"], &quality["cause"]), (&100.0.into(), &"controls-damaged".into()), "{name}");
        assert!(counters.line_feeds_damaged + counters.frame_starts_damaged > 100, "{name}: {counters:?}");
        assert_eq!(counters.refusals().map(|(_, count)| count).sum::<u32>(), 0, "{name}: {counters:?}");
    }
}

/// A meter that is there for what is injected draws nothing, and says so.
#[test]
fn a_producer_that_draws_nothing_draws_0_w() {
    let chain = Chain::new(Mode::Standard).play("g1-std-producer-only-east-55.tic", 60);
    assert_eq!((chain.state("SINSTS"), chain.state("SINSTI")), (&0.into(), &2_100.into()));
    assert_eq!(chain.told["derived"]["power"], 0, "{}", chain.told["derived"]);
    assert!(chain.told["power"]["power"].as_i64().is_some_and(|watts| watts < -1_500), "{}", chain.told["power"]);
    assert_eq!(chain.cause(), Cause::None);
}

#[test]
fn a_mobile_peak_is_no_tempo() {
    let chain = Chain::new(Mode::Standard).play("h1-std-mobile-peak-not-tempo.tic", 60);
    assert!(chain.component("tempo_today").is_null() && chain.component("tempo_tomorrow").is_null());
    assert!(!chain.component("peak_running").is_null());
    assert_eq!(chain.cause(), Cause::None);
}

/// A meter without producer mode shows 0 VA while it injects: only its currents tell, and how well they do is said.
#[test]
fn a_current_without_power_is_injected() {
    let chain = Chain::new(Mode::Historic).play("u1-hist-tri-pv-papp-0.tic", 120);
    assert_eq!(chain.state("PAPP"), 0);
    assert_eq!(chain.told["power"]["method"], "current");
    assert_eq!((&chain.told["power"]["power"], &chain.told["power"]["resolution"]), (&(-460).into(), &1_495.into()));
    assert_eq!(chain.cause(), Cause::None);
}
