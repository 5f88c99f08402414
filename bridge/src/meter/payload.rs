//! The merged state as JSON, one object per label: `{"PAPP": {"raw": "00260", "value": 260}, ...}`.
//!
//! `raw` is what stands on the line. `value` is a number where the label is one (and for an identity of twelve digits), else the
//! text without its padding. `timestamp` is the label's own, in UTC. `decoded` takes registers and profiles apart; a profile whose hours
//! nobody can read yet has none.
//!
//! It is written byte by byte, since each frame of each meter is written so: what most of it costs elsewhere is to be taken apart and put
//! together again.

use serde::{Serialize, Serializer};
use teleinfo_proto::tic::{Dataset, DryContact, MissingPhases, ProfileAction, ProfileBlock, Relays, StatusRegister, Value};

use crate::{
    meter::{profile_hours::ProfileHours, state::State},
    words::utc,
};

/// A label with all that is said of it, on the average.
const ITEM_BYTES: usize = 64;

/// A state as JSON; `hours` says how its profiles are to be read.
#[must_use]
pub fn merged(state: &State, hours: ProfileHours) -> Vec<u8> {
    let mut object = Object::new(state.len());
    state.datasets().for_each(|dataset| object.item(&dataset, hours));
    object.finish()
}

/// Some datasets and the time they were read at as JSON, for what comes late.
#[must_use]
pub fn dated(unix_ms: i64, datasets: &[Dataset<'_>], hours: ProfileHours) -> Vec<u8> {
    let mut object = Object::new(datasets.len());
    object.entry("time", &utc::rfc3339(unix_ms.div_euclid(1_000)));
    datasets.iter().for_each(|dataset| object.item(dataset, hours));
    object.finish()
}

/// A JSON object that is being written.
pub struct Object(Vec<u8>);

impl Object {
    /// With so many entries, or about as many.
    #[must_use]
    pub fn new(entries: usize) -> Self {
        let mut bytes = Vec::with_capacity((entries + 1) * ITEM_BYTES);
        bytes.push(b'{');
        Self(bytes)
    }

    /// One dataset, under its label.
    pub fn item(&mut self, dataset: &Dataset<'_>, hours: ProfileHours) {
        let (value, out) = (dataset.value(), self.key(dataset.label()));
        out.extend_from_slice(b"{\"raw\":");
        text(out, dataset.data());
        out.extend_from_slice(b",\"value\":");
        plain(out, dataset.data(), &value);
        if let Some(time) = dataset.time() {
            out.extend_from_slice(b",\"timestamp\":\"");
            out.extend_from_slice(utc::rfc3339(time.unix_seconds()).as_bytes());
            out.push(b'"');
        }
        if let Some(decoded) = Decoded::new(&value, hours) {
            out.extend_from_slice(b",\"decoded\":");
            other(out, &decoded);
        }
        out.push(b'}');
    }

    /// Anything else.
    pub fn entry(&mut self, key: &str, value: &impl Serialize) {
        other(self.key(key), value);
    }

    /// The whole.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }

    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        text(&mut self.0, key);
        self.0.push(b':');
        &mut self.0
    }
}

/// Whether a byte stands in JSON as it is.
const fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte != b'"' && byte != b'\\'
}

fn text(out: &mut Vec<u8>, text: &str) {
    if !text.bytes().all(is_plain) {
        return other(out, text);
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Nothing that is written here can fail: there is memory, and all keys are texts.
fn other(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    let _ = serde_json::to_writer(out, value);
}

/// Dots pad only the tariff codes; elsewhere a dot may be meant.
fn plain(out: &mut Vec<u8>, data: &str, value: &Value<'_>) {
    match (value.number(), value) {
        (Some(number), _) => other(out, &number),
        (None, Value::TariffOption(_) | Value::Period(_)) => text(out, data.trim_end_matches(['.', ' '])),
        (None, _) => text(out, data.trim()),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_written_as_json_writes_them() {
        let all = (0..=255_u8).map(char::from).chain("é€😀".chars());
        for odd in all.map(|odd| format!("a{odd}b")).chain([String::new()]) {
            let (mut ours, theirs) = (Vec::new(), serde_json::to_vec(&odd).unwrap());
            text(&mut ours, &odd);
            assert_eq!(ours, theirs, "{odd:?}");
        }
    }

    #[test]
    fn an_object_has_commas_between_its_entries() {
        let mut object = Object::new(0);
        assert_eq!(Object::new(2).finish(), b"{}");
        object.entry("a", &1);
        object.entry("b", &"x");
        assert_eq!(object.finish(), b"{\"a\":1,\"b\":\"x\"}");
    }
}
