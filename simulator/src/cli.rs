//! The command line.

use crate::fault::{self, Fault};
use crate::line::speed::Speed;
use crate::meter::change::{Change, PlannedChange, is_address};
use crate::meter::tariff::clock::parse_start;
use crate::meter::tariff::contract::Contract;
use crate::meter::{FirstRegisters, MeterOptions};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use teleinfo_proto::tic::Mode;

/// A Linky meter on a pseudo-terminal, a replayer of captures, a decoder for the desk, a demonstration.
#[derive(Debug, Parser)]
#[command(name = "teleinfo-simulator", version, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What the simulator can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Plays recorded frames on a pseudo-terminal
    Replay(ReplayArgs),
    /// A meter in a house, on a pseudo-terminal
    Meter(MeterArgs),
    /// Prints what is in a capture: one JSON object per line and frame
    Decode(DecodeArgs),
    /// A meter, the reader and the bridge with its embedded MQTT side; shows what comes out
    Demo(DemoArgs),
}

/// The line that a reader opens.
#[derive(Debug, Args)]
pub struct LineArgs {
    /// Makes PATH a symbolic link to the terminal that the reader opens
    #[arg(long, value_name = "PATH")]
    pub pty: PathBuf,
    /// How many times faster than a real line; max = as fast as the reader takes it
    #[arg(long, value_name = "X|max", default_value = "1")]
    pub speed: Speed,
    /// Parity in bit 7, as a UART opened 8N1 shows it, or taken off
    #[arg(long, default_value = "none")]
    pub parity: ParityArg,
    #[arg(long = "fault", value_name = "NAME=RATE[:SECONDS]", help = "Damages the line, seeded; may be repeated", long_help = fault::help())]
    #[expect(missing_docs, reason = "the help text comes from the table of faults")]
    pub faults: Vec<Fault>,
}

/// Whether bit 7 carries parity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ParityArg {
    /// Bit 7 makes the number of ones even.
    Even,
    /// Bit 7 is 0.
    None,
}

/// `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Captures, played one after the other
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "documented at its type")]
    pub line: LineArgs,
    /// Begins again at the end
    #[arg(long = "loop")]
    pub again: bool,
    /// Decides where faults strike
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// `meter`.
#[derive(Debug, Args)]
pub struct MeterArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "documented at its type")]
    pub line: LineArgs,
    #[command(flatten)]
    #[expect(missing_docs, reason = "documented at its type")]
    pub meter: HouseArgs,
    /// Writes what was really sent to FILE, one JSON object per line and frame
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Ends after this many frames
    #[arg(long, value_name = "N")]
    pub frames: Option<u64>,
}

/// A meter and its house.
#[derive(Debug, Args)]
pub struct HouseArgs {
    /// What it speaks
    #[arg(long, default_value = "standard", value_parser = parse_mode, value_name = "historic|standard")]
    pub mode: Mode,
    /// What it is programmed for: base, hc, ejp, tempo, weekend or super
    #[arg(long, default_value = "base", value_parser = Contract::find, value_name = "NAME")]
    pub contract: &'static Contract,
    /// Phases
    #[arg(long, default_value = "1", value_parser = parse_phases, value_name = "1|3")]
    pub phases: usize,
    /// Panels on the roof, and a meter in producer mode
    #[arg(long)]
    pub producer: bool,
    /// Decides the house, the special days, the first indexes, the serial number and the faults
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The meter's address, 12 digits
    #[arg(long, value_name = "12DIGITS", value_parser = parse_id)]
    pub id: Option<String>,
    /// The meter's first second, as 2024-01-07T17:58:10 (French legal time) or @SECONDS since 1970; default now
    #[arg(long, value_name = "TIME", value_parser = parse_start)]
    pub start: Option<i64>,
    /// Subscribed power; a small one is often exceeded
    #[arg(long, value_name = "KVA", value_parser = clap::value_parser!(u8).range(1..=36))]
    pub power: Option<u8>,
    /// Cut-off power; default the subscribed one
    #[arg(long, value_name = "KVA", value_parser = clap::value_parser!(u8).range(1..=36))]
    pub cut_off: Option<u8>,
    /// The first value of the index in use; the others are 0
    #[arg(long, value_name = "WH", value_parser = clap::value_parser!(u64).range(..1_000_000_000))]
    pub index: Option<u64>,
    /// The first values of these registers, EASF01 to EASF10 and EAIT; the others are 0: a meter that has had other contracts
    #[arg(long, value_name = "LABEL=WH,...", conflicts_with = "index")]
    pub registers: Option<FirstRegisters>,
    /// How many times as much the house draws and injects as such a house usually does
    #[arg(long, value_name = "X", value_parser = parse_load, default_value = "1")]
    pub load: f64,
    /// Changes WHAT after this time on the line, may be repeated: historic, standard, a contract, producer, or the 12 digits of the
    /// meter that takes its place. The registers go on, but those of another meter, which begin at 0
    #[arg(long = "change", value_name = "SECONDS=WHAT")]
    pub changes: Vec<PlannedChange>,
    /// Changes to the other mode after this time on the line
    #[arg(long, value_name = "SECONDS")]
    pub switch_after: Option<f64>,
    /// MSG1, and in the first frame MSG2
    #[arg(long, value_name = "TEXT", value_parser = parse_message)]
    pub message: Option<String>,
}

impl HouseArgs {
    /// The meter that these arguments describe.
    #[must_use]
    pub fn options(&self) -> MeterOptions {
        MeterOptions {
            mode: self.mode,
            contract: self.contract,
            phases: self.phases,
            producer: self.producer,
            seed: self.seed,
            id: self.id.clone(),
            start: self.start.unwrap_or_else(now),
            power: self.power,
            cut_off: self.cut_off,
            index: self.index,
            registers: self.registers.clone(),
            load: self.load,
            changes: self.changes.iter().cloned().chain(self.switch()).collect(),
            message: self.message.clone(),
        }
    }

    fn switch(&self) -> Option<PlannedChange> {
        let other = if self.mode == Mode::Historic { Mode::Standard } else { Mode::Historic };
        let after = Duration::try_from_secs_f64(self.switch_after?).ok()?;
        Some(PlannedChange { after, change: Change::Mode(other) })
    }
}

/// `decode`.
#[derive(Debug, Args)]
pub struct DecodeArgs {
    /// The capture; - is standard input
    #[arg(default_value = "-")]
    pub file: PathBuf,
    /// Whether bit 7 carries parity; default: found from the bytes
    #[arg(long)]
    pub parity: Option<ParityArg>,
}

/// `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "documented at its type")]
    pub meter: HouseArgs,
    /// How many times faster than a real line
    #[arg(long, value_name = "X", default_value = "1")]
    pub speed: Speed,
    /// Ends after this time
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<u64>,
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

/// The mode of this name.
///
/// # Errors
/// When there is no such mode; the words say which there are.
pub fn parse_mode(text: &str) -> Result<Mode, String> {
    match text {
        "historic" => Ok(Mode::Historic),
        "standard" => Ok(Mode::Standard),
        _ => Err("historic or standard".into()),
    }
}

fn parse_load(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|load| (0.0..=10.0).contains(load)).ok_or("a number from 0 to 10".into())
}

fn parse_phases(text: &str) -> Result<usize, String> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        _ => Err("1 or 3".into()),
    }
}

fn parse_id(text: &str) -> Result<String, String> {
    is_address(text).then(|| text.to_owned()).ok_or_else(|| "12 digits".into())
}

fn parse_message(text: &str) -> Result<String, String> {
    let plain = text.len() <= 32 && text.bytes().all(|byte| (0x20..0x7F).contains(&byte));
    plain.then(|| text.to_owned()).ok_or_else(|| "at most 32 plain ASCII characters".into())
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
            "replay a.tic b.tic --pty /tmp/x --speed max --loop --parity even",
            "meter --pty /tmp/x",
            "meter --pty /tmp/x --mode historic --contract tempo --phases 3 --producer --speed 10 --seed 4 --id 012345678912 --parity none",
            "meter --pty /tmp/x --registers EASF01=15506794,EASF03=107312,EAIT=55 --change 60=tempo --change 90.5=standard --change 99=900061000009",
            "meter --pty /tmp/x --fault flip=0.001 --fault silence=0.01:30 --start 2024-01-07T17:58:10 --truth /tmp/t",
            "decode",
            "decode -",
            "decode x.tic",
            "demo",
            "demo --seconds 5 --mode historic --speed 2",
        ] {
            let args = std::iter::once("teleinfo-simulator").chain(line.split(' '));
            assert!(Cli::try_parse_from(args).is_ok(), "{line}");
        }
    }
}
