//! Home Assistant's WebSocket interface: one connection, one command at a time.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config, tungstenite};
use tungstenite::{Message, protocol::WebSocketConfig};

use crate::{
    config::home_assistant_url::websocket_address,
    daemon::{credentials::Secret, tls},
};

/// For each answer. A big registry on a small machine takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// A registry of thousands of entities has some megabytes.
const MESSAGE_MAX: usize = 64 << 20;
/// What it answers to somebody who is no administrator.
const UNAUTHORIZED: &str = "unauthorized";

/// What went wrong, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Nobody there, or the connection broke: worth trying again.
    Connection(String),
    /// The token is not accepted, or not that of an administrator: trying again only gets us banned.
    Token,
    /// Home Assistant refused a command.
    Refused {
        /// Its code for it.
        code: String,
        /// Its words.
        message: String,
    },
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connection(what) => write!(f, "no answer: {what}"),
            Self::Token => {
                f.write_str("the token is not accepted or not an administrator's; create a long-lived access token of an administrator")
            }
            Self::Refused { code, message } => write!(f, "refused: {message} ({code})"),
        }
    }
}

impl std::error::Error for Error {}

impl From<tungstenite::Error> for Error {
    fn from(error: tungstenite::Error) -> Self {
        Self::Connection(error.to_string())
    }
}

/// An authenticated connection.
#[derive(Debug)]
pub struct Client {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next: u64,
    version: String,
}

impl Client {
    /// Connects to Home Assistant at `url` (`http://` or `https://`).
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn connect(url: &str, token: &Secret) -> Result<Self, Error> {
        let connector = if url.starts_with("https:") { Connector::Rustls(trust()?) } else { Connector::Plain };
        let config =
            WebSocketConfig { max_message_size: Some(MESSAGE_MAX), max_frame_size: Some(MESSAGE_MAX), ..WebSocketConfig::default() };
        let connecting = connect_async_tls_with_config(websocket_address(url), Some(config), true, Some(connector));
        let (stream, _) = timeout(PATIENCE, connecting).await.map_err(|_| late())??;
        let mut client = Self { stream, next: 0, version: String::new() };
        client.receive().await?;
        client.send(&json!({ "type": "auth", "access_token": token.reveal() })).await?;
        let answer = client.receive().await?;
        if answer["type"] != "auth_ok" {
            return Err(Error::Token);
        }
        client.version = answer["ha_version"].as_str().unwrap_or_default().to_owned();
        Ok(client)
    }

    /// Home Assistant's version, such as `2026.11.0`.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Sends a command, an object with its `type`, and returns its result.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn command(&mut self, mut command: Value) -> Result<Value, Error> {
        self.next += 1;
        command["id"] = json!(self.next);
        self.send(&command).await?;
        loop {
            let mut answer = self.receive().await?;
            if answer["id"] != self.next || answer["type"] != "result" {
                continue;
            }
            if answer["success"] == true {
                return Ok(answer["result"].take());
            }
            let text = |field: &str| answer["error"][field].as_str().unwrap_or_default().to_owned();
            return Err(match text("code") {
                code if code == UNAUTHORIZED => Error::Token,
                code => Error::Refused { code, message: text("message") },
            });
        }
    }

    async fn send(&mut self, value: &Value) -> Result<(), Error> {
        let text = Message::text(value.to_string());
        timeout(PATIENCE, self.stream.send(text)).await.map_err(|_| late())?.map_err(Error::from)
    }

    async fn receive(&mut self) -> Result<Value, Error> {
        loop {
            let next = timeout(PATIENCE, self.stream.next()).await.map_err(|_| late())?;
            match next.ok_or_else(|| Error::Connection("the connection was closed".into()))?? {
                Message::Text(text) => return serde_json::from_str(&text).map_err(|error| Error::Connection(error.to_string())),
                Message::Close(_) => return Err(Error::Connection("the connection was closed".into())),
                _ => {}
            }
        }
    }
}

fn trust() -> Result<Arc<rustls::ClientConfig>, Error> {
    tls::client(None, "install the certificates of the system (package ca-certificates)").map_err(Error::Connection)
}

fn late() -> Error {
    Error::Connection(format!("nothing within {} s", PATIENCE.as_secs()))
}
