//! Home Assistant's WebSocket interface: one connection, one command at a time.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config, tungstenite};
use tungstenite::{Message, protocol::WebSocketConfig};

use super::{
    recorder::{Commands, Error},
    registry,
};
use crate::{
    config::home_assistant_url::websocket_address,
    daemon::{credentials::Secret, tls},
};

/// The longest wait for an answer: a big registry on a small machine takes seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest message: 20 000 entities have 13 MB in the registry.
const MESSAGE_MAX: usize = 24 << 20;
/// The longest answer that is read as any JSON: it takes ten times as much memory then. Of the registry only our own entries are read.
const ANY_MAX: usize = 8 << 20;
const REGISTRY: &str = "config/entity_registry/list";
/// The code of a command that is refused because the token is not that of an administrator.
const UNAUTHORIZED: &str = "unauthorized";

/// What to do when the certificate of Home Assistant is not trusted.
const UNTRUSTED: &str = "check the name in homeassistant.url; if the certificate is your own, add its authority to those of this system (update-ca-certificates)";

impl From<tungstenite::Error> for Error {
    fn from(error: tungstenite::Error) -> Self {
        Self::Connection(if is_tls(&error) { format!("no TLS: {error}; {UNTRUSTED}") } else { error.to_string() })
    }
}

/// Whether the two sides did not agree on TLS, rather than on anything before or after.
fn is_tls(error: &tungstenite::Error) -> bool {
    match error {
        tungstenite::Error::Tls(_) => true,
        tungstenite::Error::Io(error) => error.get_ref().is_some_and(|error| error.is::<rustls::Error>()),
        _ => false,
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

    async fn send(&mut self, value: &Value) -> Result<(), Error> {
        let text = Message::text(value.to_string());
        timeout(PATIENCE, self.stream.send(text)).await.map_err(|_| late())?.map_err(Error::from)
    }

    async fn receive(&mut self) -> Result<Value, Error> {
        let text = self.receive_text().await?;
        if text.len() > ANY_MAX {
            return Err(Error::Connection(format!("an answer of {} bytes", text.len())));
        }
        serde_json::from_str(&text).map_err(|error| Error::Connection(error.to_string()))
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
            let mut answer = if is_registry { registry::read(&self.receive_text().await?)? } else { self.receive().await? };
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
}

fn trust() -> Result<Arc<rustls::ClientConfig>, Error> {
    tls::client(None, "homeassistant.url is https: install the certificates of the system (package ca-certificates)")
        .map_err(Error::Connection)
}

fn late() -> Error {
    Error::Connection(format!("nothing within {} s", PATIENCE.as_secs()))
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustls::CertificateError;

    use super::*;

    #[test]
    fn a_certificate_that_is_not_trusted_names_the_key_of_home_assistant() {
        let untrusted = rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
        let error = Error::from(tungstenite::Error::Io(io::Error::new(io::ErrorKind::InvalidData, untrusted))).to_string();
        assert!(error.contains("homeassistant.url") && !error.contains("mqtt"), "{error}");
        let away = Error::from(tungstenite::Error::Io(io::ErrorKind::ConnectionRefused.into())).to_string();
        assert!(!away.contains("homeassistant.url"), "{away}");
    }
}
