//! Is the device there, whose is it, and may it be opened: by whoever asks, and by the service.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use nix::unistd::{AccessFlags, access};

use super::{
    machine::Machine,
    report::Report,
    users::{ROOT, User, Users},
};
use crate::{daemon::exit::ExitCode, line::holders::device_name};

/// The user of our unit.
const SERVICE: &str = "teleinfo-reader";
/// Where serial lines are found that nobody has named.
const USUAL: [&str; 8] =
    ["/dev/ttyUSB0", "/dev/ttyUSB1", "/dev/ttyACM0", "/dev/ttyACM1", "/dev/serial0", "/dev/serial1", "/dev/ttyAMA0", "/dev/ttyS0"];

/// A serial line that is there.
#[derive(Debug)]
pub(super) struct Device {
    /// Where links lead.
    pub(super) path: PathBuf,
    /// Its number in the kernel.
    pub(super) number: u64,
}

impl Device {
    /// What serial-getty@.service and the kernel call it: `ttyAMA0`.
    pub(super) fn name(&self) -> String {
        device_name(&self.path)
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
    let device = Device { path: target, number: metadata.rdev() };
    if access(path, AccessFlags::R_OK).is_err() {
        let me = me().map_or_else(|_| "this user".into(), |id| users.user_name(id));
        let text = format!("{rights}: {me} may not open it");
        report.wrong("device", ExitCode::Permission, &text, &[&format!("$ sudo usermod -aG {group} {me}"), "then log in again"]);
        return None;
    }
    match users.named(SERVICE) {
        Some(service) if !may_open(&users, &service, metadata) => {
            let text = format!("{rights}: you may open it, the service's user {SERVICE} may not");
            let command = format!("$ sudo usermod -aG {group} {SERVICE}");
            report.doubt("device", &text, &[&command, "$ sudo systemctl restart teleinfo-reader"]);
        }
        _ => report.good("device", &rights),
    }
    Some(device)
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
