//! A program that runs for a while: its words go to a file, and it ends with the one who started it.

use crate::failure::{Code, Failure, OrFail, Outcome};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a program may take to end when asked to.
const GRACE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(10);

/// A running program.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a command; what it says goes to `<name>.log` in this directory.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(name: &str, command: &mut Command, dir: &Path) -> Outcome<Self> {
        let log = dir.join(format!("{name}.log"));
        let file = File::create(&log).or_fail(Code::CannotCreate, || format!("cannot write {}", log.display()))?;
        Ok(Self { name: name.to_owned(), child: spawn(name, command, file)?, log })
    }

    /// Starts a command in the place of one that has ended; what it says is added to the log.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_again(&mut self, command: &mut Command) -> Outcome {
        let file = File::options().append(true).open(&self.log);
        let file = file.or_fail(Code::CannotCreate, || format!("cannot write {}", self.log.display()))?;
        self.child = spawn(&self.name, command, file)?;
        Ok(())
    }

    /// The whole lines it has said so far.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let log = self.log();
        // A line that is still being written has no end yet.
        log.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).map(str::to_owned).collect()
    }

    /// How it has ended, if it has.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn has_ended(&mut self) -> Outcome<Option<ExitStatus>> {
        self.child.try_wait().or_fail(Code::Software, || format!("cannot ask after {}", self.name))
    }

    /// Sends it a signal, by its name (`SIGTERM`).
    ///
    /// # Errors
    /// When there is no such signal, or the process is gone.
    pub fn signal(&self, name: &str) -> Outcome {
        let signal: Signal = name.parse().or_fail(Code::Software, || format!("no signal {name}"))?;
        kill(Pid::from_raw(self.child.id() as i32), signal).or_fail(Code::Software, || format!("cannot send {name} to {}", self.name))
    }

    /// Ends it by force, and waits until it has ended.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Everything it has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Its process number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Fails with its last words when it has ended.
    ///
    /// # Errors
    /// When it does not run any more.
    pub fn check(&mut self) -> Outcome {
        match self.has_ended()? {
            None => Ok(()),
            Some(status) => Err(self.ended(status)),
        }
    }

    /// Waits until it has said this.
    ///
    /// # Errors
    /// When it has ended, or not said it in time.
    pub fn wait_for_words(&mut self, words: &str, limit: Duration) -> Outcome {
        let end = Instant::now() + limit;
        while !self.log().contains(words) {
            self.check()?;
            if Instant::now() > end {
                return Err(Failure::new(Code::Unavailable, format!("{} has not said \"{words}\": {}", self.name, last_line(&self.log()))));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Waits until somebody accepts connections on this port of loopback.
    ///
    /// # Errors
    /// When it has ended, or nobody does in time.
    pub fn wait_for_port(&mut self, port: u16, limit: Duration) -> Outcome {
        let end = Instant::now() + limit;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            self.check()?;
            if Instant::now() > end {
                return Err(Failure::new(Code::Unavailable, format!("{} does not listen on port {port}", self.name)));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// Asks it to end and waits until it has; ends it by force when it does not.
    pub fn stop(&mut self) {
        let _ = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM);
        let end = Instant::now() + GRACE;
        while Instant::now() < end {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK);
        }
        self.kill();
    }

    fn ended(&self, status: ExitStatus) -> Failure {
        Failure::new(Code::Unavailable, format!("{} has ended ({status}): {}", self.name, last_line(&self.log())))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.stop();
        }
    }
}

fn spawn(name: &str, command: &mut Command, log: File) -> Outcome<Child> {
    let errors = log.try_clone().or_fail(Code::Software, || "no file descriptor left".into())?;
    command
        // What it says is searched.
        .env("LC_ALL", "en_GB.UTF-8")
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        // Ctrl-C in a terminal goes to the whole group: who has started it ends it, in order.
        .process_group(0)
        .spawn()
        .or_fail(Code::Unavailable, || format!("cannot start {name}"))
}

fn last_line(text: &str) -> String {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned()
}

/// A port of loopback that nobody uses now.
///
/// # Errors
/// When there is none.
pub fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).or_fail(Code::Unavailable, || "no free port".into())?;
    let address = listener.local_addr().or_fail(Code::Unavailable, || "no free port".into())?;
    Ok(address.port())
}

/// This port of loopback if nobody uses it now, else another.
///
/// # Errors
/// When there is none.
pub fn free_port_or(wanted: u16) -> Outcome<u16> {
    match TcpListener::bind(("127.0.0.1", wanted)) {
        Ok(_) => Ok(wanted),
        Err(_) => free_port(),
    }
}
