//! The merged state of a meter: the datasets of its last frames, as one.
//!
//! A clean whole frame replaces everything, so a label that is gone is gone. A frame with refusals, a cut one or a three-phase
//! short frame brings only part of the truth: it is laid over what is known, and what it does not carry is kept for a while.

use std::{collections::VecDeque, ptr};

use teleinfo_proto::tic::{Dataset, Label, Mode, Role, Timestamp, Value};
use teleinfo_proto::wire::SampleKind;

/// Age that a long frame without the label adds.
const LONG: u8 = 12;
/// Age that a short frame adds: while the current is too high a three-phase meter sends twenty of them for each long one.
const SHORT: u8 = 1;
/// Beyond this a value is dropped: after five long frames, or sixty short ones.
const OLDEST: u8 = 5 * LONG;

/// One label and what it last said.
#[derive(Debug, Clone)]
struct Entry {
    /// Its line in the table of labels.
    known: Option<&'static Label>,
    /// The label if it is not known, then the timestamp, then the data: one text, since a meter has sixty of them.
    text: String,
    label_bytes: u8,
    timestamp_bytes: u8,
    age: u8,
    is_measurement: bool,
    /// What it says tells nothing of anything else: so a measurement, but for the subscribed current.
    stands_alone: bool,
}

impl Entry {
    fn new(dataset: &Dataset<'_>) -> Self {
        let known = dataset.info();
        let label = if known.is_some() { "" } else { dataset.label() };
        let timestamp = dataset.timestamp().unwrap_or_default();
        Self {
            known,
            text: [label, timestamp, dataset.data()].concat(),
            // A timestamp has 13 bytes, and what looks like a label some more.
            label_bytes: label.len() as u8,
            timestamp_bytes: timestamp.len() as u8,
            age: 0,
            is_measurement: is_measurement(dataset),
            stands_alone: is_measurement(dataset) && dataset.role() != Some(Role::SubscribedCurrent),
        }
    }

    fn is_of(&self, dataset: &Dataset<'_>) -> bool {
        match (self.known, dataset.info()) {
            (Some(known), Some(other)) => ptr::eq(known, other),
            (None, None) => self.label() == dataset.label(),
            _ => false,
        }
    }

    fn label(&self) -> &str {
        self.known.map_or_else(|| self.text.get(..self.label_bytes.into()).unwrap_or_default(), |known| known.code)
    }

    /// Returns whether it says something else now.
    fn update(&mut self, dataset: &Dataset<'_>) -> bool {
        self.age = 0;
        let (label, timestamp) = (usize::from(self.label_bytes), dataset.timestamp().unwrap_or_default());
        let data_at = label + usize::from(self.timestamp_bytes);
        if self.text.get(label..data_at) == Some(timestamp) && self.text.get(data_at..) == Some(dataset.data()) {
            return false;
        }
        self.text.truncate(label);
        self.text.push_str(timestamp);
        self.text.push_str(dataset.data());
        self.timestamp_bytes = timestamp.len() as u8;
        true
    }

    fn is_overload_phase(&self) -> bool {
        matches!(self.role(), Some(Role::Overload(Some(_))))
    }

    fn role(&self) -> Option<Role> {
        self.known?.role
    }

    fn dataset(&self, mode: Mode) -> Option<Dataset<'_>> {
        let (_, rest) = self.text.split_at_checked(self.label_bytes.into())?;
        let (timestamp, data) = rest.split_at_checked(self.timestamp_bytes.into())?;
        Dataset::new(mode, self.label(), Some(timestamp).filter(|timestamp| !timestamp.is_empty()), data).ok()
    }
}

/// Whether this is a quantity that is different each time one looks; the time of the frame is one too.
#[must_use]
pub fn is_measurement(dataset: &Dataset<'_>) -> bool {
    let quantity = matches!(
        dataset.value(),
        Value::Energy(_)
            | Value::ReactiveEnergy(_)
            | Value::ApparentPower(_)
            | Value::ActivePower(_)
            | Value::Current(_)
            | Value::Voltage(_)
            | Value::Printed { .. }
    );
    quantity || dataset.label() == "DATE"
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
#[derive(Debug, Clone)]
pub struct State {
    mode: Mode,
    entries: Vec<Entry>,
    /// Counts the changes of all but what stands alone, and labels that come and go.
    revision: u64,
    /// How much was seen: see [`State::is_settled`].
    points: u8,
}

impl State {
    /// Nothing known yet.
    #[must_use]
    pub const fn new(mode: Mode) -> Self {
        Self { mode, entries: Vec::new(), revision: 0, points: 0 }
    }

    /// Nothing known, under another mode.
    #[must_use]
    pub fn anew(&self, mode: Mode) -> Self {
        Self { revision: self.revision + 1, ..Self::new(mode) }
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

    /// How many labels are known.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
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
        self.entries.iter().filter_map(|entry| entry.dataset(self.mode))
    }

    /// Those that are no measurements.
    pub fn statements(&self) -> impl Iterator<Item = Dataset<'_>> + Clone {
        self.entries.iter().filter(|entry| !entry.is_measurement).filter_map(|entry| entry.dataset(self.mode))
    }

    /// The same number as before: nothing has changed since but measurements.
    #[must_use]
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// How many measurements there are.
    #[must_use]
    pub fn measurement_count(&self) -> usize {
        self.entries.iter().filter(|entry| entry.is_measurement).count()
    }

    /// The measurements alone, as they are now.
    #[must_use]
    pub fn measurements(&self) -> Self {
        let entries = self.entries.iter().filter(|entry| entry.is_measurement).cloned().collect();
        Self { mode: self.mode, entries, revision: self.revision, points: self.points }
    }

    /// The dataset of a label.
    #[must_use]
    pub fn get(&self, label: &str) -> Option<Dataset<'_>> {
        let entry = match Label::find(self.mode, label) {
            Some(label) => self.entries.iter().find(|entry| entry.known.is_some_and(|known| ptr::eq(known, label))),
            None => self.entries.iter().find(|entry| entry.label() == label),
        };
        entry?.dataset(self.mode)
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
        let entries = self.entries.iter().filter(|entry| entry.role() == Some(role));
        // A table of labels is in the order in which a meter sends them.
        entries.min_by_key(|entry| entry.known.map(|known| ptr::from_ref(known).addr()))?.dataset(self.mode)
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
        let warns = self.is_warned(datasets);
        self.lay_over(datasets);
        warns
    }

    /// Whether datasets warn of something that is not known.
    #[must_use]
    pub fn is_warned(&self, datasets: &[Dataset<'_>]) -> bool {
        let is_news = |dataset: &Dataset<'_>| self.get(dataset.label()).is_none_or(|known| known.data() != dataset.data());
        datasets.iter().any(|dataset| warns(dataset) && is_news(dataset))
    }

    /// A three-phase meter's short frame: ADIRn, ADCO and the three currents.
    fn is_short(&self, datasets: &[Dataset<'_>]) -> bool {
        let has = |role| datasets.iter().any(|dataset| dataset.role() == Some(role));
        let of_three_phases = has(Role::Current(2)) || has(Role::Current(3));
        self.mode == Mode::Historic && of_three_phases && !has(Role::Contract) && !has(Role::Tariff)
    }

    /// The short frame names the phases that are over right now; the others no longer are.
    fn take_short(&mut self, datasets: &[Dataset<'_>]) {
        self.retain(|entry| !entry.is_overload_phase());
        self.grow_older(SHORT);
        self.lay_over(datasets);
    }

    /// Long frames carry no ADIRn even while a phase is over: one of them may come between short frames, a second one says it is over.
    fn replace(&mut self, datasets: &[Dataset<'_>]) {
        let is_same = |(entry, dataset): (&Entry, &Dataset<'_>)| entry.is_of(dataset) && !entry.is_overload_phase();
        if self.entries.len() == datasets.len() && self.entries.iter().zip(datasets).all(is_same) {
            return self.update_all(datasets);
        }
        let mut kept: VecDeque<Entry> = self.entries.drain(..).filter(|entry| entry.is_overload_phase() && entry.age < LONG).collect();
        kept.iter_mut().for_each(|entry| entry.age += LONG);
        self.entries = kept.into_iter().chain(datasets.iter().map(Entry::new)).collect();
        self.revision += 1;
    }

    /// The same labels as before, in the same order.
    fn update_all(&mut self, datasets: &[Dataset<'_>]) {
        for (entry, dataset) in self.entries.iter_mut().zip(datasets) {
            self.revision += u64::from(entry.update(dataset) && !entry.stands_alone);
        }
    }

    fn grow_older(&mut self, age: u8) {
        for entry in &mut self.entries {
            entry.age = entry.age.saturating_add(age);
        }
        self.retain(|entry| entry.age <= OLDEST);
    }

    fn retain(&mut self, stays: impl Fn(&Entry) -> bool) {
        let before = self.entries.len();
        self.entries.retain(stays);
        self.revision += u64::from(self.entries.len() != before);
    }

    fn lay_over(&mut self, datasets: &[Dataset<'_>]) {
        for dataset in datasets {
            match self.entries.iter_mut().find(|entry| entry.is_of(dataset)) {
                Some(entry) => self.revision += u64::from(entry.update(dataset) && !entry.stands_alone),
                None => self.insert(dataset),
            }
        }
    }

    /// A label that was not there goes to its place in the order of a frame, an unknown one to the end.
    fn insert(&mut self, dataset: &Dataset<'_>) {
        let place = rank(self.mode, dataset.label());
        let at = self.entries.iter().position(|entry| rank(self.mode, entry.label()) > place).unwrap_or(self.entries.len());
        self.entries.insert(at, Entry::new(dataset));
        self.revision += 1;
    }
}

/// Whether a dataset may say that something is wrong: more current than subscribed, or a status.
fn warns(dataset: &Dataset<'_>) -> bool {
    matches!(dataset.role(), Some(Role::Overload(_))) || matches!(dataset.value(), Value::Status(_))
}

fn rank(mode: Mode, label: &str) -> usize {
    Label::all(mode).iter().position(|known| known.code == label).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datasets<'a>(lines: &[(&'static str, &'a str)]) -> Vec<Dataset<'a>> {
        lines.iter().map(|(label, data)| Dataset::new(Mode::Historic, label, None, data).unwrap()).collect()
    }

    #[test]
    fn the_revision_is_the_same_while_nothing_changes_but_measurements() {
        let mut state = State::new(Mode::Historic);
        let mut revision = |part, lines: &[(&'static str, &str)]| {
            state.take(part, &datasets(lines));
            state.revision()
        };
        let first = revision(Part::Whole, &[("BASE", "000000001"), ("ISOUSC", "30"), ("PTEC", "TH.."), ("PAPP", "00100")]);
        let moved = revision(Part::Whole, &[("BASE", "000000002"), ("ISOUSC", "30"), ("PTEC", "TH.."), ("PAPP", "00200")]);
        assert_eq!(first, moved);
        let changes = [
            revision(Part::Whole, &[("BASE", "000000002"), ("ISOUSC", "30"), ("PTEC", "HC.."), ("PAPP", "00200")]),
            revision(Part::Whole, &[("BASE", "000000002"), ("ISOUSC", "45"), ("PTEC", "HC.."), ("PAPP", "00200")]),
            revision(Part::Whole, &[("BASE", "000000002"), ("ISOUSC", "45"), ("PTEC", "HC..")]),
            revision(Part::Incomplete, &[("BASE", "000000003"), ("ADPS", "047")]),
        ];
        assert!(changes.iter().zip([moved].iter().chain(&changes)).all(|(after, before)| after != before), "{changes:?}");
        let before = state.anew(Mode::Historic).revision();
        assert!(before > changes[3], "another mode begins behind all that was");
    }

    #[test]
    fn a_label_that_is_not_known_keeps_its_place_and_its_words() {
        let mut state = State::new(Mode::Historic);
        for data in ["1", "22", "", "333"] {
            let lines = [("PTEC", "TH.."), ("NEWLABEL", data)];
            state.take(Part::Whole, &datasets(&lines));
            let told: Vec<(&str, &str)> = state.datasets().map(|dataset| (dataset.label(), dataset.data())).collect();
            assert_eq!(told, lines);
            assert_eq!(state.get("NEWLABEL").map(|dataset| dataset.data()), Some(data));
        }
    }

    #[test]
    fn a_timestamp_and_data_are_told_apart() {
        let mut state = State::new(Mode::Standard);
        for (time, data) in [("H260101120000", "00123"), ("H260101120001", "00123"), ("E260701120000", "00007")] {
            state.take(Part::Whole, &[Dataset::new(Mode::Standard, "SMAXSN", Some(time), data).unwrap()]);
            let told = state.get("SMAXSN").unwrap();
            assert_eq!((told.timestamp(), told.data()), (Some(time), data));
        }
    }
}
