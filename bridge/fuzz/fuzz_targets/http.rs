//! Whatever a browser says in a request of the page, line by line: query, host, authorization, accepted forms, and a body as the file of a
//! release: what is taken is bounded, and nobody is let in who does not say the password.
#![no_main]

use std::{net::Ipv4Addr, time::Instant};

use base64::{Engine, prelude::BASE64_STANDARD};
use libfuzzer_sys::fuzz_target;
use teleinfo_bridge_fuzz::{
    daemon::credentials::Secret,
    http::address::{is_tls, is_usable},
    page::{
        hosts::Hosts,
        password::{Lock, Verdict},
        query,
        wanted::Wanted,
    },
    updates::newest::newest,
};

const PASSWORD: &str = "x";
const GIVEN: &str = "house.example";

fn asked(text: &str) {
    if let Ok(wanted) = Wanted::of(text) {
        let periods = wanted.periods();
        assert!(!periods.is_empty() && periods.len() <= 48 * 41 && periods.windows(2).all(|pair| pair[0].end == pair[1].start));
    }
    assert!(query::value(text, "lang").is_none_or(|value| text.contains(value)));
}

/// Whoever makes a name of its own lead here is not answered: all that is accepted is an address, or a name that is known.
fn host(hosts: &Hosts, text: &str) {
    if hosts.accepts(text) {
        let name = text.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())).map_or(text, |(name, _)| name);
        let is_address = name.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok() || text.parse::<std::net::IpAddr>().is_ok();
        let lower = name.to_ascii_lowercase();
        assert!(is_address || [GIVEN, "localhost"].contains(&lower.trim_end_matches('.')) || is_own(&lower), "{text}");
    }
}

fn is_own(name: &str) -> bool {
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_ascii_lowercase();
    let name = name.trim_end_matches('.');
    name == own || name.strip_suffix(".local") == Some(&own)
}

fn authorization(text: &str) {
    let lock = Lock::new(&Secret::new(PASSWORD));
    if lock.judge(Ipv4Addr::LOCALHOST.into(), text, Instant::now()) == Verdict::Answer {
        let both = text.split_once(' ').and_then(|(_, encoded)| BASE64_STANDARD.decode(encoded.trim()).ok()).expect("base 64");
        assert!(both.ends_with(format!(":{PASSWORD}").as_bytes()));
    }
}

fuzz_target!(|bytes: &[u8]| {
    if let Some(version) = newest(bytes) {
        assert!(version.len() <= 32 && version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)));
    }
    let Ok(text) = str::from_utf8(bytes) else { return };
    let hosts = Hosts::new(&[GIVEN.to_owned()]);
    for line in text.lines() {
        asked(line);
        host(&hosts, line);
        authorization(line);
        if let Ok(address) = line.parse() {
            assert!(!is_usable(&address) || is_tls(&address) || line.to_ascii_lowercase().starts_with("http:"), "{line}");
        }
    }
});
