//! Zenoh routers between a fleet and its bridge: one of each building, to which readers connect. The bridge is a guest of each of them, or of
//! one more that joins them. Each is a process of this program, since what it costs is to be counted.

use super::process::{processor_time, resident_kb};
use super::readers::FleetOptions;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use teleinfo_simulator::chain::process::{Process, free_port};
use teleinfo_simulator::chain::programs;
use teleinfo_simulator::failure::{Code, Failure, OrFail, Outcome};
use teleinfo_simulator::line::stop::Stop;
use teleinfo_zenoh_client::Locator;
use zenoh::{Config, Wait};

/// How long one may take to listen.
const START: Duration = Duration::from_secs(20);
/// Sessions beside those of readers: of the bridge and of other routers.
const OTHERS: usize = 100;
/// Connections that have not said yet who they are: a whole fleet comes at once.
const PENDING: usize = 1_000;
/// Of one message, as a reader has asked for. The pool of a session is a multiple of it, and all of it is touched.
const RECEIVE_BYTES: usize = 8_192;
/// A storm of connections takes the time of others: longer than this nothing may be silent.
const LEASE_MS: u64 = 10_000;

/// What one router is told.
#[derive(Debug, Clone)]
pub struct RouterOptions {
    /// Where it listens.
    pub listen: Locator,
    /// Another router, to which it connects.
    pub connect: Option<Locator>,
    /// Readers that it bears.
    pub readers: usize,
}

/// Is a router until it is time to stop.
///
/// # Errors
/// When the address cannot be had.
pub fn run(options: &RouterOptions, stop: &Stop) -> Outcome {
    let failed = |error: zenoh::Error| Failure::new(Code::Unavailable, format!("Zenoh does not start: {error}"));
    let session = zenoh::open(config(options).map_err(failed)?).wait().map_err(failed)?;
    while !stop.wait(Duration::from_secs(1)) {}
    session.close().wait().map_err(failed)
}

fn config(options: &RouterOptions) -> zenoh::Result<Config> {
    let mut config = Config::default();
    let connect: Vec<String> = options.connect.iter().map(ToString::to_string).collect();
    for (key, value) in [
        ("mode", serde_json::json!("router")),
        ("listen/endpoints", serde_json::json!([options.listen.to_string()])),
        ("connect/endpoints", serde_json::json!(connect)),
        ("scouting/multicast/enabled", serde_json::json!(false)),
        ("transport/link/tx/lease", serde_json::json!(LEASE_MS)),
        ("transport/link/rx/buffer_size", serde_json::json!(RECEIVE_BYTES)),
        ("transport/unicast/max_sessions", serde_json::json!(options.readers + OTHERS)),
        ("transport/unicast/accept_pending", serde_json::json!(PENDING)),
    ] {
        config.insert_json5(key, &value.to_string())?;
    }
    Ok(config)
}

/// Those between a fleet and its bridge.
#[derive(Debug)]
pub(super) struct Routers {
    all: Vec<Process>,
    /// Where readers connect to.
    pub buildings: Vec<Locator>,
    /// What joins them.
    centre: Option<Locator>,
}

impl Routers {
    /// Starts one for each of so many buildings, and one that joins them if that is wanted.
    ///
    /// # Errors
    /// When one does not start.
    pub(super) fn start(dir: &Path, options: &FleetOptions) -> Outcome<Self> {
        let mut routers = Self { all: Vec::new(), buildings: Vec::new(), centre: None };
        if options.joined {
            let centre = RouterOptions { listen: free_locator()?, connect: None, readers: 0 };
            routers.all.push(start(dir, "centre", &centre)?);
            routers.centre = Some(centre.listen);
        }
        for number in 0..options.routers {
            // A reader that loses its own router goes to another one.
            let building = RouterOptions { listen: free_locator()?, connect: routers.centre.clone(), readers: options.meters };
            routers.all.push(start(dir, &format!("building-{number}"), &building)?);
            routers.buildings.push(building.listen);
        }
        Ok(routers)
    }

    /// Where the bridge connects to.
    pub(super) fn of_bridge(&self) -> Vec<String> {
        self.centre.as_ref().map_or(&self.buildings[..], std::slice::from_ref).iter().map(ToString::to_string).collect()
    }

    /// The processor time of all of them since they began.
    ///
    /// # Errors
    /// One has ended.
    pub(super) fn processor_time(&self) -> Outcome<Duration> {
        self.all.iter().map(|router| processor_time(router.id())).sum()
    }

    /// The resident memory of all of them, in kB.
    ///
    /// # Errors
    /// One has ended.
    pub(super) fn resident_kb(&self) -> Outcome<u64> {
        self.all.iter().map(|router| resident_kb(router.id())).sum()
    }
}

impl Drop for Routers {
    fn drop(&mut self) {
        self.all.iter_mut().for_each(Process::stop);
    }
}

fn start(dir: &Path, name: &str, options: &RouterOptions) -> Outcome<Process> {
    let mut command = Command::new(programs::sibling("teleinfo-lab")?);
    command.args(["router", "--listen", &options.listen.to_string(), "--readers", &options.readers.to_string()]);
    if let Some(connect) = &options.connect {
        command.args(["--connect", &connect.to_string()]);
    }
    let port = port_of(&options.listen)?;
    let mut process = Process::start(name, &mut command, dir)?;
    process.wait_for_port(port, START)?;
    Ok(process)
}

fn free_locator() -> Outcome<Locator> {
    format!("tcp/127.0.0.1:{}", free_port()?).parse().map_err(|_| Failure::new(Code::Software, "no locator"))
}

fn port_of(locator: &Locator) -> Outcome<u16> {
    let text = locator.to_string();
    let port = text.rsplit_once(':').map_or("", |(_, port)| port);
    port.parse().or_fail(Code::Software, || format!("{text} has no port"))
}
