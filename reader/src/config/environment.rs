//! The keys of the file as variables of the environment, as containers give them: `TELEINFO_SERIAL_DEVICE` is `device` of `[serial]`.
//!
//! With `_FILE` behind it, a variable names a file that holds the value. A variable of one of our sections must name a key of the reader or
//! of the bridge, since both may share an environment. Other `TELEINFO_` variables are not ours: orchestrators make some of their own.

use std::{ffi::OsString, fs, ptr};

use super::{
    file::{Given, KEYS, Key},
    toml::Value,
};
use crate::daemon::exit::{ExitCode, Failure};

const PREFIX: &str = "TELEINFO_";
/// What follows the name of a variable that says where the value stands.
const IN_A_FILE: &str = "_FILE";

/// What the bridge alone reads in sections that both programs have. A test holds this against `deploy/etc/bridge.toml`.
const OF_THE_BRIDGE: &[&str] =
    &["TELEINFO_ZENOH_MODE", "TELEINFO_ZENOH_LISTEN", "TELEINFO_ZENOH_SCOUTING", "TELEINFO_ZENOH_USERS_FILE", "TELEINFO_LOG_LIBRARIES"];

/// The keys that the environment gives. An empty variable gives nothing: files for containers often have such ones.
///
/// # Errors
/// An [`ExitCode::Config`] failure that names the variable: it is no key, its file cannot be read, or another one gives the same key.
pub(super) fn given(variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Vec<Given>, Failure> {
    let mut all: Vec<Given> = Vec::new();
    for (name, value) in variables.filter(|(_, value)| !value.is_empty()) {
        let Ok(variable) = name.into_string() else { continue };
        let failure = |what: String| Failure::new(ExitCode::Config, format!("{variable}: {what}"));
        let Some((key, in_a_file)) = key_of(&variable).map_err(&failure)? else { continue };
        if let Some(other) = all.iter().find(|other| ptr::eq(other.key, key)) {
            return Err(failure(format!("{} gives the same key; remove one of them", other.variable)));
        }
        let text = value.into_string().map_err(|_| failure("the value is not UTF-8".into()))?;
        let text = if in_a_file { contents(&text).map_err(&failure)? } else { text };
        all.push(Given { key, value: Value::Bare(text), variable });
    }
    Ok(all)
}

/// The key of a variable, and whether its value stands in a file. None: the variable is not the reader's.
fn key_of(variable: &str) -> Result<Option<(&'static Key, bool)>, String> {
    let find = |name: &str| KEYS.iter().find(|key| variable_of(key.section, key.name) == name);
    if let Some(key) = find(variable) {
        return Ok(Some((key, false)));
    }
    if let Some(key) = variable.strip_suffix(IN_A_FILE).and_then(find) {
        return Ok(Some((key, true)));
    }
    let is_of = |section: &str| !section.is_empty() && variable.starts_with(&variable_of(section, ""));
    let all: Vec<_> = KEYS.iter().filter(|key| is_of(key.section)).map(|key| variable_of(key.section, key.name)).collect();
    let is_of_the_bridge =
        OF_THE_BRIDGE.iter().any(|name| variable.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest == IN_A_FILE));
    match all.is_empty() || is_of_the_bridge {
        true => Ok(None),
        false => Err(format!("there is no such variable; expected one of {}", all.join(", "))),
    }
}

/// `TELEINFO_LED_FULL_POWER` for `full-power` of `[led]`.
fn variable_of(section: &str, key: &str) -> String {
    let point = if section.is_empty() { "" } else { "_" };
    format!("{PREFIX}{section}{point}{key}").to_ascii_uppercase().replace('-', "_")
}

fn contents(path: &str) -> Result<String, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"))?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::file::Config;

    const BRIDGE: &str = include_str!("../../../deploy/etc/bridge.toml");

    fn of(variables: &[(&str, &str)]) -> Result<Vec<Given>, Failure> {
        given(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    fn config(variable: &str, value: &str) -> Result<Config, Failure> {
        let mut config = Config::default();
        of(&[(variable, value)])?.into_iter().try_for_each(|given| config.take(given))?;
        config.origins = Default::default();
        Ok(config)
    }

    #[test]
    fn every_key_can_be_given_by_its_variable_and_by_a_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("value");
        for key in KEYS {
            let variable = variable_of(key.section, key.name);
            let values = ["historic", "power", "software", "debug", "53", "40000", "tcp/a:1,tcp/b:2", "fr", "code"];
            let taken = values.iter().find(|value| config(&variable, value).is_ok_and(|config| config != Config::default()));
            let value = taken.unwrap_or_else(|| panic!("{variable} gives nothing"));
            fs::write(&path, format!("{value}\n")).unwrap();
            let from_file = config(&format!("{variable}_FILE"), path.to_str().unwrap());
            assert_eq!(from_file, config(&variable, value), "{variable}");
        }
        assert_eq!(variable_of("led", "full-power"), "TELEINFO_LED_FULL_POWER");
        assert_eq!(variable_of("", "name"), "TELEINFO_NAME");
    }

    #[test]
    fn a_list_is_written_with_commas_or_as_toml() {
        let lists = ["tcp/a:1,tcp/b:2", " tcp/a:1 , tcp/b:2, ", "[\"tcp/a:1\", 'tcp/b:2']"];
        let [commas, spaces, toml] = lists.map(|list| config("TELEINFO_ZENOH_CONNECT", list).unwrap().connect);
        assert_eq!((commas.len(), &commas, &commas), (2, &spaces, &toml));
        assert!(config("TELEINFO_ZENOH_CONNECT", "[\"tcp/a:1\"").is_err());
    }

    #[test]
    fn what_is_wrong_names_the_variable() {
        for (variables, expected) in [
            (
                &[("TELEINFO_SERIAL_DEVCIE", "x")][..],
                "TELEINFO_SERIAL_DEVCIE: there is no such variable; expected one of TELEINFO_SERIAL_DEVICE, TELEINFO_SERIAL_MODE",
            ),
            (&[("TELEINFO_ZENOH_PASSWORD", "x")], "TELEINFO_ZENOH_PASSWORD: there is no such variable; expected one of"),
            (&[("TELEINFO_NAME_FILE", "/none")], "TELEINFO_NAME_FILE: /none cannot be read: "),
            (&[("TELEINFO_NAME", "a"), ("TELEINFO_NAME_FILE", "/none")], "TELEINFO_NAME_FILE: TELEINFO_NAME gives the same key"),
        ] {
            let failure = of(variables).err().unwrap();
            assert_eq!(failure.code, ExitCode::Config);
            assert!(failure.message.starts_with(expected), "{failure}");
        }
    }

    #[test]
    fn what_is_not_the_readers_is_left_alone() {
        for name in ["TELEINFO_MQTT_URL", "TELEINFO_BIN", "TELEINFO_BRIDGE_PORT_1883_TCP", "HOME", "SERIAL_DEVICE"] {
            assert!(of(&[(name, "x")]).unwrap().is_empty(), "{name}");
        }
        assert!(of(&[("TELEINFO_LED_GPIO", "")]).unwrap().is_empty(), "an empty variable gives nothing");
    }

    #[test]
    fn no_key_of_the_bridge_is_a_mistake() {
        let shown: String = BRIDGE.lines().map(|line| format!("{}\n", line.strip_prefix("#: ").unwrap_or(line))).collect();
        let bridge: toml::Table = toml::from_str(&shown).unwrap();
        let tables = bridge.iter().filter_map(|(section, value)| Some((section, value.as_table()?)));
        let names: Vec<_> = tables.flat_map(|(section, keys)| keys.keys().map(move |key| variable_of(section, key))).collect();
        assert!(names.contains(&"TELEINFO_MQTT_URL".into()) && names.len() > 20, "{names:?}");
        for name in &names {
            assert!(key_of(name).is_ok() && key_of(&format!("{name}_FILE")).is_ok(), "{name}");
        }
        for name in OF_THE_BRIDGE {
            assert!(names.iter().any(|known| known == name), "{name} is no key of the bridge");
        }
    }
}
