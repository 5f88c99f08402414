//! The command line. Flags win over the environment, and it wins over the configuration file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use teleinfo_proto::{seal::Fingerprint, tic::MeterId};

use crate::words::{language::Language, scope::Scope};

/// Takes the samples of teleinfo readers from Zenoh and publishes them over MQTT, ready for Home Assistant.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "teleinfo-bridge", version)]
pub struct Cli {
    /// What to do, if not to bridge.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Configuration file [default: /etc/teleinfo/bridge.toml if it exists]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Where readers reach this bridge (a Zenoh locator such as `tcp/[::]:7447`); may be repeated
    #[arg(long, value_name = "LOCATOR")]
    pub listen: Vec<String>,
    /// The broker, `mqtt://[user@]host[:port]` or `mqtts://...`, or `embedded` to run without one
    #[arg(long, value_name = "URL|embedded", global = true)]
    pub mqtt: Option<String>,
    /// The language of the journal [default: the file, else LANG, else fr] and of doctor, adopt and import [default: LANG, else fr]
    #[arg(long, value_name = "fr|en", global = true)]
    pub language: Option<Language>,
    /// Check the configuration, say what is wrong with it and where each value comes from, and end
    #[arg(long)]
    pub check_config: bool,
}

/// What this program does besides bridging.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Look at broker, bridge, Home Assistant and meters, and say what is wrong
    Doctor,
    /// Put what Home Assistant recorded of another program before our own energy; without --write only say what would be done
    Adopt(Adopt),
    /// Fill the memory of the page with the hours that Home Assistant has and it has not; without --write only say what would be done
    Import(Import),
    /// Believe one more reader for a meter: a second one, or a new one after its card or its key was lost
    Accept {
        /// 12 digits, the meter's ADCO or ADSC
        #[arg(required_unless_present = "list")]
        meter: Option<MeterId>,
        /// The five words that `teleinfo-reader doctor` shows; without them the next reader that comes
        words: Option<Fingerprint>,
        /// Say which readers are believed for which meters
        #[arg(long, exclusive = true)]
        list: bool,
    },
    /// Show the code that lets a reader in where zenoh.pairing is "code": to be typed there, `teleinfo-reader accept CODE`
    Code,
    /// No longer believe a reader of a meter: one that was sold, lost or stolen
    Refuse {
        /// 12 digits, the meter's ADCO or ADSC
        meter: MeterId,
        /// Its five words, as `accept --list` shows them
        words: Fingerprint,
    },
    /// Take what the broker and this machine keep of a meter away, or of everything; stop the bridge first
    Forget {
        /// 12 digits, the meter's ADCO or ADSC; or `all`
        #[arg(value_name = "METER|all")]
        what: Scope,
        /// The bridge is stopped, although the broker says that it is online
        #[arg(long = "stopped")]
        is_stopped: bool,
    },
}

/// What is to be joined, and whether.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Adopt {
    /// A statistic of the other program and one of ours, such as `linky:01234567890123 sensor.linky_energy_total` [default: all that show the
    /// same index of the meter]
    #[arg(value_names = ["OLD", "OURS"], num_args = 2)]
    pub names: Vec<String>,
    /// Write it; without this only what would be written is said
    #[arg(long)]
    pub write: bool,
    /// Take back what was written
    #[arg(long, conflicts_with = "write")]
    pub undo: bool,
}

/// What the memory is filled with, and whether.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Import {
    /// A statistic of another program and one of ours, such as `sensor.linkytic_base sensor.linky_energy_base` [default: ours, and all that show the same
    /// index of the meter]
    #[arg(value_names = ["OLD", "OURS"], num_args = 2)]
    pub names: Vec<String>,
    /// Write it; without this only what would be written is said
    #[arg(long)]
    pub write: bool,
}
