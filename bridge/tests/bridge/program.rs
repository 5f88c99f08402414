//! The bridge's process, with a directory of its own as a service has it: configuration, state and run directory.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, ExitStatus},
    thread,
};

use teleinfo_simulator::chain::{process::Process, programs};
use tempfile::TempDir;

use super::{eventually, free_port, reader::BRIDGE_SEED};

/// A bridge on its way up.
pub struct Program {
    pub zenoh: u16,
    pub mqtt: u16,
    pub directory: TempDir,
    process: Process,
}

impl Program {
    /// With a broker.
    pub fn external(url: &str) -> Self {
        Self::configured(free_port(), &format!("[mqtt]\nurl = \"{url}\"\n"))
    }

    /// Without one.
    pub fn embedded() -> Self {
        let port = free_port();
        let mut program = Self::configured(free_port(), &format!("[mqtt]\nlisten = \"127.0.0.1:{port}\"\n"));
        program.mqtt = port;
        program
    }

    /// Listening for readers on `zenoh`.
    pub fn configured(zenoh: u16, rest: &str) -> Self {
        let config = format!("[zenoh]\nlisten = [\"tcp/127.0.0.1:{zenoh}\"]\nscouting = false\n{rest}");
        let mut program = Self::with_config(&config);
        program.zenoh = zenoh;
        program
    }

    pub fn with_config(config: &str) -> Self {
        Self::prepared(config, |_, _| {})
    }

    /// `prepare` gets the directory of the program, with `state` and `run` in it, and its command line before it is started.
    pub fn prepared(config: &str, prepare: impl FnOnce(&Path, &mut Command)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("bridge.toml"), config).unwrap();
        let mut command = command(&directory);
        prepare(directory.path(), &mut command);
        let process = Process::start("bridge", &mut command, directory.path()).unwrap();
        Self { zenoh: 0, mqtt: 0, directory, process }
    }

    /// The same bridge again, after it has ended.
    pub fn again(&mut self) {
        self.process.start_again(&mut command(&self.directory)).unwrap();
    }

    /// Waits until readers can connect.
    pub async fn is_up(&self) {
        self.says("teleinfo-bridge").await;
    }

    pub fn log(&self) -> Vec<String> {
        self.process.lines()
    }

    /// Waits for a line of the log.
    pub async fn says(&self, text: &str) -> String {
        eventually(&format!("log line with \"{text}\""), || self.log().into_iter().find(|line| line.contains(text))).await
    }

    pub fn signal(&self, name: &str) {
        self.process.signal(&format!("SIG{name}")).unwrap();
    }

    pub async fn ends(&mut self) -> ExitStatus {
        let status = eventually("the bridge ends", || self.process.has_ended().unwrap()).await;
        assert!(!self.log().iter().any(|line| line.contains("panicked")), "{:#?}", self.log());
        status
    }

    pub async fn stop(&mut self) {
        self.signal("TERM");
        assert_eq!(self.ends().await.code(), Some(0));
    }

    /// Nothing that somebody should act on.
    pub fn assert_clean(&self) {
        let log = self.log();
        assert!(log.iter().all(|line| line.starts_with("INFO ") || line.starts_with("DEBUG ")), "{log:#?}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.process.kill();
        if thread::panicking() {
            eprintln!("the bridge said:\n{}", self.log().join("\n"));
        }
    }
}

fn command(directory: &TempDir) -> Command {
    let mut command = programs::bridge_command(directory.path()).unwrap();
    for (variable, name) in [("STATE_DIRECTORY", "state"), ("RUNTIME_DIRECTORY", "run")] {
        let path = directory.path().join(name);
        fs::create_dir_all(&path).unwrap();
        command.env(variable, path);
    }
    // Readers of the tests know this bridge, so that no first contact is waited for.
    let key = directory.path().join("state/key");
    if !key.exists() {
        let digits: String = BRIDGE_SEED.iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(&key, digits).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    }
    command
}
