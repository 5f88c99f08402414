//! Captures as sources: files cut into bursts at their frames, each at the speed of its mode.
//!
//! The speed is found from the bytes: a standard frame has tabs, a historic one has none. A file in which
//! every byte has even parity was recorded with eight data bits: the parity is taken off, and comes back by
//! [`crate::line::source::EvenParity`]. In other files a byte with bit 7 set was wrong, and stays wrong.

use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::line::source::{Burst, Source};
use std::path::Path;
use std::time::Duration;
use teleinfo_proto::tic::{Decoder, Event, Mode, Parity};

const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const EOT: u8 = 0x04;
const HT: u8 = 0x09;
/// Between the two bounds of 54E §5.3.6.
const SILENCE: Duration = Duration::from_millis(25);

/// Recorded bursts, played once or for ever.
#[derive(Debug)]
pub struct Replay {
    bursts: Vec<Burst>,
    next: usize,
    again: bool,
}

impl Replay {
    /// Reads captures, to be played one after the other, again and again if wanted.
    ///
    /// # Errors
    /// When a file cannot be read, or there is not a single byte.
    pub fn open(files: &[impl AsRef<Path>], again: bool) -> Outcome<Self> {
        let mut bursts = Vec::new();
        for file in files.iter().map(AsRef::as_ref) {
            let bytes = std::fs::read(file).or_fail(Code::NoInput, || format!("cannot read {}", file.display()))?;
            bursts.extend(cut(&bytes));
        }
        if bursts.is_empty() {
            return Err(Failure::new(Code::Data, "nothing to replay: no byte in these files"));
        }
        Ok(Self { bursts, next: 0, again })
    }

    /// The bursts of one pass.
    #[must_use]
    pub fn bursts(&self) -> &[Burst] {
        &self.bursts
    }
}

impl Source for Replay {
    fn next_burst(&mut self) -> Option<Burst> {
        if self.again && self.next == self.bursts.len() {
            self.next = 0;
        }
        let burst = self.bursts.get(self.next)?;
        self.next += 1;
        Some(burst.clone())
    }
}

/// Whether every byte has even parity, and some need bit 7 for it.
#[must_use]
pub fn carries_parity(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| byte.count_ones() % 2 == 0) && bytes.iter().any(|byte| byte & 0x80 != 0)
}

fn cut(bytes: &[u8]) -> Vec<Burst> {
    let mask = if carries_parity(bytes) { 0x7F } else { 0xFF };
    let bytes: Vec<u8> = bytes.iter().map(|byte| byte & mask).collect();
    let pieces = pieces(&bytes);
    let mut mode = pieces.iter().find_map(|piece| mode_of(piece)).unwrap_or(Mode::Historic);
    let burst = |piece: &[u8]| {
        mode = mode_of(piece).unwrap_or(mode);
        let silence = if ends(piece) { SILENCE } else { Duration::ZERO };
        Burst::new(piece.to_vec(), mode.baud(), silence)
    };
    pieces.into_iter().map(burst).collect()
}

/// From STX, or from after the last end, to ETX or EOT, or to before the next STX.
fn pieces(bytes: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for at in 1..=bytes.len() {
        if at == bytes.len() || bytes[at] == STX || ends(&bytes[from..at]) {
            pieces.push(&bytes[from..at]);
            from = at;
        }
    }
    pieces
}

fn ends(piece: &[u8]) -> bool {
    matches!(piece.last(), Some(&(ETX | EOT)))
}

fn mode_of(piece: &[u8]) -> Option<Mode> {
    let mut decoder = Decoder::new(Parity::Stripped);
    let mut input = piece;
    while let Some(event) = decoder.next_event(&mut input) {
        if let Event::Dataset(dataset) = event {
            return Some(dataset.mode());
        }
    }
    piece.contains(&HT).then_some(Mode::Standard)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::source::EvenParity;

    const HISTORIC: &[u8] = b"\x02\nPAPP 00540 *\r\nPTEC TH.. $\r\x03";
    const STANDARD: &[u8] = b"\x02\nVTIC\t02\tJ\r\x03";

    fn bytes(bursts: &[Burst]) -> Vec<u8> {
        bursts.iter().flat_map(|burst| burst.bytes.clone()).collect()
    }

    #[test]
    fn nothing_is_lost_in_the_cutting() {
        let stream = [&HISTORIC[9..], HISTORIC, STANDARD, &STANDARD[..9], STANDARD, &HISTORIC[..20]].concat();
        let bursts = cut(&stream);
        assert_eq!(bytes(&bursts), stream);
        let bauds: Vec<u32> = bursts.iter().map(|burst| burst.baud).collect();
        assert_eq!(bauds, [1200, 1200, 9600, 9600, 9600, 1200]);
        assert_eq!(bursts[3].silence, Duration::ZERO);
        assert_eq!(bursts[1].silence, SILENCE);
    }

    #[test]
    fn parity_in_the_file_is_understood() {
        let mut with_parity = HISTORIC.to_vec();
        teleinfo_proto::tic::encode::even_parity(&mut with_parity);
        assert!(carries_parity(&with_parity) && !carries_parity(HISTORIC));
        assert_eq!(bytes(&cut(&with_parity)), HISTORIC);
        let replay = Replay { bursts: cut(&with_parity), next: 0, again: false };
        assert_eq!(EvenParity(replay).next_burst().unwrap().bytes, with_parity);
    }

    #[test]
    fn a_loop_begins_again() {
        let mut replay = Replay { bursts: cut(STANDARD), next: 0, again: true };
        for _ in 0..5 {
            assert_eq!(replay.next_burst().unwrap().bytes, STANDARD);
        }
        replay.again = false;
        assert!(replay.next_burst().is_none());
    }

    #[test]
    fn a_missing_file_is_named() {
        let failure = Replay::open(&["/nowhere.tic"], false).unwrap_err();
        assert_eq!(failure.code(), Code::NoInput);
        assert!(failure.to_string().contains("/nowhere.tic"));
    }
}
