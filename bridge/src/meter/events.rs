//! What happened: the difference between what was last told of a meter and what is now, as far as a person would want to be told.

use serde::Serialize;

use crate::{
    meter::{derived::Derived, told::Told},
    power::forecast::Nearness,
    words::utc,
};

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
    /// So much is drawn that the meter will open its cut-off if the load stays.
    CutOffComing {
        /// In how many seconds, at the earliest.
        seconds: Option<u32>,
    },
    /// That is less than a minute away.
    CutOffNear {
        /// In how many seconds, at the earliest.
        seconds: Option<u32>,
    },
    /// The cut-off will not open: the load went down, and has been down for a while.
    CutOffAverted,
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
        from: String,
        /// `historic` or `standard`.
        to: &'static str,
    },
    /// The cut-off device opened or closed.
    CutOffChange {
        /// Its state before.
        from: String,
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
    pub const TYPES: [&'static str; 16] = [
        "overload_begin",
        "overload_end",
        "cut_off_coming",
        "cut_off_near",
        "cut_off_averted",
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

/// What has happened: the difference between what was told and what is now, at a time in s since 1970.
#[must_use]
pub fn since(told: &Told, now: &Derived, unix_seconds: i64) -> Vec<Event> {
    let rose = |old: Option<bool>, new: Option<bool>| new == Some(true) && old == Some(false);
    let fell = |old: Option<bool>, new: Option<bool>| new == Some(false) && old == Some(true);
    let mut events = Vec::new();
    // An overload that nobody was told of is news; a peak that runs already is not.
    if now.overload == Some(true) && told.overload != Some(true) {
        events.push(Event::OverloadBegin { phases: now.overload_phases.clone() });
    }
    if fell(told.overload, now.overload) {
        events.push(Event::OverloadEnd);
    }
    events.extend(cut_off(told.cutoff_alert, now));
    if let Some((from, to)) = changed(told.tariff.as_ref(), now.tariff.as_ref()) {
        events.push(Event::TariffChange { from, to });
    }
    // Home Assistant shows the last of several events of one millisecond, and a tariff often changes with its contract.
    if let Some((from, to)) = changed(told.contract.as_ref(), now.contract.as_ref()) {
        events.push(Event::ContractChange { from, to });
    }
    // Where the frames in between were missed, tomorrow goes from one colour to the next.
    if told.tempo_tomorrow(unix_seconds).is_some_and(|told| Some(told) != now.tempo_tomorrow)
        && let Some(tomorrow) = now.tempo_tomorrow.filter(|colour| *colour != "unknown")
    {
        events.push(Event::TempoAnnouncement { tomorrow });
    }
    if rose(told.peak_notice, now.peak_notice) {
        events.push(Event::PeakNotice { start: now.notice_start.clone(), end: now.notice_end.clone() });
    }
    if rose(told.peak_running, now.peak_running) {
        events.push(Event::PeakBegin);
    }
    if fell(told.peak_running, now.peak_running) {
        events.push(Event::PeakEnd);
    }
    if let (Some(from), Some(to)) = (&told.cut_off_device, now.cut_off_device)
        && from != to
    {
        events.push(Event::CutOffChange { from: from.clone(), to });
    }
    if let Some((_, text)) = changed(told.message.as_ref(), now.message.as_ref()) {
        events.push(Event::Message { text });
    }
    if let Some(text) = now.message_ultra_short.as_ref().filter(|_| now.message_ultra_short != told.message_ultra_short) {
        events.push(Event::Message { text: text.clone() });
    }
    events
}

/// How near a cut-off is, if that has changed since it was told; a first one that never comes is no news.
fn cut_off(told: Option<Nearness>, now: &Derived) -> Option<Event> {
    let alert = now.cutoff_alert.filter(|alert| *alert != told.unwrap_or_default())?;
    Some(match alert {
        Nearness::Never => Event::CutOffAverted,
        Nearness::Coming => Event::CutOffComing { seconds: now.cutoff_s },
        Nearness::Near => Event::CutOffNear { seconds: now.cutoff_s },
    })
}

/// From a known value to another one. The first value ever is no change.
fn changed(old: Option<&String>, new: Option<&String>) -> Option<(Option<String>, String)> {
    let (old, new) = (old?, new?);
    (old != new).then(|| (Some(old.clone()), new.clone()))
}
