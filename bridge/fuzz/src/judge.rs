//! What must be true of all that the hub orders, whatever came to it; and a hub like that of a house.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
    time::Duration,
};

use teleinfo_proto::tic::MeterId;

use crate::{
    energy::ledger::Ledger,
    homeassistant::{predecessor::Migrate, presentation::Presentation},
    hub::{HubOptions, orders::Order, station::StationOptions},
    meter::cadence::Policy,
    prices::book::Book,
    seal::pins::Pins,
    store::memories,
    words::{language::Language, limits::Limits, message::Message, topics::Topics},
};

/// The longest that Mosquitto and the bridge itself take.
const PAYLOAD_MAX: usize = 1 << 20;

/// What is kept is read again as the same, and a line of the journal is one line.
pub fn order(order: &Order) {
    match order {
        Order::Publish(published) => message(published),
        Order::Keep(id, memory) => assert!(memories::file(Path::new("/"), *id, memory).is_ok()),
        Order::KeepLedger(id, ledger) => {
            assert_eq!(ledger.check(*id), Ok(()));
            let json = ledger.json().expect("JSON");
            assert_eq!(Ledger::read(*id, &json).as_ref(), Ok(&**ledger));
        }
        Order::Say(_, text) => line(text),
        _ => {}
    }
}

/// The file of the readers is read again.
pub fn pins(text: &str) {
    assert!(Pins::parse(text).is_ok(), "{text}");
}

/// One line of the journal.
pub fn line(text: &str) {
    assert!(!text.contains(char::is_control), "{text:?}");
}

/// A message may go to any broker and to Home Assistant.
fn message(message: &Message) {
    let Message { topic, payload, .. } = message;
    assert!(!topic.is_empty() && topic.len() < 256 && !topic.contains(['+', '#', '\0']), "{topic}");
    assert!(payload.len() < PAYLOAD_MAX, "{topic}: {} bytes", payload.len());
    if payload.first().is_some_and(|byte| b"{[".contains(byte)) {
        assert!(serde_json::from_slice::<serde_json::Value>(payload).is_ok(), "{topic}: {}", String::from_utf8_lossy(payload));
    }
}

/// The settings of a hub whose power somebody steers by at this meter.
#[must_use]
pub fn options(measured: MeterId, member: Option<&str>) -> HubOptions {
    let presentation = Presentation {
        topics: Topics::default(),
        language: Language::English,
        updates: false,
        discovery: true,
        migrate: Migrate::None,
        meters: BTreeMap::new(),
        prices: Book::default(),
    };
    let station = StationOptions {
        presentation: Arc::new(presentation),
        policy: Policy::EveryFrame,
        pace: Duration::ZERO,
        offline_after: Duration::from_secs(30),
        archive: true,
        records: Some(Duration::from_secs(10)),
    };
    HubOptions {
        station,
        limits: Limits::default(),
        notes: true,
        broker_keeps: false,
        samples_first: 1,
        measured: BTreeSet::from([measured]),
        fingerprint: String::new(),
        member: member.map(str::to_owned),
        seed: 7,
    }
}
