//! The figures of one meter: the merged state of its frames, and what is worked out from it. Pure: every time is an argument.

use std::time::{Duration, Instant};

use teleinfo_proto::{
    tic::{Dataset, MeterId, Mode, Role},
    wire::{BootId, Sample},
};

use crate::{
    hours::{calendar::Calendar, off_peak::OffPeakNow, outlook::Outlook},
    meter::{
        derived::{Derived, Grounds, Learnt},
        events::{self, Event},
        power::Estimator,
        pricing, said,
        state::{Part, State},
        steering::Steering,
        told::Told,
    },
    power::{reading::Power, signed::KeptPower},
    prices::costs::CostsTold,
    words::utc,
};

/// The published time of the last frame moves this often while frames come: Home Assistant's recorder keeps each change of it.
const LAST_FRAME: Duration = Duration::from_secs(300);
/// After so much silence the last frame was the last one for a while, and its exact time is told.
const FRAMES_STOPPED: Duration = Duration::from_secs(5);

/// The meter shows what is injected.
pub const MEASURED: &str = "measured";
/// It shows no more of it than a current.
pub const UNSEEN: &str = "unseen";

/// When something was: now for timers, and the wall clock of the thing itself (a sample from the history is older than now).
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Now.
    pub at: Instant,
    /// When the sample's frame ended, in ms since 1970.
    pub unix_ms: i64,
}

impl Moment {
    /// In seconds since 1970.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.unix_ms.div_euclid(1_000)
    }
}

/// What a meter shows, and what follows from it.
#[derive(Debug)]
pub struct Figures {
    state: State,
    derived: Derived,
    /// What most of it follows from.
    grounds: Option<Grounds>,
    /// What was last told, in this run or an earlier one.
    told: Told,
    /// The same before the events of the last sample.
    told_before: Option<Told>,
    calendar: Calendar,
    off_peak: OffPeakNow,
    outlook: Outlook,
    withdrawn: Estimator,
    injected: Estimator,
    steering: Steering,
    boot: Option<BootId>,
    last_frame: Option<Moment>,
    /// When the time of the last frame was last moved.
    last_frame_told: Option<Instant>,
    /// Whether the exact time of the last frame was told.
    is_exact: bool,
}

impl Figures {
    /// Nothing known yet of a meter, but what an earlier run told, and what it had learnt of its power, its hours and its days.
    #[must_use]
    pub fn new(meter: &MeterId, mode: Mode, told: Told, kept: &KeptPower, calendar: Calendar) -> Self {
        Self {
            state: State::new(mode),
            derived: Derived::default(),
            grounds: None,
            told,
            told_before: None,
            calendar,
            off_peak: OffPeakNow::default(),
            outlook: Outlook::default(),
            withdrawn: Estimator::default(),
            injected: Estimator::default(),
            steering: Steering::new(meter, mode, kept),
            boot: None,
            last_frame: None,
            last_frame_told: None,
            is_exact: true,
        }
    }

    /// The merged state.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// What is worked out from it.
    #[must_use]
    pub const fn derived(&self) -> &Derived {
        &self.derived
    }

    /// What was last told.
    #[must_use]
    pub const fn told(&self) -> &Told {
        &self.told
    }

    /// What is known of its hours and days.
    #[must_use]
    pub const fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// When the last frame of the present was.
    #[must_use]
    pub const fn last_frame(&self) -> Option<Moment> {
        self.last_frame
    }

    /// What had been told before the events of the last sample, if it had any.
    pub fn take_told_before(&mut self) -> Option<Told> {
        self.told_before.take()
    }

    /// What was told since did not arrive: it is to be told again, if it is still so.
    pub fn take_back(&mut self, told: Told) {
        self.told = told;
    }

    /// The meter speaks this mode: if it is another one, everything begins anew. Returns the event of that.
    pub fn handle_mode(&mut self, mode: Mode) -> Option<Event> {
        if self.state.mode() != mode {
            self.state = self.state.anew(mode);
            (self.grounds, self.outlook) = (None, Outlook::default());
            // What was drawn in all does not depend on the mode.
            self.derived = Derived { energy_total: self.derived.energy_total, ..Derived::default() };
            self.forget_slopes();
        }
        let to = match mode {
            Mode::Historic => "historic",
            Mode::Standard => "standard",
        };
        let from = self.told.mode.clone().filter(|from| from != to)?;
        self.told_before = Some(std::mem::replace(&mut self.told, Told::under(to)));
        Some(Event::ModeChange { from, to })
    }

    /// A sample is of this run of the reader, in which so many indexes jumped since the sample before. Returns the event of that.
    pub fn handle_run(&mut self, boot: BootId, index_resets: u32) -> Option<Event> {
        if self.boot != Some(boot) || index_resets > 0 {
            self.boot = Some(boot);
            self.forget_slopes();
        }
        (index_resets > 0).then_some(Event::IndexReset { count: index_resets })
    }

    /// The datasets of a sample that are believed, and what was drawn in all, if the sample told. Returns whether they change anything.
    pub fn handle_datasets(
        &mut self,
        part: Part,
        sample: &Sample<'_>,
        datasets: &[Dataset<'_>],
        total: Option<u64>,
        moment: Moment,
    ) -> bool {
        self.derived.energy_total = total.or(self.derived.energy_total);
        if !self.state.take(part, datasets) {
            return false;
        }
        self.estimate(sample, datasets, total);
        self.last_frame = Some(moment);
        self.is_exact = false;
        true
    }

    /// What is said before the end of its frame completes the merged state. Returns the power, if it is news, and whether there is something
    /// to be warned of that was not known.
    pub fn handle_live(&mut self, sample: &Sample<'_>, datasets: &[Dataset<'_>]) -> (Option<Power>, bool) {
        let nearness = self.steering.nearness();
        let power = self.steering.handle_live(sample, datasets);
        let warns = self.state.take_live(datasets);
        (power, warns || self.steering.nearness() != nearness)
    }

    /// The power of a frame, if the datasets that came before its end did not tell it.
    pub fn handle_frame(&mut self, sample: &Sample<'_>, datasets: &[Dataset<'_>], total: Option<u64>) -> Option<Power> {
        self.steering.handle_frame(sample, datasets, total)
    }

    /// What was learnt of the power, if it is time to keep it; at the last everything.
    pub fn poll_kept_power(&mut self, is_last: bool, now: Instant) -> Option<KeptPower> {
        self.steering.poll_kept(is_last, now)
    }

    /// The power to steer by.
    #[must_use]
    pub const fn steering(&self) -> &Steering {
        &self.steering
    }

    /// Datasets that were missed when they were new: they only complete the merged state.
    pub fn handle_past(&mut self, part: Part, mode: Mode, datasets: &[Dataset<'_>]) {
        if mode == self.state.mode() {
            self.state.take(part, datasets);
        }
    }

    /// What was paid for so far.
    pub fn handle_costs(&mut self, costs: CostsTold) {
        self.derived.cost = costs;
    }

    /// Works everything out again, under what was learnt of the meter. Returns what has happened since the last call.
    pub fn derive(&mut self, learnt: Learnt<'_>, moment: Moment) -> Vec<Event> {
        let grounds = Some(Grounds::of(&self.state, learnt));
        if std::mem::replace(&mut self.grounds, grounds) != grounds {
            self.derived.update(&self.state, learnt);
        } else {
            debug_assert_eq!(self.derived, self.derived.clone().updated(&self.state, learnt), "what it follows from has changed unseen");
        }
        self.derived.peak(&self.state, moment.unix_seconds());
        self.derive_powers();
        self.derive_calendar(learnt, moment.unix_seconds());
        self.steering.derive(&mut self.derived);
        self.derived.injection = self.injection();
        if self.last_frame_told.is_none_or(|told| moment.at.saturating_duration_since(told) >= LAST_FRAME) {
            self.tell_last_frame(moment.at);
        }
        let events = events::since(&self.told, &self.derived, moment.unix_seconds());
        if !events.is_empty() {
            self.told_before.get_or_insert_with(|| self.told.clone());
        }
        self.told.handle_told(&self.derived, moment.unix_seconds());
        events
    }

    /// Time has passed: when frames have stopped, the time of the last one is told exactly.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|at| at <= now) {
            self.tell_last_frame(now);
        }
    }

    /// When to call [`Figures::handle_timeout`].
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.last_frame.filter(|_| !self.is_exact).map(|last| last.at + FRAMES_STOPPED)
    }

    /// An index was replaced: what it is now says nothing of power.
    pub fn forget_slopes(&mut self) {
        self.withdrawn.reset();
        self.injected.reset();
        self.steering.handle_break(self.state.mode());
    }

    /// What the meter says of the energy that is injected, once it was seen to.
    fn injection(&self) -> Option<&'static str> {
        let is_measured = self.state.with_role(Role::PowerInjected).is_some();
        let was_unseen = self.derived.injection == Some(UNSEEN) || self.steering.is_injecting_unseen();
        if is_measured { Some(MEASURED) } else { was_unseen.then_some(UNSEEN) }
    }

    /// The total goes on through changes of contract and mode, so no change of registers is taken for power.
    fn estimate(&mut self, sample: &Sample<'_>, datasets: &[Dataset<'_>], total: Option<u64>) {
        if let Some(total) = total {
            self.withdrawn.push(sample.uptime_ms, total);
        }
        let injected = datasets.iter().find(|dataset| dataset.role() == Some(Role::EnergyInjected));
        if let Some(index) = injected.and_then(|dataset| dataset.value().number()) {
            self.injected.push(sample.uptime_ms, index);
        }
    }

    fn derive_powers(&mut self) {
        let ceiling = |role| self.state.number_with_role(role);
        let withdrawn = self.withdrawn.estimate(ceiling(Role::PowerWithdrawn));
        let injected = self.injected.estimate(ceiling(Role::PowerInjected));
        self.derived.powers(withdrawn, injected);
    }

    fn derive_calendar(&mut self, learnt: Learnt<'_>, unix_seconds: i64) {
        let said = said::said(&self.state, learnt.hours);
        self.calendar.handle_said(&said, &mut self.off_peak, unix_seconds);
        let now = said.date.unwrap_or(unix_seconds);
        if self.outlook.handle_time(&self.off_peak.days, now) {
            self.derived.hours(&self.outlook);
        }
        self.derived.offpeak = self.off_peak.is_off_peak;
        self.derived.tempo_season = self.calendar.counts();
        self.derived.price = pricing::told(&self.state, &self.derived, &said.hours, &self.off_peak, learnt, now);
    }

    fn tell_last_frame(&mut self, now: Instant) {
        if let Some(last) = self.last_frame {
            self.last_frame_told = Some(now);
            self.is_exact = true;
            self.derived.last_frame = Some(utc::rfc3339(last.unix_seconds()));
        }
    }
}
