//! All parts of the reader, and how they hang together: what one of them gives goes to the next.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use mio::Registry;
use teleinfo_proto::{
    tic::Event,
    wire::{BootId, SampleKind, Status},
};
use teleinfo_zenoh_client::{Client, Locator, Options};

use super::{
    news::{News, is_well, state_in_words, summary},
    sources::{CLIENT, LINE},
};
use crate::{
    config::{Settings, credentials::Asker},
    daemon::{clock, exit::Failure, health::Health, notify::Notify},
    history::History,
    journal,
    language::Words,
    led::{light::Light, output::CLASS},
    line::{Notice, OpenLine},
    reading::{EncodedSample, Output, Reading},
    trust::keys::Keys,
    uplink::Uplink,
};

const STOPPED: Words = Words::new("stopped", "arrêté");
const NOT_SAVED: Words = Words::new("{}: the history could not be saved: {}", "{} : impossible d'enregistrer l'historique : {}");
const HISTORY_DAMAGED: Words = Words::new(
    "{}: the saved history is damaged in {} places; what is damaged is left out, the rest is used",
    "{} : l'historique enregistré est abîmé en {} endroits ; ce qui est abîmé est laissé, le reste sert",
);
const HISTORY_UNREADABLE: Words = Words::new(
    "{}: the history of the last run cannot be read: {}; beginning a new one",
    "{} : l'historique de la dernière fois est illisible : {} ; un nouveau commence",
);

/// All parts, and how they hang together.
pub(super) struct Reader<'a> {
    settings: &'a Settings,
    started: Instant,
    boot: BootId,
    line: OpenLine,
    reading: Reading,
    history: History,
    uplink: Uplink,
    light: Light,
    notify: Notify,
    health: Health,
    news: News,
    next_alive: Option<Instant>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(settings: &'a Settings, registry: &Registry, now: Instant) -> Result<Self, Failure> {
        let registry = || registry.try_clone().map_err(|error| Failure::internal("epoll", error));
        let boot = BootId::new(getrandom::u64().map_err(|error| Failure::internal("random numbers", error))?);
        let options = Options {
            locators: settings.connect.clone(),
            credentials: settings.credentials(Asker::Service)?,
            local: Some(Locator::this_machine()),
            ..Options::default()
        };
        let mut history = History::new(settings.history_size);
        load(&mut history, settings);
        let notify = Notify::from_environment();
        Ok(Self {
            settings,
            started: now,
            boot,
            line: OpenLine::new(&settings.source, registry()?, LINE),
            reading: Reading::new(boot, settings.mode, settings.parity, now),
            history,
            uplink: uplink(settings, Client::new(registry()?, CLIENT, options, now), boot, now)?,
            light: Light::new(settings, Path::new(CLASS), now),
            next_alive: notify.interval().map(|_| now),
            notify,
            health: Health::from_environment(now),
            news: News::new(now),
        })
    }

    /// The loop is about to turn.
    pub(super) fn handle_started(&self) {
        if let Some(found) = self.settings.language_found {
            log::info!("{}", journal::say(found.words(), &[]));
        }
        self.notify.ready();
    }

    /// The line has bytes, or has gone.
    pub(super) fn handle_line_ready(&mut self) {
        self.line.handle_ready();
    }

    /// The client's socket has something.
    pub(super) fn handle_socket(&mut self, event: &mio::event::Event, now: Instant) {
        self.uplink.handle_event(event, now);
    }

    /// Somebody has sent SIGHUP.
    pub(super) fn handle_report_request(&self, now: Instant) {
        log::info!("{}", state_in_words(&self.reading.state(now), self.line.path(), self.uplink.is_connected()));
        log::info!("{}", summary(self.reading.counters()));
    }

    /// How long the loop may sleep.
    pub(super) fn poll_timeout(&self, now: Instant) -> Duration {
        if self.line.is_ready() {
            return Duration::ZERO;
        }
        let fixed = self.reading.poll_timeout(now).min(self.news.poll_timeout());
        let changing = [
            self.line.poll_timeout(),
            self.uplink.poll_timeout(now),
            self.light.poll_timeout(),
            self.health.poll_timeout(),
            self.next_alive,
        ];
        changing.into_iter().flatten().fold(fixed, Instant::min).saturating_duration_since(now)
    }

    /// Everything that is due: the line first, then what came of it, then the bridge, then whoever watches.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        let unix_ms = clock::unix_ms();
        let notice = self.line.handle_orders(&mut self.reading, unix_ms, now);
        self.handle_notice(notice, now);
        self.pass_on(now);
        self.reading.handle_timeout(unix_ms, now);
        self.pass_on(now);
        let notice = self.line.handle_rest(&mut self.reading, unix_ms, now);
        self.handle_notice(notice, now);
        let connected = self.handle_uplink(now);
        self.light.handle_timeout(now);
        self.tell(connected, unix_ms, now);
        if self.next_alive.is_some_and(|at| now >= at) {
            self.notify.alive();
            self.next_alive = self.notify.interval().map(|interval| now + interval);
        }
    }

    /// Says goodbye, and keeps what a bridge may ask for later.
    pub(super) fn stop(mut self, now: Instant) {
        self.notify.stopping();
        log::info!("{}", summary(self.reading.counters()));
        self.uplink.close(now);
        if let Some(path) = history_file(self.settings)
            && let Err(error) = self.history.save(&path)
        {
            log::warn!("{}", journal::say(NOT_SAVED, &[&path.display(), &error]));
        }
        log::info!("{}", journal::say(STOPPED, &[]));
    }

    fn handle_notice(&mut self, notice: Option<Notice>, now: Instant) {
        if let Some(text) = notice.and_then(|notice| self.news.handle_notice(notice, now)) {
            self.notify.status(&text);
        }
    }

    /// Gives each sample to the history and to the bridge, and the power to the light.
    fn pass_on(&mut self, now: Instant) {
        let Self { reading, history, uplink, light, .. } = self;
        while let Some(output) = reading.poll_output() {
            match output {
                Output::Event(Event::Dataset(dataset)) => light.handle_dataset(&dataset, now),
                Output::Event(Event::Refused(refusal)) => log::debug!("{refusal}"),
                Output::Event(Event::FrameStart | Event::FrameEnd(_)) => {}
                // Its frame repeats it, so nobody misses a live sample that could not leave.
                Output::Sample(EncodedSample { sample, encoded }) if sample.kind == SampleKind::Live => {
                    _ = uplink.send(&sample, encoded, now)
                }
                Output::Sample(EncodedSample { sample, encoded }) => {
                    history.push(&sample, encoded);
                    if !uplink.send(&sample, encoded, now) {
                        reading.handle_unsent();
                    }
                }
            }
        }
    }

    /// `true`: somebody is there who has heard no report yet.
    fn handle_uplink(&mut self, now: Instant) -> bool {
        let was_connected = self.uplink.is_connected();
        self.uplink.handle_timeout(&self.history, now);
        self.uplink.set_alive(self.reading.is_alive(now), now);
        if self.uplink.take_delivered() {
            self.light.handle_delivered(now);
        }
        for _ in 0..self.uplink.take_lost() {
            self.reading.handle_disconnected();
        }
        let is_asked = self.uplink.take_asked();
        is_asked || self.uplink.is_connected() && !was_connected
    }

    /// Looks at the state of everything, and tells what is new.
    fn tell(&mut self, connected: bool, unix_ms: i64, now: Instant) {
        let state = self.reading.state(now);
        if let Some(text) = self.news.handle_state(state, self.reading.trial(), self.line.path()) {
            self.notify.status(&text);
        }
        let is_connected = self.uplink.is_connected();
        self.health.handle_state(is_connected && is_well(&state), || state_in_words(&state, self.line.path(), is_connected), now);
        if !self.news.is_report_due(connected, now) {
            return;
        }
        let status = Status {
            name: &self.settings.name,
            release: env!("CARGO_PKG_VERSION"),
            boot: self.boot,
            unix_ms,
            uptime_ms: (now - self.started).as_millis() as u64,
            line: state.line,
            cause: state.cause,
            mode: state.mode,
            meter: state.meter,
            counters: *self.reading.counters(),
            history: self.history.extent(self.boot),
            label: state.label.unwrap_or_default(),
        };
        self.uplink.report(&status, now);
    }
}

/// The way to the bridge, sealed with the keys of the state directory.
fn uplink(settings: &Settings, client: Client, boot: BootId, now: Instant) -> Result<Uplink, Failure> {
    let failure = |error: &dyn std::fmt::Display| Failure::internal("keys", error);
    let (keys, remarks) = Keys::load(settings.state_directory.as_deref(), settings.by_code).map_err(|error| failure(&error))?;
    remarks.iter().for_each(|remark| log::warn!("{remark}"));
    let mut random = [0; 32];
    getrandom::fill(&mut random).map_err(|error| failure(&error))?;
    Uplink::new(client, keys, boot, random, now).map_err(|error| failure(&error))
}

fn history_file(settings: &Settings) -> Option<PathBuf> {
    settings.history_directory.as_ref().map(|directory| directory.join("history"))
}

fn load(history: &mut History, settings: &Settings) {
    let Some(path) = history_file(settings) else { return };
    match history.load(&path) {
        Ok(0) => {}
        Ok(damaged) => log::warn!("{}", journal::say(HISTORY_DAMAGED, &[&path.display(), &damaged])),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            log::warn!("{}", journal::say(HISTORY_UNREADABLE, &[&path.display(), &error]));
        }
        _ => {}
    }
}
