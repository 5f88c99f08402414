"""Debian systems: made once by debootstrap, and booted in containers with an init of their own, joined by a network.

The caller is alone in its namespaces (`network.alone`): what is made here ends with it.
"""

import fcntl
import os
import pathlib
import shutil
import subprocess
import time

from bench.process import call, works
from bench.programs import TARGET
from bench.report import say
from bench.wait import wait_for

# A Debian with what our packages need and nothing of ours. It is made at the first run, and copied for each host.
ROOTFS = pathlib.Path(os.environ.get("TELEINFO_ROOTFS", TARGET / "two-hosts/root"))
INCLUDE = (
    *("systemd", "systemd-sysv", "dbus", "udev", "iproute2"),
    *("mosquitto", "mosquitto-clients", "wget", "unattended-upgrades"),
)
NETWORK = "10.78.0"
# The bridge that joins the hosts, of the kind with ports.
SWITCH = "cable"
# Controllers of cgroups that systemd needs for MemoryMax= and DeviceAllow=, where the kernel has them in the old
# hierarchy.
CONTROLLERS = ["memory", "devices"]
# Descriptors of locks that a test holds as long as it runs.
HELD = []
# How systemd-nspawn ends when the system inside reboots.
REBOOT = 133


def mirror():
    """Where Debian comes from: TELEINFO_MIRROR, else what this machine's apt uses, else Debian's own."""
    sites = call("apt-get", "indextargets", "--format", "$(SITE)").split()
    debian = [site for site in sites if site.rstrip("/").endswith("debian")]
    return os.environ.get("TELEINFO_MIRROR") or next(iter(debian), "http://deb.debian.org/debian")


def debootstrap(suite, folder, packages, *script):
    """A small Debian in a folder; it is there whole, or not at all."""
    folder = pathlib.Path(folder)
    unfinished = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    call("debootstrap", "--variant=minbase", f"--include={','.join(packages)}", suite, unfinished, mirror(), *script)
    unfinished.rename(folder)


def made_debian():
    """The folder of that Debian."""
    ROOTFS.parent.mkdir(parents=True, exist_ok=True)
    # Two tests may want it at the same time.
    with open(ROOTFS.with_name(f"{ROOTFS.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (ROOTFS / "usr/bin/unattended-upgrade").exists():
            say(f"making a Debian in {ROOTFS} (once, a minute)")
            shutil.rmtree(ROOTFS, ignore_errors=True)
            debootstrap("bookworm", ROOTFS, INCLUDE)
    return ROOTFS


def make_switch():
    """Before any host. Systems that are booted meet in the machine's control groups, so tests with such go on one at a
    time: this waits, and holds the place until the test ends."""
    HELD.append(os.open(ROOTFS.with_name("booted.lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC))
    fcntl.flock(HELD[-1], fcntl.LOCK_EX)
    call("ip", "link", "add", SWITCH, "type", "bridge")
    call("ip", "link", "set", SWITCH, "up")


class Host:
    """One Debian system in a container."""

    def __init__(self, rootfs, work, name, number, options=()):
        self.name, self.number, self.options = name, number, options
        self.machine = f"{name}-{os.stat(work).st_ino:x}"
        self.root, self.console = pathlib.Path(work, name), pathlib.Path(work, f"{name}.console")
        self.cgroups = [pathlib.Path("/sys/fs/cgroup", kind, self.machine) for kind in CONTROLLERS if is_old(kind)]
        self.process, self.init = None, None
        call("cp", "-a", rootfs, self.root)
        self.write("/etc/hostname", f"{name}\n")
        # Its journal is searched, so its owner has chosen English.
        self.write("/etc/locale.conf", "LANG=en_GB.UTF-8\n")
        self.write("/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {name}\n")
        network = f"[Match]\nName=host0\n[Network]\nAddress={NETWORK}.{number}/24\nLinkLocalAddressing=no\n"
        self.write("/etc/systemd/network/10-host0.network", network)
        call("chroot", self.root, "systemctl", "enable", "systemd-networkd")
        call("chroot", self.root, "systemctl", "disable", "mosquitto", "unattended-upgrades")

    # Its files.

    def path(self, path):
        """A file of the host as it is seen from outside."""
        return self.root / str(path).lstrip("/")

    def read(self, path):
        return self.path(path).read_text()

    def write(self, path, text, mode=0o644):
        file = self.path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def edit(self, path, old, new):
        text = self.read(path)
        if old not in text:
            raise ValueError(f"{path} has no {old}")
        self.write(path, text.replace(old, new, 1))

    # Its life.

    def boot(self, cable=True):
        began = time.monotonic()
        command = ["systemd-nspawn", "-b", "-q", "-D", self.root, "--register=no", "--keep-unit", "-M", self.machine]
        command += [f"--network-bridge={SWITCH}", *self.options]
        with open(self.console, "ab") as console:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=console, stderr=console, preexec_fn=self._join_cgroups
            )
        self.init = wait_for(f"{self.name} starts", self._child, 20)
        if not cable:
            wait_for("nspawn has put the cable in", lambda: "UP" in call("ip", "-o", "link", "show", self._port()), 10)
            self.cable("down")
        wait_for(f"{self.name} answers", self._answers, 60)
        wait_for(f"{self.name} is up", lambda: self.state() == "running", 60)
        self._allow_limits()
        say(f"{self.name} is up after {time.monotonic() - began:.1f} s")

    def cable(self, state):
        call("ip", "link", "set", self._port(), state)

    def ends(self, how):
        """Reboot or power off, as a person would."""
        works(*self._inside("systemctl", how))
        self.process.wait(timeout=90)

    def clean(self):
        """At the very end: the host is off, and its control groups are gone."""
        if self.process and self.process.poll() is None:
            self.ends("poweroff")
        for path in self.cgroups:
            for directory, _, _ in os.walk(path, topdown=False):
                os.rmdir(directory)

    def state(self):
        command = self._inside("systemctl", "is-system-running")
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        return done.stdout.strip() or "offline"

    def _allow_limits(self):
        """Old controllers come read-only into a container; systemd looks for them once, at its start. For units
        that start later."""
        for controller in filter(is_old, CONTROLLERS):
            self.run("mount", "-o", "remount,rw,bind", f"/sys/fs/cgroup/{controller}")
        self.run("systemctl", "daemon-reexec")

    def _join_cgroups(self):
        for path in self.cgroups:
            path.mkdir(parents=True, exist_ok=True)
            (path / "cgroup.procs").write_text(str(os.getpid()))

    def _port(self):
        """Our side of its cable; the kernel takes 15 characters of the name."""
        return f"vb-{self.machine}"[:15]

    def _answers(self):
        """nspawn may have had a child before this one, which has ended."""
        self.init = self._child() or self.init
        return self.state() != "offline"

    def _child(self):
        return pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()[:1]

    def _inside(self, *command):
        return ["nsenter", "-t", *self.init, "-a", *command]

    # What is done on it.

    def run(self, *command):
        return call(*self._inside(*command))

    def apt(self, *arguments):
        return self.run("env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-y", "-q", *arguments)

    def install(self, package):
        shutil.copy(package, self.path("/root"))
        return self.apt("install", f"/root/{os.path.basename(package)}")

    def show(self, unit, key):
        return self.run("systemctl", "show", unit, "--value", "-p", key)

    def is_active(self, unit):
        return self.show(unit, "ActiveState") == "active"

    def journal(self, unit, *options):
        return self.run("journalctl", "-q", "--no-pager", "-o", "short-precise", "-u", unit, *options)

    def version(self, package):
        return self.run("dpkg-query", "-W", "-f", "${Version}", package)


def is_old(controller):
    return os.path.exists(f"/sys/fs/cgroup/{controller}/cgroup.procs")
