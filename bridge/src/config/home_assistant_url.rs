//! The address of Home Assistant, as people write it and as its WebSocket interface wants it.

use tokio_tungstenite::tungstenite::http::Uri;

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

#[cfg(test)]
mod tests {
    use super::{is_address, websocket_address};

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
    fn no_addresses() {
        for url in ["", "http://", "mqtt://homeassistant.local", "http://home assistant:8123", "htp://homeassistant"] {
            assert!(!is_address(url), "{url}");
        }
    }
}
