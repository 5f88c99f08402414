//! The bridge's process.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use super::{eventually, free_port};

/// A bridge on its way up.
pub struct Program {
    pub zenoh: u16,
    pub mqtt: u16,
    pub directory: TempDir,
    log: Arc<Mutex<Vec<String>>>,
    process: Child,
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
        let log = Arc::new(Mutex::new(Vec::new()));
        let mut command = command(directory.path());
        prepare(directory.path(), &mut command);
        let process = spawn(command, &log);
        Self { zenoh: 0, mqtt: 0, directory, log, process }
    }

    /// The same bridge again, after it has ended.
    pub fn again(&mut self) {
        self.process = spawn(command(self.directory.path()), &self.log);
    }

    /// Waits until readers can connect.
    pub async fn is_up(&self) {
        self.says("teleinfo-bridge").await;
    }

    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    /// Waits for a line of the log.
    pub async fn says(&self, text: &str) -> String {
        eventually(&format!("log line with \"{text}\""), || self.log().into_iter().find(|line| line.contains(text))).await
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    pub async fn ends(&mut self) -> ExitStatus {
        let log = self.log.clone();
        let status = eventually("the bridge ends", || self.process.try_wait().unwrap()).await;
        // Its last lines are still on their way through the pipe.
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(!log.lock().unwrap().iter().any(|line| line.contains("panicked")), "{:#?}", log.lock().unwrap());
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
        let _ = self.process.kill();
        let _ = self.process.wait();
        if thread::panicking() {
            eprintln!("the bridge said:\n{}", self.log().join("\n"));
        }
    }
}

fn command(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_teleinfo-bridge"));
    command.arg("--config").arg(directory.join("bridge.toml"));
    for variable in ["JOURNAL_STREAM", "NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY"] {
        command.env_remove(variable);
    }
    for (variable, name) in [("STATE_DIRECTORY", "state"), ("RUNTIME_DIRECTORY", "run")] {
        let path = directory.join(name);
        fs::create_dir_all(&path).unwrap();
        command.env(variable, path);
    }
    command
}

fn spawn(mut command: Command, log: &Arc<Mutex<Vec<String>>>) -> Child {
    let mut process = command.stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let log = log.clone();
    thread::spawn(move || lines.map_while(Result::ok).for_each(|line| log.lock().unwrap().push(line)));
    process
}
