//! The configuration file, as written: TOML, every key optional, unknown keys refused. What it means is `settings.rs`'s task.
//!
//! `deploy/etc/reader.toml` lists every key with its default; a test compares.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::exit::{Code, Failure};

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
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
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Serial {
    /// A path, or `auto`.
    pub device: PathBuf,
    /// The meter's mode, that is the line's speed.
    pub mode: ModeChoice,
    /// Who checks parity.
    pub parity: ParityChoice,
}

/// `[serial] mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModeChoice {
    /// Found by trying.
    Auto,
    /// 1200 baud.
    Historic,
    /// 9600 baud.
    Standard,
}

/// `[serial] parity`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParityChoice {
    /// Hardware if the line takes the setting, else software; the other when nothing decodes.
    Auto,
    /// The UART, set to 7E1.
    Hardware,
    /// This program, the UART set to 8N1.
    Software,
}

/// `[zenoh]`: the way to the bridge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Zenoh {
    /// Locators, tried in turn; empty = look for a bridge on the local network.
    pub connect: Vec<String>,
    /// User name, if the bridge asks for one.
    pub user: Option<String>,
    /// File with the password.
    pub password_file: Option<PathBuf>,
}

/// `[history]`: samples kept for a bridge that was away.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct History {
    /// Bytes of memory.
    pub size: usize,
    /// Where to keep them across a restart; none = `$STATE_DIRECTORY`, else memory only.
    pub directory: Option<PathBuf>,
}

/// `[led]`: the light on a PiTInfo shield.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Led {
    /// What it shows.
    pub mode: LedChoice,
    /// GPIO number, as the Raspberry Pi counts them.
    pub gpio: u32,
    /// VA at which `power` blinks fastest.
    pub full_power: u32,
}

/// `[led] mode`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Log {
    /// The least important level that is written.
    pub level: LevelChoice,
}

/// `[log] level`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LevelChoice {
    /// Only what ends the program.
    Error,
    /// And what someone should look after.
    Warn,
    /// And changes of state.
    Info,
    /// And every refused dataset.
    Debug,
    /// And everything else.
    Trace,
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
        Self { level: LevelChoice::Info }
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
        toml::from_str(text).map_err(|error| explain(text, &error))
    }
}

/// `line 3, key "mode": unknown variant ...`
fn explain(text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let number = text[..start].matches('\n').count() + 1;
    let line = text.lines().nth(number - 1).unwrap_or_default();
    let what = error.message().replace('\n', ", ");
    match line.split_once('=') {
        Some((key, _)) => format!("line {number}, key \"{}\": {what}", key.trim()),
        None => format!("line {number}: {what}"),
    }
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
            ("\n[serial]\ndevcie = \"x\"\n", "line 3, key \"devcie\": unknown field `devcie`, expected one of `device`, `mode`, `parity`"),
            (
                "[serial]\nmode = \"standart\"",
                "line 2, key \"mode\": unknown variant `standart`, expected one of `auto`, `historic`, `standard`",
            ),
            ("[led]\ngpio = \"four\"", "line 2, key \"gpio\": invalid type: string \"four\", expected u32"),
            ("[led]\ngpio = -1", "line 2, key \"gpio\": invalid value: integer `-1`, expected u32"),
            (
                "name = \"a\"\n\n[serail]\n",
                "line 3: unknown field `serail`, expected one of `name`, `serial`, `zenoh`, `history`, `led`, `log`",
            ),
        ] {
            assert_eq!(Config::parse(text).unwrap_err(), expected);
        }
        assert!(Config::parse("[serial\n").unwrap_err().starts_with("line 1: "));
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
