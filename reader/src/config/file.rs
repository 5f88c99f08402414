//! The configuration file, as written: TOML, every key optional, unknown keys refused. What it means is `mod.rs`'s task.
//!
//! `deploy/etc/reader.toml` lists every key with its default; a test compares.

use std::path::{Path, PathBuf};

use log::LevelFilter;

use crate::{
    config::toml::{self, Entry, Value},
    daemon::exit::{Code, Failure},
    reading::ParityChoice,
};

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// This reader's name in `tic/v1/reader/<name>/status`; none = the host's name.
    pub name: Option<String>,
    /// `[serial]`
    pub serial: Serial,
    /// `[zenoh]`
    pub zenoh: Zenoh,
    /// `[history]`
    pub history: History,
    /// `[led]`
    pub led: Led,
    /// `[log]`
    pub log: Log,
}

/// `[serial]`: the meter's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Serial {
    /// A path, or `auto`.
    pub device: PathBuf,
    /// The meter's mode, that is the line's speed.
    pub mode: ModeChoice,
    /// Who checks parity.
    pub parity: ParityChoice,
}

/// `[serial] mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModeChoice {
    /// Found by trying.
    Auto,
    /// 1200 baud.
    Historic,
    /// 9600 baud.
    Standard,
}

/// `[zenoh]`: the way to the bridge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zenoh {
    /// Locators, of which the first that answers is taken; empty = look for a bridge on the local network.
    pub connect: Vec<String>,
    /// User name, if the bridge asks for one.
    pub user: Option<String>,
    /// File with the password.
    pub password_file: Option<PathBuf>,
}

/// `[history]`: samples kept for a bridge that was away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Bytes of memory.
    pub size: usize,
    /// Where to keep them across a restart; none = `$STATE_DIRECTORY`, else memory only.
    pub directory: Option<PathBuf>,
}

/// `[led]`: the light on a PiTInfo shield.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Led {
    /// What it shows.
    pub mode: LedChoice,
    /// GPIO number, as the Raspberry Pi counts them.
    pub gpio: u32,
    /// VA at which `power` blinks fastest.
    pub full_power: u32,
}

/// `[led] mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedChoice {
    /// `delivered` where there are GPIOs, else `off`.
    Auto,
    /// A short flash for each sample that has left for the bridge.
    Delivered,
    /// Faster with more power drawn.
    Power,
    /// Dark.
    Off,
}

/// `[log]`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least important level that is written.
    pub level: LevelFilter,
}

impl Default for Serial {
    fn default() -> Self {
        Self { device: "auto".into(), mode: ModeChoice::Auto, parity: ParityChoice::Auto }
    }
}

impl Default for History {
    fn default() -> Self {
        Self { size: 262_144, directory: None }
    }
}

impl Default for Led {
    fn default() -> Self {
        Self { mode: LedChoice::Auto, gpio: 4, full_power: 6000 }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: LevelFilter::Info }
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// A [`Code::Config`] failure that names file, line and key.
    pub fn read(path: &Path) -> Result<(Self, String), Failure> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Failure::new(Code::Config, format!("{}: the configuration cannot be read: {error}", path.display())))?;
        let config = Self::parse(&text).map_err(|message| Failure::new(Code::Config, format!("{}, {message}", path.display())))?;
        Ok((config, text))
    }

    /// Understands a file's text.
    ///
    /// # Errors
    /// One line: where, which key, what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut config, file) = (Self::default(), toml::parse(text)?);
        if let Some((section, line)) = file.sections.iter().find(|(name, _)| KEYS.iter().all(|(known, _)| known != name)) {
            return Err(format!("line {line}: {}", unknown(section)));
        }
        for entry in file.entries {
            config.set(&entry).map_err(|what| format!("line {}, key \"{}\": {what}", entry.line, entry.key))?;
        }
        Ok(config)
    }

    fn set(&mut self, entry: &Entry) -> Result<(), String> {
        let value = &entry.value;
        match (entry.section.as_str(), entry.key.as_str()) {
            ("", "name") => self.name = Some(text(value)?),
            ("serial", "device") => self.serial.device = text(value)?.into(),
            ("serial", "mode") => self.serial.mode = choice(value, MODES)?,
            ("serial", "parity") => self.serial.parity = choice(value, PARITIES)?,
            ("zenoh", "connect") => self.zenoh.connect = texts(value)?,
            ("zenoh", "user") => self.zenoh.user = Some(text(value)?),
            ("zenoh", "password-file") => self.zenoh.password_file = Some(text(value)?.into()),
            ("history", "size") => self.history.size = number(value)?,
            ("history", "directory") => self.history.directory = Some(text(value)?.into()),
            ("led", "mode") => self.led.mode = choice(value, LEDS)?,
            ("led", "gpio") => self.led.gpio = number(value)?,
            ("led", "full-power") => self.led.full_power = number(value)?,
            ("log", "level") => self.log.level = choice(value, LEVELS)?,
            (section, _) => return Err(unknown(section)),
        }
        Ok(())
    }
}

/// Every key, by section.
pub(crate) const KEYS: &[(&str, &[&str])] = &[
    ("", &["name"]),
    ("serial", &["device", "mode", "parity"]),
    ("zenoh", &["connect", "user", "password-file"]),
    ("history", &["size", "directory"]),
    ("led", &["mode", "gpio", "full-power"]),
    ("log", &["level"]),
];

const MODES: &[(&str, ModeChoice)] = &[("auto", ModeChoice::Auto), ("historic", ModeChoice::Historic), ("standard", ModeChoice::Standard)];
const PARITIES: &[(&str, ParityChoice)] =
    &[("auto", ParityChoice::Auto), ("hardware", ParityChoice::Hardware), ("software", ParityChoice::Software)];
const LEDS: &[(&str, LedChoice)] =
    &[("auto", LedChoice::Auto), ("delivered", LedChoice::Delivered), ("power", LedChoice::Power), ("off", LedChoice::Off)];
const LEVELS: &[(&str, LevelFilter)] = &[
    ("error", LevelFilter::Error),
    ("warn", LevelFilter::Warn),
    ("info", LevelFilter::Info),
    ("debug", LevelFilter::Debug),
    ("trace", LevelFilter::Trace),
];

fn unknown(section: &str) -> String {
    match KEYS.iter().find(|(name, _)| *name == section) {
        Some((_, keys)) => format!("there is no such key; expected one of {}", keys.join(", ")),
        None => {
            let sections: Vec<_> = KEYS.iter().map(|(name, _)| *name).filter(|name| !name.is_empty()).collect();
            format!("there is no section [{section}]; expected one of {}", sections.join(", "))
        }
    }
}

fn text(value: &Value) -> Result<String, String> {
    if let Value::Text(text) = value { Ok(text.clone()) } else { Err("expected a text in quotes".into()) }
}

fn texts(value: &Value) -> Result<Vec<String>, String> {
    if let Value::Texts(texts) = value { Ok(texts.clone()) } else { Err("expected a list of texts, like [\"a\", \"b\"]".into()) }
}

fn number<T: TryFrom<i64>>(value: &Value) -> Result<T, String> {
    let Value::Number(number) = value else { return Err("expected a whole number".into()) };
    T::try_from(*number).map_err(|_| format!("{number} is out of range"))
}

fn choice<T: Copy>(value: &Value, choices: &[(&str, T)]) -> Result<T, String> {
    let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
    let chosen = text(value).ok().and_then(|text| choices.iter().find(|(name, _)| *name == text));
    chosen.map(|(_, choice)| *choice).ok_or_else(|| format!("expected one of {}", names.join(", ")))
}

/// The line on which `key` of `section` ("" = before any section) stands, from 1.
pub(crate) fn line_of(text: &str, section: &str, key: &str) -> Option<usize> {
    let mut here = "";
    text.lines()
        .position(|line| {
            let line = line.trim();
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
                here = name.trim();
            }
            here == section && line.split_once('=').is_some_and(|(name, _)| name.trim() == key)
        })
        .map(|index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_name_line_and_key() {
        for (text, expected) in [
            ("\n[serial]\ndevcie = \"x\"\n", "line 3, key \"devcie\": there is no such key; expected one of device, mode, parity"),
            ("[serial]\nmode = \"standart\"", "line 2, key \"mode\": expected one of auto, historic, standard"),
            ("[led]\ngpio = \"four\"", "line 2, key \"gpio\": expected a whole number"),
            ("[led]\ngpio = -1", "line 2, key \"gpio\": -1 is out of range"),
            ("[zenoh]\nconnect = \"tcp/a:1\"", "line 2, key \"connect\": expected a list of texts, like [\"a\", \"b\"]"),
            ("name = 1", "line 1, key \"name\": expected a text in quotes"),
            ("[serail]\nmode = \"auto\"", "line 1: there is no section [serail]; expected one of serial, zenoh, history, led, log"),
        ] {
            assert_eq!(Config::parse(text).unwrap_err(), expected);
        }
        assert!(Config::parse("[serial\n").unwrap_err().starts_with("line 1: "));
    }

    #[test]
    fn the_table_of_keys_is_complete_and_true() {
        for (section, keys) in KEYS {
            for key in *keys {
                let text = format!("[{section}]\n{key} = 1").trim_start_matches("[]\n").to_owned();
                let message = Config::parse(&text).err().unwrap_or_default();
                assert!(!message.contains("there is no"), "{message}");
            }
        }
    }

    #[test]
    fn an_empty_file_means_the_defaults() {
        assert_eq!(Config::parse(""), Ok(Config::default()));
    }

    #[test]
    fn a_key_is_found_in_its_section() {
        let text = "name = \"a\"\n[zenoh]\nuser = \"u\"\n[led]\ngpio=4\n";
        assert_eq!(line_of(text, "", "name"), Some(1));
        assert_eq!(line_of(text, "led", "gpio"), Some(5));
        assert_eq!(line_of(text, "zenoh", "gpio"), None);
    }
}
