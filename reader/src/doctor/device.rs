//! Is the device there, whose is it, and may it be opened: by whoever asks, and by the service.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use nix::unistd::{AccessFlags, access};

use super::{
    line::{SpeedBy, Subject},
    machine::Machine,
    report::Report,
    users::{ROOT, User, Users},
};
use crate::{
    daemon::exit::ExitCode,
    line::{
        Source,
        holders::{device_name, disable, getty},
        is_pseudo_terminal,
    },
};

/// The user of our unit.
const SERVICE: &str = "teleinfo-reader";
/// The groups of serial lines: Debian's, and that of other systems.
const SERIAL_GROUPS: [&str; 2] = ["dialout", "uucp"];
/// Where serial lines are found that nobody has named.
const USUAL: [&str; 8] =
    ["/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/ttyACM0", "/dev/ttyACM1", "/dev/serial0", "/dev/serial1", "/dev/ttyAMA0", "/dev/ttyS0"];

/// A serial line that is there.
#[derive(Debug)]
pub(super) struct Device {
    /// Where links lead.
    pub(super) path: PathBuf,
    /// As it was asked for, which may be a link to it.
    pub(super) asked: PathBuf,
    /// Its number in the kernel.
    pub(super) number: u64,
}

impl Device {
    /// What serial-getty@.service and the kernel call it: `ttyAMA0`.
    pub(super) fn name(&self) -> String {
        device_name(&self.path)
    }

    /// What is listened to; `is_shared`: another program takes bytes away.
    pub(super) fn subject(&self, is_shared: bool) -> Subject {
        let speed = if is_pseudo_terminal(self.number) { SpeedBy::Nobody } else { SpeedBy::Us };
        Subject { source: Source::Devices(vec![self.path.clone()]), speed, is_shared }
    }

    /// Every name under which a login may be set up on it: `ttyAMA0`, `serial0`.
    pub(super) fn names(&self) -> [String; 2] {
        [self.name(), device_name(&self.asked)]
    }
}

/// Looks for the first of `devices` that exists; none is a fault.
pub(super) fn check(report: &mut Report<'_>, devices: &[PathBuf], machine: &Machine) -> Option<Device> {
    let Some(path) = devices.iter().find(|path| path.exists()) else {
        tell_missing(report, devices, &machine.root);
        return None;
    };
    match fs::metadata(path).and_then(|metadata| Ok((fs::canonicalize(path)?, metadata))) {
        Ok((target, metadata)) => judge(report, path, target, &metadata, machine),
        Err(error) => {
            report.wrong("device", ExitCode::Unavailable, &format!("{}: {error}", path.display()), &[]);
            None
        }
    }
}

fn missing(devices: &[PathBuf]) -> String {
    let names: Vec<_> = devices.iter().map(|path| path.display().to_string()).collect();
    match names.as_slice() {
        [name] => format!("{name} is not there"),
        _ => format!("none of {} is there", names.join(", ")),
    }
}

/// No device: what the machine has instead.
fn tell_missing(report: &mut Report<'_>, devices: &[PathBuf], root: &Path) {
    let found: Vec<_> = USUAL.iter().filter(|path| root.join(&path[1..]).exists()).copied().collect();
    let Some(first) = found.first() else {
        let advice = ["USB adapter: plug it in", "Raspberry Pi: put enable_uart=1 into /boot/firmware/config.txt and restart it"];
        return report.wrong("device", ExitCode::Unavailable, &missing(devices), &advice);
    };
    let has = format!("this machine has {}: try one", found.join(", "));
    let command = format!("$ teleinfo-reader doctor --serial {first}");
    let advice = [&has, &command, "and write it into reader.toml, [serial] device"];
    report.wrong("device", ExitCode::Unavailable, &missing(devices), &advice);
}

fn judge(report: &mut Report<'_>, path: &Path, target: PathBuf, metadata: &Metadata, machine: &Machine) -> Option<Device> {
    let users = Users::read(&machine.root);
    let shown = if target == path { path.display().to_string() } else { format!("{} -> {}", path.display(), target.display()) };
    if !metadata.file_type().is_char_device() {
        report.wrong("device", ExitCode::Config, &format!("{shown} is no serial line"), &["name yours: reader.toml, [serial] device"]);
        return None;
    }
    let group = users.group_name(metadata.gid());
    let rights = format!("{shown}, {}:{group} {:o}", users.user_name(metadata.uid()), metadata.mode() & 0o7777);
    let device = Device { path: target, asked: path.into(), number: metadata.rdev() };
    if access(path, AccessFlags::R_OK).is_err() {
        let me = me().map_or_else(|_| "this user".into(), |id| users.user_name(id));
        let text = format!("{rights}: {me} may not open it");
        let advice = remedy(&group, metadata.mode(), &me, &device);
        let advice: Vec<&str> = advice.iter().map(String::as_str).chain(["then log in again; or run this with sudo"]).collect();
        report.wrong("device", ExitCode::Permission, &text, &advice);
        return None;
    }
    match users.named(SERVICE) {
        Some(service) if !may_open(&users, &service, metadata) => {
            let text = format!("{rights}: you may open it, the service's user {SERVICE} may not");
            let advice = remedy(&group, metadata.mode(), SERVICE, &device);
            let advice: Vec<&str> = advice.iter().map(String::as_str).chain(["$ sudo systemctl restart teleinfo-reader"]).collect();
            report.doubt("device", &text, &advice);
        }
        _ => report.good("device", &rights),
    }
    Some(device)
}

/// What lets a user open the device. Only the groups that exist for serial lines are joined: another one may give far more, root's all.
fn remedy(group: &str, mode: u32, user: &str, device: &Device) -> Vec<String> {
    if SERIAL_GROUPS.contains(&group) && mode & 0o040 != 0 {
        return vec![format!("$ sudo usermod -aG {group} {user}")];
    }
    let name = device.name();
    vec![
        "a login has taken it, or this machine keeps it for itself. A login goes so:".into(),
        disable(&getty(&name)),
        "and a rule gives the line back to the group dialout:".into(),
        format!("$ echo 'KERNEL==\"{name}\", GROUP=\"dialout\", MODE=\"0660\"' | sudo tee /etc/udev/rules.d/62-teleinfo.rules"),
        "$ sudo udevadm control --reload".into(),
        "$ sudo udevadm trigger --subsystem-match=tty".into(),
        format!("$ sudo usermod -aG dialout {user}"),
    ]
}

fn me() -> io::Result<u32> {
    fs::metadata("/proc/self").map(|metadata| metadata.uid())
}

/// By the rules of inode(7): the first class that fits decides.
fn may_open(users: &Users, user: &User, metadata: &Metadata) -> bool {
    let mode = metadata.mode();
    match user.id {
        ROOT => true,
        id if id == metadata.uid() => mode & 0o400 != 0,
        _ if users.is_member(user, metadata.gid()) => mode & 0o040 != 0,
        _ => mode & 0o004 != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(devices: &[PathBuf], root: &Path) -> (String, Option<ExitCode>) {
        let mut out = Vec::new();
        let mut report = Report::new(&mut out, false);
        check(&mut report, devices, &Machine { root: root.into() });
        let code = report.verdict();
        (String::from_utf8(out).unwrap(), code)
    }

    #[test]
    fn what_the_machine_has_instead_is_named() {
        let root = tempfile::tempdir().unwrap();
        let (text, code) = checked(&["/nowhere/ttyX".into()], root.path());
        assert!(text.contains("/nowhere/ttyX is not there") && text.contains("enable_uart=1"), "{text}");
        assert_eq!(code, Some(ExitCode::Unavailable));
        fs::create_dir(root.path().join("dev")).unwrap();
        fs::write(root.path().join("dev/ttyUSB0"), "").unwrap();
        let (text, _) = checked(&["/nowhere/a".into(), "/nowhere/b".into()], root.path());
        assert!(
            text.contains("none of /nowhere/a, /nowhere/b") && text.contains("$ teleinfo-reader doctor --serial /dev/ttyUSB0"),
            "{text}"
        );
    }

    #[test]
    fn nobody_is_told_to_join_a_group_that_gives_more_than_a_line() {
        let device = Device { path: "/dev/ttyAMA0".into(), asked: "/dev/serial0".into(), number: 0 };
        assert_eq!(remedy("dialout", 0o660, "pi", &device), ["$ sudo usermod -aG dialout pi"]);
        for (group, mode) in [("root", 0o660), ("root", 0o600), ("tty", 0o620), ("sudo", 0o660), ("dialout", 0o600)] {
            let advice = remedy(group, mode, "pi", &device).join("\n");
            let joined: Vec<_> = advice.lines().filter_map(|line| line.split_once("usermod -aG ")).map(|(_, rest)| rest).collect();
            assert_eq!(joined, ["dialout pi"], "{group} {mode:o}");
            assert!(advice.contains("disable --now serial-getty@ttyAMA0") && advice.contains("MODE=\"0660\""), "{advice}");
        }
    }

    #[test]
    fn a_file_is_no_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (text, code) = checked(&[file.path().into()], Path::new("/"));
        assert!(text.contains("no serial line"), "{text}");
        assert_eq!(code, Some(ExitCode::Config));
    }

    #[test]
    fn the_services_user_is_judged_by_the_rules() {
        // crw-rw-rw- root root 1,3, on every machine; here with a service that is in no group.
        let metadata = fs::metadata("/dev/null").unwrap();
        let users = Users::read(Path::new("/nowhere"));
        let user = User { name: "x".into(), id: 4_000_000, group: 4_000_000 };
        assert!(may_open(&users, &user, &metadata));
        let private = fs::metadata("/proc/1/environ").unwrap();
        assert!(!may_open(&users, &user, &private));
        assert!(may_open(&users, &User { id: ROOT, ..user }, &private));
    }
}
