//! What Home Assistant knows already: the broker and its password, and the language. Nobody types them.
//!
//! The Supervisor answers by plain HTTP on the machine's own network, and knows an app by the token that it gave it when it started it.

use std::{env, io::Read};

use serde::{Deserialize, de::DeserializeOwned};
use teleinfo_people::language::Language;

const ADDRESS: &str = "http://supervisor";
const TOKEN: &str = "SUPERVISOR_TOKEN";
/// The longest reason that is shown.
const REASON_MAX: usize = 200;
/// How long an answer may take, in s, and how large it may be.
const PATIENCE: u64 = 10;
const ANSWER_BYTES: u64 = 1 << 20;
const HEADER_BYTES: usize = 1 << 14;

/// The broker that the Supervisor names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Broker {
    host: String,
    port: u16,
    #[serde(default)]
    ssl: bool,
    #[serde(default)]
    pub(crate) username: String,
    #[serde(default)]
    pub(crate) password: String,
}

impl Broker {
    /// As `bridge.toml` wants it, without user and password.
    pub(crate) fn address(&self) -> String {
        let scheme = if self.ssl { "mqtts" } else { "mqtt" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{scheme}://{host}:{}", self.port)
    }

    /// Whether it can be told to a program, and be one.
    fn is_usable(&self) -> bool {
        let is_of_a_host = |char: char| char.is_ascii_alphanumeric() || ".-_:%".contains(char);
        !self.host.is_empty()
            && self.host.chars().all(is_of_a_host)
            && self.port != 0
            && ![&self.username, &self.password].iter().any(|text| text.contains('\0'))
    }

    /// Whether it wants a password.
    pub(crate) fn has_password(&self) -> bool {
        !self.password.is_empty()
    }
}

/// Every answer of the Supervisor itself.
#[derive(Deserialize)]
pub(crate) struct Answer<T> {
    data: Option<T>,
    #[serde(default)]
    message: String,
}

/// The part of Home Assistant's configuration that is of interest here.
#[derive(Deserialize)]
pub(crate) struct Core {
    language: String,
}

/// Whom to ask, and how.
pub(crate) struct Supervisor {
    address: String,
    token: String,
}

impl Supervisor {
    pub(crate) fn from_environment() -> Self {
        Self { address: ADDRESS.into(), token: env::var(TOKEN).unwrap_or_default() }
    }

    /// What the bridge shows to Home Assistant too.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The broker, or why there is none.
    pub(crate) fn broker(&self) -> Result<Broker, String> {
        self.ask("/services/mqtt").and_then(broker_of)
    }

    /// The language of Home Assistant, if it says one. None while Home Assistant does not answer.
    pub(crate) fn language(&self) -> Option<Language> {
        self.ask("/core/api/config").ok().and_then(|core| language_of(&core))
    }

    fn ask<T: DeserializeOwned>(&self, path: &str) -> Result<T, String> {
        let request = minreq::get(format!("{}{path}", self.address)).with_header("Authorization", format!("Bearer {}", self.token));
        let request = request.with_timeout(PATIENCE).with_max_headers_size(HEADER_BYTES).with_follow_redirects(false);
        let answer = request.send_lazy().map_err(|error| error.to_string())?;
        let status = answer.status_code;
        serde_json::from_reader(answer.take(ANSWER_BYTES)).map_err(|error| format!("HTTP {status}, {error}"))
    }
}

pub(crate) fn broker_of(answer: Answer<Broker>) -> Result<Broker, String> {
    let reason = answer.message.chars().filter(|char| !char.is_control()).take(REASON_MAX).collect();
    answer.data.filter(Broker::is_usable).ok_or(reason)
}

pub(crate) fn language_of(core: &Core) -> Option<Language> {
    Language::of_locale(&core.language)
}

#[cfg(test)]
mod tests {
    use std::{io::Write, net::TcpListener, thread};

    use super::*;

    /// A Supervisor that gives one answer, and what it was asked.
    fn asked<T>(status: &str, body: &str, ask: impl FnOnce(&Supervisor) -> T) -> (T, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 2048];
            let length = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let told = ask(&Supervisor { address, token: "secret".into() });
        (told, served.join().unwrap())
    }

    #[test]
    fn the_broker_is_asked_for_with_the_token() {
        let body = r#"{"result": "ok", "data": {"addon": "core_mosquitto", "host": "core-mosquitto", "port": 1883, "ssl": false,
                       "protocol": "3.1.1", "username": "addons", "password": "of the broker"}}"#;
        let (broker, request) = asked("200 OK", body, Supervisor::broker);
        let broker = broker.unwrap();
        let broker = (broker.address(), broker.username.as_str(), broker.password.as_str());
        assert_eq!(broker, ("mqtt://core-mosquitto:1883".into(), "addons", "of the broker"));
        assert!(
            request.starts_with("GET /services/mqtt HTTP/1.1\r\n") && request.contains("Authorization: Bearer secret\r\n"),
            "{request}"
        );
    }

    #[test]
    fn without_a_broker_the_supervisor_says_why() {
        let body = r#"{"result": "error", "message": "Service not enabled"}"#;
        assert_eq!(asked("400 Bad Request", body, Supervisor::broker).0, Err("Service not enabled".into()));
        assert!(asked("502 Bad Gateway", "x", Supervisor::broker).0.unwrap_err().starts_with("HTTP 502, "));
    }

    #[test]
    fn the_language_is_that_of_home_assistant() {
        for (body, expected) in [
            (r#"{"language": "fr", "x": 1}"#, Some(Language::French)),
            (r#"{"language": "fr-CA"}"#, Some(Language::French)),
            (r#"{"language": "frp"}"#, Some(Language::English)),
            (r#"{"language": "de"}"#, Some(Language::English)),
            ("502", None),
        ] {
            assert_eq!(asked("200 OK", body, Supervisor::language).0, expected, "{body}");
        }
    }

    #[test]
    fn a_broker_may_want_neither_password_nor_plain_words() {
        let broker: Broker = serde_json::from_str(r#"{"host": "b", "port": 8883, "ssl": true}"#).unwrap();
        assert_eq!((broker.address().as_str(), broker.has_password()), ("mqtts://b:8883", false));
    }

    #[test]
    fn a_broker_is_one_that_a_program_can_be_told() {
        let broker = |broker: &str| {
            let body = format!(r#"{{"message": "one\nand \u001b[2J", "data": {broker}}}"#);
            broker_of(serde_json::from_str(&body).unwrap()).map(|broker| broker.address())
        };
        assert_eq!(broker(r#"{"host": "fd00::1", "port": 1883, "username": "me@home:x"}"#), Ok("mqtt://[fd00::1]:1883".into()));
        for wrong in [
            r#"{"host": "", "port": 1883}"#,
            r#"{"host": "b", "port": 0}"#,
            r#"{"host": "a/b", "port": 1883}"#,
            r#"{"host": "a\nb", "port": 1883}"#,
            r#"{"host": "a", "port": 1883, "password": "\u0000"}"#,
        ] {
            assert_eq!(broker(wrong), Err("oneand [2J".into()), "{wrong}");
        }
    }
}
