//! What goes wrong between the bridge and a broker, in words that say what to do.

use std::io;

use rumqttc::{ConnectReturnCode, ConnectionError, StateError, TlsError, mqttbytes};
use rustls::CertificateError;

use crate::config::settings::External;

/// A connection that failed or broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// One line for the log.
    pub message: String,
    /// Whether somebody has to act before another attempt can succeed.
    pub lasting: bool,
    /// Whether the broker refuses the user or the password.
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

fn tls_failure(error: &TlsError, broker: &External) -> String {
    let why = match error {
        TlsError::Io(error) => error.to_string(),
        error => error.to_string(),
    };
    let hint = if is_authority(error) {
        "the broker's certificate is made for an authority; give the broker one with CA:FALSE"
    } else if broker.authorities.is_some() {
        "check mqtt.ca-file and the name in mqtt.url"
    } else {
        "set mqtt.ca-file if the broker's certificate is your own"
    };
    format!("no TLS with the MQTT broker at {}: {why}; {hint}", broker.url)
}

/// Whether the broker shows a certificate that is made for an authority.
fn is_authority(error: &TlsError) -> bool {
    let TlsError::Io(error) = error else { return false };
    let error = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    let Some(rustls::Error::InvalidCertificate(CertificateError::Other(other))) = error else { return false };
    matches!(other.0.downcast_ref::<webpki::Error>(), Some(webpki::Error::CaUsedAsEndEntity))
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::OtherError;

    use super::*;
    use crate::config::settings::Login;
    use crate::daemon::credentials::Secret;

    /// A broker at an address and with a user that read like trouble: words must not be looked for in them.
    fn broker(login: bool) -> External {
        External {
            url: "mqtts://password-refused.not-authorized.lan".parse().unwrap(),
            login: login.then(|| Login { user: "CaUsedAsEndEntity".into(), password: Secret::new("x") }),
            client_id: "bridge".into(),
            authorities: None,
        }
    }

    fn trouble(error: ConnectionError) -> Trouble {
        Trouble::new(&error, &broker(true))
    }

    fn tls(error: rustls::Error) -> ConnectionError {
        ConnectionError::Tls(TlsError::Io(io::Error::new(io::ErrorKind::InvalidData, error)))
    }

    #[test]
    fn only_a_refusal_is_a_wrong_password() {
        let refused = trouble(ConnectionError::ConnectionRefused(ConnectReturnCode::BadUserNamePassword));
        assert!(refused.refused_login && refused.lasting && refused.message.contains("mqtt.password-file"), "{refused:?}");
        for error in [
            ConnectionError::NetworkTimeout,
            ConnectionError::Io(io::Error::other("password refused: not authorized")),
            ConnectionError::ConnectionRefused(ConnectReturnCode::ServiceUnavailable),
            tls(rustls::Error::General("password refused".into())),
        ] {
            let trouble = trouble(error);
            assert!(!trouble.refused_login && !trouble.message.contains("mqtt.password-file"), "{trouble:?}");
        }
    }

    #[test]
    fn without_a_user_one_is_asked_for() {
        let error = ConnectionError::ConnectionRefused(ConnectReturnCode::NotAuthorized);
        assert!(Trouble::new(&error, &broker(false)).message.contains("set mqtt.user"));
    }

    #[test]
    fn a_certificate_of_an_authority_is_known_by_its_type() {
        let authority = CertificateError::Other(OtherError(Arc::new(webpki::Error::CaUsedAsEndEntity)));
        assert!(trouble(tls(rustls::Error::InvalidCertificate(authority))).message.contains("CA:FALSE"));
        for error in [
            rustls::Error::General("CaUsedAsEndEntity".into()),
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer),
            rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(webpki::Error::UnknownIssuer)))),
        ] {
            let trouble = trouble(tls(error));
            assert!(trouble.message.contains("set mqtt.ca-file") && !trouble.message.contains("CA:FALSE"), "{trouble:?}");
        }
    }
}
