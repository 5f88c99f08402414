//! Is the bridge reachable, and does it take our password: asked of the bridge itself, with the client that the reader uses.

use std::{
    io,
    time::{Duration, Instant},
};

use mio::{Events, Poll, Token};
use teleinfo_zenoh_client::{Client, Error, Event, Failures, Locator, Options};

use teleinfo_people::report::{Advice, Report};

use super::machine::Machine;
use crate::{
    config::{Settings, credentials::Asker},
    daemon::exit::ExitCode,
    language::{Language, Sentence, Words},
    uplink::trouble,
};

/// One round of all locators, mostly.
const PATIENCE: Duration = Duration::from_secs(6);

const BRIDGE: Words = Words::new("bridge", "passerelle");
const PASSWORD: Words = Words::new("password", "mot de passe");
const ROOT_MAY: Words = Words::new("root may read it:", "root peut le lire :");
const ANSWERS: Words = Words::new("{} answers", "{} répond");
const ACCEPTED: Words = Words::new("accepted", "accepté");
const NOT_ASKED: Words = Words::new("the bridge asks for none", "la passerelle n'en demande pas");
const NONE_NEEDED: Words = Words::new("none needed", "aucun n'est nécessaire");
const THERE: Words = Words::new("on the bridge's machine:", "sur la machine de la passerelle :");
const SAME_NETWORK: Words = Words::new(
    "same network? no firewall on port 7447? here: [zenoh] connect in reader.toml, or --connect",
    "même réseau ? aucun pare-feu sur le port 7447 ? ici : [zenoh] connect dans reader.toml, ou --connect",
);
const KEPT: Words = Words::new("meanwhile the reader keeps the values", "en attendant, le lecteur garde les valeurs");
const NO_ANSWER: Words = Words::new("no answer within {} s", "pas de réponse en {} s");

/// Connects once, and says what became of it.
pub(super) fn check(report: &mut Report<'_>, settings: &Settings, machine: &Machine) {
    let credentials = match settings.credentials(Asker::Inspector(&machine.root)) {
        Ok(credentials) => credentials,
        Err(failure) => {
            let advice = [report.advise(ROOT_MAY, &[]), Advice::Type("sudo teleinfo-reader doctor".into())];
            return report.wrong(PASSWORD, failure.code, &Sentence::of(&failure.message), &advice);
        }
    };
    let known = credentials.is_some();
    match connect(
        Options { locators: settings.connect.clone(), credentials, local: Some(Locator::this_machine()), ..Options::default() },
        report.language(),
    ) {
        Ok((locator, authenticated)) => {
            report.good(BRIDGE, &report.say(ANSWERS, &[&locator]));
            match (authenticated, known) {
                (true, _) => report.good(PASSWORD, &report.say(ACCEPTED, &[])),
                (false, true) => report.good(PASSWORD, &report.say(NOT_ASKED, &[])),
                (false, false) => report.skip(PASSWORD, &report.say(NONE_NEEDED, &[]), &[]),
            }
        }
        // Its words say what to compare.
        Err(Trouble::Password(words)) => report.wrong(PASSWORD, ExitCode::Permission, &words, &[]),
        Err(Trouble::Bridge(words)) => {
            let advice = [
                report.advise(THERE, &[]),
                Advice::Type("systemctl status teleinfo-bridge".into()),
                report.advise(SAME_NETWORK, &[]),
                report.advise(KEPT, &[]),
            ];
            report.wrong(BRIDGE, ExitCode::Unavailable, &words, &advice);
        }
    }
}

/// Why there is no connection, in words.
enum Trouble {
    /// A router has answered, and wants a user and a password that it has not got.
    Password(Sentence),
    Bridge(Sentence),
}

impl Trouble {
    fn of(failures: &Failures, language: Language) -> Self {
        let password = |error: &Error| matches!(error, Error::PasswordMissing | Error::PasswordRefused | Error::PasswordNotAsked);
        let words = trouble::of_locators(failures, language);
        if failures.iter().any(|(_, error)| password(error)) { Self::Password(words) } else { Self::Bridge(words) }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Bridge(Sentence::of(error))
    }
}

/// Where, and whether a password was asked for and taken; or why not.
fn connect(options: Options, language: Language) -> Result<(String, bool), Trouble> {
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
                Event::Disconnected { failures, .. } => return Err(Trouble::of(&failures, language)),
                Event::NoRouter { group } => return Err(Trouble::Bridge(trouble::of_scouting(group, language))),
                Event::Query(_) | Event::Publication(_) | Event::Room => {}
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
    Err(Trouble::Bridge(NO_ANSWER.say(language, &[&PATIENCE.as_secs()])))
}
