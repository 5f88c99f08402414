//! Addresses of servers elsewhere: which of them can be asked.

use hyper::Uri;

/// Whether an address is that of a server that speaks TLS.
#[must_use]
pub fn is_tls(address: &Uri) -> bool {
    address.scheme_str() == Some("https")
}

/// An address is used if it has a scheme of HTTP and a host, and nobody's name and password in it.
#[must_use]
pub fn is_usable(address: &Uri) -> bool {
    let authority = address.authority().map_or("@", |authority| authority.as_str());
    matches!(address.scheme_str(), Some("http" | "https")) && host(address).is_some_and(|host| !host.is_empty()) && !authority.contains('@')
}

/// The host without the brackets of IPv6.
pub(super) fn host(address: &Uri) -> Option<String> {
    let host = address.host()?;
    Some(host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (text, usable) in [
            ("http://influx:8086", true),
            ("https://[::1]/x", true),
            ("influx:8086", false),
            ("/x", false),
            ("mqtt://influx", false),
            ("http://me:secret@influx", false),
        ] {
            assert_eq!(text.parse::<Uri>().is_ok_and(|uri| is_usable(&uri)), usable, "{text}");
        }
    }
}
