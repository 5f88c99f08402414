//! The ways into the Zenoh network: the bridge's own node if that is a router, and a client session to each router that it is a guest of, or that
//! another member of its group is.
//!
//! A session has one router: so what is told to a reader goes to the router that has it, and no router hears of the readers of another. Members are clients of routers, never routers that are linked: two linked routers, one of which hung, may come back and know only half of
//! each other. Each link is a task that tries again by itself. A member that joins anew ends its links and begins them with another identity.

use std::time::Duration;

use teleinfo_proto::wire::keys;
use tokio::{
    sync::{mpsc, watch},
    task,
    time::{sleep, timeout},
};
use tracing::debug;
use zenoh::{
    Config, Session, Wait,
    config::EndPoint,
    liveliness::LivelinessToken,
    qos::{CongestionControl, Priority},
    sample::{Sample, SampleKind},
};

use crate::{
    config::settings::Login,
    group::{
        member::Member,
        message::{self, Way},
    },
    zenoh::{
        arrivals::Ear,
        network::{Network, OWN},
        node::MESSAGE_BYTES_MAX,
    },
};

/// A link that does not come about is tried again after this time.
const AGAIN: Duration = Duration::from_secs(1);
/// Time that a link may take to come about.
const PATIENCE: Duration = Duration::from_secs(5);
/// Time that ending a link may take.
const CLOSE: Duration = Duration::from_secs(2);
/// What comes from other bridges and waits for the main loop.
const WAITING_MAX: usize = 4_096;
/// What goes to them and waits for the network.
const OUT_MAX: usize = 1_024;
/// The same of what is for somebody who looks at a page.
const BEHIND_MAX: usize = 512;
/// What comes from other bridges.
#[derive(Debug)]
pub enum Neighbour {
    /// A token is seen by this link, or no longer is.
    Token(usize, String, bool),
    /// A message under a key of the group.
    Message(String, Vec<u8>),
    /// A link has ended.
    Closed(usize),
}

/// How a link is made.
#[derive(Debug, Clone)]
pub struct Address {
    /// The router that it leads to.
    pub endpoint: EndPoint,
    /// Whom to connect as.
    pub login: Option<Login>,
    /// The time after which Zenoh drops who is silent.
    pub lease_ms: u32,
}

/// All links of this bridge, and the way out to other bridges.
#[derive(Debug)]
pub struct Links {
    out: mpsc::Sender<(String, Vec<u8>)>,
    behind: mpsc::Sender<(Way, String, Vec<u8>)>,
    run: watch::Sender<u64>,
}

/// What each link does once it stands.
#[derive(Debug, Clone)]
struct Listening {
    network: Network,
    ear: Ear,
    neighbours: mpsc::Sender<Neighbour>,
    group: String,
    name: String,
    run: watch::Receiver<u64>,
}

impl Links {
    /// Makes a link to each of these addresses, and says by each, and by the bridge's own node if that is part of the network, that this bridge
    /// is there.
    pub fn start(network: &Network, addresses: Vec<Address>, ear: &Ear, group: &str, member: &Member) -> (Self, mpsc::Receiver<Neighbour>) {
        let (neighbours, of_neighbours) = mpsc::channel(WAITING_MAX);
        let (out, to_send) = mpsc::channel(OUT_MAX);
        let (behind, to_send_behind) = mpsc::channel(BEHIND_MAX);
        let (run, runs) = watch::channel(member.run);
        let links =
            Listening { network: network.clone(), ear: ear.clone(), neighbours, group: group.into(), name: member.name.clone(), run: runs };
        if let Some(session) = network.session(OWN) {
            tokio::spawn(links.clone().stay(session));
        }
        for (number, address) in (OWN + 1..).zip(addresses) {
            tokio::spawn(links.clone().keep(number, address));
        }
        tokio::spawn(send(network.clone(), to_send));
        let of_pages = network.clone();
        task::spawn_blocking(move || send_behind(&of_pages, to_send_behind));
        (Self { out, behind, run }, of_neighbours)
    }

    /// Tells the other bridges something. What finds no room is dropped: it is said again, or asked for.
    pub fn tell(&self, way: Way, key: String, message: Vec<u8>) -> bool {
        match way {
            Way::First => self.out.try_send((key, message)).is_ok(),
            Way::Behind | Way::Dropped => self.behind.try_send((way, key, message)).is_ok(),
        }
    }

    /// Leaves the network and joins it anew as this run.
    pub fn rejoin(&self, run: u64) {
        self.run.send_replace(run);
    }
}

/// Sends by all links what the other bridges are to hear, in its order.
async fn send(network: Network, mut to_send: mpsc::Receiver<(String, Vec<u8>)>) {
    while let Some((key, message)) = to_send.recv().await {
        for session in network.sessions() {
            let put = session.put(&key, message.clone()).congestion_control(CongestionControl::Block);
            if let Err(error) = put.await {
                debug!("{key}: {error}");
            }
        }
    }
}

/// Sends what is for somebody who looks at a page. It may wait for a member that hangs, so it has a thread of its own; what the group works by goes past it.
fn send_behind(network: &Network, mut to_send: mpsc::Receiver<(Way, String, Vec<u8>)>) {
    while let Some((way, key, message)) = to_send.blocking_recv() {
        let congestion = if way == Way::Dropped { CongestionControl::Drop } else { CongestionControl::Block };
        for session in network.sessions() {
            let put = session.put(&key, message.clone()).congestion_control(congestion).priority(Priority::DataLow);
            if let Err(error) = put.wait() {
                debug!("{key}: {error}");
            }
        }
    }
}

impl Listening {
    /// The bridge's own node: it is never ended, but its token is that of the run.
    async fn stay(mut self, session: Session) {
        if let Err(error) = self.hear_bridges(OWN, &session).await {
            return debug!("group: {error}");
        }
        loop {
            let token = self.declare(&session).await;
            if self.run.changed().await.is_err() {
                return;
            }
            drop(token);
        }
    }

    /// A link to a router, again and again.
    async fn keep(mut self, number: usize, address: Address) {
        loop {
            match timeout(PATIENCE, open(&address)).await {
                Ok(Ok(session)) => {
                    let is_ended = self.live(number, session).await;
                    if is_ended {
                        return;
                    }
                }
                Ok(Err(error)) => debug!("{}: {error}", address.endpoint),
                Err(_) => debug!("{}: no answer", address.endpoint),
            }
            sleep(AGAIN).await;
        }
    }

    /// As long as a link stands, and this run lasts. Returns whether the bridge has ended.
    async fn live(&mut self, number: usize, session: Session) -> bool {
        self.run.mark_unchanged();
        let token = match self.listen(number, &session).await {
            Ok(()) => self.declare(&session).await,
            Err(error) => {
                debug!("group: {error}");
                None
            }
        };
        let mut is_ended = false;
        if token.is_some() {
            self.network.handle_opened(number, session.clone());
            is_ended = self.run.changed().await.is_err();
            self.network.handle_closed(number);
        }
        drop(token);
        let _ = timeout(CLOSE, session.close()).await;
        self.ear.handle_closed(number);
        let _ = self.neighbours.send(Neighbour::Closed(number)).await;
        is_ended
    }

    async fn listen(&self, number: usize, session: &Session) -> zenoh::Result<()> {
        self.ear.listen(number, session).await?;
        self.hear_bridges(number, session).await
    }

    async fn hear_bridges(&self, number: usize, session: &Session) -> zenoh::Result<()> {
        let neighbours = self.neighbours.clone();
        let token = move |sample: Sample| {
            let seen = Neighbour::Token(number, sample.key_expr().to_string(), sample.kind() == SampleKind::Put);
            let _ = neighbours.try_send(seen);
        };
        session.liveliness().declare_subscriber(keys::BRIDGES).history(true).callback(token).background().await?;
        let Some(key) = keys::bridges(&self.group).filter(|_| self.group != keys::NO_GROUP) else { return Ok(()) };
        let neighbours = self.neighbours.clone();
        let take = move |sample: Sample| {
            if sample.payload().len() <= message::BYTES_MAX + 64 {
                let _ = neighbours.try_send(Neighbour::Message(sample.key_expr().to_string(), sample.payload().to_bytes().into_owned()));
            }
        };
        session.declare_subscriber(&*key).callback(take).background().await
    }

    async fn declare(&self, session: &Session) -> Option<LivelinessToken> {
        let run = *self.run.borrow();
        let key = keys::bridge_token(&self.group, &self.name, run)?;
        session.liveliness().declare_token(key.to_string()).await.inspect_err(|error| debug!("group: {error}")).ok()
    }
}

async fn open(address: &Address) -> zenoh::Result<Session> {
    let mut config = Config::default();
    let mut set = |key: &str, value: serde_json::Value| config.insert_json5(key, &value.to_string());
    set("mode", "client".into())?;
    set("connect/endpoints", vec![address.endpoint.to_string()].into())?;
    set("connect/timeout_ms", 3_000.into())?;
    set("connect/retry", serde_json::json!({ "period_init_ms": 250, "period_max_ms": 1_000, "period_increase_factor": 2 }))?;
    set("transport/link/tx/lease", address.lease_ms.into())?;
    set("transport/link/rx/max_message_size", MESSAGE_BYTES_MAX.into())?;
    set("scouting/multicast/enabled", false.into())?;
    set("scouting/gossip/enabled", false.into())?;
    if let Some(login) = &address.login {
        set("transport/auth/usrpwd/user", login.user.as_str().into())?;
        set("transport/auth/usrpwd/password", login.password.reveal().into())?;
    }
    zenoh::open(config).await
}
