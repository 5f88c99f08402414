//! The simulator as others meet it: its program, real pseudo-terminals, real signals.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_teleinfo-simulator");

struct Running(Child);

impl Running {
    fn start(args: &[&str]) -> Self {
        let child = Command::new(PROGRAM).args(args).stderr(Stdio::piped()).spawn().unwrap();
        Self(child)
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.0.id() as i32), signal).unwrap();
    }

    fn wait(&mut self) -> i32 {
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code().unwrap_or(-1);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the simulator does not end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn output(args: &[&str]) -> Output {
    Command::new(PROGRAM).args(args).output().unwrap()
}

fn open(link: &Path) -> File {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match File::open(link) {
            Ok(file) => return file,
            Err(error) if Instant::now() > end => panic!("{}: {error}", link.display()),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

fn read(file: &mut File, most: usize) -> Vec<u8> {
    let mut bytes = vec![0; most];
    let mut have = 0;
    while have < most {
        match file.read(&mut bytes[have..]) {
            // EIO: the other end has closed.
            Ok(0) | Err(_) => break,
            Ok(n) => have += n,
        }
    }
    bytes.truncate(have);
    bytes
}

struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: TempDir::new().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

fn stream(frames: usize) -> Vec<u8> {
    b"\x02\nPAPP 00540 *\r\nPTEC TH.. $\r\x03".repeat(frames)
}

#[test]
fn a_replay_arrives_whole_however_slowly_it_is_read() {
    let place = Place::new();
    // More than every buffer of the kernel on the way.
    let sent = stream(10_000);
    std::fs::write(place.path("in.tic"), &sent).unwrap();
    let mut replay = Running::start(&["replay", &place.text("in.tic"), "--pty", &place.text("tty"), "--speed", "max"]);
    let mut file = open(&place.path("tty"));
    std::thread::sleep(Duration::from_millis(200));
    let mut received = Vec::new();
    while received.len() < sent.len() {
        let more = read(&mut file, 3000.min(sent.len() - received.len()));
        assert!(!more.is_empty(), "the line closed after {} of {} bytes", received.len(), sent.len());
        received.extend(more);
    }
    assert!(received == sent);
    assert_eq!(replay.wait(), 0);
    assert!(!place.path("tty").is_symlink(), "the link is removed at the end");
}

#[test]
fn a_line_keeps_its_pace() {
    let place = Place::new();
    std::fs::write(place.path("in.tic"), stream(40)).unwrap();
    let begin = Instant::now();
    let mut replay = Running::start(&["replay", &place.text("in.tic"), "--pty", &place.text("tty"), "--speed", "10"]);
    let mut file = open(&place.path("tty"));
    assert_eq!(read(&mut file, usize::from(u16::MAX)).len() / 29, 40);
    // 40 frames of 29 bytes at 120 bytes a second, 40 silences of 25 ms: 10.67 s, ten times as fast.
    let took = begin.elapsed().as_secs_f64();
    assert!((1.0..1.6).contains(&took), "{took}");
    assert_eq!(replay.wait(), 0);
}

#[test]
fn a_meter_talks_into_the_void_and_its_reader_comes_and_goes() {
    let place = Place::new();
    let args = ["--speed", "20", "--start", "@1704646690", "--truth", &place.text("truth")];
    let mut meter = Running::start(&[&["meter", "--pty", &place.text("tty")][..], &args].concat());
    let truth = || -> Vec<Value> {
        let text = std::fs::read_to_string(place.path("truth")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let frames_more = |n: usize| {
        let wanted = truth().len() + n;
        let end = Instant::now() + Duration::from_secs(20);
        while truth().len() < wanted {
            assert!(Instant::now() < end, "the meter stands still");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    frames_more(20);
    for _ in 0..2 {
        let mut file = open(&place.path("tty"));
        // What comes is fresh: nothing of the time without a reader is waiting.
        let nobody = truth().len() as u64;
        let bytes = read(&mut file, 4000);
        assert_eq!(bytes.len(), 4000);
        drop(file);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let date = text.split("\nDATE\t").nth(1).unwrap()[..13].to_owned();
        let frame = truth().iter().find(|line| line["datasets"]["DATE"]["timestamp"] == date.as_str()).unwrap()["frame"].as_u64();
        assert!(frame.unwrap() + 1 >= nobody, "{frame:?} is older than {nobody}");
        frames_more(20);
    }
    let lines = truth();
    assert_eq!(lines[5]["lost"], lines[5]["bytes"]);
    assert!(lines.iter().any(|line| line["lost"] == 0));
    meter.signal(Signal::SIGTERM);
    assert_eq!(meter.wait(), 0);
    assert!(!place.path("tty").is_symlink());
}

#[test]
fn truth_is_what_arrives() {
    let place = Place::new();
    let args = ["--speed", "max", "--frames", "50", "--contract", "tempo", "--mode", "historic", "--truth", &place.text("truth")];
    let mut meter = Running::start(&[&["meter", "--pty", &place.text("tty")][..], &args].concat());
    let bytes = read(&mut open(&place.path("tty")), usize::from(u16::MAX));
    assert_eq!(meter.wait(), 0);
    std::fs::write(place.path("out.tic"), bytes).unwrap();
    let decoded = output(&["decode", &place.text("out.tic")]);
    let truth = std::fs::read_to_string(place.path("truth")).unwrap();
    let text = String::from_utf8(decoded.stdout).unwrap();
    assert_eq!(text.lines().count(), 50);
    for (sent, received) in truth.lines().zip(text.lines()) {
        let (sent, received): (Value, Value) = (serde_json::from_str(sent).unwrap(), serde_json::from_str(received).unwrap());
        let (sent, received) = (sent["datasets"].as_object().unwrap(), received["datasets"].as_object().unwrap());
        assert!(sent.keys().eq(received.keys()));
        assert!(sent.iter().all(|(label, dataset)| received[label]["raw"] == dataset["raw"]));
    }
}

#[test]
fn parity_and_faults_are_on_the_line() {
    let place = Place::new();
    let refused = |parity: &str| {
        let capture = place.text(parity);
        let args = ["--speed", "max", "--frames", "300", "--fault", "flip=0.0005", "--parity", parity];
        let mut meter = Running::start(&[&["meter", "--pty", &place.text("tty"), "--start", "@1704646690"][..], &args].concat());
        let bytes = read(&mut open(&place.path("tty")), 1 << 20);
        assert_eq!(meter.wait(), 0);
        std::fs::write(&capture, bytes).unwrap();
        let decoded = output(&["decode", &capture, "--parity", parity]);
        String::from_utf8(decoded.stderr).unwrap()
    };
    let even = refused("even");
    assert!(even.contains(", parity ") && even.contains("300 frames"), "{even}");
    let none = refused("none");
    assert!(none.contains(", checksum ") && !none.contains(", parity "), "{none}");
}

#[test]
fn an_interrupt_removes_the_link() {
    let place = Place::new();
    let mut meter = Running::start(&["meter", "--pty", &place.text("tty"), "--speed", "max"]);
    drop(open(&place.path("tty")));
    meter.signal(Signal::SIGINT);
    assert_eq!(meter.wait(), 0);
    assert!(!place.path("tty").is_symlink());
}

#[test]
fn a_stale_link_is_replaced_and_a_file_is_refused() {
    let place = Place::new();
    std::os::unix::fs::symlink("/dev/pts/nowhere", place.path("tty")).unwrap();
    std::fs::write(place.path("in.tic"), stream(1)).unwrap();
    let mut replay = Running::start(&["replay", &place.text("in.tic"), "--pty", &place.text("tty"), "--loop"]);
    assert!(!read(&mut open(&place.path("tty")), 10).is_empty());
    replay.signal(Signal::SIGTERM);
    replay.wait();

    std::fs::write(place.path("file"), "precious").unwrap();
    let refused = output(&["meter", "--pty", &place.text("file")]);
    assert_eq!(refused.status.code(), Some(73));
    let words = String::from_utf8(refused.stderr).unwrap();
    assert!(words.contains("is not a symbolic link") && words.lines().count() == 1, "{words}");
    assert_eq!(std::fs::read_to_string(place.path("file")).unwrap(), "precious");
}

#[test]
fn exit_codes_follow_sysexits() {
    assert_eq!(output(&["meter"]).status.code(), Some(64));
    assert_eq!(output(&["meter", "--pty", "x", "--contract", "green"]).status.code(), Some(64));
    assert_eq!(output(&["decode", "/nowhere.tic"]).status.code(), Some(66));
    assert_eq!(output(&["--version"]).status.code(), Some(0));
}
