//! The totals of meters, and the ledgers that keep them on the disk and on the broker.

use super::*;
use crate::config::{file::Config, prices};

/// What was drawn in all, as it was last published.
fn total(bench: &Bench) -> Option<u64> {
    bench.published(&format!("teleinfo/{METER}/derived")).last().and_then(|derived| derived["energy_total"].as_u64())
}

fn complaints(bench: &mut Bench) -> Vec<(&'static str, u64)> {
    let lasting = bench.hub.complaints.lasting();
    lasting.map(|(kind, count, _)| (kind.name(), count)).collect()
}

#[test]
fn samples_wait_until_the_broker_has_said_what_it_retains_but_not_for_ever() {
    for answers in [true, false] {
        let (mut bench, mut reader) = (Bench::beside(Kept::default(), true), Reader::new(METER));
        bench.frame(&mut reader);
        bench.pass(SECOND);
        assert_eq!(bench.powers(METER), [0; 0]);
        assert_eq!(bench.published("teleinfo/bridge/marker"), [7]);
        if answers {
            bench.mqtt("teleinfo/bridge/marker", "8");
            assert_eq!(bench.powers(METER), [0; 0], "that was another bridge");
            bench.mqtt("teleinfo/bridge/marker", "7");
        } else {
            bench.pass(SECOND);
        }
        assert_eq!(bench.powers(METER), [1], "{answers}");
    }
}

#[test]
fn a_total_goes_on_wherever_its_ledger_is_kept_and_however_old_it_is() {
    let (mut first, mut reader) = (Bench::beside(Kept::default(), false), Reader::new(METER));
    first.frames(&mut reader, 2);
    let (old_on_broker, old_on_disk) = ledgers(&first);
    reader.contract = "HC..";
    first.frames(&mut reader, 3);
    reader.drawn = 7;
    first.frames(&mut reader, 2);
    assert_eq!(total(&first), Some(2_815_242), "what a register shows that was not known is no consumption");
    first.happens(Hub::handle_stop);
    let (on_broker, on_disk) = ledgers(&first);
    reader.drawn = 20;
    for (broker, disk) in
        [(&on_broker, &on_disk), (&on_broker, &None), (&None, &on_disk), (&old_on_broker, &on_disk), (&on_broker, &old_on_disk)]
    {
        let ledgers = disk.iter().map(|ledger| (id(METER), ledger.clone())).collect();
        let mut second = Bench::beside(Kept { ledgers, ..Kept::default() }, true);
        second.now = first.now + SECOND;
        if let Some(broker) = broker {
            second.mqtt(&ledger_topic(), broker);
        }
        second.mqtt("teleinfo/bridge/marker", "7");
        second.frame(&mut Reader { held: Vec::new(), ..clone(&reader) });
        assert_eq!(total(&second), Some(2_815_255), "{broker:?} {disk:?}");
    }
}

fn clone(reader: &Reader) -> Reader {
    Reader { held: reader.held.clone(), more: reader.more.clone(), ..*reader }
}

#[test]
fn a_ledger_that_cannot_be_is_not_used_and_said() {
    let (mut first, mut reader) = (Bench::new(), Reader::new(METER));
    first.frames(&mut reader, 2);
    first.happens(Hub::handle_stop);
    let (Some(told), Some(kept)) = ledgers(&first) else { panic!("no ledger") };
    let hostile = told.replace("\"sequence\":2", "\"sequence\":9");
    let altered = |wh: &str| {
        let ledger: Ledger = serde_json::from_str(&hostile.replace("2815235", wh)).unwrap();
        String::from_utf8(ledger.json().unwrap()).unwrap()
    };
    for retained in ["{", "\u{0}", &hostile, &altered("999999999"), &altered("5")] {
        let mut second = Bench::beside(Kept { ledgers: [(id(METER), kept.clone())].into(), ..Kept::default() }, true);
        second.now = first.now;
        second.mqtt(&ledger_topic(), retained);
        second.mqtt("teleinfo/bridge/marker", "7");
        second.frame(&mut clone(&reader));
        assert_eq!(total(&second), Some(2_815_235), "{retained}");
        assert_eq!(complaints(&mut second), [("ledger", 1)], "{retained}");
    }
}

#[test]
fn two_readers_that_contradict_each_other_are_said_and_the_published_one_stands() {
    let (mut bench, mut reader, mut other) = (Bench::new(), Reader::new(METER), Reader::new(METER));
    other.boot = 2;
    reader.drawn = 100;
    bench.frames(&mut reader, 1);
    for _ in 0..20 {
        for _ in 0..4 {
            bench.frame(&mut other);
            let nothing = Answer { meter: id(METER), samples: Vec::new(), outcome: Outcome::Complete };
            bench.happens(|hub, now| hub.handle_answer(nothing, now));
        }
        bench.frames(&mut reader, 1);
    }
    let states = bench.published(&format!("teleinfo/{METER}"));
    let published: Vec<&Value> = states.iter().filter_map(|state| state.get("BASE")).map(|index| &index["value"]).collect();
    assert!(published.len() > 9 && published.iter().all(|index| **index == 2_815_335), "{published:?}");
    assert_eq!(total(&bench), Some(2_815_335));
    let quality = bench.published(&format!("teleinfo/{METER}/quality")).pop().unwrap();
    assert_eq!((&quality["contradiction"], &quality["contradiction_text"]), (&true.into(), &"BASE: 2815335, 2815235".into()));
    let complaints = complaints(&mut bench);
    assert!(complaints.iter().any(|(name, count)| *name == "contradiction" && *count > 40), "{complaints:?}");
}

/// The keys of the last announcement of a meter, and the name of its device.
fn device(bench: &Bench, meter: &str) -> (Vec<String>, String) {
    let device = bench.published(&format!("homeassistant/device/teleinfo_{meter}/config")).pop().unwrap();
    let keys = device["cmps"].as_object().unwrap().keys().cloned().collect();
    (keys, device["dev"]["name"].as_str().unwrap().to_owned())
}

#[test]
fn a_meter_that_was_known_but_has_no_ledger_begins_with_new_entities_and_says_so() {
    for evidence in ["memory", "broker", "none"] {
        let memories = BTreeMap::from([(id(METER), Memory { migrated: true, ..Memory::default() })]);
        let kept = if evidence == "memory" { Kept { memories, ..Kept::default() } } else { Kept::default() };
        let (mut bench, mut reader) = (Bench::beside(kept, true), Reader::new(METER));
        if evidence == "broker" {
            bench.mqtt(&format!("teleinfo/{METER}/availability"), "offline");
        }
        bench.mqtt("teleinfo/bridge/marker", "7");
        bench.frames(&mut reader, 20);
        let (keys, _) = device(&bench, METER);
        let anew = keys.iter().any(|key| key.starts_with("energy_total_1"));
        assert_eq!(anew, evidence != "none", "{evidence}: {keys:?}");
        let current = bench.published(&ledger_topic()).pop().unwrap()["current"].clone();
        assert_eq!(current.as_array().unwrap().contains(&"total".into()), !anew, "{evidence}");
        let said = bench.orders.iter().any(|order| matches!(order, Order::Say(Level::WARN, text) if text.contains("is lost")));
        assert_eq!(said, anew, "{evidence}");
    }
}

#[test]
fn a_meter_goes_on_from_the_total_of_the_one_whose_place_it_took() {
    let (mut first, mut old) = (Bench::new(), Reader::new(METER));
    first.frames(&mut old, 20);
    first.happens(Hub::handle_stop);
    let (_, Some(ledger)) = ledgers(&first) else { panic!("no ledger") };
    let memory = first.kept().pop().unwrap().1;
    let wishes = MeterWishes { name: Some("Maison".into()), continues: Some(id(METER)), prices: None };
    let kept = Kept { ledgers: [(id(METER), ledger)].into(), memories: [(id(METER), memory)].into(), ..Kept::default() };
    let mut second = Bench::wishing(kept, true, [(id(OTHER), wishes)].into());
    second.mqtt("teleinfo/bridge/marker", "7");
    let mut new = Reader::new(OTHER);
    second.frames(&mut new, 5);
    new.drawn = 9;
    second.frames(&mut new, 30);
    let total = second.published(&format!("teleinfo/{OTHER}/derived")).pop().unwrap()["energy_total"].clone();
    assert_eq!(total, 2_815_235 + 9, "nothing that the new meter showed at first is counted");
    // The old one lets go first, then the new one announces it under the old unique id.
    let configs: Vec<(&str, Value)> = second
        .orders
        .iter()
        .filter_map(|order| if let Order::Publish(message) = order { Some(message) } else { None })
        .filter(|message| message.topic.ends_with("/config") && message.topic.contains("_0"))
        .map(|message| (message.topic.as_str(), serde_json::from_slice(&message.payload).unwrap()))
        .collect();
    let lets_go = configs
        .iter()
        .position(|(topic, device)| topic.contains(METER) && device["cmps"]["energy_total"] == serde_json::json!({ "p": "sensor" }));
    let taken = |(topic, device): &(&str, Value)| {
        topic.contains(OTHER) && device["cmps"][format!("energy_total_of_{METER}")]["uniq_id"] == format!("teleinfo_{METER}_energy_total")
    };
    let takes = configs.iter().position(taken);
    assert!(lets_go.is_some() && lets_go < takes, "{lets_go:?} {takes:?}");
    assert_eq!(device(&second, OTHER).1, "Maison");
    assert!(!device(&second, METER).0.iter().any(|key| key.starts_with("energy_total")));
    // After a restart it goes on by itself.
    second.happens(Hub::handle_stop);
    let told = second.published(&format!("teleinfo/{OTHER}/ledger")).pop().unwrap();
    assert_eq!((&told["continues"], &told["total"]["wh"]), (&METER.into(), &2_815_244.into()));
}

#[test]
fn a_total_is_handed_on_only_once_the_other_meter_is_heard() {
    let wishes = MeterWishes { name: None, continues: Some(id(METER)), prices: None };
    let mut bench = Bench::wishing(Kept::default(), true, [(id(OTHER), wishes)].into());
    bench.mqtt("teleinfo/bridge/marker", "7");
    let has_total = |bench: &Bench, meter: &str| device(bench, meter).0.iter().any(|key| key.starts_with("energy_total"));
    bench.frames(&mut Reader::new(METER), 20);
    assert!(has_total(&bench, METER));
    bench.frames(&mut Reader::new(OTHER), 40);
    assert_eq!((has_total(&bench, METER), has_total(&bench, OTHER)), (false, true));
}

#[test]
fn of_several_meters_each_has_its_number() {
    let (mut bench, mut one, mut other) = (Bench::new(), Reader::new(METER), Reader::new(OTHER));
    bench.frames(&mut one, 20);
    assert_eq!(device(&bench, METER).1, "Linky");
    bench.frames(&mut other, 20);
    bench.frames(&mut one, 20);
    assert_eq!((device(&bench, METER).1, device(&bench, OTHER).1), ("Linky 000001".into(), "Linky 000021".into()));
}

#[test]
fn what_ends_an_entity_is_told_before_the_number_that_would_spoil_it() {
    let (mut bench, mut reader) = (Bench::new(), Reader::new(METER));
    bench.frames(&mut reader, 10);
    reader.drawn = 6_000_000;
    bench.frames(&mut reader, 10);
    let place = |topic: &str, text: &str| {
        let is_it = |order: &Order| matches!(order, Order::Publish(message) if message.topic == topic && message.text().contains(text));
        bench.orders.iter().position(is_it)
    };
    let (over, spoils) = (place(&ledger_topic(), "\"BASE@"), place(&format!("teleinfo/{METER}"), "008815235"));
    assert!(over.is_some() && over < spoils, "{over:?} {spoils:?}");
}

#[test]
fn each_meter_has_its_own_prices_and_those_that_lack_are_told() {
    let wishes = |tariff: &str| {
        let list = format!("[prices.2023-08-01]\nkwh = {{ {tariff} = 0.2 }}\n");
        let prices = prices::checked(Config::parse(&list).unwrap().prices, "prices").unwrap();
        MeterWishes { prices: Some(prices), ..MeterWishes::default() }
    };
    let meters = [(id(METER), wishes("HC")), (id(OTHER), wishes("BASE"))].into();
    let (mut bench, mut lacking, mut priced) = (Bench::wishing(Kept::default(), true, meters), Reader::new(METER), Reader::new(OTHER));
    bench.mqtt("teleinfo/bridge/marker", "7");
    bench.frames(&mut lacking, 5);
    bench.frames(&mut priced, 5);
    bench.pass(SECOND * 60);
    let price = |meter: &str| bench.published(&format!("teleinfo/{meter}/derived")).pop().unwrap()["price"].clone();
    assert_eq!((&price(OTHER)["now"], &price(METER)["now"]), (&serde_json::json!(0.2), &Value::Null));
    let complaint = bench.published("teleinfo/bridge/quality").pop().unwrap()["complaints"]["prices"].clone();
    let text = format!("meter {METER}: no price for BASE: add it to kwh of [meter.\"{METER}\".prices.2023-08-01]");
    assert_eq!(complaint["text"], text);
}
