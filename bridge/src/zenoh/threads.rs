//! How many threads the bridge has: one for Zenoh, for what is sent and for its main loop alike.
//!
//! By itself Zenoh has six, and a sample that comes now and then wakes one after the other: that costs more than all that is done with the
//! sample. Zenoh reads from its environment alone how many it may have, before it does anything else.
//!
//! A member of a group has many instead. Where the other end of a link is cut off, closing it holds a thread for ten seconds, since Zenoh's
//! sockets linger for so long: too few threads would make the bridge deaf while it is to take the place of another.

use std::{env, os::unix::process::CommandExt, panic, process::Command};

use tracing::debug;
use zenoh::internal::runtime::ZRuntime;

/// What Zenoh reads.
const VARIABLE: &str = "ZENOH_RUNTIME";
/// All that Zenoh does is done by the thread that it calls `app`.
const ONE: &str = "(rx:(handover:app),acc:(handover:app),tx:(handover:app),net:(handover:app),app:(worker_threads:1))";

/// Threads that receive, for a member of a group: one for each reader that may be lost at once, ...
const FOR_READERS: usize = 6;
/// ... and those for the links to and from each other member.
const OF_A_MEMBER: usize = 2;

/// One thread for all of Zenoh.
pub fn gather() {
    begin_anew(ONE);
}

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

/// Does something on the thread of Zenoh, and waits until it is done.
///
/// # Panics
/// As the work does.
pub fn run<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    let task = ZRuntime::Application.spawn(work);
    match ZRuntime::Application.block_on(task) {
        Ok(done) => done,
        Err(error) => panic::resume_unwind(error.into_panic()),
    }
}
