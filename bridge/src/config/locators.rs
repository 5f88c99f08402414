//! Zenoh locators, checked as far as a start would: protocol, port, a host that can be found.

use std::{collections::BTreeSet, net::ToSocketAddrs, str::FromStr};

use zenoh_protocol::core::EndPoint;

use crate::daemon::exit::Failure;

/// Protocols that a bridge can connect by.
const CONNECT: &[&str] = &["tcp", "udp", "ws", "tls", "quic", "unixsock-stream"];
/// Readers connect by TCP alone.
const LISTEN: &[&str] = &["tcp"];
/// The one protocol whose address is a path.
const PATH: &str = "unixsock-stream";

/// Where to connect. A host that cannot be found now may be found later.
///
/// # Errors
/// The first locator that cannot be used.
pub fn to_connect(key: &str, texts: &[String]) -> Result<Vec<EndPoint>, Failure> {
    texts.iter().map(|text| parse(key, text, CONNECT)).collect()
}

/// Where to listen.
///
/// # Errors
/// The first locator that cannot be used, one that is named twice, or a host that is not found.
pub fn to_listen(key: &str, texts: &[String]) -> Result<Vec<EndPoint>, Failure> {
    let mut seen = BTreeSet::new();
    let listen = |text: &String| {
        let endpoint = parse(key, text, LISTEN)?;
        let address = endpoint.address().as_str().to_owned();
        if address.to_socket_addrs().is_err() {
            return Err(Failure::config(format!("{key}: \"{text}\": no address is found for {address}")));
        }
        if !seen.insert(endpoint.to_string()) {
            return Err(Failure::config(format!("{key}: \"{text}\" is named twice")));
        }
        Ok(endpoint)
    };
    texts.iter().map(listen).collect()
}

fn parse(key: &str, text: &str, protocols: &[&str]) -> Result<EndPoint, Failure> {
    let wrong = |why: &str| Failure::config(format!("{key}: \"{text}\" {why}; expected something like tcp/192.168.1.10:7447"));
    let endpoint = EndPoint::from_str(text).map_err(|_| wrong("is no locator"))?;
    if !protocols.contains(&endpoint.protocol().as_str()) {
        return Err(wrong(&format!("cannot be used: the protocol is {}", list(protocols))));
    }
    let port = || endpoint.address().as_str().rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    if endpoint.protocol().as_str() != PATH && port().is_none() {
        return Err(wrong("has no port from 0 to 65535"));
    }
    Ok(endpoint)
}

fn list(protocols: &[&str]) -> String {
    match protocols {
        [only] => format!("{only} alone, which readers speak"),
        all => format!("one of {}", all.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_is_told() {
        for (text, why) in [
            ("7447", "no locator"),
            ("tls/[::]:7447", "protocol"),
            ("udp/[::]:7447", "tcp alone"),
            ("tpc/[::]:7447", "protocol"),
            ("tcp/[::]:74470", "port"),
            ("tcp/[::]", "port"),
            ("tcp/no-such-host.invalid:7447", "no address"),
        ] {
            let failure = to_listen("zenoh.listen", &[text.to_owned()]).expect_err(text);
            assert!(failure.to_string().contains(why) && failure.to_string().contains(text), "{failure}");
        }
        let twice = ["tcp/127.0.0.1:7447".to_owned(), "tcp/127.0.0.1:7447".to_owned()];
        assert!(to_listen("zenoh.listen", &twice).unwrap_err().to_string().contains("twice"));
        assert!(to_listen("zenoh.listen", &["tcp/[::]:7447".to_owned(), "tcp/127.0.0.1:17447".to_owned()]).is_ok());
    }

    #[test]
    fn a_router_may_be_found_later() {
        let connect = |text: &str| to_connect("zenoh.connect", &[text.to_owned()]);
        assert!(connect("tcp/no-such-host.invalid:7447").is_ok() && connect("tls/router.example.org:7447").is_ok());
        assert!(connect("tcp/router:port").is_err());
    }
}
