//! What the hub itself looks for from time to time, and complains of: messages that others had to drop or got twice, more samples than go out,
//! tariffs without a price.

use std::time::Instant;

use crate::{
    hub::{Hub, complaints::Complaint, counters::Counter},
    words::{journal, language::Words},
};

const TOO_MUCH: Words = Words::new(
    "cannot keep up: too much came at once, and {} messages were dropped so far; what readers still hold is asked for again. If it goes on, give this \
     machine more power, or set up a group of bridges",
    "impossible de suivre : trop est arrivé à la fois, {} messages ont été abandonnés jusqu'ici ; ce que les lecteurs gardent encore est redemandé. Si \
     cela dure, donnez plus de puissance à cette machine, ou montez un groupe de passerelles",
);
const CANNOT_KEEP_UP: Words = Words::new(
    "cannot keep up: for {} s samples have waited for the MQTT side; each meter is told of more rarely, by its newest state, and what was missed \
     comes as the past once there is room. Set mqtt.publish to \"on-change\" or to some seconds, or give the broker or this machine more power",
    "impossible de suivre : depuis {} s des relevés attendent le côté MQTT ; chaque compteur est publié moins souvent, par son état le plus récent, \
     et le reste viendra comme du passé quand il y aura de la place. Réglez mqtt.publish sur \"on-change\" ou sur quelques secondes, ou donnez plus de puissance au broker ou à cette machine",
);
const TWICE: Words = Words::new(
    "readers are heard through several Zenoh routers at once: all that they send comes more than once, which costs time and is not counted twice. The \
     routers are connected to each other, or two addresses lead to the same one: name only one of them in zenoh.connect or group.connect",
    "des lecteurs sont entendus par plusieurs routeurs Zenoh à la fois : tout ce qu'ils envoient arrive plusieurs fois, ce qui coûte du temps et n'est \
     pas compté deux fois. Les routeurs sont reliés entre eux, ou deux adresses mènent au même : n'en nommer qu'un dans zenoh.connect ou group.connect",
);

/// A reader that goes to another router, or a bridge that stood still, has some messages under way; what goes on has more of them at each look.
const COPIES_OF_A_MOVE: u64 = 8;

impl Hub {
    /// Samples wait for room, or for a broker, which is another matter.
    pub(super) fn handle_waiting(&mut self, is_for_room: bool, now: Instant) {
        let waits = self.agenda.is_past_waiting() || !self.agenda.is_idle();
        if is_for_room && waits {
            self.congestion.handle_waiting(now);
        } else {
            self.congestion.handle_idle();
        }
    }

    /// What other threads and tasks had to drop is only counted there.
    pub(super) fn complain_of_drops(&mut self, now: Instant) {
        let dropped =
            [Counter::ArrivalsDropped, Counter::MessagesDropped, Counter::InboundDropped, Counter::NotesDropped, Counter::ReadingsDropped];
        let sum = dropped.iter().map(|counter| self.counters.get(*counter)).sum();
        if std::mem::replace(&mut self.dropped, sum) != sum {
            let text = journal::say(TOO_MUCH, &[&sum]);
            self.handle_complaint(Complaint::Overload, text.as_str(), now);
        }
    }

    /// What comes twice in one half minute alone may be what was under way.
    pub(super) fn complain_of_copies(&mut self, now: Instant) {
        let copies = self.counters.get(Counter::ArrivalsTwice);
        let are_many = copies - std::mem::replace(&mut self.copies, copies) >= COPIES_OF_A_MOVE;
        let were_many = std::mem::replace(&mut self.were_many_copies, are_many);
        if are_many && were_many {
            self.handle_complaint(Complaint::Twice, journal::say(TWICE, &[]).as_str(), now);
        }
    }

    pub(super) fn complain_of_congestion(&mut self, now: Instant) {
        if let Some(time) = self.congestion.poll_lasting(now) {
            let text = journal::say(CANNOT_KEEP_UP, &[&time.as_secs()]);
            self.handle_complaint(Complaint::Congestion, text.as_str(), now);
        }
    }

    /// One meter after the other: once its prices are whole, the next one is named.
    pub(super) fn complain_of_prices(&mut self, now: Instant) {
        if let Some(text) = self.stations.values().find_map(|station| station.unpriced()) {
            self.handle_complaint(Complaint::Prices, text.as_str(), now);
        }
    }
}
