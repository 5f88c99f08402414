//! What a meter has shown so far: decides which entities it gets.
//!
//! Labels come and go (ADPS, PEJP, DPMn) but an entity that was there once stays, as long as mode and contract do. An index counts
//! as shown when it is above zero, or when its contract will use it: a Linky sends all of its ten, used or not.

use std::{collections::BTreeSet, ptr};

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::{
    Dataset, DayProfile, HourBase, Label, LabelKind, MeterFamily, MeterId, Mode, Phases, ProfileBlock, Relays, Role, StatusRegister,
    TariffOption, Value,
};

use crate::hours::off_peak;

/// Supplier indexes that Tempo uses, from the first (Enedis NOI-CPT_54E, 6.1.1).
const TEMPO_INDEXES: u8 = 6;

/// Something about a meter that takes more to know than that a label was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// An energy index above zero, whatever its label.
    Index,
    /// OPTARIF is BASE.
    ContractBase,
    /// OPTARIF is HC.
    ContractOffPeak,
    /// OPTARIF is EJP.
    ContractEjp,
    /// OPTARIF is BBR.
    ContractTempo,
    /// Some days have off-peak hours and others.
    OffPeakHours,
    /// Days have colours.
    Tempo,
    /// There are days of mobile peak, under Tempo or EJP.
    Peak,
    /// The dates of a mobile peak were sent.
    PeakDates,
    /// PMAX of a Linky: the highest apparent power of yesterday.
    MaxPowerOfLinky,
    /// PMAX of an older meter: the highest active power.
    MaxPowerOfOlder,
    /// The meter is a producer's, or energy flowed out.
    Injecting,
    /// Energy is injected of which the meter shows no more than a current.
    InjectingUnseen,
    /// The meter says when more is drawn than subscribed.
    Overload,
    /// This relay was closed, 2 to 8. Relay 1 is the dry contact, which STGE tells of.
    Relay(u8),
}

/// Whether a label that was shown may show more by what it says; all else it has shown the first time.
fn teaches_again(dataset: &Dataset<'_>) -> bool {
    let kind = dataset.info().map(|label| label.kind);
    matches!(kind, Some(LabelKind::TariffOption | LabelKind::Status | LabelKind::Relays | LabelKind::DayProfile))
}

/// The labels and features that a meter has shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    labels: BTreeSet<String>,
    features: BTreeSet<Feature>,
    /// More than one phase was shown.
    three_phase: bool,
    /// Labels that only this family of meters sends.
    #[serde(default)]
    family: Option<MeterFamily>,
}

impl Shown {
    /// What holds whatever the contract: a meter that has indexes keeps them.
    #[must_use]
    pub fn of_any_contract(&self) -> Self {
        let features = self.features.iter().copied().filter(|feature| *feature == Feature::Index).collect();
        Self { features, ..Self::default() }
    }

    /// Whether a label was shown.
    #[must_use]
    pub fn has_label(&self, label: &str) -> bool {
        self.labels.contains(label)
    }

    /// The label with this role that was shown.
    #[must_use]
    pub fn label_with_role(&self, role: Role) -> Option<&'static str> {
        let labels = Mode::ALL.into_iter().flat_map(|mode| Label::with_role(mode, role));
        labels.filter(|label| self.fits(label.phases)).map(|label| label.code).find(|code| self.has_label(code))
    }

    /// Whether it is a meter of so many phases.
    #[must_use]
    pub const fn fits(&self, phases: Phases) -> bool {
        match phases {
            Phases::Any => true,
            Phases::Single => !self.three_phase,
            Phases::Three => self.three_phase,
        }
    }

    /// All labels that were shown.
    pub fn labels(&self) -> impl Iterator<Item = &str> + Clone {
        self.labels.iter().map(String::as_str)
    }

    /// Whether a feature was shown.
    #[must_use]
    pub fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    /// Whether it is a three-phase meter.
    #[must_use]
    pub const fn three_phase(&self) -> bool {
        self.three_phase
    }

    /// The family of a meter: as its labels tell, or else its type.
    #[must_use]
    pub fn family(&self, meter: &MeterId) -> Option<MeterFamily> {
        self.family.or(meter.kind().map(|kind| kind.family))
    }

    /// A meter sent these datasets; `before` are those of the labels of its last frame, place by place, that had been shown. Returns whether they
    /// showed anything new.
    pub fn handle_datasets(&mut self, before: &mut Vec<Option<&'static Label>>, meter: &MeterId, datasets: &[Dataset<'_>]) -> bool {
        let counts = |shown: &Self| (shown.labels.len(), shown.features.len(), shown.three_phase, shown.family);
        let counted = counts(self);
        before.resize(datasets.len(), None);
        // A meter sends the same labels frame by frame: that each has been shown is not looked up again.
        for (known, dataset) in before.iter_mut().zip(datasets) {
            let is_known = known.zip(dataset.info()).is_some_and(|(known, label)| ptr::eq(known, label));
            if !is_known || teaches_again(dataset) {
                self.add_dataset(meter, dataset);
                *known = dataset.info().filter(|label| self.has_label(label.code));
            }
        }
        counted != counts(self)
    }

    fn add_dataset(&mut self, meter: &MeterId, dataset: &Dataset<'_>) {
        // No entity shows a label that is not in the table.
        let Some(label) = dataset.info() else { return };
        self.family = self.family.or(label.family);
        if matches!(dataset.role(), Some(Role::SubscribedCurrent | Role::Overload(_))) {
            self.add(Feature::Overload);
        }
        // A second phase tells a three-phase meter; the short frames of older ones count too.
        self.three_phase |= matches!(dataset.role(), Some(Role::Current(2) | Role::Voltage(2)));
        match dataset.value() {
            // In historic mode the labels are those of the contract: each is used, if only on the first red day.
            Value::Energy(index) if index.get() == 0 && !self.will_be_used(dataset) => return,
            Value::ReactiveEnergy(index) if index.get() == 0 => return,
            Value::Energy(_) => self.add(Feature::Index),
            Value::TariffOption(option) => self.add_contract(option),
            Value::Status(register) => self.add_status(register),
            Value::Relays(relays) => self.add_relays(relays),
            Value::DayProfile(profile) if dataset.label() == "PJOURF+1" => self.add_profile(&profile),
            _ => {}
        }
        if label.kind == LabelKind::MobilePeak {
            // The dates come before any bit of STGE: the entities are there before the first notice.
            self.features.extend([Feature::PeakDates, Feature::Peak]);
        }
        if dataset.label() == "PMAX" {
            self.add(if meter.is_linky() { Feature::MaxPowerOfLinky } else { Feature::MaxPowerOfOlder });
        }
        if !self.has_label(dataset.label()) {
            self.labels.insert(dataset.label().to_owned());
        }
    }

    /// Whether an index that stands at zero is one of its contract: in historic mode the labels are, under Tempo the first six are.
    fn will_be_used(&self, dataset: &Dataset<'_>) -> bool {
        match dataset.role() {
            Some(Role::IndexOf(_)) => true,
            Some(Role::SupplierIndex(number)) => self.has(Feature::Tempo) && number <= TEMPO_INDEXES,
            _ => false,
        }
    }

    fn add_contract(&mut self, option: TariffOption) {
        let features: &[Feature] = match option {
            TariffOption::Base => &[Feature::ContractBase],
            TariffOption::OffPeak => &[Feature::ContractOffPeak, Feature::OffPeakHours],
            TariffOption::Ejp => &[Feature::ContractEjp, Feature::Peak],
            TariffOption::Tempo => &[Feature::ContractTempo, Feature::OffPeakHours, Feature::Tempo],
            _ => &[],
        };
        self.features.extend(features);
    }

    fn add_status(&mut self, register: StatusRegister) {
        self.add(Feature::Overload);
        if register.today().is_some() {
            self.add(Feature::Tempo);
        }
        if register.today().is_some() || register.notice().is_some() || register.mobile_peak().is_some() {
            self.add(Feature::Peak);
        }
        if register.producer() || register.injecting() {
            self.add(Feature::Injecting);
        }
    }

    /// Which indexes a day has does not depend on how its hours are read.
    fn add_profile(&mut self, profile: &DayProfile) {
        let blocks: Vec<ProfileBlock> = HourBase::ALL.into_iter().find_map(|base| profile.blocks(base)).into_iter().flatten().collect();
        if off_peak::tells_apart(&blocks) {
            self.add(Feature::OffPeakHours);
        }
    }

    fn add_relays(&mut self, relays: Relays) {
        let closed = (2..=Relays::COUNT).filter(|number| relays.closed(*number));
        self.features.extend(closed.map(Feature::Relay));
    }

    /// Something was seen that no single dataset shows. Returns whether it is new.
    pub fn handle_feature(&mut self, feature: Feature) -> bool {
        self.features.insert(feature)
    }

    fn add(&mut self, feature: Feature) {
        self.features.insert(feature);
    }
}
