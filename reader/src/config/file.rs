//! The configuration file: TOML, every key optional, unknown keys refused. [`KEYS`] is the one table of keys: a new key is a row here,
//! a line in `deploy/etc/reader.toml` and an entry in the man page, and tests hold the three together. Its variable follows from its name.

use std::{
    fmt::Display,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
};

use log::LevelFilter;
use teleinfo_proto::{tic::Mode, wire};
use teleinfo_zenoh_client::Locator;

use super::toml::{self, Entry, Value};
use crate::{
    daemon::exit::{ExitCode, Failure},
    history,
    language::Language,
    line::Source,
    reading::ParityChoice,
};

/// More is a slip of the finger: two days fit in the default, and the unit bounds the whole process at 8 MB.
const HISTORY_MAX: usize = 4 * 1024 * 1024;
/// The largest GPIO number of any Raspberry Pi's own chip.
const GPIO_MAX: u32 = 53;
/// No apparent power of a meter has more digits, in VA.
const FULL_POWER_MAX: u32 = 99_999;

/// `[led] mode`: what the light shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LedMode {
    /// `Delivered` where there are GPIOs of a Raspberry Pi, else `Off`.
    Auto,
    /// A short flash when the bridge says that the broker has what was sent.
    Delivered,
    /// Faster with more power drawn.
    Power,
    /// Dark.
    Off,
}

/// What the file says, each value checked on its own; with the line on which it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Config {
    /// This reader's name; none = the host's name.
    pub(super) name: Option<String>,
    /// The language of what is said to people; none = as the environment says.
    pub(super) language: Option<Language>,
    /// Where the line is.
    pub(super) source: Source,
    /// The mode if it is not to be found by trying.
    pub(super) mode: Option<Mode>,
    pub(super) parity: ParityChoice,
    /// Locators, of which the first that answers is taken; empty = look for a bridge on the local network.
    pub(super) connect: Vec<Locator>,
    /// User name, if the bridge asks for one.
    pub(super) user: Option<String>,
    /// No bridge is trusted before its code was typed.
    pub(super) by_code: bool,
    /// File with the password.
    pub(super) password_file: Option<PathBuf>,
    /// Bytes of memory.
    pub(super) history_size: usize,
    /// Where samples are kept across a restart; none = `$STATE_DIRECTORY`, else memory only.
    pub(super) history_directory: Option<PathBuf>,
    pub(super) led: LedMode,
    /// The kernel's name for the LED; none = the usual one if it is there, else the GPIO.
    pub(super) led_name: Option<String>,
    /// GPIO number, as the Raspberry Pi counts them.
    pub(super) gpio: u32,
    /// VA at which `power` blinks fastest.
    pub(super) full_power: u32,
    /// The least important level that is written.
    pub(super) level: LevelFilter,
    pub(super) origins: Origins,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: None,
            language: None,
            source: Source::auto(),
            mode: None,
            parity: ParityChoice::Auto,
            connect: Vec::new(),
            user: None,
            password_file: None,
            by_code: false,
            history_size: 262_144,
            history_directory: None,
            led: LedMode::Auto,
            led_name: None,
            gpio: 4,
            full_power: 6000,
            level: LevelFilter::Info,
            origins: Origins::default(),
        }
    }
}

/// A key: its section ("" before the first), its name, and what its value does.
pub(super) struct Key {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    set: Set,
}

type Set = fn(&mut Config, &Value) -> Result<(), String>;

const fn key(section: &'static str, name: &'static str, set: Set) -> Key {
    Key { section, name, set }
}

/// Every key there is.
pub(super) const KEYS: &[Key] = &[
    key("", "name", |config, value| put(&mut config.name, name(text(value)?).map(Some))),
    key("", "language", |config, value| put(&mut config.language, choice(value, LANGUAGES))),
    key("serial", "device", |config, value| put(&mut config.source, Source::parse(Path::new(text(value)?)))),
    key("serial", "mode", |config, value| put(&mut config.mode, choice(value, MODES))),
    key("serial", "parity", |config, value| put(&mut config.parity, choice(value, PARITIES))),
    key("zenoh", "connect", |config, value| put(&mut config.connect, parsed(&texts(value)?))),
    key("zenoh", "pairing", |config, value| put(&mut config.by_code, choice(value, PAIRINGS))),
    key("zenoh", "user", |config, value| put(&mut config.user, text(value).map(|user| Some(user.into())))),
    key("zenoh", "password-file", |config, value| put(&mut config.password_file, text(value).map(|path| Some(path.into())))),
    key("history", "size", |config, value| put(&mut config.history_size, number(value, history::BYTES_MIN..=HISTORY_MAX))),
    key("history", "directory", |config, value| put(&mut config.history_directory, text(value).map(|path| Some(path.into())))),
    key("led", "mode", |config, value| put(&mut config.led, choice(value, LEDS))),
    key("led", "name", |config, value| put(&mut config.led_name, led_name(text(value)?).map(Some))),
    key("led", "gpio", |config, value| put(&mut config.gpio, number(value, 0..=GPIO_MAX))),
    key("led", "full-power", |config, value| put(&mut config.full_power, number(value, 1..=FULL_POWER_MAX))),
    key("log", "level", |config, value| put(&mut config.level, choice(value, LEVELS))),
];

const LANGUAGES: &[(&str, Option<Language>)] = &[("auto", None), ("en", Some(Language::English)), ("fr", Some(Language::French))];
const MODES: &[(&str, Option<Mode>)] = &[("auto", None), ("historic", Some(Mode::Historic)), ("standard", Some(Mode::Standard))];
const PARITIES: &[(&str, ParityChoice)] =
    &[("auto", ParityChoice::Auto), ("hardware", ParityChoice::Hardware), ("software", ParityChoice::Software)];
const PAIRINGS: &[(&str, bool)] = &[("first-contact", false), ("code", true)];
const LEDS: &[(&str, LedMode)] =
    &[("auto", LedMode::Auto), ("delivered", LedMode::Delivered), ("power", LedMode::Power), ("off", LedMode::Off)];
const LEVELS: &[(&str, LevelFilter)] = &[
    ("error", LevelFilter::Error),
    ("warn", LevelFilter::Warn),
    ("info", LevelFilter::Info),
    ("debug", LevelFilter::Debug),
    ("trace", LevelFilter::Trace),
];

/// A variable that gives a key its value.
pub(super) struct Given {
    /// Its name.
    pub(super) variable: String,
    /// The key.
    pub(super) key: &'static Key,
    /// The value, as it was written.
    pub(super) value: Value,
}

/// Who gave a key its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A line of the file.
    Line(usize),
    /// A variable of the environment.
    Variable(String),
    /// A flag of the command line.
    Flag(&'static str),
}

/// Where the values come from. What came later wins over what came before; a key that is not here has its default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origins {
    file: PathBuf,
    given: Vec<(String, String, Origin)>,
}

impl Origins {
    /// Notes who gave a key its value.
    pub(super) fn add(&mut self, section: impl Into<String>, key: impl Into<String>, origin: Origin) {
        self.given.push((section.into(), key.into(), origin));
    }

    fn of(&self, section: &str, key: &str) -> Option<&Origin> {
        let last = self.given.iter().rev().find(|(in_section, name, _)| in_section == section && name == key);
        last.map(|(_, _, origin)| origin)
    }

    /// A failure that names file, line and key, or the variable, if one of them gave the value.
    pub(crate) fn failure(&self, code: ExitCode, section: &str, key: &str, what: &str) -> Failure {
        let message = match self.of(section, key) {
            Some(Origin::Line(line)) => format!("{}, line {line}, key \"{key}\": {what}", self.file.display()),
            Some(Origin::Variable(name)) => format!("{name}: {what}"),
            Some(Origin::Flag(_)) | None => what.to_owned(),
        };
        Failure::new(code, message)
    }

    /// A line for each key that there is: where its value comes from.
    pub(crate) fn describe(&self) -> String {
        let origin = |key: &Key| match self.of(key.section, key.name) {
            Some(Origin::Line(line)) => format!("{}, line {line}", self.file.display()),
            Some(Origin::Variable(name)) => name.clone(),
            Some(Origin::Flag(flag)) => (*flag).to_owned(),
            None => "default".to_owned(),
        };
        let point = |key: &Key| if key.section.is_empty() { "" } else { "." };
        KEYS.iter().map(|key| format!("{}{}{}: {}\n", key.section, point(key), key.name, origin(key))).collect()
    }
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    /// An [`ExitCode::Config`] failure that names file, line and key.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let failure = |what: String| Failure::new(ExitCode::Config, format!("{}{what}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| failure(format!(": the configuration cannot be read: {error}")))?;
        let mut config = Self::parse(&text).map_err(|what| failure(format!(", {what}")))?;
        config.origins.file = path.into();
        Ok(config)
    }

    /// Understands a file's text.
    fn parse(text: &str) -> Result<Self, String> {
        let (mut config, file) = (Self::default(), toml::parse(text)?);
        if let Some((section, line)) = file.sections.iter().find(|(name, _)| KEYS.iter().all(|key| key.section != name)) {
            return Err(format!("line {line}: {}", unknown(section)));
        }
        for Entry { section, key, value, line } in file.entries {
            let known = KEYS.iter().find(|known| known.section == section && known.name == key);
            let set = known.map_or_else(|| Err(unknown(&section)), |known| (known.set)(&mut config, &value));
            set.map_err(|what| format!("line {line}, key \"{key}\": {what}"))?;
            config.origins.add(section, key, Origin::Line(line));
        }
        Ok(config)
    }

    /// Takes what the environment says, which wins over the file.
    ///
    /// # Errors
    /// An [`ExitCode::Config`] failure that names the variable.
    pub(super) fn take(&mut self, given: Given) -> Result<(), Failure> {
        let Given { variable, key, value } = given;
        (key.set)(self, &value).map_err(|what| Failure::new(ExitCode::Config, format!("{variable}: {what}")))?;
        self.origins.add(key.section, key.name, Origin::Variable(variable));
        Ok(())
    }
}

fn unknown(section: &str) -> String {
    let keys: Vec<_> = KEYS.iter().filter(|key| key.section == section).map(|key| key.name).collect();
    if !keys.is_empty() {
        return format!("there is no such key; expected one of {}", keys.join(", "));
    }
    let mut sections: Vec<_> = KEYS.iter().map(|key| key.section).filter(|section| !section.is_empty()).collect();
    sections.dedup();
    format!("there is no section [{section}]; expected one of {}", sections.join(", "))
}

fn put<T>(place: &mut T, value: Result<T, String>) -> Result<(), String> {
    *place = value?;
    Ok(())
}

fn text(value: &Value) -> Result<&str, String> {
    if let Value::Text(text) | Value::Bare(text) = value { Ok(text) } else { Err("expected a text in quotes".into()) }
}

/// A list; a variable may also separate its texts by commas.
fn texts(value: &Value) -> Result<Vec<String>, String> {
    match value {
        Value::Texts(texts) => Ok(texts.clone()),
        Value::Bare(list) if list.starts_with('[') => toml::list(list),
        Value::Bare(list) => Ok(list.split(',').map(str::trim).filter(|text| !text.is_empty()).map(Into::into).collect()),
        _ => Err("expected a list of texts, like [\"a\", \"b\"]".into()),
    }
}

/// One chunk of a Zenoh key.
pub(super) fn name(name: &str) -> Result<String, String> {
    if wire::keys::is_name(name) {
        return Ok(name.into());
    }
    Err(format!("\"{name}\" is no usable name: 1 to 64 letters, digits, '-', '_' or '.'; set name"))
}

/// One file name below `/sys/class/leds`, such as `TIC` or `pi:green:status`.
fn led_name(name: &str) -> Result<String, String> {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
    match is_plain && !name.is_empty() && !name.starts_with('.') {
        true => Ok(name.into()),
        false => Err(format!("\"{name}\" is no name of a LED: see ls /sys/class/leds")),
    }
}

/// Each text as what it stands for.
pub(super) fn parsed<T: FromStr<Err: Display>>(texts: &[String]) -> Result<Vec<T>, String> {
    texts.iter().map(|text| text.parse().map_err(|error: T::Err| error.to_string())).collect()
}

fn number<T: TryFrom<i64> + PartialOrd + Display>(value: &Value, range: RangeInclusive<T>) -> Result<T, String> {
    let number = match value {
        Value::Number(number) => Some(*number),
        Value::Bare(digits) => digits.parse().ok(),
        _ => None,
    };
    let number = number.ok_or("expected a whole number")?;
    let inside = T::try_from(number).ok().filter(|number| range.contains(number));
    inside.ok_or_else(|| format!("{number} is out of range: {} to {}", range.start(), range.end()))
}

fn choice<T: Copy>(value: &Value, choices: &[(&str, T)]) -> Result<T, String> {
    let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
    let chosen = text(value).ok().and_then(|text| choices.iter().find(|(name, _)| *name == text));
    chosen.map(|(_, choice)| *choice).ok_or_else(|| format!("expected one of {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../deploy/etc/reader.toml");
    const MANUAL: &str = include_str!("../../../deploy/man/reader.toml.5");

    #[test]
    fn mistakes_name_line_and_key() {
        for (text, expected) in [
            ("\n[serial]\ndevcie = \"x\"\n", "line 3, key \"devcie\": there is no such key; expected one of device, mode, parity"),
            (
                "[serial]\ndevice = \"tcp://esp\"",
                "line 2, key \"device\": \"tcp://esp\": expected tcp://host:port, for example tcp://192.168.1.30:2001",
            ),
            ("[serial]\nmode = \"standart\"", "line 2, key \"mode\": expected one of auto, historic, standard"),
            ("[led]\ngpio = \"four\"", "line 2, key \"gpio\": expected a whole number"),
            ("[led]\ngpio = -1", "line 2, key \"gpio\": -1 is out of range: 0 to 53"),
            ("[led]\n\"gpio\" = 54", "line 2, key \"gpio\": 54 is out of range: 0 to 53"),
            ("[history]\nsize = 1", "line 2, key \"size\": 1 is out of range: 32768 to 4194304"),
            ("[zenoh]\nconnect = \"tcp/a:1\"", "line 2, key \"connect\": expected a list of texts, like [\"a\", \"b\"]"),
            ("[led]\nname = \"../gpio\"", "line 2, key \"name\": \"../gpio\" is no name of a LED: see ls /sys/class/leds"),
            ("name = 1", "line 1, key \"name\": expected a text in quotes"),
            ("[serail]\nmode = \"auto\"", "line 1: there is no section [serail]; expected one of serial, zenoh, history, led, log"),
        ] {
            assert_eq!(Config::parse(text).unwrap_err(), expected);
        }
        assert!(Config::parse("[serial\n").unwrap_err().starts_with("line 1: "));
    }

    #[test]
    fn each_key_is_there_once_and_no_two_do_the_same() {
        for (index, key) in KEYS.iter().enumerate() {
            assert!(KEYS[..index].iter().all(|other| (other.section, other.name) != (key.section, key.name)), "{}", key.name);
            let values =
                [Value::Text("historic".into()), Value::Text("power".into()), Value::Text("software".into()), Value::Text("fr".into())];
            let more = [
                Value::Text("debug".into()),
                Value::Text("code".into()),
                Value::Number(53),
                Value::Number(40_000),
                Value::Texts(vec!["tcp/a:1".into()]),
            ];
            let changes = |key: &Key| {
                let mut config = Config::default();
                let taken = values.iter().chain(&more).any(|value| (key.set)(&mut config, value).is_ok() && config != Config::default());
                assert!(taken, "{}", key.name);
                config
            };
            let changed = changes(key);
            assert!(KEYS[..index].iter().all(|other| changes(other) != changed), "{} sets what another key sets", key.name);
        }
    }

    #[test]
    fn the_shipped_file_shows_every_key_with_its_default() {
        let mut config = Config::parse(SHIPPED).unwrap();
        config.origins = Origins::default();
        assert_eq!(config, Config::default());

        let shown: String = SHIPPED.lines().map(|line| format!("{}\n", uncommented(line))).collect();
        let shown = Config::parse(&shown).expect("the commented keys are keys too");
        for key in KEYS {
            assert!(shown.origins.of(key.section, key.name).is_some(), "{} is not shown", key.name);
        }
    }

    /// `#key = value` is a key without a fixed default, `# words` is prose.
    fn uncommented(line: &str) -> &str {
        line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line)
    }

    #[test]
    fn the_manual_explains_every_key_in_its_section_and_no_other() {
        let mut section = "";
        let mut explained = vec![];
        let keys = MANUAL.split(".SH KEYS").nth(1).unwrap().split("\n.SH ").next().unwrap();
        let lines: Vec<&str> = keys.lines().collect();
        for pair in lines.windows(2) {
            section = pair[0].strip_prefix(".SS [").map_or(section, |name| name.trim_end_matches(']'));
            if let (".TP", Some(name)) = (pair[0], pair[1].strip_prefix(".B ")) {
                explained.push((section, name));
            }
        }
        let known: Vec<_> = KEYS.iter().map(|key| (key.section, key.name)).collect();
        assert_eq!(explained, known);
    }
}
