//! Home Assistant's WebSocket interface: one connection, one command at a time.

use std::time::{Duration, SystemTime};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config, tungstenite};
use tungstenite::{Message, protocol::WebSocketConfig};

use super::{
    answer::{self, MESSAGE_MAX},
    recorder::{Commands, Error},
    registry,
};
use crate::{
    config::{api::Api, home_assistant_url::websocket_address},
    daemon::{
        certificates::{explain, tls_error},
        tls::Tls,
    },
    words::language::Language,
};

/// The longest wait for an answer: a big registry on a small machine takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);
const REGISTRY: &str = "config/entity_registry/list";

impl From<tungstenite::Error> for Error {
    fn from(error: tungstenite::Error) -> Self {
        Self::Connection(error.to_string())
    }
}

/// Why there is no connection: what TLS says of it in the words for it, everything else as it is.
fn not_connected(error: tungstenite::Error, tls: Option<&Tls>, now: SystemTime) -> Error {
    let (Some(tls), Some(cause)) = (tls, tls_error(&error)) else { return error.into() };
    let say = |language| explain(cause, tls, now, language).unwrap_or_else(|| cause.to_string());
    Error::Tls { english: say(Language::English), french: say(Language::French) }
}

/// An authenticated connection.
#[derive(Debug)]
pub struct Client {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next: u64,
    version: String,
}

impl Client {
    /// Connects to Home Assistant. This is the one place that sends the token.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn connect(api: &Api) -> Result<Self, Error> {
        if !api.may_send {
            return Err(Error::KeptBack);
        }
        let tls = api.tls.as_ref();
        let connector = tls.map_or(Connector::Plain, |tls| Connector::Rustls(tls.config.clone()));
        let config =
            WebSocketConfig { max_message_size: Some(MESSAGE_MAX), max_frame_size: Some(MESSAGE_MAX), ..WebSocketConfig::default() };
        let connecting = connect_async_tls_with_config(websocket_address(&api.url), Some(config), true, Some(connector));
        let (stream, _) =
            timeout(PATIENCE, connecting).await.map_err(|_| late())?.map_err(|error| not_connected(error, tls, SystemTime::now()))?;
        let mut client = Self { stream, next: 0, version: String::new() };
        client.receive().await?;
        client.send(&json!({ "type": "auth", "access_token": api.token.reveal() })).await?;
        let answer = client.receive().await?;
        if answer["type"] != "auth_ok" {
            return Err(Error::Token);
        }
        client.version = answer["ha_version"].as_str().unwrap_or_default().to_owned();
        Ok(client)
    }

    async fn send(&mut self, value: &Value) -> Result<(), Error> {
        let text = Message::text(value.to_string());
        timeout(PATIENCE, self.stream.send(text)).await.map_err(|_| late())?.map_err(Error::from)
    }

    async fn receive(&mut self) -> Result<Value, Error> {
        answer::read(&self.receive_text().await?)
    }

    async fn receive_text(&mut self) -> Result<String, Error> {
        loop {
            let next = timeout(PATIENCE, self.stream.next()).await.map_err(|_| late())?;
            match next.ok_or_else(|| Error::Connection("the connection was closed".into()))?? {
                Message::Text(text) => return Ok(text),
                Message::Close(_) => return Err(Error::Connection("the connection was closed".into())),
                _ => {}
            }
        }
    }
}

impl Commands for Client {
    fn version(&self) -> &str {
        &self.version
    }

    async fn command(&mut self, mut command: Value) -> Result<Value, Error> {
        self.next += 1;
        command["id"] = json!(self.next);
        self.send(&command).await?;
        let is_registry = command["type"] == REGISTRY;
        loop {
            let answer = if is_registry { registry::read(&self.receive_text().await?)? } else { self.receive().await? };
            if let Some(result) = answer::to(self.next, answer) {
                return result;
            }
        }
    }
}

fn late() -> Error {
    Error::Connection(format!("nothing within {} s", PATIENCE.as_secs()))
}
