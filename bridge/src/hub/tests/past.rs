//! What was missed is told as the past, and nothing of it as the present: gaps, a broker that was away, messages that did not arrive.

use super::*;
use crate::{order::marks::Mark, words::message::Origin};

#[test]
fn a_gap_is_asked_for_and_what_is_lost_for_good_is_counted() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 3);
    for _ in 0..5 {
        bench.lost_frame(&mut reader);
    }
    // Two of them are gone at the reader too.
    reader.held.retain(|received| ![4, 5].contains(&received.sequence));
    bench.frame(&mut reader);
    let question = bench.questions()[0];
    let disturbances = bench.disturbances();
    bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    assert_eq!(bench.powers(METER), [1, 2, 3, 9], "only the newest is the present");
    assert_eq!(bench.past(METER), [6, 7, 8].map(|power| (power, "2024-01-07T17:00:03Z".to_owned())));
    assert!(
        bench.said().contains(&format!("meter {METER}: 4 samples taken from its reader's history, 2 lost").as_str()),
        "{:?}",
        bench.said()
    );
    assert_eq!(bench.disturbances(), disturbances + 1, "hours may have to be corrected");
    bench.pass(SECOND * 70);
    bench.frame(&mut reader);
    let quality = bench.published(&format!("teleinfo/{METER}/quality"));
    assert_eq!(quality.last().unwrap()["samples_lost"], 2);
    let report = bench.published("teleinfo/bridge/quality");
    assert_eq!((&report.last().unwrap()["samples_lost"], &report.last().unwrap()["samples_late"]), (&2.into(), &4.into()));
    assert!(bench.hub.reports(bench.start + bench.now).any(|line| line.starts_with(&format!("meter {METER}: 8 samples, 4 of them"))));
}

#[test]
fn a_broker_that_was_away_gets_the_present_at_once_and_the_past_beside_it() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 3);
    let disturbances = bench.disturbances();
    bench.room = 0;
    bench.happens(|hub, now| hub.handle_inbound(Inbound::Down("gone".into()), now));
    assert!(bench.hub.summary().ends_with("MQTT not connected"), "{}", bench.hub.summary());
    bench.frames(&mut reader, 100);
    assert_eq!(bench.powers(METER), [1, 2, 3], "nothing is handed on without room");
    assert!(bench.questions().is_empty(), "the reader's history is the store");
    bench.room = ROOM;
    let before = bench.now;
    bench.happens(|hub, now| hub.handle_inbound(Inbound::Up, now));
    assert_eq!(bench.questions().len(), 1, "no time has to pass");
    assert_eq!(bench.now, before);
    let question = bench.questions()[0];
    bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    assert_eq!(bench.powers(METER), [1, 2, 3, 103]);
    assert_eq!(bench.past_powers(METER), (4..=102).collect::<Vec<_>>());
    assert!(bench.disturbances() > disturbances);
    bench.pass(SECOND * 40);
    let report = bench.published("teleinfo/bridge/quality");
    assert_eq!(report.last().unwrap()["broker_reconnections"], 1);
}

#[test]
fn nothing_of_the_past_is_an_event_of_now_and_no_index_steps_back() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 10);
    // A bridge that lost power: what it kept is older than what it published.
    let marks = Marks::new(vec![Mark { boot: reader.boot(), sequence: 2, unix_ms: i64::try_from(START_MS).unwrap() }]);
    let memories = BTreeMap::new();
    let mut second = Bench::with(Kept { positions: BTreeMap::from([(id(METER), marks)]), memories, ..Kept::default() });
    second.now = bench.now;
    second.frame(&mut reader);
    let question = second.questions()[0];
    second.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    assert_eq!(second.powers(METER), [11], "what Home Assistant has had is not told again as the present");
    assert_eq!(second.past_powers(METER), (3..=10).collect::<Vec<_>>());
    assert!(second.published(&format!("teleinfo/{METER}/event")).is_empty());
}

/// The broker goes and comes back; it has not acknowledged these samples.
fn broker_lost(bench: &mut Bench, reader: &Reader, samples: std::ops::RangeInclusive<u64>) {
    bench.happens(|hub, now| hub.handle_inbound(Inbound::Down("gone".into()), now));
    let origins = samples.map(|sequence| Origin { meter: reader.meter, boot: reader.boot(), sequence }).collect();
    bench.taken();
    bench.happens(|hub, now| hub.handle_inbound(Inbound::GivenUp(origins), now));
    assert!(bench.powers(METER).is_empty() && bench.past_powers(METER).is_empty(), "nothing is handed on before the broker is there");
    bench.happens(|hub, now| hub.handle_inbound(Inbound::Up, now));
}

#[test]
fn what_the_broker_did_not_acknowledge_is_told_as_the_past() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 5);
    broker_lost(&mut bench, &reader, 3..=5);
    assert_eq!(bench.questions(), [Question { boot: reader.boot(), sequence: 2 }]);
    let question = bench.questions()[0];
    bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    assert_eq!((bench.powers(METER), bench.past_powers(METER)), (vec![], vec![3, 4, 5]));
    bench.frames(&mut reader, 2);
    assert_eq!((bench.powers(METER), bench.past_powers(METER)), (vec![6, 7], vec![3, 4, 5]));
    assert!(!bench.published(&format!("teleinfo/{METER}/derived")).is_empty(), "it may not have arrived either");
}

#[test]
fn samples_of_two_runs_that_did_not_arrive_are_all_told() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 3);
    let first = reader.boot();
    (reader.boot, reader.sequence) = (2, 0);
    bench.frame(&mut reader);
    let question = bench.questions()[0];
    bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    bench.frames(&mut reader, 2);
    assert_eq!(bench.powers(METER), [1, 2, 3, 1, 2, 3]);
    bench.taken();
    let lost = [(first, 2), (first, 3), (reader.boot(), 1), (reader.boot(), 2)];
    let origins = lost.map(|(boot, sequence)| Origin { meter: reader.meter, boot, sequence }).to_vec();
    bench.happens(|hub, now| hub.handle_inbound(Inbound::GivenUp(origins), now));
    let question = bench.questions()[0];
    assert_eq!(question, Question { boot: first, sequence: 1 });
    let answer = reader.held.iter().filter(|held| held.boot != first || held.sequence > 1).cloned().collect();
    let answer = Answer { meter: reader.meter, samples: answer, outcome: Outcome::Complete };
    bench.happens(|hub, now| hub.handle_answer(answer, now));
    assert_eq!((bench.powers(METER), bench.past_powers(METER)), (vec![], vec![2, 3, 1, 2, 3]));
}

#[test]
fn an_event_that_did_not_arrive_is_told_again_while_it_is_one_of_now() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 3);
    reader.more = vec![("ADPS", "035")];
    bench.frames(&mut reader, 2);
    assert_eq!(bench.events(METER), ["overload_begin"]);
    broker_lost(&mut bench, &reader, 4..=5);
    let question = bench.questions()[0];
    bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    bench.frames(&mut reader, 2);
    assert_eq!(bench.events(METER), ["overload_begin"], "once more");
    broker_lost(&mut bench, &reader, 7..=7);
    let question = bench.questions()[0];
    bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    bench.frames(&mut reader, 2);
    assert!(bench.events(METER).is_empty(), "it had arrived before: {:?}", bench.events(METER));
}

#[test]
fn what_a_damaged_frame_lacks_after_a_gap_is_not_of_before_the_gap() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 2);
    (3..=7).for_each(|_| bench.lost_frame(&mut reader));
    reader.lacks_power = true;
    bench.frame(&mut reader);
    let question = bench.questions().pop().unwrap();
    bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    assert_eq!(bench.past_powers(METER), [3, 4, 5, 6, 7]);
    assert_eq!(bench.powers(METER), [1, 2, 7], "the power of the frame before, which was missed");
}

#[test]
fn samples_wait_for_room_and_the_newest_goes_on_as_soon_as_there_is_some() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 3);
    bench.room = ROOM_PER_SAMPLE - 1;
    bench.frames(&mut reader, 5);
    assert_eq!(bench.powers(METER), [1, 2, 3]);
    assert!(bench.hub.is_starved());
    bench.room = ROOM_PER_SAMPLE;
    bench.happens(|_, _| {});
    assert_eq!((bench.powers(METER), bench.past_powers(METER)), (vec![1, 2, 3, 8], vec![]), "there is no room for the past");
    assert_eq!((bench.hub.is_starved(), bench.hub.is_past_waiting()), (false, true));
    bench.room = ROOM_FOR_PAST;
    bench.happens(|_, _| {});
    assert_eq!((bench.powers(METER), bench.past_powers(METER)), (vec![1, 2, 3, 8], vec![4, 5, 6, 7]));
    assert!(!bench.hub.is_past_waiting());
}

#[test]
fn a_gap_is_written_elsewhere_with_its_own_times() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 3);
    for _ in 0..95 {
        bench.lost_frame(&mut reader);
        bench.pass(SECOND);
    }
    bench.frame(&mut reader);
    let question = bench.questions()[0];
    bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    let times = |order| if let Order::Record(record) = order { Some(record.unix_ms) } else { None };
    let mut turns: Vec<i64> = bench.taken().into_iter().filter_map(times).map(|unix_ms| unix_ms / 10_000).collect();
    turns.sort_unstable();
    turns.dedup();
    let start = i64::try_from(START_MS).unwrap() / 10_000;
    assert_eq!(turns, (start..start + 10).collect::<Vec<_>>(), "one in ten seconds, through the gap");
}
