//! Bytes of the line to events: the decoder, read as the detector says.
//!
//! Bytes whose parity cannot be judged yet are held back, not guessed at, so that nothing of a line's first second is lost or counted as
//! damaged. Silence ends a frame in progress.

use std::time::{Duration, Instant};

use teleinfo_proto::tic::{Decoder, Event, Mode, Parity};

use crate::{
    config::file::ParityChoice,
    reading::detect::{Detector, JUDGED, Trial},
};

/// A meter pauses for 33 ms at most (54E §5.3.6); EOT or a cut lasts longer. Slow adapters deliver in bursts.
const SILENCE: Duration = Duration::from_secs(1);

/// The receiving end of a line. Has no device: bytes are handed in.
pub struct Receiver {
    detector: Detector,
    decoder: Decoder,
    parity: Parity,
    held: Vec<u8>,
    last_byte: Option<Instant>,
}

impl Receiver {
    /// A receiver that begins to search, within what is wished for.
    pub fn new(speed: Option<Mode>, parity: ParityChoice, now: Instant) -> Self {
        let detector = Detector::new(speed, parity, now);
        let parity = detector.trial().parity();
        Self { decoder: Decoder::new(parity), parity, detector, held: Vec::with_capacity(JUDGED as usize), last_byte: None }
    }

    /// How the line is to be set.
    pub fn trial(&self) -> Trial {
        self.detector.trial()
    }

    /// The mode, while datasets verify.
    pub fn mode(&self) -> Option<Mode> {
        self.detector.mode()
    }

    /// The line has been opened again.
    pub fn restart(&mut self, now: Instant) {
        self.held.clear();
        self.detector.restart(now);
    }

    /// The line did not take all settings of the trial.
    pub fn handle_setting_refused(&mut self, now: Instant) {
        self.detector.handle_setting_refused(now);
    }

    /// Bytes have arrived; `sink` gets what they amount to.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Instant, sink: &mut dyn FnMut(Event<'_>)) {
        self.last_byte = Some(now);
        self.detector.handle_bytes(bytes, now);
        if self.detector.is_judging() {
            self.held.extend_from_slice(bytes);
        } else {
            self.release(sink);
            self.decode(bytes, sink);
        }
    }

    /// When [`Receiver::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let silence = self.last_byte.map(|at| at + SILENCE);
        silence.into_iter().chain(self.detector.poll_timeout()).min()
    }

    /// Time has passed: another trial, or the end of a frame by silence.
    pub fn handle_timeout(&mut self, now: Instant, sink: &mut dyn FnMut(Event<'_>)) {
        self.detector.handle_timeout(now);
        if !self.detector.is_judging() {
            self.release(sink);
        }
        if self.last_byte.is_some_and(|at| now >= at + SILENCE) {
            self.last_byte = None;
            self.end_frame(sink);
        }
    }

    /// The line has gone: what was in progress is over.
    pub fn end_frame(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        if let Some(event) = self.decoder.flush() {
            sink(event);
        }
    }

    /// Decodes what was held back, and follows the detector's judgement on parity.
    fn release(&mut self, sink: &mut dyn FnMut(Event<'_>)) {
        let parity = self.detector.trial().parity();
        if parity != self.parity {
            self.end_frame(sink);
            self.parity = parity;
            self.decoder = Decoder::new(parity);
        }
        let mut held = std::mem::take(&mut self.held);
        self.decode(&held, sink);
        held.clear();
        self.held = held;
    }

    fn decode(&mut self, mut bytes: &[u8], sink: &mut dyn FnMut(Event<'_>)) {
        while let Some(event) = self.decoder.next_event(&mut bytes) {
            if let Event::Dataset(dataset) = &event {
                self.detector.handle_dataset(dataset.mode(), dataset.info().is_some());
            }
            sink(event);
        }
    }
}
