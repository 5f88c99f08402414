//! The session alone, against a router's half written with Zenoh's codec: what a real router seldom or never does, and time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by a panic")]

use std::time::{Duration, Instant};

use proptest::prelude::*;
use teleinfo_zenoh_client::{Credentials, Declaration, Error, Identity, QueryId, SendError, Session, SessionEvent};
use zenoh_codec::{RCodec, WCodec, Zenoh080};
use zenoh_protocol::core::{Bits, Field, Reliability, Resolution, WhatAmI, WireExpr, ZenohIdProto};
use zenoh_protocol::network::declare::{self, DeclareKeyExpr, DeclareSubscriber};
use zenoh_protocol::network::interest::{self, InterestMode, InterestOptions};
use zenoh_protocol::network::request::ext::QueryTarget;
use zenoh_protocol::network::{Declare, DeclareBody, Interest, Mapping, NetworkBody, NetworkMessage, Push, Request, request};
use zenoh_protocol::transport::{Close, Frame, InitAck, KeepAlive, OpenAck, TransportBody, TransportMessage, close, frame, init};
use zenoh_protocol::zenoh::{Del, PushBody, Put, Query, RequestBody};

const ALIVE: &str = "sensors/1/alive";
const HISTORY: &str = "sensors/1/history";
const FIRST_SN: u32 = (1 << 28) - 2;

fn batch(message: impl Into<TransportMessage>) -> Vec<u8> {
    framed(|bytes| Zenoh080::new().write(bytes, &message.into()).unwrap())
}

fn framed(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = vec![0, 0];
    write(&mut bytes);
    let length = u16::try_from(bytes.len() - 2).unwrap();
    bytes[..2].copy_from_slice(&length.to_le_bytes());
    bytes
}

fn init_ack(resolution: Resolution) -> InitAck {
    InitAck {
        version: zenoh_protocol::VERSION,
        whatami: WhatAmI::Router,
        zid: ZenohIdProto::try_from([2; 16]).unwrap(),
        resolution,
        batch_size: 16_384,
        cookie: vec![7; 64].into(),
        ext_qos: None,
        ext_qos_link: None,
        ext_auth: None,
        ext_mlink: None,
        ext_lowlatency: None,
        ext_compression: None,
        ext_patch: init::ext::PatchType::NONE,
        ext_region_name: None,
    }
}

fn open_ack(lease: Duration) -> OpenAck {
    OpenAck {
        lease,
        initial_sn: 0,
        ext_qos: None,
        ext_auth: None,
        ext_mlink: None,
        ext_lowlatency: None,
        ext_compression: None,
        ext_remote_bound: None,
    }
}

fn network(body: NetworkBody) -> Vec<u8> {
    let payload = vec![NetworkMessage { body, reliability: Reliability::Reliable }];
    batch(Frame { reliability: Reliability::Reliable, sn: 0, ext_qos: frame::ext::QoSType::DEFAULT, payload })
}

fn query(id: u32, key: WireExpr<'static>) -> Vec<u8> {
    network(NetworkBody::Request(Request {
        id,
        wire_expr: key,
        ext_qos: request::ext::QoSType::REQUEST,
        ext_tstamp: None,
        ext_nodeid: request::ext::NodeIdType::DEFAULT,
        ext_target: QueryTarget::DEFAULT,
        ext_budget: None,
        ext_timeout: None,
        ext_ts_stack: None,
        payload: RequestBody::Query(Query { parameters: "from=1".into(), ..Query::default() }),
    }))
}

fn declare(body: DeclareBody) -> Vec<u8> {
    network(NetworkBody::Declare(Declare {
        interest_id: None,
        ext_qos: declare::ext::QoSType::DECLARE,
        ext_tstamp: None,
        ext_nodeid: declare::ext::NodeIdType::DEFAULT,
        body,
    }))
}

fn key(text: &'static str) -> WireExpr<'static> {
    WireExpr::from(text)
}

/// Takes everything out of the transmit buffer and decodes it.
fn sent(session: &mut Session, now: Instant) -> Vec<TransportBody> {
    let mut messages = Vec::new();
    let mut rest = session.transmit();
    while let [low, high, ..] = *rest {
        let (batch, after) = rest[2..].split_at(usize::from(u16::from_le_bytes([low, high])));
        let mut reader = batch;
        let message: TransportMessage = Zenoh080::new().read(&mut reader).unwrap();
        assert!(reader.is_empty(), "a batch is one whole message");
        messages.push(message.body);
        rest = after;
    }
    let count = session.transmit().len();
    session.handle_sent(count, now);
    messages
}

fn begun(credentials: Option<Credentials>, now: Instant) -> Session {
    let mut session = Session::new(Identity { id: [1; 16], first_sn: FIRST_SN }, credentials, now).unwrap();
    assert!(matches!(sent(&mut session, now)[..], [TransportBody::InitSyn(_)]));
    session
}

fn established(now: Instant) -> Session {
    let mut session = begun(None, now);
    session.handle_bytes(&batch(init_ack(Resolution::default())), now).unwrap();
    let messages = sent(&mut session, now);
    assert!(
        matches!(&messages[..], [TransportBody::OpenSyn(open)] if open.initial_sn == FIRST_SN && open.cookie.len() == 64),
        "{messages:?}"
    );
    session.handle_bytes(&batch(open_ack(Duration::from_secs(10))), now).unwrap();
    assert_eq!(session.poll_event(), Some(SessionEvent::Up { authenticated: false }));
    session
}

#[test]
fn sequence_numbers_follow_each_other_and_wrap_where_agreed() {
    let now = Instant::now();
    let mut session = established(now);
    for _ in 0..4 {
        session.publish("key", b"value").unwrap();
    }
    let numbers: Vec<u32> = sent(&mut session, now)
        .iter()
        .map(|body| if let TransportBody::Frame(frame) = body { frame.sn } else { panic!("{body:?}") })
        .collect();
    assert_eq!(numbers, [FIRST_SN, FIRST_SN + 1, 0, 1]);

    let mut session = begun(None, now);
    let mut small = Resolution::default();
    small.set(Field::FrameSN, Bits::U8);
    session.handle_bytes(&batch(init_ack(small)), now).unwrap();
    assert!(matches!(&sent(&mut session, now)[..], [TransportBody::OpenSyn(open)] if open.initial_sn == FIRST_SN & 0x7f));
}

#[test]
fn a_sign_of_life_goes_out_four_times_per_lease_unless_something_else_does() {
    let start = Instant::now();
    let mut session = established(start);
    let mut now = start;
    for _ in 0..8 {
        let due = session.poll_timeout();
        assert_eq!(due, now + Duration::from_millis(1000));
        session.handle_timeout(due - Duration::from_millis(1)).unwrap();
        assert!(session.transmit().is_empty());
        session.handle_timeout(due).unwrap();
        assert!(matches!(sent(&mut session, due)[..], [TransportBody::KeepAlive(_)]));
        session.handle_bytes(&batch(KeepAlive), due).unwrap();
        now = due;
    }
    session.publish("key", b"value").unwrap();
    sent(&mut session, now + Duration::from_millis(500));
    assert_eq!(session.poll_timeout(), now + Duration::from_millis(1500));
}

#[test]
fn silence_longer_than_the_routers_lease_ends_the_session() {
    let start = Instant::now();
    let mut session = begun(None, start);
    session.handle_bytes(&batch(init_ack(Resolution::default())), start).unwrap();
    session.handle_bytes(&batch(open_ack(Duration::from_secs(3))), start).unwrap();
    session.handle_timeout(start + Duration::from_millis(2999)).unwrap();
    assert_eq!(session.handle_timeout(start + Duration::from_secs(3)), Err(Error::Silent(Duration::from_secs(3))));

    let mut session = begun(None, start);
    assert_eq!(session.poll_timeout(), start + Duration::from_secs(5));
    assert_eq!(session.handle_timeout(start + Duration::from_secs(5)), Err(Error::NoAnswer(Duration::from_secs(5))));

    // A lease beyond all reason is no reason to panic.
    let mut session = begun(None, start);
    session.handle_bytes(&batch(init_ack(Resolution::default())), start).unwrap();
    session.handle_bytes(&batch(open_ack(Duration::from_secs(u64::MAX))), start).unwrap();
    session.handle_timeout(start + Duration::from_secs(60)).unwrap();
    session.poll_timeout();
}

#[test]
fn what_a_close_means_depends_on_when_it_comes() {
    let now = Instant::now();
    let goodbye = |reason| batch(Close { reason, session: true });
    let password = || Some(Credentials::new("pi", "secret"));
    assert_eq!(begun(None, now).handle_bytes(&goodbye(close::reason::GENERIC), now), Err(Error::PasswordMissing));
    assert_eq!(begun(None, now).handle_bytes(&goodbye(close::reason::INVALID), now), Err(Error::Version { theirs: None }));
    assert_eq!(begun(password(), now).handle_bytes(&goodbye(close::reason::GENERIC), now), Err(Error::Closed(close::reason::GENERIC)));
    assert_eq!(established(now).handle_bytes(&goodbye(close::reason::EXPIRED), now), Err(Error::Closed(close::reason::EXPIRED)));
    assert_eq!(begun(None, now).handle_bytes(&goodbye(close::reason::MAX_SESSIONS), now), Err(Error::Full));
    assert!(Error::Full.to_string().contains("max_sessions"));
}

#[test]
fn messages_out_of_place_are_errors_with_words() {
    let now = Instant::now();
    for (bytes, words) in [
        (batch(open_ack(Duration::from_secs(10))), "an OpenAck out of place"),
        (query(1, key(HISTORY)), "a message before the end of the handshake"),
        (framed(|bytes| bytes.push(0x0b)), "an unknown message"),
        (framed(|bytes| bytes.extend([0x01 | 0x20, 0x05])), "version 5"),
        (b"SSH-2.0-OpenSSH_9.2\r\n".repeat(1000).clone(), "is this a Zenoh router"),
    ] {
        let error = begun(None, now).handle_bytes(&bytes, now).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let mut session = established(now);
    let error = session.handle_bytes(&batch(init_ack(Resolution::default())), now).unwrap_err();
    assert_eq!(error, Error::Malformed("an InitAck out of place"));

    // A frame whose second message is damaged: the first counts, the second is not left out silently.
    let mut session = established(now);
    let mut damaged = query(1, key(HISTORY));
    damaged.extend([0x1c, 0xff]);
    let length = u16::try_from(damaged.len() - 2).unwrap();
    damaged[..2].copy_from_slice(&length.to_le_bytes());
    assert_eq!(session.handle_bytes(&damaged, now), Err(Error::Malformed("an unreadable message in a Frame")));
}

#[test]
fn what_is_declared_early_goes_out_when_the_session_stands() {
    let now = Instant::now();
    let mut session = begun(None, now);
    session.declare(Declaration::Token, ALIVE);
    session.declare(Declaration::Queryable, HISTORY);
    assert!(session.transmit().is_empty());
    assert_eq!(session.publish("key", b"value"), Err(SendError::Offline));
    session.handle_bytes(&batch(init_ack(Resolution::default())), now).unwrap();
    sent(&mut session, now);
    session.handle_bytes(&batch(open_ack(Duration::from_secs(10))), now).unwrap();
    assert_eq!(declarations(&sent(&mut session, now)), [(None, "token"), (None, "queryable")]);
    session.undeclare(Declaration::Token, ALIVE);
    assert_eq!(declarations(&sent(&mut session, now)), [(None, "no token")]);
}

fn declarations(messages: &[TransportBody]) -> Vec<(Option<u32>, &'static str)> {
    let name = |body: &DeclareBody| match body {
        DeclareBody::DeclareToken(_) => "token",
        DeclareBody::UndeclareToken(_) => "no token",
        DeclareBody::DeclareQueryable(_) => "queryable",
        DeclareBody::DeclareFinal(_) => "final",
        _ => "something else",
    };
    let one = |message: &TransportBody| match message {
        TransportBody::Frame(frame) => match &frame.payload[0].body {
            NetworkBody::Declare(declare) => (declare.interest_id, name(&declare.body)),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    messages.iter().map(one).collect()
}

#[test]
fn an_interest_is_answered_with_what_it_asks_for_and_an_end() {
    let now = Instant::now();
    let mut session = established(now);
    session.declare(Declaration::Token, ALIVE);
    session.declare(Declaration::Queryable, HISTORY);
    sent(&mut session, now);
    let mut ask = |mode, options, wire_expr| {
        let interest = Interest {
            id: 9,
            mode,
            options,
            wire_expr,
            ext_qos: interest::ext::QoSType::INTEREST,
            ext_tstamp: None,
            ext_nodeid: interest::ext::NodeIdType::DEFAULT,
        };
        session.handle_bytes(&network(NetworkBody::Interest(interest)), now).unwrap();
        declarations(&sent(&mut session, now))
    };
    let both = InterestOptions::TOKENS + InterestOptions::QUERYABLES;
    assert_eq!(ask(InterestMode::Current, InterestOptions::TOKENS, None), [(Some(9), "token"), (Some(9), "final")]);
    assert_eq!(
        ask(InterestMode::CurrentFuture, both, Some(key("sensors/**"))),
        [(Some(9), "token"), (Some(9), "queryable"), (Some(9), "final")]
    );
    assert_eq!(ask(InterestMode::Current, InterestOptions::SUBSCRIBERS, None), [(Some(9), "final")]);
    assert_eq!(ask(InterestMode::Current, both, Some(key("other/**"))), [(Some(9), "final")]);
    assert_eq!(ask(InterestMode::Future, both, None), []);
}

#[test]
fn a_query_may_use_the_routers_short_name_for_a_key() {
    let now = Instant::now();
    let mut session = established(now);
    session.handle_bytes(&declare(DeclareBody::DeclareKeyExpr(DeclareKeyExpr { id: 3, wire_expr: key("sensors/1") })), now).unwrap();
    session.handle_bytes(&declare(DeclareBody::DeclareSubscriber(DeclareSubscriber { id: 1, wire_expr: key("sensors/**") })), now).unwrap();
    session.handle_bytes(&query(7, WireExpr { scope: 3, suffix: "/history".into(), mapping: Mapping::Sender }), now).unwrap();
    let Some(SessionEvent::Query(asked)) = session.poll_event() else { panic!("no query") };
    assert_eq!((&*asked.key, &*asked.parameters), (HISTORY, "from=1"));

    // A name never declared: an empty answer, so that nobody waits.
    session.handle_bytes(&query(8, WireExpr { scope: 4, suffix: "/history".into(), mapping: Mapping::Sender }), now).unwrap();
    assert_eq!(session.poll_event(), None);
    assert!(
        matches!(&sent(&mut session, now)[..], [TransportBody::Frame(frame)] if matches!(&frame.payload[0].body, NetworkBody::ResponseFinal(end) if end.rid == 8))
    );
}

fn push(key: WireExpr<'static>, body: PushBody) -> Vec<u8> {
    network(NetworkBody::Push(Push { wire_expr: key, ..Push::from(body) }))
}

fn put(bytes: usize) -> PushBody {
    PushBody::Put(Put { payload: vec![7; bytes].into(), ..Put::default() })
}

#[test]
fn only_what_is_subscribed_to_is_heard_and_never_more_than_fits() {
    let now = Instant::now();
    let mut session = established(now);
    session.handle_bytes(&push(key("sensors/1/inbox"), put(1)), now).unwrap();
    assert_eq!(session.poll_event(), None, "nobody listens");
    session.declare(Declaration::Subscriber, "sensors/1/inbox");
    let deletion = PushBody::Del(Del { timestamp: None, ext_sinfo: None, ext_attachment: None, ext_unknown: vec![] });
    for refused in [push(key("sensors/2/inbox"), put(1)), push(key("sensors/1/inbox"), put(4097)), push(key("sensors/1/inbox"), deletion)] {
        session.handle_bytes(&refused, now).unwrap();
        assert_eq!(session.poll_event(), None);
    }
    for _ in 0..100 {
        session.handle_bytes(&push(key("sensors/1/inbox"), put(4096)), now).unwrap();
    }
    let heard = std::iter::from_fn(|| session.poll_event()).count();
    assert_eq!(heard, 32);
}

#[test]
fn a_flood_of_queries_is_bounded_and_the_rest_get_an_empty_answer() {
    let now = Instant::now();
    let mut session = established(now);
    for id in 0..100 {
        session.handle_bytes(&query(id, key(HISTORY)), now).unwrap();
    }
    let turned_away = sent(&mut session, now).len();
    let heard = std::iter::from_fn(|| session.poll_event()).count();
    assert_eq!((heard, turned_away), (32, 68));
}

#[test]
fn replies_leave_room_for_samples_and_room_is_announced() {
    let now = Instant::now();
    let mut session = established(now);
    let asked = asked(&mut session, now);
    let mut replies = 0;
    while session.reply(asked, "key", &[0; 1000]).is_ok() {
        replies += 1;
    }
    assert_eq!(session.reply(asked, "key", &[0; 1000]), Err(SendError::Full));
    assert!(replies > 40);
    for _ in 0..10 {
        session.publish("key", &[0; 1000]).expect("room for samples");
    }
    session.finish(asked).unwrap();
    assert_eq!(session.poll_event(), None);
    session.handle_sent(10_000, now);
    assert_eq!(session.poll_event(), None, "not for every few bytes");
    session.handle_sent(40_000, now);
    assert_eq!(session.poll_event(), Some(SessionEvent::Room));
    session.reply(asked, "key", &[0; 1000]).unwrap();
}

/// A query that a session has been asked.
fn asked(session: &mut Session, now: Instant) -> QueryId {
    session.handle_bytes(&query(1, key(HISTORY)), now).unwrap();
    match session.poll_event() {
        Some(SessionEvent::Query(query)) => query.id,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reply_to_another_sessions_query_is_refused() {
    let now = Instant::now();
    let asked = asked(&mut established(now), now);
    let mut other = Session::new(Identity { id: [3; 16], first_sn: FIRST_SN }, None, now).unwrap();
    assert_eq!(other.reply(asked, "key", b"late"), Err(SendError::Gone));
    assert_eq!(other.finish(asked), Err(SendError::Gone));
}

#[test]
fn a_declared_key_goes_out_as_its_number_and_comes_back_as_one() {
    let now = Instant::now();
    let mut session = established(now);
    session.declare(Declaration::Key, "sensors/1");
    session.publish("sensors/1", b"known").unwrap();
    session.publish("sensors/2", b"unknown").unwrap();
    let keys: Vec<_> = sent(&mut session, now)
        .into_iter()
        .filter_map(|body| match body {
            TransportBody::Frame(frame) => match &frame.payload[0].body {
                NetworkBody::Push(push) => Some(push.wire_expr.clone()),
                _ => None,
            },
            _ => None,
        })
        .collect();
    assert_eq!(keys, [WireExpr { scope: 1, suffix: "".into(), mapping: Mapping::Sender }, key("sensors/2")]);

    session.handle_bytes(&query(1, WireExpr { scope: 1, suffix: "/history".into(), mapping: Mapping::Receiver }), now).unwrap();
    assert!(matches!(session.poll_event(), Some(SessionEvent::Query(query)) if query.key == HISTORY));

    session.undeclare(Declaration::Key, "sensors/1");
    session.publish("sensors/1", b"known").unwrap();
    let last = sent(&mut session, now).pop().unwrap();
    assert!(
        matches!(last, TransportBody::Frame(frame) if matches!(&frame.payload[0].body, NetworkBody::Push(push) if push.wire_expr == key("sensors/1")))
    );
}

#[test]
fn a_declaration_that_finds_the_buffer_full_goes_out_later() {
    let now = Instant::now();
    let mut session = established(now);
    while session.publish("key", b"").is_ok() {}
    session.declare(Declaration::Token, ALIVE);
    let messages = sent(&mut session, now);
    assert!(
        messages.iter().all(|body| matches!(body, TransportBody::Frame(frame) if matches!(frame.payload[0].body, NetworkBody::Push(_))))
    );
    assert_eq!(declarations(&sent(&mut session, now)), [(None, "token")]);
}

/// Everything a session does with these bytes: events, what it sends, how it ends.
fn outcome(mut session: Session, pieces: &[&[u8]]) -> (Vec<SessionEvent>, Vec<u8>, Option<Error>) {
    let now = Instant::now();
    let mut end = None;
    for piece in pieces {
        if let Err(error) = session.handle_bytes(piece, now) {
            end = Some(error);
            break;
        }
    }
    let events = std::iter::from_fn(|| session.poll_event()).collect();
    (events, session.transmit().to_vec(), end)
}

fn conversation() -> Vec<u8> {
    let mut bytes = declare(DeclareBody::DeclareKeyExpr(DeclareKeyExpr { id: 3, wire_expr: key("sensors/1") }));
    bytes.extend(batch(KeepAlive));
    bytes.extend(query(7, key(HISTORY)));
    bytes.extend(query(8, WireExpr { scope: 3, suffix: "/history".into(), mapping: Mapping::Sender }));
    bytes
}

/// Damages `bytes` at some places.
fn damage(mut bytes: Vec<u8>, places: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    for (place, value) in places {
        let place = place.index(bytes.len());
        bytes[place] = *value;
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn no_byte_stream_makes_a_session_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), up in any::<bool>()) {
        let now = Instant::now();
        let session = if up { established(now) } else { begun(Some(Credentials::new("pi", "secret")), now) };
        outcome(session, &[&bytes]);
    }

    #[test]
    fn no_body_of_a_message_makes_a_session_panic(id in 0u8..32, flags in 0u8..8, body in prop::collection::vec(any::<u8>(), 0..300), inner in any::<bool>(), up in any::<bool>()) {
        let now = Instant::now();
        let session = if up { established(now) } else { begun(None, now) };
        let bytes = framed(|bytes| {
            if inner {
                bytes.extend([0x05 | 0x20, 0]); // a Frame around it
            }
            bytes.push(flags << 5 | id);
            bytes.extend(body);
        });
        outcome(session, &[&bytes]);
    }

    #[test]
    fn no_damage_makes_a_session_panic(places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let now = Instant::now();
        outcome(established(now), &[&damage(conversation(), &places)]);
        outcome(begun(None, now), &[&damage(batch(init_ack(Resolution::default())), &places)]);
        let mut opening = begun(None, now);
        opening.handle_bytes(&batch(init_ack(Resolution::default())), now).unwrap();
        outcome(opening, &[&damage(batch(open_ack(Duration::from_secs(10))), &places)]);
    }

    #[test]
    fn how_the_stream_is_cut_changes_nothing(cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8), places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3)) {
        let now = Instant::now();
        let bytes = damage(conversation(), &places);
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect();
        prop_assert_eq!(outcome(established(now), &[&bytes]), outcome(established(now), &pieces));
    }
}

/// Batches as the fuzz target takes them: each is one step, of the first kind; in front of each step and of each byte stands that there is one.
fn steps(batches: &[Vec<u8>]) -> Vec<u8> {
    let step = |batch: &Vec<u8>| {
        let bytes: Vec<u8> = batch[2..].iter().flat_map(|byte| [1, *byte]).collect();
        [&[1, 0, 0, 0, 0][..], &bytes, &[0]].concat()
    };
    batches.iter().flat_map(step).collect()
}

/// What fuzzing begins with; `TELEINFO_WRITE_SEEDS=1` writes it anew.
#[test]
fn seeds_are_what_a_router_says() {
    let up = [batch(init_ack(Resolution::default())), batch(open_ack(Duration::from_secs(10)))];
    let declared = declare(DeclareBody::DeclareKeyExpr(DeclareKeyExpr { id: 1, wire_expr: key("sensors/1/sample") }));
    let subscribed = declare(DeclareBody::DeclareSubscriber(DeclareSubscriber { id: 1, wire_expr: key("sensors/**") }));
    let seeds = [
        ("up", up.to_vec()),
        ("query", [&up[..], &[query(1, key(HISTORY)), query(2, key(ALIVE))]].concat()),
        ("declared", [&up[..], &[declared, subscribed, batch(KeepAlive)]].concat()),
        ("closed", [&up[..], &[batch(Close { reason: close::reason::GENERIC, session: true })]].concat()),
    ];
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/session");
    for (name, batches) in seeds {
        let path = directory.join(name);
        if std::env::var_os("TELEINFO_WRITE_SEEDS").is_some() {
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(&path, steps(&batches)).unwrap();
        }
        assert_eq!(std::fs::read(&path).unwrap_or_default(), steps(&batches), "{}: TELEINFO_WRITE_SEEDS=1 writes it", path.display());
    }
}
