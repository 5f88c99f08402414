//! What is noted of each meter while its samples pass: its indexes around each full hour, its reader's clock, the statistics it has.
//!
//! The hub tells by [`Note`]s, through a bounded queue ([`queue`]). [`Notes`] belongs to the task that corrects statistics. A sample that
//! finds no room in the queue is counted and no loss: the reader's history is read again after each interruption.

use std::{collections::BTreeMap, time::SystemTime};

use teleinfo_proto::{
    tic::{LabelKind, MeterId},
    wire::{Sample, SampleKind},
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
        // An urgent sample has no indexes, or half of them.
        if sample.kind == SampleKind::Urgent {
            return;
        }
        for dataset in sample.datasets.iter(sample.mode).filter_map(Result::ok) {
            if let (Some(LabelKind::Energy), Some(wh)) = (dataset.info().map(|label| label.kind), dataset.value().number()) {
                self.hours.push(dataset.label(), unix_ms, wh);
            }
        }
    }
}
