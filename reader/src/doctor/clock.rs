//! Is this machine's clock set? A Raspberry Pi has none that runs without power, and samples carry the time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use teleinfo_proto::tic::Timestamp;

use super::{machine::Machine, report::Report};
use crate::daemon::exit::ExitCode;

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
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64;
    let meter = meter.map(|(time, read)| time.unix_seconds() + read.elapsed().as_secs() as i64);
    judge(report, now, meter, machine);
}

fn judge(report: &mut Report<'_>, now: i64, meter: Option<i64>, machine: &Machine) {
    let shown = Timestamp::from_unix(now.clamp(FIRST, LATEST - 1));
    let date = format!("{}-{:02}-{:02} {:02}:{:02}", shown.year(), shown.month(), shown.day(), shown.hour(), shown.minute());
    let set = ["is the network up? then:", "$ timedatectl set-ntp true"];
    if !(EARLIEST..LATEST).contains(&now) {
        return report.wrong("clock", ExitCode::Unavailable, "not set: samples would carry a wrong time", &set);
    }
    let timesync = machine.root.join(TIMESYNC);
    let agrees = meter.map(|meter| (meter - now).abs() < CLOSE);
    match (timesync.join("synchronized").exists(), agrees) {
        (true, _) => report.good("clock", &format!("{date}, set by the network")),
        (false, Some(true)) => report.good("clock", &format!("{date}, the same as the meter's")),
        (false, Some(false)) => report.doubt("clock", &format!("{date}, but the meter has another time"), &set),
        (false, None) if timesync.exists() => report.doubt("clock", &format!("{date}, but not set by the network yet"), &set),
        (false, None) => report.good("clock", &date),
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
        let mut out = Vec::new();
        judge(&mut Report::new(&mut out, false), now, meter, &Machine { root: root.path().into() });
        String::from_utf8(out).unwrap()
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
