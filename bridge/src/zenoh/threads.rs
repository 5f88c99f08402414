//! How many threads the bridge has: one for Zenoh, for what is sent and for its main loop alike.
//!
//! By itself Zenoh has six, and a sample that comes now and then wakes one after the other: that costs more than all that is done with the
//! sample. Zenoh reads from its environment alone how many it may have, before it does anything else.

use std::{env, os::unix::process::CommandExt, panic, process::Command};

use tracing::debug;
use zenoh::internal::runtime::ZRuntime;

/// What Zenoh reads.
const VARIABLE: &str = "ZENOH_RUNTIME";
/// All that Zenoh does is done by the thread that it calls `app`.
const ONE: &str = "(rx:(handover:app),acc:(handover:app),tx:(handover:app),net:(handover:app),app:(worker_threads:1))";

/// Begins this program anew, in the same process, in an environment that gives Zenoh one thread. Where its owner has said something else, or
/// where that does not work, it goes on as it is.
pub fn gather() {
    if env::var_os(VARIABLE).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_else(|| program.clone().into_os_string());
    let error = Command::new(program).arg0(name).args(arguments).env(VARIABLE, ONE).exec();
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
