//! Whatever arrives from Zenoh and MQTT, message by message: from a stranger, and from a reader that is believed and says anything under its seal;
//! an answer of its history, a ledger that a broker holds, Home Assistant's start, time. What the bridge then publishes, keeps and says is as it
//! must always be: JSON, of bounded length, under a topic without wildcards, and a line of the journal is one line.
#![no_main]

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use libfuzzer_sys::fuzz_target;
use teleinfo_bridge_fuzz::{
    hub::{Hub, Kept, counters::Counters, orders::Order},
    judge,
    order::{
        answer::Answer,
        arrival::{Arrival, Arrived},
        intake::{Outcome, Question},
        received::Received,
    },
    seal::{incoming, pins::Pins, readers::Readers},
    words::{inbound::Inbound, limits::Limits, topics::Topics},
};
use teleinfo_proto::{
    seal::{Heard, Identity, Pairing, ReaderEnd, Type},
    tic::MeterId,
    wire::{BootId, Goodbye, keys},
};

const METER: &str = "012345678912";
/// 2024-01-07T12:00:00Z.
const START_MS: u64 = 1_704_628_800_000;
/// More than ever follows from so few messages.
const ORDERS_MAX: usize = 20_000;
/// More messages than one input has.
const ROOM: usize = 10_000;
/// The run of the reader that the seeds are of.
const BOOT: BootId = BootId::new(7);

fn meter() -> MeterId {
    METER.parse().expect("a meter")
}

fn draw(out: &mut [u8]) -> bool {
    out.fill(9);
    true
}

/// The bridge, and a reader that it believes.
struct House {
    hub: Hub,
    readers: Readers,
    reader: ReaderEnd,
    id: String,
    start: Instant,
    passed: Duration,
    asked: Option<Question>,
    orders: usize,
}

impl House {
    fn new() -> Self {
        let start = Instant::now();
        let (own, bridge) = (Identity::from_seed(&[1; 32]), Identity::from_seed(&[2; 32]));
        let pins = Pins::parse(&format!("{METER} {}\n", own.key())).expect("a pin");
        let (id, key) = (own.id().to_string(), *bridge.key());
        let reader = ReaderEnd::new(own, BOOT, Some(key), Pairing::FirstContact, [3; 32]).expect("these keys are good");
        let readers = Readers::new(bridge, pins, Limits::default(), draw, start);
        let hub = Hub::new(judge::options(meter(), None), Kept::default(), Counters::default(), start);
        let mut house = Self { hub, readers, reader, id, start, passed: Duration::from_secs(100), asked: None, orders: 0 };
        house.hears(Inbound::Up);
        house
    }

    fn now(&self) -> Instant {
        self.start + self.passed
    }

    fn wall(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(START_MS) + self.passed
    }

    fn hears(&mut self, inbound: Inbound) {
        self.hub.handle_inbound(inbound, self.now());
        self.obey();
    }

    /// A message comes by Zenoh. What the bridge asks its reader is answered at once.
    fn comes(&mut self, key: &str, mut bytes: Vec<u8>) {
        if bytes.len() > incoming::BYTES_MAX {
            return;
        }
        let now = self.now();
        for arrival in incoming::handle_message(&mut self.readers, 1, key, &mut bytes, now) {
            self.arrives(arrival);
        }
        while let Some(mut asked) = self.readers.poll_message() {
            let elapsed = self.passed;
            let Ok(Heard::Question(id, _)) = self.reader.handle_message(&asked.key, &mut asked.bytes, elapsed) else { continue };
            let (answer, key, mut room) = (self.reader.answer(id), self.key("status"), [0; 512]);
            let mut end = self.reader.end(answer, &key, &mut room).expect("a bridge is trusted").to_vec();
            for arrival in incoming::handle_message(&mut self.readers, 1, &key, &mut end, now) {
                self.arrives(arrival);
            }
        }
    }

    fn arrives(&mut self, arrival: Arrival) {
        let (at, wall) = (self.now(), self.wall());
        self.hub.handle_arrival(Arrived { arrival, at, wall }, at);
        self.obey();
    }

    fn key(&self, what: &str) -> String {
        format!("tic/v2/reader/{}/{what}", self.id)
    }

    /// The reader says this under its seal.
    fn says(&mut self, of: Type, key: &str, plain: &[u8]) {
        let mut room = [0; 8_192];
        if let Ok(sealed) = self.reader.seal(of, key, plain, &mut room) {
            let sealed = sealed.to_vec();
            self.comes(key, sealed);
        }
    }

    /// The reader's history answers what the bridge has asked: this sample, and its end.
    fn answers(&mut self, plain: &[u8]) {
        if self.asked.take().is_none() {
            return;
        }
        let samples = self.readers.heard(meter()).first().copied().and_then(|reader| {
            let (mut question, _) = self.readers.question(meter(), reader, "from=0000000000000007:1")?;
            let heard = self.reader.handle_message(&keys::history(&meter()), &mut question, self.passed);
            let Ok(Heard::Question(id, _)) = heard else { return None };
            let (mut answer, key, mut room) = (self.reader.answer(id), keys::sample(&meter()).to_string(), [0; 8_192]);
            let mut reply = self.reader.reply(&mut answer, &key, plain, &mut room).ok()?.to_vec();
            let opened = self.readers.handle_reply(meter(), &key, &mut reply, self.start + self.passed).ok()??;
            Received::under(&key, opened).ok()
        });
        let answer = Answer { meter: meter(), samples: samples.into_iter().collect(), outcome: Outcome::Complete };
        self.hub.handle_answer(answer, self.now());
        self.obey();
    }

    /// Time passes, in steps that wake the hub when it wants to be woken.
    fn waits(&mut self, time: Duration) {
        let end = self.passed + time;
        for _ in 0..100 {
            let due = self.hub.poll_timeout().map_or(end, |due| due.saturating_duration_since(self.start));
            self.passed = due.clamp(self.passed, end);
            self.hub.handle_timeout(self.now());
            self.obey();
            if self.passed == end {
                return;
            }
        }
        self.passed = end;
    }

    fn obey(&mut self) {
        while let Some(order) = self.hub.poll_order(ROOM, self.now()) {
            self.orders += 1;
            assert!(self.orders < ORDERS_MAX, "no end of orders");
            judge::order(&order);
            match order {
                Order::Ask(_, question) => self.asked = Some(question),
                Order::KeepReaders => judge::pins(&self.readers.poll_pins().unwrap_or_default()),
                _ => {}
            }
        }
    }
}

/// What happens, by the first byte of a message.
fn happens(house: &mut House, what: u8, bytes: &[u8]) {
    let topics = Topics::default();
    let message = |topic: String| Inbound::Message { topic, payload: bytes.to_vec() };
    let sample = keys::sample(&meter()).to_string();
    let ends = ["sample", "status", "hello", "pair", "alive"];
    match what % 12 {
        0 => house.says(Type::Sample, &sample, bytes),
        1 => house.says(Type::Status, &house.key("status"), bytes),
        2 => house.says(Type::Goodbye, &sample, Goodbye::decode(bytes).map_or(bytes, |_| bytes)),
        3 => house.comes(&sample, bytes.to_vec()),
        4 => house.comes(&house.key(ends[bytes.len() % ends.len()]), bytes.to_vec()),
        5 => house.comes(&String::from_utf8_lossy(bytes), bytes.to_vec()),
        6 => house.answers(bytes),
        7 => house.arrives(Arrival::Token(meter(), bytes.len() % 2 == 1)),
        8 => house.hears(message(topics.ledger(meter()))),
        9 => house.hears(message(topics.availability(meter()))),
        10 => house.hears(message(topics.home_assistant_status())),
        _ => house.waits(Duration::from_millis(bytes.iter().take(4).fold(0, |ms, byte| ms << 6 | u64::from(*byte)))),
    }
}

fuzz_target!(|bytes: &[u8]| {
    let (mut house, mut rest) = (House::new(), bytes);
    // A message is what happens, its length in two bytes, and itself.
    while let [what, low, high, ..] = *rest {
        let length = usize::from(u16::from_le_bytes([low, high])).min(rest.len() - 3);
        happens(&mut house, what, &rest[3..3 + length]);
        rest = &rest[3 + length..];
    }
    house.hub.handle_stop(house.now());
    house.obey();
});
