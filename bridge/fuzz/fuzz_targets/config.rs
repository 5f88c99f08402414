//! Any text as `bridge.toml`: it is right, or one line names the file, the line and what is wrong. No panic.
#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use teleinfo_bridge_fuzz::{
    config::{environment, file::Config, settings::Settings},
    daemon::cli::Cli,
};

/// A file of this process alone.
static FILE: LazyLock<PathBuf> = LazyLock::new(|| std::env::temp_dir().join(format!("bridge-{}.toml", std::process::id())));

/// Names are looked up and files are opened by whoever checks a configuration; here neither network nor disk is to be waited for.
fn stays_here(config: &Config) -> bool {
    let is_address = |locator: &String| {
        locator.rsplit_once(':').and_then(|(host, _)| host.split_once('/')).is_some_and(|(_, host)| {
            host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok()
        })
    };
    let (mqtt, zenoh, home) = (&config.mqtt, &config.zenoh, &config.homeassistant);
    let files = [&mqtt.password_file, &mqtt.ca_file, &mqtt.client_cert_file, &mqtt.client_key_file, &mqtt.users_file];
    let others = [&zenoh.users_file, &zenoh.password_file, &home.token_file, &home.ca_file, &config.page.password_file];
    let files = files.into_iter().chain(others).chain([&config.influxdb.token_file]);
    zenoh.listen.iter().all(is_address) && files.into_iter().all(Option::is_none) && !mqtt.url.starts_with("mqtts")
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let lines = text.matches('\n').count() + 1;
    let parsed = Config::parse(text);
    if let Err((line, complaint)) = &parsed {
        assert!((1..=lines).contains(line) && !complaint.contains('\n'), "{line}: {complaint}");
    }
    fs::write(&*FILE, text).expect("a file can be written");
    let file = FILE.to_str().expect("a plain name");
    let complaint = match (environment::load(Some(&FILE), std::iter::empty()), parsed) {
        (Err(failure), Err(_)) => failure.to_string(),
        (Ok(config), Ok(_)) if stays_here(&config) => match Settings::new(config, &Cli::default()) {
            Ok(settings) => {
                assert!(settings.describe_origins().lines().count() > 20);
                return;
            }
            Err(failure) => failure.to_string(),
        },
        (Ok(_), Ok(_)) => return,
        both => panic!("{both:?}"),
    };
    assert!(!complaint.contains(['\n', '\r', '\x1b']), "{complaint:?}");
    let line = complaint.strip_prefix(file).and_then(|rest| rest.strip_prefix(':')).and_then(|rest| rest.split(':').next());
    let line: usize = line.and_then(|line| line.parse().ok()).unwrap_or_else(|| panic!("no line: {complaint}"));
    assert!((1..=lines).contains(&line), "{complaint}");
});
