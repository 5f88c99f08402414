//! Takes connections and carries requests to whoever answers them.
//!
//! Each bound keeps a client that is slow, broken or malicious from taking what others need: connections, bytes of a request, time.

use std::{convert::Infallible, future::Future, net::IpAddr, pin::Pin, sync::Arc, time::Duration};

use futures_util::{Stream, StreamExt};
use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    Method, StatusCode,
    body::{Bytes, Frame, Incoming},
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    time,
};
use tracing::debug;

use crate::http::{
    message::{Answer, Headers, Request, Verb},
    upgrade::{self, Socket},
};

/// The head of a request; clients send a tenth of it.
const HEAD_MAX: usize = 8_192;
/// The body of a request; clients send a tenth of it.
const BODY_MAX: usize = 4_096;
/// How long a request may take to arrive, and how long a connection may stay silent: some clients ask once a minute.
const SILENCE: Duration = Duration::from_secs(120);
/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(5);
/// How long a client may leave what it was sent.
const UNREAD: Duration = Duration::from_secs(10);
/// After an error of the listener, such as too many open files.
const PAUSE: Duration = Duration::from_millis(200);

/// The header by which a browser says where a request comes from.
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// The content of a stream of events.
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// The body of an answer: whole, or piece by piece.
type Body = UnsyncBoxBody<Bytes, Infallible>;

/// Events as they happen (WHATWG HTML, server-sent events), for as long as a client listens.
pub struct Events {
    /// Further headers.
    pub headers: Headers,
    /// What is sent.
    pub events: Pin<Box<dyn Stream<Item = Bytes> + Send>>,
}

/// Whoever answers requests.
pub trait Site: Send + Sync + 'static {
    /// Connections at once: a house has a handful of clients.
    const CONNECTIONS: usize = 32;

    /// The answer to one request. It must come within a bounded time.
    fn answer(&self, request: Request) -> impl Future<Output = Answer> + Send;

    /// Events instead of an answer, if this asks for them.
    fn events(&self, _request: &Request) -> Option<Events> {
        None
    }

    /// Whether a WebSocket may be opened at this path.
    fn has_socket(&self, _path: &str) -> bool {
        false
    }

    /// Talks over a WebSocket until that ends.
    fn talk(&self, _socket: Socket) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Serves for ever.
pub async fn serve<S: Site>(listener: TcpListener, site: Arc<S>) {
    let places = Arc::new(Semaphore::new(S::CONNECTIONS));
    loop {
        // Beyond the limit a client waits until another one leaves.
        let Ok(place) = places.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, client)) => {
                let site = site.clone();
                tokio::spawn(converse(stream, client.ip().to_canonical(), site, Arc::new(place)));
            }
            Err(error) => {
                debug!("http: {error}");
                time::sleep(PAUSE).await;
            }
        }
    }
}

/// One connection, to its end. A WebSocket takes its place over.
async fn converse<S: Site>(stream: TcpStream, client: IpAddr, site: Arc<S>, place: Arc<OwnedSemaphorePermit>) {
    // Also ends a connection whose client no longer reads.
    let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(UNREAD));
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let (site, place) = (site.clone(), place.clone());
        async move { Ok::<_, Infallible>(respond(request, client, site, place).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(SILENCE)
        .max_buf_size(HEAD_MAX)
        .auto_date_header(false)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    if let Err(error) = connection.await {
        debug!("http: {client}: {error}");
    }
}

async fn respond<S: Site>(
    mut request: hyper::Request<Incoming>,
    client: IpAddr,
    site: Arc<S>,
    place: Arc<OwnedSemaphorePermit>,
) -> hyper::Response<Body> {
    if upgrade::is_asked(&request) && site.has_socket(request.uri().path()) {
        let (response, socket) = upgrade::switch(&mut request);
        tokio::spawn(async move {
            if let Some(socket) = socket.await {
                site.talk(socket).await;
            }
            drop(place);
        });
        return response;
    }
    let verb = match *request.method() {
        Method::GET => Verb::Get,
        Method::POST => Verb::Post,
        _ => Verb::Other,
    };
    let (path, query) = (request.uri().path().to_owned(), request.uri().query().unwrap_or_default().to_owned());
    let [host, accept, site_asking, authorization] = [HOST, ACCEPT, SITE, AUTHORIZATION].map(|name| text_of(request.headers(), name));
    let body = match time::timeout(BODY_TIME, Limited::new(request.into_body(), BODY_MAX).collect()).await {
        Ok(Ok(body)) => body.to_bytes().to_vec(),
        Ok(Err(_)) => return written(Answer::empty(413)),
        Err(_) => return written(Answer::empty(408)),
    };
    let request = Request { client, verb, path, query, host, site: site_asking, authorization, accept, body };
    match site.events(&request) {
        Some(events) => streamed(events),
        None => written(site.answer(request).await),
    }
}

/// Empty if there is no such header, or more than one.
fn text_of(headers: &HeaderMap, name: HeaderName) -> String {
    let mut values = headers.get_all(name).iter();
    let only = values.next().filter(|_| values.next().is_none());
    only.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn written(answer: Answer) -> hyper::Response<Body> {
    let mut response = hyper::Response::new(Full::from(answer.body).boxed_unsync());
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    add(&answer.headers, &mut response);
    response
}

fn streamed(Events { headers, events }: Events) -> hyper::Response<Body> {
    let body = StreamBody::new(events.map(|event| Ok(Frame::data(event))));
    let mut response = hyper::Response::new(body.boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, EVENT_STREAM);
    add(headers, &mut response);
    response
}

fn add(headers: &[(&'static str, &'static str)], response: &mut hyper::Response<Body>) {
    for (name, value) in headers {
        response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    struct Echo;

    impl Site for Echo {
        async fn answer(&self, request: Request) -> Answer {
            Answer::json(200, &(request.path, request.body.len()))
        }
    }

    /// What the server says to these bytes, until it closes.
    async fn said(bytes: &[u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(listener, Arc::new(Echo)));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut text = Vec::new();
        let _ = time::timeout(Duration::from_secs(5), stream.read_to_end(&mut text)).await.unwrap();
        server.abort();
        String::from_utf8_lossy(&text).into_owned()
    }

    #[tokio::test]
    async fn headers_are_those_of_a_small_device() {
        let text = said(b"GET /v1/json?x=1 HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        let one = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n[\"/v1/json\",0]";
        assert_eq!(text.get(..one.len()), Some(one), "{text}");
        assert!(text.ends_with("[\"/b\",0]"), "the connection stayed open: {text}");
    }

    #[tokio::test]
    async fn sizes_are_bounded() {
        let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(20_000));
        assert!(said(long.as_bytes()).await.starts_with("HTTP/1.1 4"), "the head");
        let large = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\nConnection: close\r\n\r\n{}", "x".repeat(5_000));
        assert!(said(large.as_bytes()).await.starts_with("HTTP/1.1 413"), "the body");
        assert!(said(b"\0\xff\r\n\r\n").await.starts_with("HTTP/1.1 400"), "no HTTP at all");
    }
}
