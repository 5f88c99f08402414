//! What is noted of each meter while its samples pass: its indexes around each full hour, its reader's clock, the statistics it has.
//!
//! The hub tells by [`Note`]s, through a bounded queue ([`queue`]). [`Notes`] belongs to the task that corrects statistics. A sample that
//! finds no room in the queue is counted and no loss: the reader's history is read again after each interruption.

use std::{collections::BTreeMap, time::SystemTime};

use teleinfo_proto::{
    tic::{LabelKind, MeterId},
    wire::Sample,
};
use tokio::sync::mpsc;

use super::hours::{self, Hours};
use crate::{
    homeassistant::statistic::Statistic,
    hub::{
        counters::{Counter, Counters},
        orders::Note,
    },
    order::received::{ReaderClock, Received},
    words::utc,
};

/// Notes that may wait: two for each meter there can be. The task takes them while it waits for anything else.
const QUEUE_MAX: usize = 4_096;

/// What the task is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Notice {
    /// Something was noted of a meter.
    Noted(Note),
    /// The bridge, the broker, Home Assistant or a reader is back: something may have been missed.
    Returned,
}

/// A queue of notices, from the main loop to the task.
#[must_use]
pub fn queue(counters: Counters) -> (NoteSender, mpsc::Receiver<Notice>) {
    let (sender, receiver) = mpsc::channel(QUEUE_MAX);
    (NoteSender { sender, counters, owes_return: false }, receiver)
}

/// The main loop's end of the queue. It never waits.
#[derive(Debug)]
pub struct NoteSender {
    sender: mpsc::Sender<Notice>,
    counters: Counters,
    /// A return found no room, and must be told with the next notice.
    owes_return: bool,
}

impl NoteSender {
    /// Something is to be noted. Samples that say nothing of a full hour are left out, which most are.
    pub fn handle_note(&mut self, note: Note) {
        if matches!(note, Note::Sample(_, unix_ms) if !hours::is_near_an_hour(unix_ms)) {
            return;
        }
        if self.owes_return {
            self.handle_return();
        }
        // Without a task, because its token was wrong, nobody needs notes.
        if let Err(mpsc::error::TrySendError::Full(_)) = self.sender.try_send(Notice::Noted(note)) {
            self.counters.count(Counter::NotesDropped);
        }
    }

    /// Something is back.
    pub fn handle_return(&mut self) {
        self.owes_return = self.sender.try_send(Notice::Returned).is_err();
    }
}

/// What was noted of all meters.
#[derive(Debug, Default)]
pub struct Notes {
    meters: BTreeMap<MeterId, MeterNotes>,
}

/// What was noted of one meter.
#[derive(Debug, Clone, Default)]
pub struct MeterNotes {
    /// Its indexes at full hours.
    pub hours: Hours,
    /// The energy that Home Assistant keeps statistics of.
    pub statistics: Vec<Statistic>,
    clock: ReaderClock,
    /// The reader's history was read since the last interruption.
    is_history_read: bool,
}

impl Notes {
    /// Something was noted of a meter.
    pub fn handle_note(&mut self, note: Note) {
        match note {
            Note::Clock(meter, clock) => self.meter(meter).clock = clock,
            Note::Statistics(meter, statistics) => self.meter(meter).statistics = statistics,
            Note::Sample(received, unix_ms) => {
                if let Ok(sample) = received.sample() {
                    self.meter(received.meter).handle_sample(&sample, unix_ms);
                }
            }
        }
    }

    /// Something is back: what the readers hold must be read again.
    pub fn handle_return(&mut self) {
        self.meters.values_mut().for_each(|meter| meter.is_history_read = false);
    }

    /// What a meter's reader still holds was read, at the time `wall`; later samples are not believed.
    pub fn handle_history(&mut self, meter: MeterId, held: &[Received], wall: SystemTime) {
        let (notes, wall) = (self.meter(meter), utc::unix_ms(wall));
        for (received, time) in held.iter().zip(notes.clock.times_of(held)) {
            let unix_ms = utc::unix_ms(time);
            if unix_ms <= wall
                && let Ok(sample) = received.sample()
            {
                notes.handle_sample(&sample, unix_ms);
            }
        }
        // Nothing is what a reader answers that is not there yet.
        notes.is_history_read |= !held.is_empty();
    }

    /// All meters that something was noted of.
    #[must_use]
    pub fn meters(&self) -> Vec<MeterId> {
        self.meters.keys().copied().collect()
    }

    /// Whether a meter's history has not been read since the last interruption.
    #[must_use]
    pub fn wants_history(&self, meter: MeterId) -> bool {
        self.meters.get(&meter).is_none_or(|notes| !notes.is_history_read)
    }

    /// What was noted of a meter since a time, in s since 1970. Earlier hours are forgotten.
    pub fn since(&mut self, meter: MeterId, time: i64) -> MeterNotes {
        let notes = self.meter(meter);
        notes.hours.forget_before(time);
        notes.clone()
    }

    fn meter(&mut self, meter: MeterId) -> &mut MeterNotes {
        self.meters.entry(meter).or_default()
    }
}

impl MeterNotes {
    fn handle_sample(&mut self, sample: &Sample<'_>, unix_ms: i64) {
        for dataset in sample.datasets.iter(sample.mode).filter_map(Result::ok) {
            if let (Some(LabelKind::Energy), Some(wh)) = (dataset.info().map(|label| label.kind), dataset.value().number()) {
                self.hours.push(dataset.label(), unix_ms, wh);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use teleinfo_proto::{
        tic::{Dataset, Mode},
        wire::{BootId, Counters as ReaderCounters, DatasetsWriter, SampleKind},
    };

    use super::*;

    const METER: &str = "012345678912";
    /// 2024-01-07T12:00:00Z, in s.
    const NOON: u64 = 1_704_628_800;

    /// A sample of a reader whose clock says 1970, so many seconds after its start.
    fn received(uptime_s: u64, wh: &str) -> Received {
        let mut buffer = [0; 256];
        let mut writer = DatasetsWriter::resume(&mut buffer, 0);
        writer.push(&Dataset::new(Mode::Historic, "BASE", None, wh).unwrap()).unwrap();
        let sample = Sample {
            boot: BootId::new(1),
            sequence: uptime_s,
            kind: SampleKind::Frame { complete: true },
            unix_ms: 0,
            uptime_ms: uptime_s * 1_000,
            mode: Mode::Historic,
            meter: METER.parse().unwrap(),
            counters: ReaderCounters::default(),
            datasets: writer.finish(),
        };
        let mut bytes = [0; 512];
        Received::new(sample.encode(&mut bytes).unwrap().to_vec()).unwrap()
    }

    fn base_at_noon(notes: &mut Notes) -> Option<f64> {
        let hours = notes.since(METER.parse().unwrap(), 0).hours;
        hours.at("BASE", i64::try_from(NOON).unwrap()).map(|known| known.wh)
    }

    #[test]
    fn samples_that_pass_tell_the_hour() {
        let mut notes = Notes::default();
        for (uptime, second, wh) in [(100, NOON - 10, "000001000"), (120, NOON + 10, "000001020")] {
            notes.handle_note(Note::Sample(received(uptime, wh), i64::try_from(second * 1_000).unwrap()));
        }
        assert_eq!(base_at_noon(&mut notes), Some(1_010.0));
    }

    #[test]
    fn the_history_is_dated_by_the_live_samples_and_not_by_the_readers_clock() {
        let meter = METER.parse().unwrap();
        let held = [received(100, "000001000"), received(120, "000001020")];
        let (live, at) = (received(130, "000001030"), UNIX_EPOCH + Duration::from_secs(NOON + 20));
        let mut clock = ReaderClock::default();
        clock.observe(&live, at);

        let mut untold = Notes::default();
        untold.handle_history(meter, &held, at);
        assert_eq!(base_at_noon(&mut untold), None, "without a live sample the reader's clock is all there is");

        let mut told = Notes::default();
        told.handle_note(Note::Clock(meter, clock));
        told.handle_history(meter, &held, at);
        assert_eq!(base_at_noon(&mut told), Some(1_010.0));
    }

    #[test]
    fn the_history_is_read_once_after_each_interruption() {
        let (meter, mut notes) = (METER.parse().unwrap(), Notes::default());
        assert!(notes.wants_history(meter));
        notes.handle_history(meter, &[], SystemTime::now());
        assert!(notes.wants_history(meter), "its reader was not there yet");
        notes.handle_history(meter, &[received(1, "000001000")], SystemTime::now());
        assert!(!notes.wants_history(meter));
        notes.handle_return();
        assert!(notes.wants_history(meter));
    }

    #[test]
    fn what_finds_no_room_is_counted_and_a_return_is_told_later() {
        let counters = Counters::default();
        let (mut sender, mut receiver) = queue(counters.clone());
        let near = |sequence| Note::Sample(received(sequence, "000001000"), i64::try_from(NOON * 1_000).unwrap());
        sender.handle_note(Note::Sample(received(1, "000001000"), i64::try_from((NOON + 1_800) * 1_000).unwrap()));
        assert!(receiver.try_recv().is_err(), "half past noon says nothing of an hour");
        for sequence in 0..QUEUE_MAX as u64 + 2 {
            sender.handle_note(near(sequence));
        }
        sender.handle_return();
        assert_eq!(counters.get(Counter::NotesDropped), 2);
        (0..2).for_each(|_| assert!(matches!(receiver.try_recv(), Ok(Notice::Noted(_)))));
        sender.handle_note(near(9));
        let waiting: Vec<_> = std::iter::from_fn(|| receiver.try_recv().ok()).collect();
        assert_eq!(waiting.iter().filter(|notice| **notice == Notice::Returned).count(), 1);
        assert_eq!(waiting.last(), Some(&Notice::Noted(near(9))));
    }
}
