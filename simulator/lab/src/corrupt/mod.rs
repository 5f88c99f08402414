//! An experiment: frames corrupted by the million, through the real decoder and the reader's real filter. How many
//! datasets are refused, and where; how many are accepted and right; and how many accepted and wrong.
//!
//! Every frame of a simulated meter is struck by one kind of damage, in eight bits, parity included. In the rows "even"
//! the decoder checks the parity; in the rows "none" a receiver has taken it off unseen, and only the checksum protects.

pub mod table;
mod tally;

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tally::{DatasetCounts, Sent, compare, settle, untouched};
use teleinfo_proto::tic::encode::even_parity;
use teleinfo_proto::tic::{Dataset, MeterId, Mode, Parity};
use teleinfo_proto::wire::{BootId, SampleKind};
use teleinfo_reader::reading::{Framing, ParityChoice, Reading};
use teleinfo_simulator::fault::FaultKind;
use teleinfo_simulator::meter::tariff::contract::Contract;
use teleinfo_simulator::meter::{Meter, MeterOptions};
use teleinfo_simulator::rng::Rng;

/// A kind of damage: what strikes a frame, in this order.
#[derive(Debug)]
pub struct Damage {
    name: &'static str,
    strikes: &'static [FaultKind],
    /// What strikes afterwards and leaves every dataset whole: the control characters around them.
    controls: &'static [FaultKind],
}

const fn damage(name: &'static str, strikes: &'static [FaultKind]) -> Damage {
    Damage { name, strikes, controls: &[] }
}

const fn controls(name: &'static str, controls: &'static [FaultKind]) -> Damage {
    Damage { name, strikes: &[], controls }
}

const DAMAGES: [Damage; 20] = [
    damage("none", &[]),
    damage("one bit", &[FaultKind::Flip]),
    damage("two bits", &[FaultKind::Flip, FaultKind::Flip]),
    damage("two bits of one byte", &[FaultKind::Double]),
    damage("bits 4-6 cleared", &[FaultKind::Clear, FaultKind::Clear]),
    damage("byte lost", &[FaultKind::Drop]),
    damage("two bytes lost", &[FaultKind::Drop, FaultKind::Drop]),
    damage("digits swapped", &[FaultKind::Swap]),
    damage("two spaces lost", &[FaultKind::Spaces]),
    damage("groups merged", &[FaultKind::Merge]),
    damage("burst of noise", &[FaultKind::Noise]),
    controls("LF damaged", &[FaultKind::Lf]),
    controls("every LF", &[FaultKind::Lfs]),
    controls("STX damaged", &[FaultKind::Stx]),
    controls("STX, every LF", &[FaultKind::Lfs, FaultKind::Stx]),
    controls("STX, ETX, every LF", &[FaultKind::Lfs, FaultKind::Stx, FaultKind::Etx]),
    Damage { strikes: &[FaultKind::Flip, FaultKind::Flip], ..controls("every LF, two bits", &[FaultKind::Lfs]) },
    Damage { strikes: &[FaultKind::Drop], ..controls("every LF, byte lost", &[FaultKind::Lfs]) },
    Damage { strikes: &[FaultKind::Merge], ..controls("every LF, merged", &[FaultKind::Lfs, FaultKind::Stx]) },
    Damage { strikes: &[FaultKind::Noise], ..controls("every LF, noise", &[FaultKind::Lfs, FaultKind::Stx]) },
];

/// Frames from one meter, before another takes its place.
const FRAMES_PER_METER: u64 = 5_000;

/// More than a reader waits for the rest of a frame.
const SILENCE: Duration = Duration::from_secs(2);

/// Frames that a sample may still be made of: where noise hides the ends of several, they come out as one.
const RECENT: usize = 32;

/// One row: a mode, with or without parity, and a kind of damage.
#[derive(Debug)]
pub struct Row {
    mode: Mode,
    parity: Parity,
    damage: &'static Damage,
    tally: DatasetCounts,
}

/// Runs the experiment with this many frames in each row, on all processors.
#[must_use]
pub fn experiment(frames: u64, seed: u64) -> Vec<Row> {
    let rows: Vec<Mutex<Row>> = rows().map(Mutex::new).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Ok(mut row) = row.lock() {
                row.fill(frames, seed);
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        (0..threads).for_each(|_| drop(scope.spawn(work)));
    });
    rows.into_iter().filter_map(|row| row.into_inner().ok()).collect()
}

fn rows() -> impl Iterator<Item = Row> {
    let sides = [
        (Mode::Historic, Parity::Even),
        (Mode::Historic, Parity::Stripped),
        (Mode::Standard, Parity::Even),
        (Mode::Standard, Parity::Stripped),
    ];
    sides
        .into_iter()
        .flat_map(|(mode, parity)| DAMAGES.iter().map(move |damage| Row { mode, parity, damage, tally: DatasetCounts::default() }))
}

impl Row {
    fn fill(&mut self, frames: u64, seed: u64) {
        let mut rng = Rng::named(seed, self.damage.name);
        while self.tally.frames < frames {
            let count = FRAMES_PER_METER.min(frames - self.tally.frames);
            self.one_meter(count, &mut rng);
        }
    }

    fn one_meter(&mut self, frames: u64, rng: &mut Rng) {
        let mut line = CorruptedLine::new(any_meter(self.mode, rng), self.parity);
        for _ in 0..frames {
            line.frame(self.damage, rng, &mut self.tally);
        }
        line.end(&mut self.tally);
        self.tally.frames += frames;
    }
}

fn any_meter(mode: Mode, rng: &mut Rng) -> MeterOptions {
    let start = 1_700_000_000 + rng.below(31_000_000) as i64;
    MeterOptions {
        phases: *rng.pick(&[1, 3]),
        producer: rng.chance(0.3),
        seed: rng.next_u64(),
        ..MeterOptions::new(mode, rng.pick(Contract::all()), start)
    }
}

/// One meter, its line, and a reader behind it.
struct CorruptedLine {
    meter: Meter,
    identity: Option<MeterId>,
    time: Duration,
    parity: Parity,
    start: Instant,
    reading: Reading,
    /// The ETX of the frame before has arrived as it was sent.
    is_end_whole: bool,
    /// The newest last. Lost ends make a frame come out late, or together with the next ones.
    recent: VecDeque<Sent>,
}

impl CorruptedLine {
    fn new(options: MeterOptions, parity: Parity) -> Self {
        let start = Instant::now();
        let mut reading = Reading::new(BootId::new(1), Some(options.mode), ParityChoice::Software, start);
        reading.handle_opened(start);
        reading.handle_set(options.mode, Framing::EightNone, true, start);
        Self {
            identity: options.identity().parse().ok(),
            meter: Meter::new(options),
            time: Duration::ZERO,
            parity,
            start,
            reading,
            is_end_whole: true,
            recent: VecDeque::new(),
        }
    }

    fn frame(&mut self, damage: &Damage, rng: &mut Rng, tally: &mut DatasetCounts) {
        let (frame, silence) = self.meter.next_frame();
        self.time += frame.line_time() + silence;
        let mut bytes = frame.bytes.clone();
        even_parity(&mut bytes);
        let mut damaged = bytes.clone();
        for strike in damage.strikes {
            strike.strike(&mut damaged, rng);
        }
        let mut untouched = untouched(&bytes, &damaged, !damage.controls.is_empty());
        if !std::mem::replace(&mut self.is_end_whole, damaged.last() == bytes.last()) && !damage.controls.is_empty() {
            untouched[0] = false;
        }
        for strike in damage.controls {
            strike.strike(&mut damaged, rng);
        }
        if self.parity == Parity::Stripped {
            bytes.iter_mut().chain(&mut damaged).for_each(|byte| *byte &= 0x7F);
        }
        let sent = Sent { untouched, accepted: vec![false; frame.groups.len()], groups: frame.groups };
        self.recent.push_back(sent);
        if self.recent.len() > RECENT {
            settle(self.recent.pop_front(), tally);
        }
        self.read(&damaged, tally);
    }

    /// The line falls silent, which ends a frame that nothing else has ended.
    fn end(&mut self, tally: &mut DatasetCounts) {
        self.time += SILENCE;
        self.reading.handle_timeout(0, self.start + self.time);
        self.take_samples(tally);
        self.recent.drain(..).for_each(|sent| settle(Some(sent), tally));
        tally.count(self.reading.counters());
    }

    fn read(&mut self, bytes: &[u8], tally: &mut DatasetCounts) {
        self.reading.handle_bytes(bytes, 0, self.start + self.time);
        self.take_samples(tally);
    }

    fn take_samples(&mut self, tally: &mut DatasetCounts) {
        while let Some(made) = self.reading.poll_sample() {
            tally.wrong_meter += u64::from(Some(made.sample.meter) != self.identity);
            let datasets: Vec<Dataset<'_>> = made.sample.datasets.iter(made.sample.mode).flatten().collect();
            match made.sample.kind {
                SampleKind::Live => datasets.iter().for_each(|dataset| tally.handle_live(&self.recent, dataset)),
                _ => compare(&mut self.recent, &datasets, tally),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::table::Table;
    use super::*;

    #[test]
    fn undamaged_frames_are_all_right_and_damage_is_seen() {
        let rows = experiment(200, 1);
        assert_eq!(rows.len(), 4 * DAMAGES.len());
        for row in &rows {
            let tally = &row.tally;
            assert_eq!(tally.frames, 200);
            assert_eq!(tally.wrong_index + tally.wrong_meter, 0, "{row:?}");
            assert!(tally.wrong_live <= tally.wrong_value, "no more can be wrong than in the frames: {row:?}");
            if row.damage.strikes.is_empty() {
                assert_eq!(tally.untouched, tally.offered);
                assert!(tally.untouched_accepted * 1_000 >= tally.untouched * 999, "{row:?}");
                // The last frame of the meter aside, each dataset once, and its power before its end.
                assert!(tally.live >= tally.frames - 2, "{row:?}");
                assert!(tally.right >= tally.offered, "{row:?}");
                assert_eq!(tally.wrong_index + tally.wrong_value + tally.wrong_label + tally.wrong_meter, 0, "{row:?}");
                assert_eq!(tally.parity + tally.checksum + tally.form + tally.implausible, 0, "{row:?}");
            }
            if row.damage.name == "one bit" {
                assert!(tally.untouched < tally.offered);
                let refused = if row.parity == Parity::Even { tally.parity } else { tally.checksum + tally.form };
                assert!(refused > 130, "{row:?}");
                assert_eq!(tally.wrong_index, 0);
                assert!(tally.untouched_accepted * 100 >= tally.untouched * 97, "{row:?}");
            }
        }
    }

    #[test]
    fn a_seed_decides_everything() {
        let text = |seed| Table(&experiment(50, seed)).to_string();
        assert_eq!(text(1), text(1));
        assert_ne!(text(1), text(2));
    }
}
