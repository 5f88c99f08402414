//! The whole chain with the real programs: simulated meter, reader, Zenoh, bridge, MQTT. Needs `cargo build --workspace`
//! before, and Debian's `mosquitto` and `mosquitto-clients`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use teleinfo_proto::tic::encode::FrameWriter;
use teleinfo_proto::tic::{Mode, Timestamp};
use teleinfo_simulator::chain::broker::Broker;
use teleinfo_simulator::chain::process::{Process, free_port};
use teleinfo_simulator::chain::programs::{self, Bridge, Mqtt};
use tempfile::TempDir;

const SIMULATOR: &str = env!("CARGO_BIN_EXE_teleinfo-simulator");
const LIMIT: Duration = Duration::from_secs(60);
/// A demonstration takes the ports that people know, so one goes on at a time.
static DEMONSTRATION: Mutex<()> = Mutex::new(());

/// A bridge behind a broker or with its own, a subscriber, and what a reader and a meter need.
struct Chain {
    // In the order in which they end.
    reader: Option<Process>,
    subscriber: Process,
    bridge: Bridge,
    _broker: Option<Broker>,
    dir: TempDir,
}

impl Chain {
    fn with_mosquitto() -> Self {
        let dir = TempDir::new().unwrap();
        let broker = Broker::open().unwrap();
        Self::new(dir, Mqtt::Broker(broker.port), Some(broker))
    }

    fn embedded() -> Self {
        Self::new(TempDir::new().unwrap(), Mqtt::Embedded(free_port().unwrap()), None)
    }

    fn new(dir: TempDir, mqtt: Mqtt, broker: Option<Broker>) -> Self {
        let bridge = programs::bridge(dir.path(), mqtt, free_port().unwrap()).unwrap();
        let mut command = Command::new("mosquitto_sub");
        let port = mqtt.port().to_string();
        command.args(["-h", "127.0.0.1", "-p", &port, "-F", "%r %t %p", "-t", "teleinfo/#", "-t", "homeassistant/#"]);
        let mut subscriber = Process::start("mosquitto_sub", &mut command, dir.path())
            .unwrap_or_else(|failure| panic!("{failure}: install it (apt install mosquitto-clients)"));
        // The bridge's own state is retained (by a broker), or said again to a new subscriber (embedded).
        subscriber.wait_for_words("teleinfo/bridge/state online", LIMIT).unwrap();
        Self { reader: None, subscriber, bridge, _broker: broker, dir }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// A simulator with these arguments on a line, and a reader of it.
    fn start(&mut self, args: &[&str]) -> Process {
        let line = self.path("line");
        let mut command = Command::new(SIMULATOR);
        let meter = Process::start("meter", command.args(args).args(["--pty", &line]), self.dir.path()).unwrap();
        wait(|| Path::new(&line).exists());
        self.reader = Some(programs::reader(self.dir.path(), Path::new(&line), &self.bridge.locator).unwrap());
        meter
    }

    /// What the subscriber has seen: topic and payload.
    fn messages(&self) -> Vec<(String, String)> {
        let log = self.subscriber.log();
        let message = |line: &str| {
            let (topic, payload) = line.split_once(' ')?.1.split_once(' ')?;
            Some((topic.to_owned(), payload.to_owned()))
        };
        // A line that is still being written has no end yet.
        log.split_inclusive('\n').filter(|line| line.ends_with('\n')).filter_map(|line| message(line.trim_end_matches('\n'))).collect()
    }

    /// What was published of a meter, in order: its states, and what a loaded machine could only tell as the past, without its time.
    fn states(&self, id: &str) -> Vec<Value> {
        let (present, past) = (format!("teleinfo/{id}"), format!("teleinfo/{id}/history"));
        let of = self.messages().into_iter().filter(|(seen, _)| *seen == present || *seen == past);
        let state = |payload: String| {
            let mut state: Value = serde_json::from_str(&payload).unwrap();
            state.as_object_mut().unwrap().remove("time");
            state
        };
        of.map(|(_, payload)| state(payload)).collect()
    }

    fn wait_for_states(&self, id: &str, count: usize) -> Vec<Value> {
        wait(|| self.states(id).len() >= count);
        self.states(id)
    }

    fn truth(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path("truth")).unwrap_or_default();
        // The last line may be half written.
        text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// A clean run says nothing that somebody should act on.
    fn assert_quiet(&self) {
        let logs = [self.reader.as_ref().unwrap().log(), self.bridge.process.log()].concat();
        let loud: Vec<&str> =
            logs.lines().filter(|line| line.contains("WARN") || line.contains("ERROR") || line.contains("panic")).collect();
        assert!(loud.is_empty(), "{loud:#?}");
    }
}

fn wait(mut done: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !done() {
        assert!(Instant::now() < end, "it does not happen");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Label to raw data.
fn raws(datasets: &Value) -> BTreeMap<&str, &str> {
    datasets.as_object().unwrap().iter().map(|(label, dataset)| (label.as_str(), dataset["raw"].as_str().unwrap())).collect()
}

/// Every frame that was sent whole has its message, in order, with exactly its datasets.
fn assert_all_arrived(sent: &[Value], states: &[Value]) {
    let mut states = states.iter();
    for frame in sent.iter().filter(|frame| frame["lost"] == 0) {
        let found = states.find(|state| raws(state) == raws(&frame["datasets"]));
        let state = found.unwrap_or_else(|| panic!("frame {} has not arrived: {}", frame["frame"], frame["datasets"]));
        for (label, dataset) in frame["datasets"].as_object().unwrap() {
            assert_value(label, dataset, &state[label]);
        }
    }
}

fn assert_value(label: &str, sent: &Value, published: &Value) {
    let raw = sent["raw"].as_str().unwrap();
    let text = ["PRM", "STGE", "MOTDETAT", "PPOT"].contains(&label);
    match raw.parse::<u64>() {
        Ok(number) if !text => assert_eq!(published["value"], number, "{label}"),
        _ => assert_eq!(published["value"], raw.trim().trim_end_matches('.'), "{label}"),
    }
    let stamp = sent["timestamp"].as_str().map(|stamp| stamp.parse::<Timestamp>().unwrap().unix_seconds());
    assert_eq!(published["timestamp"].as_str().map(unix_of), stamp, "{label}");
}

/// Seconds since 1970 of `2024-02-10T11:13:55Z`, by way of the same digits in winter time.
fn unix_of(utc: &str) -> i64 {
    let digits: String = utc.strip_prefix("20").unwrap().chars().filter(char::is_ascii_digit).collect();
    assert!(utc.ends_with('Z') && digits.len() == 12, "{utc}");
    format!("H{digits}").parse::<Timestamp>().unwrap().unix_seconds() + 3600
}

fn every_dataset_arrives(mode: &str, contract: &str, phases: &str, start: &str) {
    let mut chain = Chain::with_mosquitto();
    let truth = chain.path("truth");
    let id = "900061000042";
    let args = ["meter", "--mode", mode, "--contract", contract, "--phases", phases, "--id", id, "--start", start, "--speed", "10"];
    let _meter = chain.start(&[&args[..], &["--truth", &truth]].concat());
    wait(|| chain.truth().len() >= 60);
    let mut sent = chain.truth();
    sent.truncate(60);
    let whole: Vec<&Value> = sent.iter().filter(|frame| frame["lost"] == 0).collect();
    assert!(whole.len() >= 50, "the reader took only {} frames", whole.len());
    let is_last = |state: &Value| whole.last().is_some_and(|last| raws(state) == raws(&last["datasets"]));
    wait(|| chain.states(id).iter().any(is_last));
    assert_all_arrived(&sent, &chain.states(id));
    chain.assert_quiet();
}

#[test]
fn every_dataset_of_a_historic_meter_arrives() {
    every_dataset_arrives("historic", "tempo", "1", "2024-01-07T19:59:50");
}

#[test]
fn every_dataset_of_a_three_phase_standard_meter_arrives() {
    every_dataset_arrives("standard", "tempo", "3", "2024-01-07T19:59:50");
}

#[test]
fn every_dataset_of_a_summer_meter_arrives() {
    every_dataset_arrives("standard", "hc", "1", "2024-07-14T22:29:50");
}

/// A published frame of a real meter. The address in it was altered by hand, so that its checksum does not hold any more;
/// the encoder makes a valid one of it. The rest is as published.
#[test]
fn a_published_frame_becomes_the_documented_json() {
    let mut buffer = [0; 512];
    let mut frame = FrameWriter::new(&mut buffer, Mode::Historic).unwrap();
    for (label, data) in [
        ("ADCO", "012345678912"),
        ("OPTARIF", "BASE"),
        ("ISOUSC", "30"),
        ("BASE", "002815235"),
        ("PTEC", "TH.."),
        ("IINST", "001"),
        ("IMAX", "090"),
        ("PAPP", "00260"),
        ("HHPHC", "A"),
        ("MOTDETAT", "000000"),
    ] {
        frame.dataset(label, None, data).unwrap();
    }
    let frame = frame.finish().unwrap().to_vec();
    for group in [
        "OPTARIF BASE 0",
        "ISOUSC 30 9",
        "BASE 002815235 %",
        "PTEC TH.. $",
        "IINST 001 X",
        "IMAX 090 H",
        "PAPP 00260 )",
        "HHPHC A ,",
        "MOTDETAT 000000 B",
    ] {
        assert!(String::from_utf8_lossy(&frame).contains(&format!("\n{group}\r")), "{group}");
    }

    let mut chain = Chain::with_mosquitto();
    let capture = chain.path("seed.tic");
    std::fs::write(&capture, frame.repeat(3)).unwrap();
    let _replay = chain.start(&["replay", &capture, "--speed", "4", "--loop"]);
    let states = chain.wait_for_states("012345678912", 3);
    assert_eq!(
        states[2],
        json!({"ADCO": {"raw": "012345678912", "value": 12_345_678_912_u64}, "OPTARIF": {"raw": "BASE", "value": "BASE"},
            "ISOUSC": {"raw": "30", "value": 30}, "BASE": {"raw": "002815235", "value": 2_815_235}, "PTEC": {"raw": "TH..", "value": "TH"},
            "IINST": {"raw": "001", "value": 1}, "IMAX": {"raw": "090", "value": 90}, "PAPP": {"raw": "00260", "value": 260},
            "HHPHC": {"raw": "A", "value": "A"}, "MOTDETAT": {"raw": "000000", "value": "000000"}})
    );
    chain.assert_quiet();
}

#[test]
fn the_embedded_broker_serves_the_same() {
    let mut chain = Chain::embedded();
    let _meter = chain.start(&["meter", "--mode", "standard", "--contract", "base", "--id", "900061000043", "--speed", "5"]);
    let states = chain.wait_for_states("900061000043", 10);
    assert_eq!(states[9]["NGTF"]["value"], "BASE");
    assert_eq!(states[9]["ADSC"], json!({"raw": "900061000043", "value": 900_061_000_043_u64}));
    let seen = |topic: &str| chain.messages().iter().any(|(seen, _)| seen == topic);
    wait(|| seen("homeassistant/device/teleinfo_900061000043/config"));
    wait(|| seen("teleinfo/900061000043/availability"));
    chain.assert_quiet();
}

#[test]
fn the_reader_follows_a_meter_that_changes_its_mode() {
    let mut chain = Chain::with_mosquitto();
    let id = "900061000044";
    let _meter = chain.start(&["meter", "--mode", "historic", "--contract", "hc", "--id", id, "--speed", "5", "--switch-after", "15"]);
    wait(|| chain.states(id).iter().any(|state| state["PAPP"].is_object() && state["EAST"].is_null()));
    wait(|| chain.states(id).last().is_some_and(|state| state["EAST"].is_object() && state["PAPP"].is_null()));
}

#[test]
fn damaged_datasets_do_not_arrive() {
    let mut chain = Chain::with_mosquitto();
    let truth = chain.path("truth");
    let id = "900061000045";
    let args = ["meter", "--mode", "standard", "--contract", "hc", "--id", id, "--speed", "20", "--frames", "200"];
    let faults = ["--parity", "even", "--fault", "flip=0.001", "--fault", "clear=0.0005", "--fault", "noise=0.02", "--fault", "cut=0.02"];
    let mut meter = chain.start(&[&args[..], &faults, &["--truth", &truth]].concat());
    wait(|| meter.check().is_err());
    std::thread::sleep(Duration::from_secs(2));
    let sent = chain.truth();
    assert!(sent.iter().any(|frame| !frame["faults"].as_array().unwrap().is_empty()));
    let states = chain.states(id);
    assert!(states.len() > 100, "{}", states.len());
    for state in &states {
        for (label, raw) in raws(state) {
            let was_sent = sent.iter().any(|frame| frame["datasets"][label]["raw"] == raw);
            assert!(was_sent, "{label} {raw} was never sent");
        }
    }
}

#[test]
fn the_demonstration_shows_values_within_seconds() {
    let _alone = DEMONSTRATION.lock().unwrap_or_else(PoisonError::into_inner);
    let output = Command::new(SIMULATOR).args(["demo", "--seconds", "10", "--mode", "standard", "--contract", "hc"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("mosquitto_sub -h 127.0.0.1 -p "), "{text}");
    assert!(text.lines().filter(|line| line.contains("SINSTS ") && line.contains(" VA") && line.contains(" Wh")).count() >= 3, "{text}");
    assert!(text.contains("homeassistant/device/teleinfo_"), "{text}");
}

#[test]
fn an_interrupt_ends_the_demonstration_and_what_it_has_started() {
    let _alone = DEMONSTRATION.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = TempDir::new().unwrap();
    let mut demo = Process::start("demo", Command::new(SIMULATOR).arg("demo"), dir.path()).unwrap();
    demo.wait_for_words(" VA", LIMIT).unwrap();
    let port: u16 = demo.log().split(" -p ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_ok());
    kill(Pid::from_raw(demo.id() as i32), Signal::SIGINT).unwrap();
    wait(|| demo.check().is_err());
    assert!(demo.check().unwrap_err().to_string().contains("exit status: 0"));
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "the bridge still runs");
}
