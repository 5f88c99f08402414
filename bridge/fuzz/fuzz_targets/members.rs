//! Whatever the members of a group of bridges tell each other, line by line: words under the seal of the group, what does not open, tokens that
//! come and go, what is answered when somebody looks at the page, time. What a member makes of it is as it must always be: orders as for any other
//! message, metrics that can be read, curves within what was asked for, and nothing too long to be told on.
#![no_main]

use std::{
    collections::BTreeSet,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use libfuzzer_sys::fuzz_target;
use teleinfo_bridge_fuzz::{
    archive::{block::Grain, shared},
    group::{
        inquiries::{Gathered, Inquiries, Inquiry, pieces},
        listening::Listening,
        member::Member,
        message::{BYTES_MAX, Happening, Runs, Seal, Word},
        talk::{GroupOrder, Talk},
    },
    hub::{Hub, Kept, complaints::Complaint, counters::Counters},
    judge,
    metrics::{self, exposition::Format, members},
    order::marks::Mark,
    page::{
        feed::Feed,
        told::{self, Told},
    },
    seal::{pins::Pins, readers::Readers},
    store::memories,
    with_checksums,
    words::{inbound::Inbound, language::Language, limits::Limits, topics::Topics},
};
use teleinfo_proto::{seal::Identity, wire::BootId};

const METER: &str = "012345678912";
/// 2024-01-07T12:00:00Z.
const START_MS: u64 = 1_704_628_800_000;
const GROUP: &str = "home";
const SECRET: [u8; 32] = [7; 32];
const LEASE: Duration = Duration::from_secs(4);
/// Whoever has joined is settled after that.
const SETTLED: Duration = Duration::from_secs(5);
/// Header and tag of a sealed message.
const SEAL: usize = 33;
/// More messages than one input has.
const ROOM: usize = 10_000;
/// Minutes since 1970 between which curves are asked for.
const ASKED: (i64, i64) = (28_000_000, 29_000_000);

fn draw(out: &mut [u8]) -> bool {
    out.fill(9);
    true
}

/// One member, called attic. Another one, the cellar, says what the input has.
struct Attic {
    talk: Talk,
    hub: Hub,
    readers: Readers,
    inquiries: Inquiries,
    listening: Listening,
    feed: Feed,
    cellar: Member,
    seal: Seal,
    number: u64,
    tokens: BTreeSet<String>,
    start: Instant,
    passed: Duration,
}

impl Attic {
    /// Both are there, and believe each other.
    fn new() -> Self {
        let start = Instant::now();
        let [own, cellar] = [("attic", 7), ("cellar", 8)].map(|(name, run)| Member { name: name.into(), run });
        let hub = Hub::new(judge::options(METER.parse().expect("a meter"), Some("attic")), Kept::default(), Counters::default(), start);
        let mut attic = Self {
            talk: Talk::member(GROUP, own.clone(), 1, &SECRET, LEASE, start),
            hub,
            readers: Readers::new(Identity::from_seed(&[2; 32]), Pins::default(), Limits::default(), draw, start),
            inquiries: Inquiries::default(),
            listening: Listening::default(),
            feed: Feed::new(Topics::default()),
            cellar,
            seal: Seal::new(GROUP, &SECRET),
            number: 0,
            tokens: BTreeSet::new(),
            start,
            passed: Duration::from_secs(100),
        };
        attic.hub.handle_inbound(Inbound::Up, attic.now());
        for member in [&own, &attic.cellar.clone()] {
            attic.sees(&format!("tic/v2/bridge/{GROUP}/{member}"));
        }
        attic.told(&format!(r#"{{"beat":{{"weight":1,"is_able":true,"sees":["{own}"],"believes":["{own}"]}}}}"#));
        attic.told(&format!(r#"{{"told":"{own}"}}"#));
        attic.waits(SETTLED);
        attic
    }

    fn now(&self) -> Instant {
        self.start + self.passed
    }

    fn wall(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(START_MS) + self.passed
    }

    /// A token comes, or goes if it was there.
    fn sees(&mut self, key: &str) {
        let is_present = self.tokens.insert(key.to_owned()) || !self.tokens.remove(key);
        self.talk.handle_token(0, key, is_present, self.now());
        self.follow();
    }

    /// The cellar tells something under its seal. Returns whether it is anything that can be told.
    fn told(&mut self, line: &str) -> bool {
        let Ok(mut word) = serde_json::from_str::<Word>(line) else { return false };
        if let Word::Memory(_, text) = &mut word {
            *text = String::from_utf8(with_checksums(text.as_bytes())).expect("text stays text");
        }
        self.number += 1;
        if let Some(message) = self.seal.seal(&self.cellar, self.number, &word) {
            let key = self.seal.expression(&self.cellar.name);
            assert_eq!(self.seal.open(&key, &message), Some((self.cellar.clone(), self.number, word)));
            self.comes(&message);
        }
        true
    }

    /// This comes under the key of the cellar.
    fn comes(&mut self, message: &[u8]) {
        let _ = self.inquiries.handle_asked(self.talk.others().cloned(), self.now());
        self.talk.handle_message(&self.seal.expression(&self.cellar.name), message, self.now());
        self.follow();
    }

    /// Time passes, in steps that wake whoever wants to be woken.
    fn waits(&mut self, time: Duration) {
        let end = self.passed + time;
        for _ in 0..100 {
            let due = [self.talk.poll_timeout(), self.hub.poll_timeout(), self.listening.poll_timeout(), self.inquiries.poll_timeout()];
            let due = due.into_iter().flatten().min().map_or(end, |due| due.saturating_duration_since(self.start));
            self.passed = due.clamp(self.passed, end);
            self.talk.handle_timeout(self.now());
            self.hub.handle_timeout(self.now());
            self.follow();
            if self.passed == end {
                return;
            }
        }
        self.passed = end;
    }

    /// As the main loop does.
    fn follow(&mut self) {
        let now = self.now();
        self.talk.handle_able(true, now);
        while let Some(order) = self.talk.poll_order() {
            self.obey(order);
        }
        self.inquiries.handle_timeout(|member| self.talk.believes(member), now);
        while let Some((_, gathered)) = self.inquiries.poll_gathered() {
            self.gathers(&gathered);
        }
        self.listening.handle_audience(self.talk.is_heard(), now);
        let _ = self.listening.poll_missed(now);
        while let Some(word) = self.listening.poll_word() {
            self.talk.tell(word);
        }
        while let Some((_, key, message)) = self.talk.poll_message(now) {
            assert!(message.len() <= BYTES_MAX + SEAL);
            assert!(self.seal.open(&key, &message).is_some_and(|(member, ..)| member == *self.talk.own()), "every word can be told");
        }
        while let Some(order) = self.hub.poll_order(ROOM, now) {
            judge::order(&order);
        }
    }

    fn obey(&mut self, order: GroupOrder) {
        let now = self.now();
        match order {
            GroupOrder::Share(share) => self.hub.handle_share(share, now),
            GroupOrder::Heard(member, word) => self.hears(member, word),
            GroupOrder::Rejoin => {
                let run = self.talk.own().run.wrapping_add(1);
                self.talk.handle_rejoined(run, now);
                self.talk.handle_token(0, &format!("tic/v2/bridge/{GROUP}/{}", self.talk.own()), true, now);
            }
            GroupOrder::Complain(text) => {
                judge::line(text.as_str());
                self.hub.handle_complaint(Complaint::Group, text.as_str(), now);
            }
            GroupOrder::Differ(text) => {
                judge::line(text.as_str());
                self.hub.handle_complaint(Complaint::Settings, text.as_str(), now);
            }
            GroupOrder::Say(_, text) => judge::line(text.as_str()),
            GroupOrder::Tell(_) => {}
        }
    }

    fn hears(&mut self, member: Member, word: Word) {
        let now = self.now();
        match word {
            Word::Positions(meters) => {
                for (meter, runs) in meters {
                    if let Ok(meter) = meter.parse() {
                        self.hub.handle_positions(meter, &marks(&runs));
                    }
                }
            }
            Word::Memory(meter, text) => {
                if let (Ok(meter), Some(memory)) = (meter.parse(), memories::parse(text.as_bytes())) {
                    let again = memories::text(&memory).expect("JSON");
                    assert_eq!(memories::parse(&again), Some(memory.clone()));
                    self.hub.handle_learnt(meter, memory);
                }
            }
            Word::Readers(lines, is_new) => {
                if let Some(text) = self.readers.handle_shared(&lines, is_new || !self.talk.is_settled()).all {
                    assert_eq!(Pins::parse(&text).map(|pins| pins.text()).as_ref(), Ok(&text));
                }
            }
            Word::Ask(number, inquiry) => self.answers(&member, number, inquiry),
            Word::Answer(asker, number, piece) if asker == *self.talk.own() => self.inquiries.handle_piece(&member, number, &piece),
            Word::Listen => self.listening.handle_listener(now),
            Word::Happened(number, happening) => {
                let is_wanted = self.listening.handle_heard(member, number, happening.is_some(), now);
                if let Some(Happening { meter, name, payload }) = happening.filter(|_| is_wanted) {
                    self.feed.handle_elsewhere(meter, &name, &payload);
                }
            }
            Word::Answer(..) | Word::Beat(_) | Word::Told(_) => {}
        }
    }

    fn answers(&mut self, member: &Member, number: u64, inquiry: Inquiry) {
        let text = match inquiry {
            Inquiry::Now(language) => serde_json::to_string(&self.page(language)),
            Inquiry::Metrics => serde_json::to_string(&metrics::families(&self.hub, self.now())),
            Inquiry::Curves(..) => return,
        };
        for piece in pieces(text.expect("JSON")) {
            self.talk.tell(Word::Answer(member.clone(), number, piece));
        }
    }

    fn page(&self, language: Language) -> Told {
        let since = self.wall().duration_since(UNIX_EPOCH).expect("after 1970");
        told::now(&self.hub, &self.feed, language, i64::try_from(since.as_millis()).expect("not so long"), self.now())
    }

    /// What others have answered, taken for an answer to each kind of inquiry.
    fn gathers(&self, gathered: &Gathered) {
        let gathered = Gathered { own: Some("attic".into()), ..gathered.clone() };
        let page = serde_json::to_value(self.page(Language::French).joined(gathered.clone())).expect("JSON");
        assert!(page["meters"].as_array().is_some_and(|meters| meters.len() <= 32) && serde_json::from_value::<Told>(page).is_ok());
        let families = members::joined(metrics::families(&self.hub, self.now()), gathered.clone());
        for format in [Format::OpenMetrics, Format::Plain] {
            format.text(&families).lines().for_each(metric);
        }
        gathered.answers.iter().for_each(|(_, text)| curves(text));
    }
}

fn marks(runs: &Runs) -> Vec<Mark> {
    runs.iter().map(|(boot, sequence, unix_ms)| Mark { boot: BootId::new(*boot), sequence: *sequence, unix_ms: *unix_ms }).collect()
}

/// One line of metrics: a comment, or a name, labels, and a number.
fn metric(line: &str) {
    let is_named = line.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit() || first == '_');
    let is_number = || line.rsplit_once(' ').is_some_and(|(_, value)| value.parse::<f64>().is_ok());
    assert!(line.starts_with("# ") || is_named && is_number(), "{line:?}");
}

/// What a meter's registers showed: only what was asked for, and what is told on is read as the same.
fn curves(text: &str) {
    let Some(mut read) = shared::read(text, ASKED.0, ASKED.1) else { return };
    read.retain(|_, curve| !curve.is_empty());
    assert!(read.values().flat_map(|curve| curve.keys()).all(|minute| (ASKED.0..=ASKED.1).contains(minute)));
    let again = shared::written(&read, Grain::Hour).expect("JSON");
    assert_eq!(shared::read(&again, ASKED.0, ASKED.1).as_ref(), Some(&read));
    let mut both = read.clone();
    shared::join(&mut both, read.clone());
    assert_eq!(both, read);
}

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let mut attic = Attic::new();
    for line in text.lines() {
        if let Ok(ms) = line.parse::<u16>() {
            attic.waits(Duration::from_millis(ms.into()));
        } else if line.starts_with("tic/") {
            attic.sees(line);
        } else if !attic.told(line) {
            attic.comes(line.as_bytes());
            let answers = vec![("cellar".to_owned(), line.to_owned())];
            attic.gathers(&Gathered { answers, ..Gathered::default() });
        }
    }
    attic.hub.handle_stop(attic.now());
    attic.follow();
});
