//! Where a serial port is on the network: `tcp://host:port` or `rfc2217://host:port`.

use std::{path::PathBuf, str::FromStr};

use teleinfo_zenoh_client::Locator;

/// How the bytes of the line travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// As they are.
    Raw,
    /// In a Telnet connection that can also set the port.
    Rfc2217,
}

/// How each is written before `://`.
const SCHEMES: [(&str, Protocol); 2] = [("tcp", Protocol::Raw), ("rfc2217", Protocol::Rfc2217)];

/// Where a serial port is on the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remote {
    /// As it was written; what a message calls the line.
    pub(crate) name: PathBuf,
    pub(crate) protocol: Protocol,
    /// The address, in the words of the crate that reaches it.
    pub(super) locator: Locator,
}

impl FromStr for Remote {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (scheme, address) = text.split_once("://").unwrap_or_default();
        let Some((_, protocol)) = SCHEMES.into_iter().find(|(name, _)| *name == scheme) else {
            return Err(format!("\"{text}\": expected tcp://host:port (the bytes as they are) or rfc2217://host:port"));
        };
        let locator = format!("tcp/{}", address.strip_suffix('/').unwrap_or(address)).parse();
        let expected = || format!("\"{text}\": expected {scheme}://host:port, for example {scheme}://192.168.1.30:2001");
        Ok(Self { name: text.into(), protocol, locator: locator.map_err(|_| expected())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_protocol_a_host_and_a_port() {
        for (text, protocol) in [
            ("tcp://192.168.1.30:2001", Protocol::Raw),
            ("rfc2217://esp.lan:23", Protocol::Rfc2217),
            ("tcp://[fd00::1]:2001", Protocol::Raw),
            ("tcp://[fe80::1%eth0]:2001/", Protocol::Raw),
        ] {
            let remote: Remote = text.parse().unwrap();
            assert_eq!((remote.protocol, remote.name.to_str()), (protocol, Some(text)));
        }
        for (text, expected) in [
            ("udp://x:1", "expected tcp://host:port (the bytes as they are) or rfc2217://host:port"),
            ("tcp://x", "expected tcp://host:port, for example tcp://192.168.1.30:2001"),
            ("rfc2217://x:0", "for example rfc2217://192.168.1.30:2001"),
            ("tcp://x:99999", "expected tcp://host:port"),
            ("tcp://a b:1", "expected tcp://host:port"),
        ] {
            let error = text.parse::<Remote>().unwrap_err();
            assert!(error.starts_with(&format!("\"{text}\"")) && error.contains(expected), "{error}");
        }
    }
}
