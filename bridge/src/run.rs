//! From settings to a running bridge, until a signal ends it: the main loop, which carries out what the hub orders.
//!
//! Nothing here waits for a disk, a broker or a reader: those are tasks of their own behind channels.

mod group;
mod language;
mod neighbourhood;
mod pages;
mod receipts;
mod start;
mod together;

use std::{
    future::pending,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use teleinfo_proto::tic::MeterId;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time,
};
use tracing::{Level, debug, error, info, warn};

use crate::{
    archive::keeper::Archive,
    config::settings::Settings,
    daemon::{
        exit::{ExitCode, Failure},
        notify::{Notifier, Watchdog},
    },
    grid_meter::serve::GridMeters,
    hub::{
        Hub,
        complaints::Complaint,
        counters::{Counter, Counters},
        orders::Order,
    },
    influxdb::task::RecordSender,
    mqtt::Outlet,
    order::{answer::Answer, arrival::Arrived},
    page::{feed::Feed, serve::Question},
    seal::{
        decisions::{self, Decision},
        pins,
        readers::Readers,
    },
    statistics::{notes::NoteSender, task::Outcome},
    store::{
        Store, WriteFailure, ledgers, memories,
        positions::{self, Positions},
        whole::Outlives,
    },
    updates,
    words::{inbound::Inbound, journal, language::Words, message::Origin, utc},
    zenoh::{arrivals::Arrivals, history::Historian, node::Node, routers::RouterWatch, sealed::Sealed, shedding::Shedding},
};
use neighbourhood::{Nearby, Neighbourhood, own_node};
use receipts::Receipts;
use start::Way;

const STOPPED: Words = Words::new("stopped", "arrêtée");
const KNOWN_OF: Words = Words::new("what is known of meter {}: {}", "ce qui est connu du compteur {} : {}");
const CANNOT_KEEP: Words = Words::new(
    "cannot keep {}; after a restart samples may come twice or not at all, and names may be missing for a while",
    "impossible d'enregistrer {} ; après un redémarrage des relevés peuvent venir deux fois ou pas du tout, et des noms manquer un moment",
);

const ACCEPTED: Words = Words::new(
    "meter {}: one more reader was accepted; it speaks from its next hello on",
    "compteur {} : un lecteur de plus a été accepté ; il parle dès son prochain bonjour",
);
const REFUSED: Words = Words::new("meter {}: the reader {} is refused from now on", "compteur {} : le lecteur {} est refusé désormais");

/// What changes slowly is looked at this often: the routers, the line for `systemctl status`, readers that came just after others.
const SLOW: Duration = Duration::from_secs(2);
/// Samples that are taken one after the other, before anything is told.
const SAMPLES_AT_ONCE: usize = 1_024;
/// The longest that each step of a clean stop may take.
const STOP: Duration = Duration::from_secs(2);

/// Everything that reports to the main loop.
struct Inputs {
    arrivals: Arrivals,
    neighbours: Nearby,
    answers: mpsc::Receiver<Answer>,
    inbound: mpsc::Receiver<Inbound>,
    outcomes: mpsc::Receiver<Outcome>,
    write_failures: mpsc::Receiver<WriteFailure>,
    questions: mpsc::Receiver<Question>,
    newest: mpsc::Receiver<String>,
    decisions: mpsc::Receiver<Decision>,
    signals: Signals,
}

/// What ends the bridge, or makes it tell how things are.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// The hub, and everything that carries out its orders.
struct Bridge {
    hub: Hub,
    outlet: Outlet,
    historian: Historian,
    sealed: Sealed,
    /// The other bridges.
    neighbours: Neighbourhood,
    receipts: Receipts,
    store: Store,
    positions: Positions,
    /// Where memories and ledgers are kept.
    state_directory: Option<PathBuf>,
    statistics: Option<NoteSender>,
    grid_meters: GridMeters,
    archive: Option<Archive>,
    records: Option<RecordSender>,
    /// What browsers are told, if there is a page.
    feed: Feed,
    counters: Counters,
    notifier: Notifier,
    watchdog: Watchdog,
    routers: Option<RouterWatch>,
    slow_due: Instant,
    /// The next new reader may be written down from then on; those that come before wait for what is slow.
    readers_due: Instant,
    /// Samples handed on when the positions were last written, unless some of them had not arrived, and the line of `systemctl status` as it was last told.
    written: u64,
    summary: String,
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// What trying again does not help: ports in use, certificates that cannot be read.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    let notifier = Notifier::from_env();
    let (positions, state_directory) = (Positions::from_env(), positions::directory("STATE_DIRECTORY"));
    let language = language::decide(&settings, state_directory.as_deref()).await;
    let way = Way::open(&settings.mqtt)?;
    let node = Node::start(&own_node(&settings), settings.limits, way.plugin().as_ref()).await?;
    let counters = Counters::default();
    let (outlet, inbound) = way.start(&settings, &node, counters.clone()).await?;
    let (store, write_failures) = Store::new();
    let (network, sealed) = start::sealed(&settings, &node, state_directory.as_deref())?;
    let (historian, answers) = Historian::new(network.clone(), sealed.clone());
    let (statistics, outcomes) = start::correct_statistics(&settings, language, &historian, state_directory.clone(), counters.clone());
    let now = Instant::now();
    let start::Page { archive, feed, questions } = start::page(&settings, state_directory.as_deref());
    let options = start::options(&settings, language, &sealed, statistics.is_some(), archive.is_some());
    let hub = start::hub(&settings, options, &positions, state_directory.as_deref(), counters.clone(), now);
    let (ear, arrivals) = start::listen(&network, &sealed, settings.limits, counters.clone()).await?;
    let (neighbourhood, neighbours) = Neighbourhood::start(&settings, language, network, &ear, &sealed, state_directory.as_deref())?;
    let inputs = Inputs {
        arrivals,
        neighbours,
        answers,
        inbound,
        outcomes,
        write_failures,
        questions,
        newest: updates::task::start(settings.updates.clone()),
        decisions: decisions::watch(state_directory.clone()),
        signals: Signals::new()?,
    };
    start::say_hello(&settings);
    notifier.ready();
    let mut bridge = Bridge {
        written: hub.taken(),
        hub,
        outlet,
        historian,
        sealed,
        neighbours: neighbourhood,
        receipts: Receipts::default(),
        store,
        positions,
        state_directory,
        statistics,
        grid_meters: GridMeters::start(&settings.grid_meters),
        archive,
        records: start::records(&settings, &counters)?,
        feed,
        counters,
        notifier,
        watchdog: Watchdog::from_env(now),
        routers: RouterWatch::new(&settings.zenoh),
        slow_due: now,
        readers_due: now,
        summary: String::new(),
    };
    bridge.turn(inputs).await;
    bridge.stop(node).await;
    Ok(())
}

impl Bridge {
    /// The main loop: one thing at a time, and then what the hub orders because of it.
    async fn turn(&mut self, mut inputs: Inputs) {
        loop {
            let deadline = self.carry_out(Instant::now());
            let deadline = self.neighbours.poll_timeout(deadline, Instant::now());
            tokio::select! {
                biased;
                _ = inputs.signals.terminate.recv() => return,
                _ = inputs.signals.interrupt.recv() => return,
                _ = inputs.signals.hangup.recv() => self.hub.reports(Instant::now()).for_each(|line| info!("{line}")),
                () = time::sleep_until(deadline.into()) => self.handle_timeout(Instant::now()).await,
                inbound = inputs.inbound.recv() => match inbound {
                    Some(inbound) => self.handle_inbound(inbound, Instant::now()),
                    // The task behind the outlet has ended, which it never does by itself.
                    None => return,
                },
                () = room(&self.hub, &self.outlet) => {}
                Some(outcome) = inputs.outcomes.recv() => self.handle_outcome(outcome, Instant::now()),
                Some(failure) = inputs.write_failures.recv() => self.handle_write_failure(&failure, Instant::now()),
                Some(decision) = inputs.decisions.recv() => self.handle_decision(decision, Instant::now()),
                Some(arrived) = inputs.arrivals.presences.recv() => self.hub.handle_arrival(arrived, Instant::now()),
                Some(neighbour) = inputs.neighbours.bridges.recv() => self.handle_neighbour(neighbour, Instant::now()),
                Some(written) = inputs.neighbours.written.recv() => self.handle_written(written),
                Some(question) = inputs.questions.recv() => self.handle_question(question, Instant::now()),
                Some(version) = inputs.newest.recv() => self.hub.handle_newest(version),
                Some(answer) = inputs.answers.recv() => self.hub.handle_answer(answer, Instant::now()),
                Some(arrived) = inputs.arrivals.samples.recv() => self.handle_samples(arrived, &mut inputs.arrivals),
                () = room_for_past(&self.hub, &self.outlet, &inputs.arrivals.shedding) => self.hub.handle_pressed(false),
            }
        }
    }

    /// Carries out all orders that there is room for. Returns when time brings the next thing.
    fn carry_out(&mut self, now: Instant) -> Instant {
        self.follow_group(now);
        self.outlet.send_stale();
        while let Some(order) = self.hub.poll_order(self.outlet.room(), now) {
            self.obey(order, now);
            if self.neighbours.is_late() {
                return now;
            }
        }
        self.tell_others(now);
        let positions = self.positions.poll_timeout(now).filter(|_| self.hub.taken() != self.written);
        self.receipts.handle_taken(self.hub.poll_handed_on(), now);
        let deadlines = [self.hub.poll_timeout(), positions, self.watchdog.poll_timeout(), self.receipts.poll_timeout()];
        deadlines.into_iter().flatten().fold(self.slow_due, Instant::min)
    }

    fn obey(&mut self, order: Order, now: Instant) {
        match order {
            Order::Publish(message) => {
                self.show(&message, now);
                // While the broker is away, what is not retained is not dropped: there is nobody to hear it.
                if !self.outlet.publish(message) && self.outlet.is_up() {
                    self.counters.count(Counter::MessagesDropped);
                }
            }
            Order::Ask(meter, question) => self.historian.ask(meter, question),
            Order::Keep(meter, memory) => {
                self.tell_learnt(meter, &memory);
                self.keep(meter, |directory| memories::file(directory, meter, &memory), now);
            }
            // The file has all of them: while thousands come one after the other, it is written every other second.
            Order::KeepReaders if now < self.readers_due => {}
            Order::KeepReaders => self.keep_new_readers(now),
            Order::KeepLedger(meter, ledger) => self.keep(meter, |directory| ledgers::file(directory, meter, &ledger), now),
            Order::Announced(meter) => self.sealed.with(|readers| readers.handle_announced(meter)),
            Order::LetGo(meter) => self.outlet.forget(|topic| self.hub.is_about(topic, meter)),
            Order::Disturbed => self.statistics.iter_mut().for_each(NoteSender::handle_return),
            Order::Noted(note) => {
                if let Some(statistics) = &mut self.statistics {
                    statistics.handle_note(note);
                }
            }
            Order::Remember(meter, readings) => {
                if let Some(archive) = &self.archive
                    && !archive.handle_readings(meter, readings)
                {
                    self.counters.count(Counter::ReadingsDropped);
                }
            }
            Order::Record(record) => self.records.iter().for_each(|records| records.handle_record(record.clone())),
            Order::Measured(meter, reading) => self.grid_meters.handle_reading(meter, &reading),
            Order::Say(level, text) => say(level, &text),
        }
    }

    fn keep(&mut self, meter: MeterId, file: impl Fn(&Path) -> Result<(PathBuf, Vec<u8>), serde_json::Error>, now: Instant) {
        let Some(directory) = &self.state_directory else { return };
        match file(directory) {
            Ok((path, bytes)) => self.store.keep(path, bytes, Outlives::PowerCut),
            Err(error) => self.handle_disk_error(journal::say(KNOWN_OF, &[&meter, &error]).as_str(), now),
        }
    }

    /// Those that have come since this was done last, however many they are: their file is written once.
    fn keep_new_readers(&mut self, now: Instant) {
        if let Some(text) = self.sealed.with(Readers::poll_pins) {
            self.readers_due = now + SLOW;
            self.tell_readers(&text);
            self.keep_readers(text);
        }
    }

    fn keep_readers(&mut self, text: String) {
        if let Some(directory) = &self.state_directory {
            self.store.keep(directory.join(pins::FILE), text.into_bytes(), Outlives::PowerCut);
        }
    }

    fn handle_inbound(&mut self, inbound: Inbound, now: Instant) {
        let given_up = if let Inbound::GivenUp(origins) = &inbound { origins.len() } else { 0 };
        self.hub.handle_inbound(inbound, now);
        self.outlet.handle_taken_back(given_up);
    }

    /// The samples that count as handed on, and of which something is not known to be at the broker.
    fn untold(&self) -> Vec<Origin> {
        self.hub.unsaid().chain(self.outlet.untold()).collect()
    }

    /// Tells readers what the broker has.
    fn send_receipts(&mut self, now: Instant) {
        let untold = self.untold();
        let receipts = self.receipts.poll(|meter| self.hub.marks(meter), &untold, self.outlet.is_up(), now);
        if !receipts.is_empty() {
            self.tell_delivered(&receipts);
            self.sealed
                .with(|readers| receipts.into_iter().for_each(|(meter, mark)| readers.handle_delivered(meter, mark.boot, mark.sequence)));
        }
    }

    /// A person has accepted or refused a reader.
    fn handle_decision(&mut self, decision: Decision, now: Instant) {
        let (meter, said) = match decision {
            Decision::Accept(meter, _) => (meter, journal::say(ACCEPTED, &[&meter])),
            Decision::Refuse(meter, words) => (meter, journal::say(REFUSED, &[&meter, &words])),
        };
        info!("{said}");
        self.hub.handle_decided(meter, now);
        let text = self.sealed.with(|readers| readers.handle_decision(decision));
        self.tell_readers(&text);
        self.keep_readers(text);
    }

    /// The task that corrects statistics tells what came of it.
    fn handle_outcome(&mut self, outcome: Outcome, now: Instant) {
        match outcome {
            Outcome::Filled(id, event) => self.hub.handle_filled(id, &event, utc::unix_ms(SystemTime::now())),
            Outcome::Trouble(reason) => self.hub.handle_repair_trouble(reason),
            Outcome::Damaged(text) => self.hub.handle_complaint(Complaint::Damaged, &text, now),
        }
    }

    /// Takes a sample and those that wait behind it: so the newest of each meter is known before anything is told of it.
    fn handle_samples(&mut self, first: Arrived, arrivals: &mut Arrivals) {
        self.hub.handle_pressed(arrivals.are_pressing(Instant::now()));
        let Arrivals { samples, .. } = arrivals;
        let waiting = samples.len();
        self.handle_sample(first, waiting);
        for _ in 0..waiting.min(SAMPLES_AT_ONCE) {
            let Ok(arrived) = samples.try_recv() else { break };
            self.handle_sample(arrived, samples.len());
        }
    }

    fn handle_sample(&mut self, arrived: Arrived, waiting: usize) {
        self.counters.add(Counter::QueueHighest, waiting as u64 + 1);
        self.hub.handle_arrival(arrived, Instant::now());
    }

    fn handle_write_failure(&mut self, failure: &WriteFailure, now: Instant) {
        self.handle_disk_error(&format!("{}: {}", failure.path.display(), failure.error), now);
    }

    fn handle_disk_error(&mut self, text: &str, now: Instant) {
        self.counters.count(Counter::DiskErrors);
        let text = journal::say(CANNOT_KEEP, &[&text]);
        self.hub.handle_complaint(Complaint::Disk, text.as_str(), now);
    }

    async fn handle_timeout(&mut self, now: Instant) {
        if self.watchdog.poll_alive(now) {
            self.notifier.alive();
        }
        self.hub.handle_timeout(now);
        if self.receipts.poll_timeout().is_some_and(|at| at <= now) {
            self.send_receipts(now);
        }
        if self.hub.taken() != self.written && self.positions.poll_timeout(now).is_some_and(|at| at <= now) {
            self.write_positions(false, now);
        }
        if self.slow_due <= now {
            self.slow_due = now + SLOW;
            self.handle_slow(now).await;
        }
    }

    async fn handle_slow(&mut self, now: Instant) {
        // And the word of a first contact may have found no room among those that wait.
        self.keep_new_readers(now);
        if let Some(routers) = &mut self.routers
            && let Some((level, text)) = routers.poll_change(&self.neighbours.network.guest_of().await, now)
        {
            say(level, &text);
        }
        let summary = self.hub.summary();
        if summary != self.summary {
            self.notifier.status(&summary);
            self.summary = summary;
        }
    }

    fn write_positions(&mut self, is_last: bool, now: Instant) {
        let untold = self.untold();
        // What the broker has not acknowledged is written once it has.
        self.written = if untold.is_empty() { self.hub.taken() } else { u64::MAX };
        match self.positions.files(self.hub.positions(), &untold, is_last, now) {
            Ok(files) => files.into_iter().for_each(|(path, bytes, outlives)| self.store.keep(path, bytes, outlives)),
            Err(error) => self.handle_disk_error(&format!("how far samples were published: {error}"), now),
        }
    }

    /// A clean stop: the last messages, the last positions, then everything is closed. No step takes longer than [`STOP`].
    async fn stop(mut self, node: Node) {
        let now = Instant::now();
        self.notifier.stopping();
        self.leave_group(now);
        self.hub.handle_stop(now);
        // Without room for a sample only what is already ordered goes out.
        while let Some(order) = self.hub.poll_order(0, now) {
            self.obey(order, now);
        }
        self.keep_new_readers(now);
        self.grid_meters.close().await;
        let _ = time::timeout(STOP, self.outlet.close()).await;
        self.say_last_words(now).await;
        self.write_positions(true, now);
        self.store.finish(STOP).await;
        if let Some(archive) = &self.archive {
            let _ = time::timeout(STOP, archive.finish()).await;
        }
        if let Some(records) = self.records {
            let _ = time::timeout(STOP, records.finish()).await;
        }
        let _ = time::timeout(STOP, node.close()).await;
        info!("{}", journal::say(STOPPED, &[]));
    }
}

/// Resolves when nothing but the past waits for room, and there is room for it again, and time.
async fn room_for_past(hub: &Hub, outlet: &Outlet, shedding: &Shedding) {
    if hub.is_past_waiting() && outlet.is_up() && !shedding.is_active(Instant::now()) {
        outlet.wait_for_room_for_past().await
    } else {
        pending().await
    }
}

/// Resolves when samples wait for room, and there is some again.
async fn room(hub: &Hub, outlet: &Outlet) {
    if hub.is_starved() && outlet.is_up() { outlet.wait_for_room().await } else { pending().await }
}

fn say(level: Level, text: &str) {
    match level {
        Level::ERROR => error!("{text}"),
        Level::WARN => warn!("{text}"),
        Level::INFO => info!("{text}"),
        _ => debug!("{text}"),
    }
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let of = |kind| signal(kind).map_err(|error| Failure::new(ExitCode::Internal, format!("signals: {error}")));
        Ok(Self { terminate: of(SignalKind::terminate())?, interrupt: of(SignalKind::interrupt())?, hangup: of(SignalKind::hangup())? })
    }
}
