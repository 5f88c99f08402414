//! A real Mosquitto on a free port of loopback, without persistence: open to anybody, with limits, with a user, over TLS, or for
//! clients with a certificate.

use super::process::{Process, free_port};
use crate::failure::{Code, Failure, OrFail, Outcome};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// How long it may take to listen.
const START: Duration = Duration::from_secs(20);

/// A broker, and the directory with its files.
#[derive(Debug)]
pub struct Broker {
    /// Where it listens.
    pub port: u16,
    directory: TempDir,
    process: Option<Process>,
}

impl Broker {
    /// Anybody may connect.
    ///
    /// # Errors
    /// When Mosquitto is not installed, or does not start.
    pub fn open() -> Outcome<Self> {
        Self::configured(directory()?, "allow_anonymous true\n")
    }

    /// Anybody may connect, under these lines of `mosquitto.conf`; with an access list, if these lines of one are not empty.
    ///
    /// # Errors
    /// As `open`.
    pub fn with_limits(lines: &str, access: &str) -> Outcome<Self> {
        let directory = directory()?;
        let mut lines = format!("allow_anonymous true\n{lines}\n");
        if !access.is_empty() {
            let file = directory.path().join("access");
            std::fs::write(&file, access).or_fail(Code::CannotCreate, || format!("cannot write {}", file.display()))?;
            lines.push_str(&format!("acl_file {}\n", file.display()));
        }
        Self::configured(directory, &lines)
    }

    /// Only this user may connect.
    ///
    /// # Errors
    /// As `open`.
    pub fn with_user(user: &str, password: &str) -> Outcome<Self> {
        let directory = directory()?;
        let file = directory.path().join("users").display().to_string();
        run("mosquitto_passwd", &["-b", "-c", &file, user, password])?;
        Self::configured(directory, &format!("allow_anonymous false\npassword_file {file}\n"))
    }

    /// Over TLS only. The certificate is its own authority, and good for this name.
    ///
    /// # Errors
    /// As `open`; it needs openssl as well.
    pub fn with_tls(name: &str) -> Outcome<Self> {
        let directory = directory()?;
        let file = |name| directory.path().join(name).display().to_string();
        let (key, certificate) = (file("key.pem"), file("ca.pem"));
        let (subject, names) = (format!("/CN={name}"), format!("subjectAltName=DNS:{name}"));
        let request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", &subject, "-addext", &names];
        let rest = ["-addext", "basicConstraints=critical,CA:FALSE", "-keyout", &key, "-out", &certificate];
        run("openssl", &[&request[..], &rest[..]].concat())?;
        let tls = format!("cafile {certificate}\ncertfile {certificate}\nkeyfile {key}\nallow_anonymous true\n");
        Self::configured(directory, &tls)
    }

    /// Over TLS only, for clients that show a certificate of an authority. The directory of `files` has `ca.pem`, `server.pem` and `server-key.pem`.
    ///
    /// # Errors
    /// As `open`.
    pub fn with_client_certificates(files: &Path) -> Outcome<Self> {
        let file = |name| files.join(name).display().to_string();
        let tls = format!(
            "cafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\nallow_anonymous true\n",
            file("ca.pem"),
            file("server.pem"),
            file("server-key.pem")
        );
        Self::configured(directory()?, &tls)
    }

    fn configured(directory: TempDir, rest: &str) -> Outcome<Self> {
        let port = free_port()?;
        let text = format!("listener {port} 127.0.0.1\npersistence false\nuser root\n{rest}");
        let file = directory.path().join("mosquitto.conf");
        std::fs::write(&file, text).or_fail(Code::CannotCreate, || format!("cannot write {}", file.display()))?;
        let mut broker = Self { port, directory, process: None };
        broker.resume()?;
        Ok(broker)
    }

    /// What a client connects to.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mqtt://127.0.0.1:{}", self.port)
    }

    /// Its process number, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Where the certificate of a broker with TLS is.
    #[must_use]
    pub fn authority(&self) -> PathBuf {
        self.directory.path().join("ca.pem")
    }

    /// The broker dies; everything it retained is gone.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// It comes back on the same port.
    ///
    /// # Errors
    /// When it does not start.
    pub fn resume(&mut self) -> Outcome {
        let mut command = Command::new(program("mosquitto"));
        command.arg("-c").arg(self.directory.path().join("mosquitto.conf"));
        let mut process = Process::start("mosquitto", &mut command, self.directory.path()).map_err(|failure| missing(&failure))?;
        process.wait_for_port(self.port, START)?;
        self.process = Some(process);
        Ok(())
    }
}

fn directory() -> Outcome<TempDir> {
    tempfile::tempdir().or_fail(Code::CannotCreate, || "cannot make a directory".into())
}

/// Debian keeps Mosquitto where only root's path leads.
fn program(name: &str) -> PathBuf {
    let places = ["/usr/sbin", "/usr/local/sbin"].map(|place| Path::new(place).join(name));
    places.into_iter().find(|path| path.is_file()).unwrap_or_else(|| name.into())
}

fn run(name: &str, arguments: &[&str]) -> Outcome {
    let status = Command::new(program(name)).args(arguments).stderr(Stdio::null()).status();
    match status.or_fail(Code::Unavailable, || format!("cannot start {name}")).map_err(|failure| missing(&failure))? {
        status if status.success() => Ok(()),
        status => Err(Failure::new(Code::Unavailable, format!("{name} has ended ({status})"))),
    }
}

fn missing(failure: &Failure) -> Failure {
    Failure::new(Code::Unavailable, format!("{failure}: install it (apt install mosquitto openssl)"))
}
