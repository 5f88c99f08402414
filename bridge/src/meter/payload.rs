//! The merged state as JSON, one object per label: `{"PAPP": {"raw": "00260", "value": 260}, ...}`.
//!
//! `raw` is what stands on the line. `value` is a number where the label is one (and for an identity of twelve digits), else the
//! text without its padding. `timestamp` is the label's own, in UTC. `decoded` takes registers and profiles apart; a profile whose hours
//! nobody can read yet has none.

use serde::{Serialize, Serializer, ser::SerializeMap};
use teleinfo_proto::tic::{Dataset, DryContact, MissingPhases, ProfileAction, ProfileBlock, Relays, StatusRegister, Value};

use crate::{
    meter::{profile_hours::ProfileHours, state::State},
    words::utc,
};

/// A state as JSON; `hours` says how its profiles are to be read.
#[must_use]
pub fn merged(state: &State, hours: ProfileHours) -> impl Serialize {
    Datasets { datasets: state.datasets(), hours }
}

/// Some datasets and the time they were read at as JSON, for what comes late.
#[must_use]
pub fn dated(unix_ms: i64, datasets: &[Dataset<'_>], hours: ProfileHours) -> impl Serialize {
    Dated { time: utc::rfc3339(unix_ms.div_euclid(1_000)), datasets, hours }
}

/// One dataset as JSON.
#[must_use]
pub fn item<'a>(dataset: &Dataset<'a>, hours: ProfileHours) -> impl Serialize + 'a {
    Item::new(dataset, hours)
}

struct Datasets<I> {
    datasets: I,
    hours: ProfileHours,
}

impl<'a, I: Iterator<Item = Dataset<'a>> + Clone> Serialize for Datasets<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for dataset in self.datasets.clone() {
            map.serialize_entry(dataset.label(), &Item::new(&dataset, self.hours))?;
        }
        map.end()
    }
}

struct Dated<'a> {
    time: String,
    datasets: &'a [Dataset<'a>],
    hours: ProfileHours,
}

impl Serialize for Dated<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("time", &self.time)?;
        for dataset in self.datasets {
            map.serialize_entry(dataset.label(), &Item::new(dataset, self.hours))?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Item<'a> {
    raw: &'a str,
    value: Plain<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decoded: Option<Decoded>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Plain<'a> {
    Number(u64),
    Text(&'a str),
}

impl<'a> Item<'a> {
    fn new(dataset: &Dataset<'a>, hours: ProfileHours) -> Self {
        let value = dataset.value();
        Self {
            raw: dataset.data(),
            value: plain(dataset.data(), &value),
            timestamp: dataset.time().map(|time| utc::rfc3339(time.unix_seconds())),
            decoded: Decoded::new(&value, hours),
        }
    }
}

/// Dots pad only the tariff codes; elsewhere a dot may be meant.
fn plain<'a>(data: &'a str, value: &Value<'_>) -> Plain<'a> {
    match (value.number(), value) {
        (Some(number), _) => Plain::Number(number),
        (None, Value::TariffOption(_) | Value::Period(_)) => Plain::Text(data.trim_end_matches(['.', ' '])),
        (None, _) => Plain::Text(data.trim()),
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Decoded {
    Status(Box<Status>),
    Relays(RelayMap),
    Profile { blocks: Vec<BlockItem> },
    Phases { missing_phases: Vec<u8> },
}

impl Decoded {
    fn new(value: &Value<'_>, hours: ProfileHours) -> Option<Self> {
        match *value {
            Value::Status(register) => Some(Self::Status(Box::new(Status::new(register)))),
            Value::Relays(relays) => Some(Self::Relays(RelayMap(relays))),
            Value::DayProfile(profile) => Some(Self::Profile { blocks: hours.blocks(&profile)?.into_iter().map(block).collect() }),
            Value::MissingPhases(phases) => Some(Self::Phases { missing_phases: missing(phases) }),
            _ => None,
        }
    }
}

#[derive(Serialize)]
struct Status {
    dry_contact_closed: bool,
    cut_off_device: Option<&'static str>,
    terminal_cover_open: bool,
    overvoltage: bool,
    reference_power_exceeded: bool,
    producer: bool,
    injecting: bool,
    supplier_index: Option<u8>,
    distributor_index: u8,
    clock_degraded: bool,
    mode: &'static str,
    euridis: Option<&'static str>,
    plc: Option<&'static str>,
    plc_synchronised: bool,
    tempo_today: Option<&'static str>,
    tempo_tomorrow: Option<&'static str>,
    peak_notice: Option<u8>,
    peak_running: Option<u8>,
}

impl Status {
    fn new(register: StatusRegister) -> Self {
        Self {
            dry_contact_closed: !register.dry_contact_open(),
            cut_off_device: register.cut_off().map(|state| state.name()),
            terminal_cover_open: register.cover_open(),
            overvoltage: register.over_voltage(),
            reference_power_exceeded: register.over_power(),
            producer: register.producer(),
            injecting: register.injecting(),
            supplier_index: register.supplier_index(),
            distributor_index: register.distributor_index(),
            clock_degraded: register.clock_degraded(),
            mode: if register.standard_mode() { "standard" } else { "historic" },
            euridis: register.euridis().map(|output| output.name()),
            plc: register.plc().map(|status| status.name()),
            plc_synchronised: register.plc_synchronised(),
            tempo_today: register.today().map(|colour| colour.name()),
            tempo_tomorrow: register.tomorrow().map(|colour| colour.name()),
            peak_notice: register.notice(),
            peak_running: register.mobile_peak(),
        }
    }
}

/// `relay_1` to `relay_8`, true when closed.
struct RelayMap(Relays);

impl Serialize for RelayMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map((1..=Relays::COUNT).map(|number| (format!("relay_{number}"), self.0.closed(number))))
    }
}

#[derive(Serialize)]
struct BlockItem {
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    virtual_contacts: Vec<u8>,
}

fn block(block: ProfileBlock) -> BlockItem {
    BlockItem {
        time: format!("{:02}:{:02}", block.hour(), block.minute()),
        index: block.action().supplier_index(),
        contact: contact(block.action()),
        virtual_contacts: (1..=7).filter(|number| block.action().virtual_contact(*number)).collect(),
    }
}

const fn contact(action: ProfileAction) -> Option<&'static str> {
    match action.contact() {
        DryContact::Unchanged => None,
        DryContact::Tempo => Some("tempo"),
        DryContact::Open => Some("open"),
        DryContact::Closed => Some("closed"),
    }
}

/// The phases without voltage, 1 to 3.
pub(crate) fn missing(phases: MissingPhases) -> Vec<u8> {
    (1..=3).filter(|number| phases.missing(*number)).collect()
}
