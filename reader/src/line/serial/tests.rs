//! The line on real pseudo-terminals. What a UART does with 7E1 cannot be seen here; that it was asked for can.

use std::{
    io::Write,
    os::{fd::OwnedFd, unix::fs::symlink},
    time::{Duration, Instant},
};

use nix::{
    pty::openpty,
    sys::termios::{BaudRate, InputFlags, LocalFlags, SetArg, cfgetospeed, cfmakeraw, cfsetspeed, tcgetattr, tcsetattr},
    unistd::ttyname,
};

use super::*;
use crate::reading::FaultKind;

struct Pty {
    meter: File,
    /// Keeps the terminal there while nobody else has it open.
    slave: Option<OwnedFd>,
    path: PathBuf,
}

fn pty() -> Pty {
    let pair = openpty(None, None).unwrap();
    let mut raw = tcgetattr(&pair.slave).unwrap();
    cfmakeraw(&mut raw);
    tcsetattr(&pair.slave, SetArg::TCSANOW, &raw).unwrap();
    let path = ttyname(&pair.slave).unwrap();
    Pty { meter: pair.master.into(), slave: Some(pair.slave), path }
}

fn opened(pty: &Pty) -> SerialLine {
    let mut line = SerialLine::open(std::slice::from_ref(&pty.path)).unwrap();
    assert_eq!(line.set(Mode::Standard, Framing::EightNone), Ok(true));
    line
}

fn read(line: &mut SerialLine, count: usize) -> Result<Vec<u8>, Fault> {
    let (mut all, start) = (Vec::new(), Instant::now());
    while all.len() < count && start.elapsed() < Duration::from_secs(5) {
        let mut buffer = [0; 64];
        let read = line.read(&mut buffer)?;
        all.extend_from_slice(&buffer[..read.count]);
    }
    Ok(all)
}

#[test]
fn bytes_come_through_as_they_are() {
    let mut pty = pty();
    let mut line = opened(&pty);
    let bytes: Vec<u8> = (0..=255).collect();
    pty.meter.write_all(&bytes).unwrap();
    assert_eq!(read(&mut line, 256).unwrap(), bytes, "no CR to LF, no XOFF, no interrupt, no end of file");
    let mut buffer = [0; 8];
    assert_eq!(line.read(&mut buffer), Ok(Read { count: 0, more: false }), "an empty line does not block");
}

#[test]
fn a_pseudo_terminal_says_that_it_has_no_parity() {
    let pty = pty();
    let mut line = opened(&pty);
    assert_eq!(line.set(Mode::Historic, Framing::SevenEven), Ok(false));
    assert_eq!(line.set(Mode::Historic, Framing::EightNone), Ok(true));
    assert_eq!(cfgetospeed(&tcgetattr(&pty.meter).unwrap()), BaudRate::B1200);
}

#[test]
fn a_change_by_another_program_is_noticed() {
    let pty = pty();
    let mut line = opened(&pty);
    assert_eq!(line.disturbed(), Ok(false));
    let other = pty.slave.as_ref().unwrap();
    let mut settings = tcgetattr(other).unwrap();
    cfsetspeed(&mut settings, BaudRate::B115200).unwrap();
    tcsetattr(other, SetArg::TCSANOW, &settings).unwrap();
    assert_eq!(line.disturbed(), Ok(true));
    line.set(Mode::Standard, Framing::EightNone).unwrap();
    assert_eq!(line.disturbed(), Ok(false));
    let mut cooked = tcgetattr(other).unwrap();
    cooked.input_flags.insert(InputFlags::ICRNL);
    cooked.local_flags.insert(LocalFlags::ICANON | LocalFlags::ECHO);
    tcsetattr(other, SetArg::TCSANOW, &cooked).unwrap();
    assert_eq!(line.disturbed(), Ok(true), "a login has made it a terminal again");
}

#[test]
fn a_line_has_one_reader() {
    let pty = pty();
    let line = opened(&pty);
    let second = SerialLine::open(std::slice::from_ref(&pty.path)).unwrap_err();
    assert_eq!(second.kind, FaultKind::Busy);
    drop(line);
    assert!(SerialLine::open(std::slice::from_ref(&pty.path)).is_ok());
}

#[test]
fn the_other_side_closing_is_the_device_gone() {
    let mut pty = pty();
    let mut line = opened(&pty);
    pty.slave = None;
    pty.meter.write_all(b"last").unwrap();
    drop(pty.meter);
    let fault = read(&mut line, 100).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Vanished);
    assert_eq!(line.disturbed().unwrap_err().kind, FaultKind::Vanished);
}

#[test]
fn each_fault_is_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("file"), "").unwrap();
    symlink("/nowhere/at/all", path("dangling")).unwrap();
    for (name, kind) in
        [("nothing", FaultKind::Absent), ("dangling", FaultKind::Absent), ("file", FaultKind::NotSerial), ("", FaultKind::NotSerial)]
    {
        assert_eq!(SerialLine::open(&[path(name)]).unwrap_err().kind, kind, "{name}");
    }
}

#[test]
fn of_several_devices_the_first_that_exists_counts() {
    let pty = pty();
    let line = SerialLine::open(&["/nowhere/ttyX".into(), pty.path.clone()]).unwrap();
    assert_eq!(line.path(), pty.path);
}
