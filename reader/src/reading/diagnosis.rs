//! The likely cause of trouble on the line, for people who stand at the meter.
//!
//! It looks at what was read, at what was refused and at bytes that nobody could read, in slots of some seconds. Trouble begins with two
//! slots that leave no doubt, or with several in a minute; it ends after some slots that are good. A line that goes back and forth has to
//! be good for longer each time, so that it cannot fill a journal.

use std::time::{Duration, Instant};

use teleinfo_proto::{
    tic::{Beginning, Dataset, Ending, Event, FrameEnd, Label, MeterFamily, Mode, Refusal, RefusalKind, Value},
    wire::{Cause, LineState},
};

use super::{
    culprit::Culprit,
    evidence::{ByteSample, Evidence},
};

/// Damage is judged by the slot.
const SLOT: Duration = Duration::from_secs(5);
/// And by the last minute.
const SLOTS: usize = 12;
/// So many refused datasets in two slots in a row leave no doubt, and so do so many slots in a minute in which something was damaged.
const NO_DOUBT: u32 = 5;
const TOUCHED_SLOTS: usize = 3;
/// Good slots that end trouble; twice as many each time it comes back soon, up to the most.
const CALM_FIRST: u32 = 4;
const CALM_MOST: u32 = 120;
/// Trouble that comes back within this time after its end has never been gone.
const RELAPSE: Duration = Duration::from_secs(600);
/// Whole frames with an identity and nothing else, in a row, before the meter counts as asleep.
const SLEEPING_FRAMES: u32 = 5;
/// Between two looks for other programs on the line.
const LOOK: Duration = Duration::from_secs(30);
/// Bytes of a dataset that are neither its label, its timestamp nor its data: LF, two separators, checksum, CR.
const AROUND: usize = 5;

/// What one frame has shown so far.
#[derive(Clone, Copy, Debug, Default)]
struct FrameSeen {
    good: u32,
    refused: u32,
    parity: u32,
    is_named: bool,
    /// The label of the last refusal, where it can be read.
    label: Option<&'static Label>,
    /// The label that was refused in the frames before is refused again.
    has_suspect: bool,
}

/// Gathers evidence, and says what it comes to.
#[derive(Debug)]
pub(super) struct Diagnosis {
    slot_ends: Instant,
    slot: Evidence,
    sample: ByteSample,
    /// The last slots, the newest last.
    minute: [Evidence; SLOTS],
    frame: FrameSeen,
    /// Listening has begun in the middle of a frame, which says nothing.
    is_joining: bool,
    /// The label that is refused on the line, and the one whose value cannot be.
    refused: Culprit,
    doubted: Culprit,
    sleeping: u32,
    family: Option<MeterFamily>,
    is_parity_checked: bool,
    damage: Cause,
    garbage: Cause,
    /// Good slots since trouble began or ended, how many are needed to end it, and when it last ended.
    calm: u32,
    calm_needed: u32,
    ended: Option<Instant>,
    /// When to look for other programs again, and whether there was one.
    look: Instant,
    is_shared: bool,
}

impl Diagnosis {
    /// No evidence yet.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            slot_ends: now + SLOT,
            slot: Evidence::default(),
            sample: ByteSample::new(),
            minute: [Evidence::default(); SLOTS],
            frame: FrameSeen::default(),
            is_joining: true,
            refused: Culprit::default(),
            doubted: Culprit::default(),
            sleeping: 0,
            family: None,
            is_parity_checked: false,
            damage: Cause::None,
            garbage: Cause::None,
            calm: 0,
            calm_needed: CALM_FIRST,
            ended: None,
            look: now,
            is_shared: false,
        }
    }

    /// The line was opened, or listening has begun anew: the next frame is joined in its middle.
    pub(super) fn handle_joining(&mut self) {
        self.is_joining = true;
        (self.frame, self.sleeping) = (FrameSeen::default(), 0);
        (self.refused, self.doubted) = (Culprit::default(), Culprit::default());
    }

    /// Bytes as they came off the line at this speed.
    pub(super) fn handle_bytes(&mut self, bytes: &[u8], speed: Mode, is_parity_checked: bool) {
        self.slot.bytes += bytes.len() as u32;
        self.is_parity_checked = is_parity_checked;
        self.sample.handle_bytes(bytes, speed);
    }

    /// What the decoder has made of them.
    pub(super) fn handle_event(&mut self, event: &Event<'_>) {
        match event {
            Event::FrameStart => {}
            Event::Dataset(dataset) => self.handle_dataset(dataset),
            Event::Refused(refusal) => self.handle_refusal(refusal),
            Event::FrameEnd(end) => self.handle_frame_end(*end),
        }
    }

    /// A frame has become a sample; this label was not believed in it.
    pub(super) fn handle_sample(&mut self, doubted: Option<&'static Label>) {
        self.doubted.handle_frame(doubted);
    }

    /// Whether other programs have the line open too.
    pub(super) fn handle_others(&mut self, is_shared: bool) {
        self.is_shared = is_shared;
    }

    /// Time has passed.
    pub(super) fn handle_timeout(&mut self, line: LineState, now: Instant) {
        if now < self.slot_ends {
            return;
        }
        self.slot_ends = now + SLOT;
        if self.slot.is_bad() || line == LineState::Searching {
            self.look_at_labels();
        }
        self.minute.rotate_left(1);
        self.minute[SLOTS - 1] = std::mem::take(&mut self.slot);
        self.sample.clear();
        self.judge(line, now);
    }

    /// When [`Diagnosis::handle_timeout`] is due.
    pub(super) const fn poll_timeout(&self) -> Instant {
        self.slot_ends
    }

    /// Whether to look for other programs on the line now: something is wrong that one of them would explain.
    pub(super) fn poll_look(&mut self, line: LineState, is_settled: bool, now: Instant) -> bool {
        let is_wrong = match line {
            LineState::Silent | LineState::Searching => is_settled,
            LineState::Reading => self.damage != Cause::None || self.slot.is_bad(),
            _ => false,
        };
        let is_due = is_wrong && now >= self.look;
        if is_due {
            self.look = now + LOOK;
        }
        is_due
    }

    /// The likely cause. `is_settled`: the line has been in its state for a while; `is_named`: the meter is known.
    pub(super) fn cause(&self, line: LineState, is_settled: bool, is_named: bool) -> Cause {
        match line {
            LineState::Absent => Cause::NoDevice,
            LineState::Denied => Cause::NoPermission,
            LineState::Busy => Cause::DeviceInUse,
            LineState::Silent | LineState::Searching if !is_settled => Cause::None,
            LineState::Silent | LineState::Searching if self.is_shared => Cause::BytesTaken,
            LineState::Silent => Cause::NoSignal,
            LineState::Searching if self.garbage == Cause::None => Cause::NotTic,
            LineState::Searching => self.garbage,
            LineState::Reading if !is_named => {
                if is_settled {
                    self.why_nameless()
                } else {
                    Cause::None
                }
            }
            LineState::Reading | LineState::Unknown(_) => self.why_damaged(),
        }
    }

    /// The label that never passes, while that is the cause.
    pub(super) fn label(&self) -> Option<&'static str> {
        self.culprit().map(|label| label.code)
    }

    /// The likely cause on a line that is read, and its label, for somebody who does not listen for long.
    pub(super) fn so_far(&self, is_named: bool) -> (Cause, Option<&'static str>) {
        let all = self.minute.iter().fold(self.slot, |sum, slot| sum.with(*slot));
        let label = self.refused.likely().or(self.doubted.likely());
        let cause = match (self.family.filter(|_| !is_named), label) {
            (Some(MeterFamily::Yellow), _) => Cause::YellowMeter,
            (Some(MeterFamily::Ice), _) => Cause::IceMeter,
            _ if self.is_asleep() => Cause::Asleep,
            (_, Some(label)) => return (Cause::LabelRefused, Some(label.code)),
            _ if all.is_bad() || all.damages_controls() => self.kind(all),
            _ => Cause::None,
        };
        (cause, None)
    }

    fn why_nameless(&self) -> Cause {
        match (self.family, self.damage) {
            (Some(MeterFamily::Yellow), _) => Cause::YellowMeter,
            (Some(MeterFamily::Ice), _) => Cause::IceMeter,
            (_, Cause::None) => Cause::NoIdentity,
            (_, damage) => damage,
        }
    }

    fn why_damaged(&self) -> Cause {
        if self.is_asleep() {
            Cause::Asleep
        } else if self.culprit().is_some() {
            Cause::LabelRefused
        } else {
            self.damage
        }
    }

    /// Whole frames that hold nothing but an address, and nothing else on the line.
    fn is_asleep(&self) -> bool {
        let recent = self.slot.with(self.minute[SLOTS - 1]);
        self.sleeping >= SLEEPING_FRAMES && !recent.is_unread()
    }

    fn culprit(&self) -> Option<&'static Label> {
        self.refused.named().or(self.doubted.named())
    }

    fn handle_dataset(&mut self, dataset: &Dataset<'_>) {
        self.frame.good += 1;
        self.frame.is_named |= matches!(dataset.value(), Value::Identity(_));
        self.slot.good += 1;
        let stamp = dataset.timestamp().map_or(0, |stamp| stamp.len() + 1);
        self.slot.read += (dataset.label().len() + dataset.data().len() + stamp + AROUND) as u32;
        self.family = dataset.info().and_then(|label| label.family).or(self.family);
    }

    fn handle_refusal(&mut self, refusal: &Refusal<'_>) {
        self.frame.refused += 1;
        self.frame.parity += u32::from(refusal.reason.kind() == RefusalKind::Parity);
        self.frame.label = refusal.label.and_then(|label| Mode::ALL.into_iter().find_map(|mode| Label::find(mode, label)));
        self.frame.has_suspect |= self.frame.label.is_some() && self.frame.label == self.refused.suspect();
    }

    fn handle_frame_end(&mut self, end: FrameEnd) {
        let frame = std::mem::take(&mut self.frame);
        if std::mem::take(&mut self.is_joining) && end.beginning == Beginning::Missed {
            return;
        }
        let is_whole = end.is_whole();
        let is_address_only = frame.is_named && frame.good == 1 && frame.refused == 0;
        self.sleeping = if is_whole && is_address_only { self.sleeping.saturating_add(1) } else { 0 };
        let suspect = if frame.has_suspect { self.refused.suspect() } else { frame.label.filter(|_| frame.refused == 1) };
        // A frame that was cut may lack the label.
        let back = if is_whole || suspect.is_some() { self.refused.handle_frame(suspect) } else { 0 };
        let others = frame.refused - u32::from(suspect.is_some());
        // A meter may break off by itself (EOT).
        let is_cut = !is_whole && end.ending != Ending::Eot;
        self.slot.frames += 1;
        self.slot.refused += others + back;
        self.slot.bad_frames += u32::from(is_cut || others > 0) + back;
        self.slot.parity += frame.parity;
        self.slot.line_feeds += end.damaged_line_feeds;
        self.slot.frame_starts += u32::from(end.beginning == Beginning::Address);
    }

    fn look_at_labels(&mut self) {
        if let Some(bits) = self.sample.examine() {
            (self.slot.lost, self.slot.gained) = bits.wrong();
        }
    }

    /// Trouble begins, goes on or ends.
    fn judge(&mut self, line: LineState, now: Instant) {
        let all = self.minute.iter().fold(Evidence::default(), |sum, slot| sum.with(*slot));
        self.garbage = if self.minute[SLOTS - 1].good > 0 { Cause::None } else { all.kind_of_garbage() };
        if line == LineState::Reading {
            self.judge_reading(all, now);
        }
    }

    fn judge_reading(&mut self, all: Evidence, now: Instant) {
        let newest = self.minute[SLOTS - 1];
        self.calm = if newest.is_good() { self.calm + 1 } else { 0 };
        if self.damage == Cause::None && self.is_beyond_doubt(newest, all) {
            self.begin(self.kind(all), now);
        } else if self.damage != Cause::None && self.calm >= self.calm_needed {
            self.end(now);
        } else if self.damage != Cause::None && newest.is_bad() {
            self.damage = self.kind(all);
        }
    }

    fn is_beyond_doubt(&self, newest: Evidence, all: Evidence) -> bool {
        let touched = self.minute.iter().filter(|slot| slot.is_touched()).count();
        let is_sudden = [newest, self.minute[SLOTS - 2]].iter().all(|slot| slot.is_bad() && slot.refused >= NO_DOUBT);
        // Where nothing at all is good any more, the line is not being read: that is another trouble, which its state will tell.
        newest.good > 0 && (is_sudden || (all.is_bad() || all.damages_controls()) && touched >= TOUCHED_SLOTS)
    }

    fn begin(&mut self, kind: Cause, now: Instant) {
        let is_relapse = self.ended.is_some_and(|ended| now < ended + RELAPSE);
        self.calm_needed = if is_relapse { (self.calm_needed * 2).min(CALM_MOST) } else { CALM_FIRST };
        (self.damage, self.calm) = (kind, 0);
    }

    /// What lies behind no longer counts.
    fn end(&mut self, now: Instant) {
        (self.damage, self.ended, self.is_shared) = (Cause::None, Some(now), false);
        self.minute = [Evidence::default(); SLOTS];
    }

    fn kind(&self, all: Evidence) -> Cause {
        let is_bad = all.is_bad() || self.minute[SLOTS - 1].is_bad() || self.slot.is_bad();
        match all.kind_of_damage(self.is_parity_checked) {
            _ if !is_bad => Cause::ControlsDamaged,
            _ if self.is_shared => Cause::BytesTaken,
            kind => kind,
        }
    }
}
