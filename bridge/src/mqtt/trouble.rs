//! What goes wrong between the bridge and a broker, in words that say what to do.

use std::{io, time::Duration};

use rumqttc::{ConnectReturnCode, ConnectionError, StateError, mqttbytes};

use crate::config::settings::External;

/// Waits between attempts that may succeed at any moment: the broker restarts, the network comes back.
const SHORT_WAIT: Duration = Duration::from_secs(1);
/// The longest wait where somebody has to act first.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A connection that failed or broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// One line for the log.
    pub message: String,
    /// Whether trying again soon is pointless.
    pub lasting: bool,
    /// Whether the broker knows us and does not want us.
    pub refused_login: bool,
}

impl Trouble {
    /// Puts an error of the client library into words.
    #[must_use]
    pub fn new(error: &ConnectionError, broker: &External) -> Self {
        let at = &broker.url;
        let (message, lasting) = match error {
            ConnectionError::ConnectionRefused(code) => (refusal(*code, broker), true),
            ConnectionError::Tls(error) => (tls_failure(error, broker), true),
            ConnectionError::Io(error) => (unreachable(error, broker), false),
            ConnectionError::NetworkTimeout => (format!("the MQTT broker at {at} does not answer; check address and network"), false),
            ConnectionError::FlushTimeout | ConnectionError::MqttState(StateError::AwaitPingResp) => {
                (format!("the MQTT broker at {at} stopped answering"), false)
            }
            ConnectionError::MqttState(
                StateError::ConnectionAborted | StateError::Io(_) | StateError::Deserialization(mqttbytes::Error::Io(_)),
            ) => (format!("the MQTT broker at {at} closed the connection"), false),
            ConnectionError::NotConnAck(_) => (format!("what answers at {at} is no MQTT broker; check mqtt.url"), true),
            error => (format!("trouble with the MQTT broker at {at}: {error}"), false),
        };
        let refused = [ConnectReturnCode::BadUserNamePassword, ConnectReturnCode::NotAuthorized];
        let refused_login = matches!(error, ConnectionError::ConnectionRefused(code) if refused.contains(code));
        Self { message, lasting, refused_login }
    }

    /// How long to wait after so many failures in a row.
    #[must_use]
    pub fn wait(&self, failures: u32) -> Duration {
        if self.lasting { (SHORT_WAIT * (1 << failures.min(5))).min(LONGEST_WAIT) } else { SHORT_WAIT }
    }
}

fn refusal(code: ConnectReturnCode, broker: &External) -> String {
    let at = &broker.url;
    match (code, &broker.login) {
        (ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized, Some(login)) => {
            format!("the MQTT broker at {at} refuses user {}; check mqtt.user and mqtt.password-file", login.user)
        }
        (ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized, None) => {
            format!("the MQTT broker at {at} wants a user and a password; set mqtt.user and mqtt.password-file")
        }
        (ConnectReturnCode::BadClientId, _) => {
            format!("the MQTT broker at {at} refuses the name {}; set mqtt.client-id", broker.client_id)
        }
        (ConnectReturnCode::ServiceUnavailable, _) => format!("the MQTT broker at {at} says it is not available"),
        _ => format!("the MQTT broker at {at} does not speak MQTT 3.1.1"),
    }
}

fn tls_failure(error: &rumqttc::TlsError, broker: &External) -> String {
    let why = match error {
        rumqttc::TlsError::Io(error) => error.to_string(),
        error => error.to_string(),
    };
    let hint = if why.contains("CaUsedAsEndEntity") {
        "the broker's certificate is made for an authority; give the broker one with CA:FALSE"
    } else if broker.authorities.is_some() {
        "check mqtt.ca-file and the name in mqtt.url"
    } else {
        "set mqtt.ca-file if the broker's certificate is your own"
    };
    format!("no TLS with the MQTT broker at {}: {why}; {hint}", broker.url)
}

fn unreachable(error: &io::Error, broker: &External) -> String {
    let at = &broker.url;
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("no MQTT broker listens at {at}; check that it runs, and mqtt.url")
        }
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
            format!("the MQTT broker at {at} closed the connection")
        }
        _ => format!("cannot reach the MQTT broker at {at}: {error}"),
    }
}
