//! The line that `auto` finds, on real pseudo-terminals: the time is the test's, the lines are the kernel's.

use std::{
    fs::{self, File},
    io::Write,
    os::{fd::OwnedFd, unix::fs::symlink},
    process::{Child, Command, Stdio},
};

use nix::{
    fcntl::OFlag,
    pty::{grantpt, posix_openpt, ptsname_r, unlockpt},
    sys::termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr},
};
use teleinfo_proto::{
    tic::encode::even_parity,
    wire::{BootId, Cause},
};
use tempfile::TempDir;

use super::*;
use crate::reading::ParityChoice;

const FRAMES: &[u8] = include_bytes!("../../../../proto/tests/frames/syn-std-hc-mono.tic");
const ADAPTER: usize = 0;
const HEADER: usize = 1;
/// Between two turns of the loop.
const STEP: Duration = Duration::from_millis(100);
/// What a line at 9600 baud brings meanwhile.
const STEP_BYTES: usize = 96;

/// Both ends of a pseudo-terminal under a name of the bench.
struct Plugged {
    meter: File,
    line: File,
    sent: usize,
}

/// An adapter and a header, each of which may be there, and the line that is opened of them.
struct Bench {
    directory: TempDir,
    plugged: [Option<Plugged>; 2],
    /// Whether a meter speaks there.
    speaks: [bool; 2],
    frames: Vec<u8>,
    now: Instant,
    reading: Reading,
    line: OpenLine,
    notices: Vec<String>,
    /// Each time it changed.
    states: Vec<(LineState, Cause)>,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let names = ["teleinfo", "serial0"].map(|name| directory.path().join(name));
        let (now, registry) = (Instant::now(), Poll::new().unwrap().registry().try_clone().unwrap());
        let mut frames = FRAMES.to_vec();
        even_parity(&mut frames);
        Self {
            plugged: [None, None],
            speaks: [false; 2],
            frames,
            now,
            reading: Reading::new(BootId::new(0), None, ParityChoice::Auto, now),
            line: OpenLine::new(&Source::Devices(names.to_vec()), registry, Token(0)),
            notices: Vec::new(),
            states: Vec::new(),
            directory,
        }
    }

    fn name(&self, place: usize) -> PathBuf {
        self.directory.path().join(["teleinfo", "serial0"][place])
    }

    fn plug_in(&mut self, place: usize) {
        // O_CLOEXEC: a program that inherited the meter's side would be taken for the maker of the terminal.
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let device = ptsname_r(&master).unwrap();
        let line = File::open(&device).unwrap();
        let mut raw = tcgetattr(&line).unwrap();
        cfmakeraw(&mut raw);
        tcsetattr(&line, SetArg::TCSANOW, &raw).unwrap();
        symlink(device, self.name(place)).unwrap();
        self.plugged[place] = Some(Plugged { meter: File::from(OwnedFd::from(master)), line, sent: 0 });
    }

    fn unplug(&mut self, place: usize) {
        fs::remove_file(self.name(place)).unwrap();
        self.plugged[place] = None;
    }

    fn run(&mut self, seconds: u32) {
        for _ in 0..seconds * 10 {
            self.now += STEP;
            self.speak();
            // An event for a line without bytes does no harm, and there is no epoll here to make one.
            self.line.handle_ready();
            let notice = self.line.handle_orders(&mut self.reading, 0, self.now);
            self.notices.extend(notice.map(|notice| self.words(&notice)));
            while self.reading.poll_output().is_some() {}
            self.reading.handle_timeout(0, self.now);
            while self.reading.poll_output().is_some() {}
            let state = self.reading.state(self.now);
            if self.states.last() != Some(&(state.line, state.cause)) {
                self.states.push((state.line, state.cause));
            }
        }
    }

    fn speak(&mut self) {
        for (plugged, _) in self.plugged.iter_mut().zip(self.speaks).filter(|(_, speaks)| *speaks) {
            let Some(Plugged { meter, sent, .. }) = plugged else { continue };
            let bytes: Vec<u8> = self.frames.iter().cycle().skip(*sent).take(STEP_BYTES).copied().collect();
            // O_NONBLOCK: what nobody reads is lost once the terminal is full.
            if meter.write(&bytes).is_ok_and(|count| count == STEP_BYTES) {
                *sent = (*sent + STEP_BYTES) % self.frames.len();
            }
        }
    }

    /// What was said, with the name of the place.
    fn words(&self, notice: &Notice) -> String {
        let words = match notice {
            Notice::Opened(path) => format!("opened {}", path.display()),
            Notice::Moved { from, to } => format!("from {} to {}", from.display(), to.display()),
            Notice::Fault(fault) => format!("{:?}", fault.kind),
            other => format!("{other:?}"),
        };
        words.replace(&format!("{}/", self.directory.path().display()), "")
    }

    fn is_reading(&self, place: usize) -> bool {
        self.reading.state(self.now).line == LineState::Reading && self.line.path() == Some(&self.name(place))
    }
}

#[test]
fn what_has_gone_is_waited_for_though_another_line_is_there() {
    let mut bench = Bench::new();
    [ADAPTER, HEADER].into_iter().for_each(|place| bench.plug_in(place));
    bench.run(1);
    bench.unplug(ADAPTER);
    bench.run(60);
    bench.notices.dedup();
    assert_eq!(bench.notices, ["opened teleinfo", "Vanished", "Absent"]);
    bench.plug_in(ADAPTER);
    bench.run(1);
    assert_eq!(bench.notices.last().map(String::as_str), Some("opened teleinfo"));
}

#[test]
fn an_adapter_that_is_plugged_in_later_is_found_while_the_header_is_silent() {
    let mut bench = Bench::new();
    bench.plug_in(HEADER);
    bench.run(40);
    bench.speaks[ADAPTER] = true;
    bench.plug_in(ADAPTER);
    bench.run(20);
    assert!(bench.is_reading(ADAPTER), "{:?}", bench.notices);
    bench.run(120);
    assert_eq!(bench.notices, ["opened serial0", "from serial0 to teleinfo"]);
    let told: Vec<_> = bench.states.iter().filter(|state| state.1 != Cause::None).collect();
    assert_eq!(told, [&(LineState::Silent, Cause::NoSignal)], "{:?}", bench.states);
}

#[test]
fn the_header_is_found_while_the_adapter_is_silent_or_has_gone_and_the_adapter_again() {
    let mut bench = Bench::new();
    [ADAPTER, HEADER].into_iter().for_each(|place| bench.plug_in(place));
    bench.speaks[HEADER] = true;
    bench.run(20);
    assert!(bench.is_reading(HEADER), "{:?}", bench.notices);
    bench.speaks = [true, false];
    bench.run(40);
    assert!(bench.is_reading(ADAPTER), "{:?}", bench.notices);
    bench.speaks = [true, true];
    bench.unplug(ADAPTER);
    bench.run(40);
    assert!(bench.is_reading(HEADER), "{:?}", bench.notices);
    bench.notices.dedup();
    let moves =
        ["opened teleinfo", "from teleinfo to serial0", "from serial0 to teleinfo", "Vanished", "Absent", "from teleinfo to serial0"];
    assert_eq!(bench.notices, moves);
}

#[test]
fn two_silent_lines_are_one_silence() {
    let mut bench = Bench::new();
    [ADAPTER, HEADER].into_iter().for_each(|place| bench.plug_in(place));
    bench.run(300);
    assert_eq!(bench.notices, ["opened teleinfo"]);
    assert_eq!(bench.states, [(LineState::Silent, Cause::None), (LineState::Silent, Cause::NoSignal)]);
    // The line that is open has stayed open, so nothing is lost when its meter begins.
    bench.speaks[ADAPTER] = true;
    bench.run(30);
    assert!(bench.is_reading(ADAPTER) && bench.notices.len() == 1, "{:?}", bench.notices);
}

/// Another process that has a line open.
struct Holder(Child);

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_line_that_another_program_has_is_left_alone() {
    let mut bench = Bench::new();
    [ADAPTER, HEADER].into_iter().for_each(|place| bench.plug_in(place));
    let line = bench.plugged[HEADER].as_ref().unwrap().line.try_clone().unwrap();
    let mut command = Command::new("sleep");
    let holder = Holder(command.arg("600").stdin(line).stdout(Stdio::null()).spawn().unwrap());
    drop(command);
    let settings = |bench: &Bench| tcgetattr(&bench.plugged[HEADER].as_ref().unwrap().line).unwrap().control_flags;
    let before = settings(&bench);
    bench.speaks[HEADER] = true;
    bench.run(60);
    assert_eq!((bench.notices.len(), settings(&bench)), (1, before), "{:?}", bench.notices);
    drop(holder);
    bench.run(20);
    assert!(bench.is_reading(HEADER), "{:?}", bench.notices);
}
