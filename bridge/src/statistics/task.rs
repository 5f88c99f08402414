//! The task that corrects statistics: it takes the hub's notes, and looks at Home Assistant's hours when [`Interruption`] says so.
//!
//! It never waits without taking notes, so that the queue between the main loop and this task stays short. A token that is refused is not
//! tried again until it is another one: each try gives Home Assistant's owner a notification.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    path::PathBuf,
    pin::pin,
    time::{Duration, Instant, SystemTime},
};

use teleinfo_proto::tic::MeterId;
use tokio::{
    sync::mpsc,
    time::{sleep, sleep_until},
};
use tracing::{debug, info, warn};

use super::{
    corrections::{Row, corrections, forgotten, moved},
    costs::Gap,
    hours::{HOUR, Known},
    interruption::{Interruption, Look},
    notes::{Notes, Notice},
    recorder::{Commands, Error, Kept, Recorder, Undone},
    repairs::Repairs,
    settle::{Progress, settle},
    websocket::Client,
};
use crate::{
    config::api::Api,
    daemon::credentials::{self, TOKEN_CREDENTIAL},
    hub::orders::Note,
    meter::events::Event,
    words::{
        journal,
        language::{Language, Words},
        utc,
    },
    zenoh::history::Historian,
};

const ANOTHER_TOKEN: Words =
    Words::new("another token for Home Assistant was found; trying it", "un autre jeton pour Home Assistant a été trouvé ; essai");
const NEW_TOKEN: Words = Words::new(
    "Home Assistant at {}: {}, and put it into homeassistant.token-file; it is tried once it changes",
    "Home Assistant à l'adresse {} : {}, et mettez-le dans homeassistant.token-file ; il est essayé dès qu'il change",
);
const WAITS: Words = Words::new(
    "Home Assistant at {}: {}; statistics are corrected once it works",
    "Home Assistant à l'adresse {} : {} ; les statistiques seront corrigées dès que cela marche",
);
const ANSWERS: Words = Words::new("Home Assistant at {} answers", "Home Assistant à l'adresse {} répond");
const GOES_ON: Words = Words::new(
    "{}: goes on with the {} Wh that were counted before it was silent",
    "{} : continue avec les {} Wh comptés avant son silence",
);
const CORRECTED: Words = Words::new(
    "meter {}: corrected {} hours of statistics from {} to {}: {}",
    "compteur {} : {} heures de statistiques corrigées, de {} à {} : {}",
);

/// What a reader keeps, and so what can be corrected, in s.
const LOOK_BACK: i64 = 48 * HOUR;
/// Rows of five minutes are read over this time, for the newest of them, in s.
const RECENT: i64 = 2 * HOUR;
/// A statistic that was silent is looked for over this time, in s: a heating season and a summer.
const OLDEST: i64 = 400 * 24 * HOUR;
/// A cost that could not be repaired in this time will not be, in s.
const GIVEN_UP: i64 = 24 * HOUR;
/// After a token was refused, another one is looked for this often.
const TOKEN_EVERY: Duration = Duration::from_secs(10);
/// Frames take time, and clocks differ a little: the last value of an hour may be so many seconds older than the hour's end.
const SLACK_S: f64 = 20.0;

/// Where Home Assistant is.
#[derive(Debug, Clone)]
pub struct Options {
    /// Its address, and the token for it.
    pub api: Api,
    /// The file it comes from, if it is named.
    pub token_file: Option<PathBuf>,
    /// Where it is noted what is under way.
    pub state_directory: Option<PathBuf>,
    /// The language of what is told.
    pub language: Language,
    /// How old a published state may be, by the policy of publication.
    pub published_every: Duration,
}

/// What the task tells the main loop.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Hours of a meter were corrected.
    Filled(MeterId, Event),
    /// The repair does not work, for this reason; or nothing is wrong with it any more.
    Trouble(Option<String>),
    /// A file is damaged.
    Damaged(String),
}

/// Corrects statistics until the main loop has ended; what comes of it goes to `outcomes`.
pub async fn run(options: Options, notices: mpsc::Receiver<Notice>, historian: Historian, outcomes: mpsc::Sender<Outcome>) {
    let (repairs, damage) = Repairs::load(options.state_directory.as_deref());
    if let Some(damage) = damage {
        let _ = outcomes.send(Outcome::Damaged(damage)).await;
    }
    let inbox = Inbox { notices, notes: Notes::default(), interruption: Interruption::default() };
    Task { options, inbox, historian, outcomes, repairs, trouble: None }.run().await;
}

struct Task {
    options: Options,
    inbox: Inbox,
    historian: Historian,
    outcomes: mpsc::Sender<Outcome>,
    repairs: Repairs,
    /// What was wrong at the last look.
    trouble: Option<Error>,
}

impl Task {
    async fn run(mut self) {
        while let Some(look) = self.inbox.next_look().await {
            let result = self.look(look).await;
            let is_token = result == Err(Error::Token);
            self.inbox.interruption.handle_look(look, result == Ok(true), Instant::now());
            self.tell_trouble(result.err()).await;
            if is_token {
                self.wait_for_another_token().await;
                self.inbox.handle_notice(Notice::Returned);
            }
        }
    }

    /// Notes are taken meanwhile, and nothing is sent.
    async fn wait_for_another_token(&mut self) {
        loop {
            self.inbox.during(sleep(TOKEN_EVERY)).await;
            let found = credentials::password(self.options.token_file.as_deref(), TOKEN_CREDENTIAL);
            if let Ok(Some(token)) = found
                && token != self.options.api.token
            {
                info!("{}", journal::say(ANOTHER_TOKEN, &[]));
                self.options.api.token = token;
                return;
            }
        }
    }

    /// Looks at all meters once. Returns whether everything recorded since the interruption is right.
    async fn look(&mut self, look: Look) -> Result<bool, Error> {
        let client = self.inbox.during(Client::connect(&self.options.api)).await?;
        let mut recorder = self.inbox.during(Recorder::open(client)).await?;
        let meters = self.inbox.notes.meters();
        let mut right = !meters.is_empty();
        for meter in meters {
            self.read_history(meter).await;
            right &= self.look_at(meter, look, &mut recorder).await?;
        }
        right &= self.settle_costs(&mut recorder).await?;
        Ok(right)
    }

    /// Brings costs up to the energy that was corrected. Returns whether nothing is left to do.
    async fn settle_costs(&mut self, recorder: &mut Recorder<Client>) -> Result<bool, Error> {
        let waiting = self.repairs.all();
        if waiting.is_empty() {
            return Ok(true);
        }
        let costed = self.inbox.during(recorder.costed()).await?;
        let (now, mut failed) = (utc::unix_seconds(SystemTime::now()), None);
        for repair in waiting {
            let settling = settle(recorder, &costed, &repair, &mut self.repairs, now);
            match self.inbox.during(settling).await {
                Ok(Progress::Waits) => {}
                Ok(Progress::Done) => self.repairs.handle_done(&repair),
                // One that cannot be done does not keep the others from it, and is given up in the end.
                Err(error @ Error::NotDone(..)) => {
                    if now - repair.back > GIVEN_UP {
                        self.repairs.handle_done(&repair);
                    }
                    failed = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        let noted = self.repairs.save().map_err(|error| Error::NotDone(Undone::NotNoted, error.to_string()));
        failed.map_or(noted, Err)?;
        Ok(self.repairs.all().is_empty())
    }

    async fn look_at(&mut self, meter: MeterId, look: Look, recorder: &mut Recorder<Client>) -> Result<bool, Error> {
        let notes = self.inbox.notes.since(meter, utc::unix_seconds(SystemTime::now()) - LOOK_BACK - 2 * HOUR);
        let slack = SLACK_S + self.options.published_every.as_secs_f64();
        let now = utc::unix_seconds(SystemTime::now());
        let mut work = Work { slack, since: look.since, now, repairs: &mut self.repairs, filled: Filled::default() };
        let mut right = true;
        for statistic in &notes.statistics {
            let Some(kept) = recorder.find(&statistic.unique_id) else { continue };
            let known = |hour| notes.hours.sum(&statistic.labels, hour).map(|sum| sum.with_offset(statistic.offset));
            right &= self.inbox.during(work.correct(recorder, &kept, known)).await?;
        }
        let filled = work.filled;
        filled.gaps.iter().for_each(|(energy, gap)| self.repairs.handle_corrected(energy, *gap));
        if !filled.gaps.is_empty() {
            self.repairs.save().map_err(|error| Error::NotDone(Undone::NotNoted, error.to_string()))?;
        }
        filled.send(meter, &self.outcomes).await;
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

    /// Trouble is told when it begins, when it changes and when it is over.
    async fn tell_trouble(&mut self, now: Option<Error>) {
        if self.trouble == now {
            return;
        }
        let reason = now.as_ref().map(|error| error.words(self.options.language));
        let _ = self.outcomes.send(Outcome::Trouble(reason)).await;
        let url = &self.options.api.url;
        let say = |words, error: &Error| journal::say(words, &[url, &error.words(journal::language())]);
        match &now {
            // It was said at the start.
            Some(Error::KeptBack) => {}
            Some(error @ Error::Token) => warn!("{}", say(NEW_TOKEN, error)),
            Some(error) => warn!("{}", say(WAITS, error)),
            None => info!("{}", journal::say(ANSWERS, &[url])),
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
            Notice::Noted(note) => {
                // A statistic that is there again after a long time may have been forgotten.
                let is_other = matches!(note, Note::Statistics(..));
                self.notes.handle_note(note);
                if is_other {
                    self.handle_return();
                }
            }
            Notice::Returned => {
                self.notes.handle_return();
                self.handle_return();
            }
        }
    }

    fn handle_return(&mut self) {
        self.interruption.handle_return(utc::unix_seconds(SystemTime::now()), Instant::now());
    }
}

async fn wait_until(due: Option<Instant>) {
    match due {
        Some(at) => sleep_until(at.into()).await,
        None => pending().await,
    }
}

/// What the correction of one meter's statistics works with.
struct Work<'a> {
    /// What was recorded last in an hour may be so many seconds older than its end.
    slack: f64,
    /// When the interruption was over, and the time of day, in s since 1970.
    since: i64,
    now: i64,
    repairs: &'a mut Repairs,
    filled: Filled,
}

impl Work<'_> {
    /// Corrects one statistic. Returns whether it has a row since the interruption, and nothing was left to correct.
    async fn correct<C: Commands>(
        &mut self,
        recorder: &mut Recorder<C>,
        kept: &Kept,
        known: impl Fn(i64) -> Option<Known>,
    ) -> Result<bool, Error> {
        let rows = recorder.hours(kept, self.now - LOOK_BACK).await?;
        let five_minutes = recorder.five_minutes(kept, self.now - RECENT).await?;
        if let Some(first) = rows.first().or(five_minutes.first())
            && self.is_continued(recorder, kept, *first).await?
        {
            return Ok(false);
        }
        let newest = five_minutes.last().copied();
        let fixed = corrections(&rows, newest, self.slack, known);
        debug!("{}: {} hours, {} to correct", kept.entity, rows.len(), fixed.len());
        if fixed.is_empty() {
            return Ok(newest.is_some_and(|row| row.start >= self.since));
        }
        recorder.import(kept, &fixed).await?;
        self.filled.add(&kept.entity, &rows, &fixed);
        Ok(false)
    }

    /// Makes a statistic whose first row is so recent go on with what was counted before it was silent. Returns whether it had to.
    async fn is_continued<C: Commands>(&mut self, recorder: &mut Recorder<C>, kept: &Kept, first: Row) -> Result<bool, Error> {
        if first.start <= self.now - LOOK_BACK + 2 * HOUR {
            return Ok(false);
        }
        let before = recorder.hours(kept, first.start - OLDEST).await?;
        let old = before.into_iter().rfind(|row| row.start < first.start);
        let Some((old, lacks)) = old.and_then(|old| Some((old, forgotten(old, first)?))) else { return Ok(false) };
        if self.repairs.may_continue(&kept.entity, first.start, self.now) {
            info!("{}", journal::say(GOES_ON, &[&kept.entity, &old.sum]));
            recorder.adjust(kept, first.start, lacks).await?;
        }
        Ok(true)
    }
}

/// The hours of one meter that were corrected.
#[derive(Debug, Default)]
struct Filled {
    hours: BTreeSet<i64>,
    energy: BTreeMap<String, i64>,
    /// The hours of each statistic, to that of the return.
    gaps: BTreeMap<String, Gap>,
}

impl Filled {
    fn add(&mut self, entity: &str, rows: &[Row], fixed: &[Row]) {
        self.hours.extend(fixed.iter().map(|row| row.start));
        if let (Some(first), Some(last)) = (fixed.first(), fixed.last()) {
            self.gaps.insert(entity.to_owned(), Gap { first: first.start, back: last.start + HOUR });
        }
        self.energy.insert(entity.to_owned(), moved(rows, fixed).round() as i64);
    }

    async fn send(self, meter: MeterId, outcomes: &mpsc::Sender<Outcome>) {
        let (Some(first), Some(last)) = (self.hours.first(), self.hours.last()) else { return };
        let (from, until) = (utc::rfc3339(*first), utc::rfc3339(*last + HOUR));
        let names: Vec<String> = self.energy.iter().map(|(entity, wh)| format!("{entity} {wh} Wh")).collect();
        info!("{}", journal::say(CORRECTED, &[&meter, &self.hours.len(), &from, &until, &names.join(", ")]));
        let event = Event::HistoryFilled { from, until, hours: self.hours.len(), energy: self.energy };
        let _ = outcomes.send(Outcome::Filled(meter, event)).await;
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
        let mut repairs = Repairs::default();
        let (since, now) = (START + 3 * HOUR, START + 4 * HOUR);
        let mut work = Work { slack: SLACK_S, since, now, repairs: &mut repairs, filled: Filled::default() };
        let right = work.correct(&mut recorder, &kept, truth).await.unwrap();
        (right, recorder.commands().imported.iter().map(|command| command["stats"].clone()).collect(), work.filled)
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
        let Some(Outcome::Filled(_, Event::HistoryFilled { from, until, hours, .. })) = told.recv().await else {
            panic!("nothing was told")
        };
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
