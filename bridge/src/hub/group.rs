//! Meters that another bridge of the group publishes: what is followed of them, how one is let go of, and how one is taken over.
//!
//! To take a meter over is to start with it as after a restart: from what the other bridge learnt of it, from the newest ledger that the
//! broker holds, and from the last sample that reached the broker. So nothing counts twice, and nothing steps back.

use std::{collections::BTreeSet, time::Instant};

use teleinfo_proto::{tic::MeterId, wire::BootId};

use crate::{
    energy::meaning::Meanings,
    group::share::Share,
    homeassistant::memory::Memory,
    hub::{Hub, orders::Order},
    order::marks::Mark,
    prices::book::Book,
    words::{
        message::{Message, Origin},
        topics::ONLINE,
    },
};

/// Meters that took each other's place, at most.
const PREDECESSORS_MAX: usize = 8;
/// What is said of the bridge itself belongs to one member, as if it were a meter.
const OF_THE_BRIDGE: &str = "bridge";

impl Hub {
    /// Whether this bridge publishes this meter. One that took the place of another goes with it, since it goes on from its total.
    #[must_use]
    pub fn is_ours(&self, id: MeterId) -> bool {
        let predecessor = |id: &MeterId| self.options.station.presentation.predecessor(*id);
        let root = std::iter::successors(Some(id), predecessor).take(PREDECESSORS_MAX).last().unwrap_or(id);
        self.part.as_ref().is_none_or(|part| part.is_ours(root.as_str()))
    }

    /// Whether this bridge belongs to a group.
    pub(super) const fn is_member(&self) -> bool {
        self.part.is_some()
    }

    /// Whether what is said of the bridge itself is said by this member.
    pub(super) fn speaks_for_all(&self) -> bool {
        self.part.as_ref().is_none_or(|part| part.is_ours(OF_THE_BRIDGE))
    }

    /// Whether others go on with the meters of this bridge.
    #[must_use]
    pub fn is_followed(&self) -> bool {
        self.part.as_ref().is_some_and(|part| part.has_others())
    }

    /// The meters are divided anew: what is another's from now on is let go of at once.
    pub fn handle_share(&mut self, share: Share, now: Instant) {
        let Some(part) = &mut self.part else { return };
        // Where nobody is known to go on, what the broker holds may be newer than what is known here.
        let is_handed_over = share.names().next().is_some();
        part.handle_share(share, now);
        let lost: Vec<MeterId> = self.stations.keys().copied().filter(|id| !self.is_ours(*id)).collect();
        lost.into_iter().for_each(|id| self.hand_over(id, is_handed_over, now));
    }

    /// Some time after that, what is ours from now on is taken over.
    pub(super) fn handle_part_timeout(&mut self, now: Instant) {
        if self.part.as_mut().is_some_and(|part| part.handle_timeout(now)) {
            let kept = &self.kept;
            let known = kept.memories.keys().chain(kept.positions.keys()).chain(kept.ledgers.keys()).chain(&kept.known).copied();
            let won: BTreeSet<MeterId> = known.filter(|id| self.is_ours(*id) && !self.stations.contains_key(id)).collect();
            won.into_iter().for_each(|id| self.take_over(id, now));
            // Perhaps this member speaks for the bridge from now on.
            self.quality_due = now;
        }
    }

    /// Whether what is retained under this topic is of this meter.
    #[must_use]
    pub fn is_about(&self, topic: &str, id: MeterId) -> bool {
        let topics = self.topics();
        topic == topics.discovery(id) || topic.strip_prefix(&topics.state(id)).is_some_and(|rest| rest.starts_with('/'))
    }

    /// This process stood still, and others may have taken its place: what waits to be said is not said any more. What it was to tell of samples
    /// is told as the past, by whoever publishes their meters then.
    pub fn handle_slept(&mut self, now: Instant) {
        let unsaid: Vec<Origin> = self.unsaid().collect();
        self.orders.retain(|order| !matches!(order, Order::Publish(_)));
        self.handle_given_up(&unsaid, now);
    }

    /// How far the samples of a meter are at the broker, as the member says that publishes it.
    pub fn handle_positions(&mut self, id: MeterId, marks: &[Mark]) {
        let has_place = self.kept.positions.len() < self.options.limits.meters || self.kept.positions.contains_key(&id);
        if !self.stations.contains_key(&id) && has_place {
            self.kept.positions.entry(id).or_default().merge(marks);
        }
    }

    /// What the member has learnt of a meter that publishes it.
    pub fn handle_learnt(&mut self, id: MeterId, memory: Memory) {
        let has_place = self.kept.memories.len() < self.options.limits.meters || self.kept.memories.contains_key(&id);
        if !self.stations.contains_key(&id) && has_place {
            self.orders.push_back(Order::Keep(id, Box::new(memory.clone())));
            self.kept.memories.insert(id, memory);
        }
    }

    /// What the registers of a meter count, whoever publishes it: the broker holds that for all.
    #[must_use]
    pub fn meanings(&self, id: MeterId) -> Option<&Meanings> {
        let of_station = self.stations.get(&id).map(|station| station.account().meanings());
        of_station.or_else(|| self.kept.ledgers.get(&id).map(|ledger| &ledger.meanings))
    }

    /// What energy costs at a meter, as the owner says.
    #[must_use]
    pub fn prices(&self, id: MeterId) -> &Book {
        self.options.station.presentation.prices_of(id)
    }

    /// What is known of each meter of this bridge, for a member that is new.
    pub fn learnt(&self) -> impl Iterator<Item = (MeterId, Memory)> {
        let told = self.stations.iter().filter(|(id, _)| !self.newcomers.contains(**id));
        told.map(|(id, station)| (*id, station.handed_over().0)).filter(|(_, memory)| *memory != Memory::default())
    }

    /// The broker says of a meter that it is online, or offline. If another member is wrong about one of ours, it is put right.
    pub(super) fn handle_presence_of_others(&mut self, id: MeterId, is_online: bool) {
        match self.stations.get(&id) {
            _ if self.part.is_none() => {}
            Some(station) if station.is_online() && !is_online => {
                self.publish(Message::retained(self.topics().availability(id), ONLINE));
            }
            Some(_) => {}
            None if is_online => _ = self.others.online.insert(id),
            None => _ = self.others.online.remove(&id),
        }
    }

    /// What was handed on before the meter was let go of did not reach the broker.
    pub(super) fn take_back(&mut self, id: MeterId, samples: &[(BootId, u64)]) {
        if let Some(marks) = self.kept.positions.get_mut(&id) {
            samples.iter().rev().for_each(|(boot, sequence)| marks.take_back(*boot, *sequence));
        }
    }

    fn hand_over(&mut self, id: MeterId, is_handed_over: bool, now: Instant) {
        self.keep(id, true, now);
        if is_handed_over {
            self.keep_ledger(id, true, now);
        }
        let Some(station) = self.stations.get(&id) else { return };
        let (memory, ledger, marks, clock) = station.handed_over();
        if station.is_online() {
            self.others.online.insert(id);
        }
        self.others.clocks.insert(id, clock);
        self.kept.memories.extend((memory != Memory::default()).then_some((id, memory)));
        self.kept.ledgers.extend(ledger.map(|ledger| (id, ledger)));
        self.kept.positions.extend((!marks.is_empty()).then_some((id, marks)));
        self.newcomers.handle_gone(id);
        self.let_go(id);
        self.orders.push_back(Order::LetGo(id));
    }

    /// What the other bridge has not published is in the reader's history.
    fn take_over(&mut self, id: MeterId, now: Instant) {
        let (clock, was_online) = (self.others.clocks.remove(&id), self.others.online.remove(&id));
        let Some(station) = self.station(id, now) else { return };
        clock.into_iter().for_each(|clock| station.handle_clock(clock));
        if was_online {
            station.handle_followed(now);
        }
        station.handle_proven();
        self.agenda.push_busy(id);
        self.settle(id, now);
    }
}
