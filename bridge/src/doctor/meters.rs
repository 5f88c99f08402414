//! What is said of each meter: is it being read, how well, does Home Assistant know of it.

use serde_json::Value;
use teleinfo_people::report::{Advice, Report};
use teleinfo_proto::{
    tic::{Label, Mode, Role},
    wire::Cause,
};

use crate::{
    daemon::exit::ExitCode,
    doctor::broker::Findings,
    meter::reception::UNREACHABLE,
    words::{
        cause,
        language::{Language, Sentence, Words},
        printable::printable,
        topics::{OFFLINE, ONLINE, Topics},
    },
};

const READERS: Words = Words::new("readers", "lecteurs");
const NEVER: Words = Words::new("no meter has ever been read by this bridge", "aucun compteur n'a jamais été lu par cette passerelle");
const AT_THE_METER: Words = Words::new("at the meter, on the reader's machine:", "au compteur, sur la machine du lecteur :");
const MAY_IT_CONNECT: Words = Words::new(
    "may it connect? see zenoh.listen, zenoh.users-file and the firewall (port 7447) here",
    "peut-il se connecter ? voir ici zenoh.listen, zenoh.users-file et le pare-feu (port 7447)",
);
const METER: Words = Words::new("meter", "compteur");
const BY: Words = Words::new(", by the reader on {}", ", par le lecteur de {}");
const NOT_KNOWN: Words = Words::new("{}{}: not known while the bridge is away", "{}{} : on ne sait pas tant que la passerelle est absente");
const NOT_READ: Words = Words::new("{} is not being read{}: {}", "{} n'est pas lu{} : {}");
const READER_AWAY: Words =
    Words::new("its reader is away: no power, no network, or stopped", "son lecteur est absent : sans courant, sans réseau, ou arrêté");
const NOT_SAID: Words = Words::new("the reader has not said why", "le lecteur n'a pas dit pourquoi");
const IS_READ: Words = Words::new("{} is being read{}{}{}", "{} est lu{}{}{}");
const POWER: Words = Words::new(", {} VA now", ", {} VA en ce moment");
const RECEPTION: Words = Words::new(", {} % of its frames good", ", {} % de ses trames bonnes");
const LINE: Words = Words::new("line", "ligne");
const OF_METER: Words = Words::new("{}: {}", "{} : {}");
const DISCOVERY: Words = Words::new("discovery", "annonce");
const ANNOUNCED: Words = Words::new("{} is announced to Home Assistant, {}", "{} est annoncé à Home Assistant, {}");
const KEPT: Words = Words::new("and the broker keeps it", "et le broker garde l'annonce");
const JUST_NOW: Words = Words::new("just now", "à l'instant");
const NOT_ANNOUNCED: Words =
    Words::new("{} is not announced to Home Assistant: nothing on {}", "{} n'est pas annoncé à Home Assistant : rien sur {}");
const DOES_IT_KEEP: Words = Words::new(
    "does the broker keep messages, and may this user write there? the bridge announces it again:",
    "le broker garde-t-il les messages, et cet utilisateur peut-il y écrire ? la passerelle l'annonce de nouveau :",
);
const HOME_ASSISTANT: Words = Words::alike("home assistant");
const CONNECTED: Words = Words::new("is connected to this broker", "est connecté à ce broker");
const LEFT: Words = Words::new("has left this broker, or is stopped", "a quitté ce broker, ou est arrêté");
const NOT_RETAINED: Words = Words::new(
    "its start message is not retained on this broker ({}), so it is not known here whether it is connected; this is normal",
    "son message de démarrage n'est pas retenu par ce broker ({}), donc on ne sait pas ici s'il est connecté ; c'est normal",
);
const SAME_BROKER: Words = Words::new(
    "Settings > Devices & services > MQTT must name this same broker",
    "Paramètres > Appareils et services > MQTT doit nommer ce même broker",
);

const READER_DOCTOR: &str = "teleinfo-reader doctor";

/// One after the other; none is a fault.
pub(super) fn check(report: &mut Report<'_>, findings: &Findings, topics: &Topics, discovery: bool) {
    let meters = meters(findings, topics);
    if meters.is_empty() {
        let mut advice = at_the_meter(report);
        advice.push(report.advise(MAY_IT_CONNECT, &[]));
        report.wrong(READERS, ExitCode::Unavailable, &report.say(NEVER, &[]), &advice);
    }
    for meter in meters {
        reading(report, findings, topics, &meter);
        if discovery {
            announced(report, findings, topics, &meter);
        }
    }
}

fn at_the_meter(report: &Report<'_>) -> Vec<Advice> {
    vec![report.advise(AT_THE_METER, &[]), Advice::Type(READER_DOCTOR.into())]
}

/// Every meter that something retained speaks of, or a state.
fn meters(findings: &Findings, topics: &Topics) -> Vec<String> {
    let all = topics.availability("+");
    let Some((before, after)) = all.split_once('+') else { return Vec::new() };
    let meter = |topic: &str| topic.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).map(str::to_owned);
    let mut meters: Vec<_> =
        findings.messages.iter().filter(|message| !message.payload.is_empty()).filter_map(|message| meter(&message.topic)).collect();
    meters.sort();
    meters
}

fn reading(report: &mut Report<'_>, findings: &Findings, topics: &Topics, meter: &str) {
    let quality: Value = findings.text(&topics.quality(meter)).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let name = quality["reader"]["name"].as_str().map(printable);
    let reader = optional(report, BY, name);
    match findings.text(&topics.availability(meter)) {
        // A bridge that ends takes its meters with it: that says nothing of their readers.
        Some(OFFLINE) if findings.text(&topics.bridge_state()) != Some(ONLINE) => {
            report.skip(METER, &report.say(NOT_KNOWN, &[&meter, &reader]), &[]);
        }
        Some(OFFLINE) => {
            let why = why_not_read(&quality, report.language());
            let text = report.say(NOT_READ, &[&meter, &reader, &why]);
            report.wrong(METER, ExitCode::Unavailable, &text, &at_the_meter(report));
        }
        _ => {
            let power = optional(report, POWER, power(findings, &topics.state(meter)));
            let reception = optional(report, RECEPTION, quality["reception"].as_f64());
            report.good(METER, &report.say(IS_READ, &[&meter, &reader, &power, &reception]));
            if let Some(cause) = trouble(&quality, report.language()) {
                report.doubt(LINE, &report.say(OF_METER, &[&meter, &cause]), &[]);
            }
        }
    }
    // In the bridge's own words, with the command that accepts it.
    if let Some(text) = quality["refused_reader"].as_str() {
        report.doubt(METER, &report.say(OF_METER, &[&meter, &printable(text)]), &[]);
    }
}

/// The words with what is known filled in, or nothing.
fn optional(report: &Report<'_>, words: Words, value: Option<impl std::fmt::Display>) -> String {
    value.map(|value| report.say(words, &[&value]).to_string()).unwrap_or_default()
}

fn why_not_read(quality: &Value, language: Language) -> Sentence {
    match quality["line"].as_str() {
        Some(line) if line != "reading" && line != UNREACHABLE => trouble(quality, language).unwrap_or_else(|| NOT_SAID.say(language, &[])),
        _ => READER_AWAY.say(language, &[]),
    }
}

/// What the reader says is wrong, in the language of whoever reads it here, which need not be that of the bridge.
fn trouble(quality: &Value, language: Language) -> Option<Sentence> {
    let name = quality["cause"].as_str().filter(|name| *name != Cause::None.name())?;
    let cause = Cause::ALL.iter().copied().find(|cause| cause.name() == name).unwrap_or(Cause::Unknown(0));
    let label = printable(quality["label"].as_str().unwrap_or_default());
    Some(Sentence::of(cause::sentence(cause, &label, language)))
}

fn power(findings: &Findings, topic: &str) -> Option<u64> {
    let state: Value = serde_json::from_str(findings.text(topic)?).ok()?;
    let mut labels = Mode::ALL.into_iter().flat_map(|mode| Label::with_role(mode, Role::PowerWithdrawn));
    labels.find_map(|label| state[label.code]["value"].as_u64())
}

fn announced(report: &mut Report<'_>, findings: &Findings, topics: &Topics, meter: &str) {
    match findings.get(&topics.discovery(meter)).filter(|message| !message.payload.is_empty()) {
        Some(message) => {
            let kept = if message.retained { KEPT } else { JUST_NOW };
            report.good(DISCOVERY, &report.say(ANNOUNCED, &[&meter, &report.say(kept, &[])]));
        }
        None => {
            let text = report.say(NOT_ANNOUNCED, &[&meter, &topics.discovery(meter)]);
            let advice = [report.advise(DOES_IT_KEEP, &[]), Advice::Type("sudo systemctl restart teleinfo-bridge".into())];
            report.wrong(DISCOVERY, ExitCode::Unavailable, &text, &advice);
        }
    }
}

/// What Home Assistant has said; its birth message is kept by the broker only if it is set so.
pub(super) fn home_assistant(report: &mut Report<'_>, findings: &Findings, topics: &Topics) {
    let topic = topics.home_assistant_status();
    match findings.text(&topic) {
        Some(ONLINE) => report.good(HOME_ASSISTANT, &report.say(CONNECTED, &[])),
        Some(OFFLINE) => report.doubt(HOME_ASSISTANT, &report.say(LEFT, &[]), &[]),
        _ => report.skip(HOME_ASSISTANT, &report.say(NOT_RETAINED, &[&topic]), &[report.advise(SAME_BROKER, &[])]),
    }
}
