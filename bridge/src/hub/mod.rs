//! The middle of the bridge: what arrives goes to its meter, and what follows from it becomes orders.
//!
//! No clock, no I/O, no lock: `handle_*` takes what happened, [`Hub::poll_order`] says what is to be done, [`Hub::poll_timeout`] when time
//! alone brings something. Files, Zenoh and MQTT stand elsewhere, and `run.rs` carries out the orders. Begin with [`orders`], then
//! [`station`], which is one meter; this file joins all meters.

mod agenda;
pub mod bridge_quality;
pub mod complaints;
mod congestion;
pub mod counters;
mod group;
mod ledgers;
mod listeners;
mod meters;
mod newcomers;
pub mod orders;
mod others;
mod reader_log;
mod readers;
mod retained;
mod rewording;
pub mod station;
mod troubles;
mod unheard;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use teleinfo_proto::tic::MeterId;
use tracing::Level;

use crate::{
    energy::ledger::Ledger,
    grid_meter::source::Source,
    group::part::Part,
    homeassistant::{bridge_device, memory::Memory},
    hub::{
        agenda::{ASKED_MAX, Agenda, Turn},
        bridge_quality::{BridgeQuality, Meters, Repair},
        complaints::{Complaint, Complaints, Remark},
        congestion::Congestion,
        counters::{Counter, Counters},
        newcomers::Newcomers,
        orders::Order,
        others::Others,
        reader_log::ReaderLog,
        retained::Retained,
        rewording::Rewording,
        station::{Station, StationOptions},
    },
    meter::{events::Event, reception},
    order::{
        answer::Answer,
        arrival::{Arrival, Arrived},
        intake::Room,
        marks::Marks,
    },
    words::{
        inbound::Inbound,
        journal,
        language::{Language, Sentence, Words},
        limits::Limits,
        message::{Message, Origin},
        pace::Pace,
        topics::{OFFLINE, Topics},
    },
};

const WITH_BROKER: Words = Words::new("{} of {} meters online, MQTT connected", "{} sur {} compteurs en ligne, MQTT relié");
const WITHOUT_BROKER: Words = Words::new("{} of {} meters online, MQTT not connected", "{} sur {} compteurs en ligne, MQTT non relié");
const AND: Words = Words::new("; {}", " ; {}");
const BRIDGE: Words = Words::new("bridge: {}", "passerelle : {}");
const TALLY: Words = Words::new(
    "meter {}: {} samples, {} of them from the history, {} duplicates, {} lost, {} thinned out",
    "compteur {} : {} relevés, dont {} de l'historique, {} en double, {} perdus, {} éclaircis",
);

/// What one sample may lead to: state, derived values, discovery, quality, and an event for each thing that can happen at once.
pub const ROOM_PER_SAMPLE: usize = 24;
/// The past is told, and asked for, only while there is room for so many messages: what waits on the way out then is soon gone, so that it delays
/// no present.
pub const ROOM_FOR_PAST: usize = 192;
/// New listeners come in bursts, one for each topic.
const LISTENERS_GATHER: Duration = Duration::from_millis(300);
/// The report of the bridge on itself is looked at this often.
const QUALITY_EVERY: Duration = Duration::from_secs(30);

/// Lines of the log that others can cause, each kind at its own pace.
#[derive(Debug, Clone, Copy)]
enum Line {
    /// Home Assistant has started.
    Birth,
    /// A reader reports.
    Reader,
    /// A meter comes or goes, or its reader's history was taken.
    Meter,
}

impl Line {
    const COUNT: usize = 3;

    /// Home Assistant does not start twice in a minute for long. A line of each meter of a big house may come at once.
    const fn paces() -> [Pace; Self::COUNT] {
        [Pace::new(3, 1), Pace::new(32, 10), Pace::new(256, 60)]
    }
}

/// What the hub needs to know.
#[derive(Debug, Clone)]
pub struct HubOptions {
    /// How much the bridge takes on.
    pub limits: Limits,
    /// What is the same for all meters.
    pub station: StationOptions,
    /// Whether statistics are corrected, and so want notes.
    pub notes: bool,
    /// Whether the broker keeps what is retained, and so may have ledgers of an earlier run.
    pub broker_keeps: bool,
    /// Meters whose power batteries and wallboxes steer by.
    pub measured: BTreeSet<MeterId>,
    /// The words by which readers know this bridge.
    pub fingerprint: String,
    /// Samples that a meter must have sent before Home Assistant is told of it, if nobody knew it before.
    pub samples_first: u32,
    /// The name of this bridge in its group, if it belongs to one.
    pub member: Option<String>,
    /// Meters that are announced again at the same time spread by this number; it differs from bridge to bridge.
    pub seed: u64,
}

/// What an earlier process kept of meters that were not heard of yet.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    /// How far their samples were handed on.
    pub positions: BTreeMap<MeterId, Marks>,
    /// What was learnt of them.
    pub memories: BTreeMap<MeterId, Memory>,
    /// What must never be forgotten of their energy; the broker may have a newer one.
    pub ledgers: BTreeMap<MeterId, Ledger>,
    /// Meters that the broker has heard of before.
    pub known: BTreeSet<MeterId>,
}

/// All meters.
#[derive(Debug)]
pub struct Hub {
    options: HubOptions,
    /// Boxed: a map leaves places free, and a station is large.
    stations: BTreeMap<MeterId, Box<Station>>,
    /// Meters that nobody knew before, of which nothing is said yet.
    newcomers: Newcomers,
    /// All meters that are told of know that they are several.
    is_one_of_several: bool,
    /// Tokens of meters that were not heard yet: a hint, and no more.
    tokens: BTreeSet<MeterId>,
    /// What those steer by who ask for the power of a meter.
    sources: BTreeMap<MeterId, Source>,
    kept: Kept,
    /// What this bridge publishes, if it is a member of a group.
    part: Option<Part>,
    /// What is followed of the meters that others publish.
    others: Others,
    orders: VecDeque<Order>,
    /// Meters of which samples were handed on since that was last asked.
    handed_on: BTreeSet<MeterId>,
    agenda: Agenda,
    /// Meters whose history is asked for, or not told to its end.
    asked: BTreeSet<MeterId>,
    /// More samples come than this machine takes at once.
    is_pressed: bool,
    /// Whether the MQTT side keeps up.
    congestion: Congestion,
    /// What each run of a reader last said.
    readers: ReaderLog,
    /// Messages flow. `None`: they never have.
    connected: Option<bool>,
    /// Whether all that the broker retains has come.
    retained: Retained,
    /// When everything is said again to new listeners.
    say_again: Option<Instant>,
    counters: Counters,
    complaints: Complaints,
    quality: BridgeQuality,
    /// The newest version, once it was told.
    newest: Option<String>,
    quality_due: Instant,
    /// When meters of an earlier run are told of that no reader has told of; nothing once that is done.
    unheard_due: Option<Instant>,
    /// How the repair of statistics is doing.
    repair: Repair,
    /// Words that Home Assistant has still to be told of.
    rewording: Rewording,
    /// How many lines of each kind there may be.
    lines: [Pace; Line::COUNT],
    /// What had been dropped, and what had come twice, when that was last looked at.
    dropped: u64,
    copies: u64,
    were_many_copies: bool,
}

/// What goes in.
impl Hub {
    /// A hub that says `online` for the bridge at once, unless words have changed, and before that `offline` for the meters that an earlier process knew: how things
    /// are with them is not known yet, and what listeners have of them is old.
    #[must_use]
    pub fn new(options: HubOptions, kept: Kept, counters: Counters, now: Instant) -> Self {
        let repair = Repair { is_on: options.notes, reason: None };
        let (broker_keeps, language) = (options.broker_keeps, options.station.presentation.language);
        let (fingerprint, member) = (options.fingerprint.clone(), options.member.clone());
        let part = options.member.as_deref().map(Part::of_nothing);
        // A member announces its meters when it gets them.
        let rewording = if part.is_some() { Rewording::default() } else { Rewording::new(&options.station.presentation, &kept.memories) };
        let mut hub = Self {
            options,
            stations: BTreeMap::new(),
            newcomers: Newcomers::default(),
            is_one_of_several: false,
            tokens: BTreeSet::new(),
            sources: BTreeMap::new(),
            kept,
            part,
            others: Others::default(),
            orders: VecDeque::new(),
            handed_on: BTreeSet::new(),
            agenda: Agenda::default(),
            asked: BTreeSet::new(),
            is_pressed: false,
            congestion: Congestion::default(),
            readers: ReaderLog::default(),
            connected: None,
            retained: Retained::new(broker_keeps),
            say_again: None,
            counters,
            complaints: Complaints::default(),
            quality: BridgeQuality::new(language, fingerprint, member, now),
            newest: None,
            quality_due: now,
            unheard_due: Some(now + reception::SILENCE),
            repair,
            rewording,
            lines: Line::paces(),
            dropped: 0,
            copies: 0,
            were_many_copies: false,
        };
        let known: BTreeSet<MeterId> = hub.kept.memories.keys().chain(hub.kept.positions.keys()).copied().collect();
        // Another member may be publishing it.
        let known = known.into_iter().filter(|_| hub.part.is_none()).collect::<Vec<_>>();
        known.into_iter().for_each(|id| hub.publish(Message::retained(hub.topics().availability(id), OFFLINE)));
        hub.say_bridge();
        let device = bridge_device::announcement(&hub.options.station.presentation);
        hub.orders.extend(device.map(Order::Publish));
        hub
    }

    /// This version is the newest one.
    pub fn handle_newest(&mut self, version: String) {
        self.newest = Some(version);
    }

    /// Something came from a reader.
    pub fn handle_arrival(&mut self, arrived: Arrived, now: Instant) {
        let Arrived { arrival, at, wall } = arrived;
        match arrival {
            Arrival::Sample(received) => self.handle_sample(received, at, wall, now),
            Arrival::Report(bytes) => self.handle_report(&bytes, now),
            Arrival::Token(id, present) => self.handle_token(id, present, at, now),
            Arrival::Proven(id) => self.handle_proven(id, now),
            Arrival::Goodbye(id) => self.handle_goodbye(id, at, now),
            Arrival::FirstContact(text) => {
                self.orders.extend(text.map(|text| Order::Say(Level::INFO, text)));
                self.orders.push_back(Order::KeepReaders);
            }
            Arrival::Refused(refusal, text) => self.handle_refusal(refusal, &text, now),
            Arrival::Told(refusal, another, text) => self.handle_told(refusal, another, &text, now),
        }
    }

    /// A person has accepted a reader of this meter, or refused one: what was said of others is no longer news.
    pub fn handle_decided(&mut self, id: MeterId, now: Instant) {
        if let Some(station) = self.stations.get_mut(&id) {
            let message = station.handle_another(None, now);
            self.orders.extend(message.map(Order::Publish));
        }
    }

    /// A reader's history answered.
    pub fn handle_answer(&mut self, answer: Answer, now: Instant) {
        let id = answer.meter;
        if let Some(station) = self.stations.get_mut(&id) {
            station.handle_answer(answer);
            self.agenda.push_busy(id);
            self.settle(id, now);
        }
    }

    /// Something came from the MQTT side.
    pub fn handle_inbound(&mut self, inbound: Inbound, now: Instant) {
        match inbound {
            Inbound::GivenUp(origins) => self.handle_given_up(&origins, now),
            Inbound::Up => self.handle_connected(now),
            Inbound::Down(_) => self.handle_disconnected(now),
            Inbound::Refused(why) => self.handle_complaint(Complaint::Mqtt, &why, now),
            Inbound::Client(trouble, what) => self.handle_complaint(trouble.into(), &what, now),
            Inbound::Listener => self.say_again = Some(now + LISTENERS_GATHER),
            Inbound::Message { topic, payload } => self.handle_message(&topic, &payload, now),
        }
    }

    /// Hours of statistics were corrected; it happened at this time, in ms since 1970.
    pub fn handle_filled(&mut self, id: MeterId, event: &Event, unix_ms: i64) {
        if let Some(message) = self.stations.get(&id).and_then(|station| station.event(event, unix_ms)) {
            self.publish(message);
        }
    }

    /// The repair of statistics does not work, for this reason; or nothing is wrong with it any more.
    pub fn handle_repair_trouble(&mut self, reason: Option<String>) {
        self.repair = Repair { reason, ..std::mem::take(&mut self.repair) };
    }

    /// Something is wrong that somebody should know.
    pub fn handle_complaint(&mut self, kind: Complaint, text: &str, now: Instant) {
        let remark = self.complaints.handle_complaint(kind, text, now);
        self.say_remark(remark);
    }

    /// More samples come than this machine takes at once, or no longer: the past is told later.
    pub const fn handle_pressed(&mut self, is_pressed: bool) {
        self.is_pressed = is_pressed;
    }

    /// Time has passed: to be called when [`Hub::poll_timeout`] is due.
    pub fn handle_timeout(&mut self, now: Instant) {
        while let Some(id) = self.agenda.pop_due(now) {
            self.handle_station_timeout(id, now);
        }
        if self.say_again.is_some_and(|at| at <= now) {
            self.say_again = None;
            self.say_everything(now);
        }
        self.handle_part_timeout(now);
        if self.retained.poll_timeout().is_some_and(|at| at <= now) {
            self.handle_retained_read(now);
        }
        while let Some(remark) = self.complaints.poll_remark(now) {
            self.say_remark(Some(remark));
        }
        if self.unheard_due.is_some_and(|at| at <= now) {
            self.say_unheard();
        }
        if self.rewording.poll_timeout().is_some_and(|at| at <= now) {
            self.handle_reworded(now);
        }
        if self.quality_due <= now {
            self.quality_due = now + QUALITY_EVERY;
            self.complain_of_drops(now);
            self.complain_of_copies(now);
            self.complain_of_congestion(now);
            self.complain_of_prices(now);
            self.say_quality(now);
            self.let_idle_go(now);
        }
    }

    /// A clean stop: everything goes offline.
    pub fn handle_stop(&mut self, now: Instant) {
        self.say_quality(now);
        self.keep_ledgers(now);
        let ids: Vec<MeterId> = self.stations.keys().copied().collect();
        ids.into_iter().for_each(|id| self.keep(id, true, now));
        if self.is_followed() {
            // Others go on with its meters.
            return;
        }
        let topics = self.topics();
        let offline = |topic: String| Order::Publish(Message::retained(topic, OFFLINE));
        let last: Vec<Order> =
            self.told_meters().map(|id| offline(topics.availability(id))).chain([offline(topics.bridge_state())]).collect();
        self.orders.extend(last);
    }
}

/// What comes out.
impl Hub {
    /// What is to be done next, where the MQTT side has room for so many messages. A sample is taken only when there is room for all that
    /// may follow from it, and one of the past only when there is more.
    pub fn poll_order(&mut self, room: usize, now: Instant) -> Option<Order> {
        loop {
            if let Some(order) = self.orders.pop_front() {
                return Some(order);
            }
            // What a sample means may depend on a ledger that the broker holds.
            let may_count = self.can_publish();
            if room < ROOM_PER_SAMPLE || !may_count {
                self.handle_waiting(may_count, now);
                return None;
            }
            let has_room_for_past = room >= ROOM_FOR_PAST && !self.is_pressed;
            let Some(id) = self.next_meter(has_room_for_past) else {
                self.handle_waiting(self.agenda.is_past_waiting(), now);
                return None;
            };
            let room = match has_room_for_past {
                true => Room::Past,
                false if self.congestion.is_long(now) => Room::Newest,
                false => Room::Present,
            };
            match self.hand_on(id, room, now) {
                Turn::Told if has_room_for_past => self.agenda.push_on(id),
                Turn::Told => self.agenda.push_after_others(id),
                Turn::Over => self.agenda.handle_turn_over(id),
                Turn::PastWaits => self.agenda.push_past(id),
                Turn::QuestionWaits => self.agenda.push_asking(id),
            }
            self.settle(id, now);
        }
    }

    /// Whose turn it is: whoever may have something of now, before all others.
    fn next_meter(&mut self, has_room_for_past: bool) -> Option<MeterId> {
        let busy = self.agenda.pop_busy();
        if busy.is_some() || !has_room_for_past {
            return busy;
        }
        let may_ask = self.asked.len() < ASKED_MAX;
        self.agenda.pop_past().or_else(|| if may_ask { self.agenda.pop_asking() } else { None })
    }

    /// When to call [`Hub::handle_timeout`], if nothing happens before.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let deadlines = [
            self.agenda.next_deadline(),
            self.say_again,
            self.retained.poll_timeout(),
            self.part.as_ref().and_then(Part::poll_timeout),
            self.complaints.poll_timeout(),
            self.unheard_due,
            self.rewording.poll_timeout(),
            Some(self.quality_due),
        ];
        deadlines.into_iter().flatten().min()
    }

    /// Whether samples wait for room on the MQTT side.
    #[must_use]
    pub fn is_starved(&self) -> bool {
        self.can_publish() && !self.agenda.is_idle()
    }

    /// Whether nothing but the past waits for room, which is [`ROOM_FOR_PAST`].
    #[must_use]
    pub fn is_past_waiting(&self) -> bool {
        let may_ask = self.asked.len() < ASKED_MAX && self.agenda.is_asking();
        self.can_publish() && self.agenda.is_idle() && (may_ask || self.agenda.is_past_waiting())
    }

    /// One line on how things are.
    #[must_use]
    pub fn summary(&self) -> String {
        let Meters { known, online } = self.meters();
        let summary = journal::say(if self.connected == Some(true) { WITH_BROKER } else { WITHOUT_BROKER }, &[&online, &known]);
        let trouble = self.counters.short(journal::language()).map(|text| journal::say(AND, &[&text]).to_string()).unwrap_or_default();
        format!("{summary}{trouble}")
    }

    /// One line for each meter on what became of its samples, one for each reader on its line, and one on the bridge itself.
    pub fn reports(&self, now: Instant) -> impl Iterator<Item = String> {
        let meters = self.stations.iter().map(|(id, station)| report_of_meter(id, station));
        let readers = self.readers.lines(journal::language(), now);
        let bridge = self.counters.line(journal::language());
        meters.chain(readers).chain((!bridge.is_empty()).then(|| journal::say(BRIDGE, &[&bridge]).to_string()))
    }

    /// How far each meter's samples were handed on; those that may not have arrived are still to be taken off.
    pub fn positions(&self) -> impl Iterator<Item = (&MeterId, &Marks)> {
        let waiting = self.kept.positions.iter();
        waiting.chain(self.stations.iter().map(|(id, station)| (id, station.intake().marks())))
    }

    /// The samples of which messages wait among the orders: they count as handed on.
    pub fn unsaid(&self) -> impl Iterator<Item = Origin> {
        self.orders.iter().filter_map(Order::origin)
    }

    /// The meters of which samples were handed on since the last call.
    pub fn poll_handed_on(&mut self) -> BTreeSet<MeterId> {
        std::mem::take(&mut self.handed_on)
    }

    /// How far the samples of this meter were handed on.
    #[must_use]
    pub fn marks(&self, id: MeterId) -> Option<&Marks> {
        self.stations.get(&id).map(|station| station.intake().marks()).or_else(|| self.kept.positions.get(&id))
    }

    /// Whether the broker is there, and all that it retains was read: what a sample means may depend on that.
    #[must_use]
    pub fn can_publish(&self) -> bool {
        self.connected == Some(true) && self.retained == Retained::Read
    }

    /// All meters that were heard of since the start.
    pub fn stations(&self) -> impl Iterator<Item = (&MeterId, &Station)> {
        self.stations.iter().map(|(id, station)| (id, station.as_ref()))
    }

    /// One line on each reader that has reported, by who it is and what it does.
    pub fn readers(&self, language: Language, now: Instant) -> impl Iterator<Item = String> {
        self.readers.lines(language, now)
    }

    /// What somebody should know, and how often it happened.
    pub fn complaints(&self) -> impl Iterator<Item = (Complaint, u64, &str)> {
        self.complaints.lasting()
    }

    /// What the bridge counts.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Whether messages flow.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connected == Some(true)
    }

    /// Samples handed on so far: whether the positions have changed.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.counters.get(Counter::SamplesTaken)
    }
}

/// The log and the way out.
impl Hub {
    fn publish(&mut self, message: Message) {
        self.orders.push_back(Order::Publish(message));
    }

    /// Information of a kind that others can cause: so many lines a minute, and no more.
    fn say_at_pace(&mut self, kind: Line, text: Sentence, now: Instant) {
        if self.lines[kind as usize].take(now) {
            self.say(Level::INFO, text);
        }
    }

    fn say(&mut self, level: Level, text: Sentence) {
        self.orders.push_back(Order::Say(level, text.to_string()));
    }

    fn say_remark(&mut self, remark: Option<Remark>) {
        self.orders.extend(remark.map(|Remark { level, text }| Order::Say(level, text)));
    }

    fn topics(&self) -> &Topics {
        &self.options.station.presentation.topics
    }
}

fn report_of_meter(id: &MeterId, station: &Station) -> String {
    let tally = station.intake().tally();
    journal::say(TALLY, &[id, &tally.taken, &tally.recovered, &tally.duplicates, &tally.lost, &tally.thinned]).to_string()
}

#[cfg(test)]
mod tests;
