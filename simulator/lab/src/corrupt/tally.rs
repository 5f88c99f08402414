//! What became of the datasets that were sent: each that a reader accepts is held against the frames it may come from.

use std::collections::{BTreeMap, VecDeque};
use teleinfo_proto::tic::{Dataset, Label, RefusalKind};
use teleinfo_proto::wire::Counters;
use teleinfo_simulator::line::frame::Group;

/// What was counted in one row of the table.
#[derive(Debug, Default, Clone)]
pub(crate) struct DatasetCounts {
    pub(crate) frames: u64,
    pub(crate) offered: u64,
    pub(crate) parity: u64,
    pub(crate) checksum: u64,
    pub(crate) form: u64,
    pub(crate) implausible: u64,
    pub(crate) unidentified: u64,
    pub(crate) right: u64,
    pub(crate) wrong_index: u64,
    pub(crate) wrong_value: u64,
    pub(crate) wrong_label: u64,
    pub(crate) wrong_meter: u64,
    pub(crate) live: u64,
    pub(crate) wrong_live: u64,
    pub(crate) untouched: u64,
    pub(crate) untouched_accepted: u64,
    /// Which labels were wrong, and how often.
    pub(crate) wrong: BTreeMap<&'static str, u64>,
}

impl DatasetCounts {
    pub(crate) fn wrong(&mut self, dataset: &Dataset<'_>) {
        let known = Label::find(dataset.mode(), dataset.label());
        let counter = match known {
            None => &mut self.wrong_label,
            Some(label) if label.kind.is_index() => &mut self.wrong_index,
            Some(_) => &mut self.wrong_value,
        };
        *counter += 1;
        *self.wrong.entry(known.map_or("unknown", |label| label.code)).or_default() += 1;
    }

    /// What came before the end of its frame must stand in the newest frame, or in the one before where that had no end.
    pub(crate) fn handle_live(&mut self, recent: &VecDeque<Sent>, dataset: &Dataset<'_>) {
        let is_right = recent.iter().rev().take(2).any(|sent| sent.find(dataset).is_some());
        *(if is_right { &mut self.live } else { &mut self.wrong_live }) += 1;
    }

    pub(crate) fn count(&mut self, counters: &Counters) {
        let refused: u64 = counters.refusals().map(|(_, count)| u64::from(count)).sum();
        let of = |kind| u64::from(counters.refused[kind]);
        let (parity, checksum) = (of(RefusalKind::Parity), of(RefusalKind::Checksum));
        let implausible = u64::from(counters.refused_implausible);
        self.parity += parity;
        self.checksum += checksum;
        self.implausible += implausible;
        self.form += refused - parity - checksum - implausible;
        self.unidentified += u64::from(counters.unidentified);
    }

    pub(crate) fn add(&mut self, other: &Self) {
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
            (&mut self.live, other.live),
            (&mut self.wrong_live, other.wrong_live),
            (&mut self.untouched, other.untouched),
            (&mut self.untouched_accepted, other.untouched_accepted),
        ] {
            *sum += count;
        }
    }
}

/// A frame that was sent, and what came of its groups.
pub(crate) struct Sent {
    pub(crate) groups: Vec<Group>,
    pub(crate) untouched: Vec<bool>,
    pub(crate) accepted: Vec<bool>,
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

/// Finds the frame that a sample was made of, and counts its datasets as right or wrong.
pub(crate) fn compare(recent: &mut VecDeque<Sent>, datasets: &[Dataset<'_>], tally: &mut DatasetCounts) {
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

pub(crate) fn settle(sent: Option<Sent>, tally: &mut DatasetCounts) {
    let Some(sent) = sent else { return };
    tally.offered += sent.groups.len() as u64;
    for (untouched, accepted) in sent.untouched.into_iter().zip(sent.accepted) {
        tally.untouched += u64::from(untouched);
        tally.untouched_accepted += u64::from(untouched && accepted);
    }
}

/// Which groups certainly arrive as they were sent: those before the first and after the last byte that differs. Where the LF of a group
/// `needs_end`, because it will be damaged too, the byte before the group must arrive as well.
pub(crate) fn untouched(sent: &[u8], arrives: &[u8], needs_end: bool) -> Vec<bool> {
    let same = |(a, b): &(&u8, &u8)| a == b;
    let head = sent.iter().zip(arrives).take_while(same).count();
    let tail = sent.iter().rev().zip(arrives.iter().rev()).take_while(same).count();
    let tail_from = sent.len() - tail.min(sent.len() - head) + usize::from(needs_end);
    let ends = sent.iter().enumerate().filter(|(_, byte)| **byte & 0x7F == b'\r').map(|(at, _)| at + 1);
    // The first group begins after STX, each of the others where the one before has ended.
    ends.scan(1, |from, end| {
        let start = std::mem::replace(from, end);
        Some(end <= head || start >= tail_from)
    })
    .collect()
}
