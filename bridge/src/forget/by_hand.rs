//! The command that takes away what a broker keeps, for somebody who has no `teleinfo-bridge` any more: one line of Mosquitto's own client.
//!
//! It names each device. A pattern for devices would take those of other programs too.

use std::collections::BTreeSet;

use teleinfo_proto::tic::MeterId;

use crate::{
    config::settings::External,
    words::{journal, language::Words, scope::Scope, topics::Topics},
};

/// What only its owner knows is never printed: a place for it.
const PASSWORD: Words = Words::new("PASSWORD", "MOT_DE_PASSE");
const AUTHORITY: Words = Words::new("CA_FILE", "FICHIER_CA");
const IDENTITY: Words = Words::new("--cert CERTIFICATE --key KEY", "--cert CERTIFICAT --key CLÉ");
/// Where a system keeps the authorities that all trust.
const AUTHORITIES: &str = "/etc/ssl/certs";
/// What is kept has come by then, in s.
const WAIT: u32 = 5;

/// The command, ready for a shell. Devices come first: Home Assistant would take the nothing under other topics for values.
pub(super) fn by_hand(broker: &External, topics: &Topics, what: Scope, meters: &BTreeSet<MeterId>) -> String {
    let bridge = what.meter().is_none().then(|| topics.bridge_discovery());
    let devices = meters.iter().map(|meter| topics.discovery(meter)).chain(bridge);
    let all = devices.chain([topics.everything_of(what.meter())]);
    let words = all.map(|topic| format!(" -t {}", quoted(&topic))).collect::<String>();
    format!("mosquitto_sub{}{words} --remove-retained -F %t -W {WAIT}", address(broker))
}

fn address(broker: &External) -> String {
    let language = journal::language();
    let mut words = format!(" -h {} -p {}", quoted(&broker.url.host), broker.url.port);
    if let Some(login) = &broker.login {
        words += &format!(" -u {} -P {}", quoted(&login.user), PASSWORD.get(language));
    }
    if let Some(tls) = &broker.tls {
        words += &match tls.has_authority {
            true => format!(" --cafile {}", AUTHORITY.get(language)),
            false => format!(" --capath {AUTHORITIES}"),
        };
        if tls.has_identity {
            words += &format!(" {}", IDENTITY.get(language));
        }
    }
    words
}

/// As one word for a shell.
fn quoted(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-._:/".contains(character);
    if text.chars().all(plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::settings::Login, daemon::credentials::Secret};

    #[test]
    fn the_command_names_what_is_of_the_bridge_and_no_password() {
        let login = Login { user: "l'ami".to_owned(), password: Secret::new("hidden") };
        let broker = External { url: "mqtt://10.0.0.5".parse().unwrap(), login: Some(login), client_id: "x".to_owned(), tls: None };
        let meters: BTreeSet<MeterId> = ["021861000001", "021861000002"].map(|meter| meter.parse().unwrap()).into();
        let topics = Topics::new("ma maison", "homeassistant");
        let all = by_hand(&broker, &topics, Scope::All, &meters);
        assert_eq!(
            all,
            r"mosquitto_sub -h 10.0.0.5 -p 1883 -u 'l'\''ami' -P PASSWORD -t homeassistant/device/teleinfo_021861000001/config -t homeassistant/device/teleinfo_021861000002/config -t homeassistant/device/teleinfo_bridge_ma_maison/config -t 'ma maison/#' --remove-retained -F %t -W 5"
        );
        let meter = *meters.first().unwrap();
        let broker = External { login: None, ..broker };
        let one = by_hand(&broker, &Topics::default(), Scope::Meter(meter), &[meter].into());
        assert_eq!(
            one,
            "mosquitto_sub -h 10.0.0.5 -p 1883 -t homeassistant/device/teleinfo_021861000001/config -t 'teleinfo/021861000001/#' --remove-retained -F %t -W 5"
        );
    }
}
