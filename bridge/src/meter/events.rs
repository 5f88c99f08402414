//! What happened: the difference between two states of a meter that a person would want to be told.

use serde::Serialize;

use crate::{meter::derived::Derived, words::utc};

/// Something that happened at a meter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event_type", rename_all = "snake_case")]
pub enum Event {
    /// More is drawn than subscribed.
    OverloadBegin {
        /// The phases concerned, where the meter says.
        phases: Vec<u8>,
    },
    /// No longer.
    OverloadEnd,
    /// Another tariff applies.
    TariffChange {
        /// The one before.
        from: Option<String>,
        /// The one now.
        to: String,
    },
    /// Another contract.
    ContractChange {
        /// The one before.
        from: Option<String>,
        /// The one now.
        to: String,
    },
    /// Tomorrow's Tempo colour is known.
    TempoAnnouncement {
        /// `blue`, `white` or `red`.
        tomorrow: &'static str,
    },
    /// A mobile peak is announced.
    PeakNotice {
        /// When it starts, where the meter says.
        start: Option<String>,
        /// When it ends.
        end: Option<String>,
    },
    /// A mobile peak begins.
    PeakBegin,
    /// A mobile peak ends.
    PeakEnd,
    /// Enedis switched the meter's output.
    ModeChange {
        /// `historic` or `standard`.
        from: &'static str,
        /// `historic` or `standard`.
        to: &'static str,
    },
    /// The cut-off device opened or closed.
    CutOffChange {
        /// Its state before.
        from: &'static str,
        /// Its state now.
        to: &'static str,
    },
    /// The meter shows a message.
    Message {
        /// Its text.
        text: String,
    },
    /// An index jumped, and enough frames agreed that it became the truth.
    IndexReset {
        /// How many resets since the last frame.
        count: u32,
    },
    /// Hours that were missed have been corrected in Home Assistant's statistics.
    HistoryFilled {
        /// The first hour.
        from: String,
        /// The end of the last one.
        until: String,
        /// Hours corrected, over all indexes.
        hours: usize,
        /// Energy in them, in Wh, by statistic.
        energy: std::collections::BTreeMap<String, i64>,
    },
}

#[derive(Serialize)]
struct Dated<'a> {
    #[serde(flatten)]
    event: &'a Event,
    time: String,
}

impl Event {
    /// The types of all events, as they stand in `event_type`.
    pub const TYPES: [&'static str; 13] = [
        "overload_begin",
        "overload_end",
        "tariff_change",
        "contract_change",
        "tempo_announcement",
        "peak_notice",
        "peak_begin",
        "peak_end",
        "mode_change",
        "cut_off_change",
        "message",
        "index_reset",
        "history_filled",
    ];

    /// As JSON, with the time it happened.
    #[must_use]
    pub fn dated(&self, unix_seconds: i64) -> impl Serialize {
        Dated { event: self, time: utc::rfc3339(unix_seconds) }
    }
}

/// What changed from one set of derived values to the next.
#[must_use]
pub fn between(old: &Derived, new: &Derived) -> Vec<Event> {
    let rose = |old: Option<bool>, new: Option<bool>| new == Some(true) && old == Some(false);
    let fell = |old: Option<bool>, new: Option<bool>| new == Some(false) && old == Some(true);
    let mut events = Vec::new();
    // An overload that is found at the start is news; a peak that runs already is not.
    if new.overload == Some(true) && old.overload != Some(true) {
        events.push(Event::OverloadBegin { phases: new.overload_phases.clone() });
    }
    if fell(old.overload, new.overload) {
        events.push(Event::OverloadEnd);
    }
    if let Some((from, to)) = changed(&old.contract, &new.contract) {
        events.push(Event::ContractChange { from, to });
    }
    if let Some((from, to)) = changed(&old.tariff, &new.tariff) {
        events.push(Event::TariffChange { from, to });
    }
    // Where the frames in between were missed, tomorrow goes from one colour to the next.
    if old.tempo_tomorrow.is_some_and(|old| Some(old) != new.tempo_tomorrow)
        && let Some(tomorrow) = new.tempo_tomorrow.filter(|colour| *colour != "unknown")
    {
        events.push(Event::TempoAnnouncement { tomorrow });
    }
    if rose(old.peak_notice, new.peak_notice) {
        events.push(Event::PeakNotice { start: new.notice_start.clone(), end: new.notice_end.clone() });
    }
    if rose(old.peak_running, new.peak_running) {
        events.push(Event::PeakBegin);
    }
    if fell(old.peak_running, new.peak_running) {
        events.push(Event::PeakEnd);
    }
    if let (Some(from), Some(to)) = (old.cut_off_device, new.cut_off_device)
        && from != to
    {
        events.push(Event::CutOffChange { from, to });
    }
    if let Some((_, text)) = changed(&old.message, &new.message) {
        events.push(Event::Message { text });
    }
    if let Some(text) = new.message_ultra_short.as_ref().filter(|_| new.message_ultra_short != old.message_ultra_short) {
        events.push(Event::Message { text: text.clone() });
    }
    events
}

/// From a known value to another one. The first value ever is no change.
fn changed(old: &Option<String>, new: &Option<String>) -> Option<(Option<String>, String)> {
    match (old, new) {
        (Some(from), Some(to)) if from != to => Some((Some(from.clone()), to.clone())),
        _ => None,
    }
}
