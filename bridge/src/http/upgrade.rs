//! A request that becomes a WebSocket (RFC 6455 §4.2).

use std::{future::Future, time::Duration};

use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, UPGRADE},
    upgrade::Upgraded,
};
use hyper_util::rt::TokioIo;
use tokio::time;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};

/// What a client may send at once, as for the body of a request.
const MESSAGE_MAX: usize = 4_096;
/// What may wait for a client that reads slowly.
const UNSENT_MAX: usize = 65_536;
/// How long the connection may take to be handed over.
const HANDED_OVER: Duration = Duration::from_secs(5);
const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// A WebSocket with a client.
pub type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// Whether a WebSocket is asked for.
#[must_use]
pub fn is_asked(request: &Request<Incoming>) -> bool {
    let upgrade = request.headers().get(UPGRADE).and_then(|value| value.to_str().ok());
    let is_socket = upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket"));
    is_socket && request.method() == Method::GET && request.headers().contains_key(SEC_WEBSOCKET_KEY)
}

/// The answer, and the socket once that is sent.
pub fn switch<B: Default>(request: &mut Request<Incoming>) -> (Response<B>, impl Future<Output = Option<Socket>> + Send + use<B>) {
    let key = request.headers().get(SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes())).unwrap_or_default();
    let mut response = Response::new(B::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(UPGRADE, WEBSOCKET);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    if let Ok(key) = HeaderValue::from_str(&key) {
        response.headers_mut().insert(SEC_WEBSOCKET_ACCEPT, key);
    }
    let upgrade = hyper::upgrade::on(request);
    (response, async move {
        let upgraded = time::timeout(HANDED_OVER, upgrade).await.ok()?.ok()?;
        Some(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(bounds())).await)
    })
}

fn bounds() -> WebSocketConfig {
    WebSocketConfig {
        max_message_size: Some(MESSAGE_MAX),
        max_frame_size: Some(MESSAGE_MAX),
        write_buffer_size: 0,
        max_write_buffer_size: UNSENT_MAX,
        ..WebSocketConfig::default()
    }
}
