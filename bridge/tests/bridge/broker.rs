//! A real Mosquitto on a free port, without persistence.

use std::{
    fs,
    io::ErrorKind,
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{PATIENCE, free_port};

pub struct Broker {
    pub port: u16,
    directory: TempDir,
    process: Option<Child>,
}

impl Broker {
    /// Anybody may connect.
    pub fn open() -> Self {
        Self::start(None)
    }

    /// Over TLS only; the certificate is its own authority, and good for this name.
    pub fn with_tls(name: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (key, certificate) = (directory.path().join("key.pem"), directory.path().join("ca.pem"));
        let (subject, names) = (format!("/CN={name}"), format!("subjectAltName=DNS:{name}"));
        let (key, certificate) = (key.to_str().unwrap(), certificate.to_str().unwrap());
        let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", &subject, "-addext", &names];
        let rest = ["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", key, "-out", certificate];
        run("openssl", &[&request[..], &rest[..]].concat());
        let tls = format!("cafile {certificate}\ncertfile {certificate}\nkeyfile {key}\nallow_anonymous true\n");
        Self::configured(directory, &tls)
    }

    /// Where the certificate is, of a broker with TLS.
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// Only this user may.
    pub fn with_user(user: &str, password: &str) -> Self {
        Self::start(Some((user, password)))
    }

    fn start(user: Option<(&str, &str)>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let Some((user, password)) = user else {
            return Self::configured(directory, "allow_anonymous true\n");
        };
        let file = directory.path().join("users");
        run("mosquitto_passwd", &["-b", "-c", file.to_str().unwrap(), user, password]);
        let config = format!("allow_anonymous false\npassword_file {}\n", file.display());
        Self::configured(directory, &config)
    }

    fn configured(directory: TempDir, rest: &str) -> Self {
        let port = free_port();
        let config = format!("listener {port} 127.0.0.1\npersistence false\nuser root\n{rest}");
        fs::write(directory.path().join("mosquitto.conf"), config).unwrap();
        let mut broker = Self { port, directory, process: None };
        broker.resume();
        broker
    }

    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// The broker dies; everything it retained is gone.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// It comes back on the same port.
    pub fn resume(&mut self) {
        let child = Command::new(program("mosquitto"))
            .arg("-c")
            .arg(self.directory.path().join("mosquitto.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.process = Some(child.unwrap_or_else(|error| missing("mosquitto", &error)));
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < end, "mosquitto does not listen on {}", self.port);
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Debian keeps mosquitto where only root's path leads.
fn program(name: &str) -> String {
    let system = format!("/usr/sbin/{name}");
    if fs::exists(&system).unwrap_or(false) { system } else { name.to_owned() }
}

fn run(name: &str, arguments: &[&str]) {
    let status = Command::new(program(name)).args(arguments).stderr(Stdio::null()).status();
    assert!(status.unwrap_or_else(|error| missing(name, &error)).success(), "{name} failed");
}

fn missing(name: &str, error: &std::io::Error) -> ! {
    match error.kind() {
        ErrorKind::NotFound => panic!("{name} is missing: apt-get install mosquitto openssl"),
        _ => panic!("{name}: {error}"),
    }
}
