//! The reader through two days of a meter's life, in seconds: no process, no sleep. What the world does is a table of steps.

use std::time::{Duration, Instant};

use teleinfo_proto::{
    tic::{
        Mode,
        encode::{FrameWriter, even_parity},
    },
    wire::{BootId, Cause, LineState, SampleKind},
};

use super::{FaultKind, Framing, Order, Output, ParityChoice, Reading, ReadingState};

/// Half a frame comes in each tick.
const TICK: Duration = Duration::from_secs(1);
const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const METER: &str = "900061000001";
const FIRST_INDEX: u64 = 2_815_235;
/// Watt-hours that are drawn in each frame's time.
const STEP_WH: u64 = 1;

/// What is at the other end of the line.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Signal {
    /// The device is not there, or this user may not open it, or another program has it.
    Fault(FaultKind),
    Silence,
    Noise,
    /// Frames, of which one in so many has a wrong bit (0: none).
    Frames(Mode, u64),
    /// Frames of the historic mode with the label of an overload.
    Overload,
}

/// A sample that came out.
#[derive(Clone, Copy, Debug)]
struct Seen {
    sequence: u64,
    kind: SampleKind,
    mode: Mode,
    index: Option<u64>,
    uptime_ms: u64,
}

/// A meter, a line and a reading.
struct World {
    start: Instant,
    now: Instant,
    signal: Signal,
    reading: Reading,
    set: Option<(Mode, Framing)>,
    ticks: u64,
    random: u32,
    rest: Vec<u8>,
    orders: Vec<Order>,
    seen: Vec<Seen>,
}

impl World {
    fn new() -> Self {
        let now = Instant::now();
        let reading = Reading::new(BootId::new(1), None, ParityChoice::Auto, now);
        let (orders, seen, rest) = (vec![], vec![], vec![]);
        Self { start: now, now, signal: Signal::Silence, reading, set: None, ticks: 0, random: 1, rest, orders, seen }
    }

    fn run(&mut self, signal: Signal, seconds: u64) {
        if let (Signal::Fault(_), true) = (signal, self.reading.is_open) {
            self.reading.handle_fault(FaultKind::Vanished, self.unix_ms(), self.now);
        }
        self.signal = signal;
        self.rest.clear();
        for _ in 0..seconds {
            self.now += TICK;
            self.ticks += 1;
            self.carry_out();
            let bytes = self.bytes();
            if self.reading.is_open && !bytes.is_empty() {
                self.reading.handle_bytes(&bytes, self.unix_ms(), self.now);
            }
            self.take_outputs();
            self.reading.handle_timeout(self.unix_ms(), self.now);
            self.take_outputs();
            self.carry_out();
        }
    }

    fn state(&self) -> Condition {
        let ReadingState { line, cause, mode, .. } = self.reading.state(self.now);
        (line, cause, mode)
    }

    fn unix_ms(&self) -> i64 {
        1_700_000_000_000 + (self.now - self.start).as_millis() as i64
    }

    /// What the loop and the line do with the orders.
    fn carry_out(&mut self) {
        while let Some(order) = self.reading.poll_order(self.now) {
            self.orders.push(order);
            match (order, self.signal) {
                (Order::Open, Signal::Fault(kind)) => self.reading.handle_fault(kind, self.unix_ms(), self.now),
                (Order::Open, _) => self.reading.handle_opened(self.now),
                (Order::Set(speed, framing), _) => {
                    self.set = Some((speed, framing));
                    self.reading.handle_set(speed, framing, true, self.now);
                }
                (Order::LookForOthers, _) => self.reading.handle_others(false),
                (Order::CheckSettings | Order::LookElsewhere, _) => {}
            }
        }
    }

    fn take_outputs(&mut self) {
        while let Some(output) = self.reading.poll_output() {
            let Output::Sample(made) = output else { continue };
            let sample = made.sample;
            let index = sample.datasets.iter(sample.mode).flatten().find(|dataset| ["BASE", "EAST"].contains(&dataset.label()));
            let index = index.and_then(|dataset| dataset.value().number());
            let (sequence, kind, mode) = (sample.sequence, sample.kind, sample.mode);
            assert_eq!(sample.meter.as_str(), METER);
            self.seen.push(Seen { sequence, kind, mode, index, uptime_ms: sample.uptime_ms });
        }
    }

    /// What the UART gives in this tick.
    fn bytes(&mut self) -> Vec<u8> {
        let (mode, damaged) = match self.signal {
            Signal::Fault(_) | Signal::Silence => return vec![],
            Signal::Noise => return self.noise(),
            Signal::Frames(mode, every) => (mode, every > 0 && self.ticks % (2 * every) < 2),
            Signal::Overload => (Mode::Historic, false),
        };
        let Some((speed, framing)) = self.set else { return vec![] };
        if speed != mode {
            self.rest.clear();
            return self.noise();
        }
        if self.ticks % 2 == 1 {
            return std::mem::take(&mut self.rest);
        }
        let mut bytes = frame(mode, FIRST_INDEX + self.ticks / 2 * STEP_WH, self.signal == Signal::Overload);
        if framing == Framing::EightNone {
            even_parity(&mut bytes);
        }
        if damaged {
            let middle = bytes.len() / 2;
            // A UART that checks parity marks the byte.
            bytes[middle] ^= if framing == Framing::SevenEven { 0x81 } else { 1 };
        }
        self.rest = bytes.split_off(bytes.len() / 3);
        bytes
    }

    fn noise(&mut self) -> Vec<u8> {
        let mut next = || {
            self.random = self.random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.random >> 24) as u8
        };
        (0..40).map(|_| next()).collect()
    }
}

fn frame(mode: Mode, index: u64, overload: bool) -> Vec<u8> {
    let mut buffer = [0; 256];
    let mut writer = FrameWriter::new(&mut buffer, mode).unwrap();
    let index = format!("{index:09}");
    let historic = [("ADCO", METER), ("ISOUSC", "30"), ("BASE", &index), ("PTEC", "TH.."), ("PAPP", "02000")];
    let standard = [("ADSC", METER), ("VTIC", "02"), ("EAST", &index), ("PREF", "06"), ("SINSTS", "02000")];
    for (label, data) in if mode == Mode::Historic { historic } else { standard } {
        writer.dataset(label, None, data).unwrap();
        if overload && label == "PTEC" {
            writer.dataset("ADPS", None, "045").unwrap();
        }
    }
    writer.finish().unwrap().to_vec()
}

const HISTORIC: Signal = Signal::Frames(Mode::Historic, 0);
const STANDARD: Signal = Signal::Frames(Mode::Standard, 0);
const FOUND_HISTORIC: Condition = (LineState::Reading, Cause::None, Some(Mode::Historic));
const FOUND_STANDARD: Condition = (LineState::Reading, Cause::None, Some(Mode::Standard));

/// How the line is doing: its state, the likely cause of trouble, the mode.
type Condition = (LineState, Cause, Option<Mode>);

/// What the world does, for how many seconds, and how the line is doing at the end of it.
const TWO_DAYS: [(Signal, u64, Condition); 16] = [
    (Signal::Fault(FaultKind::Absent), MINUTE, (LineState::Absent, Cause::NoDevice, None)),
    (Signal::Silence, MINUTE, (LineState::Silent, Cause::NoSignal, None)),
    (HISTORIC, 12 * HOUR, FOUND_HISTORIC),
    (Signal::Fault(FaultKind::Absent), 8, (LineState::Absent, Cause::NoDevice, Some(Mode::Historic))),
    (HISTORIC, HOUR, FOUND_HISTORIC),
    (Signal::Fault(FaultKind::Busy), MINUTE, (LineState::Busy, Cause::DeviceInUse, Some(Mode::Historic))),
    (HISTORIC, HOUR, FOUND_HISTORIC),
    (Signal::Silence, 20 * MINUTE, (LineState::Silent, Cause::NoSignal, Some(Mode::Historic))),
    (HISTORIC, HOUR, FOUND_HISTORIC),
    (Signal::Noise, 5 * MINUTE, (LineState::Searching, Cause::NotTic, None)),
    (HISTORIC, HOUR, FOUND_HISTORIC),
    (Signal::Overload, 30, FOUND_HISTORIC),
    (HISTORIC, HOUR, FOUND_HISTORIC),
    (STANDARD, 24 * HOUR, FOUND_STANDARD),
    (Signal::Frames(Mode::Standard, 4), 10 * MINUTE, (LineState::Reading, Cause::Noise, Some(Mode::Standard))),
    (HISTORIC, 6 * HOUR, FOUND_HISTORIC),
];

#[test]
fn two_days_of_a_meter_pass_in_seconds() {
    let mut world = World::new();
    let mut live = 0;
    for (step, (signal, seconds, expected)) in TWO_DAYS.into_iter().enumerate() {
        let before = world.seen.len();
        world.run(signal, seconds);
        assert_eq!(world.state(), expected, "after step {step}, {signal:?}");
        let seen = &world.seen[before..];
        live += seen.iter().filter(|seen| seen.kind == SampleKind::Live).count();
        match signal {
            // Half a minute is more than the search takes, and a frame takes two seconds.
            Signal::Frames(..) | Signal::Overload => {
                let frames = seen.iter().filter(|seen| seen.kind != SampleKind::Live).count() as u64;
                assert!(frames + 15 >= seconds / 2, "step {step}, {signal:?}: {frames} frames in {seconds} s");
                assert!(seen.iter().rev().take(10).all(|seen| Some(seen.mode) == expected.2), "step {step}: the mode of its samples");
            }
            // What was in progress when the line went may still come.
            _ => assert!(
                seen.iter().filter(|seen| seen.kind != SampleKind::Live).count() <= 1,
                "step {step}, {signal:?}: {} samples",
                seen.len()
            ),
        }
    }
    assert!(world.now - world.start > Duration::from_secs(47 * HOUR));
    let frames = world.seen.len() - live;
    assert!(live + 600 > frames, "nearly every frame has told its power before its end: {live} of {frames}");
    check_samples(&world.seen);
    check_counters(&world);
}

/// Each frame has the next number, a later time and an index that never runs back, and says what the meter said then. A live sample has the
/// number of the frame before it.
fn check_samples(seen: &[Seen]) {
    for pair in seen.windows(2) {
        let [before, after] = pair else { unreachable!() };
        assert_eq!(after.sequence, before.sequence + u64::from(after.kind != SampleKind::Live));
        assert!(after.uptime_ms >= before.uptime_ms, "{before:?} {after:?}");
    }
    let mut last = 0;
    for sample in seen {
        let Some(index) = sample.index else { continue };
        assert!(index >= last, "{sample:?} after {last}");
        // A frame ends in the tick after it began.
        assert!(index.abs_diff(FIRST_INDEX + sample.uptime_ms / 2000 * STEP_WH) <= 1, "{sample:?}");
        last = index;
    }
}

fn check_counters(world: &World) {
    let counters = world.reading.counters();
    let whole = world.seen.iter().filter(|seen| matches!(seen.kind, SampleKind::Frame { complete: true })).count();
    assert!(counters.frames_good as usize >= whole && whole > 80_000, "{whole} whole frames of {counters:?}");
    assert!((60..=90).contains(&(counters.frames_damaged as usize)), "one frame in four of ten minutes: {counters:?}");
    assert_eq!((counters.index_resets, counters.refused_implausible), (0, 0), "{counters:?}");
    let opened = world.orders.iter().filter(|order| **order == Order::Open).count();
    assert!(opened < 250, "an absent line is looked for twice a second, a held one every three seconds: {opened}");
}

#[test]
fn a_line_without_parity_is_set_once_more() {
    let mut world = World::new();
    world.reading.handle_opened(world.now);
    assert_eq!(world.reading.poll_order(world.now), Some(Order::Set(Mode::Standard, Framing::SevenEven)));
    world.reading.handle_set(Mode::Standard, Framing::SevenEven, false, world.now);
    assert_eq!(world.reading.poll_order(world.now), Some(Order::Set(Mode::Standard, Framing::EightNone)));
    world.reading.handle_set(Mode::Standard, Framing::EightNone, true, world.now);
    assert_eq!(world.reading.poll_order(world.now), None);
}

#[test]
fn settings_that_another_program_changed_are_set_again() {
    let mut world = World::new();
    world.run(HISTORIC, 30);
    let set = world.set.unwrap();
    assert!(world.orders.contains(&Order::CheckSettings));
    world.reading.handle_disturbed();
    assert!(world.reading.poll_timeout(world.now) <= world.now, "at once");
    assert_eq!(world.reading.poll_order(world.now), Some(Order::Set(set.0, set.1)));
}

#[test]
fn settings_that_the_line_did_not_take_are_not_looked_after() {
    let mut world = World::new();
    world.reading.handle_opened(world.now);
    world.reading.handle_set(Mode::Standard, Framing::SevenEven, false, world.now);
    world.reading.handle_set(Mode::Standard, Framing::EightNone, false, world.now);
    assert_eq!(world.reading.poll_order(world.now + Duration::from_secs(4)), None);
}

#[test]
fn a_frame_that_is_cut_off_by_a_lost_line_is_still_a_sample() {
    let mut world = World::new();
    world.run(HISTORIC, 31);
    let before = world.seen.len();
    world.ticks = 100;
    world.run(HISTORIC, 1);
    world.ticks = 101;
    world.run(HISTORIC, 1);
    let bytes = frame(Mode::Historic, FIRST_INDEX + 60, false);
    let half = &bytes[..bytes.len() / 2];
    world.reading.handle_bytes(half, 0, world.now);
    world.take_outputs();
    let held = world.seen.len();
    assert!(held > before);
    world.reading.handle_fault(FaultKind::Vanished, 0, world.now);
    world.take_outputs();
    assert_eq!(world.seen.len(), held + 1);
    assert_eq!(world.seen[held].kind, SampleKind::Frame { complete: false });
}

#[test]
fn what_becomes_of_the_samples_is_counted_with_them() {
    let mut world = World::new();
    world.run(HISTORIC, 30);
    world.reading.handle_unsent();
    world.reading.handle_disconnected();
    let counters = world.reading.counters();
    assert_eq!((counters.samples_unsent, counters.reconnects), (1, 1));
    assert!(counters.bytes > 500 && counters.datasets_good > 20);
}
