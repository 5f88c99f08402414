//! A disk that stalls, or cannot be written: the bridge goes on, and says so. What the bridge counts of itself.

use std::{fs, os::unix::net::UnixDatagram, process::Command, time::Duration};

use super::{
    Broker, eventually, free_port,
    observer::Observer,
    program::Program,
    reader::{METER, Reader},
};

fn config(zenoh: u16, broker: &Broker) -> String {
    format!("[zenoh]\nlisten = [\"tcp/127.0.0.1:{zenoh}\"]\nscouting = false\n[mqtt]\nurl = \"{}\"\n", broker.url())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_stalls_stops_neither_samples_nor_the_watchdog() {
    let (broker, port) = (Broker::open().unwrap(), free_port());
    let mut socket = None;
    let mut bridge = Program::prepared(&config(port, &broker), |directory, command| {
        // Who opens a pipe that nobody reads waits for ever, as for a disk that does not answer.
        for name in ["positions.state.new", &format!("{METER}.state.new")] {
            assert!(Command::new("mkfifo").arg(directory.join("state").join(name)).status().unwrap().success());
        }
        let path = directory.join("notify");
        let listener = UnixDatagram::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        socket = Some(listener);
        command.env("NOTIFY_SOCKET", path).env("WATCHDOG_USEC", "200000");
    });
    let socket = socket.unwrap();
    let heard = || {
        let mut buffer = [0; 512];
        std::iter::from_fn(|| socket.recv(&mut buffer).ok().map(|length| String::from_utf8_lossy(&buffer[..length]).into_owned()))
            .collect::<Vec<_>>()
    };
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(port).await;
    reader.make_many(10).await;
    observer.expect_powers(METER, 1..=10).await;
    heard();
    tokio::time::sleep(Duration::from_millis(600)).await;
    let alive = heard().iter().filter(|line| *line == "WATCHDOG=1").count();
    assert!(alive >= 3, "the service manager hears that the main loop turns: {alive}");
    reader.make_many(10).await;
    observer.expect_powers(METER, 1..=20).await;
    let run = bridge.directory.path().join("run/positions.state");
    assert!(fs::read_to_string(run).unwrap().contains(METER), "memory does not wait for the disk");
    bridge.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_error_is_said_after_any_number_of_strange_messages() {
    let (broker, port) = (Broker::open().unwrap(), free_port());
    let bridge = Program::prepared(&config(port, &broker), |_, _| {});
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    fs::remove_dir_all(bridge.directory.path().join("state")).unwrap();
    let mut reader = Reader::new(port).await;
    for number in 0..70_u8 {
        reader.babble(&[2, number]).await;
    }
    reader.make_many(3).await;
    observer.expect_powers(METER, 1..=3).await;
    let line = bridge.says("cannot keep").await;
    assert!(line.starts_with("WARN ") && line.contains("state/"), "{line}");
    assert!(bridge.log().iter().filter(|line| line.contains("WARN")).count() <= 6, "{:#?}", bridge.log());
    bridge.signal("HUP");
    let line = bridge.says("bridge: ").await;
    assert!(line.contains("3 samples published") && line.contains("70 messages refused: not readable"), "{line}");
    bridge.says(&format!("meter {METER}: 3 samples")).await;
    let report = eventually("the bridge on itself", || observer.last("teleinfo/bridge/quality")).await;
    let report: serde_json::Value = serde_json::from_slice(report.as_ref()).unwrap();
    assert_eq!(report["version"], env!("CARGO_PKG_VERSION"));
}
