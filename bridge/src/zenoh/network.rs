//! The sessions by which the bridge speaks: its own node, and the links to the others of its group.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use zenoh::Session;

/// The number of the bridge's own node.
pub const OWN: usize = 0;

/// The sessions that stand now. A copy leads to the same ones.
#[derive(Debug, Clone, Default)]
pub struct Network(Arc<Mutex<BTreeMap<usize, Session>>>);

impl Network {
    /// With the bridge's own node.
    #[must_use]
    pub fn of(own: &Session) -> Self {
        let network = Self::default();
        network.handle_opened(OWN, own.clone());
        network
    }

    /// All of them: whatever is said goes by each, since nobody knows by which one a reader listens.
    #[must_use]
    pub fn sessions(&self) -> Vec<Session> {
        self.with(|sessions| sessions.values().cloned().collect())
    }

    /// The same with their numbers.
    #[must_use]
    pub fn links(&self) -> Vec<(usize, Session)> {
        self.with(|sessions| sessions.iter().map(|(link, session)| (*link, session.clone())).collect())
    }

    /// How many routers are connected, where this bridge is a guest of some.
    pub async fn routers(&self) -> usize {
        let mut routers = BTreeSet::new();
        for session in self.sessions() {
            routers.extend(session.info().routers_zid().await.map(|id| id.to_string()));
        }
        routers.len()
    }

    /// The session of one link, if it stands.
    #[must_use]
    pub fn session(&self, link: usize) -> Option<Session> {
        self.with(|sessions| sessions.get(&link).cloned())
    }

    /// A link stands.
    pub(super) fn handle_opened(&self, link: usize, session: Session) {
        self.with(|sessions| sessions.insert(link, session));
    }

    /// A link ends.
    pub(super) fn handle_closed(&self, link: usize) {
        self.with(|sessions| sessions.remove(&link));
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<usize, Session>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
