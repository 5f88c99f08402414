//! What was heard in a stretch of some seconds: how much of it could be read, how much was refused, and what is likely to be behind it.
//!
//! Noise changes bits both ways, and parity sees it. A weak signal loses the carrier, so bits that should be 1 arrive as 0; labels, which
//! are known texts, tell which (`bits`). Where bytes are missing and those that come are whole, parity has nothing to complain of.

use teleinfo_proto::{tic::Mode, wire::Cause};

use super::bits::{Bits, examine};

/// One refused dataset in so many is worth a word.
const REFUSED_SHARE: u32 = 50;
/// One damaged frame in so many is.
const FRAME_SHARE: u32 = 10;
/// A stretch with so many times less damage is a good one.
const GOOD: u32 = 2;
/// One refused dataset, or frame, is chance.
const CHANCE: u32 = 1;
/// Of fewer bytes nobody can say how many should have been datasets.
const BYTES_TOLD: u32 = 200;
/// So many refusals without one of parity are no noise.
const NO_NOISE: u32 = 4;
/// So many bits are lost where fewer than a quarter as many are gained: a weak signal.
const LOST: u32 = 4;
const LOST_TO_GAINED: u32 = 4;
/// Bytes that are kept for a look at their labels: about one slot of the fast mode.
const SAMPLE: usize = 4096;

/// Counts of one stretch, or of several together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    /// Bytes that arrived, and those among them that made up datasets which were taken.
    pub(super) bytes: u32,
    pub(super) read: u32,
    /// Datasets taken and refused, and those refused for their parity.
    pub(super) good: u32,
    pub(super) refused: u32,
    pub(super) parity: u32,
    /// Frames, and those that were damaged or lack their end.
    pub(super) frames: u32,
    pub(super) bad_frames: u32,
    /// Datasets and frames that were taken although the LF or the STX in front of them was damaged.
    pub(super) line_feeds: u32,
    pub(super) frame_starts: u32,
    /// Bits of labels that came as 0 instead of 1, and the other way round.
    pub(super) lost: u32,
    pub(super) gained: u32,
}

impl Evidence {
    /// Both together.
    pub(super) fn with(self, other: Self) -> Self {
        Self {
            bytes: self.bytes + other.bytes,
            read: self.read + other.read,
            good: self.good + other.good,
            refused: self.refused + other.refused,
            parity: self.parity + other.parity,
            frames: self.frames + other.frames,
            bad_frames: self.bad_frames + other.bad_frames,
            line_feeds: self.line_feeds + other.line_feeds,
            frame_starts: self.frame_starts + other.frame_starts,
            lost: self.lost + other.lost,
            gained: self.gained + other.gained,
        }
    }

    /// So much is damaged, more than by chance, that somebody should know.
    pub(super) fn is_bad(&self) -> bool {
        self.is_over(1) && (self.refused > CHANCE || self.bad_frames > CHANCE || self.is_unread())
    }

    /// So little is damaged that trouble is over.
    pub(super) fn is_good(&self) -> bool {
        self.frames > 0 && !self.is_over(GOOD) && !self.damages_controls()
    }

    /// Something was damaged, be it by chance.
    pub(super) fn is_touched(&self) -> bool {
        self.refused + self.bad_frames + self.line_feeds + self.frame_starts > 0 || self.is_unread()
    }

    /// Most bytes became nothing.
    pub(super) fn is_unread(&self) -> bool {
        self.bytes > BYTES_TOLD && self.read * 2 < self.bytes
    }

    fn is_over(&self, factor: u32) -> bool {
        self.refused * REFUSED_SHARE * factor > self.good + self.refused
            || self.bad_frames * FRAME_SHARE * factor > self.frames
            || self.is_unread()
    }

    /// LF or STX came damaged so often that it is worth a word, though nothing was lost by it.
    pub(super) fn damages_controls(&self) -> bool {
        self.line_feeds * REFUSED_SHARE > self.good || self.frame_starts * FRAME_SHARE > self.frames
    }

    /// What is likely behind the damage. `is_parity_checked`: what arrives with wrong parity is refused for it.
    pub(super) fn kind_of_damage(&self, is_parity_checked: bool) -> Cause {
        if is_parity_checked && self.parity == 0 && self.refused + self.bad_frames >= NO_NOISE {
            Cause::BytesMissing
        } else if self.loses_bits() {
            Cause::WeakSignal
        } else {
            Cause::Noise
        }
    }

    /// What is likely behind a line on which nothing verifies, after a look at its labels.
    pub(super) fn kind_of_garbage(&self) -> Cause {
        match self.lost + self.gained {
            0 => Cause::NotTic,
            _ if self.loses_bits() => Cause::WeakSignal,
            _ => Cause::Noise,
        }
    }

    fn loses_bits(&self) -> bool {
        self.lost >= LOST && self.lost > self.gained * LOST_TO_GAINED
    }
}

/// The first bytes of a stretch as they came, all at one speed.
#[derive(Debug)]
pub(super) struct ByteSample {
    bytes: Vec<u8>,
    speed: Option<Mode>,
}

impl ByteSample {
    /// Nothing yet; nothing is allocated later.
    pub(super) fn new() -> Self {
        Self { bytes: Vec::with_capacity(SAMPLE), speed: None }
    }

    /// Bytes that were read at this speed.
    pub(super) fn handle_bytes(&mut self, bytes: &[u8], speed: Mode) {
        if self.speed.replace(speed) != Some(speed) {
            self.bytes.clear();
        }
        let room = SAMPLE - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// What the labels in it tell, if there are labels.
    pub(super) fn examine(&self) -> Option<Bits> {
        Some(examine(&self.bytes)).filter(Bits::has_labels)
    }

    /// Another stretch begins.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Evidence = Evidence {
        bytes: 4_000,
        read: 4_000,
        good: 190,
        refused: 0,
        parity: 0,
        frames: 5,
        bad_frames: 0,
        line_feeds: 0,
        frame_starts: 0,
        lost: 0,
        gained: 0,
    };

    #[test]
    fn one_bad_dataset_is_no_trouble_and_one_in_fifty_is() {
        assert!(!NOTHING.is_bad() && NOTHING.is_good());
        let chance = Evidence { refused: 1, bad_frames: 1, ..NOTHING };
        assert!(!chance.is_bad() && !chance.is_good());
        assert!(Evidence { refused: 5, bad_frames: 1, ..NOTHING }.is_bad());
        assert!(Evidence { refused: 2, bad_frames: 2, ..NOTHING }.is_bad(), "each frame counts, however many datasets it has");
        assert!(Evidence { read: 1_000, ..NOTHING }.is_bad(), "nobody refused it, and nobody read it");
    }

    #[test]
    fn damage_is_told_apart() {
        let bad = Evidence { refused: 20, bad_frames: 5, ..NOTHING };
        assert_eq!(bad.kind_of_damage(true), Cause::BytesMissing);
        assert_eq!(bad.kind_of_damage(false), Cause::Noise, "nobody has looked at parity");
        assert_eq!(Evidence { parity: 9, lost: 3, gained: 3, ..bad }.kind_of_damage(true), Cause::Noise);
        assert_eq!(Evidence { parity: 9, lost: 30, gained: 3, ..bad }.kind_of_damage(true), Cause::WeakSignal);
    }
}
