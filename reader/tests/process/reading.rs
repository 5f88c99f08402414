//! From the line to the router: samples, token, status, history, and how the reader gets over changes.

use std::{
    sync::mpsc::Receiver,
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use teleinfo_proto::{
    tic::Mode,
    wire::{Goodbye, LineState, Sample, SampleKind, Status, keys},
};
use zenoh::{Session, Wait};

use crate::bench::{Bridge, METER, Meter, PATIENCE, Place, Sends, free_port, router, until};

type Samples = Receiver<Vec<u8>>;

fn config(port: u16) -> String {
    format!(
        "name = \"test\"\n[serial]\ndevice = \"DIR/meter\"\n[zenoh]\nconnect = [\"tcp/127.0.0.1:{port}\"]\n[history]\ndirectory = \"DIR\"\n"
    )
}

/// Bytes of the next message that `wanted` accepts.
fn next(samples: &Samples, what: &str, wanted: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Ok(bytes) = samples.recv_timeout(Duration::from_millis(100))
            && wanted(&bytes)
        {
            return bytes;
        }
    }
    panic!("waited {PATIENCE:?} for {what}")
}

/// The number of the next frame.
fn next_in(samples: &Samples, mode: Mode) -> u64 {
    let is_frame = |sample: Sample<'_>| sample.mode == mode && sample.kind != SampleKind::Live;
    let bytes = next(samples, "a sample", |bytes| Sample::decode(bytes).is_ok_and(is_frame));
    Sample::decode(&bytes).unwrap().sequence
}

/// The number of the frame behind which the next power came.
fn next_live_in(samples: &Samples, mode: Mode) -> u64 {
    let is_live = |sample: Sample<'_>| sample.mode == mode && sample.kind == SampleKind::Live;
    let bytes = next(samples, "a live sample", |bytes| Sample::decode(bytes).is_ok_and(is_live));
    Sample::decode(&bytes).unwrap().sequence
}

fn next_status(statuses: &Samples, line: LineState) {
    next(statuses, "a status", |bytes| Status::decode(bytes).unwrap().line == line);
}

fn is_alive(router: &Session) -> bool {
    let replies = router.liveliness().get(&*keys::alive(&METER.parse().unwrap())).timeout(Duration::from_secs(2)).wait().unwrap();
    replies.recv().is_ok_and(|reply| reply.result().is_ok())
}

#[test]
fn a_clean_run_delivers_and_warns_of_nothing() {
    let port = free_port();
    let bridge = Bridge::on(router(port));
    let (samples, statuses) = (&bridge.samples, &bridge.statuses);
    for (parity, mode) in [(true, Mode::Historic), (false, Mode::Standard)] {
        let place = Place::new(&config(port));
        let _meter = Meter::plug_in(&place.path("meter"), Sends::Frames(mode), parity);
        let reader = place.start();
        let first = next_in(samples, mode);
        assert!(first <= 5, "the first frames may be faster than the connection");
        assert_eq!((next_live_in(samples, mode), next_in(samples, mode)), (first, first + 1));
        until("the token", || is_alive(&bridge.router).then_some(()));
        next_status(statuses, LineState::Reading);
        assert_eq!(reader.threads(), 1);

        reader.signal(Signal::SIGHUP);
        place.until_logged("frames:");
        place.until_logged(&format!(": reading, meter {METER}, {mode} mode; connected to a bridge"));
        assert!(reader.stop().success());
        assert!(!is_alive(&bridge.router), "the token goes with the reader");
        until("its goodbye", || samples.try_iter().find(|bytes| Goodbye::decode(bytes).is_ok()));
        let log = place.log();
        assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
        assert!(log.contains("connected to tcp/127.0.0.1") && log.contains(&format!("reading meter {METER} in {mode} mode")), "{log}");
    }
}

#[test]
fn an_adapter_unplugged_and_back_is_found_again() {
    let port = free_port();
    let bridge = Bridge::on(router(port));
    let (samples, statuses) = (&bridge.samples, &bridge.statuses);
    let place = Place::new(&config(port));
    let meter = Meter::plug_in(&place.path("meter"), Sends::Frames(Mode::Historic), true);
    let _reader = place.start();
    next_in(samples, Mode::Historic);
    drop(meter);
    next_status(statuses, LineState::Absent);
    while samples.try_recv().is_ok() {}
    // Meanwhile somebody else has got the terminal's number.
    let _other = Meter::plug_in(&place.path("other"), Sends::Nothing, true);
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Frames(Mode::Historic), true);
    let back = Instant::now();
    next_in(samples, Mode::Historic);
    let time = back.elapsed();
    assert!(time < Duration::from_secs(2), "back after {time:?}");
    assert!(is_alive(&bridge.router), "the token outlives a short absence");
    assert_eq!(place.count("WARN"), 1, "one line when it goes:\n{}", place.log());
}

#[test]
fn a_change_of_mode_is_followed() {
    let port = free_port();
    let bridge = Bridge::on(router(port));
    let samples = &bridge.samples;
    let place = Place::new(&config(port));
    let meter = Meter::plug_in(&place.path("meter"), Sends::Frames(Mode::Historic), true);
    let _reader = place.start();
    for mode in [Mode::Historic, Mode::Standard, Mode::Historic] {
        meter.now_sends(Sends::Frames(mode));
        next_in(samples, mode);
    }
    assert_eq!(place.count("WARN"), 0, "{}", place.log());
}

#[test]
fn the_history_answers_and_outlives_a_restart() {
    let port = free_port();
    let bridge = Bridge::on(router(port));
    let samples = &bridge.samples;
    let place = Place::new(&config(port));
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Frames(Mode::Standard), true);
    let reader = place.start();
    let bytes = next(samples, "sample 20", |bytes| Sample::decode(bytes).is_ok_and(|sample| sample.sequence == 20));
    let boot = Sample::decode(&bytes).unwrap().boot;
    let all = bridge.history(boot, "from=");
    assert!(all.len() >= 20 && all.iter().enumerate().all(|(index, held)| *held == (boot.get(), index as u64 + 1)), "{all:?}");
    let some = bridge.history(boot, &format!("from={boot}:15"));
    assert_eq!(some.first(), Some(&(boot.get(), 16)));
    assert_eq!(bridge.history(boot, "from=nonsense"), []);

    assert!(reader.stop().success());
    while samples.try_recv().is_ok() {}
    let _reader = place.start();
    let bytes = next(samples, "a sample of the second run", |bytes| Sample::decode(bytes).is_ok_and(|sample| sample.boot != boot));
    let second = Sample::decode(&bytes).unwrap().boot;
    let all = bridge.history(second, &format!("from={boot}:15"));
    assert_eq!(all.first(), Some(&(boot.get(), 16)), "what the first run held");
    assert_ne!(all.last().unwrap().0, boot.get(), "and what the second has added");
}

#[test]
fn a_bridge_that_comes_late_or_back_is_found() {
    let port = free_port();
    let place = Place::new(&config(port));
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Frames(Mode::Historic), true);
    let _reader = place.start();
    place.until_logged("no connection to the bridge");
    thread::sleep(Duration::from_secs(3));
    assert_eq!(place.count("WARN"), 1, "one line, however often it is tried:\n{}", place.log());
    for _ in 0..2 {
        let bridge = Bridge::on(router(port));
        next_in(&bridge.samples, Mode::Historic);
        bridge.router.close().wait().unwrap();
    }
}

#[test]
fn silence_takes_the_token_down() {
    let port = free_port();
    let bridge = Bridge::on(router(port));
    let place = Place::new(&config(port));
    let statuses = &bridge.statuses;
    let meter = Meter::plug_in(&place.path("meter"), Sends::Frames(Mode::Historic), true);
    let _reader = place.start();
    until("the token", || is_alive(&bridge.router).then_some(()));
    meter.now_sends(Sends::Nothing);
    let silent = Instant::now();
    until("no token", || (!is_alive(&bridge.router)).then_some(()));
    let time = silent.elapsed();
    assert!((9..12).contains(&time.as_secs()), "gone after {time:?}");
    next_status(statuses, LineState::Silent);
    place.until_logged("not a byte from the meter");
    meter.now_sends(Sends::Frames(Mode::Historic));
    until("the token", || is_alive(&bridge.router).then_some(()));
}
