//! An experiment: frames corrupted by the million, through the real decoder and the reader's real filter. How many
//! datasets are refused, and where; how many are accepted and right; and how many accepted and wrong.
//!
//! Every frame of a simulated meter is struck by one kind of damage, in eight bits, parity included. In the rows "even"
//! the decoder checks the parity; in the rows "none" a receiver has taken it off unseen, and only the checksum protects.

use crate::fault::Kind as Fault;
use crate::line::frame::Group;
use crate::meter::tariff::contract::Contract;
use crate::meter::{Meter, MeterOptions};
use crate::rng::Rng;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use teleinfo_proto::tic::encode::even_parity;
use teleinfo_proto::tic::{Dataset, Label, MeterId, Mode, Parity};
use teleinfo_proto::wire::{BootId, Counters};
use teleinfo_reader::reading::{Framing, ParityChoice, Reading};

/// A kind of damage: what strikes a frame, in this order.
#[derive(Debug)]
pub struct Damage {
    name: &'static str,
    strikes: &'static [Fault],
}

const DAMAGES: [Damage; 11] = [
    Damage { name: "none", strikes: &[] },
    Damage { name: "one bit", strikes: &[Fault::Flip] },
    Damage { name: "two bits", strikes: &[Fault::Flip, Fault::Flip] },
    Damage { name: "two bits of one byte", strikes: &[Fault::Double] },
    Damage { name: "bits 4-6 cleared", strikes: &[Fault::Clear, Fault::Clear] },
    Damage { name: "byte lost", strikes: &[Fault::Drop] },
    Damage { name: "two bytes lost", strikes: &[Fault::Drop, Fault::Drop] },
    Damage { name: "digits swapped", strikes: &[Fault::Swap] },
    Damage { name: "two spaces lost", strikes: &[Fault::Spaces] },
    Damage { name: "groups merged", strikes: &[Fault::Merge] },
    Damage { name: "burst of noise", strikes: &[Fault::Noise] },
];

/// Frames from one meter, before another takes its place.
const FRAMES_PER_METER: u64 = 5_000;

/// Frames that a sample may still be made of.
const RECENT: usize = 4;

/// What was counted in one row of the table.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    frames: u64,
    offered: u64,
    parity: u64,
    checksum: u64,
    form: u64,
    implausible: u64,
    unidentified: u64,
    right: u64,
    wrong_index: u64,
    wrong_value: u64,
    wrong_label: u64,
    wrong_meter: u64,
    untouched: u64,
    untouched_accepted: u64,
    /// Which labels were wrong, and how often.
    wrong: BTreeMap<&'static str, u64>,
}

/// One row: a mode, with or without parity, and a kind of damage.
#[derive(Debug)]
pub struct Row {
    mode: Mode,
    parity: Parity,
    damage: &'static Damage,
    tally: Tally,
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
    sides.into_iter().flat_map(|(mode, parity)| DAMAGES.iter().map(move |damage| Row { mode, parity, damage, tally: Tally::default() }))
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
        let mut line = Line::new(any_meter(self.mode, rng), self.parity);
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

/// A frame that was sent, and what came of its groups.
struct Sent {
    groups: Vec<Group>,
    untouched: Vec<bool>,
    accepted: Vec<bool>,
}

/// One meter, its line, and a reader behind it.
struct Line {
    meter: Meter,
    identity: Option<MeterId>,
    time: Duration,
    parity: Parity,
    start: Instant,
    reading: Reading,
    /// The newest last. Lost ends make a frame come out late, or together with the next ones.
    recent: VecDeque<Sent>,
}

impl Line {
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
            recent: VecDeque::new(),
        }
    }

    fn frame(&mut self, damage: &Damage, rng: &mut Rng, tally: &mut Tally) {
        let (frame, silence) = self.meter.next_frame();
        self.time += frame.line_time() + silence;
        let mut bytes = frame.bytes.clone();
        even_parity(&mut bytes);
        let mut damaged = bytes.clone();
        for strike in damage.strikes {
            strike.strike(&mut damaged, rng);
        }
        if self.parity == Parity::Stripped {
            bytes.iter_mut().chain(&mut damaged).for_each(|byte| *byte &= 0x7F);
        }
        let sent = Sent { untouched: untouched(&bytes, &damaged), accepted: vec![false; frame.groups.len()], groups: frame.groups };
        self.recent.push_back(sent);
        if self.recent.len() > RECENT {
            settle(self.recent.pop_front(), tally);
        }
        self.read(&damaged, tally);
    }

    fn end(&mut self, tally: &mut Tally) {
        self.recent.drain(..).for_each(|sent| settle(Some(sent), tally));
        tally.count(self.reading.counters());
    }

    fn read(&mut self, bytes: &[u8], tally: &mut Tally) {
        self.reading.handle_bytes(bytes, 0, self.start + self.time);
        while let Some(made) = self.reading.poll_sample() {
            tally.wrong_meter += u64::from(Some(made.sample.meter) != self.identity);
            let datasets: Vec<Dataset<'_>> = made.sample.datasets.iter(made.sample.mode).flatten().collect();
            compare(&mut self.recent, &datasets, tally);
        }
    }
}

/// Finds the frame that a sample was made of, and counts its datasets as right or wrong.
fn compare(recent: &mut VecDeque<Sent>, datasets: &[Dataset<'_>], tally: &mut Tally) {
    // The frame that gains most by it; the older one when two gain the same, since the newer one's time will come.
    let gain = |sent: &Sent| datasets.iter().filter(|dataset| sent.waits_for(dataset)).count();
    let of = (0..recent.len()).rev().max_by_key(|at| gain(&recent[*at])).unwrap_or_default();
    recent.rotate_left(of);
    for dataset in datasets {
        // What stays the same stands in several frames: one that still waits for it goes before one that has it.
        let waits = |sent: &mut Sent| sent.waits_for(dataset) && sent.accept(dataset);
        if recent.iter_mut().any(waits) || recent.iter_mut().any(|sent| sent.accept(dataset)) {
            tally.right += 1;
        } else {
            tally.wrong(dataset);
        }
    }
    recent.rotate_right(of);
}

impl Sent {
    fn find(&self, dataset: &Dataset<'_>) -> Option<usize> {
        let same = |group: &Group| {
            group.label == dataset.label() && group.data == dataset.data() && group.timestamp.as_deref() == dataset.timestamp()
        };
        self.groups.iter().position(same)
    }

    fn waits_for(&self, dataset: &Dataset<'_>) -> bool {
        self.find(dataset).is_some_and(|at| self.untouched[at] && !self.accepted[at])
    }

    fn accept(&mut self, dataset: &Dataset<'_>) -> bool {
        let found = self.find(dataset);
        if let Some(at) = found {
            self.accepted[at] = true;
        }
        found.is_some()
    }
}

fn settle(sent: Option<Sent>, tally: &mut Tally) {
    let Some(sent) = sent else { return };
    tally.offered += sent.groups.len() as u64;
    for (untouched, accepted) in sent.untouched.into_iter().zip(sent.accepted) {
        tally.untouched += u64::from(untouched);
        tally.untouched_accepted += u64::from(untouched && accepted);
    }
}

/// Which groups certainly arrive as they were sent: those before the first and after the last byte that differs.
fn untouched(sent: &[u8], arrives: &[u8]) -> Vec<bool> {
    let same = |(a, b): &(&u8, &u8)| a == b;
    let head = sent.iter().zip(arrives).take_while(same).count();
    let tail = sent.iter().rev().zip(arrives.iter().rev()).take_while(same).count();
    let tail_from = sent.len() - tail.min(sent.len() - head);
    let ends = sent.iter().enumerate().filter(|(_, byte)| **byte & 0x7F == b'\r').map(|(at, _)| at + 1);
    // The first group begins after STX, each of the others where the one before has ended.
    ends.scan(1, |from, end| {
        let start = std::mem::replace(from, end);
        Some(end <= head || start >= tail_from)
    })
    .collect()
}

impl Tally {
    fn wrong(&mut self, dataset: &Dataset<'_>) {
        let known = Label::find(dataset.mode(), dataset.label());
        let counter = match known {
            None => &mut self.wrong_label,
            Some(label) if label.kind.is_index() => &mut self.wrong_index,
            Some(_) => &mut self.wrong_value,
        };
        *counter += 1;
        *self.wrong.entry(known.map_or("unknown", |label| label.code)).or_default() += 1;
    }

    fn count(&mut self, counters: &Counters) {
        for (name, count) in counters.refusals() {
            let counter = match name {
                "parity" => &mut self.parity,
                "checksum" => &mut self.checksum,
                "implausible" => &mut self.implausible,
                _ => &mut self.form,
            };
            *counter += u64::from(count);
        }
        self.unidentified += u64::from(counters.unidentified);
    }

    fn add(&mut self, other: &Self) {
        for (sum, count) in [
            (&mut self.frames, other.frames),
            (&mut self.offered, other.offered),
            (&mut self.parity, other.parity),
            (&mut self.checksum, other.checksum),
            (&mut self.form, other.form),
            (&mut self.implausible, other.implausible),
            (&mut self.unidentified, other.unidentified),
            (&mut self.right, other.right),
            (&mut self.wrong_index, other.wrong_index),
            (&mut self.wrong_value, other.wrong_value),
            (&mut self.wrong_label, other.wrong_label),
            (&mut self.wrong_meter, other.wrong_meter),
            (&mut self.untouched, other.untouched),
            (&mut self.untouched_accepted, other.untouched_accepted),
        ] {
            *sum += count;
        }
    }
}

/// The table, with a sum for each mode and parity.
pub struct Table<'r>(pub &'r [Row]);

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "datasets refused by stage, and accepted; kept = accepted of those that no damage touched\n")?;
        writeln!(
            f,
            "{:8} {:6} {:21} {:>9} {:>11} {:>8} {:>8} {:>8} {:>8} {:>8} {:>11} {:>6} {:>6} {:>6} {:>6} {:>9}",
            "mode",
            "parity",
            "damage",
            "frames",
            "datasets",
            "parity",
            "checksum",
            "form",
            "implaus.",
            "no name",
            "right",
            "index!",
            "value!",
            "label!",
            "meter!",
            "kept %"
        )?;
        for rows in self.0.chunks(DAMAGES.len()) {
            let mut sum = Tally::default();
            for row in rows {
                sum.add(&row.tally);
                line(f, row, row.damage.name, &row.tally)?;
            }
            if let Some(row) = rows.first() {
                line(f, row, "all", &sum)?;
            }
        }
        writeln!(f, "\naccepted and wrong, by label\n")?;
        self.0.iter().filter(|row| !row.tally.wrong.is_empty()).try_for_each(|row| wrong(f, row))
    }
}

fn wrong(f: &mut fmt::Formatter<'_>, row: &Row) -> fmt::Result {
    let mut labels: Vec<_> = row.tally.wrong.iter().collect();
    labels.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let labels: Vec<String> = labels.into_iter().map(|(label, count)| format!("{label} {count}")).collect();
    writeln!(f, "{:8} {:6} {:21} {}", row.mode.to_string(), parity(row), row.damage.name, labels.join(", "))
}

fn parity(row: &Row) -> &'static str {
    if row.parity == Parity::Even { "even" } else { "none" }
}

fn line(f: &mut fmt::Formatter<'_>, row: &Row, name: &str, tally: &Tally) -> fmt::Result {
    let parity = parity(row);
    let kept = 100.0 * tally.untouched_accepted as f64 / tally.untouched.max(1) as f64;
    writeln!(
        f,
        "{:8} {parity:6} {name:21} {:>9} {:>11} {:>8} {:>8} {:>8} {:>8} {:>8} {:>11} {:>6} {:>6} {:>6} {:>6} {kept:>9.4}",
        row.mode.to_string(),
        tally.frames,
        tally.offered,
        tally.parity,
        tally.checksum,
        tally.form,
        tally.implausible,
        tally.unidentified,
        tally.right,
        tally.wrong_index,
        tally.wrong_value,
        tally.wrong_label,
        tally.wrong_meter
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undamaged_frames_are_all_right_and_damage_is_seen() {
        let rows = experiment(200, 1);
        assert_eq!(rows.len(), 4 * DAMAGES.len());
        for row in &rows {
            let tally = &row.tally;
            assert_eq!(tally.frames, 200);
            if row.damage.strikes.is_empty() {
                assert_eq!(tally.untouched, tally.offered);
                // The last frame of the meter and urgent samples aside, each dataset once.
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
