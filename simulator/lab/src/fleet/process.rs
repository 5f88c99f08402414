//! What another process costs, as the kernel counts it: processor time and resident memory, from `/proc` (proc(5)).

use std::time::Duration;
use teleinfo_simulator::failure::{Code, Failure, OrFail, Outcome};

/// One tick of `/proc/PID/stat`: the kernel tells programs of 100 a second on every machine (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);
/// The fields after the name of the program, in which spaces may stand: `utime` is the twelfth of them, `stime` the thirteenth.
const UTIME: usize = 11;

/// The processor time of all threads of this process since it began.
///
/// # Errors
/// It has ended.
pub(super) fn processor_time(id: u32) -> Outcome<Duration> {
    let text = read(id, "stat")?;
    let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: u32 = fields.split_whitespace().skip(UTIME).take(2).filter_map(|ticks| ticks.parse::<u32>().ok()).sum();
    Ok(TICK * ticks)
}

/// The memory of this process that is resident, in kB.
///
/// # Errors
/// It has ended.
pub(super) fn resident_kb(id: u32) -> Outcome<u64> {
    let text = read(id, "status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| Failure::new(Code::Software, format!("/proc/{id}/status says nothing of VmRSS")))
}

fn read(id: u32, name: &str) -> Outcome<String> {
    let path = format!("/proc/{id}/{name}");
    std::fs::read_to_string(&path).or_fail(Code::Unavailable, || format!("cannot read {path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_costs_something() {
        let (id, before) = (std::process::id(), std::time::Instant::now());
        while processor_time(id).unwrap() < TICK {
            assert!(before.elapsed() < Duration::from_secs(60));
        }
        assert!(resident_kb(id).unwrap() > 500);
    }
}
