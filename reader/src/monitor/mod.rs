//! `monitor`: what the meter sends, label by label with value, unit and meaning, live. Needs the line and nothing else: no bridge.
//!
//! On a terminal the table is drawn over itself; into a file or a pipe each frame is written below the last. Ctrl-C ends it.

mod rows;
mod screen;

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

use teleinfo_proto::{
    tic::{Event, Mode, Value},
    wire::{Cause, LineState},
};

use crate::{
    config::Settings,
    daemon::{
        exit::{Code, Failure},
        signals::Signals,
    },
    doctor::holders,
    language::Language,
    line::{
        Fault, FaultKind,
        open::{Heard, Listener},
    },
    reading::{
        diagnosis::Diagnosis,
        watch::{Action, Session},
    },
};
use rows::Table;

/// Between two looks for a signal.
const TURN: Duration = Duration::from_millis(100);
/// Drawn no more often: an ssh session over a telephone is slow.
const DRAW: Duration = Duration::from_millis(250);

/// Shows the meter until a signal asks to stop, or nobody looks any more.
///
/// # Errors
/// The line cannot be opened. One that goes away later is waited for.
pub fn run(settings: &Settings, language: Language) -> Result<(), Failure> {
    let signals = Signals::take().map_err(|error| Failure::internal("signals", error))?;
    let mut monitor = Monitor::new(settings, language);
    monitor.open().map_err(failure)?;
    while signals.next_wish().is_none() && monitor.turn().is_ok() {}
    monitor.leave();
    Ok(())
}

fn failure(fault: Fault) -> Failure {
    let code = match fault.kind {
        FaultKind::Denied => Code::Permission,
        _ => Code::Unavailable,
    };
    let held = fault.devices.last().filter(|_| fault.kind == FaultKind::Busy).and_then(|path| holders::words(path));
    Failure::new(code, held.unwrap_or_else(|| fault.to_string()))
}

/// Everything that is shown, and where.
struct Monitor<'a> {
    settings: &'a Settings,
    language: Language,
    listener: Option<Listener>,
    device: PathBuf,
    fault: Option<Fault>,
    session: Session,
    diagnosis: Diagnosis,
    table: Table,
    meter: Option<String>,
    terminal: bool,
    drawn: Option<Instant>,
}

impl<'a> Monitor<'a> {
    fn new(settings: &'a Settings, language: Language) -> Self {
        let now = Instant::now();
        Self {
            settings,
            language,
            listener: None,
            device: PathBuf::new(),
            fault: None,
            session: Session::new(now),
            diagnosis: Diagnosis::new(now),
            table: Table::new(language),
            meter: None,
            terminal: io::stdout().is_terminal(),
            drawn: None,
        }
    }

    fn open(&mut self) -> Result<(), Fault> {
        let Settings { devices, mode, parity, .. } = self.settings;
        let now = Instant::now();
        let listener = Listener::open(devices, *mode, *parity, now)?;
        self.device = listener.path().into();
        (self.listener, self.fault) = (Some(listener), None);
        self.session.handle_opened(now);
        Ok(())
    }

    /// Listens for a moment and shows what is new. An error: nobody looks any more.
    fn turn(&mut self) -> io::Result<()> {
        let ended = self.listen();
        let now = Instant::now();
        if let Some(Action::Open) = self.session.poll_action(now)
            && let Err(fault) = self.open()
        {
            self.close(fault, now);
        }
        match self.terminal {
            true => self.draw(now),
            false if ended => self.print(now),
            false => Ok(()),
        }
    }

    /// `true`: a frame has ended.
    fn listen(&mut self) -> bool {
        let Self { listener, session, diagnosis, table, meter, .. } = self;
        let Some(open) = listener else {
            std::thread::sleep(TURN);
            return false;
        };
        let mut ended = false;
        let turned = open.turn(TURN, &mut |heard| match heard {
            Heard::Bytes(bytes) => {
                session.handle_bytes(Instant::now());
                diagnosis.handle_bytes(bytes);
            }
            Heard::Event(event) => {
                if let Event::Dataset(dataset) = event {
                    session.handle_dataset(Instant::now());
                    if let Value::Identity(id) = dataset.value() {
                        let (maker, kind) = (id.manufacturer().unwrap_or("?"), id.kind().map_or("", |kind| kind.name));
                        *meter = Some(format!("{id}, {maker} {kind}"));
                    }
                }
                ended |= table.handle(event);
            }
        });
        if let Err(fault) = turned {
            self.close(fault, Instant::now());
        }
        ended
    }

    fn close(&mut self, fault: Fault, now: Instant) {
        self.session.handle_fault(fault.kind, now);
        (self.listener, self.fault) = (None, Some(fault));
    }

    fn draw(&mut self, now: Instant) -> io::Result<()> {
        if self.drawn.is_some_and(|at| now < at + DRAW) {
            return Ok(());
        }
        let clear = if self.drawn.is_none() { screen::BEGIN } else { "" };
        self.drawn = Some(now);
        write(&format!("{clear}{}", screen::draw(&self.heading(now), self.table.rows())))
    }

    fn print(&self, now: Instant) -> io::Result<()> {
        write(&screen::list(&self.heading(now), self.table.rows()))
    }

    /// The table stays; the prompt comes below it.
    fn leave(&self) {
        if self.drawn.is_some() {
            let _ = write(screen::END);
        }
    }

    /// Whose frames these are, and how the line is doing.
    fn heading(&self, now: Instant) -> Vec<String> {
        let say = |english: &'static str, french: &'static str| self.language.choose(english, french);
        let whose = self
            .meter
            .clone()
            .unwrap_or_else(|| format!("{}: {}", self.device.display(), say("looking for the meter", "recherche du compteur")));
        vec![whose, self.state(now)]
    }

    fn state(&self, now: Instant) -> String {
        if let Some(fault) = &self.fault {
            return fault.to_string();
        }
        let line = self.session.line(now);
        let cause = self.diagnosis.cause(line, self.session.is_settled(now), self.meter.is_some());
        if line != LineState::Reading && cause != Cause::None {
            return self.language.choose(cause.english(), cause.french()).into();
        }
        let Some((mode, trial)) = self.listener.as_ref().and_then(|open| Some((open.mode()?, open.trial()))) else {
            return "...".into();
        };
        let Table { good, damaged, .. } = self.table;
        let baud = trial.speed.baud();
        match (self.language, mode) {
            (Language::English, mode) => format!("{mode} mode, {baud} baud; frames: {good} good, {damaged} damaged"),
            (Language::French, Mode::Historic) => format!("mode historique, {baud} bauds ; trames : {good} bonnes, {damaged} abîmées"),
            (Language::French, Mode::Standard) => format!("mode standard, {baud} bauds ; trames : {good} bonnes, {damaged} abîmées"),
        }
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
