//! Decoder events in, samples out: a frame becomes one sample, once it is known whose it is and its indexes are believed.
//!
//! * A frame's datasets are kept until it ends, however it ends: each was verified on its own. A sample says whether its frame was whole.
//! * A frame needs a meter's identity, its own or that of the frames before (`identity`). The first datasets on a line that was joined in
//!   mid-frame have none yet; one frame of them waits for it.
//! * Its datasets must be believed (`judge`).
//! * What somebody steers by, or has to be warned of, does not wait for the end of its frame: each such dataset makes a live sample of its
//!   own, once it is believed as it would be in its frame. The frame repeats it.
//!
//! Nothing here allocates once it was made.

use std::mem;

use teleinfo_proto::{
    tic::{Beginning, Dataset, Event, FrameEnd, Label, MeterId, RefusalKind},
    wire::{BootId, Counters, Sample, SampleKind},
};

use super::{
    Moment,
    frame::{FRAME_BYTES, Facts, Frame},
    identity::{Identity, Owner},
    judge::{Judge, is_possible},
};

/// Room for the one dataset of a live sample.
const LIVE_BYTES: usize = 128;

/// A sample, and its bytes as they are sent.
#[derive(Debug, PartialEq, Eq)]
pub struct EncodedSample<'a> {
    /// Its fields.
    pub sample: Sample<'a>,
    /// Its bytes.
    pub encoded: &'a [u8],
}

/// Makes samples of frames.
pub(super) struct Assembler {
    counters: Counters,
    boot: BootId,
    sequence: u64,
    identity: Identity,
    judge: Judge,
    /// Listening has begun in the middle of a frame: that it is not whole says nothing of the line.
    is_joining: bool,
    incoming: Frame,
    /// Whether `incoming` has ended, and waits to be made a sample.
    ended: bool,
    /// The first datasets of all, until a name is known.
    waiting: Frame,
    /// A dataset that does not wait for the end of its frame.
    live: Frame,
    encoded: Vec<u8>,
    /// What the next sample is, without its datasets, when one is ready.
    ready: Option<(SampleKind, Facts)>,
}

impl Assembler {
    /// An assembler for this process.
    pub(super) fn new(boot: BootId) -> Self {
        Self {
            counters: Counters::default(),
            boot,
            sequence: 0,
            identity: Identity::default(),
            judge: Judge::new(),
            is_joining: true,
            incoming: Frame::new(FRAME_BYTES),
            ended: false,
            waiting: Frame::new(FRAME_BYTES),
            live: Frame::new(LIVE_BYTES),
            encoded: vec![0; Sample::BYTES_MAX],
            ready: None,
        }
    }

    /// What was counted so far.
    pub(super) const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Where what becomes of the samples is counted.
    pub(super) const fn counters_mut(&mut self) -> &mut Counters {
        &mut self.counters
    }

    /// The meter whose frames these are.
    pub(super) const fn meter(&self) -> Option<MeterId> {
        self.identity.meter()
    }

    /// The line was lost, or silent for long: whoever speaks next must give a name first, and is joined in the middle of a frame.
    pub(super) const fn handle_line_lost(&mut self) {
        self.identity.handle_line_lost();
        self.is_joining = true;
    }

    /// The first label that was not believed in the frame of the last sample.
    pub(super) const fn doubted(&self) -> Option<&'static Label> {
        self.judge.doubted()
    }

    /// So many bytes have arrived.
    pub(super) const fn handle_bytes(&mut self, count: usize) {
        self.counters.bytes += count as u64;
    }

    /// Takes an event of the decoder. Call [`Self::prepare_sample`] until it has no more before the next event.
    pub(super) fn handle_event(&mut self, event: &Event<'_>, now: Moment) {
        match event {
            Event::FrameStart => {}
            Event::Dataset(dataset) => self.handle_dataset(dataset, now),
            Event::Refused(refusal) => {
                self.counters.refuse(refusal.reason.kind());
                self.incoming.facts.refused += 1;
            }
            Event::FrameEnd(end) => self.handle_frame_end(*end, now),
        }
    }

    /// Makes the next sample ready, if there is one.
    pub(super) fn prepare_sample(&mut self) -> bool {
        self.ready = if self.meter().is_none() {
            None
        } else if !self.live.is_empty() {
            Some(self.prepare_live())
        } else if !self.waiting.is_empty() {
            Some(self.prepare_waiting())
        } else if mem::take(&mut self.ended) {
            Some(self.prepare_incoming())
        } else {
            None
        };
        self.sequence += u64::from(self.ready.is_some_and(|(kind, _)| kind != SampleKind::Live));
        self.ready.is_some()
    }

    /// The sample that [`Self::prepare_sample`] has made ready.
    pub(super) fn take_sample(&mut self) -> Option<EncodedSample<'_>> {
        let (kind, facts) = self.ready.take()?;
        let sample = Sample {
            boot: self.boot,
            sequence: self.sequence,
            kind,
            unix_ms: facts.ended.unix_ms,
            uptime_ms: facts.ended.uptime_ms,
            mode: facts.mode?,
            meter: self.identity.meter()?,
            counters: if kind == SampleKind::Live { Counters::default() } else { self.counters },
            datasets: self.judge.believed(),
        };
        let encoded = sample.encode(&mut self.encoded).ok()?;
        Some(EncodedSample { sample, encoded })
    }

    fn prepare_live(&mut self) -> (SampleKind, Facts) {
        self.judge.take(&self.live);
        let facts = self.live.facts;
        self.live.clear();
        (SampleKind::Live, facts)
    }

    fn prepare_waiting(&mut self) -> (SampleKind, Facts) {
        self.judge.judge(&self.waiting, &mut self.counters);
        let facts = self.waiting.facts;
        self.waiting.clear();
        (SampleKind::Frame { complete: false }, facts)
    }

    fn prepare_incoming(&mut self) -> (SampleKind, Facts) {
        let implausible = self.judge.judge(&self.incoming, &mut self.counters);
        let facts = self.incoming.facts;
        self.incoming.clear();
        (SampleKind::Frame { complete: facts.is_clean() && implausible == 0 }, facts)
    }

    fn handle_dataset(&mut self, dataset: &Dataset<'_>, now: Moment) {
        if !self.incoming.push(dataset) {
            // More than a meter's longest frame: noise has eaten the end of one or more.
            return self.counters.refuse(RefusalKind::TooLong);
        }
        self.counters.datasets_good = self.counters.datasets_good.wrapping_add(1);
        if is_live(dataset) && self.identity.is_known(self.incoming.facts.identity) {
            self.live.clear();
            self.live.push(dataset);
            self.live.facts.ended = now;
        }
    }

    fn handle_frame_end(&mut self, end: FrameEnd, now: Moment) {
        let counters = &mut self.counters;
        counters.line_feeds_damaged = counters.line_feeds_damaged.wrapping_add(end.damaged_line_feeds);
        counters.frame_starts_damaged = counters.frame_starts_damaged.wrapping_add(u32::from(end.beginning == Beginning::Address));
        let whole = end.is_whole();
        if !mem::take(&mut self.is_joining) || end.beginning != Beginning::Missed {
            self.count_frame(whole);
        }
        let facts = &mut self.incoming.facts;
        (facts.whole, facts.ended) = (whole, now);
        if let Some(mode) = facts.mode {
            self.judge.handle_frame_end(self.counters.bytes, mode, now.uptime_ms);
        }
        if self.incoming.is_empty() {
            self.incoming.clear();
        } else {
            self.find_owner();
        }
    }

    fn count_frame(&mut self, whole: bool) {
        let count = match (whole, self.incoming.facts.refused) {
            (true, 0) => &mut self.counters.frames_good,
            (true, _) => &mut self.counters.frames_damaged,
            (false, _) => &mut self.counters.frames_cut,
        };
        *count = count.wrapping_add(1);
    }

    fn find_owner(&mut self) {
        let Self { identity, judge, incoming, .. } = self;
        match identity.handle_frame(incoming.facts.identity, || judge.has_other_indexes(incoming)) {
            Owner::Same => self.ended = true,
            Owner::Replaced => {
                self.judge.handle_replaced();
                self.ended = true;
            }
            Owner::Unknown => self.set_aside(),
        }
    }

    /// Keeps the very first datasets until a name is known; later ones without a name are nobody's.
    fn set_aside(&mut self) {
        if self.meter().is_none() && self.waiting.is_empty() {
            mem::swap(&mut self.waiting, &mut self.incoming);
        } else {
            self.counters.unidentified = self.counters.unidentified.wrapping_add(self.incoming.facts.good);
        }
        self.incoming.clear();
    }
}

/// Whether a dataset does not wait for the end of its frame. No live label is a text or an index, so what was said before decides nothing.
fn is_live(dataset: &Dataset<'_>) -> bool {
    dataset.info().is_some_and(|label| label.live) && is_possible(dataset)
}

#[cfg(test)]
mod tests;
