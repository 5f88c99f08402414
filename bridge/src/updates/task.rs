//! Asks once a day, on a task of its own.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    time::Duration,
};

use http_body_util::Full;
use hyper::{Request, Uri, body::Bytes};
use tokio::{sync::mpsc, task, time};
use tracing::{info, warn};

use crate::{
    http::client::Client,
    updates::{newest, setup::Source},
    words::{journal, language::Words, printable::printable},
};

const NOT_TOLD: Words =
    Words::new("updates.url: {} does not tell the newest version: {}", "updates.url : {} ne dit pas la version la plus récente : {}");
const NEWER: Words =
    Words::new("version {} of teleinfo is there; this bridge is {}", "la version {} de teleinfo est là ; cette passerelle est en {}");
const NO_VERSION: &str = "{\"version\": ...} ?";

/// After the start: the network may not be there yet.
const FIRST: Duration = Duration::from_secs(20);
const EVERY: Duration = Duration::from_secs(24 * 3_600);
/// After a question without an answer.
const AGAIN: Duration = Duration::from_secs(3_600);
/// The file has some bytes.
const BYTES_MAX: usize = 4_096;

/// Begins to ask, if that is wanted. The newest version comes by the channel, each time that it was told.
#[must_use]
pub fn start(source: Option<Source>) -> mpsc::Receiver<String> {
    let (sender, versions) = mpsc::channel(1);
    if let Some(source) = source {
        tokio::spawn(run(source, sender));
    }
    versions
}

async fn run(source: Source, sender: mpsc::Sender<String>) {
    let (name, first) = match &source {
        Source::Server(address) => (address.to_string(), FIRST),
        Source::File(path) => (path.display().to_string(), Duration::ZERO),
    };
    let (mut was_told, mut last) = (true, env!("CARGO_PKG_VERSION").to_owned());
    time::sleep(first).await;
    loop {
        let told = ask(&source).await;
        match &told {
            Ok(version) => {
                if *version != last {
                    info!("{}", journal::say(NEWER, &[version, &env!("CARGO_PKG_VERSION")]));
                    last.clone_from(version);
                }
                if sender.send(version.clone()).await.is_err() {
                    return;
                }
            }
            Err(error) if was_told => warn!("{}", journal::say(NOT_TOLD, &[&name, &printable(&error.to_string())])),
            Err(_) => {}
        }
        was_told = told.is_ok();
        time::sleep(if was_told { EVERY } else { AGAIN }).await;
    }
}

async fn ask(source: &Source) -> io::Result<String> {
    let bytes = match source {
        Source::Server(address) => from_server(address).await?,
        Source::File(path) => {
            let path = path.clone();
            task::spawn_blocking(move || from_file(&path)).await.map_err(io::Error::other)??
        }
    };
    newest::newest(&bytes).ok_or_else(|| io::Error::other(NO_VERSION))
}

async fn from_server(address: &Uri) -> io::Result<Bytes> {
    let request = Request::get(address).body(Full::default()).map_err(io::Error::other)?;
    let reply = Client::new(address).map_err(io::Error::other)?.ask(request, BYTES_MAX).await?;
    if reply.status.is_success() { Ok(reply.body) } else { Err(io::Error::other(format!("HTTP {}", reply.status.as_u16()))) }
}

fn from_file(path: &Path) -> io::Result<Bytes> {
    let mut bytes = Vec::new();
    File::open(path)?.take(BYTES_MAX as u64).read_to_end(&mut bytes)?;
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn a_file_tells_at_once() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "{\"version\": \"9.0.0\"}\n").unwrap();
        assert_eq!(start(Some(Source::File(file.path().into()))).recv().await.as_deref(), Some("9.0.0"));
        assert_eq!(start(None).recv().await, None);
    }

    #[tokio::test]
    async fn nothing_is_sent_but_the_question() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: Uri = format!("http://{}/newest.json", listener.local_addr().unwrap()).parse().unwrap();
        let host = address.authority().unwrap().to_string();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 4_096];
            let length = stream.read(&mut bytes).await.unwrap();
            let body = "{\"version\": \"1.2.3\"}";
            stream.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
            String::from_utf8_lossy(&bytes[..length]).into_owned()
        });
        assert_eq!(ask(&Source::Server(address)).await.unwrap(), "1.2.3");
        assert_eq!(server.await.unwrap(), format!("GET /newest.json HTTP/1.1\r\nhost: {host}\r\n\r\n"));
    }
}
