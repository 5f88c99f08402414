//! Reader and bridge, which run until the app is to end. One that ends by itself is started again after a pause, as systemd would do it.

use std::{
    io,
    path::Path,
    process::{Child, Command},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use teleinfo_people::language::Words;

use crate::{
    journal::say,
    signals::{Signals, Wake},
};

/// The bridge opens its port first, so that the reader finds it at once.
const BRIDGE_FIRST: Duration = Duration::from_secs(2);
/// How long a program rests after it has ended by itself.
const PAUSE: Duration = Duration::from_secs(5);
/// How long it may take to end when it is asked to; `timeout` of `config.yaml` is longer.
const GRACE: Duration = Duration::from_secs(15);
/// How often it is looked after meanwhile: signals of one kind do not add up.
const LOOK: Duration = Duration::from_millis(100);
/// The longest wait: signals end it sooner.
const LONG: Duration = Duration::from_secs(600);

const ENDED: Words = Words::new("{} has ended ({}); it is started again in {} s", "{} s'est arrêté ({}) ; nouveau démarrage dans {} s");

/// One program.
struct Program {
    name: &'static str,
    command: Command,
    child: Option<Child>,
    due: Instant,
}

impl Program {
    fn new(folder: &Path, name: &'static str, variables: Vec<(String, String)>, now: Instant) -> Self {
        let mut command = Command::new(folder.join(name));
        command.envs(variables);
        Self { name, command, child: None, due: now }
    }

    fn start(&mut self) -> io::Result<()> {
        let child = self.command.spawn().map_err(|error| io::Error::other(format!("{}: {error}", self.name)))?;
        self.child = Some(child);
        Ok(())
    }

    /// Looks whether it has ended.
    fn handle_ended(&mut self, now: Instant) {
        let Some(child) = &mut self.child else { return };
        if let Ok(Some(status)) = child.try_wait() {
            say(ENDED, &[&self.name, &status, &PAUSE.as_secs()]);
            self.child = None;
            self.due = now + PAUSE;
        }
    }

    fn ask_to_stop(&self) {
        if let Some(pid) = self.child.as_ref().and_then(|child| i32::try_from(child.id()).ok()) {
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
    }

    fn is_running(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }
}

/// Both of them.
pub(crate) struct Programs(Vec<Program>);

impl Programs {
    /// The programs in a folder, each with its variables; the reader only where there is something to read.
    pub(crate) fn new(folder: &Path, of_bridge: Vec<(String, String)>, of_reader: Option<Vec<(String, String)>>, now: Instant) -> Self {
        let bridge = Program::new(folder, "teleinfo-bridge", of_bridge, now);
        let reader = of_reader.map(|variables| Program::new(folder, "teleinfo-reader", variables, now + BRIDGE_FIRST));
        Self([bridge].into_iter().chain(reader).collect())
    }

    /// Runs them until a signal says that it is enough.
    pub(crate) fn run(&mut self, signals: &Signals) -> io::Result<()> {
        loop {
            self.handle_due(Instant::now())?;
            let wake = signals.wait(self.poll_timeout(Instant::now()));
            if wake == Wake::Stop {
                self.stop(signals);
                return Ok(());
            }
            self.0.iter_mut().for_each(|program| program.handle_ended(Instant::now()));
        }
    }

    fn handle_due(&mut self, now: Instant) -> io::Result<()> {
        self.0.iter_mut().filter(|program| program.child.is_none() && program.due <= now).try_for_each(Program::start)
    }

    fn poll_timeout(&self, now: Instant) -> Duration {
        let due = self.0.iter().filter(|program| program.child.is_none()).map(|program| program.due.saturating_duration_since(now));
        due.min().unwrap_or(LONG)
    }

    /// Asks both to end; who takes too long is ended.
    fn stop(&mut self, signals: &Signals) {
        self.0.iter().for_each(Program::ask_to_stop);
        let end = Instant::now() + GRACE;
        while self.0.iter_mut().any(Program::is_running) && Instant::now() < end {
            signals.wait(LOOK);
        }
        for child in self.0.iter_mut().filter_map(|program| program.child.as_mut()) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, thread};

    use super::*;

    /// Programs that write down that they were started, and what they were told.
    fn folder(bridge: &str, reader: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, script) in [("teleinfo-bridge", bridge), ("teleinfo-reader", reader)] {
            let path = folder.path().join(name);
            fs::write(&path, format!("#!/bin/sh\necho $TOLD >> {}.started\n{script}\n", path.display())).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }

    fn starts(folder: &Path, name: &str) -> usize {
        fs::read_to_string(folder.join(format!("{name}.started"))).map_or(0, |text| text.matches("me").count())
    }

    #[test]
    fn what_ended_rests_and_is_started_again_and_all_end_when_asked() {
        let folder = folder("exit 1", "exec sleep 60");
        let told = || vec![("TOLD".to_owned(), "me".to_owned())];
        let began = Instant::now();
        let mut programs = Programs::new(folder.path(), told(), Some(told()), began);
        programs.handle_due(began).unwrap();
        assert!(programs.0[1].child.is_none(), "the bridge first");
        programs.handle_due(began + BRIDGE_FIRST).unwrap();
        while programs.0[0].child.is_some() {
            thread::sleep(Duration::from_millis(10));
            programs.0.iter_mut().for_each(|program| program.handle_ended(began));
        }
        assert_eq!((programs.poll_timeout(began), programs.0[1].is_running()), (PAUSE, true));
        programs.handle_due(began).unwrap();
        assert!(programs.0[0].child.is_none(), "started without a pause");
        programs.handle_due(began + PAUSE).unwrap();
        while starts(folder.path(), "teleinfo-bridge") < 2 && began.elapsed() < GRACE {
            thread::sleep(Duration::from_millis(10));
        }
        programs.stop(&Signals::take().unwrap());
        assert!(programs.0.iter_mut().all(|program| !program.is_running()));
        assert!(began.elapsed() < GRACE, "who was asked to end was waited for too long");
        assert_eq!((starts(folder.path(), "teleinfo-bridge"), starts(folder.path(), "teleinfo-reader")), (2, 1));
    }

    #[test]
    fn without_a_meter_here_only_the_bridge_runs() {
        assert_eq!(Programs::new(Path::new("/"), Vec::new(), None, Instant::now()).0.len(), 1);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = Programs::new(Path::new("/none"), Vec::new(), None, Instant::now()).handle_due(Instant::now()).unwrap_err();
        assert!(error.to_string().starts_with("teleinfo-bridge: "), "{error}");
    }
}
