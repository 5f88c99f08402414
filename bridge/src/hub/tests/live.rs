//! What does not wait for the end of its frame.

use super::*;
use crate::words::message::Origin;

#[test]
fn power_and_overload_do_not_wait_for_their_frame() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.live(&reader, "PAPP", "00100");
    assert!(bench.live_powers().is_empty(), "of a meter that no frame was seen of");
    bench.frames(&mut reader, 2);
    assert_eq!(bench.live_powers(), [1, 2], "no live sample came, so the frames tell");
    bench.taken();
    bench.live(&reader, "ADPS", "031");
    bench.live(&reader, "PAPP", "07130");
    assert_eq!((bench.live_powers(), bench.events(METER)), (vec![7_130], vec!["overload_begin".into()]));
    assert!(bench.powers(METER).is_empty(), "the merged state is told once a frame");
    reader.more = vec![("ADPS", "031")];
    bench.frames(&mut reader, 1);
    assert_eq!((bench.live_powers(), bench.events(METER)), (vec![7_130], vec!["overload_begin".into()]), "the frame repeats it");
    assert_eq!((bench.powers(METER), bench.past_powers(METER), bench.questions()), (vec![3], vec![], vec![]));
    assert_eq!((bench.hub.counters.get(Counter::SamplesLive), bench.hub.counters.get(Counter::SamplesTaken)), (2, 3));
}

#[test]
fn an_overload_goes_before_what_waits_of_all_other_meters() {
    let mut bench = Bench::new();
    let mut readers = [METER, OTHER, "021528603314"].map(Reader::new);
    readers.iter_mut().for_each(|reader| bench.frames(reader, 2));
    bench.taken();
    bench.room = 0;
    readers.iter_mut().for_each(|reader| bench.frame(reader));
    bench.live(&readers[2], "PAPP", "00100");
    bench.live(&readers[1], "ADPS", "031");
    bench.room = ROOM;
    bench.happens(|_, _| {});
    let topics: Vec<String> = bench
        .taken()
        .into_iter()
        .filter_map(|order| if let Order::Publish(message) = order { Some(message.topic) } else { None })
        .collect();
    let place = |topic: String| topics.iter().position(|other| *other == topic).unwrap();
    assert!(place(format!("teleinfo/{OTHER}/event")) < place(format!("teleinfo/{METER}")), "{topics:?}");
    assert!(place(format!("teleinfo/{METER}")) < place("teleinfo/021528603314".into()), "a power is no alarm");
}

#[test]
fn a_live_sample_that_finds_no_broker_is_not_told_later() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 2);
    bench.happens(|hub, now| hub.handle_inbound(Inbound::Down("gone".into()), now));
    bench.taken();
    bench.live(&reader, "ADPS", "031");
    bench.live(&reader, "PAPP", "07130");
    bench.happens(|hub, now| hub.handle_inbound(Inbound::Up, now));
    assert_eq!((bench.live_powers(), bench.events(METER)), (vec![], vec![]), "until a frame says how things are");
    bench.room = 0;
    (0..1_000).for_each(|_| bench.live(&reader, "PAPP", "07130"));
    bench.room = ROOM;
    bench.frame(&mut reader);
    assert_eq!(bench.live_powers(), [3], "those that waited are worth nothing once their frame has come");
}

#[test]
fn an_overload_that_did_not_arrive_is_told_by_its_frame() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 2);
    bench.taken();
    bench.live(&reader, "ADPS", "031");
    bench.live(&reader, "PAPP", "07130");
    let origins: Vec<Option<Origin>> = bench
        .taken()
        .into_iter()
        .filter_map(|order| if let Order::Publish(message) = order { Some(message.origin) } else { None })
        .collect();
    let frame = Origin { meter: id(METER), boot: reader.boot(), sequence: 3 };
    assert!(origins.contains(&Some(frame)) && origins.last() == Some(&None), "the event is its frame's, the power nobody's: {origins:?}");
    bench.happens(|hub, now| hub.handle_inbound(Inbound::Down("gone".into()), now));
    bench.happens(|hub, now| hub.handle_inbound(Inbound::GivenUp(vec![frame]), now));
    bench.happens(|hub, now| hub.handle_inbound(Inbound::Up, now));
    reader.more = vec![("ADPS", "031")];
    for question in bench.questions() {
        bench.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    }
    bench.frame(&mut reader);
    assert_eq!((bench.events(METER), bench.past_powers(METER)), (vec!["overload_begin".into()], vec![]));
}

#[test]
fn the_power_is_signed_and_the_cut_off_is_seen_coming_before_the_frame() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 3);
    bench.taken();
    bench.live(&reader, "IINST", "009");
    bench.live(&reader, "PAPP", "00000");
    let told = bench.published(&format!("teleinfo/{METER}/power"));
    assert_eq!((told.len(), &told[0]["power"], &told[0]["method"]), (1, &(-2_070).into(), &"current".into()), "{told:?}");
    bench.frames(&mut reader, 1);
    bench.taken();
    bench.live(&reader, "PAPP", "09000");
    assert_eq!(bench.events(METER), ["cut_off_near"], "the filter of a meter that was just met may be full");
    let derived = bench.published(&format!("teleinfo/{METER}/derived"));
    let last = derived.last().unwrap();
    assert_eq!((&last["headroom_va"], &last["cutoff_method"]), (&(-1_200).into(), &"filter-bounds".into()), "{last}");
}
