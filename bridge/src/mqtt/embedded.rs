//! MQTT without a broker: clients connect to `zenoh-plugin-mqtt` in this process.
//!
//! The plugin passes messages on and keeps none: no retained messages, no last wills. What was retained is therefore said again whenever
//! a client subscribes to its topic, when Home Assistant starts, and every few minutes for clients that subscribe where others already
//! do, since Zenoh tells of the first subscriber only.
//!
//! MQTT topics are Zenoh keys below [`SCOPE`], so that MQTT clients see nothing of the readers' traffic.
//!
//! The plugin bounds neither its clients nor what it holds for them. So it listens on a port of this machine alone, and clients connect to
//! [`relay`], which has the bounds.

use std::{collections::HashMap, io, net::SocketAddr, sync::atomic::Ordering, time::Duration};

use serde_json::json;
use tokio::{net::TcpStream, sync::mpsc, time};
use tracing::debug;
use zenoh::{Session, pubsub::Publisher};

use crate::{
    config::settings::Embedded,
    daemon::exit::{ExitCode, Failure},
    hub::counters::{Counter, Counters},
    mqtt::{
        Inlet, Outlet, Reporter, Request,
        clients::relay::{self, Doors},
        pair,
    },
    words::{inbound::Inbound, limits::Limits, message::Message},
};

/// The Zenoh key below which MQTT topics live.
pub const SCOPE: &str = "mqtt";
/// Retained messages are repeated this often for clients whose subscription nobody told us of.
const REPEAT: Duration = Duration::from_secs(300);
/// Messages the plugin holds for one client until its own task has sent them.
const CLIENT_QUEUE: usize = 1_024;
/// The plugin's own tasks carry messages to its clients; the last ones need this time.
const LAST_MESSAGES: Duration = Duration::from_millis(200);
/// The plugin opens its port some time after it is started.
const OPENING: Duration = Duration::from_secs(10);

/// The plugin's own configuration, behind these doors.
#[must_use]
pub fn plugin(settings: &Embedded, doors: &Doors) -> serde_json::Value {
    let mut config = json!({
        "port": doors.plugin.to_string(),
        "scope": SCOPE,
        "tx_channel_size": CLIENT_QUEUE,
    });
    if let Some(file) = &settings.users_file {
        config["auth"] = json!({ "dictionary_file": file });
    }
    config
}

/// Opens the port that clients connect to.
///
/// # Errors
/// In use, not allowed, or not an address of this machine.
pub fn open(listen: SocketAddr) -> Result<Doors, Failure> {
    Doors::open(listen).map_err(|error| refused(listen, &error))
}

fn refused(listen: SocketAddr, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::AddrInUse => Failure::new(
            ExitCode::Unavailable,
            format!(
                "MQTT port {} is in use, perhaps by a broker: point mqtt.url to it (mqtt://localhost:{}), or set mqtt.listen to another port",
                listen.port(),
                listen.port()
            ),
        ),
        io::ErrorKind::PermissionDenied => Failure::new(
            ExitCode::Permission,
            format!("not allowed to open MQTT port {}: set mqtt.listen to a port above 1023", listen.port()),
        ),
        _ => Failure::config(format!("mqtt.listen: cannot listen on {listen}: {error}")),
    }
}

/// Starts the outlet on a session beside the plugin.
///
/// # Errors
/// The plugin did not open its port.
pub async fn start(
    session: Session,
    doors: Doors,
    subscriptions: Vec<String>,
    limits: Limits,
    counters: Counters,
) -> Result<(Outlet, mpsc::Receiver<Inbound>), Failure> {
    wait_for_port(doors.plugin).await?;
    let (outlet, inlet, inbound) = pair(limits, counters);
    for topic in subscriptions {
        listen(&session, topic, inlet.reporter.clone()).await?;
    }
    relay::start(doors, inlet.reporter.clone()).map_err(|error| Failure::new(ExitCode::Internal, format!("MQTT: {error}")))?;
    inlet.shared.up.store(true, Ordering::Relaxed);
    let _ = inlet.reporter.report_surely(Inbound::Up).await;
    tokio::spawn(Plugin::new(session, inlet).run());
    Ok((outlet, inbound))
}

async fn wait_for_port(plugin: SocketAddr) -> Result<(), Failure> {
    let opening = async {
        while TcpStream::connect(plugin).await.is_err() {
            time::sleep(Duration::from_millis(20)).await;
        }
    };
    let late = |_| Failure::new(ExitCode::Unavailable, format!("the MQTT side did not open its port {plugin}; the log above says why"));
    time::timeout(OPENING, opening).await.map_err(late)
}

/// What MQTT clients publish on `topic` comes as [`Inbound::Message`].
async fn listen(session: &Session, topic: String, reporter: Reporter) -> Result<(), Failure> {
    let key = key(&topic);
    let forward = move |sample: zenoh::sample::Sample| {
        let payload = sample.payload().to_bytes().into_owned();
        reporter.report(Inbound::Message { topic: topic.clone(), payload });
    };
    session.declare_subscriber(key).callback(forward).background().await.map_err(internal)
}

fn key(topic: &str) -> String {
    format!("{SCOPE}/{topic}")
}

fn internal(error: zenoh::Error) -> Failure {
    Failure::new(ExitCode::Internal, format!("Zenoh: {error}"))
}

/// The task behind the outlet.
struct Plugin {
    session: Session,
    inlet: Inlet,
    /// One publisher for each retained topic: it knows when somebody subscribes.
    publishers: HashMap<String, Publisher<'static>>,
    /// Topics that somebody has subscribed to, by Zenoh's word.
    subscribed: mpsc::Sender<String>,
    subscriptions: mpsc::Receiver<String>,
}

impl Plugin {
    fn new(session: Session, inlet: Inlet) -> Self {
        let (subscribed, subscriptions) = mpsc::channel(inlet.shared.retained().topics_max());
        Self { session, inlet, publishers: HashMap::new(), subscribed, subscriptions }
    }

    async fn run(mut self) {
        let mut repeat = time::interval(REPEAT);
        loop {
            tokio::select! {
                order = self.inlet.orders.recv() => match order {
                    Some(Request::Publish(message)) => self.publish(message).await,
                    Some(Request::Close(_done)) => return time::sleep(LAST_MESSAGES).await,
                    None => return,
                },
                Some(topic) = self.subscriptions.recv() => self.repeat(&topic).await,
                _ = repeat.tick() => self.repeat_all().await,
            }
        }
    }

    async fn repeat(&mut self, topic: &str) {
        debug!("somebody subscribed to {topic}");
        let message = self.inlet.shared.retained().get(topic);
        if let Some(message) = message {
            self.publish(message).await;
        }
        // A client that subscribes to everything does so on each topic at once: that is one listener.
        if self.subscriptions.is_empty() {
            self.inlet.reporter.report(Inbound::Listener);
        }
    }

    async fn repeat_all(&mut self) {
        let retained = self.inlet.shared.retained().all();
        for message in retained.into_iter().filter(|message| !message.payload.is_empty()) {
            self.publish(message).await;
        }
        self.inlet.reporter.report(Inbound::Listener);
    }

    async fn publish(&mut self, message: Message) {
        self.inlet.shared.untold().handle_acknowledged(&message);
        let result = if message.retain {
            self.publish_retained(message).await
        } else {
            self.session.put(key(&message.topic), message.payload).await
        };
        if let Err(error) = result {
            self.inlet.reporter.report(Inbound::Refused(format!("cannot publish through the embedded MQTT side: {error}")));
        }
    }

    async fn publish_retained(&mut self, message: Message) -> zenoh::Result<()> {
        if !self.publishers.contains_key(&message.topic) {
            let publisher = self.declare(&message.topic).await?;
            self.publishers.insert(message.topic.clone(), publisher);
        }
        match self.publishers.get(&message.topic) {
            Some(publisher) => publisher.put(message.payload).await,
            None => Ok(()),
        }
    }

    async fn declare(&self, topic: &str) -> zenoh::Result<Publisher<'static>> {
        let publisher = self.session.declare_publisher(key(topic)).await?;
        let subscribed = self.subscribed.clone();
        let (topic, counters) = (topic.to_owned(), self.inlet.shared.counters.clone());
        // Not published from within the callback: it holds locks that publishing needs.
        let notify = move |status: zenoh::matching::MatchingStatus| {
            if status.matching() && subscribed.try_send(topic.clone()).is_err() {
                counters.count(Counter::InboundDropped);
            }
        };
        publisher.matching_listener().callback(notify).background().await?;
        Ok(publisher)
    }
}
