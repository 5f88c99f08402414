//! Bytes of the line to events: the decoder, read as the detector says.
//!
//! Bytes whose parity cannot be judged yet are held back, not guessed at, so that nothing of a line's first second is lost or counted as
//! damaged. Silence ends a frame in progress.

use std::{
    mem,
    time::{Duration, Instant},
};

use teleinfo_proto::tic::{Decoder, Event, FrameEnd, Mode, Parity};

use super::detect::{Detector, JUDGED, ParityChoice, Trial};

/// A meter pauses for 33 ms at most (54E §5.3.6); EOT or a cut lasts longer. Slow adapters deliver in bursts.
const SILENCE: Duration = Duration::from_secs(1);
/// Room for the bytes of one read and those that wait for a judgement, so that nothing is allocated later.
const HELD_BYTES: usize = 1024 + JUDGED as usize;

/// The receiving end of a line. It has no device: bytes are handed in.
pub(super) struct Receiver {
    detector: Detector,
    decoder: Decoder,
    parity: Parity,
    /// Bytes from the line. Those before `decoded` have been decoded.
    held: Vec<u8>,
    decoded: usize,
    last_byte: Option<Instant>,
    /// The frame in progress was cut off, and its end has not been reported yet.
    is_cut: bool,
}

impl Receiver {
    /// A receiver that begins to search for what is not given.
    pub(super) fn new(speed: Option<Mode>, parity: ParityChoice, now: Instant) -> Self {
        let detector = Detector::new(speed, parity, now);
        let parity = detector.trial().parity();
        let held = Vec::with_capacity(HELD_BYTES);
        Self { decoder: Decoder::new(parity), parity, detector, held, decoded: 0, last_byte: None, is_cut: false }
    }

    /// How the line is to be set.
    pub(super) fn trial(&self) -> Trial {
        self.detector.trial()
    }

    /// The mode, while datasets verify.
    pub(super) fn mode(&self) -> Option<Mode> {
        self.detector.mode()
    }

    /// The line has been opened again.
    pub(super) fn handle_opened(&mut self, now: Instant) {
        self.detector.handle_opened(now);
    }

    /// The line has gone: what was in progress is over, and what could not be judged is worth nothing.
    pub(super) fn handle_lost(&mut self) {
        self.held.clear();
        self.decoded = 0;
        self.is_cut = true;
    }

    /// The line did not take all settings of the trial.
    pub(super) fn handle_setting_refused(&mut self, now: Instant) {
        self.detector.handle_setting_refused(now);
    }

    /// Bytes have arrived.
    pub(super) fn handle_bytes(&mut self, bytes: &[u8], now: Instant) {
        self.last_byte = Some(now);
        self.detector.handle_bytes(bytes, now);
        self.held.drain(..mem::take(&mut self.decoded));
        self.held.extend_from_slice(bytes);
    }

    /// What has come of the dataset in progress, if any has; nothing while there are bytes that are not decoded.
    pub(super) fn in_progress(&self) -> Option<Option<&[u8]>> {
        (self.is_decoded() && !self.detector.is_judging()).then(|| self.decoder.in_progress())
    }

    /// What the bytes amount to, one event after the other.
    pub(super) fn poll_event(&mut self) -> Option<Event<'_>> {
        if !self.detector.is_judging() {
            if let Some(end) = self.follow_parity() {
                return Some(Event::FrameEnd(end));
            }
            if !self.is_decoded() {
                return self.decode();
            }
        }
        if mem::take(&mut self.is_cut) { self.decoder.flush().map(Event::FrameEnd) } else { None }
    }

    /// When [`Receiver::handle_timeout`] is due.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let silence = self.last_byte.filter(|_| self.is_decoded()).map(|at| at + SILENCE);
        silence.into_iter().chain(self.detector.poll_timeout()).min()
    }

    /// Time has passed: another trial, or the end of a frame by silence. Everything that came before has to be polled first.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.detector.handle_timeout(now);
        if self.is_decoded() && self.last_byte.is_some_and(|at| now >= at + SILENCE) {
            self.last_byte = None;
            self.is_cut = true;
        }
    }

    fn is_decoded(&self) -> bool {
        self.decoded == self.held.len()
    }

    /// Changes the decoder when the detector has judged anew; gives the frame that this has ended.
    fn follow_parity(&mut self) -> Option<FrameEnd> {
        let parity = self.detector.trial().parity();
        if parity == self.parity {
            return None;
        }
        self.parity = parity;
        let ended = self.decoder.flush();
        self.decoder = Decoder::new(parity);
        ended
    }

    fn decode(&mut self) -> Option<Event<'_>> {
        let mut rest = &self.held[self.decoded..];
        let event = self.decoder.next_event(&mut rest);
        self.decoded = self.held.len() - rest.len();
        if let Some(Event::Dataset(dataset)) = &event {
            self.detector.handle_dataset(dataset.mode(), dataset.info().is_some());
        }
        event
    }
}
