//! What the bridge's ear makes of more than is taken, with a real reader and a real Zenoh node between them, and nobody who takes anything.
//! How much a whole bridge publishes that is held back, `teleinfo-lab fleet --bridge-share` shows: that depends on the machine, and this does not.

use std::time::{Duration, Instant};

use teleinfo_bridge::{
    hub::counters::{Counter, Counters},
    seal::{pins::Pins, readers::Readers},
    words::limits::Limits,
    zenoh::{
        arrivals,
        network::{Network, OWN},
        sealed::Sealed,
    },
};
use teleinfo_proto::seal::Identity;
use zenoh::Config;

use super::{
    eventually, free_port,
    reader::{BRIDGE_SEED, METER, Reader},
};

/// Few meters: so many samples may wait.
const LIMITS: Limits = Limits { meters: 64 };
const PLACES: usize = LIMITS.samples();
/// More than half of them.
const MANY: usize = 80;
/// Longer than the ear takes to look at its queue again.
const LATER: Duration = Duration::from_millis(600);

#[tokio::test(flavor = "multi_thread")]
async fn where_more_comes_than_is_taken_a_meter_waits_for_its_turn_and_the_past_for_all() {
    let port = free_port();
    let node = zenoh::open(router(port)).await.unwrap();
    let network = Network::of(&node);
    let draw = |bytes: &mut [u8]| getrandom::fill(bytes).is_ok();
    let readers = Readers::new(Identity::from_seed(&BRIDGE_SEED), Pins::default(), LIMITS, draw, Instant::now());
    let (sealed, counters) = (Sealed::start(&network, readers), Counters::default());
    let (ear, mut heard) = arrivals::ear(&sealed, LIMITS, counters.clone());
    ear.listen(OWN, &node).await.unwrap();
    let mut reader = Reader::with(port, METER, None).await.unwrap();
    while heard.samples.try_recv().is_ok() {}

    reader.make_many(MANY).await;
    // A slow machine may take so long for these that the ear looks meanwhile.
    let dropped = || counters.get(Counter::ArrivalsDropped) as usize;
    eventually("each is heard or dropped", || (heard.samples.len() + dropped() == MANY).then_some(())).await;
    let before = heard.samples.len();
    assert!(before > PLACES / 2 && heard.are_pressing(Instant::now()), "{before} wait");
    tokio::time::sleep(LATER).await;
    reader.make_many(20).await;
    eventually("each is heard or dropped", || (heard.samples.len() + dropped() == MANY + 20).then_some(())).await;
    assert!(dropped() > 0, "no meter waits for its turn");
    assert!(heard.samples.len() > before, "its turn never comes");

    while heard.samples.try_recv().is_ok() {}
    assert!(heard.are_pressing(Instant::now()), "the past waits for longer than what is new");
    assert!(!heard.are_pressing(Instant::now() + Duration::from_secs(60)));
}

fn router(port: u16) -> Config {
    let mut config = Config::default();
    let mut set = |key: &str, value: &str| config.insert_json5(key, value).unwrap();
    set("mode", "\"router\"");
    set("listen/endpoints", &format!("[\"tcp/127.0.0.1:{port}\"]"));
    set("scouting/multicast/enabled", "false");
    config
}
