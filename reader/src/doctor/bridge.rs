//! Is the bridge reachable, and does it take our password: asked of the bridge itself, with the client that the reader uses.

use std::{
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

use mio::{Events, Poll, Token};
use teleinfo_zenoh_client::{Client, Credentials, Event, Options};

use super::{Machine, report::Report};
use crate::{
    config::{Settings, credentials},
    daemon::exit::{Code, Failure},
};

/// Where the package's unit has the password, which only root may read.
const STORE: &str = "etc/credstore/teleinfo-reader.zenoh-password";
/// One round of all locators, mostly.
const PATIENCE: Duration = Duration::from_secs(6);

/// Connects once, and says what became of it.
pub(super) fn check(report: &mut Report<'_>, settings: &Settings, machine: &Machine) {
    let credentials = match credentials(settings, &machine.root) {
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
        // The client's words for a refusal say what to compare.
        Err(reason) if reason.contains("password") => report.wrong("password", Code::Permission, &reason, &[]),
        Err(reason) => {
            let advice = [
                "on the bridge's machine:",
                "$ systemctl status teleinfo-bridge",
                "same network? no firewall on port 7447? here: [zenoh] connect in reader.toml, or --connect",
                "meanwhile the reader keeps the values",
            ];
            report.wrong("bridge", Code::Unavailable, &reason, &advice);
        }
    }
}

/// As the service has them, even where it gets them from systemd.
fn credentials(settings: &Settings, root: &Path) -> Result<Option<Credentials>, Failure> {
    let Some(user) = &settings.user else { return Ok(None) };
    if let Some(password) = credentials::zenoh_password(settings.password_file.as_deref())? {
        return Ok(Some(Credentials::new(user, password)));
    }
    let store = root.join(STORE);
    match fs::read_to_string(&store) {
        Ok(text) => Ok(Some(Credentials::new(user, text.trim_end_matches(['\r', '\n'])))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(Failure::new(Code::Config, format!("zenoh.user is set, but there is no password in {}", store.display())))
        }
        Err(error) => Err(Failure::new(Code::Permission, format!("{}: {error}", store.display()))),
    }
}

/// Where, and whether a password was asked for and taken; or why not.
fn connect(options: Options) -> Result<(String, bool), String> {
    let start = Instant::now();
    let mut poll = Poll::new().map_err(|error| error.to_string())?;
    let mut events = Events::with_capacity(16);
    let registry = poll.registry().try_clone().map_err(|error| error.to_string())?;
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
                Event::Disconnected { reason, .. } => return Err(reason),
                Event::Query(_) | Event::Room => {}
            }
        }
        let due = client.poll_timeout(now).unwrap_or(start + PATIENCE).min(start + PATIENCE);
        match poll.poll(&mut events, Some(due.saturating_duration_since(now))) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.to_string()),
            _ => {}
        }
        let now = Instant::now();
        for event in &events {
            client.handle_event(now, event);
        }
    }
    Err(format!("no answer within {} s", PATIENCE.as_secs()))
}
