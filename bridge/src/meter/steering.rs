//! The power to steer by: the samples of one meter become datasets with times, as [`crate::power`] takes them.
//!
//! A live sample names the sample that it came behind. If the frame that follows is another one than the next, a frame was lost.

use std::time::{Duration, Instant};

use teleinfo_proto::{
    tic::{Dataset, MeterId, Mode, Role},
    wire::{BootId, Sample, SampleKind},
};

use crate::{
    meter::derived::Derived,
    power::{
        forecast::Nearness,
        reading::Power,
        signed::{KeptPower, SignedPower, WholeFrame},
        trip::{LINKY, USUAL_BREAKER},
    },
};

/// What was learnt is kept this often: a little of it lost does no harm, and an SD card is worn by each.
const KEEP_EVERY: Duration = Duration::from_secs(900);
/// Frames in a row that show a current and no power, before it is said that something is injected unseen.
const UNSEEN_FRAMES: u32 = 30;
/// The head-room is said in steps of so many VA: each change is a row in Home Assistant's recorder.
const HEAD_ROOM_STEP_VA: f64 = 10.0;

/// The power of one meter.
#[derive(Debug)]
pub struct Steering {
    power: SignedPower,
    /// The last sample that a live sample came behind.
    behind: Option<(BootId, u64)>,
    unseen_frames: u32,
    kept: Option<Instant>,
}

impl Steering {
    /// Begins with what was kept of a meter.
    #[must_use]
    pub fn new(meter: &MeterId, mode: Mode, kept: &KeptPower) -> Self {
        let cut_off = if meter.is_linky() { LINKY } else { USUAL_BREAKER };
        Self { power: SignedPower::new(mode, cut_off, kept), behind: None, unseen_frames: 0, kept: None }
    }

    /// Another run of the reader, another mode, or an index that goes on from another number.
    pub fn handle_break(&mut self, mode: Mode) {
        self.power.handle_break(mode);
        self.behind = None;
    }

    /// Datasets came before the end of their frame.
    pub fn handle_live(&mut self, sample: &Sample<'_>, datasets: &[Dataset<'_>]) -> Option<Power> {
        let behind = (sample.boot, sample.sequence);
        if self.behind.replace(behind) != Some(behind) {
            self.power.forget_ahead();
        }
        let at = Duration::from_millis(sample.uptime_ms);
        datasets.iter().filter_map(|dataset| self.power.handle_dataset(dataset, at)).last()
    }

    /// A frame came; these of its datasets are believed, and so much was drawn in all.
    pub fn handle_frame(&mut self, sample: &Sample<'_>, datasets: &[Dataset<'_>], drawn: Option<u64>) -> Option<Power> {
        if self.behind.take() != Some((sample.boot, sample.sequence.wrapping_sub(1))) {
            self.power.forget_ahead();
        }
        let injected = datasets.iter().find(|dataset| dataset.role() == Some(Role::EnergyInjected));
        let power = self.power.handle_frame(&WholeFrame {
            datasets,
            is_complete: sample.kind == SampleKind::Frame { complete: true },
            drawn,
            injected: injected.and_then(|dataset| dataset.value().number()),
            at: Duration::from_millis(sample.uptime_ms),
        });
        self.unseen_frames = if self.power.is_injecting_unseen() { self.unseen_frames.saturating_add(1) } else { 0 };
        power
    }

    /// How near a cut-off is.
    #[must_use]
    pub const fn nearness(&self) -> Nearness {
        self.power.forecast().nearness()
    }

    /// Whether the meter injects and shows nothing of it.
    #[must_use]
    pub const fn is_injecting_unseen(&self) -> bool {
        self.unseen_frames >= UNSEEN_FRAMES
    }

    /// Works out how far the cut-off is.
    pub fn derive(&self, derived: &mut Derived) {
        let forecast = self.power.forecast();
        let head_room = forecast.head_room();
        derived.headroom_va = head_room.map(|va| ((va / HEAD_ROOM_STEP_VA).floor() * HEAD_ROOM_STEP_VA) as i64);
        derived.headroom_a = head_room.map(|va| (va / self.power.volts()).floor() as i64);
        derived.share = forecast.share().map(|share| (share * 100.0).round() as u64);
        derived.cutoff_s = forecast.seconds_said();
        derived.cutoff_method = forecast.method();
        derived.cutoff_alert = head_room.map(|_| forecast.nearness());
    }

    /// Works the power out as another one of the same meter does.
    pub fn take_learnt(&mut self, other: &Self) {
        self.power.take_learnt(&other.power);
    }

    /// What is to be kept, if it is time for it; at the last everything.
    pub fn poll_kept(&mut self, is_last: bool, now: Instant) -> Option<KeptPower> {
        let since = *self.kept.get_or_insert(now);
        let is_due = is_last || now.saturating_duration_since(since) >= KEEP_EVERY;
        is_due.then(|| {
            self.kept = Some(now);
            self.power.kept()
        })
    }
}
