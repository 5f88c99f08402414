//! `accept METER [WORDS]`, for a person whose reader has another key: its card died, or it was exchanged.

use std::{
    io::{self, Write},
    path::PathBuf,
};

use teleinfo_proto::tic::MeterId;

use crate::{
    daemon::exit::{ExitCode, Failure},
    seal::accept::leave,
    store::positions,
};

/// The state directory of the unit, where systemd has not named one.
pub const STATE_DIRECTORY: &str = "/var/lib/teleinfo-bridge";

/// Leaves word for the bridge, and says on standard output what happens next.
///
/// # Errors
/// The words are no fingerprint, or the state directory cannot be written.
pub fn accept(meter: MeterId, words: Option<&str>) -> Result<(), Failure> {
    let words = words.map(str::parse).transpose().map_err(|error| Failure::new(ExitCode::Usage, format!("{error}")))?;
    let directory = positions::directory("STATE_DIRECTORY").unwrap_or_else(|| PathBuf::from(STATE_DIRECTORY));
    leave(&directory, meter, words).map_err(|error| {
        let text = format!("{}: {error}; as root: sudo teleinfo-bridge accept ...", directory.display());
        Failure::new(ExitCode::Permission, text)
    })?;
    let who = words.map_or_else(|| "the next reader that comes".into(), |words| format!("the reader {words}"));
    let _ = writeln!(
        io::stdout(),
        "meter {meter}: {who} is accepted, within some seconds if the bridge runs; a running reader asks once a minute"
    );
    Ok(())
}
