//! What the hub wants done: its answers to what happened. Whoever runs it obeys them in their order.

use teleinfo_proto::tic::MeterId;
use tracing::Level;

use crate::{
    archive::readings::Readings,
    energy::ledger::Ledger,
    grid_meter::reading::Reading,
    homeassistant::{memory::Memory, statistic::Statistic},
    meter::record::Record,
    order::{
        intake::Question,
        received::{ReaderClock, Received},
    },
    words::message::{Message, Origin},
};

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Give this message to the MQTT side.
    Publish(Message),
    /// Ask the history of this meter's reader. An answer must follow, if only that it failed.
    Ask(MeterId, Question),
    /// Keep on disk what was learnt of this meter.
    Keep(MeterId, Box<Memory>),
    /// Keep on disk what must never be forgotten of this meter's energy.
    KeepLedger(MeterId, Box<Ledger>),
    /// Keep on disk which readers are known now.
    KeepReaders,
    /// This meter is announced from now on: its reader is no newcomer.
    Announced(MeterId),
    /// Another bridge publishes this meter from now on: what is retained of it is no longer ours to say again.
    LetGo(MeterId),
    /// Something that was away is back: hours of statistics may be missing or wrong.
    Disturbed,
    /// Tell the statistics.
    Noted(Note),
    /// Keep in the memory what this meter showed.
    Remember(MeterId, Readings),
    /// Write this to InfluxDB.
    Record(Record),
    /// Tell the grid meters what this meter measures now.
    Measured(MeterId, Reading),
    /// Write this line to the log.
    Say(Level, String),
}

impl Order {
    /// The sample that it tells of.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        if let Self::Publish(message) = self { message.origin } else { None }
    }
}

/// What the statistics are corrected from.
#[derive(Debug, Clone, PartialEq)]
pub enum Note {
    /// A live sample of this meter came: its reader's clock stands so.
    Clock(MeterId, ReaderClock),
    /// This sample was published; its frame ended at this time, in ms since 1970.
    Sample(Received, i64),
    /// Home Assistant keeps these statistics of this meter.
    Statistics(MeterId, Vec<Statistic>),
}
