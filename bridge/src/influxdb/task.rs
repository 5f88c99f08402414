//! Sends what waits, on a task of its own: the main loop only hands records over, and never waits.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use http_body_util::Full;
use hyper::{
    Request, StatusCode, Uri,
    body::Bytes,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use tokio::{
    io::AsyncWriteExt,
    net::UnixStream,
    sync::mpsc,
    task::{self, JoinHandle},
    time,
};
use tracing::{info, warn};

use crate::{
    daemon::credentials::Secret,
    http::client::{Client, Reply},
    hub::counters::{Counter, Counters},
    influxdb::{
        line,
        queue::{Fate, Queue},
        setup::Target,
    },
    meter::record::Record,
    words::{journal, language::Words, printable::printable},
};

const WAITS: Words = Words::new("influxdb: {} takes nothing, lines wait: {}", "influxdb : {} ne prend rien, des lignes attendent : {}");
const REFUSED: Words = Words::new("influxdb: {} refuses lines, which are dropped: {}", "influxdb : {} refuse des lignes, abandonnées : {}");
const TAKEN: Words = Words::new("influxdb: {} takes lines", "influxdb : {} prend les lignes");

/// Records that may wait for the task, which may wait for a server.
const RECORDS_MAX: usize = 1_024;
/// An answer says why; nobody needs more of it.
const ANSWER_MAX: usize = 16_384;
/// How long a listener may leave what it was sent.
const PATIENCE: Duration = Duration::from_secs(10);
/// A file that is larger is put aside, with `.1` behind its name.
const FILE_MAX: u64 = 16 << 20;
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// The main loop's end.
pub struct RecordSender {
    sender: mpsc::Sender<Record>,
    counters: Counters,
    task: JoinHandle<()>,
}

impl RecordSender {
    /// Starts the task.
    ///
    /// # Errors
    /// This system trusts nobody, so that no server can be reached over TLS.
    pub fn start(target: Target, counters: Counters) -> Result<Self, String> {
        let (sender, records) = mpsc::channel(RECORDS_MAX);
        let writer = Writer::new(target)?;
        let task = tokio::spawn(run(records, writer, counters.clone()));
        Ok(Self { sender, counters, task })
    }

    /// This is to be written.
    pub fn handle_record(&self, record: Record) {
        if self.sender.try_send(record).is_err() {
            self.counters.count(Counter::RecordsDropped);
        }
    }

    /// Sends what waits, once, and ends.
    pub async fn finish(self) {
        drop(self.sender);
        let _ = self.task.await;
    }
}

async fn run(mut records: mpsc::Receiver<Record>, mut writer: Writer, counters: Counters) {
    let mut queue = Queue::default();
    loop {
        let due = queue.poll_timeout();
        let wait = async { if let Some(due) = due { time::sleep_until(due.into()).await } else { std::future::pending().await } };
        tokio::select! {
            record = records.recv() => match record {
                Some(record) => line::line(&record).into_iter().for_each(|line| queue.handle_line(line, Instant::now())),
                None => break,
            },
            () = wait => send(&mut queue, &mut writer, Instant::now()).await,
        }
        counters.add(Counter::RecordsDropped, queue.poll_lost());
    }
    queue.handle_stop(Instant::now());
    send(&mut queue, &mut writer, Instant::now()).await;
}

async fn send(queue: &mut Queue, writer: &mut Writer, now: Instant) {
    if let Some(batch) = queue.poll_batch(now) {
        let fate = writer.write(batch).await;
        queue.handle_fate(fate, Instant::now());
    }
}

/// Where lines go, and how it went last.
struct Writer {
    name: String,
    way: Way,
    told: Option<Told>,
}

/// What the journal says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Takes,
    Waits,
    Refuses,
}

enum Way {
    Server { client: Client, address: Uri, token: Option<Secret> },
    Socket(PathBuf, Option<UnixStream>),
    File(PathBuf),
}

impl Writer {
    fn new(target: Target) -> Result<Self, String> {
        let (name, way) = match target {
            Target::Server(address, token) => {
                let name = address.authority().map(ToString::to_string).unwrap_or_default();
                (name, Way::Server { client: Client::new(&address)?, address, token })
            }
            Target::Socket(path) => (path.display().to_string(), Way::Socket(path, None)),
            Target::File(path) => (path.display().to_string(), Way::File(path)),
        };
        Ok(Self { name, way, told: None })
    }

    async fn write(&mut self, batch: String) -> Fate {
        let (fate, why) = match &mut self.way {
            Way::Server { client, address, token } => match request(address, token.as_ref(), batch) {
                Ok(request) => fate_of(client.ask(request, ANSWER_MAX).await),
                Err(error) => (Fate::Refused, error.to_string()),
            },
            Way::Socket(path, stream) => fate_of_bytes(to_socket(path, stream, batch.as_bytes()).await),
            Way::File(path) => {
                let path = path.clone();
                let written = task::spawn_blocking(move || to_file(&path, batch.as_bytes())).await;
                fate_of_bytes(written.unwrap_or_else(|error| Err(io::Error::other(error))))
            }
        };
        self.tell(fate, &why);
        fate
    }

    /// Once for each change.
    fn tell(&mut self, fate: Fate, why: &str) {
        let told = match fate {
            Fate::Taken => Told::Takes,
            Fate::Refused => Told::Refuses,
            Fate::Later(_) => Told::Waits,
        };
        if self.told.replace(told) == Some(told) {
            return;
        }
        let why = printable(why);
        match told {
            Told::Takes => info!("{}", journal::say(TAKEN, &[&self.name])),
            Told::Waits => warn!("{}", journal::say(WAITS, &[&self.name, &why])),
            Told::Refuses => warn!("{}", journal::say(REFUSED, &[&self.name, &why])),
        }
    }
}

fn request(address: &Uri, token: Option<&Secret>, batch: String) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let mut request = Request::post(address).header(CONTENT_TYPE, TEXT);
    if let Some(token) = token {
        let mut value = HeaderValue::from_str(&format!("Token {}", token.reveal()))?;
        value.set_sensitive(true);
        request = request.header(AUTHORIZATION, value);
    }
    request.body(Full::from(batch))
}

/// A batch that is wrong in itself will never be taken. A wrong token, a bucket that is missing and a server that is ill are mended some time.
fn fate_of(reply: io::Result<Reply>) -> (Fate, String) {
    let reply = match reply {
        Ok(reply) => reply,
        Err(error) => return (Fate::Later(None), error.to_string()),
    };
    let why = format!("HTTP {}: {}", reply.status.as_u16(), String::from_utf8_lossy(&reply.body).trim());
    let fate = match reply.status {
        status if status.is_success() => Fate::Taken,
        StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY => Fate::Refused,
        _ => Fate::Later(reply.retry_after.map(Duration::from_secs)),
    };
    (fate, why)
}

fn fate_of_bytes(written: io::Result<()>) -> (Fate, String) {
    match written {
        Ok(()) => (Fate::Taken, String::new()),
        Err(error) => (Fate::Later(None), error.to_string()),
    }
}

/// Through the connection that is open, or a new one. After an error all of it is sent again: a line that comes twice does no harm.
async fn to_socket(path: &Path, open: &mut Option<UnixStream>, bytes: &[u8]) -> io::Result<()> {
    let mut stream = match open.take() {
        Some(stream) => stream,
        None => UnixStream::connect(path).await?,
    };
    time::timeout(PATIENCE, stream.write_all(bytes)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))?;
    *open = Some(stream);
    Ok(())
}

/// At its end. A file that has grown too large makes place for a new one.
fn to_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() >= FILE_MAX) {
        let mut aside = path.as_os_str().to_owned();
        aside.push(".1");
        fs::rename(path, aside)?;
    }
    OpenOptions::new().create(true).append(true).open(path)?.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncReadExt, net::UnixListener};

    use super::*;

    fn reply(status: u16, retry_after: Option<u64>) -> io::Result<Reply> {
        Ok(Reply { status: StatusCode::from_u16(status).unwrap(), retry_after, body: Bytes::from_static(b"why\n") })
    }

    #[test]
    fn each_answer_has_its_fate() {
        for (status, fate) in [
            (204, Fate::Taken),
            (200, Fate::Taken),
            (400, Fate::Refused),
            (413, Fate::Refused),
            (401, Fate::Later(None)),
            (500, Fate::Later(None)),
        ] {
            assert_eq!(fate_of(reply(status, None)), (fate, format!("HTTP {status}: why")));
        }
        assert_eq!(fate_of(reply(429, Some(9))).0, Fate::Later(Some(Duration::from_secs(9))));
        assert_eq!(fate_of(Err(io::ErrorKind::ConnectionRefused.into())).0, Fate::Later(None));
    }

    fn record(unix_ms: i64) -> Record {
        Record { meter: "021861000001".parse().unwrap(), unix_ms, fields: vec![("BASE".into(), 7)] }
    }

    #[tokio::test]
    async fn a_listener_on_a_socket_gets_each_line_even_at_a_stop() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("telegraf.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let sender = RecordSender::start(Target::Socket(path), Counters::default()).unwrap();
        sender.handle_record(record(1));
        sender.handle_record(record(2));
        sender.finish().await;
        let mut text = String::new();
        listener.accept().await.unwrap().0.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "teleinfo,meter=021861000001 BASE=7i 1000000\nteleinfo,meter=021861000001 BASE=7i 2000000\n");
    }

    #[test]
    fn a_file_is_bounded() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lines");
        fs::File::create(&path).unwrap().set_len(FILE_MAX).unwrap();
        to_file(&path, b"a\n").unwrap();
        to_file(&path, b"b\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"a\nb\n");
        assert_eq!(fs::metadata(directory.path().join("lines.1")).unwrap().len(), FILE_MAX);
    }

    #[test]
    fn the_token_goes_along_and_is_not_shown() {
        let request = request(&"http://a/api".parse().unwrap(), Some(&Secret::new("s3cret")), "x".into()).unwrap();
        assert_eq!(request.headers()[AUTHORIZATION], "Token s3cret");
        assert!(!format!("{request:?}").contains("s3cret"));
    }
}
