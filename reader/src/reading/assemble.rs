//! Decoder events in, samples out: a frame becomes one sample, once it is known whose it is and its indexes are believed.
//!
//! * A frame's datasets are kept until it ends, however it ends: each was verified on its own. A sample says whether its frame was whole.
//! * A frame needs a meter's identity, its own or that of the frames before (`identity`). The first datasets on a line that was joined in
//!   mid-frame have none yet; one frame of them waits for it.
//! * An index must be plausible (`plausibility`), and some things must be said twice before they are passed on (`repetition`).
//! * What somebody steers by, or has to be warned of, does not wait for the end of its frame: each such dataset makes a live sample of its
//!   own, once it is believed as it would be in its frame. The frame repeats it.
//!
//! Nothing here allocates once it was made.

use std::mem;

use teleinfo_proto::{
    tic::{Beginning, Dataset, Event, FrameEnd, Label, MeterId, Mode, RefusalKind, Role, Value, spec},
    wire::{BootId, Counters, Datasets, DatasetsWriter, Sample, SampleKind},
};

use super::{
    Moment,
    identity::{Identity, Owner},
    plausibility::{Plausibility, Powers, Verdict, judge_power, most},
    repetition::Repetition,
};

/// Room for the datasets of a frame: what a sample may have, less its other fields.
const FRAME_BYTES: usize = Sample::BYTES_MAX - 256;
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

/// Verified datasets of one frame, and what is known of the frame.
struct Frame {
    bytes: Vec<u8>,
    length: usize,
    facts: Facts,
}

#[derive(Clone, Copy, Default)]
struct Facts {
    mode: Option<Mode>,
    identity: Option<MeterId>,
    good: u32,
    refused: u32,
    whole: bool,
    ended: Moment,
}

impl Facts {
    /// The frame was seen from its beginning to its end, and nothing in it was refused.
    fn is_clean(&self) -> bool {
        self.whole && self.refused == 0
    }
}

impl Frame {
    fn new(bytes: usize) -> Self {
        Self { bytes: vec![0; bytes], length: 0, facts: Facts::default() }
    }

    /// Adds a dataset; `false` if there is no room for it.
    fn push(&mut self, dataset: &Dataset<'_>) -> bool {
        let mut writer = DatasetsWriter::resume(&mut self.bytes, self.length);
        if writer.push(dataset).is_err() {
            self.facts.refused += 1;
            return false;
        }
        self.length = writer.length();
        self.facts.good += 1;
        self.facts.mode = Some(dataset.mode());
        if let Value::Identity(identity) = dataset.value() {
            self.facts.identity = Some(identity);
        }
        true
    }

    fn datasets(&self) -> impl Iterator<Item = Dataset<'_>> {
        let mode = self.facts.mode.unwrap_or(Mode::Historic);
        Datasets::from(&self.bytes[..self.length]).iter(mode).flatten()
    }

    fn is_empty(&self) -> bool {
        self.length == 0
    }

    fn clear(&mut self) {
        self.length = 0;
        self.facts = Facts::default();
    }
}

/// The meter's own time: the clock's, or what the bytes on the line must have taken if that is more (see `plausibility`).
#[derive(Clone, Copy, Default)]
struct MeterClock {
    ms: u64,
    uptime_ms: u64,
    bytes: u64,
}

impl MeterClock {
    fn advance(&mut self, uptime_ms: u64, bytes: u64, mode: Mode) {
        let on_the_line = (bytes - self.bytes) * u64::from(spec::BITS_PER_CHARACTER) * 1_000 / u64::from(mode.baud());
        self.ms += uptime_ms.saturating_sub(self.uptime_ms).max(on_the_line);
        (self.uptime_ms, self.bytes) = (uptime_ms, bytes);
    }
}

/// Decides which datasets of a frame are believed.
struct Judge {
    plausibility: Plausibility,
    repetition: Repetition,
    clock: MeterClock,
    /// The datasets of the last frame that are believed, and their length.
    believed: Vec<u8>,
    length: usize,
    /// The first label of the last frame that was not believed.
    doubted: Option<&'static Label>,
}

impl Judge {
    /// Keeps the datasets of `frame` that are believed; returns how many are not.
    fn judge(&mut self, frame: &Frame, counters: &mut Counters) -> u32 {
        let trusted = Plausibility::trusts(frame.facts.good, frame.facts.refused);
        self.plausibility.note(powers(frame));
        self.repetition.next_frame(frame.facts.is_clean());
        self.doubted = None;
        let mut refused = 0_u32;
        let mut writer = DatasetsWriter::resume(&mut self.believed, 0);
        for dataset in frame.datasets() {
            let repeated = self.repetition.believes(&dataset);
            let verdict = self.plausibility.judge(&dataset, self.clock.ms, trusted);
            if !repeated || verdict == Verdict::Implausible {
                refused += 1;
                self.doubted = self.doubted.or(dataset.info());
                let why = if repeated { "cannot be, after what came before" } else { "is doubtful, and the frame before did not say it" };
                log::debug!("dataset {}: {:?} {why}", dataset.label(), dataset.data());
                continue;
            }
            if verdict == Verdict::NewTruth {
                counters.index_resets = counters.index_resets.wrapping_add(1);
                log::warn!("index {} jumped to {}: several frames agree, so it is believed from now on", dataset.label(), dataset.data());
            }
            // It fitted the frame's buffer, which is as large.
            let _ = writer.push(&dataset);
        }
        self.length = writer.length();
        counters.refused_implausible = counters.refused_implausible.wrapping_add(refused);
        counters.datasets_good = counters.datasets_good.wrapping_sub(refused);
        refused
    }

    /// Whether a frame is clean, and none of its indexes continues those of the known meter.
    fn has_other_indexes(&self, frame: &Frame) -> bool {
        let continued = |dataset: Dataset<'_>| self.plausibility.continues(&dataset, self.clock.ms);
        let mut known = frame.datasets().filter_map(continued).peekable();
        frame.facts.is_clean() && known.peek().is_some() && known.all(|continues| !continues)
    }
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
            judge: Judge {
                plausibility: Plausibility::default(),
                repetition: Repetition::default(),
                clock: MeterClock::default(),
                believed: vec![0; FRAME_BYTES],
                length: 0,
                doubted: None,
            },
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
        self.judge.doubted
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
            datasets: Datasets::from(&self.judge.believed[..self.judge.length]),
        };
        let encoded = sample.encode(&mut self.encoded).ok()?;
        Some(EncodedSample { sample, encoded })
    }

    fn prepare_live(&mut self) -> (SampleKind, Facts) {
        let Frame { length, facts, ref bytes } = self.live;
        self.judge.believed[..length].copy_from_slice(&bytes[..length]);
        self.judge.length = length;
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
            self.judge.clock.advance(now.uptime_ms, self.counters.bytes, mode);
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
                self.judge.plausibility = Plausibility::default();
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
    dataset.info().is_some_and(|label| label.live) && judge_power(dataset) == Verdict::Plausible
}

/// A power that no meter lets through explains no index.
fn possible(role: Role, power: Option<u64>) -> Option<u64> {
    power.filter(|power| most(role).is_none_or(|most| *power <= most))
}

/// What a frame says of power.
fn powers(frame: &Frame) -> Powers {
    let (mut powers, mut current, mut phases) = (Powers::default(), None, 1);
    for dataset in frame.datasets() {
        let number = dataset.value().number();
        match dataset.role() {
            Some(Role::Current(2)) => phases = 3,
            Some(Role::SubscribedCurrent) => current = number,
            Some(Role::SubscribedPower) => powers.subscribed = number.map(|kilo| kilo * 1_000),
            Some(role @ Role::PowerWithdrawn) => powers.withdrawn = possible(role, number),
            Some(role @ Role::PowerInjected) => powers.injected = possible(role, number),
            _ => {}
        }
    }
    let from_current = current.map(|amperes| amperes * spec::VA_PER_SUBSCRIBED_AMPERE * phases);
    powers.subscribed = powers.subscribed.or(from_current).filter(|power| *power > 0);
    powers
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::{
        tic::{Decoder, Mode, Parity, RefusalKind, encode::FrameWriter},
        wire::{BootId, SampleKind},
    };

    use super::{Assembler, Moment};

    /// A frame of these datasets.
    fn frame(datasets: &[(&str, &str)]) -> Vec<u8> {
        let mut buffer = [0; 2_048];
        let mut writer = FrameWriter::new(&mut buffer, Mode::Historic).unwrap();
        for (label, data) in datasets {
            writer.dataset(label, None, data).unwrap();
        }
        writer.finish().unwrap().to_vec()
    }

    const METER: &str = "900061000001";
    const OTHER: &str = "900061000002";

    /// The samples of frames that come out, in words: kind, meter, datasets.
    fn samples(assembler: &mut Assembler, bytes: &[u8]) -> Vec<String> {
        all_samples(assembler, bytes).into_iter().filter(|seen| !seen.contains("live")).collect()
    }

    /// The same, with live samples among them.
    fn all_samples(assembler: &mut Assembler, bytes: &[u8]) -> Vec<String> {
        let mut decoder = Decoder::new(Parity::Stripped);
        let mut seen = vec![];
        let mut input = bytes;
        assembler.handle_bytes(bytes.len());
        while let Some(event) = decoder.next_event(&mut input) {
            assembler.handle_event(&event, Moment::default());
            while assembler.prepare_sample() {
                let sample = assembler.take_sample().unwrap().sample;
                let kind = match sample.kind {
                    SampleKind::Frame { complete: true } => "whole",
                    SampleKind::Frame { complete: false } => "part",
                    SampleKind::Live => "live",
                    SampleKind::Snapshot | SampleKind::Unknown(_) => "other",
                };
                let datasets: Vec<_> = sample.datasets.iter(sample.mode).map(|line| line.unwrap()).collect();
                let text: Vec<_> = datasets.iter().map(|line| format!("{}={}", line.label(), line.data())).collect();
                seen.push(format!("{} {kind} {} {}", sample.sequence, &sample.meter.as_str()[11..], text.join(" ")));
            }
        }
        seen
    }

    fn assembler() -> Assembler {
        Assembler::new(BootId::new(7))
    }

    #[test]
    fn a_frame_is_a_sample() {
        let bytes = frame(&[("ADCO", METER), ("BASE", "000001000"), ("PAPP", "00540")]);
        assert_eq!(samples(&mut assembler(), &bytes), ["1 whole 1 ADCO=900061000001 BASE=000001000 PAPP=00540"]);
    }

    #[test]
    fn datasets_before_the_first_name_wait_for_it() {
        let mut bytes = frame(&[("BASE", "000001000"), ("PAPP", "00540")]).split_off(1);
        bytes.extend(frame(&[("ADCO", METER), ("PAPP", "00550")]));
        let seen = samples(&mut assembler(), &bytes);
        assert_eq!(seen, ["1 part 1 BASE=000001000 PAPP=00540", "2 whole 1 ADCO=900061000001 PAPP=00550"]);
    }

    #[test]
    fn without_a_name_nothing_is_sent() {
        let mut assembler = assembler();
        let bytes = frame(&[("BASE", "000001000")]).repeat(3);
        assert!(samples(&mut assembler, &bytes).is_empty());
        assert_eq!(assembler.counters().unidentified, 2, "and one still waits");
    }

    #[test]
    fn a_frame_without_a_name_belongs_to_the_meter_before() {
        let mut assembler = assembler();
        samples(&mut assembler, &frame(&[("ADCO", METER), ("PAPP", "00540")]));
        assert_eq!(samples(&mut assembler, &frame(&[("PAPP", "00550")])), ["2 whole 1 PAPP=00550"]);
        assembler.handle_line_lost();
        assert!(samples(&mut assembler, &frame(&[("PAPP", "00560")])).is_empty());
    }

    #[test]
    fn a_damaged_name_makes_no_meter() {
        let mut assembler = assembler();
        samples(&mut assembler, &frame(&[("ADCO", METER), ("BASE", "000001000")]));
        let damaged = frame(&[("ADCO", OTHER), ("BASE", "000001001")]);
        assert!(samples(&mut assembler, &damaged).is_empty());
        assert_eq!(samples(&mut assembler, &frame(&[("ADCO", METER), ("BASE", "000001001")])).len(), 1);
        assert!(samples(&mut assembler, &damaged.repeat(2)).is_empty());
        assert_eq!(samples(&mut assembler, &damaged).len(), 1, "said three times, it is a name");
    }

    #[test]
    fn another_meter_is_known_by_its_indexes() {
        let mut assembler = assembler();
        samples(&mut assembler, &frame(&[("ADCO", METER), ("BASE", "000001000")]));
        let seen = samples(&mut assembler, &frame(&[("ADCO", OTHER), ("BASE", "070000000")]));
        assert_eq!(seen, ["2 whole 2 ADCO=900061000002 BASE=070000000"]);
    }

    #[test]
    fn an_implausible_index_is_left_out() {
        let mut assembler = assembler();
        samples(&mut assembler, &frame(&[("ADCO", METER), ("BASE", "000001000")]));
        let seen = samples(&mut assembler, &frame(&[("ADCO", METER), ("BASE", "800001000"), ("PAPP", "00540")]));
        assert_eq!(seen, ["2 part 1 ADCO=900061000001 PAPP=00540"]);
        assert_eq!((assembler.counters().refused_implausible, assembler.counters.datasets_good), (1, 4));
    }

    #[test]
    fn power_and_overload_do_not_wait() {
        let mut assembler = assembler();
        let first = frame(&[("ADCO", METER), ("IINST", "002"), ("PAPP", "00540")]);
        assert_eq!(all_samples(&mut assembler, &first), ["1 whole 1 ADCO=900061000001 IINST=002 PAPP=00540"], "whose it is must be known");
        let overload = frame(&[("ADCO", METER), ("BASE", "000001000"), ("ADPS", "031"), ("PAPP", "07130")]);
        let expected = ["1 live 1 ADPS=031", "1 live 1 PAPP=07130", "2 whole 1 ADCO=900061000001 BASE=000001000 ADPS=031 PAPP=07130"];
        assert_eq!(all_samples(&mut assembler, &overload), expected, "a live sample takes no number");
    }

    #[test]
    fn what_a_frame_would_not_be_believed_in_is_not_live() {
        let mut assembler = assembler();
        samples(&mut assembler, &frame(&[("ADCO", METER), ("BASE", "000001000")]));
        let too_much = frame(&[("ADCO", METER), ("PAPP", "99999")]);
        assert_eq!(all_samples(&mut assembler, &too_much), ["2 part 1 ADCO=900061000001"]);
        let of_another = frame(&[("ADCO", OTHER), ("BASE", "000001001"), ("PAPP", "00540")]);
        assert!(all_samples(&mut assembler, &of_another).is_empty(), "the name is damaged, or it is another meter");
        assembler.handle_line_lost();
        let nameless = frame(&[("PAPP", "00540")]);
        assert!(all_samples(&mut assembler, &nameless).is_empty(), "after a break nobody knows whose it is");
    }

    #[test]
    fn a_hurried_meter_is_judged_by_its_own_time() {
        let mut assembler = assembler();
        // 40 frames of about 160 bytes are 53 s at 1200 baud, though no time passes here.
        for second in 0..40_u32 {
            let base = format!("{:09}", 1_000 + second * 5);
            let bytes = frame(&[("ADCO", METER), ("BASE", &base), ("MSG1", &"x".repeat(120))]);
            assert_eq!(samples(&mut assembler, &bytes).len(), 1);
        }
        assert_eq!(assembler.counters().refused_implausible, 1, "the unknown label, when it came first");
    }

    #[test]
    fn an_unknown_label_must_come_twice() {
        let mut assembler = assembler();
        let bytes = frame(&[("ADCO", METER), ("NEWLABEL", "42")]);
        assert_eq!(samples(&mut assembler, &bytes), ["1 part 1 ADCO=900061000001"]);
        assert_eq!(samples(&mut assembler, &bytes), ["2 whole 1 ADCO=900061000001 NEWLABEL=42"]);
        let chance = frame(&[("ADCO", METER), ("NEWLABEM", "42")]);
        assert_eq!(samples(&mut assembler, &chance), ["3 part 1 ADCO=900061000001"]);
    }

    #[test]
    fn everything_is_counted() {
        let mut assembler = assembler();
        let mut bytes = frame(&[("ADCO", METER), ("PAPP", "00540")]);
        samples(&mut assembler, &bytes);
        bytes[10] ^= 1;
        samples(&mut assembler, &bytes);
        bytes.truncate(20);
        bytes.push(4);
        samples(&mut assembler, &bytes);
        let counters = assembler.counters();
        assert_eq!((counters.frames_good, counters.frames_damaged, counters.frames_cut), (1, 1, 1));
        assert_eq!((counters.datasets_good, counters.refused[RefusalKind::Checksum], counters.refused[RefusalKind::Malformed]), (3, 1, 1));
    }

    #[test]
    fn a_frame_that_is_too_large_is_counted() {
        let mut assembler = assembler();
        let mut bytes = frame(&[("ADCO", METER)]);
        bytes.pop();
        for _ in 0..60 {
            let lines = frame(&[("MSG1", &"x".repeat(120))]);
            bytes.extend(&lines[1..lines.len() - 1]);
        }
        bytes.push(3);
        samples(&mut assembler, &bytes);
        let counters = assembler.counters();
        let too_long = counters.refused[RefusalKind::TooLong];
        assert!(too_long > 30, "{counters:?}");
        let datasets = counters.datasets_good + too_long + counters.refused_implausible;
        assert_eq!((datasets, counters.frames_damaged), (61, 1));
    }
}
