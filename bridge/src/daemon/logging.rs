//! The log: one line per message on standard error.
//!
//! Under systemd each line begins with its priority (`sd-daemon(3)`), so that `journalctl -p warning` works; elsewhere with its level.
//! Our own level is set by the configuration; that of Zenoh and the other libraries apart, since they tell much that helps nobody.

use std::{env, fmt};

use serde::Deserialize;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{DefaultFields, Writer},
    },
    layer::SubscriberExt,
    registry::LookupSpan,
    util::SubscriberInitExt,
};

/// Our crate, as `tracing` names the origin of a message.
const OURS: &str = "teleinfo_bridge";

/// Parts of the libraries whose warnings say what the bridge says better: the MQTT plugin warns of passwords without TLS at each start, as
/// the configuration file does once; Zenoh warns of a router that is not there, in words that name no cause; and its admin space, which
/// nobody here asks, of a reader's connection that ended while it looked.
const QUIET: [&str; 3] = ["zenoh_plugin_mqtt", "zenoh::net::runtime::orchestrator", "zenoh::api::admin"];

/// Calls it an error when a message comes for a key or a question that it does not know any more, as while it is being closed. Nobody can do
/// anything about that, and what the bridge refuses itself it counts and says.
const SILENT: &str = "zenoh::api::session";

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verbosity {
    /// Only what makes the bridge give up.
    Error,
    /// And what someone should look after.
    Warn,
    /// And changes of state.
    Info,
    /// And what happens to each sample.
    Debug,
    /// Everything.
    Trace,
}

impl From<Verbosity> for Level {
    fn from(verbosity: Verbosity) -> Self {
        match verbosity {
            Verbosity::Error => Self::ERROR,
            Verbosity::Warn => Self::WARN,
            Verbosity::Info => Self::INFO,
            Verbosity::Debug => Self::DEBUG,
            Verbosity::Trace => Self::TRACE,
        }
    }
}

/// Starts logging, once per process; a second call changes nothing.
pub fn start(ours: Verbosity, libraries: Verbosity) {
    let filter = Targets::new().with_default(Level::from(libraries)).with_target(OURS, Level::from(ours));
    let filter = match libraries {
        Verbosity::Warn => {
            QUIET.iter().fold(filter, |filter, target| filter.with_target(*target, Level::ERROR)).with_target(SILENT, LevelFilter::OFF)
        }
        _ => filter,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .event_format(Lines { journal: env::var_os("JOURNAL_STREAM").is_some() });
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
}

/// The form of a line.
#[derive(Debug)]
struct Lines {
    journal: bool,
}

impl<S> FormatEvent<S, DefaultFields> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(&self, context: &FmtContext<'_, S, DefaultFields>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        if self.journal {
            write!(writer, "<{}>", priority(*metadata.level()))?;
        } else {
            write!(writer, "{:5} ", metadata.level())?;
        }
        if !metadata.target().starts_with(OURS) {
            write!(writer, "{}: ", metadata.target())?;
        }
        context.field_format().format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// The priorities of `syslog(3)`.
fn priority(level: Level) -> u8 {
    match level {
        Level::ERROR => 3,
        Level::WARN => 4,
        Level::INFO => 6,
        _ => 7,
    }
}
