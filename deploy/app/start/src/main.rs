//! The first process of the Home Assistant app: it asks the Supervisor for what an owner would otherwise type, then runs reader and bridge.
//!
//! The image holds nothing but static programs, so there is no shell that could do it. Read [`options`] (what the owner chose), [`supervisor`]
//! (what Home Assistant knows), [`variables`] (both as the configuration of reader and bridge), then [`programs`] (they run until the end).
//! The rules of apps are those of the Supervisor: <https://developers.home-assistant.io/docs/apps/configuration>.

mod devices;
mod journal;
mod options;
mod programs;
mod signals;
mod supervisor;
mod variables;

use std::{
    fs,
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use teleinfo_people::language::{Language, Words};

use crate::{
    journal::say,
    options::Options,
    programs::Programs,
    signals::{Signals, Wake},
    supervisor::{Broker, Supervisor},
    variables::{Folders, Given},
};

const OPTIONS: &str = "/data/options.json";
/// In the backup of the app, and still there after an update.
const STATE: &str = "/data";
/// Where secrets lie while the app runs; not in the backup.
const SECRETS: &str = "/run/teleinfo";
/// Where reader and bridge are in the image.
const PROGRAMS: &str = "/";

/// How often the Supervisor is asked for a broker that is not there yet.
const AGAIN: Duration = Duration::from_secs(10);

const NO_BROKER: Words = Words::new(
    "there is no MQTT broker yet ({}): install the app \"Mosquitto broker\" and start it; this app goes on by itself",
    "il n'y a pas encore de broker MQTT ({}) : installez l'application « Mosquitto broker » et démarrez-la ; celle-ci continue seule",
);
const BROKER: Words = Words::new("the MQTT broker is {}", "le broker MQTT est {}");
const LINE: Words = Words::new("the meter is read at {}", "le compteur est lu sur {}");
const NO_LINE: Words = Words::new(
    "no meter is read on this machine: readers elsewhere find this bridge at port 7447",
    "aucun compteur n'est lu sur cette machine : les lecteurs placés ailleurs trouvent cette passerelle au port 7447",
);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            journal::fail(&error);
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let signals = Signals::take()?;
    let options = Options::read(Path::new(OPTIONS))?;
    let supervisor = Supervisor::from_environment();
    teleinfo_people::journal::speak(language(&options, &supervisor));
    let Some(broker) = wait_for_broker(&options, &supervisor, &signals) else { return Ok(()) };
    let device = options.device(|| devices::adapter(Path::new(devices::BY_ID)));
    match &device {
        Some(device) => say(LINE, &[device]),
        None => say(NO_LINE, &[]),
    }
    let folders = Folders { state: PathBuf::from(STATE), secrets: PathBuf::from(SECRETS) };
    make_folders(&folders)?;
    write_secrets(&folders.secrets, broker.as_ref(), supervisor.token())?;
    let given = Given { language: teleinfo_people::journal::language(), device, broker, variables: options.variables };
    let mut programs =
        Programs::new(Path::new(PROGRAMS), variables::of_bridge(&given, &folders), variables::of_reader(&given, &folders), Instant::now());
    programs.run(&signals)
}

/// As the owner chose, else that of Home Assistant, else French: the meters are.
fn language(options: &Options, supervisor: &Supervisor) -> Language {
    let chosen = options.language.parse().ok();
    chosen.or_else(|| supervisor.language()).unwrap_or(Language::French)
}

/// The broker, once there is one; nothing inside if the owner names one of his own, nothing at all if the app is to end.
#[expect(clippy::option_option, reason = "the outer one says whether to go on")]
fn wait_for_broker(options: &Options, supervisor: &Supervisor, signals: &Signals) -> Option<Option<Broker>> {
    if options.names_a_broker() {
        return Some(None);
    }
    let mut told = None;
    loop {
        match supervisor.broker() {
            Ok(broker) => {
                say(BROKER, &[&broker.address()]);
                return Some(Some(broker));
            }
            Err(reason) if told.as_ref() != Some(&reason) => {
                say(NO_BROKER, &[&reason]);
                told = Some(reason);
            }
            Err(_) => {}
        }
        if signals.wait(AGAIN) == Wake::Stop {
            return None;
        }
    }
}

/// Folders for keys and indexes: nobody but root reads there.
fn make_folders(folders: &Folders) -> io::Result<()> {
    [variables::BRIDGE, variables::READER].into_iter().try_for_each(|name| private_folder(&folders.state.join(name)))
}

fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
}

/// Secrets go to the programs in files that nobody else can read: the environment of a process can be seen from outside.
fn write_secrets(folder: &Path, broker: Option<&Broker>, token: &str) -> io::Result<()> {
    private_folder(folder)?;
    for (name, secret) in [(variables::PASSWORD, broker.map_or("", |broker| &broker.password)), (variables::TOKEN, token)] {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(folder.join(name))?;
        file.write_all(secret.as_bytes())?;
    }
    Ok(())
}
