//! Samples, tokens, queries.

use std::time::{Duration, Instant};

use teleinfo_zenoh_client::{Declaration, Event, Query, SendError};
use zenoh::Wait;
use zenoh::query::{ConsolidationMode, QueryTarget, Reply, ReplyKeyExpr};
use zenoh::sample::SampleKind;

use crate::harness::{PATIENCE, Program, free_port, router};

const SAMPLE: &str = "sensors/1/sample";
const HISTORY: &str = "sensors/1/history";

#[test]
fn the_router_receives_every_sample_byte_for_byte_in_order() {
    let port = free_port();
    let router = router(port, "");
    let subscriber = router.declare_subscriber("sensors/*/sample").wait().unwrap();
    let mut program = Program::connected(port);
    let payloads: Vec<Vec<u8>> =
        [0, 1, 126, 127, 128, 300, 2000, 8_000].map(|length| (0..length).map(|i| (i * 7 % 256) as u8).collect()).into();
    for payload in &payloads {
        program.publish(SAMPLE, payload);
        program.turn(Duration::ZERO);
    }
    for payload in &payloads {
        let sample = program.until("a sample", |_| subscriber.try_recv().unwrap());
        assert_eq!(sample.key_expr().as_str(), SAMPLE);
        assert_eq!(sample.payload().to_bytes(), *payload);
        assert_eq!(sample.kind(), SampleKind::Put);
    }
    assert_eq!(program.client.publish(SAMPLE, &[0; 8_300], Instant::now()), Err(SendError::TooLong));
    program.publish(SAMPLE, b"still there");
    let sample = program.until("a sample", |_| subscriber.try_recv().unwrap());
    assert_eq!(sample.payload().to_bytes(), &b"still there"[..]);
}

#[test]
fn a_declared_key_arrives_as_its_text_before_and_after_and_after_a_new_start_of_the_router() {
    let port = free_port();
    let first = router(port, "");
    let subscriber = first.declare_subscriber("sensors/**").wait().unwrap();
    let mut program = Program::connected(port);
    let arrives = |program: &mut Program,
                   subscriber: &zenoh::pubsub::Subscriber<zenoh::handlers::FifoChannelHandler<zenoh::sample::Sample>>,
                   payload: &[u8]| {
        program.publish(SAMPLE, payload);
        let sample = program.until("a sample", |_| subscriber.try_recv().unwrap());
        assert_eq!((sample.key_expr().as_str(), &*sample.payload().to_bytes()), (SAMPLE, payload));
    };
    arrives(&mut program, &subscriber, b"as text");
    program.client.declare(Declaration::Key, SAMPLE, Instant::now());
    arrives(&mut program, &subscriber, b"as a number");
    program.client.undeclare(Declaration::Key, SAMPLE, Instant::now());
    arrives(&mut program, &subscriber, b"as text again");
    program.client.declare(Declaration::Key, SAMPLE, Instant::now());
    drop(subscriber);
    first.close().wait().unwrap();
    program.expect_disconnected();
    let second = router(port, "");
    let subscriber = second.declare_subscriber("sensors/**").wait().unwrap();
    program.expect_connected();
    arrives(&mut program, &subscriber, b"as a number to the next router");
}

#[test]
fn a_token_lives_from_its_declaration_to_its_withdrawal_or_the_end_of_the_connection() {
    let port = free_port();
    let router = router(port, "");
    let watcher = router.liveliness().declare_subscriber("sensors/*/alive").history(true).wait().unwrap();
    let mut program = Program::to(port, None);
    program.client.declare(Declaration::Token, "sensors/1/alive", Instant::now()); // before there is a connection
    program.expect_connected();
    let change = |program: &mut Program, kind| {
        let sample = program.until("a change of liveliness", |_| watcher.try_recv().unwrap());
        assert_eq!((sample.key_expr().as_str(), sample.kind()), ("sensors/1/alive", kind));
    };
    change(&mut program, SampleKind::Put);
    let alive = router.liveliness().get("sensors/**").wait().unwrap();
    assert_eq!(alive.recv_timeout(PATIENCE).unwrap().unwrap().result().unwrap().key_expr().as_str(), "sensors/1/alive");

    program.client.undeclare(Declaration::Token, "sensors/1/alive", Instant::now());
    change(&mut program, SampleKind::Delete);
    program.client.declare(Declaration::Token, "sensors/1/alive", Instant::now()); // while connected
    change(&mut program, SampleKind::Put);
    let gone = Instant::now();
    drop(program);
    let sample = watcher.recv_timeout(PATIENCE).unwrap().expect("the token withdrawn");
    assert_eq!(sample.kind(), SampleKind::Delete);
    assert!(gone.elapsed() < Duration::from_secs(5), "the end of the connection is noticed, not the end of the lease");
}

/// Asks all queryables, every reply, on whatever key.
fn ask(router: &zenoh::Session, selector: &str) -> zenoh::handlers::FifoChannelHandler<Reply> {
    router
        .get(selector)
        .target(QueryTarget::All)
        .consolidation(ConsolidationMode::None)
        .accept_replies(ReplyKeyExpr::Any)
        .timeout(PATIENCE)
        .wait()
        .unwrap()
}

fn expect_query(program: &mut Program) -> Query {
    program.until("a query", |program| match program.pending_event() {
        Some(Event::Query(query)) => Some(query),
        _ => None,
    })
}

#[test]
fn a_query_gets_all_its_replies_in_order_and_then_an_end() {
    let port = free_port();
    let router = router(port, "");
    let mut program = Program::connected(port);
    program.client.declare(Declaration::Queryable, HISTORY, Instant::now());
    program.run(Duration::from_millis(300));
    for selector in [&format!("{HISTORY}?from=0123456789abcdef:42")[..], "sensors/*/history"] {
        let replies = ask(&router, selector);
        let query = expect_query(&mut program);
        let (key, parameters) = selector.split_once('?').unwrap_or((selector, ""));
        assert_eq!(query.key, key);
        assert!(query.parameters.starts_with(parameters), "{:?}", query.parameters);
        let now = Instant::now();
        for payload in [b"one", b"two", b"six"] {
            program.client.reply(query.id, SAMPLE, payload, now).unwrap();
        }
        program.client.finish(query.id, now).unwrap();
        for payload in [b"one", b"two", b"six"] {
            let reply = program.until("a reply", |_| replies.try_recv().ok().flatten());
            let sample = reply.into_result().unwrap();
            assert_eq!((sample.key_expr().as_str(), &*sample.payload().to_bytes()), (SAMPLE, &payload[..]));
        }
        program.until("the end of the replies", |_| replies.is_disconnected().then_some(()));
    }
}

#[test]
fn a_subscriber_hears_what_is_published_under_its_key_again_after_a_new_start_of_the_router() {
    const INBOX: &str = "sensors/1/inbox";
    let port = free_port();
    let first = router(port, "");
    let mut program = Program::to(port, None);
    program.client.declare(Declaration::Subscriber, INBOX, Instant::now());
    program.expect_connected();
    let heard = |program: &mut Program, router: &zenoh::Session, payload: &[u8]| {
        // The router may not have heard of the subscriber yet, and then drops what is published.
        let publication = program.until("a publication", |program| {
            router.put("sensors/1/other", b"for others").wait().unwrap();
            router.put(INBOX, payload).wait().unwrap();
            match program.pending_event() {
                Some(Event::Publication(publication)) => Some(publication),
                _ => None,
            }
        });
        assert_eq!((&*publication.key, &*publication.payload), (INBOX, payload));
    };
    heard(&mut program, &first, b"a word");
    first.close().wait().unwrap();
    program.until("the end of the connection", |program| matches!(program.pending_event(), Some(Event::Disconnected { .. })).then_some(()));
    let second = router(port, "");
    program.expect_connected();
    heard(&mut program, &second, &[7; 4096]);
    program.client.undeclare(Declaration::Subscriber, INBOX, Instant::now());
    program.run(Duration::from_millis(300));
    while program.pending_event().is_some() {}
    second.put(INBOX, b"nobody listens").wait().unwrap();
    program.run(Duration::from_millis(300));
    assert_eq!(program.pending_event(), None);
}

#[test]
fn a_query_brings_its_bytes_unless_they_are_too_many() {
    let port = free_port();
    let router = router(port, "");
    let mut program = Program::connected(port);
    program.client.declare(Declaration::Queryable, HISTORY, Instant::now());
    program.run(Duration::from_millis(300));
    for (length, arrives) in [(0, 0), (1, 1), (4096, 4096), (4097, 0)] {
        let _replies = router.get(HISTORY).payload(vec![7; length]).timeout(PATIENCE).wait().unwrap();
        let query = expect_query(&mut program);
        assert_eq!(query.body, vec![7; arrives], "{length} bytes");
        program.client.finish(query.id, Instant::now()).unwrap();
    }
}

#[test]
fn a_long_history_goes_out_as_fast_as_it_is_taken_and_live_samples_pass_it() {
    // More than the kernel's buffers on both sides and ours together hold.
    const COUNT: u32 = 10_000;
    const LENGTH: usize = 2000;
    let port = free_port();
    let router = router(port, "");
    let live = router.declare_subscriber(SAMPLE).wait().unwrap();
    let mut program = Program::connected(port);
    program.client.declare(Declaration::Queryable, HISTORY, Instant::now());
    program.run(Duration::from_millis(300));
    let replies = ask(&router, HISTORY);
    let received = std::thread::spawn(move || {
        let mut numbers = Vec::new();
        while let Ok(reply) = replies.recv() {
            let payload = reply.into_result().unwrap().payload().to_bytes().into_owned();
            assert_eq!(payload.len(), LENGTH);
            numbers.push(u32::from_le_bytes(*payload.first_chunk().unwrap()));
            if numbers.len() % 100 == 0 {
                std::thread::sleep(Duration::from_millis(5)); // slower than the program
            }
        }
        numbers
    });
    let query = expect_query(&mut program);
    let (mut next, mut waits, mut published) = (0u32, 0, 0);
    program.until("the history sent", |program| {
        let now = Instant::now();
        while next < COUNT {
            let mut payload = [0; LENGTH];
            payload[..4].copy_from_slice(&next.to_le_bytes());
            match program.client.reply(query.id, SAMPLE, &payload, now) {
                Ok(()) => next += 1,
                Err(SendError::Full) => {
                    waits += 1;
                    break;
                }
                Err(error) => panic!("{error}"),
            }
        }
        if next < COUNT || published == 0 {
            program.client.publish(SAMPLE, b"live", now).expect("room for a live sample, however long the history");
            published += 1;
        }
        (next == COUNT && program.client.finish(query.id, now).is_ok()).then_some(())
    });
    program.until("the history received", |_| received.is_finished().then_some(()));
    assert_eq!(received.join().unwrap(), (0..COUNT).collect::<Vec<_>>());
    assert!(live.try_recv().unwrap().is_some());
    assert!(waits > 0, "the test is to run into back-pressure");
    eprintln!("{COUNT} replies, {waits} waits for room, {published} live samples among them");
}

#[test]
fn a_question_larger_than_a_batch_is_heard_all_the_same() {
    let port = free_port();
    let router = router(port, "");
    let mut program = Program::connected(port);
    program.client.declare(Declaration::Queryable, HISTORY, Instant::now());
    program.run(Duration::from_millis(300));
    let replies = router.get(HISTORY).payload(vec![7; 40_000]).timeout(PATIENCE).wait().unwrap();
    let query = expect_query(&mut program);
    program.client.finish(query.id, Instant::now()).unwrap();
    program.until("the end of the replies", |_| replies.is_disconnected().then_some(()));

    // Longer than anything we put together: left out, and the session stands.
    let _ignored = router.get(HISTORY).payload(vec![7; 400_000]).timeout(Duration::from_secs(1)).wait().unwrap();
    program.run(Duration::from_millis(500));
    let _heard = router.get(HISTORY).timeout(PATIENCE).wait().unwrap();
    expect_query(&mut program);
}

#[test]
fn replies_to_a_query_of_an_earlier_session_are_refused() {
    let port = free_port();
    let first = router(port, "");
    let mut program = Program::connected(port);
    program.client.declare(Declaration::Queryable, HISTORY, Instant::now());
    program.run(Duration::from_millis(300));
    let _replies = ask(&first, HISTORY);
    let query = expect_query(&mut program);
    first.close().wait().unwrap();
    program.expect_disconnected();
    assert_eq!(program.client.reply(query.id, SAMPLE, b"late", Instant::now()), Err(SendError::Gone));
    assert_eq!(program.client.publish(SAMPLE, b"late", Instant::now()), Err(SendError::Offline));
    let _second = router(port, "");
    program.expect_connected();
    assert_eq!(program.client.finish(query.id, Instant::now()), Err(SendError::Gone));
}
