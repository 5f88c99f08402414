//! What readers send: samples, tokens, reports, goodbyes, and what cannot be understood.

use std::time::{Instant, SystemTime};

use teleinfo_proto::{
    tic::MeterId,
    wire::{SampleKind, Status},
};

use crate::{
    grid_meter::source::Source,
    hub::{
        Hub, Line,
        complaints::Complaint,
        counters::Counter,
        orders::{Note, Order},
    },
    order::{
        arrival::{Another, Refusal},
        received::Received,
    },
    words::{
        journal,
        language::{Language, Sentence},
    },
};

impl Hub {
    pub(super) fn handle_sample(&mut self, received: Received, at: Instant, wall: SystemTime, now: Instant) {
        let id = received.meter;
        let (notes, is_live) = (self.options.notes, received.kind == SampleKind::Live);
        self.measure(&received, at, now);
        if !self.is_ours(id) {
            return self.others.handle_sample(&received, wall);
        }
        let Some(station) = self.station(id, now) else { return };
        let warns = is_live && station.is_warned(&received);
        station.handle_arrival(received, wall, at);
        let clock = station.clock();
        if notes && !is_live {
            self.orders.push_back(Order::Noted(Note::Clock(id, clock)));
        }
        if warns {
            self.agenda.push_first(id);
        } else {
            self.agenda.push_busy(id);
        }
        // What follows from a live sample is settled when it is handed on.
        if !is_live {
            self.settle(id, now);
        }
    }

    /// What a sample measures goes to those who steer by it, whether or not the broker is there.
    fn measure(&mut self, received: &Received, at: Instant, now: Instant) {
        let id = received.meter;
        if !self.options.measured.contains(&id) {
            return;
        }
        let Ok(sample) = received.sample() else { return };
        if !self.sources.contains_key(&id) {
            let is_others = !self.is_ours(id);
            let mut source = Source::new(&id, sample.mode);
            match self.station(id, now) {
                Some(station) => source.handle_learnt(station.figures().steering()),
                // Batteries beside this bridge steer by it all the same.
                None if is_others => {}
                None => return,
            }
            self.sources.insert(id, source);
        }
        let reading = self.sources.get_mut(&id).and_then(|source| source.handle_sample(&sample, at));
        self.orders.extend(reading.map(|reading| Order::Measured(id, reading)));
    }

    pub(super) fn handle_token(&mut self, id: MeterId, present: bool, at: Instant, now: Instant) {
        if !self.is_ours(id) || !self.stations.contains_key(&id) && !self.is_kept(id) {
            return self.remember_token(id, present);
        }
        let Some(station) = self.station(id, now) else { return };
        if station.handle_token(present, at) {
            self.counters.count(Counter::ReaderReconnections);
        }
        self.agenda.push_busy(id);
        self.settle(id, now);
    }

    /// Anybody can declare a token: of a meter that was not heard yet it says nothing.
    fn remember_token(&mut self, id: MeterId, present: bool) {
        match present {
            true if self.tokens.len() < self.options.limits.claims() => _ = self.tokens.insert(id),
            true => {}
            false => _ = self.tokens.remove(&id),
        }
    }

    /// A meter that has said nothing yet has nothing to catch up with.
    pub(super) fn handle_proven(&mut self, id: MeterId, now: Instant) {
        let Some(station) = self.stations.get_mut(&id) else { return };
        station.handle_proven();
        self.agenda.push_busy(id);
        self.settle(id, now);
    }

    pub(super) fn handle_goodbye(&mut self, id: MeterId, at: Instant, now: Instant) {
        let Some(station) = self.stations.get_mut(&id) else { return };
        station.handle_goodbye(at);
        self.settle(id, now);
    }

    pub(super) fn handle_report(&mut self, bytes: &[u8], now: Instant) {
        let status = match Status::decode(bytes) {
            Ok(status) => status,
            Err(error) => return self.handle_refusal(Refusal::of(error), &format!("report of a reader: {error}"), now),
        };
        self.log_reader(&status, now);
        let Some(id) = status.meter.or_else(|| self.orphan_of(status.name)) else { return };
        let Some(station) = self.station(id, now) else { return };
        let message = station.handle_report(&status, now);
        let message = message.filter(|_| self.may_tell(id, now));
        self.orders.extend(message.map(Order::Publish));
        self.settle(id, now);
    }

    /// A reader that has just started on a dead line does not know its meter yet. Its name tells, if one meter alone has a reader of that
    /// name, and has lost it.
    fn orphan_of(&self, reader: &str) -> Option<MeterId> {
        let mut namesakes = self.stations.iter().filter(|(_, station)| station.reader() == Some(reader));
        let (id, station) = namesakes.next()?;
        (namesakes.next().is_none() && !station.is_online()).then_some(*id)
    }

    pub(super) fn handle_refusal(&mut self, refusal: Refusal, text: &str, now: Instant) {
        self.counters.count(refusal.counter());
        if refusal == Refusal::NotForUs && self.is_member() && self.others.handle_unknown(now) {
            return;
        }
        // What is wrong with a message is told in the words of its protocol.
        let complaint = refusal.complaint();
        let said = match journal::language() {
            Language::English => Sentence::of(text),
            language => Sentence::of(format!("{} : {text}", complaint.subject().get(language))),
        };
        self.handle_complaint(complaint, said.as_str(), now);
    }

    /// What is not believed, in a whole sentence. If it is of another reader than those of a meter, its quality says so.
    pub(super) fn handle_told(&mut self, refusal: Refusal, another: Option<Another>, text: &str, now: Instant) {
        self.counters.count(refusal.counter());
        self.handle_complaint(refusal.complaint(), text, now);
        let Some((id, words)) = another else { return };
        let Some(station) = self.station(id, now) else { return };
        let message = station.handle_another(Some(words), now);
        self.orders.extend(message.map(Order::Publish));
        self.settle(id, now);
    }

    /// Says what a reader reports, if that is news.
    fn log_reader(&mut self, status: &Status<'_>, now: Instant) {
        if let Some(text) = self.readers.handle_report(status, self.options.limits, now) {
            self.say_at_pace(Line::Reader, Sentence::of(text), now);
        }
    }
}

impl Refusal {
    const fn counter(self) -> Counter {
        match self {
            Self::TooLarge => Counter::RefusedTooLarge,
            Self::Version => Counter::RefusedVersion,
            Self::Newer => Counter::RefusedNewer,
            Self::Malformed => Counter::RefusedMalformed,
            Self::Key => Counter::RefusedKey,
            Self::Stranger => Counter::Strangers,
            Self::AnotherKey => Counter::RefusedAnotherKey,
            Self::NotForUs => Counter::RefusedNotForUs,
            Self::NotAuthentic => Counter::RefusedNotAuthentic,
        }
    }

    const fn complaint(self) -> Complaint {
        match self {
            Self::TooLarge => Complaint::TooLarge,
            Self::Version => Complaint::Version,
            Self::Newer => Complaint::Newer,
            Self::Malformed => Complaint::Malformed,
            Self::Key => Complaint::KeyMismatch,
            Self::Stranger => Complaint::Stranger,
            Self::AnotherKey => Complaint::AnotherKey,
            Self::NotForUs => Complaint::NotForUs,
            Self::NotAuthentic => Complaint::NotAuthentic,
        }
    }
}
