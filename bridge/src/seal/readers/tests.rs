//! Readers made of the reader's own end of the seal: first contact, another key, a restart of the bridge, receipts.

use teleinfo_proto::{
    seal::{Heard, Pairing, PairingCode, ReaderEnd, Type},
    tic::Mode,
    wire::{Counters, DatasetsWriter, SampleKind},
};

use super::*;

const METER: &str = "012345678912";
/// What comes by one link only.
const LINK: usize = 1;

fn draw(out: &mut [u8]) -> bool {
    use std::sync::atomic::{AtomicU64, Ordering};
    static DRAWN: AtomicU64 = AtomicU64::new(1);
    out[..8].copy_from_slice(&DRAWN.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    true
}

fn random() -> [u8; 32] {
    let mut random = [0; 32];
    draw(&mut random);
    random
}

/// A bridge and its readers, on a network that loses nothing.
struct House {
    bridge: Readers,
    now: Instant,
}

struct Reader {
    end: ReaderEnd,
    boot: BootId,
    id: String,
    delivered: u64,
}

impl House {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            bridge: Readers::new(Identity::from_seed(&[200; 32]), Pins::default(), Limits::default(), draw, now),
            now: now + Duration::from_secs(100),
        }
    }

    /// The bridge's process is another one; its files are the same.
    fn restart(&mut self) {
        let pins = self.bridge.pins.clone();
        self.bridge = Readers::new(Identity::from_seed(&[200; 32]), pins, Limits::default(), draw, self.now - Duration::from_secs(100));
    }

    /// Hello, offer (twice, the second after the wait), pair.
    fn meet(&mut self, reader: &mut Reader) -> Result<(), NotBelieved> {
        for _ in 0..2 {
            let hello = reader.end.hello();
            self.bridge.handle_hello(LINK, &reader.key("hello"), &hello, self.now).unwrap();
            self.deliver(reader).unwrap();
            self.now += Duration::from_secs(6);
        }
        let pair = reader.end.pair(&reader.key("pair"), Some(&METER.parse().unwrap()), &mut [0; 512]).unwrap().to_vec();
        self.bridge.handle_pair(LINK, &reader.key("pair"), &mut pair.clone(), self.now)
    }

    /// Brings all messages to the reader, and its answers back.
    fn deliver(&mut self, reader: &mut Reader) -> Result<Vec<Plain>, NotBelieved> {
        let mut opened = Vec::new();
        while let Some(Outgoing { key, mut bytes, .. }) = self.bridge.poll_message() {
            match reader.end.handle_message(&key, &mut bytes, Duration::from_secs(self.now.elapsed().as_secs() + 1_000) + self.time()) {
                Ok(Heard::Question(id, _)) => {
                    let answer = reader.end.answer(id);
                    let status = reader.key("status");
                    let mut end = reader.end.end(answer, &status, &mut [0; 512]).unwrap().to_vec();
                    opened.extend(self.bridge.handle_message(LINK, &status, &mut end, self.now)?);
                }
                Ok(Heard::Delivered(_, sequence)) => reader.delivered = sequence,
                _ => {}
            }
        }
        Ok(opened)
    }

    fn time(&self) -> Duration {
        self.now - self.bridge.started
    }

    fn hear(&mut self, reader: &mut Reader, sequence: u64) -> Result<Vec<Plain>, NotBelieved> {
        let mut sealed = reader.sample(sequence);
        self.bridge.handle_message(LINK, &sample_key(), &mut sealed, self.now)
    }
}

impl Reader {
    fn new(number: u8, boot: u64) -> Self {
        let own = Identity::from_seed(&[number; 32]);
        let id = own.id().to_string();
        let boot = BootId::new(boot);
        Self { end: ReaderEnd::new(own, boot, None, Pairing::FirstContact, random()).unwrap(), boot, id, delivered: 0 }
    }

    /// One at which a person has typed a code.
    fn with_code(number: u8, secret: u32) -> Self {
        let (own, bridge) = (Identity::from_seed(&[number; 32]), *Identity::from_seed(&[200; 32]).key());
        let (id, boot) = (own.id().to_string(), BootId::new(1));
        let code = Pairing::Code(PairingCode { bridge: bridge.fingerprint(), secret });
        Self { end: ReaderEnd::new(own, boot, None, code, random()).unwrap(), boot, id, delivered: 0 }
    }

    /// Another run of it, which knows its bridge.
    fn again(number: u8, boot: u64) -> Self {
        let (own, bridge) = (Identity::from_seed(&[number; 32]), *Identity::from_seed(&[200; 32]).key());
        let (id, boot) = (own.id().to_string(), BootId::new(boot));
        Self { end: ReaderEnd::new(own, boot, Some(bridge), Pairing::FirstContact, random()).unwrap(), boot, id, delivered: 0 }
    }

    fn key(&self, what: &str) -> String {
        format!("tic/v2/reader/{}/{what}", self.id)
    }

    fn sample(&mut self, sequence: u64) -> Vec<u8> {
        let mut space = [0; 64];
        let sample = Sample {
            boot: self.boot,
            sequence,
            kind: SampleKind::Frame { complete: true },
            unix_ms: 0,
            uptime_ms: 0,
            mode: Mode::Historic,
            meter: METER.parse().unwrap(),
            counters: Counters::default(),
            datasets: DatasetsWriter::resume(&mut space, 0).finish(),
        };
        let mut buffer = [0; 512];
        let plain = sample.encode(&mut buffer).unwrap();
        self.end.seal(Type::Sample, &sample_key(), plain, &mut [0; 1024]).unwrap().to_vec()
    }
}

fn seed(number: u32) -> [u8; 32] {
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&(number + 1).to_be_bytes());
    seed
}

fn sample_key() -> String {
    keys::sample(&METER.parse().unwrap()).to_string()
}

fn friends() -> (House, Reader) {
    let (mut house, mut reader) = (House::new(), Reader::new(1, 7));
    house.meet(&mut reader).unwrap();
    assert_eq!(house.hear(&mut reader, 1).unwrap(), [], "a session that has answered nothing is not believed");
    house.deliver(&mut reader).unwrap();
    (house, reader)
}

#[test]
fn first_contact_is_told_kept_and_proven() {
    let (mut house, mut reader) = friends();
    assert!(house.bridge.poll_news().unwrap().starts_with("first contact: meter 012345678912"));
    assert_eq!(Pins::parse(&house.bridge.poll_pins().unwrap()).unwrap().keys().count(), 1);
    let heard = house.hear(&mut reader, 2).unwrap();
    assert_eq!((heard.len(), &*heard[0].key), (1, &*sample_key()));
}

#[test]
fn what_another_member_tells_hides_no_reader_that_it_was_not_told_of() {
    let (mut house, reader) = friends();
    let (own, theirs) = (format!("{METER} {}\n", reader.end.key()), format!("012345678999 {}\n", Identity::from_seed(&[9; 32]).key()));
    let Shared { untold, all } = house.bridge.handle_shared(&theirs, false);
    assert_eq!((untold, all), (Some(own.clone()), Some(own + &theirs)));
    assert_eq!(house.bridge.handle_shared(&theirs, false), Shared { untold: None, all: None });
}

#[test]
fn as_many_as_are_heard_in_a_second_come_in_at_once() {
    let mut house = House::new();
    let mut readers: Vec<Reader> = (0..Limits::default().greetings() as u8).map(|number| Reader::new(number, 1)).collect();
    for _ in 0..2 {
        for reader in &mut readers {
            house.bridge.handle_hello(LINK, &reader.key("hello"), &reader.end.hello(), house.now).unwrap();
        }
        while let Some(Outgoing { key, mut bytes, .. }) = house.bridge.poll_message() {
            let reader = readers.iter_mut().find(|reader| reader.key("inbox") == key).unwrap();
            reader.end.handle_message(&key, &mut bytes, house.time()).unwrap();
        }
        house.now += Duration::from_secs(6);
    }
    for (number, reader) in readers.iter_mut().enumerate() {
        let meter = format!("{number:012}").parse().unwrap();
        let mut pair = reader.end.pair(&reader.key("pair"), Some(&meter), &mut [0; 512]).unwrap().to_vec();
        house.bridge.handle_pair(LINK, &reader.key("pair"), &mut pair, house.now).unwrap();
        assert!(house.bridge.poll_met());
    }
    assert_eq!(house.bridge.peers.len(), readers.len());
    assert_eq!(house.bridge.poll_pins().unwrap().lines().count(), readers.len(), "the lines of all are made once");
    assert_eq!((house.bridge.poll_pins(), house.bridge.poll_met()), (None, false));
}

#[test]
fn a_receipt_reaches_the_reader_of_the_run_that_is_heard() {
    let (mut house, mut reader) = friends();
    house.bridge.handle_delivered(METER.parse().unwrap(), BootId::new(6), 99);
    house.bridge.handle_delivered(METER.parse().unwrap(), BootId::new(7), 41);
    house.deliver(&mut reader).unwrap();
    assert_eq!(reader.delivered, 41);
}

#[test]
fn a_reader_is_told_by_the_link_of_what_came_last_of_it_and_counts() {
    let (mut house, mut reader) = friends();
    let meter: MeterId = METER.parse().unwrap();
    let told_by = |house: &mut House| {
        house.bridge.handle_delivered(meter, BootId::new(7), 41);
        let links = std::iter::from_fn(|| house.bridge.poll_message()).map(|message| message.link).collect::<Vec<_>>();
        let asked = house.bridge.question(meter, house.bridge.heard(meter)[0], "from=").unwrap().1;
        (links, asked)
    };
    let by = |house: &mut House, link, sealed: &[u8]| house.bridge.handle_message(link, &sample_key(), &mut sealed.to_vec(), house.now);
    assert_eq!(told_by(&mut house), (vec![Some(LINK)], Some(LINK)), "it has answered by this one");
    let sealed = reader.sample(2);
    assert_eq!(by(&mut house, LINK, &sealed).unwrap().len(), 1);
    assert_eq!(by(&mut house, 2, &sealed), Ok(Vec::new()), "the same again by a link that was slower is no trouble");
    assert_eq!(told_by(&mut house).1, Some(LINK), "a recording does not move it");
    assert_eq!(by(&mut house, LINK, &sealed).unwrap_err().refused, Refused::Replayed);
    assert_eq!((house.bridge.poll_copies(), house.bridge.poll_copies()), (1, 0));
    assert_eq!(by(&mut house, 2, &reader.sample(3)).unwrap().len(), 1);
    assert_eq!(told_by(&mut house), (vec![Some(2)], Some(2)), "it is at another router now");
    let hello = reader.end.hello();
    house.bridge.handle_hello(3, &reader.key("hello"), &hello, house.now).unwrap();
    assert_eq!(house.bridge.poll_message().unwrap().link, Some(3), "who greets is answered where he greets");
    assert_eq!(told_by(&mut house).1, Some(2), "but anybody can repeat a hello");
    house.restart();
    assert!(house.bridge.heard(meter).is_empty());
    house.hear(&mut reader, 4).unwrap();
    let asked = house.bridge.poll_message().unwrap();
    assert_eq!(asked.link, Some(LINK), "whether it lives is asked where it was heard");
    house.bridge.handle_delivered(meter, BootId::new(7), 41);
    assert_eq!(house.bridge.poll_message().map(|message| message.link), Some(None), "of what may be a recording nothing follows");
}

#[test]
fn another_key_for_a_known_meter_is_refused_with_its_command_until_it_is_accepted() {
    let (mut house, _) = friends();
    let mut other = Reader::new(2, 8);
    let refused = house.meet(&mut other).unwrap_err();
    let words = other.end.key().fingerprint();
    assert!(refused.to_string().ends_with(&format!("sudo teleinfo-bridge accept {METER} {words}")), "{refused}");
    assert_eq!(house.hear(&mut other, 1).unwrap_err().refused, Refused::AnotherKey);
    house.bridge.handle_decision(Decision::Accept(METER.parse().unwrap(), Some(words)));
    house.meet(&mut other).unwrap();
    house.hear(&mut other, 2).unwrap();
    house.deliver(&mut other).unwrap();
    assert_eq!(house.hear(&mut other, 3).unwrap().len(), 1);
}

#[test]
fn two_readers_of_one_meter_are_both_heard_asked_and_told_until_one_is_refused() {
    let (mut house, mut first) = friends();
    let meter = METER.parse().unwrap();
    house.bridge.handle_decision(Decision::Accept(meter, None));
    let mut second = Reader::new(2, 8);
    house.meet(&mut second).unwrap();
    house.hear(&mut second, 1).unwrap();
    house.deliver(&mut second).unwrap();
    assert_eq!((house.hear(&mut first, 2).unwrap().len(), house.hear(&mut second, 2).unwrap().len()), (1, 1));
    let readers = house.bridge.heard(meter);
    assert_eq!(readers, [&first, &second].map(|reader| reader.end.key().id()));
    for (id, reader) in readers.into_iter().zip([&mut first, &mut second]) {
        let mut question = house.bridge.question(meter, id, "from=").unwrap().0;
        let Ok(Heard::Question(asked, _)) = reader.end.handle_message(&keys::history(&meter), &mut question, house.time()) else {
            panic!("the question is for this one");
        };
        let mut end = reader.end.end(reader.end.answer(asked), &sample_key(), &mut [0; 512]).unwrap().to_vec();
        assert_eq!(house.bridge.handle_reply(meter, &sample_key(), &mut end, house.now), Ok(None));
    }
    house.bridge.handle_delivered(meter, BootId::new(7), 41);
    house.deliver(&mut first).unwrap();
    house.bridge.handle_delivered(meter, BootId::new(8), 42);
    house.deliver(&mut second).unwrap();
    assert_eq!((first.delivered, second.delivered), (41, 42));
    let words = first.end.key().fingerprint();
    house.bridge.handle_decision(Decision::Refuse(meter, words));
    assert_eq!(house.hear(&mut first, 3).unwrap_err().refused, Refused::AnotherKey);
    assert_eq!(house.hear(&mut second, 3).unwrap().len(), 1);
}

#[test]
fn another_version_says_which_of_the_two_is_older_and_a_reader_of_another_bridge_what_to_do() {
    let (mut house, mut reader) = friends();
    for (version, older) in [(3, "update this bridge"), (1, "update that reader")] {
        let refused = house.bridge.handle_hello(LINK, "tic/v3/reader/0123456789abcdef/hello", &[version, 1, 0], house.now).unwrap_err();
        assert_eq!((refused.refused, refused.to_string().contains(older)), (Refused::Version(version), true), "{refused}");
        let mut sealed = reader.sample(2);
        sealed[0] = version;
        assert!(house.bridge.handle_message(LINK, &sample_key(), &mut sealed, house.now).unwrap_err().to_string().contains(older));
    }
    let mut other = House::new();
    other.bridge = Readers::new(Identity::from_seed(&[201; 32]), Pins::default(), Limits::default(), draw, other.now);
    let refused = other.hear(&mut reader, 3).unwrap_err();
    let command = format!("sudo teleinfo-reader accept {}", other.bridge.fingerprint());
    assert_eq!((refused.refused, refused.to_string().ends_with(&command)), (Refused::NotForUs, true), "{refused}");
}

#[test]
fn where_a_code_is_wanted_nobody_comes_in_without_it_and_nobody_can_try_them_all() {
    let house = House::new();
    let mut house = House { bridge: house.bridge.with_code(0x0102_0304), now: house.now };
    let mut met = |reader: &mut Reader| house.meet(reader).map_err(|error| error.refused);
    assert_eq!(met(&mut Reader::new(1, 7)), Err(Refused::WrongCode), "first contact is closed");
    assert_eq!(met(&mut Reader::with_code(2, 5)), Err(Refused::WrongCode));
    let mut right = Reader::with_code(3, 0x0102_0304);
    // The wrong one has just been heard: 12 s of this meeting pass before its pair.
    assert_eq!(met(&mut right), Ok(()));
    assert_eq!(met(&mut right), Ok(()), "one that is known needs no code");
    for number in 10..20 {
        let pair = |house: &mut House, secret| {
            let mut reader = Reader::with_code(number, secret);
            house.bridge.handle_hello(LINK, &reader.key("hello"), &reader.end.hello(), house.now).unwrap();
            house.deliver(&mut reader).unwrap();
            let mut pair = reader.end.pair(&reader.key("pair"), None, &mut [0; 512]).unwrap().to_vec();
            house.bridge.handle_pair(LINK, &reader.key("pair"), &mut pair, house.now).map_err(|error| error.refused)
        };
        let expected = if number == 10 { Refused::WrongCode } else { Refused::TooMany };
        assert_eq!(pair(&mut house, 6), Err(expected));
        assert_eq!(pair(&mut house, 0x0102_0304), Err(Refused::TooMany), "whoever tries all of them does not get this one");
    }
    house.bridge.handle_decision(Decision::Accept(METER.parse().unwrap(), Some(Reader::new(1, 7).end.key().fingerprint())));
    assert_eq!(house.meet(&mut Reader::new(1, 7)), Ok(()), "a person has accepted its words");
}

#[test]
fn after_a_restart_of_either_side_the_session_is_proven_anew_and_a_recording_never_is() {
    let (mut house, mut reader) = friends();
    let recorded = reader.sample(2);
    house.restart();
    assert_eq!(house.bridge.handle_message(LINK, &sample_key(), &mut recorded.clone(), house.now).unwrap(), []);
    let mut again = Reader::again(1, 9);
    house.deliver(&mut again).unwrap();
    assert_eq!(
        house.bridge.handle_message(LINK, &sample_key(), &mut recorded.clone(), house.now).unwrap(),
        [],
        "the old run does not answer"
    );
    house.now += ASK_AGAIN;
    assert_eq!(house.hear(&mut again, 1).unwrap(), []);
    house.deliver(&mut again).unwrap();
    assert_eq!(house.hear(&mut again, 2).unwrap().len(), 1);
}

#[test]
fn strangers_leave_nothing_behind_and_are_bounded() {
    let (mut house, _) = friends();
    let mut stranger = Reader::again(3, 3);
    let key = "tic/v2/999999999999/sample";
    let mut sealed = stranger.sample(1);
    assert_eq!(house.bridge.handle_message(LINK, key, &mut sealed, house.now).unwrap_err().refused, Refused::NotPaired);
    let most = Limits::default();
    for number in 0..most.candidates() as u32 + 100 {
        let (own, boot) = (Identity::from_seed(&seed(number)), BootId::new(1));
        let hello = ReaderEnd::new(own, boot, None, Pairing::FirstContact, random()).unwrap().hello();
        let id = Identity::from_seed(&seed(number)).id();
        house.now += Duration::from_secs(1) / most.greetings();
        let _ = house.bridge.handle_hello(LINK, &format!("tic/v2/reader/{id}/hello"), &hello, house.now);
    }
    assert_eq!((house.bridge.candidates.len(), house.bridge.peers.len()), (most.candidates(), 1));
    let reader = Reader::new(101, 1);
    let hello = reader.end.hello();
    assert!(house.bridge.handle_hello(LINK, "tic/v2/reader/pi/hello", &hello, house.now).is_err(), "not under its own key expression");
}
