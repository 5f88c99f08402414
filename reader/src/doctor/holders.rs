//! Who else has the line, for the report: programs that have it open, the kernel's console, a login that systemd starts on it.

use std::{fs, path::Path};

use super::{device::Device, machine::Machine, report::Report};
use crate::{
    daemon::exit::ExitCode,
    line::holders::{Holder, disable, find, getty},
};

/// Where systemd has the units that it starts on a serial line, or has started.
const GETTY_PLACES: [&str; 3] =
    ["etc/systemd/system/getty.target.wants/", "run/systemd/generator/getty.target.wants/", "run/systemd/units/invocation:"];

/// Says who has the line. `true`: somebody has it besides us.
pub(super) fn check(report: &mut Report<'_>, device: &Device, machine: &Machine) -> bool {
    let (holders, all) = find(&machine.root.join("proc"), device.number);
    let name = device.name();
    for holder in &holders {
        tell(report, holder, &name);
    }
    let login = holders.iter().any(Holder::is_login);
    let waiting = login_to_come(&machine.root, device).filter(|_| !login);
    if let Some(unit) = &waiting {
        let text = format!("a login is set up on {name}: systemd starts it with the machine");
        report.doubt("login", &text, &[&disable(unit)]);
    }
    let console = is_console(&machine.root, device);
    if console {
        let text = format!("the kernel writes its messages to {name}, and a login follows it there");
        let advice = format!("take console={name},... (or serial0) out of /boot/firmware/cmdline.txt, then restart the machine");
        report.doubt("console", &text, &[&advice]);
    }
    if holders.is_empty() && waiting.is_none() && !console {
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
    report.wrong("in use", ExitCode::Unavailable, &text, &["free the line:", &holder.command(line)]);
}

/// The unit of a login that systemd starts on the line, by whichever of its names.
fn login_to_come(root: &Path, device: &Device) -> Option<String> {
    let exists = |unit: &String| GETTY_PLACES.iter().any(|place| root.join(format!("{place}{unit}.service")).symlink_metadata().is_ok());
    device.names().iter().map(|name| getty(name)).find(exists)
}

/// By its number among the consoles in use (proc_consoles(5)), or by name on the kernel's command line.
fn is_console(root: &Path, device: &Device) -> bool {
    let read = |file| fs::read_to_string(root.join(file)).unwrap_or_default();
    let number = format!("{}:{}", nix::sys::stat::major(device.number), nix::sys::stat::minor(device.number));
    let in_use = read("proc/consoles").lines().any(|line| line.split_whitespace().next_back() == Some(&number));
    let asked = read("proc/cmdline")
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("console="))
        .any(|console| console.split(',').next().is_some_and(|console| device.names().iter().any(|name| name == console)));
    in_use || asked
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: u64 = nix::sys::stat::makedev(204, 64);

    fn device() -> Device {
        Device { path: "/dev/ttyAMA0".into(), asked: "/dev/serial0".into(), number: DEVICE }
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

    fn said(root: &Path) -> (String, Option<ExitCode>) {
        let mut out = Vec::new();
        let mut report = Report::new(&mut out, false);
        check(&mut report, &device(), &Machine { root: root.into() });
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
        for (place, name) in GETTY_PLACES.into_iter().flat_map(|place| [(place, "ttyAMA0"), (place, "serial0")]) {
            let root = machine(&[(&format!("{place}serial-getty@{name}.service"), "")]);
            let (text, _) = said(root.path());
            let command = format!("$ sudo systemctl disable --now serial-getty@{name}\n");
            assert!(text.contains("?? login:") && text.contains(&command), "the unit that exists: {text}");
        }
    }
}
