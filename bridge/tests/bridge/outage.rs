//! What is missed is fetched from the reader's history, in order and once.

use std::time::Duration;

use super::{
    Broker, eventually,
    observer::Observer,
    program::Program,
    proxy::Proxy,
    reader::{METER, Reader},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_is_filled() {
    let broker = Broker::open().unwrap();
    let bridge = Program::external(&broker.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(bridge.zenoh).await;
    reader.make_many(3).await;
    for _ in 0..20 {
        reader.make(false).await;
    }
    reader.make_many(2).await;
    observer.expect_powers(METER, 1..=25).await;
    let present = observer.present_powers(METER);
    assert!(present.iter().all(|power| !(4..=23).contains(power)), "what was missed is not the present: {present:?}");
    let line = bridge.says("taken from its reader's history").await;
    assert!(line.ends_with(" 0 lost"), "{line}");
    bridge.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_never_answers_does_not_hold_up_another_one() {
    let broker = Broker::open().unwrap();
    let bridge = Program::external(&broker.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(bridge.zenoh).await;
    let _mute = reader.is_joined_by_a_mute_one(bridge.zenoh).await;
    reader.make_many(3).await;
    for _ in 0..20 {
        reader.make(false).await;
    }
    reader.make_many(2).await;
    observer.expect_powers(METER, 1..=25).await;
    reader.make_many(3).await;
    observer.expect_powers(METER, 1..=28).await;
    assert!(observer.present_powers(METER).ends_with(&[26, 27, 28]), "the present is told again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_restarts_loses_nothing() {
    let broker = Broker::open().unwrap();
    let bridge = Program::external(&broker.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(bridge.zenoh).await;
    reader.make_many(3).await;
    observer.expect_powers(METER, 1..=3).await;
    reader.make(false).await;
    reader.restart();
    reader.make(false).await;
    reader.make_many(2).await;
    observer.expect_powers(METER, 1..=7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_loses_nothing() {
    let broker = Broker::open().unwrap();
    let proxy = Proxy::to(broker.port).await;
    let bridge = Program::external(&proxy.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(bridge.zenoh).await;
    reader.make_many(3).await;
    observer.expect_powers(METER, 1..=3).await;
    // What is not acknowledged when the wire breaks comes twice; here everything shall be.
    tokio::time::sleep(Duration::from_millis(300)).await;
    proxy.cut();
    observer.expect("teleinfo/bridge/state", "offline").await;
    for _ in 0..1500 {
        reader.make(true).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    proxy.heal();
    observer.expect_powers(METER, 1..=1503).await;
    observer.expect("teleinfo/bridge/state", "online").await;
    reader.make(true).await;
    observer.expect_powers(METER, 1..=1504).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_does_not_answer_loses_nothing() {
    let broker = Broker::open().unwrap();
    let proxy = Proxy::to(broker.port).await;
    let bridge = Program::external(&proxy.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(bridge.zenoh).await;
    reader.make_many(3).await;
    observer.expect_powers(METER, 1..=3).await;
    proxy.stall();
    for _ in 0..1500 {
        reader.make(true).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    proxy.heal();
    observer.expect_powers(METER, 1..=1503).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_broker_had_not_acknowledged_comes_as_the_past() {
    let mut broker = Broker::open().unwrap();
    let proxy = Proxy::to(broker.port).await;
    let bridge = Program::external(&proxy.url());
    bridge.is_up().await;
    let early = Observer::new(broker.port).await;
    let mut reader = Reader::new(bridge.zenoh).await;
    reader.make_many(3).await;
    early.expect_powers(METER, 1..=3).await;
    // Long enough for the acknowledgements of these.
    tokio::time::sleep(Duration::from_millis(300)).await;
    // Nothing reaches the broker any more; the bridge has no reason yet to think so.
    proxy.stall();
    reader.make_many(10).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    proxy.cut();
    broker.stop();
    assert_eq!(early.powers(METER), [1, 2, 3], "none of the ten got through");
    broker.resume().unwrap();
    let late = Observer::new(broker.port).await;
    proxy.heal();
    late.expect_powers(METER, 4..=13).await;
    assert!(late.present_powers(METER).is_empty(), "by now they are of the past: {:?}", late.present_powers(METER));
    reader.make_many(2).await;
    late.expect_powers(METER, 4..=15).await;
    assert_eq!(late.present_powers(METER), [14, 15]);
    late.expect(&format!("teleinfo/{METER}/availability"), "online").await;
    // And what had been given up no longer counts as under way.
    let positions = bridge.directory.path().join("run/positions.state");
    let is_written = || std::fs::read_to_string(&positions).is_ok_and(|text| text.contains("\"sequence\":15,"));
    eventually("the last position is written", || is_written().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_killed_while_the_broker_does_not_answer_tells_the_rest_afterwards() {
    let broker = Broker::open().unwrap();
    let proxy = Proxy::to(broker.port).await;
    let mut bridge = Program::external(&proxy.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(bridge.zenoh).await;
    reader.make_many(3).await;
    observer.expect_powers(METER, 1..=3).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    proxy.stall();
    reader.make_many(10).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    bridge.signal("KILL");
    bridge.ends().await;
    proxy.cut();
    // The wire is seen to be cut before it is whole again: what it still holds goes nowhere.
    tokio::time::sleep(Duration::from_millis(300)).await;
    proxy.heal();
    bridge.again();
    bridge.is_up().await;
    reader.meets_again().await;
    observer.expect_powers(METER, 1..=13).await;
    assert_eq!(observer.present_powers(METER), [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_forgot_everything_is_told_again() {
    let mut broker = Broker::open().unwrap();
    let bridge = Program::external(&broker.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(bridge.zenoh).await;
    reader.make_many(3).await;
    let discovery = format!("homeassistant/device/teleinfo_{METER}/config");
    let announced = eventually("discovery", || observer.last(&discovery)).await;
    broker.stop();
    bridge.says("the MQTT broker at").await;
    broker.resume().unwrap();
    let late = eventually_connected(&broker).await;
    late.expect("teleinfo/bridge/state", "online").await;
    late.expect(&format!("teleinfo/{METER}/availability"), "online").await;
    late.expect(&discovery, &announced).await;
}

async fn eventually_connected(broker: &Broker) -> Observer {
    Observer::new(broker.port).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_restarts_goes_on_where_it_stopped() {
    for signal in ["TERM", "KILL"] {
        let broker = Broker::open().unwrap();
        let mut bridge = Program::external(&broker.url());
        bridge.is_up().await;
        let observer = Observer::new(broker.port).await;
        let mut reader = Reader::new(bridge.zenoh).await;
        reader.make_many(3).await;
        observer.expect_powers(METER, 1..=3).await;
        // Long enough for the positions to be written down (a burst waits for the next tick) and for the broker's acknowledgements.
        tokio::time::sleep(Duration::from_millis(800)).await;
        bridge.signal(signal);
        bridge.ends().await;
        for _ in 0..20 {
            reader.make(false).await;
        }
        bridge.again();
        bridge.is_up().await;
        // The reader comes back and proves that it lives: the next frame need not be waited for.
        reader.meets_again().await;
        observer.expect_powers(METER, 1..=23).await;
        reader.make(true).await;
        observer.expect_powers(METER, 1..=24).await;
        assert_eq!(observer.present_powers(METER), [1, 2, 3, 24]);
    }
}

/// A power cut takes what is kept in memory, and the file on the disk is minutes old. What comes twice then comes as the past.
#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_was_killed_without_a_run_directory_never_steps_back() {
    let broker = Broker::open().unwrap();
    let mut bridge = Program::external(&broker.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(bridge.zenoh).await;
    reader.make_many(20).await;
    observer.expect_powers(METER, 1..=20).await;
    bridge.signal("KILL");
    bridge.ends().await;
    std::fs::remove_dir_all(bridge.directory.path().join("run")).unwrap();
    reader.make(false).await;
    bridge.again();
    bridge.is_up().await;
    // The reader comes back when it finds the bridge, and its next frame tells where it stands.
    for _ in 0..100 {
        reader.make(true).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        if observer.present_powers(METER).last() > Some(&21) {
            break;
        }
    }
    let present = observer.present_powers(METER);
    assert!(present.is_sorted() && present.last() > Some(&21), "{present:?}");
}
