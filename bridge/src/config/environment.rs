//! The keys of the file as variables of the environment, as containers give them: `TELEINFO_MQTT_URL` is `url` of `[mqtt]`, and
//! `TELEINFO_METER_021861000001_NAME` is `name` of that meter.
//!
//! With `_FILE` behind it, a variable names a file that holds the value. A variable of one of our tables must name a key, and every key that
//! the reader has in these tables is one of ours too. Other `TELEINFO_` variables are not ours: orchestrators make some of their own.

use std::{ffi::OsString, path::Path};

use toml::{Table, Value};

use super::{
    file::{Config, Written},
    keys,
    origins::{self, METER, Origin},
};
use crate::daemon::{credentials, exit::Failure};

const PREFIX: &str = "TELEINFO_";
/// What follows the name of a variable that says where the value stands.
const IN_A_FILE: &str = "_FILE";

/// The file, and what the environment says over it.
///
/// # Errors
/// A mistake in the file names file, line and key; one in the environment names the variable.
pub fn load(path: Option<&Path>, variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Config, Failure> {
    let Written { mut table, mut origins } = Written::read(path)?;
    let mut given: Vec<(String, Place)> = Vec::new();
    for (name, value) in variables.filter(|(_, value)| !value.is_empty()) {
        let Ok(variable) = name.into_string() else { continue };
        let failure = |what: String| Failure::config(format!("{variable}: {what}"));
        let Some((place, in_a_file)) = place_of(&variable).map_err(&failure)? else { continue };
        if let Some((other, _)) = given.iter().find(|(_, other)| *other == place) {
            return Err(failure(format!("{other} gives the same key; remove one of them")));
        }
        let text = value.into_string().map_err(|_| failure("the value is not UTF-8".into()))?;
        let text = if in_a_file { contents(&text).map_err(|problem| problem.of(&variable))? } else { text };
        place.put(&mut table, place.value(&text).map_err(&failure)?);
        origins.add(place.dotted(), Origin::Variable(variable.clone()));
        given.push((variable, place));
    }
    let config: Config = table.try_into().map_err(|error| Failure::config(one_line(&error)))?;
    Ok(Config { origins, ..config })
}

/// Where a key stands: `["mqtt", "url"]`, `["language"]` or `["meter", "021861000001", "name"]`.
#[derive(Debug, PartialEq, Eq)]
struct Place(Vec<String>);

impl Place {
    fn new(parts: &[&str]) -> Self {
        Self(parts.iter().filter(|part| !part.is_empty()).map(ToString::to_string).collect())
    }

    fn dotted(&self) -> String {
        self.0.iter().fold(String::new(), |before, part| origins::dotted(&before, part))
    }

    /// Puts a value there, and makes the tables on the way.
    fn put(&self, table: &mut Table, value: Value) {
        let Some((name, tables)) = self.0.split_last() else { return };
        let mut table = table;
        for part in tables {
            let inner = table.entry(part.clone()).or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(inner) = inner else { return };
            table = inner;
        }
        table.insert(name.clone(), value);
    }

    /// What the text means here: the first of its readings that this key takes.
    fn value(&self, text: &str) -> Result<Value, String> {
        let mut refusal = None;
        for value in readings(text) {
            match self.takes(&value) {
                Ok(()) => return Ok(value),
                Err(what) => refusal = refusal.or(Some(what)),
            }
        }
        Err(refusal.unwrap_or_default())
    }

    fn takes(&self, value: &Value) -> Result<(), String> {
        let mut alone = Table::new();
        self.put(&mut alone, value.clone());
        alone.try_into::<Config>().map(|_| ()).map_err(|error| one_line(&error))
    }
}

/// The text as it stands; as a number, a truth value or a list that TOML knows; as a list with commas.
fn readings(text: &str) -> Vec<Value> {
    let toml = toml::from_str::<Table>(&format!("value = {text}")).ok().and_then(|mut table| table.remove("value"));
    let commas = text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(|part| Value::String(part.into())).collect();
    let as_it_stands = Value::String(text.into());
    [as_it_stands].into_iter().chain(toml.filter(|value| !value.is_str())).chain([Value::Array(commas)]).collect()
}

/// The place of a variable, and whether its value stands in a file. None: the variable is not the bridge's.
fn place_of(variable: &str) -> Result<Option<(Place, bool)>, String> {
    if let Some(place) = find(variable) {
        return Ok(Some((place, false)));
    }
    if let Some(place) = variable.strip_suffix(IN_A_FILE).and_then(find) {
        return Ok(Some((place, true)));
    }
    let mut expected: Vec<_> = keys::all()
        .filter(|(table, _)| !table.is_empty() && variable.starts_with(&variable_of(&[table, ""])))
        .map(|(table, name)| variable_of(&[table, name]))
        .collect();
    if variable.starts_with(&variable_of(&[METER, ""])) {
        expected.extend(keys::of_meters().iter().map(|name| variable_of(&[METER, "<12 digits>", name])));
    }
    match expected.is_empty() {
        true => Ok(None),
        false => Err(format!("there is no such variable; expected one of {}", expected.join(", "))),
    }
}

fn find(variable: &str) -> Option<Place> {
    let known = keys::all().find(|(table, name)| variable_of(&[table, name]) == variable);
    known.map(|(table, name)| Place::new(&[table, name])).or_else(|| {
        let (meter, _) = variable.strip_prefix(&variable_of(&[METER, ""]))?.split_once('_')?;
        let name = keys::of_meters().iter().find(|name| variable_of(&[METER, meter, name]) == variable)?;
        Some(Place::new(&[METER, meter, name]))
    })
}

/// `TELEINFO_MQTT_BASE_TOPIC` for `base-topic` of `[mqtt]`.
pub(super) fn variable_of(parts: &[&str]) -> String {
    let from = usize::from(parts.first().is_some_and(|table| table.is_empty()));
    format!("{PREFIX}{}", parts[from..].join("_").to_ascii_uppercase().replace('-', "_"))
}

fn contents(path: &str) -> Result<String, Failure> {
    Ok(credentials::read_file(Path::new(path))?.trim_end_matches(['\r', '\n']).to_owned())
}

fn one_line(error: &toml::de::Error) -> String {
    error.message().trim().replace('\n', ", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::exit::ExitCode;

    const READER: &str = include_str!("../../../deploy/etc/reader.toml");

    fn over(file: &str, variables: &[(&str, &str)]) -> Result<Config, Failure> {
        let written = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(written.path(), file).unwrap();
        load(Some(written.path()), variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    fn plain(config: Config) -> Config {
        Config { origins: Default::default(), ..config }
    }

    #[test]
    fn every_key_can_be_given_by_its_variable_and_by_a_file() {
        let value = tempfile::NamedTempFile::new().unwrap();
        let path = value.path().to_str().unwrap();
        let of_meter = keys::of_meters().iter().map(|name| variable_of(&[METER, "021861000001", name]));
        for variable in keys::all().map(|(table, name)| variable_of(&[table, name])).chain(of_meter) {
            let values = [
                "fr",
                "client",
                "code",
                "false",
                "true",
                "tcp/[::1]:9,tcp/a:1",
                "mqtts://b",
                "7",
                "teleinfo2mqtt",
                "debug",
                "/tmp/x",
                "{ 2026-08-01 = {} }",
            ];
            let given = |text: &str| over("", &[(&variable, text)]).map(plain);
            let text = values.into_iter().find(|text| given(text).is_ok_and(|config| config != Config::default()));
            let text = text.unwrap_or_else(|| panic!("{variable} gives nothing"));
            std::fs::write(value.path(), format!("{text}\n")).unwrap();
            assert_eq!(over("", &[(&format!("{variable}_FILE"), path)]).map(plain), given(text), "{variable}");
        }
    }

    #[test]
    fn the_environment_wins_over_the_file_and_leaves_the_rest() {
        let file = "language = \"fr\"\n[mqtt]\nurl = \"mqtt://a\"\nbase-topic = \"house\"\n[zenoh]\nscouting = true\n";
        let variables = [
            ("TELEINFO_MQTT_URL", "mqtt://b"),
            ("TELEINFO_ZENOH_SCOUTING", "false"),
            ("TELEINFO_MQTT_PUBLISH", "10"),
            ("TELEINFO_METER_021861000001_NAME", "42"),
        ];
        let config = over(file, &variables).unwrap();
        let expected = "language = \"fr\"\n[mqtt]\nurl = \"mqtt://b\"\nbase-topic = \"house\"\npublish = 10\n[zenoh]\nscouting = false\n\
                        [meter.021861000001]\nname = \"42\"\n";
        assert_eq!(plain(config.clone()), Config::parse(expected).unwrap());
        let told = config.origins.describe(keys::all().map(|(table, name)| origins::dotted(table, name)));
        for end in [
            ":1\n",
            ":4\n",
            "mqtt.url: TELEINFO_MQTT_URL\n",
            "log.level: default\n",
            "meter.\"021861000001\".name: TELEINFO_METER_021861000001_NAME\n",
        ] {
            assert!(told.contains(end), "{told} lacks {end}");
        }
    }

    #[test]
    fn a_list_is_written_with_commas_or_as_toml() {
        let lists = ["tcp/a:1,tcp/b:2", " tcp/a:1 , tcp/b:2, ", "[\"tcp/a:1\", 'tcp/b:2']"];
        for list in lists {
            assert_eq!(over("", &[("TELEINFO_ZENOH_LISTEN", list)]).unwrap().zenoh.listen, ["tcp/a:1", "tcp/b:2"], "{list}");
        }
    }

    #[test]
    fn what_is_wrong_names_the_variable() {
        for (variables, expected) in [
            (&[("TELEINFO_MQTT_URLL", "x")][..], "TELEINFO_MQTT_URLL: there is no such variable; expected one of TELEINFO_MQTT_URL, "),
            (&[("TELEINFO_MQTT_PASSWORD", "x")], "TELEINFO_MQTT_PASSWORD: there is no such variable"),
            (&[("TELEINFO_METER_021861000001_NAMES", "x")], "TELEINFO_METER_021861000001_NAMES: there is no such variable"),
            (&[("TELEINFO_ZENOH_MODE", "peer")], "TELEINFO_ZENOH_MODE: unknown variant `peer`, expected `router` or `client`"),
            (&[("TELEINFO_ZENOH_SCOUTING", "yes")], "TELEINFO_ZENOH_SCOUTING: invalid type"),
            (&[("TELEINFO_MQTT_URL_FILE", "/none")], "TELEINFO_MQTT_URL_FILE: cannot read /none"),
            (
                &[("TELEINFO_MQTT_URL", "a"), ("TELEINFO_MQTT_URL_FILE", "/none")],
                "TELEINFO_MQTT_URL_FILE: TELEINFO_MQTT_URL gives the same key",
            ),
        ] {
            let failure = over("", variables).unwrap_err();
            assert_eq!(failure.code(), ExitCode::Config);
            assert!(failure.to_string().starts_with(expected), "{failure}");
        }
    }

    #[test]
    fn what_is_not_the_bridges_is_left_alone() {
        let others = ["TELEINFO_SERIAL_DEVICE", "TELEINFO_NAME", "TELEINFO_BIN", "TELEINFO_BRIDGE_PORT_1883_TCP", "HOME"];
        for name in others {
            assert_eq!(over("", &[(name, "x")]), Ok(Config::default()), "{name}");
        }
        assert_eq!(over("", &[("TELEINFO_MQTT_URL", "")]), Ok(Config::default()), "an empty variable gives nothing");
    }

    #[test]
    fn no_key_of_the_reader_is_a_mistake() {
        let shown: String = READER.lines().map(|line| format!("{}\n", uncommented(line))).collect();
        let reader: Table = toml::from_str(&shown).unwrap();
        let tables: Vec<_> = reader.iter().filter_map(|(table, value)| Some((table, value.as_table()?))).collect();
        let names: Vec<_> = tables.iter().flat_map(|(table, keys)| keys.keys().map(|key| variable_of(&[table, key]))).collect();
        assert!(names.len() > 10, "{names:?}");
        for name in names {
            assert!(place_of(&name).is_ok() && place_of(&format!("{name}_FILE")).is_ok(), "{name}");
        }
    }

    /// `#key = value` is a key without a fixed default, `# words` is prose.
    fn uncommented(line: &str) -> &str {
        line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line)
    }
}
