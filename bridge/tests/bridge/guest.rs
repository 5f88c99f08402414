//! As a guest of Zenoh routers: readers are heard at each of them and told nothing but at their own, one may move, a router that is away is named,
//! and what comes by two of them counts once.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use zenoh::{Config, Session};

use super::{
    Broker, PATIENCE, eventually, free_port,
    observer::Observer,
    program::Program,
    reader::{METER, Reader},
};

const OTHER_METER: &str = "012345678920";

/// A router, and the keys of all that is told to readers there.
struct Router {
    session: Session,
    told: Arc<Mutex<BTreeSet<String>>>,
}

impl Router {
    async fn start(port: u16) -> Self {
        Self::joined(port, &[]).await
    }

    /// Connected to the routers at these ports.
    async fn joined(port: u16, others: &[u16]) -> Self {
        let mut config = Config::default();
        let mut set = |key: &str, value: &str| config.insert_json5(key, value).unwrap();
        set("mode", "\"router\"");
        set("listen/endpoints", &format!("[\"tcp/127.0.0.1:{port}\"]"));
        let others: Vec<String> = others.iter().map(|port| format!("tcp/127.0.0.1:{port}")).collect();
        set("connect/endpoints", &format!("{others:?}"));
        set("scouting/multicast/enabled", "false");
        let session = zenoh::open(config).await.unwrap();
        let told: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let keys = told.clone();
        let note = move |sample: zenoh::sample::Sample| _ = keys.lock().unwrap().insert(sample.key_expr().to_string());
        session.declare_subscriber("tic/v2/reader/*/inbox").callback(note).background().await.unwrap();
        Self { session, told }
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().iter().cloned().collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reader_is_heard_at_its_router_and_told_there_only_wherever_it_goes() {
    let (broker, ports) = (Broker::open().unwrap(), [free_port(), free_port()]);
    let mut routers = [Router::start(ports[0]).await, Router::start(ports[1]).await];
    let connect = ports.map(|port| format!("tcp/127.0.0.1:{port}"));
    let mut bridge =
        Program::with_config(&format!("[zenoh]\nmode = \"client\"\nconnect = {connect:?}\n[mqtt]\nurl = \"{}\"\n", broker.url()));
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let (mut one, mut two) = (Reader::new(ports[0]).await, Reader::with(ports[1], OTHER_METER, None).await.unwrap());
    one.make_many(3).await;
    two.make_many(3).await;
    observer.expect_powers(METER, 1..=3).await;
    observer.expect_powers(OTHER_METER, 1..=3).await;
    assert_eq!([routers[0].told(), routers[1].told()], [[one.inbox()], [two.inbox()]]);

    // It goes to the other router; what it had meanwhile is asked for there.
    one.make(false).await;
    one.moves(ports[1]).await;
    one.make(true).await;
    observer.expect_powers(METER, 1..=5).await;
    routers[0].told.lock().unwrap().clear();
    one.make_many(2).await;
    observer.expect_powers(METER, 1..=7).await;
    assert_eq!(routers[0].told(), [""; 0]);

    // A router that goes is named, and costs the readers of the other one nothing.
    routers[0].session.close().await.unwrap();
    let line = bridge.says("no Zenoh router at").await;
    assert!(line.contains(&connect[0]) && !line.contains(&connect[1]) && line.contains("1 of 2"), "{line}");
    two.make(true).await;
    observer.expect_powers(OTHER_METER, 1..=4).await;
    routers[0] = Router::start(ports[0]).await;
    bridge.says("connected to all 2 Zenoh routers").await;
    one.moves(ports[0]).await;
    one.make(true).await;
    observer.expect_powers(METER, 1..=8).await;
    bridge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_routers_that_are_joined_each_sample_counts_once_and_the_other_one_is_counted_as_a_copy() {
    let (broker, ports) = (Broker::open().unwrap(), [free_port(), free_port()]);
    let _routers = [Router::start(ports[0]).await, Router::joined(ports[1], &ports[..1]).await];
    let connect = ports.map(|port| format!("tcp/127.0.0.1:{port}"));
    let mut bridge =
        Program::with_config(&format!("[zenoh]\nmode = \"client\"\nconnect = {connect:?}\n[mqtt]\nurl = \"{}\"\n", broker.url()));
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let (mut reader, mut made) = (Reader::new(ports[0]).await, 0);
    // Both links stand some time before.
    let end = Instant::now() + PATIENCE;
    while !bridge.log().iter().any(|line| line.contains("came by a second Zenoh router, too")) {
        assert!(Instant::now() < end, "{:#?}", bridge.log());
        reader.make_many(2).await;
        made += 2;
        bridge.signal("HUP");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    // What was a copy may have been a hello: of the samples these are surely heard. Those that were made before the bridge listened are of
    // before the first contact.
    reader.make_many(2).await;
    made += 2;
    let first = eventually("a sample", || observer.powers(METER).first().copied()).await;
    observer.expect_powers(METER, first..=made).await;
    bridge.stop().await;
}
