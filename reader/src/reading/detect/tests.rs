//! The detector against simulated lines: every kind of line and every upset, with the time it takes. `cargo test -p teleinfo-reader
//! detect -- --nocapture` prints the table.

use teleinfo_proto::tic::{Event, encode};

use super::*;
use crate::reading::receive::Receiver;

const LIMIT: Duration = Duration::from_secs(7);
const TICK: Duration = Duration::from_millis(5);
const HISTORIC: &[u8] = include_bytes!("../../../../proto/tests/frames/syn-hist-tempo-mono.tic");
const STANDARD: &[u8] = include_bytes!("../../../../proto/tests/frames/syn-std-tempo-blue.tic");
const SHORT: &[u8] = include_bytes!("../../../../proto/tests/frames/syn-hist-tri-short.tic");
const SLEEPING: &[u8] = include_bytes!("../../../../proto/tests/frames/syn-hist-sleep-mono.tic");

/// What lies between the meter and this program.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Uart {
    /// Checks parity if told to.
    Full,
    /// A Pi's mini-UART: takes 7E1 without complaint and then loses the rhythm.
    Blind,
    /// A pseudo-terminal or a network adapter: no speed, no parity, and it says so.
    None,
}

/// What the meter sends.
#[derive(Clone, Copy)]
enum Signal {
    Silence,
    Noise,
    Frames(Mode, &'static [u8]),
}

struct Bench {
    uart: Uart,
    parity: bool,
    signal: Signal,
    receiver: Receiver,
    applied: Option<Trial>,
    now: Instant,
    /// Bytes of the frame that are due, in thousandths.
    due: u64,
    position: usize,
    random: u32,
    datasets: usize,
}

impl Bench {
    fn new(uart: Uart, parity: bool, signal: Signal) -> Self {
        let now = Instant::now();
        let receiver = Receiver::new(None, ParityChoice::Auto, now);
        Self { uart, parity, signal, receiver, applied: None, now, due: 0, position: 0, random: 1, datasets: 0 }
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.tick();
        }
    }

    /// The time until the mode is found; the bench goes on from there.
    fn time_to(&mut self, mode: Mode) -> Duration {
        let start = self.now;
        while self.receiver.mode() != Some(mode) {
            self.tick();
            assert!(self.now - start < 3 * LIMIT, "{mode} never found, trial {:?}", self.receiver.trial());
        }
        self.now - start
    }

    fn tick(&mut self) {
        self.now += TICK;
        self.receiver.handle_timeout(self.now);
        self.count();
        let bytes = self.receive();
        if !bytes.is_empty() {
            self.receiver.handle_bytes(&bytes, self.now);
            self.count();
        }
    }

    fn count(&mut self) {
        while let Some(event) = self.receiver.poll_event() {
            self.datasets += usize::from(matches!(event, Event::Dataset(_)));
        }
        self.apply();
    }

    fn apply(&mut self) {
        if self.applied != Some(self.receiver.trial()) && self.uart == Uart::None {
            self.receiver.handle_setting_refused(self.now);
        }
        self.applied = Some(self.receiver.trial());
    }

    fn receive(&mut self) -> Vec<u8> {
        let (mode, frame) = match self.signal {
            Signal::Silence => return Vec::new(),
            Signal::Noise => return self.noise(),
            Signal::Frames(mode, frame) => (mode, frame),
        };
        self.due += u64::from(mode.baud()) * TICK.as_millis() as u64 / 10;
        let count = (self.due / 1000) as usize;
        self.due %= 1000;
        let sent: Vec<u8> = frame.iter().copied().cycle().skip(self.position).take(count).collect();
        self.position = (self.position + count) % frame.len();
        self.sampled(mode, sent)
    }

    /// What the UART makes of it.
    fn sampled(&mut self, mode: Mode, mut sent: Vec<u8>) -> Vec<u8> {
        let trial = self.receiver.trial();
        if self.uart != Uart::None && trial.speed != mode || self.uart == Uart::Blind && trial.check == Check::Uart {
            return self.noise();
        }
        if self.parity && trial.check != Check::Uart {
            encode::even_parity(&mut sent);
        }
        if !self.parity && trial.check == Check::Uart {
            // No parity bit where one is expected: half of the characters come marked.
            sent.iter_mut().filter(|byte| byte.count_ones() % 2 == 1).for_each(|byte| *byte |= 0x80);
        }
        sent
    }

    fn noise(&mut self) -> Vec<u8> {
        self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        vec![(self.random >> 24) as u8]
    }
}

fn lines() -> impl Iterator<Item = (Uart, bool)> {
    [(Uart::Full, true), (Uart::Full, false), (Uart::Blind, true), (Uart::Blind, false), (Uart::None, true), (Uart::None, false)]
        .into_iter()
}

const SIGNALS: [(&str, Mode, &[u8]); 4] = [
    ("standard", Mode::Standard, STANDARD),
    ("historic", Mode::Historic, HISTORIC),
    ("short frames", Mode::Historic, SHORT),
    ("sleeping meter", Mode::Historic, SLEEPING),
];

/// What a line may have been through before the signal.
type Upset = fn(&mut Bench, Signal);

/// Upsets before the signal.
const UPSETS: [(&str, Upset); 6] = [
    ("from mid-frame", |bench, _| bench.position = 57),
    ("after silence", |bench, _| during(bench, Signal::Silence, 12_000)),
    ("after noise", |bench, _| during(bench, Signal::Noise, 7_300)),
    ("after itself and noise", |bench, signal| {
        during(bench, signal, 10_000);
        during(bench, Signal::Noise, 9_700);
    }),
    ("after the other mode", |bench, signal| during(bench, other(signal), 10_000)),
    ("after the other mode and silence", |bench, signal| {
        during(bench, other(signal), 10_000);
        during(bench, Signal::Silence, 31_000);
    }),
];

fn during(bench: &mut Bench, signal: Signal, milliseconds: u64) {
    bench.signal = signal;
    bench.run(Duration::from_millis(milliseconds));
}

fn other(signal: Signal) -> Signal {
    match signal {
        Signal::Frames(Mode::Standard, _) => Signal::Frames(Mode::Historic, HISTORIC),
        _ => Signal::Frames(Mode::Standard, STANDARD),
    }
}

#[test]
fn every_line_is_found_in_time_after_every_upset() {
    println!("| line | parity on it | meter | upset | found after |\n|---|---|---|---|---|");
    for (uart, parity) in lines() {
        for (name, mode, frame) in SIGNALS {
            for (upset, prepare) in UPSETS {
                let signal = Signal::Frames(mode, frame);
                let mut bench = Bench::new(uart, parity, signal);
                prepare(&mut bench, signal);
                bench.signal = signal;
                let time = bench.time_to(mode);
                println!("| {uart:?} | {parity} | {name} | {upset} | {:.2} s |", time.as_secs_f32());
                assert!(time < LIMIT, "{uart:?} {parity} {name} {upset}: {time:?}");
                bench.run(Duration::from_secs(60));
                assert_eq!(bench.receiver.mode(), Some(mode), "the mode stays found");
                let gone = bench.receiver.trial().check == Check::Gone;
                assert_eq!(gone, !parity, "parity is checked where there is any: {uart:?} {parity} {name} {upset}");
            }
        }
    }
}

#[test]
fn a_line_without_speed_and_parity_loses_nothing_at_the_start() {
    for parity in [true, false] {
        for (name, mode, frame) in SIGNALS {
            let mut bench = Bench::new(Uart::None, parity, Signal::Frames(mode, frame));
            bench.run(Duration::from_secs(60));
            let bytes = u64::from(mode.baud()) * 6;
            let expected = bytes as usize / frame.len() * frame.iter().filter(|byte| **byte == b'\n').count();
            assert!(bench.datasets >= expected, "{name}: {} of {expected}", bench.datasets);
        }
    }
}

#[test]
fn after_noise_the_proven_trial_is_found_soon() {
    for (name, mode, frame) in SIGNALS {
        let signal = Signal::Frames(mode, frame);
        for noise in (3_000..15_000).step_by(700) {
            let mut bench = Bench::new(Uart::Full, true, signal);
            during(&mut bench, signal, 10_000);
            during(&mut bench, Signal::Noise, noise);
            bench.signal = signal;
            let time = bench.time_to(mode);
            assert!(time < Duration::from_millis(2500), "{name} after {noise} ms of noise: {time:?}");
        }
    }
}

#[test]
fn what_is_configured_is_kept() {
    let now = Instant::now();
    let mut detector = Detector::new(Some(Mode::Historic), ParityChoice::Hardware, now);
    for second in 0..60 {
        assert_eq!(detector.trial(), Trial { speed: Mode::Historic, check: Check::Uart });
        detector.handle_bytes(&[0x55; 120], now + Duration::from_secs(second));
        detector.handle_timeout(now + Duration::from_secs(second));
    }
    let mut detector = Detector::new(Some(Mode::Standard), ParityChoice::Software, now);
    assert_eq!(detector.trial(), Trial { speed: Mode::Standard, check: Check::Software });
    detector.handle_timeout(now + Duration::from_secs(60));
    assert_eq!(detector.trial(), Trial { speed: Mode::Standard, check: Check::Software });
}

#[test]
fn without_a_byte_the_settings_change_gently() {
    let now = Instant::now();
    let mut detector = Detector::new(None, ParityChoice::Auto, now);
    let mut seen = Vec::new();
    for tenth in 0..600 {
        detector.handle_timeout(now + Duration::from_millis(100 * tenth));
        if seen.last() != Some(&detector.trial()) {
            seen.push(detector.trial());
        }
    }
    assert!((10..=13).contains(&seen.len()), "{} changes in a minute", seen.len());
    assert!(seen.iter().any(|trial| trial.check == Check::Software));
}

#[test]
fn one_dataset_of_an_unknown_label_is_no_proof() {
    let now = Instant::now();
    let mut detector = Detector::new(None, ParityChoice::Auto, now);
    detector.handle_bytes(b"x", now);
    detector.handle_dataset(Mode::Historic, false);
    assert_eq!(detector.mode(), None);
    detector.handle_dataset(Mode::Historic, false);
    assert_eq!(detector.mode(), Some(Mode::Historic));
}

#[test]
fn a_meter_that_falls_silent_is_not_searched_for() {
    let mut bench = Bench::new(Uart::Full, true, Signal::Frames(Mode::Historic, HISTORIC));
    bench.run(Duration::from_millis(10_010));
    let trial = bench.receiver.trial();
    for _ in 0..20 {
        during(&mut bench, Signal::Silence, 60_000);
        during(&mut bench, Signal::Noise, 10);
    }
    assert_eq!((bench.receiver.trial(), bench.receiver.mode()), (trial, Some(Mode::Historic)));
}
