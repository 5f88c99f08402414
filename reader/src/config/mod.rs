//! What the reader is told: file, environment and flags go in, the later win over the earlier, and checked, complete, typed [`Settings`]
//! come out.
//!
//! Nothing is read here but the configuration and the password. Read `file` first (one table of keys), then `environment` (the same keys as
//! variables), then this file; `toml` is the syntax, `credentials` says where a password comes from.

pub(crate) mod credentials;
mod environment;
mod file;
mod toml;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use log::LevelFilter;
use teleinfo_proto::tic::Mode;
use teleinfo_zenoh_client::{Credentials, Locator};

use crate::{
    daemon::exit::{ExitCode, Failure},
    language::{FoundIn, Language},
    line::Source,
    reading::ParityChoice,
};
use credentials::Asker;
use file::{Config, Origin, Origins};

pub(crate) use file::LedMode;

/// Read when `--config` is not given, and then only if it exists.
const DEFAULT_FILE: &str = "/etc/teleinfo/reader.toml";

/// The name of a reader on a machine without a usable one.
const NAMELESS: &str = "reader";

/// What the configuration of a further reader begins with (`teleinfo-reader@NAME.service`).
const INSTANCE: &str = "reader-";

/// The flags of the command line that say the same as a key of the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags {
    /// `--config`
    pub(crate) config: Option<PathBuf>,
    /// `--serial`
    pub(crate) serial: Option<PathBuf>,
    /// `--connect`, in the order given; empty = as the file says
    pub(crate) connect: Vec<String>,
    /// `--language`
    pub(crate) language: Option<Language>,
}

/// Everything the reader is told.
#[derive(Debug)]
pub(crate) struct Settings {
    /// One chunk of a Zenoh key.
    pub(crate) name: String,
    /// The language of journal, `doctor` and `monitor`.
    pub(crate) language: Language,
    /// Where that comes from, if nobody has chosen it.
    pub(crate) language_found: Option<FoundIn>,
    /// Where the line is.
    pub(crate) source: Source,
    /// The mode if it is given, and so the speed.
    pub(crate) mode: Option<Mode>,
    /// Who checks parity.
    pub(crate) parity: ParityChoice,
    /// Locators; empty = scouting.
    pub(crate) connect: Vec<Locator>,
    /// Bytes for the history.
    pub(crate) history_size: usize,
    /// Where the history outlives a restart.
    pub(crate) history_directory: Option<PathBuf>,
    /// No bridge is trusted before its code was typed.
    pub(crate) by_code: bool,
    /// Where the reader keeps its key and the bridge that it trusts.
    pub(crate) state_directory: Option<PathBuf>,
    /// What the LED shows.
    pub(crate) led: LedMode,
    /// The kernel's name for it, if one is configured.
    pub(crate) led_name: Option<String>,
    /// Its GPIO.
    pub(crate) gpio: u32,
    /// VA at which it blinks fastest.
    pub(crate) full_power: u32,
    /// Least important level that is written.
    pub(crate) level: LevelFilter,
    user: Option<String>,
    password_file: Option<PathBuf>,
    origins: Origins,
}

impl Settings {
    /// From the flags, this process's environment, and the file that the flags name, or the usual file if it exists.
    ///
    /// # Errors
    /// An [`ExitCode::Config`] failure in one line.
    pub(crate) fn load(flags: &Flags) -> Result<Self, Failure> {
        Self::load_from(flags, std::env::vars_os())
    }

    fn load_from(flags: &Flags, variables: impl Iterator<Item = (OsString, OsString)>) -> Result<Self, Failure> {
        let usual = Path::new(DEFAULT_FILE);
        let file = flags.config.as_deref().or_else(|| usual.exists().then_some(usual));
        let mut config = file.map_or_else(|| Ok(Config::default()), Config::read)?;
        environment::given(variables)?.into_iter().try_for_each(|given| config.take(given))?;
        let given = file::parsed(&flags.connect).map_err(|what| Failure::new(ExitCode::Config, what))?;
        let serial = flags.serial.as_deref().map(Source::parse).transpose();
        let serial = serial.map_err(|what| Failure::new(ExitCode::Config, format!("--serial {what}")))?;
        let source = serial.unwrap_or(config.source);
        let mut origins = config.origins.clone();
        if flags.serial.is_some() {
            origins.add("serial", "device", Origin::Flag("--serial"));
        }
        if flags.language.is_some() {
            origins.add("", "language", Origin::Flag("--language"));
        }
        if !flags.connect.is_empty() {
            origins.add("zenoh", "connect", Origin::Flag("--connect"));
        }
        let chosen = flags.language.or(config.language).map(|language| (language, None));
        let (language, found) = chosen.unwrap_or_else(|| {
            let (language, found) = Language::usual();
            (language, Some(found))
        });
        if config.user.is_none() && config.password_file.is_some() {
            return Err(origins.failure(ExitCode::Config, "zenoh", "password-file", "a password needs a user: set zenoh.user"));
        }
        Ok(Self {
            name: config.name.unwrap_or_else(|| default_name(nix::unistd::gethostname().ok(), file)),
            language,
            language_found: found,
            parity: match (config.parity, &source) {
                (ParityChoice::Auto, Source::Remote(_)) => ParityChoice::SoftwareFirst,
                (parity, _) => parity,
            },
            source,
            mode: config.mode,
            connect: if flags.connect.is_empty() { config.connect } else { given },
            by_code: config.by_code,
            history_size: config.history_size,
            state_directory: state_directory().or_else(|| config.history_directory.clone()),
            history_directory: config.history_directory.or_else(state_directory),
            led: config.led,
            led_name: config.led_name,
            gpio: config.gpio,
            full_power: config.full_power,
            level: config.level,
            user: config.user,
            password_file: config.password_file,
            origins,
        })
    }

    /// Where the value of each key comes from, a line for each.
    pub(crate) fn origins(&self) -> String {
        self.origins.describe()
    }

    /// User and password for the bridge, if it asks for them. Apart from [`Self::load`], because `monitor` does without.
    ///
    /// # Errors
    /// A user without a password, or a password that cannot be read; with file, line and key.
    pub(crate) fn credentials(&self, asker: Asker<'_>) -> Result<Option<Credentials>, Failure> {
        let Some(user) = &self.user else { return Ok(None) };
        match credentials::zenoh_password(self.password_file.as_deref(), asker) {
            Ok(Some(password)) => Ok(Some(Credentials::new(user, password))),
            Ok(None) => {
                let what = "a user needs a password: set zenoh.password-file, or the credential zenoh-password";
                Err(self.origins.failure(ExitCode::Config, "zenoh", "user", what))
            }
            Err(failure) => {
                let key = if self.password_file.is_some() { "password-file" } else { "user" };
                Err(self.origins.failure(failure.code, "zenoh", key, &failure.message))
            }
        }
    }
}

/// The host's name. A machine may have none, or `(none)`, or one that is no name here: nobody has chosen that, so it is no mistake.
///
/// A reader beside the first one has the configuration `reader-NAME.toml`, and adds this name: no two of a machine are called the same.
fn default_name(host: Option<OsString>, configuration: Option<&Path>) -> String {
    let usable = |name: &str| file::name(name).ok();
    let host = host.and_then(|name| usable(name.to_str()?)).unwrap_or_else(|| NAMELESS.into());
    let instance = configuration.and_then(|path| path.file_stem()?.to_str()?.strip_prefix(INSTANCE));
    instance.and_then(|instance| usable(&format!("{host}-{instance}"))).unwrap_or(host)
}

/// The keys of a text with their values as Rust writes them, for the fuzz target that holds them against the `toml` crate.
#[cfg(fuzzing)]
pub(crate) fn entries(text: &str) -> Option<std::collections::BTreeMap<(String, String), String>> {
    let written = |value| match value {
        toml::Value::Text(text) | toml::Value::Bare(text) => format!("{text:?}"),
        toml::Value::Number(number) => number.to_string(),
        toml::Value::Texts(texts) => format!("{texts:?}"),
    };
    let file = toml::parse(text).ok()?;
    Some(file.entries.into_iter().map(|entry| ((entry.section, entry.key), written(entry.value))).collect())
}

/// systemd's `StateDirectory=`; of several the first.
fn state_directory() -> Option<PathBuf> {
    let value = std::env::var("STATE_DIRECTORY").ok()?;
    value.split(':').next().filter(|path| !path.is_empty()).map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, flags: Flags) -> Result<Settings, Failure> {
        load_with(text, &[], flags)
    }

    fn load_with(text: &str, variables: &[(&str, &str)], flags: Flags) -> Result<Settings, Failure> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("reader.toml");
        std::fs::write(&path, text.replace("DIR", directory.path().to_str().unwrap())).unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let settings = Settings::load_from(&Flags { config: Some(path), ..flags }, variables)?;
        settings.credentials(Asker::Inspector(directory.path()))?;
        Ok(settings)
    }

    fn locators(text: &str) -> Vec<Locator> {
        vec![text.parse().unwrap()]
    }

    #[test]
    fn flags_win_over_the_file() {
        let text = "name = \"cellar\"\n[serial]\ndevice = \"/dev/a\"\n[zenoh]\nconnect = [\"tcp/a:1\"]\n";
        let file = load(text, Flags::default()).unwrap();
        assert_eq!((file.name.as_str(), file.source, file.connect), ("cellar", device("/dev/a"), locators("tcp/a:1")));
        let flags = Flags { serial: Some("/dev/b".into()), connect: vec!["tcp/b:2".into()], config: None, ..Flags::default() };
        let both = load(text, flags).unwrap();
        assert_eq!((both.source, both.connect), (device("/dev/b"), locators("tcp/b:2")));
    }

    #[test]
    fn flags_win_over_the_environment_and_it_wins_over_the_file() {
        let text = "name = \"cellar\"\n[serial]\ndevice = \"/dev/a\"\nmode = \"historic\"\n";
        let variables = [("TELEINFO_SERIAL_DEVICE", "/dev/b"), ("TELEINFO_SERIAL_MODE", "standard"), ("PATH", "/bin")];
        let two = load_with(text, &variables, Flags::default()).unwrap();
        assert_eq!((two.name.as_str(), &two.source, two.mode), ("cellar", &device("/dev/b"), Some(Mode::Standard)));
        let three = load_with(text, &variables, Flags { serial: Some("/dev/c".into()), ..Flags::default() }).unwrap();
        assert_eq!((&three.source, three.mode), (&device("/dev/c"), Some(Mode::Standard)));
        let origins = three.origins();
        for line in ["serial.device: --serial\n", "serial.mode: TELEINFO_SERIAL_MODE\n", "reader.toml, line 1\n", "led.gpio: default\n"] {
            assert!(origins.contains(line), "{origins} lacks {line}");
        }
    }

    #[test]
    fn mistakes_of_the_environment_name_the_variable() {
        for (variable, value, expected) in [
            ("TELEINFO_SERIAL_MODE", "standart", "TELEINFO_SERIAL_MODE: expected one of auto, historic, standard"),
            ("TELEINFO_LED_GPIO", "99", "TELEINFO_LED_GPIO: 99 is out of range: 0 to 53"),
            ("TELEINFO_ZENOH_CONNECT", "tcp/a:1, b", "TELEINFO_ZENOH_CONNECT: locator \"b\": expected"),
            ("TELEINFO_ZENOH_USER", "me", "TELEINFO_ZENOH_USER: a user needs a password"),
            ("TELEINFO_ZENOH_PASSWORD_FILE", "/none", "TELEINFO_ZENOH_PASSWORD_FILE: a password needs a user"),
        ] {
            let failure = load_with("", &[(variable, value)], Flags::default()).unwrap_err();
            assert_eq!(failure.code, ExitCode::Config);
            assert!(failure.message.starts_with(expected), "{failure} lacks {expected}");
        }
    }

    #[test]
    fn mistakes_name_file_line_and_key() {
        for (text, expected) in [
            ("[zenoh]\nconnect = [\"udp/x:1\"]", "reader.toml, line 2, key \"connect\": locator \"udp/x:1\": expected"),
            ("[zenoh]\nconnect = [\"tcp/x\"]", "locator \"tcp/x\": expected"),
            ("[zenoh]\nconnect = [\"tcp/x:0\"]", "locator \"tcp/x:0\": expected"),
            ("[zenoh]\npassword-file = \"x\"", "reader.toml, line 2, key \"password-file\": a password needs a user"),
            ("[zenoh]\n\nuser = \"me\"", "reader.toml, line 3, key \"user\": a user needs a password"),
            ("[zenoh]\n'user' = \"me\"\npassword-file = \"DIR/none\"", "reader.toml, line 3, key \"password-file\": "),
            ("[zenoh]\nuser = \"me\"\npassword-file = \"DIR/none\"", "none: the password file cannot be read"),
            ("[led]\n\n\"gpio\" = 54", "reader.toml, line 3, key \"gpio\": 54 is out of range: 0 to 53"),
            ("[history]\nsize = 1", "line 2, key \"size\": 1 is out of range"),
            ("name = \"a/b\"", "line 1, key \"name\": \"a/b\" is no usable name"),
            ("nmae = \"a\"", "line 1, key \"nmae\": there is no such key; expected one of name"),
        ] {
            let failure = load(text, Flags::default()).unwrap_err();
            assert_eq!(failure.code, ExitCode::Config);
            assert!(failure.message.contains(expected), "{failure} lacks {expected}");
        }
    }

    #[test]
    fn a_machine_without_a_usable_name_is_no_mistake() {
        for (host, name) in [(Some("cellar"), "cellar"), (Some("(none)"), "reader"), (Some(""), "reader"), (Some("mon pi"), "reader")] {
            assert_eq!(default_name(host.map(OsString::from), None), name, "{host:?}");
        }
        assert_eq!(default_name(None, None), "reader");
    }

    #[test]
    fn readers_of_one_machine_have_names_of_their_own() {
        let name = |file: &str| default_name(Some("pi".into()), Some(Path::new(file)));
        assert_eq!(
            [name("/etc/teleinfo/reader.toml"), name("/etc/teleinfo/reader-garage.toml"), name("/tmp/my.toml")],
            ["pi", "pi-garage", "pi"]
        );
        assert_eq!(name(&format!("reader-{}.toml", "x".repeat(80))), "pi", "a name that is too long is no name");
    }

    fn device(path: &str) -> Source {
        Source::Devices(vec![path.into()])
    }

    #[test]
    fn a_far_line_is_read_with_parity_checked_here() {
        for (config, parity) in [("", ParityChoice::SoftwareFirst), ("parity = \"hardware\"", ParityChoice::Hardware)] {
            let flags = Flags { serial: Some("rfc2217://esp.lan:23".into()), ..Flags::default() };
            let settings = load(&format!("[serial]\n{config}\n"), flags).unwrap();
            assert!(matches!(settings.source, Source::Remote(_)));
            assert_eq!(settings.parity, parity);
        }
        let flags = Flags { serial: Some("tcp://esp.lan".into()), ..Flags::default() };
        let failure = load("", flags).unwrap_err();
        assert_eq!(
            (failure.code, failure.message.starts_with("--serial \"tcp://esp.lan\": expected tcp://host:port")),
            (ExitCode::Config, true)
        );
    }

    #[test]
    fn a_wrong_flag_blames_no_line() {
        let flags = Flags { connect: vec!["here".into()], ..Flags::default() };
        let failure = load("", flags).unwrap_err();
        assert!(failure.message.starts_with("locator \"here\""), "{failure}");
    }

    #[test]
    fn a_user_with_a_password_is_taken() {
        let directory = tempfile::tempdir().unwrap();
        let password = directory.path().join("password");
        std::fs::write(&password, "secret\n").unwrap();
        assert!(load(&format!("[zenoh]\nuser = \"me\"\npassword-file = \"{}\"", password.display()), Flags::default()).is_ok());
    }
}
