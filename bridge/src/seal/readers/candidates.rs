//! Readers that have said hello and have not agreed to an offer yet: whoever did so longest ago makes room.
//!
//! Anybody can say hello, under as many keys as he likes, so there is a most of them; and a reader waits five seconds for a second offer before
//! it agrees to one, so [`Limits::candidates`](crate::words::limits::Limits::candidates) holds what may come in twice that time.

use std::collections::{HashMap, VecDeque};

use teleinfo_proto::seal::KeyId;

/// Candidates, by the ids of their keys.
pub(super) struct Candidates<P> {
    most: usize,
    peers: HashMap<KeyId, P>,
    /// In the order in which they came.
    order: VecDeque<KeyId>,
}

impl<P> Candidates<P> {
    pub(super) fn new(most: usize) -> Self {
        Self { most, peers: HashMap::new(), order: VecDeque::new() }
    }

    /// Whoever says hello. Of two keys with one id the first stays, and its end of the seal refuses the other.
    pub(super) fn greet(&mut self, id: KeyId, new: impl FnOnce() -> P) -> &mut P {
        if !self.peers.contains_key(&id) {
            if self.order.len() >= self.most
                && let Some(oldest) = self.order.pop_front()
            {
                self.peers.remove(&oldest);
            }
            self.order.push_back(id);
        }
        self.peers.entry(id).or_insert_with(new)
    }

    pub(super) fn get(&self, id: &KeyId) -> Option<&P> {
        self.peers.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &KeyId) -> Option<&mut P> {
        self.peers.get_mut(id)
    }

    /// It has agreed, or is no candidate any more.
    pub(super) fn remove(&mut self, id: &KeyId) -> Option<P> {
        let peer = self.peers.remove(id)?;
        self.order.retain(|other| other != id);
        Some(peer)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::seal::Identity;

    use super::*;

    #[test]
    fn the_oldest_makes_room_and_who_agreed_takes_none() {
        let ids: Vec<KeyId> = (1..=4).map(|number| Identity::from_seed(&[number; 32]).id()).collect();
        let mut candidates = Candidates::new(2);
        for (of, what) in [(0, "a"), (1, "b"), (0, "again"), (2, "c")] {
            candidates.greet(ids[of], || what);
        }
        let here = |candidates: &Candidates<_>| [0, 1, 2, 3].map(|number: usize| candidates.get(&ids[number]).copied());
        assert_eq!(here(&candidates), [None, Some("b"), Some("c"), None]);
        assert_eq!((candidates.remove(&ids[1]), candidates.remove(&ids[1])), (Some("b"), None));
        candidates.greet(ids[3], || "d");
        assert_eq!((here(&candidates), candidates.len()), ([None, None, Some("c"), Some("d")], 2));
    }
}
