//! The bridge, its disk and its broker: what is kept where, and what of it a crash leaves.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant, UNIX_EPOCH},
};

use teleinfo_bridge::{
    homeassistant::{predecessor::Migrate, presentation::Presentation},
    hub::{Hub, HubOptions, Kept, ROOM_FOR_PAST, counters::Counters, orders::Order, station::StationOptions},
    meter::cadence::Policy,
    order::{
        answer::Answer,
        arrival::{Arrival, Arrived},
        intake::Question,
    },
    words::{inbound::Inbound, language::Language, message::Message, topics::Topics},
};

use crate::truth::START_MS;

/// Room on the MQTT side, while there is a broker.
const ROOM: usize = 1_000;
/// The same where more comes than goes out: there is none for the past.
const NARROW: usize = ROOM_FOR_PAST - 1;
/// What is written to the disk at most so often.
const POSITIONS_EVERY: Duration = Duration::from_secs(300);
/// States of the disk that a crash may find.
const DISKS: usize = 12;

/// The broker: what it retains.
#[derive(Debug, Default)]
pub struct Broker {
    pub retained: BTreeMap<String, Vec<u8>>,
    pub is_up: bool,
}

/// The bridge with all that is around it.
pub struct Bridge {
    hub: Option<Hub>,
    pub broker: Broker,
    /// More comes than goes out.
    is_pressed: bool,
    is_held: bool,
    /// The newest is the last.
    disks: Vec<Kept>,
    /// When positions were last kept; `None`: not since the start.
    positions_kept: Option<Duration>,
    /// What this process has published with the wish to be retained.
    published: BTreeMap<String, Vec<u8>>,
    topics: Topics,
    started: Instant,
    starts: u64,
    /// What it asked of the reader, and what it published, in order.
    pub questions: Vec<Question>,
    pub said: Vec<Message>,
}

impl Bridge {
    pub fn new() -> Self {
        Self {
            hub: None,
            broker: Broker { is_up: true, ..Broker::default() },
            is_pressed: false,
            is_held: false,
            disks: vec![Kept::default()],
            positions_kept: None,
            published: BTreeMap::new(),
            topics: Topics::default(),
            started: Instant::now(),
            starts: 0,
            questions: Vec::new(),
            said: Vec::new(),
        }
    }

    pub fn start(&mut self, now: Duration) {
        let presentation = Presentation {
            prices: Default::default(),
            topics: self.topics.clone(),
            language: Language::English,
            updates: false,
            discovery: true,
            migrate: Migrate::None,
            meters: BTreeMap::new(),
        };
        let station = StationOptions {
            presentation: Arc::new(presentation),
            policy: Policy::EveryFrame,
            pace: Duration::ZERO,
            offline_after: Duration::from_secs(30),
            archive: true,
            records: None,
        };
        self.starts += 1;
        let options = HubOptions {
            limits: Default::default(),
            station,
            notes: false,
            broker_keeps: true,
            samples_first: 1,
            measured: std::collections::BTreeSet::new(),
            fingerprint: String::new(),
            member: None,
            seed: self.starts,
        };
        let kept = self.disks.last().cloned().unwrap_or_default();
        self.hub = Some(Hub::new(options, kept, Counters::default(), self.started + now));
        self.published.clear();
        self.positions_kept = None;
        if self.broker.is_up {
            self.connect(now);
        }
    }

    /// A clean stop.
    pub fn stop(&mut self, now: Duration) {
        self.happens(now, Hub::handle_stop);
        self.keep_positions(now);
        self.hub = None;
    }

    /// The process ends, or its machine does; then the disk is as it was so many writes ago.
    pub fn crash(&mut self, writes_lost: usize) {
        self.hub = None;
        let left = self.disks.len().saturating_sub(writes_lost).max(1);
        self.disks.truncate(left);
    }

    /// Whether the disk has positions.
    pub fn knows_where_it_was(&self) -> bool {
        self.disks.last().is_some_and(|kept| !kept.positions.is_empty())
    }

    pub fn writes(&self) -> usize {
        self.disks.len()
    }

    /// What is retained is sent to whoever subscribes; what this process has said it says again.
    pub fn connect(&mut self, now: Duration) {
        self.broker.is_up = true;
        self.broker.retained.extend(self.published.clone());
        let held: Vec<(String, Vec<u8>)> = self.broker.retained.clone().into_iter().collect();
        self.happens(now, |hub, at| hub.handle_inbound(Inbound::Up, at));
        for (topic, payload) in held {
            self.echo(&topic, payload, now);
        }
    }

    pub fn disconnect(&mut self, now: Duration) {
        self.broker.is_up = false;
        self.happens(now, |hub, at| hub.handle_inbound(Inbound::Down("gone".into()), at));
    }

    /// Nothing goes out for a moment.
    pub const fn hold(&mut self, is_held: bool) {
        self.is_held = is_held;
    }

    /// More comes than goes out from now on, or no longer.
    pub fn press(&mut self, is_pressed: bool, now: Duration) {
        self.is_pressed = is_pressed;
        self.happens(now, |_, _| {});
    }

    pub fn arrives(&mut self, arrival: Arrival, now: Duration) {
        let wall = UNIX_EPOCH + Duration::from_millis(START_MS as u64) + now;
        self.happens(now, |hub, at| hub.handle_arrival(Arrived { arrival, at, wall }, at));
    }

    pub fn answers(&mut self, answer: Answer, now: Duration) {
        self.happens(now, |hub, at| hub.handle_answer(answer, at));
    }

    /// Time passes: the hub is woken whenever it wants to be.
    pub fn pass(&mut self, from: Duration, to: Duration) {
        let mut now = from;
        while let Some(at) = self.hub.as_ref().and_then(Hub::poll_timeout).map(|at| at.saturating_duration_since(self.started)) {
            if at > to {
                break;
            }
            now = at.max(now);
            self.happens(now, Hub::handle_timeout);
        }
        if self.hub.as_ref().is_some_and(|hub| hub.taken() > 0) && self.positions_kept.is_none_or(|at| to >= at + POSITIONS_EVERY) {
            self.keep_positions(to);
        }
    }

    fn happens(&mut self, now: Duration, what: impl FnOnce(&mut Hub, Instant)) {
        let room = if self.is_pressed { NARROW } else { ROOM };
        let (at, room) = (self.started + now, if self.broker.is_up && !self.is_held { room } else { 0 });
        let Some(hub) = &mut self.hub else { return };
        what(hub, at);
        let mut orders = Vec::new();
        while let Some(order) = hub.poll_order(room, at) {
            orders.push(order);
        }
        orders.into_iter().for_each(|order| self.obey(order, now));
    }

    fn obey(&mut self, order: Order, now: Duration) {
        match order {
            Order::Publish(message) => self.publish(message, now),
            Order::Ask(_, question) => self.questions.push(question),
            Order::Keep(meter, memory) => self.keep(|kept| drop(kept.memories.insert(meter, *memory))),
            Order::KeepLedger(meter, ledger) => self.keep(|kept| drop(kept.ledgers.insert(meter, *ledger))),
            Order::Say(_, text) if std::env::var_os("SEED").is_some() => eprintln!("{now:?} {text}"),
            Order::KeepReaders
            | Order::Announced(_)
            | Order::Disturbed
            | Order::LetGo(_)
            | Order::Noted(_)
            | Order::Measured(..)
            | Order::Remember(..)
            | Order::Record(_)
            | Order::Say(..) => {}
        }
    }

    /// One more write to the disk.
    fn keep(&mut self, write: impl FnOnce(&mut Kept)) {
        let mut kept = self.disks.last().cloned().unwrap_or_default();
        write(&mut kept);
        if self.disks.len() == DISKS {
            self.disks.remove(0);
        }
        self.disks.push(kept);
    }

    fn keep_positions(&mut self, now: Duration) {
        let Some(hub) = &self.hub else { return };
        let positions = hub.positions().map(|(meter, marks)| (*meter, marks.clone())).collect();
        self.positions_kept = Some(now);
        self.keep(|kept| kept.positions = positions);
    }

    fn publish(&mut self, message: Message, now: Duration) {
        if message.retain {
            self.published.insert(message.topic.clone(), message.payload.clone());
        }
        if !self.broker.is_up {
            return;
        }
        if message.retain {
            self.broker.retained.insert(message.topic.clone(), message.payload.clone());
        }
        self.said.push(message.clone());
        self.echo(&message.topic, message.payload, now);
    }

    /// The bridge hears what it has subscribed to, its own words too.
    fn echo(&mut self, topic: &str, payload: Vec<u8>, now: Duration) {
        let last = topic.rsplit('/').next().unwrap_or_default();
        let is_heard =
            ["availability", "ledger"].contains(&last) || [self.topics.bridge_state(), self.topics.marker()].iter().any(|own| own == topic);
        if is_heard {
            let message = Inbound::Message { topic: topic.into(), payload };
            self.happens(now, |hub, at| hub.handle_inbound(message, at));
        }
    }
}
