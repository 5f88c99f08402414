//! What a broker refuses: a message never costs the others, and the log, the bridge's report and `doctor` say which it was.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{
    Broker, eventually,
    observer::Observer,
    program::Program,
    reader::{METER, Reader},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_large_for_the_broker_costs_no_other() {
    let broker = Broker::with_limits("max_packet_size 5000", "").unwrap();
    let bridge = Program::external(&broker.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(bridge.zenoh).await;
    reader.make_many(3).await;
    let topic = format!("homeassistant/device/teleinfo_{METER}/config");
    let line = bridge.says("broke two connections").await;
    assert!(line.starts_with("WARN ") && line.contains(&topic) && line.contains("max_packet_size"), "{line}");
    reader.make_many(3).await;
    observer.expect_each_power(METER, 1..=6).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    reader.make(true).await;
    observer.expect_each_power(METER, 1..=7).await;
    assert_eq!(observer.last(&topic), None);
    let broken = bridge.log().iter().filter(|line| line.contains("closed the connection")).count();
    assert!(broken <= 3, "the connection stands: {:#?}", bridge.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_access_list_refuses_is_said() {
    let broker = Broker::with_limits("", "topic readwrite teleinfo/#\ntopic read homeassistant/#\n").unwrap();
    let bridge = Program::external(&broker.url());
    let said = "would publish on homeassistant/device/teleinfo_bridge";
    let line = bridge.says(said).await;
    assert!(line.starts_with("WARN ") && line.contains("the broker's access list refuses"), "{line}");
    let observer = Observer::new(broker.port).await;
    // The report on the bridge itself has it too, and so has `doctor`.
    eventually("complaint", || observer.last("teleinfo/bridge/quality").filter(|quality| quality.contains(said))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_takes_but_never_acknowledges_is_told_from_a_good_one() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("mqtt://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            tokio::spawn(never_acknowledge(connection));
        }
    });
    let bridge = Program::external(&url);
    let line = bridge.says("has acknowledged none for 20 s").await;
    assert!(line.starts_with("WARN "), "{line}");
}

/// Answers a CONNECT, and each PINGREQ, and nothing else.
pub async fn never_acknowledge(mut connection: TcpStream) {
    let mut header = [0; 1];
    while connection.read_exact(&mut header).await.is_ok() {
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let byte = connection.read_u8().await.unwrap();
            length |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut rest = vec![0; length];
        connection.read_exact(&mut rest).await.unwrap();
        match header[0] >> 4 {
            1 => connection.write_all(&[0x20, 2, 0, 0]).await.unwrap(),
            12 => connection.write_all(&[0xD0, 0]).await.unwrap(),
            _ => {}
        }
    }
}
