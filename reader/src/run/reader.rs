//! All parts of the reader, and how they hang together: what one of them gives goes to the next.

use std::{
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use mio::{Interest, Registry, unix::SourceFd};
use teleinfo_proto::{
    tic::{Event, Mode, Value},
    wire::{BootId, LineState, Status},
};
use teleinfo_zenoh_client::{Client, Credentials, Options};

use super::{
    CLIENT, LINE,
    news::{self, News, State},
};
use crate::{
    config::{Settings, credentials},
    daemon::{
        exit::{Code, Failure},
        notify::Notify,
    },
    history::History,
    led::{gpio, light::Light},
    line::{Fault, FaultKind, Framing, Line, Read},
    reading::{
        assemble::{Assembler, Moment},
        diagnosis::Diagnosis,
        receive::Receiver,
        watch::{Action, Session},
    },
    uplink::Publisher,
};

/// One read: a second of a line at 9600 baud.
const READ_BYTES: usize = 1024;
/// The labels of the apparent power drawn, for the light.
const POWER_LABELS: [&str; 2] = ["PAPP", "SINSTS"];

/// All parts, and how they hang together.
pub(super) struct Reader<'a> {
    settings: &'a Settings,
    registry: Registry,
    started: Instant,
    line: Option<Line>,
    /// Bytes may be waiting in the line.
    line_ready: bool,
    /// How the line is set; none = not yet.
    applied: Option<Applied>,
    session: Session,
    receiver: Receiver,
    assembler: Assembler,
    diagnosis: Diagnosis,
    history: History,
    publisher: Publisher,
    light: Light,
    notify: Notify,
    boot: BootId,
    news: News,
    fault: Option<FaultKind>,
    next_alive: Option<Instant>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Applied {
    speed: Mode,
    framing: Framing,
    /// The line has taken all of it.
    whole: bool,
}

impl<'a> Reader<'a> {
    pub(super) fn new(settings: &'a Settings, registry: &Registry, now: Instant) -> Result<Self, Failure> {
        let registry = |doing| registry.try_clone().map_err(|error| Failure::internal(doing, error));
        let boot = BootId::new(getrandom::u64().map_err(|error| Failure::internal("random numbers", error))?);
        let options = Options { locators: settings.connect.clone(), credentials: credentials(settings)?, ..Options::default() };
        let mut history = History::new(settings.history_size);
        load(&mut history, settings);
        let notify = Notify::from_environment();
        Ok(Self {
            settings,
            registry: registry("epoll")?,
            started: now,
            line: None,
            line_ready: false,
            applied: None,
            session: Session::new(now),
            receiver: Receiver::new(settings.mode, settings.parity, now),
            assembler: Assembler::new(boot),
            diagnosis: Diagnosis::new(now),
            history,
            publisher: Publisher::new(Client::new(registry("epoll")?, CLIENT, options, now)),
            light: Light::new(settings, Path::new(gpio::ROOT), now),
            next_alive: notify.interval().map(|_| now),
            notify,
            boot,
            news: News::new(now),
            fault: None,
        })
    }

    /// How long the loop may sleep.
    pub(super) fn poll_timeout(&self, now: Instant) -> Duration {
        if self.line_ready {
            return Duration::ZERO;
        }
        let receiver = self.line.as_ref().and_then(|_| self.receiver.poll_timeout());
        let fixed = [self.session.poll_timeout(now), self.diagnosis.poll_timeout(), self.news.poll_timeout()];
        let changing = [receiver, self.publisher.poll_timeout(now), self.light.poll_timeout(), self.next_alive];
        let next = changing.into_iter().flatten().fold(fixed[0].min(fixed[1]).min(fixed[2]), Instant::min);
        next.saturating_duration_since(now)
    }

    /// Everything that is due.
    pub(super) fn turn(&mut self, now: Instant) {
        if self.line_ready {
            self.read(now);
        }
        if self.line.is_some() {
            self.pass(now, |receiver, sink| receiver.handle_timeout(now, sink));
            self.apply(now);
        }
        match self.session.poll_action(now) {
            Some(Action::Open) => self.open(now),
            Some(Action::CheckSettings) => self.check_settings(now),
            None => {}
        }
        let connected = self.publisher.handle_timeout(&self.history, now);
        self.publisher.set_alive(self.session.is_alive(now), now);
        self.light.handle_timeout(now);
        self.watch(connected, now);
        if self.next_alive.is_some_and(|at| now >= at) {
            self.notify.alive();
            self.next_alive = self.notify.interval().map(|interval| now + interval);
        }
    }

    fn open(&mut self, now: Instant) {
        let opened = Line::open(&self.settings.devices).and_then(|line| {
            let registered = self.registry.register(&mut SourceFd(&line.as_raw_fd()), LINE, Interest::READABLE);
            registered.map_err(|error| Fault::of(line.path(), &error))?;
            Ok(line)
        });
        match opened {
            Ok(line) => {
                log::debug!("{}: open", line.path().display());
                (self.line, self.line_ready, self.applied, self.fault) = (Some(line), true, None, None);
                self.session.handle_opened(now);
                self.receiver.restart(now);
                self.apply(now);
            }
            Err(fault) => self.close(&fault, now),
        }
    }

    /// The line has gone, or never came.
    fn close(&mut self, fault: &Fault, now: Instant) {
        if let Some(line) = self.line.take() {
            let _ = self.registry.deregister(&mut SourceFd(&line.as_raw_fd()));
            self.line_ready = false;
            self.pass(now, |receiver, sink| receiver.end_frame(sink));
            self.assembler.line_lost();
        }
        // A device that has gone is absent next: the same news.
        let told = self.fault == Some(fault.kind) || self.fault == Some(FaultKind::Vanished) && fault.kind == FaultKind::Absent;
        if !told {
            log::warn!("{fault}");
            self.fault = Some(fault.kind);
        }
        self.session.handle_fault(fault.kind, now);
    }

    /// Sets the line as the receiver wants it.
    fn apply(&mut self, now: Instant) {
        while let Some(line) = &mut self.line
            && let trial = self.receiver.trial()
            && self.applied.is_none_or(|applied| (applied.speed, applied.framing) != (trial.speed, trial.framing()))
        {
            let (speed, framing) = (trial.speed, trial.framing());
            match line.set(speed, framing) {
                Ok(false) if framing == Framing::SevenEven => self.receiver.handle_setting_refused(now),
                Ok(whole) => {
                    log::debug!("{}: {} baud, {framing:?}", line.path().display(), speed.baud());
                    self.applied = Some(Applied { speed, framing, whole });
                    // A terminal that leaves cooked mode may have bytes without saying so.
                    self.line_ready = true;
                }
                Err(fault) => self.close(&fault, now),
            }
        }
    }

    fn check_settings(&mut self, now: Instant) {
        let Some(line) = self.line.as_ref().filter(|_| self.applied.is_some_and(|applied| applied.whole)) else { return };
        match line.disturbed() {
            Ok(false) => {}
            Ok(true) => {
                let device = line.path().display();
                log::warn!("{device}: another program has changed the line's settings; set again (fuser -v {device} names it)");
                self.applied = None;
                self.apply(now);
            }
            Err(fault) => self.close(&fault, now),
        }
    }

    /// One read; the loop comes back for the rest.
    fn read(&mut self, now: Instant) {
        let mut buffer = [0; READ_BYTES];
        let Some(line) = &mut self.line else { return self.line_ready = false };
        match line.read(&mut buffer) {
            Ok(Read { count, more }) => {
                self.line_ready = more;
                if count > 0 {
                    self.session.handle_bytes(now);
                    self.diagnosis.handle_bytes(&buffer[..count]);
                    self.assembler.counters.bytes += count as u64;
                    self.pass(now, |receiver, sink| receiver.handle_bytes(&buffer[..count], now, sink));
                    self.apply(now);
                }
            }
            Err(fault) => self.close(&fault, now),
        }
    }

    /// Lets the receiver do something, and passes on what comes of it.
    fn pass(&mut self, now: Instant, act: impl FnOnce(&mut Receiver, &mut dyn FnMut(Event<'_>))) {
        let Self { session, receiver, assembler, diagnosis, history, publisher, light, started, .. } = self;
        let moment = moment(*started, now);
        act(receiver, &mut |event| {
            note(&event, session, light, now);
            assembler.handle(&event, moment);
            while let Some(made) = assembler.next_sample() {
                session.handle_sample(now);
                diagnosis.handle_sample(&made.sample);
                history.push(&made.sample, made.encoded);
                if publisher.send(&made.sample, made.encoded, now) {
                    light.handle_delivered(now);
                } else {
                    assembler.counters.samples_unsent += 1;
                }
            }
        });
    }

    /// Looks at the state of everything, and tells what is new.
    fn watch(&mut self, connected: bool, now: Instant) {
        self.diagnosis.handle_timeout(&self.assembler.counters, now);
        self.assembler.counters.reconnects = self.publisher.reconnects();
        let (line, meter) = (self.session.line(now), self.assembler.meter());
        if line == LineState::Silent {
            self.assembler.line_lost();
        }
        let state = State {
            line,
            cause: self.diagnosis.cause(line, self.session.is_settled(now), meter.is_some()),
            mode: self.receiver.mode(),
            meter,
        };
        let device = self.line.as_ref().map(Line::path);
        if let Some(text) = self.news.handle_state(state, self.receiver.trial(), device) {
            self.notify.status(&text);
        }
        if self.news.is_report_due(connected, now) {
            self.report(state, now);
        }
    }

    fn report(&mut self, state: State, now: Instant) {
        let Moment { uptime_ms, unix_ms } = moment(self.started, now);
        let status = Status {
            name: &self.settings.name,
            release: env!("CARGO_PKG_VERSION"),
            boot: self.boot,
            unix_ms,
            uptime_ms,
            line: state.line,
            cause: state.cause,
            mode: state.mode,
            meter: state.meter,
            counters: self.assembler.counters,
            history: self.history.extent(self.boot),
        };
        self.publisher.report(&status, now);
    }

    /// The loop is about to turn.
    pub(super) fn started(&self) {
        self.notify.ready();
    }

    /// The line has bytes, or has gone.
    pub(super) fn handle_line_ready(&mut self) {
        self.line_ready = true;
    }

    /// The client's socket has something.
    pub(super) fn handle_socket(&mut self, event: &mio::event::Event, now: Instant) {
        self.publisher.handle_event(event, now);
    }

    /// For whoever sent SIGHUP.
    pub(super) fn log_counters(&self) {
        log::info!("{}", news::summary(&self.assembler.counters));
    }

    /// Says goodbye, and keeps what a bridge may ask for later.
    pub(super) fn stop(mut self, now: Instant) {
        self.notify.stopping();
        self.log_counters();
        self.publisher.close(now);
        if let Some(path) = history_file(self.settings)
            && let Err(error) = self.history.save(&path)
        {
            log::warn!("{}: the history could not be saved: {error}", path.display());
        }
        log::info!("stopped");
    }
}

/// What the line's session and the light want to know of an event.
fn note(event: &Event<'_>, session: &mut Session, light: &mut Light, now: Instant) {
    match event {
        Event::Dataset(dataset) => {
            session.handle_dataset(now);
            if let Value::ApparentPower(power) = dataset.value()
                && POWER_LABELS.contains(&dataset.label())
            {
                light.handle_power(power.get(), now);
            }
        }
        Event::Refused(refusal) => log::debug!("{refusal}"),
        Event::FrameStart | Event::FrameEnd(_) => {}
    }
}

/// The wall clock is for stamps only: nothing here is decided by it, so it may jump.
fn moment(started: Instant, now: Instant) -> Moment {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Moment { uptime_ms: (now - started).as_millis() as u64, unix_ms: unix.as_millis() as i64 }
}

fn credentials(settings: &Settings) -> Result<Option<Credentials>, Failure> {
    let Some(user) = &settings.user else { return Ok(None) };
    match credentials::zenoh_password(settings.password_file.as_deref())? {
        Some(password) => Ok(Some(Credentials::new(user, password))),
        None => {
            Err(Failure::new(Code::Config, "zenoh.user is set, but no password: set zenoh.password-file, or the credential zenoh-password"))
        }
    }
}

fn history_file(settings: &Settings) -> Option<PathBuf> {
    settings.history_directory.as_ref().map(|directory| directory.join("history"))
}

fn load(history: &mut History, settings: &Settings) {
    let Some(path) = history_file(settings) else { return };
    match history.load(&path) {
        Ok(0) => {}
        Ok(damaged) => log::warn!(
            "{}: the saved history is damaged in {damaged} places; what is damaged is left out, the rest is used",
            path.display()
        ),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            log::warn!("{}: the history of the last run cannot be read: {error}; beginning a new one", path.display());
        }
        _ => {}
    }
}
