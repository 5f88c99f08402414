//! Keys of meters and readers that are at another router, declared to Zenoh once each.
//!
//! A router passes samples on with their key as text, and what goes to such a reader has a key that nobody has declared in this process. Zenoh then
//! searches it among the keys of all meters: that costs the more, the more meters there are. Readers that connect to this bridge declare their keys
//! themselves.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use teleinfo_proto::{tic::MeterId, wire::keys};
use tokio::sync::mpsc;
use tracing::debug;
use zenoh::{Session, key_expr::KeyExpr, session::ZenohId};

use crate::{
    seal::readers::Outgoing,
    zenoh::network::{self, Network, OWN},
};

/// Zenoh numbers declared keys with 16 bits on each connection. Two of each meter are declared, and some are left for others.
const KEYS_MAX: usize = 30_000;
/// Meters of one link that wait for their keys to be declared.
const WAITING_MAX: usize = 1_024;

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

/// The keys of the samples that come by each link that leads to another router. A copy leads to the same ones.
#[derive(Debug, Clone, Default)]
pub struct SampleKeys(Arc<Mutex<BTreeMap<usize, Heard>>>);

/// The meters that one link brings, and the way to the task that declares their keys.
#[derive(Debug)]
struct Heard {
    meters: HashSet<MeterId>,
    to_declare: mpsc::Sender<MeterId>,
}

impl SampleKeys {
    /// A link stands, perhaps anew: keys are declared there as samples come.
    pub fn handle_opened(&self, link: usize, session: &Session) {
        let (to_declare, mut meters) = mpsc::channel(WAITING_MAX);
        let mut declared = Declared::new(session.clone());
        tokio::spawn(async move {
            while let Some(meter) = meters.recv().await {
                declared.key(&keys::sample(&meter)).await;
            }
        });
        self.with(|links| links.insert(link, Heard { meters: HashSet::new(), to_declare }));
    }

    /// A link has ended, and with it what was declared there.
    pub fn handle_closed(&self, link: usize) {
        self.with(|links| links.remove(&link));
    }

    /// A sample of this meter that is believed has come by a link. Never waits: where too many are new at once, the next sample of a meter tries again.
    pub fn handle_sample(&self, link: usize, meter: MeterId) {
        self.with(|links| {
            if let Some(Heard { meters, to_declare }) = links.get_mut(&link)
                && !meters.contains(&meter)
                && to_declare.try_send(meter).is_ok()
            {
                meters.insert(meter);
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<usize, Heard>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The keys of what goes to readers. Only those of readers that are believed are declared: whoever says hello with a thousand keys leaves none.
#[derive(Debug, Default)]
pub struct Inboxes {
    /// By the identity of the session: a link that was opened anew has another one.
    declared: HashMap<ZenohId, Declared>,
}

impl Inboxes {
    /// Sends a message by the link by which its reader is heard: a router that does not have it would search it among all of its own.
    pub async fn put(&mut self, network: &Network, message: Outgoing) {
        let links = network.links();
        self.declared.retain(|id, _| links.iter().any(|(_, session)| session.zid() == *id));
        for (link, session) in network::chosen(links, message.link) {
            // At the bridge's own node readers have declared theirs.
            let is_worth_it = message.is_one_of_many && link != OWN;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_meter_of_a_link_is_declared_once_and_what_finds_no_room_with_its_next_sample() {
        let (keys, (to_declare, mut declared)) = (SampleKeys::default(), mpsc::channel(1));
        keys.with(|links| links.insert(1, Heard { meters: HashSet::new(), to_declare }));
        let [one, two]: [MeterId; 2] = ["012345678912", "012345678913"].map(|digits| digits.parse().unwrap());
        let mut next = || declared.try_recv().ok();
        for (link, meter) in [(1, one), (1, one), (1, two), (2, two)] {
            keys.handle_sample(link, meter);
        }
        assert_eq!([next(), next()], [Some(one), None]);
        keys.handle_sample(1, two);
        keys.handle_sample(1, two);
        assert_eq!([next(), next()], [Some(two), None]);
        keys.handle_closed(1);
        keys.handle_sample(1, two);
        assert_eq!(declared.try_recv(), Err(mpsc::error::TryRecvError::Disconnected), "its task ends, and lets the session go");
    }
}
