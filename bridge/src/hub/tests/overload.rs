//! More comes than goes out.

use super::*;

/// Meters, each with a frame a second.
const METERS: usize = 8;
/// Messages that go out in a second.
const NARROW: usize = 16;
/// Seconds until a meter has its turn again at the latest: a frame makes up to five messages.
const ROUND: u64 = 5;
/// Until then it might be for a moment only.
const BEGINNING: u64 = 15;
/// How long more comes than goes out.
const SECONDS: u64 = 90;

/// A second in which so many messages go out.
fn second(bench: &mut Bench, readers: &mut [Reader], messages: usize) {
    bench.room = 0;
    readers.iter_mut().for_each(|reader| bench.frame(reader));
    let (now, mut sent) = (bench.start + bench.now, 0);
    // What waits on the way out is never so little that there is room for the past.
    while let Some(order) = bench.hub.poll_order(if sent < messages { ROOM_FOR_PAST - 1 } else { 0 }, now) {
        sent += usize::from(matches!(order, Order::Publish(_)));
        bench.orders.push(order);
    }
    bench.pass(Duration::from_secs(1));
}

/// Questions are answered until there is none.
fn answer_all(bench: &mut Bench, readers: &[Reader]) {
    let mut answered = 0;
    while let Some((meter, question)) = asked(bench).get(answered).copied() {
        answered += 1;
        let reader = readers.iter().find(|reader| reader.meter == meter).unwrap();
        bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    }
}

fn asked(bench: &Bench) -> Vec<(MeterId, Question)> {
    bench.orders.iter().filter_map(|order| if let Order::Ask(meter, question) = order { Some((*meter, *question)) } else { None }).collect()
}

/// So many meters, all of which were announced a while ago.
fn fleet(number: usize) -> (Bench, Vec<Reader>) {
    let mut bench = Bench::new();
    let mut readers: Vec<Reader> = (0..number).map(|number| Reader::new(&format!("0418{number:08}"))).collect();
    for _ in 0..12 {
        readers.iter_mut().for_each(|reader| bench.frame(reader));
        bench.pass(SECOND);
    }
    bench.taken();
    (bench, readers)
}

#[test]
fn each_meter_loses_evenly_the_newest_state_wins_and_it_is_said() {
    let (mut bench, mut readers) = fleet(METERS);
    let mut heard = [0; METERS];
    for at in 0..SECONDS {
        second(&mut bench, &mut readers, NARROW);
        for (last, reader) in heard.iter_mut().zip(&readers) {
            *last = bench.powers(reader.meter.as_str()).last().copied().unwrap_or(*last);
            assert!(at < BEGINNING || *last + ROUND >= reader.sequence, "{last} of {}", reader.sequence);
        }
    }
    let powers: Vec<Vec<u64>> = readers.iter().map(|reader| bench.powers(reader.meter.as_str())).collect();
    let counts = powers.iter().map(Vec::len);
    let (least, most) = (counts.clone().min().unwrap(), counts.max().unwrap());
    assert!(least as u64 >= SECONDS / ROUND && most - least <= 4, "{powers:?}");
    assert!(powers.iter().all(|powers| powers.is_sorted()), "none steps back: {powers:?}");
    assert!(readers.iter().all(|reader| bench.past(reader.meter.as_str()).is_empty()), "the past waits");
    assert!(bench.questions().is_empty(), "and nobody is asked for it");
    assert!(bench.said().iter().any(|text| text.starts_with("cannot keep up: ")), "{:?}", bench.said());
    let told = bench.published("teleinfo/bridge/quality").pop().unwrap();
    assert!(told["complaints"]["congestion"]["text"].as_str().unwrap().starts_with("cannot keep up: "), "{told}");
}

#[test]
fn once_there_is_room_again_all_that_was_overtaken_comes_as_the_past() {
    let (mut bench, mut readers) = fleet(METERS);
    (0..SECONDS).for_each(|_| second(&mut bench, &mut readers, NARROW));
    bench.room = ROOM;
    readers.iter_mut().for_each(|reader| bench.frame(reader));
    answer_all(&mut bench, &readers);
    for reader in &readers {
        let meter = reader.meter.as_str();
        let (present, past) = (bench.powers(meter), bench.past_powers(meter));
        assert!(present.is_sorted() && past.is_sorted(), "{present:?} {past:?}");
        let mut all = [present, past].concat();
        all.sort_unstable();
        assert_eq!(all, (13..=reader.sequence).collect::<Vec<_>>(), "each once");
    }
    assert!(!bench.hub.is_past_waiting() && !bench.hub.is_starved());
}

/// The energy that is told after a change of contract, where there is such room for the samples of those seconds.
fn total_through_a_change(room: usize) -> (u64, usize) {
    let (mut bench, mut readers) = fleet(1);
    let meter = readers[0].meter.to_string();
    let told = |bench: &Bench| bench.published(&format!("teleinfo/{meter}/derived")).pop().unwrap()["energy_total"].as_u64().unwrap();
    readers[0].drawn = 1;
    bench.frame(&mut readers[0]);
    let before = told(&bench);
    bench.room = if room == ROOM { ROOM } else { 0 };
    (0..5).for_each(|_| {
        bench.frame(&mut readers[0]);
        bench.pass(SECOND);
    });
    for (drawn, contract) in [(2, "BASE"), (2, "HC.."), (3, "HC.."), (4, "HC..")] {
        (readers[0].drawn, readers[0].contract) = (drawn, contract);
        bench.pass(SECOND);
        bench.frame(&mut readers[0]);
    }
    bench.room = room;
    bench.happens(|_, _| {});
    let (counted, past) = (told(&bench) - before, bench.past(&meter).len());
    bench.room = ROOM;
    bench.happens(|_, _| {});
    assert_eq!(told(&bench) - before, counted, "the past counts nothing more");
    (counted, past)
}

#[test]
fn energy_that_is_drawn_while_the_contract_changes_is_counted_though_only_the_newest_is_told() {
    assert_eq!([ROOM, ROOM_PER_SAMPLE].map(total_through_a_change), [(3, 0), (3, 0)]);
}

#[test]
fn only_so_many_answers_of_histories_are_held() {
    let (mut bench, mut readers) = fleet(3 * ASKED_MAX);
    bench.room = 0;
    for reader in &mut readers {
        bench.lost_frame(reader);
        bench.frame(reader);
    }
    bench.room = ROOM;
    bench.happens(|_, _| {});
    assert_eq!(bench.questions().len(), ASKED_MAX);
    answer_all(&mut bench, &readers);
    assert!(readers.iter().all(|reader| bench.past_powers(reader.meter.as_str()) == [13]));
    assert!(bench.hub.asked.is_empty() && !bench.hub.is_past_waiting());
}

#[test]
fn what_comes_by_two_routers_is_said_where_it_goes_on() {
    let (mut bench, _) = fleet(1);
    let mut said_after = |copies: u64| {
        bench.taken();
        bench.hub.counters().add(Counter::ArrivalsTwice, copies);
        bench.pass(Duration::from_secs(30));
        bench.said().iter().any(|text| text.starts_with("readers are heard through several Zenoh routers at once"))
    };
    assert_eq!([7, 7, 80, 0, 8, 8].map(&mut said_after), [false, false, false, false, false, true]);
}
