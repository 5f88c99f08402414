//! Where the newest version is told, checked: `[updates]`.

use std::path::PathBuf;

use hyper::Uri;

use crate::{config::file::UpdatesKeys, daemon::exit::Failure, http::address, updates::setup::Source, words::printable::printable};

/// Whoever is on this machine is not asked over a network.
const OWN: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// Where to ask; nowhere without an address.
///
/// # Errors
/// An address that is none, or one that is asked without TLS.
pub fn checked(keys: UpdatesKeys) -> Result<Option<Source>, Failure> {
    let Some(url) = keys.url else { return Ok(None) };
    let wrong = || {
        let text = printable(&url);
        Failure::config(format!(
            "updates.url: \"{text}\" cannot be used; expected something like https://example.org/newest.json or file:///path"
        ))
    };
    if let Some(path) = url.strip_prefix("file://") {
        return Some(PathBuf::from(path)).filter(|path| path.is_absolute()).map(|path| Some(Source::File(path))).ok_or_else(wrong);
    }
    let is_safe = |uri: &Uri| address::is_tls(uri) || uri.host().is_some_and(|host| OWN.contains(&host));
    url.parse().ok().filter(|uri| address::is_usable(uri) && is_safe(uri)).map(|uri| Some(Source::Server(uri))).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_or_a_server_that_proves_who_it_is() {
        let check = |url: &str| checked(UpdatesKeys { url: Some(url.into()) });
        assert_eq!(checked(UpdatesKeys::default()), Ok(None));
        assert_eq!(check("file:///var/newest.json"), Ok(Some(Source::File("/var/newest.json".into()))));
        for url in ["https://example.org/newest.json", "http://127.0.0.1:8000/newest.json"] {
            assert_eq!(check(url), Ok(Some(Source::Server(url.parse().unwrap()))));
        }
        for url in ["http://example.org/newest.json", "newest.json", "file://newest.json", "https://me:x@example.org/"] {
            assert!(check(url).unwrap_err().to_string().starts_with("updates.url: "), "{url}");
        }
    }
}
