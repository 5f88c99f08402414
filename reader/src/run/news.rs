//! What is new about the line: a sentence for the log when its state changes, a report for the bridge then and every few seconds.

use std::{
    fmt::Display,
    path::Path,
    time::{Duration, Instant},
};

use teleinfo_proto::{
    tic::Mode,
    wire::{Cause, Counters, LineState},
};

use crate::{
    advice::advice_on,
    daemon::on_change::OnChange,
    journal,
    language::Words,
    line::Notice,
    reading::{Check, FaultKind, ReadingState, Trial},
};

const BYTES_TAKEN: Words = Words::new("{} (it takes bytes of the meter away)", "{} (il prend des octets au compteur)");
const MOVED: Words = Words::new("{}: a meter is heard here, so {} is left", "{} : un compteur s'entend ici, {} est donc quitté");
const DISTURBED: Words = Words::new(
    "{}: another program has changed the line's settings; set again (fuser -v {} names it)",
    "{} : un autre programme a changé les réglages du port ; remis (fuser -v {} le nomme)",
);
const READING: Words =
    Words::new("{}: reading meter {} in {} mode, {} baud, parity {}", "{} : lecture du compteur {} en mode {}, {} bauds, parité {}");
const BY_UART: Words = Words::new("checked by the UART", "vérifiée par l'UART");
const HERE: Words = Words::new("checked here", "vérifiée ici");
const TAKEN_OFF: Words = Words::new("already taken off", "déjà ôtée");
const ABOUT: Words = Words::new("{}: {}", "{} : {}");
const NO_DEVICE: Words = Words::new("no device", "aucun périphérique");
const METER: Words = Words::new("meter {}", "compteur {}");
const IN_MODE: Words = Words::new("{} mode", "mode {}");
const CONNECTED: Words = Words::new("{}; connected to a bridge", "{} ; relié à une passerelle");
const NO_BRIDGE: Words = Words::new("{}; no bridge", "{} ; aucune passerelle");
const RECEIVED: Words = Words::new(
    "{} bytes; frames: {} good, {} damaged, {} cut; datasets: {} good",
    "{} octets ; trames : {} bonnes, {} abîmées, {} coupées ; groupes : {} bons",
);
const REFUSED: Words = Words::new(", {} refused ({})", ", {} refusés ({})");
const BESIDE: Words = Words::new(
    ", {} of no known meter; damaged: {} LF, {} STX; {} index resets; {} samples not sent at once; {} reconnects",
    ", {} d'aucun compteur connu ; abîmés : {} LF, {} STX ; {} sauts d'index ; {} relevés non envoyés aussitôt ; {} reconnexions",
);

/// Reports go out on change, and at least this often.
const REPORT_EVERY: Duration = Duration::from_secs(10);
/// A far line that has stood for so long has been well: its next fault is news, even if it is the same again.
const STOOD: Duration = Duration::from_secs(60);

/// What was told, and when to tell again.
#[derive(Debug)]
pub(super) struct News {
    state: Option<ReadingState>,
    sentence: OnChange<String>,
    /// The fault that keeps the line closed.
    fault: OnChange<FaultKind>,
    /// Who else has the line open, when that was last looked for.
    others: Option<String>,
    /// The faults of a far line that were told since it last stood.
    told_far: Vec<FaultKind>,
    opened: Option<Instant>,
    is_changed: bool,
    next_report: Instant,
}

impl News {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            state: None,
            sentence: OnChange::new(),
            fault: OnChange::new(),
            others: None,
            told_far: Vec::new(),
            opened: None,
            is_changed: true,
            next_report: now,
        }
    }

    /// The state as it is now; a sentence if there is something new to say.
    pub(super) fn handle_state(&mut self, state: ReadingState, trial: Trial, device: Option<&Path>) -> Option<String> {
        if self.state == Some(state) {
            return None;
        }
        self.state = Some(state);
        self.is_changed = true;
        let named = self.others.as_ref().filter(|_| state.cause == Cause::BytesTaken);
        let text = named.map(|who| journal::say(BYTES_TAKEN, &[who]).to_string()).or_else(|| sentence(&state, trial, device))?;
        if !self.sentence.is_new(text.clone()) {
            return None;
        }
        if is_trouble(&state) {
            log::warn!("{text}");
        } else {
            log::info!("{text}");
        }
        Some(text)
    }

    /// Tells what has happened to the line; a fault once, however often the line is tried again. Returns the sentence of a new fault.
    pub(super) fn handle_notice(&mut self, notice: Notice, now: Instant) -> Option<String> {
        match notice {
            Notice::Opened(_) => self.opened = Some(now),
            Notice::Moved { from, to } => {
                self.opened = Some(now);
                log::info!("{}", journal::say(MOVED, &[&to.display(), &from.display()]));
            }
            Notice::Shared(words) => self.others = Some(words),
            Notice::Disturbed(path) => {
                let device = path.display();
                log::warn!("{}", journal::say(DISTURBED, &[&device, &device]));
            }
            Notice::Fault(fault) if self.is_new_fault(fault.kind, now) => {
                // Whatever was said before, it is news when it is so again.
                self.sentence.forget();
                let text = fault.to_string();
                log::warn!("{text}");
                return Some(text);
            }
            Notice::Fault(_) => {}
        }
        None
    }

    /// A device that has gone is absent next: that is the same news. So is a connection that comes and goes.
    fn is_new_fault(&mut self, kind: FaultKind, now: Instant) -> bool {
        let opened = self.opened.take();
        if matches!(kind, FaultKind::Unreachable | FaultKind::Ended | FaultKind::NotSpoken) {
            return self.is_new_far_fault(kind, opened.is_some_and(|since| now >= since + STOOD));
        }
        if opened.is_some() {
            self.fault.forget();
        }
        self.fault.is_new(if kind == FaultKind::Vanished { FaultKind::Absent } else { kind })
    }

    /// A connection that comes and goes has two faults in turn: it ends, and it cannot be made.
    fn is_new_far_fault(&mut self, kind: FaultKind, has_stood: bool) -> bool {
        if has_stood {
            self.told_far.clear();
        }
        let is_new = !self.told_far.contains(&kind);
        if is_new {
            self.told_far.push(kind);
        }
        is_new
    }

    pub(super) fn poll_timeout(&self) -> Instant {
        self.next_report
    }

    /// Is it time for a report? A bridge that has just appeared wants one at once.
    pub(super) fn is_report_due(&mut self, connected: bool, now: Instant) -> bool {
        let due = std::mem::take(&mut self.is_changed) || connected || now >= self.next_report;
        if due {
            self.next_report = now + REPORT_EVERY;
        }
        due
    }
}

fn sentence(state: &ReadingState, trial: Trial, device: Option<&Path>) -> Option<String> {
    // Without a device the fault was told, with its name, when it happened.
    let device = device?.display();
    match (state.line, state.mode, state.meter) {
        (LineState::Reading, Some(mode), Some(meter)) if !is_trouble(state) => {
            let checked = match trial.check {
                Check::Uart => BY_UART,
                Check::Software => HERE,
                Check::Gone => TAKEN_OFF,
            };
            // A pseudo-terminal or a far line gives any mode at any speed: what is told is the meter's.
            let (baud, mode, checked) = (mode.baud(), journal::say(name(mode), &[]), journal::say(checked, &[]));
            Some(journal::say(READING, &[&device, &meter, &mode, &baud, &checked]).to_string())
        }
        _ if state.cause != Cause::None => Some(journal::say(ABOUT, &[&device, &advice_on(state, journal::language())]).to_string()),
        _ => None,
    }
}

const fn name(mode: Mode) -> Words {
    match mode {
        Mode::Historic => Words::new("historic", "historique"),
        Mode::Standard => Words::alike("standard"),
    }
}

/// How the line is, in a word. English has the words of the status message.
const fn line_name(line: LineState) -> Words {
    Words::new(
        line.name(),
        match line {
            LineState::Absent => "absente",
            LineState::Denied => "interdite",
            LineState::Busy => "occupée",
            LineState::Silent => "silencieuse",
            LineState::Searching => "en recherche",
            LineState::Reading => "en lecture",
            _ => "inconnue",
        },
    )
}

/// Somebody should do something.
fn is_trouble(state: &ReadingState) -> bool {
    state.cause != Cause::None
}

/// A meter is being read, and nobody has to do anything.
pub(super) fn is_well(state: &ReadingState) -> bool {
    state.line == LineState::Reading && !is_trouble(state)
}

/// How the line and the bridge are doing, for whoever asks.
pub(super) fn state_in_words(state: &ReadingState, device: Option<&Path>, connected: bool) -> String {
    let ReadingState { line, cause, mode, meter, .. } = state;
    let say = |words, values: &[&dyn Display]| journal::say(words, values).to_string();
    let device = device.map_or_else(|| say(NO_DEVICE, &[]), |path| path.display().to_string());
    let mut parts = vec![say(ABOUT, &[&device, &say(line_name(*line), &[])])];
    parts.extend(meter.map(|meter| say(METER, &[&meter])));
    parts.extend(mode.map(|mode| say(IN_MODE, &[&say(name(mode), &[])])));
    parts.extend((*cause != Cause::None).then(|| advice_on(state, journal::language())));
    let bridge = if connected { CONNECTED } else { NO_BRIDGE };
    say(bridge, &[&parts.join(", ")])
}

/// All counters in one line; of the refusals those that have happened.
pub(super) fn summary(counters: &Counters) -> String {
    let Counters {
        bytes,
        frames_good,
        frames_damaged,
        frames_cut,
        datasets_good,
        line_feeds_damaged,
        frame_starts_damaged,
        unidentified,
        index_resets,
        samples_unsent,
        reconnects,
        ..
    } = counters;
    let refusals = counters.refusals().filter(|(_, count)| *count > 0);
    let refused: String = refusals.map(|(reason, count)| journal::say(REFUSED, &[&count, &reason]).to_string()).collect();
    let received = journal::say(RECEIVED, &[bytes, frames_good, frames_damaged, frames_cut, datasets_good]);
    let beside = journal::say(BESIDE, &[unidentified, line_feeds_damaged, frame_starts_damaged, index_resets, samples_unsent, reconnects]);
    format!("{received}{refused}{beside}")
}

#[cfg(test)]
mod tests {
    use teleinfo_proto::tic::RefusalKind;

    use super::*;

    fn told(line: LineState, cause: Cause) -> Option<String> {
        let meter = "012345678912".parse().ok();
        let trial = Trial { speed: Mode::Historic, check: Check::Software };
        sentence(&ReadingState { line, cause, mode: Some(Mode::Historic), meter, label: None }, trial, Some(Path::new("/dev/x")))
    }

    #[test]
    fn each_state_has_one_sentence() {
        let reading = told(LineState::Reading, Cause::None).unwrap();
        assert_eq!(reading, "/dev/x: reading meter 012345678912 in historic mode, 1200 baud, parity checked here");
        assert!(told(LineState::Reading, Cause::Noise).unwrap().contains("some datasets are damaged"));
        assert_eq!(told(LineState::Silent, Cause::None), None);
        assert!(told(LineState::Silent, Cause::NoSignal).unwrap().contains("not a byte"));
        assert!(told(LineState::Searching, Cause::NotTic).unwrap().contains("no TIC"));
    }

    #[test]
    fn reports_go_out_on_change_and_every_ten_seconds() {
        let now = Instant::now();
        let mut news = News::new(now);
        assert!(news.is_report_due(false, now));
        assert!(!news.is_report_due(false, now + Duration::from_secs(9)));
        assert!(news.is_report_due(true, now + Duration::from_secs(9)));
        assert!(!news.is_report_due(false, now + Duration::from_secs(18)));
        assert!(news.is_report_due(false, now + Duration::from_secs(19)));
        let state = ReadingState { line: LineState::Silent, cause: Cause::None, mode: None, meter: None, label: None };
        let trial = Trial { speed: Mode::Historic, check: Check::Software };
        assert_eq!(news.handle_state(state, trial, None), None);
        assert!(news.is_report_due(false, now + Duration::from_secs(19)));
    }

    #[test]
    fn the_state_names_line_meter_mode_and_bridge() {
        let meter = "012345678912".parse().ok();
        let state = ReadingState { line: LineState::Reading, cause: Cause::None, mode: Some(Mode::Historic), meter, label: None };
        let text = state_in_words(&state, Some(Path::new("/dev/x")), true);
        assert_eq!(text, "/dev/x: reading, meter 012345678912, historic mode; connected to a bridge");
        let state = ReadingState { line: LineState::Absent, cause: Cause::NoDevice, mode: None, meter: None, label: None };
        let text = state_in_words(&state, None, false);
        assert!(text.starts_with("no device: absent, ") && text.ends_with("; no bridge"), "{text}");
    }

    #[test]
    fn a_fault_is_told_once_and_again_when_it_comes_back() {
        let now = Instant::now();
        let mut news = News::new(now);
        let mut is_new = |kind| news.is_new_fault(kind, now);
        assert!(is_new(FaultKind::Vanished));
        assert!(!is_new(FaultKind::Absent), "a device that has gone is absent next");
        assert!(is_new(FaultKind::Busy) && !is_new(FaultKind::Busy) && is_new(FaultKind::Absent));
        news.handle_notice(Notice::Opened("/dev/x".into()), now);
        assert!(news.is_new_fault(FaultKind::Absent, now));
    }

    #[test]
    fn a_connection_that_comes_and_goes_is_told_once_until_it_has_stood() {
        let mut now = Instant::now();
        let mut news = News::new(now);
        let mut told_after = |stood: Duration| {
            news.handle_notice(Notice::Opened("tcp://x:1".into()), now);
            now += stood;
            [FaultKind::Ended, FaultKind::Unreachable].map(|kind| news.is_new_fault(kind, now))
        };
        let short = Duration::from_secs(1);
        assert_eq!([short, short, short, STOOD, short].map(&mut told_after), [true, false, false, true, false].map(|told| [told; 2]));
    }

    #[test]
    fn the_summary_names_what_has_happened() {
        let mut counters = Counters { bytes: 7, ..Counters::default() };
        counters.refused[RefusalKind::Parity] = 3;
        let text = summary(&counters);
        assert!(text.contains("3 refused (parity)") && !text.contains("checksum"), "{text}");
    }
}
