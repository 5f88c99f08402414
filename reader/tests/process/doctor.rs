//! `doctor` at lines that are well and lines that are not: what it says, and how it ends. Its outputs are printed (`--nocapture`).

use std::{
    fs,
    io::Read,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use teleinfo_proto::tic::Mode;

use crate::bench::{METER, Meter, Place, Sends, free_port, router, router_with, terminal, until};

/// Nobody waits longer at a cupboard.
const LONGEST: Duration = Duration::from_secs(25);
/// Columns of a telephone.
const WIDTH: usize = 46;

/// A place whose bridge is at this port.
fn place(port: u16) -> Place {
    let config = format!("[serial]\ndevice = \"DIR/meter\"\n[zenoh]\nconnect = [\"tcp/127.0.0.1:{port}\"]\n[led]\nmode = \"off\"\n");
    Place::new(&config)
}

/// What the doctor says, and its exit code.
fn ask(place: &Place, situation: &str) -> (String, i32) {
    ask_in("en", place, situation)
}

fn ask_in(language: &str, place: &Place, situation: &str) -> (String, i32) {
    let start = Instant::now();
    let output = place.command(&["doctor", "--language", language]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    println!("--- {situation} ({:.1} s)\n{text}", start.elapsed().as_secs_f32());
    assert!(start.elapsed() < LONGEST, "{:?}", start.elapsed());
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    for line in text.lines().filter(|line| !line.contains("$ ") && !line.contains('/')) {
        assert!(line.chars().count() <= WIDTH, "too wide for a telephone: {line}");
    }
    // A command that was broken into lines is one command.
    (text.replace(" \\\n     ", " "), output.status.code().unwrap())
}

/// The same words, wherever lines were broken.
fn joined(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every one of these beginnings of lines, in this order.
fn expect(text: &str, beginnings: &[&str]) {
    let mut lines = text.lines();
    for beginning in beginnings {
        assert!(lines.any(|line| line.starts_with(beginning)), "{beginning:?} is missing, or out of order:\n{text}");
    }
}

#[test]
fn a_good_line() {
    let port = free_port();
    let _router = router(port);
    for (mode, speaks) in [(Mode::Historic, "historic mode"), (Mode::Standard, "standard mode")] {
        let place = place(port);
        let _meter = Meter::plug_in(&place.path("meter"), Sends::Frames(mode), true);
        let (text, code) = ask(&place, speaks);
        assert_eq!(code, 0, "{text}");
        expect(&text, &["ok device", "ok in use", "ok bytes", "ok speed", "ok frames", "ok meter", "ok power", "ok bridge", "Verdict: "]);
        assert!(text.contains(speaks) && text.contains(METER) && text.contains("260 VA drawn") && !text.contains("!!"), "{text}");
    }
}

/// The same in French, on terminals of 40 and of 80 columns: no line is longer, and no word is broken.
#[test]
fn a_good_line_in_french_as_wide_as_the_terminal() {
    let port = free_port();
    let _router = router(port);
    let place = place(port);
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Frames(Mode::Standard), true);
    for columns in [40, 80] {
        let (mut master, shown) = terminal(columns, 24);
        let mut command = place.command(&["doctor"]);
        let mut child = command.env("LANG", "fr_FR.UTF-8").stdout(shown).spawn().unwrap();
        drop(command);
        let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = master.read(&mut buffer) {
            text.extend_from_slice(&buffer[..count]);
        }
        assert!(child.wait().unwrap().success());
        let text = String::from_utf8(text).unwrap().replace("\x1b[m", "");
        let text = [32, 33, 31, 90].iter().fold(text, |text, colour| text.replace(&format!("\x1b[{colour}m"), ""));
        println!("--- {columns} columns\n{text}");
        for line in text.lines().filter(|line| !line.contains('/')) {
            assert!(line.chars().count() <= columns, "{columns}: {line}");
        }
        expect(
            &text,
            &["ok port", "ok occup", "ok octets", "ok vitesse", "ok trames", "ok compteur", "ok puissance", "ok passerelle", "Verdict : "],
        );
        let words: Vec<_> = text.split_whitespace().collect();
        assert!(words.join(" ").contains("260 VA soutirés en ce moment"), "{text}");
    }
}

#[test]
fn a_wrong_speed() {
    let port = free_port();
    let _router = router(port);
    let place = place(port);
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Noise, true);
    let (text, code) = ask(&place, "wrong speed");
    expect(&text, &["ok bytes", "!! speed: all bits are wrong", "ok bridge", "Verdict: One fault (!!): speed"]);
    assert_eq!(code, 69);
}

#[test]
fn no_bytes() {
    let port = free_port();
    let _router = router(port);
    let place = place(port);
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Nothing, true);
    let (text, code) = ask(&place, "no bytes");
    expect(&text, &["ok device", "!! bytes: not one", "   > are both wires", "ok bridge", "Verdict: One fault (!!): bytes"]);
    assert_eq!(code, 69);
}

/// Another process that calls itself agetty and has the line, as a login has it. It ends with its standard input, so with this test.
struct Login(Child);

impl Login {
    fn on(line: &fs::File) -> Self {
        let mut shell = Command::new("sh");
        shell.args(["-c", "printf agetty > /proc/$$/comm; read never"]).stdin(Stdio::piped()).stdout(line.try_clone().unwrap());
        let login = Self(shell.spawn().unwrap());
        let name = format!("/proc/{}/comm", login.0.id());
        until("the login", || (fs::read_to_string(&name).unwrap() == "agetty\n").then_some(()));
        login
    }
}

impl Drop for Login {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_login_on_the_line() {
    let port = free_port();
    let _router = router(port);
    let place = place(port);
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Frames(Mode::Historic), true);
    let login = Login::on(&fs::File::open(place.path("meter")).unwrap());
    let (text, code) = ask(&place, "a login on the line");
    let line = fs::canonicalize(place.path("meter")).unwrap().display().to_string().replace("/dev/", "");
    let command = format!("   $ sudo systemctl disable --now serial-getty@{line}");
    expect(&text, &["!! in use: agetty", &command, "ok meter", "Verdict: One fault (!!): in use"]);
    assert_eq!(code, 69);
    assert!(text.contains(&login.0.id().to_string()));
}

/// Nobody is sent to the wires while another program may have taken every byte.
#[test]
fn no_bytes_beside_another_program() {
    let port = free_port();
    let _router = router(port);
    let place = place(port);
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Nothing, true);
    let _login = Login::on(&fs::File::open(place.path("meter")).unwrap());
    let (text, code) = ask(&place, "no bytes beside a login");
    expect(&text, &["!! in use: agetty", "!! bytes: not one reaches us", "Verdict: 2 faults (!!)"]);
    assert!(!text.contains("I1 and I2"), "{text}");
    assert_eq!(code, 69);
}

#[test]
fn a_bad_modem() {
    let port = free_port();
    let _router = router(port);
    let place = place(port);
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Weak(Mode::Standard), true);
    let (text, code) = ask(&place, "bad modem");
    expect(&text, &["ok bytes", "!! characters: bits 4, 5 and 6 of", "   > the modem hears", "Verdict: One fault (!!): characters"]);
    assert_eq!(code, 69);
}

/// Recordings of lines whose LF, or STX, or both arrive as another character.
const DAMAGED_CONTROLS: [(&str, &[u8]); 4] = [
    ("lf0f", include_bytes!("../../../proto/tests/cases/lf0f.tic")),
    ("nostx", include_bytes!("../../../proto/tests/cases/nostx.tic")),
    ("aa2", include_bytes!("../../../proto/tests/cases/aa2-std-lf-is-0f-stx-good.tic")),
    ("aa4", include_bytes!("../../../proto/tests/cases/aa4-std-only-stx-is-c-no-names.tic")),
];

/// Everything is read; what is damaged, and where to look, is said all the same.
#[test]
fn damaged_control_characters() {
    let port = free_port();
    let _router = router(port);
    thread::scope(|scope| {
        for (name, recording) in DAMAGED_CONTROLS {
            scope.spawn(move || ask_of_damaged_controls(name, recording, port));
        }
    });
}

fn ask_of_damaged_controls(name: &str, recording: &'static [u8], port: u16) {
    let place = place(port);
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Recorded(recording), true);
    let (text, code) = ask(&place, name);
    expect(&text, &["ok bytes", "ok speed", "ok frames", "?? cause: the control characters", "ok meter", "ok power", "Verdict: It works."]);
    let words = joined(&text);
    assert!(words.contains("100 % of the datasets") && words.contains("check the signal's level and the modem"), "{name}: {text}");
    assert_eq!(code, 0, "{name}");
    let (text, code) = ask_in("fr", &place, name);
    expect(&text, &["ok octets", "ok vitesse", "ok trames", "?? cause", "ok compteur", "ok puissance", "Verdict : Cela marche."]);
    let words = joined(&text);
    assert!(words.contains("100 % des groupes") && words.contains("vérifier le niveau du signal et le modem"), "{name}: {text}");
    assert_eq!(code, 0, "{name}");
}

#[test]
fn a_meter_that_sleeps() {
    let port = free_port();
    let _router = router(port);
    let place = place(port);
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Address, true);
    let (text, _) = ask(&place, "asleep");
    expect(&text, &["ok frames", "?? cause: the meter sends its address only", "ok meter", "Verdict: "]);
}

#[test]
fn an_unreachable_bridge() {
    let place = place(free_port());
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Frames(Mode::Historic), true);
    let (text, code) = ask(&place, "bridge unreachable");
    expect(&text, &["ok frames", "ok meter", "!! bridge: tcp/127.0.0.1", "Verdict: One fault (!!): bridge"]);
    assert_eq!(code, 69);
}

#[test]
fn the_password_is_tried() {
    let port = free_port();
    let users = tempfile::NamedTempFile::new().unwrap();
    fs::write(users.path(), "pi:right\n").unwrap();
    let _router = router_with(port, &format!(r#", transport: {{ auth: {{ usrpwd: {{ dictionary_file: {:?} }} }} }}"#, users.path()));
    let config = format!(
        "[zenoh]\nconnect = [\"tcp/127.0.0.1:{port}\"]\nuser = \"pi\"\npassword-file = \"DIR/password\"\n[serial]\ndevice = \"DIR/none\"\n"
    );
    let place = Place::new(&config);
    for (password, expected) in [("right", "ok password: accepted"), ("wrong", "!! password: tcp/127.0.0.1")] {
        fs::write(place.path("password"), password).unwrap();
        let (text, code) = ask(&place, password);
        expect(&text, &["!! device", expected]);
        assert_eq!(code, 69, "the device is missing");
    }
    fs::remove_file(place.path("password")).unwrap();
    let (text, _) = ask(&place, "no password file");
    expect(&text, &["!! password", "Verdict: 2 faults (!!). Begin with the"]);
}

/// What is wrong is decided on the error and not on its words: this name has the word in it, and cannot be looked up.
#[test]
fn a_bridge_whose_name_says_password_is_not_a_wrong_password() {
    let place = Place::new("[zenoh]\nconnect = [\"tcp/password-safe.invalid:7447\"]\n[serial]\ndevice = \"DIR/none\"\n");
    let (text, _) = ask(&place, "a name that cannot be looked up");
    expect(&text, &["!! device", "!! bridge: tcp/password-safe.invalid:7447:"]);
    assert!(!text.contains("!! password") && text.contains("systemctl status teleinfo-bridge"), "{text}");
}

#[test]
fn the_running_reader_is_told_from_a_stranger() {
    let port = free_port();
    let _router = router(port);
    let place = place(port);
    let _meter = Meter::plug_in(&place.path("meter"), Sends::Frames(Mode::Historic), true);
    let reader = place.start();
    place.until_logged("reading meter");
    let (text, code) = ask(&place, "the reader is running");
    expect(
        &text,
        &[
            "?? in use: the running teleinfo-reader",
            "   $ journalctl -u teleinfo-reader",
            "?? bytes: not tested",
            "Verdict: No fault found, but not",
        ],
    );
    assert_eq!(code, 69);
    assert!(reader.stop().success());
}
