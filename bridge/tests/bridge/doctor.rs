//! `doctor` beside a running bridge, a stopped one and none, with a real broker and without.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
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

/// Columns where standard output is no terminal: those of a telephone.
const TELEPHONE: usize = 46;

/// What the doctor says in English, each sentence on one line, and its exit code.
fn ask(directory: &Path, arguments: &[&str]) -> (String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_teleinfo-bridge"));
    command.args(["doctor", "--language", "en"]).arg("--config").arg(directory.join("bridge.toml")).args(arguments);
    let Output { status, stdout, stderr } = command.env_remove("JOURNAL_STREAM").output().unwrap();
    let text = String::from_utf8(stdout).unwrap();
    println!("--- {arguments:?}\n{text}{}", String::from_utf8_lossy(&stderr));
    assert!(stderr.is_empty());
    assert_fits(&text, TELEPHONE);
    (unfolded(&text), status.code().unwrap())
}

/// What the doctor shows on a terminal of so many columns, without the colours of its signs.
fn show(directory: &Path, language: &str, columns: usize) -> String {
    let program = env!("CARGO_BIN_EXE_teleinfo-bridge");
    let config = directory.join("bridge.toml");
    let typed = format!("stty cols {columns}; exec env LC_ALL={language} {program} doctor --config {}", config.display());
    let output = Command::new("script").args(["-qec", &typed, "/dev/null"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap().replace('\r', "").replace("\x1b[m", "");
    let text = [32, 33, 31, 90].iter().fold(text, |text, colour| text.replace(&format!("\x1b[{colour}m"), ""));
    println!("--- {language}, {columns} columns\n{text}");
    text
}

/// No line is longer, but for a word that is longer by itself, such as a topic.
fn assert_fits(text: &str, columns: usize) {
    for line in text.lines().filter(|line| !line.contains('/')) {
        assert!(line.chars().count() <= columns, "longer than {columns}: {line}");
    }
}

/// The lines of each sentence and of each command joined into one.
fn unfolded(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let goes_on = line.starts_with("   ") && !line.starts_with("   > ") && !line.starts_with("   $ ");
        match lines.last_mut() {
            Some(last) if goes_on || last.starts_with("Verdict") => {
                *last = format!("{} {}", last.trim_end_matches(" \\"), line.trim_start())
            }
            _ => lines.push(line.into()),
        }
    }
    lines.join("\n")
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
    expect(&text, &["ok broker", "ok bridge: runs", "-- home assistant", "!! readers: no meter", "Verdict: One fault (!!): readers"]);
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
    expect(&text, &["ok broker", "ok bridge: runs", "ok home assistant", &meter, &discovery, "Verdict: All good"]);
    assert_eq!(code, 0, "{text}");
    bridge.assert_clean();
    in_both_languages_on_any_terminal(bridge.directory.path());

    reader.report(LineState::Silent, Cause::NoSignal).await;
    reader.leave().await;
    observer.expect(&format!("teleinfo/{METER}/availability"), "offline").await;
    let (text, code) = ask(bridge.directory.path(), &[]);
    let silent = format!("!! meter: {METER} is not being read, by the reader on cellar: not a byte from the meter");
    expect(&text, &["ok bridge: runs", &silent, "   $ teleinfo-reader doctor", "Verdict: One fault (!!): meter"]);
    assert_eq!(code, 69);

    let french = unfolded(&show(bridge.directory.path(), "fr_FR.UTF-8", 40));
    let silent = format!("!! compteur : {METER} n'est pas lu, par le lecteur de cellar : aucun octet du compteur");
    expect(
        &french,
        &[&silent, "   > au compteur, sur la machine du lecteur :", "   $ teleinfo-reader doctor", "Verdict : Un défaut (!!) : compteur"],
    );

    bridge.stop().await;
    let (text, code) = ask(bridge.directory.path(), &[]);
    expect(&text, &["!! bridge: has left", &format!("-- meter: {METER}"), &discovery, "Verdict: One fault"]);
    assert_eq!(code, 69);
}

/// The signs and what has no language are the same; no line is broken within a word.
fn in_both_languages_on_any_terminal(directory: &Path) {
    let beginnings = |text: &str| text.lines().filter_map(|line| line.get(..3)).filter(|sign| *sign != "   ").collect::<String>();
    for columns in [40, 80] {
        let (english, french) = (show(directory, "C.UTF-8", columns), show(directory, "fr_FR.UTF-8", columns));
        for text in [&english, &french] {
            assert_fits(text, columns);
        }
        assert!(beginnings(&english).starts_with("ok ok ok ok ok "), "{english}");
        assert_eq!(beginnings(&unfolded(&english)), beginnings(&unfolded(&french)));
        let french = unfolded(&french);
        let meter = format!("ok compteur : {METER} est lu, par le lecteur de cellar");
        expect(&french, &["ok passerelle : est en service", &meter, "ok annonce : ", "Verdict : Tout va bien."]);
    }
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
    expect(&text, &["!! broker: no MQTT broker listens", "   $ systemctl status teleinfo-bridge"]);
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
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
        let (text, code) = ask(directory.path(), &[]);
        expect(&text, &[expected]);
        assert_eq!(code, 69, "no bridge has been there");
    }
    let (text, _) = ask(directory.path(), &["--mqtt", "mqtt://127.0.0.1:1"]);
    expect(&text, &["!! broker: no MQTT broker listens at 127.0.0.1:1"]);
}
