//! The command line: one subcommand for each experiment.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use teleinfo_proto::tic::Mode;
use teleinfo_simulator::cli::parse_mode;
use teleinfo_simulator::line::speed::Speed;
use teleinfo_zenoh_client::Locator;

/// Experiments for maintainers: many readers at once, latency, corrupted frames, captures through the whole chain.
#[derive(Debug, Parser)]
#[command(name = "teleinfo-lab", version, max_term_width = 100)]
pub struct Cli {
    /// Which experiment.
    #[command(subcommand)]
    pub command: Command,
}

/// The experiments.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Many readers with a meter each, for load tests of a bridge
    Fleet(FleetArgs),
    /// Takes members of a group of bridges away under a fleet, and prints for how long which meters were silent (needs mosquitto)
    Failover(FailoverArgs),
    /// Is a Zenoh router until it is stopped, as the one of a building
    Router(RouterArgs),
    /// Measures the way from the serial line to an MQTT subscriber, of a dataset and of a frame, beside a bare loop (needs mosquitto)
    Latency(LatencyArgs),
    /// Plays captures through reader, bridge and Mosquitto and prints what became of their datasets
    ChainTable(ChainTableArgs),
    /// Corrupts frames by the hundred thousand and counts what decoder and filter make of them
    Corrupt(CorruptArgs),
    /// Lets batteries keep the grid at 0 W behind the whole chain, at line speed, beside the same ones behind rarer values (needs mosquitto)
    Steer(SteerArgs),
}

/// `fleet`.
#[derive(Debug, Args)]
pub struct FleetArgs {
    /// The bridge or router, as tcp/192.168.1.10:7447; may be repeated, then each reader begins with another one. Without it: a bridge and a Mosquitto of its own for each row of a table
    #[arg(long, value_name = "LOCATOR")]
    pub connect: Vec<Locator>,
    /// How many meters; without --connect one row for each of these numbers
    #[arg(long, required = true, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub meters: Vec<u32>,
    /// Samples a second of each; without --connect one row for each of these numbers
    #[arg(long, value_name = "HZ", default_value = "1", value_delimiter = ',', value_parser = parse_rate)]
    pub rate: Vec<f64>,
    /// Ends after this time; without --connect, after this time with all meters there
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub seconds: u64,
    /// Samples that each reader keeps, for a bridge that asks for what it missed
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub history: usize,
    /// Ends after so many samples of each
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Decides the meters
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Lets no more than so many bytes a second through to the broker: what becomes of more than can go out; not with --connect
    #[arg(long, value_name = "BYTES", conflicts_with = "connect", value_parser = clap::value_parser!(u64).range(1_000..))]
    pub broker_bytes: Option<u64>,
    /// Lets the bridge have no more than so many processors, as 0.4: what becomes of more than it can take; not with --connect
    #[arg(long, value_name = "PROCESSORS", conflicts_with = "connect", value_parser = parse_share)]
    pub bridge_share: Option<f64>,
    /// Puts Zenoh routers of so many buildings between the readers and the bridge, which is a guest of each; not with --connect
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "connect", value_parser = clap::value_parser!(u16).range(0..=100))]
    pub routers: u16,
    /// Puts a group of so many bridges at these routers instead of one; their costs are those of all together
    #[arg(long, value_name = "N", default_value_t = 1, requires = "routers", value_parser = clap::value_parser!(u8).range(1..=4))]
    pub bridges: u8,
    /// Joins these routers by one more, and makes the bridge a guest of that one alone: what a network costs in which each router hears of all readers
    #[arg(long, requires = "routers")]
    pub joined: bool,
    /// Writes a plot of the rows, by what was sent, as SVG; not with --connect
    #[arg(long, value_name = "FILE", conflicts_with = "connect")]
    pub plot: Option<PathBuf>,
}

/// `failover`.
#[derive(Debug, Args)]
pub struct FailoverArgs {
    /// How many meters
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub meters: u32,
    /// Samples a second of each
    #[arg(long, value_name = "HZ", default_value = "1", value_parser = parse_rate)]
    pub rate: f64,
    /// Zenoh routers of so many buildings, at which readers and bridges are
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=100))]
    pub routers: u16,
    /// Members of the group
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=4))]
    pub bridges: u8,
    /// From one thing that happens to the next
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    pub seconds: u64,
    /// Writes a plot of it, as SVG
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
}

/// `router`.
#[derive(Debug, Args)]
pub struct RouterArgs {
    /// Where it listens, as tcp/127.0.0.1:7447
    #[arg(long, value_name = "LOCATOR")]
    pub listen: Locator,
    /// Another router, to which it connects
    #[arg(long, value_name = "LOCATOR")]
    pub connect: Option<Locator>,
    /// How many readers it bears
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    pub readers: u32,
}

/// `latency`.
#[derive(Debug, Args)]
pub struct LatencyArgs {
    /// Only this mode; default both
    #[arg(long, value_parser = parse_mode, value_name = "historic|standard")]
    pub mode: Option<Mode>,
    /// Frames of each mode
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub frames: u64,
    /// How many times faster than a real line
    #[arg(long, value_name = "X", default_value = "1")]
    pub speed: Speed,
}

/// `chain-table`.
#[derive(Debug, Args)]
pub struct ChainTableArgs {
    /// Where the captures are: its *.tic
    pub directory: PathBuf,
    /// A checker to compare with: a Python program that prints "groups ok N"
    #[arg(long, value_name = "FILE")]
    pub checker: Option<PathBuf>,
    /// How many times faster than a real line
    #[arg(long, value_name = "X", default_value = "1")]
    pub speed: Speed,
}

/// `corrupt`.
#[derive(Debug, Args)]
pub struct CorruptArgs {
    /// Frames for each kind of damage, mode and parity: 44 rows
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub frames: u64,
    /// Decides meters and damage
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// `steer`.
#[derive(Debug, Args)]
pub struct SteerArgs {
    /// How long the cloudy noon lasts, in s; the whole takes some four minutes and the learning more
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u32).range(60..=86_400))]
    pub seconds: u32,
    /// How long the meter is read before, in another such noon, in s: the bridge learns the house's power factor meanwhile
    #[arg(long, value_name = "SECONDS", default_value_t = 40, value_parser = clap::value_parser!(u32).range(40..=86_400))]
    pub learning: u32,
    /// Writes a plot of the smaller battery in standard mode, as SVG
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.001..=10_000.0).contains(rate));
    rate.ok_or_else(|| "a number between 0.001 and 10000".into())
}

fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.01..=16.0).contains(share));
    share.ok_or_else(|| "a number between 0.01 and 16".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_documented_form_parses() {
        for line in [
            "latency --frames 10",
            "chain-table captures --checker check.py",
            "corrupt --frames 100 --seed 3",
            "steer --seconds 120 --learning 900 --plot loop.svg",
            "fleet --connect tcp/192.168.1.10:7447 --meters 10",
            "fleet --meters 10,100,1000 --rate 1,3 --seconds 20",
            "fleet --meters 100 --rate 1,2,4 --broker-bytes 300000",
            "fleet --meters 1000 --rate 1,2,3 --routers 4 --bridge-share 0.4",
            "fleet --meters 10000 --rate 0.1 --routers 5",
            "fleet --meters 2000 --routers 4 --joined --history 60",
            "fleet --meters 2000 --routers 4 --bridges 2",
            "fleet --meters 2000 --rate 1,2,3 --plot fleet.svg",
            "failover --meters 1000 --routers 4 --bridges 2 --rate 0.5 --seconds 30 --plot failover.svg",
            "router --listen tcp/127.0.0.1:7447 --connect tcp/127.0.0.1:7448 --readers 2000",
            "fleet --connect tcp/192.168.1.10:7447 --meters 10 --rate 0.5 --seconds 5 --count 3",
        ] {
            let args = std::iter::once("teleinfo-lab").chain(line.split(' '));
            assert!(Cli::try_parse_from(args).is_ok(), "{line}");
        }
    }
}
