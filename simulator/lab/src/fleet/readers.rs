//! Many readers in one process, for load tests of a bridge: each has a meter, a connection of its own, the reader's
//! own Zenoh client and its end of the seal, and publishes real samples with real datasets at a steady rate, once a bridge has
//! offered itself. One thread, one loop.

use mio::{Events, Poll, Registry, Token};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use teleinfo_proto::seal::Type;
use teleinfo_proto::tic::{Dataset, MeterId, Mode};
use teleinfo_proto::wire::{BootId, Counters, DatasetsWriter, Sample, SampleKind, keys};
use teleinfo_reader::trust::keys::Keys;
use teleinfo_reader::uplink::sealed::{SealedEnd, Word};
use teleinfo_simulator::failure::{Code, Failure, OrFail, Outcome};
use teleinfo_simulator::line::stop::Stop;
use teleinfo_simulator::meter::tariff::contract::Contract;
use teleinfo_simulator::meter::{Meter, MeterOptions};
use teleinfo_simulator::rng::Rng;
use teleinfo_zenoh_client::{Client, Declaration, Event, Locator, Options, Publication, Query, TOKENS};

/// How the fleet is made.
#[derive(Debug, Clone)]
pub struct FleetOptions {
    /// Where they connect to: each begins with another of these.
    pub connect: Vec<Locator>,
    /// Routers of buildings between them and a bridge of their own.
    pub routers: usize,
    /// Bridges of their own: a group, where they are more than one.
    pub bridges: usize,
    /// One more router joins these, and the bridge is a guest of that one.
    pub joined: bool,
    /// How many.
    pub meters: usize,
    /// Samples a second, of each.
    pub rate: f64,
    /// For how long.
    pub time: Duration,
    /// Samples that each reader keeps for whoever asks for its history.
    pub history: usize,
    /// Samples of each, at most.
    pub count: Option<u64>,
    /// Decides the meters.
    pub seed: u64,
    /// Bytes a second that go through to the broker, where that is bounded.
    pub broker_bytes: Option<u64>,
    /// Processors that each bridge of their own gets, where that is bounded.
    pub bridge_share: Option<f64>,
}

/// What the fleet has done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct FleetCounts {
    /// Readers whose session stands.
    pub connected: usize,
    /// Samples handed to a connection.
    pub published: u64,
    /// Samples for which no session stood or no room was.
    pub unsent: u64,
}

/// Readers that come in a second. All routers of a fleet share one machine here; where each has its own, as many can come at each.
pub const COME_A_SECOND: usize = 250;
/// Routers that a reader lists: its own, and another.
const LISTED: usize = 2;
/// Files beside those of readers.
const OTHER_FILES: usize = 100;

struct VirtualReader {
    client: Client,
    sealed: SealedEnd,
    meter: Meter,
    id: MeterId,
    sequence: u64,
    counters: Counters,
    /// The last samples with their numbers, for as many as it keeps.
    history: VecDeque<(u64, Vec<u8>)>,
    keeps: usize,
    next: Instant,
    /// A bridge has asked, so it believes what follows. Before that there is nothing to lose.
    started: bool,
}

struct Fleet {
    options: FleetOptions,
    poll: Poll,
    registry: Arc<Registry>,
    rng: Rng,
    readers: Vec<VirtualReader>,
    interval: Duration,
    begin: Instant,
    boot: BootId,
    tally: FleetCounts,
}

/// Runs a fleet to its end; `report` is called once a second, and says whether to go on.
///
/// # Errors
/// When the system has not enough file descriptors for so many connections, or a locator cannot be used.
pub fn run(options: &FleetOptions, stop: &Stop, report: &mut dyn FnMut(FleetCounts) -> bool) -> Outcome<FleetCounts> {
    let mut fleet = Fleet::new(options)?;
    let mut next_report = fleet.begin + Duration::from_secs(1);
    let end = fleet.begin + options.time;
    loop {
        let now = Instant::now();
        fleet.take_comers(now)?;
        fleet.step(now, options.count);
        let mut goes_on = true;
        if now >= next_report {
            goes_on = report(fleet.tally());
            next_report += Duration::from_secs(1);
        }
        if !goes_on || now >= end || stop.is_set() || fleet.is_done(options.count) {
            return Ok(fleet.close());
        }
        fleet.wait(next_report.min(end))?;
    }
}

impl Fleet {
    fn new(options: &FleetOptions) -> Outcome<Self> {
        enough_files(options.meters)?;
        let poll = Poll::new().or_fail(Code::Software, || "cannot make an event loop".into())?;
        let registry = Arc::new(poll.registry().try_clone().or_fail(Code::Software, || "cannot make an event loop".into())?);
        let begin = Instant::now();
        let interval = Duration::from_secs_f64(1.0 / options.rate);
        let mut rng = Rng::named(options.seed, "fleet");
        let boot = BootId::new(rng.next_u64() ^ unix_ms() as u64);
        let readers = Vec::with_capacity(options.meters);
        Ok(Self { options: options.clone(), poll, registry, rng, readers, interval, begin, boot, tally: FleetCounts::default() })
    }

    /// Those that come by now.
    fn take_comers(&mut self, now: Instant) -> Outcome {
        let come = 1 + (now - self.begin).as_millis() as usize * COME_A_SECOND / 1_000;
        while self.readers.len() < self.options.meters.min(come) {
            let reader = self.comer(self.readers.len(), now)?;
            self.readers.push(reader);
        }
        Ok(())
    }

    fn comer(&mut self, number: usize, now: Instant) -> Outcome<VirtualReader> {
        let mut client = client(self.registry.clone(), number, &self.options, now);
        let meter = any_meter(number, &mut self.rng);
        let id = identity(&meter)?;
        let sealed = sealed(&id, self.boot, &mut self.rng, now)?;
        client.declare(Declaration::Key, &keys::sample(&id), now);
        client.declare(Declaration::Token, &keys::alive(&id), now);
        client.declare(Declaration::Subscriber, &sealed.keys().inbox, now);
        client.declare(Declaration::Key, &sealed.keys().status, now);
        client.declare(Declaration::Queryable, &keys::history(&id), now);
        // Spread over the interval, as meters are.
        let next = now + self.interval.mul_f64(number as f64 / self.options.meters as f64);
        let meter = Meter::new(meter);
        Ok(VirtualReader {
            client,
            sealed,
            meter,
            id,
            sequence: 0,
            counters: Counters::default(),
            history: VecDeque::new(),
            keeps: self.options.history,
            next,
            started: false,
        })
    }

    fn step(&mut self, now: Instant, count: Option<u64>) {
        let uptime_ms = now.duration_since(self.begin).as_millis() as u64;
        for reader in &mut self.readers {
            if reader.client.poll_timeout(now).is_some_and(|due| due <= now) {
                reader.client.handle_timeout(now);
            }
            reader.answer(self.boot, now);
            while reader.next <= now && count.is_none_or(|count| reader.sequence < count) {
                reader.next += self.interval;
                if !reader.started {
                    continue;
                }
                let sent = reader.publish(self.boot, uptime_ms, now);
                *(if sent { &mut self.tally.published } else { &mut self.tally.unsent }) += 1;
            }
        }
    }

    fn wait(&mut self, latest: Instant) -> Outcome {
        let now = Instant::now();
        let due = self.readers.iter().filter_map(|reader| reader.client.poll_timeout(now));
        let next = self.readers.iter().map(|reader| reader.next);
        let comer = (self.readers.len() < self.options.meters).then(|| now + Duration::from_secs(1) / COME_A_SECOND as u32);
        // At least a millisecond: a fleet of thousands must not turn its loop for each of them.
        let until = due.chain(next).chain(comer).min().unwrap_or(latest).min(latest).max(now + Duration::from_millis(1));
        let mut events = Events::with_capacity(1024);
        match self.poll.poll(&mut events, Some(until - now)) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => return Err(error).or_fail(Code::Io, || "event loop".into()),
            _ => {}
        }
        let now = Instant::now();
        for event in &events {
            if let Some(reader) = self.readers.get_mut(event.token().0 / TOKENS) {
                reader.client.handle_event(event, now);
            }
        }
        Ok(())
    }

    fn tally(&self) -> FleetCounts {
        let connected = self.readers.iter().filter(|reader| reader.client.is_connected()).count();
        FleetCounts { connected, ..self.tally }
    }

    fn is_done(&self, count: Option<u64>) -> bool {
        let is_whole = self.readers.len() == self.options.meters;
        count.is_some_and(|count| is_whole && self.readers.iter().all(|reader| reader.sequence >= count))
    }

    fn close(mut self) -> FleetCounts {
        let tally = self.tally();
        let now = Instant::now();
        self.readers.iter_mut().for_each(|reader| reader.client.close(now));
        tally
    }
}

impl VirtualReader {
    /// A fleet has no history: questions get no replies.
    fn answer(&mut self, boot: BootId, now: Instant) {
        while let Some(event) = self.client.poll_event() {
            match event {
                Event::Connected { .. } => self.sealed.handle_connected(now),
                Event::Query(Query { id, key, mut body, .. }) => {
                    if let Word::Asked(asked, mut question) = self.sealed.handle_message(&key, &mut body, now) {
                        let (key, after) = (keys::sample(&self.id), asked_after(&asked, boot));
                        for (_, sample) in self.history.iter().filter(|(sequence, _)| *sequence > after) {
                            if let Ok(sealed) = self.sealed.reply(&mut question, &key, sample) {
                                let _ = self.client.reply(id, &key, sealed, now);
                            }
                        }
                        let _ = self.sealed.end(question, &key).map(|end| self.client.reply(id, &key, end, now));
                    }
                    // Without a session there is nobody to tell.
                    let _ = self.client.finish(id, now);
                }
                Event::Publication(Publication { key, mut payload }) => self.hear(&key, &mut payload, now),
                Event::Disconnected { .. } | Event::NoRouter { .. } | Event::Room => {}
            }
        }
        if self.client.is_connected()
            && let Some(hello) = self.sealed.poll_hello(now)
        {
            let _ = self.client.publish(&self.sealed.keys().hello, &hello, now);
        }
    }

    /// What came to the inbox.
    fn hear(&mut self, key: &str, message: &mut [u8], now: Instant) {
        let keys = (self.sealed.keys().pair, self.sealed.keys().status);
        match self.sealed.handle_message(key, message, now) {
            Word::Offered => {
                let _ = self.sealed.pair(Some(&self.id)).map(|pair| self.client.publish(&keys.0, pair, now));
            }
            Word::Asked(_, question) => {
                let _ = self.sealed.here(question).map(|end| self.client.publish(&keys.1, end, now));
                self.started = true;
            }
            Word::Delivered(_) | Word::None => {}
        }
    }

    /// Publishes the meter's next frame; whether a connection took it.
    fn publish(&mut self, boot: BootId, uptime_ms: u64, now: Instant) -> bool {
        let (frame, _) = self.meter.next_frame();
        self.sequence += 1;
        self.counters.frames_good += 1;
        self.counters.datasets_good += frame.groups.len() as u32;
        self.counters.bytes += frame.bytes.len() as u64;
        let mut space = [0; Sample::BYTES_MAX];
        let mut writer = DatasetsWriter::resume(&mut space, 0);
        for group in &frame.groups {
            if let Ok(dataset) = Dataset::new(frame.mode, group.label, group.timestamp.as_deref(), &group.data) {
                // It fits: the reader's own buffers are as large.
                let _ = writer.push(&dataset);
            }
        }
        let sample = Sample {
            boot,
            sequence: self.sequence,
            kind: SampleKind::Frame { complete: frame.complete },
            unix_ms: unix_ms(),
            uptime_ms,
            mode: frame.mode,
            meter: self.id,
            counters: self.counters,
            datasets: writer.finish(),
        };
        let mut bytes = [0; Sample::BYTES_MAX];
        let Ok(payload) = sample.encode(&mut bytes) else {
            return false;
        };
        if self.keeps > 0 {
            self.history.push_back((self.sequence, payload.to_vec()));
            self.history.drain(..self.history.len().saturating_sub(self.keeps));
        }
        let key = keys::sample(&self.id);
        let Ok(sealed) = self.sealed.seal(Type::Sample, &key, payload) else { return false };
        self.client.publish(&key, sealed, now).is_ok()
    }
}

fn client(registry: Arc<Registry>, number: usize, options: &FleetOptions, now: Instant) -> Client {
    let mut locators = options.connect.clone();
    let first = number % locators.len().max(1);
    locators.rotate_left(first);
    if options.routers > 0 {
        // It dials the next one while the first has not answered: with a long list a storm would be all of them at all routers.
        locators.truncate(LISTED);
    }
    let wanted = Options { locators, ..Options::default() };
    Client::new(registry, Token(number * TOKENS), wanted, now)
}

/// Each reader has a connection, and while it looks for its router two.
fn enough_files(readers: usize) -> Outcome {
    let limits = std::fs::read_to_string("/proc/self/limits").or_fail(Code::Software, || "no /proc".into())?;
    let files: Option<usize> = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok());
    let wanted = readers + readers / 4 + OTHER_FILES;
    match files {
        Some(files) if files < wanted => Err(Failure::new(
            Code::Unavailable,
            format!("{readers} readers open up to {wanted} files, and {files} are allowed: ulimit -n {wanted}"),
        )),
        _ => Ok(()),
    }
}

/// A key of its own for each meter, the same in each run: a bridge believes no other one for a meter that it knows.
fn sealed(id: &MeterId, boot: BootId, rng: &mut Rng, now: Instant) -> Outcome<SealedEnd> {
    let mut seed = [0; 32];
    seed[..id.as_str().len()].copy_from_slice(id.as_str().as_bytes());
    let mut random = [0; 32];
    random.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&(rng.next_u64() ^ boot.get()).to_be_bytes()));
    SealedEnd::new(Keys::of(&seed), boot, random, now).map_err(|refused| Failure::new(Code::Software, refused.to_string()))
}

/// After which of the samples of this run those begin that are asked for: of another run, and without a place, all of them are.
fn asked_after(asked: &str, boot: BootId) -> u64 {
    let place = asked.strip_prefix("from=").and_then(|place| place.split_once(':'));
    let of_this_run = place.filter(|(run, _)| run.parse().ok() == Some(boot));
    of_this_run.and_then(|(_, sequence)| sequence.parse().ok()).unwrap_or_default()
}

/// The address of this meter of any fleet.
#[must_use]
pub(super) fn digits(number: usize) -> String {
    format!("9099{number:08}")
}

/// Whose address this is.
pub(super) fn number_of(digits: &str) -> Option<usize> {
    digits.strip_prefix("9099")?.parse().ok()
}

fn any_meter(number: usize, rng: &mut Rng) -> MeterOptions {
    let mode = *rng.pick(&[Mode::Historic, Mode::Standard]);
    MeterOptions {
        id: Some(digits(number)),
        seed: rng.next_u64(),
        phases: *rng.pick(&[1, 1, 1, 3]),
        producer: rng.chance(0.2),
        ..MeterOptions::new(mode, rng.pick(Contract::all()), unix_ms() / 1000)
    }
}

fn identity(meter: &MeterOptions) -> Outcome<MeterId> {
    let id = meter.identity();
    id.parse().map_err(|_| Failure::new(Code::Software, format!("{id} is no meter's address")))
}

fn unix_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_begins_after_a_sample_of_this_run_or_is_all() {
        let boot = BootId::new(255);
        let after = |asked: &str| asked_after(asked, boot);
        assert_eq!(after("from=00000000000000ff:12"), 12);
        assert_eq!(["from=0000000000000001:12", "from=", "since=1;until=2", "from=x:y"].map(after), [0; 4]);
    }
}
