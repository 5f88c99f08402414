//! The one walk over the bytes of a dataset: what its checks want to know of single bytes is gathered while they are collected.

use super::spec::{CHARACTER_MAX, CHARACTER_MIN, CR, EOT, ETX, HT, LF, STX};

/// What the bytes of a dataset amount to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Walk {
    /// Their sum, for the checksum, which keeps six bits of it.
    pub(super) sum: u8,
    /// How many are HT.
    pub(super) tabs: u8,
    /// Whether there is one that neither a label nor data nor a separator can be.
    pub(super) is_odd: bool,
}

impl Walk {
    /// Over bytes that are there already.
    pub(super) fn over(bytes: &[u8]) -> Self {
        let mut walk = Self::default();
        bytes.iter().for_each(|byte| walk.take(*byte));
        walk
    }

    /// Copies the bytes of a dataset from `input` to `room`, each through the table `clean`, up to what ends the dataset or to the end of
    /// either. Returns how many there are, and what ended the dataset.
    pub(super) fn collect(&mut self, input: &[u8], clean: &[u8; 256], room: &mut [u8]) -> (usize, Option<u8>) {
        let mut walk = *self;
        let (mut taken, mut end) = (0, None);
        for (raw, place) in input.iter().zip(room) {
            let byte = clean[usize::from(*raw)];
            if ends_a_dataset(byte) {
                end = Some(byte);
                break;
            }
            walk.take(byte);
            *place = byte;
            taken += 1;
        }
        *self = walk;
        (taken, end)
    }

    fn take(&mut self, byte: u8) {
        self.sum = self.sum.wrapping_add(byte);
        self.tabs = self.tabs.wrapping_add(u8::from(byte == HT));
        self.is_odd |= !is_character(byte) & (byte != HT);
    }
}

/// Whether a label or data may hold it.
pub(super) const fn is_character(byte: u8) -> bool {
    matches!(byte, CHARACTER_MIN..=CHARACTER_MAX)
}

/// CR should; the others begin something else, or end the frame. The first comparison is for speed: most bytes are above CR.
pub(super) const fn ends_a_dataset(byte: u8) -> bool {
    byte <= CR && matches!(byte, STX | ETX | EOT | LF | CR)
}
