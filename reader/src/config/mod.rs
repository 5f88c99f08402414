//! What the configuration means: checked, complete, typed. File and flags go in, flags win.

pub mod credentials;
pub mod file;
pub mod toml;

use std::path::{Path, PathBuf};

use log::LevelFilter;
use teleinfo_proto::{tic::Mode, wire};
use teleinfo_zenoh_client::{Locator, LocatorError};

use crate::{
    cli::{DEFAULT_FILE, Options},
    config::file::{Config, LedChoice, ModeChoice},
    daemon::exit::{Code, Failure},
    history,
    reading::ParityChoice,
};

/// Tried in turn for `device = "auto"`: the name our udev rule gives to USB adapters, then the two of a Raspberry Pi.
pub const DEVICES: [&str; 3] = ["/dev/teleinfo", "/dev/serial0", "/dev/ttyAMA0"];
/// More is a slip of the finger: two days fit in the default, and the unit bounds the whole process at 8 MB.
const HISTORY_MAX: usize = 4 * 1024 * 1024;
/// The largest GPIO number of any Raspberry Pi's own chip.
const GPIO_MAX: u32 = 53;

/// Everything the reader is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// One chunk of a Zenoh key.
    pub name: String,
    /// Serial lines to try, the first that exists counts.
    pub devices: Vec<PathBuf>,
    /// The mode if given, and so the speed.
    pub mode: Option<Mode>,
    /// Who checks parity.
    pub parity: ParityChoice,
    /// Locators; empty = scouting.
    pub connect: Vec<Locator>,
    /// User name for the bridge.
    pub user: Option<String>,
    /// Where its password is, apart from systemd's credentials.
    pub password_file: Option<PathBuf>,
    /// Bytes for the history.
    pub history_size: usize,
    /// Where the history outlives a restart.
    pub history_directory: Option<PathBuf>,
    /// What the LED shows.
    pub led: LedChoice,
    /// Its GPIO.
    pub gpio: u32,
    /// VA at which it blinks fastest.
    pub full_power: u32,
    /// Least important level that is written.
    pub level: LevelFilter,
}

impl Settings {
    /// From the flags and the file that they name, or the usual file if it exists.
    ///
    /// # Errors
    /// A [`Code::Config`] failure in one line.
    pub fn load(options: &Options) -> Result<Self, Failure> {
        let usual = Path::new(DEFAULT_FILE);
        let file = options.config.as_deref().or_else(|| usual.exists().then_some(usual));
        let (config, text) = file.map_or_else(|| Ok(Default::default()), Config::read)?;
        let place = file.map_or_else(String::new, |path| path.display().to_string());
        Self::check(&config, options).map_err(|mistake| Failure::new(Code::Config, mistake.explain(&place, &text)))
    }

    fn check(config: &Config, options: &Options) -> Result<Self, Mistake> {
        let connect = if options.connect.is_empty() { &config.zenoh.connect } else { &options.connect };
        let connect = connect.iter().map(|locator| parse_locator(locator)).collect::<Result<_, _>>()?;
        range("history", "size", config.history.size, history::BYTES_MIN, HISTORY_MAX)?;
        range("led", "gpio", config.led.gpio, 0, GPIO_MAX)?;
        range("led", "full-power", config.led.full_power, 1, 99_999)?;
        if config.zenoh.user.is_none() && config.zenoh.password_file.is_some() {
            return Err(Mistake::new("zenoh", "password-file", "a password needs a user: set zenoh.user".into()));
        }
        Ok(Self {
            name: name(config.name.as_deref())?,
            devices: devices(options.serial.as_deref().unwrap_or(&config.serial.device)),
            mode: mode(config.serial.mode),
            parity: config.serial.parity,
            connect,
            user: config.zenoh.user.clone(),
            password_file: config.zenoh.password_file.clone(),
            history_size: config.history.size,
            history_directory: config.history.directory.clone().or_else(state_directory),
            led: config.led.mode,
            gpio: config.led.gpio,
            full_power: config.led.full_power,
            level: config.log.level,
        })
    }
}

/// What is wrong with which key.
struct Mistake {
    section: &'static str,
    key: &'static str,
    what: String,
}

impl Mistake {
    fn new(section: &'static str, key: &'static str, what: String) -> Self {
        Self { section, key, what }
    }

    /// With the file's line if the key stands in it; a flag has none.
    fn explain(&self, place: &str, text: &str) -> String {
        match file::line_of(text, self.section, self.key) {
            Some(line) => format!("{place}, line {line}, key \"{}\": {}", self.key, self.what),
            None => self.what.clone(),
        }
    }
}

fn range<T: PartialOrd + Copy + std::fmt::Display>(
    section: &'static str,
    key: &'static str,
    value: T,
    min: T,
    max: T,
) -> Result<(), Mistake> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(Mistake::new(section, key, format!("{value} is out of range: {min} to {max}")))
}

fn parse_locator(text: &str) -> Result<Locator, Mistake> {
    text.parse().map_err(|error: LocatorError| Mistake::new("zenoh", "connect", error.to_string()))
}

fn name(written: Option<&str>) -> Result<String, Mistake> {
    let host = || nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_else(|| "reader".into());
    let name = written.map_or_else(host, str::to_owned);
    if wire::keys::is_name(&name) {
        return Ok(name);
    }
    Err(Mistake::new("", "name", format!("\"{name}\" is no usable name: 1 to 64 letters, digits, '-', '_' or '.'; set name in the file")))
}

fn devices(written: &Path) -> Vec<PathBuf> {
    if written.as_os_str() == "auto" { DEVICES.map(PathBuf::from).to_vec() } else { vec![written.to_path_buf()] }
}

fn mode(choice: ModeChoice) -> Option<Mode> {
    match choice {
        ModeChoice::Auto => None,
        ModeChoice::Historic => Some(Mode::Historic),
        ModeChoice::Standard => Some(Mode::Standard),
    }
}

/// systemd's `StateDirectory=`; of several the first.
fn state_directory() -> Option<PathBuf> {
    let value = std::env::var("STATE_DIRECTORY").ok()?;
    value.split(':').next().filter(|path| !path.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, options: Options) -> Result<Settings, Failure> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("reader.toml");
        std::fs::write(&path, text).unwrap();
        Settings::load(&Options { config: Some(path), ..options })
    }

    fn locators(text: &str) -> Vec<Locator> {
        vec![text.parse().unwrap()]
    }

    #[test]
    fn flags_win_over_the_file() {
        let text = "name = \"cellar\"\n[serial]\ndevice = \"/dev/a\"\n[zenoh]\nconnect = [\"tcp/a:1\"]\n";
        let file = load(text, Options::default()).unwrap();
        assert_eq!((file.name.as_str(), file.devices, file.connect), ("cellar", vec!["/dev/a".into()], locators("tcp/a:1")));
        let flags = Options { serial: Some("/dev/b".into()), connect: vec!["tcp/b:2".into()], config: None };
        let both = load(text, flags).unwrap();
        assert_eq!((both.devices, both.connect), (vec!["/dev/b".into()], locators("tcp/b:2")));
    }

    #[test]
    fn mistakes_name_file_line_and_key() {
        for (text, expected) in [
            ("[zenoh]\nconnect = [\"udp/x:1\"]", "reader.toml, line 2, key \"connect\": locator \"udp/x:1\": expected"),
            ("[zenoh]\nconnect = [\"tcp/x\"]", "locator \"tcp/x\": expected"),
            ("[zenoh]\nconnect = [\"tcp/x:0\"]", "locator \"tcp/x:0\": expected"),
            ("[zenoh]\npassword-file = \"x\"", "line 2, key \"password-file\": a password needs a user"),
            ("[led]\n\ngpio = 54", "line 3, key \"gpio\": 54 is out of range: 0 to 53"),
            ("[history]\nsize = 1", "line 2, key \"size\": 1 is out of range"),
            ("name = \"a/b\"", "line 1, key \"name\": \"a/b\" is no usable name"),
            ("nmae = \"a\"", "line 1, key \"nmae\": there is no such key; expected one of name"),
        ] {
            let failure = load(text, Options::default()).unwrap_err();
            assert_eq!(failure.code, Code::Config);
            assert!(failure.message.contains(expected), "{failure} lacks {expected}");
        }
    }

    #[test]
    fn a_wrong_flag_blames_no_line() {
        let options = Options { connect: vec!["here".into()], ..Options::default() };
        let failure = load("", options).unwrap_err();
        assert!(failure.message.starts_with("locator \"here\""), "{failure}");
    }

    #[test]
    fn the_shipped_file_shows_every_key_with_its_default() {
        let shipped = include_str!("../../../deploy/etc/reader.toml");
        assert_eq!(Config::parse(shipped), Ok(Config::default()));

        let shown: String = shipped.lines().map(|line| format!("{}\n", uncommented(line))).collect();
        assert!(Config::parse(&shown).is_ok(), "the commented keys are keys too: {:?}", Config::parse(&shown));
        for (section, keys) in file::KEYS {
            for key in *keys {
                assert!(file::line_of(&shown, section, key).is_some(), "[{section}] {key} is not in deploy/etc/reader.toml");
            }
        }
    }

    /// `#key = value` is a key without a fixed default, `# words` is prose.
    fn uncommented(line: &str) -> &str {
        line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line)
    }
}
