//! What is wrong with the way to the bridge, in words for a person at the meter: what happened, and which key of the configuration or
//! which machine to look at. The Zenoh client speaks of routers in general; here the router is the bridge.

use std::{io, net::SocketAddrV4};

use teleinfo_zenoh_client::{Error, Failures};

/// Every locator with what is wrong with it.
pub(crate) fn of_locators(failures: &Failures) -> String {
    let each: Vec<String> = failures.iter().map(|(locator, error)| format!("{locator}: {}", of_error(error))).collect();
    each.join("; ")
}

/// No bridge answers to scouting.
pub(crate) fn of_scouting(group: SocketAddrV4) -> String {
    format!("no router answers on the local network (multicast {group}): is the bridge running, or set zenoh.connect")
}

fn of_error(error: &Error) -> String {
    match error {
        Error::Socket { kind: io::ErrorKind::ConnectionRefused, .. } => {
            "connection refused: is the bridge running, and is this its port?".into()
        }
        Error::NoAnswer(patience) => {
            format!("connected, but no Zenoh router answers within {patience:?}: is this the bridge's Zenoh port?")
        }
        Error::PasswordMissing => format!("{error}: configure zenoh.user and zenoh.password-file"),
        Error::PasswordRefused => format!("{error}: compare zenoh.user and zenoh.password-file with the router's users file"),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_set_here_is_named() {
        for (error, words) in [
            (Error::PasswordMissing, "zenoh.password-file"),
            (Error::PasswordRefused, "zenoh.password-file"),
            (Error::Socket { kind: io::ErrorKind::ConnectionRefused, words: String::new() }, "is the bridge running"),
            (Error::Ended, "the router ended the connection"),
        ] {
            assert!(of_error(&error).contains(words), "{error:?}");
        }
    }
}
