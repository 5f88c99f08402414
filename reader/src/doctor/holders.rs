//! Who else has the line, for the report: programs that have it open, the kernel's console, a login that systemd starts on it.

use std::{fs, path::Path};

use teleinfo_people::report::{Advice, Report};

use super::{device::Device, machine::Machine};
use crate::{
    daemon::exit::ExitCode,
    language::Words,
    line::holders::{Holder, disable, find, getty},
};

/// Where systemd has the units that it starts on a serial line, or has started.
const GETTY_PLACES: [&str; 3] =
    ["etc/systemd/system/getty.target.wants/", "run/systemd/generator/getty.target.wants/", "run/systemd/units/invocation:"];

const IN_USE: Words = Words::new("in use", "occupé");
const LOGIN: Words = Words::new("login", "console");
const LOGIN_TO_COME: Words = Words::new(
    "a login is set up on {}: systemd starts it with the machine",
    "une console est prévue sur {} : systemd la lance avec la machine",
);
const CONSOLE: Words = Words::new("console", "noyau");
const KERNEL_WRITES: Words = Words::new(
    "the kernel writes its messages to {}, and a login follows it there",
    "le noyau écrit ses messages sur {}, et une console l'y suit",
);
const CMDLINE: Words = Words::new(
    "take console={},... (or serial0) out of /boot/firmware/cmdline.txt, then restart the machine",
    "ôtez console={},... (ou serial0) de /boot/firmware/cmdline.txt, puis redémarrez la machine",
);
const FREE: Words = Words::new("by nobody else; no login, no console", "par personne d'autre ; ni console, ni noyau");
const FREE_OF_YOURS: Words = Words::new("by no program of yours (sudo sees all)", "par aucun programme à vous (sudo voit tout)");
const OUR_SERVICE: Words =
    Words::new("the running {} (process {}) has the line, as it should", "le {} en marche (processus {}) a le port, comme il se doit");
const TO_TEST: Words = Words::new("to test the line, stop it:", "pour essayer le port, arrêtez-le :");
const WHEN_DONE: Words = Words::new("and when you are done:", "et quand vous avez fini :");
const WHAT_IT_SAYS: Words = Words::new("or see what it says itself:", "ou voyez ce qu'il dit lui-même :");
const BY_LOGIN: Words = Words::new(
    "{} (process {}) has it open: a login on this line takes bytes away",
    "{} (processus {}) l'a ouvert : une console sur ce port prend des octets",
);
const BY_OTHER: Words = Words::new(
    "{} (process {}) has it open: another program takes bytes away",
    "{} (processus {}) l'a ouvert : un autre programme prend des octets",
);
const FREE_IT: Words = Words::new("free the line:", "libérez le port :");

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
        report.doubt(LOGIN, &report.say(LOGIN_TO_COME, &[&name]), &[Advice::Type(disable(unit))]);
    }
    let console = is_console(&machine.root, device);
    if console {
        report.doubt(CONSOLE, &report.say(KERNEL_WRITES, &[&name]), &[report.advise(CMDLINE, &[&name])]);
    }
    if holders.is_empty() && waiting.is_none() && !console {
        report.good(IN_USE, &report.say(if all { FREE } else { FREE_OF_YOURS }, &[]));
    }
    !holders.is_empty()
}

fn tell(report: &mut Report<'_>, holder: &Holder, line: &str) {
    let Holder { pid, name, .. } = holder;
    if holder.is_reader() {
        let advice = [
            report.advise(TO_TEST, &[]),
            Advice::Type(holder.command(line)),
            report.advise(WHEN_DONE, &[]),
            Advice::Type("sudo systemctl start teleinfo-reader".into()),
            report.advise(WHAT_IT_SAYS, &[]),
            Advice::Type("journalctl -u teleinfo-reader -n 20".into()),
        ];
        return report.untested(IN_USE, &report.say(OUR_SERVICE, &[name, pid]), &advice);
    }
    let words = if holder.is_login() { BY_LOGIN } else { BY_OTHER };
    let advice = [report.advise(FREE_IT, &[]), Advice::Type(holder.command(line))];
    report.wrong(IN_USE, ExitCode::Unavailable, &report.say(words, &[name, pid]), &advice);
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
        teleinfo_people::report::said(|report| _ = check(report, &device(), &Machine { root: root.into() }))
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
