//! From bytes to samples, without I/O: no device, no socket and no clock, so that days of a meter's life pass in a test within seconds.
//!
//! A [`Reading`] takes what the world did (`handle_*`) and says what came of it and what to do next (`poll_*`). Whoever drives it, the
//! loop, `doctor`, `monitor` or a test, does the same three things in turn:
//!
//! 1. hand in what happened: bytes, a line that was opened, set or lost, or only that time has passed;
//! 2. take all outputs, until there are no more;
//! 3. carry out the orders for the line.
//!
//! | file | idea |
//! |---|---|
//! | `detect`, `receive` | how the line must be read; bytes to events |
//! | `assemble`, `frame`, `identity` | events to samples; what came of a frame so far; whose it is |
//! | `judge`, `plausibility`, `repetition` | what is believed of a frame: what a checksum cannot tell: an index that cannot be, a text that was said once |
//! | `pace` | how long the line need not be looked at |
//! | `watch` | when to open the line, and how it is doing |
//! | `diagnosis` | what is likely to be wrong with it; `evidence`, `culprit` and `bits` are what it concludes from |

mod assemble;
pub(crate) mod bits;
mod culprit;
mod detect;
mod diagnosis;
mod evidence;
mod frame;
mod identity;
mod judge;
mod layout;
mod moment;
mod pace;
mod plausibility;
mod receive;
mod repetition;
mod watch;

use std::time::Instant;

use teleinfo_proto::{
    tic::{Event, MeterId, Mode},
    wire::{BootId, Cause, Counters, LineState, SampleKind},
};

pub use assemble::EncodedSample;
pub use detect::{Check, Framing, ParityChoice, Trial};
pub use watch::FaultKind;

use assemble::Assembler;
use diagnosis::Diagnosis;
pub(crate) use moment::Moment;
use pace::Pace;
pub(crate) use plausibility::can_follow;
use receive::Receiver;
use watch::{Task, Watch};

/// How the line is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadingState {
    /// The serial line.
    pub line: LineState,
    /// What seems to be wrong with it.
    pub cause: Cause,
    /// The mode found.
    pub mode: Option<Mode>,
    /// The meter found.
    pub meter: Option<MeterId>,
    /// The label that the cause is about.
    pub label: Option<&'static str>,
}

/// What came of the bytes.
#[derive(Debug)]
pub enum Output<'a> {
    /// The decoder has found something.
    Event(Event<'a>),
    /// A sample is ready to be sent.
    Sample(EncodedSample<'a>),
}

/// What is to be done with the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Open it, then call [`Reading::handle_opened`] or [`Reading::handle_fault`].
    Open,
    /// Set its speed and framing, then call [`Reading::handle_set`].
    Set(Mode, Framing),
    /// See whether its settings are still ours; if they are not, call [`Reading::handle_disturbed`].
    CheckSettings,
    /// See whether other programs have it open too, and call [`Reading::handle_others`].
    LookForOthers,
    /// Nothing good comes from it: if a meter may be on another line as well, listen there for a moment.
    LookElsewhere,
}

/// How the line is set.
#[derive(Clone, Copy, Debug)]
struct Applied {
    speed: Mode,
    framing: Framing,
    /// The line has taken all of it.
    is_whole: bool,
}

/// Reads one meter.
pub struct Reading {
    /// What is configured.
    configured: (Option<Mode>, ParityChoice),
    started: Instant,
    /// The moment of what is handed in.
    moment: Moment,
    now: Instant,
    watch: Watch,
    receiver: Receiver,
    assembler: Assembler,
    diagnosis: Diagnosis,
    pace: Pace,
    is_open: bool,
    /// None while the line is not set.
    applied: Option<Applied>,
}

impl Reading {
    /// A reading that begins with a closed line. `speed` and `parity` are what is configured; the rest is searched for.
    #[must_use]
    pub fn new(boot: BootId, speed: Option<Mode>, parity: ParityChoice, now: Instant) -> Self {
        Self {
            configured: (speed, parity),
            started: now,
            moment: Moment::default(),
            now,
            watch: Watch::new(now),
            receiver: Receiver::new(speed, parity, now),
            assembler: Assembler::new(boot),
            diagnosis: Diagnosis::new(now),
            pace: Pace::new(),
            is_open: false,
            applied: None,
        }
    }

    /// A new reading with what is configured, for another line that is listened to meanwhile.
    #[must_use]
    pub fn beside(&self, now: Instant) -> Self {
        let (speed, parity) = self.configured;
        Self::new(BootId::new(0), speed, parity, now)
    }

    /// The line is being opened as the order said, which takes its time: [`Reading::handle_opened`] or [`Reading::handle_fault`] follows.
    pub fn handle_opening(&mut self, now: Instant) {
        self.watch.handle_opening(now);
    }

    /// The line is open.
    pub fn handle_opened(&mut self, now: Instant) {
        (self.is_open, self.applied) = (true, None);
        self.watch.handle_opened(now);
        self.receiver.handle_opened(now);
        self.diagnosis.handle_joining();
        self.pace.handle_line_changed();
    }

    /// The line is left for another one; [`Reading::handle_opened`] or [`Reading::handle_fault`] follows. A frame in progress is over;
    /// `unix_ms` is the wall clock, for its stamp.
    pub fn handle_left(&mut self, unix_ms: i64, now: Instant) {
        self.note_time(unix_ms, now);
        if std::mem::take(&mut self.is_open) {
            self.receiver.handle_lost();
        }
    }

    /// The line could not be opened, or has gone. A frame in progress is over; `unix_ms` is the wall clock, for its stamp.
    pub fn handle_fault(&mut self, kind: FaultKind, unix_ms: i64, now: Instant) {
        self.handle_left(unix_ms, now);
        self.watch.handle_fault(kind, now);
    }

    /// The line was set as the order said; `is_whole`: it took every setting.
    pub fn handle_set(&mut self, speed: Mode, framing: Framing, is_whole: bool, now: Instant) {
        if !is_whole && framing == Framing::SevenEven {
            self.receiver.handle_setting_refused(now);
        } else {
            self.applied = Some(Applied { speed, framing, is_whole });
            self.pace.handle_line_changed();
        }
    }

    /// Another program has changed the settings of the line.
    pub fn handle_disturbed(&mut self) {
        self.applied = None;
    }

    /// Whether other programs have the line open too.
    pub fn handle_others(&mut self, is_shared: bool) {
        self.diagnosis.handle_others(is_shared);
    }

    /// Bytes have arrived. `unix_ms` is the wall clock: it stamps samples and decides nothing, so it may jump.
    pub fn handle_bytes(&mut self, bytes: &[u8], unix_ms: i64, now: Instant) {
        self.note_time(unix_ms, now);
        self.watch.handle_bytes(now);
        let Trial { speed, check } = self.receiver.trial();
        self.diagnosis.handle_bytes(bytes, speed, check != Check::Gone);
        self.assembler.handle_bytes(bytes.len());
        self.receiver.handle_bytes(bytes, now);
        self.pace.handle_bytes(bytes.len(), now);
    }

    /// Time has passed. All outputs of what happened before must have been taken.
    pub fn handle_timeout(&mut self, unix_ms: i64, now: Instant) {
        self.note_time(unix_ms, now);
        if self.is_open {
            self.receiver.handle_timeout(now);
        }
        if !self.is_open || self.watch.line(now) == LineState::Silent {
            self.assembler.handle_line_lost();
            self.diagnosis.handle_joining();
        }
        self.diagnosis.handle_timeout(self.watch.line(now), now);
    }

    /// A sample could not be sent when it was made.
    pub fn handle_unsent(&mut self) {
        let counter = &mut self.assembler.counters_mut().samples_unsent;
        *counter = counter.wrapping_add(1);
    }

    /// A session with the bridge was lost.
    pub fn handle_disconnected(&mut self) {
        let counter = &mut self.assembler.counters_mut().reconnects;
        *counter = counter.wrapping_add(1);
    }

    /// What came of the bytes, one after the other.
    pub fn poll_output(&mut self) -> Option<Output<'_>> {
        if self.assembler.prepare_sample() {
            return self.take_sample().map(Output::Sample);
        }
        let mode = self.receiver.mode();
        let event = self.receiver.poll_event()?;
        self.pace.handle_event(&event, mode, self.now);
        if let Event::Dataset(_) = event {
            self.watch.handle_dataset(self.now);
        }
        self.diagnosis.handle_event(&event);
        self.assembler.handle_event(&event, self.moment);
        Some(Output::Event(event))
    }

    /// The next sample, for those who want nothing else.
    pub fn poll_sample(&mut self) -> Option<EncodedSample<'_>> {
        while !self.assembler.prepare_sample() {
            self.poll_output()?;
        }
        self.take_sample()
    }

    /// What to do with the line, once all outputs are taken.
    pub fn poll_order(&mut self, now: Instant) -> Option<Order> {
        if let Some((speed, framing)) = self.wanted() {
            return Some(Order::Set(speed, framing));
        }
        if self.is_open && self.diagnosis.poll_look(self.watch.line(now), self.watch.is_settled(now), now) {
            return Some(Order::LookForOthers);
        }
        match self.watch.poll_task(now)? {
            Task::Open => Some(Order::Open),
            Task::LookElsewhere => Some(Order::LookElsewhere),
            Task::CheckSettings => self.applied.filter(|applied| applied.is_whole).map(|_| Order::CheckSettings),
        }
    }

    /// When [`Reading::handle_timeout`] or an order is due.
    #[must_use]
    pub fn poll_timeout(&self, now: Instant) -> Instant {
        if self.wanted().is_some() {
            return now;
        }
        let receiver = self.receiver.poll_timeout().filter(|_| self.is_open);
        let others = self.watch.poll_timeout(now).min(self.diagnosis.poll_timeout());
        receiver.map_or(others, |at| at.min(others))
    }

    /// Until when the line may be left alone, once all outputs are taken: nothing that is waited for can be complete before. `None`: each
    /// byte counts.
    #[must_use]
    pub fn poll_rest(&self, now: Instant) -> Option<Instant> {
        let mode = self.receiver.mode().filter(|_| self.is_open && self.wanted().is_none())?;
        self.pace.poll_rest(self.receiver.in_progress()?, mode, now)
    }

    /// How the line is doing.
    #[must_use]
    pub fn state(&self, now: Instant) -> ReadingState {
        let (line, meter) = (self.watch.line(now), self.assembler.meter());
        let cause = self.diagnosis.cause(line, self.watch.is_settled(now), meter.is_some());
        let label = self.diagnosis.label().filter(|_| cause == Cause::LabelRefused);
        ReadingState { line, cause, mode: self.receiver.mode(), meter, label }
    }

    /// The state with what is likely already, for somebody who does not listen for long: [`Reading::state`] waits until it is sure.
    #[must_use]
    pub fn state_so_far(&self, now: Instant) -> ReadingState {
        let (cause, label) = self.diagnosis.so_far(self.assembler.meter().is_some());
        ReadingState { cause, label, ..self.state(now) }
    }

    /// How the line is read at the moment.
    #[must_use]
    pub fn trial(&self) -> Trial {
        self.receiver.trial()
    }

    /// Whether the meter is being read. Stays so for ten seconds when the line goes, for an adapter that comes back.
    #[must_use]
    pub fn is_alive(&self, now: Instant) -> bool {
        self.watch.is_alive(now)
    }

    /// What was counted so far.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        self.assembler.counters()
    }

    fn take_sample(&mut self) -> Option<EncodedSample<'_>> {
        let doubted = self.assembler.doubted();
        let sample = self.assembler.take_sample()?;
        self.watch.handle_sample(self.now);
        if matches!(sample.sample.kind, SampleKind::Frame { .. }) {
            self.diagnosis.handle_sample(doubted);
        }
        Some(sample)
    }

    /// Speed and framing, if the line is not set so yet.
    fn wanted(&self) -> Option<(Mode, Framing)> {
        let trial = self.receiver.trial();
        let wanted = (trial.speed, trial.framing());
        let is_set = self.applied.is_some_and(|applied| (applied.speed, applied.framing) == wanted);
        (self.is_open && !is_set).then_some(wanted)
    }

    fn note_time(&mut self, unix_ms: i64, now: Instant) {
        self.now = now;
        self.moment = Moment { uptime_ms: (now - self.started).as_millis() as u64, unix_ms };
    }
}

#[cfg(test)]
mod tests;
