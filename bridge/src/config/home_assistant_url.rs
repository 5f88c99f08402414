//! The address of Home Assistant, as people write it and as its WebSocket interface wants it.

use std::net::IpAddr;

use hyper::Uri;

/// Whether Home Assistant can be there: a host, perhaps with a port, perhaps behind `http://` or `https://`.
#[must_use]
pub fn is_address(url: &str) -> bool {
    let scheme = url.split_once("://").map(|(scheme, _)| scheme);
    let known = matches!(scheme, None | Some("http" | "https"));
    known && websocket_address(url).parse::<Uri>().is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()))
}

/// `http://host:8123/` becomes `ws://host:8123/api/websocket`.
#[must_use]
pub fn websocket_address(url: &str) -> String {
    let base = url.trim_end_matches('/');
    let base = base.strip_prefix("http").map_or_else(|| format!("ws://{base}"), |rest| format!("ws{rest}"));
    format!("{base}/api/websocket")
}

/// Whether what is sent there is encrypted.
#[must_use]
pub fn is_encrypted(url: &str) -> bool {
    url.starts_with("https:")
}

/// Whether Home Assistant is on this machine by its very name, so that no network is between.
#[must_use]
pub fn is_this_machine(url: &str) -> bool {
    let Ok(uri) = websocket_address(url).parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or_else(|_| host.eq_ignore_ascii_case("localhost"), |address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::{is_address, is_this_machine, websocket_address};

    #[test]
    fn addresses() {
        for (url, expected) in [
            ("http://homeassistant.local:8123", "ws://homeassistant.local:8123/api/websocket"),
            ("https://ha.example.org/", "wss://ha.example.org/api/websocket"),
            ("192.168.1.5:8123", "ws://192.168.1.5:8123/api/websocket"),
        ] {
            assert_eq!(websocket_address(url), expected);
            assert!(is_address(url), "{url}");
        }
    }

    #[test]
    fn this_machine_is_known_by_name_or_address_and_by_nothing_that_looks_like_it() {
        for url in ["http://localhost:8123", "http://LOCALHOST", "127.0.0.1:8123", "http://127.3.2.1/", "http://[::1]:8123"] {
            assert!(is_this_machine(url), "{url}");
        }
        let others =
            ["http://localhost.example.org", "http://127.0.0.1.nip.io", "http://[::2]:8123", "http://10.0.0.1", "http://user@ha/localhost"];
        for url in others {
            assert!(!is_this_machine(url), "{url}");
        }
    }

    #[test]
    fn no_addresses() {
        for url in ["", "http://", "mqtt://homeassistant.local", "http://home assistant:8123", "htp://homeassistant"] {
            assert!(!is_address(url), "{url}");
        }
    }
}
