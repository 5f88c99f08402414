//! The label tables, one per mode, in the order in which meters send them, and how a label is looked up.

mod historic;
mod others;
mod standard;

use historic::HISTORIC;
use others::OTHERS;
use standard::STANDARD;

use super::{
    Label, Mode, Role,
    spec::{LABEL_WIDTH_MAX, SP},
    walk::short_word,
};

impl Label {
    /// All labels of a household's meter in a mode, in the order in which it sends them.
    #[must_use]
    pub const fn all(mode: Mode) -> &'static [Self] {
        index(mode).labels.split_at(index(mode).own).0
    }

    /// The labels of meters that are no household's; they speak like the historic mode.
    #[must_use]
    pub const fn others() -> &'static [Self] {
        let historic = index(Mode::Historic);
        historic.labels.split_at(historic.own).1
    }

    /// The line of a label, if it is known.
    #[must_use]
    pub fn find(mode: Mode, code: &str) -> Option<&'static Self> {
        Self::find_bytes(mode, code.as_bytes())
    }

    /// The same, of a label that is given as bytes.
    pub(super) fn find_bytes(mode: Mode, code: &[u8]) -> Option<&'static Self> {
        Self::find_key(mode, key(code)?)
    }

    fn find_key(mode: Mode, key: u128) -> Option<&'static Self> {
        index(mode).find(key)
    }

    /// The label with which a dataset begins: its length, and its line if it is known.
    #[inline(always)]
    pub(super) fn find_first(mode: Mode, dataset: &[u8]) -> (usize, Option<&'static Self>) {
        if let Some((word, length)) = short_word(dataset) {
            return (length, Self::find_key(mode, word.into()));
        }
        Self::find_long(mode, dataset)
    }

    /// The same of a label that is no short word.
    #[inline(never)]
    fn find_long(mode: Mode, dataset: &[u8]) -> (usize, Option<&'static Self>) {
        let length = dataset.iter().take_while(|byte| **byte > SP).count();
        (length, Self::find_bytes(mode, &dataset[..length]))
    }

    /// The labels of a mode that have this role, in the order in which a meter sends them; those of other meters last.
    pub fn with_role(mode: Mode, role: Role) -> impl Iterator<Item = &'static Self> {
        index(mode).labels.iter().filter(move |label| label.role == Some(role))
    }
}

/// Bytes of a key. A label is shorter.
const KEY_BYTES: usize = 16;
/// Slots of an index: more than twice the labels of a mode, so that a look-up seldom meets another label.
const SLOTS: usize = 256;
/// A slot without a label.
const EMPTY: u8 = u8::MAX;

const _: () = assert!(LABEL_WIDTH_MAX < KEY_BYTES && STANDARD.len() < SLOTS / 2 && HISTORIC.len() + OTHERS.len() < SLOTS / 2);

/// A label as a number, so that a look-up compares numbers: the decoder makes one for each dataset.
fn key(code: &[u8]) -> Option<u128> {
    let half = |bytes: &[u8]| bytes.iter().rev().fold(0_u64, |half, byte| half << 8 | u64::from(*byte));
    let (low, high) = code.split_at_checked(KEY_BYTES / 2).unwrap_or((code, &[]));
    (code.len() <= KEY_BYTES).then(|| u128::from(half(high)) << 64 | u128::from(half(low)))
}

/// The same for a table, when the program is compiled.
const fn key_of(label: &Label) -> u128 {
    let (code, mut bytes) = (label.code.as_bytes(), [0; KEY_BYTES]);
    let mut place = 0;
    while place < code.len() {
        bytes[place] = code[place];
        place += 1;
    }
    u128::from_le_bytes(bytes)
}

/// The first slot in which a key may be. The factor is the golden ratio, which spreads numbers well (Knuth, volume 3, section 6.4).
const fn slot_of(key: u128) -> usize {
    let folded = key as u64 ^ (key >> 64) as u64;
    (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as usize
}

/// The labels that are found in a mode, and where each stands. There is one of each, so that a label is known by its address.
struct Index {
    labels: &'static [Label],
    /// How many are a household's; the others stand behind them.
    own: usize,
    keys: &'static [u128],
    /// Places in `labels` and `keys`, at or behind the slot of their key.
    slots: [u8; SLOTS],
}

impl Index {
    const fn new(labels: &'static [Label], own: usize, keys: &'static [u128]) -> Self {
        let mut slots = [EMPTY; SLOTS];
        let mut place = 0;
        while place < keys.len() {
            let mut slot = slot_of(keys[place]);
            while slots[slot] != EMPTY {
                slot = (slot + 1) % SLOTS;
            }
            slots[slot] = place as u8;
            place += 1;
        }
        Self { labels, own, keys, slots }
    }

    fn find(&self, key: u128) -> Option<&'static Label> {
        let mut slot = slot_of(key);
        loop {
            let place = usize::from(self.slots[slot]);
            // An empty slot is behind the end of the keys.
            if *self.keys.get(place)? == key {
                return self.labels.get(place);
            }
            slot = (slot + 1) % SLOTS;
        }
    }
}

const fn index(mode: Mode) -> &'static Index {
    match mode {
        Mode::Historic => &HISTORIC_INDEX,
        Mode::Standard => &STANDARD_INDEX,
    }
}

static HISTORIC_LABELS: [Label; HISTORIC.len() + OTHERS.len()] = joined(HISTORIC, OTHERS);
static HISTORIC_KEYS: [u128; HISTORIC_LABELS.len()] = keys(&HISTORIC_LABELS);
static HISTORIC_INDEX: Index = Index::new(&HISTORIC_LABELS, HISTORIC.len(), &HISTORIC_KEYS);
static STANDARD_LABELS: [Label; STANDARD.len()] = joined(STANDARD, &[]);
static STANDARD_KEYS: [u128; STANDARD_LABELS.len()] = keys(&STANDARD_LABELS);
static STANDARD_INDEX: Index = Index::new(&STANDARD_LABELS, STANDARD.len(), &STANDARD_KEYS);

/// Two tables, one behind the other.
const fn joined<const N: usize>(table: &[Label], others: &[Label]) -> [Label; N] {
    let mut labels = [table[0]; N];
    let mut place = 0;
    while place < N {
        labels[place] = if place < table.len() { table[place] } else { others[place - table.len()] };
        place += 1;
    }
    labels
}

const fn keys<const N: usize>(labels: &[Label; N]) -> [u128; N] {
    let mut keys = [0; N];
    let mut place = 0;
    while place < N {
        keys[place] = key_of(&labels[place]);
        place += 1;
    }
    keys
}
