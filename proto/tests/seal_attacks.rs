//! What an attacker between reader and bridge can try, one test each. No socket is needed: whoever is in between has the bytes.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::time::Duration;

use teleinfo_proto::{
    seal::{
        Direction, EXPRESSION_BYTES_MAX, Heard, Held, Hello, Identity, Looks, OVERHEAD_BYTES, Opened, Opener, Paired, Pairing, PairingCode,
        Random, ReaderEnd, ReaderPeer, Refused, Sealer, Type,
    },
    tic::MeterId,
    wire::{BootId, MESSAGE_BYTES_MAX},
};

const SAMPLE: &str = "tic/v2/012345678912/sample";
const HISTORY: &str = "tic/v2/012345678912/history";
const INBOX: &str = "tic/v2/reader/0123456789abcdef/inbox";
const PAIR: &str = "tic/v2/reader/0123456789abcdef/pair";
const BOOT: BootId = BootId::new(7);
const READER: u8 = 1;
const BRIDGE: u8 = 2;
const ROGUE: u8 = 77;

fn identity(number: u8) -> Identity {
    Identity::from_seed(&[number; 32])
}

fn meter() -> MeterId {
    "012345678912".parse().unwrap()
}

/// Another one at each call, as from the system's generator.
fn random() -> Random {
    use std::sync::atomic::{AtomicU64, Ordering};
    static DRAWN: AtomicU64 = AtomicU64::new(1);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&DRAWN.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    bytes
}

/// A bridge process, as far as one reader is concerned.
struct Bridge {
    own: Identity,
    peer: ReaderPeer,
    looks: Looks,
}

impl Bridge {
    fn new(number: u8) -> Self {
        Self { own: identity(number), peer: ReaderPeer::new(*identity(READER).key()), looks: Looks::new(200) }
    }

    fn offer(&mut self, reader: &ReaderEnd) -> Result<Vec<u8>, Refused> {
        let hello = Hello::decode(&reader.hello())?;
        Ok(self.peer.offer(&self.own, &hello, INBOX, random(), &mut [0; 256])?.to_vec())
    }

    fn question(&mut self, id: &[u8; 8]) -> Vec<u8> {
        self.peer.speak_to(&self.own, BOOT, random()).unwrap();
        self.peer.question(*id, b"from=", HISTORY, &mut [0; 256]).unwrap().to_vec()
    }

    fn receipt(&mut self, sequence: u64) -> Vec<u8> {
        self.peer.speak_to(&self.own, BOOT, random()).unwrap();
        self.peer.receipt(BOOT, sequence, INBOX, &mut [0; 256]).unwrap().to_vec()
    }

    fn pair(&mut self, message: &[u8], now: Duration) -> Result<Paired, Refused> {
        self.peer.pair(&self.own, PAIR, &mut message.to_vec(), &mut self.looks, now)
    }

    /// What a message is: its type if it is live or an answer, its place if it is not proven.
    fn open(&mut self, expression: &str, message: &[u8], now: Duration) -> Result<Taken, Refused> {
        let mut message = message.to_vec();
        Ok(match self.peer.open(&self.own, expression, &mut message, &mut self.looks, now)? {
            Opened::Live(of, plain) => Taken::Live(of, plain.to_vec()),
            Opened::Unproven(_, _, held) => Taken::Unproven(held),
            Opened::Reply(plain) => Taken::Reply(plain.to_vec()),
            Opened::End => Taken::End,
        })
    }
}

#[derive(Debug, PartialEq)]
enum Taken {
    Live(Type, Vec<u8>),
    Unproven(Held),
    Reply(Vec<u8>),
    End,
}

struct House {
    reader: ReaderEnd,
    bridge: Bridge,
    now: Duration,
}

impl House {
    fn new(bridge: u8, pairing: Pairing) -> Self {
        let reader = ReaderEnd::new(identity(READER), BOOT, None, pairing, random()).unwrap();
        Self { reader, bridge: Bridge::new(bridge), now: Duration::from_secs(100) }
    }

    /// Paired and proven.
    fn friends() -> Self {
        let mut house = Self::new(BRIDGE, Pairing::FirstContact);
        house.meet().unwrap();
        house.prove(&[]);
        house
    }

    /// First contact: hello, offer (again after the wait), pair.
    fn meet(&mut self) -> Result<Paired, Refused> {
        loop {
            let mut offer = self.bridge.offer(&self.reader)?;
            match self.reader.handle_message(INBOX, &mut offer, self.now)? {
                Heard::Waiting => self.now += Duration::from_secs(6),
                _ => break,
            }
        }
        let pair = self.reader.pair(PAIR, Some(&meter()), &mut [0; 512])?.to_vec();
        self.bridge.pair(&pair, self.now)
    }

    /// The messages of an answer to a question.
    fn answer(&mut self, question: &[u8], samples: &[&[u8]]) -> Vec<Vec<u8>> {
        let Ok(Heard::Question(id, b"from=")) = self.reader.handle_message(HISTORY, &mut question.to_vec(), self.now) else {
            panic!("not a question");
        };
        let (mut answer, mut out) = (self.reader.answer(id), [0; 512]);
        let mut messages: Vec<_> =
            samples.iter().map(|sample| self.reader.reply(&mut answer, SAMPLE, sample, &mut out).unwrap().to_vec()).collect();
        messages.push(self.reader.end(answer, SAMPLE, &mut out).unwrap().to_vec());
        messages
    }

    fn prove(&mut self, samples: &[&[u8]]) {
        let question = self.bridge.question(b"question");
        let answer = self.answer(&question, samples);
        let (end, replies) = answer.split_last().unwrap();
        for (reply, sample) in replies.iter().zip(samples) {
            assert_eq!(self.open(SAMPLE, reply), Ok(Taken::Reply(sample.to_vec())));
        }
        assert_eq!(self.open(SAMPLE, end), Ok(Taken::End));
    }

    fn sample(&mut self) -> Vec<u8> {
        self.reader.seal(Type::Sample, SAMPLE, &[7; 1400], &mut [0; 2048]).unwrap().to_vec()
    }

    fn open(&mut self, expression: &str, message: &[u8]) -> Result<Taken, Refused> {
        self.bridge.open(expression, message, self.now)
    }

    fn hear(&mut self, expression: &str, message: &[u8]) -> Result<Option<u64>, Refused> {
        self.reader.handle_message(expression, &mut message.to_vec(), self.now).map(|heard| match heard {
            Heard::Delivered(_, sequence) => Some(sequence),
            _ => None,
        })
    }
}

fn live() -> Result<Taken, Refused> {
    Ok(Taken::Live(Type::Sample, vec![7; 1400]))
}

#[test]
fn nothing_typed_then_samples_flow_and_receipts_come_back() {
    let mut house = House::new(BRIDGE, Pairing::FirstContact);
    assert_eq!(house.reader.seal(Type::Sample, SAMPLE, b"x", &mut [0; 200]), Err(Refused::NotPaired), "nothing leaves in the clear");
    assert_eq!(house.meet(), Ok(Paired { secret: 0, meter: Some(meter()) }));
    assert_eq!(house.reader.bridge(), Some(identity(BRIDGE).key()));
    house.prove(&[b"old", b"older"]);
    let sample = house.sample();
    assert_eq!(sample.len(), 1400 + OVERHEAD_BYTES);
    assert!(!sample.windows(8).any(|bytes| bytes == [7; 8]), "it can be read");
    assert_eq!(house.open(SAMPLE, &sample), live());
    let receipt = house.bridge.receipt(1);
    assert_eq!(house.hear(INBOX, &receipt), Ok(Some(1)));
    assert_eq!(house.hear(INBOX, &receipt), Err(Refused::Replayed));
}

#[test]
fn every_changed_bit_and_every_cut_is_refused() {
    let mut house = House::friends();
    let sample = house.reader.seal(Type::Sample, SAMPLE, b"PAPP 00540", &mut [0; 200]).unwrap().to_vec();
    for at in 0..sample.len() {
        for bit in 0..8 {
            let mut changed = sample.clone();
            changed[at] ^= 1 << bit;
            // So that the limit on unknown sessions is not what refuses.
            house.now += Duration::from_secs(1);
            assert!(house.open(SAMPLE, &changed).is_err(), "byte {at} bit {bit}");
        }
    }
    for length in 0..sample.len() {
        assert!(house.open(SAMPLE, &sample[..length]).is_err(), "{length} bytes");
    }
    assert_eq!(house.open(SAMPLE, &sample), Ok(Taken::Live(Type::Sample, b"PAPP 00540".to_vec())));
}

#[test]
fn a_message_belongs_to_its_key_expression_and_its_type() {
    let mut house = House::friends();
    let sample = house.sample();
    for other in ["tic/v2/999999999999/sample", HISTORY, "tic/v2/012345678912/sampl", ""] {
        assert_eq!(house.open(other, &sample), Err(Refused::NotAuthentic), "{other}");
    }
    for of in [Type::Goodbye, Type::Status, Type::Question, Type::Reply, Type::End, Type::Receipt] {
        let mut changed = sample.clone();
        changed[1] = of as u8;
        assert_eq!(house.open(SAMPLE, &changed), Err(Refused::NotAuthentic), "{of:?}");
    }
    assert_eq!(house.hear(INBOX, &sample), Err(Refused::NotForUs), "our own message sent back");
    assert_eq!(house.open(SAMPLE, &sample), live());
}

#[test]
fn a_goodbye_is_sealed_and_counts_once() {
    let mut house = House::friends();
    let goodbye = house.reader.seal(Type::Goodbye, SAMPLE, b"", &mut [0; 200]).unwrap().to_vec();
    assert_eq!(house.open(SAMPLE, &goodbye), Ok(Taken::Live(Type::Goodbye, vec![])));
    assert_eq!(house.open(SAMPLE, &goodbye), Err(Refused::Replayed));
}

#[test]
fn replays_are_refused_also_by_a_bridge_that_has_just_started() {
    let mut house = House::friends();
    let (one, two) = (house.sample(), house.sample());
    assert_eq!((house.open(SAMPLE, &two), house.open(SAMPLE, &one)), (live(), live()));
    assert_eq!(house.open(SAMPLE, &one), Err(Refused::Replayed));
    house.bridge = Bridge::new(BRIDGE);
    let Ok(Taken::Unproven(held)) = house.open(SAMPLE, &one) else { panic!("a recording counts as live") };
    house.prove(&[b"what was missed"]);
    assert_eq!(house.bridge.peer.release(held), Err(Refused::Replayed));
    assert_eq!(house.open(SAMPLE, &two), Err(Refused::Replayed));
    let three = house.sample();
    assert_eq!(house.open(SAMPLE, &three), live());
}

#[test]
fn a_live_message_that_overtakes_the_proof_is_held_and_counts_once() {
    let mut house = House::friends();
    house.bridge = Bridge::new(BRIDGE);
    let question = house.bridge.question(b"question");
    let answer = house.answer(&question, &[]);
    let sample = house.sample();
    let Ok(Taken::Unproven(held)) = house.open(SAMPLE, &sample) else { panic!("not held") };
    assert_eq!(house.bridge.peer.release(held), Err(Refused::Replayed), "before the proof");
    assert_eq!(house.open(SAMPLE, &answer[0]), Ok(Taken::End));
    assert_eq!((house.bridge.peer.release(held), house.bridge.peer.release(held)), (Ok(()), Err(Refused::Replayed)));
    assert_eq!(house.open(SAMPLE, &sample), Err(Refused::Replayed));
}

#[test]
fn a_recording_of_an_earlier_process_is_never_proven() {
    let mut house = House::friends();
    let recorded = house.sample();
    house.reader =
        ReaderEnd::new(identity(READER), BootId::new(8), Some(*identity(BRIDGE).key()), Pairing::FirstContact, random()).unwrap();
    house.bridge = Bridge::new(BRIDGE);
    assert!(matches!(house.open(SAMPLE, &recorded), Ok(Taken::Unproven(_))));
    // The question is for a process that is gone, and nobody else can read it.
    let question = house.bridge.question(b"question");
    assert_eq!(house.hear(HISTORY, &question), Err(Refused::NotAuthentic));
}

#[test]
fn a_recording_does_not_take_the_place_of_a_proven_session() {
    let mut house = House::new(BRIDGE, Pairing::FirstContact);
    house.meet().unwrap();
    let mut earlier =
        ReaderEnd::new(identity(READER), BootId::new(6), Some(*identity(BRIDGE).key()), Pairing::FirstContact, random()).unwrap();
    let recorded = earlier.seal(Type::Sample, SAMPLE, b"old", &mut [0; 200]).unwrap().to_vec();
    house.prove(&[]);
    assert!(matches!(house.open(SAMPLE, &recorded), Ok(Taken::Unproven(_))));
    let sample = house.sample();
    assert_eq!(house.open(SAMPLE, &sample), live());
    assert_eq!(house.open(SAMPLE, &sample), Err(Refused::Replayed));
}

#[test]
fn answers_are_bound_to_their_question_and_their_order() {
    let mut house = House::friends();
    let question = house.bridge.question(b"open now");
    let answer = house.answer(&question, &[b"1", b"2", b"3"]);
    assert_eq!(house.hear(HISTORY, &question), Err(Refused::Replayed));
    let [first, second, third, end] = &answer[..] else { panic!("three and the end") };
    let mut other = house.reader.answer(*b"no such ");
    let stray = house.reader.reply(&mut other, SAMPLE, b"s", &mut [0; 200]).unwrap().to_vec();
    assert_eq!(house.open(SAMPLE, &stray), Err(Refused::Unasked));
    let reply = |text: &[u8]| Ok(Taken::Reply(text.to_vec()));
    assert_eq!(house.open(SAMPLE, first), reply(b"1"));
    assert_eq!(house.open(SAMPLE, first), Err(Refused::Unasked), "twice");
    assert_eq!(house.open(SAMPLE, third), Err(Refused::Unasked), "one was dropped");
    assert_eq!(house.open(SAMPLE, end), Err(Refused::Unasked), "the end shows that two are missing");
    assert_eq!(house.open(SAMPLE, second), reply(b"2"));
    assert_eq!((house.open(SAMPLE, third), house.open(SAMPLE, end)), (reply(b"3"), Ok(Taken::End)));
    assert_eq!(house.open(SAMPLE, end), Err(Refused::Unasked), "answered");
}

#[test]
fn another_reader_cannot_speak_for_a_known_meter() {
    let mut house = House::friends();
    let bridge = *identity(BRIDGE).key();
    let mut rogue = ReaderEnd::new(identity(ROGUE), BOOT, Some(bridge), Pairing::FirstContact, random()).unwrap();
    let mut out = [0; 512];
    let sample = rogue.seal(Type::Sample, SAMPLE, b"999999999", &mut out).unwrap().to_vec();
    assert_eq!(house.open(SAMPLE, &sample), Err(Refused::AnotherKey));
    let mut named = sample;
    named[4..12].copy_from_slice(&house.sample()[4..12]);
    assert_eq!(house.open(SAMPLE, &named), Err(Refused::NotAuthentic), "with the id of the right one");
    let pair = rogue.pair(PAIR, Some(&meter()), &mut out).unwrap().to_vec();
    assert_eq!(house.bridge.pair(&pair, house.now), Err(Refused::AnotherKey));
}

#[test]
fn a_rogue_bridge_gets_nothing_and_delivers_nothing() {
    let mut house = House::friends();
    let mut rogue = Bridge::new(ROGUE);
    let offer = rogue.offer(&house.reader).unwrap();
    assert_eq!(house.hear(INBOX, &offer), Err(Refused::AnotherKey));
    for mut message in [rogue.receipt(99), rogue.question(b"question")] {
        assert_eq!(house.hear(INBOX, &message), Err(Refused::AnotherKey));
        message[4..12].copy_from_slice(&house.bridge.receipt(1)[4..12]);
        assert_eq!(house.hear(INBOX, &message), Err(Refused::NotAuthentic), "with the id of the right one");
    }
    let sample = house.sample();
    assert_eq!(rogue.open(SAMPLE, &sample, house.now), Err(Refused::NotForUs));
}

#[test]
fn an_offer_that_only_claims_a_key_is_refused() {
    let mut house = House::new(ROGUE, Pairing::FirstContact);
    let mut offer = house.bridge.offer(&house.reader).unwrap();
    offer[60..92].copy_from_slice(identity(BRIDGE).key().as_bytes());
    assert_eq!(house.hear(INBOX, &offer), Err(Refused::NotAuthentic));
}

#[test]
fn two_bridges_at_first_contact_are_for_a_person_to_judge() {
    let mut house = House::new(BRIDGE, Pairing::FirstContact);
    let mut rogue = Bridge::new(ROGUE);
    for _ in 0..3 {
        let (first, second) = (rogue.offer(&house.reader).unwrap(), house.bridge.offer(&house.reader).unwrap());
        assert_eq!(house.hear(INBOX, &first), Ok(None));
        house.now += Duration::from_secs(4);
        assert_eq!(house.hear(INBOX, &second), Err(Refused::TwoBridges));
    }
    assert_eq!(house.reader.bridge(), None);
}

#[test]
fn with_a_pairing_code_only_that_bridge_is_trusted_and_hears_the_secret() {
    let code = Pairing::Code(PairingCode { bridge: identity(BRIDGE).key().fingerprint(), secret: 4711 });
    assert_eq!(House::new(BRIDGE, code).meet(), Ok(Paired { secret: 4711, meter: Some(meter()) }));
    assert_eq!(House::new(ROGUE, code).meet(), Err(Refused::WrongCode));
}

#[test]
fn a_recorded_pairing_does_not_pair_a_reader_that_was_forgotten() {
    let mut house = House::new(BRIDGE, Pairing::FirstContact);
    house.meet().unwrap();
    let recorded = house.reader.pair(PAIR, Some(&meter()), &mut [0; 512]).unwrap().to_vec();
    assert!(house.bridge.pair(&recorded, house.now).is_ok());
    house.bridge = Bridge::new(BRIDGE);
    assert_eq!(house.bridge.pair(&recorded, house.now), Err(Refused::NotOffered));
    house.bridge.offer(&house.reader).unwrap();
    assert_eq!(house.bridge.pair(&recorded, house.now), Err(Refused::NotOffered), "another offer to the same reader");
}

#[test]
fn who_agrees_is_looked_at_once_with_all_that_follows_in_its_session() {
    let mut house = House::new(BRIDGE, Pairing::FirstContact);
    house.bridge.looks = Looks::new(1);
    house.meet().unwrap();
    house.prove(&[]);
    let sample = house.sample();
    assert_eq!(house.open(SAMPLE, &sample), live());
}

#[test]
fn strangers_cannot_make_a_reader_or_a_bridge_compute() {
    let mut house = House::friends();
    house.now += Duration::from_secs(2);
    let (receipt, sample) = (house.bridge.receipt(1), house.sample());
    let forged = |message: &[u8], number: u16| {
        let mut message = message.to_vec();
        message[28..30].copy_from_slice(&number.to_be_bytes());
        message
    };
    let heard: Vec<_> = (0..10).map(|number| house.hear(INBOX, &forged(&receipt, number))).collect();
    assert_eq!(heard.iter().filter(|result| **result == Err(Refused::TooMany)).count(), 6);
    let opened: Vec<_> = (0..300).map(|number| house.open(SAMPLE, &forged(&sample, number))).collect();
    assert_eq!(opened.iter().filter(|result| **result == Err(Refused::TooMany)).count(), 100);
    assert_eq!((house.hear(INBOX, &receipt), house.open(SAMPLE, &sample)), (Ok(Some(1)), live()), "the known ones are heard");
}

#[test]
fn a_group_of_bridges_shares_the_key_and_never_a_nonce() {
    let mut house = House::friends();
    let mut other = Bridge::new(BRIDGE);
    let sample = house.sample();
    assert_eq!(house.open(SAMPLE, &sample), live());
    assert!(matches!(other.open(SAMPLE, &sample, house.now), Ok(Taken::Unproven(_))));
    let (one, two) = (house.bridge.receipt(1), other.receipt(1));
    assert_ne!(one[28..60], two[28..60], "a session each");
    assert_eq!((house.hear(INBOX, &one), house.hear(INBOX, &two)), (Ok(Some(1)), Ok(Some(1))));
}

#[test]
fn keys_that_nobody_can_have_are_refused() {
    let nobody = teleinfo_proto::seal::PublicKey::from_bytes([0; 32]);
    assert_eq!(Sealer::new(&identity(READER), &nobody, Direction::ToBridge, random()).err(), Some(Refused::NotAuthentic));
    assert_eq!(Opener::new(&identity(BRIDGE), &nobody, &[1; 32], Direction::ToBridge).err(), Some(Refused::NotAuthentic));
    assert_eq!(Opener::new(&identity(BRIDGE), identity(READER).key(), &[0; 32], Direction::ToBridge).err(), Some(Refused::NotAuthentic));
}

#[test]
fn a_message_that_is_too_long_is_not_looked_at() {
    let mut house = House::friends();
    assert_eq!(house.open(SAMPLE, &[2; MESSAGE_BYTES_MAX + 129]), Err(Refused::TooLong));
    let long = "x".repeat(EXPRESSION_BYTES_MAX + 33);
    assert_eq!(house.reader.seal(Type::Sample, &long, b"x", &mut [0; 200]), Err(Refused::TooLong));
    assert_eq!(house.reader.seal(Type::Sample, SAMPLE, b"x", &mut [0; OVERHEAD_BYTES]), Err(Refused::TooLong));
}
