//! With `device = "auto"` a meter may be on one of several lines, an adapter's or the Raspberry Pi's own. Each that is there is listened to for
//! a moment, and the first with a meter is looked at further: the reader goes there too.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use teleinfo_people::report::Report;
use teleinfo_proto::{tic::Mode, wire::BootId};

use super::line::name;
use crate::{
    language::{Sentence, Words},
    line::{Fault, Listener, Notice, Source, holders},
    reading::{FaultKind, ParityChoice, Reading},
};

/// Finding the mode takes seven seconds at most (see `reading/detect`).
const LISTEN: Duration = Duration::from_secs(8);
/// Between two looks at the clock.
const TURN: Duration = Duration::from_millis(50);

const LINE: Words = Words::new("line", "ligne");
const METER: Words = Words::new("{}: a meter is heard, in {} mode", "{} : un compteur s'entend, en mode {}");
const BYTES: Words = Words::new("{}: bytes come, but no meter is heard", "{} : des octets arrivent, mais aucun compteur ne s'entend");
const NOTHING: Words = Words::new("{}: not a byte comes", "{} : aucun octet n'arrive");

/// What was heard on one of several lines.
enum Heard {
    Meter(Mode),
    Bytes,
    Nothing,
    /// It could not be opened, or went away.
    Fault(Fault),
}

/// The line to look at. Of several that are there, tells what each of them brings.
pub(super) fn choose(report: &mut Report<'_>, devices: &[PathBuf]) -> Vec<PathBuf> {
    let there = different(devices);
    if there.len() < 2 {
        return devices.to_vec();
    }
    let mut chosen = None;
    for path in there {
        let heard = listen(&path);
        tell(report, &path, &heard);
        if matches!(heard, Heard::Meter(_)) {
            chosen = chosen.or(Some(path));
        }
    }
    chosen.map_or_else(|| devices.to_vec(), |path| vec![path])
}

/// Those that exist, each once: two names may lead to one line.
fn different(devices: &[PathBuf]) -> Vec<PathBuf> {
    let mut seen = Vec::new();
    let is_new = |path: &&PathBuf| {
        let target = fs::canonicalize(path).ok();
        let is_new = target.is_some() && !seen.contains(&target);
        seen.push(target);
        is_new
    };
    devices.iter().filter(is_new).cloned().collect()
}

fn listen(path: &Path) -> Heard {
    let start = Instant::now();
    let reading = Reading::new(BootId::new(0), None, ParityChoice::Auto, start);
    let mut listener = match Listener::new(&Source::Devices(vec![path.into()]), reading) {
        Ok(listener) => listener,
        Err(error) => return Heard::Fault(Fault::of_system(&error)),
    };
    let mut bytes = 0;
    while start.elapsed() < LISTEN {
        if let Some(Notice::Fault(fault)) = listener.turn(TURN, &mut |_| {}) {
            return Heard::Fault(fault);
        }
        bytes += listener.bytes().len();
        if let Some(mode) = listener.reading.state(Instant::now()).mode {
            return Heard::Meter(mode);
        }
    }
    if bytes > 0 { Heard::Bytes } else { Heard::Nothing }
}

fn tell(report: &mut Report<'_>, path: &Path, heard: &Heard) {
    let device = path.display();
    match heard {
        Heard::Meter(mode) => report.good(LINE, &report.say(METER, &[&device, &name(*mode, report.language())])),
        Heard::Bytes => report.skip(LINE, &report.say(BYTES, &[&device]), &[]),
        Heard::Nothing => report.skip(LINE, &report.say(NOTHING, &[&device]), &[]),
        Heard::Fault(fault) => report.skip(LINE, &words(path, fault, report), &[]),
    }
}

fn words(path: &Path, fault: &Fault, report: &Report<'_>) -> Sentence {
    let held = (fault.kind == FaultKind::Busy).then(|| holders::words(path, report.language())).flatten();
    Sentence::of(held.unwrap_or_else(|| fault.words(report.language())))
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        io::Write,
        os::{fd::AsFd, unix::fs::symlink},
        sync::atomic::{AtomicBool, Ordering},
        thread,
    };

    use nix::{
        fcntl::OFlag,
        pty::{grantpt, posix_openpt, ptsname_r, unlockpt},
        sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr},
    };
    use teleinfo_people::report::said;
    use teleinfo_proto::tic::encode::even_parity;

    use super::*;

    const FRAMES: &[u8] = include_bytes!("../../../proto/tests/frames/syn-std-hc-mono.tic");

    /// The meter's side of a line under this name, and the other side, which keeps it alive.
    fn plug_in(name: &Path) -> (File, File) {
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let device = ptsname_r(&master).unwrap();
        symlink(&device, name).unwrap();
        let line = File::options().read(true).write(true).open(device).unwrap();
        let mut raw = tcgetattr(&line).unwrap();
        cfmakeraw(&mut raw);
        tcsetattr(&line, SetArg::TCSANOW, &raw).unwrap();
        (master.as_fd().try_clone_to_owned().unwrap().into(), line)
    }

    #[test]
    fn of_two_lines_the_one_with_the_meter_is_chosen_and_both_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let names = ["teleinfo", "serial0", "ttyAMA0"].map(|name| directory.path().join(name));
        let _silent = plug_in(&names[0]);
        let (mut meter, _line) = plug_in(&names[1]);
        symlink(&names[1], &names[2]).unwrap();
        let (mut frames, is_over) = (FRAMES.to_vec(), AtomicBool::new(false));
        even_parity(&mut frames);
        let mut chosen = Vec::new();
        let (text, code) = thread::scope(|scope| {
            scope.spawn(|| {
                for part in frames.chunks(48).cycle().take_while(|_| !is_over.load(Ordering::Relaxed)) {
                    let _ = meter.write(part);
                    thread::sleep(Duration::from_millis(50));
                }
            });
            let told = said(|report| chosen = choose(report, &names));
            is_over.store(true, Ordering::Relaxed);
            told
        });
        assert_eq!(chosen, [names[1].clone()]);
        let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("teleinfo: not a byte comes") && flat.contains("serial0: a meter is heard, in standard mode"), "{text}");
        assert!(!flat.contains("ttyAMA0") && code.is_none(), "one line under two names is listened to once: {text}");
    }

    #[test]
    fn one_line_is_not_listened_to_beforehand() {
        let devices = ["/dev/null", "/dev/nowhere"].map(PathBuf::from);
        let mut chosen = Vec::new();
        let (text, _) = said(|report| chosen = choose(report, &devices));
        assert_eq!((text.contains("/dev"), chosen), (false, devices.to_vec()));
    }
}
