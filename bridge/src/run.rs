//! From settings to a running bridge, until a signal ends it.

use std::{
    future::pending,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use teleinfo_proto::tic::MeterId;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::mpsc,
    time,
};
use tracing::{info, warn};

use crate::{
    config::{
        file::ZenohMode,
        settings::{Mqtt, Settings},
    },
    daemon::{
        exit::{Failure, Reason},
        notify::{self, Notifier},
    },
    homeassistant::presentation::Presentation,
    hub::counters::Counters,
    hub::{Hub, Options},
    meter::{cadence::Policy, events},
    mqtt::{Outlet, embedded, external},
    order::{answer::Answer, arrival::Arrival},
    statistics::backfill::{self, Watch},
    store::positions::{self, Positions},
    words::{
        inbound::Inbound,
        message::Message,
        topics::{OFFLINE, Topics},
    },
    zenoh::{arrivals, history::Historian, node::Node},
};

/// Rhythm of everything that only time brings.
const TICK: Duration = Duration::from_millis(500);
/// Ticks between two looks at what changes slowly.
const SLOW: u32 = 4;
/// The longest that each step of a clean stop may take.
const STOP: Duration = Duration::from_secs(2);

/// Everything that reports to the main loop.
struct Inputs {
    arrivals: mpsc::Receiver<Arrival>,
    answers: mpsc::Receiver<Answer>,
    events: mpsc::Receiver<Inbound>,
    filled: mpsc::Receiver<(MeterId, events::Event)>,
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// What no retry can mend: ports in use, certificates that cannot be read.
pub async fn run(settings: Settings) -> Result<(), Failure> {
    let notifier = Notifier::from_env();
    let plugin = plugin(&settings.mqtt)?;
    let node = Node::start(&settings.zenoh, plugin.as_ref()).await?;
    let (outlet, events) = outlet(&settings, &node, Counters::default()).await?;
    let (historian, answers) = Historian::new(node.session().clone());
    let mut positions = Positions::from_env();
    let (watch, filled) = correct_statistics(&settings, &node);
    let mut hub = Hub::new(options(&settings, watch), outlet, historian, positions.load());
    let arrivals = arrivals::listen(node.session()).await.map_err(|error| internal(&error))?;
    let inputs = Inputs {
        arrivals,
        answers,
        events,
        filled,
        terminate: on(SignalKind::terminate())?,
        interrupt: on(SignalKind::interrupt())?,
        hangup: on(SignalKind::hangup())?,
    };
    say_hello(&settings);
    notifier.ready();
    turn(&mut hub, inputs, &node, &settings, &mut positions, &notifier).await;
    notifier.stopping();
    hub.farewell();
    let _ = time::timeout(STOP, hub.outlet().close()).await;
    positions.save(hub.positions(), true, Instant::now());
    let _ = time::timeout(STOP, node.close()).await;
    info!("stopped");
    Ok(())
}

/// The main loop: one thing at a time.
async fn turn(hub: &mut Hub, mut inputs: Inputs, node: &Node, settings: &Settings, positions: &mut Positions, notifier: &Notifier) {
    let mut tick = time::interval(TICK);
    tick.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    let mut slow = SlowWork::new(settings);
    let mut saved = hub.taken();
    loop {
        tokio::select! {
            biased;
            _ = inputs.terminate.recv() => return,
            _ = inputs.interrupt.recv() => return,
            _ = inputs.hangup.recv() => hub.reports().for_each(|line| info!("{line}")),
            _ = tick.tick() => {
                hub.handle_tick(Instant::now());
                slow.turn(hub, node, positions, notifier).await;
            }
            event = inputs.events.recv() => match event {
                Some(event) => hub.handle_event(event, Instant::now()),
                // The task behind the outlet is gone, which it never is by itself.
                None => return,
            },
            () = room(hub) => hub.handle_room(Instant::now()),
            Some((id, event)) = inputs.filled.recv() => hub.handle_filled(id, &event, SystemTime::now()),
            Some(answer) = inputs.answers.recv() => hub.handle_answer(answer, Instant::now()),
            Some(arrival) = inputs.arrivals.recv() => hub.handle_arrival(arrival, Instant::now()),
        }
        let now = Instant::now();
        if hub.taken() != saved && positions.is_due(now) {
            saved = hub.taken();
            positions.save(hub.positions(), false, now);
        }
    }
}

async fn room(hub: &Hub) {
    if hub.is_starved() { hub.outlet().wait_for_room().await } else { pending().await }
}

/// What is done every few ticks.
struct SlowWork {
    ticks: u32,
    watchdog: Option<Duration>,
    fed: Instant,
    summary: String,
    /// Locators of the router to join, and whether it was there.
    router: Option<(String, bool)>,
    patience: Instant,
}

impl SlowWork {
    fn new(settings: &Settings) -> Self {
        let locators = settings.zenoh.connect.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let client = settings.zenoh.mode == ZenohMode::Client;
        Self {
            ticks: 0,
            watchdog: notify::watchdog_interval(),
            fed: Instant::now(),
            summary: String::new(),
            router: client.then_some((locators, true)),
            patience: Instant::now() + Duration::from_secs(3),
        }
    }

    async fn turn(&mut self, hub: &Hub, node: &Node, positions: &mut Positions, notifier: &Notifier) {
        if self.watchdog.is_some_and(|interval| self.fed.elapsed() + TICK >= interval) {
            self.fed = Instant::now();
            notifier.alive();
        }
        self.ticks = self.ticks.wrapping_add(1);
        if !self.ticks.is_multiple_of(SLOW) {
            return;
        }
        positions.save(hub.positions(), false, Instant::now());
        self.look_for_router(node).await;
        let summary = hub.summary();
        if summary != self.summary {
            notifier.status(&summary);
            self.summary = summary;
        }
    }

    /// A router that is not there is said once, and again when it is.
    async fn look_for_router(&mut self, node: &Node) {
        let Some((locators, was_there)) = &mut self.router else { return };
        let is_there = node.has_router().await;
        if is_there == *was_there || (!is_there && Instant::now() < self.patience) {
            return;
        }
        *was_there = is_there;
        if is_there {
            info!("connected to the Zenoh router at {locators}");
        } else {
            warn!(
                "no Zenoh router at {locators}, or it refuses this bridge: check zenoh.connect, zenoh.user and zenoh.password-file; trying again until it works"
            );
        }
    }
}

fn plugin(mqtt: &Mqtt) -> Result<Option<serde_json::Value>, Failure> {
    match mqtt {
        Mqtt::External(_) => Ok(None),
        Mqtt::Embedded(settings) => {
            embedded::check_port(settings.listen)?;
            Ok(Some(embedded::plugin(settings)))
        }
    }
}

async fn outlet(settings: &Settings, node: &Node, counters: Counters) -> Result<(Outlet, mpsc::Receiver<Inbound>), Failure> {
    let topics = &settings.topics;
    match &settings.mqtt {
        Mqtt::External(broker) => {
            let will = Message::retained(topics.bridge_state(), OFFLINE);
            external::start(broker.clone(), will, subscriptions(topics), counters)
        }
        Mqtt::Embedded(plugin) => embedded::start(node.session().clone(), plugin, vec![topics.home_assistant_status()], counters).await,
    }
}

/// What others say that matters: Home Assistant's birth, and what the broker retained of an earlier run.
fn subscriptions(topics: &Topics) -> Vec<String> {
    vec![topics.home_assistant_status(), topics.bridge_state(), topics.availability("+")]
}

/// Starts what corrects statistics, if there is an address and a token for it.
fn correct_statistics(settings: &Settings, node: &Node) -> (Option<Watch>, mpsc::Receiver<(MeterId, events::Event)>) {
    let (sender, filled) = mpsc::channel(8);
    let watch = settings.homeassistant.api.clone().map(|(url, token)| {
        let watch = Watch::default();
        let published_every = if let Policy::Every(gap) = settings.policy { gap } else { Duration::ZERO };
        let options = backfill::Options { url, token, published_every };
        tokio::spawn(backfill::run(options, watch.clone(), node.session().clone(), sender));
        watch
    });
    (watch, filled)
}

fn options(settings: &Settings, watch: Option<Watch>) -> Options {
    Options {
        meter: Arc::new(Presentation {
            topics: settings.topics.clone(),
            language: settings.language,
            discovery: settings.homeassistant.discovery,
            policy: settings.policy,
            migrate: settings.homeassistant.migrate,
        }),
        offline_after: settings.homeassistant.offline_after,
        state: positions::directory("STATE_DIRECTORY"),
        watch,
    }
}

fn say_hello(settings: &Settings) {
    let join = |endpoints: &[zenoh::config::EndPoint]| endpoints.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let zenoh = match settings.zenoh.mode {
        ZenohMode::Router => format!("readers connect to {}", join(&settings.zenoh.listen)),
        ZenohMode::Client => format!("readers come by the Zenoh router at {}", join(&settings.zenoh.connect)),
    };
    let mqtt = match &settings.mqtt {
        Mqtt::External(broker) => format!("MQTT goes to {}", broker.url),
        Mqtt::Embedded(plugin) => format!("MQTT clients connect to {}", plugin.listen),
    };
    info!("teleinfo-bridge {}: {zenoh}; {mqtt}", env!("CARGO_PKG_VERSION"));
}

fn on(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| Failure::new(Reason::Internal, format!("signals: {error}")))
}

fn internal(error: &zenoh::Error) -> Failure {
    Failure::new(Reason::Internal, format!("Zenoh: {error}"))
}
