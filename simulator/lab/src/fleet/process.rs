//! What another process costs, as the kernel counts it: processor time from its clock (clock_getcpuclockid(3)), resident memory from `/proc`
//! (proc(5)).

use nix::time::clock_getcpuclockid;
use nix::unistd::Pid;
use std::time::Duration;
use teleinfo_simulator::failure::{Code, Failure, OrFail, Outcome};

/// The processor time of all threads of this process since it began.
///
/// # Errors
/// It has ended.
pub(super) fn processor_time(id: u32) -> Outcome<Duration> {
    let time = clock_getcpuclockid(Pid::from_raw(id as i32)).and_then(nix::time::ClockId::now);
    time.map(Duration::from).or_fail(Code::Unavailable, || format!("cannot read the clock of process {id}"))
}

/// The memory of this process that is resident, in kB.
///
/// # Errors
/// It has ended.
pub(super) fn resident_kb(id: u32) -> Outcome<u64> {
    let path = format!("/proc/{id}/status");
    let text = std::fs::read_to_string(&path).or_fail(Code::Unavailable, || format!("cannot read {path}"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| Failure::new(Code::Software, format!("{path} says nothing of VmRSS")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_costs_something() {
        let (id, before) = (std::process::id(), std::time::Instant::now());
        while processor_time(id).unwrap() < Duration::from_millis(10) {
            assert!(before.elapsed() < Duration::from_secs(60));
        }
        assert!(resident_kb(id).unwrap() > 500);
    }
}
