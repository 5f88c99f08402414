//! `forget` beside a real broker: what was kept of a meter is gone, and of another one it is not. A broker that is away, refuses or is
//! stuck costs some seconds, and the command that is said then does what `forget` could not.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output},
    time::{Duration, Instant},
};

use tokio::net::TcpListener;

use teleinfo_bridge::archive::file::File;
use teleinfo_proto::tic::MeterId;

use super::{
    Broker, eventually,
    observer::Observer,
    program::Program,
    reader::{METER, Reader},
    refusals::never_acknowledge,
};

const OTHER: &str = "021861000099";

/// What it says, and its exit code.
fn forget(directory: &Path, what: &str) -> (String, i32) {
    forget_with(directory, &[what])
}

fn forget_with(directory: &Path, words: &[&str]) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_teleinfo-bridge"));
    command.arg("forget").args(words).args(["--language", "fr", "--config"]).arg(directory.join("bridge.toml"));
    let command = command.env("STATE_DIRECTORY", directory).env_remove("JOURNAL_STREAM");
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = [stdout, stderr].map(|said| String::from_utf8(said).unwrap()).concat();
    println!("--- {words:?}\n{text}");
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

/// What a bridge leaves that was removed: its configuration, and what it knew of a meter.
fn left_behind(url: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("bridge.toml"), format!("[mqtt]\nurl = \"{url}\"\n")).unwrap();
    fs::write(directory.path().join(format!("{METER}.ledger")), "x").unwrap();
    directory
}

const OF_OTHERS: [&str; 3] = ["homeassistant/device/teleinfo_/config", "homeassistant/device/zigbee/config", "teleinfo2/of/others"];

/// What the broker keeps of that bridge, and of other programs.
async fn retain(observer: &Observer) {
    let ours = ["device/teleinfo_bridge_teleinfo/config".to_owned(), format!("device/teleinfo_{METER}/config")]
        .map(|topic| format!("homeassistant/{topic}"));
    let ours =
        ours.into_iter().chain(["bridge/state", "bridge/quality", &format!("{METER}/ledger")].map(|topic| format!("teleinfo/{topic}")));
    for topic in ours.chain(OF_OTHERS.map(str::to_owned)) {
        observer.publish(&topic, true, "online");
        observer.expect(&topic, "online").await;
    }
}

/// The command that is said, done as an owner does it.
fn do_by_hand(text: &str) {
    let command = &text[text.find("mosquitto_sub").expect(text)..];
    let command = command.lines().next().unwrap();
    let done = Command::new("sh").args(["-c", command]).output().unwrap();
    println!("--- {command}\n{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_told_later_by_the_command_that_is_said() {
    let mut broker = Broker::open().unwrap();
    broker.stop();
    let directory = left_behind(&broker.url());
    let began = Instant::now();
    let (text, code) = forget(directory.path(), "all");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(code == 69 && text.contains("aucun broker MQTT n'écoute") && text.contains("Home Assistant le montre"), "{text}");
    assert!(directory.path().join(format!("{METER}.ledger")).exists(), "what names the meters stays until they are gone");
    broker.resume().unwrap();
    retain(&Observer::new(broker.port).await).await;
    do_by_hand(&text);
    let mut left = kept(&broker).await;
    left.sort();
    assert_eq!(left, OF_OTHERS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_refuses_or_is_stuck_costs_some_seconds() {
    let broker = Broker::with_user("teleinfo", "right").unwrap();
    let (stuck, silent) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let url = |listener: &TcpListener| format!("mqtt://{}", listener.local_addr().unwrap());
    let cases = [
        (broker.url(), "veut un utilisateur et un mot de passe", 3),
        (url(&stuck), "accepte la connexion, puis ne dit rien", 9),
        (url(&silent), "ne répond pas", 9),
    ];
    tokio::spawn(async move {
        while let Ok((connection, _)) = stuck.accept().await {
            tokio::spawn(never_acknowledge(connection));
        }
    });
    for (url, said, seconds) in cases {
        let (directory, began) = (left_behind(&url), Instant::now());
        let (text, code) = forget(directory.path(), "all");
        assert!(began.elapsed() < Duration::from_secs(seconds), "{said}: {:?}", began.elapsed());
        assert!(code == 69 && text.contains(said) && text.contains("mosquitto_sub -h 127.0.0.1"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_lets_nothing_be_forgotten_is_not_believed() {
    let access = "topic read #\ntopic readwrite teleinfo/bridge/doctor\nuser owner\ntopic readwrite #\n";
    let broker = Broker::with_limits("", access).unwrap();
    retain(&Observer::of(broker.port, "#", Some(("owner", ""))).await).await;
    let (text, code) = forget_with(left_behind(&broker.url()).path(), &["all", "--stopped"]);
    assert!(code == 69 && text.contains("garde 5 topics qu'il devait oublier") && text.contains("mosquitto_sub"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_missed_the_end_of_the_bridge_can_be_told() {
    let broker = Broker::open().unwrap();
    retain(&Observer::new(broker.port).await).await;
    let directory = left_behind(&broker.url());
    let (text, code) = forget(directory.path(), "all");
    assert!(code == 69 && text.contains("avec --stopped") && !text.contains("mosquitto_sub"), "{text}");
    assert_eq!(forget_with(directory.path(), &["all", "--stopped"]).1, 0);
    let mut left = kept(&broker).await;
    left.sort();
    assert_eq!(left, OF_OTHERS);
}
