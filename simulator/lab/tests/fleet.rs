//! A fleet at a real bridge, and at none. Needs `cargo build --workspace` before.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;
use teleinfo_simulator::chain::broker::Broker;
use teleinfo_simulator::chain::process::free_port;
use teleinfo_simulator::chain::programs::{self, Mqtt};
use teleinfo_simulator::chain::watch::Watch;

const LAB: &str = env!("CARGO_BIN_EXE_teleinfo-lab");

#[test]
fn a_fleet_without_a_bridge_says_so() {
    let nowhere = format!("tcp/127.0.0.1:{}", free_port().unwrap());
    let output = Command::new(LAB).args(["fleet", "--connect", &nowhere, "--meters", "2", "--seconds", "1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(69));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no sample was sent"));
}

#[test]
fn a_fleet_is_seen_by_the_bridge() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::open().unwrap();
    let bridge = programs::bridge(dir.path(), Mqtt::Broker(broker.port), free_port().unwrap()).unwrap();
    let watch = Watch::start(broker.port, &["teleinfo/+"]).unwrap();
    let output = Command::new(LAB)
        .args(["fleet", "--connect", &bridge.locator, "--meters", "20", "--rate", "5", "--seconds", "15"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("20 of 20 connected"), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let mut states: BTreeMap<String, usize> = BTreeMap::new();
    while let Some(message) = watch.next(Duration::from_secs(3)) {
        let state: Value = serde_json::from_str(&message.payload).unwrap();
        assert!(state.as_object().unwrap().len() >= 9, "{state}");
        *states.entry(message.topic).or_default() += 1;
    }
    for meter in 0..20 {
        let count = states.get(&format!("teleinfo/9099{meter:08}")).copied().unwrap_or_default();
        assert!(count >= 20, "meter {meter}: {count} states");
    }
}

/// The numbers of these columns, of a fleet behind routers.
fn numbers<const N: usize>(args: &[&str], columns: [&str; N]) -> [u64; N] {
    let output = Command::new(LAB).args(["fleet", "--meters", "8", "--routers", "2", "--seconds", "3"]).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with('|')).map(cells).collect();
    let [head, _, row] = &rows[..] else { panic!("{text}{}", String::from_utf8_lossy(&output.stderr)) };
    columns.map(|column| row[head.iter().position(|name| name == column).unwrap()].parse().unwrap())
}

#[test]
fn a_fleet_behind_routers_of_buildings_is_published_whole_and_drawn() {
    let (dir, columns) = (tempfile::tempdir().unwrap(), ["meters", "connected", "lost", "sent", "published"]);
    let plot = dir.path().join("fleet.svg");
    let [meters, connected, lost, sent, published] = numbers(&["--plot", plot.to_str().unwrap()], columns);
    assert_eq!((meters, connected, lost), (8, 8, 0));
    assert!(sent >= 24 && published == sent, "{published} of {sent}");
    assert!(std::fs::read_to_string(plot).unwrap().ends_with("</svg>\n"));
}

#[test]
fn a_group_of_bridges_behind_them_publishes_each_sample_once() {
    let [connected, sent, published] = numbers(&["--bridges", "2"], ["connected", "sent", "published"]);
    // A sample of each meter may be under way at the end.
    assert!(connected == 8 && published + 8 >= sent && published <= sent, "{published} of {sent}");
}
