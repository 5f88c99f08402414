//! Is this machine's clock set? A Raspberry Pi has none that runs without power, and samples carry the time.

use std::time::Instant;

use teleinfo_people::report::{Advice, Report};
use teleinfo_proto::tic::Timestamp;

use super::machine::Machine;
use crate::{
    daemon::{clock::unix_ms, exit::ExitCode},
    language::{Sentence, Words},
};

const CLOCK: Words = Words::new("clock", "horloge");
const NOT_SET: Words =
    Words::new("not set: samples would carry a wrong time", "pas à l'heure : les échantillons porteraient une heure fausse");
const NETWORK_UP: Words = Words::new("is the network up? then:", "le réseau est-il actif ? alors :");
const BY_NETWORK: Words = Words::new("{}, set by the network", "{}, mise à l'heure par le réseau");
const AS_METER: Words = Words::new("{}, the same as the meter's", "{}, comme celle du compteur");
const NOT_AS_METER: Words = Words::new("{}, but the meter has another time", "{}, mais le compteur a une autre heure");
const NOT_YET: Words = Words::new("{}, but not set by the network yet", "{}, mais pas encore mise à l'heure par le réseau");

/// 2025-01-01: before this program was made; a clock that was never set shows 1970, or the day the system was built.
const EARLIEST: i64 = 1_735_689_600;
/// 2100-01-01: nor is it later than this.
const LATEST: i64 = 4_102_444_800;
/// 2000-01-01: the first day that a meter's timestamp can show.
const FIRST: i64 = 946_684_800;
/// Two clocks that differ by less agree, in seconds.
const CLOSE: i64 = 300;
/// Where systemd-timesyncd says that it runs, and that it has set the clock (systemd-timesyncd(8)).
const TIMESYNC: &str = "run/systemd/timesync";

/// Says whether it is, by the network's time or, failing that, by the meter's.
pub(super) fn check(report: &mut Report<'_>, meter: Option<(Timestamp, Instant)>, machine: &Machine) {
    let now = unix_ms() / 1000;
    let meter = meter.map(|(time, read)| time.unix_seconds() + read.elapsed().as_secs() as i64);
    judge(report, now, meter, machine);
}

fn judge(report: &mut Report<'_>, now: i64, meter: Option<i64>, machine: &Machine) {
    let shown = Timestamp::from_unix(now.clamp(FIRST, LATEST - 1));
    let date = format!("{}-{:02}-{:02} {:02}:{:02}", shown.year(), shown.month(), shown.day(), shown.hour(), shown.minute());
    let set = [report.advise(NETWORK_UP, &[]), Advice::Type("timedatectl set-ntp true".into())];
    if !(EARLIEST..LATEST).contains(&now) {
        return report.wrong(CLOCK, ExitCode::Unavailable, &report.say(NOT_SET, &[]), &set);
    }
    let timesync = machine.root.join(TIMESYNC);
    let agrees = meter.map(|meter| (meter - now).abs() < CLOSE);
    match (timesync.join("synchronized").exists(), agrees) {
        (true, _) => report.good(CLOCK, &report.say(BY_NETWORK, &[&date])),
        (false, Some(true)) => report.good(CLOCK, &report.say(AS_METER, &[&date])),
        (false, Some(false)) => report.doubt(CLOCK, &report.say(NOT_AS_METER, &[&date]), &set),
        (false, None) if timesync.exists() => report.doubt(CLOCK, &report.say(NOT_YET, &[&date]), &set),
        (false, None) => report.good(CLOCK, &Sentence::of(date)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = EARLIEST + 86_400;

    fn said(now: i64, meter: Option<i64>, files: &[&str]) -> String {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            std::fs::create_dir_all(root.path().join(file)).unwrap();
        }
        teleinfo_people::report::said(|report| judge(report, now, meter, &Machine { root: root.path().into() })).0
    }

    #[test]
    fn a_clock_is_judged_by_what_is_known() {
        assert!(said(0, None, &[]).starts_with("!! clock: not set"));
        assert!(said(NOW, None, &[]).starts_with("ok clock: 2025-01-02 01:00"));
        assert!(said(NOW, None, &[TIMESYNC]).starts_with("?? clock"));
        assert!(said(NOW, Some(NOW - 9999), &["run/systemd/timesync/synchronized"]).contains("set by the network"));
        assert!(said(NOW, Some(NOW - 20), &[TIMESYNC]).contains("the same as the"));
        assert!(said(NOW, Some(NOW - 9999), &[]).starts_with("?? clock"));
    }
}
