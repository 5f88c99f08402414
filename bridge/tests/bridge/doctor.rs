//! `doctor` beside a running bridge, a stopped one and none, with a real broker and without.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use teleinfo_proto::wire::{Cause, LineState};

use super::{
    Broker, eventually,
    observer::Observer,
    program::Program,
    reader::{METER, Reader},
};

/// What the doctor says, and its exit code.
fn ask(directory: &Path, arguments: &[&str]) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_teleinfo-bridge"));
    command.arg("doctor").arg("--config").arg(directory.join("bridge.toml")).args(arguments);
    let Output { status, stdout, stderr } = command.env_remove("JOURNAL_STREAM").output().unwrap();
    let text = String::from_utf8(stdout).unwrap();
    println!("--- {arguments:?}\n{text}{}", String::from_utf8_lossy(&stderr));
    assert!(stderr.is_empty());
    (text, status.code().unwrap())
}

fn expect(text: &str, lines: &[&str]) {
    for line in lines {
        assert!(text.lines().any(|said| said.starts_with(line)), "{line:?} is missing:\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_broker() {
    let broker = Broker::open().unwrap();
    let mut bridge = Program::external(&broker.url());
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    let (text, code) = ask(bridge.directory.path(), &[]);
    expect(&text, &["ok broker", "ok bridge: runs", "-- home assistant", "!! readers: no meter", "Verdict: one fault (!!): readers"]);
    assert_eq!(code, 69);

    let mut reader = Reader::new(bridge.zenoh).await;
    reader.make_many(3).await;
    reader.report(LineState::Reading, Cause::None).await;
    eventually("quality", || observer.last(&format!("teleinfo/{METER}/quality")).filter(|text| text.contains("9.9.9"))).await;
    observer.publish("homeassistant/status", true, "online");
    observer.expect("homeassistant/status", "online").await;
    let (text, code) = ask(bridge.directory.path(), &[]);
    let meter = format!("ok meter: {METER} is being read, by the reader on");
    let discovery = format!("ok discovery: {METER} is announced to Home Assistant, and the broker keeps it");
    expect(&text, &["ok broker", "ok bridge: runs", "ok home assistant", &meter, &discovery, "Verdict: all good"]);
    assert_eq!(code, 0, "{text}");
    bridge.assert_clean();

    reader.report(LineState::Silent, Cause::NoSignal).await;
    reader.leave().await;
    observer.expect(&format!("teleinfo/{METER}/availability"), "offline").await;
    let (text, code) = ask(bridge.directory.path(), &[]);
    let silent = format!("!! meter: {METER} is not being read, by the reader on cellar: not a byte from the meter");
    expect(&text, &["ok bridge: runs", &silent, "     $ teleinfo-reader doctor", "Verdict: one fault (!!): meter"]);
    assert_eq!(code, 69);

    bridge.stop().await;
    let (text, code) = ask(bridge.directory.path(), &[]);
    expect(&text, &["!! bridge: has left", &format!("-- meter: {METER}"), &discovery, "Verdict: one fault"]);
    assert_eq!(code, 69);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_broker() {
    let mut bridge = Program::embedded();
    bridge.is_up().await;
    let mut reader = Reader::new(bridge.zenoh).await;
    reader.make_many(3).await;
    let (text, code) = ask(bridge.directory.path(), &[]);
    expect(&text, &["ok broker", "ok bridge: runs", &format!("ok meter: {METER}"), &format!("ok discovery: {METER}")]);
    assert_eq!(code, 0, "{text}");
    bridge.stop().await;
    let (text, code) = ask(bridge.directory.path(), &[]);
    expect(&text, &["!! broker: no MQTT broker listens", "     $ systemctl status teleinfo-bridge"]);
    assert_eq!(code, 69);
}

#[test]
fn the_password_is_tried() {
    let broker = Broker::with_user("me", "right").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let password = directory.path().join("password");
    fs::write(directory.path().join("bridge.toml"), format!("[mqtt]\nurl = \"{}\"\n", broker.url())).unwrap();
    let (text, _) = ask(directory.path(), &[]);
    expect(&text, &["!! broker: the MQTT broker at 127.0.0.1"]);
    assert!(text.contains("wants a user"), "{text}");
    let config = format!("[mqtt]\nurl = \"{}\"\nuser = \"me\"\npassword-file = {password:?}\n", broker.url());
    fs::write(directory.path().join("bridge.toml"), config).unwrap();
    for (word, expected) in [("wrong", "!! broker: the MQTT broker at 127.0.0.1"), ("right", "ok broker: 127.0.0.1")] {
        fs::write(&password, word).unwrap();
        let (text, code) = ask(directory.path(), &[]);
        expect(&text, &[expected]);
        assert_eq!(code, 69, "no bridge has been there");
    }
    let (text, _) = ask(directory.path(), &["--mqtt", "mqtt://127.0.0.1:1"]);
    expect(&text, &["!! broker: no MQTT broker listens at 127.0.0.1:1"]);
}
