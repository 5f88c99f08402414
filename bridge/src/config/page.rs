//! Where the bridge shows what it knows by HTTP, checked: `[page]`.

use std::net::{IpAddr, SocketAddr};

use crate::{
    config::file::PageKeys,
    daemon::{
        credentials::{self, Secret},
        exit::Failure,
    },
    page::setup::{LISTEN, LISTEN_LOCKED, Setup},
    words::printable::printable,
};

/// What the owner writes to have no page.
const OFF: &str = "off";
/// The credential that is the password.
const CREDENTIAL: &str = "page-password";
/// A shorter one is guessed.
const PASSWORD_MIN: usize = 8;

/// What is wanted; nothing where that is said.
///
/// # Errors
/// An address or a name that is none; a password that cannot be read, or is short.
pub fn checked(keys: PageKeys) -> Result<Option<Setup>, Failure> {
    if let Some(host) = keys.hosts.iter().find(|host| !is_name(host)) {
        let text = printable(host);
        return Err(Failure::config(format!(
            "page.hosts: \"{text}\" is no name of a host; expected something like pi.example.org, without a port"
        )));
    }
    if keys.listen.as_deref() == Some(OFF) {
        return Ok(None);
    }
    let password = credentials::password(keys.password_file.as_deref(), CREDENTIAL).and_then(long_enough);
    let password = password.map_err(|failure| failure.of("page.password-file"))?;
    let is_wanted = keys.listen.is_some() || password.is_some();
    let listen = match keys.listen {
        Some(text) => address(&text)?,
        None if password.is_some() => LISTEN_LOCKED,
        None => LISTEN,
    };
    Ok(Some(Setup { listen, is_wanted, hosts: keys.hosts, proxies: proxies(&keys.proxies)?, password }))
}

fn long_enough(password: Option<Secret>) -> Result<Option<Secret>, Failure> {
    match password {
        Some(short) if short.reveal().chars().count() < PASSWORD_MIN => {
            Err(Failure::config(format!("the password needs {PASSWORD_MIN} characters or more")))
        }
        password => Ok(password),
    }
}

fn proxies(texts: &[String]) -> Result<Vec<IpAddr>, Failure> {
    let proxy = |text: &String| {
        let wrong = || Failure::config(format!("page.proxies: \"{}\" is no address; expected something like 192.168.1.5", printable(text)));
        text.parse().map(|address: IpAddr| address.to_canonical()).map_err(|_| wrong())
    };
    texts.iter().map(proxy).collect()
}

fn address(text: &str) -> Result<SocketAddr, Failure> {
    match text.parse().ok().filter(|address: &SocketAddr| address.port() != 0) {
        Some(listen) => Ok(listen),
        None => {
            let text = printable(text);
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
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        checked(PageKeys { listen: listen.map(str::to_owned), hosts, ..PageKeys::default() })
    }

    fn check_password(listen: Option<&str>, password: &str) -> Result<Setup, Failure> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), password).unwrap();
        let keys = PageKeys { listen: listen.map(str::to_owned), password_file: Some(file.path().into()), ..PageKeys::default() };
        checked(keys).map(Option::unwrap)
    }

    #[test]
    fn a_password_opens_the_page_to_the_network() {
        let setup = check_password(None, "a long word\n").unwrap();
        assert_eq!((setup.listen.to_string().as_str(), setup.is_wanted), ("0.0.0.0:8080", true));
        assert_eq!(setup.password, Some(Secret::new("a long word")));
        assert_eq!(check_password(Some("127.0.0.1:81"), "a long word").unwrap().listen.to_string(), "127.0.0.1:81");
        let failure = check_password(None, "1234567").unwrap_err().to_string();
        assert_eq!(failure, "page.password-file: the password needs 8 characters or more");
    }

    #[test]
    fn a_proxy_is_an_address() {
        let check = |text: &str| checked(PageKeys { proxies: vec![text.into()], ..PageKeys::default() });
        assert_eq!(check("::ffff:172.30.32.2").unwrap().unwrap().proxies, ["172.30.32.2".parse::<IpAddr>().unwrap()]);
        let failure = check("supervisor").unwrap_err().to_string();
        assert_eq!(failure, "page.proxies: \"supervisor\" is no address; expected something like 192.168.1.5");
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
