//! Is the device there, whose is it, and may it be opened: by whoever asks, and by the service.

use std::{
    fs::{self, Metadata},
    io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
};

use nix::unistd::{AccessFlags, access};

use teleinfo_people::report::{Advice, Report};

use super::{
    line::{SpeedBy, Subject},
    machine::Machine,
    users::{ROOT, User, Users},
};
use crate::{
    daemon::exit::ExitCode,
    language::{Sentence, Words},
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

const DEVICE: Words = Words::new("device", "port");
const ONE_MISSING: Words = Words::new("{} is not there", "{} n'est pas là");
const ALL_MISSING: Words = Words::new("none of {} is there", "aucun de {} n'est là");
const NONE_AT_ALL: [Words; 2] = [
    Words::new("USB adapter: plug it in", "adaptateur USB : branchez-le"),
    Words::new(
        "Raspberry Pi: put enable_uart=1 into /boot/firmware/config.txt and restart it",
        "Raspberry Pi : mettez enable_uart=1 dans /boot/firmware/config.txt et redémarrez-le",
    ),
];
const TRY_ONE: Words = Words::new("this machine has {}: try one", "cette machine a {} : essayez-en un");
const WRITE_IT: Words = Words::new("and write it into reader.toml, [serial] device", "et écrivez-le dans reader.toml, [serial] device");
const NO_LINE: Words = Words::new("{} is no serial line", "{} n'est pas un port série");
const NAME_YOURS: Words = Words::new("name yours: reader.toml, [serial] device", "nommez le vôtre : reader.toml, [serial] device");
const THIS_USER: Words = Words::new("this user", "cet utilisateur");
const NOT_YOU: Words = Words::new("{}: {} may not open it", "{} : {} ne peut pas l'ouvrir");
const NOT_THE_SERVICE: Words = Words::new(
    "{}: you may open it, the service's user {} may not",
    "{} : vous pouvez l'ouvrir, l'utilisateur {} du service ne le peut pas",
);
const LOG_IN_AGAIN: Words = Words::new("then log in again; or run this with sudo", "puis reconnectez-vous ; ou lancez ceci avec sudo");
const TAKEN: Words = Words::new(
    "a login has taken it, or this machine keeps it for itself. A login goes so:",
    "une console l'a pris, ou cette machine le garde pour elle. Pour retirer une console :",
);
const RULE: Words = Words::new("and a rule gives the line back to the group dialout:", "et une règle rend le port au groupe dialout :");

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
            report.wrong(DEVICE, ExitCode::Unavailable, &Sentence::of(format!("{}: {error}", path.display())), &[]);
            None
        }
    }
}

fn missing(report: &Report<'_>, devices: &[PathBuf]) -> Sentence {
    let names: Vec<_> = devices.iter().map(|path| path.display().to_string()).collect();
    match names.as_slice() {
        [name] => report.say(ONE_MISSING, &[name]),
        _ => report.say(ALL_MISSING, &[&names.join(", ")]),
    }
}

/// No device: what the machine has instead.
fn tell_missing(report: &mut Report<'_>, devices: &[PathBuf], root: &Path) {
    let found: Vec<_> = USUAL.iter().filter(|path| root.join(&path[1..]).exists()).copied().collect();
    let advice = match found.first() {
        None => report.advise_all(&NONE_AT_ALL),
        Some(first) => vec![
            report.advise(TRY_ONE, &[&found.join(", ")]),
            Advice::Type(format!("teleinfo-reader doctor --serial {first}")),
            report.advise(WRITE_IT, &[]),
        ],
    };
    report.wrong(DEVICE, ExitCode::Unavailable, &missing(report, devices), &advice);
}

fn judge(report: &mut Report<'_>, path: &Path, target: PathBuf, metadata: &Metadata, machine: &Machine) -> Option<Device> {
    let users = Users::read(&machine.root);
    let shown = if target == path { path.display().to_string() } else { format!("{} -> {}", path.display(), target.display()) };
    if !metadata.file_type().is_char_device() {
        report.wrong(DEVICE, ExitCode::Config, &report.say(NO_LINE, &[&shown]), &[report.advise(NAME_YOURS, &[])]);
        return None;
    }
    let group = users.group_name(metadata.gid());
    let rights = format!("{shown}, {}:{group} {:o}", users.user_name(metadata.uid()), metadata.mode() & 0o7777);
    let device = Device { path: target, asked: path.into(), number: metadata.rdev() };
    if access(path, AccessFlags::R_OK).is_err() {
        let me = me().map_or_else(|_| THIS_USER.get(report.language()).into(), |id| users.user_name(id));
        let mut advice = remedy(report, &group, metadata.mode(), &me, &device);
        advice.push(report.advise(LOG_IN_AGAIN, &[]));
        report.wrong(DEVICE, ExitCode::Permission, &report.say(NOT_YOU, &[&rights, &me]), &advice);
        return None;
    }
    match users.named(SERVICE) {
        Some(service) if !may_open(&users, &service, metadata) => {
            let mut advice = remedy(report, &group, metadata.mode(), SERVICE, &device);
            advice.push(Advice::Type("sudo systemctl restart teleinfo-reader".into()));
            report.doubt(DEVICE, &report.say(NOT_THE_SERVICE, &[&rights, &SERVICE]), &advice);
        }
        _ => report.good(DEVICE, &Sentence::of(rights)),
    }
    Some(device)
}

/// What lets a user open the device. Only the groups that exist for serial lines are joined: another one may give far more, root's all.
fn remedy(report: &Report<'_>, group: &str, mode: u32, user: &str, device: &Device) -> Vec<Advice> {
    let join = |group: &str| Advice::Type(format!("sudo usermod -aG {group} {user}"));
    if SERIAL_GROUPS.contains(&group) && mode & 0o040 != 0 {
        return vec![join(group)];
    }
    let name = device.name();
    let rule = format!("KERNEL==\\\"{name}\\\", GROUP=\\\"dialout\\\", MODE=\\\"0660\\\"");
    vec![
        report.advise(TAKEN, &[]),
        Advice::Type(disable(&getty(&name))),
        report.advise(RULE, &[]),
        Advice::Type(format!("echo {rule} | sudo tee /etc/udev/rules.d/62-teleinfo.rules")),
        Advice::Type("sudo udevadm control --reload".into()),
        Advice::Type("sudo udevadm trigger --subsystem-match=tty".into()),
        join("dialout"),
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
    use teleinfo_people::report::said;

    fn checked(devices: &[PathBuf], root: &Path) -> (String, Option<ExitCode>) {
        said(|report| _ = check(report, devices, &Machine { root: root.into() }))
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
        let advice = |group: &str, mode| {
            said(|report| {
                let advice = remedy(report, group, mode, "pi", &device);
                report.doubt(DEVICE, &Sentence::of("x"), &advice);
            })
            .0
        };
        assert!(advice("dialout", 0o660).contains("   $ sudo usermod -aG dialout pi\n\nVerdict"));
        for (group, mode) in [("root", 0o660), ("root", 0o600), ("tty", 0o620), ("sudo", 0o660), ("dialout", 0o600)] {
            let advice = advice(group, mode);
            let joined: Vec<_> = advice.lines().filter_map(|line| line.split_once("usermod -aG ")).map(|(_, rest)| rest).collect();
            assert_eq!(joined, ["dialout pi"], "{group} {mode:o}");
            assert!(advice.contains("disable --now serial-getty@ttyAMA0") && advice.contains("MODE=\\\"0660"), "{advice}");
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
