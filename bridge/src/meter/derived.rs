//! What is worked out from the merged state and the passing of time: the JSON of `teleinfo/<meter>/derived`.
//!
//! Every key is always there, `null` when unknown, so that templates never miss one. Codes are English, whatever the language of
//! the names.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;
use teleinfo_proto::tic::{Colour, Mode, ProfileBlock, Role, TariffPeriod, Value, spec::VA_PER_SUBSCRIBED_AMPERE};

use crate::{
    hours::{
        day::Day,
        outlook::{DayHours, Outlook},
        periods::Periods,
        season::Counts,
    },
    meter::{
        payload::missing,
        power::Estimate,
        profile_hours::ProfileHours,
        state::State,
        tariff_names::{TariffNames, squeeze},
        tomorrow::Tomorrow,
    },
    power::forecast::{ForecastMethod, Nearness},
    prices::{ahead::Told as Prices, book::Book, costs::CostsTold},
    words::utc,
};

/// The labels that tell the start and the end of a mobile peak.
const PEAKS: [[&str; 2]; 3] = [["DPM1", "FPM1"], ["DPM2", "FPM2"], ["DPM3", "FPM3"]];
const HOUR_S: i64 = 3_600;
/// Home Assistant takes no longer states.
const STATE_MAX: usize = 255;

/// What was learnt of a meter over many frames, and what follows from one is read with.
#[derive(Debug, Clone, Copy)]
pub struct Learnt<'a> {
    /// The names of its tariffs.
    pub names: &'a TariffNames,
    /// How the hours of its profiles are to be read.
    pub hours: ProfileHours,
    /// It has three phases.
    pub three_phase: bool,
    /// What its owner says that energy costs.
    pub prices: &'a Book,
    /// The same number as before: nothing has been learnt since.
    pub revision: u64,
}

/// What most of what is derived from a state follows from: while it is the same, so is that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grounds {
    revision: u64,
    learnt: u64,
    is_settled: bool,
    /// Of the meter's own clock.
    hour: Option<i64>,
}

impl Grounds {
    /// Those of a state, under what was learnt of its meter.
    #[must_use]
    pub fn of(state: &State, learnt: Learnt<'_>) -> Self {
        Self {
            revision: state.revision(),
            learnt: learnt.revision,
            is_settled: state.is_settled(),
            hour: state.time("DATE").map(|date| date.unix_seconds().div_euclid(HOUR_S)),
        }
    }
}

/// The derived values of a meter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Derived {
    /// `historic` or `standard`.
    pub mode: Option<&'static str>,
    /// End of the last frame; moves every five minutes while frames come.
    pub last_frame: Option<String>,
    /// PTEC without its dots, or LTARF.
    pub tariff: Option<String>,
    /// `base`, `hc`, `ejp`, `tempo`, or NGTF.
    pub contract: Option<String>,
    /// Subscribed power in VA.
    pub subscribed_power: Option<u64>,
    /// Cut-off power in VA.
    pub cut_off_power: Option<u64>,
    /// What was drawn from the grid in all, in Wh: goes on through changes of contract and mode, and never steps back.
    pub energy_total: Option<u64>,
    /// Estimated active power withdrawn, in W.
    pub power: Option<u64>,
    /// How far it may be off, in W.
    pub power_resolution: Option<u64>,
    /// What time it is a mean of, in s.
    pub power_window: Option<u64>,
    /// Estimated active power injected, in W.
    pub power_injected: Option<u64>,
    /// How far it may be off, in W.
    pub power_injected_resolution: Option<u64>,
    /// What time it is a mean of, in s.
    pub power_injected_window: Option<u64>,
    /// What can be drawn more before a cut-off becomes possible, in VA, on the fullest phase; negative while it is on the way.
    pub headroom_va: Option<i64>,
    /// The same, in A.
    pub headroom_a: Option<i64>,
    /// How much of the cut-off power is drawn, in %, on the fullest phase.
    pub share: Option<u64>,
    /// Seconds until the cut-off opens, at the earliest, if the load stays; `null`: never.
    pub cutoff_s: Option<u32>,
    /// How that was found.
    pub cutoff_method: Option<ForecastMethod>,
    /// Whether a cut-off is on the way, and whether it is near.
    pub cutoff_alert: Option<Nearness>,
    /// What the meter says of the energy that is injected: `measured`, or `unseen` if only its current tells.
    pub injection: Option<&'static str>,
    /// More is drawn than subscribed: ADPS, ADIRn or STGE.
    pub overload: Option<bool>,
    /// The phases that ADIRn names.
    pub overload_phases: Vec<u8>,
    /// The cut-off device: `closed`, or why it is open.
    pub cut_off_device: Option<&'static str>,
    /// A phase has no voltage: PPOT.
    pub missing_phase: Option<bool>,
    /// Which.
    pub missing_phases: Vec<u8>,
    /// `blue`, `white`, `red`.
    pub tempo_today: Option<&'static str>,
    /// Likewise, or `unknown` until it is announced.
    pub tempo_tomorrow: Option<&'static str>,
    /// Days of the Tempo season.
    pub tempo_season: Counts,
    /// The meter counts off-peak.
    pub offpeak: Option<bool>,
    /// When off-peak hours begin next.
    pub offpeak_next_start: Option<String>,
    /// When they end next.
    pub offpeak_next_end: Option<String>,
    /// Those of today.
    pub offpeak_today: DayHours,
    /// Those of tomorrow.
    pub offpeak_tomorrow: DayHours,
    /// The days that both are of.
    #[serde(skip)]
    pub days: Vec<(Day, Periods)>,
    /// What a kWh costs, now and next.
    pub price: Prices,
    /// What was paid for.
    pub cost: CostsTold,
    /// A mobile peak (EJP too) is announced.
    pub peak_notice: Option<bool>,
    /// A mobile peak runs.
    pub peak_running: Option<bool>,
    /// Start of the running or next mobile peak.
    pub peak_start: Option<String>,
    /// Its end.
    pub peak_end: Option<String>,
    /// Start of the peak that is announced, which may follow one that still runs.
    #[serde(skip)]
    pub notice_start: Option<String>,
    /// Its end.
    #[serde(skip)]
    pub notice_end: Option<String>,
    /// Tomorrow's switchings in words.
    pub tomorrow_profile: Option<String>,
    /// The same one by one.
    pub tomorrow: Tomorrow,
    /// Those of the next peak day.
    pub peak_profile: Option<String>,
    /// MSG1.
    pub message: Option<String>,
    /// The last MSG2; the meter sends it in one frame only.
    pub message_ultra_short: Option<String>,
}

/// What differs each time one looks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Measured {
    energy_total: Option<u64>,
    cost: CostsTold,
    headroom: (Option<i64>, Option<i64>, Option<u64>),
    power: (Option<u64>, Option<u64>, Option<u64>),
    injected: (Option<u64>, Option<u64>, Option<u64>),
}

impl Derived {
    /// As it is after [`Derived::update`].
    #[must_use]
    pub fn updated(mut self, state: &State, learnt: Learnt<'_>) -> Self {
        self.update(state, learnt);
        self
    }

    /// Works out what a state says; `self` remembers what must outlive a frame.
    pub fn update(&mut self, state: &State, learnt: Learnt<'_>) {
        self.mode = Some(match state.mode() {
            Mode::Historic => "historic",
            Mode::Standard => "standard",
        });
        self.contract(state, learnt.three_phase);
        self.overload(state);
        self.phases(state);
        self.tempo(state);
        self.tomorrow = Tomorrow::of(state, learnt.hours, learnt.names);
        self.tomorrow_profile = tomorrows(&self.tomorrow);
        self.peak_profile = profile(state, "PPOINTE", learnt);
        self.message = text(state, "MSG1");
        self.message_ultra_short = text(state, "MSG2").or(self.message_ultra_short.take());
    }

    /// The same, with the measurements of another time.
    #[must_use]
    pub fn holding(&self, held: &Measured) -> Self {
        let mut holding = self.clone();
        holding.set_measured(self.held(held));
        holding
    }

    /// What tells it from others.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest_with(&self.measured())
    }

    /// What would tell [`Self::holding`] from others.
    #[must_use]
    pub fn digest_holding(&self, held: &Measured) -> u64 {
        self.digest_with(&self.held(held))
    }

    fn digest_with(&self, measured: &Measured) -> u64 {
        let mut hash = DefaultHasher::new();
        self.hash_statements(&mut hash);
        measured.hash(&mut hash);
        hash.finish()
    }

    /// What is not measured. Each field stands here, so that none is forgotten.
    fn hash_statements(&self, hash: &mut DefaultHasher) {
        let Self {
            mode,
            last_frame,
            tariff,
            contract,
            subscribed_power,
            cut_off_power,
            cutoff_s,
            cutoff_method,
            cutoff_alert,
            injection,
            overload,
            overload_phases,
            cut_off_device,
            missing_phase,
            missing_phases,
            tempo_today,
            tempo_tomorrow,
            tempo_season,
            offpeak,
            offpeak_next_start,
            offpeak_next_end,
            offpeak_today,
            offpeak_tomorrow,
            days,
            price,
            peak_notice,
            peak_running,
            peak_start,
            peak_end,
            notice_start,
            notice_end,
            tomorrow_profile,
            tomorrow,
            peak_profile,
            message,
            message_ultra_short,
            energy_total: _,
            cost: _,
            headroom_va: _,
            headroom_a: _,
            share: _,
            power: _,
            power_resolution: _,
            power_window: _,
            power_injected: _,
            power_injected_resolution: _,
            power_injected_window: _,
        } = self;
        (mode, last_frame, tariff, contract, subscribed_power, cut_off_power, cutoff_s, cutoff_method, cutoff_alert).hash(hash);
        (injection, overload, overload_phases, cut_off_device, missing_phase, missing_phases, tempo_today, tempo_tomorrow, tempo_season)
            .hash(hash);
        (offpeak, offpeak_next_start, offpeak_next_end, offpeak_today, offpeak_tomorrow, days, price, peak_notice, peak_running).hash(hash);
        (peak_start, peak_end, notice_start, notice_end, tomorrow_profile, tomorrow, peak_profile, message, message_ultra_short).hash(hash);
    }

    /// What is measured.
    #[must_use]
    pub fn measured(&self) -> Measured {
        Measured {
            energy_total: self.energy_total,
            cost: self.cost.clone(),
            headroom: (self.headroom_va, self.headroom_a, self.share),
            power: (self.power, self.power_resolution, self.power_window),
            injected: (self.power_injected, self.power_injected_resolution, self.power_injected_window),
        }
    }

    /// The measurements of another time; while a cut-off is on the way, the head-room is told as it is.
    fn held(&self, held: &Measured) -> Measured {
        let headroom = if self.cutoff_s.is_some() { (self.headroom_va, self.headroom_a, self.share) } else { held.headroom };
        Measured { headroom, ..held.clone() }
    }

    fn set_measured(&mut self, measured: Measured) {
        self.energy_total = measured.energy_total;
        self.cost = measured.cost;
        (self.headroom_va, self.headroom_a, self.share) = measured.headroom;
        (self.power, self.power_resolution, self.power_window) = measured.power;
        (self.power_injected, self.power_injected_resolution, self.power_injected_window) = measured.injected;
    }

    /// How many measurements are known.
    #[must_use]
    pub fn measurements(&self) -> usize {
        let is_costed = usize::from(self.cost.total.is_some());
        [self.energy_total, self.power, self.power_injected, self.share].into_iter().flatten().count() + is_costed
    }

    /// Takes the estimated powers in.
    pub fn powers(&mut self, withdrawn: Option<Estimate>, injected: Option<Estimate>) {
        self.power = withdrawn.map(|estimate| estimate.watts);
        self.power_resolution = withdrawn.map(|estimate| estimate.resolution);
        self.power_window = withdrawn.map(|estimate| estimate.window);
        self.power_injected = injected.map(|estimate| estimate.watts);
        self.power_injected_resolution = injected.map(|estimate| estimate.resolution);
        self.power_injected_window = injected.map(|estimate| estimate.window);
    }

    /// Takes in what is known of off-peak hours to come.
    pub fn hours(&mut self, outlook: &Outlook) {
        let (start, end) = outlook.next();
        self.offpeak_next_start = start.map(utc::rfc3339);
        self.offpeak_next_end = end.map(utc::rfc3339);
        let [today, tomorrow] = outlook.days();
        self.offpeak_today = DayHours::new(today.as_ref());
        self.offpeak_tomorrow = DayHours::new(tomorrow.as_ref());
        self.days = outlook.days().iter().flatten().cloned().collect();
    }

    fn contract(&mut self, state: &State, three_phase: bool) {
        self.tariff = name(state, Role::Tariff);
        self.contract = name(state, Role::Contract);
        let phases = if three_phase { 3 } else { 1 };
        let from_current = || state.number_with_role(Role::SubscribedCurrent).map(|amperes| amperes * VA_PER_SUBSCRIBED_AMPERE * phases);
        self.subscribed_power = state.number_with_role(Role::SubscribedPower).map(|kilo| kilo * 1_000).or_else(from_current);
        self.cut_off_power = state.number_with_role(Role::CutOffPower).map(|kilo| kilo * 1_000);
    }

    fn overload(&mut self, state: &State) {
        self.cut_off_device = match state.value("STGE") {
            Some(Value::Status(register)) => register.cut_off().map(|device| device.name()),
            _ => None,
        };
        let is_over = |phase| state.with_role(Role::Overload(phase)).is_some();
        self.overload_phases = (1..=3).filter(|phase| is_over(Some(*phase))).collect();
        self.overload = match (state.mode(), state.value("STGE")) {
            _ if state.is_empty() => None,
            (Mode::Historic, _) if is_over(None) || !self.overload_phases.is_empty() => Some(true),
            // Only a meter that has a subscribed current warns of more.
            (Mode::Historic, _) => state.with_role(Role::SubscribedCurrent).and_then(|_| state.known(false)),
            (Mode::Standard, Some(Value::Status(register))) => Some(register.over_power()),
            (Mode::Standard, _) => None,
        };
    }

    fn phases(&mut self, state: &State) {
        let Some(Value::MissingPhases(phases)) = state.value("PPOT") else {
            (self.missing_phase, self.missing_phases) = (None, Vec::new());
            return;
        };
        (self.missing_phase, self.missing_phases) = (Some(phases.any()), missing(phases));
    }

    fn tempo(&mut self, state: &State) {
        let (today, tomorrow) = match (state.value("STGE"), state.value("PTEC"), state.value("DEMAIN")) {
            (Some(Value::Status(register)), ..) => (register.today(), register.today().map(|_| register.tomorrow())),
            (_, Some(Value::Period(TariffPeriod::Tempo(today, _))), Some(Value::Tomorrow(tomorrow))) => {
                (Some(today), Some(tomorrow.colour()))
            }
            (_, Some(Value::Period(TariffPeriod::Tempo(today, _))), _) => (Some(today), None),
            _ => (None, None),
        };
        self.tempo_today = today.map(Colour::name);
        self.tempo_tomorrow = tomorrow.map(|colour| colour.map_or("unknown", Colour::name));
    }

    /// PEJP stays while the peak runs, so the notice is over once PTEC says so.
    pub fn peak(&mut self, state: &State, unix_seconds: i64) {
        (self.peak_notice, self.peak_running) = match (state.value("STGE"), state.value("PTEC")) {
            (Some(Value::Status(register)), _) => (Some(register.notice().is_some()), Some(register.mobile_peak().is_some())),
            (_, Some(Value::Period(TariffPeriod::MobilePeak))) => (Some(false), Some(true)),
            (_, Some(Value::Period(TariffPeriod::Normal))) => (state.known(state.get("PEJP").is_some()), Some(false)),
            _ => (None, None),
        };
        let dates = (1..=3).filter_map(|number| peak_dates(state, number));
        let next = dates.clone().filter(|(_, end)| *end > unix_seconds).min();
        let announced = dates.filter(|(start, _)| *start > unix_seconds).min();
        (self.peak_start, self.peak_end) = texts(next);
        (self.notice_start, self.notice_end) = texts(announced);
    }
}

/// The start and the end of a peak that DPM and FPM of this number tell.
pub(super) fn peak_dates(state: &State, number: u8) -> Option<(i64, i64)> {
    let time = |label: &str| state.time(label).map(|time| time.unix_seconds());
    let [start, end] = PEAKS.get(usize::from(number.checked_sub(1)?))?;
    Some((time(start)?, time(end)?))
}

fn texts(dates: Option<(i64, i64)>) -> (Option<String>, Option<String>) {
    dates.map(|(start, end)| (utc::rfc3339(start), utc::rfc3339(end))).unzip()
}

fn text(state: &State, label: &str) -> Option<String> {
    state.get(label).map(|dataset| squeeze(dataset.data()))
}

/// A contract or a tariff: the meter's code in words, or the supplier's own name.
fn name(state: &State, role: Role) -> Option<String> {
    match state.with_role(role)?.value() {
        Value::Period(period) => Some(period.code().trim_end_matches('.').to_owned()),
        Value::TariffOption(option) => Some(option.name().to_owned()),
        Value::Text(text) => Some(squeeze(text)),
        _ => None,
    }
}

/// `00:00 HC, 06:00 HP, 22:00 HC`, with numbers where the names are not learnt or too long.
fn profile(state: &State, label: &str, learnt: Learnt<'_>) -> Option<String> {
    let Some(Value::DayProfile(profile)) = state.value(label) else { return None };
    let blocks = learnt.hours.blocks(&profile)?;
    let named = words(&blocks, |index| learnt.names.get(index).map_or_else(|| format!("index {index}"), str::to_owned));
    Some(if named.chars().count() <= STATE_MAX { named } else { words(&blocks, |index| format!("index {index}")) })
}

/// The same of tomorrow.
fn tomorrows(tomorrow: &Tomorrow) -> Option<String> {
    let named: Vec<String> = tomorrow.blocks.iter().map(|block| format!("{} {}", block.time, block.tariff)).collect();
    let named = Some(named.join(", ")).filter(|text| !text.is_empty())?;
    let index = |index: Option<u8>| index.map_or_else(|| "-".to_owned(), |index| format!("index {index}"));
    let numbered = tomorrow.blocks.iter().map(|block| format!("{} {}", block.time, index(block.index)));
    Some(if named.chars().count() <= STATE_MAX { named } else { numbered.collect::<Vec<_>>().join(", ") })
}

fn words(blocks: &[ProfileBlock], name: impl Fn(u8) -> String) -> String {
    let switching = |block: &ProfileBlock| {
        let index = block.action().supplier_index().map_or_else(|| "-".to_owned(), &name);
        format!("{:02}:{:02} {index}", block.hour(), block.minute())
    };
    blocks.iter().map(switching).collect::<Vec<_>>().join(", ")
}
