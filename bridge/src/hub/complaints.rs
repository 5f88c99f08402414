//! What the bridge complains about, and how often it says so.
//!
//! A kind of complaint is logged when it begins, when its text changes, and when it has not come for ten minutes; meanwhile it is only
//! counted. Each kind has a place of its own, so that one never silences another: garbage on the network cannot hide a disk that is full.
//! Memory is one text for each kind, whatever comes. A text that changes all the time is logged less and less often.
//!
//! No clock, no log: `handle_*` takes what happened and `poll_*` tells what is over; both return what is to be logged.

use std::time::{Duration, Instant};

use tracing::Level;

use crate::words::{inbound::ClientTrouble, journal, language::Words, printable::printable};

const OVER: Words = Words::new("no more {} for {} minutes; {} in all", "plus de {} depuis {} minutes ; {} en tout");
const CHANGED: Words = Words::new("{} ({} of this kind by now)", "{} ({} de ce genre jusqu'ici)");

/// After so much time without a complaint of a kind, that kind is over.
const QUIET: Duration = Duration::from_secs(600);
/// Least time between two texts of one kind; doubled after each, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);

/// Makes the enum and the list of all its variants from the same lines.
macro_rules! complaints {
    ($($variant:ident $name:literal $english:literal $french:literal;)*) => {
        /// A kind of complaint. Its place in the log and in the report is its own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Complaint {
            $(#[doc = $english] $variant,)*
        }

        impl Complaint {
            /// All kinds.
            pub const ALL: [Self; [$($name,)*].len()] = [$(Self::$variant,)*];

            /// Its name in the report of the bridge.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is about: for Home Assistant, and for the line in the log that says that it is over.
            #[must_use]
            pub const fn subject(self) -> Words {
                match self { $(Self::$variant => Words::new($english, $french),)* }
            }
        }
    };
}

complaints! {
    TooLarge "too_large" "messages that are too large" "messages trop grands";
    Version "version" "messages of another version" "messages d'une autre version";
    Newer "newer" "messages of a type that only a newer release knows" "messages d'un type que seule une version plus récente connaît";
    Malformed "malformed" "messages that cannot be read" "messages illisibles";
    KeyMismatch "key" "messages whose key and content name different meters" "messages dont la clé et le contenu nomment des compteurs différents";
    Stranger "stranger" "messages under keys that name no meter and no reader" "messages dont la clé ne nomme ni compteur ni lecteur";
    AnotherKey "another_key" "messages of another reader than the one of the meter" "messages d'un autre lecteur que celui du compteur";
    NotForUs "not_for_us" "messages sealed for another bridge, or of unknown readers" "messages scellés pour une autre passerelle, ou de lecteurs inconnus";
    NotAuthentic "not_authentic" "sealed messages that do not open or came twice" "messages scellés qui ne s'ouvrent pas ou sont venus deux fois";
    TooManyMeters "meters" "more meters than this bridge follows" "plus de compteurs que cette passerelle n'en suit";
    Overload "overload" "messages dropped because too much came at once" "messages abandonnés, car trop sont arrivés à la fois";
    Congestion "congestion" "more samples than the MQTT side takes" "plus de relevés que n'en prend le côté MQTT";
    Twice "twice" "readers heard through several Zenoh routers at once" "lecteurs entendus par plusieurs routeurs Zenoh à la fois";
    Disk "disk" "files that cannot be written" "fichiers impossibles à écrire";
    Damaged "damaged" "files that are damaged" "fichiers endommagés";
    Contradiction "contradiction" "readers that contradict each other about a meter" "lecteurs qui se contredisent sur un compteur";
    Ledger "ledger" "ledgers of meters that cannot be used" "livres d'énergie inutilisables";
    Prices "prices" "tariffs without a price" "tarifs sans prix";
    Mqtt "mqtt" "messages that the MQTT side does not take" "messages refusés du côté MQTT";
    ClientMute "client_mute" "MQTT clients that take nothing" "clients MQTT qui ne prennent rien";
    ClientSlow "client_slow" "MQTT clients that take too slowly" "clients MQTT trop lents";
    ClientTooLarge "client_too_large" "MQTT clients whose messages are too large" "clients MQTT aux messages trop grands";
    Group "group" "bridges that are not one" "passerelles qui n'en font pas une";
    Settings "settings" "members of the group that are set differently" "membres du groupe réglés différemment";
    TooManyClients "clients" "more MQTT clients than this bridge takes" "plus de clients MQTT que cette passerelle n'en prend";
}

impl From<ClientTrouble> for Complaint {
    fn from(trouble: ClientTrouble) -> Self {
        match trouble {
            ClientTrouble::Mute => Self::ClientMute,
            ClientTrouble::Slow => Self::ClientSlow,
            ClientTrouble::TooLarge => Self::ClientTooLarge,
            ClientTrouble::TooMany => Self::TooManyClients,
        }
    }
}

/// What is known of one kind that is not over.
#[derive(Debug, Clone)]
struct Matter {
    /// The newest text, printable.
    text: String,
    /// The text that was logged last.
    logged: String,
    count: u64,
    newest: Instant,
    /// When the next change of the text may be logged, and the pause after that.
    quiet_until: Instant,
    pause: Duration,
}

/// One line for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// A warning, or information once the complaint is over.
    pub level: Level,
    /// The words.
    pub text: String,
}

/// All kinds of complaint.
#[derive(Debug, Clone, Default)]
pub struct Complaints {
    /// One place for each kind.
    matters: [Option<Matter>; Complaint::ALL.len()],
    /// How many complaints of each kind there were since the start.
    counts: [u64; Complaint::ALL.len()],
}

impl Complaints {
    /// Something is wrong. Returns what is to be logged of it now.
    pub fn handle_complaint(&mut self, kind: Complaint, text: &str, now: Instant) -> Option<Remark> {
        self.counts[kind as usize] += 1;
        let text = printable(text);
        match &mut self.matters[kind as usize] {
            Some(matter) => matter.handle_text(text, now),
            place => {
                *place = Some(Matter::new(text.clone(), now));
                Some(warning(text))
            }
        }
    }

    /// What is to be logged because time has passed: a kind that is over, or a text that changed a while ago. To be called until there is
    /// nothing left.
    pub fn poll_remark(&mut self, now: Instant) -> Option<Remark> {
        Complaint::ALL.into_iter().find_map(|kind| self.poll_kind(kind, now))
    }

    /// When [`Complaints::poll_remark`] may next have something.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.matters.iter().flatten().map(Matter::poll_timeout).min()
    }

    /// The kinds that are not over, with their number and newest text.
    pub fn lasting(&self) -> impl Iterator<Item = (Complaint, u64, &str)> {
        let matters = Complaint::ALL.into_iter().zip(&self.matters);
        matters.filter_map(|(kind, matter)| matter.as_ref().map(|matter| (kind, matter.count, matter.text.as_str())))
    }

    /// How many complaints of a kind there were since the start.
    #[must_use]
    pub fn count(&self, kind: Complaint) -> u64 {
        self.counts[kind as usize]
    }

    fn poll_kind(&mut self, kind: Complaint, now: Instant) -> Option<Remark> {
        let place = &mut self.matters[kind as usize];
        let matter = place.as_mut()?;
        if now >= matter.newest + QUIET {
            let subject = kind.subject().get(journal::language());
            let text = journal::say(OVER, &[&subject, &(QUIET.as_secs() / 60), &matter.count]).to_string();
            *place = None;
            return Some(Remark { level: Level::INFO, text });
        }
        matter.poll_change(now)
    }
}

impl Matter {
    fn new(text: String, now: Instant) -> Self {
        Self { logged: text.clone(), text, count: 1, newest: now, quiet_until: now + FIRST_PAUSE, pause: FIRST_PAUSE }
    }

    fn handle_text(&mut self, text: String, now: Instant) -> Option<Remark> {
        self.count += 1;
        self.newest = now;
        self.text = text;
        self.poll_change(now)
    }

    fn poll_change(&mut self, now: Instant) -> Option<Remark> {
        if self.text == self.logged || now < self.quiet_until {
            return None;
        }
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        self.quiet_until = now + self.pause;
        self.logged.clone_from(&self.text);
        Some(warning(journal::say(CHANGED, &[&self.text, &self.count]).to_string()))
    }

    fn poll_timeout(&self) -> Instant {
        let over = self.newest + QUIET;
        if self.text == self.logged { over } else { over.min(self.quiet_until) }
    }
}

fn warning(text: String) -> Remark {
    Remark { level: Level::WARN, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Everything that is logged up to a time, as the loop of the bridge would log it: at each timeout.
    fn logged(complaints: &mut Complaints, until: Instant) -> Vec<String> {
        let mut texts = Vec::new();
        while let Some(at) = complaints.poll_timeout().filter(|at| *at <= until) {
            while let Some(remark) = complaints.poll_remark(at) {
                texts.push(remark.text);
            }
        }
        texts
    }

    #[test]
    fn a_kind_is_logged_when_it_begins_and_when_it_is_over() {
        let (mut complaints, start) = (Complaints::default(), Instant::now());
        let first = complaints.handle_complaint(Complaint::Disk, "No space left on device", start).unwrap();
        assert_eq!((first.level, first.text.as_str()), (Level::WARN, "No space left on device"));
        for second in 1..500 {
            assert_eq!(complaints.handle_complaint(Complaint::Disk, "No space left on device", start + seconds(second)), None);
        }
        assert_eq!(logged(&mut complaints, start + seconds(499) + QUIET - seconds(1)), [""; 0]);
        let over = logged(&mut complaints, start + seconds(499) + QUIET);
        assert_eq!(over, ["no more files that cannot be written for 10 minutes; 500 in all"]);
        assert_eq!((complaints.count(Complaint::Disk), complaints.lasting().count(), complaints.poll_timeout()), (500, 0, None));
        assert!(
            complaints.handle_complaint(Complaint::Disk, "No space left on device", start + seconds(5_000)).is_some(),
            "it begins again"
        );
    }

    #[test]
    fn a_change_is_logged_once_a_minute_has_passed() {
        let (mut complaints, start) = (Complaints::default(), Instant::now());
        complaints.handle_complaint(Complaint::Disk, "No space left on device", start);
        assert_eq!(complaints.handle_complaint(Complaint::Disk, "Read-only file system", start + seconds(5)), None);
        assert_eq!(logged(&mut complaints, start + seconds(59)), [""; 0]);
        assert_eq!(logged(&mut complaints, start + seconds(60)), ["Read-only file system (2 of this kind by now)"]);
        let third = complaints.handle_complaint(Complaint::Disk, "Input/output error", start + seconds(400));
        assert_eq!(third.unwrap().text, "Input/output error (3 of this kind by now)");
    }

    #[test]
    fn no_kind_silences_another() {
        let (mut complaints, start) = (Complaints::default(), Instant::now());
        for number in 0..10_000 {
            complaints.handle_complaint(Complaint::Malformed, &format!("tic/v2/{number}/sample"), start);
        }
        for kind in Complaint::ALL.into_iter().filter(|kind| *kind != Complaint::Malformed) {
            assert!(complaints.handle_complaint(kind, "trouble", start).is_some(), "{kind:?}");
        }
        assert_eq!(complaints.lasting().map(|(_, count, _)| count).sum::<u64>(), 10_000 + Complaint::ALL.len() as u64 - 1);
    }

    #[test]
    fn a_day_of_texts_that_always_change_makes_few_lines_of_bounded_length() {
        let (mut complaints, start) = (Complaints::default(), Instant::now());
        let mut lines = 0;
        for second in (0..86_400).step_by(10) {
            let text = format!("{second}\u{1b}[2J{}", "x".repeat(5_000));
            let remark = complaints.handle_complaint(Complaint::Stranger, &text, start + seconds(second));
            lines += usize::from(remark.is_some());
            assert!(remark.is_none_or(|remark| remark.text.len() < 300 && !remark.text.contains('\u{1b}')));
        }
        assert!((2..=32).contains(&lines), "{lines} lines");
    }

    #[test]
    fn names_are_used_once() {
        let names: std::collections::BTreeSet<_> = Complaint::ALL.map(Complaint::name).into_iter().collect();
        assert_eq!(names.len(), Complaint::ALL.len());
    }
}
