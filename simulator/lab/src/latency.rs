//! The way of a frame, measured: from its last byte on the serial line to a subscriber of the broker, through both
//! programs and Mosquitto, all on this machine.

use serde_json::Value;
use std::fmt;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};
use teleinfo_proto::tic::Mode;
use teleinfo_simulator::chain::broker::Broker;
use teleinfo_simulator::chain::programs::{self, Mqtt, wait_for_reader};
use teleinfo_simulator::chain::watch::{Message, Watch};
use teleinfo_simulator::failure::{Code, Failure, OrFail, Outcome};
use teleinfo_simulator::line::player::play;
use teleinfo_simulator::line::pty::Terminal;
use teleinfo_simulator::line::source::{AtMost, Burst};
use teleinfo_simulator::line::speed::Speed;
use teleinfo_simulator::line::stop::Stop;
use teleinfo_simulator::meter::tariff::contract::Contract;
use teleinfo_simulator::meter::{Meter, MeterOptions};

/// Frames before the first that counts: the reader finds the mode, the bridge makes its connections.
const WARM_UP: u64 = 8;
/// How long the last message may take.
const LATEST: Duration = Duration::from_secs(5);

/// The latencies of one mode, sorted.
#[derive(Debug)]
pub struct Latencies {
    mode: Mode,
    frames: u64,
    sorted: Vec<Duration>,
}

impl Latencies {
    /// The latency below which this share of all frames stays.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        let last = self.sorted.len().saturating_sub(1);
        let at = (share * self.sorted.len() as f64).ceil() as usize;
        self.sorted.get(at.saturating_sub(1).min(last)).copied().unwrap_or_default()
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |share| self.quantile(share).as_secs_f64() * 1000.0;
        write!(
            f,
            "{:8}  {} of {} frames  p50 {:.2} ms  p99 {:.2} ms  max {:.2} ms",
            self.mode.to_string(),
            self.sorted.len(),
            self.frames,
            ms(0.5),
            ms(0.99),
            ms(1.0)
        )
    }
}

/// A frame that is on its way.
struct OnTheWay {
    number: u64,
    datasets: Vec<(&'static str, String)>,
    at: Instant,
}

/// Measures one mode with this many frames.
///
/// # Errors
/// When a program is missing or ends, or frames do not arrive.
pub fn measure(mode: Mode, frames: u64, speed: Speed, stop: &Stop) -> Outcome<Latencies> {
    let dir = tempfile::tempdir().or_fail(Code::CannotCreate, || "cannot make a directory".into())?;
    let broker = Broker::open()?;
    let mut bridge = programs::bridge(dir.path(), Mqtt::Broker(broker.port))?;
    let watch = Watch::start(broker.port, &["teleinfo/+"])?;
    let line = dir.path().join("meter");
    let terminal = Terminal::create(&line)?;
    let mut reader = programs::reader(dir.path(), &line, &bridge.locator)?;
    wait_for_reader(&terminal, stop)?;
    let (sender, sent) = channel();
    let mut source = AtMost { source: Meter::new(options(mode)?), left: Some(frames + WARM_UP) };
    play(&mut source, &terminal, speed, stop, &mut |burst, at| report(burst, at.at, &sender))?;
    drop(sender);
    let messages: Vec<Message> = std::iter::from_fn(|| watch.next(LATEST)).collect();
    reader.check()?;
    bridge.process.check()?;
    let sorted = latencies(sent.iter(), &messages);
    if sorted.is_empty() && !stop.is_set() {
        return Err(Failure::new(Code::Unavailable, format!("no frame has arrived; the reader says: {}", reader.log())));
    }
    Ok(Latencies { mode, frames, sorted })
}

/// Pairs messages with frames: they come in the order in which they were sent, and hold the same.
fn latencies(sent: impl Iterator<Item = OnTheWay>, messages: &[Message]) -> Vec<Duration> {
    let mut messages = messages.iter().filter_map(|message| Some((message.at, serde_json::from_str(&message.payload).ok()?))).peekable();
    let mut sorted: Vec<Duration> = sent
        .filter_map(|frame| {
            // What came before this frame's end belongs to an earlier one.
            while messages.next_if(|(at, _)| *at < frame.at).is_some() {}
            let (at, _) = messages.next_if(|(_, state): &(Instant, Value)| frame.is(state))?;
            (frame.number >= WARM_UP).then(|| at - frame.at)
        })
        .collect();
    sorted.sort_unstable();
    sorted
}

impl OnTheWay {
    fn is(&self, state: &Value) -> bool {
        self.datasets.iter().all(|(label, data)| state[label]["raw"] == data.as_str())
    }
}

fn report(burst: &Burst, at: Instant, sender: &Sender<OnTheWay>) -> Outcome {
    if let Some(frame) = &burst.frame {
        let datasets = frame.groups.iter().map(|group| (group.label, group.data.clone())).collect();
        let _ = sender.send(OnTheWay { number: frame.number, datasets, at });
    }
    Ok(())
}

fn options(mode: Mode) -> Outcome<MeterOptions> {
    let contract = Contract::find("base").map_err(|words| Failure::new(Code::Software, words))?;
    Ok(MeterOptions::new(mode, contract, 1_704_646_690))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_sorted_list() {
        let sorted = (1..=200).map(Duration::from_millis).collect();
        let latencies = Latencies { mode: Mode::Historic, frames: 200, sorted };
        assert_eq!(latencies.quantile(0.5), Duration::from_millis(100));
        assert_eq!(latencies.quantile(0.99), Duration::from_millis(198));
        assert_eq!(latencies.quantile(1.0), Duration::from_millis(200));
    }

    #[test]
    fn a_lost_message_shifts_nothing() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let frame = |number, ms| OnTheWay { number, datasets: vec![("EAST", format!("{number:09}"))], at: at(ms) };
        let message = |number: u64, ms| Message {
            at: at(ms),
            topic: "teleinfo/1".into(),
            payload: format!(r#"{{"EAST": {{"raw": "{number:09}"}}}}"#),
            retained: false,
        };
        let sent = vec![frame(10, 0), frame(11, 100), frame(12, 200)];
        let found = latencies(sent.into_iter(), &[message(10, 1), message(12, 203)]);
        assert_eq!(found, [Duration::from_millis(1), Duration::from_millis(3)]);
    }
}
