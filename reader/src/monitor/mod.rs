//! `monitor`: what the meter sends, label by label with value, unit and meaning, live. Needs the line and nothing else: no bridge.
//!
//! On a terminal the table is drawn over itself, what matters most first, and keys lead to the rest; into a file or a pipe each frame is written
//! below the last. Ctrl-C ends it.

mod keys;
mod rows;
mod screen;

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
    time::{Duration, Instant},
};

use teleinfo_proto::{
    tic::{Dataset, Event, Mode, Value},
    wire::{BootId, Cause, LineState},
};

use crate::{
    advice::advice_on,
    config::Settings,
    daemon::{
        exit::{ExitCode, Failure},
        signals::Signals,
    },
    language::{Language, Words},
    line::{Fault, Listener, Notice, holders},
    reading::{FaultKind, Output, Reading, ReadingState},
    terminal,
};
use keys::{Key, Keys};
use rows::Table;
use screen::{Page, Position};

/// Between two looks for a signal.
const TURN: Duration = Duration::from_millis(100);
/// Drawn no more often: an ssh session over a telephone is slow.
const DRAW: Duration = Duration::from_millis(250);

const RECEPTION: Words = Words::new("reception: {} datasets good, {} refused", "réception : {} groupes bons, {} refusés");
const TAKEN: Words = Words::new("{}: it takes bytes of the meter away", "{} : il prend des octets au compteur");

/// Columns and lines of a terminal that does not say how large it is.
const USUAL_SIZE: (usize, usize) = (80, 24);

/// Shows the meter until a signal asks to stop, or nobody looks any more.
///
/// # Errors
/// The line cannot be opened. One that goes away later is waited for.
pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    let signals = Signals::take().map_err(|error| Failure::internal("signals", error))?;
    let mut monitor = Monitor::new(settings)?;
    while signals.next_request().is_none() && !monitor.is_quit && monitor.turn()?.is_ok() {}
    monitor.leave();
    Ok(())
}

fn failure(fault: &Fault, language: Language) -> Failure {
    let code = match fault.kind {
        FaultKind::Denied => ExitCode::Permission,
        _ => ExitCode::Unavailable,
    };
    let held = fault.devices.last().filter(|_| fault.kind == FaultKind::Busy).and_then(|path| holders::words(path, language));
    Failure::new(code, held.unwrap_or_else(|| fault.words(language)))
}

/// Everything that is shown, and where.
struct Monitor {
    language: Language,
    listener: Listener,
    /// The device that was opened last.
    device: Option<PathBuf>,
    fault: Option<Fault>,
    /// Who else has the line open, when that was last looked for.
    others: Option<String>,
    /// The trouble that was shown last.
    told: Option<String>,
    table: Table,
    meter: Option<String>,
    terminal: bool,
    keys: Option<Keys>,
    position: Position,
    is_quit: bool,
    drawn: Option<Instant>,
}

impl Monitor {
    fn new(settings: &Settings) -> Result<Self, Failure> {
        let reading = Reading::new(BootId::new(0), settings.mode, settings.parity, Instant::now());
        Ok(Self {
            language: settings.language,
            listener: Listener::new(&settings.source, reading).map_err(|error| Failure::internal("epoll", error))?,
            device: None,
            fault: None,
            others: None,
            told: None,
            table: Table::new(settings.language),
            meter: None,
            terminal: io::stdout().is_terminal(),
            keys: None,
            position: Position::default(),
            is_quit: false,
            drawn: None,
        })
    }

    /// Listens for a moment and shows what is new. The inner error: nobody looks any more.
    fn turn(&mut self) -> Result<io::Result<()>, Failure> {
        let ended = self.listen()?;
        let now = Instant::now();
        Ok(if self.terminal {
            self.draw(now)
        } else if ended | self.is_trouble_new(now) {
            self.print(now)
        } else {
            Ok(())
        })
    }

    /// `true`: a frame has ended. An error: the line could not be opened the first time.
    fn listen(&mut self) -> Result<bool, Failure> {
        let Self { listener, table, meter, language, .. } = self;
        let mut ended = false;
        let notice = listener.turn(TURN, &mut |output| {
            let Output::Event(event) = output else { return };
            if let Event::Dataset(dataset) = &event {
                *meter = whose(dataset, *language).or(meter.take());
            }
            ended |= table.handle_event(&event);
        });
        match notice {
            Some(Notice::Opened(path) | Notice::Moved { to: path, .. }) => (self.device, self.fault) = (Some(path), None),
            Some(Notice::Fault(fault)) if self.device.is_none() => return Err(failure(&fault, self.language)),
            Some(Notice::Fault(fault)) => self.fault = Some(fault),
            Some(Notice::Shared(words)) => self.others = Some(words),
            Some(Notice::Disturbed(_)) | None => {}
        }
        Ok(ended)
    }

    fn draw(&mut self, now: Instant) -> io::Result<()> {
        if self.drawn.is_none() {
            self.keys = Keys::take();
        }
        let pressed = self.keys.as_ref().map(Keys::pressed).unwrap_or_default();
        if pressed.is_empty() && self.drawn.is_some_and(|at| now < at + DRAW) {
            return Ok(());
        }
        let page = Page::new(&self.heading(now), self.table.rows(), terminal::size().unwrap_or(USUAL_SIZE));
        for key in pressed {
            match key {
                Key::Quit => self.is_quit = true,
                Key::Go(to) => self.position.go(to, page.shown(), page.all()),
            }
        }
        let clear = if self.drawn.is_none() { screen::BEGIN } else { "" };
        self.drawn = Some(now);
        write(&format!("{clear}{}", page.draw(&mut self.position, self.language)))
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
        let device = self.device.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        let whose = self.meter.clone().unwrap_or_else(|| format!("{device}{}", say(": looking for the meter", " : recherche du compteur")));
        [whose, self.state(now)].into_iter().chain(self.reception(now)).collect()
    }

    /// How many datasets of a line that is read were refused, and what that comes from as soon as it is known.
    fn reception(&self, now: Instant) -> Option<String> {
        let (reading, state) = (&self.listener.reading, self.listener.reading.state(now));
        let trouble = self.trouble(now);
        let reads = self.fault.is_none() && state.line == LineState::Reading;
        let refused = reading.counters().refusals().map(|(_, count)| count).sum::<u32>();
        let count = (refused > 0).then(|| RECEPTION.say(self.language, &[&reading.counters().datasets_good, &refused]).to_string());
        let told = count.into_iter().chain(trouble).collect::<Vec<_>>().join(". ");
        (reads && !told.is_empty()).then_some(told)
    }

    /// What is wrong with the line, or with what comes down it.
    fn trouble(&self, now: Instant) -> Option<String> {
        if let Some(fault) = &self.fault {
            return Some(fault.words(self.language));
        }
        let state = self.listener.reading.state(now);
        match (state.cause, &self.others) {
            (Cause::None, _) => None,
            (Cause::BytesTaken, Some(who)) => Some(TAKEN.say(self.language, &[who]).to_string()),
            _ => Some(advice_on(&state, self.language)),
        }
    }

    /// Whether there is trouble that was not shown yet: then it does not wait for a frame, which may never come.
    fn is_trouble_new(&mut self, now: Instant) -> bool {
        let trouble = self.trouble(now);
        let is_new = trouble.is_some() && trouble != self.told;
        self.told = trouble;
        is_new
    }

    fn state(&self, now: Instant) -> String {
        let ReadingState { line, mode, .. } = self.listener.reading.state(now);
        if let Some(trouble) = self.trouble(now).filter(|_| line != LineState::Reading) {
            return trouble;
        }
        let Some(mode) = mode else { return "...".into() };
        let Table { good, damaged, .. } = self.table;
        let baud = mode.baud();
        match (self.language, mode) {
            (Language::English, mode) => format!("{mode} mode, {baud} baud; frames: {good} good, {damaged} damaged"),
            (Language::French, Mode::Historic) => format!("mode historique, {baud} bauds ; trames : {good} bonnes, {damaged} abîmées"),
            (Language::French, Mode::Standard) => format!("mode standard, {baud} bauds ; trames : {good} bonnes, {damaged} abîmées"),
        }
    }
}

/// The meter, if this dataset says who it is.
fn whose(dataset: &Dataset<'_>, language: Language) -> Option<String> {
    let Value::Identity(id) = dataset.value() else { return None };
    let known = [id.manufacturer(), id.kind().map(|kind| Words::new(kind.name, kind.french).get(language))].into_iter().flatten();
    let known = known.collect::<Vec<_>>().join(" ");
    Some(if known.is_empty() { id.to_string() } else { format!("{id}, {known}") })
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
