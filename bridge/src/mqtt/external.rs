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
    AsyncClient, Event as ClientEvent, EventLoop, LastWill, MqttOptions, Outgoing, Packet, QoS, SubAck, SubscribeReasonCode,
    TlsConfiguration, Transport,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout_at,
};
use tracing::{debug, info, warn};

use crate::{
    config::settings::External,
    hub::counters::{Counter, Counters},
    mqtt::{
        Inlet, Outlet, Reporter, Request, Shared,
        backoff::Backoff,
        echoes::{Denied, Echoes},
        pair,
        size_limit::{PACKET_BYTES_MAX, SizeLimit, size},
        trouble::Trouble,
        unacknowledged::{Unacknowledged, goes_again},
    },
    words::{inbound::Inbound, journal, language::Words, limits::Limits, message::Message},
};

const AGAIN: Words = Words::new("{}; trying again until it works", "{} ; nouvel essai jusqu'à ce que cela marche");
const CONNECTED: Words = Words::new("connected to the MQTT broker at {}", "reliée au broker MQTT à l'adresse {}");

const BREAKS: Words = Words::new(
    "not sent, too large for the broker: {} ({} bytes broke two connections); raise its max_packet_size",
    "non envoyé, trop grand pour le broker : {} ({} octets, deux connexions rompues) ; relever max_packet_size",
);
const TOO_LARGE: Words =
    Words::new("not sent, too large for the broker: {} ({} bytes)", "non envoyé, trop grand pour le broker : {} ({} octets)");
const WRITING_DENIED: Words = Words::new(
    "the broker's access list refuses what {} would publish on {}: nothing came back",
    "la liste d'accès du broker refuse ce que publierait {} sur {} : rien n'est revenu",
);
const READING_DENIED: Words = Words::new(
    "the broker's access list refuses the subscription of {} to {}",
    "la liste d'accès du broker refuse l'abonnement de {} à {}",
);
const ANYBODY: Words = Words::new("a client without a user", "un client sans utilisateur");
const USER: Words = Words::new("user {}", "l'utilisateur {}");

/// A connection that died in silence is noticed after one to two of these.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Messages in the client's own queue; ours is the one that counts.
const CLIENT_QUEUE: usize = 16;
/// Unacknowledged messages on the connection.
const IN_FLIGHT_MAX: u16 = 64;
/// A broker that answers pings, but acknowledges nothing for so long, takes nothing.
const UNACKNOWLEDGED_MAX: Duration = KEEP_ALIVE.saturating_mul(2);

/// How a connection ended.
enum End {
    /// On request, or because nobody is left to request anything.
    Closed,
    /// Otherwise.
    Broken(Trouble),
}

/// The task behind the outlet.
struct Broker {
    settings: External,
    will: Message,
    subscriptions: Vec<String>,
    /// Those of them where our own messages come back.
    echoed: Vec<String>,
    inlet: Inlet,
    limit: SizeLimit,
    /// What the last connection left, and goes out on the next one.
    unacknowledged: Vec<Message>,
    /// There was a connection before.
    was_connected: bool,
    /// Its drop tells `Outlet::close` that the task has ended.
    closed: Option<oneshot::Sender<()>>,
}

/// Connects, and keeps connecting. `will` is what the broker says when this bridge vanishes; `subscriptions` come as [`Inbound::Message`];
/// on those that are `echoed` the bridge itself publishes, and must hear itself.
pub fn start(
    settings: External,
    will: Message,
    subscriptions: Vec<String>,
    echoed: Vec<String>,
    limits: Limits,
    counters: Counters,
) -> (Outlet, mpsc::Receiver<Inbound>) {
    let (outlet, inlet, inbound) = pair(limits, counters);
    let broker = Broker {
        settings,
        will,
        subscriptions,
        echoed,
        inlet,
        limit: SizeLimit::default(),
        unacknowledged: Vec::new(),
        was_connected: false,
        closed: None,
    };
    tokio::spawn(broker.run());
    (outlet, inbound)
}

impl Broker {
    async fn run(mut self) {
        let mut told: Option<String> = None;
        let mut is_down_told = false;
        let mut backoff = Backoff::default();
        loop {
            let began = Instant::now();
            let (end, connected) = self.connection(backoff.quiet()).await;
            self.inlet.shared.up.store(false, Ordering::Relaxed);
            let End::Broken(mut trouble) = end else { return };
            if connected {
                is_down_told = false;
                let is_unexplained = trouble.is_closed && !self.limit.suspects();
                if backoff.handle_connected(began.elapsed(), is_unexplained) {
                    trouble = Trouble::displaced(&self.settings, journal::language());
                } else {
                    told = None;
                }
            } else {
                backoff.handle_not_connected();
            }
            if told.as_deref() != Some(&trouble.message) {
                warn!("{}", journal::say(AGAIN, &[&trouble.message]));
            }
            if !is_down_told && !self.inlet.reporter.report_surely(Inbound::Down(trouble.message.clone())).await {
                return;
            }
            (told, is_down_told) = (Some(trouble.message), true);
            tokio::time::sleep(backoff.handle_failure(trouble.lasting, RandomState::new().build_hasher().finish())).await;
        }
    }

    /// One connection from beginning to end; also tells whether there was one. That it stands is said at once, or `after` some time.
    async fn connection(&mut self, after: Duration) -> (End, bool) {
        let (client, mut connection) = AsyncClient::new(self.options(), CLIENT_QUEUE);
        // The first event tells that the broker has accepted the connection.
        if let Err(error) = connection.poll().await {
            debug!("MQTT: {error}");
            return (End::Broken(Trouble::new(&error, &self.settings, journal::language())), false);
        }
        let url = self.settings.url.clone();
        let stands = async {
            tokio::time::sleep(after).await;
            info!("{}", journal::say(CONNECTED, &[&url]));
            std::future::pending().await
        };
        if std::mem::replace(&mut self.was_connected, true) {
            self.inlet.shared.counters.count(Counter::BrokerReconnections);
        }
        let unacknowledged = Mutex::new(Unacknowledged::default());
        let mut listener = Listener {
            settings: self.settings.clone(),
            echoes: Echoes::new(&self.subscriptions, &self.echoed),
            shared: self.inlet.shared.clone(),
            reporter: self.inlet.reporter.clone(),
        };
        let end = tokio::select! {
            biased;
            end = stands => end,
            trouble = listener.listen(&mut connection, &unacknowledged) => End::Broken(trouble),
            end = self.feed(client, &unacknowledged) => end,
        };
        if matches!(end, End::Closed) {
            // What was ordered before still has to go out; then the broker closes the connection.
            while connection.poll().await.is_ok() {}
        }
        let unacknowledged = unacknowledged.into_inner().unwrap_or_else(PoisonError::into_inner);
        if matches!(&end, End::Broken(trouble) if trouble.is_closed) {
            self.handle_closed(&unacknowledged);
        }
        self.unacknowledged.extend(unacknowledged.into_messages());
        (end, true)
    }

    /// The broker closed the connection, perhaps over one of these messages.
    fn handle_closed(&mut self, unacknowledged: &Unacknowledged) {
        if let Some(culprit) = self.limit.handle_broken(unacknowledged.all(), Instant::now()) {
            let text = journal::say(BREAKS, &[&culprit.topic, &size(culprit)]);
            self.inlet.reporter.report(Inbound::Refused(text.to_string()));
        }
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
                    self.send(&client, unacknowledged, message).await;
                }
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
                Request::Close(done) => return Some(done),
            }
        }
        let given_up = self.inlet.shared.untold().give_up();
        // What is retained from here on finds its way: it is in the queue, or among what is sent next.
        self.inlet.shared.up.store(true, Ordering::Relaxed);
        if !given_up.is_empty() {
            let _ = self.inlet.reporter.report_surely(Inbound::GivenUp(given_up)).await;
        }
        None
    }

    async fn send_retained(&self, client: &AsyncClient, unacknowledged: &Mutex<Unacknowledged>) {
        let retained = self.inlet.shared.retained().take_all();
        for message in retained {
            self.send(client, unacknowledged, message).await;
        }
    }

    /// Gives the client one message. If the connection has broken meanwhile, it stays among the unacknowledged. One that the broker does
    /// not take is dropped, so that it costs no other.
    async fn send(&self, client: &AsyncClient, unacknowledged: &Mutex<Unacknowledged>, message: Message) {
        if !self.limit.takes(&message, Instant::now()) {
            return self.drop_message(&message);
        }
        lock(unacknowledged, |unacknowledged| unacknowledged.handle_queued(message.clone()));
        publish(client, message).await;
    }

    fn drop_message(&self, message: &Message) {
        self.inlet.shared.counters.count(Counter::MessagesTooLarge);
        self.inlet.shared.untold().handle_acknowledged(message);
        let text = journal::say(TOO_LARGE, &[&message.topic, &size(message)]);
        self.inlet.reporter.report(Inbound::Refused(text.to_string()));
    }

    fn options(&self) -> MqttOptions {
        let mut options = options(&self.settings, &self.settings.client_id);
        options.set_last_will(LastWill::new(&self.will.topic, self.will.payload.clone(), QoS::AtLeastOnce, true));
        options
    }
}

/// How to connect to a broker under this name.
pub(crate) fn options(settings: &External, client_id: &str) -> MqttOptions {
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
    if let Some(tls) = &settings.tls {
        options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(tls.config.clone())));
    }
    options
}

async fn publish(client: &AsyncClient, message: Message) {
    let sent = client.publish(message.topic, QoS::AtLeastOnce, message.retain, message.payload).await;
    if sent.is_err() {
        // The other half of the connection reports why.
        std::future::pending::<()>().await;
    }
}

/// The half of a connection that takes what it brings.
struct Listener {
    settings: External,
    echoes: Echoes,
    shared: Arc<Shared>,
    reporter: Reporter,
}

impl Listener {
    /// Takes what the connection brings until it breaks.
    async fn listen(&mut self, connection: &mut EventLoop, unacknowledged: &Mutex<Unacknowledged>) -> Trouble {
        loop {
            let acknowledged_by = lock(unacknowledged, |unacknowledged| unacknowledged.oldest()).map(|sent| sent + UNACKNOWLEDGED_MAX);
            let deadline = acknowledged_by.into_iter().chain(self.echoes.poll_timeout()).min();
            let event = match deadline {
                Some(deadline) => timeout_at(deadline.into(), connection.poll()).await.ok(),
                None => Some(connection.poll().await),
            };
            let now = Instant::now();
            match event {
                Some(Ok(event)) => self.handle_event(event, unacknowledged, now),
                Some(Err(error)) => {
                    debug!("MQTT: {error}");
                    return Trouble::new(&error, &self.settings, journal::language());
                }
                None if acknowledged_by.is_some_and(|at| at <= now) => {
                    return Trouble::unacknowledged(UNACKNOWLEDGED_MAX, &self.settings, journal::language());
                }
                None => {}
            }
            while let Some(denied) = self.echoes.poll_denied(now) {
                self.report(denied);
            }
        }
    }

    fn handle_event(&mut self, event: ClientEvent, unacknowledged: &Mutex<Unacknowledged>, now: Instant) {
        match event {
            ClientEvent::Outgoing(Outgoing::Publish(packet)) => {
                lock(unacknowledged, |unacknowledged| unacknowledged.handle_sent(packet, now));
            }
            ClientEvent::Outgoing(Outgoing::Subscribe(packet)) => self.echoes.handle_subscribed(packet),
            ClientEvent::Incoming(Packet::SubAck(SubAck { pkid, return_codes })) => {
                let is_taken = !return_codes.contains(&SubscribeReasonCode::Failure);
                let denied = self.echoes.handle_subscription_answer(pkid, is_taken);
                denied.into_iter().for_each(|denied| self.report(denied));
            }
            ClientEvent::Incoming(Packet::PubAck(ack)) => {
                let message = lock(unacknowledged, |unacknowledged| unacknowledged.handle_acknowledged(ack.pkid));
                if let Some(message) = message {
                    self.shared.untold().handle_acknowledged(&message);
                    self.echoes.handle_acknowledged(&message.topic, now);
                }
            }
            ClientEvent::Incoming(Packet::Publish(message)) => {
                // What the broker had kept comes first, and is no echo.
                if !message.retain {
                    self.echoes.handle_echo(&message.topic);
                }
                self.reporter.report(Inbound::Message { topic: message.topic, payload: message.payload.to_vec() });
            }
            _ => {}
        }
    }

    /// Says what the broker's access list refuses.
    fn report(&self, denied: Denied) {
        let who = match &self.settings.login {
            Some(login) => journal::say(USER, &[&login.user]),
            None => journal::say(ANYBODY, &[]),
        };
        let text = match denied {
            Denied::Reading(topic) => journal::say(READING_DENIED, &[&who, &topic]),
            Denied::Writing(topic) => journal::say(WRITING_DENIED, &[&who, &topic]),
        };
        self.reporter.report(Inbound::Refused(text.to_string()));
    }
}

fn lock<T>(unacknowledged: &Mutex<Unacknowledged>, change: impl FnOnce(&mut Unacknowledged) -> T) -> T {
    change(&mut unacknowledged.lock().unwrap_or_else(PoisonError::into_inner))
}
