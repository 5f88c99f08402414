//! One meter, from its samples to its messages. Pure: every time is an argument.
//!
//! A sample changes the merged state; what follows from the state goes out beside it: derived values, events, discovery.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use teleinfo_proto::{
    tic::{Dataset, MeterId, Mode, Role},
    wire::{BootId, Sample, SampleKind, Status},
};

use crate::{
    homeassistant::{announcer::Announcer, memory::Memory, presentation::Presentation, statistic::Statistic},
    meter::{
        cadence::Pace,
        derived::Derived,
        events::{self, Event},
        payload,
        power::Estimator,
        reception::Quality,
        state::{Part, State},
    },
    words::{message::Message, utc},
};

/// Home Assistant subscribes some time after it has read a discovery payload; what is only sent on change is said again then.
const REPEATS: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(8)];
/// The time of the last frame moves this often while frames come: Home Assistant's recorder and activity list keep each.
const LAST_FRAME: Duration = Duration::from_secs(300);
/// After so much silence it was the last one for a while, and is told exactly.
const FRAMES_STOPPED: Duration = Duration::from_secs(5);

/// When something was: now for timers, and the wall clock of the thing itself (a sample from the history is older than now).
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Now.
    pub at: Instant,
    /// When the sample's frame ended, in ms since 1970.
    pub unix_ms: i64,
}

/// The merged state of a meter and everything that follows from it.
#[derive(Debug)]
pub struct Meter {
    id: MeterId,
    settings: Arc<Presentation>,
    state: State,
    derived: Derived,
    /// What events were told from.
    told: Derived,
    published: Derived,
    quality: Quality,
    announcer: Announcer,
    withdrawn: Estimator,
    injected: Estimator,
    boot: Option<BootId>,
    last_frame: Option<Moment>,
    last_frame_said: Option<Instant>,
    pace: Pace,
    /// The state has changed since it was published.
    held_back: bool,
    repeats: Vec<Instant>,
}

impl Meter {
    /// A meter not heard of since the start; `memory` is what an earlier process learnt.
    #[must_use]
    pub fn new(id: MeterId, settings: Arc<Presentation>, memory: Memory) -> Self {
        let pace = Pace::new(settings.policy);
        let announcer = Announcer::new(id, settings.clone(), memory);
        Self {
            id,
            settings,
            state: State::new(announcer.mode().unwrap_or(Mode::Historic)),
            derived: Derived::default(),
            told: Derived::default(),
            published: Derived::default(),
            quality: Quality::default(),
            announcer,
            withdrawn: Estimator::default(),
            injected: Estimator::default(),
            boot: None,
            last_frame: None,
            last_frame_said: None,
            pace,
            held_back: false,
            repeats: Vec::new(),
        }
    }

    /// Takes one sample, live or from the history; each only once, and in order.
    pub fn apply(&mut self, sample: &Sample<'_>, moment: Moment) -> Vec<Message> {
        let datasets: Vec<Dataset<'_>> = sample.datasets.iter(sample.mode).filter_map(Result::ok).collect();
        let part = match sample.kind {
            SampleKind::Snapshot => return self.snapshot(&datasets, moment),
            SampleKind::Frame { complete: true } => Part::Whole,
            SampleKind::Frame { complete: false } => Part::Some,
            SampleKind::Urgent | SampleKind::Live => Part::Urgent,
            // Its place in the order is taken; what it means is for a newer release.
            SampleKind::Unknown(_) => return Vec::new(),
        };
        let mut events = self.follow_mode(sample.mode);
        self.count(sample, moment, &mut events);
        if !self.state.take(part, &datasets) {
            return self.tell(&events, moment.unix_ms);
        }
        if part != Part::Urgent {
            self.estimate(sample, &datasets);
            self.last_frame = Some(moment);
        }
        self.announcer.handle_datasets(part, sample.mode, &datasets, moment.at);
        self.derive(moment);
        events.extend(events::between(&self.told, &self.derived));
        self.told.remember(&self.derived);
        let mut messages = Vec::new();
        messages.extend(self.discover(moment.at));
        messages.extend(self.state_message(part == Part::Urgent || !events.is_empty(), moment.at));
        messages.extend(self.derived_message());
        messages.extend(self.tell(&events, moment.unix_ms));
        messages.extend(self.quality_message(moment.at));
        messages
    }

    /// Takes the report of the reader that reads this meter.
    pub fn status(&mut self, status: &Status<'_>, now: Instant) -> Vec<Message> {
        self.quality.status(status, now);
        self.quality_message(now).into_iter().collect()
    }

    /// Counts samples that are gone for good.
    pub fn lost(&mut self, samples: u64) {
        self.quality.lost(samples);
    }

    /// What time alone brings; to be called about twice a second.
    pub fn on_tick(&mut self, now: Instant) -> Vec<Message> {
        let mut messages = Vec::new();
        messages.extend(self.announcer.poll_takeover(now));
        messages.extend(self.discover(now));
        if self.repeats.iter().any(|at| *at <= now) {
            self.repeats.retain(|at| *at > now);
            messages.extend(self.everything(now));
        }
        if self.held_back && !self.state.is_empty() {
            messages.extend(self.state_message(false, now));
        }
        if self.last_frame.is_some() {
            self.say_last_frame(now);
            self.derived_powers();
            messages.extend(self.derived_message());
        }
        messages.extend(self.quality_message(now));
        messages
    }

    /// The broker is gone.
    pub fn on_disconnected(&mut self, now: Instant) {
        self.announcer.handle_disconnected(now);
    }

    /// The broker is there.
    pub const fn on_connected(&mut self) {
        self.announcer.handle_connected();
    }

    /// Home Assistant has started: everything again after a while, drawn from `random`.
    pub fn on_birth(&mut self, now: Instant, random: u64) {
        self.announcer.handle_birth(random, now);
    }

    /// What a restart must not forget, if that has changed since this was last called.
    pub fn memory(&mut self) -> Option<&Memory> {
        self.announcer.poll_memory()
    }

    /// The energy that Home Assistant keeps statistics of.
    #[must_use]
    pub fn statistics(&self) -> Vec<Statistic> {
        self.announcer.statistics(&self.state)
    }

    /// The name of the reader that reads it, or last did.
    #[must_use]
    pub fn reader(&self) -> Option<&str> {
        self.quality.reader()
    }

    /// The merged state.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// An event that something else has found out.
    #[must_use]
    pub fn event(&self, event: &Event, unix_ms: i64) -> Message {
        Message::event(self.settings.topics.event(self.id), event.json(unix_ms.div_euclid(1_000)))
    }

    /// Old indexes, with their time: they are no state of now.
    fn snapshot(&self, datasets: &[Dataset<'_>], moment: Moment) -> Vec<Message> {
        vec![Message::live(self.settings.topics.history(self.id), payload::dated_json(moment.unix_ms, datasets))]
    }

    fn follow_mode(&mut self, mode: Mode) -> Vec<Event> {
        if self.state.mode() == mode {
            return Vec::new();
        }
        let from = self.told.mode;
        self.state = State::new(mode);
        self.told = Derived::default();
        self.derived = Derived::default();
        self.withdrawn.reset();
        self.injected.reset();
        let to = match mode {
            Mode::Historic => "historic",
            Mode::Standard => "standard",
        };
        from.map(|from| Event::ModeChange { from, to }).into_iter().collect()
    }

    fn count(&mut self, sample: &Sample<'_>, moment: Moment, events: &mut Vec<Event>) {
        if self.boot != Some(sample.boot) {
            self.boot = Some(sample.boot);
            self.withdrawn.reset();
            self.injected.reset();
        }
        let count = self.quality.sample(sample.boot, &sample.counters, moment.at);
        if count > 0 {
            self.withdrawn.reset();
            self.injected.reset();
            events.push(Event::IndexReset { count });
        }
    }

    /// The total index, or the sum of all that a frame carries; a frame that lacks one of several says nothing.
    fn estimate(&mut self, sample: &Sample<'_>, datasets: &[Dataset<'_>]) {
        let number = |dataset: &Dataset<'_>| dataset.value().number();
        let with_role = |role| datasets.iter().find(|dataset| dataset.role() == Some(role)).and_then(number);
        let fresh = |label: &str| datasets.iter().find(|dataset| dataset.label() == label).and_then(number);
        let withdrawn = match sample.mode {
            Mode::Standard => with_role(Role::EnergyWithdrawn),
            Mode::Historic => self.state.contract_indexes().iter().map(|label| fresh(label)).sum::<Option<u64>>().filter(|sum| *sum > 0),
        };
        if let Some(index) = withdrawn {
            self.withdrawn.push(sample.uptime_ms, index);
        }
        if let Some(index) = with_role(Role::EnergyInjected) {
            self.injected.push(sample.uptime_ms, index);
        }
    }

    fn derive(&mut self, moment: Moment) {
        self.derived.update(&self.state, self.announcer.names(), self.announcer.three_phase(), moment.unix_ms.div_euclid(1_000));
        self.derived_powers();
        self.say_last_frame(moment.at);
    }

    fn derived_powers(&mut self) {
        let ceiling = |role| self.state.number_with_role(role);
        let withdrawn = self.withdrawn.estimate(ceiling(Role::PowerWithdrawn));
        let injected = self.injected.estimate(ceiling(Role::PowerInjected));
        self.derived.powers(withdrawn, injected);
    }

    /// While frames come the time moves now and then; when they stop, the last one is told exactly.
    fn say_last_frame(&mut self, now: Instant) {
        let Some(last) = self.last_frame else { return };
        let is_past = |since: Instant, time: Duration| now.saturating_duration_since(since) >= time;
        if self.last_frame_said.is_none_or(|said| is_past(said, LAST_FRAME)) || is_past(last.at, FRAMES_STOPPED) {
            self.last_frame_said = Some(now);
            self.derived.last_frame = Some(utc::rfc3339(last.unix_ms.div_euclid(1_000)));
        }
    }

    fn discover(&mut self, now: Instant) -> Option<Message> {
        let message = self.announcer.poll_discovery(&self.state, now)?;
        self.repeats = REPEATS.iter().map(|after| now + *after).collect();
        Some(message)
    }

    fn state_message(&mut self, urgent: bool, now: Instant) -> Option<Message> {
        let payload = payload::json(&self.state);
        self.held_back = !self.pace.admit(&payload, urgent, now);
        (!self.held_back).then(|| Message::live(self.settings.topics.state(self.id), payload))
    }

    fn derived_message(&mut self) -> Option<Message> {
        if self.derived == self.published {
            return None;
        }
        self.published = self.derived.clone();
        Some(Message::live(self.settings.topics.derived(self.id), self.derived.json()))
    }

    fn quality_message(&mut self, now: Instant) -> Option<Message> {
        let report = self.quality.poll(self.settings.language, now)?;
        Some(Message::retained(self.settings.topics.quality(self.id), report))
    }

    fn tell(&self, events: &[Event], unix_ms: i64) -> Vec<Message> {
        events.iter().map(|event| self.event(event, unix_ms)).collect()
    }

    /// The last of everything but discovery, for whoever has just begun to listen.
    pub fn everything(&mut self, now: Instant) -> Vec<Message> {
        if self.state.is_empty() {
            return Vec::new();
        }
        let topics = &self.settings.topics;
        let mut messages = vec![
            Message::live(topics.state(self.id), payload::json(&self.state)),
            Message::live(topics.derived(self.id), self.derived.json()),
        ];
        let report = self.quality.again(self.settings.language, now);
        messages.extend(report.map(|report| Message::retained(topics.quality(self.id), report)));
        messages
    }
}
