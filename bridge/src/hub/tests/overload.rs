//! More comes than goes out.

use super::*;

/// Meters, each with a frame a second; a frame makes one message or more.
const METERS: usize = 8;
/// Messages that go out in a second.
const NARROW: usize = 16;

/// Seconds until a meter has its turn again at the latest: each turn tells some thirty messages, of the past for the most part.
const ROUND: u64 = 20;

/// A second in which so many messages go out.
fn second(bench: &mut Bench, readers: &mut [Reader], room: usize) {
    bench.room = 0;
    readers.iter_mut().for_each(|reader| bench.frame(reader));
    let (now, mut sent) = (bench.start + bench.now, 0);
    while let Some(order) = bench.hub.poll_order(if sent < room { ROOM } else { 0 }, now) {
        sent += usize::from(matches!(order, Order::Publish(_)));
        bench.orders.push(order);
    }
    bench.pass(Duration::from_secs(1));
}

#[test]
fn each_meter_loses_evenly_the_newest_state_wins_and_it_is_said() {
    let mut bench = Bench::new();
    let meters: Vec<String> = (0..METERS).map(|number| format!("0418{number:08}")).collect();
    let mut readers: Vec<Reader> = meters.iter().map(|meter| Reader::new(meter)).collect();
    (0..12).for_each(|_| second(&mut bench, &mut readers, ROOM));
    bench.taken();
    (0..90).for_each(|_| second(&mut bench, &mut readers, NARROW));
    let powers: Vec<Vec<u64>> = meters.iter().map(|meter| bench.powers(meter)).collect();
    let counts = powers.iter().map(Vec::len);
    let (least, most) = (counts.clone().min().unwrap(), counts.max().unwrap());
    assert!(least >= 4 && most <= 2 * least, "{powers:?}");
    let oldest = powers.iter().filter_map(|powers| powers.last()).min().unwrap();
    assert!(*oldest >= 12 + 90 - ROUND, "a state is as new as the turn of its meter: {powers:?}");
    assert!(powers.iter().all(|powers| powers.is_sorted()), "and none steps back: {powers:?}");
    let kept: Vec<usize> = meters.iter().map(|meter| bench.powers(meter).len() + bench.past_powers(meter).len()).collect();
    let (least, most) = (kept.iter().min().unwrap(), kept.iter().max().unwrap());
    assert!(*least >= 60 && most - least <= 90 / 4, "what was missed comes as the past, of all alike: {kept:?}");
    assert!(bench.said().iter().any(|text| text.starts_with("cannot keep up: ")), "{:?}", bench.said());
    let told = bench.published("teleinfo/bridge/quality").pop().unwrap();
    assert!(told["complaints"]["congestion"]["text"].as_str().unwrap().starts_with("cannot keep up: "), "{told}");
}
