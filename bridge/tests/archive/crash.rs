//! A writer that is killed at a random moment loses nothing that it had committed, and its file opens.
//!
//! The writer is this test program itself, started again as a process of its own. It says each round that it has committed.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use teleinfo_bridge::archive::{
    block::Grain,
    file::{File, Rows},
};
use teleinfo_proto::tic::MeterId;
use teleinfo_simulator::rng::Rng;

/// Where the writer writes.
const FOLDER: &str = "TELEINFO_ARCHIVE_WRITER";
pub(crate) const FIRST: i64 = 29_000_160;
pub(crate) const METERS: u32 = 3;
/// So long a writer may take until its first commit.
const START: Duration = Duration::from_secs(20);
/// Minutes of one commit.
pub(crate) const ROUND: i64 = 15;
/// Rounds of ten hours, and of the time for which minutes are surely kept.
const LAST: u32 = 40;
const KEPT: u32 = 35 * 96 - 4;

pub(crate) fn meter(number: u32) -> MeterId {
    format!("0418760977{number:02}").parse().unwrap()
}

/// What a round commits. The index tells the minute.
pub(crate) fn rows(round: u32) -> Rows {
    let minutes = (0..ROUND).map(|minute| FIRST + i64::from(round) * ROUND + minute);
    let indexes = |number: u32| minutes.clone().map(move |minute| (minute, u32::try_from(minute - FIRST).unwrap() * 10 + number)).collect();
    (0..METERS).flat_map(|number| ["EAST", "EASF01"].map(|register| ((meter(number), register.to_owned()), indexes(number)))).collect()
}

fn path(folder: &Path) -> std::path::PathBuf {
    folder.join("archive.redb")
}

/// How many rounds were committed. A round that is there in part was torn: those of the last ten hours are looked at, or all of the five weeks for which
/// minutes are kept.
pub(crate) fn rounds(file: &File, all: bool) -> u32 {
    let newest = file.newest().unwrap();
    let Some((newest, _)) = newest.values().max() else { return 0 };
    let committed = u32::try_from((newest + 1 - FIRST) / ROUND).unwrap();
    for round in committed.saturating_sub(if all { KEPT } else { LAST })..=committed {
        let (from, to) = (FIRST + i64::from(round) * ROUND, FIRST + i64::from(round + 1) * ROUND - 1);
        let mut found = Rows::new();
        for number in 0..METERS {
            for (register, curve) in file.read(meter(number), Grain::Minute, from, to).unwrap() {
                found.extend((!curve.is_empty()).then(|| ((meter(number), register), curve)));
            }
        }
        let expected = if round < committed { rows(round) } else { Rows::new() };
        assert_eq!(found, expected, "round {round} of {committed} is torn");
    }
    committed
}

fn rounds_in(folder: &Path, all: bool) -> u32 {
    let (file, damaged) = File::open(&path(folder)).unwrap();
    assert_eq!(damaged, None);
    rounds(&file, all)
}

#[test]
#[ignore = "started by the others, and killed"]
fn writes_until_it_is_killed() {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let first = if path(Path::new(&folder)).exists() { rounds_in(Path::new(&folder), false) } else { 0 };
    let (file, _) = File::open(&path(Path::new(&folder))).unwrap();
    for round in first..first + 10_000 {
        file.commit(&rows(round)).unwrap();
        println!("committed {round}");
        std::io::stdout().flush().unwrap();
    }
}

fn kill(times: u32) {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Rng::named(u64::from(times), "kills");
    let (mut said, mut longest) = (0, Duration::ZERO);
    for time in 0..times {
        let mut writer = Command::new(env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture", "crash::writes_until_it_is_killed"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let committed = Arc::new(AtomicU32::new(said));
        let (heard, output) = (committed.clone(), writer.stdout.take().unwrap());
        let listener = thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(round) = line.split("committed ").nth(1).and_then(|round| round.parse::<u32>().ok()) {
                    heard.store(round + 1, Ordering::SeqCst);
                }
            }
        });
        // Every other one is killed whatever it does by then, be it while it opens the file.
        let begun = Instant::now();
        while time % 2 == 0 && committed.load(Ordering::SeqCst) == said && begun.elapsed() < START {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_millis(random.between(0, 120)));
        writer.kill().unwrap();
        writer.wait().unwrap();
        listener.join().unwrap();
        said = committed.load(Ordering::SeqCst);
        if path(folder.path()).exists() {
            let begun = Instant::now();
            let found = rounds_in(folder.path(), time + 1 == times);
            // All of it is read only at the end.
            longest = longest.max(if time + 1 < times { begun.elapsed() } else { Duration::ZERO });
            assert!(found >= said, "kill {time}: {said} rounds were committed, {found} are there");
        }
    }
    println!("{times} kills, {said} commits, nothing lost; opened and read again in {longest:?} at most");
    assert!(said >= times / 2, "{said} commits");
}

#[test]
fn ten_kills_lose_nothing() {
    kill(10);
}

#[test]
#[ignore = "minutes"]
fn a_thousand_kills_lose_nothing() {
    kill(1_000);
}
