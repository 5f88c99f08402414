//! Who else has the line: the programs that have it open (`/proc/<pid>/fd`), and what frees it of them.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::Path,
};

use super::termios::is_pseudo_terminal;
use crate::language::Language;

/// Ourselves, as a service.
const READER: &str = "teleinfo-reader";
/// Programs that ask for a login.
const LOGINS: [&str; 4] = ["agetty", "getty", "login", "mgetty"];
/// A program that has the line open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    pub(crate) name: String,
    /// The systemd service it belongs to.
    unit: Option<String>,
}

impl Holder {
    /// It asks for a login.
    pub(crate) fn is_login(&self) -> bool {
        LOGINS.contains(&self.name.as_str())
    }

    /// It is this program, as a service.
    pub(crate) fn is_reader(&self) -> bool {
        self.name == READER
    }

    /// What frees the line of it; `line` is the line's name.
    pub(crate) fn command(&self, line: &str) -> String {
        match &self.unit {
            // The unit that really runs: a login may have been set up under another name of the line, such as serial0.
            Some(unit) if self.is_login() => disable(unit),
            None if self.is_login() => disable(&getty(line)),
            Some(unit) => format!("sudo systemctl stop {unit}"),
            None => format!("sudo kill {}", self.pid),
        }
    }
}

/// systemd's unit for a login on a line of this name.
pub(crate) fn getty(line: &str) -> String {
    format!("serial-getty@{line}")
}

/// What keeps systemd from starting this unit, now and after the next start of the machine.
pub(crate) fn disable(unit: &str) -> String {
    format!("sudo systemctl disable --now {unit}")
}

/// All programs but this one that have the device of this number open; `false` if some programs would not let us see.
pub(crate) fn find(proc: &Path, number: u64) -> (Vec<Holder>, bool) {
    let (mut holders, mut all) = (Vec::new(), true);
    for entry in fs::read_dir(proc).into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        if pid == std::process::id() {
            continue;
        }
        match has_open(&entry.path(), number) {
            Some(true) => holders.push(holder(&entry.path(), pid)),
            Some(false) => {}
            // Either it has just ended, or it is somebody else's.
            None => all &= !entry.path().exists(),
        }
    }
    (holders, all)
}

fn has_open(process: &Path, number: u64) -> Option<bool> {
    let links = fs::read_dir(process.join("fd")).ok()?.flatten().map(|entry| entry.path());
    // Only what is under /dev is looked at closer: stat(2) on anything else may wait for a network.
    let devices: Vec<_> = links.filter_map(|link| Some((fs::read_link(&link).ok().filter(|to| to.starts_with("/dev"))?, link))).collect();
    // Whoever makes a pseudo-terminal keeps both its sides: a simulator, not somebody who reads.
    let makes_it = is_pseudo_terminal(number) && devices.iter().any(|(target, _)| target.ends_with("ptmx"));
    let is_it = |link: &Path| fs::metadata(link).is_ok_and(|file| file.file_type().is_char_device() && file.rdev() == number);
    Some(!makes_it && devices.iter().any(|(_, link)| is_it(link)))
}

fn holder(process: &Path, pid: u32) -> Holder {
    let read = |name| fs::read_to_string(process.join(name)).unwrap_or_default();
    Holder { pid, name: read("comm").trim().to_owned(), unit: unit(&read("cgroup")) }
}

/// The last service in a control group's path (cgroups(7)); a user's session is none that could be stopped.
fn unit(cgroup: &str) -> Option<String> {
    let path = cgroup.lines().next()?.rsplit(':').next()?;
    let last = path.rsplit('/').next().filter(|name| name.ends_with(".service"))?;
    Some(last.trim_end_matches(".service").to_owned())
}

/// What the kernel and serial-getty@.service call a device: `ttyAMA0`.
pub(crate) fn device_name(path: &Path) -> String {
    path.strip_prefix("/dev").unwrap_or(path).display().to_string()
}

/// What systemd calls a login on this device, wherever links lead; none where there can be no login.
pub(super) fn login_unit(path: &Path) -> Option<String> {
    let target = path.canonicalize().unwrap_or_else(|_| path.into());
    let name = target.strip_prefix("/dev").ok()?.to_str()?.to_owned();
    (!name.contains('/')).then(|| getty(&name))
}

/// Who has this device, in words with the command that frees it; nothing if nobody can be seen.
pub(crate) fn words(path: &Path, language: Language) -> Option<String> {
    let (target, metadata) = (fs::canonicalize(path).ok()?, fs::metadata(path).ok()?);
    let (holders, _) = find(Path::new("/proc"), metadata.rdev());
    let holder = holders.first()?;
    let Holder { name, pid, .. } = holder;
    let command = holder.command(&device_name(&target));
    let path = path.display();
    Some(match language {
        Language::English => format!("{path} is held by {name} (process {pid}); free it: {command}"),
        Language::French => format!("{path} est occupé par {name} (processus {pid}) ; pour le libérer : {command}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_holder_has_its_remedy() {
        let holder = |name: &str, unit: Option<&str>| Holder { pid: 7, name: name.into(), unit: unit.map(Into::into) };
        for (unit, disabled) in [(Some("serial-getty@serial0"), "serial-getty@serial0"), (None, "serial-getty@ttyAMA0")] {
            let command = holder("agetty", unit).command("ttyAMA0");
            assert_eq!(command, format!("sudo systemctl disable --now {disabled}"), "the unit that really runs");
        }
        assert_eq!(holder("python3", Some("home-assistant@pi")).command("x"), "sudo systemctl stop home-assistant@pi");
        assert_eq!(holder("minicom", None).command("x"), "sudo kill 7");
    }

    #[test]
    fn a_unit_is_read_from_the_control_group() {
        let getty = "0::/system.slice/system-serial\\x2dgetty.slice/serial-getty@ttyAMA0.service\n";
        assert_eq!(unit(getty).as_deref(), Some("serial-getty@ttyAMA0"));
        assert_eq!(unit("0::/user.slice/user-0.slice/session-1.scope\n"), None);
        assert_eq!(unit(""), None);
    }
}
