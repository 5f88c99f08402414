//! One request to a server elsewhere, over a connection of its own: bounded in time and in size, with TLS if its address says so.

use std::{io, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, StatusCode, Uri,
    body::Bytes,
    client::conn::http1,
    header::{HOST, HeaderValue, RETRY_AFTER},
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time,
};
use tokio_rustls::TlsConnector;

use crate::{
    daemon::tls,
    http::address::{host, is_tls},
};

/// How long everything may take, from the name to the last byte.
const PATIENCE: Duration = Duration::from_secs(20);
/// What to do where nothing says whom to trust.
const NO_AUTHORITY: &str = "install the certificates of the system (package ca-certificates)";

/// Whom is asked over TLS, and whose certificates count.
#[derive(Clone)]
pub struct Client {
    tls: Option<Arc<ClientConfig>>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status of HTTP.
    pub status: StatusCode,
    /// After how many seconds the server wants to be asked again, if it says so.
    pub retry_after: Option<u64>,
    /// The body.
    pub body: Bytes,
}

impl Client {
    /// For requests to this address.
    ///
    /// # Errors
    /// The address is that of TLS, and this system trusts nobody.
    pub fn new(address: &Uri) -> Result<Self, String> {
        let tls = is_tls(address).then(|| tls::of_system(NO_AUTHORITY)).transpose()?;
        Ok(Self { tls })
    }

    /// Sends one request, whose address is whole, and reads what comes, up to so many bytes.
    ///
    /// # Errors
    /// The server is not reached, does not speak HTTP, sends more, or takes too long.
    pub async fn ask(&self, request: Request<Full<Bytes>>, bytes_max: usize) -> io::Result<Reply> {
        time::timeout(PATIENCE, self.carry(request, bytes_max)).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
    }

    async fn carry(&self, request: Request<Full<Bytes>>, bytes_max: usize) -> io::Result<Reply> {
        let host = host(request.uri()).ok_or(io::ErrorKind::InvalidInput)?;
        let port = request.uri().port_u16().unwrap_or(if is_tls(request.uri()) { 443 } else { 80 });
        let stream = TcpStream::connect((host.as_str(), port)).await?;
        match &self.tls {
            Some(config) => {
                let name = ServerName::try_from(host).map_err(io::Error::other)?;
                exchange(TlsConnector::from(config.clone()).connect(name, stream).await?, request, bytes_max).await
            }
            None => exchange(stream, request, bytes_max).await,
        }
    }
}

async fn exchange<S>(stream: S, mut request: Request<Full<Bytes>>, bytes_max: usize) -> io::Result<Reply>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let authority = request.uri().authority().map_or("", |authority| authority.as_str());
    let authority = HeaderValue::from_str(authority).map_err(io::Error::other)?;
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).parse().map_err(io::Error::other)?;
    *request.uri_mut() = path;
    request.headers_mut().insert(HOST, authority);
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let carried = async move {
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        let (status, after) = (response.status(), response.headers().get(RETRY_AFTER));
        let retry_after = after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let body = Limited::new(response.into_body(), bytes_max).collect().await.map_err(io::Error::other)?.to_bytes();
        Ok(Reply { status, retry_after, body })
    };
    // The connection is driven by this task too, so that nothing is left of it afterwards.
    tokio::pin!(carried);
    tokio::select! {
        reply = &mut carried => reply,
        ended = connection => match ended {
            Ok(()) => carried.await,
            Err(error) => Err(io::Error::other(error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// What is made of a server's answer, and what the server was asked.
    async fn asked(answer: &'static str, bytes_max: usize) -> (io::Result<Reply>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address: Uri = format!("http://{}/a?b=c", listener.local_addr().unwrap()).parse().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 4_096];
            let length = stream.read(&mut bytes).await.unwrap();
            let _ = stream.write_all(answer.as_bytes()).await;
            String::from_utf8_lossy(&bytes[..length]).into_owned()
        });
        let client = Client::new(&address).unwrap();
        let request = Request::post(address).body(Full::from("x")).unwrap();
        (client.ask(request, bytes_max).await, server.await.unwrap())
    }

    #[tokio::test]
    async fn a_request_has_a_host_and_a_path() {
        let (reply, request) = asked("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\nno", 10).await;
        assert_eq!(reply.unwrap(), Reply { status: StatusCode::SERVICE_UNAVAILABLE, retry_after: Some(7), body: "no".into() });
        assert!(request.starts_with("POST /a?b=c HTTP/1.1\r\n") && request.contains("host: 127.0.0.1:"), "{request}");
    }

    #[tokio::test]
    async fn sizes_are_bounded_and_what_is_no_http_is_an_error() {
        for answer in ["HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n12345678901", "SSH-2.0\r\n\r\n", ""] {
            assert!(asked(answer, 10).await.0.is_err(), "{answer}");
        }
    }
}
