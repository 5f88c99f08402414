//! The command line: what it asks for, and who does it. Flags win over the environment, and it wins over the file.
//!
//! Passwords never stand here: every user of a machine can read the command line of every process.

use std::{
    io::{self, Write},
    path::Path,
    process,
};

use lexopt::{Arg, Parser, ValueExt};
use log::LevelFilter;
use teleinfo_proto::seal::PairingCode;

use crate::{
    config::{Flags, Settings, credentials::Asker},
    daemon::{
        exit::{ExitCode, Failure},
        health, logging,
    },
    doctor, journal, monitor, run,
    trust::keys::{self, STATE_DIRECTORY},
};

/// What `--help` prints.
const HELP: &str = "\
Reads the TIC output of a French electricity meter and sends it to teleinfo-bridge.

Usage: teleinfo-reader [OPTIONS]           read the meter (what the service does)
       teleinfo-reader doctor [OPTIONS]    look at line, meter, bridge, clock and light, and say what is wrong
       teleinfo-reader monitor [OPTIONS]   show what the meter sends, label by label, until Ctrl-C
       teleinfo-reader health              say whether the reader in this container is well (the file that HEALTH_FILE names)
       teleinfo-reader accept [WORDS]      trust another bridge: that of these five words, or of this code of seven, or the next one

Flags:
      --config FILE      configuration [default: /etc/teleinfo/reader.toml, if it exists]
      --serial DEV       serial line, for example /dev/ttyAMA0 or tcp://192.168.1.30:2001
      --connect LOCATOR  where the bridge is, for example tcp/192.168.1.10:7447; may be given several times
      --check-config     check the configuration, say where each value comes from, and end
      --language fr|en   of journal, doctor and monitor [default: the file, else LANG, else fr]
  -h, --help             print this
  -V, --version          print the version

Each key of the configuration is a variable of the environment too: TELEINFO_SERIAL_DEVICE is device of [serial].
";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Command {
    /// Read the meter.
    Run(Flags),
    /// Say whether the configuration is right, and end.
    CheckConfig(Flags),
    /// Look for what is wrong, and end.
    Doctor(Flags),
    /// Show what the meter sends.
    Monitor(Flags),
    /// Say whether the reader that runs is well.
    Health(Flags),
    /// Trust another bridge.
    Accept(Flags, Option<PairingCode>),
    /// Print the help.
    Help,
    /// Print the version.
    Version,
}

/// The whole program: arguments in, exit code out.
#[must_use]
pub fn run() -> process::ExitCode {
    logging::start(LevelFilter::Info);
    match carry_out() {
        Ok(code) => code,
        Err(failure) => {
            log::error!("{failure}");
            failure.code.into()
        }
    }
}

fn carry_out() -> Result<process::ExitCode, Failure> {
    match parse(Parser::from_env())? {
        Command::Run(flags) => {
            let settings = load(&flags)?;
            logging::start(settings.level);
            run::run(&settings)?;
        }
        Command::CheckConfig(flags) => {
            let settings = Settings::load(&flags)?;
            settings.credentials(Asker::Inspector(Path::new("/")))?;
            print(&settings.origins());
            print("the configuration is right\n");
        }
        Command::Doctor(flags) => {
            let complaint = doctor::run(&load(&flags)?);
            return Ok(complaint.map_or(process::ExitCode::SUCCESS, Into::into));
        }
        Command::Monitor(flags) => monitor::run(&load(&flags)?)?,
        Command::Health(flags) => {
            load(&flags)?;
            print(&health::ask()?);
        }
        Command::Accept(flags, bridge) => accept(&load(&flags)?, bridge)?,
        Command::Help => print(HELP),
        Command::Version => print(concat!("teleinfo-reader ", env!("CARGO_PKG_VERSION"), "\n")),
    }
    Ok(process::ExitCode::SUCCESS)
}

/// From here on, people are spoken to in their language.
fn load(flags: &Flags) -> Result<Settings, Failure> {
    let settings = Settings::load(flags)?;
    journal::speak(settings.language);
    Ok(settings)
}

/// Forgets the bridge; the service begins again with it when it starts.
fn accept(settings: &Settings, bridge: Option<PairingCode>) -> Result<(), Failure> {
    let directory = settings.state_directory.as_deref().unwrap_or(Path::new(STATE_DIRECTORY));
    keys::accept(directory, bridge).map_err(|error| {
        let code = if error.kind() == io::ErrorKind::PermissionDenied { ExitCode::Permission } else { ExitCode::Config };
        Failure::new(code, format!("{}: {error}", directory.display()))
    })?;
    let who = bridge.map_or_else(|| "the next bridge that offers itself".into(), |code| format!("the bridge {}", code.bridge));
    print(&format!("{who} will be trusted; now: sudo systemctl restart teleinfo-reader\n"));
    Ok(())
}

/// To standard output; whoever has closed it did not want to know.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// Understands the arguments of the process.
///
/// # Errors
/// An unknown flag or a missing value: a [`ExitCode::Usage`] failure that names it.
fn parse(parser: Parser) -> Result<Command, Failure> {
    understand(parser).map_err(|error| Failure::new(ExitCode::Usage, format!("{error} (teleinfo-reader --help lists the flags)")))
}

/// What to do, when it is not to read the meter.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Run,
    CheckConfig,
    Doctor,
    Monitor,
    Health,
    Accept,
}

fn understand(mut parser: Parser) -> Result<Command, lexopt::Error> {
    let mut flags = Flags::default();
    let mut task = Task::Run;
    let mut words = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Long("config") => flags.config = Some(parser.value()?.into()),
            Arg::Long("serial") => flags.serial = Some(parser.value()?.into()),
            Arg::Long("connect") => flags.connect.push(parser.value()?.string()?),
            Arg::Long("check-config") if task == Task::Run => task = Task::CheckConfig,
            Arg::Long("language") => flags.language = Some(parser.value()?.parse()?),
            Arg::Long("help") | Arg::Short('h') => return Ok(Command::Help),
            Arg::Long("version") | Arg::Short('V') => return Ok(Command::Version),
            Arg::Value(name) if task == Task::Run && name == "doctor" => task = Task::Doctor,
            Arg::Value(name) if task == Task::Run && name == "monitor" => task = Task::Monitor,
            Arg::Value(name) if task == Task::Run && name == "health" => task = Task::Health,
            Arg::Value(name) if task == Task::Run && name == "accept" => task = Task::Accept,
            Arg::Value(value) if task == Task::Accept && words.is_none() => words = Some(value.parse()?),
            other => return Err(other.unexpected()),
        }
    }
    Ok(match task {
        Task::Run => Command::Run(flags),
        Task::CheckConfig => Command::CheckConfig(flags),
        Task::Doctor => Command::Doctor(flags),
        Task::Monitor => Command::Monitor(flags),
        Task::Health => Command::Health(flags),
        Task::Accept => Command::Accept(flags, words),
    })
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::seal::Identity;

    use super::*;
    use crate::language::Language;

    fn parsed(arguments: &[&str]) -> Result<Command, Failure> {
        parse(Parser::from_args(arguments))
    }

    #[test]
    fn every_flag_is_understood() {
        let command = parsed(&["--config", "a.toml", "--serial=/dev/x", "--connect", "tcp/a:1", "--connect", "tcp/b:2"]);
        let expected = Flags {
            config: Some("a.toml".into()),
            serial: Some("/dev/x".into()),
            connect: vec!["tcp/a:1".into(), "tcp/b:2".into()],
            language: None,
        };
        assert_eq!(command, Ok(Command::Run(expected)));
        assert_eq!(parsed(&["--check-config"]), Ok(Command::CheckConfig(Flags::default())));
        assert_eq!(parsed(&["-V"]), Ok(Command::Version));
        assert_eq!(parsed(&["--help", "--serial"]), Ok(Command::Help));
        let serial = |language| Flags { serial: Some("/dev/x".into()), language: Some(language), ..Flags::default() };
        let english = parsed(&["doctor", "--serial", "/dev/x", "--language", "en"]);
        assert_eq!(english, Ok(Command::Doctor(serial(Language::English))));
        let french = parsed(&["--serial", "/dev/x", "monitor", "--language", "fr"]);
        assert_eq!(french, Ok(Command::Monitor(serial(Language::French))));
        assert_eq!(parsed(&["health"]), Ok(Command::Health(Flags::default())));
        assert_eq!(parsed(&["accept"]), Ok(Command::Accept(Flags::default(), None)));
        let words = Identity::from_seed(&[1; 32]).key().fingerprint();
        assert_eq!(parsed(&["accept", &words.to_string()]), Ok(Command::Accept(Flags::default(), Some(words.into()))));
    }

    #[test]
    fn a_mistake_is_named_and_is_a_usage_error() {
        for (arguments, named) in [
            (vec!["--seral", "x"], "--seral"),
            (vec!["--serial"], "--serial"),
            (vec!["doktor"], "doktor"),
            (vec!["accept", "lusab"], "lusab"),
            (vec!["doctor", "monitor"], "monitor"),
            (vec!["--language"], "--language"),
            (vec!["monitor", "--language", "de"], "\"de\""),
            (vec!["doctor", "--check-config"], "--check-config"),
        ] {
            let failure = parsed(&arguments).unwrap_err();
            assert_eq!(failure.code, ExitCode::Usage);
            assert!(failure.message.contains(named), "{failure}");
        }
    }
}
