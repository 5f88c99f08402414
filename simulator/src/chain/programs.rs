//! The programs of the chain, and how each is started: with a configuration file of its own, so that nothing on the
//! machine changes what they do.

use super::process::{Process, free_port};
use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::line::pty::Terminal;
use crate::line::stop::Stop;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use teleinfo_proto::seal::{Identity, PublicKey};

/// How long a program may take to listen.
const START: Duration = Duration::from_secs(20);

/// Where a bridge publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mqtt {
    /// To a broker on this port.
    Broker(u16),
    /// Itself, on this port.
    Embedded(u16),
}

impl Mqtt {
    /// The port that a subscriber connects to.
    #[must_use]
    pub fn port(self) -> u16 {
        let (Self::Broker(port) | Self::Embedded(port)) = self;
        port
    }
}

/// A program of this workspace, which lies beside our own executable, or above it when that is a test.
///
/// # Errors
/// When it is not there.
pub fn sibling(name: &str) -> Outcome<PathBuf> {
    let own = std::env::current_exe().or_fail(Code::Software, || "cannot find my own executable".into())?;
    let places: Vec<&Path> = own.ancestors().skip(1).take(2).collect();
    places.iter().map(|place| place.join(name)).find(|path| path.is_file()).ok_or_else(|| {
        let place = places.first().map_or(".".into(), |place| place.display().to_string());
        Failure::new(Code::Unavailable, format!("{name} is not in {place}: run \"cargo build --workspace\" first, with the same profile"))
    })
}

/// A bridge, its router and where it publishes.
#[derive(Debug)]
pub struct Bridge {
    /// The program.
    pub process: Process,
    /// What readers connect to.
    pub locator: String,
    /// Where it publishes.
    pub mqtt: Mqtt,
    /// The port of its page, on this machine alone.
    pub page: u16,
}

/// Starts a bridge whose page is at this port.
///
/// # Errors
/// When it is not built, or does not start.
pub fn bridge(dir: &Path, mqtt: Mqtt, page: u16) -> Outcome<Bridge> {
    let zenoh = free_port()?;
    let locator = format!("tcp/127.0.0.1:{zenoh}");
    let mqtt_config = match mqtt {
        Mqtt::Broker(port) => format!("url = \"mqtt://127.0.0.1:{port}\""),
        Mqtt::Embedded(port) => format!("url = \"embedded\"\nlisten = \"127.0.0.1:{port}\""),
    };
    let text =
        format!("[zenoh]\nlisten = [\"{locator}\"]\nscouting = false\n[mqtt]\n{mqtt_config}\n[page]\nlisten = \"127.0.0.1:{page}\"\n");
    let mut process = start_bridge(dir, "teleinfo-bridge", &text, &format!("- {}\n", public(READER_SEED)))?;
    process.wait_for_port(zenoh, START)?;
    process.wait_for_port(mqtt.port(), START)?;
    Ok(Bridge { process, locator, mqtt, page })
}

/// Starts a bridge with this configuration, which knows no reader yet. All that are started so have one key, as the members of a group.
///
/// # Errors
/// When it is not built, or does not start.
pub fn bridge_with(dir: &Path, name: &str, config: &str) -> Outcome<Process> {
    start_bridge(dir, name, config, "")
}

fn start_bridge(dir: &Path, name: &str, config: &str, trusted: &str) -> Outcome<Process> {
    let state = state(dir, BRIDGE, trusted, "readers")?;
    write(dir, "bridge.toml", config)?;
    let mut command = bridge_command(dir)?;
    command.env("STATE_DIRECTORY", state);
    Process::start(name, &mut command, dir)
}

/// Starts a bridge of [`bridge_with`] that has ended again, with what it kept.
///
/// # Errors
/// When it does not start.
pub fn bridge_again(process: &mut Process, dir: &Path) -> Outcome {
    process.start_again(bridge_command(dir)?.env("STATE_DIRECTORY", dir.join(BRIDGE.0)))
}

/// The command of a bridge with the `bridge.toml` of this directory. A service manager that may have started us is kept from it.
///
/// # Errors
/// When it is not built.
pub fn bridge_command(dir: &Path) -> Outcome<Command> {
    let mut command = Command::new(sibling("teleinfo-bridge")?);
    command.arg("--config").arg(dir.join("bridge.toml"));
    for variable in ["JOURNAL_STREAM", "NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY", "RUNTIME_DIRECTORY"] {
        command.env_remove(variable);
    }
    Ok(command)
}

/// Starts a reader of this line, connected to this bridge.
///
/// # Errors
/// When it is not built, or does not start.
pub fn reader(dir: &Path, line: &Path, locator: &str) -> Outcome<Process> {
    let text =
        format!("name = \"chain\"\n[serial]\ndevice = \"{}\"\n[zenoh]\nconnect = [\"{locator}\"]\n[led]\nmode = \"off\"\n", line.display());
    let config = write(dir, "reader.toml", &text)?;
    let mut command = Command::new(sibling("teleinfo-reader")?);
    command.arg("--config").arg(config).env("STATE_DIRECTORY", state(dir, READER, &public(BRIDGE_SEED), "bridge")?);
    Process::start("teleinfo-reader", &mut command, dir)
}

/// Waits until the reader has the line open.
///
/// # Errors
/// When it does not open it in time, or it is time to stop.
pub fn wait_for_reader(terminal: &Terminal, stop: &Stop) -> Outcome {
    let end = Instant::now() + Duration::from_secs(20);
    while !terminal.has_reader() {
        if stop.wait(Duration::from_millis(10)) || Instant::now() > end {
            return Err(Failure::new(Code::Unavailable, "the reader does not open its line"));
        }
    }
    // It sets the line up and drops what it finds there.
    let _ = stop.wait(Duration::from_millis(500));
    Ok(())
}

/// Names of their state directories, and what their keys are made of: they know each other, so nobody waits for a first contact.
const BRIDGE: (&str, [u8; 32]) = ("bridge-state", BRIDGE_SEED);
const READER: (&str, [u8; 32]) = ("reader-state", READER_SEED);
const BRIDGE_SEED: [u8; 32] = [2; 32];
const READER_SEED: [u8; 32] = [1; 32];

fn public(seed: [u8; 32]) -> String {
    Identity::from_seed(&seed).key().to_string()
}

/// A state directory with a key, and with a file of whom it trusts.
fn state(dir: &Path, (name, seed): (&str, [u8; 32]), trusted: &str, file: &str) -> Outcome<PathBuf> {
    let path = dir.join(name);
    std::fs::create_dir_all(&path).or_fail(Code::CannotCreate, || format!("cannot make {}", path.display()))?;
    let key = write(&path, "key", &PublicKey::from_bytes(seed).to_string())?;
    let own = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&key, own).or_fail(Code::CannotCreate, || format!("cannot protect {}", key.display()))?;
    write(&path, file, trusted)?;
    Ok(path)
}

fn write(dir: &Path, name: &str, text: &str) -> Outcome<PathBuf> {
    let path = dir.join(name);
    std::fs::write(&path, text).or_fail(Code::CannotCreate, || format!("cannot write {}", path.display()))?;
    Ok(path)
}
