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

    /// All of them: whatever the other bridges are to hear goes by each.
    #[must_use]
    pub fn sessions(&self) -> Vec<Session> {
        self.with(|sessions| sessions.values().cloned().collect())
    }

    /// The same with their numbers.
    #[must_use]
    pub fn links(&self) -> Vec<(usize, Session)> {
        self.with(|sessions| sessions.iter().map(|(link, session)| (*link, session.clone())).collect())
    }

    /// Which of the routers are connected that this bridge is a guest of, by their places in its configuration: a link stays while its router is away.
    pub async fn guest_of(&self) -> BTreeSet<usize> {
        let mut routers = BTreeSet::new();
        for (link, session) in self.links() {
            let is_connected = session.info().routers_zid().await.next().is_some();
            routers.extend(link.checked_sub(OWN + 1).filter(|_| is_connected));
        }
        routers
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

/// Those of the links by which a reader is told something: the one by which it is heard. Where nobody knows, or that one has ended, it is told by all.
#[must_use]
pub fn chosen<T>(links: Vec<(usize, T)>, heard: Option<usize>) -> Vec<(usize, T)> {
    let stands = heard.is_some_and(|heard| links.iter().any(|(link, _)| *link == heard));
    links.into_iter().filter(|(link, _)| !stands || heard == Some(*link)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_told_by_the_link_that_it_is_heard_by_or_by_all() {
        let told = |heard| chosen(vec![(1, ()), (2, ()), (5, ())], heard).into_iter().map(|(link, ())| link).collect::<Vec<_>>();
        assert_eq!([told(Some(2)), told(None), told(Some(3))], [vec![2], vec![1, 2, 5], vec![1, 2, 5]]);
    }
}
