//! What the system lets this process have: open files, and memory under a service manager or in a container.
//!
//! It is read, never changed: `proc_pid_limits(5)`, and the memory controller of cgroup v2.

use std::{fs, path::Path};

/// Files that may be open at once; `None` where nobody says.
#[must_use]
pub fn files() -> Option<u64> {
    files_of(&fs::read_to_string("/proc/self/limits").ok()?)
}

/// Bytes of memory that this process and its children may have; `None` where nobody says.
#[must_use]
pub fn memory_bytes() -> Option<u64> {
    memory_of(Path::new("/sys/fs/cgroup"), &fs::read_to_string("/proc/self/cgroup").ok()?)
}

fn files_of(limits: &str) -> Option<u64> {
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?.split_whitespace().next()?;
    soft.parse().ok()
}

/// The smallest limit on the way from the root to the group of this process.
fn memory_of(root: &Path, groups: &str) -> Option<u64> {
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let limit = |path: &Path| fs::read_to_string(root.join(path).join("memory.max")).ok()?.trim().parse::<u64>().ok();
    Path::new(group).ancestors().filter_map(limit).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_that_holds_now_counts() {
        let limits = "Limit                     Soft Limit           Hard Limit           Units\nMax open files            1024                 8192                 files\n";
        assert_eq!(files_of(limits), Some(1_024));
        assert_eq!(files_of("Max open files            unlimited            unlimited            files\n"), None);
    }

    #[test]
    fn the_tightest_group_counts() {
        let root = tempfile::tempdir().unwrap();
        let group = root.path().join("system.slice/teleinfo-bridge.service");
        fs::create_dir_all(&group).unwrap();
        let groups = "0::/system.slice/teleinfo-bridge.service\n";
        assert_eq!(memory_of(root.path(), groups), None);
        fs::write(group.join("memory.max"), "max\n").unwrap();
        assert_eq!(memory_of(root.path(), groups), None);
        fs::write(root.path().join("system.slice/memory.max"), "268435456\n").unwrap();
        assert_eq!(memory_of(root.path(), groups), Some(256 << 20));
    }
}
