//! How many threads Zenoh has. It reads that from its environment alone, before it does anything else.
//!
//! By itself it has six, and a sample wakes one after the other. To do all of it on one thread, with MQTT and the main loop, was tried: it cost
//! a tenth less. But where the other end of a link is cut off, closing it holds a thread for ten seconds, since Zenoh's sockets linger for so
//! long: with one thread, a reader that is cut off would make the whole bridge deaf. So a bridge has Zenoh's threads, and a member of a group,
//! which is to take the place of another in the meantime, has more.

use std::{env, os::unix::process::CommandExt, process::Command};

use tracing::debug;

/// What Zenoh reads.
const VARIABLE: &str = "ZENOH_RUNTIME";
/// Threads that receive, for a member of a group: one for each reader that may be lost at once, ...
const FOR_READERS: usize = 6;
/// ... and those for the links to and from each other member.
const OF_A_MEMBER: usize = 2;

/// As many threads as the links to so many other members of a group take.
pub fn spread(others: usize) {
    begin_anew(&format!("(rx:(worker_threads:{}))", FOR_READERS + OF_A_MEMBER * others));
}

/// Begins this program anew, in the same process, in an environment that gives Zenoh these threads. Where its owner has said something else, or
/// where that does not work, it goes on as it is.
fn begin_anew(threads: &str) {
    if env::var_os(VARIABLE).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_else(|| program.clone().into_os_string());
    let error = Command::new(program).arg0(name).args(arguments).env(VARIABLE, threads).exec();
    debug!("Zenoh has threads of its own: {error}");
}
