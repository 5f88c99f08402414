//! What is wrong with a certificate, in words that say what to do: the other side's, or that of this bridge.
//!
//! A machine whose clock is wrong takes every certificate for one that is not yet valid, or no longer: then the words speak of the clock. Times
//! are told by their day, so that the words of a fault that lasts stay the same.

use std::{error::Error, io, time::SystemTime};

use rustls::{AlertDescription, CertificateError, pki_types::UnixTime};

use super::tls::{KeyNames, Tls};
use crate::words::{
    language::{Language, Words},
    utc,
};

/// 2026-01-01: before this program was made. A clock that was never set shows 1970, or the day when the system was built.
const MADE: i64 = 1_767_225_600;

const CLOCK: Words = Words::new(
    "the clock of this machine is wrong: it says {}; set it: sudo timedatectl set-ntp true",
    "l'horloge de cette machine est fausse : elle dit {} ; la régler : sudo timedatectl set-ntp true",
);
const NOT_YET: Words = Words::new(
    "its certificate is valid only from {}, and the clock of this machine says {}; if the clock is wrong: sudo timedatectl set-ntp true",
    "son certificat n'est valable qu'à partir du {}, et l'horloge de cette machine dit {} ; si elle est fausse : sudo timedatectl set-ntp true",
);
const EXPIRED: Words = Words::new(
    "its certificate was valid until {}; it needs a new one, unless the clock of this machine is wrong: timedatectl",
    "son certificat était valable jusqu'au {} ; il lui en faut un nouveau, à moins que l'horloge de cette machine soit fausse : timedatectl",
);
const UNKNOWN_DAY: Words = Words::new("another day", "un autre jour");
const STRANGER: Words = Words::new(
    "nobody whom this machine trusts has signed its certificate; set {} if the certificate is your own",
    "personne à qui cette machine se fie n'a signé son certificat ; renseigner {} si le certificat est de vous",
);
const NOT_SIGNED: Words = Words::new(
    "its certificate is not signed by the authority in {}; check that file",
    "son certificat n'est pas signé par l'autorité de {} ; vérifier ce fichier",
);
const WRONG_NAME: Words =
    Words::new("its certificate is for another name ({}); check {}", "son certificat est pour un autre nom ({}) ; vérifier {}");
const WANTS_ONE: Words =
    Words::new("it wants a certificate of this bridge; set {} and {}", "il veut un certificat de cette passerelle ; renseigner {} et {}");
const REFUSES: Words =
    Words::new("it refuses the certificate of this bridge: {}; check {}", "il refuse le certificat de cette passerelle : {} ; vérifier {}");
const HAS_EXPIRED: Words = Words::new("it has expired", "il a expiré");
const UNKNOWN_SIGNER: Words =
    Words::new("it was signed by nobody whom the other side trusts", "il n'est signé par personne à qui l'autre se fie");
const BAD: Words = Words::new(
    "it is wrong, or not valid yet (the log there says more)",
    "il est faux, ou pas encore valable (le journal de là-bas en dit plus)",
);
const REVOKED: Words = Words::new("it was revoked", "il a été révoqué");

/// The error of TLS in an error of a library, if that is what it is.
#[must_use]
pub fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // What an error of input and output holds is not its source: only that of what it holds would be.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

/// What an error of TLS means, and what to do. None: nobody knows better than the error itself.
#[must_use]
pub fn explain(error: &rustls::Error, tls: &Tls, now: SystemTime, language: Language) -> Option<String> {
    match error {
        rustls::Error::InvalidCertificate(error) => of_theirs(error, tls, utc::unix_seconds(now), language),
        rustls::Error::AlertReceived(alert) => of_ours(*alert, tls, language),
        _ => None,
    }
}

fn of_theirs(error: &CertificateError, tls: &Tls, now: i64, language: Language) -> Option<String> {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet, NotValidYetContext, UnknownIssuer,
    };
    let KeyNames { authority, address, .. } = tls.keys;
    let is_time = matches!(error, Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. });
    let unknown = UNKNOWN_DAY.get(language).to_owned();
    let text = match error {
        _ if is_time && now < MADE => CLOCK.say(language, &[&day(now)]),
        ExpiredContext { not_after, .. } => EXPIRED.say(language, &[&day_of(*not_after)]),
        Expired => EXPIRED.say(language, &[&unknown]),
        NotValidYetContext { not_before, .. } => NOT_YET.say(language, &[&day_of(*not_before), &day(now)]),
        NotValidYet => NOT_YET.say(language, &[&unknown, &day(now)]),
        NotValidForName | NotValidForNameContext { .. } => WRONG_NAME.say(language, &[error, &address]),
        // A bad signature: an authority that was made anew, under the name that it had.
        UnknownIssuer | BadSignature if tls.has_authority => NOT_SIGNED.say(language, &[&authority]),
        UnknownIssuer | BadSignature => STRANGER.say(language, &[&authority]),
        _ => return None,
    };
    Some(text.to_string())
}

/// The other side says what it thinks of our certificate, or that it wants one.
fn of_ours(alert: AlertDescription, tls: &Tls, language: Language) -> Option<String> {
    let (certificate, key) = tls.keys.identity?;
    if !tls.has_identity {
        let wants = [AlertDescription::CertificateRequired, AlertDescription::HandshakeFailure, AlertDescription::BadCertificate];
        return wants.contains(&alert).then(|| WANTS_ONE.say(language, &[&certificate, &key]).to_string());
    }
    let why = match alert {
        AlertDescription::CertificateExpired => HAS_EXPIRED,
        AlertDescription::UnknownCA | AlertDescription::DecryptError => UNKNOWN_SIGNER,
        AlertDescription::CertificateRevoked => REVOKED,
        AlertDescription::BadCertificate | AlertDescription::CertificateUnknown | AlertDescription::UnsupportedCertificate => BAD,
        _ => return None,
    };
    Some(REFUSES.say(language, &[&why.get(language), &certificate]).to_string())
}

fn day_of(time: UnixTime) -> String {
    day(i64::try_from(time.as_secs()).unwrap_or(i64::MAX))
}

/// `2026-11-29`.
fn day(unix_seconds: i64) -> String {
    utc::rfc3339(unix_seconds).split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use rustls::{ClientConfig, RootCertStore, crypto::ring};

    use super::*;

    fn tls(has_authority: bool, has_identity: bool) -> Tls {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        let keys = KeyNames { authority: "a.ca-file", identity: Some(("a.client-cert-file", "a.client-key-file")), address: "a.url" };
        Tls { config: Arc::new(config), keys, has_authority, has_identity }
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn said(error: CertificateError, now: u64) -> String {
        explain(&rustls::Error::InvalidCertificate(error), &tls(true, false), at(now), Language::English).unwrap_or_default()
    }

    #[test]
    fn a_clock_that_was_never_set_is_named_and_no_certificate() {
        let time = |days: u64| UnixTime::since_unix_epoch(Duration::from_secs(days * 86_400));
        let not_yet = |now: u64| CertificateError::NotValidYetContext { time: time(now), not_before: time(20_700) };
        let expired = |now: u64| CertificateError::ExpiredContext { time: time(now), not_after: time(20_700) };
        for error in [not_yet(3), expired(3), CertificateError::Expired, CertificateError::NotValidYet] {
            let text = said(error, 3 * 86_400);
            assert_eq!(text, "the clock of this machine is wrong: it says 1970-01-04; set it: sudo timedatectl set-ntp true");
        }
        let text = said(not_yet(20_600), 20_600 * 86_400);
        assert!(text.contains("only from 2026-09-04, and the clock of this machine says 2026-05-27; if the clock"), "{text}");
        let text = said(expired(20_800), 20_800 * 86_400 + 7);
        assert!(text.contains("valid until 2026-09-04; it needs a new one"), "{text}");
        assert_eq!(text, said(expired(20_800), 20_800 * 86_400 + 8), "the seconds that pass are no news");
    }

    #[test]
    fn what_the_other_side_says_of_our_certificate() {
        use AlertDescription::{BadCertificate, CertificateExpired, CertificateRequired, HandshakeFailure, InternalError, UnknownCA};
        let said = |alert, has_identity| {
            explain(&rustls::Error::AlertReceived(alert), &tls(true, has_identity), at(0), Language::English).unwrap_or_default()
        };
        for alert in [CertificateRequired, HandshakeFailure] {
            assert!(said(alert, false).contains("set a.client-cert-file and a.client-key-file"));
        }
        assert!(said(CertificateExpired, true).contains("it has expired; check a.client-cert-file"));
        assert!(said(UnknownCA, true).contains("signed by nobody"));
        assert!(said(BadCertificate, true).contains("not valid yet"));
        assert_eq!(said(InternalError, true), "");
    }

    #[test]
    fn an_error_of_tls_is_found_in_whatever_holds_it() {
        let error = || rustls::Error::AlertReceived(AlertDescription::UnknownCA);
        let io = io::Error::new(io::ErrorKind::InvalidData, error());
        assert_eq!(tls_error(&io), Some(&error()));
        let twice = io::Error::other(io::Error::other(error()));
        assert_eq!(tls_error(&twice), Some(&error()));
        assert_eq!(tls_error(&io::Error::other("alert")), None);
    }
}
