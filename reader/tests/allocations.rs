//! From bytes to a sample in the history and sealed for the bridge: in the steady state nothing is allocated. (The Zenoh client's `allocations` holds the rest
//! of the way, to the socket, to the same.)

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    alloc::System,
    time::{Duration, Instant},
};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use teleinfo_proto::{
    seal::{Identity, Type},
    tic::Mode,
    wire::{BootId, SampleKind, keys},
};
use teleinfo_reader::{
    history::History,
    reading::{Framing, ParityChoice, Reading},
    trust::keys::{Keys, Trusted},
    uplink::sealed::SealedEnd,
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const FRAMES: [(Mode, &[u8]); 2] = [
    (Mode::Standard, include_bytes!("../../proto/tests/frames/syn-std-tempo-blue.tic")),
    (Mode::Historic, include_bytes!("../../proto/tests/frames/syn-hist-tempo-mono.tic")),
];

/// Bytes of one read, and how long they take on the line.
const CHUNK: (usize, Duration) = (16, Duration::from_millis(20));

/// A reading and the history behind it.
struct Chain {
    start: Instant,
    now: Instant,
    reading: Reading,
    history: History,
    sealed: SealedEnd,
    samples: u32,
    live: u32,
}

impl Chain {
    fn new(mode: Mode) -> Self {
        let start = Instant::now();
        let mut reading = Reading::new(BootId::new(1), None, ParityChoice::Software, start);
        reading.handle_opened(start);
        reading.handle_set(mode, Framing::EightNone, true, start);
        let trusted = Trusted::Pinned(*Identity::from_seed(&[2; 32]).key());
        let keys = Keys { trusted, ..Keys::of(&[1; 32]) };
        let sealed = SealedEnd::new(keys, BootId::new(1), [3; 32], start).unwrap();
        Self { start, now: start, reading, history: History::new(64 * 1024), sealed, samples: 0, live: 0 }
    }

    fn frame_through(&mut self, frame: &[u8]) {
        for chunk in frame.chunks(CHUNK.0) {
            self.now += CHUNK.1;
            let unix_ms = 1_700_000_000_000 + (self.now - self.start).as_millis() as i64;
            self.reading.handle_bytes(chunk, unix_ms, self.now);
            self.keep_samples();
            self.reading.handle_timeout(unix_ms, self.now);
            self.keep_samples();
        }
    }

    fn keep_samples(&mut self) {
        while let Some(made) = self.reading.poll_sample() {
            self.history.push(&made.sample, made.encoded);
            let sealed = self.sealed.seal(Type::Sample, &keys::sample(&made.sample.meter), made.encoded).unwrap();
            assert!(sealed.len() > made.encoded.len());
            let is_live = made.sample.kind == SampleKind::Live;
            *(if is_live { &mut self.live } else { &mut self.samples }) += 1;
        }
    }
}

/// Without the usual harness, whose threads allocate whenever they like.
fn main() {
    for (mode, frame) in FRAMES {
        let mut chain = Chain::new(mode);
        for _ in 0..200 {
            chain.frame_through(frame);
        }
        let region = Region::new(ALLOCATOR);
        for _ in 0..1000 {
            chain.frame_through(frame);
        }
        let change = region.change();
        assert_eq!((change.allocations, change.reallocations), (0, 0), "{mode}: {change:?}");
        assert!(chain.samples >= 1100, "{mode}: {} samples", chain.samples);
        assert!(chain.live > chain.samples, "{mode}: {} live samples", chain.live);
        println!("{mode}: {} samples and {} live ones, no allocation", chain.samples, chain.live);
    }
}
