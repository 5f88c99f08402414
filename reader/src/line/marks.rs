//! Bytes that the kernel marked: with PARMRK a byte of wrong parity arrives as `FF 00 byte`, a break as `FF 00 00`, a true FF as
//! `FF FF` (termios(3)). Here they become single bytes again, the bad ones with bit 7 set.
//!
//! Seven-bit characters never have bit 7, so the decoder refuses those bytes, counts them, and nothing is dropped in silence.

/// Bit 7: no character of the meter has it once parity is off.
const BAD: u8 = 0x80;
const MARK: u8 = 0xff;

/// Undoes the marks; remembers half a mark between two reads.
#[derive(Debug, Default)]
pub(super) struct Marks {
    seen: Seen,
}

#[derive(Clone, Copy, Debug, Default)]
enum Seen {
    #[default]
    Nothing,
    Mark,
    MarkAndZero,
}

impl Marks {
    /// Undoes the marks in place; returns how many bytes are left.
    pub(super) fn undo(&mut self, bytes: &mut [u8]) -> usize {
        let mut kept = 0;
        for index in 0..bytes.len() {
            if let Some(byte) = self.next(bytes[index]) {
                bytes[kept] = byte;
                kept += 1;
            }
        }
        kept
    }

    fn next(&mut self, byte: u8) -> Option<u8> {
        let (seen, out) = match (self.seen, byte) {
            (Seen::Nothing, MARK) => (Seen::Mark, None),
            (Seen::Nothing, _) => (Seen::Nothing, Some(byte)),
            (Seen::Mark, 0) => (Seen::MarkAndZero, None),
            (Seen::Mark, _) | (Seen::MarkAndZero, _) => (Seen::Nothing, Some(byte | BAD)),
        };
        self.seen = seen;
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_bytes_with_bit_7_however_they_are_cut() {
        let marked = b"A\xff\x00B\xff\xffC\xff\x00\x00D\xff\x00\xff";
        let expected = b"A\xc2\xffC\x80D\xff";
        for cut in 0..=marked.len() {
            let mut marks = Marks::default();
            let mut all = Vec::new();
            for part in [&marked[..cut], &marked[cut..]] {
                let mut part = part.to_vec();
                let kept = marks.undo(&mut part);
                all.extend_from_slice(&part[..kept]);
            }
            assert_eq!(all, expected, "cut at {cut}");
        }
    }
}
