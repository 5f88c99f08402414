//! Routers that stop, come back, stand elsewhere, or fall silent.

use std::time::{Duration, Instant};

use teleinfo_zenoh_client::Options;
use zenoh::Wait;
use zenoh::sample::SampleKind;

use crate::harness::{Proxy, Reader, free_port, router, tcp};

#[test]
fn a_restarted_router_gets_everything_declared_again() {
    let port = free_port();
    let first = router(port, "");
    let mut reader = Reader::connected(port);
    reader.client.declare_token(Instant::now(), "tic/v1/012345678912/alive");
    reader.client.declare_queryable(Instant::now(), "tic/v1/012345678912/history");
    first.close().wait().unwrap();
    let (reason, retry_in) = reader.expect_disconnected();
    assert!(reason.contains("the router"), "{reason}");
    assert!(retry_in < Duration::from_millis(250), "the first attempt comes soon: {retry_in:?}");
    let (refused, retry_in) = reader.expect_disconnected();
    assert!(refused.contains("connection refused") && refused.contains(&port.to_string()), "{refused}");
    assert!(retry_in < Duration::from_secs(2));

    let second = router(port, "");
    let back = Instant::now();
    reader.expect_connected();
    assert!(back.elapsed() < Duration::from_secs(3), "{:?}", back.elapsed());
    let alive = reader.until("the token", |_| second.liveliness().get("tic/**").wait().unwrap().recv().ok());
    assert!(alive.result().is_ok());
    let replies = second.get("tic/v1/*/history").wait().unwrap();
    let query = reader.until("a query", |reader| match reader.pending_event() {
        Some(teleinfo_zenoh_client::Event::Query(query)) => Some(query),
        _ => None,
    });
    reader.client.finish(Instant::now(), query.id).unwrap();
    reader.until("the end of the replies", |_| replies.is_disconnected().then_some(()));
}

#[test]
fn the_locators_are_tried_in_turn_and_the_last_good_one_first() {
    let (dead, alive) = (free_port(), free_port());
    let first = router(alive, "");
    let mut reader = Reader::new(Options { locators: vec![tcp(dead), tcp(alive)], ..Options::default() });
    assert_eq!(reader.expect_connected(), tcp(alive));
    first.close().wait().unwrap();
    reader.expect_disconnected();
    let (both, _) = reader.expect_disconnected();
    assert!(both.contains(&dead.to_string()) && both.contains(&alive.to_string()), "{both}");
    let _other = router(dead, "");
    assert_eq!(reader.expect_connected(), tcp(dead));
}

#[test]
fn a_name_is_looked_up_without_stopping_the_loop() {
    let port = free_port();
    let _router = router(port, "");
    let locators = vec![format!("tcp/no-such-host.invalid:{port}").parse().unwrap(), format!("tcp/localhost:{port}").parse().unwrap()];
    let mut reader = Reader::new(Options { locators, ..Options::default() });
    let start = Instant::now();
    let mut longest = Duration::ZERO;
    while !reader.client.is_connected() {
        let turn = Instant::now();
        reader.turn(Duration::from_millis(5));
        longest = longest.max(turn.elapsed());
        assert!(start.elapsed() < crate::harness::PATIENCE);
    }
    assert!(longest < Duration::from_millis(500), "a turn of the loop took {longest:?}");
    assert_eq!(reader.expect_connected().to_string(), format!("tcp/localhost:{port}"));
}

#[test]
fn a_name_that_does_not_exist_is_said_in_words() {
    let mut reader = Reader::new(Options { locators: vec!["tcp/no-such-host.invalid:7447".parse().unwrap()], ..Options::default() });
    let (reason, _) = reader.expect_disconnected();
    assert!(reason.contains("no-such-host.invalid") && reason.contains("look up the name"), "{reason}");
}

#[test]
fn an_idle_session_outlives_the_lease_and_silence_does_not() {
    let port = free_port();
    let router = router(port, "");
    let proxy = Proxy::to(port);
    let watcher = router.liveliness().declare_subscriber("alive").history(true).wait().unwrap();
    let subscriber = router.declare_subscriber("sample").wait().unwrap();
    let mut reader = Reader::connected(proxy.port);
    reader.client.declare_token(Instant::now(), "alive");
    let kind = |reader: &mut Reader| reader.until("a change of liveliness", |_| watcher.try_recv().unwrap()).kind();
    assert_eq!(kind(&mut reader), SampleKind::Put);

    reader.run(Duration::from_secs(13)); // longer than both leases, without a sample
    assert!(reader.client.is_connected(), "keep-alives hold the session: {:?}", reader.pending_event());

    proxy.silence(true);
    let cut = Instant::now();
    for _ in 0..5000 {
        let _ = reader.client.publish(Instant::now(), "sample", &[0; 1000]); // never blocks, whatever it says
    }
    assert!(cut.elapsed() < Duration::from_secs(1), "publishing into a cut network took {:?}", cut.elapsed());
    assert!(reader.client.dropped() > 0, "the buffers of the kernel and ours do not hold 5 MB");
    let (reason, _) = reader.expect_disconnected();
    assert!(reason.contains("silent for 10s"), "{reason}");
    assert!(cut.elapsed() > Duration::from_secs(7) && cut.elapsed() < Duration::from_secs(12), "{:?}", cut.elapsed());

    proxy.silence(false);
    reader.expect_connected();
    while subscriber.try_recv().unwrap().is_some() {}
    reader.publish("sample", b"after the cut");
    reader.until("the sample after the cut", |_| {
        let sample = subscriber.try_recv().unwrap()?;
        (sample.payload().to_bytes() == &b"after the cut"[..]).then_some(())
    });
}

#[test]
fn a_clean_close_is_seen_at_once_and_loses_nothing() {
    let port = free_port();
    let router = router(port, "");
    let subscriber = router.declare_subscriber("sample").wait().unwrap();
    let watcher = router.liveliness().declare_subscriber("alive").history(true).wait().unwrap();
    let mut reader = Reader::connected(port);
    reader.client.declare_token(Instant::now(), "alive");
    reader.until("the token", |_| watcher.try_recv().unwrap());
    for number in 0..100u8 {
        reader.publish("sample", &[number; 100]);
    }
    reader.client.close(Instant::now());
    assert_eq!(reader.client.poll_timeout(Instant::now()), None);
    for number in 0..100u8 {
        let sample = subscriber.recv_timeout(crate::harness::PATIENCE).unwrap().expect("a sample sent before the close");
        assert_eq!(sample.payload().to_bytes()[0], number);
    }
    let change = watcher.recv_timeout(Duration::from_secs(5)).unwrap().expect("the token gone");
    assert_eq!(change.kind(), SampleKind::Delete);
}
