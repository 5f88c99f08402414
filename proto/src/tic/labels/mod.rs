//! The label tables, one per mode, in the order in which meters send them, and how a label is looked up.

mod historic;
mod standard;

use historic::HISTORIC;
use standard::STANDARD;

use super::{Label, Mode, Role, spec::LABEL_WIDTH_MAX};

impl Label {
    /// All labels of a mode, in the order in which a meter sends them.
    #[must_use]
    pub const fn all(mode: Mode) -> &'static [Self] {
        match mode {
            Mode::Historic => HISTORIC,
            Mode::Standard => STANDARD,
        }
    }

    /// The line of a label, if it is known.
    #[must_use]
    pub fn find(mode: Mode, code: &str) -> Option<&'static Self> {
        let (index, key) = (index(mode), key(code.as_bytes()));
        let place = index.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        Self::all(mode).get(usize::from(index[place].1))
    }

    /// The labels of a mode that have this role, in the order in which a meter sends them.
    pub fn with_role(mode: Mode, role: Role) -> impl Iterator<Item = &'static Self> {
        Self::all(mode).iter().filter(move |label| label.role == Some(role))
    }
}

/// A label as a number, so that a look-up compares numbers: the decoder makes one for each dataset. 0 is no label.
const fn key(code: &[u8]) -> u128 {
    if code.len() > LABEL_WIDTH_MAX {
        return 0;
    }
    let mut key = 0;
    let mut place = 0;
    while place < code.len() {
        key = key << 8 | code[place] as u128;
        place += 1;
    }
    key
}

/// The places of a mode's labels, sorted by key: what [`Label::find`] searches.
const fn index(mode: Mode) -> &'static [(u128, u8)] {
    match mode {
        Mode::Historic => &HISTORIC_INDEX,
        Mode::Standard => &STANDARD_INDEX,
    }
}

static HISTORIC_INDEX: [(u128, u8); HISTORIC.len()] = sorted(HISTORIC);
static STANDARD_INDEX: [(u128, u8); STANDARD.len()] = sorted(STANDARD);

const fn sorted<const N: usize>(table: &[Label]) -> [(u128, u8); N] {
    let mut index = [(0, 0); N];
    let mut next = 0;
    while next < N {
        let key = key(table[next].code.as_bytes());
        let mut place = next;
        while place > 0 && key < index[place - 1].0 {
            index[place] = index[place - 1];
            place -= 1;
        }
        index[place] = (key, next as u8);
        next += 1;
    }
    index
}
