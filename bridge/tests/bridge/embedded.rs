//! Without a broker: MQTT clients connect to the bridge itself.

use std::{fs, time::Duration};

use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Outgoing, Packet, QoS, SubscribeReasonCode};

use super::{
    eventually, free_port,
    observer::Observer,
    program::Program,
    reader::{METER, Reader},
};

#[tokio::test(flavor = "multi_thread")]
async fn from_sample_to_topic() {
    let mut bridge = Program::embedded();
    bridge.is_up().await;
    let mut reader = Reader::new(bridge.zenoh).await;
    reader.make_many(3).await;

    // Nothing is retained, yet whoever subscribes is told.
    let observer = Observer::new(bridge.mqtt).await;
    observer.expect("teleinfo/bridge/state", "online").await;
    observer.expect(&format!("teleinfo/{METER}/availability"), "online").await;
    let discovery = format!("homeassistant/device/teleinfo_{METER}/config");
    eventually("discovery", || observer.last(&discovery)).await;
    eventually("the last state", || observer.powers(METER).last().copied().filter(|power| *power == 3)).await;
    reader.make_many(3).await;
    eventually("live states", || observer.powers(METER).ends_with(&[4, 5, 6]).then_some(())).await;

    // What travels between reader and bridge is nobody's business.
    let ours = |topic: &str| topic.starts_with("teleinfo/") || topic.starts_with("homeassistant/");
    assert!(observer.notes().iter().all(|note| ours(&note.topic)), "{:?}", observer.notes());

    bridge.stop().await;
    assert_eq!(observer.last("teleinfo/bridge/state").as_deref(), Some("offline"));
    assert_eq!(observer.last(&format!("teleinfo/{METER}/availability")).as_deref(), Some("offline"));
    bridge.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn home_assistant_that_starts_is_told_again() {
    let bridge = Program::embedded();
    bridge.is_up().await;
    let mut reader = Reader::new(bridge.zenoh).await;
    reader.make_many(3).await;
    let observer = Observer::new(bridge.mqtt).await;
    let discovery = format!("homeassistant/device/teleinfo_{METER}/config");
    eventually("discovery", || observer.last(&discovery)).await;
    let presence = ["teleinfo/bridge/state".to_owned(), format!("teleinfo/{METER}/availability")];
    let heard = |topic: &String| observer.on(topic).len();
    let (before, present) = (heard(&discovery), presence.each_ref().map(heard));
    observer.publish("homeassistant/status", false, "online");
    bridge.says("Home Assistant has started").await;
    // At once, though the observer subscribed long ago.
    eventually("presence again", || presence.iter().map(heard).zip(present).all(|(now, then)| now > then).then_some(())).await;
    eventually("discovery again", || (heard(&discovery) > before).then_some(())).await;
}

/// The table in docs/embedded-broker.md: what is not there today. Where one of these fails, the plugin has learnt something.
#[tokio::test(flavor = "multi_thread")]
async fn what_it_cannot_do() {
    let bridge = Program::embedded();
    bridge.is_up().await;
    let observer = Observer::new(bridge.mqtt).await;

    let (client, mut connection) = client(bridge.mqtt, "subscriber", None);
    client.subscribe("some/topic", QoS::ExactlyOnce).await.unwrap();
    client.subscribe("$SYS/#", QoS::AtMostOnce).await.unwrap();
    let granted = [granted(&mut connection).await, granted(&mut connection).await];
    assert_eq!(granted, [SubscribeReasonCode::Success(QoS::AtMostOnce), SubscribeReasonCode::Failure]);

    client.publish("some/topic", QoS::ExactlyOnce, false, "twice sure").await.unwrap();
    assert!(ends(&mut connection).await, "QoS 2 is taken");

    let will = LastWill::new("some/will", "gone", QoS::AtMostOnce, false);
    let (mourned, mut connection) = self::client(bridge.mqtt, "mourned", Some(will));
    mourned.publish("some/sign", QoS::AtLeastOnce, true, "alive").await.unwrap();
    while !matches!(connection.poll().await.unwrap(), Event::Incoming(Packet::PubAck(_))) {}
    drop((mourned, connection));
    observer.expect("some/sign", "alive").await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(observer.last("some/will"), None, "a will was sent");
    assert_eq!(Observer::new(bridge.mqtt).await.last("some/sign"), None, "something was retained");
}

fn client(port: u16, id: &str, will: Option<LastWill>) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(id, "127.0.0.1", port);
    if let Some(will) = will {
        options.set_last_will(will);
    }
    AsyncClient::new(options, 4)
}

async fn granted(connection: &mut EventLoop) -> SubscribeReasonCode {
    loop {
        if let Event::Incoming(Packet::SubAck(answer)) = connection.poll().await.unwrap() {
            return answer.return_codes[0];
        }
    }
}

/// Whether the bridge closes the connection, instead of answering.
async fn ends(connection: &mut EventLoop) -> bool {
    let end = async {
        loop {
            match connection.poll().await {
                Ok(Event::Incoming(Packet::PubRec(_))) => return false,
                Ok(_) => {}
                Err(ConnectionError::MqttState(_) | ConnectionError::Io(_)) => return true,
                Err(other) => panic!("{other}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), end).await.unwrap_or(false)
}

/// Between clients and the plugin is what has the bounds; what it holds back is told to whoever looks after the bridge.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_ends_its_client_alone() {
    let bridge = Program::embedded();
    bridge.is_up().await;
    let observer = Observer::new(bridge.mqtt).await;
    let named = |id: &str| {
        let mut options = MqttOptions::new(id, "127.0.0.1", bridge.mqtt);
        options.set_max_packet_size(1 << 20, 1 << 20);
        AsyncClient::new(options, 4)
    };
    let (sender, mut connection) = named("sender");
    sender.publish("some/topic", QoS::AtMostOnce, false, vec![0; 8_000]).await.unwrap();
    while !matches!(connection.poll().await.unwrap(), Event::Outgoing(Outgoing::Publish(_))) {}
    eventually("a message", || (!observer.on("some/topic").is_empty()).then_some(())).await;

    let (greedy, mut connection) = named("greedy");
    greedy.publish("some/topic", QoS::AtMostOnce, false, vec![0; 200_000]).await.unwrap();
    assert!(ends(&mut connection).await);
    let line = bridge.says("the MQTT client at 127.0.0.1 sends a message of 2000").await;
    assert!(line.starts_with("WARN "), "{line}");
    assert_eq!(observer.on("some/topic").len(), 1);
    observer.expect("teleinfo/bridge/state", "online").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_asked_for_their_password() {
    let users = tempfile::NamedTempFile::new().unwrap();
    fs::write(users.path(), "ha:right\n").unwrap();
    let port = free_port();
    let config = format!("[mqtt]\nlisten = \"127.0.0.1:{port}\"\nusers-file = \"{}\"\n", users.path().display());
    let bridge = Program::configured(free_port(), &config);
    bridge.is_up().await;
    let mut options = MqttOptions::new("intruder", "127.0.0.1", port);
    options.set_credentials("ha", "wrong");
    let (_client, mut connection) = AsyncClient::new(options, 4);
    let refused = connection.poll().await.unwrap_err();
    assert!(matches!(refused, rumqttc::ConnectionError::ConnectionRefused(_)), "{refused:?}");
    let observer = Observer::of(port, "#", Some(("ha", "right"))).await;
    observer.expect("teleinfo/bridge/state", "online").await;
    bridge.assert_clean();
}
