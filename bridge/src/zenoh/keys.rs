//! Keys of meters and readers that are at another router, declared to Zenoh once each.
//!
//! A router passes samples on with their key as text, and what goes to such a reader has a key that nobody has declared in this process. Zenoh then
//! searches it among the keys of all meters: that costs the more, the more meters there are. Readers that connect to this bridge declare their keys
//! themselves.

use std::collections::{BTreeMap, HashMap};

use teleinfo_proto::{tic::MeterId, wire::keys};
use tracing::debug;
use zenoh::{Session, key_expr::KeyExpr, session::ZenohId};

use crate::{
    seal::readers::Outgoing,
    zenoh::network::{self, Network, OWN},
};

/// Zenoh numbers declared keys with 16 bits on each connection. Two of each meter are declared, and some are left for others.
const KEYS_MAX: usize = 30_000;

/// What was declared by one link; beyond the number of keys one is searched for each time.
#[derive(Debug)]
struct Declared {
    session: Session,
    keys: HashMap<String, KeyExpr<'static>>,
}

impl Declared {
    fn new(session: Session) -> Self {
        Self { session, keys: HashMap::new() }
    }

    async fn key(&mut self, text: &str) -> Option<&KeyExpr<'static>> {
        if self.keys.len() < KEYS_MAX && !self.keys.contains_key(text) {
            match self.session.declare_keyexpr(text.to_owned()).await {
                Ok(key) => drop(self.keys.insert(text.to_owned(), key)),
                Err(error) => debug!("{text} is not declared: {error}"),
            }
        }
        self.keys.get(text)
    }
}

/// The keys of the samples that come, by each link.
#[derive(Debug, Default)]
pub struct SampleKeys(BTreeMap<usize, Declared>);

impl SampleKeys {
    /// A link stands, perhaps anew: keys are declared there as samples come.
    pub fn handle_opened(&mut self, link: usize, session: Session) {
        self.0.insert(link, Declared::new(session));
    }

    /// A link has ended, and with it what was declared there.
    pub fn handle_closed(&mut self, link: usize) {
        self.0.remove(&link);
    }

    /// Samples of this meter come.
    pub async fn handle_meter(&mut self, meter: MeterId) {
        for declared in self.0.values_mut() {
            declared.key(&keys::sample(&meter)).await;
        }
    }
}

/// The keys of what goes to readers. Only those of readers that are believed are declared: whoever says hello with a thousand keys leaves none.
#[derive(Debug)]
pub struct Inboxes {
    /// This bridge is the router of its readers, which have declared theirs.
    is_router: bool,
    /// By the identity of the session: a link that was opened anew has another one.
    declared: HashMap<ZenohId, Declared>,
}

impl Inboxes {
    /// None yet.
    #[must_use]
    pub fn new(is_router: bool) -> Self {
        Self { is_router, declared: HashMap::new() }
    }

    /// Sends a message by the link by which its reader is heard: a router that does not have it would search it among all of its own.
    pub async fn put(&mut self, network: &Network, message: Outgoing) {
        let links = network.links();
        self.declared.retain(|id, _| links.iter().any(|(_, session)| session.zid() == *id));
        for (link, session) in network::chosen(links, message.link) {
            let is_worth_it = message.is_one_of_many && !(self.is_router && link == OWN);
            let key = if is_worth_it { self.declared(&session).key(&message.key).await.cloned() } else { None };
            let put = match key {
                Some(key) => session.put(key, message.bytes.clone()).await,
                None => session.put(&message.key, message.bytes.clone()).await,
            };
            if let Err(error) = put {
                debug!("{}: {error}", message.key);
            }
        }
    }

    fn declared(&mut self, session: &Session) -> &mut Declared {
        self.declared.entry(session.zid()).or_insert_with(|| Declared::new(session.clone()))
    }
}
