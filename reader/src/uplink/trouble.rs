//! What is wrong with the way to the bridge, in words for a person at the meter: what happened, and which key of the configuration or
//! which machine to look at. The Zenoh client speaks of routers in general; here the router is the bridge.

use std::{io, net::SocketAddrV4};

use teleinfo_zenoh_client::{Error, Failures};

use crate::language::{Language, Sentence, Words};

const NO_ROUTER: Words = Words::new(
    "no router answers on the local network (multicast {}): is the bridge running, or set zenoh.connect",
    "aucune passerelle ne répond sur le réseau local (multicast {}) : tourne-t-elle ? ou réglez zenoh.connect",
);
const LOOKUP: Words = Words::new("cannot look up the name: {}", "le nom reste introuvable : {}");
const INTERFACE: Words = Words::new("there is no network interface {} here", "il n'y a pas d'interface réseau {} ici");
const REFUSED: Words = Words::new(
    "connection refused: is the bridge running, and is this its port?",
    "connexion refusée : la passerelle tourne-t-elle, est-ce bien son port ?",
);
const NO_WAY: Words = Words::new(
    "no way there: is the network up, is the address right?",
    "aucun chemin : le réseau est-il actif, l'adresse est-elle juste ?",
);
const OFF: Words = Words::new(
    "no answer: is the machine on, is the address right, does a firewall drop it?",
    "pas de réponse : la machine est-elle allumée, l'adresse juste, un pare-feu bloque-t-il ?",
);
const ENDED: Words = Words::new("the router ended the connection", "la passerelle a coupé la connexion");
const NO_ZENOH: Words = Words::new(
    "connected, but no Zenoh router answers within {}: is this the bridge's Zenoh port?",
    "connecté, mais aucun routeur Zenoh ne répond en {} : est-ce le port Zenoh de la passerelle ?",
);
const PASSWORD_MISSING: Words = Words::new(
    "the router wants a user and a password: configure zenoh.user and zenoh.password-file",
    "la passerelle veut un utilisateur et un mot de passe : réglez zenoh.user et zenoh.password-file",
);
const PASSWORD_REFUSED: Words = Words::new(
    "the router does not accept this user or password: compare zenoh.user and zenoh.password-file with the router's users file",
    "la passerelle refuse cet utilisateur ou ce mot de passe : comparez zenoh.user et zenoh.password-file avec son fichier d'utilisateurs",
);
const PASSWORD_NOT_ASKED: Words = Words::new(
    "it asks for no password, so it is refused: it is another bridge, or the bridge has lost zenoh.users-file; without a password here, remove zenoh.user",
    "elle ne demande pas de mot de passe, donc elle est refusée : c'est une autre passerelle, ou zenoh.users-file y manque ; sans mot de passe ici, retirez zenoh.user",
);
const FULL: Words = Words::new(
    "the bridge has as many connections as it takes on: limits.meters in its bridge.toml allows more",
    "la passerelle a toutes les liaisons qu'elle accepte : limits.meters dans son bridge.toml en permet plus",
);
const VERSION: Words = Words::new("{}", "la passerelle parle une autre version du protocole Zenoh : installez des versions assorties ({})");
const SILENT: Words = Words::new("{}", "la passerelle ne dit plus rien : elle ou le réseau a disparu ({})");
const OTHER: Words = Words::new("{}", "ce qui répond n'agit pas comme une passerelle ({})");

/// Every locator with what is wrong with it.
pub(crate) fn of_locators(failures: &Failures, language: Language) -> Sentence {
    let colon = language.choose(": ", " : ");
    let each: Vec<String> = failures.iter().map(|(locator, error)| format!("{locator}{colon}{}", of_error(error, language))).collect();
    Sentence::of(each.join("; "))
}

/// No bridge answers to scouting.
pub(crate) fn of_scouting(group: SocketAddrV4, language: Language) -> Sentence {
    NO_ROUTER.say(language, &[&group])
}

fn of_error(error: &Error, language: Language) -> Sentence {
    match error {
        Error::Lookup { words } => LOOKUP.say(language, &[words]),
        Error::Interface { name } => INTERFACE.say(language, &[name]),
        Error::Socket { kind, words } => of_socket(*kind).map_or_else(|| Sentence::of(words), |said| said.say(language, &[])),
        Error::Ended => ENDED.say(language, &[]),
        Error::NoAnswer(patience) => NO_ZENOH.say(language, &[&format!("{patience:?}")]),
        Error::PasswordMissing => PASSWORD_MISSING.say(language, &[]),
        Error::PasswordRefused => PASSWORD_REFUSED.say(language, &[]),
        Error::PasswordNotAsked => PASSWORD_NOT_ASKED.say(language, &[]),
        Error::Version { .. } => VERSION.say(language, &[error]),
        Error::Full => FULL.say(language, &[]),
        Error::Silent(_) => SILENT.say(language, &[error]),
        _ => OTHER.say(language, &[error]),
    }
}

fn of_socket(kind: io::ErrorKind) -> Option<Words> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some(REFUSED),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some(NO_WAY),
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Some(ENDED),
        io::ErrorKind::TimedOut => Some(OFF),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_set_here_is_named_in_both_languages() {
        for (error, english, french) in [
            (Error::PasswordMissing, "zenoh.password-file", "zenoh.password-file"),
            (Error::PasswordRefused, "zenoh.password-file", "zenoh.password-file"),
            (Error::PasswordNotAsked, "asks for no password", "ne demande pas de mot de passe"),
            (Error::Socket { kind: io::ErrorKind::ConnectionRefused, words: String::new() }, "is the bridge running", "tourne-t-elle"),
            (Error::Full, "limits.meters", "limits.meters"),
            (Error::Ended, "the router ended the connection", "a coupé la connexion"),
        ] {
            let said = |language| of_error(&error, language).to_string();
            assert!(said(Language::English).contains(english) && said(Language::French).contains(french), "{error:?}");
        }
    }
}
