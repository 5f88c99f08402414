//! Faults of a line, seeded, as wrappers around any source: put as many around each other as wanted.
//!
//! They act on what the line carries. Under [`crate::line::source::EvenParity`] that is eight bits, so that an error
//! can hit the parity bit as well. What they are modelled on: noise seen in the field, where 50 kHz coupling clears
//! bits 4 to 6, characters are lost and groups run into each other.

mod faulty;
mod strike;

pub use faulty::wrap;

use crate::rng::Rng;
use std::str::FromStr;
use std::time::Duration;

/// How a fault changes bytes, and what its rate counts. `false`: it found nothing to change.
#[derive(Clone, Copy)]
enum Strike {
    /// For each byte, at its index.
    Byte(fn(&mut Vec<u8>, usize, &mut Rng) -> bool),
    /// For each group, by its number.
    Group(fn(&mut Vec<u8>, usize, &mut Rng) -> bool),
    /// For each frame.
    Frame(fn(&mut Vec<u8>, &mut Rng) -> bool),
}

/// One row of the table of faults.
struct FaultRow {
    name: &'static str,
    strike: Strike,
    what: &'static str,
}

/// Makes the kinds of faults and their table of one list, so that they cannot disagree.
macro_rules! faults {
    ($($kind:ident $name:literal $per:ident($strike:path), $what:literal;)*) => {
        /// What can go wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum FaultKind {
            $(#[doc = $what] $kind,)*
        }

        const TABLE: &[FaultRow] = &[$(FaultRow { name: $name, strike: Strike::$per($strike), what: $what },)*];

        impl FaultKind {
            /// All of them, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];
        }
    };
}

// A new fault is one row here, and its function in `strike`. The command line, its help and the tests read the row.
faults! {
    Flip    "flip"    Byte(strike::flip_one),   "one bit is wrong";
    Double  "double"  Byte(strike::flip_two),   "two bits of one byte are wrong, which its parity cannot show";
    Clear   "clear"   Byte(strike::clear),      "bits 4, 5 or 6 read as 0";
    Drop    "drop"    Byte(strike::drop_byte),  "the byte is lost";
    Swap    "swap"    Group(strike::swap_digits), "two neighbouring digits change places, which no checksum can show";
    Spaces  "spaces"  Group(strike::lose_spaces), "two spaces are lost, which the checksum cannot show";
    Merge   "merge"   Group(strike::merge),     "the end of the group and the start of the next are lost";
    Lf      "lf"      Group(strike::damage_lf), "its LF arrives as another control character, or not at all";
    Lfs     "lfs"     Frame(strike::damage_every_lf), "every LF arrives as the same other control character";
    Stx     "stx"     Frame(strike::damage_stx), "its STX arrives as any other byte, or not at all";
    Etx     "etx"     Frame(strike::damage_etx), "its ETX arrives as another control character, or not at all";
    Cut     "cut"     Frame(strike::cut),       "the frame stops anywhere, without ETX";
    Eot     "eot"     Frame(strike::interrupt), "the frame stops after a group, with EOT";
    Noise   "noise"   Frame(strike::noise),     "up to 200 random bytes hide a part of it";
    Silence "silence" Frame(strike::nothing),   "nothing is heard of it, nor of what follows for SECONDS";
    Delay   "delay"   Frame(strike::nothing),   "it comes SECONDS late";
}

/// One line of help per fault, for the command line.
#[must_use]
pub fn help() -> String {
    let mut text = String::from("Damages the line, seeded; may be repeated. RATE is a probability. Faults:\n");
    for row in TABLE {
        let per = match row.strike {
            Strike::Byte(_) => "byte",
            Strike::Group(_) => "group",
            Strike::Frame(_) => "frame",
        };
        text.push_str(&format!("  {:8} per {per:5}  {}\n", row.name, row.what));
    }
    text
}

/// A fault, how often it strikes, and for how long where it lasts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fault {
    /// What happens.
    pub kind: FaultKind,
    /// How probable it is for each byte, group or frame.
    pub rate: f64,
    /// How long it lasts.
    pub time: Duration,
}

impl Fault {
    /// A fault of no length.
    #[must_use]
    pub fn new(kind: FaultKind, rate: f64) -> Self {
        Self { kind, rate, time: Duration::ZERO }
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = "NAME=RATE or NAME=RATE:SECONDS, as flip=0.001 or silence=0.01:30";
        let (name, value) = text.split_once('=').ok_or(wanted)?;
        let (rate, seconds) = value.split_once(':').unwrap_or((value, "0"));
        let kind = *FaultKind::ALL.iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names: Vec<&str> = TABLE.iter().map(|row| row.name).collect();
            format!("no fault {name}: one of {}", names.join(", "))
        })?;
        let rate = rate.parse().ok().filter(|rate| (0.0..=1.0).contains(rate)).ok_or(wanted)?;
        let seconds = seconds.parse().ok().filter(|s| (0.0..=1e6).contains(s)).ok_or(wanted)?;
        Ok(Self { kind, rate, time: Duration::from_secs_f64(seconds) })
    }
}

impl FaultKind {
    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    fn row(self) -> &'static FaultRow {
        // Kinds and rows are made of one list, in one order.
        &TABLE[self as usize]
    }

    /// How many places it can strike in these bytes.
    fn places(self, bytes: &[u8]) -> usize {
        match self.row().strike {
            Strike::Byte(_) => bytes.len(),
            Strike::Group(_) => strike::groups(bytes).len(),
            Strike::Frame(_) => 1,
        }
    }

    /// Strikes once, somewhere; false where it finds nothing to strike.
    pub fn strike(self, bytes: &mut Vec<u8>, rng: &mut Rng) -> bool {
        let places = self.places(bytes);
        places > 0 && self.strike_at(rng.index(places), bytes, rng)
    }

    fn strike_at(self, at: usize, bytes: &mut Vec<u8>, rng: &mut Rng) -> bool {
        match self.row().strike {
            Strike::Byte(strike) | Strike::Group(strike) => strike(bytes, at, rng),
            Strike::Frame(strike) => strike(bytes, rng),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::source::{Burst, Source};

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
    fn every_fault_is_called_by_its_own_name_and_explained() {
        for kind in FaultKind::ALL {
            assert_eq!(format!("{}=1", kind.name()).parse(), Ok(Fault::new(*kind, 1.0)));
            assert!(help().contains(&format!("  {:8} per ", kind.name())));
        }
    }

    #[test]
    fn faults_parse() {
        assert_eq!("flip=0.5".parse(), Ok(Fault::new(FaultKind::Flip, 0.5)));
        let silence: Fault = "silence=0.1:30".parse().unwrap();
        assert_eq!(silence.time, Duration::from_secs(30));
        for bad in ["flip", "flip=2", "flip=x", "flop=0.1", "silence=0.1:x", "flip=-1"] {
            assert!(bad.parse::<Fault>().is_err(), "{bad}");
        }
    }

    #[test]
    fn no_rate_no_change_and_one_seed_one_stream() {
        for row in TABLE {
            let never = format!("{}=0", row.name);
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
    fn control_characters_are_damaged_and_nothing_else() {
        let without = |bytes: &[u8], control: u8| -> Vec<u8> { bytes.iter().copied().filter(|byte| *byte != control).collect() };
        // What stands for a control character may have a parity bit; this frame has none.
        let is_text = |byte: &u8| byte & 0x7F >= b' ';
        let text = |bytes: &[u8]| -> Vec<u8> { bytes.iter().copied().filter(is_text).collect() };
        for (fault, control, struck_in_frame) in [("lf=1", b'\n', 3), ("lfs=1", b'\n', 3), ("etx=1", 3, 1)] {
            for bytes in struck(fault) {
                assert_eq!((without(&bytes, control), text(&bytes)), (bytes.clone(), text(FRAME)), "{fault}: {bytes:?}");
                assert!(FRAME.len() - bytes.len() <= struck_in_frame);
            }
        }
        for bytes in struck("stx=1") {
            assert!(bytes.ends_with(&FRAME[1..]) && bytes != FRAME && bytes.len() <= FRAME.len());
        }
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
