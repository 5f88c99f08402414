//! What a bridge knows after it has ended and begun again.

use super::*;

#[test]
fn what_is_learnt_is_kept_and_a_restart_forgets_nothing() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 10);
    let (meter, memory) = bench.kept().pop().expect("something was learnt");
    assert_eq!((meter, memory.mode()), (id(METER), Some(Mode::Historic)));
    let positions = bench.hub.positions().map(|(meter, marks)| (*meter, marks.clone())).collect();
    let memories = BTreeMap::from([(meter, memory)]);
    let mut second = Bench::with(Kept { positions, memories, ..Kept::default() });
    bench.lost_frame(&mut reader);
    second.arrives(Arrival::Token(id(METER), true));
    assert_eq!(second.questions(), [Question { boot: reader.boot(), sequence: 10 }], "it goes on where the first stopped");
    let question = second.questions()[0];
    second.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    second.happens(|hub, now| hub.handle_inbound(Inbound::Listener, now));
    second.pass(SECOND);
    assert_eq!((second.powers(METER), second.past_powers(METER)), (vec![], vec![11]), "the past is not the present, for nobody");
    assert!(second.kept().is_empty(), "nothing new was learnt");
}

#[test]
fn the_statistics_are_told_again_though_nothing_new_is_learnt() {
    for mode in [Mode::Historic, Mode::Standard] {
        let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
        reader.mode = mode;
        bench.frames(&mut reader, 20);
        let told = |bench: &Bench| {
            let list = |order: &Order| if let Order::Noted(Note::Statistics(_, list)) = order { Some(list.clone()) } else { None };
            bench.orders.iter().rev().find_map(list).unwrap_or_default()
        };
        let before = told(&bench);
        assert!(before.iter().any(|statistic| statistic.unique_id.ends_with("energy_total")), "{before:?}");
        let mut second = bench.restarted();
        second.frames(&mut reader, 20);
        assert_eq!(told(&second), before, "{mode:?}");
    }
}

#[test]
fn what_was_told_last_survives_a_restart() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    (reader.contract, reader.more) = ("BBR(", vec![("DEMAIN", "----"), ("ADPS", "035")]);
    bench.frames(&mut reader, 10);
    assert_eq!(bench.events(METER), ["overload_begin"], "nothing was announced, and no tariff has changed");
    // The colour is announced while nobody looks; the overload goes on.
    reader.more = vec![("DEMAIN", "ROUG"), ("ADPS", "035")];
    let mut second = bench.restarted();
    second.frames(&mut reader, 5);
    assert_eq!(second.events(METER), ["tempo_announcement"]);
    let mut third = second.restarted();
    third.frames(&mut reader, 5);
    assert!(third.events(METER).is_empty(), "{:?}", third.events(METER));
    reader.more = vec![("DEMAIN", "ROUG")];
    let mut fourth = third.restarted();
    reader.lacks_power = true;
    fourth.frames(&mut reader, 1);
    assert!(fourth.events(METER).is_empty(), "a damaged frame does not say that a label is gone");
    reader.lacks_power = false;
    fourth.frames(&mut reader, 1);
    assert_eq!(fourth.events(METER), ["overload_end"]);
}

#[test]
fn the_same_colour_a_day_later_is_another_announcement() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    (reader.contract, reader.more) = ("BBR(", vec![("DEMAIN", "----")]);
    bench.frames(&mut reader, 3);
    reader.more = vec![("DEMAIN", "ROUG")];
    bench.frames(&mut reader, 3);
    assert_eq!(bench.events(METER), ["tempo_announcement"]);
    let mut second = bench.restarted();
    second.pass(SECOND * 3_600 * 24);
    second.frames(&mut reader, 3);
    assert_eq!(second.events(METER), ["tempo_announcement"]);
}

#[test]
fn a_first_start_tells_only_what_is() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    (reader.contract, reader.more) = ("BBR(", vec![("DEMAIN", "ROUG")]);
    bench.frames(&mut reader, 10);
    assert!(bench.events(METER).is_empty(), "{:?}", bench.events(METER));
}

#[test]
fn a_bridge_that_comes_back_says_offline_until_it_has_told_the_present() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 10);
    let mut second = bench.restarted();
    let first: Vec<&str> = second.orders.iter().filter_map(|o| if let Order::Publish(m) = o { Some(m.text()) } else { None }).collect();
    assert_eq!(first[..2], ["offline", "online"], "the meter, and then the bridge");
    second.mqtt(&format!("teleinfo/{METER}/availability"), "online");
    assert!(second.availability(METER).iter().all(|said| said == "offline"));
    // Samples were missed: until they are told the present is not, and what Home Assistant shows is old.
    second.lost_frame(&mut reader);
    second.frame(&mut reader);
    assert!(second.availability(METER).iter().all(|said| said == "offline"));
    let question = second.questions()[0];
    second.happens(|hub, now| hub.handle_answer(reader.answer(question), now));
    let published = second.orders.iter().filter_map(|order| if let Order::Publish(message) = order { Some(message) } else { None });
    let of_meter = published.filter(|message| message.topic == format!("teleinfo/{METER}") || message.text() == "online");
    let last: Vec<&str> = of_meter.map(|message| message.topic.rsplit('/').next().unwrap()).collect();
    assert_eq!(last, ["state", METER, "availability"], "the bridge, the state of now, and then the meter");
}

#[test]
fn a_meter_that_nobody_kept_is_taken_back_as_soon_as_the_broker_names_it() {
    let mut bench = Bench::new();
    bench.mqtt(&format!("teleinfo/{METER}/availability"), "online");
    assert_eq!(bench.availability(METER), ["offline"]);
    let mut reader = Reader::new(METER);
    bench.frame(&mut reader);
    bench.mqtt(&format!("teleinfo/{METER}/availability"), "online");
    assert_eq!(bench.availability(METER), ["offline", "online"], "its own word, which comes back, changes nothing");
}

/// The topics and texts of what was published after so many orders, in order.
fn said(bench: &Bench, after: usize) -> Vec<(String, String)> {
    let published = bench.orders[after..].iter().filter_map(|order| if let Order::Publish(message) = order { Some(message) } else { None });
    published.map(|message| (message.topic.clone(), message.text().to_owned())).collect()
}

/// The unique ids of a device.
fn entities_of(announcement: &str) -> BTreeSet<String> {
    let device: serde_json::Value = serde_json::from_str(announcement).unwrap();
    let components = device["cmps"].as_object().unwrap().values();
    components.filter_map(|component| component["uniq_id"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_meter_is_announced_in_another_language_before_the_bridge_is_online() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 10);
    let (config, bridge) = (format!("homeassistant/device/teleinfo_{METER}/config"), "teleinfo/bridge/state");
    let states =
        |said: &[(String, String)]| said.iter().filter(|(topic, _)| topic == bridge).map(|(_, text)| text.clone()).collect::<Vec<_>>();
    let entities = |said: &[(String, String)]| {
        said.iter().filter(|(topic, _)| *topic == config).map(|(_, text)| entities_of(text)).collect::<Vec<_>>()
    };
    let announced = entities(&said(&bench, 0)).pop().unwrap();
    assert!(announced.iter().any(|unique_id| unique_id.ends_with("energy_total")), "{announced:?}");
    // In the same language it is online at once.
    assert_eq!(states(&said(&bench.restarted(), 0)), ["online"]);

    let mut second = bench.restarted_in(Language::French);
    // A broker that goes at once, and comes back.
    second.happens(Hub::handle_disconnected);
    second.happens(Hub::handle_connected);
    second.pass(SECOND);
    let first = said(&second, 0);
    let started = second.orders.len();
    assert_eq!(states(&first), ["offline"]);
    assert!(first.iter().any(|(topic, text)| *topic == config && text.contains("En lecture")), "{first:?}");
    assert!(entities(&first).iter().all(|entities| *entities == announced), "no entity goes, to come again with the first sample");
    // What the broker had of it, and the start of Home Assistant, change nothing.
    second.mqtt(bridge, "offline");
    second.mqtt("homeassistant/status", "online");
    second.frames(&mut reader, 3);
    let meanwhile = said(&second, started);
    let spoken = second.orders.len();
    assert!(states(&meanwhile).iter().all(|state| state == "offline"), "{:?}", states(&meanwhile));
    second.frames(&mut reader, 3);
    let last = said(&second, spoken);
    assert_eq!(states(&last), ["online"]);
    let online = last.iter().position(|(topic, _)| topic == bridge).unwrap();
    for topic in ["home", "quality"].map(|topic| format!("teleinfo/{METER}/{topic}")) {
        assert!(last[..online].iter().rev().any(|(said, _)| *said == topic), "{topic} is not said in the new words before");
    }
    assert_eq!(states(&said(&second.restarted_in(Language::French), 0)), ["online"], "once");
}

#[test]
fn a_meter_without_a_reader_keeps_the_bridge_offline_until_that_is_said() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 10);
    let mut second = bench.restarted_in(Language::French);
    second.now = Duration::ZERO;
    second.pass(SECOND * 39);
    assert_eq!(second.published("teleinfo/bridge/state").last(), Some(&"offline".into()));
    second.pass(SECOND * 3);
    assert_eq!(second.published("teleinfo/bridge/state").last(), Some(&"online".into()));
    assert_eq!(second.published(&format!("teleinfo/{METER}/quality")).last().unwrap()["line"], "unreachable");
}
