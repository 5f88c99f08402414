//! How the bridge starts, and how it does not: exit codes and last words.

use std::{
    fs,
    net::TcpListener,
    process::{Command, Output},
};

use super::{
    Broker, free_port,
    observer::Observer,
    program::Program,
    reader::{METER, Reader},
};

fn bridge(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_teleinfo-bridge")).args(arguments).env_remove("JOURNAL_STREAM").output().unwrap()
}

fn last_words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).trim().to_owned()
}

#[test]
fn flags() {
    for (arguments, code) in [(["--version"], 0), (["--help"], 0), (["--nonsense"], 64), (["--config"], 64)] {
        assert_eq!(bridge(&arguments).status.code(), Some(code), "{arguments:?}");
    }
}

/// A broker that is lost and found, a reader, a meter: all of it in French, and nothing of it in English.
#[tokio::test(flavor = "multi_thread")]
async fn readers_that_came_a_moment_before_a_stop_are_kept() {
    let broker = Broker::open().unwrap();
    let mut bridge = Program::external(&broker.url());
    bridge.is_up().await;
    let _one = Reader::new(bridge.zenoh).await;
    let _two = Reader::with(bridge.zenoh, "012345678920", None).await.unwrap();
    bridge.stop().await;
    let kept = fs::read_to_string(bridge.directory.path().join("state/readers")).unwrap();
    assert_eq!(kept.lines().count(), 2, "{kept}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_speaks_french_where_the_configuration_does() {
    let (zenoh, mqtt) = (free_port(), free_port());
    let config = format!(
        "language = \"fr\"\n[zenoh]\nlisten = [\"tcp/127.0.0.1:{zenoh}\"]\nscouting = false\n[mqtt]\nurl = \"mqtt://127.0.0.1:{mqtt}\"\n"
    );
    let mut bridge = Program::with_config(&config);
    bridge.says("les lecteurs se relient à tcp/127.0.0.1:").await;
    bridge.says("aucun broker MQTT n'écoute à l'adresse").await;
    bridge.signal("HUP");
    bridge.stop().await;
    bridge.says("arrêtée").await;
    let log = bridge.log().join("\n");
    assert!(!["readers", "broker at", "stopped", " is "].iter().any(|word| log.contains(word)), "{log}");
}

#[test]
fn the_configuration_is_checked() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/etc/bridge.toml");
    let output = bridge(&["--check-config", "--config", shipped]);
    assert_eq!(output.status.code(), Some(0), "{}", last_words(&output));

    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    for (text, words) in [
        ("[mqtt]\n\nretian = true\n", ":3: unknown field `retian`"),
        ("[zenoh]\nmode = \"client\"\n", "zenoh.connect"),
        ("[mqtt]\nurl = \"mqtt://me:secret@broker\"\n", "mqtt.password-file"),
    ] {
        fs::write(path, text).unwrap();
        let output = bridge(&["--check-config", "--config", path]);
        let said = last_words(&output);
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(said.starts_with("ERROR ") && said.contains(words) && said.lines().count() == 1, "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
    assert_eq!(bridge(&["--config", "/no/such/file"]).status.code(), Some(78));
}

#[test]
fn the_journal_gets_priorities() {
    let output = Command::new(env!("CARGO_BIN_EXE_teleinfo-bridge"))
        .args(["--config", "/no/such/file"])
        .env("JOURNAL_STREAM", "8:1")
        .output()
        .unwrap();
    let said = last_words(&output);
    assert!(said.starts_with("<3>") && said.contains("/no/such/file"), "{said}");
}

#[test]
fn ports_in_use_are_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let free = free_port();
    for (listen, mqtt, key) in
        [(format!("127.0.0.1:{free}"), taken.to_string(), "mqtt.listen"), (taken.to_string(), format!("127.0.0.1:{free}"), "zenoh.listen")]
    {
        let text = format!("language = \"en\"\n[zenoh]\nlisten = [\"tcp/{listen}\"]\nscouting = false\n[mqtt]\nlisten = \"{mqtt}\"\n");
        fs::write(path, text).unwrap();
        let output = bridge(&["--config", path]);
        let said = last_words(&output);
        assert_eq!(output.status.code(), Some(69), "{said}");
        assert!(said.contains(&taken.port().to_string()) && said.contains(key) && said.lines().count() == 1, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_are_asked_for_their_password() {
    let broker = Broker::open().unwrap();
    let users = tempfile::NamedTempFile::new().unwrap();
    fs::write(users.path(), "pi:right\n").unwrap();
    let port = free_port();
    let config = format!(
        "[zenoh]\nlisten = [\"tcp/127.0.0.1:{port}\"]\nscouting = false\nusers-file = \"{}\"\n[mqtt]\nurl = \"{}\"\n",
        users.path().display(),
        broker.url()
    );
    let bridge = Program::with_config(&config);
    bridge.is_up().await;
    let observer = Observer::new(broker.port).await;
    assert!(Reader::with(port, METER, Some(("pi", "wrong"))).await.is_err());
    let mut reader = Reader::with(port, METER, Some(("pi", "right"))).await.unwrap();
    reader.make(true).await;
    observer.expect_powers(METER, [1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bridge_joins_a_router() {
    let broker = Broker::open().unwrap();
    let port = free_port();
    let config = format!("[zenoh]\nmode = \"client\"\nconnect = [\"tcp/127.0.0.1:{port}\"]\n[mqtt]\nurl = \"{}\"\n", broker.url());
    let bridge = Program::with_config(&config);
    let line = bridge.says("no Zenoh router at").await;
    assert!(line.starts_with("WARN "), "{line}");
    let router = router(port).await;
    bridge.says("connected to the Zenoh router").await;
    let observer = Observer::new(broker.port).await;
    let mut reader = Reader::new(port).await;
    reader.make_many(2).await;
    reader.make(false).await;
    reader.make(true).await;
    observer.expect_powers(METER, 1..=4).await;
    router.close().await.unwrap();
}

async fn router(port: u16) -> zenoh::Session {
    let mut config = zenoh::Config::default();
    for (key, value) in [
        ("mode", "\"router\"".to_owned()),
        ("listen/endpoints", format!("[\"tcp/127.0.0.1:{port}\"]")),
        ("scouting/multicast/enabled", "false".to_owned()),
    ] {
        config.insert_json5(key, &value).unwrap();
    }
    zenoh::open(config).await.unwrap()
}

#[test]
fn the_journal_is_in_the_language_of_the_system_and_in_french_without_one() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, free) = (taken.local_addr().unwrap().port(), free_port());
    let file = tempfile::NamedTempFile::new().unwrap();
    for (locale, language, expected) in [
        ("fr_FR.UTF-8", "", "la langue du système décide que ce journal est en français"),
        ("C.UTF-8", "", "le système ne dit aucune langue"),
        ("de_DE.UTF-8", "language = \"auto\"\n", "the language of the system decides that this journal is in English"),
        ("C.UTF-8", "language = \"en\"\n", "mqtt.listen"),
    ] {
        let text = format!(
            "{language}[zenoh]\nlisten = [\"tcp/127.0.0.1:{free}\"]\nscouting = false\n[mqtt]\nlisten = \"127.0.0.1:{port}\"\n[page]\nlisten = \"off\"\n"
        );
        fs::write(file.path(), text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_teleinfo-bridge"));
        let output = command.arg("--config").arg(file.path()).env("LC_ALL", locale).env_remove("JOURNAL_STREAM").output().unwrap();
        let said = last_words(&output);
        assert!(said.lines().next().unwrap().contains(expected), "{locale} {language}: {said}");
    }
}
