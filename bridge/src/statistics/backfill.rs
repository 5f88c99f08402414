//! The Energy dashboard without hole or spike: after an outage the hours concerned are corrected in Home Assistant's statistics.
//!
//! MQTT cannot carry the past. But the reader has kept an index a minute for two days, and Home Assistant takes statistics through its
//! WebSocket interface (`recorder/import_statistics`). [`Watch`] notes what the indexes were at each full hour, from all samples that
//! pass, and from the reader's history after a start; [`run`] compares that with what Home Assistant has recorded whenever something may
//! have been missed, and writes only hours that are missing or wrong. Which ones these are is for [`super::statistics`] to say.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use teleinfo_proto::{
    tic::{LabelKind, MeterId},
    wire::{Sample, SampleKind},
};
use tokio::{sync::mpsc, time::sleep};
use tracing::{debug, info, warn};

use crate::{
    daemon::credentials::Secret,
    homeassistant::statistic::Statistic,
    meter::events::Event,
    order::received::ReaderClock,
    statistics::{
        corrections::{Row, corrections, moved},
        hours::{HOUR, Hours},
        websocket::{Client, Error},
    },
    words::utc,
    zenoh::history::Historian,
};

/// What the reader keeps, and so what can be corrected.
const LOOK_BACK: i64 = 48 * HOUR;
/// Between two looks at the statistics while something may be amiss.
const PERIOD: Duration = Duration::from_secs(60);
/// Something that could not be mended in this time will not be; a reader that comes later starts a new search.
const PATIENCE: Duration = Duration::from_secs(3 * 3_600);
/// Five minutes rows are looked at over this time, for the newest of them.
const RECENT: i64 = 2 * HOUR;
/// Frames take time, clocks differ a little: what was recorded last in an hour may be so many seconds older than its end.
const SLACK_S: f64 = 20.0;

/// Where Home Assistant is.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its address.
    pub url: String,
    /// A long-lived access token of an administrator.
    pub token: Secret,
    /// How old a published state may be, by the policy of publication.
    pub published_every: Duration,
}

/// What is noted while samples pass; shared between the hub and the task.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<Mutex<Shared>>);

#[derive(Debug, Default)]
struct Shared {
    meters: BTreeMap<MeterId, Track>,
    /// Something may have been missed: since when it is over.
    disturbed: Option<(Instant, i64)>,
    /// Nobody looks any more.
    ended: bool,
}

#[derive(Debug, Default)]
struct Track {
    hours: Hours,
    clock: ReaderClock,
    statistics: Vec<Statistic>,
    /// The reader's history was read since the last disturbance.
    loaded: bool,
}

impl Watch {
    /// A live sample arrived: its reader's clock stands so.
    pub fn clock(&self, meter: MeterId, clock: ReaderClock) {
        if let Some(track) = self.lock().track(meter) {
            track.clock = clock;
        }
    }

    /// Takes the indexes of a sample, live or late, with the time it was made.
    pub fn sample(&self, sample: &Sample<'_>, unix_ms: i64) {
        if sample.kind == SampleKind::Urgent {
            return;
        }
        if let Some(track) = self.lock().track(sample.meter) {
            track.take(sample, unix_ms);
        }
    }

    /// What Home Assistant keeps of a meter.
    pub fn statistics(&self, meter: MeterId, statistics: Vec<Statistic>) {
        if let Some(track) = self.lock().track(meter) {
            track.statistics = statistics;
        }
    }

    /// Something may have been missed: the bridge, the broker, Home Assistant or a reader is back.
    pub fn disturbed(&self, now: Instant, wall: SystemTime) {
        let mut shared = self.lock();
        if shared.ended {
            return;
        }
        shared.disturbed = Some((now, seconds(wall)));
        shared.meters.values_mut().for_each(|track| track.loaded = false);
    }

    /// Nothing will be corrected: nothing needs to be noted.
    fn end(&self) {
        *self.lock() = Shared { ended: true, ..Shared::default() };
    }

    /// Whether a correction is being looked for.
    #[must_use]
    pub fn is_disturbed(&self) -> bool {
        self.lock().disturbed.is_some()
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn track(&mut self, meter: MeterId) -> Option<&mut Track> {
        (!self.ended).then(|| self.meters.entry(meter).or_default())
    }
}

impl Track {
    fn take(&mut self, sample: &Sample<'_>, unix_ms: i64) {
        for dataset in sample.datasets.iter(sample.mode).filter_map(Result::ok) {
            if let (Some(LabelKind::Energy), Some(wh)) = (dataset.info().map(|label| label.kind), dataset.value().number()) {
                self.hours.push(dataset.label(), unix_ms, wh);
            }
        }
    }
}

/// Corrects statistics until the process ends, or the token turns out wrong; what was filled goes to `filled`.
pub async fn run(options: Options, watch: Watch, historian: Historian, filled: mpsc::Sender<(MeterId, Event)>) {
    let mut trouble = None;
    loop {
        sleep(PERIOD).await;
        let Some((since, wall)) = watch.lock().disturbed else { continue };
        let result = mend(&options, &watch, &historian, &filled, wall).await;
        if let Err(error @ Error::Token) = result {
            warn!("Home Assistant at {}: {error}, put it into homeassistant.token-file, and restart the bridge", options.url);
            return watch.end();
        }
        let over = matches!(result, Ok(true)) || since.elapsed() > PATIENCE;
        say(&options, &mut trouble, result.err());
        let mut shared = watch.lock();
        if over && shared.disturbed.is_some_and(|(again, _)| again == since) {
            shared.disturbed = None;
        }
    }
}

/// Trouble is said when it begins, when it changes and when it is over.
fn say(options: &Options, trouble: &mut Option<Error>, now: Option<Error>) {
    if *trouble == now {
        return;
    }
    match &now {
        Some(error) => warn!("Home Assistant at {}: {error}; statistics are corrected once it works", options.url),
        None => info!("Home Assistant at {} answers", options.url),
    }
    *trouble = now;
}

/// Looks at all meters once. Returns whether everything recorded since the disturbance is right.
async fn mend(
    options: &Options,
    watch: &Watch,
    historian: &Historian,
    filled: &mpsc::Sender<(MeterId, Event)>,
    disturbed: i64,
) -> Result<bool, Error> {
    let meters: Vec<MeterId> = watch.lock().meters.keys().copied().collect();
    let mut client = Client::connect(&options.url, &options.token).await?;
    let registry = client.command(json!({ "type": "config/entity_registry/list" })).await?;
    let units = client.command(json!({ "type": "recorder/list_statistic_ids", "statistic_type": "sum" })).await?;
    let mut done = !meters.is_empty();
    for meter in meters {
        load(watch, historian, meter).await;
        let (hours, statistics) = {
            let mut shared = watch.lock();
            let Some(track) = shared.meters.get_mut(&meter) else { continue };
            track.hours.forget_before(seconds(SystemTime::now()) - LOOK_BACK - 2 * HOUR);
            (track.hours.clone(), track.statistics.clone())
        };
        let mut report = Report::default();
        for statistic in &statistics {
            let Some(entity) = entity_id(&registry, &statistic.unique_id) else { continue };
            let Some(unit) = unit_of(&units, entity) else { continue };
            let slack = SLACK_S + options.published_every.as_secs_f64();
            let subject = Subject { entity, unit, labels: &statistic.labels, slack };
            done &= mend_one(&mut client, &subject, &hours, disturbed, &mut report).await?;
        }
        report.send(meter, filled).await;
    }
    Ok(done)
}

/// One statistic of Home Assistant's.
struct Subject<'a> {
    entity: &'a str,
    /// The unit it keeps it in.
    unit: Unit,
    labels: &'a [String],
    /// How much older than its hour's end a right row may be, in s.
    slack: f64,
}

/// Corrects one statistic. Returns whether it has a row since the disturbance, and nothing was left to correct.
async fn mend_one(client: &mut Client, subject: &Subject<'_>, hours: &Hours, disturbed: i64, report: &mut Report) -> Result<bool, Error> {
    let now = seconds(SystemTime::now());
    let rows = rows(client, subject, "hour", now - LOOK_BACK).await?;
    let newest = rows_of_five_minutes(client, subject, now).await?;
    let fixed = corrections(&rows, newest, subject.slack, |hour| hours.sum(subject.labels, hour));
    debug!("{}: {} hours, {} to correct", subject.entity, rows.len(), fixed.len());
    if fixed.is_empty() {
        return Ok(newest.is_some_and(|row| row.start >= disturbed));
    }
    import(client, subject, &fixed).await?;
    report.add(subject.entity, &rows, &fixed);
    Ok(false)
}

async fn rows_of_five_minutes(client: &mut Client, subject: &Subject<'_>, now: i64) -> Result<Option<Row>, Error> {
    Ok(rows(client, subject, "5minute", now - RECENT).await?.pop())
}

async fn rows(client: &mut Client, subject: &Subject<'_>, period: &str, since: i64) -> Result<Vec<Row>, Error> {
    let answer = client
        .command(json!({
            "type": "recorder/statistics_during_period",
            "start_time": utc::rfc3339(since - since.rem_euclid(HOUR)),
            "statistic_ids": [subject.entity],
            "period": period,
            "types": ["sum", "state"],
            "units": { "energy": "Wh" },
        }))
        .await?;
    let row = |row: &Value| {
        // Milliseconds since 1970.
        let start = row["start"].as_f64()? / 1_000.0;
        Some(Row { start: start as i64, sum: row["sum"].as_f64()?, state: row["state"].as_f64()? })
    };
    Ok(answer[subject.entity].as_array().map(|rows| rows.iter().filter_map(row).collect()).unwrap_or_default())
}

/// `mean_type` and `unit_class` are required from 2026 on and refused in 2024; in between the one that is taken is found out.
async fn import(client: &mut Client, subject: &Subject<'_>, fixed: &[Row]) -> Result<(), Error> {
    let scale = subject.unit.wh;
    let stats: Vec<Value> =
        fixed.iter().map(|row| json!({ "start": utc::rfc3339(row.start), "sum": row.sum / scale, "state": row.state / scale })).collect();
    let old = json!({
        "source": "recorder",
        "statistic_id": subject.entity,
        "name": null,
        "has_sum": true,
        "has_mean": false,
        "unit_of_measurement": subject.unit.name,
    });
    let mut new = old.clone();
    new["mean_type"] = json!(0);
    new["unit_class"] = json!("energy");
    let (first, second) = if client.version().starts_with("2024.") { (old, new) } else { (new, old) };
    let command = |metadata: Value| json!({ "type": "recorder/import_statistics", "metadata": metadata, "stats": stats });
    match client.command(command(first)).await {
        Err(Error::Refused { code, .. }) if code == "invalid_format" => client.command(command(second)).await.map(|_| ()),
        other => other.map(|_| ()),
    }
}

/// A unit of energy.
#[derive(Debug, Clone, Copy)]
struct Unit {
    name: &'static str,
    /// Wh in it.
    wh: f64,
}

const UNITS: [Unit; 3] = [Unit { name: "Wh", wh: 1.0 }, Unit { name: "kWh", wh: 1_000.0 }, Unit { name: "MWh", wh: 1_000_000.0 }];

/// The unit that Home Assistant keeps a statistic in; its user may have chosen another than ours.
fn unit_of(units: &Value, entity: &str) -> Option<Unit> {
    let known = units.as_array()?.iter().find(|statistic| statistic["statistic_id"] == entity)?;
    UNITS.into_iter().find(|unit| known["statistics_unit_of_measurement"] == unit.name)
}

fn entity_id<'a>(registry: &'a Value, unique_id: &str) -> Option<&'a str> {
    let entry = |entry: &&Value| entry["platform"] == "mqtt" && entry["unique_id"] == unique_id;
    registry.as_array()?.iter().find(entry)?["entity_id"].as_str()
}

/// What was filled for one meter.
#[derive(Debug, Default)]
struct Report {
    hours: std::collections::BTreeSet<i64>,
    energy: BTreeMap<String, i64>,
}

impl Report {
    fn add(&mut self, entity: &str, rows: &[Row], fixed: &[Row]) {
        self.hours.extend(fixed.iter().map(|row| row.start));
        self.energy.insert(entity.to_owned(), moved(rows, fixed).round() as i64);
    }

    async fn send(self, meter: MeterId, filled: &mpsc::Sender<(MeterId, Event)>) {
        let (Some(first), Some(last)) = (self.hours.first(), self.hours.last()) else { return };
        let (from, until) = (utc::rfc3339(*first), utc::rfc3339(*last + HOUR));
        let names: Vec<String> = self.energy.iter().map(|(entity, wh)| format!("{entity} {wh} Wh")).collect();
        info!("meter {meter}: corrected {} hours of statistics from {from} to {until}: {}", self.hours.len(), names.join(", "));
        let event = Event::HistoryFilled { from, until, hours: self.hours.len(), energy: self.energy };
        let _ = filled.send((meter, event)).await;
    }
}

/// Reads what a meter's reader still holds, once.
async fn load(watch: &Watch, historian: &Historian, meter: MeterId) {
    let now = seconds(SystemTime::now()) * 1_000;
    let clock = match watch.lock().meters.get(&meter) {
        Some(track) if !track.loaded => track.clock,
        _ => return,
    };
    let held = historian.everything(meter).await;
    for (received, time) in held.iter().zip(clock.times_of(&held)) {
        let unix_ms = milliseconds(time);
        if unix_ms <= now
            && let Ok(sample) = received.sample()
        {
            watch.sample(&sample, unix_ms);
        }
    }
    debug!("meter {meter}: {} samples of its reader's history looked at", held.len());
    if !held.is_empty()
        && let Some(track) = watch.lock().meters.get_mut(&meter)
    {
        track.loaded = true;
    }
}

fn seconds(time: SystemTime) -> i64 {
    milliseconds(time).div_euclid(1_000)
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
