//! With a broker: what is retained, what is not, the last will, passwords.

use std::{fs, time::Duration};

use serde_json::Value;
use teleinfo_proto::wire::{Cause, LineState};

use super::{
    Broker, eventually,
    observer::Observer,
    program::Program,
    reader::{METER, Reader},
};

#[tokio::test(flavor = "multi_thread")]
async fn from_sample_to_topic() {
    let broker = Broker::open().unwrap();
    let mut bridge = Program::external(&broker.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(bridge.zenoh).await;
    reader.make_many(3).await;
    observer.expect_powers(METER, 1..=3).await;
    let state: Value = serde_json::from_str(&observer.last(&format!("teleinfo/{METER}")).unwrap()).unwrap();
    assert_eq!(state["PAPP"]["raw"], "00003");
    assert_eq!(state["ADCO"]["value"], 12_345_678_912_u64);
    assert_eq!(state["PTEC"]["value"], "TH");
    assert!(observer.notes().iter().filter(|note| note.topic == format!("teleinfo/{METER}")).all(|note| !note.retained));

    // Whoever comes late finds what is retained.
    reader.report(LineState::Reading, Cause::Noise).await;
    let discovery = format!("homeassistant/device/teleinfo_{METER}/config");
    eventually("discovery", || observer.last(&discovery)).await;
    eventually("quality", || observer.last(&format!("teleinfo/{METER}/quality")).filter(|text| text.contains("9.9.9"))).await;
    let late = Observer::new(broker.port).await;
    late.expect("teleinfo/bridge/state", "online").await;
    late.expect(&format!("teleinfo/{METER}/availability"), "online").await;
    eventually("retained discovery", || late.last(&discovery)).await;
    assert!(late.notes().iter().all(|note| note.retained), "{:?}", late.notes());

    bridge.stop().await;
    observer.expect("teleinfo/bridge/state", "offline").await;
    observer.expect(&format!("teleinfo/{METER}/availability"), "offline").await;
    let later = Observer::new(broker.port).await;
    later.expect("teleinfo/bridge/state", "offline").await;
    bridge.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_that_is_killed_leaves_its_will() {
    let broker = Broker::open().unwrap();
    let bridge = Program::external(&broker.url());
    let observer = Observer::new(broker.port).await;
    observer.expect("teleinfo/bridge/state", "online").await;
    bridge.signal("KILL");
    observer.expect("teleinfo/bridge/state", "offline").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_said_once() {
    let broker = Broker::with_user("teleinfo", "right").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("password");
    fs::write(&file, "wrong\n").unwrap();
    let config =
        |user: &str| format!("[mqtt]\nurl = \"mqtt://{user}@127.0.0.1:{}\"\npassword-file = \"{}\"\n", broker.port, file.display());
    let bridge = Program::configured(super::free_port(), &config("teleinfo"));
    let line = bridge.says("refuses user teleinfo").await;
    assert!(line.starts_with("WARN ") && line.contains("mqtt.password-file"), "{line}");
    tokio::time::sleep(Duration::from_secs(4)).await;
    let said = bridge.log().iter().filter(|line| line.contains("refuses")).count();
    assert_eq!(said, 1, "{:#?}", bridge.log());
    drop(bridge);

    fs::write(&file, "right\n").unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let bridge = Program::configured(super::free_port(), &config("teleinfo"));
    let observer = Observer::of(broker.port, "#", Some(("teleinfo", "right"))).await;
    observer.expect("teleinfo/bridge/state", "online").await;
    bridge.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_is_checked() {
    let broker = Broker::with_tls("localhost").unwrap();
    let config = |host: &str, authority: &str| format!("[mqtt]\nurl = \"mqtts://{host}:{}\"\nca-file = \"{authority}\"\n", broker.port);
    let authority = broker.authority().display().to_string();
    let mut bridge = Program::configured(super::free_port(), &config("localhost", &authority));
    bridge.says("connected to the MQTT broker").await;
    bridge.stop().await;
    bridge.assert_clean();

    // Another authority, and a name that the certificate does not have.
    let other = Broker::with_tls("localhost").unwrap();
    let stranger = other.authority().display().to_string();
    for (host, authority, key) in [("localhost", &stranger, "mqtt.ca-file"), ("127.0.0.1", &authority, "mqtt.url")] {
        let bridge = Program::configured(super::free_port(), &config(host, authority));
        let line = bridge.says("no TLS with the MQTT broker").await;
        assert!(line.starts_with("WARN ") && line.contains("certificate") && line.contains(key), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker_the_bridge_waits() {
    let mut broker = Broker::open().unwrap();
    broker.stop();
    let mut bridge = Program::external(&broker.url());
    let line = bridge.says("no MQTT broker listens").await;
    assert!(line.starts_with("WARN ") && line.contains(&broker.port.to_string()), "{line}");
    broker.resume().unwrap();
    let observer = Observer::new(broker.port).await;
    observer.expect("teleinfo/bridge/state", "online").await;
    bridge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goodbye_is_offline_at_once_a_lost_token_is_not() {
    let broker = Broker::open().unwrap();
    let bridge = Program::external(&broker.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(bridge.zenoh).await;
    let topic = format!("teleinfo/{METER}/availability");
    reader.make(true).await;
    observer.expect(&topic, "online").await;
    reader.vanish().await;
    reader.appear().await;
    reader.make(true).await;
    observer.expect_powers(METER, 1..=2).await;
    assert_eq!(observer.on(&topic), ["online"]);
    // Long before offline-after has passed.
    reader.leave().await;
    observer.expect(&topic, "offline").await;
    reader.appear().await;
    // As a meter does, which sends each second: one sample may overtake the news that its reader is there.
    for _ in 0..20 {
        reader.make(true).await;
        if observer.last(&topic).as_deref() == Some("online") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    observer.expect(&topic, "online").await;
    bridge.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_starts_on_a_dead_line_is_known_by_its_name() {
    let broker = Broker::open().unwrap();
    let bridge = Program::external(&broker.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(bridge.zenoh).await;
    let line = || {
        let report: Value = serde_json::from_str(&observer.last(&format!("teleinfo/{METER}/quality"))?).ok()?;
        Some((report["line"].as_str()?.to_owned(), report["cause"].as_str()?.to_owned()))
    };
    reader.make(true).await;
    reader.report(LineState::Reading, Cause::None).await;
    observer.expect(&format!("teleinfo/{METER}/availability"), "online").await;
    reader.leave().await;
    observer.expect(&format!("teleinfo/{METER}/availability"), "offline").await;
    reader.report_of_a_start(LineState::Silent, Cause::NoSignal).await;
    eventually("its words", || line().filter(|line| *line == ("silent".into(), "no-signal".into()))).await;
    bridge.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_lost_is_offline_in_the_end() {
    let broker = Broker::open().unwrap();
    let observer = Observer::new(broker.port).await;
    let config = format!("[mqtt]\nurl = \"{}\"\n[homeassistant]\noffline-after = 5\n", broker.url());
    let bridge = Program::configured(super::free_port(), &config);
    bridge.is_up().await;
    let mut reader = Reader::new(bridge.zenoh).await;
    let topic = format!("teleinfo/{METER}/availability");
    reader.make(true).await;
    observer.expect(&topic, "online").await;
    drop(reader);
    observer.expect(&topic, "offline").await;
    bridge.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_earlier_run_left_online_is_corrected() {
    let broker = Broker::open().unwrap();
    let observer = Observer::new(broker.port).await;
    let topic = format!("teleinfo/{METER}/availability");
    observer.publish(&topic, true, "online");
    observer.expect(&topic, "online").await;
    let config = format!("[mqtt]\nurl = \"{}\"\n[homeassistant]\noffline-after = 5\n", broker.url());
    let _bridge = Program::configured(super::free_port(), &config);
    observer.expect(&topic, "offline").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_will_that_comes_late_is_answered() {
    let broker = Broker::open().unwrap();
    let _bridge = Program::external(&broker.url());
    let observer = Observer::new(broker.port).await;
    observer.expect("teleinfo/bridge/state", "online").await;
    observer.publish("teleinfo/bridge/state", true, "offline");
    eventually("online again", || {
        let said = observer.on("teleinfo/bridge/state");
        (said.iter().any(|text| text == "offline") && said.last().unwrap() == "online").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_bytes_are_said_once_and_do_no_harm() {
    let broker = Broker::open().unwrap();
    let bridge = Program::external(&broker.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(bridge.zenoh).await;
    for _ in 0..5 {
        reader.babble(&[2, 1, 2, 3]).await;
    }
    reader.make(true).await;
    observer.expect_powers(METER, [1]).await;
    let line = bridge.says("cannot be read").await;
    assert!(line.starts_with("WARN "), "{line}");
    assert_eq!(bridge.log().iter().filter(|line| line.starts_with("WARN ")).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_of_another_version_is_told_to_be_one() {
    let broker = Broker::open().unwrap();
    let bridge = Program::external(&broker.url());
    bridge.is_up().await;
    let reader = Reader::new(bridge.zenoh).await;
    reader.babble(&[3, 4, 1, 2]).await;
    let line = bridge.says("speaks version 3").await;
    assert!(line.starts_with("WARN ") && line.ends_with("this bridge version 2: update this bridge"), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goodbye_that_is_not_the_readers_own_is_not_believed() {
    let broker = Broker::open().unwrap();
    let bridge = Program::external(&broker.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(bridge.zenoh).await;
    let topic = format!("teleinfo/{METER}/availability");
    reader.make(true).await;
    observer.expect(&topic, "online").await;
    reader.is_slandered().await;
    bridge.says("another meter or reader than its key").await;
    reader.make(true).await;
    observer.expect_powers(METER, 1..=2).await;
    assert_eq!(observer.on(&topic), ["online"]);
}

/// Whoever looks at a meter that is away sees what was last known, once: nothing of it comes again as if it were new.
#[tokio::test(flavor = "multi_thread")]
async fn a_meter_that_is_away_says_nothing_more() {
    let broker = Broker::open().unwrap();
    let bridge = Program::external(&broker.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(bridge.zenoh).await;
    reader.make_many(3).await;
    observer.expect_powers(METER, 1..=3).await;
    reader.leave().await;
    observer.expect(&format!("teleinfo/{METER}/availability"), "offline").await;
    let topics = ["", "/derived", "/power", "/event", "/history"].map(|end| format!("teleinfo/{METER}{end}"));
    let count = || topics.clone().map(|topic| observer.on(&topic).len());
    let before = count();
    tokio::time::sleep(std::time::Duration::from_secs(9)).await;
    assert_eq!(count(), before, "{topics:?}: {:#?}", observer.on(&topics[1]));
}

/// Two bridges under one name throw each other out of the broker for ever. The log says what it is, and the key.
#[tokio::test(flavor = "multi_thread")]
async fn two_bridges_of_one_name_are_told_what_it_is() {
    let broker = Broker::open().unwrap();
    let bridges = [Program::external(&broker.url()), Program::external(&broker.url())];
    for bridge in &bridges {
        bridge.says("mqtt.client-id").await;
    }
    tokio::time::sleep(std::time::Duration::from_secs(10)).await;
    for bridge in &bridges {
        let lines = bridge.log().len();
        assert!(lines < 12, "{:#?}", bridge.log());
    }
}
