//! The address of a broker: `mqtt://[user@]host[:port]`, or `mqtts://` with TLS.

use std::{fmt, str::FromStr};

/// Where a broker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Who connects.
    pub user: Option<String>,
    /// Name or address; an IPv6 address without its brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl FromStr for Url {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (tls, rest) = scheme(text)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, address) = match rest.rsplit_once('@') {
            Some((user, address)) => (Some(user), address),
            None => (None, rest),
        };
        if user.is_some_and(|user| user.contains(':')) {
            return Err("a password does not belong here; use mqtt.password-file".into());
        }
        if user.is_some_and(|user| user.contains(char::is_whitespace)) {
            return Err("the user's name in the address has a space; use mqtt.user".into());
        }
        let (host, port) =
            host_and_port(address, if tls { 8883 } else { 1883 }).ok_or_else(|| format!("\"{address}\" is no host[:port]"))?;
        Ok(Self { tls, user: user.filter(|user| !user.is_empty()).map(Into::into), host: host.into(), port })
    }
}

fn scheme(text: &str) -> Result<(bool, &str), String> {
    match text.split_once("://") {
        Some(("mqtt", rest)) => Ok((false, rest)),
        Some(("mqtts", rest)) => Ok((true, rest)),
        _ => Err(format!("expected mqtt://[user@]host[:port], mqtts://... or embedded, but found \"{text}\"")),
    }
}

fn host_and_port(address: &str, default: u16) -> Option<(&str, u16)> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':').or(rest.is_empty().then_some(""))?)
        }
        None => address.split_once(':').unwrap_or((address, "")),
    };
    let port = match port {
        "" => default,
        digits => digits.parse().ok().filter(|&port| port != 0)?,
    };
    let good = !host.is_empty() && !host.contains(['/', '?', '#', ' ']);
    good.then_some((host, port))
}

impl fmt::Display for Url {
    /// Host and port, as a log line names the broker.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') { write!(f, "[{}]:{}", self.host, self.port) } else { write!(f, "{}:{}", self.host, self.port) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, tls, user, host, port) in [
            ("mqtt://broker", false, None, "broker", 1883),
            ("mqtt://broker/", false, None, "broker", 1883),
            ("mqtts://broker", true, None, "broker", 8883),
            ("mqtt://me@10.0.0.1:1884", false, Some("me"), "10.0.0.1", 1884),
            ("mqtt://[fe80::1]", false, None, "fe80::1", 1883),
            ("mqtt://me@[::1]:99", false, Some("me"), "::1", 99),
        ] {
            let url: Url = text.parse().unwrap();
            assert_eq!((url.tls, url.user.as_deref(), url.host.as_str(), url.port), (tls, user, host, port), "{text}");
        }
    }

    #[test]
    fn not_addresses() {
        for text in [
            "",
            "broker",
            "http://broker",
            "mqtt://",
            "mqtt://me@",
            "mqtt://b:0",
            "mqtt://b:x",
            "mqtt://b:70000",
            "mqtt://[::1",
            "mqtt://[::1]9",
            "mqtt://a/b",
            "mqtt://me:secret@b",
            "mqtt://user name@b",
        ] {
            assert!(text.parse::<Url>().is_err(), "{text}");
        }
        let problem = "mqtt://me:secret@b".parse::<Url>().unwrap_err();
        assert!(!problem.contains("secret"), "{problem}");
    }
}
