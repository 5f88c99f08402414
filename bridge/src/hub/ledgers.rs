//! The ledgers of all meters: what the broker holds of them is waited for at the start, and what is new goes to the broker and to the disk.
//!
//! No sample is counted before the broker has said what it holds ([`Retained`]).

use std::time::{Duration, Instant};

use teleinfo_proto::tic::MeterId;
use tracing::Level;

use crate::{
    energy::ledger::{Ledger, Refusal},
    hub::{Hub, complaints::Complaint, orders::Order, retained::Retained},
    words::{journal, language::Words, message::Message},
};

const NOT_USED: Words = Words::new("{}: what the broker holds is not used: {}", "{} : ce que garde le broker n'est pas utilisé : {}");
const NO_PREDECESSOR: Words = Words::new(
    "meter {} is to go on from the total of meter {}, but nothing is kept of that",
    "le compteur {} doit continuer le total du compteur {}, mais rien n'est gardé de celui-ci",
);

/// Time for Home Assistant to let go of the total of one meter before another one announces it.
const LETTING_GO: Duration = Duration::from_secs(15);

impl Hub {
    /// Asks the broker for all that it retains, once.
    pub(super) fn ask_for_retained(&mut self, now: Instant) {
        if self.retained.handle_connected(now) {
            let marker = Message::event(self.topics().marker(), self.options.seed.to_string());
            self.publish(marker);
        }
    }

    /// A marker came: ours, unless another bridge starts too.
    pub(super) fn handle_marker(&mut self, payload: &[u8], now: Instant) {
        if matches!(self.retained, Retained::Asked(_)) && payload == self.options.seed.to_string().as_bytes() {
            self.handle_retained_read(now);
        }
    }

    /// All ledgers have come: the samples that wait may be counted.
    pub(super) fn handle_retained_read(&mut self, now: Instant) {
        self.retained = Retained::Read;
        let ids: Vec<MeterId> = self.stations.keys().copied().collect();
        ids.into_iter().for_each(|id| self.continue_total(id, now));
        self.schedule_all(now);
    }

    /// The broker holds this ledger of a meter. Once the meter's samples are counted it is only our own, come back.
    pub(super) fn handle_ledger(&mut self, id: MeterId, payload: &[u8], now: Instant) {
        let is_full = self.kept.ledgers.len() >= self.options.limits.meters && !self.kept.ledgers.contains_key(&id);
        if payload.is_empty() || self.stations.get(&id).map_or(is_full, |station| station.account().has_begun()) {
            return;
        }
        match Ledger::read(id, payload) {
            Ok(ledger) => self.take_ledger(id, ledger, now),
            Err(refusal) => self.complain_of_ledger(id, refusal, now),
        }
    }

    /// The broker has heard of this meter before: while it is asked what it retains, what it says is not our own.
    pub(super) fn handle_known(&mut self, id: MeterId) {
        if self.retained == Retained::Read {
            return;
        }
        if let Some(station) = self.stations.get_mut(&id) {
            station.handle_known();
        } else if self.kept.known.len() < self.options.limits.meters {
            self.kept.known.insert(id);
        }
    }

    fn take_ledger(&mut self, id: MeterId, ledger: Ledger, now: Instant) {
        let refusal = match (self.stations.get_mut(&id), self.kept.ledgers.remove(&id)) {
            (Some(station), _) => station.handle_ledger(ledger),
            (None, kept) => {
                let (newer, refusal) = Ledger::newest(kept, ledger);
                self.kept.ledgers.insert(id, newer);
                refusal
            }
        };
        if let Some(refusal) = refusal {
            self.complain_of_ledger(id, refusal, now);
        }
    }

    fn complain_of_ledger(&mut self, id: MeterId, refusal: Refusal, now: Instant) {
        let topic = self.topics().ledger(id);
        let why = refusal.words().get(journal::language());
        self.handle_complaint(Complaint::Ledger, journal::say(NOT_USED, &[&topic, &why]).as_str(), now);
    }

    /// The total of a meter goes on from that of the one whose place it took, if it is told so. That one lets go of it first, so that Home
    /// Assistant hands its entity on.
    pub(super) fn continue_total(&mut self, id: MeterId, now: Instant) {
        let Some(old) = self.options.station.presentation.predecessor(id) else { return };
        let Some(wh) = self.total_of(old) else {
            let text = journal::say(NO_PREDECESSOR, &[&id, &old]);
            return self.handle_complaint(Complaint::Ledger, text.as_str(), now);
        };
        let Some((total_id, is_announced)) = self.station(old, now).map(|station| station.handle_succeeded(now)) else { return };
        let held_until = is_announced.then(|| now + LETTING_GO);
        if let Some(station) = self.stations.get_mut(&id) {
            station.handle_continued(old, wh, total_id, held_until);
        }
        self.schedule_all(now);
    }

    fn total_of(&self, id: MeterId) -> Option<u64> {
        let kept = || self.kept.ledgers.get(&id)?.total.as_ref().map(|total| total.wh);
        self.stations.get(&id).and_then(|station| station.account().kept_total()).or_else(kept)
    }

    /// At a clean stop, everything.
    pub(super) fn keep_ledgers(&mut self, now: Instant) {
        let ids: Vec<MeterId> = self.stations.keys().copied().collect();
        ids.into_iter().for_each(|id| self.keep_ledger(id, true, now));
    }

    /// What is new of a meter's ledger goes to the broker, and some of it to the disk.
    pub(super) fn keep_ledger(&mut self, id: MeterId, is_last: bool, now: Instant) {
        let topic = self.topics().ledger(id);
        let Some(due) = self.stations.get_mut(&id).and_then(|station| station.poll_ledger(is_last, now)) else { return };
        self.orders.extend(due.ledger.json().map(|json| Order::Publish(Message::retained(topic, json))));
        if due.to_disk {
            self.orders.push_back(Order::KeepLedger(id, Box::new(due.ledger)));
        }
    }

    /// What is wrong with a meter's energy, for the log and for the report.
    pub(super) fn say_judgements(&mut self, id: MeterId, now: Instant) {
        let Some(station) = self.stations.get_mut(&id) else { return };
        let (contradiction, news) = (station.poll_contradiction(), station.poll_energy_news());
        if let Some(text) = contradiction {
            self.handle_complaint(Complaint::Contradiction, text.as_str(), now);
        }
        if let Some(text) = news {
            self.say(Level::WARN, text);
        }
    }
}
