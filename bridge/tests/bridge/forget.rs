//! `forget` beside a real broker: what was kept of a meter is gone, and of another one it is not.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use teleinfo_bridge::archive::file::File;
use teleinfo_proto::tic::MeterId;

use super::{
    Broker, eventually,
    observer::Observer,
    program::Program,
    reader::{METER, Reader},
};

const OTHER: &str = "021861000099";

/// What it says, and its exit code.
fn forget(directory: &Path, what: &str) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_teleinfo-bridge"));
    command.args(["forget", what, "--language", "fr", "--config"]).arg(directory.join("bridge.toml"));
    let command = command.env("STATE_DIRECTORY", directory).env_remove("JOURNAL_STREAM");
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = [stdout, stderr].map(|said| String::from_utf8(said).unwrap()).concat();
    println!("--- {what}\n{text}");
    (text, status.code().unwrap())
}

/// The memory of the page has an hour of both.
fn remember(directory: &Path) {
    let (file, _) = File::open(&directory.join("archive.redb")).unwrap();
    let rows = |meter: &str| ((meter.parse().unwrap(), "BASE".to_owned()), BTreeMap::from([(29_000_160, 7)]));
    file.commit(&[METER, OTHER].map(rows).into()).unwrap();
}

fn remembered(directory: &Path) -> Vec<MeterId> {
    let (file, _) = File::open(&directory.join("archive.redb")).unwrap();
    file.newest().unwrap().into_keys().map(|(meter, _)| meter).collect()
}

/// The topics that a new client finds.
async fn kept(broker: &Broker) -> Vec<String> {
    let late = Observer::new(broker.port).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    late.notes().into_iter().filter(|note| note.retained).map(|note| note.topic).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_meter_and_then_everything() {
    let broker = Broker::open().unwrap();
    let mut bridge = Program::external(&broker.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    for meter in [METER, OTHER] {
        let mut reader = Reader::with(bridge.zenoh, meter, None).await.unwrap();
        reader.make_many(3).await;
        eventually("ledger", || observer.last(&format!("teleinfo/{meter}/ledger"))).await;
        eventually("discovery", || observer.last(&format!("homeassistant/device/teleinfo_{meter}/config"))).await;
    }
    let directory = bridge.directory.path().to_owned();
    let (text, code) = forget(&directory, METER);
    assert!(code == 69 && text.contains("la passerelle tourne") && text.contains("systemctl stop teleinfo-bridge"), "{text}");
    bridge.stop().await;
    for file in [METER, OTHER] {
        fs::write(directory.join(format!("{file}.ledger")), "x").unwrap();
    }
    remember(&directory);
    observer.publish("teleinfo/of/others", true, "x");
    observer.expect("teleinfo/of/others", "x").await;

    let (text, code) = forget(&directory, METER);
    assert!(code == 0 && text.contains("topics retenus ont disparu de") && text.contains("fichiers ont disparu de"), "{text}");
    let left = kept(&broker).await;
    assert!(left.iter().all(|topic| !topic.contains(METER)), "{left:?}");
    assert!(left.iter().filter(|topic| topic.contains(OTHER)).count() >= 3, "{left:?}");
    assert!(!directory.join(format!("{METER}.ledger")).exists() && directory.join(format!("{OTHER}.ledger")).exists());

    assert_eq!(remembered(&directory), [OTHER.parse().unwrap()], "the page shows nothing of it any more");

    assert_eq!(forget(&directory, "all").1, 0);
    assert!(!directory.join("archive.redb").exists());
    assert_eq!(kept(&broker).await, ["teleinfo/of/others"]);
    assert_eq!(forget(&directory, "linky").1, 64);
}
