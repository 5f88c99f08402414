//! What is known now, of all meters and of the bridge: `/api/now`. The page begins with this, and events go on from it.

use std::time::Instant;

use serde::Serialize;
use serde_json::Value;
use teleinfo_proto::tic::MeterId;

use crate::{
    hub::{Hub, station::Station},
    page::feed::{Feed, Point},
    words::language::Language,
};

/// Meters that are shown: the page is for a house.
const METERS_MAX: usize = 32;

/// Everything.
#[derive(Serialize)]
pub struct Told {
    /// In ms since 1970, by the clock of the bridge.
    time: i64,
    bridge: Bridge,
    meters: Vec<Meter>,
}

#[derive(Serialize)]
struct Bridge {
    version: &'static str,
    mqtt: bool,
    /// A line on each reader.
    readers: Vec<String>,
    /// What somebody should know.
    complaints: Vec<String>,
    /// What went wrong, and how often.
    troubles: Vec<(String, u64)>,
}

#[derive(Serialize)]
struct Meter {
    id: MeterId,
    online: bool,
    reachable: bool,
    power: Option<i64>,
    /// When the last frame ended, in s since 1970.
    last: Option<i64>,
    minutes: Vec<Point>,
    derived: Option<Value>,
    state: Option<Value>,
    quality: Option<Value>,
}

/// What is told at this time, in this language.
#[must_use]
pub fn now(hub: &Hub, feed: &Feed, language: Language, unix_ms: i64, now: Instant) -> Told {
    let troubles = hub.counters().all().filter(|(counter, number)| counter.is_trouble() && *number > 0);
    let bridge = Bridge {
        version: env!("CARGO_PKG_VERSION"),
        mqtt: hub.is_connected(),
        readers: hub.readers(language, now).collect(),
        complaints: hub.complaints().map(|(_, _, text)| text.to_owned()).collect(),
        troubles: troubles.map(|(counter, number)| (counter.row().words.get(language).to_owned(), number)).collect(),
    };
    let meters = hub.stations().take(METERS_MAX).map(|(id, station)| meter(*id, station, feed, language));
    Told { time: unix_ms, bridge, meters: meters.collect() }
}

fn meter(id: MeterId, station: &Station, feed: &Feed, language: Language) -> Meter {
    let figures = station.figures();
    let quality = station.reception().report(language);
    Meter {
        id,
        online: station.is_online(),
        reachable: station.reception().is_reachable(),
        power: station.power().map(|(power, _)| power.watts),
        last: figures.last_frame().map(|last| last.unix_seconds()),
        minutes: feed.minutes(id).collect(),
        derived: serde_json::to_value(figures.derived()).ok(),
        state: serde_json::from_slice(&station.merged_state()).ok(),
        quality: quality.and_then(|report| serde_json::from_slice(&report).ok()),
    }
}
