//! The task that corrects statistics: it takes the hub's notes, and looks at Home Assistant's hours when [`Interruption`] says so.
//!
//! It never waits without taking notes, so that the queue between the main loop and this task stays short.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    pin::pin,
    time::{Duration, Instant, SystemTime},
};

use teleinfo_proto::tic::MeterId;
use tokio::{sync::mpsc, time::sleep_until};
use tracing::{debug, info, warn};

use super::{
    corrections::{Row, corrections, moved},
    hours::{HOUR, Known},
    interruption::{Interruption, Look},
    notes::{Notes, Notice},
    recorder::{Commands, Error, Kept, Recorder},
    websocket::Client,
};
use crate::{daemon::credentials::Secret, meter::events::Event, words::utc, zenoh::history::Historian};

/// What a reader keeps, and so what can be corrected, in s.
const LOOK_BACK: i64 = 48 * HOUR;
/// Rows of five minutes are read over this time, for the newest of them, in s.
const RECENT: i64 = 2 * HOUR;
/// Frames take time, and clocks differ a little: the last value of an hour may be so many seconds older than the hour's end.
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

/// Corrects statistics until the main loop has ended, or the token turns out wrong; what was filled goes to `filled`.
pub async fn run(options: Options, notices: mpsc::Receiver<Notice>, historian: Historian, filled: mpsc::Sender<(MeterId, Event)>) {
    let inbox = Inbox { notices, notes: Notes::default(), interruption: Interruption::default() };
    Task { options, inbox, historian, filled, trouble: None }.run().await;
}

struct Task {
    options: Options,
    inbox: Inbox,
    historian: Historian,
    filled: mpsc::Sender<(MeterId, Event)>,
    /// What was wrong at the last look.
    trouble: Option<Error>,
}

impl Task {
    async fn run(mut self) {
        while let Some(look) = self.inbox.next_look().await {
            let result = self.look(look).await;
            if let Err(error @ Error::Token) = result {
                warn!("Home Assistant at {}: {error}, put it into homeassistant.token-file, and restart the bridge", self.options.url);
                return;
            }
            self.inbox.interruption.handle_look(look, matches!(result, Ok(true)), Instant::now());
            self.log_trouble(result.err());
        }
    }

    /// Looks at all meters once. Returns whether everything recorded since the interruption is right.
    async fn look(&mut self, look: Look) -> Result<bool, Error> {
        let client = self.inbox.during(Client::connect(&self.options.url, &self.options.token)).await?;
        let mut recorder = self.inbox.during(Recorder::open(client)).await?;
        let meters = self.inbox.notes.meters();
        let mut right = !meters.is_empty();
        for meter in meters {
            self.read_history(meter).await;
            right &= self.look_at(meter, look, &mut recorder).await?;
        }
        Ok(right)
    }

    async fn look_at(&mut self, meter: MeterId, look: Look, recorder: &mut Recorder<Client>) -> Result<bool, Error> {
        let notes = self.inbox.notes.since(meter, utc::unix_seconds(SystemTime::now()) - LOOK_BACK - 2 * HOUR);
        let slack = SLACK_S + self.options.published_every.as_secs_f64();
        let (mut right, mut filled) = (true, Filled::default());
        for statistic in &notes.statistics {
            let Some(kept) = recorder.find(&statistic.unique_id) else { continue };
            let known = |hour| notes.hours.sum(&statistic.labels, hour).map(|sum| sum.with_offset(statistic.offset));
            let now = utc::unix_seconds(SystemTime::now());
            right &= self.inbox.during(correct(recorder, &kept, slack, known, look.since, now, &mut filled)).await?;
        }
        filled.send(meter, &self.filled).await;
        Ok(right)
    }

    /// Reads what a meter's reader still holds, once after each interruption.
    async fn read_history(&mut self, meter: MeterId) {
        if self.inbox.notes.wants_history(meter) {
            let held = self.inbox.during(self.historian.everything(meter)).await;
            debug!("meter {meter}: {} samples of its reader's history read for statistics", held.len());
            self.inbox.notes.handle_history(meter, &held, SystemTime::now());
        }
    }

    /// Trouble is logged when it begins, when it changes and when it is over.
    fn log_trouble(&mut self, now: Option<Error>) {
        if self.trouble == now {
            return;
        }
        match &now {
            Some(error) => warn!("Home Assistant at {}: {error}; statistics are corrected once it works", self.options.url),
            None => info!("Home Assistant at {} answers", self.options.url),
        }
        self.trouble = now;
    }
}

/// What the main loop tells, taken while this task waits for something else.
struct Inbox {
    notices: mpsc::Receiver<Notice>,
    notes: Notes,
    interruption: Interruption,
}

impl Inbox {
    /// Takes notices until a look is due. `None`: the main loop has ended.
    async fn next_look(&mut self) -> Option<Look> {
        loop {
            if let Some(look) = self.interruption.poll_look(Instant::now()) {
                return Some(look);
            }
            let due = self.interruption.poll_timeout();
            tokio::select! {
                notice = self.notices.recv() => self.handle_notice(notice?),
                () = wait_until(due) => {}
            }
        }
    }

    /// Takes notices while `work` is under way.
    async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                Some(notice) = self.notices.recv() => self.handle_notice(notice),
                result = &mut work => return result,
            }
        }
    }

    fn handle_notice(&mut self, notice: Notice) {
        match notice {
            Notice::Noted(note) => self.notes.handle_note(note),
            Notice::Returned => {
                self.notes.handle_return();
                self.interruption.handle_return(utc::unix_seconds(SystemTime::now()), Instant::now());
            }
        }
    }
}

async fn wait_until(due: Option<Instant>) {
    match due {
        Some(at) => sleep_until(at.into()).await,
        None => pending().await,
    }
}

/// Corrects one statistic, at `now`. Returns whether it has a row since the interruption, and nothing was left to correct.
async fn correct<C: Commands>(
    recorder: &mut Recorder<C>,
    kept: &Kept,
    slack: f64,
    known: impl Fn(i64) -> Option<Known>,
    since: i64,
    now: i64,
    filled: &mut Filled,
) -> Result<bool, Error> {
    let rows = recorder.hours(kept, now - LOOK_BACK).await?;
    let newest = recorder.newest(kept, now - RECENT).await?;
    let fixed = corrections(&rows, newest, slack, known);
    debug!("{}: {} hours, {} to correct", kept.entity, rows.len(), fixed.len());
    if fixed.is_empty() {
        return Ok(newest.is_some_and(|row| row.start >= since));
    }
    recorder.import(kept, &fixed).await?;
    filled.add(&kept.entity, &rows, &fixed);
    Ok(false)
}

/// The hours of one meter that were corrected.
#[derive(Debug, Default)]
struct Filled {
    hours: BTreeSet<i64>,
    energy: BTreeMap<String, i64>,
}

impl Filled {
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{super::recorder::tests::Fake, *};

    /// 2026-11-28T05:00:00Z.
    const START: i64 = 1_795_842_000;

    /// An index that grows by 300 Wh an hour from 10 000 Wh.
    fn truth(time: i64) -> Option<Known> {
        Some(Known { wh: 10_000.0 + 300.0 * ((time - START) as f64 / HOUR as f64), speed: 300.0 / 3_600.0, parts: 1 })
    }

    fn row(start: i64, state: f64) -> Value {
        json!({ "start": start * 1_000, "end": (start + HOUR) * 1_000, "state": state, "sum": state - 10_000.0 })
    }

    /// What is found right, what is imported, and what is told, of statistics with these rows; the interruption ended at START + 3 h.
    async fn corrected(hours: Value, five_minutes: Value) -> (bool, Vec<Value>, Filled) {
        let mut fake = Fake::new("2026.11.0", "Wh");
        (fake.hours, fake.five_minutes) = (hours, five_minutes);
        let mut recorder = Recorder::open(fake).await.unwrap();
        let kept = recorder.find("teleinfo_012345678912_energy_base").unwrap();
        let mut filled = Filled::default();
        let now = START + 4 * HOUR;
        let right = correct(&mut recorder, &kept, SLACK_S, truth, START + 3 * HOUR, now, &mut filled).await.unwrap();
        (right, recorder.commands().imported.iter().map(|command| command["stats"].clone()).collect(), filled)
    }

    #[tokio::test]
    async fn nothing_is_right_until_there_is_a_row_since_the_interruption() {
        let hours = json!([row(START, 10_300.0), row(START + HOUR, 10_600.0)]);
        let (right, imported, _) = corrected(hours.clone(), json!([row(START + 2 * HOUR, 10_625.0)])).await;
        assert_eq!((right, imported.len()), (false, 0));
        let whole = json!([row(START, 10_300.0), row(START + HOUR, 10_600.0), row(START + 2 * HOUR, 10_900.0)]);
        let (right, imported, _) = corrected(whole, json!([row(START + 3 * HOUR, 10_925.0)])).await;
        assert_eq!((right, imported.len()), (true, 0));
    }

    #[tokio::test]
    async fn hours_that_are_missing_are_written_and_told_and_looked_at_again() {
        let (right, imported, filled) = corrected(json!([row(START, 10_300.0)]), json!([row(START + 3 * HOUR, 10_925.0)])).await;
        assert!(!right, "the next look sees whether it helped");
        assert_eq!(
            imported,
            [json!([
                { "start": "2026-11-28T06:00:00Z", "sum": 600.0, "state": 10_600.0 },
                { "start": "2026-11-28T07:00:00Z", "sum": 900.0, "state": 10_900.0 },
            ])]
        );
        assert_eq!(filled.energy, [("sensor.linky_energy_base".to_owned(), 600)].into());
        let (sender, mut told) = mpsc::channel(1);
        let meter = "012345678912".parse().unwrap();
        filled.send(meter, &sender).await;
        let Some((_, Event::HistoryFilled { from, until, hours, .. })) = told.recv().await else { panic!("nothing was told") };
        assert_eq!((from.as_str(), until.as_str(), hours), ("2026-11-28T06:00:00Z", "2026-11-28T08:00:00Z", 2));
    }

    #[tokio::test]
    async fn a_statistic_without_rows_is_left_alone() {
        let (right, imported, filled) = corrected(json!([]), json!([])).await;
        assert_eq!((right, imported.len(), filled.hours.len()), (false, 0, 0));
    }

    #[tokio::test]
    async fn notices_are_taken_while_something_else_is_waited_for() {
        let (sender, notices) = mpsc::channel(4);
        let mut inbox = Inbox { notices, notes: Notes::default(), interruption: Interruption::default() };
        // More than the queue holds: this ends only if somebody takes them.
        inbox
            .during(async {
                for _ in 0..100 {
                    sender.send(Notice::Returned).await.unwrap();
                }
            })
            .await;
        assert!(inbox.interruption.poll_timeout().is_some());
    }
}
