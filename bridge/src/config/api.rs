//! Where Home Assistant is asked to correct its statistics, and whether its token may be sent there.
//!
//! The token is that of an administrator. Without TLS whoever is on the way reads it, and whoever answers in Home Assistant's place is told it. So
//! it is sent to another machine only over `https://`, unless the user says that this network is trusted.

use tracing::warn;

use super::{
    file::HomeAssistantKeys,
    home_assistant_url::{is_address, is_encrypted, is_this_machine},
    idle::warn_of_idle_keys,
};
use crate::{
    daemon::{
        credentials::{self, Secret, TOKEN_CREDENTIAL},
        exit::Failure,
        tls::{Files, KeyNames, Tls},
    },
    words::{journal, language::Words},
};

const OF_ADDRESS: Words = Words::new("{}: {}", "{} : {}");
const BESIDE_URL: Words = Words::new("{}: only beside homeassistant.url", "{} : seulement avec homeassistant.url");
const NO_TOKEN: Words = Words::new(
    "homeassistant.url does nothing without a token; set homeassistant.token-file",
    "homeassistant.url ne fait rien sans jeton ; réglez homeassistant.token-file",
);
/// Why the token is kept back, and what to do.
pub const KEPT_BACK: Words = Words::new(
    "the token is not sent: http:// would show it to the whole network; use https:// in homeassistant.url (and homeassistant.ca-file for a \
     certificate of your own), or set homeassistant.plain-token = true",
    "le jeton n'est pas envoyé : http:// le montrerait à tout le réseau ; mettre https:// dans homeassistant.url (et homeassistant.ca-file pour \
     un certificat de vous), ou régler homeassistant.plain-token = true",
);

const KEYS: KeyNames = KeyNames { authority: "homeassistant.ca-file", identity: None, address: "homeassistant.url" };

/// How Home Assistant is reached.
#[derive(Debug, Clone)]
pub struct Api {
    /// Its address, as the user wrote it.
    pub url: String,
    /// A long-lived access token of an administrator.
    pub token: Secret,
    /// Whom to trust, if the connection is encrypted.
    pub tls: Option<Tls>,
    /// Whether the token may be sent there.
    pub may_send: bool,
}

/// Checks the keys that say where Home Assistant is.
///
/// # Errors
/// What is wrong, by the name of its key.
pub(super) fn checked(config: &HomeAssistantKeys) -> Result<Option<Api>, Failure> {
    if let Some(url) = config.url.as_deref().filter(|url| !is_address(url)) {
        return Err(Failure::config(format!("homeassistant.url: \"{url}\"; expected something like https://homeassistant.local:8123")));
    }
    let idle = [("homeassistant.token-file", config.token_file.is_some()), ("homeassistant.ca-file", config.ca_file.is_some())];
    warn_of_idle_keys(&idle.map(|(key, set)| (key, set && config.url.is_none())), BESIDE_URL);
    let token = credentials::password(config.token_file.as_deref(), TOKEN_CREDENTIAL);
    let token = token.map_err(|failure| failure.of("homeassistant.token-file"))?;
    let Some(url) = &config.url else { return Ok(None) };
    let tls = tls(config, url)?;
    let Some(token) = token else {
        warn!("{}", journal::say(NO_TOKEN, &[]));
        return Ok(None);
    };
    let may_send = tls.is_some() || config.plain_token || is_this_machine(url);
    if !may_send {
        warn!("{}", journal::say(OF_ADDRESS, &[url, &journal::say(KEPT_BACK, &[])]));
    }
    Ok(Some(Api { url: url.clone(), token, tls, may_send }))
}

fn tls(config: &HomeAssistantKeys, url: &str) -> Result<Option<Tls>, Failure> {
    match (is_encrypted(url), config.ca_file.as_deref()) {
        (true, authority) => Tls::load(Files { authority, ..Files::default() }, KEYS).map(Some),
        (false, Some(_)) => Err(Failure::config("homeassistant.ca-file: only a https:// address uses certificates")),
        (false, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_token_crosses_the_network_only_encrypted_or_where_the_user_says_so() {
        let mut token = tempfile::NamedTempFile::new().unwrap();
        token.write_all(b"secret\n").unwrap();
        let authority = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bridge/authority.pem");
        let rows = [
            ("http://homeassistant.local:8123", false, false),
            ("homeassistant.local:8123", false, false),
            ("http://192.168.1.5:8123", false, false),
            ("http://127.0.0.1.example.org:8123", false, false),
            ("http://homeassistant.local:8123", true, true),
            ("https://homeassistant.local:8123", false, true),
            ("http://localhost:8123", false, true),
            ("http://127.0.0.1:8123", false, true),
            ("[::1]:8123", false, true),
        ];
        for (url, plain_token, expected) in rows {
            let config = HomeAssistantKeys {
                url: Some(url.into()),
                token_file: Some(token.path().into()),
                ca_file: is_encrypted(url).then(|| authority.into()),
                plain_token,
                ..HomeAssistantKeys::default()
            };
            assert_eq!(checked(&config).unwrap().unwrap().may_send, expected, "{url} {plain_token}");
        }
    }
}
