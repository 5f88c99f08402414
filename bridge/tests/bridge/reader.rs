//! A reader made of the real `zenoh` crate: samples, a history that answers, a liveliness token.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use teleinfo_proto::{
    seal::{Heard, Identity, Pairing, ReaderEnd, Type},
    tic::{Dataset, MeterId, Mode},
    wire::{BootId, Cause, Counters, DatasetsWriter, Extent, Goodbye, LineState, Sample, SampleKind, Status, keys},
};
use zenoh::{Config, Session, Wait, liveliness::LivelinessToken};

use super::eventually;

pub const METER: &str = "012345678912";

/// What the bridge's key is made of, in all tests.
pub const BRIDGE_SEED: [u8; 32] = [200; 32];

/// Everything the reader holds: place in the order, and the encoded sample.
type History = Arc<Mutex<Vec<(BootId, u64, Vec<u8>)>>>;

pub struct Reader {
    session: Session,
    token: Option<LivelinessToken>,
    history: History,
    end: SealedEnd,
    meter: MeterId,
    boot: BootId,
    sequence: u64,
    started: Instant,
}

impl Reader {
    /// Connects to the bridge on this port.
    pub async fn new(port: u16) -> Self {
        Self::with(port, METER, None).await.unwrap()
    }

    pub async fn with(port: u16, meter: &str, login: Option<(&str, &str)>) -> zenoh::Result<Self> {
        let mut config = config(port);
        let mut set = |key: &str, value: &str| config.insert_json5(key, value).unwrap();
        if let Some((user, password)) = login {
            set("transport/auth/usrpwd/user", &format!("\"{user}\""));
            set("transport/auth/usrpwd/password", &format!("\"{password}\""));
        }
        let session = zenoh::open(config).await?;
        let meter: MeterId = meter.parse().unwrap();
        let (boot, end) = (BootId::new(1), SealedEnd::new(meter, BootId::new(1)));
        let mut reader = Self { session, token: None, history: History::default(), end, meter, boot, sequence: 0, started: Instant::now() };
        reader.end.answers(&reader.session, reader.history.clone()).await;
        reader.end.meets(&reader.session).await;
        reader.appear().await;
        Ok(reader)
    }

    /// It loses its router, and connects to another one.
    pub async fn moves(&mut self, port: u16) {
        self.session.close().await.unwrap();
        self.session = zenoh::open(config(port)).await.unwrap();
        self.end.answers(&self.session, self.history.clone()).await;
        self.end.greets(&self.session).await;
        self.appear().await;
    }

    /// Where it is told something.
    pub fn inbox(&self) -> String {
        self.end.key("inbox")
    }

    /// Another reader of its meter, which takes questions and never answers.
    pub async fn is_joined_by_a_mute_one(&self, port: u16) -> Session {
        let session = zenoh::open(config(port)).await.unwrap();
        let kept: Mutex<Vec<zenoh::query::Query>> = Mutex::default();
        let take = move |query| kept.lock().unwrap().push(query);
        session.declare_queryable(&*keys::history(&self.meter)).callback(take).background().await.unwrap();
        session
    }

    pub async fn appear(&mut self) {
        let token = self.session.liveliness().declare_token(&*keys::alive(&self.meter)).await.unwrap();
        self.token = Some(token);
    }

    /// The meter is left by intent.
    pub async fn leave(&mut self) {
        let mut buffer = [0; Goodbye::BYTES_MAX];
        let goodbye = Goodbye { boot: self.boot, meter: self.meter };
        self.put(Type::Goodbye, goodbye.encode(&mut buffer).unwrap()).await;
        self.vanish().await;
    }

    /// What anybody on the network can do: a Zenoh DELETE, and another meter's goodbye under this meter's key.
    pub async fn is_slandered(&self) {
        self.session.delete(&*keys::sample(&self.meter)).await.unwrap();
        let mut buffer = [0; Goodbye::BYTES_MAX];
        let goodbye = Goodbye { boot: self.boot, meter: "900061000009".parse().unwrap() };
        self.put(Type::Goodbye, goodbye.encode(&mut buffer).unwrap()).await;
    }

    /// The token goes without a word, as when the network fails.
    pub async fn vanish(&mut self) {
        self.token.take().unwrap().undeclare().await.unwrap();
    }

    /// The bridge is another process: what a reader does with each connection.
    pub async fn meets_again(&self) {
        self.end.meets(&self.session).await;
    }

    /// The reader starts anew, with its history.
    pub fn restart(&mut self) {
        self.boot = BootId::new(self.boot.get() + 1);
        self.sequence = 0;
        self.end.restart(self.meter, self.boot);
    }

    /// Sealed, under the key of the samples.
    async fn put(&self, of: Type, plain: &[u8]) {
        let key = keys::sample(&self.meter);
        let sealed = self.end.seal(of, &key, plain);
        self.session.put(&*key, sealed).await.unwrap();
    }

    /// The meter's next frame; its power is the number of the sample, over all runs.
    pub async fn make(&mut self, arrives: bool) {
        self.sequence += 1;
        let number = self.history.lock().unwrap().len() + 1;
        let bytes = self.encode(&format!("{number:05}"));
        self.history.lock().unwrap().push((self.boot, self.sequence, bytes.clone()));
        if arrives {
            self.put(Type::Sample, &bytes).await;
        }
    }

    pub async fn make_many(&mut self, count: usize) {
        for _ in 0..count {
            self.make(true).await;
        }
    }

    /// Sends bytes that are no sample.
    pub async fn babble(&self, bytes: &[u8]) {
        self.session.put(&*keys::sample(&self.meter), bytes).await.unwrap();
    }

    pub async fn report(&self, line: LineState, cause: Cause) {
        self.report_on(Some(self.meter), self.boot, line, cause).await;
    }

    /// The first report of another run, which has not heard its meter yet.
    pub async fn report_of_a_start(&self, line: LineState, cause: Cause) {
        self.report_on(None, BootId::new(self.boot.get() + 1), line, cause).await;
    }

    async fn report_on(&self, meter: Option<MeterId>, boot: BootId, line: LineState, cause: Cause) {
        let status = status(meter, boot, line, cause);
        let mut buffer = [0; 1024];
        let key = self.end.key("status");
        let sealed = self.end.seal(Type::Status, &key, status.encode(&mut buffer).unwrap());
        self.session.put(key, sealed).await.unwrap();
    }

    fn encode(&self, power: &str) -> Vec<u8> {
        let id = self.meter.to_string();
        let lines = [
            ("ADCO", id.as_str()),
            ("OPTARIF", "BASE"),
            ("ISOUSC", "30"),
            ("BASE", "002815235"),
            ("PTEC", "TH.."),
            ("IINST", "001"),
            ("IMAX", "090"),
            ("PAPP", power),
            ("HHPHC", "A"),
            ("MOTDETAT", "000000"),
        ];
        let mut block = [0; 1024];
        let mut writer = DatasetsWriter::resume(&mut block, 0);
        for (label, data) in lines {
            writer.push(&Dataset::new(Mode::Historic, label, None, data).unwrap()).unwrap();
        }
        let sample = Sample {
            boot: self.boot,
            sequence: self.sequence,
            kind: SampleKind::Frame { complete: true },
            unix_ms: now_ms(),
            uptime_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap(),
            mode: Mode::Historic,
            meter: self.meter,
            counters: Counters::default(),
            datasets: writer.finish(),
        };
        let mut buffer = [0; Sample::BYTES_MAX];
        sample.encode(&mut buffer).unwrap().to_vec()
    }
}

/// The reader's end of the seal, as the real reader has it: it answers whoever asks with the right key.
#[derive(Clone)]
struct SealedEnd {
    end: Arc<Mutex<ReaderEnd>>,
    id: String,
    meter: MeterId,
    started: Instant,
    /// The bridge has offered itself, so it believes what follows.
    is_offered: Arc<AtomicBool>,
    /// Questions of the inbox that were answered.
    proofs: Arc<AtomicU32>,
}

impl SealedEnd {
    fn new(meter: MeterId, boot: BootId) -> Self {
        let own = identity(meter);
        let id = own.id().to_string();
        let end = Arc::new(Mutex::new(end(own, boot)));
        Self { end, id, meter, started: Instant::now(), is_offered: Arc::default(), proofs: Arc::default() }
    }

    fn restart(&self, meter: MeterId, boot: BootId) {
        *self.end.lock().unwrap() = end(identity(meter), boot);
    }

    fn key(&self, what: &str) -> String {
        format!("tic/v2/reader/{}/{what}", self.id)
    }

    fn seal(&self, of: Type, key: &str, plain: &[u8]) -> Vec<u8> {
        self.end.lock().unwrap().seal(of, key, plain, &mut [0; 4096]).unwrap().to_vec()
    }

    async fn answers(&self, session: &Session, history: History) {
        let (this, inbox, to) = (self.clone(), self.key("inbox"), session.clone());
        let hear = move |sample: zenoh::sample::Sample| {
            if let Some((key, bytes)) = this.hear(sample.key_expr().as_str(), sample.payload().to_bytes().into_owned()) {
                let is_pair = key.ends_with("/pair");
                to.put(key, bytes).wait().unwrap();
                // Whoever waits for it then speaks after the pair, as a reader does.
                this.is_offered.fetch_or(is_pair, Ordering::Relaxed);
            }
        };
        session.declare_subscriber(inbox).callback(hear).background().await.unwrap();
        let (this, meter) = (self.clone(), self.meter);
        let answer = move |query: zenoh::query::Query| {
            let Some(body) = query.payload() else { return };
            let key = query.key_expr().as_str().to_owned();
            for reply in this.answer(&key, body.to_bytes().into_owned(), &history) {
                query.reply(&*keys::sample(&meter), reply).wait().unwrap();
            }
        };
        session.declare_queryable(&*keys::history(&meter)).callback(answer).background().await.unwrap();
    }

    /// What came to the inbox, and what follows from it.
    fn hear(&self, key: &str, mut bytes: Vec<u8>) -> Option<(String, Vec<u8>)> {
        let mut end = self.end.lock().unwrap();
        match end.handle_message(key, &mut bytes, self.started.elapsed()) {
            Ok(Heard::Offered) => {
                let key = self.key("pair");
                let pair = end.pair(&key, Some(&self.meter), &mut [0; 512]).unwrap().to_vec();
                Some((key, pair))
            }
            Ok(Heard::Question(id, _)) => {
                let key = self.key("status");
                let answer = end.answer(id);
                let bytes = end.end(answer, &key, &mut [0; 512]).unwrap().to_vec();
                self.proofs.fetch_add(1, Ordering::Relaxed);
                Some((key, bytes))
            }
            _ => None,
        }
    }

    /// What came with a query, and all messages of the answer.
    fn answer(&self, key: &str, mut body: Vec<u8>, history: &History) -> Vec<Vec<u8>> {
        let mut end = self.end.lock().unwrap();
        let Ok(Heard::Question(id, asked)) = end.handle_message(key, &mut body, self.started.elapsed()) else { return Vec::new() };
        let from = std::str::from_utf8(asked).unwrap().strip_prefix("from=").map(str::to_owned);
        let held = history.lock().unwrap();
        let samples = from.map_or_else(|| held.iter().map(|(_, _, bytes)| bytes.clone()).collect(), |from| after(&held, &from));
        let (mut answer, key) = (end.answer(id), keys::sample(&self.meter));
        let mut messages: Vec<Vec<u8>> =
            samples.iter().map(|sample| end.reply(&mut answer, &key, sample, &mut [0; 4096]).unwrap().to_vec()).collect();
        messages.push(end.end(answer, &key, &mut [0; 512]).unwrap().to_vec());
        messages
    }

    /// What each connection begins with: hello, offer, pair, and the proof that this session lives.
    async fn meets(&self, session: &Session) {
        let before = self.proofs.load(Ordering::Relaxed);
        self.greets(session).await;
        eventually("the bridge asks", || (self.proofs.load(Ordering::Relaxed) > before).then_some(())).await;
    }

    /// The same with a bridge that knows already that this session lives, so that it does not ask.
    async fn greets(&self, session: &Session) {
        self.is_offered.store(false, Ordering::Relaxed);
        while !self.is_offered.load(Ordering::Relaxed) {
            let hello = self.end.lock().unwrap().hello().to_vec();
            session.put(self.key("hello"), hello).await.unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// A client of the router on this port.
fn config(port: u16) -> Config {
    let mut config = Config::default();
    let mut set = |key: &str, value: &str| config.insert_json5(key, value).unwrap();
    set("mode", "\"client\"");
    set("connect/endpoints", &format!("[\"tcp/127.0.0.1:{port}\"]"));
    set("connect/timeout_ms", "5000");
    set("scouting/multicast/enabled", "false");
    config
}

/// Another key for each meter.
fn identity(meter: MeterId) -> Identity {
    let mut seed = [0; 32];
    seed[..12].copy_from_slice(meter.as_str().as_bytes());
    Identity::from_seed(&seed)
}

/// Another session at each call.
fn end(own: Identity, boot: BootId) -> ReaderEnd {
    let mut random = [0; 32];
    getrandom::fill(&mut random).unwrap();
    ReaderEnd::new(own, boot, Some(*Identity::from_seed(&BRIDGE_SEED).key()), Pairing::FirstContact, random).unwrap()
}

fn status(meter: Option<MeterId>, boot: BootId, line: LineState, cause: Cause) -> Status<'static> {
    Status {
        name: "cellar",
        release: "9.9.9",
        boot,
        unix_ms: now_ms(),
        uptime_ms: 1,
        line,
        cause,
        mode: Some(Mode::Historic),
        meter,
        counters: Counters::default(),
        history: Extent::default(),
        label: "",
    }
}
/// As a reader answers `from=<boot>:<sequence>`: what came after, or everything if it does not know that sample.
fn after(history: &[(BootId, u64, Vec<u8>)], from: &str) -> Vec<Vec<u8>> {
    let (boot, sequence) = from.split_once(':').unwrap();
    let (boot, sequence): (BootId, u64) = (boot.parse().unwrap(), sequence.parse().unwrap());
    let known = history.iter().position(|(b, s, _)| (*b, *s) == (boot, sequence));
    history[known.map_or(0, |index| index + 1)..].iter().map(|(_, _, bytes)| bytes.clone()).collect()
}

fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}
