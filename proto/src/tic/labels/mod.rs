//! The label tables, one per mode, in emission order.

mod historic;
mod standard;

pub(super) use historic::HISTORIC;
pub(super) use standard::STANDARD;

use super::{Label, Mode};

/// The places of a mode's labels, sorted by code: what [`Label::find`] searches.
pub(super) const fn order(mode: Mode) -> &'static [u8] {
    match mode {
        Mode::Historic => &HISTORIC_ORDER,
        Mode::Standard => &STANDARD_ORDER,
    }
}

const HISTORIC_ORDER: [u8; HISTORIC.len()] = sorted(HISTORIC);
const STANDARD_ORDER: [u8; STANDARD.len()] = sorted(STANDARD);

const fn sorted<const N: usize>(table: &[Label]) -> [u8; N] {
    let mut order = [0_u8; N];
    let mut next = 0;
    while next < N {
        let mut place = next;
        while place > 0 && less(table[next].code, table[order[place - 1] as usize].code) {
            order[place] = order[place - 1];
            place -= 1;
        }
        order[place] = next as u8;
        next += 1;
    }
    order
}

const fn less(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut place = 0;
    while place < left.len() && place < right.len() {
        if left[place] != right[place] {
            return left[place] < right[place];
        }
        place += 1;
    }
    left.len() < right.len()
}
