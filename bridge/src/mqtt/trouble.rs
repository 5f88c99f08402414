//! What goes wrong between the bridge and a broker, in words that say what to do.

use std::{
    io,
    time::{Duration, SystemTime},
};

use rumqttc::{ConnectReturnCode, ConnectionError, StateError, mqttbytes};
use rustls::CertificateError;

use crate::{
    config::settings::External,
    daemon::certificates::{explain, tls_error},
    words::language::{Language, Sentence, Words},
};

const NO_ANSWER: Words = Words::new(
    "the MQTT broker at {} does not answer; check address and network",
    "le broker MQTT à l'adresse {} ne répond pas ; vérifier l'adresse et le réseau",
);
const STOPPED: Words = Words::new("the MQTT broker at {} stopped answering", "le broker MQTT à l'adresse {} ne répond plus");
const CLOSED: Words = Words::new("the MQTT broker at {} closed the connection", "le broker MQTT à l'adresse {} a fermé la connexion");
const DISPLACED: Words = Words::new(
    "the MQTT broker at {} closes each connection soon; is another client named {} connected? give one of them another mqtt.client-id",
    "le broker MQTT à l'adresse {} ferme vite chaque connexion ; un autre client nommé {} est-il relié ? donner à l'un d'eux un autre mqtt.client-id",
);
const UNACKNOWLEDGED: Words = Words::new(
    "the MQTT broker at {} takes messages, but has acknowledged none for {} s",
    "le broker MQTT à l'adresse {} prend les messages, mais n'en a acquitté aucun depuis {} s",
);
const NO_BROKER: Words = Words::new(
    "what answers at {} is no MQTT broker; check mqtt.url",
    "ce qui répond à l'adresse {} n'est pas un broker MQTT ; vérifier mqtt.url",
);
const OTHER: Words = Words::new("trouble with the MQTT broker at {}: {}", "problème avec le broker MQTT à l'adresse {} : {}");
const USER_REFUSED: Words = Words::new(
    "the MQTT broker at {} refuses user {}; check mqtt.user and mqtt.password-file",
    "le broker MQTT à l'adresse {} refuse l'utilisateur {} ; vérifier mqtt.user et mqtt.password-file",
);
const USER_WANTED: Words = Words::new(
    "the MQTT broker at {} wants a user and a password; set mqtt.user and mqtt.password-file",
    "le broker MQTT à l'adresse {} veut un utilisateur et un mot de passe ; renseigner mqtt.user et mqtt.password-file",
);
const NAME_REFUSED: Words = Words::new(
    "the MQTT broker at {} refuses the name {}; set mqtt.client-id",
    "le broker MQTT à l'adresse {} refuse le nom {} ; renseigner mqtt.client-id",
);
const NOT_AVAILABLE: Words =
    Words::new("the MQTT broker at {} says it is not available", "le broker MQTT à l'adresse {} dit ne pas être disponible");
const NO_VERSION: Words =
    Words::new("the MQTT broker at {} does not speak MQTT 3.1.1", "le broker MQTT à l'adresse {} ne parle pas MQTT 3.1.1");
const NO_TLS: Words = Words::new("no TLS with the MQTT broker at {}: {}", "pas de TLS avec le broker MQTT à l'adresse {} : {}");
const AUTHORITY: Words = Words::new(
    "the broker's certificate is made for an authority; give the broker one with CA:FALSE",
    "le certificat du broker est fait pour une autorité ; en donner au broker un avec CA:FALSE",
);
const CHECK: Words = Words::new(
    "{}; check mqtt.ca-file, and the name and the port in mqtt.url",
    "{} ; vérifier mqtt.ca-file, ainsi que le nom et le port dans mqtt.url",
);
const NOBODY: Words = Words::new(
    "no MQTT broker listens at {}; check that it runs, and mqtt.url",
    "aucun broker MQTT n'écoute à l'adresse {} ; vérifier qu'il est en service, et mqtt.url",
);
const UNREACHABLE: Words = Words::new("cannot reach the MQTT broker at {}: {}", "le broker MQTT à l'adresse {} est injoignable : {}");

/// A connection that failed or broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// One line, for the log or a terminal.
    pub message: String,
    /// Whether somebody has to act before another attempt can succeed.
    pub lasting: bool,
    /// Whether the broker refuses the user or the password.
    pub refused_login: bool,
    /// Whether the broker closed the connection, and nobody said why.
    pub is_closed: bool,
}

impl Trouble {
    /// Puts an error of the client library into words.
    #[must_use]
    pub fn new(error: &ConnectionError, broker: &External, language: Language) -> Self {
        let at = &broker.url;
        let (message, lasting) = match error {
            ConnectionError::ConnectionRefused(code) => (refusal(*code, broker, language), true),
            error if is_tls(error) => (tls_failure(error, broker, language), true),
            ConnectionError::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => (NOBODY.say(language, &[at]), false),
            ConnectionError::NetworkTimeout => (NO_ANSWER.say(language, &[at]), false),
            ConnectionError::FlushTimeout | ConnectionError::MqttState(StateError::AwaitPingResp) => (STOPPED.say(language, &[at]), false),
            error if is_closed(error) => (CLOSED.say(language, &[at]), false),
            ConnectionError::Io(error) => (UNREACHABLE.say(language, &[at, error]), false),
            ConnectionError::NotConnAck(_) => (NO_BROKER.say(language, &[at]), true),
            error => (OTHER.say(language, &[at, error]), false),
        };
        let refused = [ConnectReturnCode::BadUserNamePassword, ConnectReturnCode::NotAuthorized];
        let refused_login = matches!(error, ConnectionError::ConnectionRefused(code) if refused.contains(code));
        Self { lasting, refused_login, is_closed: is_closed(error), ..Self::of(&message) }
    }

    /// Something that may be over at the next attempt.
    pub(super) fn of(message: &impl ToString) -> Self {
        Self { message: message.to_string(), lasting: false, refused_login: false, is_closed: false }
    }

    /// The broker has acknowledged nothing for so long.
    pub(super) fn unacknowledged(since: Duration, broker: &External, language: Language) -> Self {
        Self::of(&UNACKNOWLEDGED.say(language, &[&broker.url, &since.as_secs()]))
    }

    /// The broker seems to close the connection in favour of another client of this name.
    pub(super) fn displaced(broker: &External, language: Language) -> Self {
        Self { lasting: true, ..Self::of(&DISPLACED.say(language, &[&broker.url, &broker.client_id])) }
    }
}

fn refusal(code: ConnectReturnCode, broker: &External, language: Language) -> Sentence {
    let at = &broker.url;
    match (code, &broker.login) {
        (ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized, Some(login)) => {
            USER_REFUSED.say(language, &[at, &login.user])
        }
        (ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized, None) => USER_WANTED.say(language, &[at]),
        (ConnectReturnCode::BadClientId, _) => NAME_REFUSED.say(language, &[at, &broker.client_id]),
        (ConnectReturnCode::ServiceUnavailable, _) => NOT_AVAILABLE.say(language, &[at]),
        _ => NO_VERSION.say(language, &[at]),
    }
}

/// Whether the two sides do not agree on TLS. What the broker thinks of our certificate comes after the connection has begun.
fn is_tls(error: &ConnectionError) -> bool {
    matches!(error, ConnectionError::Tls(_)) || tls_error(error).is_some()
}

fn tls_failure(error: &ConnectionError, broker: &External, language: Language) -> Sentence {
    let cause = tls_error(error);
    let known = match (cause, &broker.tls) {
        (Some(cause), _) if is_authority(cause) => Some(AUTHORITY.get(language).to_owned()),
        (Some(cause), Some(tls)) => explain(cause, tls, SystemTime::now(), language),
        _ => None,
    };
    let other = || CHECK.say(language, &[&cause.map_or_else(|| error.to_string(), ToString::to_string)]).to_string();
    NO_TLS.say(language, &[&broker.url, &known.unwrap_or_else(other)])
}

/// Whether the broker shows a certificate that is made for an authority.
fn is_authority(error: &rustls::Error) -> bool {
    let rustls::Error::InvalidCertificate(CertificateError::Other(other)) = error else { return false };
    matches!(other.0.downcast_ref::<webpki::Error>(), Some(webpki::Error::CaUsedAsEndEntity))
}

/// Whether the other side ended a connection that stood.
fn is_closed(error: &ConnectionError) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, UnexpectedEof};
    match error {
        error if is_tls(error) => false,
        ConnectionError::MqttState(
            StateError::ConnectionAborted | StateError::Io(_) | StateError::Deserialization(mqttbytes::Error::Io(_)),
        ) => true,
        ConnectionError::Io(error) => matches!(error.kind(), ConnectionAborted | ConnectionReset | UnexpectedEof),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use rumqttc::TlsError;
    use rustls::{AlertDescription, OtherError};

    use super::*;
    use crate::{
        config::settings::{BROKER_KEYS, Login},
        daemon::{
            credentials::Secret,
            tls::{Files, Tls},
        },
    };

    const AUTHORITY_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bridge/authority.pem");

    /// A broker at an address and with a user that read like trouble: words must not be looked for in them.
    fn broker(login: bool) -> External {
        External {
            url: "mqtts://password-refused.not-authorized.lan".parse().unwrap(),
            login: login.then(|| Login { user: "CaUsedAsEndEntity".into(), password: Secret::new("x") }),
            client_id: "bridge".into(),
            tls: Some(Tls::load(Files { authority: Some(Path::new(AUTHORITY_FILE)), ..Files::default() }, BROKER_KEYS).unwrap()),
        }
    }

    fn trouble(error: ConnectionError) -> Trouble {
        Trouble::new(&error, &broker(true), Language::English)
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
        assert!(Trouble::new(&error, &broker(false), Language::English).message.contains("set mqtt.user"));
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
            assert!(trouble.message.contains("mqtt.ca-file") && !trouble.message.contains("CA:FALSE"), "{trouble:?}");
        }
    }

    #[test]
    fn a_broker_that_wants_a_certificate_is_no_broker_that_closes_connections() {
        let alert = || io::Error::new(io::ErrorKind::InvalidData, rustls::Error::AlertReceived(AlertDescription::CertificateRequired));
        for error in [
            ConnectionError::Io(alert()),
            ConnectionError::MqttState(StateError::Io(alert())),
            ConnectionError::MqttState(StateError::Deserialization(mqttbytes::Error::Io(alert()))),
        ] {
            let trouble = trouble(error);
            assert!(trouble.lasting && !trouble.is_closed, "{trouble:?}");
            assert!(trouble.message.contains("set mqtt.client-cert-file and mqtt.client-key-file"), "{trouble:?}");
        }
    }
}
