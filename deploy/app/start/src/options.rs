//! What the owner chose on the app's page: `options.json`, which the Supervisor has checked against `config.yaml`.

use std::{fmt::Display, fs, io, path::Path};

use serde::Deserialize;

/// The address of a broker of the owner's own.
const BROKER: &str = "TELEINFO_MQTT_URL";

/// One variable of the environment, which says any key of `reader.toml` or `bridge.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl Variable {
    /// Whether it can be one of a process (environ(7)).
    fn can_be(&self) -> bool {
        !(self.name.is_empty() || self.name.contains(['=', '\0']) || self.value.contains('\0'))
    }
}

/// All options. What is not there has its default.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Options {
    /// `auto`, `fr` or `en`.
    pub(crate) language: String,
    /// Whether a meter is read on this machine.
    pub(crate) meter_here: bool,
    /// The adapter, chosen from those that Home Assistant sees.
    pub(crate) device: Option<String>,
    /// A serial port at the far end of a network, instead of an adapter.
    pub(crate) address: Option<String>,
    /// For everything else.
    pub(crate) variables: Vec<Variable>,
}

impl Default for Options {
    fn default() -> Self {
        Self { language: "auto".into(), meter_here: true, device: None, address: None, variables: Vec::new() }
    }
}

impl Options {
    pub(crate) fn read(file: &Path) -> io::Result<Self> {
        let wrong = |error: &dyn Display| io::Error::other(format!("{}: {error}", file.display()));
        let text = fs::read_to_string(file).map_err(|error| wrong(&error))?;
        Self::parse(&text).map_err(|error| wrong(&error))
    }

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let options: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        match options.variables.iter().find(|variable| !variable.can_be()) {
            Some(variable) => Err(format!("no program can be told a variable {:?} with this value", variable.name)),
            None => Ok(options),
        }
    }

    /// Where the meter is read, if it is here: an address, a chosen device, an adapter that says what it is, or what the reader looks for itself.
    pub(crate) fn device(&self, find: impl FnOnce() -> Option<String>) -> Option<String> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        self.meter_here.then(|| given(&self.address).or_else(|| given(&self.device)).or_else(find).unwrap_or_else(|| "auto".into()))
    }

    /// Whether the owner has a broker that the Supervisor does not know.
    pub(crate) fn names_a_broker(&self) -> bool {
        self.variables.iter().any(|variable| variable.name == BROKER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> io::Result<Options> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(file.path(), text)?;
        Options::read(file.path())
    }

    #[test]
    fn what_is_not_chosen_has_its_default() {
        assert_eq!(read("{}").unwrap(), Options::default());
        let options = read(r#"{"language": "en", "variables": [{"name": "TELEINFO_MQTT_URL", "value": "mqtt://a"}]}"#).unwrap();
        assert_eq!((options.language.as_str(), options.meter_here, options.names_a_broker()), ("en", true, true));
    }

    #[test]
    fn the_app_has_the_version_of_its_programs() {
        let config = include_str!("../../teleinfo/config.yaml");
        assert!(config.contains(&format!("\nversion: \"{}\"\n", env!("CARGO_PKG_VERSION"))));
    }

    #[test]
    fn what_is_wrong_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        for path in [directory.path().join("none"), directory.path().to_owned()] {
            assert!(Options::read(&path).unwrap_err().to_string().starts_with(path.to_str().unwrap()));
        }
    }

    #[test]
    fn a_variable_is_one_that_a_program_can_be_told() {
        for (name, value) in [("", "x"), ("A=B", "x"), ("A\\u0000", "x"), ("A", "\\u0000")] {
            let text = format!(r#"{{"variables": [{{"name": "{name}", "value": "{value}"}}]}}"#);
            assert!(read(&text).unwrap_err().to_string().contains("no program can be told a variable"), "{text}");
        }
        assert_eq!(read(r#"{"variables": [{"name": "A", "value": "=\n"}]}"#).unwrap().variables.len(), 1);
    }

    #[test]
    fn the_nearest_to_the_owner_counts() {
        let device = |text: &str| read(text).unwrap().device(|| Some("/found".into()));
        assert_eq!(device("{}").as_deref(), Some("/found"));
        assert_eq!(device(r#"{"device": "/dev/ttyUSB0"}"#).as_deref(), Some("/dev/ttyUSB0"));
        assert_eq!(device(r#"{"device": "/dev/ttyUSB0", "address": "tcp://esp:23"}"#).as_deref(), Some("tcp://esp:23"));
        assert_eq!(device(r#"{"meter_here": false, "device": "/dev/ttyUSB0"}"#), None);
        assert_eq!(Options::default().device(|| None).as_deref(), Some("auto"));
    }
}
