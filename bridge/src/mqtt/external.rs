//! A client of the user's broker: MQTT 3.1.1, a last will, everything acknowledged.
//!
//! Each connection gets a fresh client: `rumqttc` keeps state across connections that is meant for persistent sessions and can block
//! after one was lost. What the broker had not acknowledged is kept here instead and goes out first on the next connection.
//!
//! Every message is sent with QoS 1, live ones too: the acknowledgement is how a broken connection is told from a good one.

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::Duration,
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
    mqtt::{Inlet, Order, Outlet, pair, trouble::Trouble, unacknowledged::Flight},
    words::{inbound::Inbound, message::Message},
};

/// A connection that died in silence is noticed after one to two of these.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Messages in the client's own queue; ours is the one that counts.
const CLIENT_QUEUE: usize = 16;
/// Unacknowledged messages on the connection.
const IN_FLIGHT_MAX: u16 = 64;
/// Largest packet either way: a device announcement of a three-phase meter has some 40 kB.
const PACKET_BYTES_MAX: usize = 1 << 20;

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
    /// Unacknowledged when the last connection broke.
    unacknowledged: Vec<Message>,
    /// Dropped with the task: the one who asked for the end waits for it.
    closed: Option<oneshot::Sender<()>>,
}

/// Connects, and keeps connecting. `will` is what the broker says when this bridge vanishes; `subscriptions` come as [`Inbound::Message`].
///
/// # Errors
/// Only what no retry can mend: certificates that cannot be used.
pub fn start(settings: External, will: Message, subscriptions: Vec<String>) -> Result<(Outlet, mpsc::Receiver<Inbound>), Failure> {
    let tls = settings
        .url
        .tls
        .then(|| tls::client(settings.authorities.as_deref(), "set mqtt.ca-file"))
        .transpose()
        .map_err(|problem| Failure::config(format!("mqtt.ca-file: {problem}")))?;
    let (outlet, inlet, events) = pair();
    let broker = Broker { settings, tls, will, subscriptions, inlet, unacknowledged: Vec::new(), closed: None };
    tokio::spawn(broker.run());
    Ok((outlet, events))
}

impl Broker {
    async fn run(mut self) {
        let mut told: Option<String> = None;
        let mut failures = 0;
        loop {
            let (end, connected) = self.connection().await;
            self.inlet.shared.up.store(false, Ordering::Relaxed);
            let End::Broken(error) = end else { return };
            let trouble = Trouble::new(&error, &self.settings);
            debug!("MQTT: {error}");
            if connected {
                (told, failures) = (None, 0);
            }
            if told.as_deref() != Some(&trouble.message) {
                warn!("{}; trying again until it works", trouble.message);
            }
            if told.is_none() && self.inlet.events.send(Inbound::Down(trouble.message.clone())).await.is_err() {
                return;
            }
            told = Some(trouble.message.clone());
            tokio::time::sleep(trouble.wait(failures)).await;
            failures += 1;
        }
    }

    /// One connection from beginning to end; also tells whether there was one.
    async fn connection(&mut self) -> (End, bool) {
        let (client, mut connection) = AsyncClient::new(self.options(), CLIENT_QUEUE);
        // The first event is the broker's yes.
        if let Err(error) = connection.poll().await {
            return (End::Broken(error), false);
        }
        info!("connected to the MQTT broker at {}", self.settings.url);
        let flight = Mutex::new(Flight::default());
        let events = self.inlet.events.clone();
        let end = tokio::select! {
            error = listen(&mut connection, &flight, &events) => End::Broken(error),
            end = self.feed(client, &flight) => end,
        };
        if matches!(end, End::Closed) {
            // What was ordered before still has to go out; then the broker hangs up.
            while connection.poll().await.is_ok() {}
        }
        let flight = flight.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.unacknowledged = flight.survivors();
        (end, true)
    }

    /// Gives the client what is to be sent: what the last connection left, what is retained, then orders as they come.
    async fn feed(&mut self, client: AsyncClient, flight: &Mutex<Flight>) -> End {
        for topic in &self.subscriptions {
            if client.subscribe(topic, QoS::AtLeastOnce).await.is_err() {
                return std::future::pending().await;
            }
        }
        let unacknowledged = std::mem::take(&mut self.unacknowledged);
        board(flight, |flight| unacknowledged.iter().cloned().for_each(|message| flight.board(message)));
        for message in unacknowledged {
            publish(&client, message).await;
        }
        self.send_retained(&client, flight).await;
        self.inlet.shared.up.store(true, Ordering::Relaxed);
        let _ = self.inlet.events.send(Inbound::Up).await;
        while let Some(order) = self.inlet.orders.recv().await {
            match order {
                Order::Publish(message) => {
                    let message = self.inlet.shared.retained().newest(message);
                    send(&client, flight, message).await;
                }
                Order::Refresh => self.send_retained(&client, flight).await,
                Order::Close(done) => {
                    let _ = client.disconnect().await;
                    self.closed = Some(done);
                    return End::Closed;
                }
            }
        }
        End::Closed
    }

    async fn send_retained(&self, client: &AsyncClient, flight: &Mutex<Flight>) {
        let retained = self.inlet.shared.retained().all();
        for message in retained {
            send(client, flight, message).await;
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

/// Gives the client one message. If the connection has broken meanwhile, it stays on board.
async fn send(client: &AsyncClient, flight: &Mutex<Flight>, message: Message) {
    board(flight, |flight| flight.board(message.clone()));
    publish(client, message).await;
}

async fn publish(client: &AsyncClient, message: Message) {
    let sent = client.publish(message.topic, QoS::AtLeastOnce, message.retain, message.payload).await;
    if sent.is_err() {
        // The other half of the connection reports why.
        std::future::pending::<()>().await;
    }
}

/// Turns the connection until it breaks.
async fn listen(connection: &mut EventLoop, flight: &Mutex<Flight>, events: &mpsc::Sender<Inbound>) -> ConnectionError {
    loop {
        match connection.poll().await {
            Ok(ClientEvent::Outgoing(Outgoing::Publish(packet))) => board(flight, |flight| flight.take_off(packet)),
            Ok(ClientEvent::Incoming(Packet::PubAck(ack))) => board(flight, |flight| flight.land(ack.pkid)),
            Ok(ClientEvent::Incoming(Packet::Publish(message))) => {
                let inbound = Inbound::Message { topic: message.topic, payload: message.payload.to_vec() };
                // Nobody must be able to stop the bridge by talking to it.
                let _ = events.try_send(inbound);
            }
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}

fn board(flight: &Mutex<Flight>, action: impl FnOnce(&mut Flight)) {
    action(&mut flight.lock().unwrap_or_else(PoisonError::into_inner));
}
