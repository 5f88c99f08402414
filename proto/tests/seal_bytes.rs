//! The bytes of a sealed message, from fixed keys. They were computed a second time from RFC 9180 and RFC 8439 with other libraries.
//!
//! Do not change this test: readers and bridges of different releases work together. A new layout is a new version.

use teleinfo_proto::{
    seal::{Direction, Header, Hello, Identity, Opener, PublicKey, Refused, Sealer, Type},
    wire::BootId,
};

const SAMPLE: &str = "tic/v2/012345678912/sample";
const INBOX: &str = "tic/v2/reader/0123456789abcdef/inbox";
const BOOT: BootId = BootId::new(0x0102_0304_0506_0708);

fn reader() -> Identity {
    Identity::from_seed(&[1; 32])
}

fn bridge() -> Identity {
    Identity::from_seed(&[2; 32])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const KEYS: [(&str, &str, &str); 2] = [
    ("41852320ff367495fa522c94cb83af391e4e89018392725bbf2098dd931bc424", "c957558e9cea1a51", "datim-digij-vizov-zagol-ruvud"),
    ("6080bbe51005ea9acc863580ce57317d46bef6333558d5bfa97e461342985005", "758636f7b12b080b", "zozot-fugam-huris-vidil-sikus"),
];

#[rustfmt::skip]
const TO_BRIDGE: [&str; 7] = [
    "02040000", // version, type and two zeros
    "c957558e9cea1a51", // sender
    "758636f7b12b080b", // receiver
    "0000000000000002", // number
    "90ab790ecbf0704232ffe9436faeccc913b66a60e99c688a40bba4d5e2e61450", // session
    "bc18a20c1756b067", // ciphertext
    "cd2f6b1c6ae77aac79ea710dedd8330f", // tag
];

#[rustfmt::skip]
const TO_READER: [&str; 7] = [
    "02020000", // version, type and two zeros
    "758636f7b12b080b", // sender
    "c957558e9cea1a51", // receiver
    "0000000000000001", // number
    "008d4fd6c00663955bf73dc152fe43bcf13c97453924872458a229f46c808012", // session
    "6080bbe51005ea9acc863580ce57317d46bef6333558d5bfa97e461342985005", // the sender's key
    "77078344a42d9514bf872bc94430b1f5", // tag
];

#[test]
fn keys_ids_and_words() {
    let shown = [reader(), bridge()].map(|own| (own.key().to_string(), own.id().to_string(), own.key().fingerprint().to_string()));
    let frozen = KEYS.map(|(key, id, words)| (key.to_owned(), id.to_owned(), words.to_owned()));
    assert_eq!(shown, frozen);
}

#[test]
fn a_hello() {
    let hello = Hello { key: *reader().key(), boot: BOOT };
    let bytes = hello.encode();
    assert_eq!(hex(&bytes), format!("02010000{}0102030405060708", KEYS[0].0));
    assert_eq!(Hello::decode(&bytes), Ok(hello));
    for wrong in [&bytes[..43], &[&bytes[..], &[0]].concat(), &[&bytes[..2], &[1], &bytes[3..]].concat(), &[]] {
        assert_eq!(Hello::decode(wrong), Err(Refused::Malformed));
    }
    assert_eq!(Hello::decode(&[&[3], &bytes[1..]].concat()), Err(Refused::Version(3)));
}

#[test]
fn what_another_release_says_is_known_by_its_first_two_bytes() {
    let mut sealer = Sealer::new(&reader(), bridge().key(), Direction::ToBridge, [3; 32]).unwrap();
    let mut out = [0; 256];
    let sealed = sealer.seal(Type::Sample, SAMPLE, &[b"a sample"], &mut out).unwrap();
    assert_eq!(Header::read(&[&[3], &sealed[1..]].concat()), Err(Refused::Version(3)));
    assert_eq!(Header::read(&[&[2, 99], &sealed[2..]].concat()), Err(Refused::Type(99)));
    assert_eq!(Header::read(&[2, 4]), Err(Refused::Malformed));
    assert!(Refused::Version(3).to_string().contains("version 3"));
}

#[test]
fn the_second_message_to_a_bridge() {
    let mut sealer = Sealer::new(&reader(), bridge().key(), Direction::ToBridge, [3; 32]).unwrap();
    let mut out = [0; 256];
    sealer.seal(Type::Goodbye, SAMPLE, &[], &mut out).unwrap();
    let sealed = sealer.seal(Type::Sample, SAMPLE, &[b"a ", b"sample"], &mut out).unwrap();
    assert_eq!(hex(sealed), TO_BRIDGE.concat());
    let opener = Opener::new(&bridge(), reader().key(), sealer.session(), Direction::ToBridge).unwrap();
    let length = TO_BRIDGE.concat().len() / 2;
    assert_eq!(opener.open(SAMPLE, &mut out[..length]), Ok(&b"a sample"[..]));
}

#[test]
fn an_offer_to_a_reader() {
    let mut sealer = Sealer::new(&bridge(), reader().key(), Direction::ToReader(BOOT), [4; 32]).unwrap();
    let mut out = [0; 256];
    let sealed = sealer.seal(Type::Offer, INBOX, &[], &mut out).unwrap();
    assert_eq!(hex(sealed), TO_READER.concat());
    let key: PublicKey = TO_READER[5].parse().unwrap();
    assert_eq!(key, *bridge().key());
}
