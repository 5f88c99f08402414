//! Is the bridge reachable, and does it take our password: asked of the bridge itself, with the client that the reader uses.

use std::{
    fs, io,
    path::Path,
    time::{Duration, Instant},
};

use mio::{Events, Poll, Token};
use teleinfo_zenoh_client::{Client, Credentials, Error, Event, Failures, Options};

use super::{machine::Machine, report::Report};
use crate::{
    config::{Settings, credentials},
    daemon::exit::{Code, Failure},
    uplink::trouble,
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
        // Its words say what to compare.
        Err(Trouble::Password(words)) => report.wrong("password", Code::Permission, &words, &[]),
        Err(Trouble::Bridge(words)) => {
            let advice = [
                "on the bridge's machine:",
                "$ systemctl status teleinfo-bridge",
                "same network? no firewall on port 7447? here: [zenoh] connect in reader.toml, or --connect",
                "meanwhile the reader keeps the values",
            ];
            report.wrong("bridge", Code::Unavailable, &words, &advice);
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
