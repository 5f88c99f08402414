//! The middle of the bridge: what arrives goes to its meter, what the meter says goes to the outlet.
//!
//! A sample is taken from its intake only when the outlet has room for all that may follow from it. Nothing waits here.

pub mod bridge_quality;
pub mod complaints;
pub mod counters;
pub mod station;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{BuildHasher, Hasher, RandomState},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use teleinfo_proto::{
    tic::MeterId,
    wire::{BootId, LineState, SampleKind, Status},
};
use tracing::{debug, info, warn};

use crate::{
    homeassistant::presentation::Presentation,
    hub::station::{Meter, Moment},
    meter::{events, presence::Availability},
    mqtt::Outlet,
    order::{
        answer::Answer,
        arrival::Arrival,
        intake::{Intake, Tally},
        marks::Marks,
        received::{ReaderClock, Received},
    },
    statistics::backfill::Watch,
    store::memories,
    words::{
        cause,
        inbound::Inbound,
        message::Message,
        topics::{OFFLINE, ONLINE, Topics},
    },
    zenoh::history::Historian,
};

/// What one sample may lead to: state, derived values, discovery, quality, and an event for each thing that can happen at once.
const ROOM_PER_SAMPLE: usize = 24;
/// Meters followed. More than one bridge serves, and an end to what a mischievous reader can fill.
const METERS_MAX: usize = 2_048;
/// Different warnings of what readers send.
const WARNINGS_MAX: usize = 64;
/// Runs of readers remembered, for the log.
const READERS_MAX: usize = 2_048;
/// New listeners come in bursts, one for each topic.
const LISTENERS_GATHER: Duration = Duration::from_millis(300);

/// What the hub needs to know.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is the same for all meters.
    pub meter: Arc<Presentation>,
    /// Time without a frame after which a meter is offline.
    pub offline_after: Duration,
    /// Where to keep what was learnt of meters.
    pub state: Option<PathBuf>,
    /// Notes what statistics are corrected from, where that is wanted.
    pub watch: Option<Watch>,
}

/// One meter and all that belongs to it.
#[derive(Debug)]
struct Entry {
    intake: Intake,
    clock: ReaderClock,
    meter: Meter,
    availability: Availability,
    /// As it was when the log last spoke of it.
    told: Tally,
}

/// All meters.
#[derive(Debug)]
pub struct Hub {
    options: Options,
    outlet: Outlet,
    historian: Historian,
    meters: BTreeMap<MeterId, Entry>,
    /// What an earlier process left of meters not heard of yet.
    positions: BTreeMap<MeterId, Marks>,
    /// What each run of a reader last said.
    readers: HashMap<BootId, (LineState, Option<MeterId>)>,
    say_again: Option<Instant>,
    warned_of: BTreeSet<String>,
    /// Counts samples handed on, over all meters.
    taken: u64,
    random: RandomState,
}

impl Hub {
    /// A hub that says `online` for the bridge at once.
    #[must_use]
    pub fn new(options: Options, outlet: Outlet, historian: Historian, positions: BTreeMap<MeterId, Marks>) -> Self {
        let hub = Self {
            options,
            outlet,
            historian,
            meters: BTreeMap::new(),
            positions,
            readers: HashMap::new(),
            say_again: None,
            warned_of: BTreeSet::new(),
            taken: 0,
            random: RandomState::new(),
        };
        hub.outlet.publish(Message::retained(hub.topics().bridge_state(), ONLINE));
        hub
    }

    /// The way out.
    #[must_use]
    pub fn outlet(&self) -> &Outlet {
        &self.outlet
    }

    /// One line on how things are.
    #[must_use]
    pub fn summary(&self) -> String {
        let online = self.meters.values().filter(|entry| entry.availability.is_online()).count();
        let mqtt = if self.outlet.is_up() { "connected" } else { "not connected" };
        format!("{online} of {} meters online, MQTT {mqtt}", self.meters.len())
    }

    /// One line per meter on what became of its samples.
    pub fn reports(&self) -> impl Iterator<Item = String> {
        self.meters.iter().map(|(id, entry)| {
            let Tally { taken, recovered, duplicates, lost, thinned } = entry.intake.tally();
            format!("meter {id}: {taken} samples, {recovered} of them from the history, {duplicates} duplicates, {lost} lost, {thinned} thinned out")
        })
    }

    /// Samples handed on so far.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken
    }

    /// How far each meter's samples were handed on.
    pub fn positions(&self) -> impl Iterator<Item = (&MeterId, &Marks)> {
        let waiting = self.positions.iter();
        waiting.chain(self.meters.iter().map(|(id, entry)| (id, entry.intake.marks())))
    }

    /// Something came from a reader.
    pub fn handle_arrival(&mut self, arrival: Arrival, now: Instant) {
        match arrival {
            Arrival::Sample(received, at) => self.handle_sample(received, at, now),
            Arrival::Report(bytes) => self.handle_report(&bytes, now),
            Arrival::Token(id, present) => self.handle_token(id, present, now),
            Arrival::Farewell(id) => self.handle_farewell(id, now),
            Arrival::Strange(key, error) => self.warn_once(format!("{key}: {error}")),
        }
    }

    /// A reader's history answered.
    pub fn handle_answer(&mut self, answer: Answer, now: Instant) {
        if let Some(entry) = self.meters.get_mut(&answer.meter) {
            entry.intake.handle_answer(answer.samples, answer.outcome);
            self.pump(answer.meter, now);
        }
    }

    /// Something came from the MQTT side.
    pub fn handle_event(&mut self, event: Inbound, now: Instant) {
        match event {
            Inbound::Up => self.handle_up(now),
            Inbound::Down(_) => self.meters.values_mut().for_each(|entry| entry.meter.on_disconnected(now)),
            Inbound::Refused(why) => self.warn_once(why),
            Inbound::Listener => self.say_again = Some(now + LISTENERS_GATHER),
            Inbound::Message { topic, payload } => self.handle_inbound(&topic, &payload, now),
        }
    }

    /// The outlet has room again.
    pub fn handle_room(&mut self, now: Instant) {
        let ids: Vec<_> = self.meters.keys().copied().collect();
        for id in ids {
            self.pump(id, now);
        }
    }

    /// Whether samples wait for room.
    #[must_use]
    pub fn is_starved(&self) -> bool {
        self.outlet.is_up() && self.outlet.room() < ROOM_PER_SAMPLE
    }

    /// What time alone brings; to be called about twice a second.
    pub fn handle_tick(&mut self, now: Instant) {
        self.outlet.tend();
        let ids: Vec<_> = self.meters.keys().copied().collect();
        for id in ids {
            if let Some(entry) = self.meters.get_mut(&id) {
                let messages = entry.meter.on_tick(now);
                self.publish_all(messages);
                self.say_availability(id, now);
                self.keep_memory(id);
                self.keep_watch(id);
                self.pump(id, now);
            }
        }
        if self.say_again.is_some_and(|at| at <= now) {
            self.say_again = None;
            self.say_everything(now);
        }
    }

    /// The last words of a clean stop: everything offline.
    pub fn farewell(&mut self) {
        for id in self.meters.keys() {
            self.outlet.publish(Message::retained(self.topics().availability(id), OFFLINE));
        }
        self.outlet.publish(Message::retained(self.topics().bridge_state(), OFFLINE));
    }

    fn handle_sample(&mut self, received: Received, at: SystemTime, now: Instant) {
        let id = received.meter;
        if self.entry(id).is_none() {
            return;
        }
        self.options.watch.iter().for_each(|watch| watch.live(&received, at));
        let Some(entry) = self.meters.get_mut(&id) else { return };
        entry.clock.observe(&received, at);
        if matches!(received.kind, SampleKind::Frame { .. }) {
            entry.availability.handle_frame(now);
        }
        entry.intake.handle_live(received);
        self.say_availability(id, now);
        self.pump(id, now);
    }

    fn handle_token(&mut self, id: MeterId, present: bool, now: Instant) {
        let Some(entry) = self.entry(id) else { return };
        entry.availability.handle_token(present, now);
        if present {
            entry.intake.handle_alive();
        }
        self.say_availability(id, now);
        self.pump(id, now);
    }

    fn handle_farewell(&mut self, id: MeterId, now: Instant) {
        let Some(entry) = self.entry(id) else { return };
        entry.availability.handle_farewell();
        self.say_availability(id, now);
    }

    fn handle_report(&mut self, bytes: &[u8], now: Instant) {
        let status = match Status::decode(bytes) {
            Ok(status) => status,
            Err(error) => return self.warn_once(format!("report of a reader: {error}")),
        };
        self.log_reader(&status);
        let meter = status.meter.or_else(|| self.orphan_of(status.name));
        if let Some(entry) = meter.and_then(|id| self.entry(id)) {
            let messages = entry.meter.status(&status, now);
            self.publish_all(messages);
        }
    }

    /// A reader that has just started on a dead line does not know its meter yet. Its name tells, if one meter alone has a reader of that
    /// name, and has lost it.
    fn orphan_of(&self, reader: &str) -> Option<MeterId> {
        let mut namesakes = self.meters.iter().filter(|(_, entry)| entry.meter.reader() == Some(reader));
        let (id, entry) = namesakes.next()?;
        (namesakes.next().is_none() && !entry.availability.is_online()).then_some(*id)
    }

    /// Hours of statistics were corrected.
    pub fn handle_filled(&mut self, id: MeterId, event: &events::Event, wall: SystemTime) {
        if let Some(entry) = self.meters.get(&id) {
            self.outlet.publish(entry.meter.event(event, unix_ms(wall)));
        }
    }

    /// Something is back: what was missed meanwhile may have to be corrected.
    fn disturbed(&self, now: Instant) {
        self.options.watch.iter().for_each(|watch| watch.disturbed(now, SystemTime::now()));
    }

    fn handle_up(&mut self, now: Instant) {
        self.meters.values_mut().for_each(|entry| entry.meter.on_connected());
        self.disturbed(now);
        self.say_everything(now);
        self.handle_room(now);
    }

    fn handle_inbound(&mut self, topic: &str, payload: &[u8], now: Instant) {
        if topic == self.topics().home_assistant_status() {
            if payload == ONLINE.as_bytes() {
                self.handle_birth(now);
            }
        } else if topic == self.topics().bridge_state() {
            // The last will of an earlier connection, sent after this one began.
            if payload == OFFLINE.as_bytes() {
                self.outlet.publish(Message::retained(topic, ONLINE));
            }
        } else if payload == ONLINE.as_bytes()
            && let Some(id) = self.meter_of_availability(topic)
            && let Some(entry) = self.entry(id)
        {
            entry.availability.handle_remembered(now);
        }
    }

    fn handle_birth(&mut self, now: Instant) {
        self.disturbed(now);
        self.say_presence();
        info!("Home Assistant has started; announcing {} meters", self.meters.len());
        for (id, entry) in &mut self.meters {
            let mut random = self.random.build_hasher();
            random.write(id.as_str().as_bytes());
            entry.meter.on_birth(now, random.finish());
        }
    }

    /// Hands on what is in order, as far as there is room, and asks for what is missing.
    fn pump(&mut self, id: MeterId, now: Instant) {
        while self.outlet.room() >= ROOM_PER_SAMPLE {
            let Some(entry) = self.meters.get_mut(&id) else { return };
            let Some(received) = entry.intake.poll_sample(now) else {
                if let Some(question) = entry.intake.poll_question(now) {
                    self.historian.ask(id, question);
                }
                break;
            };
            self.taken += 1;
            let messages = entry.take(&received, self.options.watch.as_ref(), now);
            self.publish_all(messages);
        }
        self.log_recovery(id);
    }

    fn say_availability(&mut self, id: MeterId, now: Instant) {
        let Some(online) = self.meters.get_mut(&id).and_then(|entry| entry.availability.poll(now)) else { return };
        info!("meter {id} is {}", if online { ONLINE } else { OFFLINE });
        if online {
            self.disturbed(now);
        }
        let payload = if online { ONLINE } else { OFFLINE };
        self.outlet.publish(Message::retained(self.topics().availability(id), payload));
    }

    /// Who is there, for a listener whose broker has not kept it.
    fn say_presence(&self) {
        self.outlet.publish(Message::retained(self.topics().bridge_state(), ONLINE));
        for (id, _) in self.meters.iter().filter(|(_, entry)| entry.availability.is_online()) {
            self.outlet.publish(Message::retained(self.topics().availability(id), ONLINE));
        }
    }

    fn say_everything(&mut self, now: Instant) {
        let messages: Vec<_> = self.meters.values_mut().flat_map(|entry| entry.meter.everything(now)).collect();
        // The outlet has repeated what is retained by itself.
        let (outlet, fresh): (&Outlet, _) = (&self.outlet, messages.into_iter());
        fresh.filter(|message| !outlet.retains(message)).for_each(|message| {
            outlet.publish(message);
        });
    }

    fn publish_all(&self, messages: Vec<Message>) {
        for message in messages {
            if !self.outlet.publish(message) {
                debug!("no room for a message");
            }
        }
    }

    fn keep_watch(&self, id: MeterId) {
        let Some(watch) = &self.options.watch else { return };
        if let Some(entry) = self.meters.get(&id).filter(|_| watch.is_disturbed()) {
            watch.statistics(id, entry.meter.statistics());
        }
    }

    fn keep_memory(&mut self, id: MeterId) {
        let Some(directory) = &self.options.state else { return };
        let Some(memory) = self.meters.get_mut(&id).and_then(|entry| entry.meter.memory()) else { return };
        if let Err(error) = memories::save(directory, &id, memory) {
            let text = format!("cannot keep what was learnt of meter {id} in {}: {error}", directory.display());
            self.warn_once(text);
        }
    }

    /// The entry of a meter, new if need be.
    fn entry(&mut self, id: MeterId) -> Option<&mut Entry> {
        if !self.meters.contains_key(&id) {
            if self.meters.len() >= METERS_MAX {
                self.warn_once(format!("more than {METERS_MAX} meters; the others are left out"));
                return None;
            }
            let entry = Entry::new(id, &self.options, self.positions.remove(&id));
            self.meters.insert(id, entry);
        }
        self.meters.get_mut(&id)
    }

    fn meter_of_availability(&self, topic: &str) -> Option<MeterId> {
        let id: MeterId = topic.rsplit('/').nth(1)?.parse().ok()?;
        (self.topics().availability(id) == topic).then_some(id)
    }

    fn topics(&self) -> &Topics {
        &self.options.meter.topics
    }

    fn log_reader(&mut self, status: &Status<'_>) {
        let seen = (status.line, status.meter);
        if self.readers.len() >= READERS_MAX && !self.readers.contains_key(&status.boot) {
            self.readers.clear();
        }
        if self.readers.insert(status.boot, seen) == Some(seen) {
            return;
        }
        let cause = cause::words(status.cause).get(self.options.meter.language);
        match (status.line, status.meter) {
            (LineState::Reading, Some(id)) => info!("reader {} ({}) reads meter {id}", status.name, status.release),
            (line, _) => info!("reader {} ({}): line {}, {cause}", status.name, status.release, line.name()),
        }
    }

    /// Says what the history brought back, once it has all been handed on.
    fn log_recovery(&mut self, id: MeterId) {
        let Some(entry) = self.meters.get_mut(&id) else { return };
        let (now, told) = (entry.intake.tally(), entry.told);
        if entry.intake.is_catching_up() || (now.recovered, now.lost) == (told.recovered, told.lost) {
            return;
        }
        entry.told = now;
        let (recovered, lost) = (now.recovered - told.recovered, now.lost - told.lost);
        entry.meter.lost(lost);
        info!("meter {id}: {recovered} samples taken from its reader's history, {lost} lost");
        self.disturbed(Instant::now());
    }

    /// Warns, unless just that was said before; after many different warnings no more: somebody plays.
    fn warn_once(&mut self, text: String) {
        if self.warned_of.len() < WARNINGS_MAX && !self.warned_of.contains(&text) {
            warn!("{text}");
            self.warned_of.insert(text);
        }
    }
}

impl Entry {
    fn new(id: MeterId, options: &Options, marks: Option<Marks>) -> Self {
        let memory = options.state.as_deref().map(|directory| memories::load(directory, &id)).unwrap_or_default();
        Self {
            intake: Intake::new(marks.unwrap_or_default()),
            clock: ReaderClock::default(),
            meter: Meter::new(id, options.meter.clone(), memory),
            availability: Availability::new(options.offline_after),
            told: Tally::default(),
        }
    }

    fn take(&mut self, received: &Received, watch: Option<&Watch>, now: Instant) -> Vec<Message> {
        let moment = Moment { at: now, unix_ms: unix_ms(self.clock.time_of(received)) };
        match received.sample() {
            Ok(sample) => {
                // The time of another run is only known once all of it is seen: that is read from the history.
                let watch = watch.filter(|_| self.clock.is_of(received));
                watch.into_iter().for_each(|watch| watch.sample(&sample, moment.unix_ms));
                self.meter.apply(&sample, moment)
            }
            Err(_) => Vec::new(),
        }
    }
}

fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
