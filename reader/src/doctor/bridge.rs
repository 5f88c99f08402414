//! Is the bridge reachable, and does it take our password: asked of the bridge itself, with the client that the reader uses.

use std::{
    io,
    time::{Duration, Instant},
};

use mio::{Events, Poll, Token};
use teleinfo_zenoh_client::{Client, Error, Event, Failures, Options};

use super::{machine::Machine, report::Report};
use crate::{
    config::{Settings, credentials::Asker},
    daemon::exit::ExitCode,
    uplink::trouble,
};

/// One round of all locators, mostly.
const PATIENCE: Duration = Duration::from_secs(6);

/// Connects once, and says what became of it.
pub(super) fn check(report: &mut Report<'_>, settings: &Settings, machine: &Machine) {
    let credentials = match settings.credentials(Asker::Inspector(&machine.root)) {
        Ok(credentials) => credentials,
        Err(failure) => {
            let advice = ["root may read it:", "$ sudo teleinfo-reader doctor"];
            return report.wrong("password", failure.code, &failure.message, &advice);
        }
    };
    let known = credentials.is_some();
    match connect(Options { locators: settings.connect.clone(), credentials, ..Options::default() }) {
        Ok((locator, authenticated)) => {
            report.good("bridge", &format!("{locator} answers"));
            match (authenticated, known) {
                (true, _) => report.good("password", "accepted"),
                (false, true) => report.good("password", "the bridge asks for none"),
                (false, false) => report.skip("password", "none needed"),
            }
        }
        // Its words say what to compare.
        Err(Trouble::Password(words)) => report.wrong("password", ExitCode::Permission, &words, &[]),
        Err(Trouble::Bridge(words)) => {
            let advice = [
                "on the bridge's machine:",
                "$ systemctl status teleinfo-bridge",
                "same network? no firewall on port 7447? here: [zenoh] connect in reader.toml, or --connect",
                "meanwhile the reader keeps the values",
            ];
            report.wrong("bridge", ExitCode::Unavailable, &words, &advice);
        }
    }
}

/// Why there is no connection, in words.
enum Trouble {
    /// A router has answered, and wants a user and a password that it has not got.
    Password(String),
    Bridge(String),
}

impl From<&Failures> for Trouble {
    fn from(failures: &Failures) -> Self {
        let password = |error: &Error| matches!(error, Error::PasswordMissing | Error::PasswordRefused);
        let words = trouble::of_locators(failures);
        if failures.iter().any(|(_, error)| password(error)) { Self::Password(words) } else { Self::Bridge(words) }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Bridge(error.to_string())
    }
}

/// Where, and whether a password was asked for and taken; or why not.
fn connect(options: Options) -> Result<(String, bool), Trouble> {
    let start = Instant::now();
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(16);
    let registry = poll.registry().try_clone()?;
    let mut client = Client::new(registry, Token(0), options, start);
    while start.elapsed() < PATIENCE {
        let now = Instant::now();
        client.handle_timeout(now);
        while let Some(event) = client.poll_event() {
            match event {
                Event::Connected { locator, authenticated } => {
                    client.close(now);
                    return Ok((locator.to_string(), authenticated));
                }
                Event::Disconnected { failures, .. } => return Err(Trouble::from(&failures)),
                Event::NoRouter { group } => return Err(Trouble::Bridge(trouble::of_scouting(group))),
                Event::Query(_) | Event::Room => {}
            }
        }
        let due = client.poll_timeout(now).unwrap_or(start + PATIENCE).min(start + PATIENCE);
        match poll.poll(&mut events, Some(due.saturating_duration_since(now))) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            _ => {}
        }
        let now = Instant::now();
        for event in &events {
            client.handle_event(event, now);
        }
    }
    Err(Trouble::Bridge(format!("no answer within {} s", PATIENCE.as_secs())))
}
