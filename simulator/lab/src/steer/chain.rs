//! The battery behind the real programs, at line speed: what the house's meter sends goes through a pseudo-terminal, reader, bridge and
//! Mosquitto, and what a subscriber hears is the battery's answer.

use super::battery::Battery;
use super::home::{Home, Trace};
use super::meter::HouseMeter;
use super::scene::Scene;
use serde_json::Value;
use std::time::{Duration, Instant};
use teleinfo_proto::tic::Mode;
use teleinfo_simulator::chain::broker::Broker;
use teleinfo_simulator::chain::process::{Process, free_port};
use teleinfo_simulator::chain::programs::{self, Bridge, Mqtt, wait_for_reader};
use teleinfo_simulator::chain::watch::Watch;
use teleinfo_simulator::failure::{Code, Failure, OrFail, Outcome};
use teleinfo_simulator::line::pty::Terminal;
use teleinfo_simulator::line::speed::line_time;
use teleinfo_simulator::line::stop::Stop;

/// Between two frames, in s (54E §5.3.6).
const SILENCE: f64 = 0.025;
/// How long to wait for a message before the battery is looked at again.
const LOOK: Duration = Duration::from_millis(20);

/// Both scenes, one after the other, each from a battery at rest; before them so many seconds in which the reader finds the mode, and the
/// bridge its meter and what it can learn of the house.
///
/// # Errors
/// When a program is missing or ends, or no power arrives.
pub(super) fn play(mode: Mode, battery: Battery, before: &Scene, scenes: &[Scene; 2], stop: &Stop) -> Outcome<[Trace; 2]> {
    let dir = tempfile::tempdir().or_fail(Code::CannotCreate, || "cannot make a directory".into())?;
    let broker = Broker::open()?;
    let bridge = programs::bridge(dir.path(), Mqtt::Broker(broker.port), free_port()?)?;
    let watch = Watch::start(broker.port, &["teleinfo/+/power"])?;
    let line = dir.path().join("meter");
    let terminal = Terminal::create(&line)?;
    let reader = programs::reader(dir.path(), &line, &bridge.locator)?;
    wait_for_reader(&terminal, stop)?;
    let mut chain = Chain { mode, meter: HouseMeter::new(mode)?, terminal, watch, reader, bridge, heard: 0 };
    chain.play(before, battery.rested(), stop)?;
    if chain.heard == 0 {
        return Err(Failure::new(Code::Unavailable, format!("no power has arrived; the reader says: {}", chain.reader.log())));
    }
    Ok([chain.play(&scenes[0], battery.rested(), stop)?, chain.play(&scenes[1], battery.rested(), stop)?])
}

struct Chain {
    mode: Mode,
    meter: HouseMeter,
    terminal: Terminal,
    watch: Watch,
    reader: Process,
    bridge: Bridge,
    /// Powers that have arrived.
    heard: u64,
}

impl Chain {
    fn play(&mut self, scene: &Scene, battery: Battery, stop: &Stop) -> Outcome<Trace> {
        let mut run = Run { home: Home::new(scene, battery), begin: Instant::now(), counted: 0, newest: None };
        let mut line = 0.0;
        while !run.home.is_over() {
            for piece in 0..self.meter.len() {
                run.advance(&mut self.meter);
                let bytes = self.meter.compose(piece, run.home.shown())?;
                line += line_time(self.meter.bytes_of(piece), self.mode.baud()).as_secs_f64();
                self.wait(&mut run, line, stop)?;
                self.terminal.offer(&bytes)?;
            }
            line += SILENCE;
            self.reader.check()?;
            self.bridge.process.check()?;
        }
        Ok(run.home.trace)
    }

    /// Until this moment of the line: what is heard is kept, and the battery asks when it wants to.
    fn wait(&mut self, run: &mut Run<'_>, line: f64, stop: &Stop) -> Outcome {
        let until = run.begin + Duration::from_secs_f64(line);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if let Some(message) = self.watch.next(left.min(LOOK)) {
                self.heard += 1;
                run.newest = serde_json::from_str::<Value>(&message.payload).ok().and_then(|said| said["power"].as_f64());
            }
            if stop.is_set() {
                return Err(Failure::new(Code::Unavailable, "stopped before its end"));
            }
            run.advance(&mut self.meter);
            run.ask();
            if Instant::now() >= until {
                return Ok(());
            }
        }
    }
}

/// One scene while it runs.
struct Run<'s> {
    home: Home<'s>,
    begin: Instant,
    /// Seconds that the meter has counted.
    counted: usize,
    /// A power that the battery has not taken yet.
    newest: Option<f64>,
}

impl Run<'_> {
    fn advance(&mut self, meter: &mut HouseMeter) {
        self.home.advance(self.begin.elapsed().as_secs_f64());
        for watts in &self.home.trace[self.counted..] {
            meter.count(*watts);
        }
        self.counted = self.home.trace.len();
    }

    fn ask(&mut self) {
        let now = self.begin.elapsed().as_secs_f64();
        if self.home.battery.asks(now)
            && let Some(watts) = self.newest.take()
        {
            self.home.battery.handle_answer(watts, now);
        }
    }
}
