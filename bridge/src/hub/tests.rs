//! An hour in the life of the hub, in a millisecond: readers that lose samples, a broker that goes and comes, Home Assistant that starts.

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
        marks::Mark,
        received::Received,
    },
    words::message::Origin,
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
        let index = if self.contract == "BASE" { vec![("BASE", &*base)] } else { vec![("HCHC", &*off_peak), ("HCHP", "002000000")] };
        let mut lines = vec![("ADCO", identity.as_str()), ("OPTARIF", self.contract), ("ISOUSC", "30")];
        lines.extend(index);
        let tariff = if self.contract == "BBR(" { "HPJB" } else { "TH.." };
        lines.extend([("PTEC", tariff), ("IINST", "001"), ("PAPP", power.as_str()), ("MOTDETAT", "000000")]);
        lines.extend(&self.more);
        lines.retain(|(label, _)| *label != "PAPP" || !self.lacks_power);
        let mut block = [0; 1_024];
        let mut writer = DatasetsWriter::resume(&mut block, 0);
        for (label, data) in lines {
            writer.push(&Dataset::new(Mode::Historic, label, None, data).unwrap()).unwrap();
        }
        let made_ms = u64::try_from(made.as_millis()).unwrap();
        let sample = Sample {
            boot: self.boot(),
            sequence: self.sequence,
            kind: SampleKind::Frame { complete: !self.lacks_power },
            unix_ms: i64::try_from(START_MS + made_ms).unwrap() + self.clock_error_ms,
            uptime_ms: 1_000 + made_ms,
            mode: Mode::Historic,
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
        let presentation =
            Presentation { topics: Topics::default(), language: Language::English, discovery: true, migrate: Migrate::None, meters };
        let station =
            StationOptions { presentation: Arc::new(presentation), policy: Policy::EveryFrame, offline_after: Duration::from_secs(30) };
        let options = HubOptions { station, notes: true, broker_keeps, seed: 7 };
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
        let positions = self.hub.positions().map(|(meter, marks)| (*meter, marks.clone())).collect();
        let memories = self.memories.clone().into_iter().chain(self.kept()).collect();
        let ledgers = ledgers(self).1.map(|ledger| (id(METER), ledger)).into_iter().collect();
        let mut successor = Self::with(Kept { positions, memories, ledgers, ..Kept::default() });
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
fn power_and_overload_do_not_wait_for_their_frame() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.live(&reader, "PAPP", "00100");
    assert!(bench.live_powers().is_empty(), "of a meter that no frame was seen of");
    bench.frames(&mut reader, 2);
    assert_eq!(bench.live_powers(), [1, 2], "no live sample came, so the frames tell");
    bench.taken();
    bench.live(&reader, "ADPS", "031");
    bench.live(&reader, "PAPP", "07130");
    assert_eq!((bench.live_powers(), bench.events(METER)), (vec![7_130], vec!["overload_begin".into()]));
    assert!(bench.powers(METER).is_empty(), "the merged state is told once a frame");
    reader.more = vec![("ADPS", "031")];
    bench.frames(&mut reader, 1);
    assert_eq!((bench.live_powers(), bench.events(METER)), (vec![7_130], vec!["overload_begin".into()]), "the frame repeats it");
    assert_eq!((bench.powers(METER), bench.past_powers(METER), bench.questions()), (vec![3], vec![], vec![]));
    assert_eq!((bench.hub.counters.get(Counter::SamplesLive), bench.hub.counters.get(Counter::SamplesTaken)), (2, 3));
}

#[test]
fn a_live_sample_that_finds_no_broker_is_not_told_later() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 2);
    bench.happens(|hub, now| hub.handle_inbound(Inbound::Down("gone".into()), now));
    bench.taken();
    bench.live(&reader, "ADPS", "031");
    bench.live(&reader, "PAPP", "07130");
    bench.happens(|hub, now| hub.handle_inbound(Inbound::Up, now));
    assert_eq!((bench.live_powers(), bench.events(METER)), (vec![], vec![]), "until a frame says how things are");
    bench.room = 0;
    (0..1_000).for_each(|_| bench.live(&reader, "PAPP", "07130"));
    bench.room = ROOM;
    bench.frame(&mut reader);
    assert_eq!(bench.live_powers(), [3], "those that waited are worth nothing once their frame has come");
}

#[test]
fn an_overload_that_did_not_arrive_is_told_by_its_frame() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 2);
    bench.taken();
    bench.live(&reader, "ADPS", "031");
    bench.live(&reader, "PAPP", "07130");
    let origins: Vec<Option<Origin>> = bench
        .taken()
        .into_iter()
        .filter_map(|order| if let Order::Publish(message) = order { Some(message.origin) } else { None })
        .collect();
    let frame = Origin { meter: id(METER), boot: reader.boot(), sequence: 3 };
    assert!(origins.contains(&Some(frame)) && origins.last() == Some(&None), "the event is its frame's, the power nobody's: {origins:?}");
    bench.happens(|hub, now| hub.handle_inbound(Inbound::Down("gone".into()), now));
    bench.happens(|hub, now| hub.handle_inbound(Inbound::GivenUp(vec![frame]), now));
    bench.happens(|hub, now| hub.handle_inbound(Inbound::Up, now));
    reader.more = vec![("ADPS", "031")];
    for question in bench.questions() {
        bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    }
    bench.frame(&mut reader);
    assert_eq!((bench.events(METER), bench.past_powers(METER)), (vec!["overload_begin".into()], vec![]));
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
fn a_gap_is_asked_for_and_what_is_lost_for_good_is_counted() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 3);
    for _ in 0..5 {
        bench.lost_frame(&mut reader);
    }
    // Two of them are gone at the reader too.
    reader.held.retain(|received| ![4, 5].contains(&received.sequence));
    bench.frame(&mut reader);
    let question = bench.questions()[0];
    let disturbances = bench.disturbances();
    bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    assert_eq!(bench.powers(METER), [1, 2, 3, 9], "only the newest is the present");
    assert_eq!(bench.past(METER), [6, 7, 8].map(|power| (power, "2024-01-07T17:00:03Z".to_owned())));
    assert!(
        bench.said().contains(&format!("meter {METER}: 4 samples taken from its reader's history, 2 lost").as_str()),
        "{:?}",
        bench.said()
    );
    assert_eq!(bench.disturbances(), disturbances + 1, "hours may have to be corrected");
    bench.pass(SECOND * 70);
    bench.frame(&mut reader);
    let quality = bench.published(&format!("teleinfo/{METER}/quality"));
    assert_eq!(quality.last().unwrap()["samples_lost"], 2);
    let report = bench.published("teleinfo/bridge/quality");
    assert_eq!((&report.last().unwrap()["samples_lost"], &report.last().unwrap()["samples_late"]), (&2.into(), &4.into()));
    assert!(bench.hub.reports(bench.start + bench.now).any(|line| line.starts_with(&format!("meter {METER}: 8 samples, 4 of them"))));
}

#[test]
fn what_is_learnt_is_kept_and_a_restart_forgets_nothing() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 10);
    let (meter, memory) = bench.kept().pop().expect("something was learnt");
    assert_eq!((meter, memory.mode()), (id(METER), Some(Mode::Historic)));
    let positions = bench.hub.positions().map(|(meter, marks)| (*meter, marks.clone())).collect();
    let memories = BTreeMap::from([(meter, memory)]);
    let mut second = Bench::with(Kept { positions, memories, ..Kept::default() });
    bench.lost_frame(&mut reader);
    second.arrives(Arrival::Token(id(METER), true));
    assert_eq!(second.questions(), [Question { boot: reader.boot(), sequence: 10 }], "it goes on where the first stopped");
    let question = second.questions()[0];
    second.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    second.happens(|hub, now| hub.handle_inbound(Inbound::Listener, now));
    second.pass(SECOND);
    assert_eq!((second.powers(METER), second.past_powers(METER)), (vec![], vec![11]), "the past is not the present, for nobody");
    assert!(second.kept().is_empty(), "nothing new was learnt");
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
fn a_broker_that_was_away_gets_the_present_at_once_and_the_past_beside_it() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 3);
    let disturbances = bench.disturbances();
    bench.room = 0;
    bench.happens(|hub, now| hub.handle_inbound(Inbound::Down("gone".into()), now));
    assert!(bench.hub.summary().ends_with("MQTT not connected"), "{}", bench.hub.summary());
    bench.frames(&mut reader, 100);
    assert_eq!(bench.powers(METER), [1, 2, 3], "nothing is handed on without room");
    assert!(bench.questions().is_empty(), "the reader's history is the store");
    bench.room = ROOM;
    let before = bench.now;
    bench.happens(|hub, now| hub.handle_inbound(Inbound::Up, now));
    assert_eq!(bench.questions().len(), 1, "no time has to pass");
    assert_eq!(bench.now, before);
    let question = bench.questions()[0];
    bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    assert_eq!(bench.powers(METER), [1, 2, 3, 103]);
    assert_eq!(bench.past_powers(METER), (4..=102).collect::<Vec<_>>());
    assert!(bench.disturbances() > disturbances);
    bench.pass(SECOND * 40);
    let report = bench.published("teleinfo/bridge/quality");
    assert_eq!(report.last().unwrap()["broker_reconnections"], 1);
}

#[test]
fn nothing_of_the_past_is_an_event_of_now_and_no_index_steps_back() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 10);
    // A bridge that lost power: what it kept is older than what it published.
    let marks = Marks::new(vec![Mark { boot: reader.boot(), sequence: 2, unix_ms: i64::try_from(START_MS).unwrap() }]);
    let memories = BTreeMap::new();
    let mut second = Bench::with(Kept { positions: BTreeMap::from([(id(METER), marks)]), memories, ..Kept::default() });
    second.now = bench.now;
    second.frame(&mut reader);
    let question = second.questions()[0];
    second.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    assert_eq!(second.powers(METER), [11], "what Home Assistant has had is not told again as the present");
    assert_eq!(second.past_powers(METER), (3..=10).collect::<Vec<_>>());
    assert!(second.published(&format!("teleinfo/{METER}/event")).is_empty());
}

#[test]
fn what_was_told_last_survives_a_restart() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    (reader.contract, reader.more) = ("BBR(", vec![("DEMAIN", "----"), ("ADPS", "035")]);
    bench.frames(&mut reader, 10);
    assert_eq!(bench.events(METER), ["overload_begin"], "nothing was announced, and no tariff has changed");
    // The colour is announced while nobody looks; the overload goes on.
    reader.more = vec![("DEMAIN", "ROUG"), ("ADPS", "035")];
    let mut second = bench.restarted();
    second.frames(&mut reader, 5);
    assert_eq!(second.events(METER), ["tempo_announcement"]);
    let mut third = second.restarted();
    third.frames(&mut reader, 5);
    assert!(third.events(METER).is_empty(), "{:?}", third.events(METER));
    reader.more = vec![("DEMAIN", "ROUG")];
    let mut fourth = third.restarted();
    reader.lacks_power = true;
    fourth.frames(&mut reader, 1);
    assert!(fourth.events(METER).is_empty(), "a damaged frame does not say that a label is gone");
    reader.lacks_power = false;
    fourth.frames(&mut reader, 1);
    assert_eq!(fourth.events(METER), ["overload_end"]);
}

#[test]
fn the_same_colour_a_day_later_is_another_announcement() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    (reader.contract, reader.more) = ("BBR(", vec![("DEMAIN", "----")]);
    bench.frames(&mut reader, 3);
    reader.more = vec![("DEMAIN", "ROUG")];
    bench.frames(&mut reader, 3);
    assert_eq!(bench.events(METER), ["tempo_announcement"]);
    let mut second = bench.restarted();
    second.pass(SECOND * 3_600 * 24);
    second.frames(&mut reader, 3);
    assert_eq!(second.events(METER), ["tempo_announcement"]);
}

/// The broker goes and comes back; it has not acknowledged these samples.
fn broker_lost(bench: &mut Bench, reader: &Reader, samples: std::ops::RangeInclusive<u64>) {
    bench.happens(|hub, now| hub.handle_inbound(Inbound::Down("gone".into()), now));
    let origins = samples.map(|sequence| Origin { meter: reader.meter, boot: reader.boot(), sequence }).collect();
    bench.taken();
    bench.happens(|hub, now| hub.handle_inbound(Inbound::GivenUp(origins), now));
    assert!(bench.powers(METER).is_empty() && bench.past_powers(METER).is_empty(), "nothing is handed on before the broker is there");
    bench.happens(|hub, now| hub.handle_inbound(Inbound::Up, now));
}

#[test]
fn what_the_broker_did_not_acknowledge_is_told_as_the_past() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 5);
    broker_lost(&mut bench, &reader, 3..=5);
    assert_eq!(bench.questions(), [Question { boot: reader.boot(), sequence: 2 }]);
    let question = bench.questions()[0];
    bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    assert_eq!((bench.powers(METER), bench.past_powers(METER)), (vec![], vec![3, 4, 5]));
    bench.frames(&mut reader, 2);
    assert_eq!((bench.powers(METER), bench.past_powers(METER)), (vec![6, 7], vec![3, 4, 5]));
    assert!(!bench.published(&format!("teleinfo/{METER}/derived")).is_empty(), "it may not have arrived either");
}

#[test]
fn samples_of_two_runs_that_did_not_arrive_are_all_told() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 3);
    let first = reader.boot();
    (reader.boot, reader.sequence) = (2, 0);
    bench.frame(&mut reader);
    let question = bench.questions()[0];
    bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    bench.frames(&mut reader, 2);
    assert_eq!(bench.powers(METER), [1, 2, 3, 1, 2, 3]);
    bench.taken();
    let lost = [(first, 2), (first, 3), (reader.boot(), 1), (reader.boot(), 2)];
    let origins = lost.map(|(boot, sequence)| Origin { meter: reader.meter, boot, sequence }).to_vec();
    bench.happens(|hub, now| hub.handle_inbound(Inbound::GivenUp(origins), now));
    let question = bench.questions()[0];
    assert_eq!(question, Question { boot: first, sequence: 1 });
    let answer = reader.held.iter().filter(|held| held.boot != first || held.sequence > 1).cloned().collect();
    let answer = Answer { meter: reader.meter, samples: answer, outcome: Outcome::Complete };
    bench.happens(|hub, now| hub.handle_answer(answer, now));
    assert_eq!((bench.powers(METER), bench.past_powers(METER)), (vec![], vec![2, 3, 1, 2, 3]));
}

#[test]
fn an_event_that_did_not_arrive_is_told_again_while_it_is_one_of_now() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 3);
    reader.more = vec![("ADPS", "035")];
    bench.frames(&mut reader, 2);
    assert_eq!(bench.events(METER), ["overload_begin"]);
    broker_lost(&mut bench, &reader, 4..=5);
    let question = bench.questions()[0];
    bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    bench.frames(&mut reader, 2);
    assert_eq!(bench.events(METER), ["overload_begin"], "once more");
    broker_lost(&mut bench, &reader, 7..=7);
    let question = bench.questions()[0];
    bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    bench.frames(&mut reader, 2);
    assert!(bench.events(METER).is_empty(), "it had arrived before: {:?}", bench.events(METER));
}

#[test]
fn a_first_start_tells_only_what_is() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    (reader.contract, reader.more) = ("BBR(", vec![("DEMAIN", "ROUG")]);
    bench.frames(&mut reader, 10);
    assert!(bench.events(METER).is_empty(), "{:?}", bench.events(METER));
}

#[test]
fn a_bridge_that_comes_back_says_offline_until_it_has_told_the_present() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 10);
    let mut second = bench.restarted();
    let first: Vec<&str> = second.orders.iter().filter_map(|o| if let Order::Publish(m) = o { Some(m.text()) } else { None }).collect();
    assert_eq!(first[..2], ["offline", "online"], "the meter, and then the bridge");
    second.mqtt(&format!("teleinfo/{METER}/availability"), "online");
    assert!(second.availability(METER).iter().all(|said| said == "offline"));
    // Samples were missed: until they are told the present is not, and what Home Assistant shows is old.
    second.lost_frame(&mut reader);
    second.frame(&mut reader);
    assert!(second.availability(METER).iter().all(|said| said == "offline"));
    let question = second.questions()[0];
    second.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    let published = second.orders.iter().filter_map(|order| if let Order::Publish(message) = order { Some(message) } else { None });
    let of_meter = published.filter(|message| message.topic == format!("teleinfo/{METER}") || message.text() == "online");
    let last: Vec<&str> = of_meter.map(|message| message.topic.rsplit('/').next().unwrap()).collect();
    assert_eq!(last, ["state", METER, "availability"], "the bridge, the state of now, and then the meter");
}

#[test]
fn a_meter_that_nobody_kept_is_taken_back_as_soon_as_the_broker_names_it() {
    let mut bench = Bench::new();
    bench.mqtt(&format!("teleinfo/{METER}/availability"), "online");
    assert_eq!(bench.availability(METER), ["offline"]);
    let mut reader = Reader::new(METER);
    bench.frame(&mut reader);
    bench.mqtt(&format!("teleinfo/{METER}/availability"), "online");
    assert_eq!(bench.availability(METER), ["offline", "online"], "its own word, which comes back, changes nothing");
}

#[test]
fn what_a_damaged_frame_lacks_after_a_gap_is_not_of_before_the_gap() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 2);
    (3..=7).for_each(|_| bench.lost_frame(&mut reader));
    reader.lacks_power = true;
    bench.frame(&mut reader);
    let question = bench.questions().pop().unwrap();
    bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    assert_eq!(bench.past_powers(METER), [3, 4, 5, 6, 7]);
    assert_eq!(bench.powers(METER), [1, 2, 7], "the power of the frame before, which was missed");
}

#[test]
fn samples_wait_for_room_and_go_on_as_soon_as_there_is_some() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 3);
    bench.room = ROOM_PER_SAMPLE - 1;
    bench.frames(&mut reader, 5);
    assert_eq!(bench.powers(METER), [1, 2, 3]);
    assert!(bench.hub.is_starved());
    bench.room = ROOM_PER_SAMPLE;
    bench.happens(|_, _| {});
    assert_eq!(bench.past_powers(METER), [4, 5, 6]);
    assert_eq!(bench.powers(METER), [1, 2, 3, 7, 8], "what waited for long is told as the past");
    assert!(!bench.hub.is_starved());
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

/// What was drawn in all, as it was last published.
fn total(bench: &Bench) -> Option<u64> {
    bench.published(&format!("teleinfo/{METER}/derived")).last().and_then(|derived| derived["energy_total"].as_u64())
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

fn complaints(bench: &mut Bench) -> Vec<(&'static str, u64)> {
    let lasting = bench.hub.complaints.lasting();
    lasting.map(|(name, count, _)| (name, count)).collect()
}

#[test]
fn samples_wait_until_the_broker_has_said_what_it_retains_but_not_for_ever() {
    for answers in [true, false] {
        let (mut bench, mut reader) = (Bench::beside(Kept::default(), true), Reader::new(METER));
        bench.frame(&mut reader);
        bench.pass(SECOND);
        assert_eq!(bench.powers(METER), [0; 0]);
        assert_eq!(bench.published("teleinfo/bridge/marker"), [7]);
        if answers {
            bench.mqtt("teleinfo/bridge/marker", "8");
            assert_eq!(bench.powers(METER), [0; 0], "that was another bridge");
            bench.mqtt("teleinfo/bridge/marker", "7");
        } else {
            bench.pass(SECOND);
        }
        assert_eq!(bench.powers(METER), [1], "{answers}");
    }
}

#[test]
fn a_total_goes_on_wherever_its_ledger_is_kept_and_however_old_it_is() {
    let (mut first, mut reader) = (Bench::beside(Kept::default(), false), Reader::new(METER));
    first.frames(&mut reader, 2);
    let (old_on_broker, old_on_disk) = ledgers(&first);
    reader.contract = "HC..";
    first.frames(&mut reader, 3);
    reader.drawn = 7;
    first.frames(&mut reader, 2);
    assert_eq!(total(&first), Some(2_815_242), "what a register shows that was not known is no consumption");
    first.happens(Hub::handle_stop);
    let (on_broker, on_disk) = ledgers(&first);
    reader.drawn = 20;
    for (broker, disk) in
        [(&on_broker, &on_disk), (&on_broker, &None), (&None, &on_disk), (&old_on_broker, &on_disk), (&on_broker, &old_on_disk)]
    {
        let ledgers = disk.iter().map(|ledger| (id(METER), ledger.clone())).collect();
        let mut second = Bench::beside(Kept { ledgers, ..Kept::default() }, true);
        second.now = first.now + SECOND;
        if let Some(broker) = broker {
            second.mqtt(&ledger_topic(), broker);
        }
        second.mqtt("teleinfo/bridge/marker", "7");
        second.frame(&mut Reader { held: Vec::new(), ..clone(&reader) });
        assert_eq!(total(&second), Some(2_815_255), "{broker:?} {disk:?}");
    }
}

fn clone(reader: &Reader) -> Reader {
    Reader { held: reader.held.clone(), more: reader.more.clone(), ..*reader }
}

#[test]
fn a_ledger_that_cannot_be_is_not_used_and_said() {
    let (mut first, mut reader) = (Bench::new(), Reader::new(METER));
    first.frames(&mut reader, 2);
    first.happens(Hub::handle_stop);
    let (Some(told), Some(kept)) = ledgers(&first) else { panic!("no ledger") };
    let hostile = told.replace("\"sequence\":2", "\"sequence\":9");
    for retained in ["{", "\u{0}", &hostile.replace("2815235", "999999999"), &hostile.replace("2815235", "5")] {
        let mut second = Bench::beside(Kept { ledgers: [(id(METER), kept.clone())].into(), ..Kept::default() }, true);
        second.now = first.now;
        second.mqtt(&ledger_topic(), retained);
        second.mqtt("teleinfo/bridge/marker", "7");
        second.frame(&mut clone(&reader));
        assert_eq!(total(&second), Some(2_815_235), "{retained}");
        assert_eq!(complaints(&mut second), [("ledger", 1)], "{retained}");
    }
}

#[test]
fn two_readers_that_contradict_each_other_are_said_and_the_published_one_stands() {
    let (mut bench, mut reader, mut other) = (Bench::new(), Reader::new(METER), Reader::new(METER));
    other.boot = 2;
    reader.drawn = 100;
    bench.frames(&mut reader, 1);
    for _ in 0..20 {
        for _ in 0..4 {
            bench.frame(&mut other);
            let nothing = Answer { meter: id(METER), samples: Vec::new(), outcome: Outcome::Complete };
            bench.happens(|hub, now| hub.handle_answer(nothing, now));
        }
        bench.frames(&mut reader, 1);
    }
    let states = bench.published(&format!("teleinfo/{METER}"));
    let published: Vec<&Value> = states.iter().filter_map(|state| state.get("BASE")).map(|index| &index["value"]).collect();
    assert!(published.len() > 9 && published.iter().all(|index| **index == 2_815_335), "{published:?}");
    assert_eq!(total(&bench), Some(2_815_335));
    let quality = bench.published(&format!("teleinfo/{METER}/quality")).pop().unwrap();
    assert_eq!((&quality["contradiction"], &quality["contradiction_text"]), (&true.into(), &"BASE: 2815335, 2815235".into()));
    let complaints = complaints(&mut bench);
    assert!(complaints.iter().any(|(name, count)| *name == "contradiction" && *count > 40), "{complaints:?}");
}

/// The keys of the last announcement of a meter, and the name of its device.
fn device(bench: &Bench, meter: &str) -> (Vec<String>, String) {
    let device = bench.published(&format!("homeassistant/device/teleinfo_{meter}/config")).pop().unwrap();
    let keys = device["cmps"].as_object().unwrap().keys().cloned().collect();
    (keys, device["dev"]["name"].as_str().unwrap().to_owned())
}

#[test]
fn a_meter_that_was_known_but_has_no_ledger_begins_with_new_entities_and_says_so() {
    for evidence in ["memory", "broker", "none"] {
        let memories = BTreeMap::from([(id(METER), Memory { migrated: true, ..Memory::default() })]);
        let kept = if evidence == "memory" { Kept { memories, ..Kept::default() } } else { Kept::default() };
        let (mut bench, mut reader) = (Bench::beside(kept, true), Reader::new(METER));
        if evidence == "broker" {
            bench.mqtt(&format!("teleinfo/{METER}/availability"), "offline");
        }
        bench.mqtt("teleinfo/bridge/marker", "7");
        bench.frames(&mut reader, 20);
        let (keys, _) = device(&bench, METER);
        let anew = keys.iter().any(|key| key.starts_with("energy_total_1"));
        assert_eq!(anew, evidence != "none", "{evidence}: {keys:?}");
        let current = bench.published(&ledger_topic()).pop().unwrap()["current"].clone();
        assert_eq!(current.as_array().unwrap().contains(&"total".into()), !anew, "{evidence}");
        let said = bench.orders.iter().any(|order| matches!(order, Order::Say(Level::WARN, text) if text.contains("is lost")));
        assert_eq!(said, anew, "{evidence}");
    }
}

#[test]
fn a_meter_goes_on_from_the_total_of_the_one_whose_place_it_took() {
    let (mut first, mut old) = (Bench::new(), Reader::new(METER));
    first.frames(&mut old, 20);
    first.happens(Hub::handle_stop);
    let (_, Some(ledger)) = ledgers(&first) else { panic!("no ledger") };
    let memory = first.kept().pop().unwrap().1;
    let wishes = MeterWishes { name: Some("Maison".into()), continues: Some(id(METER)) };
    let kept = Kept { ledgers: [(id(METER), ledger)].into(), memories: [(id(METER), memory)].into(), ..Kept::default() };
    let mut second = Bench::wishing(kept, true, [(id(OTHER), wishes)].into());
    second.mqtt("teleinfo/bridge/marker", "7");
    let mut new = Reader::new(OTHER);
    second.frames(&mut new, 5);
    new.drawn = 9;
    second.frames(&mut new, 30);
    let total = second.published(&format!("teleinfo/{OTHER}/derived")).pop().unwrap()["energy_total"].clone();
    assert_eq!(total, 2_815_235 + 9, "nothing that the new meter showed at first is counted");
    // The old one lets go first, then the new one announces it under the old unique id.
    let configs: Vec<(&str, Value)> = second
        .orders
        .iter()
        .filter_map(|order| if let Order::Publish(message) = order { Some(message) } else { None })
        .filter(|message| message.topic.ends_with("/config") && message.topic.contains("_0"))
        .map(|message| (message.topic.as_str(), serde_json::from_slice(&message.payload).unwrap()))
        .collect();
    let lets_go = configs
        .iter()
        .position(|(topic, device)| topic.contains(METER) && device["cmps"]["energy_total"] == serde_json::json!({ "p": "sensor" }));
    let taken = |(topic, device): &(&str, Value)| {
        topic.contains(OTHER) && device["cmps"][format!("energy_total_of_{METER}")]["uniq_id"] == format!("teleinfo_{METER}_energy_total")
    };
    let takes = configs.iter().position(taken);
    assert!(lets_go.is_some() && lets_go < takes, "{lets_go:?} {takes:?}");
    assert_eq!(device(&second, OTHER).1, "Maison");
    assert!(!device(&second, METER).0.iter().any(|key| key.starts_with("energy_total")));
    // After a restart it goes on by itself.
    second.happens(Hub::handle_stop);
    let told = second.published(&format!("teleinfo/{OTHER}/ledger")).pop().unwrap();
    assert_eq!((&told["continues"], &told["total"]["wh"]), (&METER.into(), &2_815_244.into()));
}

#[test]
fn a_total_is_handed_on_only_once_the_other_meter_is_heard() {
    let wishes = MeterWishes { name: None, continues: Some(id(METER)) };
    let mut bench = Bench::wishing(Kept::default(), true, [(id(OTHER), wishes)].into());
    bench.mqtt("teleinfo/bridge/marker", "7");
    let has_total = |bench: &Bench, meter: &str| device(bench, meter).0.iter().any(|key| key.starts_with("energy_total"));
    bench.frames(&mut Reader::new(METER), 20);
    assert!(has_total(&bench, METER));
    bench.frames(&mut Reader::new(OTHER), 40);
    assert_eq!((has_total(&bench, METER), has_total(&bench, OTHER)), (false, true));
}

#[test]
fn of_several_meters_each_has_its_number() {
    let (mut bench, mut one, mut other) = (Bench::new(), Reader::new(METER), Reader::new(OTHER));
    bench.frames(&mut one, 20);
    assert_eq!(device(&bench, METER).1, "Linky");
    bench.frames(&mut other, 20);
    bench.frames(&mut one, 20);
    assert_eq!((device(&bench, METER).1, device(&bench, OTHER).1), ("Linky 000001".into(), "Linky 000021".into()));
}

#[test]
fn what_ends_an_entity_is_told_before_the_number_that_would_spoil_it() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 10);
    reader.drawn = 6_000_000;
    bench.frames(&mut reader, 10);
    let place = |topic: &str, text: &str| {
        let is_it = |order: &Order| matches!(order, Order::Publish(message) if message.topic == topic && message.text().contains(text));
        bench.orders.iter().position(is_it)
    };
    let (over, spoils) = (place(&ledger_topic(), "\"BASE@"), place(&format!("teleinfo/{METER}"), "008815235"));
    assert!(over.is_some() && over < spoils, "{over:?} {spoils:?}");
}
