//! Decoder events in, samples out: a frame becomes one sample, once it is known whose it is and its indexes are believed.
//!
//! * A frame's datasets are kept until it ends, however it ends: each was verified on its own. A sample says whether its frame was whole.
//! * A frame needs a meter's identity, its own or that of the frames before. The first datasets on a line that was joined in mid-frame
//!   have none yet; one frame of them waits for it.
//! * A frame that names another meter while its indexes continue those of the meter before has a damaged name; a real other meter has
//!   other indexes, or says its name again and again.
//! * Some things must be said twice before they are passed on ([`crate::reading::repetition`]).
//! * An overload does not wait for the end of its frame: it makes an urgent sample of its own.
//!
//! Nothing here allocates once it was made.

use std::mem;

use teleinfo_proto::{
    tic::{Dataset, Event, FrameEnd, MeterId, Mode, Value, spec},
    wire::{BootId, Counters, Datasets, DatasetsWriter, Sample, SampleKind},
};

use crate::reading::{
    plausibility::{Plausibility, Powers, Verdict},
    repetition::Doubts,
};

/// Frames in a row that must give the same new identity while their indexes say otherwise.
const IDENTITY_AGREEING: u8 = 3;
/// What an ampere of ISOUSC stands for, in VA (54E §6.1.1).
const SUBSCRIBED_VA_PER_AMPERE: u64 = 200;
/// The labels of an overload in historic mode.
const OVERLOAD_LABELS: [&str; 4] = ["ADPS", "ADIR1", "ADIR2", "ADIR3"];

/// When something happened, on the two clocks that a sample carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds since the process started.
    pub uptime_ms: u64,
    /// Wall clock, milliseconds since 1970.
    pub unix_ms: i64,
}

/// A sample ready to be sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Made<'a> {
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
    overload: bool,
    whole: bool,
    ended: Moment,
}

impl Frame {
    fn new() -> Self {
        Self { bytes: vec![0; Sample::BYTES_MAX], length: 0, facts: Facts::default() }
    }

    fn push(&mut self, dataset: &Dataset<'_>) {
        let mut writer = DatasetsWriter::resume(&mut self.bytes, self.length);
        if writer.push(dataset).is_err() {
            self.facts.refused += 1;
            return;
        }
        self.length = writer.length();
        self.facts.good += 1;
        self.facts.mode = Some(dataset.mode());
        if let Value::Identity(identity) = dataset.value() {
            self.facts.identity = Some(identity);
        }
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

/// The meter's own time: the clock's, or what the bytes on the line must have taken if that is more. See [`crate::reading::plausibility`].
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

/// Makes samples of frames.
pub struct Assembler {
    /// What was counted so far. The loop adds the bytes and what became of the samples.
    pub counters: Counters,
    boot: BootId,
    sequence: u64,
    meter: Option<MeterId>,
    /// Whether the line was watched without a break since the meter last gave its name.
    sure: bool,
    other: Option<(MeterId, u8)>,
    filter: Plausibility,
    doubts: Doubts,
    clock: MeterClock,
    incoming: Frame,
    held: Frame,
    urgent: Frame,
    overload_told: bool,
    /// Whether `incoming` has ended, and waits to be made a sample.
    ended: bool,
    accepted: Vec<u8>,
    encoded: Vec<u8>,
}

impl Assembler {
    /// An assembler for this process.
    #[must_use]
    pub fn new(boot: BootId) -> Self {
        Self {
            counters: Counters::default(),
            boot,
            sequence: 0,
            meter: None,
            sure: false,
            other: None,
            filter: Plausibility::default(),
            doubts: Doubts::default(),
            clock: MeterClock::default(),
            incoming: Frame::new(),
            held: Frame::new(),
            urgent: Frame::new(),
            overload_told: false,
            ended: false,
            accepted: vec![0; Sample::BYTES_MAX],
            encoded: vec![0; Sample::BYTES_MAX],
        }
    }

    /// The meter whose frames these are.
    #[must_use]
    pub const fn meter(&self) -> Option<MeterId> {
        self.meter
    }

    /// The sequence of the newest sample; 0 before the first.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The line was lost, or silent for long: whoever speaks next must give a name first.
    pub const fn line_lost(&mut self) {
        self.sure = false;
    }

    /// Takes an event of the decoder. Call [`Self::next_sample`] until it has no more before the next event.
    pub fn handle(&mut self, event: &Event<'_>, now: Moment) {
        match event {
            Event::FrameStart => self.incoming.clear(),
            Event::Dataset(dataset) => self.take(dataset, now),
            Event::Refused(refusal) => {
                self.counters.refuse(refusal.reason.kind());
                self.incoming.facts.refused += 1;
            }
            Event::FrameEnd(end) => self.close(*end, now),
        }
    }

    /// A sample that is ready, if there is one.
    pub fn next_sample(&mut self) -> Option<Made<'_>> {
        let meter = self.meter?;
        if !self.urgent.is_empty() {
            let Frame { length, facts, .. } = self.urgent;
            mem::swap(&mut self.accepted, &mut self.urgent.bytes);
            self.urgent.clear();
            return self.send(meter, SampleKind::Urgent, facts, length);
        }
        if !self.held.is_empty() {
            mem::swap(&mut self.held, &mut self.incoming);
            let made = self.judge();
            mem::swap(&mut self.held, &mut self.incoming);
            let facts = self.held.facts;
            self.held.clear();
            return self.send(meter, SampleKind::Frame { complete: false }, facts, made.length);
        }
        if mem::take(&mut self.ended) {
            let made = self.judge();
            let facts = self.incoming.facts;
            self.incoming.clear();
            let complete = facts.whole && facts.refused == 0 && made.implausible == 0;
            return self.send(meter, SampleKind::Frame { complete }, facts, made.length);
        }
        None
    }

    fn take(&mut self, dataset: &Dataset<'_>, now: Moment) {
        self.counters.datasets_good = self.counters.datasets_good.wrapping_add(1);
        self.incoming.push(dataset);
        if !is_overload(dataset) {
            return;
        }
        self.incoming.facts.overload = true;
        if !mem::replace(&mut self.overload_told, true) && self.speaks_the_known_meter() {
            self.urgent.clear();
            self.urgent.push(dataset);
            self.urgent.facts.ended = now;
        }
    }

    fn speaks_the_known_meter(&self) -> bool {
        match self.incoming.facts.identity {
            Some(identity) => self.meter == Some(identity),
            None => self.sure,
        }
    }

    fn close(&mut self, end: FrameEnd, now: Moment) {
        let whole = end == FrameEnd::Etx { whole: true };
        let count = match (end, self.incoming.facts.refused) {
            (FrameEnd::Etx { whole: true }, 0) => &mut self.counters.frames_good,
            (FrameEnd::Etx { whole: true }, _) => &mut self.counters.frames_damaged,
            _ => &mut self.counters.frames_cut,
        };
        *count = count.wrapping_add(1);
        self.overload_told = self.incoming.facts.overload;
        self.incoming.facts.whole = whole;
        self.incoming.facts.ended = now;
        if let Some(mode) = self.incoming.facts.mode {
            self.clock.advance(now.uptime_ms, self.counters.bytes, mode);
        }
        if self.incoming.is_empty() {
            return;
        }
        self.ended = self.identify();
        if !self.ended {
            self.set_aside();
        }
    }

    /// Whether the frame belongs to the meter that is known, or to one that is known from now on.
    fn identify(&mut self) -> bool {
        match (self.incoming.facts.identity, self.meter) {
            (None, known) => known.is_some() && self.sure,
            (Some(identity), Some(known)) if identity == known => {
                self.other = None;
                self.sure = true;
                true
            }
            (Some(identity), known) => {
                let believed = known.is_none() || self.is_another_meter() || self.says_it_again(identity);
                if believed {
                    self.adopt(identity);
                }
                believed
            }
        }
    }

    /// A clean frame whose indexes are not where the known meter's are.
    fn is_another_meter(&self) -> bool {
        let facts = self.incoming.facts;
        let mut known = self.incoming.datasets().filter_map(|dataset| self.filter.continues(&dataset, self.clock.ms)).peekable();
        facts.whole && facts.refused == 0 && known.peek().is_some() && known.all(|continues| !continues)
    }

    fn says_it_again(&mut self, identity: MeterId) -> bool {
        let agreeing = match self.other {
            Some((other, agreeing)) if other == identity => agreeing + 1,
            _ => 1,
        };
        self.other = Some((identity, agreeing));
        agreeing >= IDENTITY_AGREEING
    }

    fn adopt(&mut self, identity: MeterId) {
        if self.meter.replace(identity).is_some() {
            self.filter = Plausibility::default();
        }
        self.sure = true;
        self.other = None;
    }

    /// Keeps the very first datasets until a name is known; later ones without a name are nobody's.
    fn set_aside(&mut self) {
        if self.meter.is_none() && self.held.is_empty() {
            mem::swap(&mut self.held, &mut self.incoming);
        } else {
            self.counters.unidentified = self.counters.unidentified.wrapping_add(self.incoming.facts.good);
        }
        self.incoming.clear();
    }

    /// Writes the datasets of `incoming` that are believed to `accepted`.
    fn judge(&mut self) -> Judged {
        let Facts { good, refused, whole, .. } = self.incoming.facts;
        let trusted = Plausibility::trusts(good, refused);
        self.filter.note(powers(&self.incoming));
        self.doubts.next_frame(whole && refused == 0);
        let mut judged = Judged { length: 0, implausible: 0 };
        let mut writer = DatasetsWriter::resume(&mut self.accepted, 0);
        for dataset in self.incoming.datasets() {
            let believed = self.doubts.believes(&dataset);
            match self.filter.judge(&dataset, self.clock.ms, trusted) {
                _ if !believed => {
                    judged.implausible += 1;
                    log::debug!("dataset {}: {:?} is doubtful, and the frame before did not say it", dataset.label(), dataset.data());
                    continue;
                }
                Verdict::Implausible => {
                    judged.implausible += 1;
                    log::debug!("dataset {}: {} cannot be, after what came before", dataset.label(), dataset.data());
                    continue;
                }
                Verdict::NewTruth => {
                    self.counters.index_resets = self.counters.index_resets.wrapping_add(1);
                    log::warn!(
                        "index {} jumped to {}: several frames agree, so it is believed from now on",
                        dataset.label(),
                        dataset.data()
                    );
                }
                Verdict::Plausible => {}
            }
            // It fitted the frame's buffer, which is as large.
            let _ = writer.push(&dataset);
        }
        judged.length = writer.length();
        self.counters.refused_implausible = self.counters.refused_implausible.wrapping_add(judged.implausible);
        self.counters.datasets_good = self.counters.datasets_good.wrapping_sub(judged.implausible);
        judged
    }

    fn send(&mut self, meter: MeterId, kind: SampleKind, facts: Facts, length: usize) -> Option<Made<'_>> {
        let mode = facts.mode?;
        self.sequence += 1;
        let sample = Sample {
            boot: self.boot,
            sequence: self.sequence,
            kind,
            unix_ms: facts.ended.unix_ms,
            uptime_ms: facts.ended.uptime_ms,
            mode,
            meter,
            counters: self.counters,
            datasets: Datasets::from(&self.accepted[..length]),
        };
        let encoded = sample.encode(&mut self.encoded).ok()?;
        Some(Made { sample, encoded })
    }
}

struct Judged {
    length: usize,
    implausible: u32,
}

fn is_overload(dataset: &Dataset<'_>) -> bool {
    match dataset.value() {
        Value::Status(status) => status.over_power(),
        Value::Current(_) => dataset.mode() == Mode::Historic && OVERLOAD_LABELS.contains(&dataset.label()),
        _ => false,
    }
}

/// What a frame says of power.
fn powers(frame: &Frame) -> Powers {
    let mut powers = Powers::default();
    let mut phases = 1;
    for dataset in frame.datasets() {
        let number = || dataset.value().number();
        match dataset.label() {
            // ISOUSC is that of one phase.
            "IINST2" => phases = 3,
            "ISOUSC" => powers.subscribed = number().map(|amperes| amperes * SUBSCRIBED_VA_PER_AMPERE),
            "PREF" => powers.subscribed = number().map(|kilo| kilo * 1_000),
            "PAPP" | "SINSTS" | "SINST1" => powers.withdrawn = number(),
            "SINSTI" => powers.injected = number(),
            _ => {}
        }
    }
    powers.subscribed = powers.subscribed.map(|power| power * phases).filter(|power| *power > 0);
    powers
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::{
        tic::{Decoder, Mode, Parity, encode::FrameWriter},
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

    /// What comes out, in words: kind, meter, datasets.
    fn samples(assembler: &mut Assembler, bytes: &[u8]) -> Vec<String> {
        let mut decoder = Decoder::new(Parity::Stripped);
        let mut seen = vec![];
        let mut input = bytes;
        assembler.counters.bytes += bytes.len() as u64;
        while let Some(event) = decoder.next_event(&mut input) {
            assembler.handle(&event, Moment::default());
            while let Some(made) = assembler.next_sample() {
                let sample = made.sample;
                let kind = match sample.kind {
                    SampleKind::Frame { complete: true } => "whole",
                    SampleKind::Frame { complete: false } => "part",
                    SampleKind::Urgent => "urgent",
                    SampleKind::Snapshot => "snapshot",
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
        assert_eq!(assembler.counters.unidentified, 2, "and one still waits");
    }

    #[test]
    fn a_frame_without_a_name_belongs_to_the_meter_before() {
        let mut assembler = assembler();
        samples(&mut assembler, &frame(&[("ADCO", METER), ("PAPP", "00540")]));
        assert_eq!(samples(&mut assembler, &frame(&[("PAPP", "00550")])), ["2 whole 1 PAPP=00550"]);
        assembler.line_lost();
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
        assert_eq!((assembler.counters.refused_implausible, assembler.counters.datasets_good), (1, 4));
    }

    #[test]
    fn an_overload_does_not_wait() {
        let mut assembler = assembler();
        samples(&mut assembler, &frame(&[("ADCO", METER), ("PAPP", "00540")]));
        let overload = frame(&[("ADCO", METER), ("ADPS", "031"), ("PAPP", "07130")]);
        let seen = samples(&mut assembler, &overload);
        assert_eq!(seen, ["2 urgent 1 ADPS=031", "3 whole 1 ADCO=900061000001 ADPS=031 PAPP=07130"]);
        assert_eq!(samples(&mut assembler, &overload).len(), 1, "told once");
        samples(&mut assembler, &frame(&[("ADCO", METER), ("PAPP", "00540")]));
        assert_eq!(samples(&mut assembler, &overload).len(), 2, "and again after its end");
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
        assert_eq!(assembler.counters.refused_implausible, 1, "the unknown label, when it came first");
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
        let counters = assembler.counters;
        assert_eq!((counters.frames_good, counters.frames_damaged, counters.frames_cut), (1, 1, 1));
        assert_eq!((counters.datasets_good, counters.refused_checksum, counters.refused_malformed), (3, 1, 1));
    }
}
