//! Who else has the line: programs that have it open (`/proc/<pid>/fd`), the kernel's console, a login that systemd starts on it.

use std::{
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::Path,
};

use super::{device::Device, place::Place, report::Report};
use crate::{daemon::exit::Code, line};

/// Ourselves, as a service.
const READER: &str = "teleinfo-reader";
/// Programs that ask for a login.
const LOGINS: [&str; 4] = ["agetty", "getty", "login", "mgetty"];
/// Where systemd has the units that it starts on a serial line, or has started.
const GETTY_PLACES: [&str; 3] =
    ["etc/systemd/system/getty.target.wants/", "run/systemd/generator/getty.target.wants/", "run/systemd/units/invocation:"];

/// A program that has the line open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pid: u32,
    name: String,
    /// The systemd service it belongs to.
    unit: Option<String>,
}

impl Holder {
    fn is_login(&self) -> bool {
        LOGINS.contains(&self.name.as_str())
    }

    fn is_reader(&self) -> bool {
        self.name == READER
    }

    /// What frees the line of it; `line` is the line's name.
    fn command(&self, line: &str) -> String {
        match &self.unit {
            _ if self.is_login() => disable_getty(line),
            Some(unit) => format!("$ sudo systemctl stop {unit}"),
            None => format!("$ sudo kill {}", self.pid),
        }
    }
}

fn disable_getty(line: &str) -> String {
    format!("$ sudo systemctl disable --now serial-getty@{line}")
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
    let makes_it = line::is_pseudo_terminal(number) && devices.iter().any(|(target, _)| target.ends_with("ptmx"));
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

/// Says who has the line. `true`: somebody has it besides us.
pub(super) fn check(report: &mut Report<'_>, device: &Device, place: &Place) -> bool {
    let (holders, all) = find(&place.root.join("proc"), device.number);
    let name = device.name();
    for holder in &holders {
        tell(report, holder, &name);
    }
    let login = holders.iter().any(Holder::is_login);
    let waiting = !login && has_getty(&place.root, &name);
    if waiting {
        let text = format!("a login is set up on {name}: systemd starts it with the machine");
        report.doubt("login", &text, &[&disable_getty(&name)]);
    }
    let console = is_console(&place.root, device, &name);
    if console {
        let text = format!("the kernel writes its messages to {name}, and a login follows it there");
        let advice = format!("take console={name},... (or serial0) out of /boot/firmware/cmdline.txt, then restart the machine");
        report.doubt("console", &text, &[&advice]);
    }
    if holders.is_empty() && !waiting && !console {
        report.good("in use", if all { "by nobody else; no login, no console" } else { "by no program of yours (sudo sees all)" });
    }
    !holders.is_empty()
}

fn tell(report: &mut Report<'_>, holder: &Holder, line: &str) {
    let Holder { pid, name, .. } = holder;
    if holder.is_reader() {
        let text = format!("the running {name} (process {pid}) has the line, as it should");
        let advice = [
            "to test the line, stop it:",
            &holder.command(line),
            "and when you are done:",
            "$ sudo systemctl start teleinfo-reader",
            "or see what it says itself:",
            "$ journalctl -u teleinfo-reader -n 20",
        ];
        return report.untested("in use", &text, &advice);
    }
    let what = if holder.is_login() { "a login on this line" } else { "another program" };
    let text = format!("{name} (process {pid}) has it open: {what} takes bytes away");
    report.wrong("in use", Code::Unavailable, &text, &["free the line:", &holder.command(line)]);
}

fn has_getty(root: &Path, line: &str) -> bool {
    GETTY_PLACES.iter().any(|place| root.join(format!("{place}serial-getty@{line}.service")).symlink_metadata().is_ok())
}

/// By its number among the consoles in use (proc_consoles(5)), or by name on the kernel's command line.
fn is_console(root: &Path, device: &Device, name: &str) -> bool {
    let read = |file| fs::read_to_string(root.join(file)).unwrap_or_default();
    let number = format!("{}:{}", nix::sys::stat::major(device.number), nix::sys::stat::minor(device.number));
    let in_use = read("proc/consoles").lines().any(|line| line.split_whitespace().next_back() == Some(&number));
    let asked = read("proc/cmdline")
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("console="))
        .any(|console| console.split(',').next() == Some(name));
    in_use || asked
}

/// Who has this device, in words with the command that frees it; nothing if nobody can be seen.
pub(crate) fn words(path: &Path) -> Option<String> {
    let (target, metadata) = (fs::canonicalize(path).ok()?, fs::metadata(path).ok()?);
    let device = Device { path: target, number: metadata.rdev() };
    let (holders, _) = find(Path::new("/proc"), device.number);
    let Holder { name, pid, .. } = holders.first()?;
    let command = holders.first()?.command(&device.name());
    Some(format!("{} is held by {name} (process {pid}); free it: {}", path.display(), command.trim_start_matches("$ ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: u64 = nix::sys::stat::makedev(204, 64);

    fn device() -> Device {
        Device { path: "/dev/ttyAMA0".into(), number: DEVICE }
    }

    /// A root with these files, the machine at the cupboard.
    fn machine(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("proc")).unwrap();
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn said(root: &Path) -> (String, Option<Code>) {
        let mut out = Vec::new();
        let mut report = Report::new(&mut out, false);
        check(&mut report, &device(), &Place { root: root.into() });
        let code = report.verdict();
        (String::from_utf8(out).unwrap(), code)
    }

    #[test]
    fn a_free_line_is_free() {
        let root = machine(&[("proc/consoles", "tty0 -WU (EC p ) 4:7\n"), ("proc/cmdline", "console=tty1 root=/dev/x")]);
        let (text, code) = said(root.path());
        assert!(text.contains("ok in use: by nobody else"), "{text}");
        assert_eq!(code, None);
    }

    #[test]
    fn the_kernels_console_and_a_login_to_come_are_seen() {
        for files in [[("proc/consoles", "ttyAMA0 -W- (EC p a) 204:64\n")], [("proc/cmdline", "console=ttyAMA0,115200 quiet")]] {
            let (text, _) = said(machine(&files).path());
            assert!(text.contains("?? console: the kernel") && text.contains("cmdline.txt"), "{text}");
        }
        for place in GETTY_PLACES {
            let root = machine(&[(&format!("{place}serial-getty@ttyAMA0.service"), "")]);
            let (text, _) = said(root.path());
            assert!(text.contains("?? login:") && text.contains("$ sudo systemctl disable --now serial-getty@ttyAMA0\n"), "{text}");
        }
    }

    #[test]
    fn each_holder_has_its_remedy() {
        let holder = |name: &str, unit: Option<&str>| Holder { pid: 7, name: name.into(), unit: unit.map(Into::into) };
        assert_eq!(holder("agetty", Some("serial-getty@ttyAMA0")).command("ttyAMA0"), disable_getty("ttyAMA0"));
        assert_eq!(holder("python3", Some("home-assistant@pi")).command("x"), "$ sudo systemctl stop home-assistant@pi");
        assert_eq!(holder("minicom", None).command("x"), "$ sudo kill 7");
    }

    #[test]
    fn a_unit_is_read_from_the_control_group() {
        let getty = "0::/system.slice/system-serial\\x2dgetty.slice/serial-getty@ttyAMA0.service\n";
        assert_eq!(unit(getty).as_deref(), Some("serial-getty@ttyAMA0"));
        assert_eq!(unit("0::/user.slice/user-0.slice/session-1.scope\n"), None);
        assert_eq!(unit(""), None);
    }
}
