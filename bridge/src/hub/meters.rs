//! What follows from whatever happened to a meter: samples handed on, questions, presence, memory, counts, and its next deadline.

use std::time::{Duration, Instant};

use teleinfo_proto::{tic::MeterId, wire::SampleKind};

use crate::{
    hub::{
        Hub, Line,
        agenda::{ASKED_MAX, Turn},
        bridge_quality::Meters,
        complaints::Complaint,
        counters::Counter,
        orders::{Note, Order},
        retained::Retained,
        station::Station,
    },
    meter::figures::Moment,
    order::{
        intake::{InOrder, Room, Tense},
        received::Received,
    },
    words::{
        journal,
        language::Words,
        message::{Message, Origin, Qos},
        topics::{OFFLINE, ONLINE},
    },
};

const IS_ONLINE: Words = Words::new("meter {} is online", "compteur {} : en ligne");
const IS_OFFLINE: Words = Words::new("meter {} is offline", "compteur {} : hors ligne");
const RECOVERED: Words = Words::new(
    "meter {}: {} samples taken from its reader's history, {} lost",
    "compteur {} : {} relevés repris de l'historique de son lecteur, {} perdus",
);
const TOO_MANY: Words = Words::new(
    "more than {} meters; the others are left out: limits.meters allows more",
    "plus de {} compteurs ; les autres sont laissés de côté : limits.meters en permet plus",
);
const TOO_MANY_NEW: Words = Words::new(
    "very many new meters at once: they are taken a few a minute",
    "énormément de nouveaux compteurs à la fois : ils sont pris à quelques-uns par minute",
);

/// A deadline that has passed and changed nothing is looked at again after this time, so that it cannot keep the processor busy.
const DEADLINE_AGAIN: Duration = Duration::from_millis(500);

impl Hub {
    /// The station of a meter, new if need be. A meter that another bridge publishes has none.
    pub(super) fn station(&mut self, id: MeterId, now: Instant) -> Option<&mut Station> {
        if !self.is_ours(id) {
            return None;
        }
        if !self.stations.contains_key(&id) {
            if self.stations.len() >= self.options.limits.meters && !self.make_room() {
                self.counters.count(Counter::MetersBeyondLimit);
                self.handle_complaint(Complaint::TooManyMeters, journal::say(TOO_MANY, &[&self.options.limits.meters]).as_str(), now);
                return None;
            }
            let is_expected = self.is_kept(id) || self.is_wished(id);
            let memory = self.kept.memories.remove(&id).unwrap_or_default();
            let marks = self.kept.positions.remove(&id).unwrap_or_default();
            let ledger = self.kept.ledgers.remove(&id);
            let is_known = self.kept.known.remove(&id);
            let mut station = Station::new(id, &self.options.station, memory, marks, ledger);
            if is_known {
                station.handle_known();
            }
            if self.tokens.remove(&id) {
                station.handle_token(true, now);
            }
            self.stations.insert(id, Box::new(station));
            match is_expected {
                true => self.handle_new_meter(id, now),
                false => self.newcomers.handle_new(id, now),
            }
        }
        self.newcomers.handle_heard(id, now);
        self.stations.get_mut(&id).map(Box::as_mut)
    }

    /// Something of this meter was kept by an earlier process, or by the broker.
    pub(super) fn is_kept(&self, id: MeterId) -> bool {
        let kept = &self.kept;
        kept.memories.contains_key(&id) || kept.positions.contains_key(&id) || kept.ledgers.contains_key(&id) || kept.known.contains(&id)
    }

    /// The owner has said something of this meter.
    fn is_wished(&self, id: MeterId) -> bool {
        self.options.measured.contains(&id) || self.options.station.presentation.meters.contains_key(&id)
    }

    /// A newcomer makes room for another one.
    fn make_room(&mut self) -> bool {
        self.newcomers.poll_room().map(|id| self.let_go(id)).is_some()
    }

    /// Newcomers that say nothing more leave nothing behind.
    pub(super) fn let_idle_go(&mut self, now: Instant) {
        while let Some(id) = self.newcomers.poll_idle(now) {
            self.let_go(id);
        }
    }

    pub(super) fn let_go(&mut self, id: MeterId) {
        self.stations.remove(&id);
        self.asked.remove(&id);
        self.agenda.set_deadline(id, None);
    }

    /// Whether anything may be said of a meter: a newcomer has to speak first, and only so many are new in a minute.
    pub(super) fn may_tell(&mut self, id: MeterId, now: Instant) -> bool {
        if !self.newcomers.contains(id) {
            return true;
        }
        let samples_first = self.options.samples_first;
        let Some(station) = self.stations.get_mut(&id) else { return false };
        if !self.newcomers.poll_announcement(id, now) {
            self.counters.count(Counter::NewMetersHeld);
            self.handle_complaint(Complaint::TooManyMeters, journal::say(TOO_MANY_NEW, &[]).as_str(), now);
            return false;
        }
        station.handle_newcomer(samples_first);
        self.orders.push_back(Order::Announced(id));
        self.handle_new_meter(id, now);
        true
    }

    /// The meters of which something is said.
    pub(super) fn told_meters(&self) -> impl Iterator<Item = &MeterId> {
        self.stations.keys().filter(|id| !self.newcomers.contains(**id))
    }

    /// A meter is told of for the first time since the start.
    fn handle_new_meter(&mut self, id: MeterId, now: Instant) {
        let is_one_of_several = self.told_meters().take(2).count() + self.kept.memories.len() > 1;
        if std::mem::replace(&mut self.is_one_of_several, is_one_of_several) == is_one_of_several {
            self.stations.get_mut(&id).into_iter().for_each(|station| station.handle_others(is_one_of_several, now));
        } else {
            self.stations.values_mut().for_each(|station| station.handle_others(is_one_of_several, now));
        }
        if self.retained == Retained::Read {
            self.continue_total(id, now);
        }
    }

    /// Takes the next sample of a meter, or else asks for what is missing.
    pub(super) fn hand_on(&mut self, id: MeterId, room: Room, now: Instant) -> Turn {
        let has_waiting = self.stations.get(&id).is_some_and(|station| station.intake().has_waiting());
        if self.newcomers.contains(id) && !(has_waiting && self.may_tell(id, now)) {
            return Turn::Over;
        }
        let Some(station) = self.stations.get_mut(&id) else { return Turn::Over };
        match station.poll_sample(room, now) {
            Some(in_order) => {
                self.tell(id, in_order, now);
                Turn::Told
            }
            None if room != Room::Past && station.intake().is_past_waiting(now) => Turn::PastWaits,
            None => self.ask(id, now),
        }
    }

    /// Asks for what a meter lacks, if it lacks anything.
    fn ask(&mut self, id: MeterId, now: Instant) -> Turn {
        let may_ask = self.asked.len() < ASKED_MAX;
        let Some(station) = self.stations.get_mut(&id) else { return Turn::Over };
        if !may_ask && station.intake().is_past_waiting(now) {
            return Turn::QuestionWaits;
        }
        if let Some(question) = station.poll_question(now) {
            self.asked.insert(id);
            self.counters.count(Counter::QuestionsAsked);
            self.orders.push_back(Order::Ask(id, question));
        }
        self.log_recovery(id, now);
        Turn::Over
    }

    /// Tells what follows from a sample.
    fn tell(&mut self, id: MeterId, InOrder { received, tense }: InOrder, now: Instant) {
        let Some(station) = self.stations.get_mut(&id) else { return };
        self.handed_on.insert(id);
        let moment = Moment { at: now, unix_ms: station.time_of(&received) };
        let messages = match (received.sample(), tense) {
            (Ok(sample), Tense::Present) => {
                station.handle_ahead(now);
                station.handle_sample(&sample, moment)
            }
            (Ok(sample), Tense::Past) => vec![station.handle_past(&sample, moment)],
            (Ok(sample), Tense::Overtaken) => vec![station.handle_overtaken(&sample, moment)],
            (Err(_), _) => Vec::new(),
        };
        if let Some(source) = self.sources.get_mut(&id) {
            source.handle_learnt(station.figures().steering());
        }
        let is_of_this_run = station.clock().is_of(&received);
        let (readings, records) = (station.poll_readings(), station.poll_records());
        self.orders.extend(readings.into_iter().map(|readings| Order::Remember(id, readings)));
        self.orders.extend(records.into_iter().map(Order::Record));
        // What ends an entity must reach Home Assistant before the number that would spoil it.
        self.keep_ledger(id, false, now);
        self.orders.extend(messages.into_iter().map(|message| Order::Publish(originated(&received, message))));
        self.say_judgements(id, now);
        // The time of another run is only known once all of it is seen: the statistics read that from the history.
        if self.options.notes && is_of_this_run && received.kind != SampleKind::Live {
            self.orders.push_back(Order::Noted(Note::Sample(received, moment.unix_ms)));
        }
    }

    pub(super) fn handle_station_timeout(&mut self, id: MeterId, now: Instant) {
        self.keep_ledger(id, false, now);
        let Some(station) = self.stations.get_mut(&id) else { return };
        self.orders.extend(station.handle_timeout(now).into_iter().map(Order::Publish));
        self.agenda.push_busy(id);
        self.settle(id, now);
    }

    /// What follows from whatever happened to a meter.
    pub(super) fn settle(&mut self, id: MeterId, now: Instant) {
        if self.asked.contains(&id) && self.stations.get(&id).is_none_or(|station| !station.intake().is_asked()) {
            self.asked.remove(&id);
        }
        if !self.newcomers.contains(id) {
            self.say_availability(id, now);
            self.keep(id, false, now);
        }
        self.count(id);
        self.schedule(id, now);
    }

    fn say_availability(&mut self, id: MeterId, now: Instant) {
        let Some(online) = self.stations.get_mut(&id).and_then(|station| station.poll_presence(now)) else { return };
        let payload = if online { ONLINE } else { OFFLINE };
        self.say_at_pace(Line::Meter, journal::say(if online { IS_ONLINE } else { IS_OFFLINE }, &[&id]), now);
        if online {
            self.orders.push_back(Order::Disturbed);
        }
        self.publish(Message::retained(self.topics().availability(id), payload));
    }

    /// What was learnt goes to the disk, and what it says of statistics to those who correct them.
    pub(super) fn keep(&mut self, id: MeterId, is_last: bool, now: Instant) {
        let Some(station) = self.stations.get_mut(&id) else { return };
        let memory = station.poll_memory(is_last, now).cloned();
        if self.options.notes
            && let Some(statistics) = station.poll_statistics(memory.is_some())
        {
            self.orders.push_back(Order::Noted(Note::Statistics(id, statistics.to_vec())));
        }
        self.orders.extend(memory.map(|memory| Order::Keep(id, Box::new(memory))));
    }

    fn count(&mut self, id: MeterId) {
        let Some(station) = self.stations.get_mut(&id) else { return };
        let tally = station.poll_tally();
        for (counter, number) in [
            (Counter::SamplesTaken, tally.taken),
            (Counter::SamplesLate, tally.recovered),
            (Counter::SamplesDuplicate, tally.duplicates),
            (Counter::SamplesLost, tally.lost),
            (Counter::SamplesThinned, tally.thinned),
            (Counter::SamplesLive, tally.live),
        ] {
            self.counters.add(counter, number);
        }
    }

    /// Says what the history brought back, once it has all been handed on.
    fn log_recovery(&mut self, id: MeterId, now: Instant) {
        let Some(news) = self.stations.get_mut(&id).and_then(|station| station.poll_recovery()) else { return };
        self.say_at_pace(Line::Meter, journal::say(RECOVERED, &[&id, &news.recovered, &news.lost]), now);
        self.orders.push_back(Order::Disturbed);
    }

    pub(super) fn schedule_all(&mut self, now: Instant) {
        let ids: Vec<MeterId> = self.stations.keys().copied().collect();
        ids.into_iter().for_each(|id| self.schedule(id, now));
    }

    /// Sets the deadline of a meter.
    fn schedule(&mut self, id: MeterId, now: Instant) {
        // A newcomer is looked at when it speaks.
        let Some(station) = self.stations.get(&id).filter(|_| !self.newcomers.contains(id)) else { return };
        let question = station.intake().poll_timeout().filter(|_| !self.agenda.is_busy(id));
        let next = station.poll_timeout().into_iter().chain(question).min();
        self.agenda.set_deadline(id, next.map(|at| if at <= now { now + DEADLINE_AGAIN } else { at }));
    }

    /// How many meters there are.
    #[must_use]
    pub fn meters(&self) -> Meters {
        Meters { known: self.told_meters().count(), online: self.stations.values().filter(|station| station.is_online()).count() }
    }
}

/// A message, with the sample that holds for good what it tells: of a live sample that is the frame that follows, and a value of the moment
/// that does not arrive is not missed.
fn originated(received: &Received, message: Message) -> Message {
    let Received { meter, boot, sequence, kind, .. } = *received;
    match kind {
        SampleKind::Live if message.qos == Qos::AtMostOnce => message,
        SampleKind::Live => message.of(Origin { meter, boot, sequence: sequence.saturating_add(1) }),
        _ => message.of(Origin { meter, boot, sequence }),
    }
}
