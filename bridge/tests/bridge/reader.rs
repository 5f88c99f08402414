//! A reader made of the real `zenoh` crate: samples, a history that answers, a liveliness token.

use std::{
    sync::{Arc, Mutex},
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use teleinfo_proto::{
    tic::{Dataset, MeterId, Mode},
    wire::{BootId, Cause, Counters, DatasetsWriter, Extent, Goodbye, LineState, Sample, SampleKind, Status, keys},
};
use zenoh::{Config, Session, Wait, liveliness::LivelinessToken};

pub const METER: &str = "012345678912";

/// Everything the reader holds: place in the order, and the encoded sample.
type History = Arc<Mutex<Vec<(BootId, u64, Vec<u8>)>>>;

pub struct Reader {
    session: Session,
    token: Option<LivelinessToken>,
    history: History,
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
        let mut config = Config::default();
        let mut set = |key: &str, value: &str| config.insert_json5(key, value).unwrap();
        set("mode", "\"client\"");
        set("connect/endpoints", &format!("[\"tcp/127.0.0.1:{port}\"]"));
        set("connect/timeout_ms", "5000");
        set("scouting/multicast/enabled", "false");
        if let Some((user, password)) = login {
            set("transport/auth/usrpwd/user", &format!("\"{user}\""));
            set("transport/auth/usrpwd/password", &format!("\"{password}\""));
        }
        let session = zenoh::open(config).await?;
        let meter: MeterId = meter.parse().unwrap();
        let history = History::default();
        let held = history.clone();
        let answer = move |query: zenoh::query::Query| {
            let from = query.parameters().get("from").unwrap_or_default().to_owned();
            for bytes in after(&held.lock().unwrap(), &from) {
                query.reply(&*keys::sample(&meter), bytes).wait().unwrap();
            }
        };
        session.declare_queryable(&*keys::history(&meter)).callback(answer).background().await.unwrap();
        let mut reader = Self { session, token: None, history, meter, boot: BootId::new(1), sequence: 0, started: Instant::now() };
        reader.appear().await;
        Ok(reader)
    }

    /// Another reader of its meter, which takes questions and never answers.
    pub async fn is_joined_by_a_mute_one(&self, port: u16) -> Session {
        let mut config = Config::default();
        let mut set = |key: &str, value: &str| config.insert_json5(key, value).unwrap();
        set("mode", "\"client\"");
        set("connect/endpoints", &format!("[\"tcp/127.0.0.1:{port}\"]"));
        set("scouting/multicast/enabled", "false");
        let session = zenoh::open(config).await.unwrap();
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
        let bytes = goodbye.encode(&mut buffer).unwrap().to_vec();
        self.session.put(&*keys::sample(&self.meter), bytes).await.unwrap();
        self.vanish().await;
    }

    /// What anybody on the network can do: a Zenoh DELETE, and another meter's goodbye under this meter's key.
    pub async fn is_slandered(&self) {
        self.session.delete(&*keys::sample(&self.meter)).await.unwrap();
        let mut buffer = [0; Goodbye::BYTES_MAX];
        let goodbye = Goodbye { boot: self.boot, meter: "900061000009".parse().unwrap() };
        self.babble(goodbye.encode(&mut buffer).unwrap()).await;
    }

    /// The token goes without a word, as when the network fails.
    pub async fn vanish(&mut self) {
        self.token.take().unwrap().undeclare().await.unwrap();
    }

    /// The reader starts anew, with its history.
    pub fn restart(&mut self) {
        self.boot = BootId::new(self.boot.get() + 1);
        self.sequence = 0;
    }

    /// The meter's next frame; its power is the number of the sample, over all runs.
    pub async fn make(&mut self, arrives: bool) {
        self.sequence += 1;
        let number = self.history.lock().unwrap().len() + 1;
        let bytes = self.encode(&format!("{number:05}"));
        self.history.lock().unwrap().push((self.boot, self.sequence, bytes.clone()));
        if arrives {
            self.session.put(&*keys::sample(&self.meter), bytes).await.unwrap();
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
        let status = Status {
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
        };
        let mut buffer = [0; 1024];
        let bytes = status.encode(&mut buffer).unwrap().to_vec();
        self.session.put(&*keys::reader_status("cellar").unwrap(), bytes).await.unwrap();
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
