//! Which bits of the characters are lost on the way: labels are known texts, so a damaged one tells.
//!
//! Each LF may begin a dataset. Its label is compared with every label there is; the closest counts, if it is close: whole columns of bits
//! may be missing, for that is what is looked for here, but ones where zeros should be speak of something else. Bytes that are no TIC at
//! all match nothing.

use teleinfo_proto::tic::{
    Label, Mode,
    spec::{LABEL_WIDTH_MAX, LF},
};

/// Bits of a character that carry something.
pub(crate) const BITS: usize = 7;
/// A label matches when its characters lose no more than two bits each; a bit too many counts double.
const COST_PER_CHARACTER: u32 = 2;
/// The part of a separator that still tells it when the high bits are lost.
const LOW: u8 = 0x0f;
/// A column of bits is faulty when more than one in so many is wrong.
const FAULTY: u32 = 5;
/// Labels that a judgement takes.
const ENOUGH: u32 = 8;

/// What became of one column of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Column {
    ones: u32,
    lost: u32,
    zeros: u32,
    gained: u32,
}

/// What the labels tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bits {
    /// Places where a label should be.
    places: u32,
    /// Labels there.
    labels: u32,
    columns: [Column; BITS],
}

/// What is wrong with the characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// No column of bits stands out.
    None,
    /// These bits (0 to 6) arrive as 0 so often, in %.
    Lost(Vec<usize>, u32),
    /// These bits arrive as 1 so often, in %.
    Gained(Vec<usize>, u32),
    /// There is nothing like a label in the bytes.
    NoLabels,
}

/// Looks at bytes as they came off the line; bit 7 does not count.
pub(crate) fn examine(bytes: &[u8]) -> Bits {
    let mut bits = Bits::default();
    for (at, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte & 0x7f == LF) {
        let rest = &bytes[at + 1..];
        if rest.len() > LABEL_WIDTH_MAX {
            bits.places += 1;
            if let Some((mode, label)) = closest(rest) {
                bits.labels += 1;
                bits.compare(label.code.bytes().chain([mode.separator()]), rest);
            }
        }
    }
    bits
}

fn closest(bytes: &[u8]) -> Option<(Mode, &'static Label)> {
    let all = Mode::ALL.iter().flat_map(|mode| Label::all(*mode).iter().map(move |label| (*mode, label)));
    let costs = all.filter_map(|(mode, label)| Some((cost(mode, label, bytes)?, mode, label)));
    costs.min_by_key(|(cost, ..)| *cost).map(|(_, mode, label)| (mode, label))
}

/// How much has to be wrong for these bytes to be this label; none if it is too much.
fn cost(mode: Mode, label: &Label, bytes: &[u8]) -> Option<u32> {
    let code = label.code.as_bytes();
    if (bytes.get(code.len())? ^ mode.separator()) & LOW != 0 {
        return None;
    }
    let pairs = code.iter().zip(bytes);
    let cost = pairs.map(|(is, came)| (is & !came).count_ones() + 2 * (came & 0x7f & !is).count_ones()).sum();
    (cost <= COST_PER_CHARACTER * code.len() as u32).then_some(cost)
}

impl Bits {
    fn compare(&mut self, known: impl Iterator<Item = u8>, bytes: &[u8]) {
        for (is, came) in known.zip(bytes) {
            for (bit, column) in self.columns.iter_mut().enumerate() {
                match (is >> bit & 1, came >> bit & 1) {
                    (1, came) => {
                        column.ones += 1;
                        column.lost += u32::from(came == 0);
                    }
                    (_, came) => {
                        column.zeros += 1;
                        column.gained += u32::from(came == 1);
                    }
                }
            }
        }
    }

    /// Whether there are labels in it, or something close to them.
    pub(super) const fn has_labels(&self) -> bool {
        self.labels >= ENOUGH && self.labels * 2 >= self.places
    }

    /// Bits that came as 0 instead of 1, and as 1 instead of 0.
    pub(super) fn wrong(&self) -> (u32, u32) {
        self.columns.iter().fold((0, 0), |(lost, gained), column| (lost + column.lost, gained + column.gained))
    }

    /// What stands out.
    pub(crate) fn damage(&self) -> Damage {
        if !self.has_labels() {
            return Damage::NoLabels;
        }
        let lost = self.faulty(|column| (column.lost, column.ones));
        let gained = self.faulty(|column| (column.gained, column.zeros));
        match (lost, gained) {
            (Some((bits, share)), _) => Damage::Lost(bits, share),
            (None, Some((bits, share))) => Damage::Gained(bits, share),
            (None, None) => Damage::None,
        }
    }

    /// The faulty columns, and their share of wrong bits in %.
    fn faulty(&self, counts: impl Fn(&Column) -> (u32, u32)) -> Option<(Vec<usize>, u32)> {
        let is_faulty = |column: &Column| {
            let (wrong, all) = counts(column);
            wrong * FAULTY > all
        };
        let columns: Vec<usize> = (0..BITS).filter(|bit| is_faulty(&self.columns[*bit])).collect();
        let (wrong, all) = columns.iter().map(|bit| counts(&self.columns[*bit])).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        (all > 0).then(|| (columns, wrong * 100 / all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMES: [&[u8]; 3] = [
        include_bytes!("../../../proto/tests/frames/syn-std-base-mono.tic"),
        include_bytes!("../../../proto/tests/frames/syn-hist-tempo-mono.tic"),
        include_bytes!("../../../proto/tests/frames/syn-hist-tri-long.tic"),
    ];

    fn damage(frame: &[u8], change: impl Fn(usize, u8) -> u8) -> Damage {
        examine(&frame.iter().enumerate().map(|(index, byte)| change(index, *byte)).collect::<Vec<_>>()).damage()
    }

    #[test]
    fn each_lost_or_stuck_bit_is_named() {
        for frame in FRAMES {
            assert_eq!(damage(frame, |_, byte| byte), Damage::None);
            assert_eq!(damage(frame, |_, byte| byte & !0x10), Damage::Lost(vec![4], 100));
            assert_eq!(damage(frame, |_, byte| byte & !0x70), Damage::Lost(vec![4, 5, 6], 100));
            assert_eq!(damage(frame, |_, byte| byte & !0x04), Damage::Lost(vec![2], 100));
            let Damage::Gained(bits, _) = damage(frame, |_, byte| if byte > 0x20 { byte | 0x20 } else { byte }) else { panic!() };
            assert_eq!(bits, [5]);
        }
    }

    #[test]
    fn bits_lost_now_and_then_are_told_with_their_share() {
        let Damage::Lost(bits, share) = damage(FRAMES[0], |index, byte| if index % 3 != 0 { byte & !0x30 } else { byte }) else {
            panic!("the lost bits were not found");
        };
        assert_eq!(bits, [4, 5]);
        assert!((50..=80).contains(&share), "{share} %");
    }

    #[test]
    fn noise_has_no_pattern_and_garbage_no_labels() {
        let noisy = |index: usize, byte: u8| if index % 20 == 7 { byte ^ 1 << (index / 20 % 7) } else { byte };
        assert_eq!(damage(FRAMES[0], noisy), Damage::None);
        let garbage = |index: usize, _| (index as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0];
        assert_eq!(damage(FRAMES[0], garbage), Damage::NoLabels);
        assert_eq!(examine(&[]).damage(), Damage::NoLabels);
    }
}
