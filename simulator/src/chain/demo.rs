//! The demonstration: a simulated meter, the reader and the bridge with its embedded MQTT side, and what comes out
//! of it, in the terminal. Ends on Ctrl-C, with everything it has started.

use super::process::{Process, free_port_or};
use super::programs::{self, Bridge, Mqtt, sibling};
use super::watch::{Message, Watch};
use crate::failure::{Code, Failure, OrFail, Outcome};
use crate::line::player::play;
use crate::line::pty::Terminal;
use crate::line::speed::Speed;
use crate::line::stop::{Stop, StopHandle};
use crate::meter::{Meter, MeterOptions};
use serde_json::Value;
use std::collections::HashSet;
use std::path::Path;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use teleinfo_proto::tic::{Label, Mode, Role, TariffOption};

/// The port that every MQTT client tries first.
const MQTT_PORT: u16 = 1883;
/// The port of the page of a bridge as it is shipped.
const PAGE_PORT: u16 = 8080;
/// Values for people: what a house takes now, and what it has taken.
const SHOWN: [Role; 10] = [
    Role::Tariff,
    Role::PowerWithdrawn,
    Role::PowerInjected,
    Role::Current(1),
    Role::Current(2),
    Role::Current(3),
    Role::Voltage(1),
    Role::IndexOf(TariffOption::Base),
    Role::EnergyWithdrawn,
    Role::EnergyInjected,
];
/// Widest payload shown of a topic that is not a meter's state.
const WIDTH: usize = 100;

/// How the demonstration runs.
#[derive(Debug)]
pub struct DemoOptions {
    /// The meter.
    pub meter: MeterOptions,
    /// How fast its line and its clock run.
    pub speed: Speed,
    /// Ends after this time.
    pub time: Option<Duration>,
}

/// Runs the demonstration to its end.
///
/// # Errors
/// When a program of the chain is missing or ends, or nothing arrives.
pub fn run(options: DemoOptions) -> Outcome {
    let stop = Stop::on_signals()?;
    // Said before anything starts, when one is missing.
    sibling("teleinfo-bridge")?;
    sibling("teleinfo-reader")?;
    let dir = tempfile::tempdir().or_fail(Code::CannotCreate, || "cannot make a directory".into())?;
    let id = options.meter.identity();
    let mut demo = Demo::start(dir.path(), options.meter, options.speed)?;
    demo.introduce(&id);
    let shown = demo.watch(&stop, options.time)?;
    if shown == 0 && options.time.is_some() {
        return Err(Failure::new(Code::Unavailable, "no value has arrived"));
    }
    println!("\n{shown} messages of the meter; ending");
    Ok(())
}

struct Demo {
    // In the order in which they end.
    reader: Process,
    bridge: Bridge,
    watch: Watch,
    meter: MeterThread,
    seen: HashSet<String>,
}

impl Demo {
    fn start(dir: &Path, meter: MeterOptions, speed: Speed) -> Outcome<Self> {
        let mqtt = Mqtt::Embedded(free_port_or(MQTT_PORT)?);
        println!("starting teleinfo-bridge, teleinfo-reader and a simulated meter ...");
        let bridge = programs::bridge(dir, mqtt, free_port_or(PAGE_PORT)?)?;
        let watch = Watch::start(mqtt.port(), &["teleinfo/#", "homeassistant/#"])?;
        let line = dir.join("meter");
        let meter = MeterThread::start(Terminal::create(&line)?, meter, speed)?;
        let reader = programs::reader(dir, &line, &bridge.locator)?;
        Ok(Self { reader, bridge, watch, meter, seen: HashSet::new() })
    }

    fn introduce(&self, id: &str) {
        let port = self.bridge.mqtt.port();
        println!(
            "\n  meter {id} -> {} -> teleinfo-reader -> {} -> teleinfo-bridge -> MQTT 127.0.0.1:{port}",
            self.meter.device, self.bridge.locator
        );
        println!(
            "\nThe page of the bridge:\n\n  http://localhost:{}\n\nTo see everything with a client of your own:\n\n  mosquitto_sub -h 127.0.0.1 -p {port} -v -t 'teleinfo/#'\n\nCtrl-C ends it.\n",
            self.bridge.page
        );
    }

    /// Shows what comes; returns how many states of the meter.
    fn watch(&mut self, stop: &Stop, time: Option<Duration>) -> Outcome<u64> {
        let begin = Instant::now();
        let mut shown = 0;
        while !stop.is_set() && time.is_none_or(|time| begin.elapsed() < time) {
            self.reader.check()?;
            self.bridge.process.check()?;
            if let Some(message) = self.watch.next(Duration::from_millis(100)) {
                shown += u64::from(self.show(&message, begin.elapsed()));
            }
        }
        Ok(shown)
    }

    /// Prints a message; whether it was a meter's state.
    fn show(&mut self, message: &Message, since: Duration) -> bool {
        let seconds = since.as_secs_f64();
        if let Some(values) = state(message) {
            println!("{seconds:6.1} s  {}  {values}", message.topic);
            return true;
        }
        // The others come again and again: only what is new.
        if self.seen.insert(format!("{} {}", message.topic, message.payload)) && is_for_people(&message.topic) {
            println!("{seconds:6.1} s  {}  {}", message.topic, short(&message.payload));
        }
        false
    }
}

/// Whether a topic that is no state says something that a person wants to see here.
fn is_for_people(topic: &str) -> bool {
    ["/availability", "/event", "/state", "/config"].iter().any(|end| topic.ends_with(end))
}

fn short(payload: &str) -> String {
    match payload.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}... ({} bytes)", &payload[..end], payload.len()),
        None => payload.to_owned(),
    }
}

/// The values of a meter's state, with their units.
fn state(message: &Message) -> Option<String> {
    let id = message.topic.strip_prefix("teleinfo/")?;
    if !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let state: Value = serde_json::from_str(&message.payload).ok()?;
    let labels = || Mode::ALL.into_iter().flat_map(Label::all);
    let shown = SHOWN.iter().flat_map(|role| labels().filter(|label| label.role == Some(*role)));
    let counting = labels().filter(|label| counts_now(label, &state));
    let values = shown.chain(counting).filter_map(|label| Some(value(label, state.get(label.code)?)));
    Some(values.collect::<Vec<_>>().join("  "))
}

/// Whether it is the historic index that counts in the current period. Its label ends with the period (02E §2.3); BASE is shown anyhow.
fn counts_now(label: &Label, state: &Value) -> bool {
    let period = state["PTEC"]["value"].as_str().filter(|period| !period.is_empty());
    matches!(label.role, Some(Role::IndexOf(_))) && period.is_some_and(|period| label.code.ends_with(period))
}

fn value(label: &Label, dataset: &Value) -> String {
    let unit = label.unit().map_or(String::new(), |unit| format!(" {unit}"));
    let label = label.code;
    match &dataset["value"] {
        Value::String(text) => format!("{label} {text}"),
        number => format!("{label} {number}{unit}"),
    }
}

/// A meter on a thread, which ends when this is dropped.
#[derive(Debug)]
struct MeterThread {
    device: String,
    stop: Option<StopHandle>,
    thread: Option<JoinHandle<()>>,
}

impl MeterThread {
    fn start(terminal: Terminal, meter: MeterOptions, speed: Speed) -> Outcome<Self> {
        let (stop, handle) = Stop::by_hand()?;
        let device = terminal.device().display().to_string();
        let work = move || {
            let mut meter = Meter::new(meter);
            if let Err(failure) = play(&mut meter, &terminal, speed, &stop, &mut |_, _| Ok(())) {
                eprintln!("meter: {failure}");
            }
        };
        let thread =
            std::thread::Builder::new().name("meter".into()).spawn(work).or_fail(Code::Software, || "cannot start a thread".into())?;
        Ok(Self { device, stop: Some(handle), thread: Some(thread) })
    }
}

impl Drop for MeterThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(topic: &str, payload: &str) -> Message {
        Message { at: Instant::now(), topic: topic.into(), payload: payload.into(), retained: false }
    }

    #[test]
    fn a_state_is_shown_with_units() {
        let payload = r#"{"PAPP": {"raw": "00260", "value": 260}, "PTEC": {"raw": "TH..", "value": "TH"}, "X": {"raw": "", "value": ""}}"#;
        assert_eq!(state(&message("teleinfo/012345678912", payload)), Some("PTEC TH  PAPP 260 VA".into()));
        let off_peak = r#"{"PTEC": {"raw": "HC..", "value": "HC"}, "HCHC": {"raw": "000000012", "value": 12}, "HCHP": {"raw": "000000034", "value": 34}}"#;
        assert_eq!(state(&message("teleinfo/012345678912", off_peak)), Some("PTEC HC  HCHC 12 Wh".into()));
        assert_eq!(state(&message("teleinfo/012345678912/quality", payload)), None);
        assert_eq!(state(&message("teleinfo/bridge", payload)), None);
    }

    #[test]
    fn long_payloads_are_cut_between_characters() {
        assert_eq!(short("online"), "online");
        let long = "é".repeat(200);
        assert_eq!(short(&long), format!("{}... (400 bytes)", "é".repeat(100)));
    }
}
