//! The merged state of a meter: the datasets of its last frames, as one.
//!
//! A clean whole frame replaces everything, so a label that is gone is gone. A frame with refusals, a cut one or a three-phase
//! short frame brings only part of the truth: it is laid over what is known, and what it does not carry is kept for a while.

use std::collections::VecDeque;

use teleinfo_proto::tic::{Dataset, Label, Mode, Role, Timestamp, Value};
use teleinfo_proto::wire::SampleKind;

/// Age that a long frame without the label adds.
const LONG: u8 = 12;
/// Age that a short frame adds: while the current is too high a three-phase meter sends twenty of them for each long one.
const SHORT: u8 = 1;
/// Beyond this a value is dropped: after five long frames, or sixty short ones.
const OLDEST: u8 = 5 * LONG;

/// One label and what it last said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    label: String,
    timestamp: Option<String>,
    data: String,
    role: Option<Role>,
    age: u8,
}

impl Entry {
    fn new(dataset: &Dataset<'_>) -> Self {
        Self {
            label: dataset.label().to_owned(),
            timestamp: dataset.timestamp().map(str::to_owned),
            data: dataset.data().to_owned(),
            role: dataset.role(),
            age: 0,
        }
    }

    fn update(&mut self, dataset: &Dataset<'_>) {
        self.age = 0;
        self.data.clear();
        self.data.push_str(dataset.data());
        self.timestamp = dataset.timestamp().map(str::to_owned);
    }

    fn is_overload_phase(&self) -> bool {
        matches!(self.role, Some(Role::Overload(Some(_))))
    }
}

/// What a sample is to the merged state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A whole frame, and nothing in it was refused.
    Whole,
    /// A frame that lacks datasets.
    Incomplete,
}

/// What a whole frame says of labels that are not there, against one that is not whole.
const POINTS_OF_WHOLE: u8 = 3;

impl Part {
    /// What a sample of this kind is; nothing is known of a kind of a newer release. A snapshot carries indexes alone, a live sample is no frame.
    #[must_use]
    pub const fn of(kind: SampleKind) -> Option<Self> {
        match kind {
            SampleKind::Frame { complete: true } => Some(Self::Whole),
            SampleKind::Frame { complete: false } | SampleKind::Snapshot => Some(Self::Incomplete),
            SampleKind::Live | SampleKind::Unknown(_) => None,
        }
    }
}

impl Part {
    /// What it counts for whether a label is there at all.
    const fn points(self) -> u8 {
        match self {
            Self::Whole => POINTS_OF_WHOLE,
            Self::Incomplete => 1,
        }
    }
}

/// The last known datasets in the order of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    mode: Mode,
    entries: Vec<Entry>,
    /// How much was seen: see [`State::is_settled`].
    points: u8,
}

impl State {
    /// Nothing known yet.
    #[must_use]
    pub const fn new(mode: Mode) -> Self {
        Self { mode, entries: Vec::new(), points: 0 }
    }

    /// The mode that all datasets are of.
    #[must_use]
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether enough was seen for a label that is not there to mean something: a whole frame, or three others on a line that brings no
    /// whole ones. Twice as much on three phases, since a long frame there lacks what the short ones say.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let frames = if self.get("IINST2").is_some() { 2 } else { 1 };
        self.points >= frames * POINTS_OF_WHOLE
    }

    /// That a label is there, or that it is not; nothing while the latter cannot be known.
    #[must_use]
    pub fn known(&self, is_there: bool) -> Option<bool> {
        (is_there || self.is_settled()).then_some(is_there)
    }

    /// Every dataset, in the order of a frame.
    pub fn datasets(&self) -> impl Iterator<Item = Dataset<'_>> + Clone {
        self.entries.iter().filter_map(|entry| self.dataset(entry))
    }

    /// The dataset of a label.
    #[must_use]
    pub fn get(&self, label: &str) -> Option<Dataset<'_>> {
        self.entries.iter().find(|entry| entry.label == label).and_then(|entry| self.dataset(entry))
    }

    /// What a label says.
    #[must_use]
    pub fn value(&self, label: &str) -> Option<Value<'_>> {
        self.get(label).map(|dataset| dataset.value())
    }

    /// The number a label carries.
    #[must_use]
    pub fn number(&self, label: &str) -> Option<u64> {
        self.value(label)?.number()
    }

    /// What the label says that has this role; the first of them, where a meter has several.
    #[must_use]
    pub fn with_role(&self, role: Role) -> Option<Dataset<'_>> {
        Label::with_role(self.mode, role).find_map(|label| self.get(label.code))
    }

    /// The number that the label with this role carries.
    #[must_use]
    pub fn number_with_role(&self, role: Role) -> Option<u64> {
        self.with_role(role)?.value().number()
    }

    /// The timestamp of a label.
    #[must_use]
    pub fn time(&self, label: &str) -> Option<Timestamp> {
        self.get(label)?.time()
    }

    /// The labels of the indexes that the contract of the historic mode has, whether they are known at the moment or not.
    #[must_use]
    pub fn contract_indexes(&self) -> Vec<&'static str> {
        match self.value("OPTARIF") {
            Some(Value::TariffOption(option)) => Label::with_role(self.mode, Role::IndexOf(option)).map(|label| label.code).collect(),
            _ => Vec::new(),
        }
    }

    /// The labels whose sum is all that was withdrawn, up to what other registers hold: the total of the standard mode, or the indexes
    /// of the contract.
    #[must_use]
    pub fn total_indexes(&self) -> Vec<&'static str> {
        match self.mode {
            Mode::Standard => Label::with_role(self.mode, Role::EnergyWithdrawn).map(|label| label.code).collect(),
            Mode::Historic => self.contract_indexes(),
        }
    }

    /// Takes the datasets of one sample in. Returns whether they said anything: a frame that carries only an identity does not.
    pub fn take(&mut self, part: Part, datasets: &[Dataset<'_>]) -> bool {
        if datasets.iter().all(|dataset| matches!(dataset.value(), Value::Identity(_))) {
            return false;
        }
        self.points = self.points.saturating_add(part.points());
        match part {
            _ if self.is_short(datasets) => self.take_short(datasets),
            Part::Whole => self.replace(datasets),
            Part::Incomplete => {
                self.grow_older(LONG);
                self.lay_over(datasets);
            }
        }
        true
    }

    /// Takes in what is said before the end of its frame. Returns whether it warns of something that was not known.
    pub fn take_live(&mut self, datasets: &[Dataset<'_>]) -> bool {
        let is_news = |dataset: &&Dataset<'_>| self.get(dataset.label()).is_none_or(|known| known.data() != dataset.data());
        let warns = datasets.iter().filter(|dataset| warns(dataset)).any(|dataset| is_news(&dataset));
        self.lay_over(datasets);
        warns
    }

    /// A three-phase meter's short frame: ADIRn, ADCO and the three currents.
    fn is_short(&self, datasets: &[Dataset<'_>]) -> bool {
        let has = |role| datasets.iter().any(|dataset| dataset.role() == Some(role));
        let of_three_phases = has(Role::Current(2)) || has(Role::Current(3));
        self.mode == Mode::Historic && of_three_phases && !has(Role::Contract) && !has(Role::Tariff)
    }

    /// The short frame names the phases that are over right now; the others no longer are.
    fn take_short(&mut self, datasets: &[Dataset<'_>]) {
        self.entries.retain(|entry| !entry.is_overload_phase());
        self.grow_older(SHORT);
        self.lay_over(datasets);
    }

    /// Long frames carry no ADIRn even while a phase is over: one of them may come between short frames, a second one says it is over.
    fn replace(&mut self, datasets: &[Dataset<'_>]) {
        let mut kept: VecDeque<Entry> = self.entries.drain(..).filter(|entry| entry.is_overload_phase() && entry.age < LONG).collect();
        kept.iter_mut().for_each(|entry| entry.age += LONG);
        self.entries = kept.into_iter().chain(datasets.iter().map(Entry::new)).collect();
    }

    fn grow_older(&mut self, age: u8) {
        for entry in &mut self.entries {
            entry.age = entry.age.saturating_add(age);
        }
        self.entries.retain(|entry| entry.age <= OLDEST);
    }

    fn lay_over(&mut self, datasets: &[Dataset<'_>]) {
        for dataset in datasets {
            match self.entries.iter_mut().find(|entry| entry.label == dataset.label()) {
                Some(entry) => entry.update(dataset),
                None => self.insert(dataset),
            }
        }
    }

    /// A label that was not there goes to its place in the order of a frame, an unknown one to the end.
    fn insert(&mut self, dataset: &Dataset<'_>) {
        let place = rank(self.mode, dataset.label());
        let at = self.entries.iter().position(|entry| rank(self.mode, &entry.label) > place).unwrap_or(self.entries.len());
        self.entries.insert(at, Entry::new(dataset));
    }

    fn dataset<'a>(&self, entry: &'a Entry) -> Option<Dataset<'a>> {
        Dataset::new(self.mode, &entry.label, entry.timestamp.as_deref(), &entry.data).ok()
    }
}

/// Whether a dataset may say that something is wrong: more current than subscribed, or a status.
fn warns(dataset: &Dataset<'_>) -> bool {
    matches!(dataset.role(), Some(Role::Overload(_))) || matches!(dataset.value(), Value::Status(_))
}

fn rank(mode: Mode, label: &str) -> usize {
    Label::all(mode).iter().position(|known| known.code == label).unwrap_or(usize::MAX)
}
