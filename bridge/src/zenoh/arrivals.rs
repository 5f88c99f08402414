//! What readers send by themselves: samples, reports, and the tokens and goodbyes that say whether a meter is being read.
//!
//! Tokens and goodbyes have a queue of their own: a flood of samples cannot push them out, since nobody repeats them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::{Instant, SystemTime},
};

use teleinfo_proto::{
    tic::MeterId,
    wire::{self, keys},
};
use tokio::sync::mpsc;
use zenoh::{
    Session,
    sample::{Sample, SampleKind},
};

use crate::{
    hub::counters::{Counter, Counters},
    order::arrival::{Arrival, Arrived},
    seal::incoming,
    words::limits::Limits,
    zenoh::{keys::SampleKeys, network::OWN, sealed::Sealed, shedding::Shedding},
};

/// Where so many samples wait, this machine does not keep up.
const PRESSED: usize = 64;

/// The two queues.
#[derive(Debug)]
pub struct Arrivals {
    /// Samples, reports, and what is refused.
    pub samples: mpsc::Receiver<Arrived>,
    /// Tokens and goodbyes.
    pub presences: mpsc::Receiver<Arrived>,
    /// Which samples do not even arrive.
    pub shedding: Arc<Shedding>,
}

/// The other end of the queues, in Zenoh's threads.
#[derive(Debug, Clone)]
struct Queues {
    samples: mpsc::Sender<Arrived>,
    presences: mpsc::Sender<Arrived>,
    counters: Counters,
}

/// Whoever listens to all readers, by as many links as there are. A copy tells the same queues.
#[derive(Debug, Clone)]
pub struct Ear {
    queues: Queues,
    sealed: Sealed,
    tokens: Arc<Mutex<Tokens>>,
    keys: SampleKeys,
    shedding: Arc<Shedding>,
}

/// By which links the token of each meter is seen: a reader may come back by another one before the first has noticed that it went.
#[derive(Debug, Default)]
struct Tokens(BTreeMap<MeterId, BTreeSet<usize>>);

/// An ear, and where what it hears arrives. What finds no room is dropped and counted: samples are in their reader's history, reports come
/// again.
#[must_use]
pub fn ear(sealed: &Sealed, limits: Limits, counters: Counters) -> (Ear, Arrivals) {
    let (samples, of_samples) = mpsc::channel(limits.samples());
    let (presences, of_presences) = mpsc::channel(limits.presences());
    let queues = Queues { samples, presences, counters };
    let shedding = Arc::<Shedding>::default();
    let ear = Ear { queues, sealed: sealed.clone(), tokens: Arc::default(), keys: SampleKeys::default(), shedding: shedding.clone() };
    (ear, Arrivals { samples: of_samples, presences: of_presences, shedding })
}

impl Arrivals {
    /// Whether the past is to wait: there is no time for all that comes now.
    #[must_use]
    pub fn are_pressing(&self, now: Instant) -> bool {
        self.samples.len() >= PRESSED || self.shedding.is_active(now)
    }
}

impl Ear {
    /// Listens by this link.
    ///
    /// # Errors
    /// What Zenoh says.
    pub async fn listen(&self, link: usize, session: &Session) -> zenoh::Result<()> {
        if link != OWN {
            self.keys.handle_opened(link, session);
        }
        for key in [keys::SAMPLES, keys::STATUSES, keys::HELLOS, keys::PAIRS] {
            let this = self.clone();
            let may_wait = key == keys::SAMPLES;
            let take = move |sample: Sample| {
                if !may_wait || this.hears(&sample) {
                    this.handle_message(link, &sample);
                }
            };
            session.declare_subscriber(key).callback(take).background().await?;
        }
        let this = self.clone();
        let tokens = move |sample: Sample| match meter_of(&sample) {
            Some(meter) => this.handle_token(link, meter, sample.kind() == SampleKind::Put),
            None => this.queues.push(incoming::stranger(sample.key_expr().as_str())),
        };
        session.liveliness().declare_subscriber(keys::ALIVES).history(true).callback(tokens).background().await
    }

    /// Whether there is time for a sample of this meter now.
    fn hears(&self, sample: &Sample) -> bool {
        let queue = &self.queues.samples;
        let places = queue.max_capacity();
        let hears = meter_of(sample).is_none_or(|meter| self.shedding.hears(meter, places - queue.capacity(), places, Instant::now()));
        if !hears {
            self.queues.counters.count(Counter::ArrivalsDropped);
        }
        hears
    }

    fn handle_message(&self, link: usize, sample: &Sample) {
        let (arrivals, copies) = of_message(link, sample, &self.sealed);
        self.queues.counters.add(Counter::ArrivalsTwice, copies);
        for arrival in arrivals {
            if let Arrival::Sample(received) = &arrival {
                self.keys.handle_sample(link, received.meter);
                self.shedding.handle_heard(received.meter, Instant::now());
            }
            self.queues.push(arrival);
        }
    }

    /// A link has ended: what was seen by it is no longer seen.
    pub fn handle_closed(&self, link: usize) {
        self.keys.handle_closed(link);
        let seen = self.with(|tokens| tokens.of(link));
        seen.into_iter().for_each(|meter| self.handle_token(link, meter, false));
    }

    fn handle_token(&self, link: usize, meter: MeterId, is_present: bool) {
        let is_news = self.with(|tokens| tokens.handle_token(link, meter, is_present));
        if is_news {
            self.queues.push(Arrival::Token(meter, is_present));
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Tokens) -> T) -> T {
        work(&mut self.tokens.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tokens {
    /// Returns whether that is news: a token that is seen again may be that of another reader.
    fn handle_token(&mut self, link: usize, meter: MeterId, is_present: bool) -> bool {
        if is_present {
            self.0.entry(meter).or_default().insert(link);
            return true;
        }
        let Some(links) = self.0.get_mut(&meter) else { return true };
        links.remove(&link);
        let is_gone = links.is_empty();
        if is_gone {
            self.0.remove(&meter);
        }
        is_gone
    }

    fn of(&self, link: usize) -> Vec<MeterId> {
        self.0.iter().filter(|(_, links)| links.contains(&link)).map(|(meter, _)| *meter).collect()
    }
}

impl Queues {
    /// Zenoh calls from its own threads: this never waits. Where many wait, live samples make way: their frames repeat them.
    fn push(&self, arrival: Arrival) {
        let queue = match arrival {
            Arrival::Token(..) | Arrival::Proven(_) | Arrival::Goodbye(_) | Arrival::FirstContact(..) => &self.presences,
            Arrival::Sample(_) | Arrival::Report(_) | Arrival::Refused(..) | Arrival::Told(..) => &self.samples,
        };
        let makes_way = matches!(&arrival, Arrival::Sample(received) if received.kind == wire::SampleKind::Live);
        if makes_way && queue.capacity() < queue.max_capacity() / 2
            || queue.try_send(Arrived { arrival, at: Instant::now(), wall: SystemTime::now() }).is_err()
        {
            self.counters.count(Counter::ArrivalsDropped);
        }
    }
}

/// What came under a key of a reader, and how many messages had come by another link before. A Zenoh DELETE says nothing, so it is refused as what
/// cannot be read.
fn of_message(link: usize, sample: &Sample, sealed: &Sealed) -> (Vec<Arrival>, u64) {
    let size = sample.payload().len();
    if size > incoming::BYTES_MAX {
        // Nothing is made of it, not even a copy.
        return (vec![incoming::too_large(sample.key_expr().as_str(), size)], 0);
    }
    let key = sample.key_expr().as_str();
    let mut bytes = sample.payload().to_bytes().into_owned();
    sealed.with(|readers| (incoming::handle_message(readers, link, key, &mut bytes, Instant::now()), readers.poll_copies()))
}

fn meter_of(sample: &Sample) -> Option<MeterId> {
    keys::meter_of(sample.key_expr().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order::{arrival::Refusal, received::Received};

    const SAMPLES: usize = 4_096;
    const PRESENCES: usize = 128;

    #[test]
    fn a_reader_that_moves_to_another_link_is_not_gone() {
        let (mut tokens, meter) = (Tokens::default(), "012345678912".parse().unwrap());
        assert!(tokens.handle_token(0, meter, true) && tokens.handle_token(1, meter, true));
        assert!(!tokens.handle_token(0, meter, false));
        assert_eq!((tokens.of(0), tokens.of(1)), (vec![], vec![meter]));
        assert!(tokens.handle_token(1, meter, false));
    }

    #[test]
    fn where_many_wait_live_samples_make_way() {
        let (samples, mut of_samples) = mpsc::channel(SAMPLES);
        let (presences, _of_presences) = mpsc::channel(PRESENCES);
        let queues = Queues { samples, presences, counters: Counters::default() };
        let sample = |kind| {
            let (boot, meter) = (wire::BootId::new(1), "012345678912".parse().unwrap());
            Arrival::Sample(Received { boot, sequence: 1, kind, meter, unix_ms: 0, uptime_ms: 0, bytes: Vec::new() })
        };
        (0..SAMPLES).for_each(|_| queues.push(sample(wire::SampleKind::Live)));
        queues.push(sample(wire::SampleKind::Frame { complete: true }));
        let waiting = std::iter::from_fn(|| of_samples.try_recv().ok()).count();
        assert_eq!(waiting, SAMPLES / 2 + 2, "half of the queue and one live sample, and the frame");
    }

    #[test]
    fn a_flood_of_samples_pushes_no_token_out_and_is_counted() {
        let (samples, _of_samples) = mpsc::channel(SAMPLES);
        let (presences, mut of_presences) = mpsc::channel(PRESENCES);
        let queues = Queues { samples, presences, counters: Counters::default() };
        for _ in 0..SAMPLES + 10 {
            queues.push(Arrival::Refused(Refusal::Malformed, String::new()));
        }
        let meter = "012345678912".parse().unwrap();
        queues.push(Arrival::Token(meter, true));
        queues.push(Arrival::Goodbye(meter));
        assert_eq!(queues.counters.get(Counter::ArrivalsDropped), 10);
        assert!(matches!(of_presences.try_recv().unwrap().arrival, Arrival::Token(id, true) if id == meter));
        assert!(matches!(of_presences.try_recv().unwrap().arrival, Arrival::Goodbye(id) if id == meter));
    }
}
