//! A process that gets no more than a part of one processor, as on a machine that is too slow: in each period it is stopped once it has had its
//! part. What a control group does needs root; this needs nobody.

use super::process::processor_time;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Short beside everything that the process waits for.
const PERIOD: Duration = Duration::from_millis(10);
/// How often it is looked at within one. What it has had too much by then, it has less in the next.
const LOOK: Duration = Duration::from_micros(500);

/// Holds a process to its part until this is dropped, which has to be before the process ends: its number may be another's then.
#[derive(Debug)]
pub(super) struct Share {
    is_over: Arc<AtomicBool>,
    holder: Option<JoinHandle<()>>,
}

impl Share {
    /// Holds this process to so many processors.
    pub(super) fn hold(id: u32, processors: f64) -> Self {
        let is_over = Arc::<AtomicBool>::default();
        let told = is_over.clone();
        let holder = thread::spawn(move || {
            let mut held = Held { id: Pid::from_raw(id as i32), allowed: processor_time(id).unwrap_or_default() };
            while !told.load(Ordering::Relaxed) && held.runs_for_a_period(PERIOD.mul_f64(processors)).is_some() {}
            // Whoever is to end it sends it a signal that it could not take.
            let _ = kill(held.id, Signal::SIGCONT);
        });
        Self { is_over, holder: Some(holder) }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = self.holder.take().map(JoinHandle::join);
    }
}

struct Held {
    id: Pid,
    /// The processor time that it may have had by now since it began.
    allowed: Duration,
}

impl Held {
    /// `None`: it has ended.
    fn runs_for_a_period(&mut self, part: Duration) -> Option<()> {
        let end = Instant::now() + PERIOD;
        self.allowed += part;
        if self.used()? < self.allowed {
            kill(self.id, Signal::SIGCONT).ok()?;
        }
        while Instant::now() < end {
            if self.used()? < self.allowed {
                thread::sleep(LOOK);
            } else {
                kill(self.id, Signal::SIGSTOP).ok()?;
                thread::sleep(end.saturating_duration_since(Instant::now()));
            }
        }
        // What it did not use is not kept for later.
        self.allowed = self.allowed.min(self.used()?);
        Some(())
    }

    fn used(&self) -> Option<Duration> {
        processor_time(self.id.as_raw() as u32).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_process_has_its_part_and_no_more_and_all_of_it_again_afterwards() {
        let mut busy = Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap();
        let begun = Instant::now();
        let share = Share::hold(busy.id(), 0.2);
        thread::sleep(Duration::from_secs(1));
        let (used, time) = (processor_time(busy.id()).unwrap(), begun.elapsed());
        drop(share);
        let waited = Instant::now();
        while processor_time(busy.id()).unwrap() < used + Duration::from_millis(20) {
            assert!(waited.elapsed() < Duration::from_secs(60), "it stays stopped");
        }
        busy.kill().unwrap();
        busy.wait().unwrap();
        assert!(used < time / 2 && !used.is_zero(), "{used:?} of {time:?}");
    }
}
