//! A meter on a pseudo-terminal, a reader process, a router to watch what it sends.

use std::{
    fs,
    io::Write,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

use nix::{
    fcntl::OFlag,
    pty::{grantpt, posix_openpt, ptsname_r, unlockpt},
    sys::{
        signal::{Signal, kill},
        termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr},
    },
    unistd::Pid,
};
use teleinfo_proto::{
    seal::{Identity, Looks, Opened, PublicKey, ReaderPeer},
    tic::{
        Mode,
        encode::{FrameWriter, even_parity},
        spec::ETX,
    },
    wire::{BootId, Sample, keys},
};
use tempfile::TempDir;
use zenoh::{Config, Session, Wait, query::ConsolidationMode, query::ReplyKeyExpr};

/// Long enough for a slow machine; no test waits for its end when things go right.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
pub(crate) const METER: &str = "012345678912";
/// What the keys of the reader and of the bridge are made of.
const READER: [u8; 32] = [1; 32];
const BRIDGE: [u8; 32] = [2; 32];
/// Between two frames.
const PAUSE: Duration = Duration::from_millis(100);

/// Waits until `done` gives something.
pub(crate) fn until<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// What the meter sends.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Sends {
    Frames(Mode),
    /// Frames that a bad modem has heard: of most characters bits 4 to 6 are lost.
    Weak(Mode),
    /// Frames of which every third has a wrong bit.
    Noisy(Mode),
    /// Frames with nothing but the meter's address.
    Address,
    /// The first frame of a recording, up to its ETX, over and over.
    Recorded(&'static [u8]),
    Noise,
    Nothing,
}

/// A meter at the end of a pseudo-terminal. Dropped, it is unplugged.
pub(crate) struct Meter {
    link: PathBuf,
    slave: Option<fs::File>,
    sends: Arc<Mutex<Sends>>,
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Meter {
    /// `link` leads to the terminal; `parity`: bit 7 carries it.
    pub(crate) fn plug_in(link: &Path, sends: Sends, parity: bool) -> Self {
        // O_CLOEXEC: a reader that inherited the meter's side would keep it plugged in.
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let device = ptsname_r(&master).unwrap();
        let slave = fs::File::open(&device).unwrap();
        let mut raw = tcgetattr(&slave).unwrap();
        cfmakeraw(&mut raw);
        tcsetattr(&slave, SetArg::TCSANOW, &raw).unwrap();
        symlink(device, link).unwrap();
        let (sends, stop) = (Arc::new(Mutex::new(sends)), Arc::new(AtomicBool::new(false)));
        let mut line = master;
        let (shared, stopped) = (sends.clone(), stop.clone());
        let thread = thread::spawn(move || {
            let mut count = 0;
            while !stopped.load(Ordering::Relaxed) {
                let sends = *shared.lock().unwrap();
                count += 1;
                line.write_all(&bytes(sends, parity, count)).unwrap();
                thread::sleep(PAUSE);
            }
        });
        Self { link: link.into(), slave: Some(slave), sends, stop, thread: Some(thread) }
    }

    pub(crate) fn now_sends(&self, sends: Sends) {
        *self.sends.lock().unwrap() = sends;
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().unwrap().join();
        self.slave = None;
        fs::remove_file(&self.link).unwrap();
    }
}

/// A terminal of this size: what is shown there can be read from the first, a program is given the second.
pub(crate) fn terminal(columns: usize, lines: usize) -> (fs::File, fs::File) {
    // O_CLOEXEC: a program of another test that inherited it would be taken for the maker of a terminal.
    let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let device = ptsname_r(&master).unwrap();
    let size = [columns.to_string(), lines.to_string()];
    let sized = Command::new("stty").args(["-F", &device, "cols", &size[0], "rows", &size[1]]).status().unwrap();
    assert!(sized.success());
    let shown = fs::File::options().read(true).write(true).open(device).unwrap();
    (fs::File::from(std::os::fd::OwnedFd::from(master)), shown)
}

pub(crate) fn bytes(sends: Sends, parity: bool, count: u32) -> Vec<u8> {
    let mut bytes = match sends {
        Sends::Nothing => return Vec::new(),
        Sends::Noise => return (0..40_u32).map(|index| ((count * 40 + index).wrapping_mul(2_654_435_761) >> 24) as u8).collect(),
        Sends::Address => frame(Mode::Historic, count)[..23].iter().copied().chain([3]).collect(),
        Sends::Recorded(frames) => frames.split_inclusive(|byte| *byte == ETX).next().unwrap().to_vec(),
        Sends::Frames(mode) | Sends::Weak(mode) | Sends::Noisy(mode) => frame(mode, count),
    };
    if parity {
        even_parity(&mut bytes);
    }
    if matches!(sends, Sends::Noisy(_)) && count.is_multiple_of(3) {
        bytes[20 + count as usize % 60] ^= 1 << (count % 7);
    }
    if let Sends::Weak(_) = sends {
        bytes.iter_mut().enumerate().filter(|(index, _)| index % 8 != 0).for_each(|(_, byte)| *byte &= !0x70);
    }
    bytes
}

fn frame(mode: Mode, count: u32) -> Vec<u8> {
    let mut buffer = [0; 512];
    let mut writer = FrameWriter::new(&mut buffer, mode).unwrap();
    let index = format!("{:09}", 2_815_235 + count / 100);
    let (date, power) = ("H240210121355", "00260");
    let historic =
        [("ADCO", METER), ("OPTARIF", "BASE"), ("ISOUSC", "30"), ("BASE", &index), ("PTEC", "TH.."), ("IINST", "001"), ("PAPP", power)];
    let standard = [("ADSC", METER), ("VTIC", "02"), ("DATE", ""), ("EAST", &index), ("IRMS1", "001"), ("PREF", "06"), ("SINSTS", power)];
    for (label, data) in if mode == Mode::Historic { historic } else { standard } {
        writer.dataset(label, (label == "DATE").then_some(date), data).unwrap();
    }
    writer.finish().unwrap().to_vec()
}

/// A place for one reader: its files, and what it has logged.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
}

impl Place {
    /// With a configuration; `DIR` in it stands for the place itself.
    pub(crate) fn new(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = config.replace("DIR", directory.path().to_str().unwrap());
        fs::write(directory.path().join("reader.toml"), config).unwrap();
        // The two know each other, so that no first contact is waited for.
        let (key, bridge) = (directory.path().join("key"), directory.path().join("bridge"));
        fs::write(&key, PublicKey::from_bytes(READER).to_string()).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(bridge, Identity::from_seed(&BRIDGE).key().to_string()).unwrap();
        Self { directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_teleinfo-reader"));
        command.env_clear().env("LANG", "en_GB.UTF-8").arg("--config").arg(self.path("reader.toml")).args(arguments);
        command
    }

    pub(crate) fn start(&self) -> Process {
        self.start_with(&[])
    }

    /// With these variables of the environment.
    pub(crate) fn start_with(&self, environment: &[(&str, &Path)]) -> Process {
        let log = fs::File::options().create(true).append(true).open(self.path("log")).unwrap();
        let mut command = self.command(&[]);
        command.envs(environment.iter().copied()).stderr(log).stdout(Stdio::null());
        Process { child: command.spawn().unwrap() }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Lines of the log with this word.
    pub(crate) fn count(&self, word: &str) -> usize {
        self.log().lines().filter(|line| line.contains(word)).count()
    }

    pub(crate) fn until_logged(&self, word: &str) {
        until(&format!("{word:?} in the log:\n{}", self.log()), || (self.count(word) > 0).then_some(()));
    }
}

/// A running reader. Dropped, it is killed.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    pub(crate) fn threads(&self) -> usize {
        fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap().count()
    }

    pub(crate) fn stop(mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        until("the end of the reader", || self.child.try_wait().unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

pub(crate) fn router(port: u16) -> Session {
    router_with(port, "")
}

/// With more of a configuration.
pub(crate) fn router_with(port: u16, more: &str) -> Session {
    let config = format!(
        r#"{{ mode: "router", listen: {{ endpoints: ["tcp/127.0.0.1:{port}"] }},
              scouting: {{ multicast: {{ enabled: false }}, gossip: {{ enabled: false }} }} {more} }}"#
    );
    zenoh::open(Config::from_json5(&config).unwrap()).wait().unwrap()
}

/// The bridge's end of the seal, on a router. What opens is given on; whether its session is proven is the bridge's business.
pub(crate) struct Bridge {
    pub(crate) router: Session,
    pub(crate) samples: Receiver<Vec<u8>>,
    pub(crate) statuses: Receiver<Vec<u8>>,
    peer: Arc<Mutex<ReaderPeer>>,
}

impl Bridge {
    pub(crate) fn on(router: Session) -> Self {
        let peer = Arc::new(Mutex::new(ReaderPeer::new(*Identity::from_seed(&READER).key())));
        let listen = |key: &str| {
            let ((sender, receiver), peer) = (mpsc::channel(), peer.clone());
            let take = move |sample: zenoh::sample::Sample| {
                let opened = opened(&peer, sample.key_expr().as_str(), sample.payload().to_bytes().into_owned());
                // The test may not listen any more.
                opened.into_iter().for_each(|bytes| drop(sender.send(bytes)));
            };
            router.declare_subscriber(key).callback(take).background().wait().unwrap();
            receiver
        };
        let (samples, statuses) = (listen(keys::SAMPLES), listen(keys::STATUSES));
        Self { samples, statuses, peer, router }
    }

    /// Boot and sequence of every sample held; `boot` is the run that is asked.
    pub(crate) fn history(&self, boot: BootId, asked: &str) -> Vec<(u64, u64)> {
        let key = keys::history(&METER.parse().unwrap());
        let question = {
            let mut peer = self.peer.lock().unwrap();
            peer.speak_to(&Identity::from_seed(&BRIDGE), boot, random()).unwrap();
            peer.question(*b"question", asked.as_bytes(), &key, &mut [0; 512]).unwrap().to_vec()
        };
        let query = self.router.get(&*key).payload(question).accept_replies(ReplyKeyExpr::Any);
        let replies = query.consolidation(ConsolidationMode::None).wait().unwrap();
        let mut held = Vec::new();
        while let Ok(reply) = replies.recv() {
            let reply = reply.into_result().unwrap();
            if let Some(bytes) = opened(&self.peer, reply.key_expr().as_str(), reply.payload().to_bytes().into_owned()) {
                let sample = Sample::decode(&bytes).unwrap();
                held.push((sample.boot.get(), sample.sequence));
            }
        }
        held
    }
}

/// Another session at each call.
fn random() -> [u8; 32] {
    let mut random = [0; 32];
    getrandom::fill(&mut random).unwrap();
    random
}

/// What is sealed for the bridge by the reader; everything must be.
fn opened(peer: &Mutex<ReaderPeer>, key: &str, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
    let own = Identity::from_seed(&BRIDGE);
    let mut looks = Looks::new(200);
    match peer.lock().unwrap().open(&own, key, &mut bytes, &mut looks, Duration::ZERO) {
        Ok(Opened::Live(_, plain) | Opened::Unproven(_, plain, _) | Opened::Reply(plain)) => Some(plain.to_vec()),
        Ok(Opened::End) => None,
        Err(refused) => panic!("{key}: {refused}"),
    }
}
