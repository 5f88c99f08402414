//! Routers that stop, come back, stand elsewhere, or fall silent.

use std::time::{Duration, Instant};

use teleinfo_zenoh_client::{Declaration, Options};
use zenoh::Wait;
use zenoh::sample::SampleKind;

use crate::harness::{Program, Proxy, free_port, router, tcp};

#[test]
fn a_restarted_router_gets_everything_declared_again() {
    let port = free_port();
    let first = router(port, "");
    let mut program = Program::connected(port);
    program.client.declare(Declaration::Token, "sensors/1/alive", Instant::now());
    program.client.declare(Declaration::Queryable, "sensors/1/history", Instant::now());
    first.close().wait().unwrap();
    let (reason, retry_in) = program.expect_disconnected();
    assert!(reason.contains("the router"), "{reason}");
    assert!(retry_in < Duration::from_millis(250), "the first attempt comes soon: {retry_in:?}");
    let (refused, retry_in) = program.expect_disconnected();
    assert!(refused.contains("connection refused") && refused.contains(&port.to_string()), "{refused}");
    assert!(retry_in < Duration::from_secs(2));

    let second = router(port, "");
    let back = Instant::now();
    program.expect_connected();
    assert!(back.elapsed() < Duration::from_secs(3), "{:?}", back.elapsed());
    let alive = program.until("the token", |_| second.liveliness().get("sensors/**").wait().unwrap().recv().ok());
    assert!(alive.result().is_ok());
    let replies = second.get("sensors/*/history").wait().unwrap();
    let query = program.until("a query", |program| match program.pending_event() {
        Some(teleinfo_zenoh_client::Event::Query(query)) => Some(query),
        _ => None,
    });
    program.client.finish(query.id, Instant::now()).unwrap();
    program.until("the end of the replies", |_| replies.is_disconnected().then_some(()));
}

#[test]
fn the_locators_are_tried_in_turn_and_the_last_good_one_first() {
    let (dead, alive) = (free_port(), free_port());
    let first = router(alive, "");
    let mut program = Program::new(Options { locators: vec![tcp(dead), tcp(alive)], ..Options::default() });
    assert_eq!(program.expect_connected(), tcp(alive));
    first.close().wait().unwrap();
    program.expect_disconnected();
    let (both, _) = program.expect_disconnected();
    assert!(both.contains(&dead.to_string()) && both.contains(&alive.to_string()), "{both}");
    let _other = router(dead, "");
    assert_eq!(program.expect_connected(), tcp(dead));
}

#[test]
fn a_name_is_looked_up_without_stopping_the_loop() {
    let port = free_port();
    let _router = router(port, "");
    let locators = vec![format!("tcp/no-such-host.invalid:{port}").parse().unwrap(), format!("tcp/localhost:{port}").parse().unwrap()];
    let mut program = Program::new(Options { locators, ..Options::default() });
    let start = Instant::now();
    let mut longest = Duration::ZERO;
    while !program.client.is_connected() {
        let turn = Instant::now();
        program.turn(Duration::from_millis(5));
        longest = longest.max(turn.elapsed());
        assert!(start.elapsed() < crate::harness::PATIENCE);
    }
    assert!(longest < Duration::from_millis(500), "a turn of the loop took {longest:?}");
    assert_eq!(program.expect_connected().to_string(), format!("tcp/localhost:{port}"));
}

#[test]
fn a_name_that_does_not_exist_is_said_in_words() {
    let mut program = Program::new(Options { locators: vec!["tcp/no-such-host.invalid:7447".parse().unwrap()], ..Options::default() });
    let (reason, _) = program.expect_disconnected();
    assert!(reason.contains("no-such-host.invalid") && reason.contains("look up the name"), "{reason}");
}

#[test]
fn an_idle_session_outlives_the_lease_and_silence_does_not() {
    let port = free_port();
    let router = router(port, "");
    let proxy = Proxy::to(port);
    let watcher = router.liveliness().declare_subscriber("alive").history(true).wait().unwrap();
    let subscriber = router.declare_subscriber("sample").wait().unwrap();
    let mut program = Program::connected(proxy.port);
    program.client.declare(Declaration::Token, "alive", Instant::now());
    let kind = |program: &mut Program| program.until("a change of liveliness", |_| watcher.try_recv().unwrap()).kind();
    assert_eq!(kind(&mut program), SampleKind::Put);

    program.run(Duration::from_secs(13)); // longer than both leases, without a sample
    assert!(program.client.is_connected(), "keep-alives hold the session: {:?}", program.pending_event());

    proxy.silence(true);
    let cut = Instant::now();
    // It never blocks, whatever it says.
    let refused = (0..5000).filter(|_| program.client.publish("sample", &[0; 1000], Instant::now()).is_err()).count();
    assert!(cut.elapsed() < Duration::from_secs(1), "publishing into a cut network took {:?}", cut.elapsed());
    assert!(refused > 0, "the buffers of the kernel and ours do not hold 5 MB");
    let (reason, _) = program.expect_disconnected();
    assert!(reason.contains("silent for 10s"), "{reason}");
    assert!(cut.elapsed() > Duration::from_secs(7) && cut.elapsed() < Duration::from_secs(12), "{:?}", cut.elapsed());

    proxy.silence(false);
    program.expect_connected();
    while subscriber.try_recv().unwrap().is_some() {}
    program.publish("sample", b"after the cut");
    program.until("the sample after the cut", |_| {
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
    let mut program = Program::connected(port);
    program.client.declare(Declaration::Token, "alive", Instant::now());
    program.until("the token", |_| watcher.try_recv().unwrap());
    for number in 0..100u8 {
        program.publish("sample", &[number; 100]);
    }
    program.client.close(Instant::now());
    assert_eq!(program.client.poll_timeout(Instant::now()), None);
    for number in 0..100u8 {
        let sample = subscriber.recv_timeout(crate::harness::PATIENCE).unwrap().expect("a sample sent before the close");
        assert_eq!(sample.payload().to_bytes()[0], number);
    }
    let change = watcher.recv_timeout(Duration::from_secs(5)).unwrap().expect("the token gone");
    assert_eq!(change.kind(), SampleKind::Delete);
}
