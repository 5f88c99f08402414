//! A client of the user's broker: MQTT 3.1.1, a last will, everything acknowledged.
//!
//! Each connection gets a fresh client. `rumqttc` 0.25.1 keeps state across connections that is meant for persistent sessions: with clean
//! sessions a client can be blocked for ever after a connection was lost (bytebeamio/rumqtt issues 1014 and 1056, open). What the broker
//! had not acknowledged is known here instead (`unacknowledged.rs`).
//!
//! Every message is sent with QoS 1, live ones too: the acknowledgement is how a broken connection is told from a good one.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};

use rumqttc::{
    AsyncClient, ConnectionError, Event as ClientEvent, EventLoop, LastWill, MqttOptions, Outgoing, Packet, QoS, TlsConfiguration,
    Transport,
};
use rustls::ClientConfig;
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, info, warn};

use crate::{
    config::settings::External,
    daemon::{exit::Failure, tls},
    hub::counters::{Counter, Counters},
    mqtt::{
        Inlet, Outlet, Reporter, Request, Shared,
        backoff::Backoff,
        pair,
        trouble::Trouble,
        unacknowledged::{Unacknowledged, goes_again},
    },
    words::{inbound::Inbound, journal, language::Words, message::Message},
};

const AGAIN: Words = Words::new("{}; trying again until it works", "{} ; nouvel essai jusqu'à ce que cela marche");
const SAME_NAME: Words = Words::new(
    "the MQTT broker at {} takes this bridge in and ends the connection at once, each time: is another bridge connected as {}? Set mqtt.client-id in one of them",
    "le broker MQTT à l'adresse {} accepte cette passerelle et coupe aussitôt, chaque fois : une autre est-elle reliée sous le nom {} ? Réglez \
     mqtt.client-id dans l'une des deux",
);
const CONNECTED: Words = Words::new("connected to the MQTT broker at {}", "reliée au broker MQTT à l'adresse {}");

/// A connection that died in silence is noticed after one to two of these.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Messages in the client's own queue; ours is the one that counts.
const CLIENT_QUEUE: usize = 16;
/// Unacknowledged messages on the connection.
const IN_FLIGHT_MAX: u16 = 64;
/// Largest packet either way: a device announcement of a three-phase meter has some 40 kB.
const PACKET_BYTES_MAX: usize = 1 << 20;

/// A connection that ends before this time was ended on purpose, if that happens again and again: a broker ends that of a client whose name
/// comes a second time.
const SHORT: Duration = Duration::from_secs(10);
/// So many short connections in a row are no accident.
const SHORT_MAX: u32 = 3;

/// How a connection ended.
enum End {
    /// On request, or because nobody is left to request anything.
    Closed,
    /// Otherwise.
    Broken(ConnectionError),
}

/// The task behind the outlet.
struct Broker {
    settings: External,
    tls: Option<Arc<ClientConfig>>,
    will: Message,
    subscriptions: Vec<String>,
    inlet: Inlet,
    /// What the last connection left, and goes out on the next one.
    unacknowledged: Vec<Message>,
    /// There was a connection before.
    was_connected: bool,
    /// Connections in a row that were short.
    short: u32,
    /// Its drop tells `Outlet::close` that the task has ended.
    closed: Option<oneshot::Sender<()>>,
}

/// Connects, and keeps connecting. `will` is what the broker says when this bridge vanishes; `subscriptions` come as [`Inbound::Message`].
///
/// # Errors
/// Only what no retry can mend: certificates that cannot be used.
pub fn start(
    settings: External,
    will: Message,
    subscriptions: Vec<String>,
    counters: Counters,
) -> Result<(Outlet, mpsc::Receiver<Inbound>), Failure> {
    let tls = settings
        .url
        .tls
        .then(|| tls::client(settings.authorities.as_deref(), "set mqtt.ca-file"))
        .transpose()
        .map_err(|problem| Failure::config(format!("mqtt.ca-file: {problem}")))?;
    let (outlet, inlet, inbound) = pair(counters);
    let broker =
        Broker { settings, tls, will, subscriptions, inlet, unacknowledged: Vec::new(), was_connected: false, short: 0, closed: None };
    tokio::spawn(broker.run());
    Ok((outlet, inbound))
}

impl Broker {
    async fn run(mut self) {
        let mut told: Option<String> = None;
        let mut backoff = Backoff::default();
        loop {
            let began = Instant::now();
            let (end, connected) = self.connection().await;
            self.inlet.shared.up.store(false, Ordering::Relaxed);
            let End::Broken(error) = end else { return };
            let mut trouble = Trouble::new(&error, &self.settings, journal::language());
            debug!("MQTT: {error}");
            if connected {
                self.short = if began.elapsed() < SHORT { self.short + 1 } else { 0 };
            }
            if self.is_thrown_out() {
                trouble.message = journal::say(SAME_NAME, &[&self.settings.url, &self.settings.client_id]).to_string();
                trouble.lasting = true;
            } else if connected {
                told = None;
                backoff.handle_connected();
            }
            if told.as_deref() != Some(&trouble.message) {
                warn!("{}", journal::say(AGAIN, &[&trouble.message]));
            }
            if (connected || told.is_none()) && !self.inlet.reporter.report_surely(Inbound::Down(trouble.message.clone())).await {
                return;
            }
            told = Some(trouble.message);
            tokio::time::sleep(backoff.handle_failure(trouble.lasting, RandomState::new().build_hasher().finish())).await;
        }
    }

    /// The broker ends each connection as soon as it stands.
    const fn is_thrown_out(&self) -> bool {
        self.short >= SHORT_MAX
    }

    /// One connection from beginning to end; also tells whether there was one.
    async fn connection(&mut self) -> (End, bool) {
        let (client, mut connection) = AsyncClient::new(self.options(), CLIENT_QUEUE);
        // The first event tells that the broker has accepted the connection.
        if let Err(error) = connection.poll().await {
            return (End::Broken(error), false);
        }
        if !self.is_thrown_out() {
            info!("{}", journal::say(CONNECTED, &[&self.settings.url]));
        }
        if std::mem::replace(&mut self.was_connected, true) {
            self.inlet.shared.counters.count(Counter::BrokerReconnections);
        }
        let unacknowledged = Mutex::new(Unacknowledged::default());
        let (reporter, shared) = (self.inlet.reporter.clone(), self.inlet.shared.clone());
        let (was_thrown_out, url) = (self.is_thrown_out(), self.settings.url.clone());
        let stands = async {
            tokio::time::sleep(SHORT).await;
            if was_thrown_out {
                info!("{}", journal::say(CONNECTED, &[&url]));
            }
            std::future::pending().await
        };
        let end = tokio::select! {
            error = listen(&mut connection, &unacknowledged, &shared, &reporter) => End::Broken(error),
            end = self.feed(client, &unacknowledged) => end,
            end = stands => end,
        };
        if matches!(end, End::Closed) {
            // What was ordered before still has to go out; then the broker closes the connection.
            while connection.poll().await.is_ok() {}
        }
        let unacknowledged = unacknowledged.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.unacknowledged.extend(unacknowledged.into_messages());
        (end, true)
    }

    /// Gives the client what is to be sent: what the last connection left, what is retained, then orders as they come. What tells of a
    /// sample was given up before.
    async fn feed(&mut self, client: AsyncClient, unacknowledged: &Mutex<Unacknowledged>) -> End {
        for topic in &self.subscriptions {
            if client.subscribe(topic, QoS::AtLeastOnce).await.is_err() {
                return std::future::pending().await;
            }
        }
        if let Some(closed) = self.give_up().await {
            self.closed = Some(closed);
            return End::Closed;
        }
        let messages = std::mem::take(&mut self.unacknowledged);
        // All of them are noted first: if this connection breaks too, none is forgotten.
        lock(unacknowledged, |unacknowledged| messages.iter().cloned().for_each(|message| unacknowledged.handle_queued(message)));
        for message in messages {
            publish(&client, message).await;
        }
        self.send_retained(&client, unacknowledged).await;
        let _ = self.inlet.reporter.report_surely(Inbound::Up).await;
        while let Some(order) = self.inlet.orders.recv().await {
            match order {
                Request::Publish(message) => {
                    let message = self.inlet.shared.retained().newest(message);
                    send(&client, unacknowledged, message).await;
                }
                Request::Repeat => self.send_retained(&client, unacknowledged).await,
                Request::Close(done) => {
                    let _ = client.disconnect().await;
                    self.closed = Some(done);
                    return End::Closed;
                }
            }
        }
        End::Closed
    }

    /// What waits since the last connection is of the past by now, and given up, but for events that go again. From here on messages are
    /// taken; the hub takes no sample before it is told that the broker is there. Returns the sender of a request to close.
    async fn give_up(&mut self) -> Option<oneshot::Sender<()>> {
        while let Ok(order) = self.inlet.orders.try_recv() {
            match order {
                Request::Publish(message) => self.unacknowledged.extend(Some(message).filter(goes_again)),
                Request::Repeat => {}
                Request::Close(done) => return Some(done),
            }
        }
        let given_up = self.inlet.shared.untold().take();
        // What is retained from here on finds its way: it is in the queue, or among what is sent next.
        self.inlet.shared.up.store(true, Ordering::Relaxed);
        if !given_up.is_empty() {
            let _ = self.inlet.reporter.report_surely(Inbound::GivenUp(given_up)).await;
        }
        None
    }

    async fn send_retained(&self, client: &AsyncClient, unacknowledged: &Mutex<Unacknowledged>) {
        let retained = self.inlet.shared.retained().all();
        for message in retained {
            send(client, unacknowledged, message).await;
        }
    }

    fn options(&self) -> MqttOptions {
        let mut options = options(&self.settings, &self.settings.client_id, self.tls.clone());
        options.set_last_will(LastWill::new(&self.will.topic, self.will.payload.clone(), QoS::AtLeastOnce, true));
        options
    }
}

/// How to connect to a broker under this name.
pub(crate) fn options(settings: &External, client_id: &str, tls: Option<Arc<ClientConfig>>) -> MqttOptions {
    let host = match settings.url.host.as_str() {
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    let mut options = MqttOptions::new(client_id, host, settings.url.port);
    options
        .set_keep_alive(KEEP_ALIVE)
        .set_clean_session(true)
        .set_inflight(IN_FLIGHT_MAX)
        .set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
    if let Some(login) = &settings.login {
        options.set_credentials(&login.user, login.password.reveal());
    }
    if let Some(tls) = tls {
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls)));
    }
    options
}

/// Gives the client one message. If the connection has broken meanwhile, it stays among the unacknowledged.
async fn send(client: &AsyncClient, unacknowledged: &Mutex<Unacknowledged>, message: Message) {
    lock(unacknowledged, |unacknowledged| unacknowledged.handle_queued(message.clone()));
    publish(client, message).await;
}

async fn publish(client: &AsyncClient, message: Message) {
    let sent = client.publish(message.topic, QoS::AtLeastOnce, message.retain, message.payload).await;
    if sent.is_err() {
        // The other half of the connection reports why.
        std::future::pending::<()>().await;
    }
}

/// Takes what the connection brings until it breaks.
async fn listen(
    connection: &mut EventLoop,
    unacknowledged: &Mutex<Unacknowledged>,
    shared: &Shared,
    reporter: &Reporter,
) -> ConnectionError {
    loop {
        match connection.poll().await {
            Ok(ClientEvent::Outgoing(Outgoing::Publish(packet))) => {
                lock(unacknowledged, |unacknowledged| unacknowledged.handle_sent(packet));
            }
            Ok(ClientEvent::Incoming(Packet::PubAck(ack))) => {
                let message = lock(unacknowledged, |unacknowledged| unacknowledged.handle_acknowledged(ack.pkid));
                message.iter().for_each(|message| shared.untold().handle_acknowledged(message));
            }
            Ok(ClientEvent::Incoming(Packet::Publish(message))) => {
                reporter.report(Inbound::Message { topic: message.topic, payload: message.payload.to_vec() });
            }
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

fn lock<T>(unacknowledged: &Mutex<Unacknowledged>, change: impl FnOnce(&mut Unacknowledged) -> T) -> T {
    change(&mut unacknowledged.lock().unwrap_or_else(PoisonError::into_inner))
}
