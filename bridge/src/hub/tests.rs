//! An hour in the life of the hub, in a millisecond: readers that lose samples, a broker that goes and comes, Home Assistant that starts.
//!
//! The bench stands here with what belongs to no room of its own.

mod energy;
mod group;
mod live;
mod overload;
mod past;
mod restart;

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use teleinfo_proto::{
    tic::{Dataset, Mode},
    wire::{BootId, Cause, Counters as ReaderCounters, DatasetsWriter, Extent, LineState, Sample, SampleKind, Status},
};

use super::*;
use crate::{
    homeassistant::{
        predecessor::Migrate,
        presentation::{MeterWishes, Presentation},
    },
    hub::orders::Note,
    meter::cadence::Policy,
    order::{
        arrival::Refusal,
        intake::{Outcome, Question},
        received::Received,
    },
    prices::book::Book,
    words::language::Language,
};

const METER: &str = "021861000001";
const OTHER: &str = "042161000021";
/// 2024-01-07T17:00:00Z.
const START_MS: u64 = 1_704_646_800_000;
const SECOND: Duration = Duration::from_secs(1);
/// More room than any test needs.
const ROOM: usize = 10_000;

fn id(meter: &str) -> MeterId {
    meter.parse().unwrap()
}

/// A reader of one meter, with everything it has made.
struct Reader {
    meter: MeterId,
    boot: u64,
    sequence: u64,
    contract: &'static str,
    mode: Mode,
    held: Vec<Received>,
    /// Its wall clock is wrong by so much.
    clock_error_ms: i64,
    /// What was drawn since the start of the test, in Wh.
    drawn: u32,
    /// The power of the next frames is refused.
    lacks_power: bool,
    /// Further labels of the next frames.
    more: Vec<(&'static str, &'static str)>,
}

impl Reader {
    fn new(meter: &str) -> Self {
        Self {
            meter: id(meter),
            boot: 1,
            sequence: 0,
            contract: "BASE",
            mode: Mode::Historic,
            held: Vec::new(),
            clock_error_ms: 0,
            drawn: 0,
            lacks_power: false,
            more: Vec::new(),
        }
    }

    fn boot(&self) -> BootId {
        BootId::new(self.boot)
    }

    /// The next frame, made at this time; its power is its number.
    fn frame(&mut self, made: Duration) -> Received {
        self.sequence += 1;
        let (power, identity) = (format!("{:05}", self.sequence), self.meter.to_string());
        let (base, off_peak) = (format!("{:09}", 2_815_235 + self.drawn), format!("{:09}", 1_000_000 + self.drawn));
        let mut lines = match self.mode {
            Mode::Historic => vec![("ADCO", identity.as_str()), ("OPTARIF", self.contract), ("ISOUSC", "30")],
            Mode::Standard => vec![("ADSC", identity.as_str()), ("VTIC", "02"), ("NGTF", "      BASE      "), ("PREF", "06")],
        };
        lines.extend(match (self.mode, self.contract) {
            (Mode::Standard, _) => vec![("EAST", &*base), ("EASF01", &*base), ("SINSTS", &*power), ("NTARF", "01")],
            (_, "BASE") => vec![("BASE", &*base)],
            _ => vec![("HCHC", &*off_peak), ("HCHP", "002000000")],
        });
        let tariff = if self.contract == "BBR(" { "HPJB" } else { "TH.." };
        if self.mode == Mode::Historic {
            lines.extend([("PTEC", tariff), ("IINST", "001"), ("PAPP", power.as_str()), ("MOTDETAT", "000000")]);
        }
        lines.extend(&self.more);
        lines.retain(|(label, _)| *label != "PAPP" || !self.lacks_power);
        let mut block = [0; 1_024];
        let mut writer = DatasetsWriter::resume(&mut block, 0);
        for (label, data) in lines {
            writer.push(&Dataset::new(self.mode, label, None, data).unwrap()).unwrap();
        }
        let made_ms = u64::try_from(made.as_millis()).unwrap();
        let sample = Sample {
            boot: self.boot(),
            sequence: self.sequence,
            kind: SampleKind::Frame { complete: !self.lacks_power },
            unix_ms: i64::try_from(START_MS + made_ms).unwrap() + self.clock_error_ms,
            uptime_ms: 1_000 + made_ms,
            mode: self.mode,
            meter: self.meter,
            counters: ReaderCounters {
                frames_good: u32::try_from(self.sequence).unwrap(),
                bytes: 100 * self.sequence,
                ..ReaderCounters::default()
            },
            datasets: writer.finish(),
        };
        let mut buffer = [0; Sample::BYTES_MAX];
        let received = Received::new(sample.encode(&mut buffer).unwrap().to_vec()).unwrap();
        self.held.push(received.clone());
        received
    }

    /// A dataset of the next frame, before that ends.
    fn live(&self, made: Duration, label: &str, data: &str) -> Received {
        let mut block = [0; 64];
        let mut writer = DatasetsWriter::resume(&mut block, 0);
        writer.push(&Dataset::new(Mode::Historic, label, None, data).unwrap()).unwrap();
        let made_ms = u64::try_from(made.as_millis()).unwrap();
        let sample = Sample {
            boot: self.boot(),
            sequence: self.sequence,
            kind: SampleKind::Live,
            unix_ms: i64::try_from(START_MS + made_ms).unwrap(),
            uptime_ms: 1_000 + made_ms,
            mode: Mode::Historic,
            meter: self.meter,
            counters: ReaderCounters::default(),
            datasets: writer.finish(),
        };
        let mut buffer = [0; 128];
        Received::new(sample.encode(&mut buffer).unwrap().to_vec()).unwrap()
    }

    fn report(&self, meter: Option<MeterId>, boot: u64, line: LineState, cause: Cause) -> Arrival {
        let status = Status {
            name: "cellar",
            release: "9.9.9",
            boot: BootId::new(boot),
            unix_ms: 0,
            uptime_ms: 1,
            line,
            cause,
            mode: Some(Mode::Historic),
            meter,
            counters: ReaderCounters {
                frames_good: u32::try_from(self.sequence).unwrap(),
                bytes: 100 * self.sequence,
                ..ReaderCounters::default()
            },
            history: Extent::default(),
            label: "",
        };
        let mut buffer = [0; Status::BYTES_MAX];
        Arrival::Report(status.encode(&mut buffer).unwrap().to_vec())
    }

    fn answer(&self, question: Question) -> Answer {
        let after = |received: &&Received| received.boot != question.boot || received.sequence > question.sequence;
        Answer { meter: self.meter, samples: self.held.iter().filter(after).cloned().collect(), outcome: Outcome::Complete }
    }
}

/// A hub with a clock, and everything that it has ordered.
struct Bench {
    hub: Hub,
    start: Instant,
    now: Duration,
    /// The MQTT side has room for so many messages.
    room: usize,
    orders: Vec<Order>,
    /// How often time alone woke the hub.
    wakes: usize,
    /// What was on the disk when this hub started.
    memories: BTreeMap<MeterId, Memory>,
}

impl Bench {
    fn new() -> Self {
        Self::with(Kept::default())
    }

    fn with(kept: Kept) -> Self {
        Self::beside(kept, false)
    }

    /// Beside a broker that keeps what is retained, or one that does not.
    fn beside(kept: Kept, broker_keeps: bool) -> Self {
        Self::wishing(kept, broker_keeps, BTreeMap::new())
    }

    /// With what the owner says of meters.
    fn wishing(kept: Kept, broker_keeps: bool, meters: BTreeMap<MeterId, MeterWishes>) -> Self {
        Self::speaking(kept, broker_keeps, meters, Language::English)
    }

    /// In a language.
    fn speaking(kept: Kept, broker_keeps: bool, meters: BTreeMap<MeterId, MeterWishes>, language: Language) -> Self {
        Self::of_group(None, kept, broker_keeps, meters, language)
    }

    /// As a member of a group, with this name.
    fn of_group(member: Option<&str>, kept: Kept, broker_keeps: bool, meters: BTreeMap<MeterId, MeterWishes>, language: Language) -> Self {
        let presentation = Presentation {
            topics: Topics::default(),
            language,
            updates: false,
            discovery: true,
            migrate: Migrate::None,
            meters,
            prices: Book::default(),
        };
        let station = StationOptions {
            presentation: Arc::new(presentation),
            policy: Policy::EveryFrame,
            pace: Duration::ZERO,
            offline_after: Duration::from_secs(30),
            archive: true,
            records: Some(Duration::from_secs(10)),
        };
        let options = HubOptions {
            limits: Default::default(),
            station,
            notes: true,
            broker_keeps,
            samples_first: 1,
            measured: BTreeSet::new(),
            fingerprint: String::new(),
            member: member.map(str::to_owned),
            seed: 7,
        };
        let start = Instant::now();
        let memories = kept.memories.clone();
        let hub = Hub::new(options, kept, Counters::default(), start);
        let mut bench = Self { hub, start, now: Duration::ZERO, room: ROOM, orders: Vec::new(), wakes: 0, memories };
        bench.happens(|hub, now| hub.handle_inbound(Inbound::Up, now));
        bench
    }

    /// Something happens now; then all orders are taken that there is room for.
    fn happens(&mut self, what: impl FnOnce(&mut Hub, Instant)) {
        let now = self.start + self.now;
        what(&mut self.hub, now);
        while let Some(order) = self.hub.poll_order(self.room, now) {
            self.orders.push(order);
        }
    }

    fn arrives(&mut self, arrival: Arrival) {
        let (now, wall) = (self.now, UNIX_EPOCH + Duration::from_millis(START_MS) + self.now);
        let at = self.start + now;
        self.happens(|hub, now| hub.handle_arrival(Arrived { arrival, at, wall }, now));
    }

    /// The next frame of a reader comes.
    fn frame(&mut self, reader: &mut Reader) {
        let received = reader.frame(self.now);
        self.arrives(Arrival::Sample(received));
    }

    /// A dataset of the next frame of a reader comes.
    fn live(&mut self, reader: &Reader, label: &str, data: &str) {
        let received = reader.live(self.now, label, data);
        self.arrives(Arrival::Sample(received));
    }

    /// The powers that did not wait for their frame, in order.
    fn live_powers(&self) -> Vec<i64> {
        let told = self.published(&format!("teleinfo/{METER}/power"));
        told.iter().map(|power| power["apparent"].as_i64().unwrap()).collect()
    }

    /// The next frame of a reader is lost on the way.
    fn lost_frame(&mut self, reader: &mut Reader) {
        reader.frame(self.now);
    }

    /// Time passes: the hub is woken whenever it wants to be.
    fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.hub.poll_timeout().map(|at| at.saturating_duration_since(self.start)).filter(|at| *at <= end) {
            assert!(at > self.now || self.wakes == 0, "a deadline that has passed is set again");
            self.now = at.max(self.now);
            self.wakes += 1;
            self.happens(Hub::handle_timeout);
        }
        self.now = end;
    }

    /// Frames at the rhythm of a meter.
    fn frames(&mut self, reader: &mut Reader, count: u64) {
        for _ in 0..count {
            self.frame(reader);
            self.pass(SECOND);
        }
    }

    fn mqtt(&mut self, topic: &str, payload: &str) {
        let message = Inbound::Message { topic: topic.into(), payload: payload.into() };
        self.happens(|hub, now| hub.handle_inbound(message, now));
    }

    /// Takes the orders out.
    fn taken(&mut self) -> Vec<Order> {
        std::mem::take(&mut self.orders)
    }

    fn questions(&self) -> Vec<Question> {
        self.orders.iter().filter_map(|order| if let Order::Ask(_, question) = order { Some(*question) } else { None }).collect()
    }

    fn published(&self, topic: &str) -> Vec<Value> {
        let published = self.orders.iter().filter_map(|order| if let Order::Publish(message) = order { Some(message) } else { None });
        let of_topic = published.filter(|message| message.topic == topic);
        let value = |message: &Message| serde_json::from_slice(&message.payload).unwrap_or_else(|_| message.text().into());
        of_topic.map(value).collect()
    }

    /// The powers that were published, in order; a state that is said again counts once.
    fn powers(&self, meter: &str) -> Vec<u64> {
        let states = self.published(&format!("teleinfo/{meter}"));
        let mut powers: Vec<u64> = states.iter().map(|state| state["PAPP"]["value"].as_u64().unwrap()).collect();
        powers.dedup();
        powers
    }

    /// The powers of the past, in order, each with its time.
    fn past(&self, meter: &str) -> Vec<(u64, String)> {
        let samples = self.published(&format!("teleinfo/{meter}/history"));
        let told = |sample: &Value| (sample["PAPP"]["value"].as_u64().unwrap(), sample["time"].as_str().unwrap().to_owned());
        samples.iter().map(told).collect()
    }

    fn past_powers(&self, meter: &str) -> Vec<u64> {
        self.past(meter).into_iter().map(|(power, _)| power).collect()
    }

    fn availability(&self, meter: &str) -> Vec<Value> {
        self.published(&format!("teleinfo/{meter}/availability"))
    }

    fn said(&self) -> Vec<&str> {
        self.orders.iter().filter_map(|order| if let Order::Say(_, text) = order { Some(text.as_str()) } else { None }).collect()
    }

    fn kept(&self) -> Vec<(MeterId, Memory)> {
        let kept = |order: &Order| if let Order::Keep(meter, memory) = order { Some((*meter, (**memory).clone())) } else { None };
        self.orders.iter().filter_map(kept).collect()
    }

    /// The types of the events that were told, in order.
    fn events(&self, meter: &str) -> Vec<String> {
        let events = self.published(&format!("teleinfo/{meter}/event"));
        events.iter().map(|event| event["event_type"].as_str().unwrap().to_owned()).collect()
    }

    /// The successor of this bridge, with all that was kept.
    fn restarted(&self) -> Self {
        self.restarted_in(Language::English)
    }

    fn restarted_in(&self, language: Language) -> Self {
        let positions = self.hub.positions().map(|(meter, marks)| (*meter, marks.clone())).collect();
        let memories = self.memories.clone().into_iter().chain(self.kept()).collect();
        let ledgers = ledgers(self).1.map(|ledger| (id(METER), ledger)).into_iter().collect();
        let kept = Kept { positions, memories, ledgers, ..Kept::default() };
        let mut successor = Self::speaking(kept, false, BTreeMap::new(), language);
        successor.now = self.now;
        successor
    }

    fn disturbances(&self) -> usize {
        self.orders.iter().filter(|order| **order == Order::Disturbed).count()
    }
}

#[test]
fn a_frame_is_published_and_its_meter_announced() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    assert_eq!(bench.published("teleinfo/bridge/state"), ["online"]);
    bench.frames(&mut reader, 10);
    assert_eq!(bench.powers(METER)[..3], [1, 2, 3]);
    assert_eq!(bench.availability(METER), ["online"]);
    let device = &bench.published(&format!("homeassistant/device/teleinfo_{METER}/config"))[0];
    assert!(device["cmps"].get("energy_base").is_some());
    assert_eq!(bench.said(), [format!("meter {METER} is online")]);
}

#[test]
fn two_meters_do_not_touch_each_other() {
    let (mut bench, mut reader, mut other) = (Bench::new(), Reader::new(METER), Reader::new(OTHER));
    for _ in 0..5 {
        bench.frame(&mut reader);
        bench.frame(&mut other);
        bench.pass(SECOND);
    }
    bench.lost_frame(&mut other);
    bench.frame(&mut other);
    bench.frame(&mut reader);
    assert!(bench.powers(METER).ends_with(&[5, 6]));
    assert!(bench.powers(OTHER).ends_with(&[4, 5]), "the other waits for what it missed");
    assert_eq!(bench.questions(), [Question { boot: other.boot(), sequence: 5 }]);
}

#[test]
fn the_statistics_are_told_of_each_sample_by_the_clock_of_this_machine() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    // The Pi has no clock of its own, and has not found the time yet.
    reader.clock_error_ms = -1_000_000_000;
    bench.frames(&mut reader, 3);
    let (mut times, mut clocks, mut statistics) = (Vec::new(), Vec::new(), Vec::new());
    for order in bench.taken() {
        match order {
            Order::Noted(Note::Sample(_, unix_ms)) => times.push(unix_ms),
            Order::Noted(Note::Clock(meter, clock)) => clocks.push((meter, clock)),
            Order::Noted(Note::Statistics(_, list)) => statistics.push(list),
            _ => {}
        }
    }
    let start = i64::try_from(START_MS).unwrap();
    assert_eq!(times, [start, start + 1_000, start + 2_000]);
    let (meter, clock) = clocks.pop().expect("each live sample relates the clocks");
    let made: SystemTime = clock.time_of(&reader.held[0]);
    assert_eq!((meter, made), (id(METER), UNIX_EPOCH + Duration::from_millis(START_MS)));
    let last = statistics.pop().expect("Home Assistant keeps statistics of an index");
    assert!(last.iter().any(|statistic| statistic.labels == ["BASE"]), "{last:?}");
}

#[test]
fn home_assistant_that_starts_is_told_everything_again() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 20);
    bench.taken();
    bench.mqtt("homeassistant/status", "offline");
    assert!(bench.orders.is_empty());
    bench.mqtt("homeassistant/status", "online");
    assert_eq!(bench.availability(METER), ["online"]);
    assert_eq!(bench.published("teleinfo/bridge/state"), ["online"]);
    assert_eq!(bench.disturbances(), 1);
    for _ in 0..12 {
        bench.frame(&mut reader);
        bench.pass(SECOND);
    }
    assert_eq!(bench.published(&format!("homeassistant/device/teleinfo_{METER}/config")).len(), 1);
    bench.taken();
    bench.pass(SECOND * 9);
    assert!(!bench.published(&format!("teleinfo/{METER}/derived")).is_empty(), "what is only sent on change is repeated");
}

#[test]
fn a_new_listener_gets_the_state_and_the_last_will_of_an_old_connection_is_put_right() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 2);
    bench.taken();
    for _ in 0..5 {
        bench.happens(|hub, now| hub.handle_inbound(Inbound::Listener, now));
    }
    bench.pass(LISTENERS_GATHER);
    assert_eq!(bench.powers(METER), [2], "once for all of them");
    bench.mqtt("teleinfo/bridge/state", "offline");
    assert_eq!(bench.published("teleinfo/bridge/state"), ["online"]);
}

#[test]
fn another_contract_has_other_entities() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 20);
    bench.taken();
    reader.contract = "HC..";
    bench.frames(&mut reader, 20);
    let devices = bench.published(&format!("homeassistant/device/teleinfo_{METER}/config"));
    assert!(devices.last().unwrap()["cmps"].get("energy_hchc").is_some());
    assert!(devices.last().unwrap()["cmps"].get("energy_base").is_some(), "the old index keeps its entity");
    let current = bench.published(&ledger_topic()).pop().unwrap()["current"].clone();
    assert_eq!(current, serde_json::json!(["total", "HCHC", "HCHP"]), "and is not available");
    let events = bench.published(&format!("teleinfo/{METER}/event"));
    assert!(events.iter().any(|event| event["event_type"] == "contract_change"), "{events:?}");
    assert!(!bench.kept().is_empty());
    assert!(bench.orders.iter().any(
        |order| matches!(order, Order::Noted(Note::Statistics(_, list)) if list.iter().any(|statistic| statistic.labels == ["HCHC"]))
    ));
}

#[test]
fn a_report_without_a_meter_belongs_to_the_meter_that_its_reader_has_lost() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 2);
    bench.arrives(reader.report(Some(id(METER)), 1, LineState::Reading, Cause::None));
    let quality = format!("teleinfo/{METER}/quality");
    bench.taken();
    bench.arrives(reader.report(None, 2, LineState::Silent, Cause::NoSignal));
    assert!(bench.published(&quality).is_empty(), "the meter is being read");
    bench.pass(SECOND * 40);
    assert_eq!(bench.availability(METER), ["offline"]);
    bench.taken();
    bench.arrives(reader.report(None, 3, LineState::Silent, Cause::NoSignal));
    assert_eq!(bench.published(&quality)[0]["line"], "silent");
    let lines: Vec<String> = bench.hub.reports(bench.start + bench.now).collect();
    assert!(lines.iter().any(|line| line.starts_with("reader cellar (9.9.9): line silent")), "{lines:?}");
}

#[test]
fn a_goodbye_is_believed_at_once_even_if_frames_still_wait() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 2);
    let (waited, at) = (reader.frame(bench.now), bench.start + bench.now);
    bench.now += SECOND / 10;
    bench.taken();
    bench.arrives(Arrival::Goodbye(id(METER)));
    bench.arrives(Arrival::Token(id(METER), false));
    assert_eq!(bench.availability(METER), ["offline"]);
    bench.happens(|hub, now| hub.handle_arrival(Arrived { arrival: Arrival::Sample(waited), at, wall: UNIX_EPOCH }, now));
    assert_eq!(bench.powers(METER), [3]);
    bench.pass(SECOND);
    assert_eq!(bench.availability(METER), ["offline"]);
    bench.happens(Hub::handle_stop);
    assert_eq!(bench.published("teleinfo/bridge/state"), ["offline"]);
}

#[test]
fn another_reader_is_said_of_its_meter_also_where_its_own_is_dead_until_a_person_decides() {
    let id = METER.parse().unwrap();
    let (mut first, mut reader) = (Bench::new(), Reader::new(METER));
    first.frames(&mut reader, 20);
    let mut bench = first.restarted();
    bench.arrives(Arrival::Told(Refusal::AnotherKey, Some((id, None)), "another".into()));
    bench.pass(SECOND * 60);
    let topic = format!("teleinfo/{METER}/quality");
    let told = bench.published(&topic);
    let text = format!("another reader speaks for it and is refused; if it is yours: sudo teleinfo-bridge accept {METER}");
    assert!(told.iter().all(|told| told["cause_text"] == *text && told["line"] == "unreachable"), "{told:?}");
    bench.happens(|hub, now| hub.handle_decided(id, now));
    assert_eq!(bench.published(&topic).last().unwrap()["refused_reader"], Value::Null);
}

#[test]
fn a_reader_that_died_while_the_bridge_was_away_is_said() {
    let (mut first, mut reader) = (Bench::new(), Reader::new(METER));
    first.frames(&mut reader, 20);
    let quality = format!("teleinfo/{METER}/quality");
    for evidence in ["memory", "broker"] {
        let (mut second, mut broker) = (first.restarted(), Bench::beside(Kept::default(), true));
        if evidence == "broker" {
            broker.mqtt(&format!("teleinfo/{METER}/availability"), "online");
            broker.mqtt("teleinfo/bridge/marker", "7");
            second = broker;
        }
        second.now = Duration::ZERO;
        second.pass(SECOND * 39);
        assert!(second.published(&quality).is_empty(), "{evidence}: readers may still come");
        second.pass(SECOND * 2);
        let told = second.published(&quality);
        assert_eq!((told.len(), &told[0]["line"], &told[0]["reception"]), (1, &"unreachable".into(), &Value::Null), "{evidence}");
        assert_eq!(second.availability(METER), ["offline"], "{evidence}");
    }
    let mut third = first.restarted();
    third.frames(&mut reader, 50);
    assert!(third.published(&quality).iter().all(|report| report["line"] == "reading"));
}

#[test]
fn a_meter_that_is_heard_stays_so_when_the_broker_repeats_that_it_is_there() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 5);
    bench.mqtt(&format!("teleinfo/{METER}/availability"), "online");
    bench.frames(&mut reader, 50);
    let told = bench.published(&format!("teleinfo/{METER}/quality"));
    assert!(!told.is_empty() && told.iter().all(|report| report["line"] == "reading"), "{told:?}");
}

#[test]
fn home_assistant_is_told_when_the_last_frame_was() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 20);
    bench.taken();
    bench.pass(SECOND * 10);
    let told = |topic: &str| bench.published(&format!("teleinfo/{METER}/{topic}")).pop().unwrap();
    assert_eq!(told("home")["derived"]["last_frame"], told("derived")["last_frame"]);
}

#[test]
fn a_disk_error_is_said_whatever_strangers_send() {
    let mut bench = Bench::new();
    for number in 0..100 {
        let text = format!("tic/v2/{number}/sample: \u{1b}[2J");
        bench.arrives(Arrival::Refused(Refusal::Malformed, text));
    }
    let strange = bench.said().len();
    assert!(strange <= 2 && !bench.said()[0].contains('\u{1b}'), "{:?}", bench.said());
    bench.happens(|hub, now| hub.handle_complaint(Complaint::Disk, "cannot keep a file: no space left", now));
    assert_eq!(bench.said().last().unwrap(), &"cannot keep a file: no space left");
    bench.pass(SECOND * 60);
    let report = bench.published("teleinfo/bridge/quality");
    assert_eq!(report.last().unwrap()["refused"]["malformed"], 100);
}

#[test]
fn an_hour_of_two_meters_asks_the_processor_for_little() {
    let (mut bench, mut reader, mut other) = (Bench::new(), Reader::new(METER), Reader::new(OTHER));
    bench.frames(&mut reader, 1);
    bench.frames(&mut other, 1);
    let before = bench.wakes;
    bench.pass(SECOND * 3_600);
    let wakes = bench.wakes - before;
    assert!(wakes < 300, "{wakes} wakes in an hour of silence");
    assert_eq!(bench.availability(METER), ["online", "offline"]);
    bench.taken();
    for _ in 0..360 {
        bench.frame(&mut reader);
        bench.frame(&mut other);
        bench.pass(SECOND * 10);
    }
    assert_eq!(bench.powers(METER).len(), 360);
    assert_eq!(bench.hub.taken(), 722);
    let said: Vec<&str> = bench.said().into_iter().filter(|text| !text.ends_with("is online")).collect();
    assert!(said.is_empty(), "{said:?}");
}

fn ledger_topic() -> String {
    format!("teleinfo/{METER}/ledger")
}

/// The ledger that was last told, and the one that was last kept on disk.
fn ledgers(bench: &Bench) -> (Option<String>, Option<Ledger>) {
    let told = bench.orders.iter().rev().find_map(|order| match order {
        Order::Publish(message) if message.topic == ledger_topic() => Some(message.text().to_owned()),
        _ => None,
    });
    let kept = bench.orders.iter().rev().find_map(|order| match order {
        Order::KeepLedger(_, ledger) => Some((**ledger).clone()),
        _ => None,
    });
    (told, kept)
}
