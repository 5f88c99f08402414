//! The names under which the bridge may be asked: the `Host` header of a request.
//!
//! A web page from anywhere can make its own name lead to this machine, and then read what is answered to the browser of somebody at home. Such a
//! request names that page's host, so other names than those of this machine are refused. An address is no name, so it cannot be misused.

use std::{fs, net::IpAddr};

const LOCALHOST: &str = "localhost";
/// Where this machine's name stands: the second one is there in the sandbox of the service too.
const NAME_FILES: [&str; 2] = ["/proc/sys/kernel/hostname", "/etc/hostname"];

/// The names that are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// `localhost`, this machine's own name, and those that its owner gives.
    #[must_use]
    pub fn new(given: &[String]) -> Self {
        let own = NAME_FILES.iter().find_map(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        Self::of(own.trim(), given)
    }

    fn of(own: &str, given: &[String]) -> Self {
        let own = [own.to_owned(), format!("{own}.local")].into_iter().filter(|_| !own.is_empty());
        Self([LOCALHOST.to_owned()].into_iter().chain(own).chain(given.iter().cloned()).collect())
    }

    /// Whether a request for this host, with or without a port, is for this bridge.
    #[must_use]
    pub fn accepts(&self, host: &str) -> bool {
        let name = without_port(host);
        let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        address.parse::<IpAddr>().is_ok() || self.0.iter().any(|known| known.eq_ignore_ascii_case(name.trim_end_matches('.')))
    }
}

/// `pi:8080` and `[::1]:8080` without what follows the last colon.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_meant() {
        let hosts = Hosts::of("pi", &["compteur.example.org".into()]);
        let ours =
            ["localhost", "localhost:8080", "pi", "PI:8080", "pi.local.", "192.168.1.10:8080", "127.0.0.1", "[::1]:8080", "[fe80::1]"];
        for host in ours.into_iter().chain(["compteur.example.org:443"]) {
            assert!(hosts.accepts(host), "{host}");
        }
        for host in
            ["", ":8080", "evil.example", "evil.example:8080", "pi.evil.example", "localhost.evil.example", "127.0.0.1.evil.example"]
        {
            assert!(!hosts.accepts(host), "{host}");
        }
        assert!(!Hosts::of("", &[]).accepts(".local"), "a machine without a name");
    }
}
