//! Faults of a line, seeded, as wrappers around any source: put as many around each other as wanted.
//!
//! They act on what the line carries. Under [`crate::line::source::EvenParity`] that is eight bits, so that an error
//! can hit the parity bit as well. What they are modelled on: noise seen in the field, where 50 kHz coupling clears
//! bits 4 to 6, characters are lost and groups run into each other.

use crate::line::source::{Burst, Source};
use crate::rng::Rng;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

const LF: u8 = 0x0A;
const CR: u8 = 0x0D;
const SP: u8 = 0x20;
const EOT: u8 = 0x04;
/// Bit 7 is the parity.
const CHARACTER: u8 = 0x7F;
/// Longest burst of noise, in bytes.
const NOISE_MAX: u64 = 200;

/// What can go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the table below says what each does")]
pub enum Kind {
    Flip,
    Double,
    Clear,
    Drop,
    Swap,
    Spaces,
    Merge,
    Cut,
    Eot,
    Noise,
    Silence,
    Delay,
}

/// What a rate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Per {
    Byte,
    Group,
    Frame,
}

struct Line {
    kind: Kind,
    name: &'static str,
    per: Per,
    what: &'static str,
}

const fn line(kind: Kind, name: &'static str, per: Per, what: &'static str) -> Line {
    Line { kind, name, per, what }
}

#[rustfmt::skip]
const TABLE: [Line; 12] = [
    line(Kind::Flip,    "flip",    Per::Byte,  "one bit is wrong"),
    line(Kind::Double,  "double",  Per::Byte,  "two bits of one byte are wrong, which its parity cannot show"),
    line(Kind::Clear,   "clear",   Per::Byte,  "bits 4, 5 or 6 read as 0"),
    line(Kind::Drop,    "drop",    Per::Byte,  "the byte is lost"),
    line(Kind::Swap,    "swap",    Per::Group, "two neighbouring digits change places, which no checksum can show"),
    line(Kind::Spaces,  "spaces",  Per::Group, "two spaces are lost, which the checksum cannot show"),
    line(Kind::Merge,   "merge",   Per::Group, "the end of the group and the start of the next are lost"),
    line(Kind::Cut,     "cut",     Per::Frame, "the frame stops anywhere, without ETX"),
    line(Kind::Eot,     "eot",     Per::Frame, "the frame stops after a group, with EOT"),
    line(Kind::Noise,   "noise",   Per::Frame, "up to 200 random bytes hide a part of it"),
    line(Kind::Silence, "silence", Per::Frame, "nothing is heard of it, nor of what follows for SECONDS"),
    line(Kind::Delay,   "delay",   Per::Frame, "it comes SECONDS late"),
];

/// One line of help per fault, for the command line.
#[must_use]
pub fn help() -> String {
    let mut text = String::from("Damages the line, seeded; may be repeated. RATE is a probability. Faults:\n");
    for line in &TABLE {
        let per = match line.per {
            Per::Byte => "byte",
            Per::Group => "group",
            Per::Frame => "frame",
        };
        text.push_str(&format!("  {:8} per {per:5}  {}\n", line.name, line.what));
    }
    text
}

/// A fault, how often it strikes, and for how long where it lasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// What happens.
    pub kind: Kind,
    /// How probable it is for each byte, group or frame.
    pub rate: f64,
    /// How long it lasts.
    pub time: Duration,
}

impl Fault {
    /// A fault of no length.
    #[must_use]
    pub fn new(kind: Kind, rate: f64) -> Self {
        Self { kind, rate, time: Duration::ZERO }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = "NAME=RATE or NAME=RATE:SECONDS, as flip=0.001 or silence=0.01:30";
        let (name, value) = text.split_once('=').ok_or(wanted)?;
        let (rate, seconds) = value.split_once(':').unwrap_or((value, "0"));
        let line = TABLE.iter().find(|line| line.name == name).ok_or_else(|| {
            let names: Vec<&str> = TABLE.iter().map(|line| line.name).collect();
            format!("no fault {name}: one of {}", names.join(", "))
        })?;
        let rate = rate.parse().ok().filter(|rate| (0.0..=1.0).contains(rate)).ok_or(wanted)?;
        let seconds = seconds.parse().ok().filter(|s| (0.0..=1e6).contains(s)).ok_or(wanted)?;
        Ok(Self { kind: line.kind, rate, time: Duration::from_secs_f64(seconds) })
    }
}

impl Kind {
    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.line().name
    }

    fn line(self) -> &'static Line {
        // The table is in the order of the enumeration, as a test proves.
        &TABLE[self as usize]
    }

    /// Strikes once, somewhere; false where it finds nothing to strike.
    pub fn strike(self, bytes: &mut Vec<u8>, rng: &mut Rng) -> bool {
        let places = match self.line().per {
            Per::Byte => bytes.len(),
            Per::Group => groups(bytes).len(),
            Per::Frame => 1,
        };
        places > 0 && self.strike_at(rng.index(places), bytes, rng)
    }

    fn strike_at(self, at: usize, bytes: &mut Vec<u8>, rng: &mut Rng) -> bool {
        match self {
            Self::Flip => flip(&mut bytes[at], 1, rng),
            Self::Double => flip(&mut bytes[at], 2, rng),
            Self::Clear => clear(&mut bytes[at], rng),
            Self::Drop => drop_byte(bytes, at),
            Self::Swap => swap_digits(bytes, at, rng),
            Self::Spaces => lose_spaces(bytes, at, rng),
            Self::Merge => merge(bytes, at),
            Self::Cut => cut(bytes, rng),
            Self::Eot => interrupt(bytes, rng),
            Self::Noise => noise(bytes, rng),
            Self::Silence | Self::Delay => true,
        }
    }
}

/// Where the groups are: from LF to CR, both included.
fn groups(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, byte) in bytes.iter().enumerate() {
        match (byte & CHARACTER, start) {
            (LF, _) => start = Some(at),
            (CR, Some(from)) => {
                found.push(from..at + 1);
                start = None;
            }
            _ => {}
        }
    }
    found
}

fn flip(byte: &mut u8, bits: usize, rng: &mut Rng) -> bool {
    for bit in rng.take(&mut (0..8).collect(), bits) {
        *byte ^= 1 << bit;
    }
    true
}

fn clear(byte: &mut u8, rng: &mut Rng) -> bool {
    let set: Vec<u8> = [0x10, 0x20, 0x40].into_iter().filter(|bit| *byte & bit != 0).collect();
    if set.is_empty() {
        return false;
    }
    *byte &= !*rng.pick(&set);
    true
}

fn drop_byte(bytes: &mut Vec<u8>, at: usize) -> bool {
    bytes.remove(at);
    true
}

fn swap_digits(bytes: &mut [u8], group: usize, rng: &mut Rng) -> bool {
    let digit = |byte: u8| (byte & CHARACTER).is_ascii_digit();
    let pairs: Vec<usize> =
        groups(bytes)[group].clone().filter(|at| digit(bytes[*at]) && digit(bytes[at + 1]) && bytes[*at] != bytes[at + 1]).collect();
    if pairs.is_empty() {
        return false;
    }
    let at = *rng.pick(&pairs);
    bytes.swap(at, at + 1);
    true
}

fn lose_spaces(bytes: &mut Vec<u8>, group: usize, rng: &mut Rng) -> bool {
    let mut spaces: Vec<usize> = groups(bytes)[group].clone().filter(|at| bytes[*at] & CHARACTER == SP).collect();
    if spaces.len() < 2 {
        return false;
    }
    let mut lost = rng.take(&mut spaces, 2);
    lost.sort_unstable();
    for at in lost.into_iter().rev() {
        bytes.remove(at);
    }
    true
}

fn merge(bytes: &mut Vec<u8>, group: usize) -> bool {
    let end = groups(bytes)[group].end - 1;
    let next = bytes.get(end + 1).is_some_and(|byte| byte & CHARACTER == LF);
    if next {
        bytes.drain(end..end + 2);
    }
    next
}

fn cut(bytes: &mut Vec<u8>, rng: &mut Rng) -> bool {
    bytes.truncate(rng.index(bytes.len()));
    true
}

fn interrupt(bytes: &mut Vec<u8>, rng: &mut Rng) -> bool {
    let ends: Vec<usize> = groups(bytes).iter().map(|group| group.end).collect();
    if ends.is_empty() {
        return false;
    }
    bytes.truncate(*rng.pick(&ends));
    // EOT has one bit set: under even parity it carries bit 7, as every other byte of the line then does.
    let parity = bytes.iter().any(|byte| byte & !CHARACTER != 0);
    bytes.push(if parity { EOT | !CHARACTER } else { EOT });
    true
}

fn noise(bytes: &mut [u8], rng: &mut Rng) -> bool {
    if bytes.is_empty() {
        return false;
    }
    let from = rng.index(bytes.len());
    let length = rng.between(1, NOISE_MAX) as usize;
    for byte in bytes[from..].iter_mut().take(length) {
        *byte = rng.next_u64() as u8;
    }
    true
}

/// A source with a fault around it.
pub struct Faulty<S> {
    inner: S,
    fault: Fault,
    rng: Rng,
    silent: Duration,
    late: Option<Burst>,
}

impl<S: Source> Faulty<S> {
    /// Puts a fault around a source.
    pub fn new(inner: S, fault: Fault, seed: u64) -> Self {
        let rng = Rng::named(seed, fault.kind.name());
        Self { inner, fault, rng, silent: Duration::ZERO, late: None }
    }

    fn strike(&mut self, burst: &mut Burst) {
        let places = match self.fault.kind.line().per {
            Per::Byte => burst.bytes.len(),
            Per::Group => groups(&burst.bytes).len(),
            Per::Frame => usize::from(!burst.bytes.is_empty()),
        };
        // From the end: a place that loses bytes must not move those still to come.
        for at in (0..places).rev() {
            if self.rng.chance(self.fault.rate) && self.fault.kind.strike_at(at, &mut burst.bytes, &mut self.rng) {
                burst.faults.push(self.fault.kind.name());
            }
        }
    }

    fn silence(&mut self, burst: &mut Burst) {
        if !burst.faults.ends_with(&[Kind::Silence.name()]) {
            if self.silent.is_zero() {
                return;
            }
            burst.faults.push(Kind::Silence.name());
        } else if self.silent.is_zero() {
            self.silent = self.fault.time.max(Duration::from_nanos(1));
        }
        let time = burst.duration();
        self.silent = self.silent.saturating_sub(time);
        burst.bytes.clear();
        burst.silence = time;
    }

    fn delay(&mut self, burst: Burst) -> Burst {
        if !burst.faults.ends_with(&[Kind::Delay.name()]) {
            return burst;
        }
        let pause = Burst::new(Vec::new(), burst.baud, self.fault.time);
        self.late = Some(burst);
        pause
    }
}

impl<S: Source> Source for Faulty<S> {
    fn next_burst(&mut self) -> Option<Burst> {
        if let Some(late) = self.late.take() {
            return Some(late);
        }
        let mut burst = self.inner.next_burst()?;
        self.strike(&mut burst);
        match self.fault.kind {
            Kind::Silence => self.silence(&mut burst),
            Kind::Delay => return Some(self.delay(burst)),
            _ => {}
        }
        Some(burst)
    }
}

/// Puts each of these faults around a source, the first one innermost.
pub fn wrap(source: Box<dyn Source>, faults: &[Fault], seed: u64) -> Box<dyn Source> {
    faults.iter().zip(seed..).fold(source, |inner, (fault, seed)| Box::new(Faulty::new(inner, *fault, seed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: &[u8] = b"\x02\nADCO 012345678912 G\r\nNGTF  A  B  x\r\nPAPP 00540 *\r\x03";

    struct Frames(usize);

    impl Source for Frames {
        fn next_burst(&mut self) -> Option<Burst> {
            self.0 = self.0.checked_sub(1)?;
            Some(Burst::new(FRAME.to_vec(), 1200, Duration::from_millis(20)))
        }
    }

    fn run(faults: &[&str], frames: usize, seed: u64) -> Vec<Burst> {
        let faults: Vec<Fault> = faults.iter().map(|text| text.parse().unwrap()).collect();
        let mut source = wrap(Box::new(Frames(frames)), &faults, seed);
        std::iter::from_fn(|| source.next_burst()).collect()
    }

    fn struck(fault: &str) -> Vec<Vec<u8>> {
        let bursts = run(&[fault], 50, 1);
        bursts.into_iter().map(|burst| burst.bytes).collect()
    }

    #[test]
    fn the_table_is_in_order() {
        for (at, line) in TABLE.iter().enumerate() {
            assert_eq!(line.kind as usize, at, "{}", line.name);
        }
    }

    #[test]
    fn faults_parse() {
        assert_eq!("flip=0.5".parse(), Ok(Fault::new(Kind::Flip, 0.5)));
        let silence: Fault = "silence=0.1:30".parse().unwrap();
        assert_eq!(silence.time, Duration::from_secs(30));
        for bad in ["flip", "flip=2", "flip=x", "flop=0.1", "silence=0.1:x", "flip=-1"] {
            assert!(bad.parse::<Fault>().is_err(), "{bad}");
        }
    }

    #[test]
    fn no_rate_no_change_and_one_seed_one_stream() {
        for line in &TABLE {
            let never = format!("{}=0", line.name);
            assert!(run(&[&never], 5, 1).iter().all(|burst| burst.bytes == FRAME && burst.faults.is_empty()));
        }
        let all = ["flip=0.01", "drop=0.01", "noise=0.1", "cut=0.1", "swap=0.1"];
        let bytes = |seed| -> Vec<Vec<u8>> { run(&all, 50, seed).into_iter().map(|b| b.bytes).collect() };
        assert_eq!(bytes(7), bytes(7));
        assert_ne!(bytes(7), bytes(8));
    }

    #[test]
    fn bits_change_as_they_should() {
        let changed = |fault: &str, bits: u32| {
            for bytes in struck(fault) {
                assert!(bytes.iter().zip(FRAME).all(|(a, b)| (a ^ b).count_ones() == bits), "{bytes:?}");
            }
        };
        changed("flip=1", 1);
        changed("double=1", 2);
        for bytes in struck("clear=1") {
            let only_cleared = |(a, b): (&u8, &u8)| a & !b == 0 && (a ^ b) & 0x8F == 0;
            assert!(bytes.iter().zip(FRAME).all(only_cleared));
            assert_ne!(bytes, FRAME);
        }
    }

    #[test]
    fn digits_swap_and_spaces_vanish_without_a_trace_in_the_sum() {
        let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>() % 64;
        for fault in ["swap=1", "spaces=1"] {
            for bytes in struck(fault) {
                assert_ne!(bytes, FRAME);
                assert_eq!(sum(&bytes), sum(FRAME));
            }
        }
    }

    #[test]
    fn frames_break_and_merge() {
        assert!(struck("drop=1").iter().all(Vec::is_empty));
        assert!(struck("cut=1").iter().all(|bytes| FRAME.starts_with(bytes) && bytes.len() < FRAME.len()));
        assert!(struck("eot=1").iter().all(|bytes| bytes.ends_with(b"\r\x04")));
        assert!(struck("merge=1").iter().all(|bytes| bytes.len() == FRAME.len() - 4));
        assert!(struck("noise=1").iter().all(|bytes| bytes.len() == FRAME.len() && bytes != FRAME));
    }

    #[test]
    fn silence_lasts_and_keeps_time() {
        let bursts = run(&["silence=0.05:2"], 200, 3);
        let clean: Duration = run(&[], 200, 3).iter().map(Burst::duration).sum();
        assert_eq!(bursts.iter().map(Burst::duration).sum::<Duration>(), clean);
        let silent: Vec<bool> = bursts.iter().map(|burst| burst.bytes.is_empty()).collect();
        let first = silent.iter().position(|silent| *silent).unwrap();
        // Two seconds are a little more than four of these frames.
        assert!(silent[first..first + 4].iter().all(|silent| *silent));
        assert!(bursts.iter().all(|burst| burst.bytes.is_empty() == (burst.faults == ["silence"])));
    }

    #[test]
    fn delay_comes_before_the_frame_and_loses_nothing() {
        let bursts = run(&["delay=1:5"], 3, 1);
        assert_eq!(bursts.len(), 6);
        assert_eq!(bursts[0].duration(), Duration::from_secs(5));
        assert_eq!(bursts[1].bytes, FRAME);
    }
}
