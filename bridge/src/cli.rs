//! The command line. Flags win over the configuration file.

use std::path::PathBuf;

use clap::Parser;

/// Takes the samples of teleinfo readers from Zenoh and publishes them over MQTT, ready for Home Assistant.
#[derive(Debug, Clone, Default, Parser)]
#[command(name = "teleinfo-bridge", version)]
pub struct Cli {
    /// Configuration file [default: /etc/teleinfo/bridge.toml if it exists]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where readers reach this bridge (a Zenoh locator such as `tcp/[::]:7447`); may be repeated
    #[arg(long, value_name = "LOCATOR")]
    pub listen: Vec<String>,
    /// The broker, `mqtt://[user@]host[:port]` or `mqtts://...`, or `embedded` to run without one
    #[arg(long, value_name = "URL|embedded")]
    pub mqtt: Option<String>,
    /// Check the configuration, say what is wrong with it, and end
    #[arg(long)]
    pub check_config: bool,
}
