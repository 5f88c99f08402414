//! What a meter has shown so far: decides which entities it gets.
//!
//! Labels come and go (ADPS, PEJP, DPMn) but an entity that was there once stays, as long as mode and contract do. An index counts
//! as seen when it is above zero: a Linky sends all of its ten, used or not.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use teleinfo_proto::tic::{Dataset, MeterId, Relays, StatusRegister, TariffOption, Value};

/// Labels and features, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Labels, and features in small letters.
    names: BTreeSet<String>,
    /// More than one phase was seen.
    three_phase: bool,
}

/// What tells a three-phase meter; the short frames of older ones count too.
const THREE_PHASE: [&str; 3] = ["IINST2", "IRMS2", "URMS2"];

impl Seen {
    /// Whether a label or feature was seen; the empty name always was.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        name.is_empty() || self.names.contains(name)
    }

    /// Whether it is a three-phase meter.
    #[must_use]
    pub const fn three_phase(&self) -> bool {
        self.three_phase
    }

    /// Looks at the datasets of one frame. Returns whether there was anything new in it.
    pub fn look(&mut self, meter: &MeterId, datasets: &[Dataset<'_>]) -> bool {
        let before = (self.names.len(), self.three_phase);
        for dataset in datasets {
            self.dataset(meter, dataset);
        }
        before != (self.names.len(), self.three_phase)
    }

    fn dataset(&mut self, meter: &MeterId, dataset: &Dataset<'_>) {
        if THREE_PHASE.contains(&dataset.label()) {
            self.three_phase = true;
        }
        match dataset.value() {
            Value::Energy(index) if index.get() == 0 => return,
            Value::ReactiveEnergy(index) if index.get() == 0 => return,
            Value::Energy(_) => self.add("index"),
            Value::TariffOption(option) => self.contract(option),
            Value::Status(register) => self.status(register),
            Value::Relays(relays) => self.relays(relays),
            _ => {}
        }
        match dataset.label() {
            "DPM1" | "DPM2" | "DPM3" => self.add("peak_dates"),
            "PMAX" => self.add(if is_linky(meter) { "pmax_linky" } else { "pmax_older" }),
            _ => {}
        }
        self.add(dataset.label());
    }

    fn contract(&mut self, option: TariffOption) {
        let features: &[&str] = match option {
            TariffOption::Base => &["contract_base"],
            TariffOption::OffPeak => &["contract_hc", "several_indexes"],
            TariffOption::Ejp => &["contract_ejp", "several_indexes", "peak"],
            TariffOption::Tempo => &["contract_tempo", "several_indexes", "tempo"],
            _ => &[],
        };
        features.iter().for_each(|feature| self.add(feature));
    }

    fn status(&mut self, register: StatusRegister) {
        if register.today().is_some() {
            self.add("tempo");
        }
        if register.today().is_some() || register.notice().is_some() || register.mobile_peak().is_some() {
            self.add("peak");
        }
        if register.producer() || register.injecting() {
            self.add("injecting");
        }
    }

    /// Relay 1 is the dry contact, which STGE has too; the others show once they are used.
    fn relays(&mut self, relays: Relays) {
        for number in (2..=Relays::COUNT).filter(|number| relays.closed(*number)) {
            self.add(&format!("relay_{number}"));
        }
    }

    fn add(&mut self, name: &str) {
        if !self.names.contains(name) {
            self.names.insert(name.to_owned());
        }
    }
}

fn is_linky(meter: &MeterId) -> bool {
    meter.kind().is_none_or(|kind| kind.name.starts_with("Linky"))
}
