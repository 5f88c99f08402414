//! What is known, as the configuration of reader and bridge: variables of the environment, one for each key. Pure.
//!
//! The owner's own variables come last, and win.

use std::path::{Path, PathBuf};

use teleinfo_people::language::Language;

use crate::{options::Variable, supervisor::Broker};

/// Files below the folder of secrets.
pub(crate) const PASSWORD: &str = "mqtt-password";
pub(crate) const TOKEN: &str = "homeassistant-token";

/// Folders below that of the state.
pub(crate) const BRIDGE: &str = "bridge";
pub(crate) const READER: &str = "reader";

/// Home Assistant as an app reaches it.
const HOME_ASSISTANT: &str = "http://supervisor/core";
const HOME_ASSISTANT_URL: &str = "TELEINFO_HOMEASSISTANT_URL";
/// The bridge as the reader beside it reaches it.
const LISTENER: &str = "tcp/127.0.0.1:7447";
/// This machine inside Docker, as the Supervisor knows it: nobody else on the network reaches it. `watchdog` of `config.yaml` has the port too.
const PAGE: &str = "172.30.32.1:7448";
/// The Supervisor: whoever comes by it to the page is somebody whom Home Assistant knows, and asks under whatever name Home Assistant has.
const SUPERVISOR: &str = "172.30.32.2";
/// The name of the reader in this app.
const NAME: &str = "home-assistant";

/// Everything that is known.
pub(crate) struct Given {
    pub(crate) language: Language,
    /// Where the meter is read; none: readers elsewhere do that.
    pub(crate) device: Option<String>,
    /// None: one of the owner's own variables names it.
    pub(crate) broker: Option<Broker>,
    pub(crate) variables: Vec<Variable>,
}

/// Where files are.
pub(crate) struct Folders {
    /// What outlives the app.
    pub(crate) state: PathBuf,
    pub(crate) secrets: PathBuf,
}

type Variables = Vec<(String, String)>;

/// All that the bridge is told.
pub(crate) fn of_bridge(given: &Given, folders: &Folders) -> Variables {
    let mut all = Vec::new();
    if let Some(broker) = &given.broker {
        add(&mut all, "TELEINFO_MQTT_URL", broker.address());
        if !broker.username.is_empty() {
            add(&mut all, "TELEINFO_MQTT_USER", broker.username.as_str());
        }
        if broker.has_password() {
            add(&mut all, "TELEINFO_MQTT_PASSWORD_FILE", path(&folders.secrets, PASSWORD));
        }
    }
    if !given.variables.iter().any(|variable| variable.name == HOME_ASSISTANT_URL) {
        add(&mut all, HOME_ASSISTANT_URL, HOME_ASSISTANT);
        // It does not leave this machine.
        add(&mut all, "TELEINFO_HOMEASSISTANT_PLAIN_TOKEN", "true");
    }
    add(&mut all, "TELEINFO_HOMEASSISTANT_TOKEN_FILE", path(&folders.secrets, TOKEN));
    add(&mut all, "TELEINFO_PAGE_LISTEN", PAGE);
    add(&mut all, "TELEINFO_PAGE_PROXIES", SUPERVISOR);
    finished(all, given, path(&folders.state, BRIDGE))
}

/// All that the reader is told, if there is one to run.
pub(crate) fn of_reader(given: &Given, folders: &Folders) -> Option<Variables> {
    let device = given.device.as_ref()?;
    let mut all = Vec::new();
    add(&mut all, "TELEINFO_NAME", NAME);
    add(&mut all, "TELEINFO_SERIAL_DEVICE", device.as_str());
    add(&mut all, "TELEINFO_ZENOH_CONNECT", LISTENER);
    // An app cannot write what the light needs.
    add(&mut all, "TELEINFO_LED_MODE", "off");
    Some(finished(all, given, path(&folders.state, READER)))
}

fn finished(mut all: Variables, given: &Given, state: String) -> Variables {
    add(&mut all, "TELEINFO_LANGUAGE", given.language.choose("en", "fr"));
    add(&mut all, "STATE_DIRECTORY", state);
    all.extend(given.variables.iter().map(|variable| (variable.name.clone(), variable.value.clone())));
    all
}

fn add(all: &mut Variables, name: &str, value: impl Into<String>) {
    all.push((name.into(), value.into()));
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given() -> Given {
        let broker = serde_json::from_str(r#"{"host": "b", "port": 1883, "username": "u", "password": "p"}"#).unwrap();
        Given { language: Language::French, device: Some("/dev/ttyUSB0".into()), broker: Some(broker), variables: Vec::new() }
    }

    fn folders() -> Folders {
        Folders { state: "/data".into(), secrets: "/run/x".into() }
    }

    fn value<'a>(all: &'a Variables, name: &str) -> Option<&'a str> {
        all.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn nothing_is_left_to_type() {
        let bridge = of_bridge(&given(), &folders());
        assert_eq!((value(&bridge, "TELEINFO_MQTT_URL"), value(&bridge, "TELEINFO_MQTT_USER")), (Some("mqtt://b:1883"), Some("u")));
        assert_eq!(value(&bridge, "TELEINFO_MQTT_PASSWORD_FILE"), Some("/run/x/mqtt-password"));
        assert_eq!(value(&bridge, "TELEINFO_HOMEASSISTANT_TOKEN_FILE"), Some("/run/x/homeassistant-token"));
        assert_eq!(value(&bridge, "STATE_DIRECTORY"), Some("/data/bridge"));
        assert_eq!(value(&bridge, "TELEINFO_HOMEASSISTANT_PLAIN_TOKEN"), Some("true"));
        let reader = of_reader(&given(), &folders()).unwrap();
        assert_eq!(value(&reader, "TELEINFO_SERIAL_DEVICE"), Some("/dev/ttyUSB0"));
        assert_eq!((value(&reader, "TELEINFO_LANGUAGE"), value(&bridge, "TELEINFO_LANGUAGE")), (Some("fr"), Some("fr")));
    }

    #[test]
    fn the_supervisor_asks_where_the_bridge_answers() {
        let config = include_str!("../../teleinfo/config.yaml");
        let (_, port) = PAGE.split_once(':').unwrap();
        assert!(config.contains(&format!("watchdog: http://[HOST]:[PORT:{port}]/metrics\n")));
        assert!(config.contains(&format!("ingress: true\ningress_port: {port}\n")));
    }

    #[test]
    fn no_secret_stands_in_a_variable() {
        let all = [of_bridge(&given(), &folders()), of_reader(&given(), &folders()).unwrap()].concat();
        assert!(all.iter().all(|(_, value)| value != "p"), "{all:?}");
    }

    #[test]
    fn without_a_meter_here_no_reader_runs() {
        assert_eq!(of_reader(&Given { device: None, ..given() }, &folders()), None);
    }

    #[test]
    fn the_owners_variables_win_and_may_name_a_broker() {
        let own = Variable { name: "TELEINFO_MQTT_URL".into(), value: "mqtt://mine".into() };
        for broker in [None, given().broker] {
            let bridge = of_bridge(&Given { variables: vec![own.clone()], broker: broker.clone(), ..given() }, &folders());
            assert_eq!(value(&bridge, "TELEINFO_MQTT_URL"), Some("mqtt://mine"));
            assert_eq!(value(&bridge, "TELEINFO_MQTT_PASSWORD_FILE").is_some(), broker.is_some());
        }
    }
}
