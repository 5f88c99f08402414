//! The bridges under a fleet: one, or a group of some that are guests of the same routers and divide the meters among themselves.
//!
//! Each is told of all meters in its configuration, so that none of them has to wait as a new one does, and has its page and its memory as by
//! default. It publishes every frame.

use super::process::{processor_time, resident_kb};
use super::readers::{self, FleetOptions};
use super::routers::Routers;
use super::share::Share;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;
use teleinfo_simulator::chain::process::{Process, free_port};
use teleinfo_simulator::chain::programs;
use teleinfo_simulator::failure::{Code, Failure, OrFail, Outcome};
use teleinfo_zenoh_client::Locator;

/// How long one may take to listen.
const START: Duration = Duration::from_secs(30);
/// Less than this a bridge is not told to be ready for.
const METERS_MIN: usize = 100;
/// What a bridge calls the samples that it has published; in a group with the name of the member.
const SAMPLES_TAKEN: &str = "teleinfo_bridge_samples_taken_total";

/// All of them, and where readers connect to if there is no router.
#[derive(Debug)]
pub(super) struct Bridges {
    all: Vec<Bridge>,
    pub locator: Locator,
}

#[derive(Debug)]
struct Bridge {
    /// Before the process, so that it is dropped before it.
    _share: Option<Share>,
    process: Process,
    directory: PathBuf,
    name: String,
    page: u16,
}

impl Bridges {
    /// Starts as many as are wanted. `broker`: the port of the way to it.
    ///
    /// # Errors
    /// When one does not start.
    pub(super) fn start(dir: &Path, broker: u16, options: &FleetOptions, routers: Option<&Routers>) -> Outcome<Self> {
        let zenoh = free_port()?;
        let locator = format!("tcp/127.0.0.1:{zenoh}").parse().map_err(|_| Failure::new(Code::Software, "no locator"))?;
        let mut bridges = Self { all: Vec::new(), locator };
        for number in 0..options.bridges {
            let (name, page) = (format!("bridge-{number}"), free_port()?);
            let node = routers.map_or(format!("listen = [\"tcp/127.0.0.1:{zenoh}\"]\nscouting = false\n"), |routers| {
                format!("mode = \"client\"\nconnect = {:?}\n", routers.of_bridge())
            });
            let group = if options.bridges > 1 { format!("[group]\nname = \"fleet\"\nmember = \"{name}\"\n") } else { String::new() };
            let mut text = format!(
                "[zenoh]\n{node}[mqtt]\nurl = \"mqtt://127.0.0.1:{broker}\"\n[page]\nlisten = \"127.0.0.1:{page}\"\n{group}[limits]\nmeters = {}\n",
                options.meters.max(METERS_MIN)
            );
            for meter in 0..options.meters {
                text.push_str(&format!("[meter.\"{}\"]\nname = \"{meter}\"\n", readers::digits(meter)));
            }
            let directory = dir.join(&name);
            let mut process = programs::bridge_with(&directory, &name, &text)?;
            if routers.is_none() {
                process.wait_for_port(zenoh, START)?;
            }
            process.wait_for_words("MQTT", START)?;
            let share = options.bridge_share.map(|part| Share::hold(process.id(), part));
            bridges.all.push(Bridge { _share: share, process, directory, name, page });
        }
        Ok(bridges)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Sends one of them a signal, by its name.
    ///
    /// # Errors
    /// It has ended.
    pub(super) fn signal(&self, number: usize, name: &str) -> Outcome {
        self.all[number].process.signal(name)
    }

    /// Starts one again that was told to end, with what it kept.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn start_again(&mut self, number: usize) -> Outcome {
        let bridge = &mut self.all[number];
        bridge.process.kill();
        programs::bridge_again(&mut bridge.process, &bridge.directory)
    }

    /// # Errors
    /// One has ended.
    pub(super) fn check(&mut self) -> Outcome {
        self.all.iter_mut().try_for_each(|bridge| bridge.process.check())
    }

    /// The processor time of all of them since they began.
    ///
    /// # Errors
    /// One has ended.
    pub(super) fn processor_time(&self) -> Outcome<Duration> {
        self.all.iter().map(|bridge| processor_time(bridge.process.id())).sum()
    }

    /// The resident memory of all of them, in kB.
    ///
    /// # Errors
    /// One has ended.
    pub(super) fn resident_kb(&self) -> Outcome<u64> {
        self.all.iter().map(|bridge| resident_kb(bridge.process.id())).sum()
    }

    /// How many samples they say to have published.
    ///
    /// # Errors
    /// A page does not answer.
    pub(super) fn samples_taken(&self) -> Outcome<u64> {
        self.all.iter().map(samples_taken).sum()
    }
}

/// How many samples a bridge says to have published, on its page: in a group the page of each has all members.
fn samples_taken(bridge: &Bridge) -> Outcome<u64> {
    let unreachable = || "the bridge's page does not answer".into();
    let mut page = TcpStream::connect(("127.0.0.1", bridge.page)).or_fail(Code::Unavailable, unreachable)?;
    page.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").or_fail(Code::Unavailable, unreachable)?;
    let mut text = String::new();
    page.read_to_string(&mut text).or_fail(Code::Unavailable, unreachable)?;
    number_of(&bridge.name, &text).ok_or_else(|| Failure::new(Code::Software, format!("the bridge's page has no {SAMPLES_TAKEN}")))
}

fn number_of(member: &str, metrics: &str) -> Option<u64> {
    let label = format!("{{member=\"{member}\"}}");
    let mut numbers = metrics.lines().filter_map(|line| line.strip_prefix(SAMPLES_TAKEN)?.rsplit_once(' '));
    numbers.find(|(labels, _)| labels.is_empty() || *labels == label)?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_group_each_member_says_its_own() {
        let group = "teleinfo_bridge_samples_taken_total{member=\"a\"} 12\nteleinfo_bridge_samples_taken_total{member=\"b\"} 30\n";
        assert_eq!(["a", "b", "c"].map(|member| number_of(member, group)), [Some(12), Some(30), None]);
        assert_eq!(number_of("a", "teleinfo_bridge_samples_taken_total 7\n"), Some(7));
    }
}
