//! Where the bridge shows what it knows by HTTP, checked: `[page]`.

use std::net::SocketAddr;

use crate::{
    config::file::PageKeys,
    daemon::exit::Failure,
    page::setup::{LISTEN, Setup},
    words::printable::printable,
};

/// What the owner writes to have no page.
const OFF: &str = "off";

/// What is wanted; nothing where that is said.
///
/// # Errors
/// An address or a name that is none.
pub fn checked(keys: PageKeys) -> Result<Option<Setup>, Failure> {
    if let Some(host) = keys.hosts.iter().find(|host| !is_name(host)) {
        let text = printable(host);
        return Err(Failure::config(format!(
            "page.hosts: \"{text}\" is no name of a host; expected something like pi.example.org, without a port"
        )));
    }
    let setup = |listen| Setup { listen, is_wanted: true, hosts: keys.hosts.clone() };
    let Some(text) = keys.listen else { return Ok(Some(Setup { is_wanted: false, ..setup(LISTEN) })) };
    if text == OFF {
        return Ok(None);
    }
    match text.parse().ok().filter(|address: &SocketAddr| address.port() != 0) {
        Some(listen) => Ok(Some(setup(listen))),
        None => {
            let text = printable(&text);
            Err(Failure::config(format!("page.listen: \"{text}\" is no address; expected something like 127.0.0.1:8080, or off")))
        }
    }
}

fn is_name(host: &str) -> bool {
    let is_part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    host.split('.').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(listen: Option<&str>, hosts: &[&str]) -> Result<Option<Setup>, Failure> {
        checked(PageKeys { listen: listen.map(str::to_owned), hosts: hosts.iter().map(|host| (*host).to_owned()).collect() })
    }

    #[test]
    fn without_an_address_this_machine_alone_sees_the_page() {
        assert_eq!(check(Some("off"), &["pi.example.org"]), Ok(None));
        let setup = check(None, &[]).unwrap().unwrap();
        assert!((setup.listen.ip().is_loopback(), setup.listen.port(), setup.is_wanted) == (true, 8_080, false));
        let setup = check(Some("[::]:8080"), &["pi.example.org"]).unwrap().unwrap();
        assert_eq!((setup.listen.to_string().as_str(), setup.hosts.as_slice()), ("[::]:8080", ["pi.example.org".to_owned()].as_slice()));
    }

    #[test]
    fn mistakes_name_the_key_and_what_is_expected() {
        for (listen, hosts, expected) in [
            (Some("8080"), &[][..], "page.listen: \"8080\" is no address; expected something like 127.0.0.1:8080, or off"),
            (Some("127.0.0.1:0"), &[], "page.listen: \"127.0.0.1:0\" is no address"),
            (None, &["pi:8080"], "page.hosts: \"pi:8080\" is no name of a host"),
            (None, &[""], "page.hosts: \"\" is no name of a host"),
        ] {
            let failure = check(listen, hosts).unwrap_err().to_string();
            assert!(failure.starts_with(expected), "{failure}");
        }
    }
}
