//! What was last told of a meter: what the next event is a difference from.
//!
//! It outlives the process. So what is announced while nobody looks is told afterwards, and what was told is not told again. What is not
//! known at the moment stays as it was told.

use serde::{Deserialize, Serialize};

use crate::{meter::derived::Derived, power::forecast::Nearness};

/// A colour of tomorrow is told in the evening and holds until six: found later than this after it was told, it is that of another day.
const COLOUR_HOLDS_S: i64 = 20 * 3_600;

/// Exactly what events are computed from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// `historic` or `standard`.
    pub mode: Option<String>,
    /// The tariff that applies.
    pub tariff: Option<String>,
    /// The contract.
    pub contract: Option<String>,
    /// More is drawn than subscribed.
    pub overload: Option<bool>,
    /// How near a cut-off is.
    pub cutoff_alert: Option<Nearness>,
    /// The Tempo colour of tomorrow, or `unknown`.
    pub tempo_tomorrow: Option<String>,
    /// When that colour was told, in s since 1970.
    pub tempo_told_at: i64,
    /// A mobile peak is announced.
    pub peak_notice: Option<bool>,
    /// A mobile peak runs.
    pub peak_running: Option<bool>,
    /// The state of the cut-off device.
    pub cut_off_device: Option<String>,
    /// The message on the display.
    pub message: Option<String>,
    /// The last ultra-short message.
    pub message_ultra_short: Option<String>,
}

impl Told {
    /// Nothing was told under this mode yet.
    #[must_use]
    pub fn under(mode: &'static str) -> Self {
        Self { mode: Some(mode.to_owned()), ..Self::default() }
    }

    /// The colour of tomorrow as it was told, if it can still be that of the same day; after that, that there was one is all that counts.
    #[must_use]
    pub fn tempo_tomorrow(&self, unix_seconds: i64) -> Option<&str> {
        let holds = unix_seconds.saturating_sub(self.tempo_told_at) <= COLOUR_HOLDS_S;
        self.tempo_tomorrow.as_deref().map(|colour| if holds { colour } else { "" })
    }

    /// What is now is told. `self` changes only where that differs.
    pub fn handle_told(&mut self, now: &Derived, unix_seconds: i64) {
        if now.tempo_tomorrow.is_some_and(|colour| self.tempo_tomorrow(unix_seconds) != Some(colour)) {
            self.tempo_told_at = unix_seconds;
        }
        let text = |told: &mut Option<String>, now: Option<&str>| {
            if let Some(now) = now.filter(|now| told.as_deref() != Some(*now)) {
                *told = Some(now.to_owned());
            }
        };
        text(&mut self.mode, now.mode);
        text(&mut self.tariff, now.tariff.as_deref());
        text(&mut self.contract, now.contract.as_deref());
        text(&mut self.tempo_tomorrow, now.tempo_tomorrow);
        text(&mut self.cut_off_device, now.cut_off_device);
        text(&mut self.message, now.message.as_deref());
        text(&mut self.message_ultra_short, now.message_ultra_short.as_deref());
        self.overload = now.overload.or(self.overload);
        self.cutoff_alert = now.cutoff_alert.or(self.cutoff_alert);
        self.peak_notice = now.peak_notice.or(self.peak_notice);
        self.peak_running = now.peak_running.or(self.peak_running);
    }
}
