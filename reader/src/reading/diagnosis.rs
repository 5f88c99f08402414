//! The likely cause of trouble on the line, for people who stand at the meter.
//!
//! A weak signal loses the carrier: bits that should be 1 arrive as 0, so digits and letters become control characters. Noise changes
//! bits both ways, and a wrong speed makes anything at all.

use std::time::{Duration, Instant};

use teleinfo_proto::wire::{Cause, Counters, LineState, Sample};

/// Damage is judged by the minute: one bad dataset is no state of a line.
const WINDOW: Duration = Duration::from_secs(60);
/// One refused dataset in so many is worth a word.
const NOISE_SHARE: u32 = 50;
/// So many control characters to each character above the letters speak of lost bits.
const WEAK_RATIO: u32 = 4;
/// And they are not a few: one byte in so many.
const WEAK_SHARE: u32 = 100;
/// Frames with an identity and nothing else, in a row, before the meter counts as asleep.
const SLEEPING_FRAMES: u32 = 5;

/// Gathers evidence.
#[derive(Debug)]
pub(super) struct Diagnosis {
    window: Instant,
    before: Counters,
    damage: Cause,
    bytes: u32,
    lost_bits: u32,
    gained_bits: u32,
    sleeping: u32,
}

impl Diagnosis {
    /// No evidence yet.
    pub(super) fn new(now: Instant) -> Self {
        let before = Counters::default();
        Self { window: now, before, damage: Cause::None, bytes: 0, lost_bits: 0, gained_bits: 0, sleeping: 0 }
    }

    /// Bytes as they came off the line.
    pub(super) fn handle_bytes(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u32;
        for byte in bytes {
            match byte & 0x7f {
                // STX, ETX, EOT, HT, LF, CR
                0x02..=0x04 | 0x09 | 0x0a | 0x0d => {}
                0x00..=0x1f => self.lost_bits += 1,
                // Lower-case letters and beyond; `e` and `h` are the flags of a degraded clock.
                b'e' | b'h' => {}
                0x60..=0x7f => self.gained_bits += 1,
                _ => {}
            }
        }
    }

    /// A sample; of a meter that sleeps it holds the identity only.
    pub(super) fn handle_sample(&mut self, sample: &Sample<'_>) {
        let more = sample.datasets.iter(sample.mode).take(2).count() > 1;
        self.sleeping = if more { 0 } else { self.sleeping.saturating_add(1) };
    }

    /// Time has passed; counters as they stand.
    pub(super) fn handle_timeout(&mut self, counters: &Counters, now: Instant) {
        if now < self.poll_timeout() {
            return;
        }
        let good = counters.datasets_good.wrapping_sub(self.before.datasets_good);
        let refused = refused(counters).wrapping_sub(refused(&self.before));
        self.damage = if refused * NOISE_SHARE > good + refused {
            self.kind_of_damage()
        } else if damages_controls(&self.before, counters) {
            Cause::ControlsDamaged
        } else {
            Cause::None
        };
        (self.window, self.before) = (now, *counters);
        (self.bytes, self.lost_bits, self.gained_bits) = (0, 0, 0);
    }

    /// When [`Diagnosis::handle_timeout`] is due.
    pub(super) fn poll_timeout(&self) -> Instant {
        self.window + WINDOW
    }

    /// The likely cause. `settled`: the line has been in its state for a while; `named`: the meter is known.
    pub(super) fn cause(&self, line: LineState, settled: bool, named: bool) -> Cause {
        match line {
            LineState::Absent => Cause::NoDevice,
            LineState::Denied => Cause::NoPermission,
            LineState::Busy => Cause::DeviceInUse,
            LineState::Silent | LineState::Searching if !settled => Cause::None,
            LineState::Silent => Cause::NoSignal,
            LineState::Searching if self.loses_bits() => Cause::WeakSignal,
            LineState::Searching => Cause::NotTic,
            LineState::Reading if !named && settled => Cause::NoIdentity,
            LineState::Reading if self.sleeping >= SLEEPING_FRAMES => Cause::Asleep,
            LineState::Reading | LineState::Unknown(_) => self.damage,
        }
    }

    fn kind_of_damage(&self) -> Cause {
        if self.loses_bits() { Cause::WeakSignal } else { Cause::Noise }
    }

    fn loses_bits(&self) -> bool {
        self.lost_bits * WEAK_SHARE > self.bytes && self.lost_bits > self.gained_bits * WEAK_RATIO
    }
}

/// Whether LF or STX came damaged so often that it is worth a word, though nothing was lost by it.
fn damages_controls(before: &Counters, now: &Counters) -> bool {
    let since = |counter: fn(&Counters) -> u32| counter(now).wrapping_sub(counter(before));
    let frames = since(|counters| counters.frames_good.wrapping_add(counters.frames_damaged).wrapping_add(counters.frames_cut));
    since(|counters| counters.line_feeds_damaged) * NOISE_SHARE > since(|counters| counters.datasets_good)
        || since(|counters| counters.frame_starts_damaged) * NOISE_SHARE > frames
}

fn refused(counters: &Counters) -> u32 {
    counters.refusals().map(|(_, count)| count).fold(0, u32::wrapping_add)
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::{
        tic::{Decoder, Parity, RefusalKind},
        wire::BootId,
    };

    use super::*;
    use crate::reading::{Moment, assemble::Assembler};

    const ASLEEP: &[u8] = include_bytes!("../../../proto/tests/frames/syn-hist-sleep-mono.tic");
    const AWAKE: &[u8] = include_bytes!("../../../proto/tests/frames/syn-hist-base-mono.tic");

    const FRAME: &[u8] = include_bytes!("../../../proto/tests/frames/syn-std-base-mono.tic");

    fn after(damage: impl Fn(usize, u8) -> u8, refused: u32, line: LineState) -> Cause {
        let now = Instant::now();
        let mut diagnosis = Diagnosis::new(now);
        let bytes: Vec<u8> = FRAME.iter().enumerate().map(|(index, byte)| damage(index, *byte)).collect();
        diagnosis.handle_bytes(&bytes);
        let cause = diagnosis.cause(line, true, true);
        if line == LineState::Searching {
            return cause;
        }
        let mut counters = Counters { datasets_good: 100, ..Counters::default() };
        counters.refused[RefusalKind::Checksum] = refused;
        diagnosis.handle_timeout(&counters, now + WINDOW);
        diagnosis.cause(line, true, true)
    }

    #[test]
    fn damage_is_told_apart() {
        let clean = |_, byte| byte;
        let weak = |index, byte: u8| if index % 20 == 0 { byte & !0x70 } else { byte };
        let noisy = |index, byte: u8| if index % 20 == 0 { byte ^ (1_u8 << (index / 20 % 7)) } else { byte };
        assert_eq!(after(clean, 2, LineState::Reading), Cause::None);
        assert_eq!(after(weak, 40, LineState::Reading), Cause::WeakSignal);
        assert_eq!(after(noisy, 40, LineState::Reading), Cause::Noise);
        assert_eq!(after(weak, 0, LineState::Searching), Cause::WeakSignal);
        assert_eq!(after(|index, _| (index * 37) as u8, 0, LineState::Searching), Cause::NotTic);
    }

    #[test]
    fn a_beginning_is_no_trouble() {
        let diagnosis = Diagnosis::new(Instant::now());
        assert_eq!(diagnosis.cause(LineState::Silent, false, false), Cause::None);
        assert_eq!(diagnosis.cause(LineState::Silent, true, false), Cause::NoSignal);
        assert_eq!(diagnosis.cause(LineState::Reading, true, false), Cause::NoIdentity);
        assert_eq!(diagnosis.cause(LineState::Absent, true, false), Cause::NoDevice);
    }

    #[test]
    fn a_meter_that_only_says_its_name_sleeps() {
        let mut assembler = Assembler::new(BootId::new(1));
        let mut diagnosis = Diagnosis::new(Instant::now());
        let mut cause_after = |frame: &[u8], times| {
            for _ in 0..times {
                let mut decoder = Decoder::new(Parity::Stripped);
                let mut input = frame;
                while let Some(event) = decoder.next_event(&mut input) {
                    assembler.handle_event(&event, Moment::default());
                    while assembler.prepare_sample() {
                        diagnosis.handle_sample(&assembler.take_sample().unwrap().sample);
                    }
                }
            }
            diagnosis.cause(LineState::Reading, true, true)
        };
        // The file holds several frames.
        assert_eq!(cause_after(ASLEEP, 1), Cause::None);
        assert_eq!(cause_after(ASLEEP, SLEEPING_FRAMES), Cause::Asleep);
        // Another meter: it says its name again before it is believed.
        assert_eq!(cause_after(AWAKE, 5), Cause::None);
    }
}
